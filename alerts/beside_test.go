package alerts

import (
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// A candidate is compared with the current version's window of the same time;
// the current one with nothing.
func TestVersionsSideBySide(t *testing.T) {
	s := settingsOf(t, "1h", "", 0)
	s.Against, s.SampleSize = "current", 1000
	current := panes(s, 3, 400, func(int64) float64 { return 0 })
	candidate := panes(s, 3, 401, func(slice int64) float64 { return 200 * float64(slice/2) })
	step := func(version string, slice int64, own, other []windows.Part) Step {
		interval, first, end := s.Definition.Window(slice)
		return Step{
			Progress: NewProgress(Version{Model: "m", Version: version}), Parts: own, Against: other,
			Due: windows.DueWindow{Interval: interval, FirstPane: first, EndPane: end, After: windows.Emitted{Any: true, Next: slice + 1}},
		}
	}
	for slice := range int64(3) {
		out := Close(s, step("candidate", slice, candidate[slice:slice+1], current[slice:slice+1]))
		f := out.Verdict.Features["x"]
		if r := out.Verdict.Reference; r == nil || r.Kind != reference.Version || r.Rows != 400 {
			t.Errorf("window %d: the reference is %+v", slice, r)
		}
		// Every value of both is kept: it is exact, and only the last window has moved.
		if f.Method != "exact" || f.Drifted != (slice == 2) || len(out.Alerts) != map[bool]int{true: 1}[slice == 2] {
			t.Errorf("window %d: %s, drifted %v, %d alerts", slice, f.Method, f.Drifted, len(out.Alerts))
		}
		out = Close(s, step("current", slice, current[slice:slice+1], nil))
		if f := out.Verdict.Features["x"]; out.Verdict.Reference != nil || f.Untested != "it is the version that others are compared with" {
			t.Errorf("window %d of the current version: %+v, untested %q", slice, out.Verdict.Reference, f.Untested)
		}
	}
	out := Close(s, step("candidate", 0, candidate[:1], nil))
	if f := out.Verdict.Features["x"]; f.Untested != `version "current", which it is compared with, has no events in this window` {
		t.Errorf("beside nothing: untested %q", f.Untested)
	}
	// A reference that was loaded for the candidate goes before it.
	pinned := step("candidate", 0, candidate[:1], current[:1])
	pinned.Reference = reference.FromWindow(reference.Fixed, windows.Merge(windows.Interval{}, current[:2]), 100)
	if out := Close(s, pinned); out.Verdict.Reference.Kind != reference.Fixed {
		t.Errorf("with a loaded reference: %+v", out.Verdict.Reference)
	}
}
