package drift

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/reference"
)

// BenchmarkCompare3000 makes the whole verdict on 3,000 features of 20,000 values
// each: counts, tests, measures, quantiles, and the decision.
func BenchmarkCompare3000(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	const features, values = 3000, 2000
	before, after := table{}, table{}
	for i := range features {
		before[fmt.Sprintf("f%04d", i)] = numbers(values, normals(random, 0))
		after[fmt.Sprintf("f%04d", i)] = numbers(values, normals(random, 0))
	}
	r, err := reference.Build(reference.Fixed, tableRowsOf(before, 0), 64, limits)
	if err != nil {
		b.Fatal(err)
	}
	// As many values as if there had been ten times the rows.
	for _, f := range r.Features {
		for i := range f.Counts {
			f.Counts[i] *= 10
		}
		f.Moments.Count, f.Counted = 10*values, 10*values
	}
	w := tableWindow(after, r, 64)
	for b.Loop() {
		Compare(Case{Window: w, Reference: r}, Default())
	}
}
