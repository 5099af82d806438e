//go:build unix

package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KafkaOptions say where and how StartKafka starts a server.
type KafkaOptions struct {
	// Dir is the folder for configuration, data and log; it is created. Data found in it is used.
	Dir string
	// Port is the TCP port of 127.0.0.1 that clients connect to; 0 takes a free one.
	Port int
	// Properties are broker properties that take precedence over this package's own.
	Properties map[string]string
	// Listeners are further addresses that clients can connect to, each with its own rules.
	Listeners []KafkaListener
	// Detached lets the server outlive this program; FindKafka finds it by Dir.
	Detached bool
	// Log is told what takes long (an installation); nil for silence. The server's own log is in Dir.
	Log io.Writer
}

// A KafkaListener is an address of the broker besides that of Port, which is open to everyone.
type KafkaListener struct {
	Name     string // in capitals
	Protocol string // SSL, SASL_SSL or SASL_PLAINTEXT
	Port     int    // from FreePort
	// Properties are those of this listener, without the "listener.name.NAME." that goes before them.
	Properties map[string]string
}

// Kafka is a running Apache Kafka, one node that is broker and controller.
type Kafka struct{ server }

// Brokers returns the seed brokers for a client.
func (k *Kafka) Brokers() []string { return []string{k.Addr()} }

// StartKafka installs Kafka if need be, starts it, and returns when it serves requests.
func StartKafka(ctx context.Context, options KafkaOptions) (*Kafka, error) {
	distribution, err := InstallKafka(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	return distribution.start(ctx, options, distribution.javaFlags()...)
}

// start starts the distribution's broker, with javaFlags beside the ones every Java program here is given.
func (d *KafkaDistribution) start(ctx context.Context, options KafkaOptions, javaFlags ...string) (*Kafka, error) {
	dir, err := prepareDir("Kafka", options.Dir, options.Port)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(kafkaLoggingConfig(dir), []byte(kafkaLogging), 0o644); err != nil {
		return nil, fmt.Errorf("starting Kafka: %w", err)
	}
	return startOnPort(options.Port, func(port int) (*Kafka, error) {
		return d.startOn(ctx, port, dir, options, javaFlags)
	})
}

func (d *KafkaDistribution) startOn(ctx context.Context, port int, dir string, options KafkaOptions, javaFlags []string) (*Kafka, error) {
	controllerPort, err := FreePort()
	if err != nil {
		return nil, fmt.Errorf("starting Kafka: %w", err)
	}
	properties := kafkaProperties(dir, port, controllerPort, options.Listeners, options.Properties)
	if err := os.WriteFile(kafkaConfig(dir), propertiesFile(properties), 0o644); err != nil {
		return nil, fmt.Errorf("starting Kafka: %w", err)
	}
	if err := d.format(ctx, dir); err != nil {
		return nil, err
	}
	k := &Kafka{server{
		name: "Kafka", dir: dir, port: port, detached: options.Detached, config: kafkaConfig(dir),
		argv: d.command(dir, javaFlags, "kafka.Kafka", kafkaConfig(dir)),
	}}
	k.answers = k.serves
	if err := k.start(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// FindKafka returns the detached Kafka that runs in dir, or nil when none does.
func FindKafka(dir string) (*Kafka, error) {
	found, err := find(dir, "Kafka")
	if found == nil || err != nil {
		return nil, err
	}
	return &Kafka{server{
		name: found.name, dir: found.dir, config: found.config, port: found.port, detached: true, process: found.process,
	}}, nil
}

// command returns the command line of a Java program of the distribution. The settings favour a quick start
// over speed later: the simplest collector, the quick compiler only, no performance counters on disk.
func (d *KafkaDistribution) command(dir string, javaFlags []string, class string, args ...string) []string {
	return slices.Concat(
		[]string{
			d.Java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData",
			"-Djava.awt.headless=true", "-Dlog4j2.configurationFile=" + kafkaLoggingConfig(dir),
			"-cp", filepath.Join(d.Home, "libs", "*"),
		},
		javaFlags, []string{class}, args)
}

// format prepares the data folder, as a KRaft node needs before its first start.
func (d *KafkaDistribution) format(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(kafkaData(dir), "meta.properties")); err == nil {
		return nil // formatted before
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("formatting Kafka's data folder: %w", err)
	}
	argv := d.command(dir, d.javaFlags(), "kafka.tools.StorageTool", "format", "-t", newClusterID(), "-c", kafkaConfig(dir))
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		if strings.Contains(string(out), "UnsupportedClassVersionError") {
			return fmt.Errorf("formatting Kafka's data folder: %s is too old, Kafka needs JDK 17 or later; "+
				"on Debian: apt-get update && apt-get install -y openjdk-17-jdk-headless", d.Java)
		}
		return fmt.Errorf("formatting Kafka's data folder %s: %w:\n%s", kafkaData(dir), err, out)
	}
	return nil
}

// newClusterID returns 16 random bytes as Kafka writes its ids. The tool's command line parser would take a
// leading dash for an option.
func newClusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, says crypto/rand
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// serves returns nil when the broker is registered with its controller and answers for the cluster: clients
// that connect from now on find a broker and a controller.
func (k *Kafka) serves(ctx context.Context) error {
	if err := dial(ctx, k.Addr()); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer client.Close()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{} // none; nil would ask for all of them
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	if len(response.Brokers) == 0 || response.ControllerID < 0 {
		return errors.New("the broker is not registered with its controller yet")
	}
	return nil
}
