//go:build unix

package redisstore

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	"github.com/kolmo-ml/kolmo/windows"
)

// guarded is a client as kolmo makes it, of the user whose rule is given.
func guarded(t *testing.T, rule string, settings map[string]string) (client *redis.Client, admin *redis.Client) {
	t.Helper()
	server := servers.Redis(t, func(o *local.RedisOptions) {
		o.Settings = settings
		o.Users = []string{"kolmo on >secret " + rule}
	})
	return clientOf(t, &redis.Options{
		Addr: server.Addr(), Username: "kolmo", Password: "secret", ClientName: "kolmo", DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), clientOf(t, &redis.Options{Addr: server.Addr()})
}

// everything is what a store can do, one after the other; the error is the first.
func everything(ctx context.Context, t *testing.T, client redis.UniversalClient, log *slog.Logger) error {
	t.Helper()
	grids := func(_ context.Context, id string) (*windows.Grid, error) { return testGrid(id), nil }
	store, err := Open(ctx, client, "kolmo", log, WithShards(testShards), WithGridLoader(grids))
	if err != nil {
		return err
	}
	progress, events := windows.TopicID{1, 2, 3}, someLog(1, 300)
	var claim *Claim
	var shares []Share
	checkpoint := func(from, to int) func() error {
		return func() error {
			var state *State
			if claim, state, err = store.Claim(ctx, testPartition); err != nil {
				return err
			}
			i := &instance{store: store, claim: claim, state: windows.NewPartition(testPartition, testRules(testShards, testGrid("grid-1")), 0)}
			if state.Found {
				i.state.Restore(state.NextOffset, state.Watermark, state.Decisions, state.Panes)
			}
			i.read(events[from:to], lastOffset(events))
			_, err = i.commit(ctx, MarkFields{})
			return err
		}
	}
	for _, step := range []func() error{
		checkpoint(0, 150), checkpoint(150, 300),
		func() error { _, err := store.Marks(ctx, []windows.PartitionID{testPartition}); return err },
		func() error {
			for shard := range testShards {
				of, err := store.Shares(ctx, []windows.PartitionID{testPartition}, shard)
				if err != nil {
					return err
				}
				shares = append(shares, of...)
				if _, err := store.Panes(ctx, testPartition, of[0].Panes); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return claim.Release(ctx) },
		func() error {
			for shard, share := range shares {
				if err := store.DropShare(ctx, testPartition, shard, share.Panes); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return store.BeginThrough(ctx, progress, 1, "owner") },
		func() error {
			return store.PublishThrough(ctx, progress, 1, Through{Through: 5, Generation: 1, Owner: "owner", Before: -1})
		},
		func() error { _, err := store.Throughs(ctx, progress, testShards); return err },
		func() error { _, err := store.GridsInForce(ctx, progress, 1); return err },
		func() error {
			return store.PutReference(ctx, "id", []byte("head"), []byte("grid"), [][]byte{[]byte("part")}, time.Minute)
		},
		func() error { return store.PersistReference(ctx, "id") },
		func() error { _, _, err := store.Reference(ctx, "id"); return err },
		func() error { _, err := store.ReferenceGrid(ctx, "id"); return err },
		func() error { return store.ExpireReference(ctx, "id", time.Minute) },
		func() error { return store.DeleteReference(ctx, "id") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// used are the commands that Redis has counted, those of scripts among them.
func used(t *testing.T, admin *redis.Client) map[string]bool {
	t.Helper()
	info, err := admin.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^cmdstat_([a-z|_-]+):calls=([0-9]+)`).FindAllStringSubmatch(info, -1) {
		if found[2] != "0" {
			commands[found[1]] = true
		}
	}
	return commands
}

// The documented rule is enough for everything that a store does, and no
// command of it is there in vain: the list is what Redis has counted.
func TestTheAccessRuleIsWhatAStoreUses(t *testing.T) {
	t.Parallel()
	client, admin := guarded(t, AccessRule("kolmo"), nil)
	if err := admin.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := everything(t.Context(), t, client, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	commands := used(t, admin)
	// Those of the test itself, and those that nobody can be denied.
	for _, other := range []string{"config|resetstat", "hello", "auth", "client|setinfo", "client|maint_notifications"} {
		delete(commands, other)
	}
	if got := slices.Sorted(maps.Keys(commands)); !slices.Equal(got, Commands()) {
		t.Errorf("Redis has counted\n%v\nand the rule has\n%v", got, Commands())
	}
	if log.Len() > 0 {
		t.Errorf("the store warns:\n%s", log.String())
	}
	if err := CheckAccess(t.Context(), client, "kolmo"); err != nil {
		t.Error(err)
	}
	if keys := admin.Keys(t.Context(), "*access*").Val(); len(keys) > 0 {
		t.Errorf("the check leaves %v", keys)
	}
	if denied := admin.Do(t.Context(), "acl", "log").Val(); len(denied.([]any)) > 0 {
		t.Errorf("Redis has denied %v", denied)
	}
}

// Without any one of the commands, the check says which; without INFO the store
// runs, and says what it cannot see.
func TestACommandThatIsDenied(t *testing.T) {
	t.Parallel()
	client, admin := guarded(t, AccessRule("kolmo"), nil)
	for _, command := range Commands() {
		if err := admin.Do(t.Context(), "acl", "setuser", "kolmo", "-"+command).Err(); err != nil {
			t.Fatal(err)
		}
		fresh := clientOf(t, client.Options())
		var log bytes.Buffer
		err := everything(t.Context(), t, fresh, slog.New(slog.NewTextHandler(&log, nil)))
		checked := CheckAccess(t.Context(), fresh, "kolmo")
		switch command {
		case "info":
			if err != nil || checked != nil || !strings.Contains(log.String(), "maxmemory-policy") {
				t.Errorf("without INFO: %v, %v, and the log says %q", err, checked, log.String())
			}
		case "ping":
			if err == nil || !IsDenied(err) || !strings.Contains(err.Error(), "'ping'") {
				t.Errorf("without PING: %v", err)
			}
		default:
			if checked == nil || !IsDenied(checked) || !names(checked, command) {
				t.Errorf("without %s the check says: %v", command, checked)
			}
			if err == nil {
				t.Errorf("without %s a store can do everything", command)
			}
		}
		if err := admin.Do(t.Context(), "acl", "setuser", "kolmo", "+"+command).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckAccess(t.Context(), client, "other"); err == nil || !IsDenied(err) {
		t.Errorf("under another prefix: %v", err)
	}
	for _, forbidden := range [][]any{{"config", "get", "*"}, {"keys", "*"}, {"flushall"}, {"get", "other:key"}, {"publish", "c", "m"}, {"acl", "list"}} {
		if err := client.Do(t.Context(), forbidden...).Err(); !IsDenied(err) {
			t.Errorf("%v is answered with %v", forbidden, err)
		}
	}
}

// names reports whether an error names the command.
func names(err error, command string) bool {
	return strings.Contains(err.Error(), strings.ToUpper(command)+",") || strings.Contains(err.Error(), "'"+command+"'")
}

// A Redis Cluster takes two commands more.
func TestTheAccessRuleOfACluster(t *testing.T) {
	t.Parallel()
	for extra, allowed := range map[string]bool{"": false, " +" + strings.Join(ClusterCommands(), " +"): true} {
		node, admin := guarded(t, AccessRule("kolmo")+extra, map[string]string{"cluster-enabled": "yes"})
		if err := admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
			t.Fatal(err)
		}
		awaitCluster(t, admin)
		o := node.Options()
		client := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{o.Addr}, Username: o.Username, Password: o.Password, ClientName: o.ClientName, DisableIdentity: true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		t.Cleanup(func() { _ = client.Close() })
		err := everything(t.Context(), t, client, slog.New(slog.DiscardHandler))
		if (err == nil) != allowed {
			t.Errorf("with %q: %v", extra, err)
		}
		if allowed {
			if err := CheckAccess(t.Context(), client, "kolmo"); err != nil {
				t.Error(err)
			}
			if denied := admin.Do(t.Context(), "acl", "log").Val(); len(denied.([]any)) > 0 {
				t.Errorf("Redis has denied %v", denied)
			}
		}
	}
}

// The scripts call what the check's script calls, and README.md has the rule.
func TestTheDocumentedRule(t *testing.T) {
	calls := func(source string) map[string]bool {
		found := map[string]bool{}
		for _, call := range regexp.MustCompile(`(?:redis\.call|failed)\('([A-Z]+)'`).FindAllStringSubmatch(source, -1) {
			found[strings.ToLower(call[1])] = true
		}
		return found
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".lua") && entry.Name() != "access.lua" {
			source, err := os.ReadFile(entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(all, calls(string(source)))
		}
	}
	if got := calls(accessSource); !maps.Equal(got, all) {
		t.Errorf("access.lua calls %v, and the others call %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(all)))
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ACL SETUSER kolmo on >PASSWORD " + AccessRule("kolmo") + "\n", "`+" + strings.Join(ClusterCommands(), " +") + "`"} {
		if !strings.Contains(string(readme), want) {
			t.Errorf("README.md lacks %s", want)
		}
	}
}
