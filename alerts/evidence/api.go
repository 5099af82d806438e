package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A modelSummary is a model version in the answer of /api/v1/models.
type modelSummary struct {
	alerts.Version
	State      string      `json:"state"` // firing, drifting, quiet or waiting
	Windows    int         `json:"windows"`
	LastWindow *lastWindow `json:"last_window,omitempty"`
	Firing     []string    `json:"firing"` // ids of alerts
	Path       string      `json:"path"`   // of the page, relative to the root of the pages
	// Condition is no_data or reference_missing, where that keeps the version from
	// being watched.
	Condition condition `json:"condition,omitempty"`
	// Behind: a window of it should have closed by now.
	Behind bool `json:"behind,omitempty"`
}

type lastWindow struct {
	Start             time.Time `json:"start"`
	End               time.Time `json:"end"`
	Events            uint64    `json:"events"`
	Features          int       `json:"features"`
	TestedFeatures    int       `json:"tested_features"`
	DriftedFeatures   int       `json:"drifted_features"`
	PredictionDrifted bool      `json:"prediction_drifted"`
}

func (s *server) apiModels(w http.ResponseWriter, r *http.Request) {
	all := s.history.all(sparkWindows)
	sortWorstFirst(all)
	unread := s.history.unread()
	behind := s.behind(all, unread)
	out := struct {
		Models  []modelSummary `json:"models"`
		History Stats          `json:"history"`
		Waiting *Waiting       `json:"waiting,omitempty"`
		Behind  *lateness      `json:"behind,omitempty"`
		Reading *Progress      `json:"reading,omitempty"`
	}{Models: []modelSummary{}, History: s.history.Stats(), Behind: behind, Reading: unread}
	if w, ok := s.waiting(); ok {
		out.Waiting = &w
	}
	for i := range all {
		v := &all[i]
		m := modelSummary{
			Version: v.id, State: stateOf(v).Class, Windows: v.earlier + len(v.windows), Firing: []string{}, Path: alerts.ModelPath(v.id, time.Time{}),
			Condition: conditionOf(v), Behind: behind.includes(v.id),
		}
		for _, i := range v.incidents {
			if i.firing() {
				m.Firing = append(m.Firing, i.id)
			}
		}
		if last := v.last(); last != nil {
			m.LastWindow = &lastWindow{
				Start: last.start, End: last.end, Events: last.events, Features: int(last.features), TestedFeatures: int(last.tested),
				DriftedFeatures: int(last.drift), PredictionDrifted: last.prediction == drifted,
			}
		}
		out.Models = append(out.Models, m)
	}
	s.json(w, r, http.StatusOK, out)
}

func (s *server) apiVerdicts(w http.ResponseWriter, r *http.Request) {
	start, err := windowOf(r)
	if err != nil {
		s.json(w, r, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	id := apiVersion(r)
	v, ok := s.history.one(id)
	if unread := s.history.unread(); !ok && unread != nil {
		w.Header().Set("Retry-After", "5")
		s.json(w, r, http.StatusServiceUnavailable, map[string]string{"error": "verdicts are still being read, " + unread.words() + "; ask again in a moment"})
		return
	}
	if !ok {
		s.json(w, r, http.StatusNotFound, map[string]string{
			"error": fmt.Sprintf("nothing is kept of model %q version %q segment %q; /api/v1/models lists what is", id.Model, id.Version, id.Segment),
		})
		return
	}
	most, before, err := pageOf(r)
	if err != nil {
		s.json(w, r, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	out := struct {
		Verdicts []json.RawMessage `json:"verdicts"`
		// Gone are the starts of windows whose records the topic does not hold any more.
		Gone []time.Time `json:"gone,omitempty"`
		// Before is what to ask for next, where there is more.
		Before  *time.Time `json:"before,omitempty"`
		Reading *Progress  `json:"reading,omitempty"`
	}{Verdicts: []json.RawMessage{}, Reading: s.history.unread()}
	size, last := 0, time.Time{}
	for _, kept := range slices.Backward(v.windows) {
		if !start.IsZero() && !kept.start.Equal(start) || !before.IsZero() && !kept.start.Before(before) {
			continue
		}
		if n := len(out.Verdicts) + len(out.Gone); n == most || size > mostAnswerBytes {
			out.Before = &last
			break
		}
		last = kept.start
		record, err := s.record(r.Context(), kept)
		switch {
		case errors.Is(err, ErrGone):
			out.Gone = append(out.Gone, kept.start)
		case err != nil:
			w.Header().Set("Retry-After", "5")
			s.json(w, r, http.StatusServiceUnavailable, map[string]string{"error": s.unreadable(&v, kept, err)})
			return
		default:
			out.Verdicts = append(out.Verdicts, record)
			size += len(record)
		}
	}
	s.json(w, r, http.StatusOK, out)
}

// An answer has so many verdicts unless it is told otherwise, at most so many, and
// no more once it has so many bytes.
const (
	answerVerdicts     = 48
	mostAnswerVerdicts = 500
	mostAnswerBytes    = 32 << 20
)

// pageOf reads how many verdicts a request asks for, and before when.
func pageOf(r *http.Request) (most int, before time.Time, err error) {
	q := r.URL.Query()
	most = answerVerdicts
	if text := q.Get("limit"); text != "" {
		if most, err = strconv.Atoi(text); err != nil || most < 1 || most > mostAnswerVerdicts {
			return 0, before, fmt.Errorf("limit %q is not a number from 1 to %d", text, mostAnswerVerdicts)
		}
	}
	if text := q.Get("before"); text != "" {
		if before, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return 0, before, fmt.Errorf("before %q is not a time such as 2026-01-01T00:00:00Z", text)
		}
	}
	return most, before, nil
}

func (s *server) apiAlerts(w http.ResponseWriter, r *http.Request) {
	all := s.history.all(0)
	if r.URL.Query().Has("model") {
		v, ok := s.history.one(apiVersion(r))
		all = nil
		if ok {
			all = []version{v}
		}
	}
	type transition struct {
		at  time.Time
		raw json.RawMessage
	}
	var transitions []transition
	for i := range all {
		for _, incident := range all[i].incidents {
			for n, raw := range incident.raw {
				transitions = append(transitions, transition{incident.windows[n], raw})
			}
		}
	}
	slices.SortStableFunc(transitions, func(a, b transition) int { return b.at.Compare(a.at) })
	records := make([]json.RawMessage, 0, len(transitions))
	for _, t := range transitions {
		records = append(records, t.raw)
	}
	s.json(w, r, http.StatusOK, map[string]any{"alerts": records})
}

func apiVersion(r *http.Request) alerts.Version {
	q := r.URL.Query()
	return alerts.Version{Model: q.Get("model"), Version: q.Get("version"), Segment: q.Get("segment")}
}

func (s *server) json(w http.ResponseWriter, r *http.Request, code int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	s.write(w, r, code, append(data, '\n'))
}
