//go:build unix

package redisstore

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

// However often an instance checkpoints, and however often another one takes
// over from what Redis holds, the panes are those of an instance that never
// stopped.
func checkpointsAndClaimsLeaveNoTrace(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	for seed := range uint64(3) {
		if err := client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		log := someLog(seed, 2500)
		random := rand.New(rand.NewPCG(seed, 2))
		i := take(t, store)
		for at := 0; at < len(log); {
			at = min(len(log), at+1+random.IntN(200))
			i.read(log, log[at-1].Offset)
			switch random.IntN(6) {
			case 0: // dies with what it has read since its last checkpoint
				before := i
				i = take(t, store)
				if i.epoch != before.epoch+1 {
					t.Fatalf("epoch %d followed %d", i.epoch, before.epoch)
				}
				at = 0
				for at < len(log) && log[at].Offset < i.state.NextOffset() {
					at++
				}
			case 1: // gives up in good order
				i.mustCommit(t)
				if err := i.claim.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				i = take(t, store)
			default:
				i.mustCommit(t)
			}
		}
		i.mustCommit(t)
		mustHold(t, store, log, lastOffset(log))
	}
}

func aPartitionThatWasNeverRead(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	claim, state, err := store.Claim(t.Context(), testPartition)
	if err != nil {
		t.Fatal(err)
	}
	if want := (&State{Epoch: 1, Watermark: windows.Unset, LastEnd: windows.Unset, Panes: []*windows.Pane{}}); !reflect.DeepEqual(state, want) {
		t.Errorf("got %+v, want %+v", state, want)
	}
	// Where it begins is kept, although nothing was read.
	snapshot := windows.Snapshot{NextOffset: 77, Watermark: windows.Unset, LastEnd: windows.Unset}
	if _, err := claim.Commit(t.Context(), snapshot, MarkFields{}); err != nil {
		t.Fatal(err)
	}
	if _, state, err = store.Claim(t.Context(), testPartition); err != nil || !state.Found || state.NextOffset != 77 || state.Epoch != 2 {
		t.Errorf("got %+v, %v", state, err)
	}
}

func TestAClaimNeedsTheNumberOfShards(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil), WithShards(0))
	if _, _, err := store.Claim(t.Context(), testPartition); err == nil {
		t.Error("claimed without a number of shards")
	}
}

