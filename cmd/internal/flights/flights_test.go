package flights_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"testing"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
)

func lines(t *testing.T, r io.Reader) int {
	t.Helper()
	scanner, n := bufio.NewScanner(r), 0
	for scanner.Scan() {
		n++
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCounts(t *testing.T) {
	if n := lines(t, flights.Events()); n != flights.EventCount {
		t.Errorf("%d events", n)
	}
	if n := lines(t, flights.Outcomes()); n != flights.OutcomeCount {
		t.Errorf("%d outcomes", n)
	}
	if n := lines(t, flights.Reference()); n != flights.ReferenceCount+1 {
		t.Errorf("%d lines in the reference, its header among them", n)
	}
}

func TestExpectedIsOfTheseFiles(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Model     string
		Events    int `json:"n_events"`
		Reference struct{ Rows int }
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	if expected.Model != flights.Model || expected.Events != flights.EventCount || expected.Reference.Rows != flights.ReferenceCount {
		t.Errorf("expected.json speaks of %+v", expected)
	}
}
