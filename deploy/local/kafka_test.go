//go:build unix

package local_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

func TestKafkaServesTransactionsAndKeepsThemOverRestarts(t *testing.T) {
	t.Parallel()
	kafka := servers.Kafka(t)
	ctx := t.Context()

	createTopic(t, kafka, "verdicts", 2)
	inTransaction(t, kafka, "verdicts", "first", kgo.TryCommit)
	inTransaction(t, kafka, "verdicts", "never happened", kgo.TryAbort)
	wantRecords(t, kafka, "verdicts", "first")

	pid := kafka.PID()
	if err := kafka.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if kafka.PID() == pid {
		t.Errorf("Restart left process %d in place", pid)
	}
	wantRecords(t, kafka, "verdicts", "first")
	inTransaction(t, kafka, "verdicts", "second", kgo.TryCommit)

	if err := kafka.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := kafka.PID(); got != 0 {
		t.Errorf("PID() = %d after Kill, want 0", got)
	}
	if err := kafka.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, kafka, "verdicts", "first", "second")

	pid = kafka.PID()
	if err := kafka.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if processExists(pid) {
		t.Errorf("process %d is there after Stop", pid)
	}
	if err := kafka.Stop(ctx); err != nil {
		t.Errorf("Stop of a stopped server: %v", err)
	}
}

func TestKafkaUsesTransactionsOfVersion2(t *testing.T) {
	t.Parallel()
	kafka := servers.Kafka(t)
	features, err := kadm.NewClient(client(t, kafka)).ApiVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range features {
		if broker.Err != nil {
			t.Fatal(broker.Err)
		}
		for _, feature := range broker.Raw().FinalizedFeatures {
			if feature.Name == "transaction.version" && feature.MaxVersionLevel >= 2 {
				return
			}
		}
	}
	t.Error("no broker says that transaction.version is 2")
}

func TestKafkaRefusesTopicsNobodyCreated(t *testing.T) {
	t.Parallel()
	kafka := servers.Kafka(t)
	c := client(t, kafka, kgo.UnknownTopicRetries(0))
	record := &kgo.Record{Topic: "misspelt", Value: []byte("x")}
	if err := c.ProduceSync(t.Context(), record).FirstErr(); err == nil {
		t.Error("a record for a topic that nobody created was taken")
	}
}

func TestPausedKafkaAnswersAfterResume(t *testing.T) {
	t.Parallel()
	kafka := servers.Kafka(t)
	c := client(t, kafka, kgo.RequestTimeoutOverhead(time.Second))
	if err := kafka.Pause(); err != nil {
		t.Fatal(err)
	}
	frozen, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := c.Ping(frozen); err == nil {
		t.Error("a paused Kafka answered")
	}
	if err := kafka.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("Ping after Resume: %v", err)
	}
	// A paused server is stopped in good order, too.
	if err := errors.Join(kafka.Pause(), kafka.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestKafkaThatCannotStartSaysWhy(t *testing.T) {
	t.Run("bad property", func(t *testing.T) {
		_, err := local.StartKafka(t.Context(), local.KafkaOptions{
			Dir: t.TempDir(), Properties: map[string]string{"num.partitions": "many"},
		})
		wantErrorWith(t, err, "num.partitions", "many")
	})
	t.Run("no folder", func(t *testing.T) {
		_, err := local.StartKafka(t.Context(), local.KafkaOptions{})
		wantErrorWith(t, err, "set Dir")
	})
	t.Run("no java", func(t *testing.T) {
		t.Setenv("JAVA_HOME", "")
		t.Setenv("PATH", t.TempDir())
		_, err := local.StartKafka(t.Context(), local.KafkaOptions{Dir: t.TempDir()})
		wantErrorWith(t, err, "apt-get install -y openjdk-17-jdk-headless")
	})
	t.Run("no Maven and no Kafka", func(t *testing.T) {
		t.Setenv("JAVA_HOME", fakeProgram(t, "bin/java"))
		t.Setenv("PATH", t.TempDir())
		t.Setenv("HOME", t.TempDir())
		t.Setenv("XDG_CACHE_HOME", "")
		_, err := local.InstallKafka(t.Context(), t.Output())
		wantErrorWith(t, err, "apt-get install -y maven")
	})
	t.Run("JAVA_HOME is wrong", func(t *testing.T) {
		t.Setenv("JAVA_HOME", "/nonexistent")
		_, err := local.InstallKafka(t.Context(), t.Output())
		wantErrorWith(t, err, "JAVA_HOME", "/nonexistent")
	})
}

func client(t *testing.T, kafka *local.Kafka, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(kafka.Brokers()...)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func createTopic(t *testing.T, kafka *local.Kafka, name string, partitions int32) {
	t.Helper()
	if _, err := kadm.NewClient(client(t, kafka)).CreateTopic(t.Context(), partitions, 1, nil, name); err != nil {
		t.Fatal(err)
	}
}

// inTransaction writes one record in a transaction of its own, and commits or aborts it.
func inTransaction(t *testing.T, kafka *local.Kafka, topic, value string, end kgo.TransactionEndTry) {
	t.Helper()
	c := client(t, kafka, kgo.TransactionalID("writer"), kgo.DefaultProduceTopic(topic))
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
}

// wantRecords reads the topic to its end and compares the committed values, in whatever order.
func wantRecords(t *testing.T, kafka *local.Kafka, topic string, want ...string) {
	t.Helper()
	c := client(t, kafka, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	got := map[string]int{}
	for read := 0; read < len(want); {
		fetches := c.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got[string(r.Value)]++ })
		read += fetches.NumRecords()
	}
	for _, value := range want {
		if got[value] != 1 {
			t.Errorf("topic %s holds %v, want one each of %q", topic, got, want)
		}
	}
	if len(got) != len(want) {
		t.Errorf("topic %s holds %v, want one each of %q", topic, got, want)
	}
}

func wantErrorWith(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

// processExists reports whether a process has the id, a dead one that nobody has waited for included.
func processExists(pid int) bool { return syscall.Kill(pid, 0) == nil }
