package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/cmd/internal/replay"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// bench is a folder with the flights, and configurations that nobody connects
// with.
type bench struct {
	t      *testing.T
	folder string
	events string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, folder: t.TempDir()}
	b.events = b.file(flights.EventsName, flights.Events())
	b.file(flights.ReferenceName, flights.Reference())
	return b
}

func (b *bench) file(name string, content io.Reader) string {
	b.t.Helper()
	data, err := io.ReadAll(content)
	if err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(b.folder, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// config writes a configuration of one model.
func (b *bench) config(name, model string) string {
	return b.file(name+".yaml", strings.NewReader("kafka: {brokers: [\"localhost:1\"]}\nredis: {addresses: [\"localhost:1\"]}\nmodels:\n  - name: "+
		flights.Model+"\n"+model))
}

// backtest runs the command and reads its JSON.
func (b *bench) backtest(wantCode int, args ...string) *replay.Report {
	b.t.Helper()
	code, stdout, stderr := command(b.t, append([]string{"backtest", "--output", "json"}, args...)...)
	if code != wantCode {
		b.t.Fatalf("exit code %d, want %d: %s", code, wantCode, stderr)
	}
	report := new(replay.Report)
	if err := json.Unmarshal([]byte(stdout), report); err != nil {
		b.t.Fatalf("%v in %.500s", err, stdout)
	}
	return report
}

// fileLog is a file as the log of one partition.
func fileLog(t *testing.T, path string) windowstest.Log {
	t.Helper()
	reader, err := dataset.Open(path, event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var log windowstest.Log
	var row dataset.Row
	for offset := int64(0); ; offset++ {
		if err := reader.Next(&row); err == io.EOF {
			return log
		} else if err != nil {
			t.Fatal(err)
		}
		e := &row.Event
		o := windows.Observation{
			Offset: offset, RecordTime: windows.Timestamp(e.Time), Time: windows.Timestamp(e.Time),
			Model: bytes.Clone(e.Model), Version: bytes.Clone(e.Version), HasFeatures: e.HasFeatures,
			IsPrediction: true, Prediction: own(e.Prediction), Status: bytes.Clone(e.Status), HasLatency: e.HasLatency, Latency: e.LatencyMillis,
		}
		for _, f := range e.Features {
			o.Features = append(o.Features, windows.Field{Name: bytes.Clone(f.Name), Value: own(f.Value)})
		}
		log.Records = append(log.Records, o)
	}
}

// verdictLines reads what --verdicts wrote, by the keys of their records.
func verdictLines(t *testing.T, path string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]byte)
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		v := decodeJSON[referencedVerdict](t, line)
		key := string(kafka.VerdictKey(alerts.Version{Model: flights.Model, Version: v.Version}, v.Window.Start))
		if values[key] != nil {
			t.Errorf("verdict %s stands twice in %s", key, path)
		}
		values[key] = line
	}
	return values
}

// TestBacktestIsTheReferenceProgram: every verdict of a replayed file is, byte for
// byte, what the single-threaded reference program says, for candidates with
// windows of different sizes and references of different kinds on one reading.
func TestBacktestIsTheReferenceProgram(t *testing.T) {
	b := newBench(t)
	models := map[string]string{
		"weeks":    defaultFlights,
		"days":     "    window: {size: 1d, every: 1d, time_zone: America/New_York, lateness: 1h}\n    reference: {kind: fixed, file: reference.csv.gz, size: 3000}\n",
		"rolling":  rollingFlights,
		"seasonal": seasonalFlights,
	}
	verdicts := filepath.Join(b.folder, "verdicts.ndjson")
	args := []string{"--events", b.events, "--verdicts", verdicts}
	for _, name := range slices.Sorted(maps.Keys(models)) {
		args = append(args, "--config", b.config(name, models[name]))
	}
	report := b.backtest(exitDrifted, args...)
	log := fileLog(t, b.events)
	for _, c := range report.Candidates {
		want := programVerdicts(t, filepath.Join(b.folder, c.Label+".yaml"), []windowstest.Log{log})
		sameVerdicts(t, verdictLines(t, verdictsName(verdicts, c.Label, len(models))), want)
		if c.Totals.Windows != len(want) || c.Events.Accepted != flights.EventCount || c.Events.Late != 0 {
			t.Errorf("%s: %d windows, want %d; events %+v", c.Label, c.Totals.Windows, len(want), c.Events)
		}
	}
	if report.Source.Records != flights.EventCount || len(report.Candidates) != len(models) {
		t.Errorf("%d records and %d candidates", report.Source.Records, len(report.Candidates))
	}
}

