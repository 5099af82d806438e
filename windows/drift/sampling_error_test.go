package drift

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The statistic error of a sampled comparison is stated with a confidence of
// 99 %: of 2,000 samples no more than chance allows are further from the values
// they were drawn from, in distribution or in D from a reference.
func TestSamplesAreWithinTheirStatedError(t *testing.T) {
	random := rand.New(rand.NewPCG(251, 257))
	const rounds, size = 2000, 512
	all := make([]float64, 8*size)
	reference := make([]float64, 3000)
	for i := range all {
		all[i] = random.NormFloat64() + 0.3
	}
	for i := range reference {
		reference[i] = random.NormFloat64()
	}
	slices.Sort(reference)
	whole := slices.Sorted(slices.Values(all))
	d := twosample.KS(reference, whole).D
	stated := dkw(size)
	farther, muchFarther, otherD := 0, 0, 0
	sample := make([]float64, size)
	for range rounds {
		// The first size of a shuffle.
		for i := range size {
			j := i + random.IntN(len(all)-i)
			all[i], all[j] = all[j], all[i]
		}
		copy(sample, all)
		slices.Sort(sample)
		off := twosample.KS(whole, sample).D
		if off > stated {
			farther++
		}
		if off > 0.8*stated {
			muchFarther++
		}
		if apart := twosample.KS(reference, sample).D - d; apart > stated || apart < -stated {
			otherD++
		}
	}
	// 1 % of 2,000 is 20, with a standard deviation of 4.4.
	if farther > 33 || otherD > 33 {
		t.Errorf("of %d samples %d are more than %v off, and %d have a D that is", rounds, farther, stated, otherD)
	}
	// Four fifths of it would be stated with a confidence of 93 %. These samples are
	// of an eighth of the values, none twice, so they are nearer than that.
	if muchFarther < 40 {
		t.Errorf("only %d samples of %d come to four fifths of %v: the error is stated too large", muchFarther, rounds, stated)
	}
}
