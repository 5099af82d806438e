package drift

import (
	"math"
	"slices"
	"sort"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// An inspection is the checks of one feature.
type inspection struct {
	f      *Feature
	own    *Settings // the feature's
	w      *windows.Window
	t      *windows.Tally
	ref    *reference.Feature
	events uint64 // that could have carried the feature
	// sameGrid: the window was counted on the very grid the reference made.
	sameGrid bool
}

func newInspection(f *Feature, own *Settings, c *Case, t *windows.Tally, ref *reference.Feature, events uint64) *inspection {
	if t == nil {
		t = &windows.Tally{}
	}
	return &inspection{
		f: f, own: own, w: c.Window, t: t, ref: ref, events: events,
		sameGrid: c.Window.Grid != nil && c.Window.Grid.ID == c.Reference.ID,
	}
}

// check makes the feature's checks. Each needs drift.min_events of what its rate
// is a share of.
func (in *inspection) check(family *checkFamily) {
	q := new(Quality)
	in.presence(q, family)
	if in.ref.Present == 0 {
		// Nothing is known of the values, not even their type.
		in.f.TypeChanges = 0
	} else if in.f.N >= max(1, in.own.MinEvents) {
		in.types(q, family)
		if in.ref.Type == windows.Categorical {
			q.NewCategories = in.newCategories(family)
		} else {
			in.tails(q, family)
		}
		q.Constant = in.constant(family)
	}
	if *q != (Quality{}) {
		in.f.Quality = q
	}
}

// presence compares how many events lack a value. More of them are missing
// values, fewer are values that have appeared: those are broken where more than
// half of them would have been missing in the reference, since a gap that
// closes is otherwise good news.
func (in *inspection) presence(q *Quality, family *checkFamily) {
	rows := in.ref.Present + in.ref.Missing
	if in.events == 0 || rows == 0 || in.events < in.own.MinEvents {
		return
	}
	// Values of features beyond the limit on features were not counted, and may
	// have been this one's: so many are missing at most, and so many at least.
	most := in.f.Missing
	least := less(most, in.w.OverLimit)
	if most+in.ref.Missing == 0 || least == in.events && in.ref.Present == 0 {
		if least > 0 { // on both sides nothing else: worth showing, and nothing to test
			q.Missing = &Check{Rate: 1, ReferenceRate: 1, Count: least}
		}
		return
	}
	q.Missing = checkOf(least, in.events, in.ref.Missing, rows)
	if q.Missing.Excess() >= 0 {
		q.Missing.test(least, in.events, in.ref.Missing, rows, 2)
		family.addMissing(q.Missing, in.ref.Calibration)
		return
	}
	q.Missing = checkOf(most, in.events, in.ref.Missing, rows)
	if q.Missing.Excess() >= 0 { // as many as in the reference lie between the two
		family.untested++
		return
	}
	present := in.events - most
	q.Appeared = checkOf(present, in.events, in.ref.Present, rows)
	q.Appeared.test(present, in.events, in.ref.Present, rows, 2)
	family.add(q.Appeared, float64(q.Appeared.Rate)/2)
}

// types compares how many values are not numbers where the reference has
// numbers, or are where it has categories.
func (in *inspection) types(q *Quality, family *checkFamily) {
	ref := in.ref
	other := less(ref.Present, ref.Moments.Count+ref.NonFinite)
	if ref.Type == windows.Categorical {
		other = less(ref.Present, in.referenceTexts())
	} else {
		q.NonFinite = family.of(in.t.NonFinite, in.f.N, ref.NonFinite, ref.Present, ref.NonFinite, ref.Present)
	}
	q.TypeChanges = family.of(in.f.TypeChanges, in.f.N, other, ref.Present, other, ref.Present)
	if in.f.Untested != "" && in.f.TypeChanges > 0 && in.f.TypeChanges+in.t.NonFinite == in.f.N {
		in.f.Untested = "the values of the window arrived as text, those of the reference are numbers"
		if ref.Type == windows.Categorical {
			in.f.Untested = "the values of the window arrived as numbers, those of the reference are text"
		}
	}
}

func (in *inspection) referenceTexts() uint64 { return total(in.ref.CategoryCounts) + in.ref.Overflow }

// newCategories counts values of categories that the reference does not have.
// The reference's own rate is that of its values whose category no other of its
// values has: each was new when it came (Good 1953, Biometrika 40, 237–264, after
// Turing). How well that is known is Esty's (1983, Annals of Statistics 11,
// 905–912) variance,
//
//	(f₁ + 2f₂ − f₁²/n)/n²
//
// with f₁ categories of one value and f₂ of two; the reference counts as so many
// fewer values as that is more than a binomial's.
//
// A reference with more categories than it counts does not know what is new: then
// there is no check.
func (in *inspection) newCategories(family *checkFamily) *Check {
	ref, t := in.ref, in.t
	texts := t.Texts()
	if ref.Overflow > 0 || texts < max(1, in.own.MinEvents) {
		return nil
	}
	var fresh uint64
	for _, name := range in.f.NewCategories {
		fresh += t.Categories[name]
	}
	if in.sameGrid { // else what is beyond the limit may be of known categories
		fresh += t.Overflow
	}
	var once, twice uint64
	for _, n := range ref.CategoryCounts {
		switch n {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	n := in.referenceTexts()
	testedK, testedN := once, n
	if binomial := float64(once) * (1 - share(once, max(n, 1))); binomial > 0 {
		effect := 1 + float64(2*twice)/binomial
		testedK, testedN = uint64(math.Round(float64(once)/effect)), uint64(math.Round(float64(n)/effect))
	}
	return family.of(fresh, texts, once, n, testedK, max(testedK, testedN))
}

// tails compares how many values lie beyond the outermost edges of the
// reference's grid, and beyond its fences: over all values where the window was
// counted on that grid, over its sample otherwise.
func (in *inspection) tails(q *Quality, family *checkFamily) {
	ref, t := in.ref, in.t
	if t.Moments.Count < max(1, in.own.MinEvents) || len(ref.Edges) == 0 || ref.Counted == 0 {
		return
	}
	first, last := ref.Edges[0], ref.Edges[len(ref.Edges)-1]
	low, high := math.Inf(-1), math.Inf(1)
	// Where the quartiles are one value the fences are that value: outside is then
	// what is not the commonest, which is nothing odd.
	fenced := ref.Outliers != nil && *ref.LowFence < *ref.HighFence
	if fenced {
		low, high = *ref.LowFence, *ref.HighFence
	}
	var outside, outliers, n uint64
	if in.sameGrid && t.Bins != nil || onGrid(in.w, t, ref) {
		outside, n = t.Bins[0]+t.Bins[len(t.Bins)-1], t.Moments.Count
	}
	if grid := in.w.Grid.Feature(ref.Name); n > 0 && (in.sameGrid || !fenced || grid.LowFence == low && grid.HighFence == high) {
		outliers = t.Outliers
	} else {
		outside, outliers, n = 0, 0, uint64(t.Sample.Len())
		for _, entry := range t.Sample.Entries() {
			if !(entry.Value > first && entry.Value <= last) {
				outside++
			}
			if entry.Value < low || entry.Value > high {
				outliers++
			}
		}
	}
	beyond := ref.Counts[0] + ref.Counts[len(ref.Counts)-1]
	// The edges are values of the reference itself. Beyond the i-th smallest or
	// largest of m lies the next value with probability i/(m+1): one more, at
	// either end, than lie there of the reference.
	q.OutOfRange = family.of(outside, n, beyond, ref.Counted, beyond+2, ref.Counted+2)
	if fenced {
		q.Outliers = family.of(outliers, n, *ref.Outliers, ref.Counted, *ref.Outliers, ref.Counted)
	}
}

// constant compares the share of the window's only value, where it has but one,
// with the share that value has in the reference. Given the first value, the
// others are as many independent draws: so they are tested, and not how likely
// it is for some value, whichever it be, to stand alone. A value alone is also
// as large a drift as the others' share, so that has to be as large as a drift
// must be: a week without rain, where it seldom rains, is no break. A reference
// that is constant itself has nothing to break.
func (in *inspection) constant(family *checkFamily) *Check {
	var n, count, of uint64
	if in.ref.Type == windows.Categorical {
		n, of = in.t.Texts(), in.referenceTexts()
		if len(in.ref.Categories) < 2 && in.ref.Overflow == 0 || n < max(2, in.own.MinEvents) {
			return nil
		}
		only, alone := onlyCategory(in.t)
		if !alone {
			family.untested++
			return nil
		}
		if place, known := slices.BinarySearch(in.ref.Categories, only); known {
			count = in.ref.CategoryCounts[place]
		}
	} else {
		m := &in.t.Moments
		n = m.Count
		if !(in.ref.Moments.Min < in.ref.Moments.Max) || n < max(2, in.own.MinEvents) {
			return nil
		}
		if m.Min < m.Max {
			family.untested++
			return nil
		}
		count, of = occurrences(in.ref, m.Min)
	}
	if of == 0 || count == of {
		return nil
	}
	c := checkOf(n, n, count, of)
	c.test(n-1, n-1, count, of, 1)
	family.add(c, in.own.MinEffect)
	return c
}

// onlyCategory is the one category of all texts of a window, if it is one.
func onlyCategory(t *windows.Tally) (only string, alone bool) {
	if t.Overflow > 0 {
		return "", false
	}
	for name, n := range t.Categories {
		switch {
		case n == 0:
		case alone:
			return "", false
		default:
			only, alone = name, true
		}
	}
	return only, alone
}

// occurrences is how many of the reference's values equal x: of all that were
// counted where x has a bin of its own, of the sample otherwise.
func occurrences(ref *reference.Feature, x float64) (count, of uint64) {
	bin := sort.SearchFloat64s(ref.Edges, x)
	if bin > 0 && bin < len(ref.Edges) && ref.Edges[bin] == x && math.Nextafter(x, math.Inf(-1)) == ref.Edges[bin-1] {
		return ref.Counts[bin], ref.Counted
	}
	from := sort.SearchFloat64s(ref.Sample, x)
	to := from
	for to < len(ref.Sample) && ref.Sample[to] == x {
		to++
	}
	return uint64(to - from), uint64(len(ref.Sample))
}

// less is a−b, and 0 where that is less than nothing.
func less(a, b uint64) uint64 { return a - min(a, b) }
