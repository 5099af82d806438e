package twosample

import "math"

// A walker carries the probability C(s, i)·C(N−s, n−i)/C(N, n), s = i+j, that a
// path passes a cell from one cell to the next, as a number and a power of two.
type walker struct {
	n, m, i, j int
	mantissa   float64
	exponent   int
	offset     int     // of the scale of value
	scale      float64 // 2^(exponent−offset)
}

// walk starts at (0, 0), which every path passes. Its values are in units of
// 2^offset.
func (l *lattice) walk(offset int) walker {
	w := walker{n: l.n, m: l.m, mantissa: 1, offset: offset}
	w.scale = math.Ldexp(1, -offset)
	return w
}

// value is the probability in units of 2^offset; it may be 0 or infinite.
func (w *walker) value() float64 { return w.mantissa * w.scale }

func (w *walker) binaryExponent() int { return math.Ilogb(w.mantissa) + w.exponent }

// to walks right and up to the cell (i, j).
func (w *walker) to(i, j int) {
	for w.i < i {
		s := w.i + w.j
		w.multiply(float64(s+1)*float64(w.n-w.i), float64(w.i+1)*float64(w.n+w.m-s))
		w.i++
	}
	for w.j < j {
		s := w.i + w.j
		w.multiply(float64(s+1)*float64(w.m-w.j), float64(w.j+1)*float64(w.n+w.m-s))
		w.j++
	}
}

// down walks one step back down, from j > 0.
func (w *walker) down() {
	s := w.i + w.j
	w.multiply(float64(w.j)*float64(w.n+w.m-s+1), float64(s)*float64(w.m-w.j+1))
	w.j--
}

func (w *walker) multiply(by, over float64) {
	const step = 256
	w.mantissa = w.mantissa * by / over
	switch {
	case w.mantissa < 0x1p-256 && w.mantissa > 0:
		w.mantissa *= 0x1p+256
		w.exponent -= step
	case w.mantissa > 0x1p+256:
		w.mantissa *= 0x1p-256
		w.exponent += step
	default:
		return
	}
	w.scale = math.Ldexp(1, w.exponent-w.offset)
}
