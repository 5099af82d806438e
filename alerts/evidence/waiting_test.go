package evidence

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTheStartPageSaysWhatWindowsWaitFor(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		waiting Waiting
		waits   bool
		says    []string
	}{
		{"nothing", Waiting{Partition: "predictions/1"}, false, nil},
		{"one that lags", Waiting{Partition: "predictions/1", Watermark: &noon, Behind: 3*time.Hour + 50*time.Minute, Held: 3, Since: noon.Add(24 * time.Hour)}, true, []string{
			"Windows wait for partition predictions/1.", "have come to 2026-03-01 12:10 UTC, 3 h 50 min behind", "3 other partitions have stopped for it since 2026-03-02 12:10 UTC",
		}},
		{"one that was never read", Waiting{Partition: "\u202e/<b>/0", Held: 1, Since: noon}, true, []string{
			`partition \u202e/<b>/0.`, "It has not been read yet.", "Another partition has stopped for it since",
		}},
	} {
		handler := NewHandler(story(t), discard(), func() (Waiting, bool) { return c.waiting, c.waits })
		page := parse(t, get(t, handler, "").Body.String())
		if found := strings.Contains(page.text, "Windows wait"); found != c.waits {
			t.Errorf("%s: the page says so: %v", c.name, found)
		}
		for _, text := range c.says {
			if !strings.Contains(page.text, text) {
				t.Errorf("%s: %q is not on the page", c.name, text)
			}
		}
		var api struct{ Waiting *Waiting }
		if err := json.Unmarshal(get(t, handler, "api/v1/models").Body.Bytes(), &api); err != nil {
			t.Fatal(err)
		}
		if (api.Waiting != nil) != c.waits || c.waits && (api.Waiting.Partition != c.waiting.Partition || api.Waiting.Held != c.waiting.Held) {
			t.Errorf("%s: the API says %+v", c.name, api.Waiting)
		}
	}
}

func TestLengths(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", 3 * time.Hour: "3 h 0 min", 25 * time.Hour: "1 day 1 h", 1000 * time.Hour: "41 days 16 h",
	} {
		if got := length(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
