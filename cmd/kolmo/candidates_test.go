package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/cmd/internal/replay"
)

// budgetedDays is a model with daily windows and a budget.
const budgetedDays = "    window: {size: 1d}\n    reference: {kind: fixed, file: reference.csv.gz, size: 3000}\n    budget: 1 per 30d\n"

// TestOverlaysReachEveryModel: --set changes the defaults and what a model's entry
// says itself, at any depth, and nothing else.
func TestOverlaysReachEveryModel(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "kolmo.yaml")
	if err := os.WriteFile(file, []byte(`kafka: {brokers: ["localhost:1"]} # a comment
redis: {addresses: ["${REDIS}"]}
defaults: {drift: {alpha: 0.01, numeric: ks}}
models:
  - name: a
    drift: {alpha: 0.02}
    window: {size: 10m}
  - {name: "b-*"}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIS", "localhost:2")
	label, config, err := overlay(file, " strict : drift.alpha=0.001, alert.for=3,alert.of=4,window.size=1d,budget=2 per 30d,success_statuses=[fine]", &bytes.Buffer{})
	if err != nil || label != "strict" {
		t.Fatalf("%q, %v", label, err)
	}
	for _, model := range []string{"a", "b-1", "neither"} {
		m := config.For(model)
		if m.Drift.Alpha != 0.001 || m.Alert.For != 3 || m.Alert.Of != 4 || m.Window.Size.String() != "1d" || m.Budget.Pages != 2 ||
			len(m.SuccessStatuses) != 1 || m.SuccessStatuses[0] != "fine" {
			t.Errorf("%s has %+v, %+v, window %v, budget %+v, %v", model, m.Drift, m.Alert, m.Window.Size, m.Budget, m.SuccessStatuses)
		}
		if m.Drift.Numeric != "ks" || m.Alert.ResolveAfter != 2 {
			t.Errorf("%s lost what was not to change: %+v %+v", model, m.Drift, m.Alert)
		}
	}
	if config.Redis.Addresses[0] != "localhost:2" {
		t.Errorf("Redis is %v", config.Redis.Addresses)
	}
}

// TestABudgetStandsBesideItsAbsence: a candidate with a budget is followed by the
// same without one; the latter alone cannot make the exit code.
func TestABudgetStandsBesideItsAbsence(t *testing.T) {
	b := newBench(t)
	config := b.config("budget", budgetedDays)
	report := b.backtest(exitDrifted, "--config", config, "--events", b.events)
	if len(report.Candidates) != 2 {
		t.Fatalf("%d candidates, want 2", len(report.Candidates))
	}
	with, without := report.Candidates[0], report.Candidates[1]
	if with.Label != "budget" || without.WithoutBudgetOf != "budget" || without.Versions[0].Budget != nil {
		t.Errorf("they are %q and %q, without the budget of %q", with.Label, without.Label, without.WithoutBudgetOf)
	}
	cost := with.Versions[0].Budget
	if cost == nil || cost.PagesWithout != without.Totals.Pages || cost.FiringDaysWithout != without.Totals.FiringDays {
		t.Fatalf("%+v, and without it %+v", cost, without.Totals)
	}
	held := 0
	for i, w := range with.Versions[0].Windows {
		twin := without.Versions[0].Windows[i]
		for name, f := range w.Features {
			other := twin.Features[name]
			if f.Test == "" {
				continue // its data is broken, and there was nothing to test
			}
			if f.Drifted != other.Drifted || *f.Effect != *other.Effect {
				t.Errorf("%v %s: the comparison itself depends on the budget", w.Start, name)
			}
			if f.HeldBack == "within_budget" {
				held++
				if other.HeldBack != "" {
					t.Errorf("%v %s is held back without a budget as well", w.Start, name)
				}
			}
		}
	}
	listed := 0
	for _, n := range cost.HeldBack {
		listed += n
	}
	if held == 0 || held != listed || cost.HeldBackWindows == 0 || cost.HeldBackWindows > held {
		t.Errorf("%d drifts were held back, %d listed, in %d windows", held, listed, cost.HeldBackWindows)
	}
	stricter := 0
	for name, d := range cost.Detectable {
		if d.With == 0 { // null: no effect is enough
			stricter++
			continue
		}
		if d.With < d.Without || d.Without < 0.1 {
			t.Errorf("%s: detectable from %v with the budget and from %v without", name, d.With, d.Without)
		}
		if d.With > d.Without {
			stricter++
		}
	}
	if stricter == 0 {
		t.Error("the budget costs no sensitivity anywhere")
	}
	onlyWithout := replay.Report{Candidates: []*replay.Candidate{{}, {WithoutBudgetOf: "x", Totals: replay.Totals{Pages: 1}}}}
	if onlyWithout.Paged() {
		t.Error("a page of the candidate without its budget counts")
	}
}

// TestBacktestWritesWhatItIsAsked: the same result as text, JSON and a page, on
// standard output or in a file.
func TestBacktestWritesWhatItIsAsked(t *testing.T) {
	b := newBench(t)
	config := b.config("flights", defaultFlights)
	args := []string{"backtest", "--config", config, "--set", "patient: alert.for=3,alert.of=4", "--events", b.events}
	code, text, stderr := command(t, args...)
	if code != exitDrifted || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{
		"143516 records of ", "Candidate flights\n", "Candidate patient\n",
		"flight-arr-delay v1: 22 windows, 22 tested, 22 drifted,", "still fires", "\n2013-W16 ", "\nin all ", "\nin 30 days ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %q:\n%s", want, text)
		}
	}
	out := filepath.Join(b.folder, "backtest.html")
	code, stdout, stderr := command(t, append(args, "--output", "html", "--out", out)...)
	page, err := os.ReadFile(out)
	if code != exitDrifted || stdout != "" || stderr != "" || err != nil {
		t.Fatalf("exit code %d, stdout %q, stderr %q, %v", code, stdout, stderr, err)
	}
	for _, want := range []string{"<!DOCTYPE html>", "patient", "flight-arr-delay v1", "2013-W16", "dep_delay"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	code, stdout, _ = command(t, append(args, "--output", "json")...)
	if code != exitDrifted || !json.Valid([]byte(stdout)) {
		t.Errorf("exit code %d, and no JSON: %.200s", code, stdout)
	}
}

// TestBacktestEndsWhenAsked: Ctrl-C, at any moment, ends it with one line.
func TestBacktestEndsWhenAsked(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"backtest", "--config", b.config("flights", defaultFlights), "--events", b.events}, &stdout, &stderr)
	if code != exitFailed || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}
