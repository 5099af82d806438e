//go:build unix

package redisstore

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// TestContract tells every story that a store must live through on a double, on
// a real server and on a real cluster, each of them empty.
func TestContract(t *testing.T) {
	stories := []struct {
		name string
		tell func(t *testing.T, client redis.UniversalClient)
	}{
		{"checkpoints and claims leave no trace", checkpointsAndClaimsLeaveNoTrace},
		{"a partition that was never read", aPartitionThatWasNeverRead},
		{"marks are what the last checkpoint said", marksAreWhatTheLastCheckpointSaid},
		{"a directory leads to the panes of its shard", aDirectoryLeadsToThePanesOfItsShard},
		{"a reader that comes too late is told to look again", aReaderThatComesTooLateIsToldToLookAgain},
		{"dropped panes leave Redis", droppedPanesLeaveRedis},
		{"a partition that has ended leaves Redis", aPartitionThatHasEndedLeavesRedis},
		{"a blob larger than a piece is split", aBlobLargerThanAPieceIsSplit},
		{"a zombie's checkpoint is refused", aZombiesCheckpointIsRefused},
		{"nothing is committed after a release", nothingIsCommittedAfterARelease},
		{"nothing is committed after Redis was emptied", nothingIsCommittedAfterRedisWasEmptied},
		{"every script can run twice", everyScriptCanRunTwice},
		{"a checkpoint with a lost blob is refused", aCheckpointWithALostBlobIsRefused},
		{"a reference is kept once it is wanted", aReferenceIsKeptOnceItIsWanted},
		{"what shards have closed only grows", whatShardsHaveClosedOnlyGrows},
		{"an owner is told that Redis has lost what it said", anOwnerIsToldThatRedisHasLostWhatItSaid},
	}
	servers := []struct {
		name  string
		start func(t *testing.T) redis.UniversalClient
	}{
		{"double", func(t *testing.T) redis.UniversalClient {
			return clientOf(t, &redis.Options{Addr: miniredis.RunT(t).Addr()})
		}},
		{"server", func(t *testing.T) redis.UniversalClient { return realRedis(t, nil) }},
		{"cluster", func(t *testing.T) redis.UniversalClient { return realCluster(t) }},
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			client := server.start(t)
			for _, story := range stories {
				t.Run(story.name, func(t *testing.T) {
					if err := client.FlushAll(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
					story.tell(t, client)
				})
			}
		})
	}
}
