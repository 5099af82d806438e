package reference

import (
	"math"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// LeastCalibrationWindows is how many windows a reference must have of a feature
// for them to say how much windows differ.
const LeastCalibrationWindows = 5

// A Calibration says how much the windows of a reference differ from the rest
// of it. Under autocorrelation, seasons or anything else that values close in
// time have in common, two stretches of one process differ by more than a test of
// independent values allows for; the reference's own windows show by how much.
type Calibration struct {
	// Windows is how many windows were compared with the rest.
	Windows int `json:"windows"`
	// Size is the mean of nm/(n+m) over them, n being a window's values and m the
	// rest's: what the spread of a difference goes by.
	Size float64 `json:"size"`
	// KS is of the distance of distribution functions; nil of categories.
	KS *Spread `json:"ks,omitempty"`
	// ChiSquare is of the counts in categories, or in a number's distinct values;
	// nil where there are more of those than are counted.
	ChiSquare *Spread `json:"chi2,omitempty"`
	// Missing is of the share of events without a value; nil where too few windows
	// have enough events.
	Missing *Share `json:"missing,omitempty"`
}

// A Share is a share of the events of a window, over the reference's windows.
type Share struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
}

// Usual is the share that a window without a break stays below: the mean and three
// standard deviations.
func (s *Share) Usual() float64 { return s.Mean + 3*s.Deviation }

// A Spread is how large an effect the reference's windows show by themselves.
type Spread struct {
	// Mean and Deviation are of the effect: D, or Cramér's V.
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	// Inflation is how many times the variance of independent values the windows
	// show, at least 1: for KS at the cut where it is largest, in units of ¼; for
	// chi-square the mean statistic per degree of freedom (Rao and Scott 1981).
	Inflation float64 `json:"inflation"`
	// DegreesOfFreedom are those that the statistics of the windows behave like,
	// by their mean and variance (Satterthwaite 1946); 0 for KS.
	DegreesOfFreedom float64 `json:"df,omitempty"`
}

// Usual is the effect that a window without drift stays below: the mean of the
// reference's own windows and three standard deviations. size is nm/(n+m) of
// the window at hand: where it is smaller than the windows' own, so that noise is
// larger, the bound grows with it; a larger one is given no credit.
func (s *Spread) Usual(c *Calibration, size float64) float64 {
	usual := s.Mean + 3*s.Deviation
	if size < c.Size {
		usual *= math.Sqrt(c.Size / size)
	}
	return usual
}

// calibrate compares every window of a feature with the rest; nil where there
// are too few.
func (f *featureBlocks) calibrate() *Calibration {
	rows := f.comparable()
	if len(rows) < LeastCalibrationWindows {
		return nil
	}
	total := make([]uint64, f.bins())
	for _, row := range rows {
		for i, n := range row {
			total[i] += uint64(n)
		}
	}
	c := &Calibration{Windows: len(rows)}
	var ks, chi spreading
	variances := make([]float64, f.bins())
	for _, row := range rows {
		window, rest := make([]uint64, len(row)), make([]uint64, len(row))
		for i, n := range row {
			window[i], rest[i] = uint64(n), total[i]-uint64(n)
		}
		n, m := float64(sumUp(window)), float64(sumUp(rest))
		size := n * m / (n + m)
		c.Size += size / float64(len(rows))
		if f.Categories == nil {
			ks.add(twosample.KSBinned(rest, window, nil).Lower, 0)
			gap := 0.0
			for i := range window {
				gap += float64(window[i])/n - float64(rest[i])/m
				variances[i] += float64(size * float64(gap*gap))
			}
		}
		result := twosample.ChiSquare(rest, window)
		chi.add(result.CramersV, result.Statistic)
		chi.degrees = max(chi.degrees, result.DegreesOfFreedom)
	}
	if f.Categories == nil {
		largest := 0.0
		for _, v := range variances {
			largest = max(largest, v/float64(len(rows)))
		}
		c.KS = &Spread{Mean: ks.effect.Mean, Deviation: deviation(&ks.effect), Inflation: max(1, 4*largest)}
	}
	if degrees := float64(chi.degrees); degrees > 0 && len(f.Cuts) < mostCuts {
		mean := chi.statistic.Mean
		c.ChiSquare = &Spread{
			Mean: chi.effect.Mean, Deviation: deviation(&chi.effect), Inflation: max(1, mean/degrees), DegreesOfFreedom: degrees,
		}
		if spread := deviation(&chi.statistic); spread > 0 {
			c.ChiSquare.DegreesOfFreedom = min(degrees, max(1, 2*(mean/spread)*(mean/spread)))
		}
	}
	c.Missing = shareOf(f.Missing)
	return c
}

func shareOf(shares []float64) *Share {
	if len(shares) < LeastCalibrationWindows {
		return nil
	}
	var m windows.Moments
	for _, share := range shares {
		m.Add(share)
	}
	return &Share{Mean: m.Mean, Deviation: deviation(&m)}
}

// spreading collects what the windows show.
type spreading struct {
	effect, statistic windows.Moments
	degrees           int
}

func (s *spreading) add(effect, statistic float64) {
	s.effect.Add(effect)
	s.statistic.Add(statistic)
}

// deviation divides by one less than the count.
func deviation(m *windows.Moments) float64 { return math.Sqrt(m.M2 / float64(m.Count-1)) }

// comparable are the rows of windows that are not much smaller than the others:
// the first and the last are often cut off, and a handful of values is all noise.
func (f *featureBlocks) comparable() [][]uint32 {
	if len(f.Rows) == 0 {
		return nil
	}
	var total uint64
	for _, row := range f.Rows {
		total += sumOf(row)
	}
	least := max(total/uint64(4*len(f.Rows)), 30)
	var rows [][]uint32
	for _, row := range f.Rows {
		if sumOf(row) >= least {
			rows = append(rows, row)
		}
	}
	return rows
}

func sumUp(counts []uint64) uint64 {
	var n uint64
	for _, c := range counts {
		n += c
	}
	return n
}

// calibrate gives every feature the calibration that the windows of the
// reference allow. It is called before the reference is sealed.
func (r *Reference) calibrate(b *Blocks) {
	if b == nil {
		return
	}
	for _, f := range r.all() {
		if blocks := b.find(f.Name, f == r.Prediction); blocks != nil && (f.Type == windows.Categorical) == (blocks.Categories != nil) {
			f.Calibration = blocks.calibrate()
		}
	}
}