// TestBacktestOfVersionsSideBySide: every second flight of a month is another
// version's, and is compared with the others.
func TestBacktestOfVersionsSideBySide(t *testing.T) {
	b := newBench(t)
	data, err := os.ReadFile(b.events)
	if err != nil {
		t.Fatal(err)
	}
	var month bytes.Buffer
	for i, line := range bytes.SplitN(data, []byte("\n"), 25_001)[:25_000] {
		if i%2 == 1 {
			line = bytes.Replace(line, []byte(`"version":"1"`), []byte(`"version":"2"`), 1)
		}
		month.Write(append(line, '\n'))
	}
	events := b.file("month.ndjson", &month)
	config := b.config("versions", "    window: {size: 1d}\n    reference: {kind: version, version: \"1\"}\n")
	verdicts := filepath.Join(b.folder, "verdicts.ndjson")
	report := b.backtest(exitFine, "--config", config, "--events", events, "--verdicts", verdicts)
	sameVerdicts(t, verdictLines(t, verdicts), programVerdicts(t, config, []windowstest.Log{fileLog(t, events)}))
	versions := report.Candidates[0].Versions
	if len(versions) != 2 || versions[0].Totals.Tested != 0 || versions[1].Totals.Tested < 25 {
		t.Errorf("%d versions", len(versions))
	}
}

// peers are what two other tools say of a window of the flights.
type peers struct {
	NannyML struct {
		Drift map[string]map[string]struct {
			Alert bool `json:"alert"`
		} `json:"drift"`
	} `json:"nannyml"`
	Evidently struct {
		Columns map[string]struct {
			Drifted bool `json:"drifted"`
		} `json:"columns"`
	} `json:"evidently"`
}

// TestBacktestAgreesWithItsPeers compares the flights week by week and numeric
// feature by numeric feature with NannyML's Kolmogorov–Smirnov and Jensen–Shannon
// alerts and with Evidently's drift. Where both tools flag, kolmo finds drift.
//
// Of 242 comparisons NannyML flags 33, Evidently 181, both 27; kolmo finds drift in
// 138, of which 22 count towards a page, the others being no larger than what the
// weeks of the reference show by themselves.
func TestBacktestAgreesWithItsPeers(t *testing.T) {
	b := newBench(t)
	data, err := os.ReadFile("../internal/flights/testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	file := decodeJSON[struct {
		Windows []struct {
			Start string `json:"start"`
			Peers peers  `json:"peers"`
		} `json:"windows"`
	}](t, data)
	report := b.backtest(exitDrifted, "--config", b.config("flights", exactFlights), "--events", b.events)
	version := report.Candidates[0].Versions[0]
	counts := make(map[string]int)
	for i, w := range file.Windows {
		ours := version.Windows[i]
		if ours.Start.Format("2006-01-02T15:04:05Z") != w.Start {
			t.Fatalf("window %d begins at %v, theirs at %s", i, ours.Start, w.Start)
		}
		for name, methods := range w.Peers.NannyML.Drift {
			if _, numeric := methods["kolmogorov_smirnov"]; !numeric {
				continue
			}
			nannyml := methods["kolmogorov_smirnov"].Alert || methods["jensen_shannon"].Alert
			evidently := w.Peers.Evidently.Columns[name].Drifted
			f, tested := ours.Features[name]
			if !tested {
				t.Errorf("%s %s was not tested", w.Start, name)
			}
			if nannyml && evidently && !f.Drifted {
				t.Errorf("%s %s: NannyML and Evidently flag it, and kolmo does not (D %v)", w.Start, name, *f.Effect)
			}
			counts["compared"]++
			for word, flagged := range map[string]bool{
				"NannyML": nannyml, "Evidently": evidently, "both": nannyml && evidently, "kolmo": f.Drifted, "kolmo counts": f.Drifted && f.HeldBack == "",
			} {
				if flagged {
					counts[word]++
				}
			}
		}
	}
	want := map[string]int{"compared": 242, "NannyML": 33, "Evidently": 181, "both": 27, "kolmo": 138, "kolmo counts": 22}
	if !maps.Equal(counts, want) {
		t.Errorf("%v, want %v", counts, want)
	}
}

