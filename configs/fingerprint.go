package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// Fingerprint is a SHA-256, in hexadecimal, of the part of the config that
// changes verdicts: the input topics, the limits that decide what is accepted,
// and the settings of every model. Two configs that give the same windows,
// tests and alerts have the same fingerprint even where one writes out what
// the other leaves to a default. Of a reference file it holds the name as
// written; the content has an identity of its own. c must come from Default,
// Load or Parse.
func (c *Config) Fingerprint() string {
	type limits struct {
		MaxEventBytes, MaxDepth, Models, VersionsPerModel, FeaturesPerModel, Categories, NameLength int

		MaxAhead, ForgetAfter time.Duration
		MaxBinMass            float64
	}
	l := c.Limits
	content := struct {
		Format   int // changes with what is hashed, and how
		Inputs   Inputs
		Limits   limits
		Defaults modelFingerprint
		Silences []silenceFingerprint
		Models   []modelFingerprint // in order of precedence, not of the file
	}{
		Format: 1,
		Inputs: c.Kafka.Inputs,
		Limits: limits{
			l.MaxEventBytes, l.MaxDepth, l.Models, l.VersionsPerModel, l.FeaturesPerModel, l.Categories, l.NameLength,
			l.MaxAhead, l.ForgetAfter, l.MaxBinMass,
		},
		Defaults: fingerprintOf(c.fallback),
	}
	for _, s := range c.Silences {
		content.Silences = append(content.Silences, silenceFingerprint{
			s.Model, s.Version, s.Kinds, s.Features, s.From, s.Until, s.Days, s.Hours, s.Location.String(), s.Reason,
		})
	}
	for _, m := range c.ranked {
		content.Models = append(content.Models, fingerprintOf(m))
	}
	data, err := json.Marshal(content)
	if err != nil {
		panic("configs: a fingerprint of plain values cannot fail: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A modelFingerprint is a Model in plain values.
type modelFingerprint struct {
	Pattern                            string
	Size, Every, MaxSize, Zone, Origin string
	Lateness                           time.Duration
	MinEvents                          uint64
	Kind, File, Period                 string
	Windows, Cycles, ReferenceSize     int
	SampleSize                         int
	Drift                              Drift
	Alert                              Alert
	Budget                             string
	Objectives                         Objectives
	Traffic                            *Traffic `json:",omitempty"`
	SuccessStatuses                    []string
	Against                            string            `json:",omitempty"`
	Retraining                         *RetrainingPolicy `json:",omitempty"`
}

// A silenceFingerprint is a Silence in plain values.
type silenceFingerprint struct {
	Model, Version  string
	Kinds, Features []string
	From, Until     windows.Timestamp
	Days            []string
	Hours           Hours
	Zone, Reason    string
}

func fingerprintOf(m Model) modelFingerprint {
	w, r := m.Window, m.Reference
	var traffic *Traffic
	if m.Traffic.Watch {
		traffic = &m.Traffic
	}
	var retraining *RetrainingPolicy
	if len(m.Retraining.Targets) > 0 {
		retraining = &m.Retraining
	}
	return modelFingerprint{
		Objectives: m.Objectives, Traffic: traffic, Retraining: retraining,
		Pattern:         m.Pattern,
		Size:            formatSpan(w.Size),
		Every:           formatSpan(w.Every),
		MaxSize:         formatSpan(w.MaxSize),
		Zone:            w.Location.String(),
		Origin:          w.Origin.String(),
		Lateness:        w.Lateness,
		MinEvents:       w.MinEvents,
		Kind:            r.Kind,
		File:            r.FileAsWritten,
		Period:          formatSpan(r.Period),
		Windows:         r.Windows,
		Cycles:          r.Cycles,
		ReferenceSize:   r.Size,
		SampleSize:      m.SampleSize,
		Drift:           m.Drift,
		Alert:           m.Alert,
		Budget:          fmt.Sprint(m.Budget.Pages, " per ", formatSpan(m.Budget.Period)),
		SuccessStatuses: m.SuccessStatuses,
		Against:         r.Version,
	}
}
