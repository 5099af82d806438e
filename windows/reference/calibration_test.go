package reference

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// hourly cuts time into hours.
func hourly(t *testing.T) *windows.Definition {
	t.Helper()
	d := &windows.Definition{Size: windows.DurationSpan(time.Hour)}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	return d
}

// series makes rows of an AR(1) process with unit variance, n an hour, and of a
// category that follows it.
func series(hours, n int, rho float64, seed uint64) *slice {
	random := rand.New(rand.NewPCG(seed, 1))
	s := rowsOf(make([]float64, hours*n))
	x := random.NormFloat64()
	for i := range s.rows {
		x = rho*x + math.Sqrt(1-rho*rho)*random.NormFloat64()
		o := &s.rows[i]
		o.Time = windows.Timestamp(1 + i*3_600_000/n)
		o.Features[0].Value.Number = x
		o.Prediction.Number = x
		o.Features[1].Value.Text = []byte("low")
		if x > 0.5 {
			o.Features[1].Value.Text = []byte("high")
		}
	}
	return s
}

// Independent values are not inflated; those of an AR(1) process are by
// (1+ρ)/(1−ρ) for their mean, and by a little less for the share below the median.
func TestWindowsOfAReferenceShowAutocorrelation(t *testing.T) {
	for _, c := range []struct {
		rho       float64
		low, high float64
	}{
		{0, 1, 1.6},
		{0.5, 1.6, 3.6},
		{0.9, 8, 24},
	} {
		r, err := BuildInWindows(Fixed, series(100, 400, c.rho, 7), 1000, limits, hourly(t))
		if err != nil {
			t.Fatal(err)
		}
		x := r.Feature("x").Calibration
		if x == nil || x.Windows != 100 || x.KS == nil || x.ChiSquare != nil {
			t.Fatalf("ρ = %v: the calibration of a number is %+v", c.rho, x)
		}
		if math.Abs(x.Size-396) > 0.1 { // 400·39,600/40,000
			t.Errorf("ρ = %v: the size is %v", c.rho, x.Size)
		}
		if got := x.KS.Inflation; got < c.low || got > c.high {
			t.Errorf("ρ = %v: D is inflated %v times, want %v to %v", c.rho, got, c.low, c.high)
		}
		category := r.Feature("c").Calibration
		if category == nil || category.KS != nil || category.ChiSquare == nil {
			t.Fatalf("ρ = %v: the calibration of a category is %+v", c.rho, category)
		}
		if got := category.ChiSquare.Inflation; got < 0.8*c.low || got > c.high {
			t.Errorf("ρ = %v: chi-square is inflated %v times, want %v to %v", c.rho, got, c.low, c.high)
		}
		if r.Prediction.Calibration == nil || *r.Prediction.Calibration.KS != *x.KS {
			t.Errorf("ρ = %v: the prediction, which has the same values, is calibrated differently", c.rho)
		}
		if got := r.Feature("gone").Calibration; got != nil {
			t.Errorf("a feature without values has a calibration: %+v", got)
		}
	}
}

// Rows may come in any order: what counts is their time.
func TestTheOrderOfRowsDoesNotMatterToTheCalibration(t *testing.T) {
	rows := series(20, 100, 0.9, 3)
	before, err := BuildInWindows(Fixed, rows, 1000, limits, hourly(t))
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(rows.rows), func(i, j int) { rows.rows[i], rows.rows[j] = rows.rows[j], rows.rows[i] })
	after, err := BuildInWindows(Fixed, rows, 1000, limits, hourly(t))
	if err != nil {
		t.Fatal(err)
	}
	if *before.Feature("x").Calibration.KS != *after.Feature("x").Calibration.KS {
		t.Errorf("%+v became %+v", before.Feature("x").Calibration.KS, after.Feature("x").Calibration.KS)
	}
}

func TestThereIsNoCalibration(t *testing.T) {
	timeless := series(20, 100, 0, 3)
	for i := range timeless.rows {
		timeless.rows[i].Time = 0
	}
	for name, c := range map[string]struct {
		rows       *slice
		definition *windows.Definition
	}{
		"without times":            {timeless, hourly(t)},
		"without a definition":     {series(20, 100, 0, 3), nil},
		"with too few windows":     {series(LeastCalibrationWindows-1, 100, 0, 3), hourly(t)},
		"with hardly any value in": {series(20, 5, 0, 3), hourly(t)},
	} {
		r, err := BuildInWindows(Fixed, c.rows, 1000, limits, c.definition)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Feature("x").Calibration; got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// With very many windows every second is left out, or more: what they show stays the
// same, but for chance.
func TestManyWindowsAreThinnedOut(t *testing.T) {
	r, err := BuildInWindows(Fixed, series(mostBlocks+200, 60, 0.5, 5), 1000, limits, hourly(t))
	if err != nil {
		t.Fatal(err)
	}
	c := r.Feature("x").Calibration
	if c.Windows != (mostBlocks+200)/2 || c.KS.Inflation < 2 || c.KS.Inflation > 3.5 {
		t.Errorf("%+v %+v", c, c.KS)
	}
}

// A reference that grows window by window is calibrated like a file of the same
// rows, but that its first window places the cuts.
func TestADraftIsCalibrated(t *testing.T) {
	rows := series(40, 300, 0.8, 11)
	file, err := BuildInWindows(Fixed, rows, 20_000, limits, hourly(t))
	if err != nil {
		t.Fatal(err)
	}
	d := &Draft{}
	for hour := range 40 {
		part := &slice{rows: rows.rows[hour*300 : (hour+1)*300]}
		w, err := pass(part, nil, 20_000, limits, func(*windows.Observation) {})
		if err != nil {
			t.Fatal(err)
		}
		d.Append(w)
	}
	grown := d.Reference(First, 20_000)
	a, b := file.Feature("x").Calibration, grown.Feature("x").Calibration
	if b == nil || a.Windows != b.Windows || math.Abs(a.Size-b.Size) > 1e-9 || math.Abs(a.KS.Inflation/b.KS.Inflation-1) > 0.05 {
		t.Errorf("a file: %+v %+v\na draft: %+v %+v", a, a.KS, b, b.KS)
	}
	if c := grown.Feature("c").Calibration; c == nil || math.Abs(c.ChiSquare.Inflation/file.Feature("c").Calibration.ChiSquare.Inflation-1) > 1e-9 {
		t.Errorf("the categories: %+v", c)
	}
}

// What is usual grows where a window is smaller than those of the reference, and
// does not shrink where it is larger.
func TestUsual(t *testing.T) {
	c := &Calibration{Size: 100, KS: &Spread{Mean: 0.1, Deviation: 0.02}}
	for size, want := range map[float64]float64{25: 0.32, 100: 0.16, 10_000: 0.16} {
		if got := c.KS.Usual(c, size); math.Abs(got-want) > 1e-15 {
			t.Errorf("with nm/(n+m) of %v up to %v is usual, want %v", size, got, want)
		}
	}
}