// TestAShuffledCaseGivesNoPage: the rows of the flights are dealt to the times of
// the flights by chance, and the reference is the first thirty percent of them as
// dealt. Nothing drifts, then, and in 153 daily windows of 14 features nobody is
// paged.
func TestAShuffledCaseGivesNoPage(t *testing.T) {
	b := newBench(t)
	data, err := os.ReadFile(b.events)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	timeOf := func(line []byte) (from, to int) {
		from = bytes.Index(line, []byte(`"ts":`))
		return from, from + bytes.IndexByte(line[from:], ',')
	}
	times := make([]string, len(lines))
	for i, line := range lines {
		from, to := timeOf(line)
		times[i] = string(line[from:to])
	}
	// Knuth's shuffle by a generator of its own (Numerical Recipes' constants), so
	// that the deal is the same for ever.
	state := uint32(2013)
	for i := len(lines) - 1; i > 0; i-- {
		state = state*1664525 + 1013904223
		j := int(uint64(state) * uint64(i+1) >> 32)
		lines[i], lines[j] = lines[j], lines[i]
	}
	var all bytes.Buffer
	reference := len(lines) * 3 / 10
	var referenceEnd int
	for i, line := range lines {
		from, to := timeOf(line)
		fmt.Fprintf(&all, "%s%s%s\n", line[:from], times[i], line[to:])
		if i == reference-1 {
			referenceEnd = all.Len()
		}
	}
	shuffled := b.file("shuffled.ndjson", bytes.NewReader(all.Bytes()))
	b.file("reference.ndjson", bytes.NewReader(all.Bytes()[:referenceEnd]))
	report := b.backtest(exitFine, "--events", shuffled, "--config",
		b.config("daily", "    window: {size: 1d}\n    reference: {kind: fixed, file: reference.ndjson}\n"))
	totals := report.Candidates[0].Totals
	if totals.Windows != 153 || totals.Tested != 153 || totals.Drifted > 1 || totals.Pages != 0 {
		t.Errorf("%+v, want 153 windows, drift in one at most, and no page", totals)
	}
}

