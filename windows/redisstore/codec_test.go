package redisstore

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
)

// restore decodes what encodePane and encodeSamples wrote.
func restore(p *windows.Pane, state []byte, samples ...[]byte) (*windows.Pane, error) {
	restored := windows.NewPane(p.Key, p.Interval, p.Grid, p.SampleSize(), windows.Limits{})
	if err := decodePane(state, restored); err != nil {
		return nil, err
	}
	for _, blob := range samples {
		if err := decodeSamples(blob, testPartition, restored); err != nil {
			return nil, err
		}
	}
	restored.Restored()
	return restored, nil
}

func TestAPaneComesBackToTheLastBit(t *testing.T) {
	for seed := range uint64(20) {
		for _, p := range somePanes(t, seed, 30<<(seed%6)) {
			samples, _ := encodeSamples(nil, testPartition, p, (*windows.Sample).Entries)
			var blobs [][]byte
			if len(samples) > 0 {
				blobs = append(blobs, samples)
			}
			restored, err := restore(p, encodePane(nil, p), blobs...)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			mustEqual(t, []*windows.Pane{restored}, []*windows.Pane{p})
		}
	}
}

func TestARestoredPaneMergesLikeTheOriginal(t *testing.T) {
	for _, p := range somePanes(t, 4, 2000) {
		samples, _ := encodeSamples(nil, testPartition, p, (*windows.Sample).Entries)
		restored, err := restore(p, encodePane(nil, p), samples)
		if err != nil {
			t.Fatal(err)
		}
		got := windows.Merge(p.Interval, []windows.Part{{Pane: restored}})
		want := windows.Merge(p.Interval, []windows.Part{{Pane: p}})
		if fmt.Sprintf("%+v %+v", got.Features, got.Latency) == "" || !reflect.DeepEqual(tallies(got), tallies(want)) {
			t.Fatalf("pane %+v merges differently:\n got %v\nwant %v", p.Key, tallies(got), tallies(want))
		}
	}
}

func tallies(w *windows.Window) []string {
	var all []string
	for _, f := range append(slices.Clone(w.Features), w.Prediction, w.Latency) {
		if f == nil {
			all = append(all, "none")
			continue
		}
		all = append(all, fmt.Sprintf("%s %+v %v %v %v %d %d %d %d", f.Name, f.Moments, f.Sample.Sorted(), f.Bins, f.Categories, f.Overflow, f.NonFinite, f.Nulls, f.Outliers))
	}
	return all
}

func TestSamplesTakeTheShortestExactForm(t *testing.T) {
	cases := []struct {
		name   string
		values []float64
		mode   byte
	}{
		{"small integers", []float64{0, 1, -1, 90, 1 << 53, -(1 << 53)}, valuesInteger},
		{"integers of 32-bit floats beyond the safe ones", []float64{1 << 60, 3}, valuesFloat32},
		{"negative zero is no integer", []float64{math.Copysign(0, -1), 1}, valuesFloat32},
		{"32-bit floats", []float64{0.5, float64(float32(0.1)), math.SmallestNonzeroFloat32}, valuesFloat32},
		{"64-bit floats", []float64{0.1, 1}, valuesFloat64},
		{"the smallest and the largest", []float64{math.SmallestNonzeroFloat64, -math.MaxFloat64}, valuesFloat64},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := windows.NewPane(windows.PaneKey{}, windows.Interval{}, nil, len(c.values), windows.Limits{})
			f := &windows.Feature{Name: "x", Sample: windows.NewSample(len(c.values))}
			p.Features = append(p.Features, f)
			for i, x := range c.values {
				f.Sample.Add(testPartition.EventHash(math.MaxInt64-int64(i)*math.MaxInt64/2), x)
			}
			blob, n := encodeSamples(nil, testPartition, p, (*windows.Sample).Entries)
			if n != len(c.values) {
				t.Fatalf("%d entries written", n)
			}
			b := appendValues(nil, c.values)
			if b[0] != c.mode {
				t.Errorf("written in form %d, want %d", b[0], c.mode)
			}
			restored, err := restore(p, encodePane(nil, p), blob)
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, []*windows.Pane{restored}, []*windows.Pane{p})
		})
	}
}

