package reference

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
)

// slice is Rows out of memory.
type slice struct {
	rows []windows.Observation
	next int
}

func (s *slice) Rewind() error { s.next = 0; return nil }

func (s *slice) Next(o *windows.Observation) error {
	if s.next == len(s.rows) {
		return io.EOF
	}
	*o = s.rows[s.next]
	s.next++
	return nil
}

var limits = windows.Limits{Models: 1, Features: 100, Categories: 50}

// rowsOf makes rows of one numeric feature "x" and one categorical "c".
func rowsOf(values []float64) *slice {
	s := &slice{}
	for i, x := range values {
		s.rows = append(s.rows, windows.Observation{HasFeatures: true, IsPrediction: true, Features: []windows.Field{
			{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: x}},
			{Name: []byte("c"), Value: windows.Value{Kind: windows.Text, Text: fmt.Appendf(nil, "k%d", i%3)}},
			{Name: []byte("gone"), Value: windows.Value{}},
		}, Prediction: windows.Value{Kind: windows.Number, Number: -x}})
	}
	return s
}

func build(t *testing.T, values []float64, size int) *Reference {
	t.Helper()
	r, err := Build(Fixed, rowsOf(values), size, limits)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever is sampled, the counts between edges are over all rows.
func TestCountsAreOverAllRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 150_000) // more than the first pass keeps
	for i := range values {
		values[i] = r.NormFloat64()
	}
	made := build(t, values, 1000)
	f := made.Feature("x")
	if f.Counted != 150_000 || len(f.Sample) != 1000 || f.Complete {
		t.Fatalf("counted %d, sampled %d, complete %v", f.Counted, len(f.Sample), f.Complete)
	}
	want := make([]uint64, len(f.Edges)+1)
	for _, x := range values {
		bin := 0
		for bin < len(f.Edges) && x > f.Edges[bin] {
			bin++
		}
		want[bin]++
	}
	if !slices.Equal(f.Counts, want) {
		t.Error("the counts differ from those of a linear search")
	}
	if largest := slices.Max(f.Counts); largest > 300 {
		t.Errorf("the largest bin holds %d of 150,000 values: the edges are not quantiles", largest)
	}
	if p := made.Prediction; p == nil || p.Counted != 150_000 || p.Name != windows.PredictionName {
		t.Errorf("prediction %+v", p)
	}
	if gone := made.Feature("gone"); gone == nil || gone.Present != 0 || gone.Missing != 150_000 {
		t.Errorf("the feature without values is %+v", gone)
	}
}

// Up to windows.MaxEdges/2 distinct values each has a bin of its own, so that
// bins lose nothing.
func TestFewDistinctValuesHaveBinsOfTheirOwn(t *testing.T) {
	var values []float64
	for i := range 5000 {
		values = append(values, float64(i%500)/4)
	}
	f := build(t, values, 10_000).Feature("x")
	for _, x := range values[:500] {
		bin, found := slices.BinarySearch(f.Edges, x)
		if !found || f.Counts[bin] != 10 || f.Edges[bin-1] != math.Nextafter(x, math.Inf(-1)) {
			t.Fatalf("value %v has no bin of its own", x)
		}
	}
	if f.Distinct != 500 {
		t.Errorf("%d distinct values, want 500", f.Distinct)
	}
}

func TestEdgesAreBoundedAndAscending(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		n := 1 + r.IntN(20_000)
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Floor(r.NormFloat64()*float64(1+r.IntN(3000))) / 8
		}
		slices.Sort(values)
		edges := edgesOf(values)
		if len(edges) > windows.MaxEdges || !slices.IsSorted(edges) || len(slices.Compact(slices.Clone(edges))) != len(edges) {
			t.Fatalf("%d values: %d edges, sorted %v", n, len(edges), slices.IsSorted(edges))
		}
	}
	if edgesOf(nil) != nil {
		t.Error("no values have edges")
	}
}

// numpy.quantile's default on [1, 2, 4, 8] at steps of 1/8, by its formula.
func TestQuantileIsNumpys(t *testing.T) {
	values := []float64{1, 2, 4, 8}
	for p, want := range map[float64]float64{0: 1, 0.125: 1.375, 0.25: 1.75, 0.5: 3, 0.75: 5, 0.875: 6.5, 1: 8} {
		if got := Quantile(values, p); got != want {
			t.Errorf("quantile %v is %v, want %v", p, got, want)
		}
	}
	if !math.IsNaN(Quantile(nil, 0.5)) || Quantile([]float64{7}, 0.3) != 7 {
		t.Error("special cases")
	}
}

func TestBinnedQuantileStaysInItsBin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	edges := []float64{1, 2, 3, 5, 8}
	var values []float64
	counts := make([]uint64, len(edges)+1)
	for range 1000 {
		x := r.Float64() * 10
		bin, _ := slices.BinarySearch(edges, x)
		counts[bin]++
		values = append(values, x)
	}
	slices.Sort(values)
	for p := 0.0; p <= 1; p += 0.01 {
		got, want := BinnedQuantile(edges, counts, values[0], values[999], p), Quantile(values, p)
		a, _ := slices.BinarySearch(edges, got)
		b, _ := slices.BinarySearch(edges, want)
		if math.Abs(float64(a-b)) > 1 {
			t.Fatalf("quantile %v: %v from bins, %v from values", p, got, want)
		}
	}
}

func TestEncodingKeepsEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	values := make([]float64, 60_000) // a sample of two parts
	for i := range values {
		values[i] = r.NormFloat64() * 1e200 // M2 overflows
	}
	made := build(t, values, 60_000)
	head, parts := made.Encode()
	if len(parts) < 4 {
		t.Errorf("%d parts", len(parts))
	}
	for i, part := range parts {
		if len(part) > 900_000 {
			t.Errorf("part %d has %d bytes", i, len(part))
		}
	}
	back, err := Decode(head, parts)
	if err != nil {
		t.Fatal(err)
	}
	// A NaN in the moments equals nothing, so the bytes are compared.
	headAgain, partsAgain := back.Encode()
	if string(headAgain) != string(head) || !reflect.DeepEqual(partsAgain, parts) {
		t.Error("what was read back encodes differently")
	}
	if !slices.Equal(back.Feature("x").Sample, made.Feature("x").Sample) {
		t.Error("the sample that was read back differs")
	}
	if again := build(t, values, 60_000); again.ID != made.ID {
		t.Errorf("the same rows have ids %s and %s", made.ID, again.ID)
	}
	values[0] = 0
	if other := build(t, values, 60_000); other.ID == made.ID {
		t.Error("other rows have the same id")
	}
	if _, err := Decode(head, parts[:2]); err == nil {
		t.Error("a reference without some of its parts was read")
	}
}

func TestDraftKeepsEverything(t *testing.T) {
	all := windows.Interval{Start: 1000, End: 2000}
	pane := windows.NewPane(windows.PaneKey{}, all, nil, 5000, limits)
	rows := rowsOf([]float64{3, 1, 2, 2, 7})
	for n := uint64(0); ; n++ {
		var o windows.Observation
		if rows.Next(&o) == io.EOF {
			break
		}
		pane.Count(&o, windows.RowHash(n))
	}
	w := windows.Merge(all, []windows.Part{{Pane: pane}})
	draft := &Draft{}
	draft.Append(w)
	draft.Blocks.insert(&featureBlocks{Name: "x", Cuts: []float64{1, 2.5}, Rows: [][]uint32{{1, 2, 3}, {0, 0, 9}}})
	draft.Blocks.insert(&featureBlocks{Name: windows.PredictionName, Prediction: true, Categories: []string{"a", "b"}, Rows: [][]uint32{{4, 0, 1}}})
	head, parts := EncodeDraft(draft)
	back, err := DecodeDraft(head, parts)
	if err != nil {
		t.Fatal(err)
	}
	headAgain, partsAgain := EncodeDraft(back)
	if string(headAgain) != string(head) || !reflect.DeepEqual(partsAgain, parts) {
		t.Errorf("a draft that was read back encodes to\n%s %s\nwant\n%s %s", headAgain, partsAgain, head, parts)
	}
	a, b := draft.Reference(First, 100), back.Reference(First, 100)
	if a.ID != b.ID {
		t.Error("the reference made of a draft that was read back differs")
	}
}

// Values at both ends of float64 are too far apart to subtract, and have finite
// quantiles all the same.
func TestQuantilesOfValuesFarApart(t *testing.T) {
	sorted := []float64{-math.MaxFloat64, -math.MaxFloat64 / 2, math.MaxFloat64}
	for _, p := range QuantilePoints() {
		if q := Quantile(sorted, p); math.IsNaN(q) || math.IsInf(q, 0) {
			t.Errorf("quantile %v is %v", p, q)
		}
		if q := BinnedQuantile([]float64{0}, []uint64{2, 1}, sorted[0], sorted[2], p); math.IsNaN(q) || math.IsInf(q, 0) {
			t.Errorf("quantile %v of bins is %v", p, q)
		}
	}
}

// Quantiles of bins at many probabilities are those at one after the other.
func TestBinnedQuantilesAreInTheirBins(t *testing.T) {
	edges := []float64{1, 2, 4}
	counts := []uint64{10, 0, 20, 10} // (0, 1], (1, 2], (2, 4], (4, 9]
	got := BinnedQuantiles(edges, counts, 0, 9, []float64{0, 0.125, 0.25, 0.5, 0.75, 1})
	if want := []float64{0, 0.5, 1, 3, 4, 9}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	made, err := Build(Fixed, rowsOf([]float64{1, 2, 3}), 10, limits)
	if err != nil {
		f.Fatal(err)
	}
	head, parts := made.Encode()
	f.Add(head, parts[0])
	draftHead, draftParts := EncodeDraft(&Draft{Window: &windows.Window{Features: []*windows.Tally{{Name: "x", Sample: windows.NewSample(3)}}}})
	f.Add(draftHead, draftParts[0])
	summaryHead, summaryParts := Summarise(&windows.Window{Events: 3, Features: []*windows.Tally{{Name: "x", Sample: windows.NewSample(3)}}}, Origin{Model: "m"}, 3).Encode()
	f.Add(summaryHead, summaryParts[0])
	f.Fuzz(func(_ *testing.T, head, part []byte) {
		if r, err := Decode(head, [][]byte{part}); err == nil {
			r.Grid()
			if r.Kind == Window && r.OnGrid(nil) == nil {
				Merge(Rolling, []*Reference{r, r}, 10)
			}
		}
		if d, err := DecodeDraft(head, [][]byte{part}); err == nil {
			d.Reference(First, 10)
		}
	})
}
