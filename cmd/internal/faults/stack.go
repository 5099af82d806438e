//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// build builds the program as users have it, but for its crash points.
func build(ctx context.Context, binary string) error {
	command := exec.CommandContext(ctx, "go", "build", "-tags", "crashpoints", "-o", binary, "github.com/kolmo-ml/kolmo/cmd/kolmo")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building kolmo: %w\n%s", err, output)
	}
	return nil
}

// A stack is a Kafka and a Redis of a row's own. Their data outlives them in dir.
type stack struct {
	kafka *local.Kafka
	redis *local.Redis
	// client is the harness's own, straight to Redis.
	client *redis.Client
	// proxies stand between kolmo and the servers; nil: there are none.
	proxies *proxies
}

func startStack(ctx context.Context, dir string, s *settings, log io.Writer) (*stack, error) {
	st := &stack{}
	kafkaOptions := local.KafkaOptions{Dir: filepath.Join(dir, "kafka"), Log: log}
	redisOptions := local.RedisOptions{Dir: filepath.Join(dir, "redis"), Log: log, Settings: s.redis}
	if s.redisDir != "" {
		redisOptions.Dir = s.redisDir
	}
	var err error
	if s.proxied {
		if st.proxies, err = newProxies(&kafkaOptions, &redisOptions); err != nil {
			return nil, err
		}
	}
	if st.kafka, err = local.StartKafka(ctx, kafkaOptions); err == nil {
		st.redis, err = local.StartRedis(ctx, redisOptions)
	}
	if err != nil {
		return nil, errors.Join(err, st.stop())
	}
	st.client = redis.NewClient(&redis.Options{Addr: st.redis.Addr(), ContextTimeoutEnabled: true})
	return st, nil
}

// addresses are what kolmo is told.
func (st *stack) addresses() (kafka, redis string) {
	if st.proxies != nil {
		return st.proxies.kafka.Listen, st.proxies.redis.Listen
	}
	return st.kafka.Addr(), st.redis.Addr()
}

func (st *stack) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var failed []error
	if st.client != nil {
		failed = append(failed, st.client.Close())
	}
	if st.proxies != nil {
		st.proxies.stop()
	}
	if st.redis != nil {
		failed = append(failed, st.redis.Stop(ctx))
	}
	if st.kafka != nil {
		failed = append(failed, st.kafka.Kill()) // nothing of it is needed any more
	}
	return errors.Join(failed...)
}

// settings are what a row has differently.
type settings struct {
	session   time.Duration     // of the consumer groups
	idleAfter time.Duration     // 10m: no idle advance decides anything
	redis     map[string]string // directives of redis.conf
	redisDir  string            // empty: in the row's folder
	// alertmanager is the URL of the one that is told; empty: nobody is.
	alertmanager string
	proxied      bool // kolmo reaches Kafka and Redis through a proxy
}

func defaultSettings() settings {
	return settings{session: 3 * time.Second, idleAfter: 10 * time.Minute}
}

// shards is how many partitions the progress topic has.
const shards = 3

// writeConfig writes the configuration of the instances and the reference file that
// it names.
func writeConfig(dir, kafkaAddress, redisAddress string, s *settings) (string, error) {
	text := fmt.Sprintf(`kafka:
  brokers: [%q]
  group: faults
  session_timeout: %v
  inputs: {predictions: [%s], features: [%s]}
  create_outputs: {partitions: %d}
redis: {addresses: [%q], prefix: faults}
listen: 127.0.0.1:0
checkpoint_every: 300ms
limits: {idle_after: %v, max_ahead: %v, forget_after: 5m}
defaults:
  sample_size: 100
  drift: {min_events: 20}
models:
  - name: fraud
    window: {size: 20s, lateness: 3s}
    reference: {kind: first, windows: 5, size: 300}
  - name: scoring
    window: {size: 40s, every: 20s, lateness: 4s}
    reference: {kind: rolling, windows: 4, size: 400}
  - name: pricing
    window: {size: 30s, lateness: 2s}
    reference: {kind: version, version: current}
  - name: catalog
    window: {size: 10s, lateness: 2s, min_events: 12, max_size: 40s}
    reference: {kind: fixed, file: reference.ndjson, size: 300}
`, kafkaAddress, s.session, predictions, features, shards, redisAddress, s.idleAfter, maxAhead)
	if s.alertmanager != "" {
		text += fmt.Sprintf("alertmanager: {urls: [%q], timeout: %v}\n", s.alertmanager, alertmanagerTimeout)
	}
	if err := os.WriteFile(filepath.Join(dir, "reference.ndjson"), referenceFile(), 0o600); err != nil {
		return "", fmt.Errorf("writing the reference file: %w", err)
	}
	file := filepath.Join(dir, "kolmo.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("writing the configuration: %w", err)
	}
	return file, nil
}
