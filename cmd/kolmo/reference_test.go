package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
)

// loadedOnly compares with nothing until a reference is loaded.
const loadedOnly = `    window: {size: 1h, lateness: 1m}
    reference: {kind: fixed}
    drift: {numeric: ks, min_events: 10}
`

// referencedVerdict is what these tests look at.
type referencedVerdict struct {
	Version string `json:"version"`
	Window  struct {
		Start time.Time `json:"start"`
	} `json:"window"`
	Events    uint64 `json:"events"`
	Drifted   bool   `json:"drifted"`
	Reference *struct {
		ID   string `json:"id"`
		Kind string `json:"kind"`
		Rows uint64 `json:"rows"`
	} `json:"reference"`
	Features map[string]struct {
		Test      string   `json:"test"`
		Statistic *float64 `json:"statistic"`
		Drifted   bool     `json:"drifted"`
	} `json:"features"`
}

// sendHour sends an hour's events of model versions, numbers around a mean each,
// and then one of each that closes it.
func (s *stack) sendHour(t *testing.T, topic string, start time.Time, means map[string]float64) {
	t.Helper()
	client := s.client(t)
	random := rand.New(rand.NewPCG(1, uint64(start.Unix())))
	versions := slices.Sorted(maps.Keys(means))
	var records []*kgo.Record
	for n := range 101 {
		at := start.Add(time.Duration(n) * 36 * time.Second)
		if n == 100 {
			at = at.Add(2 * time.Minute)
		}
		for _, version := range versions {
			records = append(records, &kgo.Record{Topic: topic, Timestamp: at, Value: fmt.Appendf(nil, `{"model":%q,"version":%q,"ts":%q,"features":{"feature":%v}}`,
				flights.Model, version, at.Format(time.RFC3339Nano), means[version]+random.NormFloat64())})
		}
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// sample is a file's worth of numbers around a mean.
func sample(n int, mean float64, seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, n)
	for i := range values {
		values[i] = mean + random.NormFloat64()
	}
	return values
}

var referenceID = regexp.MustCompile(`(?m)^(sha256:\S+): (\d+) rows, (\d+) features$`)

// load runs reference load and returns the id it printed and what it said.
func load(t *testing.T, wantCode int, config, version, file string, more ...string) (id, said string) {
	t.Helper()
	args := append([]string{"reference", "load", "--config", config, "--model", flights.Model, "--version", version, file}, more...)
	code, stdout, stderr := command(t, args...)
	if code != wantCode {
		t.Fatalf("exit code %d, want %d: %s%s", code, wantCode, stdout, stderr)
	}
	found := referenceID.FindStringSubmatch(stdout)
	if found == nil {
		t.Fatalf("no id in %q", stdout)
	}
	return found[1], stdout + stderr
}

// TestLoadedReferences: a reference that was loaded is what the next windows are
// compared with.
func TestLoadedReferences(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.createTopic(t, "predictions", 1)
	config := s.write(t, setup{name: "loaded", inputs: "{predictions: [predictions]}", model: loadedOnly})
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	folder := t.TempDir()
	values := sample(500, 0, 1)
	files := map[string]string{}
	for format, write := range map[string]func(*testing.T, string, []float64){"csv": writeCSV, "ndjson": writeNDJSON, "parquet": writeParquet} {
		files[format] = filepath.Join(folder, "training."+format)
		write(t, files[format], values)
	}
	verdicts := func(count int) map[string]referencedVerdict {
		t.Helper()
		byStart := make(map[string]referencedVerdict)
		for _, data := range s.verdicts(t, "loaded", count) {
			v := decodeJSON[referencedVerdict](t, data)
			byStart[v.Version+" "+v.Window.Start.Format(time.TimeOnly)] = v
		}
		return byStart
	}

	i := s.run(t, config)
	i.waitFor("kolmo runs")

	// Every format, each for a version that has no events yet. The same numbers
	// are the same reference.
	ids := make(map[string]string)
	for version, format := range map[string]string{"1": "csv", "2": "ndjson", "3": "parquet"} {
		id, said := load(t, exitFine, config, version, files[format])
		if !strings.Contains(said, "500 rows, 1 features") || !strings.Contains(said, "in force from the first window on") {
			t.Errorf("%s: it says %q", format, said)
		}
		ids[version] = id
	}
	s.sendHour(t, "predictions", noon, map[string]float64{"1": 0, "2": 2, "3": 0})
	got := verdicts(3)
	for version, drifted := range map[string]bool{"1": false, "2": true, "3": false} {
		v := got[version+" 12:00:00"]
		if v.Reference == nil || v.Reference.ID != ids[version] || v.Reference.Kind != "fixed" || v.Reference.Rows != 500 {
			t.Errorf("version %s: the reference is %+v, want %s", version, v.Reference, ids[version])
		}
		if f := v.Features["feature"]; v.Events < 100 || f.Test != "ks" || f.Statistic == nil || f.Drifted != drifted {
			t.Errorf("version %s: %d events, and the feature is %+v; want drifted %v", version, v.Events, f, drifted)
		}
	}

	// A second one takes effect at a boundary: no window has two references.
	second := filepath.Join(folder, "retrained.csv")
	writeCSV(t, second, sample(400, 2, 2))
	id, said := load(t, exitFine, config, "1", second)
	found := regexp.MustCompile(`in force for windows from (\S+) on`).FindStringSubmatch(said)
	if found == nil || id == ids["1"] {
		t.Fatalf("it says %q, and the first was %s", said, ids["1"])
	}
	from, err := time.Parse(time.RFC3339, found[1])
	if err != nil || !from.After(noon) || from.Truncate(time.Hour) != from {
		t.Fatalf("in force from %s (%v), which is no boundary after noon", found[1], err)
	}
	for at := noon.Add(time.Hour); !at.After(from); at = at.Add(time.Hour) {
		s.sendHour(t, "predictions", at, map[string]float64{"1": 2})
	}
	hours := int(from.Sub(noon) / time.Hour)
	got = verdicts(3 * (hours + 1)) // a version without events still has its windows
	for hour := range hours + 1 {
		at := noon.Add(time.Duration(hour) * time.Hour)
		want, drifted := ids["1"], hour > 0
		if !at.Before(from) {
			want, drifted = id, false
		}
		v := got["1 "+at.Format(time.TimeOnly)]
		if v.Reference == nil || v.Reference.ID != want || v.Drifted != drifted {
			t.Errorf("%v: the reference is %+v and drifted is %v, want %s and %v", at, v.Reference, v.Drifted, want, drifted)
		}
	}

	s.listAndShow(t, config, id)

	// Nobody to take it up: it says so, and the next service does.
	i.stop()
	third := filepath.Join(folder, "third.csv")
	writeCSV(t, third, sample(300, 5, 3))
	waiting, said := load(t, exitFailed, config, "4", third, "--wait", "1s")
	if !strings.Contains(said, "no running service has taken the reference up within 1s") || !strings.Contains(said, "kolmo run") {
		t.Errorf("with no service running it says %q", said)
	}
	// Until then it can be deleted, and the service says what it misses.
	fourth := filepath.Join(folder, "fourth.csv")
	writeCSV(t, fourth, sample(300, 6, 4))
	regretted, _ := load(t, exitFine, config, "5", fourth, "--wait", "0")
	if code, stdout, stderr := command(t, "reference", "delete", "--config", config, regretted); code != exitFine || stdout != regretted+" deleted\n" {
		t.Errorf("deleting what no service has taken up: exit code %d, %q%q", code, stdout, stderr)
	}
	if code, _, _ := command(t, "reference", "show", "--config", config, regretted); code != exitFailed {
		t.Errorf("showing what was deleted: exit code %d", code)
	}
	i = s.run(t, config)
	s.awaitListed(t, config, waiting)
	i.waitFor("no longer in Redis: load it again")
	i.stop()
}

// listAndShow goes through the other commands: one reference is in force, and
// cannot be deleted.
func (s *stack) listAndShow(t *testing.T, config, inForce string) {
	t.Helper()
	code, list, _ := command(t, "reference", "list", "--config", config)
	if code != exitFine || !strings.Contains(list, inForce) || !strings.HasPrefix(list, "MODEL") || !strings.Contains(list, "always") {
		t.Errorf("list: exit code %d and\n%s", code, list)
	}
	code, shown, _ := command(t, "reference", "show", "--config", config, inForce)
	r := decodeJSON[struct {
		ID       string           `json:"id"`
		Features []map[string]any `json:"features"`
	}](t, []byte(shown))
	if code != exitFine || !strings.Contains(shown, inForce) || len(r.Features) != 1 {
		t.Errorf("show: exit code %d and\n%.500s", code, shown)
	}
	code, _, said := command(t, "reference", "delete", "--config", config, inForce)
	if code != exitFailed || !strings.Contains(said, "is in force for model") || !strings.Contains(said, "load another one first") {
		t.Errorf("deleting what is in force: exit code %d, %q", code, said)
	}
	code, _, said = command(t, "reference", "show", "--config", config, "sha256:0000")
	if code != exitFailed || !strings.Contains(said, "sha256:0000") || strings.Count(said, "\n") != 1 {
		t.Errorf("showing what is not there: exit code %d, %q", code, said)
	}
}

// awaitListed waits until a reference is in force.
func (s *stack) awaitListed(t *testing.T, config, id string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(100 * time.Millisecond) {
		code, list, stderr := command(t, "reference", "list", "--config", config)
		if code != exitFine {
			t.Fatalf("list: exit code %d: %s", code, stderr)
		}
		if strings.Contains(list, id) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not in force:\n%s", id, list)
		}
	}
}

