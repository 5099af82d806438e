package evidence

import (
	"slices"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// What keeps a drift from an alert, and how sure it is, in words.
func TestDoubtsInWords(t *testing.T) {
	for _, c := range []struct {
		heldBack  string
		undecided bool
		says      []string
	}{
		{says: nil},
		{heldBack: drift.HeldWithinUsual, says: []string{"windows of the reference itself differ as much"}},
		{heldBack: drift.HeldWithinBudget, says: []string{"for the budget of false pages"}},
		{heldBack: "a_reason_to_come", says: []string{"a_reason_to_come"}},
		{undecided: true, says: []string{"could have been the other one"}},
		{heldBack: drift.HeldWithinUsual, undecided: true, says: []string{"differ as much", "a close call"}},
	} {
		f := numericFeature(0.3, true)
		plain := explain(f)
		f.HeldBack, f.Undecided = c.heldBack, c.undecided
		said := explain(f)
		if !slices.Equal(said[:len(plain)], plain) || len(said) != len(plain)+len(c.says) {
			t.Fatalf("%+v: %q beside %q", c, said, plain)
		}
		for i, want := range c.says {
			if !strings.Contains(said[len(plain)+i], want) {
				t.Errorf("%+v: %q does not say %q", c, said[len(plain)+i], want)
			}
		}
	}
}

// A record that was too long has lost the checks, and not that data is broken.
func TestBrokenWithoutItsChecks(t *testing.T) {
	f := numericFeature(0.3, true)
	f.Broken, f.CausedBy = true, "out_of_range"
	if words := verdictWords(f); words != "broken: which checks, the record had no room for" {
		t.Errorf("%q", words)
	}
}
