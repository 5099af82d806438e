package evidence

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Whether anything is watched at all has four words of its own, each with its
// runbook, on the start page and in the JSON.
func TestTheMonitorIsMonitored(t *testing.T) {
	compared := func(model string, hour int) *drift.Verdict {
		return storyVerdict(model, "1", hour, map[string]*drift.Feature{"x": numericFeature(0.02, false)})
	}
	silent := func(model string, hour int) *drift.Verdict {
		v := storyVerdict(model, "1", hour, nil)
		v.Events = 0
		return v
	}
	unreferenced := func(model string, hour int) *drift.Verdict {
		v := storyVerdict(model, "1", hour, map[string]*drift.Feature{"x": {N: 400, Untested: "there is no reference yet"}})
		v.Reference = nil
		return v
	}
	daily := func(v *drift.Verdict) *drift.Verdict {
		v.Window.End = v.Window.Start.Add(24 * time.Hour)
		return v
	}
	at := func(hours float64) time.Time { return storyStart.Add(time.Duration(hours * float64(time.Hour))) }
	stuck := &Waiting{Partition: "predictions/1", Held: 1, Since: at(1)}
	const (
		noDataSays  = "no data: 1"
		missingSays = "reference missing: 1"
		behindSays  = "Windows are behind."
		stuckSays   = "A partition is stuck."
	)
	for _, c := range []struct {
		name       string
		verdicts   []*drift.Verdict
		now        time.Time
		published  time.Time // all of them
		waiting    *Waiting
		reading    bool
		conditions map[string]condition
		behind     []string
		says       []string
	}{
		{name: "all is well", now: at(3.5), verdicts: []*drift.Verdict{compared("a", 1), compared("a", 2), compared("b", 2)}},
		{name: "events stopped", now: at(3.5), verdicts: []*drift.Verdict{compared("a", 2), compared("b", 1), silent("b", 2)},
			conditions: map[string]condition{"b": noData}, says: []string{noDataSays}},
		{name: "events came back", now: at(3.5), verdicts: []*drift.Verdict{silent("a", 1), compared("a", 2)}},
		{name: "nothing to compare with", now: at(3.5), verdicts: []*drift.Verdict{unreferenced("a", 2), compared("b", 2)},
			conditions: map[string]condition{"a": referenceMissing}, says: []string{missingSays}},
		{name: "neither events nor a reference is no data", now: at(3.5), verdicts: []*drift.Verdict{func() *drift.Verdict { v := silent("a", 2); v.Reference = nil; return v }()},
			conditions: map[string]condition{"a": noData}, says: []string{noDataSays}},
		{name: "a window is due, and not yet late", now: at(5.2), verdicts: []*drift.Verdict{compared("a", 2)}},
		{name: "a window is late", now: at(5.3), verdicts: []*drift.Verdict{compared("a", 2)}, behind: []string{"a"}, says: []string{behindSays}},
		{name: "one of two is late", now: at(9.5), verdicts: []*drift.Verdict{compared("a", 2), compared("b", 8)}, behind: []string{"a"}, says: []string{behindSays, "1 model version should"}},
		{name: "days are longer than hours", now: at(60), verdicts: []*drift.Verdict{daily(compared("a", 0))}},
		{name: "and end as well", now: at(24 + 48.5), verdicts: []*drift.Verdict{daily(compared("a", 0))}, behind: []string{"a"}, says: []string{behindSays}},
		{name: "a version that came to its end", now: at(103.5), verdicts: []*drift.Verdict{compared("old", 2), compared("new", 102)}},
		{name: "a version without events closes nothing", now: at(30), verdicts: []*drift.Verdict{silent("a", 2)}, conditions: map[string]condition{"a": noData}, says: []string{noDataSays}},
		{name: "history that is replayed", now: at(24 * 200), verdicts: []*drift.Verdict{compared("a", 2)}, published: at(24 * 199)},
		{name: "a batch that always comes hours later", now: at(16), verdicts: []*drift.Verdict{compared("a", 2)}, published: at(15)},
		{name: "and does not come", now: at(18), verdicts: []*drift.Verdict{compared("a", 2)}, published: at(15), behind: []string{"a"}, says: []string{behindSays}},
		{name: "one of its windows was quicker", now: at(18), verdicts: []*drift.Verdict{compared("a", 2), compared("a", 12)}, published: at(15), behind: []string{"a"}, says: []string{behindSays}},
		{name: "the newest have yet to be read", now: at(30), verdicts: []*drift.Verdict{compared("a", 2)}, reading: true},
		{name: "nobody knows the time", verdicts: []*drift.Verdict{compared("a", 2)}},
		{name: "a partition is stuck", now: at(3.5), verdicts: []*drift.Verdict{compared("a", 2)}, waiting: stuck, says: []string{stuckSays}},
		{name: "everything at once", now: at(9), verdicts: []*drift.Verdict{compared("a", 2), silent("b", 3), unreferenced("c", 3)}, waiting: stuck,
			conditions: map[string]condition{"b": noData, "c": referenceMissing}, behind: []string{"a", "c"},
			says: []string{noDataSays, missingSays, behindSays, "2 model versions should", stuckSays}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := NewHistory(Limits{})
			for i, v := range c.verdicts {
				if err := h.AddVerdictAt(Place{Offset: int64(i)}, c.published, encode(t, v)); err != nil {
					t.Fatal(err)
				}
			}
			if c.reading {
				h.Reading(Progress{Read: 1, Total: 2})
			}
			var options []Option
			if !c.now.IsZero() {
				options = append(options, WithClock(func() time.Time { return c.now }))
			}
			handler := NewHandler(h, discard(), func() (Waiting, bool) {
				if c.waiting == nil {
					return Waiting{}, false
				}
				return *c.waiting, true
			}, options...)

			page := parse(t, get(t, handler, "").Body.String())
			for _, words := range []string{"no data: ", "reference missing: ", behindSays, stuckSays} {
				want := strings.Contains(strings.Join(c.says, "\n"), words)
				if found := strings.Contains(page.text, words); found != want {
					t.Errorf("the page says %q: %v", words, found)
				}
			}
			links := strings.Join(page.links, " ")
			for words, runbook := range map[string]string{
				noDataSays: "KolmoNoData", missingSays: "KolmoReferenceMissing", behindSays: "KolmoBehind", stuckSays: "KolmoPartitionStuck",
			} {
				want := strings.Contains(strings.Join(c.says, "\n"), words)
				if found := strings.Contains(links, alerts.RunbookPath(runbook)); found != want {
					t.Errorf("the page leads to the runbook %s: %v", runbook, found)
				}
			}
			for _, text := range c.says {
				if !strings.Contains(page.text, text) {
					t.Errorf("the page does not say %q:\n%s", text, page.text)
				}
			}

			var api struct {
				Models []struct {
					Model     string
					Condition condition
					Behind    bool
				}
				Behind *struct {
					Versions int
					Seconds  float64
				}
			}
			if err := json.Unmarshal(get(t, handler, "api/v1/models").Body.Bytes(), &api); err != nil {
				t.Fatal(err)
			}
			late := make(map[string]bool)
			for _, model := range c.behind {
				late[model] = true
			}
			for _, m := range api.Models {
				if m.Condition != c.conditions[m.Model] || m.Behind != late[m.Model] {
					t.Errorf("in the JSON, %q is %q, behind: %v", m.Model, m.Condition, m.Behind)
				}
				model := parse(t, get(t, handler, alerts.ModelPath(alerts.Version{Model: m.Model, Version: "1"}, time.Time{})).Body.String())
				if leads := strings.Contains(strings.Join(model.links, " "), "runbooks/"); leads != (m.Condition != watched) {
					t.Errorf("the page of %q leads to a runbook: %v", m.Model, leads)
				}
			}
			if (api.Behind != nil) != (len(c.behind) > 0) || api.Behind != nil && (api.Behind.Versions != len(c.behind) || api.Behind.Seconds <= 0) {
				t.Errorf("in the JSON, behind is %+v", api.Behind)
			}
		})
	}
}
