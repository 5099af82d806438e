//go:build unix

package redisstore

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	"github.com/kolmo-ml/kolmo/windows"
)

// A flakyLink stands between a client and Redis, and breaks when told to: it
// closes the connection in place of passing on a request, or its reply.
type flakyLink struct {
	listener net.Listener
	target   string
	watched  atomic.Pointer[[]byte] // the requests that are counted contain this
	requests atomic.Int64           // how many of the next watched requests are lost
	replies  atomic.Int64           // how many of the next watched replies are lost
	seen     atomic.Int64           // watched requests that reached Redis
	running  sync.WaitGroup
}

func newFlakyLink(t *testing.T, target string) *flakyLink {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &flakyLink{listener: listener, target: target}
	l.running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.running.Go(func() { l.serve(client) })
		}
	})
	return l
}

// close ends the link; its clients must be closed by then.
func (l *flakyLink) close() {
	_ = l.listener.Close()
	l.running.Wait()
}

func (l *flakyLink) watch(what string) {
	b := []byte(what)
	l.watched.Store(&b)
	l.seen.Store(0)
}

func (l *flakyLink) serve(client net.Conn) {
	server, err := net.Dial("tcp4", l.target)
	if err != nil {
		_ = client.Close()
		return
	}
	var loseReply atomic.Bool
	hangUp := sync.OnceFunc(func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer hangUp()
	l.running.Go(func() {
		defer hangUp()
		l.pass(server, client, func([]byte) bool { return !loseReply.Load() })
	})
	l.pass(client, server, func(request []byte) bool {
		watched := l.watched.Load()
		if watched == nil || !bytes.Contains(request, *watched) {
			return true
		}
		if takeOne(&l.requests) {
			return false
		}
		l.seen.Add(1)
		loseReply.Store(takeOne(&l.replies))
		return true
	})
}

func (l *flakyLink) pass(from io.Reader, to io.Writer, check func([]byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !check(buffer[:n]) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func takeOne(left *atomic.Int64) bool {
	for {
		n := left.Load()
		if n == 0 {
			return false
		}
		if left.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// flaky is a store whose link breaks, and one beside it whose link does not.
func flaky(t *testing.T, retries int) (*flakyLink, *Store, *Store) {
	t.Helper()
	server := servers.Redis(t)
	link := newFlakyLink(t, server.Addr())
	t.Cleanup(link.close)
	client := clientOf(t, &redis.Options{Addr: link.listener.Addr().String(), MaxRetries: retries})
	return link, openStore(t, client), openStore(t, clientOf(t, &redis.Options{Addr: server.Addr()}))
}

func TestALostReplyIsNoConflict(t *testing.T) {
	t.Parallel()
	link, store, direct := flaky(t, 3)
	log := someLog(1, 500)
	i := take(t, store)
	i.read(log, log[100].Offset)
	i.mustCommit(t)

	link.watch(store.scripts.commit.Hash())
	link.replies.Store(2)
	i.read(log, log[200].Offset)
	if w := i.mustCommit(t); !w.Duplicate {
		t.Errorf("the client ran the script again, and the answer was %+v", w)
	}
	if n := link.seen.Load(); n != 3 {
		t.Errorf("the script reached Redis %d times, want 3", n)
	}
	i.read(log, log[300].Offset)
	if w := i.mustCommit(t); w.Duplicate {
		t.Error("the next checkpoint was taken for the last one")
	}
	mustHold(t, direct, log, log[300].Offset)
}

func TestALostReplyOfAClaimCountsOnce(t *testing.T) {
	t.Parallel()
	link, store, _ := flaky(t, 3)
	take(t, store)
	link.watch(store.scripts.claim.Hash())
	link.replies.Store(2)
	if i := take(t, store); i.epoch != 2 {
		t.Errorf("a claim whose reply was lost twice made epoch %d, want 2", i.epoch)
	}
	if n := link.seen.Load(); n != 3 {
		t.Errorf("the script reached Redis %d times, want 3", n)
	}
}

// The client gives up, and nobody knows whether the checkpoint was taken. What
// is committed next may be the same snapshot, or one that has grown.
func TestACheckpointInDoubt(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*flakyLink){
		"the reply is lost":   func(l *flakyLink) { l.replies.Store(1) },
		"the request is lost": func(l *flakyLink) { l.requests.Store(1) },
	} {
		for _, grown := range []bool{false, true} {
			t.Run(map[bool]string{false: name + ", same again", true: name + ", grown"}[grown], func(t *testing.T) {
				t.Parallel()
				link, store, direct := flaky(t, -1)
				log := someLog(1, 800)
				i := take(t, store)
				i.read(log, log[100].Offset)
				i.mustCommit(t)

				link.watch(store.scripts.commit.Hash())
				lose(link)
				i.read(log, log[200].Offset)
				i.state.AdvanceIdle(i.state.Watermark() + 1)
				if _, err := i.commit(t.Context(), MarkFields{}); err == nil || errors.Is(err, ErrFenced) {
					t.Fatalf("got %v, want an error of the connection", err)
				}
				through := log[200].Offset
				if grown {
					through = log[400].Offset
					i.read(log, through)
					closeAll(i.state, testShards, i.state.Watermark()-windows.Timestamp(60_000))
				}
				w, err := i.commit(t.Context(), MarkFields{})
				if err != nil {
					t.Fatal(err)
				}
				if lost := name == "the reply is lost"; w.Duplicate != lost {
					t.Errorf("the answer was %+v", w)
				}
				mustHold(t, direct, log, through)
				shares, err := direct.Shares(t.Context(), []windows.PartitionID{testPartition}, 0)
				if err != nil || len(shares[0].Decisions.Advances) != 1 {
					t.Errorf("a shard is told %v, %v, want one advance", shares, err)
				}
				i = take(t, store)
				i.read(log, lastOffset(log))
				i.mustCommit(t)
				mustHold(t, direct, log, lastOffset(log))
			})
		}
	}
}

// While a checkpoint is in doubt somebody else claims the partition.
func TestACheckpointInDoubtAndAClaim(t *testing.T) {
	t.Parallel()
	link, store, direct := flaky(t, -1)
	log := someLog(1, 500)
	i := take(t, store)
	i.mustCommit(t) // Redis has the script from now on
	link.watch(store.scripts.commit.Hash())
	link.replies.Store(1)
	i.read(log, log[200].Offset)
	if _, err := i.commit(t.Context(), MarkFields{}); err == nil {
		t.Fatal("the reply was not lost")
	}
	owner := take(t, direct)
	if owner.state.NextOffset() != log[200].Offset+1 {
		t.Fatal("the checkpoint was not taken")
	}
	_, err := i.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "somebody else has claimed it")
	owner.read(log, lastOffset(log))
	owner.mustCommit(t)
	mustHold(t, direct, log, lastOffset(log))
}

// Blobs get lost on the way, all or some.
func TestABlobThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	link, store, direct := flaky(t, -1)
	log := someLog(1, 500)
	i := take(t, store)
	link.watch(":b:")
	for n := range 5 {
		i.read(log, log[100*n+50].Offset)
		link.requests.Store(1)
		if _, err := i.commit(t.Context(), MarkFields{}); err == nil {
			t.Fatal("the request was not lost")
		}
		i.read(log, log[100*n+60].Offset)
	}
	i.mustCommit(t)
	mustHold(t, direct, log, log[460].Offset)
}
