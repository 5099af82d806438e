package drift

import (
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// testCategories tests a categorical feature over the categories of both sides.
func testCategories(f *Feature, s *Settings, t *windows.Tally, ref *reference.Feature) {
	union := slices.Clone(ref.Categories)
	for name := range t.Categories {
		if _, known := slices.BinarySearch(ref.Categories, name); !known {
			f.NewCategories = append(f.NewCategories, name)
		}
	}
	slices.Sort(f.NewCategories)
	union = append(union, f.NewCategories...)
	slices.Sort(union)
	counts := &Counts{Categories: union, Reference: make([]uint64, len(union)), Current: make([]uint64, len(union))}
	for i, name := range union {
		if place, known := slices.BinarySearch(ref.Categories, name); known {
			counts.Reference[i] = ref.CategoryCounts[place]
		}
		counts.Current[i] = t.Categories[name]
	}
	if ref.Overflow > 0 || t.Overflow > 0 {
		counts.Categories = append(counts.Categories, windows.Other)
		counts.Reference, counts.Current = append(counts.Reference, ref.Overflow), append(counts.Current, t.Overflow)
	}
	f.Counts = counts
	if !f.enough(s, t.Texts(), total(counts.Reference)) {
		return
	}
	f.Test, f.Method = s.Categorical, methodExact
	if f.Test == testChi2 || f.Test == "" {
		f.Test = testChi2
		f.chi2(counts.Reference, counts.Current)
	} else {
		f.distanceTest(counts.Reference, counts.Current)
	}
	f.countMeasures(s.measures(), counts.Reference, counts.Current)
	f.calibrate(ref.Calibration)
}

// chi2 tests counts by chi-square, with Cramér's V as the effect.
func (f *Feature) chi2(expected, observed []uint64) {
	result := f.homogeneity(expected, observed)
	f.Statistic, f.StatisticError = number(result.Statistic), number(0)
	f.Effect = number(result.CramersV)
}

// distanceTest tests counts with the measure of the test's name as statistic and
// effect. Whether the difference is more than noise is chi-square's to say.
func (f *Feature) distanceTest(expected, observed []uint64) {
	f.homogeneity(expected, observed)
	f.Statistic, f.StatisticError = number(distance(f.Test, expected, observed)), number(0)
	f.Effect = f.Statistic
}

// homogeneity gives the feature the p-value of chi-square.
func (f *Feature) homogeneity(expected, observed []uint64) twosample.ChiSquareResult {
	result := twosample.ChiSquare(expected, observed)
	f.DegreesOfFreedom = result.DegreesOfFreedom
	f.tested = tested{n: int(result.N), m: int(result.M), statistic: result.Statistic, degrees: result.DegreesOfFreedom}
	if result.MinExpected < sparseBelow {
		f.p(twosample.ChiSquarePermutation(expected, observed, permutations))
	} else {
		f.p(result.PValue())
	}
	return result
}

func total(counts []uint64) uint64 {
	var n uint64
	for _, c := range counts {
		n += c
	}
	return n
}
