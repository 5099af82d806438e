//go:build unix

package redisstore

import (
	"fmt"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
)

// benchmarkPane has 50 numeric features of 5,000 events on a grid.
func benchmarkPane(b *testing.B) *windows.Pane {
	b.Helper()
	model := testGrid("g").Features[0]
	grid := &windows.Grid{ID: "g"}
	for i := range 50 {
		f := model
		f.Name = fmt.Sprintf("feature-%02d", i)
		grid.Features = append(grid.Features, f)
	}
	grid.Prepare()
	p := windows.NewPane(windows.PaneKey{Model: "m"}, windows.Interval{End: 1}, grid, 1024, windows.Limits{Features: 50})
	g := newTraffic(1)
	for i := range 5000 {
		o := &windows.Observation{Offset: int64(i), HasFeatures: true}
		for n := range grid.Features {
			o.Features = append(o.Features, windows.Field{
				Name: []byte(grid.Features[n].Name), Value: windows.Value{Kind: windows.Number, Number: g.random.NormFloat64()},
			})
		}
		p.CountPartition(o, testPartition)
	}
	return p
}

func BenchmarkEncodePane(b *testing.B) {
	p := benchmarkPane(b)
	var blob []byte
	for b.Loop() {
		blob = encodePane(blob[:0], p)
	}
	b.SetBytes(int64(len(blob)))
}

func BenchmarkEncodeSamples(b *testing.B) {
	p := benchmarkPane(b)
	var blob []byte
	for b.Loop() {
		blob, _ = encodeSamples(blob[:0], testPartition, p, (*windows.Sample).Entries)
	}
	b.SetBytes(int64(len(blob)))
}

func BenchmarkDecodePane(b *testing.B) {
	p := benchmarkPane(b)
	state := encodePane(nil, p)
	samples, _ := encodeSamples(nil, testPartition, p, (*windows.Sample).Entries)
	b.SetBytes(int64(len(state) + len(samples)))
	for b.Loop() {
		if _, err := restore(p, state, samples); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit writes a checkpoint of one changed pane of 50 features whole,
// as the first checkpoint of a pane does.
func BenchmarkCommit(b *testing.B) {
	store := openStore(b, realRedis(b, nil))
	i := take(b, store)
	p := benchmarkPane(b)
	bytes := 0
	for n := 0; b.Loop(); n++ {
		p.Late++
		w, err := i.claim.Commit(b.Context(), windows.Snapshot{NextOffset: int64(n), Changed: []*windows.Pane{p}}, MarkFields{})
		if err != nil {
			b.Fatal(err)
		}
		bytes += w.Bytes
	}
	b.SetBytes(int64(bytes / b.N))
}
