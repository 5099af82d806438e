package redisstore

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
)

// What decodes must encode to something that decodes to the same: a decoder
// that lets nonsense in would show it here. The checksum is put on after the
// fuzzer's changes, or nothing would get past it.

func FuzzDecodePane(f *testing.F) {
	panes := somePanes(f, 7, 300)
	for _, p := range panes[:min(len(panes), 6)] {
		state := encodePane(nil, p)
		samples, _ := encodeSamples(nil, testPartition, p, (*windows.Sample).Entries)
		f.Add(state[:len(state)-4], samples[:max(0, len(samples)-4)], p.Grid != nil)
	}
	f.Fuzz(func(t *testing.T, state, samples []byte, onGrid bool) {
		var grid *windows.Grid
		if onGrid {
			grid = testGrid("g")
		}
		model := windows.NewPane(windows.PaneKey{}, windows.Interval{}, grid, 20, windows.Limits{})
		p, err := restore(model, seal(bytes.Clone(state)))
		if err != nil {
			return
		}
		if decodeSamples(seal(bytes.Clone(samples)), testPartition, p) != nil {
			return // the pane, half filled, is thrown away
		}
		var blobs [][]byte
		if blob, n := encodeSamples(nil, testPartition, p, (*windows.Sample).Entries); n > 0 {
			blobs = append(blobs, blob)
		}
		again, err := restore(p, encodePane(nil, p), blobs...)
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		mustEqual(t, []*windows.Pane{again}, []*windows.Pane{p})
	})
}

func FuzzDecodeDirectory(f *testing.F) {
	for n := range 4 {
		f.Add(encodeDirectory(nil, someEntries()[:n]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := decodeDirectory(b)
		if err != nil {
			return
		}
		var pointers []*Entry
		for i := range entries {
			pointers = append(pointers, &entries[i])
		}
		again, err := decodeDirectory(encodeDirectory(nil, pointers))
		if err != nil || !reflect.DeepEqual(again, entries) {
			t.Fatalf("%v: %+v became %+v", err, entries, again)
		}
	})
}

func FuzzDecodeGrid(f *testing.F) {
	small := testGrid("g")
	small.Features[0].Edges = small.Features[0].Edges[:9]
	for _, g := range []*windows.Grid{small, {ID: "x"}} {
		b := EncodeGrid(g)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeGrid(seal(bytes.Clone(b)))
		if err != nil {
			return
		}
		again, err := DecodeGrid(EncodeGrid(g))
		if err != nil || !bytes.Equal(EncodeGrid(again), EncodeGrid(g)) {
			t.Fatalf("%v: %+v became %+v", err, g, again)
		}
		for i := range g.Features {
			for _, x := range g.Features[i].Edges {
				if bin := g.Features[i].Bin(x); bin < 0 || bin >= g.Features[i].Bins() {
					t.Fatalf("%v is in bin %d of %d", x, bin, g.Features[i].Bins())
				}
			}
		}
	})
}

// FuzzDecodeMark tries all the small formats on the same bytes.
func FuzzDecodeMark(f *testing.F) {
	for _, m := range someMarks {
		f.Add(encodeMark(m))
	}
	f.Add(encodeHead(head{decisions: windows.Decisions{Advances: []windows.Advance{{Offset: 1, From: 2, To: 3}}, Gaps: []windows.Gap{{From: 1, To: 2, After: 3, Until: 4}}}}))
	f.Add(encodeGrids([]GridInForce{{"m", "1", 5, "g", true}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMark(b); err == nil {
			if again, err := decodeMark(encodeMark(m)); err != nil || again != m {
				t.Fatalf("%v: %+v became %+v", err, m, again)
			}
		}
		if h, err := decodeHead(b); err == nil {
			if again, err := decodeHead(encodeHead(h)); err != nil || !reflect.DeepEqual(again, h) {
				t.Fatalf("%v: %+v became %+v", err, h, again)
			}
		}
		if g, err := decodeGrids(b); err == nil {
			if again, err := decodeGrids(encodeGrids(g)); err != nil || !reflect.DeepEqual(again, g) {
				t.Fatalf("%v: %+v became %+v", err, g, again)
			}
		}
	})
}

func FuzzDecodeHead(f *testing.F) {
	f.Add(encodeHead(head{}))
	f.Add(encodeHead(head{nextOffset: 7, watermark: 1_772_366_400_000, lastEnd: windows.Unset, decisions: windows.Decisions{
		Start: 3, Advances: []windows.Advance{{Offset: 5, From: windows.Unset, To: 9}, {Offset: 6, From: 9, To: windows.Forever}},
		Gaps: []windows.Gap{{From: 1, To: 3, After: windows.Unset, Until: 4}},
	}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHead(b)
		if err != nil {
			return
		}
		if len(h.decisions.Advances) > maxAdvances {
			return // the oldest are not written again
		}
		again, err := decodeHead(encodeHead(h))
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%v: %+v became %+v", err, h, again)
		}
	})
}

func FuzzDecodeGridsInForce(f *testing.F) {
	f.Add("1772366400000", "12", encodeGrids(nil))
	f.Add("-9223372036854775808", "-1", encodeGrids([]GridInForce{
		{Model: "m", Version: "1", EffectiveFrom: windows.Unset, GridID: "sha256:00"}, {Model: "fraud-*", EffectiveFrom: 5, GridID: "g", Pattern: true},
	}))
	f.Fuzz(func(t *testing.T, through, generation string, b []byte) {
		mark, err := parseThrough([]any{through, generation, string(b)})
		if err == nil && !mark.Found {
			t.Errorf("%q and %q are nothing", through, generation)
		}
		grids, err := decodeGrids(b)
		if err != nil {
			return
		}
		again, err := decodeGrids(encodeGrids(grids))
		if err != nil || !reflect.DeepEqual(again, grids) {
			t.Fatalf("%v: %+v became %+v", err, grids, again)
		}
	})
}

func FuzzDecodeShare(f *testing.F) {
	f.Add(encodeHead(head{nextOffset: 7, watermark: 5}), encodeDirectory(nil, someEntries()[:2]))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, manifest, directory []byte) {
		share, err := decodeShare([]any{string(manifest), string(directory)})
		if err == nil && !share.Found {
			t.Error("a manifest that decodes is not found")
		}
		if none, err := decodeShare([]any{nil, string(directory)}); err != nil || none.Found || len(none.Panes) > 0 {
			t.Errorf("without a manifest there is %+v, %v", none, err)
		}
	})
}
