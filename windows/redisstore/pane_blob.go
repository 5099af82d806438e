package redisstore

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

const paneFormat = 1

// The parts of a feature that are there.
const (
	hasMoments  = 1 << iota
	hasOddities // non-finite values, nulls or outliers
	hasBins
	hasKnown
	hasOthers  // other categories or an overflow
	knownParts = 1<<iota - 1
)

// encodePane writes everything of a pane but its key and its samples.
func encodePane(b []byte, p *windows.Pane) []byte {
	b = append(b, paneFormat)
	for _, n := range [...]uint64{p.Events, p.FeatureEvents, p.PredictionEvents, p.Late, p.OverLimit} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendTally(b, p.Requests)
	b = binary.AppendUvarint(b, uint64(len(p.Features)))
	for _, f := range p.Features {
		b = appendFeature(b, f)
	}
	for _, f := range [...]*windows.Feature{p.Prediction, p.Latency} {
		if f == nil {
			b = append(b, 0)
			continue
		}
		b = appendFeature(append(b, 1), f)
	}
	return seal(b)
}

func appendTally(b []byte, counts map[string]uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(counts)))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, counts[name])
	}
	return b
}

func appendFeature(b []byte, f *windows.Feature) []byte {
	b = appendText(b, f.Name)
	var parts byte
	if f.Moments.Count > 0 {
		parts |= hasMoments
	}
	if f.NonFinite|f.Nulls|f.Outliers != 0 {
		parts |= hasOddities
	}
	if f.Bins != nil {
		parts |= hasBins
	}
	if f.Known != nil {
		parts |= hasKnown
	}
	if len(f.Others) > 0 || f.Overflow > 0 {
		parts |= hasOthers
	}
	b = append(b, parts)
	if parts&hasMoments != 0 {
		b = binary.AppendUvarint(b, f.Moments.Count)
		for _, x := range [...]float64{f.Moments.Min, f.Moments.Max, f.Moments.Mean, f.Moments.M2} {
			b = appendFloat(b, x)
		}
	}
	if parts&hasOddities != 0 {
		b = binary.AppendUvarint(b, f.NonFinite)
		b = binary.AppendUvarint(b, f.Nulls)
		b = binary.AppendUvarint(b, f.Outliers)
	}
	if parts&hasBins != 0 {
		b = appendCounts(b, f.Bins)
	}
	if parts&hasKnown != 0 {
		b = appendCounts(b, f.Known)
	}
	if parts&hasOthers != 0 {
		b = appendTally(b, f.Others)
		b = binary.AppendUvarint(b, f.Overflow)
	}
	return b
}

// decodePane fills an empty pane from what encodePane wrote. The pane's grid
// must be the one it was counted on. The caller restores the samples and then
// calls Restored.
func decodePane(blob []byte, p *windows.Pane) error {
	body, err := unseal(blob)
	if err != nil {
		return err
	}
	r := &reader{rest: body}
	r.version(paneFormat, "pane")
	for _, n := range [...]*uint64{&p.Events, &p.FeatureEvents, &p.PredictionEvents, &p.Late, &p.OverLimit} {
		*n = r.uvarint()
	}
	r.tally(func(name string, n uint64) { p.Requests[name] = n })
	features := r.count(2) // a name's length and the parts
	names := make(map[string]bool)
	for i := 0; i < features && r.err == nil; i++ {
		name := r.text()
		if names[name] {
			r.fail("feature %q is there twice", name)
		}
		names[name] = true
		p.Features = append(p.Features, r.feature(name, p.Grid.Feature(name), p.SampleSize()))
	}
	if r.present() {
		if name := r.text(); name != windows.PredictionName {
			r.fail("the prediction is called %q", name)
		}
		p.Prediction = r.feature(windows.PredictionName, p.Grid.Feature(windows.PredictionName), p.SampleSize())
	}
	if r.present() {
		grid := windows.LatencyGrid()
		if name := r.text(); name != grid.Name {
			r.fail("the latency is called %q", name)
		}
		p.Latency = r.feature(grid.Name, grid, p.SampleSize())
	}
	return r.end()
}

func (r *reader) present() bool {
	switch b := r.byte(); {
	case r.err != nil:
	case b == 1:
		return true
	case b != 0:
		r.fail("%d stands where 0 or 1 must", b)
	}
	return false
}

// tally reads ascending names with their counts.
func (r *reader) tally(each func(name string, n uint64)) {
	last := ""
	for i, n := 0, r.count(2); i < n && r.err == nil; i++ {
		name := r.text()
		if i > 0 && name <= last {
			r.fail("%q follows %q, out of order", name, last)
			return
		}
		last = name
		each(name, r.uvarint())
	}
}

func (r *reader) feature(name string, grid *windows.FeatureGrid, sampleSize int) *windows.Feature {
	f := &windows.Feature{Name: name, Sample: windows.NewSample(sampleSize)}
	parts := r.byte()
	if parts > knownParts {
		r.fail("feature %q has parts that this program does not know", name)
	}
	wantBins := grid != nil && grid.Type == windows.Numeric
	wantKnown := grid != nil && grid.Type == windows.Categorical
	if r.err == nil && ((parts&hasBins != 0) != wantBins || (parts&hasKnown != 0) != wantKnown) {
		r.fail("feature %q was not counted on the grid that the pane names", name)
	}
	if parts&hasMoments != 0 {
		if f.Moments.Count = r.uvarint(); f.Moments.Count == 0 {
			r.fail("feature %q has moments of no values", name)
		}
		for _, x := range [...]*float64{&f.Moments.Min, &f.Moments.Max, &f.Moments.Mean, &f.Moments.M2} {
			*x = r.float()
		}
	}
	if parts&hasOddities != 0 {
		f.NonFinite, f.Nulls, f.Outliers = r.uvarint(), r.uvarint(), r.uvarint()
	}
	if wantBins {
		f.Bins = r.counts(grid.Bins(), fmt.Sprintf("feature %q", name))
	}
	if wantKnown {
		f.Known = r.counts(len(grid.Categories), fmt.Sprintf("feature %q", name))
	}
	if parts&hasOthers != 0 {
		r.tally(func(name string, n uint64) {
			if f.Others == nil {
				f.Others = make(map[string]uint64)
			}
			f.Others[name] = n
		})
		f.Overflow = r.uvarint()
	}
	return f
}
