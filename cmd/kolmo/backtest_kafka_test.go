package main

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// TestBacktestOfKafkasHistory: what is replayed from a real Kafka is, byte for
// byte, what the reference program says of the records between the two times.
func TestBacktestOfKafkasHistory(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.emitFlights(t, "predictions", 4)
	march := time.Date(2013, 3, 1, 0, 0, 0, 0, time.UTC)
	client := s.client(t)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "predictions", Value: []byte("no event"), Timestamp: march.AddDate(0, 6, 0)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	inputs := "{predictions: [predictions]}"
	weeks := s.write(t, setup{name: "weeks", inputs: inputs, model: defaultFlights})
	days := s.write(t, setup{name: "days", inputs: inputs, model: "    window: {size: 3d, every: 1d}\n    reference: {kind: fixed, file: reference.csv.gz, size: 3000}\n    sample_size: 200\n"})
	logs := s.readLogs(t, "predictions", event.Limits{})

	t.Run("all", func(t *testing.T) {
		verdicts := filepath.Join(t.TempDir(), "verdicts.ndjson")
		report := (&bench{t: t}).backtest(exitDrifted, "--config", weeks, "--config", days, "--verdicts", verdicts, "--from", "2013-01-01T00:00:00Z")
		for name, config := range map[string]string{"weeks": weeks, "days": days} {
			sameVerdicts(t, verdictLines(t, verdictsName(verdicts, name, 2)), programVerdicts(t, config, logs))
		}
		source := report.Source
		if source.Records != flights.EventCount+1 || source.Partitions != 4 || source.Rejected["invalid_json"] != 1 {
			t.Errorf("read were %+v", source)
		}
	})

	t.Run("a month", func(t *testing.T) {
		from, to := march.AddDate(0, 1, 3), march.AddDate(0, 2, 3)
		between := make([]windowstest.Log, len(logs))
		for i, log := range logs {
			at := func(moment time.Time) int {
				return slices.IndexFunc(log.Records, func(o windows.Observation) bool { return o.RecordTime >= windows.TimestampOf(moment) })
			}
			between[i] = windowstest.Log{ID: log.ID, Topic: log.Topic, Records: log.Records[at(from):at(to)]}
		}
		verdicts := filepath.Join(t.TempDir(), "verdicts.ndjson")
		(&bench{t: t}).backtest(exitDrifted, "--config", days, "--verdicts", verdicts, "--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339))
		sameVerdicts(t, verdictLines(t, verdicts), programVerdicts(t, days, between))
	})

	t.Run("nothing", func(t *testing.T) {
		report := (&bench{t: t}).backtest(exitFine, "--config", days, "--from", "2030-01-01T00:00:00Z")
		if report.Source.Records != 0 || report.Candidates[0].Totals.Windows != 0 {
			t.Errorf("%+v", report.Source)
		}
	})
}
