package evidence

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	all := s.history.all()
	sortWorstFirst(all)
	out := struct {
		Models  []modelSummary `json:"models"`
		History Stats          `json:"history"`
		Waiting *Waiting       `json:"waiting,omitempty"`
	}{Models: []modelSummary{}, History: s.history.Stats()}
	if w, ok := s.waiting(); ok {
		out.Waiting = &w
	}
	for i := range all {
		v := &all[i]
		m := modelSummary{
			Version: v.id, State: stateOf(v).Class, Windows: len(v.windows), Firing: []string{}, Path: alerts.ModelPath(v.id, time.Time{}),
		}
		for _, i := range v.incidents {
			if i.firing() {
				m.Firing = append(m.Firing, i.id)
			}
		}
		if last := v.last(); last != nil {
			m.LastWindow = &lastWindow{
				Start: last.start, End: last.end, Events: last.events, Features: last.features, TestedFeatures: last.tested,
				DriftedFeatures: last.drift, PredictionDrifted: last.prediction == drifted,
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
	if !ok {
		s.json(w, r, http.StatusNotFound, map[string]string{
			"error": fmt.Sprintf("nothing is kept of model %q version %q segment %q; /api/v1/models lists what is", id.Model, id.Version, id.Segment),
		})
		return
	}
	verdicts := []json.RawMessage{}
	for _, kept := range slices.Backward(v.windows) {
		if start.IsZero() || kept.start.Equal(start) {
			verdicts = append(verdicts, kept.raw)
		}
	}
	s.json(w, r, http.StatusOK, map[string]any{"verdicts": verdicts})
}

func (s *server) apiAlerts(w http.ResponseWriter, r *http.Request) {
	all := s.history.all()
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
