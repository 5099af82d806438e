package redisstore

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kolmo-ml/kolmo/windows"
)

const gridFormat = 1

// EncodeGrid is the form in which a grid is stored.
func EncodeGrid(g *windows.Grid) []byte {
	b := appendText([]byte{gridFormat}, g.ID)
	b = binary.AppendUvarint(b, uint64(len(g.Features)))
	for i := range g.Features {
		f := &g.Features[i]
		b = appendText(b, f.Name)
		b = append(b, byte(f.Type))
		b = appendFloat(appendFloat(b, f.LowFence), f.HighFence)
		b = binary.AppendUvarint(b, uint64(len(f.Edges)))
		for _, edge := range f.Edges {
			b = appendFloat(b, edge)
		}
		b = binary.AppendUvarint(b, uint64(len(f.Categories)))
		for _, category := range f.Categories {
			b = appendText(b, category)
		}
	}
	return seal(b)
}

// DecodeGrid reads what EncodeGrid wrote, checks that it is a grid, and
// prepares it for use.
func DecodeGrid(blob []byte) (*windows.Grid, error) {
	body, err := unseal(blob)
	if err != nil {
		return nil, fmt.Errorf("a grid: %w", err)
	}
	r := &reader{rest: body}
	r.version(gridFormat, "grid")
	g := &windows.Grid{ID: r.text()}
	for i, n := 0, r.count(20); i < n && r.err == nil; i++ {
		f := r.featureGrid()
		if i > 0 && f.Name <= g.Features[i-1].Name {
			r.fail("feature %q follows %q, out of order", f.Name, g.Features[i-1].Name)
		}
		g.Features = append(g.Features, f)
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("a grid: %w", err)
	}
	g.Prepare()
	return g, nil
}

func (r *reader) featureGrid() windows.FeatureGrid {
	f := windows.FeatureGrid{Name: r.text(), Type: windows.Type(r.byte()), LowFence: r.float(), HighFence: r.float()}
	if f.Type > windows.Categorical {
		r.fail("feature %q has the unknown type %d", f.Name, uint8(f.Type))
	}
	if math.IsNaN(f.LowFence) || math.IsNaN(f.HighFence) {
		r.fail("a fence of feature %q is not a number", f.Name)
	}
	edges := r.count(8)
	if edges > windows.MaxEdges {
		r.fail("feature %q has %d edges, more than %d", f.Name, edges, windows.MaxEdges)
		return f
	}
	for i := range edges {
		edge := r.float()
		if math.IsNaN(edge) || math.IsInf(edge, 0) || i > 0 && edge <= f.Edges[i-1] {
			r.fail("the edges of feature %q do not ascend", f.Name)
			return f
		}
		f.Edges = append(f.Edges, edge)
	}
	for i, n := 0, r.count(1); i < n && r.err == nil; i++ {
		category := r.text()
		if i > 0 && category <= f.Categories[i-1] {
			r.fail("the categories of feature %q do not ascend", f.Name)
		}
		f.Categories = append(f.Categories, category)
	}
	return f
}
