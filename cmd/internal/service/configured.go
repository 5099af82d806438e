package service

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// Configured turns a configuration into the options of a service. The version
// and the registry are left to the caller.
func Configured(c *configs.Config, log *slog.Logger) (Options, error) {
	client, err := KafkaClient(c.Kafka)
	if err != nil {
		return Options{}, err
	}
	rdb, err := RedisClient(c.Redis)
	if err != nil {
		return Options{}, err
	}
	o := Options{
		Brokers: c.Kafka.Brokers, Client: client, Secured: c.Kafka.TLS != nil, Authenticated: c.Kafka.SASL != nil, Redis: rdb, RedisSecured: c.Redis.TLS != nil, Prefix: c.Redis.Prefix,
		Group: c.Kafka.Group, SessionTimeout: c.Kafka.SessionTimeout, FetchMaxBytes: int32(min(c.Kafka.FetchMaxBytes, 1<<30)),
		Outputs: Outputs{
			Verdicts: c.Kafka.Outputs.Verdicts, Progress: c.Kafka.Outputs.Progress, References: c.Kafka.Outputs.References,
			Alerts: c.Kafka.Outputs.Alerts, DeadLetters: c.Kafka.Outputs.DeadLetters,
			Create: c.Kafka.CreateOutputs.Enabled, Partitions: int32(c.Kafka.CreateOutputs.Partitions),
			Replication: int16(c.Kafka.CreateOutputs.ReplicationFactor),
		},
		Start: consumer.Start{Latest: c.Kafka.Start.Position == configs.StartLatest},
		Event: EventLimits(c), Limits: WindowLimits(c),
		MaxAhead: c.Limits.MaxAhead, IdleAfter: c.Limits.IdleAfter, CheckpointEvery: c.CheckpointEvery,
		ForgetAfter: c.Limits.ForgetAfter, Named: named(c), MemoryLimit: c.MemoryLimit, MetricsBytes: c.Limits.MetricsBytes,
		FeatureSeries: c.Limits.FeatureSeries, Listen: c.Listen, Web: Web(c.Web), Fingerprint: c.Fingerprint(), Log: log,
	}
	if c.Kafka.Start.Position == configs.StartTime {
		o.Start.At = c.Kafka.Start.Time
	}
	o.Inputs = Inputs(c)
	models := newModels(c)
	o.Models = models.model
	o.Rewind = windows.Rewind{Definitions: models.definitions(), MaxAhead: o.MaxAhead}
	o.Numbering = models.numbering()
	o.Configured = References(c, log)
	if o.Alertmanagers, err = configuredAlertmanagers(&c.Alertmanager); err != nil {
		return Options{}, err
	}
	if o.Subscribers, err = subscribers(c.Webhooks); err != nil {
		return Options{}, err
	}
	if o.Retraining, err = configuredRetraining(&c.Retraining); err != nil {
		return Options{}, err
	}
	return o, nil
}

// Inputs are the topics that a configuration reads.
func Inputs(c *configs.Config) []consumer.Topic {
	var topics []consumer.Topic
	for _, role := range []struct {
		role  event.Role
		names []string
	}{{event.Predictions, c.Kafka.Inputs.Predictions}, {event.Features, c.Kafka.Inputs.Features}} {
		for _, name := range role.names {
			topics = append(topics, consumer.Topic{Name: name, Role: role.role})
		}
	}
	return topics
}

// Models resolves a model's name. What it returns may be called from many
// goroutines.
func Models(c *configs.Config) func(name string) Model { return newModels(c).model }

// EventLimits are the limits of one record.
func EventLimits(c *configs.Config) event.Limits {
	return event.Limits{MaxBytes: c.Limits.MaxEventBytes, MaxDepth: c.Limits.MaxDepth, MaxNameBytes: c.Limits.NameLength, MaxFeatures: c.Limits.FeaturesPerModel}
}

// WindowLimits are the limits of what a partition keeps.
func WindowLimits(c *configs.Config) windows.Limits {
	return windows.Limits{
		Models: c.Limits.Models, Versions: c.Limits.VersionsPerModel, Features: c.Limits.FeaturesPerModel,
		Categories: c.Limits.Categories, TextBytes: c.Limits.NameLength, Panes: c.Limits.OpenWindows,
	}
}

