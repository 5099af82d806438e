package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// small is a simulation of seconds. Its references have over 10,000 rows, beyond
// which p-values are asymptotic, and cheap.
func small() options {
	o := quick(defaults())
	o.features, o.events, o.windows, o.peerWindows, o.repeats, o.watched = 4, 450, 100, 20, 1, 4
	return o
}

// What is simulated at full length elsewhere holds in miniature: the budget is kept
// whatever the autocorrelation, the article's rule pages all the time, and a shift of
// half a standard deviation of every feature is found by the third window.
func TestASmallSimulation(t *testing.T) {
	o := small()
	r, err := simulate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if broken := r.broken(o); broken != "" {
		t.Error(broken)
	}
	for i, rho := range rhos {
		for _, rule := range r.years[i].rules {
			if rule.name == ruleArticle && rule.drifted < o.windows/10 {
				t.Errorf("ρ = %v: %q found drift in %d of %d quiet windows", rho, rule.name, rule.drifted, o.windows)
			}
		}
	}
	for _, d := range r.detections[0] {
		for i, name := range d.names {
			if delay, _ := d.median(i); name == ruleBudget && d.shift == 0.5 && d.shifted == o.features && delay > 3 {
				t.Errorf("a shift of %v in %d features is found after %d windows", d.shift, d.shifted, delay)
			}
		}
	}
	var printed bytes.Buffer
	r.print(&printed, o)
	for _, want := range []string{ruleBudget, ruleNoFloor, peerNannyML, peerEvidentlyDataset, "0.5 of 4"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("%q is not in the tables:\n%s", want, printed.String())
		}
	}
}

// A budget that was not kept is an error.
func TestABrokenBudgetIsNamed(t *testing.T) {
	all := rules()
	for _, rule := range all {
		if rule.settings.Budget.Pages > 0 {
			rule.pages = 3
		}
	}
	r := &result{years: []*quietYear{{rules: all, windows: 2 * hoursPerBudget}}}
	if broken := r.broken(options{windows: 2 * hoursPerBudget}); !strings.Contains(broken, "paged 3 times, and its budget was 2.0") {
		t.Errorf("3 pages in two periods: %q", broken)
	}
	if broken := r.broken(options{windows: 3 * hoursPerBudget}); broken != "" {
		t.Errorf("3 pages in three periods: %q", broken)
	}
}

// The stream is an AR(1) process of unit variance, and its shift is where it was
// asked for.
func TestStream(t *testing.T) {
	s := newStream(5, 0.8, 2)
	const n = 200_000
	var mean, square, product, shifted float64
	before := 0.0
	for range n {
		o, _ := s.next(2, 1)
		x := o.Features[1].Value.Number
		mean += x / n
		square += x * x / n
		product += x * before / n
		shifted += o.Features[0].Value.Number / n
		before = x
	}
	if math.Abs(mean) > 0.05 || math.Abs(square-1) > 0.05 || math.Abs(product-0.8) > 0.05 || math.Abs(shifted-2) > 0.05 {
		t.Errorf("mean %v, variance %v, autocorrelation %v, shifted mean %v", mean, square, product, shifted)
	}
}

// numpy.histogram_bin_edges(numpy.arange(1000.)**2, bins="doane") has 16 edges from 0
// to 998001, and numpy.histogram of the same values counts 258 in the first bin.
func TestDoane(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i * i)
	}
	edges := doaneEdges(values)
	counts := histogram(values, edges)
	if len(edges) != 16 || edges[0] != 0 || edges[15] != 998001 || counts[15] != 0 || counts[0] != 258 {
		t.Errorf("%d edges from %v to %v, counts %v, of which the last are outside", len(edges), edges[0], edges[len(edges)-1], counts)
	}
}

// The peers flag what is obvious, and nothing where the window is the reference's
// own.
func TestPeers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	history := make([]batch, 24)
	for i := range history {
		history[i] = batch{make([]float64, 500), make([]float64, 500)}
		for _, values := range history[i] {
			for j := range values {
				values[j] = random.NormFloat64()
			}
		}
	}
	p := newPeers(history)
	if flags := p.flags(history[3]); flags[1] || flags[2] {
		t.Errorf("a window of the reference is flagged: %v", flags)
	}
	moved := batch{slices.Clone(history[3][0]), slices.Clone(history[3][1])}
	for j := range moved[0] {
		moved[0][j] += 3
	}
	if flags := p.flags(moved); !slices.Equal(flags, []bool{true, true, true}) { // one of two is half
		t.Errorf("a shift of three standard deviations: %v", flags)
	}
}
