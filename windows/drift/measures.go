package drift

import (
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The measures, by their names in a verdict and in settings.
const (
	measurePSI               = "psi"
	measureWasserstein       = "wasserstein"
	measureNormedWasserstein = "wasserstein_normed"
	measureJensenShannon     = "jensen_shannon"
	measureHellinger         = "hellinger"
	measureTotalVariation    = "total_variation"
)

// AllMeasures are the names of all measures.
func AllMeasures() []string {
	return []string{measurePSI, measureWasserstein, measureNormedWasserstein, measureJensenShannon, measureHellinger, measureTotalVariation}
}

// DefaultMeasures are those a verdict shows where the settings name none.
func DefaultMeasures() []string {
	return []string{measurePSI, measureWasserstein, measureJensenShannon}
}

// Measures are distances between the two distributions, for reading beside the
// test.
type Measures struct {
	PSI         *Number `json:"psi,omitempty"`
	Wasserstein *Number `json:"wasserstein,omitempty"`
	// NormedWasserstein is in standard deviations of the reference.
	NormedWasserstein *Number `json:"wasserstein_normed,omitempty"`
	JensenShannon     *Number `json:"jensen_shannon,omitempty"` // the distance, base 2
	Hellinger         *Number `json:"hellinger,omitempty"`
	TotalVariation    *Number `json:"total_variation,omitempty"`
}

// measures are the names of those to show.
func (s *Settings) measures() []string {
	if s.Measures == nil {
		return DefaultMeasures()
	}
	return s.Measures
}

// slot is where a measure of two sets of counts stands; nil for those of
// values.
func (m *Measures) slot(name string) **Number {
	switch name {
	case measurePSI:
		return &m.PSI
	case measureJensenShannon:
		return &m.JensenShannon
	case measureHellinger:
		return &m.Hellinger
	case measureTotalVariation:
		return &m.TotalVariation
	}
	return nil
}

// countMeasures adds those distances between two sets of counts that are asked
// for.
func (f *Feature) countMeasures(asked []string, expected, observed []uint64) {
	for _, name := range asked {
		if slot := f.measured().slot(name); slot != nil {
			*slot = number(distance(name, expected, observed))
		}
	}
}

// measured is where measures are written.
func (f *Feature) measured() *Measures {
	if f.Measures == nil {
		f.Measures = new(Measures)
	}
	return f.Measures
}

// distance is a measure between two sets of counts.
func distance(name string, expected, observed []uint64) float64 {
	switch name {
	case measurePSI:
		return twosample.PSI(expected, observed)
	case measureJensenShannon:
		return twosample.JensenShannonDistance(expected, observed)
	case measureHellinger:
		return twosample.Hellinger(expected, observed)
	default:
		return twosample.TotalVariation(expected, observed)
	}
}