func TestCountsOfEveryShape(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		counts := make([]uint32, random.IntN(1100))
		sparsity := random.IntN(10)
		for i := range counts {
			if random.IntN(10) >= sparsity {
				counts[i] = random.Uint32() >> random.IntN(33)
			}
		}
		r := &reader{rest: appendCounts(nil, counts)}
		got := r.counts(len(counts), "x")
		if err := r.end(); err != nil || !slices.Equal(got, counts) {
			t.Fatalf("%v: %v became %v", err, counts, got)
		}
	}
	if n := len(appendCounts(nil, make([]uint32, 1024))); n != 5 {
		t.Errorf("1,024 empty bins take %d bytes", n)
	}
}

func someEntries() []*Entry {
	return []*Entry{
		{
			Key: windows.PaneKey{Model: "fraud", Version: "1", Index: -7}, Interval: windows.Interval{Start: -70, End: -60},
			Events: 12, Late: 3, GridID: "sha256-abc", sampleSize: 1024,
			state: blobID{claim: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, number: 9, length: 3 * pieceSize},
			samples: []sampleBlob{
				{blobID{claim: [8]byte{1}, number: 1 << 40, length: 20}, 1000}, {blobID{claim: [8]byte{2}, number: 1, length: 0}, 0},
			},
		},
		{Key: windows.PaneKey{Model: "fraud", Version: "2", Index: math.MaxInt64}, Interval: windows.Interval{Start: windows.Unset, End: windows.Forever}},
		{Key: windows.PaneKey{Model: "price\x00", Version: strings.Repeat("v", 200), Index: math.MinInt64}, state: blobID{length: maxBlob}},
	}
}

func TestADirectoryComesBack(t *testing.T) {
	for n := range 4 {
		want := someEntries()[:n]
		got, err := decodeDirectory(encodeDirectory(nil, want))
		if err != nil || len(got) != n {
			t.Fatal(got, err)
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], *want[i]) {
				t.Errorf("got %+v\nwant %+v", got[i], *want[i])
			}
		}
	}
}

var someMarks = []Mark{
	{Found: true, Watermark: windows.Unset, LastEnd: windows.Unset},
	{Found: true, Watermark: 5, LastEnd: windows.Forever, NextOffset: math.MaxInt64, Idle: true, Epoch: 7, Sequence: 1 << 40},
	{Found: true, Watermark: -5, Held: true, HeldShard: 31, HeldThrough: windows.Unset, NextOffset: 3},
}

