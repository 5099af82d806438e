package configs

import (
	"time"
)

// fields is the table of the top level.
func (c *Config) fields() []field {
	fields := []field{
		{key: "kafka", value: section{c.Kafka.fields()}, meaning: "How to reach Kafka, and which topics to use."},
		{key: "redis", value: section{c.Redis.fields()}, meaning: "How to reach Redis, which keeps the open windows."},
		{key: "listen", value: listenAddress(&c.Listen), meaning: "Address of the HTTP listener: metrics, health, the page."},
		{key: "web", value: section{c.Web.fields()}, meaning: "Who may use the listener, and what it has beside metrics, health and the page."},
		{key: "alertmanager", value: section{c.Alertmanager.fields()}, meaning: "Who is told which alerts stand, beside the alerts topic."},
		{key: "external_url", value: webURL(&c.ExternalURL), fallback: "none", meaning: "Where people reach the page, such as https://kolmo.example.org: alerts then link to their evidence and their runbooks."},
		{key: "silences", value: mappings[Silence]{&c.Silences, newSilence, (*Silence).fields, "model", (*decoder).silence}, meaning: "What pages nobody for a while: maintenances, and drifts that are accepted."},
		{key: "webhooks", value: mappings[Subscriber]{&c.Webhooks, nothing[Subscriber], (*Subscriber).fields, "name", nil}, meaning: "Who is sent a message for every alert that fires, becomes more severe, or is resolved, signed as Standard Webhooks says."},
		{key: "retraining", value: section{c.Retraining.fields()}, meaning: "Who can be asked to train a model again. Whether a model is, and when, stands with the model."},
		{key: "checkpoint_every", value: duration(&c.CheckpointEvery, 100*time.Millisecond, 10*time.Minute),
			meaning: "Longest time between two checkpoints of a partition. What came since the last one is read again after a crash."},
		{key: "limits", value: section{c.Limits.fields()}, meaning: "What input may cost at most. What goes beyond a cap is counted, not lost silently."},
		{key: "defaults", value: section{c.Defaults.fields()}, meaning: "What holds for every model, unless its entry says otherwise."},
		{key: "models", value: entries{&c.Models, &c.Defaults},
			meaning: "Models with settings of their own, merged key by key over defaults. An exact name goes before a glob, a longer glob before a shorter one, then the first in the file."},
	}
	return append(fields, field{key: "memory_limit", value: bytes(&c.MemoryLimit, 64<<20, 1<<50), meaning: "What the process should take at most. Half of it is for what the partitions of an instance keep of their open windows: what has no room is counted, not kept. GOMEMLIMIT goes before it."})
}

func reservedFields(keys ...string) []field {
	fields := make([]field, len(keys))
	for i, key := range keys {
		fields[i] = field{key: key, value: reservedKey{}, meaning: "Reserved: known, and does nothing yet."}
	}
	return fields
}

func (k *Kafka) fields() []field {
	return []field{
		{key: "brokers", required: true, value: list{into: &k.Brokers, item: address, least: 1}, meaning: "Brokers to find the cluster by, as host:port."},
		{key: "group", value: text(&k.Group), meaning: "Consumer group of the inputs. A second group, with -closers added, assigns who closes windows."},
		{key: "session_timeout", value: duration(&k.SessionTimeout, time.Second, 30*time.Minute), meaning: "How long an instance may be silent before its partitions go to others. Within the broker's group.min.session.timeout.ms and group.max.session.timeout.ms."},
		{key: "fetch_max_bytes", value: bytes(&k.FetchMaxBytes, 1<<10, 1<<30), meaning: "Bound on one fetch response, and so on the memory of fetching. At least limits.max_event_bytes."},
		{key: "inputs", value: inputTopics{&k.Inputs}, fallback: "`predictions: [predictions]`", meaning: "The topics of each role. A role left out has no topic."},
		{key: "start", value: begin(&k.Start), meaning: "Where a partition begins that has never been seen before."},
		{key: "outputs", value: section{k.Outputs.fields()}, meaning: "The topics kolmo writes."},
		{key: "create_outputs", value: section{k.CreateOutputs.fields()}, meaning: "Whether absent output topics are created, and how."},
		{key: "tls", value: optional[TLS]{&k.TLS, (*TLS).fields}, meaning: "TLS to Kafka. {} is TLS with the authorities of the system."},
		{key: "sasl", value: optional[SASL]{&k.SASL, (*SASL).fields}, meaning: "Authentication to Kafka."},
	}
}

func (i *Inputs) fields() []field {
	return []field{
		{key: "predictions", value: list{into: &i.Predictions, item: topic}, fallback: "none", meaning: "Topics of predictions, which may carry their features."},
		{key: "features", value: list{into: &i.Features, item: topic}, fallback: "none", meaning: "Topics of features without a prediction."},
		{key: "outcomes", value: list{into: &i.Outcomes, item: topic}, fallback: "none", meaning: "Topics of outcomes: ground truth and business results."},
	}
}

func (o *Outputs) fields() []field {
	return []field{
		{key: "alerts", value: topic(&o.Alerts), meaning: "One record per alert transition."},
		{key: "verdicts", value: topic(&o.Verdicts), meaning: "One record per closed window."},
		{key: "progress", value: topic(&o.Progress), meaning: "What has been closed and decided. Compacted; its partitions are the shards."},
		{key: "references", value: topic(&o.References), meaning: "Reference summaries. Compacted."},
		{key: "dead_letters", value: topic(&o.DeadLetters), meaning: "Records that were refused, unchanged, with the reason in a header."},
	}
}