// named are the models that have an entry of their own, not a glob's.
func named(c *configs.Config) map[string]bool {
	names := make(map[string]bool)
	for _, name := range patterns(c) {
		if !strings.ContainsAny(name, "*?") {
			names[name] = true
		}
	}
	return names
}

// referencePattern names the entry that supplied a model's reference file:
// "*" where the defaults did, since they are for every model.
func referencePattern(m *configs.Model) string {
	switch {
	case m.Reference.Kind != configs.ReferenceFixed || m.Reference.File == "":
		return ""
	case m.ReferencePattern == "":
		return "*"
	}
	return m.ReferencePattern
}

// models resolves models. The settings of an entry are made once and shared.
type models struct {
	config  *configs.Config
	entries map[string]Model // by the pattern of the entry; empty: the defaults alone
}

func newModels(c *configs.Config) *models {
	m := &models{config: c, entries: make(map[string]Model)}
	for _, name := range append([]string{""}, patterns(c)...) {
		resolved := c.For(name)
		m.entries[resolved.Pattern] = m.make(resolved)
	}
	return m
}

// patterns are the names of all entries. A glob's own name matches it.
func patterns(c *configs.Config) []string {
	names := make([]string, len(c.Models))
	for i, entry := range c.Models {
		names[i] = entry.Name
	}
	return names
}

func (m *models) make(c configs.Model) Model {
	definition := c.Window
	s := alerts.Settings{
		Settings: windows.Settings{Definition: &definition, SampleSize: c.SampleSize, ReferenceSize: c.Reference.Size},
		MaxAhead: m.config.Limits.MaxAhead, ForgetAfter: m.config.Limits.ForgetAfter, Limits: WindowLimits(m.config),
		Drift:  driftSettings(&c),
		Policy: alerts.Policy{For: c.Alert.For, Of: c.Alert.Of, ResolveAfter: c.Alert.ResolveAfter},
	}
	watched(&s, &c, m.config)
	s.Retraining = retrainingPolicy(&c.Retraining, &definition)
	if c.Budget.Pages > 0 {
		s.Budget = alerts.Budget{Pages: float64(c.Budget.Pages), Windows: c.Budget.Windows(definition.Every)}
	}
	switch r := c.Reference; r.Kind {
	case configs.ReferenceFirst:
		s.FirstWindows = r.Windows
	case configs.ReferenceRolling, configs.ReferenceSeasonal:
		s.History = alerts.History{Kind: r.Kind, Windows: r.Windows, Period: r.Period, Cycles: r.Cycles, Size: r.Size, MaxBinMass: m.config.Limits.MaxBinMass}
		// A summary keeps a part of the reference's values, so a pane without a grid
		// needs no more than others.
		s.ReferenceSize = s.SampleSize
	case configs.ReferenceVersion:
		s.Against, s.Compared, s.ReferenceSize = r.Version, true, s.SampleSize
	}
	return Model{Settings: s, Pattern: referencePattern(&c)}
}

// definitions are the windows of all models.
func (m *models) definitions() []*windows.Definition {
	var list []*windows.Definition
	for _, entry := range m.entries {
		list = append(list, entry.Definition)
	}
	return list
}

// numbering tells apart configurations that number the windows of some model
// otherwise.
func (m *models) numbering() string {
	var lines []string
	for pattern, entry := range m.entries {
		lines = append(lines, fmt.Sprintf("%q %s\n", pattern, entry.Definition.Numbering()))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:8])
}

// driftSettings are those of a model, and of its features that have their own.
func driftSettings(c *configs.Model) drift.Settings {
	of := func(d configs.Drift) drift.Settings {
		return drift.Settings{
			Alpha: d.Alpha, Correction: d.Correction, MinEffect: d.MinEffect, MinEvents: d.MinEvents, Numeric: d.Numeric,
			Categorical: d.Categorical, Measures: d.Measures, Decision: d.Decision, Ties: d.Ties, Success: c.SuccessStatuses,
			Quality: drift.QualitySettings(d.Quality),
		}
	}
	s := of(c.Drift)
	if len(c.Drift.Features) > 0 {
		s.Feature = func(name string) *drift.Settings {
			d, own := c.Drift.For(name)
			if !own {
				return nil
			}
			settings := of(d)
			return &settings
		}
	}
	return s
}

// model is called from many goroutines.
func (m *models) model(name string) Model {
	resolved := m.config.For(name)
	if known, ok := m.entries[resolved.Pattern]; ok {
		return known
	}
	return m.make(resolved)
}

