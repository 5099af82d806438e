package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// deciles are numpy's, by the linear rule.
func deciles(sorted []float64) []float64 {
	var edges []float64
	for i := 1; i < 10; i++ {
		position := float64((len(sorted)-1)*i) / 10
		k := int(position)
		v := sorted[k]
		if share := position - float64(k); share > 0 {
			v += share * (sorted[k+1] - v)
		}
		if len(edges) == 0 || v > edges[len(edges)-1] {
			edges = append(edges, v)
		}
	}
	return edges
}

func TestGroupsOfBinsThatHaveTheDecilesAreTheDeciles(t *testing.T) {
	random := rand.New(rand.NewPCG(103, 107))
	compared := 0
	for range 2000 {
		levels := []int{0, 0, 5, 40}[random.IntN(4)]
		x := randomSample(random, 1+random.IntN(300), levels, 0)
		y := randomSample(random, 1+random.IntN(300), levels, random.Float64())
		coarse := deciles(x)
		if counts := countInBins(x, coarse); slices.Contains(counts[:len(counts)-1], 0) {
			continue // two deciles between the same two values
		}
		compared++
		fine := slices.Clone(coarse)
		for range random.IntN(60) {
			// No edge between a decile and the next smaller value.
			v := math.Nextafter(x[random.IntN(len(x))], math.Inf(-1))
			fine = append(fine, v)
		}
		slices.Sort(fine)
		fine = slices.Compact(fine)
		ends := DecileGroups(countInBins(x, fine))
		for _, sample := range [][]float64{x, y} {
			got, want := Group(countInBins(sample, fine), ends), countInBins(sample, coarse)
			if !slices.Equal(got, want) {
				t.Fatalf("%v of %d fine bins, the deciles %v make %v of %v", got, len(fine)+1, coarse, want, x)
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d samples have a value between any two deciles", compared)
	}
}

func TestGroupsAreCloseToTenthsOfFineBins(t *testing.T) {
	reference := make([]uint64, 1024)
	for b := range reference {
		reference[b] = 1000
	}
	groups := Group(reference, DecileGroups(reference))
	if len(groups) != 10 {
		t.Fatalf("%d groups", len(groups))
	}
	for _, g := range groups {
		if g < 101_400 || g > 103_400 {
			t.Errorf("a group holds %d of 1,024,000", g)
		}
	}
}

func TestDecileGroupsSpecialCases(t *testing.T) {
	for _, c := range []struct {
		name      string
		reference []uint64
		ends      []int
	}{
		{"no bins", nil, nil},
		{"no values", []uint64{0, 0, 0}, []int{3}},
		{"a total beyond 63 bits", []uint64{math.MaxUint64, 1}, []int{2}},
		{"one bin", []uint64{7}, []int{1}},
		{"one bin has all", []uint64{0, 9, 0}, []int{2, 3}},
		{"a bin of many deciles", []uint64{1, 8, 1}, []int{1, 2, 3}},
		{"ten bins", []uint64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"one value", []uint64{0, 1}, []int{2}},
		{"nearly 63 bits", []uint64{math.MaxInt64 - 1, 1}, []int{1, 2}},
	} {
		if got := DecileGroups(c.reference); !slices.Equal(got, c.ends) {
			t.Errorf("%s: %v, want %v", c.name, got, c.ends)
		}
	}
	for name, got := range map[string][]uint64{
		"no ends":          Group([]uint64{1, 2}, nil),
		"ends of others":   Group([]uint64{1, 2}, []int{1, 3}),
		"descending ends":  Group([]uint64{1, 2}, []int{2, 1, 2}),
		"an end far out":   Group([]uint64{1, 2}, []int{9, 2}),
		"an end too early": Group([]uint64{1, 2}, []int{-1, 2}),
	} {
		if got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
