package alerts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A story is of one-hour windows, a word each: what fires with the window. d
// is feature drift, p prediction drift, q broken data, a capital a second incident of
// the same kind, w a drift that is a warning only, 0 a window without events, . nothing.
type story string

var storyBegins = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// window is the verdict of an hour, and what fires with it.
func (s story) window(hour int) (*drift.Verdict, *Progress, []*Alert) {
	word := strings.Fields(string(s))[hour]
	start := storyBegins.Add(time.Duration(hour) * time.Hour)
	v := &drift.Verdict{Model: "fraud", Version: "3", Window: drift.Bounds{Start: start, End: start.Add(time.Hour)}, Events: 100}
	after := NewProgress(Version{Model: "fraud", Version: "3"})
	after.Alerts = make(map[Kind]State)
	var transitions []*Alert
	for _, letter := range word {
		kind, id, severity := FeatureDrift, "d", "critical"
		switch letter {
		case '.':
			continue
		case '0':
			v.Events = 0
			continue
		case 'p':
			kind, id = PredictionDrift, "p"
		case 'q':
			kind, id = DataQuality, "q"
		case 'D':
			id = "D"
		case 'w':
			severity = "warning"
		}
		told := &Told{Severity: severity, Window: v.Window, Summary: "fraud v3: it drifted", Features: make([]Culprit, mostTold), FeaturesLeftOut: 25}
		after.Alerts[kind] = State{Incident: &Incident{ID: id, Since: start, Told: told}}
		if hour == 0 || !strings.ContainsRune(strings.Fields(string(s))[hour-1], letter) {
			transitions = append(transitions, &Alert{ID: id, Status: Firing, Severity: severity, Window: v.Window, Features: make([]Culprit, 30)})
		}
	}
	return v, after, transitions
}

// tell lives through the story and lists what is decided, as in "3 triggered d".
func (s story) tell(t *testing.T, settings *Settings) []string {
	t.Helper()
	var before *Retrained
	var told []string
	for hour := range strings.Fields(string(s)) {
		v, after, transitions := s.window(hour)
		next, records := settings.retrain(before, after, transitions, v, time.Time{})
		for _, r := range records {
			line := fmt.Sprintf("%d %s %s", hour, r.Status, r.Cause)
			if r.Reason != "" {
				line += " " + r.Reason
			}
			told = append(told, line)
		}
		before = next
	}
	return told
}

func retrainingSettings(t *testing.T, change func(*RetrainingPolicy)) *Settings {
	t.Helper()
	s := settingsOf(t, "1h", "", 1)
	s.Retraining = RetrainingPolicy{
		Targets: []string{"nightly"}, On: []Kind{FeatureDrift, PredictionDrift}, Cooldown: 3 * time.Hour, PerDay: 2, ExpireAfter: 24 * time.Hour,
	}
	if change != nil {
		change(&s.Retraining)
	}
	return s
}

