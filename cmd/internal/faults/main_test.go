//go:build unix

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Every row can be asked for by its name, and says what it does.
func TestFaultsHaveNames(t *testing.T) {
	names := make(map[string]bool)
	for _, f := range faults() {
		if f.name == "" || strings.Contains(f.name, ",") || names[f.name] || f.what == "" || f.inject == nil {
			t.Errorf("fault %q, %q has no name of its own, or does nothing", f.name, f.what)
		}
		names[f.name] = true
		chosen, err := choose([]string{f.name})
		if err != nil || len(chosen) != 1 || chosen[0].what != f.what {
			t.Errorf("%q finds %v, %v", f.name, chosen, err)
		}
	}
	_, err := choose([]string{"flushall", "earthquake"})
	if err == nil || !strings.Contains(err.Error(), `"earthquake"`) || !strings.Contains(err.Error(), "flushall") {
		t.Errorf("for a fault that is none it says %v", err)
	}
}

func TestUsage(t *testing.T) {
	for _, arguments := range [][]string{{"--repeats", "0"}, {"--faults", "earthquake"}, {"--speed", "1"}} {
		var said bytes.Buffer
		if code := run(t.Context(), arguments, &said, &said); code != 2 || said.Len() == 0 {
			t.Errorf("%q: exit code %d, it says %q", arguments, code, &said)
		}
	}
	o, err := parse([]string{"--seed", "7", "--faults", "kill,flushall"}, t.Output())
	if err != nil || o.seed != 7 || o.repeats != 20 || len(o.names) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parse(nil, t.Output()); err != nil || o.seed == 0 {
		t.Errorf("%+v, %v: no seed was drawn", o, err)
	}
}

// A row that failed says so, whatever the reason; a pipe in a note breaks no column.
func TestTable(t *testing.T) {
	good := row{fault: "FLUSHALL", repeats: 3, verdicts: 10, alerts: 2, events: 500, recoveries: []time.Duration{3 * time.Second, time.Second, 2 * time.Second}}
	late := row{fault: "kill", repeats: 1, problems: []string{"it hangs | somewhere"}}
	wrong := row{fault: "rollback", repeats: 2, wrong: 1}
	var table bytes.Buffer
	printTable(&table, []row{good, late, wrong})
	for _, line := range []string{
		"| FLUSHALL | 3 | 0 | 0 | 0 | 2.0 s, 3.0 s | 10 verdicts, 2 alerts of 500 events |\n",
		"| kill | 1 | 0 | 0 | 0 | – | 0 verdicts, 0 alerts of 0 events; **it hangs / somewhere** |\n",
		"| rollback | 2 | 0 | 0 | 1 | – | 0 verdicts, 0 alerts of 0 events |\n",
	} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("there is no %q in\n%s", line, &table)
		}
	}
	if good.failed() || !late.failed() || !wrong.failed() {
		t.Errorf("failed: %v, %v and %v", good.failed(), late.failed(), wrong.failed())
	}
	good.add(&wrong)
	if good.repeats != 5 || good.wrong != 1 || !good.failed() {
		t.Errorf("together %+v", good)
	}
}