func TestAMarkAndAHeadComeBack(t *testing.T) {
	for _, want := range someMarks {
		if got, err := decodeMark(encodeMark(want)); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
	want := head{nextOffset: 9, watermark: windows.Unset, lastEnd: windows.Forever, decisions: windows.Decisions{
		Start: -4, Ahead: 12,
		Advances: []windows.Advance{{Offset: 1, From: windows.Unset, To: 3}, {Offset: math.MaxInt64, From: 3, To: 9}},
		Gaps:     []windows.Gap{{From: 2, To: 5, After: windows.Unset, Until: 7}, {From: 8, To: 9, After: 7, Until: windows.Forever}},
	}}
	if got, err := decodeHead(encodeHead(want)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestAdvancesAreBounded(t *testing.T) {
	var long head
	for i := range int64(maxAdvances + 10) {
		long.decisions.Advances = append(long.decisions.Advances, windows.Advance{Offset: i, From: windows.Timestamp(i), To: windows.Timestamp(i + 1)})
	}
	got, err := decodeHead(encodeHead(long))
	if err != nil || !slices.Equal(got.decisions.Advances, long.decisions.Advances[10:]) {
		t.Errorf("%d advances are kept, %v; want the last %d", len(got.decisions.Advances), err, maxAdvances)
	}
}

func TestGridsComeBack(t *testing.T) {
	want := testGrid("grid-1")
	got, err := DecodeGrid(EncodeGrid(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got.Feature("amount").Bin(0.005) != want.Feature("amount").Bin(0.005) {
		t.Error("the grid was not prepared")
	}
	list := []GridInForce{{"m", "1", 5, "grid-1", false}, {"p*", "", windows.Unset, "grid-2", true}}
	if got, err := decodeGrids(encodeGrids(list)); err != nil || !slices.Equal(got, list) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAGridThatIsNoneIsRefused(t *testing.T) {
	cases := map[string]func(*windows.Grid){
		"fence":            func(g *windows.Grid) { g.Features[0].LowFence = math.NaN() },
		"edges of feature": func(g *windows.Grid) { g.Features[0].Edges[5] = g.Features[0].Edges[4] },
		"do not ascend":    func(g *windows.Grid) { g.Features[0].Edges[5] = math.NaN() },
		"more than 1023":   func(g *windows.Grid) { g.Features[0].Edges = append(g.Features[0].Edges, 1e9) },
		"categories":       func(g *windows.Grid) { g.Features[1].Categories[0] = "ZZ" },
		"out of order":     func(g *windows.Grid) { g.Features[1].Name = "aaa" },
		"unknown type":     func(g *windows.Grid) { g.Features[1].Type = 9 },
	}
	for want, spoil := range cases {
		g := testGrid("g")
		spoil(g)
		if _, err := DecodeGrid(EncodeGrid(g)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestBytesOfANewerVersionAreNamed(t *testing.T) {
	mark := encodeMark(someMarks[0])
	mark[0] = 2
	_, err := decodeMark(mark)
	if err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("%v", err)
	}
}

func TestAPaneOfAnotherGridIsRefused(t *testing.T) {
	panes := somePanes(t, 1, 500)
	for _, p := range panes {
		other := testGrid("other")
		other.Features[0].Edges = other.Features[0].Edges[:100]
		other.Prepare()
		if p.Grid == nil || p.Events < 10 {
			continue
		}
		wrong := windows.NewPane(p.Key, p.Interval, other, p.SampleSize(), windows.Limits{})
		if err := decodePane(encodePane(nil, p), wrong); err == nil {
			t.Error("counts of 1,024 bins were taken for those of 101")
		}
		wrong = windows.NewPane(p.Key, p.Interval, nil, p.SampleSize(), windows.Limits{})
		if err := decodePane(encodePane(nil, p), wrong); err == nil {
			t.Error("counts on a grid were taken for a pane without one")
		}
	}
}

func TestHostileLengthsAllocateLittle(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<40)
	pane := func() *windows.Pane {
		return windows.NewPane(windows.PaneKey{}, windows.Interval{}, testGrid("g"), 1<<30, windows.Limits{})
	}
	cases := map[string]func() error{
		"requests": func() error { return decodePane(seal(append([]byte{paneFormat, 0, 0, 0, 0, 0}, huge...)), pane()) },
		"features": func() error { return decodePane(seal(append([]byte{paneFormat, 0, 0, 0, 0, 0, 0}, huge...)), pane()) },
		"name": func() error {
			return decodePane(seal(append([]byte{paneFormat, 0, 0, 0, 0, 0, 0, 1}, huge...)), pane())
		},
		"directory":  func() error { _, err := decodeDirectory(append([]byte{directoryFormat}, huge...)); return err },
		"head":       func() error { _, err := decodeHead(append([]byte{headFormat, 0, 0, 0}, huge...)); return err },
		"grid":       func() error { _, err := DecodeGrid(seal(append([]byte{gridFormat, 0}, huge...))); return err },
		"grid's id":  func() error { _, err := DecodeGrid(seal(append([]byte{gridFormat}, huge...))); return err },
		"grid list":  func() error { _, err := decodeGrids(append([]byte{gridsFormat}, huge...)); return err },
		"short blob": func() error { _, err := DecodeGrid([]byte{1, 2}); return err },
		"offsets": func() error {
			p := pane()
			p.Features = append(p.Features, &windows.Feature{Sample: windows.NewSample(1 << 30)})
			return decodeSamples(seal(append([]byte{samplesFormat, slotFeatures, offsetsOwn}, huge...)), testPartition, p)
		},
	}
	for name, decode := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decode()
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}