func marksAreWhatTheLastCheckpointSaid(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(1, 100)
	i := take(t, store)
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	advance := windows.Advance{Offset: i.state.NextOffset(), From: i.state.Watermark(), To: i.state.Watermark() + 5}
	i.state.AdvanceIdle(advance.To)
	mark := MarkFields{Idle: true, Held: true, HeldShard: 2, HeldThrough: 99}
	if _, err := i.commit(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	// More partitions than one pipeline takes; all but one have no mark.
	ids := make([]windows.PartitionID, 2*pipelineCommands+1)
	for n := range ids {
		ids[n] = windows.PartitionID{Partition: int32(n)}
	}
	ids[1500] = testPartition
	marks, err := store.Marks(t.Context(), ids)
	if err != nil || len(marks) != len(ids) {
		t.Fatal(len(marks), err)
	}
	for n, got := range marks {
		want := Mark{Watermark: windows.Unset, LastEnd: windows.Unset}
		if n == 1500 {
			want = Mark{
				Found: true, Watermark: i.state.Watermark(), LastEnd: i.state.LastEnd(), NextOffset: i.state.NextOffset(),
				Idle: true, Held: true, HeldShard: 2, HeldThrough: 99, Epoch: 1, Sequence: 2,
			}
		}
		if got != want {
			t.Errorf("mark %d: got %+v, want %+v", n, got, want)
		}
	}
	shares, err := store.Shares(t.Context(), ids, 0)
	if err != nil || len(shares) != len(ids) {
		t.Fatal(len(shares), err)
	}
	share, decided := shares[1500], windows.Decisions{Advances: []windows.Advance{advance}}
	if !share.Found || share.NextOffset != i.state.NextOffset() || share.Watermark != advance.To || !share.Decisions.Equal(decided) {
		t.Errorf("a shard is told %+v", share)
	}
	if _, state, err := store.Claim(t.Context(), testPartition); err != nil || !state.Decisions.Equal(decided) {
		t.Errorf("the claim's decisions are %v, %v", state, err)
	}
	if none := shares[0]; none.Found || none.Panes != nil {
		t.Errorf("of a partition without a checkpoint a shard is told %v", none)
	}
}

// panesOf lists the panes that a partition holds of a shard.
func panesOf(t *testing.T, store *Store, id windows.PartitionID, shard int) ([]Entry, error) {
	t.Helper()
	shares, err := store.Shares(t.Context(), []windows.PartitionID{id}, shard)
	if err != nil {
		return nil, err
	}
	return shares[0].Panes, nil
}

func aDirectoryLeadsToThePanesOfItsShard(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(5, 3000)
	i := take(t, store)
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	var all []*windows.Pane
	for shard := range testShards {
		entries, err := panesOf(t, store, testPartition, shard)
		if err != nil {
			t.Fatal(err)
		}
		panes, err := store.Panes(t.Context(), testPartition, entries)
		if err != nil {
			t.Fatal(err)
		}
		for n, p := range panes {
			e := entries[n]
			if windows.Shard(p.Key.Model, p.Key.Version, testShards) != shard {
				t.Errorf("pane %+v is in the directory of shard %d", p.Key, shard)
			}
			gridID := ""
			if p.Grid != nil {
				gridID = p.Grid.ID
			}
			if e.Key != p.Key || e.Interval != p.Interval || e.Events != p.Events || e.Late != p.Late || e.GridID != gridID {
				t.Errorf("entry %+v leads to pane %+v", e, p)
			}
		}
		all = append(all, panes...)
	}
	mustEqual(t, all, truth(log, lastOffset(log)))
	if none, err := panesOf(t, store, windows.PartitionID{}, 0); err != nil || none != nil {
		t.Errorf("a partition without a checkpoint has the panes %v, %v", none, err)
	}
}

// Each shard drops its share of a partition that has ended; with the last of them
// nothing of it is left.
func aPartitionThatHasEndedLeavesRedis(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(5, 3000)
	i := take(t, store)
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	shares := make([][]Entry, testShards)
	left := 0 // shards that hold something
	for shard := range shares {
		var err error
		if shares[shard], err = panesOf(t, store, testPartition, shard); err != nil {
			t.Fatal(err)
		}
		if len(shares[shard]) > 0 {
			left++
		}
	}
	if left < 2 {
		t.Fatalf("%d shards have panes: there is nothing to see", left)
	}
	for shard, panes := range shares {
		if len(panes) > 0 {
			left--
		}
		for range 2 { // run again, it finds nothing more to drop
			if err := store.DropShare(t.Context(), testPartition, shard, panes); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := panesOf(t, store, testPartition, shard); err != nil || len(kept) > 0 {
			t.Errorf("shard %d still has %d panes, %v", shard, len(kept), err)
		}
		if marks, err := store.Marks(t.Context(), []windows.PartitionID{testPartition}); err != nil || marks[0].Found != (left > 0) {
			t.Errorf("with %d shares left the mark is found: %v, %v", left, marks[0].Found, err)
		}
	}
	if keys, err := client.Keys(t.Context(), store.partitionKey(testPartition)+"*").Result(); err != nil || len(keys) > 0 {
		t.Errorf("these keys are left: %v, %v", keys, err)
	}
}

func aReaderThatComesTooLateIsToldToLookAgain(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(5, 400)
	i := take(t, store)
	i.read(log, log[200].Offset)
	i.mustCommit(t)
	shard := windows.Shard("model-0", "1", testShards)
	entries, err := panesOf(t, store, testPartition, shard)
	if err != nil {
		t.Fatal(err)
	}
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	if _, err := store.Panes(t.Context(), testPartition, entries); !errors.Is(err, ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
}

// A checkpoint rewrites what changed: the directories of other shards, and the
// blobs of other panes, stay the very same.
func TestACommitCostsWhatChanged(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil))
	log := someLog(5, 3000)
	i := take(t, store)
	i.read(log, lastOffset(log))
	first := i.mustCommit(t)
	before := manifest(t, store)

	last := *log[len(log)-1]
	last.Offset++
	i.state.Offer(&last)
	second := i.mustCommit(t)
	if second.Blobs > 2 || second.Bytes > first.Bytes/4 {
		t.Errorf("one event after %+v wrote %+v", first, second)
	}
	own := directoryField(windows.Shard(string(last.Model), "1", testShards))
	for field, value := range manifest(t, store) {
		if field[0] == 's' && field != "s" && field != own && value != before[field] {
			t.Errorf("directory %s was rewritten", field)
		}
	}
	if w := i.mustCommit(t); w.Blobs != 0 {
		t.Errorf("a checkpoint of nothing new wrote %+v", w)
	}
	mustBeTidy(t, store)
}

func manifest(t *testing.T, store *Store) map[string]string {
	t.Helper()
	fields, err := store.client.HGetAll(t.Context(), store.manifestKey(testPartition)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func droppedPanesLeaveRedis(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(5, 2000)
	i := take(t, store)
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	held := i.state.Panes()
	closeAll(i.state, testShards, i.state.Watermark()-20_000)
	if i.state.Panes() == held || i.state.Panes() == 0 {
		t.Fatalf("%d of %d panes are left", i.state.Panes(), held)
	}
	i.mustCommit(t)
	mustBeTidy(t, store)
	if next := take(t, store); next.state.Panes() != i.state.Panes() {
		t.Errorf("%d panes came back, want %d", next.state.Panes(), i.state.Panes())
	}
	i = take(t, store)
	closeAll(i.state, testShards, windows.Forever)
	i.mustCommit(t)
	for field := range manifest(t, store) {
		if len(field) > 1 {
			t.Errorf("directory %s is left without panes", field)
		}
	}
	keys, err := client.Keys(t.Context(), "kolmo:*:b:*").Result()
	if err != nil || len(keys) != 0 {
		t.Errorf("%d blobs are left: %v", len(keys), err)
	}
}

func TestAPaneDroppedAndOpenedAgainBetweenCheckpoints(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil))
	i := take(t, store)
	panes := somePanes(t, 3, 500)
	old, again := panes[0], somePanes(t, 4, 500)[0]
	again.Key = old.Key
	commit := func(s windows.Snapshot) {
		t.Helper()
		if _, err := i.claim.Commit(t.Context(), s, MarkFields{}); err != nil {
			t.Fatal(err)
		}
	}
	commit(windows.Snapshot{NextOffset: 1, Changed: []*windows.Pane{old}})
	commit(windows.Snapshot{NextOffset: 2, Changed: []*windows.Pane{again}, Dropped: []windows.PaneKey{old.Key, old.Key}})
	_, state, err := store.Claim(t.Context(), testPartition)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, state.Panes, []*windows.Pane{again})
	mustBeTidy(t, store)
}

