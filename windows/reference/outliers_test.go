package reference

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// Outliers are counted over the same values as the bins: all rows where they
// were read twice, the sample where a window was all there was.
func TestOutliersAreCountedLikeBins(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	for _, n := range []int{1, 4, 1000, 100_000} {
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Exp(random.NormFloat64())
		}
		f := build(t, values, 500).Feature("x")
		var want uint64
		for _, x := range values {
			if x < *f.LowFence || x > *f.HighFence {
				want++
			}
		}
		if f.Outliers == nil || *f.Outliers != want || f.Counted != uint64(n) {
			t.Errorf("%d values: %v outliers of %d, want %d", n, f.Outliers, f.Counted, want)
		}
	}
	if f := build(t, []float64{1, 2, 3}, 500).Feature("gone"); f.Outliers != nil {
		t.Errorf("a feature without values has %d outliers", *f.Outliers)
	}
	// On a fence a value is inside, however often it comes.
	if n := outside([]float64{1, 1, 2, 3, 3, 9}, 1, 3); n != 1 {
		t.Errorf("%d values are outside, want 1", n)
	}
}

// References of before outliers were counted are still read, and say that they
// were not.
func TestOutliersSurviveTheRecords(t *testing.T) {
	made := build(t, []float64{1, 2, 3, 4, 5, 6, 7, 100}, 500)
	head, parts := made.Encode()
	read, err := Decode(head, parts)
	if err != nil || !reflect.DeepEqual(read.Feature("x"), made.Feature("x")) || *read.Feature("x").Outliers != 1 {
		t.Fatalf("%v: read %+v", err, read.Feature("x"))
	}
	for i, part := range parts {
		var record map[string]any
		if err := json.Unmarshal(part, &record); err != nil {
			t.Fatal(err)
		}
		feature := record["feature"].(map[string]any)
		delete(feature, "outliers")
		parts[i], _ = json.Marshal(record)
	}
	if read, err = Decode(head, parts); err != nil || read.Feature("x").Outliers != nil {
		t.Errorf("%v: without a count %+v", err, read.Feature("x"))
	}
	head, parts = made.Encode()
	for i := range parts {
		parts[i] = []byte(strings.Replace(string(parts[i]), `"outliers":1`, `"outliers":99`, 1))
	}
	if _, err := Decode(head, parts); err == nil || !strings.Contains(err.Error(), "99 outliers of 8 values") {
		t.Errorf("more outliers than values: %v", err)
	}
}
