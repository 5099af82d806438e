package simulation

import (
	"strings"
	"testing"
)

// Every way in which what was published can be wrong is a difference.
func TestDifferences(t *testing.T) {
	want := answer{
		verdicts: map[string]string{"one": "1", "two": "2"},
		alerts:   map[string][]string{"incident": {"firing", "resolved"}},
	}
	right := func() map[string][]string {
		return map[string][]string{
			outputs.Verdicts + "/one": {"1"}, outputs.Verdicts + "/two": {"2"}, outputs.Alerts + "/incident": {"firing", "resolved"},
		}
	}
	for _, c := range []struct {
		name   string
		spoil  func(map[string][]string)
		expect string // a part of the one difference; empty: none
	}{
		{"right", func(map[string][]string) {}, ""},
		{"lost", func(f map[string][]string) { delete(f, outputs.Verdicts+"/one") }, "one is lost"},
		{"wrong", func(f map[string][]string) { f[outputs.Verdicts+"/one"] = []string{"3"} }, "got  3"},
		{"twice", func(f map[string][]string) { f[outputs.Verdicts+"/one"] = []string{"1", "1"} }, "there 2 times, not 1"},
		{"of nothing", func(f map[string][]string) { f[outputs.Verdicts+"/three"] = []string{"3"} }, "three should not be"},
		{"half an alert", func(f map[string][]string) { f[outputs.Alerts+"/incident"] = []string{"firing"} }, "incident"},
		{"in another order", func(f map[string][]string) { f[outputs.Alerts+"/incident"] = []string{"resolved", "firing"} }, "incident"},
	} {
		found := right()
		c.spoil(found)
		differences := (&reader{found: found}).differences(want)
		if c.expect == "" && len(differences) > 0 || c.expect != "" && (len(differences) != 1 || !strings.Contains(differences[0], c.expect)) {
			t.Errorf("%s: %q", c.name, differences)
		}
	}
}
