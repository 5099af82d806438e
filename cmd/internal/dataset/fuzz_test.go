package dataset_test

import (
	"io"
	"testing"
	"testing/fstest"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// FuzzText reads anything as CSV and as NDJSON: it must end, and what comes
// out must be what the columns promised.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,x\n,\n", "a\n\"x\ny\"\n", "ts,latency_ms,a\n0,1,NaN\n", "\ufeffa,\"b\"\r\n1e400,0x1\r\n", "a,a\n", "\"", ",",
		`{"a":1}` + "\n" + `{"model":"m","features":{"a":1}}`, `{"a":{"b":[]}}`, "\n\n{}\n", "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, name := range []string{"x.csv", "x.ndjson"} {
			r, err := dataset.OpenFS(fstest.MapFS{name: {Data: content}}, name, event.Limits{})
			if err != nil {
				continue
			}
			rows := int64(0)
			var row dataset.Row
			for err = r.Next(&row); err == nil; err = r.Next(&row) {
				rows++
				holdsToItsColumns(t, r, &row)
			}
			if err == io.EOF && r.Rows() >= 0 && r.Rows() != rows {
				t.Errorf("%s: %d rows, announced as %d", name, rows, r.Rows())
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func holdsToItsColumns(t *testing.T, r *dataset.Reader, row *dataset.Row) {
	t.Helper()
	if r.Columns() == nil {
		return
	}
	if len(row.Features) != len(r.Columns()) {
		t.Fatalf("row %d has %d features of %d columns", row.Number, len(row.Features), len(r.Columns()))
	}
	for i, c := range r.Columns() {
		f := row.Features[i]
		switch {
		case string(f.Name) != c.Name,
			c.Numeric && f.Value.Kind != event.Number && f.Value.Kind != event.Missing,
			!c.Numeric && f.Value.Kind != event.Text && f.Value.Kind != event.Missing:
			t.Fatalf("row %d: the field %q of column %+v is a %s", row.Number, f.Name, c, f.Value.Kind)
		}
	}
}
