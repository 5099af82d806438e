package drift

import (
	"math"

	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// tested is what deciding needs of a comparison.
type tested struct {
	ks        bool // by distribution functions; otherwise by counts
	n, m      int  // values of the reference and of the window that were compared
	statistic float64
	degrees   int // of freedom, of counts
	// effectError is how far the effect can be off: like statistic_error, in units
	// of the effect.
	effectError float64
	// bothWays: the statistic is of samples, and can be too large as well as too
	// small.
	bothWays bool
	// within gives the p-value of the largest statistic that the error allows; nil
	// where none is known.
	within func() twosample.PValue
	// calibration and spread are what the reference's windows say; nil where
	// nothing is known of them, or not of this test.
	calibration *reference.Calibration
	spread      *reference.Spread
}

// size is nm/(n+m), what the variance of a difference goes by.
func (t *tested) size() float64 {
	n, m := float64(t.n), float64(t.m)
	return n * (m / (n + m))
}

// calibrate says what the reference's own windows make of the comparison.
func (f *Feature) calibrate(c *reference.Calibration) {
	t := &f.tested
	if c == nil || f.P == nil || math.IsNaN(float64(*f.P)) {
		return
	}
	spread := c.ChiSquare
	if t.ks || spread == nil {
		spread = c.KS
	}
	if spread == nil {
		return
	}
	t.calibration, t.spread = c, spread
	f.Calibration = &Calibration{
		Windows: c.Windows, Usual: Number(f.usual()), Inflation: Number(spread.Inflation), P: number(t.calibrated(0)),
	}
	// It allows for more than the plain one, never for less.
	if *f.Calibration.P < *f.P {
		f.Calibration.P = f.P
	}
}

// usual is the effect that the reference's own windows stay below; 0 where they
// were not compared by this effect.
func (f *Feature) usual() float64 {
	t := &f.tested
	switch {
	case t.spread == nil:
		return 0
	case f.Test == testKS && t.spread == t.calibration.KS, f.Test == testChi2 && t.spread == t.calibration.ChiSquare:
		return min(1, t.spread.Usual(t.calibration, t.size()))
	}
	return 0
}

// calibrated is the p-value, allowing for how much the reference's windows
// differ, of an effect that exceeds delta. A window larger than those is given no
// credit for its size: what windows have in common, a season or a slow drift,
// does not shrink with it.
func (t *tested) calibrated(delta float64) float64 {
	size := min(t.size(), t.calibration.Size)
	windows := t.calibration.Windows
	if t.ks {
		return twosample.KSCalibrated(max(0, t.statistic-delta), size, t.spread.Inflation, windows).P
	}
	statistic, degrees := t.statistic*(size/t.size()), t.degrees
	if matched := t.spread.DegreesOfFreedom; matched > 0 && t.degrees > 0 {
		degrees = max(1, int(min(float64(t.degrees), matched)))
		statistic *= float64(degrees) / float64(t.degrees)
	}
	return twosample.ChiSquareCalibrated(statistic, degrees, t.spread.Inflation, windows).P
}
