package twosample

import "math"

// Two samples of n and m values, merged, are a path of N = n+m steps from (0, 0)
// to (n, m): a step right for a value of the first, a step up for one of the
// second. All C(N, n) paths are equally likely, D ≥ d are those that come to a
// cell (i, j) with |i·m/g − j·n/g| ≥ h, and p is their share.
//
// What is carried from cell to cell is the probability U(i, j) that a path
// passes (i, j) and has been outside the band before or there. Outside the band
// that is the probability of passing at all; inside, a path comes from the left
// or from below:
//
//	U(i, j) = U(i−1, j)·(n−i+1)/(N−s+1) + U(i, j−1)·(m−j+1)/(N−s+1),  s = i+j
//
// Only additions of positive terms, so small probabilities keep their digits.
// Whatever U is at a cell is a part of p, which says at once what may be left
// out: cells that together hold less than 10⁻¹⁹ of p are not visited. And all
// values have one common scale, the largest at the band's edge being about 1,
// so that p can lie far below the range of float64.
//
// A path turned by half a circle is a path, so what holds for the first half of
// the columns holds, turned, for the second: the recursion runs over half of
// the lattice, and the halves are joined at one step from column to column.

// negligible is the value below which a cell is left out, the largest value at
// the edge of the band being about 1.
const negligible = 0x1p-90

// lattice is the problem, with n < m.
type lattice struct {
	n, m         int
	stepI, stepJ int64 // what a step right or up adds to or takes from the distance
	h            int64
}

// below is the largest j for which (i, j) lies outside the band on the lower
// side; negative where there is none.
func (l *lattice) below(i int) int {
	distance := int64(i)*l.stepI - l.h
	if distance < 0 {
		return -1
	}
	return int(distance / l.stepJ)
}

// above is the smallest j for which (i, j) lies outside the band on the upper
// side; m+1 where there is none.
func (l *lattice) above(i int) int {
	return min(int((int64(i)*l.stepI+l.h+l.stepJ-1)/l.stepJ), l.m+1)
}

// everyPathLeaves says that no path stays inside the band: then p is 1, and no
// sum of rounded terms need say so.
func (l *lattice) everyPathLeaves() bool {
	lowest := 0 // lowest row of the column that a path inside the band can be in
	for i := 1; i <= l.n; i++ {
		lowest = max(lowest, l.below(i)+1)
		if lowest >= l.above(i-1) {
			return true
		}
	}
	return false
}

func ksExactLattice(n, m int, h int64) PValue {
	_, up, down, _ := leastCommonMultiple(uint64(n), uint64(m))
	l := &lattice{n: n, m: m, stepI: int64(up), stepJ: int64(down), h: h}
	if h <= l.stepI+l.stepJ && l.everyPathLeaves() {
		return pValue(1, Exact)
	}
	// Where p is small, a path that leaves the band on both sides is rarer still,
	// by e^(−6λ²): then each side is counted alone, and the cells in the middle of
	// a wide band are not visited.
	effective := float64(n) * float64(m) / float64(n+m)
	d := float64(h) / (float64(n) * float64(up))
	passes := []passage{{lower: true, upper: true}}
	if effective*d*d > 6.5 {
		passes = []passage{{lower: true}, {upper: true}}
	}
	left := (n - 1) / 2 // the step that joins the halves leads from column left
	turned := n - left - 1
	exponent := l.edgeExponent(turned)
	atLeft, atTurned := make([]float64, m+1), make([]float64, m+1)
	reciprocals := make([]float64, turned+m+1)
	for s := 1; s < len(reciprocals); s++ {
		reciprocals[s] = 1 / float64(n+m-s+1)
	}
	for _, p := range passes {
		p.lattice, p.exponent, p.reciprocals = l, exponent, reciprocals
		p.u = make([]float64, m+1)
		p.first, p.last = 0, 0
		for i := 0; ; i++ {
			if i > 0 {
				p.column(i)
			} else {
				p.start()
			}
			if i == left {
				p.addTo(atLeft)
			}
			if i == turned {
				p.addTo(atTurned)
				break
			}
		}
	}
	return scaledPValue(l.join(left, atLeft, atTurned, exponent), exponent, Exact)
}

// edgeExponent is the binary exponent of the largest probability with which a
// path passes a cell at the edge of the band, up to column last.
func (l *lattice) edgeExponent(last int) int {
	largest := math.MinInt
	lower, upper := l.walk(0), l.walk(0)
	for i := 0; i <= last; i++ {
		if row := l.below(i); row >= 0 {
			lower.to(i, row)
			largest = max(largest, lower.binaryExponent())
		}
		if row := l.above(i); row <= l.m {
			upper.to(i, row)
			largest = max(largest, upper.binaryExponent())
		}
	}
	if row := l.below(last + 1); row >= 0 {
		lower.to(last+1, row)
		largest = max(largest, lower.binaryExponent())
	}
	return largest
}

