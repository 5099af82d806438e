package configs

import (
	"time"
)

// A Config is a configuration file as read, with every default in place.
type Config struct {
	File         string // name of the file, for messages
	Kafka        Kafka
	Redis        Redis
	Listen       string       // address of the HTTP listener, host:port
	Web          Web          // who may use the listener
	Alertmanager Alertmanager // who is told which alerts stand
	// ExternalURL is where people reach the page, without a slash at its end; empty:
	// nobody has said.
	ExternalURL     string
	Silences        []Silence
	Webhooks        []Subscriber  // who is sent a webhook for every alert
	Retraining      Retraining    // who can be asked to train a model again
	CheckpointEvery time.Duration // longest time between two checkpoints of a partition
	// MemoryLimit is what the process may take, in bytes.
	MemoryLimit int64
	Limits      Limits
	Defaults    Settings // of every model, unless its entry says otherwise
	Models      []Entry  // in the order of the file; For resolves them
	// Reserved are the keys of the file that are known but do nothing yet, in
	// the order of the file. A service says so when it starts.
	Reserved []Reserved
	// Exposed are the paths of secrets that the file tells to everyone on the
	// machine: they stand in it as they are, and others may read it. Only Load
	// knows. A service says so when it starts.
	Exposed []string

	inline   []string // paths of the secrets that the file tells to whoever reads it
	fallback Model    // of models without an entry
	ranked   []Model  // one per entry, the first whose Pattern matches wins
}

// Kafka says how to reach Kafka and which topics to use.
type Kafka struct {
	Brokers        []string // host:port, at least one
	Group          string   // consumer group of the inputs
	SessionTimeout time.Duration
	FetchMaxBytes  int64 // bound on one fetch response, in bytes
	Inputs         Inputs
	Start          Start
	Outputs        Outputs
	CreateOutputs  CreateOutputs
	TLS            *TLS  // nil: no TLS
	SASL           *SASL // nil: no authentication
}

// ClosersGroup is the consumer group that assigns the shards to those who
// close windows.
func (k Kafka) ClosersGroup() string { return k.Group + "-closers" }

// Inputs are the topics of each role. No topic is in two roles.
type Inputs struct {
	Predictions, Features, Outcomes []string
}

// Start is where a partition begins that has never been seen before.
type Start struct {
	Position StartPosition
	Time     time.Time // when Position is StartTime: the first record at or after it
}

// StartPosition is a place in a partition.
type StartPosition uint8

// The places a partition can start from.
const (
	StartEarliest StartPosition = iota
	StartLatest
	StartTime
)

// String is the form the config has: earliest, latest or an RFC 3339 time.
func (s Start) String() string {
	switch s.Position {
	case StartLatest:
		return "latest"
	case StartTime:
		return s.Time.Format(time.RFC3339Nano)
	default:
		return "earliest"
	}
}

// Outputs are the topics kolmo writes, all different.
type Outputs struct {
	Alerts, Verdicts, Progress, References, DeadLetters string
}

// CreateOutputs says whether absent output topics are created, and how.
type CreateOutputs struct {
	Enabled           bool
	Partitions        int // of kolmo.progress: the number of shards
	ReplicationFactor int
}

// TLS names the files of a TLS connection, resolved against the config's
// folder. All empty: TLS with the authorities of the system.
type TLS struct {
	CAFile            string // PEM; empty: the system's authorities
	CertFile, KeyFile string // PEM, both or neither
	ServerName        string // empty: the host that is dialled
}

// SASL authenticates to Kafka.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Username  string
	Password  Secret
}

// Redis says how to reach Redis: one address is a standalone server, more are
// a Cluster, and with MasterName they are Sentinels.
type Redis struct {
	Addresses  []string // host:port, at least one
	MasterName string
	Prefix     string // begins every key
	Username   string
	Password   Secret
	TLS        *TLS // nil: no TLS
}

// Web says who may use the HTTP listener, and what it has beside metrics, health
// and the page.
type Web struct {
	// ConfigFile is a file of the Prometheus exporter toolkit, with TLS, users and
	// headers. Empty: plain HTTP, and nobody is asked who they are.
	ConfigFile string
	Pprof      bool // serve Go's profiles under /debug/pprof/
}

// Limits bound what input can cost. What goes beyond a cap is counted, not
// lost silently.
type Limits struct {
	MaxEventBytes    int // of one record
	MaxDepth         int // of nesting in one record
	Models           int
	VersionsPerModel int
	FeaturesPerModel int
	FeatureSeries    int // per-feature metric series in all
	Categories       int // per feature, beyond those of the reference
	NameLength       int // of a model, version, feature, category…, in bytes
	OpenWindows      int // slices of one model version that a partition holds
	// MetricsBytes is what names may make of the metrics page.
	MetricsBytes int64
	// MaxAhead is how far an event's time may be past its record's.
	MaxAhead time.Duration
	// IdleAfter is how long a partition must be silent before it holds back
	// nobody.
	IdleAfter time.Duration
	// ForgetAfter is how long, in event time, a version without events still
	// gets verdicts.
	ForgetAfter time.Duration
	// MaxBinMass is how much more of a window than of the reference one bin may
	// hold before the grid is replaced, in (0, 1].
	MaxBinMass float64
}

// Reserved is a key that is known but does nothing yet.
type Reserved struct {
	Path string // such as models[0].segments
	Line int
}
