package dataset_test

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"testing"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// expectedFeature is what SciPy and numpy say of a column.
type expectedFeature struct {
	Kind    string
	N       int
	Missing int `json:"n_missing"`
	Mean    float64
	Counts  map[string]int
}

// column adds up what the reader says of one.
type column struct {
	n, missing int
	sum        float64
	counts     map[string]int
}

func (c *column) add(v event.Value) {
	switch v.Kind {
	case event.Missing:
		c.missing++
		return
	case event.Number:
		c.sum += v.Number
	default:
		c.counts[string(v.Text)]++
	}
	c.n++
}

func (c *column) check(t *testing.T, name string, want expectedFeature) {
	t.Helper()
	if c.n != want.N || c.missing != want.Missing {
		t.Errorf("%s: %d values and %d missing, want %d and %d", name, c.n, c.missing, want.N, want.Missing)
	}
	if want.Kind == "numeric" && math.Abs(c.sum/float64(c.n)-want.Mean) > 1e-9*math.Abs(want.Mean) {
		t.Errorf("%s: mean %v, want %v", name, c.sum/float64(c.n), want.Mean)
	}
	for category, n := range want.Counts {
		if c.counts[category] != n {
			t.Errorf("%s: %d of %s, want %d", name, c.counts[category], category, n)
		}
	}
}

func TestTheFlights(t *testing.T) {
	data, err := os.ReadFile("../flights/testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Reference struct{ Features map[string]expectedFeature }
		Windows   []struct {
			Features   map[string]expectedFeature
			Prediction expectedFeature
		}
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}

	t.Run("reference", func(t *testing.T) {
		want := expected.Reference.Features
		r, columns, rows := read(t, flights.ReferenceName)
		if rows != flights.ReferenceCount || r.Rows() != rows {
			t.Errorf("%d rows, announced as %d", rows, r.Rows())
		}
		for _, c := range r.Columns() {
			if c.Numeric != (want[c.Name].Kind == "numeric") {
				t.Errorf("%s: numeric %v, want %s", c.Name, c.Numeric, want[c.Name].Kind)
			}
		}
		if len(r.Columns()) != len(want)-1 { // the prediction is none
			t.Errorf("%d features, want %d", len(r.Columns()), len(want)-1)
		}
		for name, w := range want {
			columns[name].check(t, name, w)
		}
	})

	t.Run("events", func(t *testing.T) {
		_, columns, rows := read(t, flights.EventsName)
		if rows != flights.EventCount {
			t.Errorf("%d events", rows)
		}
		for name := range expected.Reference.Features {
			values := 0
			for _, w := range expected.Windows {
				if name == "prediction" {
					values += w.Prediction.N
				} else {
					values += w.Features[name].N
				}
			}
			if columns[name].n != values {
				t.Errorf("%s: %d values, in all windows there are %d", name, columns[name].n, values)
			}
		}
	})

	t.Run("outcomes", func(t *testing.T) {
		_, columns, rows := read(t, flights.OutcomesName)
		if rows != flights.OutcomeCount || columns["outcome"].n != int(rows) {
			t.Errorf("%d rows with %d outcomes", rows, columns["outcome"].n)
		}
	})
}

// read adds up the columns of an embedded file.
func read(t *testing.T, name string) (*dataset.Reader, map[string]*column, int64) {
	t.Helper()
	r, err := dataset.OpenFS(flights.Files(), name, event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	columns := map[string]*column{}
	add := func(name []byte, v event.Value) {
		c := columns[string(name)]
		if c == nil {
			c = &column{counts: map[string]int{}}
			columns[string(name)] = c
		}
		c.add(v)
	}
	var row dataset.Row
	for {
		err := r.Next(&row)
		if err == io.EOF {
			return r, columns, row.Number - 1
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range row.Features {
			add(f.Name, f.Value)
		}
		add([]byte("prediction"), row.Prediction)
		add([]byte("outcome"), row.Outcome)
	}
}