// A passage computes U column by column, from what enters the band on one side
// or on both.
type passage struct {
	*lattice
	lower, upper bool
	exponent     int
	reciprocals  []float64 // of N−s+1
	u            []float64 // U of the column reached; 0 outside [first, last)
	first, last  int
	lowerEdge    walker
	upperEdge    walker
}

func (p *passage) start() {
	p.lowerEdge, p.upperEdge = p.walk(p.exponent), p.walk(p.exponent)
}

// column goes from column i−1 to column i.
func (p *passage) column(i int) {
	low, high := p.below(i)+1, p.above(i)
	// What enters from above comes by a step right from the outside.
	if entry := p.above(i - 1); p.upper && entry < high {
		for j := entry; j < high; j++ {
			p.upperEdge.to(i-1, j)
			p.u[j] = p.upperEdge.value()
			if p.u[j] >= negligible {
				if p.first == p.last {
					p.first = j
				}
				p.last = j + 1
			}
		}
	}
	// What enters from below comes by a step up from the outside.
	start, u := max(p.first, low), 0.0
	if p.lower && low > 0 {
		p.lowerEdge.to(i, low-1)
		if u = p.lowerEdge.value(); u < negligible {
			u = 0
		} else {
			start = low
			p.last = max(p.last, low)
		}
	}
	toRight := float64(p.n - i + 1)
	j := start
	// Two rows at a time, so that the second need not wait for the first:
	// u₂ = a₂ + b₂u₁ with u₁ = a₁ + b₁u is (a₂ + b₂a₁) + b₂b₁u.
	if j < p.last {
		us, rs := p.u[j:p.last], p.reciprocals[i+j:i+p.last]
		up := float64(p.m - j + 1)
		for len(us) >= 2 && len(rs) >= 2 {
			r1, r2 := rs[0], rs[1]
			a1, a2 := us[0]*(toRight*r1), us[1]*(toRight*r2)
			b1, b2 := up*r1, (up-1)*r2
			us[0] = a1 + b1*u
			u = (a2 + b2*a1) + (b2*b1)*u
			us[1] = u
			us, rs = us[2:], rs[2:]
			up -= 2
		}
		j = p.last - len(us)
	}
	for ; j < p.last; j++ {
		r := p.reciprocals[i+j]
		u = p.u[j]*(toRight*r) + u*(float64(p.m-j+1)*r)
		p.u[j] = u
	}
	for ; j < high && u >= negligible; j++ {
		u *= float64(p.m-j+1) * p.reciprocals[i+j]
		p.u[j] = u
	}
	// Leave out what does not count.
	p.first, p.last = start, j
	for p.first < p.last && p.u[p.first] < negligible {
		p.u[p.first] = 0
		p.first++
	}
	for p.last > p.first && p.u[p.last-1] < negligible {
		p.u[p.last-1] = 0
		p.last--
	}
}

func (p *passage) addTo(column []float64) {
	for j := p.first; j < p.last; j++ {
		column[j] += p.u[j]
	}
}

// join adds up, over the step from column left to the next, the paths that
// take it: those that are outside at either end; those inside that have been
// outside before; and of the others those that will be, which turned are those
// that have been.
func (l *lattice) join(left int, atLeft, atTurned []float64, exponent int) float64 {
	low, high := l.below(left+1)+1, l.above(left)
	total := 0.0
	w := l.walk(exponent)
	stepRight := func(w walker) float64 { // the probability of passing and stepping right
		return w.value() * float64(l.n-left) / float64(l.n+l.m-left-w.j)
	}
	if low > 0 {
		w.to(left, low-1)
		for down := w; ; down.down() {
			term := stepRight(down)
			total += term
			if down.j == 0 || term < total*0x1p-70 {
				break
			}
		}
	}
	for j := low; j < high; j++ {
		before, after := atLeft[j], atTurned[l.m-j]
		if before == 0 && after == 0 {
			continue
		}
		inside := 1.0
		if before > 0 {
			w.to(left, j)
			inside = 1 - before/w.value()
		}
		total += before*float64(l.n-left)/float64(l.n+l.m-left-j) + inside*after*float64(left+1)/float64(left+1+j)
	}
	if high <= l.m {
		w.to(left, high)
		for {
			term := stepRight(w)
			total += term
			if w.j == l.m || term < total*0x1p-70 {
				break
			}
			w.to(left, w.j+1)
		}
	}
	return total
}
