package reference

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// Merge makes one reference of the summaries of windows, given in the order of
// time. Counts add up where windows were counted on one grid: the grid of the
// last window that has one; a window that was counted on another is counted
// anew by its sample, so that Counted is then less than all values. Of the
// samples at most size values are kept (mergeSamples). The same summaries give
// the same bytes, whatever is in memory or where they come from.
//
// Where there are LeastCalibrationWindows or more, they also tell how much the
// windows differ (Calibration).
func Merge(kind string, parts []*Reference, size int) *Reference {
	r := merge(kind, parts, size)
	r.seal()
	return r
}

// Regrid makes a grid for the windows to come: Merge with new edges for the
// features that are named, and for those that no window was counted on a grid of;
// the others keep theirs, so that what was counted stays comparable. of is the
// last of the windows, which makes it a reference of this version alone.
func Regrid(kind string, parts []*Reference, named []string, of Origin, size int) *Reference {
	bare := make([]*Reference, len(parts))
	for i, part := range parts {
		stripped := *part
		stripped.Features = slices.Clone(part.Features)
		for j, f := range part.Features {
			if slices.Contains(named, f.Name) {
				stripped.Features[j] = f.withoutEdges()
			}
		}
		if part.Prediction != nil && slices.Contains(named, windows.PredictionName) {
			stripped.Prediction = part.Prediction.withoutEdges()
		}
		bare[i] = &stripped
	}
	r := merge(kind, bare, size)
	r.Of = &of
	r.seal()
	return r
}

