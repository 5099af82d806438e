package reference

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What README.md says in numbers is what the code has.
func TestReadmeNumbers(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(data)), " ")
	for _, said := range []string{
		fmt.Sprintf("It takes %d windows that are not much smaller", LeastCalibrationWindows),
		fmt.Sprintf("up to %d counts a feature each", mostCuts+1),
		"of a file " + strings.Replace(fmt.Sprint(mostBlocks), "1024", "1,024", 1) + " windows at most",
		map[int]string{50: "a feature's values, fifty at least,"}[leastCrowd],
	} {
		if said == "" || !strings.Contains(text, said) {
			t.Errorf("README.md does not say %q", said)
		}
	}
	for _, kind := range []string{Fixed, First, Rolling, Seasonal, Version} {
		if !strings.Contains(text, "| `"+kind+"` |") {
			t.Errorf("README.md does not say when to use %s", kind)
		}
	}
}