func TestAnotherNumberOfShardsMovesThePanes(t *testing.T) {
	t.Parallel()
	client := realRedis(t, nil)
	log := someLog(5, 1000)
	i := take(t, openStore(t, client))
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	for _, shards := range []int{7, 1, 2} {
		store := openStore(t, client, WithShards(shards))
		claim, state, err := store.Claim(t.Context(), testPartition)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, state.Panes, truth(log, lastOffset(log)))
		if _, err := claim.Commit(t.Context(), windows.Snapshot{NextOffset: state.NextOffset, Watermark: state.Watermark, LastEnd: state.LastEnd}, MarkFields{}); err != nil {
			t.Fatal(err)
		}
		n := 0
		for shard := range 10 {
			entries, err := panesOf(t, store, testPartition, shard)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if windows.Shard(e.Key.Model, e.Key.Version, shards) != shard {
					t.Errorf("of %d shards, pane %+v is in number %d", shards, e.Key, shard)
				}
			}
			n += len(entries)
		}
		if n != len(state.Panes) {
			t.Errorf("%d of %d panes are in a directory", n, len(state.Panes))
		}
		mustBeTidy(t, store)
	}
}

func aBlobLargerThanAPieceIsSplit(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	i := take(t, store)
	p := windows.NewPane(windows.PaneKey{Model: "m"}, windows.Interval{End: 9}, nil, 4, windows.Limits{})
	p.Events = 1
	name := bytes.Repeat([]byte("long name "), 2000)
	for n := range 100 {
		p.Features = append(p.Features, &windows.Feature{Name: string(name) + string(rune('A'+n)), Nulls: uint64(n), Sample: windows.NewSample(4)})
	}
	w, err := i.claim.Commit(t.Context(), windows.Snapshot{Changed: []*windows.Pane{p}}, MarkFields{})
	if err != nil || w.Blobs != 1 {
		t.Fatal(w, err)
	}
	keys, err := client.Keys(t.Context(), "kolmo:*:b:*").Result()
	if err != nil || len(keys) != 8 {
		t.Errorf("%d keys for 2 MB: %v", len(keys), err)
	}
	for _, key := range keys {
		if n := client.StrLen(t.Context(), key).Val(); n > pieceSize {
			t.Errorf("key %s holds %d bytes", key, n)
		}
	}
	_, state, err := store.Claim(t.Context(), testPartition)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, state.Panes, []*windows.Pane{p})
}

// Thousands of panes change at once: more keys than Lua can unpack.
func TestACommitOfThousandsOfBlobs(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil))
	i := take(t, store)
	var panes []*windows.Pane
	for n := range 3000 {
		p := windows.NewPane(windows.PaneKey{Model: "m", Index: int64(n)}, windows.Interval{Start: windows.Timestamp(n), End: windows.Timestamp(n + 1)}, nil, 4, windows.Limits{Features: 2})
		p.CountPartition(&windows.Observation{Offset: int64(n), HasFeatures: true, Features: []windows.Field{{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: 1}}}}, testPartition)
		panes = append(panes, p)
	}
	for range 3 { // the second and third replace thousands, too
		if w, err := i.claim.Commit(t.Context(), windows.Snapshot{Changed: panes}, MarkFields{}); err != nil || w.Blobs != 6000 {
			t.Fatal(w, err)
		}
	}
	_, state, err := store.Claim(t.Context(), testPartition)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, state.Panes, panes)
	mustBeTidy(t, store)
}