func (c *CreateOutputs) fields() []field {
	return []field{
		{key: "enabled", value: boolean(&c.Enabled), meaning: "Create the output topics that do not exist."},
		{key: "partitions", value: whole(&c.Partitions, 1, 10_000), meaning: "Partitions of a created topic. Those of the progress topic are the shards, and stay as many."},
		{key: "replication_factor", value: whole(&c.ReplicationFactor, 1, 100), meaning: "Replicas of a created topic."},
	}
}

func (t *TLS) fields() []field {
	return []field{
		{key: "ca_file", value: file{into: &t.CAFile}, fallback: "the system's authorities", meaning: "Authorities to trust, in PEM."},
		{key: "cert_file", value: file{into: &t.CertFile}, meaning: "Certificate to present, in PEM. Goes with key_file."},
		{key: "key_file", value: file{into: &t.KeyFile}, meaning: "Key of the certificate, in PEM. Goes with cert_file."},
		{key: "server_name", value: text(&t.ServerName), fallback: "the host of the address", meaning: "Name to expect in the server's certificate."},
	}
}

func (s *SASL) fields() []field {
	return []field{
		{key: "mechanism", required: true, value: oneOf(&s.Mechanism, []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}), meaning: "How to authenticate."},
		{key: "username", required: true, value: text(&s.Username), meaning: "Who authenticates."},
		{key: "password", value: secret(&s.Password), meaning: "The password; as ${NAME} it stays out of the file. This or password_file."},
		{key: "password_file", value: secretFile{&s.Password}, meaning: "File that holds the password; a newline at its end is not part of it."},
	}
}

func (r *Redis) fields() []field {
	return []field{
		{key: "addresses", required: true, value: list{into: &r.Addresses, item: address, least: 1}, meaning: "One address is a standalone server, more are a Cluster; with master_name they are Sentinels."},
		{key: "master_name", value: text(&r.MasterName), meaning: "Name of the master the Sentinels watch."},
		{key: "prefix", value: pattern(&r.Prefix, "text", `^[A-Za-z0-9._:-]{1,64}$`, "a prefix: 1 to 64 letters, digits, dots, _, : and -"), meaning: "Begins every key, so that several installations can share a server."},
		{key: "username", value: text(&r.Username), meaning: "Who authenticates, where Redis has users."},
		{key: "password", value: secret(&r.Password), meaning: "The password; as ${NAME} it stays out of the file. This or password_file."},
		{key: "password_file", value: secretFile{&r.Password}, meaning: "File that holds the password; a newline at its end is not part of it."},
		{key: "tls", value: optional[TLS]{&r.TLS, (*TLS).fields}, meaning: "TLS to Redis. {} is TLS with the authorities of the system."},
	}
}

func (w *Web) fields() []field {
	return []field{
		{key: "config_file", value: file{into: &w.ConfigFile}, meaning: "TLS, client certificates, users and headers of the listener, in the web configuration of the Prometheus exporter toolkit. Read again when it changes."},
		{key: "pprof", value: boolean(&w.Pprof), meaning: "Serve Go's profiles under /debug/pprof/."},
	}
}

func (l *Limits) fields() []field {
	const year = 366 * 24 * time.Hour
	return []field{
		{key: "max_event_bytes", value: bytes(&l.MaxEventBytes, 1<<10, 16<<20), meaning: "Size of one record. Larger ones go to the dead letters."},
		{key: "max_depth", value: whole(&l.MaxDepth, 1, 1000), meaning: "Levels of nesting in one record. Deeper ones go to the dead letters."},
		{key: "models", value: whole(&l.Models, 1, 1_000_000), meaning: "Models of one partition, beside those that have an entry of their own in models. Events of more are counted under model __other__."},
		{key: "versions_per_model", value: whole(&l.VersionsPerModel, 1, 100_000), meaning: "Versions of one model in one partition. Events of more are counted under version __other__ of the model."},
		{key: "features_per_model", value: whole(&l.FeaturesPerModel, 1, 1_000_000), meaning: "Features of one model version. Values of more are counted as over_limit in the verdict."},
		{key: "feature_series", value: whole(&l.FeatureSeries, 0, 10_000_000), meaning: "Per-feature metric series in all; the most drifted keep theirs."},
		{key: "categories", value: whole(&l.Categories, 1, 1_000_000), meaning: "Categories of one feature beyond those of the reference. Values of more are counted under category __other__."},
		{key: "name_length", value: whole(&l.NameLength, 1, 65_536), meaning: "Bytes of the name of a model, version, feature, status or metric. A longer text of a categorical feature is counted under category __other__."},
		{key: "open_windows", value: whole(&l.OpenWindows, 1, 1_000_000), meaning: "Windows, or slices of windows that overlap, of one model version that a partition keeps open. Events for more count for nothing."},
		{key: "metrics_bytes", value: bytes(&l.MetricsBytes, 64<<10, 1<<30), meaning: "What the names of models, versions, features and statuses may make of the metrics page. What goes beyond it is counted under __other__, or left out and counted."},
		{key: "max_ahead", value: duration(&l.MaxAhead, 0, year), meaning: "How far an event's time may be past its record's. Events further ahead go to the dead letters."},
		{key: "idle_after", value: duration(&l.IdleAfter, time.Second, year), meaning: "How long a partition must be silent before it holds back nobody."},
		{key: "forget_after", value: duration(&l.ForgetAfter, 0, year), meaning: "How long, in event time, a version without events still gets verdicts."},
		{key: "max_bin_mass", value: number(&l.MaxBinMass, bound{0, true}, bound{1, false}), meaning: "Share of a window that may stand in one bin of different values before the bins are chosen anew: of a rolling reference, and of a seasonal one beyond the share of the slot. Never for the other kinds."},
	}
}