// References lists the files that the configuration names, each once.
func References(c *configs.Config, log *slog.Logger) []kafka.Configured {
	var list []kafka.Configured
	seen := make(map[string]bool)
	for _, name := range append([]string{""}, patterns(c)...) {
		m := c.For(name)
		pattern := referencePattern(&m)
		if pattern == "" || seen[pattern] {
			continue
		}
		seen[pattern] = true
		list = append(list, kafka.Configured{
			Pattern: pattern,
			Source:  func() (string, error) { return fingerprint(&m) },
			Load: func(ctx context.Context) (*reference.Reference, error) {
				return loadReference(ctx, &m, c, log)
			},
		})
	}
	return list
}

// fingerprint identifies a file's bytes, how many values are kept of it, and the
// windows it is cut into to see how much they differ.
func fingerprint(m *configs.Model) (string, error) {
	path := m.Reference.File
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("opening the reference file: %w", err)
	}
	defer func() { _ = f.Close() }() // read only
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading reference file %s: %w", path, err)
	}
	w := &m.Window
	return fmt.Sprintf("sha256:%s size:%d window:%v,%v,%v", hex.EncodeToString(h.Sum(nil)), m.Reference.Size, w.Size, w.Origin, w.Location), nil
}

// loadReference builds a reference from a file, and says how far it has come.
func loadReference(ctx context.Context, m *configs.Model, c *configs.Config, log *slog.Logger) (*reference.Reference, error) {
	path := m.Reference.File
	r, err := dataset.Open(path, EventLimits(c))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // read only
	last, rows := time.Now(), 0
	observed := &dataset.Observations{Reader: r, After: func() {
		if rows++; rows%100_000 == 0 && time.Since(last) > 5*time.Second {
			last = time.Now()
			log.Info("building a reference", "file", path, "bytes_read", r.BytesRead(), "of", r.Size())
		}
	}}
	return reference.BuildInWindows(reference.Fixed, cancellable{ctx, observed}, m.Reference.Size, WindowLimits(c), &m.Window)
}

// cancellable ends reading when the context does.
type cancellable struct {
	ctx context.Context
	reference.Rows
}

// Next implements reference.Rows.
func (r cancellable) Next(o *windows.Observation) error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return r.Rows.Next(o)
}

// KafkaClient are the options that say how to reach the brokers.
func KafkaClient(k configs.Kafka) ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(k.Brokers...), kgo.ClientID("kolmo"), kgo.DialTimeout(5 * time.Second)}
	if k.TLS != nil {
		config, err := tlsConfig("kafka.tls", k.TLS)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	if k.SASL != nil {
		mechanism, err := saslMechanism(k.SASL)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

func saslMechanism(s *configs.SASL) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "PLAIN":
		return plain.Auth{User: s.Username, Pass: s.Password.Reveal()}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.Username, Pass: s.Password.Reveal()}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.Username, Pass: s.Password.Reveal()}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("kafka.sasl.mechanism %q is not known: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}

// RedisClient makes the client. It connects when it is first used.
func RedisClient(r configs.Redis) (redis.UniversalClient, error) {
	o := &redis.UniversalOptions{
		Addrs: r.Addresses, MasterName: r.MasterName, Username: r.Username, Password: r.Password.Reveal(), ClientName: "kolmo",
		// Neither tells a server anything it needs, and both are commands that a user would have to be allowed.
		DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		SentinelUsername: r.Username, SentinelPassword: r.Password.Reveal(),
		ContextTimeoutEnabled: true, DialTimeout: 3 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
	}
	if r.MasterName == "" {
		o.SentinelUsername, o.SentinelPassword = "", ""
	}
	if r.TLS != nil {
		config, err := tlsConfig("redis.tls", r.TLS)
		if err != nil {
			return nil, err
		}
		o.TLSConfig = config
	}
	return redis.NewUniversalClient(o), nil
}

func tlsConfig(where string, t *configs.TLS) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("%s.ca_file: %w", where, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s.ca_file %s holds no certificate in PEM", where, t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s: reading cert_file and key_file: %w", where, err)
		}
		if end := pair.Leaf.NotAfter; time.Now().After(end) {
			return nil, fmt.Errorf("%s.cert_file %s: the certificate has expired at %s: renew it", where, t.CertFile, end.UTC().Format(time.RFC3339))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