// every is a schedule.
func every(t *testing.T, text string) *windows.Definition {
	t.Helper()
	size, err := windows.ParseSpan(text)
	if err != nil {
		t.Fatal(err)
	}
	d := &windows.Definition{Size: size, Origin: windows.Unset}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhenAVersionIsTrainedAgain(t *testing.T) {
	for _, test := range []struct {
		what   string
		policy func(*RetrainingPolicy)
		story  story
		want   []string
	}{
		{"one incident, once", nil, ". d d d d d d", []string{"1 triggered d"}},
		{"nothing is asked of nobody", func(p *RetrainingPolicy) { p.Targets = nil }, "d d p", nil},
		{"a kind that does not ask", func(p *RetrainingPolicy) { p.On = []Kind{PredictionDrift} }, "d dp", []string{"1 triggered p"}},
		{"broken data alone is no cause", nil, "q q", nil},
		{"two incidents at once are one cause", nil, "dp dp dp dp dp dp", []string{"0 triggered d", "0 refused p covered"}},
		{
			"refused while data is broken, then triggered, once", nil, "dq dq d d d d d",
			[]string{"0 refused d data_quality", "2 triggered d"},
		},
		{"over before the data was mended", nil, "dq q . .", []string{"0 refused d data_quality"}},
		{
			"data breaks again", nil, "dq d dq d",
			[]string{"0 refused d data_quality", "1 triggered d"},
		},
		{"over within the cooldown", nil, "d . D . . .", []string{"0 triggered d", "2 refused D cooldown"}},
		{"still so after the cooldown", nil, "d . D D D D", []string{"0 triggered d", "2 refused D cooldown", "3 triggered D"}},
		{
			"the reason changes", nil, "d . D Dq D D",
			[]string{"0 triggered d", "2 refused D cooldown", "3 refused D data_quality", "4 triggered D"},
		},
		{
			"the cap of a day", func(p *RetrainingPolicy) { p.Cooldown = 0 }, story("d . D . d" + strings.Repeat(" d", 22)),
			[]string{"0 triggered d", "2 triggered D", "4 refused d daily_cap", "24 triggered d"},
		},
		{
			"no cap", func(p *RetrainingPolicy) { p.Cooldown, p.PerDay = 0, 0 }, "d . D . d . D",
			[]string{"0 triggered d", "2 triggered D", "4 triggered d", "6 triggered D"},
		},
		{
			"a warning does not ask, until it is critical", func(p *RetrainingPolicy) { p.MinSeverity = "critical" }, "w w d d",
			[]string{"2 triggered d"},
		},
		{
			"the schedule, from the first window on", func(p *RetrainingPolicy) { p.Schedule = every(t, "4h") }, ". . . . . . . . . .",
			[]string{"3 triggered schedule", "7 triggered schedule"},
		},
		{
			"nobody asks for predictions", func(p *RetrainingPolicy) { p.Schedule = every(t, "4h") }, ". . . 0 0 . . 0 0 0 0 0 . .",
			[]string{"5 triggered schedule", "12 triggered schedule"},
		},
		{
			"scheduled a moment after a drift", func(p *RetrainingPolicy) { p.Schedule = every(t, "4h") }, ". d d d d d d d",
			[]string{"1 triggered d", "3 refused schedule cooldown", "7 triggered schedule"},
		},
		{
			"scheduled with a drift", func(p *RetrainingPolicy) { p.Schedule = every(t, "4h") }, ". . . d d",
			[]string{"3 triggered d", "3 refused schedule covered"},
		},
		{
			"scheduled while data is broken", func(p *RetrainingPolicy) { p.Schedule = every(t, "4h") }, ". . . q q . .",
			[]string{"3 refused schedule data_quality", "5 triggered schedule"},
		},
		{"dry", func(p *RetrainingPolicy) { p.DryRun = true }, "d d . D", []string{"0 triggered d", "3 triggered D"}},
	} {
		if got := test.story.tell(t, retrainingSettings(t, test.policy)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %s\nis    %q\nwant  %q", test.what, test.story, got, test.want)
		}
	}
}

func TestTheRecordSaysWhatATargetNeeds(t *testing.T) {
	s := retrainingSettings(t, nil)
	s.Retraining.Targets = []string{"nightly", "pipeline"}
	v, after, transitions := story("d").window(0)
	now := time.Date(2026, 3, 2, 1, 5, 0, 0, time.UTC)
	retrained, records := s.retrain(nil, after, transitions, v, now)
	if len(records) != 1 || len(retrained.Pending) != 1 {
		t.Fatalf("%d records, %d pending", len(records), len(retrained.Pending))
	}
	r := records[0]
	if len(r.Features) != mostPassedOn || r.FeaturesLeftOut != 10 {
		t.Errorf("%d features, %d left out", len(r.Features), r.FeaturesLeftOut)
	}
	// The window closes a minute after its end, and is worth a day.
	if want := v.Window.End.Add(time.Minute + 24*time.Hour); !r.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", r.Expires, want)
	}
	r.Features, r.FeaturesLeftOut = nil, 0
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	// The id is the beginning of sha256("10:retraining1:d").
	const want = `{"schema":1,"id":"5b6936363d0348a203742a08b53767c9","status":"triggered","kind":"retraining","severity":"critical",` +
		`"model":"fraud","version":"3","segment":"","window":{"start":"2026-03-02T00:00:00Z","end":"2026-03-02T01:00:00Z"},` +
		`"since":"2026-03-02T00:00:00Z","summary":"fraud v3: to be trained again because of feature_drift","features":null,` +
		`"evidence_url":"","runbook_url":"","cause":"d","cause_kind":"feature_drift","targets":["nightly","pipeline"],"expires":"2026-03-03T01:01:00Z"}`
	if string(data) != want {
		t.Errorf("%s\nwant\n%s", data, want)
	}
	// Each target answers once, in a record of its own.
	after.Retraining = retrained
	answer := Answer{Version: after.Version, ID: r.ID, Target: "pipeline", Delivery: Delivery{Attempts: 2, Run: "run-7"}}
	one, delivered := after.Answered(answer)
	if delivered == nil || delivered.Status != Delivered || delivered.Target != "pipeline" || delivered.Delivery.Run != "run-7" || delivered.ID != r.ID {
		t.Fatalf("the record of the answer is %+v", delivered)
	}
	if again, record := one.Answered(answer); again != nil || record != nil {
		t.Error("the same answer was taken twice")
	}
	if len(after.Retraining.Pending[0].Targets) != 2 {
		t.Error("the progress before has changed")
	}
	none, failed := one.Answered(Answer{Version: after.Version, ID: r.ID, Target: "nightly", Delivery: Delivery{Attempts: 9, Error: "gone"}})
	if failed == nil || failed.Status != Failed || len(none.Retraining.Pending) != 0 {
		t.Errorf("the record is %+v, and pending %+v", failed, none.Retraining.Pending)
	}
}

