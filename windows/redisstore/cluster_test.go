//go:build unix

package redisstore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

// That the contract holds on a cluster means something because the cluster
// refuses a script whose keys are in different slots.
func TestAClusterIsCheckedAndChecks(t *testing.T) {
	t.Parallel()
	client := realCluster(t)
	if facts := mustCheck(t, client); facts.major < 7 {
		t.Errorf("the version was not found: %+v", facts)
	}
	store := openStore(t, client)
	keys := []string{store.manifestKey(windows.PartitionID{Partition: 1}), store.manifestKey(windows.PartitionID{Partition: 2})}
	if err := store.scripts.claim.Run(t.Context(), client, keys, "token").Err(); err == nil || !strings.Contains(err.Error(), "CROSSSLOT") {
		t.Errorf("two partitions in one script: got %v", err)
	}

	if err := client.ForEachMaster(t.Context(), func(ctx context.Context, master *redis.Client) error {
		return master.ConfigSet(ctx, "maxmemory-policy", "volatile-ttl").Err()
	}); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), client, "kolmo", nil)
	var policy *PolicyError
	if !errors.As(err, &policy) || policy.Policy != "volatile-ttl" {
		t.Errorf("got %v, want a PolicyError", err)
	}
}