// TestBacktestExitCodes is the contract: 3 for a page, 0 for none, 1 for what
// fails, 2 for usage and configurations.
func TestBacktestExitCodes(t *testing.T) {
	b := newBench(t)
	config := b.config("flights", defaultFlights)
	few := func(name, line string) string { return b.file(name, strings.NewReader(line)) }
	quiet := few("quiet.ndjson", `{"model":"flight-arr-delay","ts":"2026-01-01T00:00:00Z","features":{"temp":50}}`+"\n")
	fine := []string{"backtest", "--config", config, "--events", quiet}
	bad := few("bad.yaml", "kafka: {brokers: [\"localhost:1\"]}\nredis: {addresses: [\"localhost:1\"]}\ndefaults: {drift: {alfa: 1}}\n")
	fineMore := func(args ...string) []string { return append(slices.Clone(fine), args...) }
	history := func(args ...string) []string { return append([]string{"backtest", "--config", config}, args...) }
	for _, test := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no page", fine, exitFine, nil},
		{"a page", []string{"backtest", "--config", config, "--events", b.events}, exitDrifted, nil},
		{"no configuration", []string{"backtest", "--events", quiet}, exitUsage, []string{"config"}},
		{"no source", fine[:3], exitUsage, []string{"--events", "--from"}},
		{"both sources", fineMore("--from", "2026-01-01T00:00:00Z"), exitUsage, []string{"either --events"}},
		{"an end of a file", fineMore("--to", "2026-01-01T00:00:00Z"), exitUsage, []string{"--to"}},
		{"no time", history("--from", "yesterday"), exitUsage, []string{"--from yesterday", "2026-01-31"}},
		{"times the wrong way round", history("--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"), exitUsage, []string{"not before"}},
		{"an unknown output", fineMore("--output", "pdf"), exitUsage, []string{"--output pdf", "html"}},
		{"an unknown flag", fineMore("--speed", "11"), exitUsage, []string{"--speed"}},
		{"a bad configuration", []string{"backtest", "--config", bad, "--events", quiet}, exitUsage, []string{"drift.alfa", "1 problem"}},
		{"a missing configuration", []string{"backtest", "--config", config + "x", "--events", quiet}, exitUsage, []string{"flights.yamlx"}},
		{"twice the same name", []string{"backtest", "--config", config, "--config", config, "--events", quiet}, exitUsage, []string{`"flights"`}},
		{"a setting without a name", fineMore("--set", "drift.alpha=0.1"), exitUsage, []string{"write a name"}},
		{"a setting that is none", fineMore("--set", "x: drift.alpha"), exitUsage, []string{"key=value"}},
		{"a setting that is unknown", fineMore("--set", "x: drift.alfa=0.1"), exitUsage, []string{"alfa", "--set"}},
		{"a setting of other limits", fineMore("--set", "x: drift.alpha=0.1", "--config", b.file("other.yaml", strings.NewReader(
			"kafka: {brokers: [\"localhost:1\"]}\nredis: {addresses: [\"localhost:1\"]}\nlimits: {max_ahead: 2h}\n"))), exitUsage, []string{"different limits"}},
		{"missing events", append(slices.Clone(fine[:4]), quiet+"x"), exitFailed, []string{"quiet.ndjsonx", "no such file"}},
		{"an event without a time", append(slices.Clone(fine[:4]), few("timeless.ndjson", `{"model":"m","features":{"a":1}}`+"\n")), exitFailed, []string{"line 1 has no ts"}},
		{"an event without a model", append(slices.Clone(fine[:4]), few("nameless.csv", "ts,a\n2026-01-01T00:00:00Z,1\n")), exitFailed, []string{"line 2 names no model"}},
		{"a broken line", append(slices.Clone(fine[:4]), few("broken.ndjson", `{"model":`+"\n")), exitFailed, []string{"line 1"}},
		{"no broker", history("--from", "2026-01-01T00:00:00Z"), exitFailed, []string{"no Kafka broker", "kafka.brokers"}},
		{"a file that cannot be written", fineMore("--out", filepath.Join(b.folder, "nowhere", "x.html")), exitFailed, []string{"nowhere"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := command(t, test.args...)
			if code != test.code {
				t.Errorf("exit code %d, want %d: %s", code, test.code, stderr)
			}
			if wrote := stdout != ""; wrote != (test.code == exitFine || test.code == exitDrifted) {
				t.Errorf("with exit code %d it wrote %q", code, stdout)
			}
			for _, words := range test.says {
				if !strings.Contains(stderr, words) {
					t.Errorf("nothing is said of %q: %s", words, stderr)
				}
			}
		})
	}
}