func merge(kind string, parts []*Reference, size int) *Reference {
	r := &Reference{Kind: kind}
	features := make(map[string][]*Feature)
	var predictions []*Feature
	for _, part := range parts {
		r.Rows += part.Rows
		for _, f := range part.Features {
			features[f.Name] = append(features[f.Name], f)
		}
		if part.Prediction != nil {
			predictions = append(predictions, part.Prediction)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(features)) {
		f := mergeFeatures(features[name], size)
		for _, part := range parts {
			if part.Feature(name) == nil { // every event of the window was without it
				f.Missing += part.featureEvents()
			}
		}
		r.Features = append(r.Features, f)
	}
	if predictions != nil {
		if f := mergeFeatures(predictions, size); f.Present > 0 {
			r.Prediction = f
		}
	}
	return r
}

// featureEvents is how many events of a summary's window carried features.
func (r *Reference) featureEvents() uint64 {
	if len(r.Features) == 0 {
		return 0
	}
	return r.Features[0].Present + r.Features[0].Missing
}

// mergeFeatures merges one feature's summaries in their order. A feature that
// was numeric in some windows and categorical in others is what most of its
// values were.
func mergeFeatures(parts []*Feature, size int) *Feature {
	f := &Feature{Name: parts[0].Name}
	var numbers, texts uint64
	for _, part := range parts {
		f.Present += part.Present
		f.Missing += part.Missing
		f.NonFinite += part.NonFinite
		numbers += part.Moments.Count
		texts += sumUp(part.CategoryCounts) + part.Overflow
	}
	if texts > numbers {
		f.Type = windows.Categorical
	}
	same := make([]*Feature, 0, len(parts))
	for _, part := range parts {
		if part.Type == f.Type {
			same = append(same, part)
		}
	}
	if f.Type == windows.Categorical {
		f.mergeCategories(same)
	} else {
		f.mergeNumbers(same, size)
	}
	return f
}

func (f *Feature) mergeNumbers(parts []*Feature, size int) {
	var every []float64
	for _, part := range parts {
		f.Moments.Merge(part.Moments)
		every = append(every, part.Sample...)
		if len(part.Edges) > 0 {
			f.Edges = part.Edges
		}
	}
	f.Sample = mergeSamples(parts, size)
	f.Complete = uint64(len(f.Sample)) == f.Moments.Count
	slices.Sort(every)
	f.Distinct = len(slices.Compact(every))
	if f.Edges == nil {
		f.Edges = edgesOf(f.Sample)
	}
	f.Counts = make([]uint64, len(f.Edges)+1)
	rows := make([][]uint64, len(parts))
	for i, part := range parts {
		if len(part.Counts) == len(f.Counts) && slices.Equal(part.Edges, f.Edges) {
			rows[i] = part.Counts
		} else {
			rows[i] = f.bin(part.Sample)
		}
		for bin, n := range rows[i] {
			f.Counts[bin] += n
		}
	}
	f.Counted = sumUp(f.Counts)
	f.mergeFences(parts)
	blocks := f.coarse(rows)
	for _, part := range parts {
		blocks.miss(part.Missing, part.Present+part.Missing)
	}
	f.Calibration = blocks.calibrate()
}

// mergeFences takes the fences that all parts share, those of the grid on which
// they were counted, with all that lies outside. Where there are none the sample has
// fences of its own, and its share of outliers stands for that of what was counted.
func (f *Feature) mergeFences(parts []*Feature) {
	first := parts[0]
	shared := first.Outliers != nil
	var outliers, counted uint64
	for _, part := range parts {
		shared = shared && part.Outliers != nil && *part.LowFence == *first.LowFence && *part.HighFence == *first.HighFence
		if shared {
			outliers, counted = outliers+*part.Outliers, counted+part.Counted
		}
	}
	if shared && counted == f.Counted {
		f.LowFence, f.HighFence, f.Outliers = first.LowFence, first.HighFence, &outliers
		return
	}
	f.fence(f.Sample)
	if f.Outliers != nil {
		scaled := uint64(math.Round(float64(*f.Outliers) * float64(f.Counted) / float64(len(f.Sample))))
		f.Outliers = &scaled
	}
}

func (f *Feature) mergeCategories(parts []*Feature) {
	counts := make(map[string]uint64)
	for _, part := range parts {
		for i, name := range part.Categories {
			counts[name] += part.CategoryCounts[i]
		}
		f.Overflow += part.Overflow
	}
	merged := windows.Tally{Categories: counts}
	merged.BoundCategories(nil)
	f.Overflow += merged.Overflow
	f.categorise(counts)
	blocks := &featureBlocks{Name: f.Name, Categories: commonest(counts, mostBlockCategories)}
	for _, part := range parts {
		row := make([]uint32, blocks.bins())
		for i, name := range part.Categories {
			row[blocks.category(name)] += uint32(min(part.CategoryCounts[i], 1<<31))
		}
		row[len(row)-1] += uint32(min(part.Overflow, 1<<31))
		blocks.append(row)
	}
	f.Calibration = blocks.calibrate()
}

// coarse are the windows' counts between the feature's edges, in groups: between
// the edges that end a bin with values where there are at most mostCuts of
// those, else between about as many quantiles.
func (f *Feature) coarse(rows [][]uint64) *featureBlocks {
	var ends []int // bins after which a group ends
	for bin, n := range f.Counts {
		if n > 0 && bin < len(f.Edges) {
			ends = append(ends, bin)
		}
	}
	if len(ends) > mostCuts {
		ends = ends[:0]
		total, below, next := f.Counted, uint64(0), uint64(1)
		for bin, n := range f.Counts[:len(f.Edges)] {
			below += n
			if rank := (total*next + mostCuts) / (mostCuts + 1); below < rank {
				continue
			}
			ends = append(ends, bin)
			for below >= (total*next+mostCuts)/(mostCuts+1) {
				next++
			}
		}
	}
	blocks := &featureBlocks{Name: f.Name}
	for _, end := range ends {
		blocks.Cuts = append(blocks.Cuts, f.Edges[end])
	}
	for _, counts := range rows {
		row, bin := make([]uint32, blocks.bins()), 0
		for group, end := range append(slices.Clone(ends), len(counts)-1) {
			for ; bin <= end; bin++ {
				row[group] += uint32(min(counts[bin], 1<<31))
			}
		}
		blocks.append(row)
	}
	return blocks
}

// append adds a window's row, unless it is of a window without values.
func (f *featureBlocks) append(row []uint32) {
	if sumOf(row) > 0 {
		f.Rows = append(f.Rows, row)
	}
}

// mergeSamples takes of the windows' samples one of all their values. Where
// every sample is complete and all fit, it is everything. Otherwise it is
// stratified: from each window as many values as its share of all values, by
// largest remainders, and those evenly spaced by rank, so that nothing is left
// to chance. No window's sample need then be larger than its share, so that a
// window whose sample is small for its size makes the whole smaller.
//
// Within a stratum the values are those of a uniform sample, and the strata have
// their exact weights: an estimate is at least as close as one from a uniform
// sample of the same size.
func mergeSamples(parts []*Feature, size int) []float64 {
	var total, held uint64
	for _, part := range parts {
		total += part.Moments.Count
		held += uint64(len(part.Sample))
	}
	var merged []float64
	if held == total && total <= uint64(size) {
		for _, part := range parts {
			merged = append(merged, part.Sample...)
		}
		slices.Sort(merged)
		return merged
	}
	most := uint64(size)
	for _, part := range parts {
		if n := part.Moments.Count; n > 0 {
			most = min(most, scale(uint64(len(part.Sample)), total, n))
		}
	}
	for i, quota := range quotas(parts, most, total) {
		sample := parts[i].Sample
		n, q := uint64(len(sample)), quota
		for j := range q {
			merged = append(merged, sample[(2*j+1)*n/(2*q)])
		}
	}
	slices.Sort(merged)
	return merged
}

// quotas shares most out among the windows by their values: each has the whole
// part of its share, and the largest remainders get one more, the earlier of
// equal ones first.
func quotas(parts []*Feature, most, total uint64) []uint64 {
	all := make([]uint64, len(parts))
	order := make([]int, len(parts))
	remainders := make([]uint64, len(parts))
	left := most
	for i, part := range parts {
		high, low := bits.Mul64(most, part.Moments.Count)
		all[i], remainders[i] = bits.Div64(high, low, total)
		left -= all[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return -cmp.Compare(remainders[a], remainders[b]) })
	for _, i := range order[:left] {
		all[i]++
	}
	return all
}

// scale is ⌊a·b/c⌋, for a ≤ c.
func scale(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	quotient, _ := bits.Div64(high, low, c)
	return quotient
}
