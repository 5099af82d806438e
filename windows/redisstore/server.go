package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// A PolicyError says that Redis is set to evict keys when it is full. State
// would be lost silently, so nothing is begun.
type PolicyError struct {
	Address string
	Policy  string // the maxmemory-policy found
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("Redis at %s has maxmemory-policy %s: when full it would throw away state. Run `redis-cli config set maxmemory-policy noeviction` there, and set it in redis.conf",
		e.Address, e.Policy)
}

// serverFacts are what matters of the servers behind a client.
type serverFacts struct {
	major int // of the oldest server's version; 0: unknown
}

// declaresScripts reports whether scripts may begin with a line that declares
// them. Redis 7 then refuses a script that writes before it begins when memory
// is full. Valkey reports the version of Redis it is compatible with.
func (f serverFacts) declaresScripts() bool { return f.major >= 7 }

// checkServers asks every server that takes writes whether it answers, whether
// it evicts keys, and how old it is.
func checkServers(ctx context.Context, client redis.UniversalClient, log *slog.Logger) (serverFacts, error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		address := "the configured address"
		if c, ok := client.(*redis.Client); ok {
			address = c.Options().Addr
		}
		return checkServer(ctx, client, address, log)
	}
	var mu sync.Mutex
	var facts []serverFacts
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		f, err := checkServer(ctx, master, master.Options().Addr, log)
		mu.Lock()
		defer mu.Unlock()
		facts = append(facts, f)
		return err
	})
	if err != nil {
		return serverFacts{}, fmt.Errorf("checking the masters of the Redis Cluster: %w", err)
	}
	if len(facts) == 0 {
		return serverFacts{}, fmt.Errorf("checking the masters of the Redis Cluster: it has none")
	}
	oldest := facts[0]
	for _, f := range facts {
		oldest.major = min(oldest.major, f.major)
	}
	return oldest, nil
}

func checkServer(ctx context.Context, client redis.Cmdable, address string, log *slog.Logger) (serverFacts, error) {
	if err := client.Ping(ctx).Err(); redis.IsAuthError(err) || redis.IsPermissionError(err) {
		return serverFacts{}, fmt.Errorf("asking Redis at %s: it refuses the user or the password: %w", address, err)
	} else if err != nil {
		return serverFacts{}, fmt.Errorf("asking Redis at %s: it does not answer: %w", address, err)
	}
	policy := ""
	if info, err := client.Info(ctx, "memory").Result(); err == nil {
		policy = infoField(info, "maxmemory_policy")
	}
	if policy == "" { // some servers leave it out; CONFIG, which tells passwords too, is best forbidden
		if settings, err := client.ConfigGet(ctx, "maxmemory-policy").Result(); err == nil {
			policy = settings["maxmemory-policy"]
		}
	}
	switch policy {
	case "noeviction":
	case "":
		log.Warn("Redis does not tell its maxmemory-policy: make sure that it is noeviction, or state is lost when memory is full", "address", address)
	default:
		return serverFacts{}, &PolicyError{Address: address, Policy: policy}
	}
	return serverFacts{major: majorVersion(ctx, client)}, nil
}

// majorVersion is 0 where the server does not tell.
func majorVersion(ctx context.Context, client redis.Cmdable) int {
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		return 0
	}
	text, _, _ := strings.Cut(infoField(info, "redis_version"), ".")
	major, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return major
}

// infoField finds a line "name:value" in what INFO answered.
func infoField(info, name string) string {
	lines := bufio.NewScanner(strings.NewReader(info))
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
