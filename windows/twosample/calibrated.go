package twosample

import "math"

// Calibrated is the law of a statistic whose variance was estimated from windows
// of the reference, rather than derived from independent values.
const Calibrated Method = "calibrated"

// KSCalibrated is the probability of a distance of at least d between a window
// and its reference when the windows of one process differ by more than
// independent values would. size is nm/(n+m), inflation how many times the
// variance of independent values the windows show, and windows from how many that
// was estimated:
//
//	p = 2 (1 + 4·size·d²/(inflation·windows))^(−windows/2), at most 1
//
// The difference of the two distribution functions, times √size, is close to a
// Gaussian process. Its largest variance is ¼ for independent values, and inflation
// times as much here; the supremum of such a process has a tail like
// exp(−t²/2σ²), σ² being that variance (Borell 1975), and with the factor 2 this is
// the first term of Kolmogorov's law for independent values. Where σ² is known from
// ν windows only, the tail is taken over its distribution given their estimate, a
// scaled inverse chi-square, which makes (1 + t²/νσ̂²)^(−ν/2) of it, as it makes
// Student's law of the normal one.
//
// Special cases are:
//
//	d or size is NaN, windows or inflation not positive: NaN
//	d ≤ 0: 1
func KSCalibrated(d, size, inflation float64, windows int) PValue {
	if math.IsNaN(d) || math.IsNaN(size) || windows <= 0 || !(inflation > 0) {
		return noPValue(Calibrated)
	}
	if d <= 0 {
		return pValue(1, Calibrated)
	}
	nu := float64(windows)
	return logPValue(math.Ln2-float64(nu/2*math.Log1p(4*size*d*d/(inflation*nu))), Calibrated)
}

// ChiSquareCalibrated is the probability of a chi-square statistic at least as
// large when the windows of one process give statistics that are inflation times
// as large as those of independent values, estimated from so many windows: the
// upper tail of F with degrees and windows degrees of freedom at
// statistic/(inflation·degrees) (Rao and Scott 1981, 1987).
//
// Special cases are:
//
//	the statistic is NaN, windows or inflation not positive: NaN
//	no degrees of freedom, or a statistic of 0: 1
func ChiSquareCalibrated(statistic float64, degrees int, inflation float64, windows int) PValue {
	switch {
	case math.IsNaN(statistic) || windows <= 0 || !(inflation > 0):
		return noPValue(Calibrated)
	case degrees <= 0 || statistic <= 0:
		return pValue(1, Calibrated)
	}
	a, b := float64(windows)/2, float64(degrees)/2
	ratio := statistic / inflation / float64(windows)
	return logPValue(logBetaTail(a, b, ratio), Calibrated)
}

// ZCalibrated is the two-sided probability of a z statistic at least as far from
// 0 when the windows of one process give squares that are inflation times as large
// as those of independent values, estimated from so many windows: Student's law
// with windows degrees of freedom. Its special cases are those of
// ChiSquareCalibrated.
func ZCalibrated(z, inflation float64, windows int) PValue {
	return ChiSquareCalibrated(z*z, 1, inflation, windows)
}
