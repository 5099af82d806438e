//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// proxies stand between kolmo and its servers. The harness itself goes past them.
type proxies struct {
	kafka, redis *toxiproxy.Proxy
}

// newProxies starts the proxies, and has the servers started at ports that they know.
// The broker advertises the proxy's address to those who come through it, by a
// listener of its own.
func newProxies(kafka *local.KafkaOptions, redis *local.RedisOptions) (*proxies, error) {
	var ports [4]int // the harness's, the proxied one, the controller's, Redis's
	for i := range ports {
		port, err := local.FreePort()
		if err != nil {
			return nil, err
		}
		ports[i] = port
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &proxies{
		kafka: toxiproxy.NewProxy(server, "kafka", "127.0.0.1:0", address(1)),
		redis: toxiproxy.NewProxy(server, "redis", "127.0.0.1:0", address(3)),
	}
	for _, one := range []*toxiproxy.Proxy{p.kafka, p.redis} {
		if err := one.Start(); err != nil {
			p.stop()
			return nil, fmt.Errorf("starting the proxy of %s: %w", one.Name, err)
		}
	}
	redis.Port = ports[3]
	kafka.Port = ports[0]
	kafka.Properties = map[string]string{
		"listeners":                      "PLAINTEXT://" + address(0) + ",PROXIED://" + address(1) + ",CONTROLLER://" + address(2),
		"advertised.listeners":           "PLAINTEXT://" + address(0) + ",PROXIED://" + p.kafka.Listen,
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.quorum.voters":       "1@" + address(2),
	}
	return p, nil
}

func (p *proxies) stop() {
	p.kafka.Stop()
	p.redis.Stop()
}

// A toxic is what a proxy does to a stream: upstream is towards the server.
type toxic struct {
	kind, stream string
	attributes   map[string]any
}

const (
	upstream   = "upstream"
	downstream = "downstream"
)

// poison applies toxics for a while. Connections that a toxic has stopped are closed
// when it is taken away: what was under way on them stays unanswered.
func poison(ctx context.Context, proxy *toxiproxy.Proxy, d time.Duration, toxics ...toxic) error {
	var names []string
	var failed []error
	for i, t := range toxics {
		name := fmt.Sprintf("%s-%d", t.kind, i)
		text, err := json.Marshal(map[string]any{"name": name, "type": t.kind, "stream": t.stream, "attributes": t.attributes})
		if err == nil {
			_, err = proxy.Toxics.AddToxicJson(bytes.NewReader(text))
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("adding a toxic of kind %s: %w", t.kind, err))
			continue
		}
		names = append(names, name)
	}
	failed = append(failed, pause(ctx, d))
	for _, name := range names {
		removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		if err := proxy.Toxics.RemoveToxic(removing, name); err != nil {
			failed = append(failed, fmt.Errorf("taking a toxic away: %w", err))
		}
		cancel()
	}
	return errors.Join(failed...)
}

// proxyFaults are five kinds of bad networks, each to Redis and to Kafka.
func proxyFaults() []fault {
	var all []fault
	for _, server := range []struct {
		name, title string
		of          func(*proxies) *toxiproxy.Proxy
	}{
		{"redis", "Redis", func(p *proxies) *toxiproxy.Proxy { return p.redis }},
		{"kafka", "Kafka", func(p *proxies) *toxiproxy.Proxy { return p.kafka }},
	} {
		for _, network := range []struct {
			name, title   string
			least, spread time.Duration
			toxics        func(b *bench) []toxic
		}{
			{"latency", "latency of 100 to 500 ms", 2 * time.Second, 3 * time.Second, func(b *bench) []toxic {
				attributes := map[string]any{"latency": 100 + b.random.IntN(400), "jitter": 50}
				return []toxic{{"latency", upstream, attributes}, {"latency", downstream, attributes}}
			}},
			{"timeouts", "nothing gets through, for up to 8 s", time.Second, 7 * time.Second, func(*bench) []toxic {
				attributes := map[string]any{"timeout": 0}
				return []toxic{{"timeout", upstream, attributes}, {"timeout", downstream, attributes}}
			}},
			{"resets", "connections reset", 500 * time.Millisecond, 2 * time.Second, func(b *bench) []toxic {
				return []toxic{{"reset_peer", []string{upstream, downstream}[b.random.IntN(2)], map[string]any{"timeout": b.random.IntN(50)}}}
			}},
			{"replies-lost", "replies lost after execution", 200 * time.Millisecond, 2 * time.Second, func(*bench) []toxic {
				return []toxic{{"timeout", downstream, map[string]any{"timeout": 0}}}
			}},
			{"slow", "slow bytes", 2 * time.Second, 3 * time.Second, func(*bench) []toxic {
				slices := map[string]any{"average_size": 64, "size_variation": 32, "delay": 100}
				return []toxic{
					{"bandwidth", upstream, map[string]any{"rate": 64}}, {"slicer", upstream, slices}, {"slicer", downstream, slices},
				}
			}},
		} {
			all = append(all, fault{
				name: server.name + "-" + network.name, what: "network to " + server.title + ": " + network.title,
				configure: func(s *settings, _ string) error { s.proxied = true; return nil },
				inject: func(ctx context.Context, b *bench, _ int) error {
					d := network.least + time.Duration(b.random.Int64N(int64(network.spread)))
					return poison(ctx, server.of(b.stack.proxies), d, network.toxics(b)...)
				},
			})
		}
	}
	return all
}