// TestAMillionRowsInBoundedMemory: a reference's length costs time, not memory.
func TestAMillionRowsInBoundedMemory(t *testing.T) {
	s := newStack(t)
	s.createTopic(t, "predictions", 1)
	config := s.write(t, setup{name: "million", inputs: "{predictions: [predictions]}", model: loadedOnly})
	file := filepath.Join(t.TempDir(), "million.csv")
	writeFile(t, file, func(w *bufio.Writer) error {
		random := rand.New(rand.NewPCG(1, 1))
		_, err := w.WriteString("amount,age,hour,country\n")
		var line []byte
		for range 1_000_000 {
			line = strconv.AppendFloat(line[:0], random.ExpFloat64()*100, 'g', -1, 64)
			line = strconv.AppendFloat(append(line, ','), random.NormFloat64(), 'g', -1, 64)
			line = strconv.AppendInt(append(line, ','), random.Int64N(24), 10)
			line = append(line, ',', 'A'+byte(random.IntN(20)), '\n')
			_, err = w.Write(line) // the writer remembers its first error
		}
		return err
	})
	i := s.run(t, config)
	i.waitFor("kolmo runs")
	c := exec.Command(build(t), "reference", "load", "--config", config, "--model", flights.Model, file)
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // how it ended is asked for below
		close(ended)
	}()
	peak := peakMemory(c.Process.Pid, ended)
	if code := c.ProcessState.ExitCode(); code != exitFine {
		t.Fatalf("exit code %d: %s", code, output.String())
	}
	if !strings.Contains(output.String(), "1000000 rows, 4 features") {
		t.Errorf("it says %s", output.String())
	}
	t.Logf("loading a million rows took %v and at most %d MB", c.ProcessState.UserTime()+c.ProcessState.SystemTime(), peak/1000)
	if peak > 400_000 {
		t.Errorf("loading a million rows took %d MB, want less than 400", peak/1000)
	}
	i.stop()
}

// peakMemory follows a process to its end, and returns the most memory it had,
// in kB. What the system accounts for afterwards would include the test's own
// memory, of which the process was a copy before it became another program.
func peakMemory(pid int, ended <-chan struct{}) (peak int64) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // empty once it has ended
		for line := range strings.Lines(string(data)) {
			rest, ok := strings.CutPrefix(line, "VmHWM:")
			if !ok {
				continue
			}
			if n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil {
				peak = max(peak, n)
			}
		}
	}
}

func writeCSV(t *testing.T, path string, values []float64) {
	t.Helper()
	writeFile(t, path, func(w *bufio.Writer) error {
		_, err := w.WriteString("feature\n")
		for _, v := range values {
			_, err = w.Write(append(strconv.AppendFloat(nil, v, 'g', -1, 64), '\n')) // the writer remembers its first error
		}
		return err
	})
}
