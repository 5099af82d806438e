package alerts

import (
	"fmt"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A Silence says what is expected, and pages nobody: a maintenance, or a drift that
// is accepted for a while. A window that it covers counts as one without drift, so
// that what fires is resolved, and what goes on when the silence ends fires again.
// Verdicts say what they find all the same.
type Silence struct {
	// Covers reports whether the silence is of a version and of a window.
	Covers func(Version, windows.Interval) bool
	// Kinds that it is of; empty: all.
	Kinds []Kind
	// Feature reports whether it is of a feature; nil: of everything.
	Feature func(name string) bool
	// Reason is why, for people.
	Reason string
}

// silence takes out of a finding what is silenced, and says so in the verdict's
// features that have drifted.
func (s *Settings) silence(kind Kind, of Version, w windows.Interval, v *drift.Verdict, found finding) finding {
	for _, silence := range s.Silences {
		if len(found.culprits) == 0 {
			return found
		}
		if len(silence.Kinds) > 0 && !slices.Contains(silence.Kinds, kind) || !silence.Covers(of, w) {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(found.culprits), func(c Culprit) bool {
			return silence.Feature == nil || silence.Feature(c.Name)
		})
		if len(kept) == len(found.culprits) {
			continue
		}
		for _, c := range found.culprits {
			held := v.Features[c.Name]
			if kind == PredictionDrift {
				held = v.Prediction
			}
			drifts := kind == FeatureDrift || kind == PredictionDrift
			if drifts && held != nil && held.HeldBack == "" && !slices.ContainsFunc(kept, func(k Culprit) bool { return k.Name == c.Name }) {
				held.HeldBack = fmt.Sprintf("%s: %s", drift.HeldSilenced, silence.Reason)
			}
		}
		if kind == FeatureDrift {
			found.heldBack += len(found.culprits) - len(kept)
		}
		found.culprits, found.silenced = kept, silence.Reason
	}
	return found
}
