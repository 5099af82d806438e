package drift

import (
	"math"

	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// p gives the feature its p-value.
func (f *Feature) p(p twosample.PValue) {
	f.PMethod = string(p.Method)
	f.P = number(p.P)
	f.LogP = nil
	if p.P == 0 && !math.IsInf(p.LogP, 0) {
		f.LogP = number(p.LogP)
	}
}

// describe shows the quantiles of both sides, with the true extremes: from the
// counts where both are counted on one grid, from the samples otherwise.
func (p *pair) describe(f *Feature) {
	if p.tally.Sample.Len() == 0 || len(p.ref.Sample) == 0 {
		return
	}
	points := reference.QuantilePoints()
	q := &Quantiles{P: points}
	if p.bins {
		r, t := &p.ref.Moments, &p.tally.Moments
		q.Reference = reference.BinnedQuantiles(p.ref.Edges, p.ref.Counts, r.Min, r.Max, points)
		q.Current = reference.BinnedQuantiles(p.ref.Edges, p.tally.Bins, t.Min, t.Max, points)
	} else {
		for _, point := range points {
			q.Reference = append(q.Reference, reference.Quantile(p.ref.Sample, point))
			q.Current = append(q.Current, reference.Quantile(p.current, point))
		}
	}
	last := len(points) - 1
	q.Reference[0], q.Reference[last] = p.ref.Moments.Min, p.ref.Moments.Max
	q.Current[0], q.Current[last] = p.tally.Moments.Min, p.tally.Moments.Max
	f.Quantiles = q
}
