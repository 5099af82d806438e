// Package flights carries a real case within the binary: the predictions of a
// model of flight delays, from March to July 2013, with what became of the
// flights and the rows the model was trained on. README.md beside this file says
// where every number comes from.
package flights

import (
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
)

//go:embed events.ndjson.gz outcomes.ndjson.gz reference.csv.gz
var files embed.FS

// The names of the files.
const (
	EventsName    = "events.ndjson.gz"
	OutcomesName  = "outcomes.ndjson.gz"
	ReferenceName = "reference.csv.gz"
)

// The model the events are of.
const (
	Model   = "flight-arr-delay"
	Version = "1"
)

// The number of lines, or rows, in each file.
const (
	EventCount     = 143_516
	OutcomeCount   = 138_854
	ReferenceCount = 51_955
)

// Files holds the three files as they are shipped, gzipped.
func Files() fs.FS { return files }

// Events reads the prediction events, one native event a line, in the order of
// their event times.
func Events() io.Reader { return &unzipped{name: EventsName} }

// Outcomes reads the outcome events, one a line, in the order of their own event
// times. Not every prediction has one.
func Outcomes() io.Reader { return &unzipped{name: OutcomesName} }

// Reference reads the reference, a CSV file with a header row.
func Reference() io.Reader { return &unzipped{name: ReferenceName} }

// unzipped decompresses an embedded file, from the first Read on.
type unzipped struct {
	name string
	gzip *gzip.Reader
}

func (u *unzipped) Read(p []byte) (int, error) {
	if u.gzip == nil {
		file, err := files.Open(u.name)
		if err != nil {
			return 0, err
		}
		if u.gzip, err = gzip.NewReader(file); err != nil {
			return 0, err
		}
	}
	return u.gzip.Read(p)
}