// A bucket of versions beyond the limits is no model that could be trained.
func TestClosingDecides(t *testing.T) {
	s := settingsOf(t, "1h", "", 3)
	s.Retraining = retrainingSettings(t, nil).Retraining
	outcomes := closeAll(s, panes(s, 7, 200, func(slice int64) float64 { return float64(slice / 5 * 150) }), windows.Timestamp(8*3600_000))
	for n, out := range outcomes {
		if want := n == 5; (len(out.Retraining) == 1) != want {
			t.Errorf("window %d: %d decisions", n, len(out.Retraining))
		}
	}
	if r := outcomes[5].Retraining[0]; r.Cause != outcomes[5].Alerts[0].ID || r.CauseSummary != outcomes[5].Alerts[0].Summary || len(r.Features) != 1 {
		t.Errorf("%+v", r)
	}
	if of := s.ofOthers(); len(of.Retraining.Targets) > 0 {
		t.Error("a bucket for others asks")
	}
}

func TestADryRunAsksNobody(t *testing.T) {
	s := retrainingSettings(t, func(p *RetrainingPolicy) { p.DryRun = true })
	v, after, transitions := story("d").window(0)
	retrained, records := s.retrain(nil, after, transitions, v, time.Now())
	if len(records) != 1 || !records[0].DryRun || len(retrained.Pending) != 0 {
		t.Errorf("%d records, %d pending", len(records), len(retrained.Pending))
	}
}

func TestWhatTargetsDoNotTakeIsBounded(t *testing.T) {
	s := retrainingSettings(t, func(p *RetrainingPolicy) { p.Cooldown, p.PerDay = 0, 0 })
	var before *Retrained
	long := story(strings.Repeat("d . ", 30))
	for hour := range 60 {
		v, after, transitions := long.window(hour)
		before, _ = s.retrain(before, after, transitions, v, time.Now())
	}
	if len(before.Pending) != mostPending || len(before.Triggered) != 1 {
		t.Errorf("%d pending, %d remembered", len(before.Pending), len(before.Triggered))
	}
	// Nobody is asked any more, but what is pending is still to be told.
	v, after, _ := long.window(1)
	s.Retraining = RetrainingPolicy{}
	if next, records := s.retrain(before, after, nil, v, time.Now()); len(next.Pending) != mostPending || len(records) != 0 || len(next.Triggered) != 0 {
		t.Errorf("%+v, %d records", next, len(records))
	}
}

// Whatever crashes, and whatever targets answer when, the same is decided: a window
// whose transaction failed is closed again from what was published.
func TestRetrainingIsAPureFunctionOfTheLog(t *testing.T) {
	words := []string{".", ".", "d", "D", "p", "q", "dq", "dp", "dpq", "w", "0"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 7))
		s := retrainingSettings(t, func(p *RetrainingPolicy) {
			p.Targets = []string{"a", "b"}
			p.Cooldown, p.PerDay = time.Duration(random.IntN(5))*time.Hour, random.IntN(3)
			if random.IntN(2) == 0 {
				p.Schedule = every(t, "5h")
			}
		})
		var hours []string
		for range 80 {
			word := words[random.IntN(len(words))]
			for range 1 + random.IntN(4) {
				hours = append(hours, word)
			}
		}
		tale := story(strings.Join(hours, " "))
		want := tale.tell(t, s)
		var got []string
		ids := make(map[string]int)
		progress := NewProgress(Version{Model: "fraud", Version: "3"})
		for hour := 0; hour < len(hours); {
			v, after, transitions := tale.window(hour)
			next, records := s.retrain(progress.Retraining, after, transitions, v, time.Unix(random.Int64N(1e9), 0))
			if random.IntN(4) == 0 {
				continue // it was not committed
			}
			for _, r := range records {
				line := fmt.Sprintf("%d %s %s", hour, r.Status, r.Cause)
				if r.Reason != "" {
					line += " " + r.Reason
				} else if r.Cause == CauseSchedule {
					ids[r.ID]++
				}
				got = append(got, line)
			}
			after.Retraining = next
			data, err := after.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if progress, err = DecodeProgress(data); err != nil {
				t.Fatal(err)
			}
			for _, target := range []string{"a", "b", "a"} {
				if progress.Retraining != nil && len(progress.Retraining.Pending) > 0 && random.IntN(3) == 0 {
					first := progress.Retraining.Pending[0]
					if answered, _ := progress.Answered(Answer{ID: first.Record.ID, Target: target}); answered != nil {
						progress = answered
					}
				}
			}
			hour++
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d:\n%q\nwant\n%q", seed, got, want)
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("seed %d: %s was triggered %d times", seed, id, n)
			}
		}
	}
}
