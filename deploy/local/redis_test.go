//go:build unix

package local_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

func TestRedisKeepsItsDataOverRestarts(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	ctx := t.Context()
	c := redisClient(t, server, nil)
	if err := c.Set(ctx, "pane", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}

	pid := server.PID()
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if server.PID() == pid {
		t.Errorf("Restart left process %d in place", pid)
	}
	if got, err := c.Get(ctx, "pane").Result(); got != "1" || err != nil {
		t.Errorf("after a restart: %q, %v, want 1", got, err)
	}

	if err := c.ConfigSet(ctx, "appendfsync", "always").Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(ctx, "pane", "2", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(ctx, "pane").Err(); err == nil {
		t.Error("a killed server answered")
	}
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(ctx, "pane").Result(); got != "2" || err != nil {
		t.Errorf("after a kill: %q, %v, want 2", got, err)
	}

	pid = server.PID()
	if err := server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if processExists(pid) {
		t.Errorf("process %d is there after Stop", pid)
	}
}

func TestRedisIsSetUpForDurability(t *testing.T) {
	t.Parallel()
	c := redisClient(t, servers.Redis(t), nil)
	for name, want := range map[string]string{
		"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": "", "bind": "127.0.0.1",
	} {
		got, err := c.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestRedisSettingsTakePrecedence(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, func(o *local.RedisOptions) {
		o.Settings = map[string]string{"maxmemory-policy": "allkeys-lru", "requirepass": "secret"}
		o.Users = []string{"kolmo on >drift ~kolmo:* +@all"}
	})
	ctx := t.Context()
	if err := redisClient(t, server, nil).Ping(ctx).Err(); err == nil {
		t.Error("a client without a password was let in")
	}
	admin := redisClient(t, server, func(o *redis.Options) { o.Password = "secret" })
	got, err := admin.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil || got["maxmemory-policy"] != "allkeys-lru" {
		t.Errorf("maxmemory-policy is %v, %v, want allkeys-lru", got, err)
	}
	user := redisClient(t, server, func(o *redis.Options) { o.Username, o.Password = "kolmo", "drift" })
	if err := user.Set(ctx, "kolmo:a", "1", 0).Err(); err != nil {
		t.Errorf("a write the rule allows: %v", err)
	}
	if err := user.Set(ctx, "other", "1", 0).Err(); err == nil {
		t.Error("a write the rule forbids went through")
	}
}

func TestRedisPausedAnswersAfterResume(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	c := redisClient(t, server, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	frozen, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Ping(frozen).Err(); err == nil {
		t.Error("a paused server answered")
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("Ping after Resume: %v", err)
	}
}

func TestRedisThatCannotStartSaysWhy(t *testing.T) {
	t.Run("bad setting", func(t *testing.T) {
		_, err := local.StartRedis(t.Context(), local.RedisOptions{
			Dir: t.TempDir(), Settings: map[string]string{"maxmemory-policy": "whatever"},
		})
		wantErrorWith(t, err, "maxmemory-policy", "redis.log")
	})
	t.Run("taken port", func(t *testing.T) {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close() // only there to hold the port
		_, err = local.StartRedis(t.Context(), local.RedisOptions{Dir: t.TempDir(), Port: listener.Addr().(*net.TCPAddr).Port})
		wantErrorWith(t, err, "choose another port")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := local.StartRedis(ctx, local.RedisOptions{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want context.Canceled", err)
		}
	})
	t.Run("no redis-server and no way to install it", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := local.StartRedis(t.Context(), local.RedisOptions{Dir: t.TempDir()})
		wantErrorWith(t, err, "apt-get install -y redis-server")
	})
}

func redisClient(t *testing.T, server *local.Redis, change func(*redis.Options)) *redis.Client {
	t.Helper()
	options := &redis.Options{Addr: server.Addr()}
	if change != nil {
		change(options)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
