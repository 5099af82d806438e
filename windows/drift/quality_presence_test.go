package drift

import "testing"

// Where features were left out for being too many, how many values are missing is
// known within bounds only. As many as ever lie within them: that is neither a
// gap nor one that has closed.
func TestValuesBeyondTheLimitHaveNotAppeared(t *testing.T) {
	before := counted{rows: 10_000, missing: 7000}
	s := Default()
	for _, c := range []struct {
		missing, overLimit uint64
		broken             string
	}{
		{missing: 1400}, // of 2,000, as in the reference
		{missing: 1400, overLimit: 300},
		{missing: 1400, overLimit: 5000},
		{missing: 1990, overLimit: 400}, // perhaps 1,590, which wanders
		{missing: 1990, overLimit: 50, broken: "missing"},
		{missing: 20, broken: "appeared"},
		{missing: 20, overLimit: 5000, broken: "appeared"}, // or fewer still
	} {
		one := windowAgainst([]counted{{rows: 2000, missing: c.missing}}, []counted{before})
		one.Window.OverLimit = c.overLimit
		v := verdictOf(one)
		judgeQuality(v, &s, &one)
		f := v.Features["x0000"]
		if got := f.BrokenMost().Name; got != c.broken || v.Broken != (c.broken != "") {
			t.Errorf("%d of 2000 missing, %d values beyond the limit: %q is broken, want %q", c.missing, c.overLimit, got, c.broken)
		}
		if f.Quality.Missing == nil {
			t.Errorf("%d of 2000 missing, %d values beyond the limit: the rate is not shown", c.missing, c.overLimit)
		}
	}
}
