//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// stopTimeout is how long a server may take to end in good order before it is killed.
const stopTimeout = 30 * time.Second

// errNotRunning ends status with exit code 1, as scripts expect of a service that is down.
var errNotRunning = errors.New("not both servers run")

// stack is one Kafka and one Redis in a folder.
type stack struct {
	dir                  string
	kafkaPort, redisPort int // for the start of a server that does not run; 0 takes a free port
}

// server is what the stack needs of a running server.
type server interface {
	Addr() string
	PID() int
	Dir() string
	Stop(ctx context.Context) error
}

func (s *stack) kafkaDir() string { return filepath.Join(s.dir, "kafka") }
func (s *stack) redisDir() string { return filepath.Join(s.dir, "redis") }

// locked runs an action while no other command works on the same folder.
func (s *stack) locked(c *cobra.Command, action func(ctx context.Context, out, log io.Writer) error) error {
	if s.dir == "" {
		dir, err := defaultDir()
		if err != nil {
			return err
		}
		s.dir = dir
	}
	unlock, err := local.Lock(c.Context(), filepath.Join(s.dir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	return action(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
}

// up starts what does not run and prints where both are.
func (s *stack) up(ctx context.Context, out, log io.Writer) error {
	kafka, redis, err := s.running()
	if err != nil {
		return err
	}
	if kafka == nil {
		k, err := local.StartKafka(ctx, local.KafkaOptions{Dir: s.kafkaDir(), Port: s.kafkaPort, Detached: true, Log: log})
		if err != nil {
			return err
		}
		kafka = k
	}
	if redis == nil {
		r, err := local.StartRedis(ctx, local.RedisOptions{Dir: s.redisDir(), Port: s.redisPort, Detached: true, Log: log})
		if err != nil {
			return err
		}
		redis = r
	}
	return report(out, kafka, redis)
}

// down stops what runs.
func (s *stack) down(ctx context.Context, out, _ io.Writer) error {
	kafka, redis, err := s.running()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for _, running := range []server{kafka, redis} {
		if running != nil {
			err = errors.Join(err, running.Stop(ctx))
		}
	}
	return errors.Join(err, report(out, nil, nil))
}

// status prints what runs.
func (s *stack) status(_ context.Context, out, _ io.Writer) error {
	kafka, redis, err := s.running()
	if err == nil {
		err = report(out, kafka, redis)
	}
	if err == nil && (kafka == nil || redis == nil) {
		err = errNotRunning
	}
	return err
}

// running returns the servers that run in the folder, nil for one that does not.
func (s *stack) running() (kafka, redis server, err error) {
	k, kafkaErr := local.FindKafka(s.kafkaDir())
	r, redisErr := local.FindRedis(s.redisDir())
	if k != nil { // a nil *local.Kafka would make a server that is not nil
		kafka = k
	}
	if r != nil {
		redis = r
	}
	return kafka, redis, errors.Join(kafkaErr, redisErr)
}

// report prints a line for each server.
func report(out io.Writer, kafka, redis server) error {
	for _, line := range []struct {
		name    string
		running server
	}{{"Kafka", kafka}, {"Redis", redis}} {
		text := "does not run"
		if line.running != nil {
			text = fmt.Sprintf("%s, process %d, in %s", line.running.Addr(), line.running.PID(), line.running.Dir())
		}
		if _, err := fmt.Fprintf(out, "%s  %s\n", line.name, text); err != nil {
			return err
		}
	}
	return nil
}
