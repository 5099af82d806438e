package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/kolmo-ml/kolmo/windows"
)

// A stream is what a model's service would send when nothing happens: independent
// features of unit variance, each an AR(1) process, so that what comes soon after a
// value is like it.
type stream struct {
	random *rand.Rand
	rho    float64
	values []float64 // of the last event, before any shift
	events uint64
	fields []windows.Field
}

func newStream(seed uint64, rho float64, features int) *stream {
	s := &stream{random: rand.New(rand.NewPCG(seed, 0x6b6f6c6d6f)), rho: rho, values: make([]float64, features)}
	for i := range s.values {
		s.values[i] = s.random.NormFloat64()
		s.fields = append(s.fields, windows.Field{Name: fmt.Appendf(nil, "f%02d", i), Value: windows.Value{Kind: windows.Number}})
	}
	return s
}

// next is the next event. The first shifted features are moved by shift standard
// deviations. The observation is valid until the next call.
func (s *stream) next(shift float64, shifted int) (o windows.Observation, hash uint64) {
	innovation := math.Sqrt(1 - s.rho*s.rho)
	for i := range s.values {
		s.values[i] = s.rho*s.values[i] + innovation*s.random.NormFloat64()
		s.fields[i].Value.Number = s.values[i]
		if i < shifted {
			s.fields[i].Value.Number += shift
		}
	}
	s.events++
	return windows.Observation{HasFeatures: true, Features: s.fields}, windows.RowHash(s.events)
}

// A batch is one window's values by feature, as the peers take them.
type batch [][]float64

// window draws one window: into a pane, and into a batch where one is given.
func (s *stream) window(pane *windows.Pane, into batch, events int, shift float64, shifted int) {
	for i := range into {
		into[i] = into[i][:0]
	}
	for range events {
		o, hash := s.next(shift, shifted)
		pane.Count(&o, hash)
		for i := range into {
			into[i] = append(into[i], s.fields[i].Value.Number)
		}
	}
}
