//go:build unix

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// A source is one model version that sends events.
type source struct {
	model, version string
	weight         int  // how many events it sends of every hundred or so
	features       bool // some come through the features topic
	drifts         windows.Timestamp
}

// sources are the model versions of the load: one for each kind of reference, and of
// window. When a source drifts is shifted by its last field, so that alerts of
// several versions come and go at different times.
func sources() []source {
	return []source{
		{"fraud", "1", 20, true, 0},
		{"fraud", "2", 15, true, 50_000},
		{"scoring", "2026-01", 20, false, 100_000},
		{"pricing", "current", 15, false, 0},
		{"pricing", "candidate", 15, false, 150_000},
		{"catalog", "stable", 15, true, 200_000},
		{"catalog", "sparse", 2, false, 60_000},
	}
}

const (
	driftEvery = 280_000 // ms of event time: a source drifts …
	driftFor   = 100_000 // … so long of every so long
)

// beginningFor is where the event time of a load begins: on an hour, far enough
// back that the load stays in the past, since a broker refuses records of the future;
// and within a day, since it forgets after that long, by the records' times, which
// of a producer's records it has.
func beginningFor(now time.Time) windows.Timestamp {
	return windows.TimestampOf(now.Add(-12 * time.Hour).Truncate(time.Hour))
}

// drifting tells by how much event time has passed since the load began.
func (s *source) drifting(passed int64) bool {
	since := passed + int64(s.drifts)
	return since > driftEvery && since%driftEvery < driftFor
}

// event writes an event of the source.
func (s *source) event(r *rand.Rand, at windows.Timestamp, id uint64, prediction, drifting bool) []byte {
	b := fmt.Appendf(nil, `{"model":%q,"version":%q,"request_id":"%d"`, s.model, s.version, id)
	if r.IntN(4) == 0 {
		b = fmt.Appendf(b, `,"ts":%q`, at.Time().Format(time.RFC3339Nano))
	} else {
		b = fmt.Appendf(b, `,"ts":%d`, int64(at))
	}
	b = append(b, `,"features":{`...)
	amount, country := math.Exp(3+r.NormFloat64()), []string{"DE", "FR", "PT", "US"}[min(3, int(4*r.Float64()*r.Float64()))]
	if drifting {
		amount *= 2.5
		if r.IntN(4) == 0 {
			country = "ZZ"
		}
	}
	switch n := r.IntN(100); {
	case n < 5 || drifting && n < 15:
		b = append(b, `"amount":null,`...)
	case n == 20:
		b = append(b, `"amount":"NaN",`...)
	case n < 96:
		b = append(b, `"amount":`...)
		b = strconv.AppendFloat(b, amount, 'g', -1, 64)
		b = append(b, ',')
	}
	b = append(b, `"age":`...)
	b = strconv.AppendInt(b, int64(18+r.IntN(60)), 10)
	b = append(b, `,"user":{"country":"`...)
	b = append(b, country...)
	b = fmt.Appendf(b, `","returning":%v}}`, r.IntN(3) == 0)
	if prediction {
		score := r.Float64()
		if drifting {
			score *= score
		}
		b = append(b, `,"prediction":`...)
		b = strconv.AppendFloat(b, score, 'g', -1, 64)
		b = fmt.Appendf(b, `,"status":%q,"latency_ms":%v`, []string{"ok", "ok", "ok", "ok", "error", "503"}[r.IntN(6)], math.Round(10*r.ExpFloat64())/10)
	}
	return append(b, '}')
}

// malformed writes a record that is no event.
func (s *source) malformed(r *rand.Rand, at windows.Timestamp) []byte {
	whole := s.event(r, at, 0, true, false)
	switch r.IntN(6) {
	case 0:
		return whole[:len(whole)/2]
	case 1:
		return append(whole, '}')
	case 2:
		return nil
	case 3:
		return fmt.Appendf(nil, `{"ts":%d,"features":{"amount":1}}`, int64(at))
	case 4:
		return fmt.Appendf(nil, `{"model":%q,"ts":%d,"ts":%d}`, s.model, int64(at), int64(at))
	}
	return fmt.Appendf(nil, `{"model":%q,"ts":"yesterday"}`, s.model)
}

// referenceFile are the events that a model was trained on. It is always the same.
func referenceFile() []byte {
	r := rand.New(rand.NewPCG(7, 7))
	s := source{model: "catalog", version: "stable"}
	var file []byte
	for n := range 1000 {
		file = append(file, s.event(r, windows.Timestamp(1000*n), uint64(n), true, false)...)
		file = append(file, '\n')
	}
	return file
}
