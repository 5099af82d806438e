package configs

import (
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Default is the configuration of an empty file, were it allowed: the brokers
// and the addresses of Redis have no default.
func Default() Config {
	judged := drift.Default()
	c := Config{
		Kafka: Kafka{
			Group:          "kolmo",
			SessionTimeout: 10 * time.Second,
			FetchMaxBytes:  50 << 20,
			Inputs:         Inputs{Predictions: []string{"predictions"}},
			Outputs: Outputs{
				Alerts:      "alerts",
				Verdicts:    "kolmo.verdicts",
				Progress:    "kolmo.progress",
				References:  "kolmo.references",
				DeadLetters: "kolmo.dead-letters",
			},
			CreateOutputs: CreateOutputs{Enabled: true, Partitions: 8, ReplicationFactor: 1},
		},
		Redis:           Redis{Prefix: "kolmo"},
		Listen:          "127.0.0.1:9464",
		Alertmanager:    Alertmanager{Resend: time.Minute, Timeout: 10 * time.Second},
		Retraining:      Retraining{Timeout: 10 * time.Second},
		CheckpointEvery: 5 * time.Second,
		MemoryLimit:     800 << 20,
		Limits: Limits{
			MaxEventBytes:    1 << 20,
			MaxDepth:         32,
			Models:           1000,
			VersionsPerModel: 50,
			FeaturesPerModel: 4000,
			FeatureSeries:    50000,
			Categories:       1000,
			NameLength:       256,
			OpenWindows:      10000,
			MetricsBytes:     8 << 20,
			MaxAhead:         time.Hour,
			IdleAfter:        30 * time.Second,
			ForgetAfter:      24 * time.Hour,
			MaxBinMass:       0.05,
		},
		Defaults: Settings{
			Window: windows.Definition{
				Size:     windows.DurationSpan(time.Hour),
				Origin:   windows.Unset,
				Location: time.UTC,
				Lateness: 2 * time.Minute,
			},
			Reference:  Reference{Kind: ReferenceFirst, Windows: 24, Period: windows.Span{Unit: windows.Weeks, Count: 1}, Cycles: 4, Size: 10000},
			SampleSize: 1024,
			Drift: Drift{
				Alpha:       judged.Alpha,
				Correction:  judged.Correction,
				MinEffect:   judged.MinEffect,
				MinEvents:   judged.MinEvents,
				Numeric:     judged.Numeric,
				Categorical: judged.Categorical,
				Measures:    drift.DefaultMeasures(),
				Decision:    judged.Decision,
				Ties:        judged.Ties,
				Quality:     Quality(judged.Quality),
			},
			Alert:      Alert{For: 2, Of: 3, ResolveAfter: 2, Severity: Severity{Least: "critical"}},
			Objectives: Objectives{Alpha: 0.001, Severity: Severity{Least: "critical"}},
			Traffic:    Traffic{Period: "1w", Cycles: 4, Below: 0.5, Above: 3, Alpha: 0.001, Severity: Severity{Least: "critical"}},
			Retraining: RetrainingPolicy{
				Alerts: []string{"feature_drift", "prediction_drift"}, MinSeverity: "info", Cooldown: 24 * time.Hour, PerDay: 1, ExpireAfter: 24 * time.Hour,
			},
		},
	}
	c.resolve()
	return c
}
