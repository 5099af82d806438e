package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kolmo-ml/kolmo/cmd/internal/service"
)

// A fault is one thing that goes wrong, at a moment or at a step.
type fault struct {
	kind string
	slot int           // whose instance; not of those that befall Kafka or Redis themselves
	at   time.Duration // after the start of the run; not with a step
	step string        // empty: at a moment
	pass int           // of the step by the slot's instances, from 1
	span time.Duration // how long it lasts, or until another instance takes the place
	// kafka is what the brokers answer instead; of kind faulty alone.
	kafka *kfake.Fault
}

// The kinds of faults.
const (
	crash       = "crash"               // nothing of the instance is ever seen again
	freeze      = "freeze"              // it stands still and goes on later, as a zombie if the group has given it up
	stop        = "stop"                // in good order
	cutKafka    = "cut Kafka"           // every connection breaks
	cutRedis    = "cut Redis"           //
	loseKafka   = "lose Kafka's reply"  // the next one: the request has been executed
	loseRedis   = "lose Redis's reply"  //
	partedKafka = "part from Kafka"     // for a while
	partedRedis = "part from Redis"     //
	fullRedis   = "Redis is full"       // writes are refused for a while
	loading     = "Redis is loading"    // everything is refused for a while
	faulty      = "Kafka answers"       // an error, some times
	leaders     = "Kafka moves leaders" //
	coordinates = "Kafka moves coordinators"
	emptyRedis  = "Redis is emptied"
	rollBack    = "Redis falls back" // to what it held a while before, and its connections break
)

// kinds are all of them.
var kinds = []string{
	crash, freeze, stop, cutKafka, cutRedis, loseKafka, loseRedis, partedKafka, partedRedis, fullRedis, loading, faulty,
	leaders, coordinates, emptyRedis, rollBack,
}

// A plan is what happens to the instances of a run.
type plan struct {
	brokers int
	starts  []time.Duration // of the first instance of each slot
	faults  []fault
}

// String tells the plan to people.
func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d brokers; instances start after %v\n", p.brokers, p.starts)
	for i := range p.faults {
		fmt.Fprintf(&b, "fault: %s\n", &p.faults[i])
	}
	return b.String()
}

// ofServers tells a fault of Kafka or Redis from one of an instance.
func (f *fault) ofServers() bool {
	return slices.Contains([]string{fullRedis, loading, faulty, leaders, coordinates, emptyRedis, rollBack}, f.kind)
}

// String tells the fault to people.
func (f *fault) String() string {
	text := f.kind
	switch f.kind {
	case faulty:
		text += fmt.Sprintf(" %v %s%s%s with %v, %d times", f.kafka.Keys, f.kafka.Topic, f.kafka.Group, f.kafka.TxnID, f.kafka.Err.Message, f.kafka.Count)
	case fullRedis, loading, leaders, coordinates, emptyRedis, rollBack:
	default:
		text += fmt.Sprintf(" of %d", f.slot)
	}
	if f.step != "" {
		text += fmt.Sprintf(" at %q, pass %d", f.step, f.pass)
	} else {
		text += fmt.Sprintf(" after %v", f.at)
	}
	return text + fmt.Sprintf(", for %v", f.span)
}

// scheme makes up a plan.
func scheme(r *rand.Rand, s *story) *plan {
	// With several brokers the Kafka client can wait for a lock that it holds itself
	// while it waits for the network, and a bubble's clock does not go on by then: so
	// nothing may keep the network waiting there.
	p := &plan{brokers: 1 + r.IntN(5)/4}
	for range 1 + r.IntN(3) {
		p.starts = append(p.starts, time.Duration(r.IntN(2)*r.IntN(3000))*time.Millisecond)
	}
	steps := service.Steps()
	for range r.IntN(5) {
		f := fault{slot: r.IntN(len(p.starts)), at: time.Duration(r.IntN(5000)) * time.Millisecond, span: time.Duration(r.IntN(3000)) * time.Millisecond}
		atStep := false
		n := r.IntN(16)
		if p.brokers > 1 {
			n = 7 + r.IntN(9)
		}
		switch n {
		case 0, 1, 2:
			f.kind, atStep = crash, r.IntN(3) > 0
		case 3, 4:
			f.kind, atStep = freeze, r.IntN(3) > 0
			f.span = sessionTimeout + time.Duration(r.IntN(4000)-1000)*time.Millisecond
		case 5, 6:
			f.kind = [...]string{partedKafka, partedRedis}[r.IntN(2)]
			f.span *= 2
			if f.kind == partedKafka {
				// A member that kfake has expired and that comes back can make it wait for one
				// more than there are, for good. Standing still and crashing take longer.
				f.span = min(f.span, sessionTimeout/2)
			}
		case 7:
			f.kind = stop
		case 8:
			f.kind, atStep = [...]string{cutKafka, cutRedis}[r.IntN(2)], r.IntN(2) == 0
		case 9, 10:
			f.kind, atStep = [...]string{loseKafka, loseRedis}[r.IntN(2)], r.IntN(3) > 0
		case 11:
			f.kind = [...]string{fullRedis, loading}[r.IntN(2)]
		case 12:
			f.kind, f.kafka = faulty, answers(r, s)
		case 13:
			f.kind, atStep = emptyRedis, r.IntN(2) == 0
		case 14:
			f.kind, atStep = rollBack, r.IntN(2) == 0
		case 15:
			f.kind, f.kafka = faulty, answers(r, s)
			if p.brokers > 1 {
				f.kind, f.kafka = [...]string{leaders, coordinates}[r.IntN(2)], nil
			}
		}
		if atStep {
			f.at, f.step, f.pass = 0, steps[r.IntN(len(steps))], 1+r.IntN(5)
		}
		p.faults = append(p.faults, f)
	}
	return p
}

// answers makes up a wrong answer of the brokers.
func answers(r *rand.Rand, s *story) *kfake.Fault {
	one := func(errors ...*kerr.Error) *kerr.Error { return errors[r.IntN(len(errors))] }
	f := &kfake.Fault{Count: 1 + r.IntN(4)}
	switch r.IntN(7) {
	case 0:
		f.Keys, f.Topic = []kmsg.Key{kmsg.Produce}, []string{outputs.Verdicts, outputs.Progress, outputs.References, outputs.Alerts, outputs.DeadLetters}[r.IntN(5)]
		f.Err = one(kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotLeaderForPartition, kerr.NotEnoughReplicas)
	case 1, 2:
		f.Keys, f.TxnID = []kmsg.Key{kmsg.EndTxn}, fmt.Sprintf("kolmo-shard-%d", r.IntN(s.shards))
		f.Err = one(kerr.RequestTimedOut, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.UnknownServerError)
	case 3:
		f.Keys, f.TxnID = []kmsg.Key{kmsg.InitProducerID}, fmt.Sprintf("kolmo-shard-%d", r.IntN(s.shards))
		f.Err = one(kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress)
	case 4:
		f.Keys, f.Group = []kmsg.Key{kmsg.Heartbeat}, []string{"kolmo", "kolmo-closers"}[r.IntN(2)]
		f.Err = one(kerr.RebalanceInProgress, kerr.UnknownMemberID, kerr.NotCoordinator, kerr.IllegalGeneration, kerr.CoordinatorNotAvailable)
	case 5:
		f.Keys, f.Group = []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup}, []string{"kolmo", "kolmo-closers"}[r.IntN(2)]
		f.Err = one(kerr.RebalanceInProgress, kerr.UnknownMemberID, kerr.NotCoordinator, kerr.CoordinatorNotAvailable)
	case 6:
		f.Keys, f.Topic = []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets}, inputTopic
		f.Err = one(kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.LeaderNotAvailable)
	}
	return f
}

// A conductor makes a plan happen.
type conductor struct {
	world *world
	plan  *plan
	over  chan struct{} // closed when the run ends: whoever was held goes on

	mu     sync.Mutex
	slots  []*instance      // nil: nobody; guarded by mu
	all    []*instance      // that ever were; guarded by mu
	ended  bool             // nobody starts any more; guarded by mu
	passed []map[string]int // by slot and step; guarded by mu
	// struck counts the faults by kind, and the crashes by step. Guarded by mu until
	// the run has ended.
	struck map[string]int
	tasks  sync.WaitGroup
}

func newConductor(w *world, p *plan) *conductor {
	c := &conductor{world: w, plan: p, over: make(chan struct{}), slots: make([]*instance, len(p.starts)), struck: make(map[string]int)}
	for range p.starts {
		c.passed = append(c.passed, make(map[string]int))
	}
	return c
}

// begin starts the instances, and has the faults happen.
func (c *conductor) begin() {
	for slot, after := range c.plan.starts {
		c.later(after, func() { c.start(slot) })
	}
	for i := range c.plan.faults {
		if f := &c.plan.faults[i]; f.step == "" {
			c.later(f.at, func() { c.strike(f, c.instance(f.slot)) })
		}
	}
}

// finish ends the run, and returns when nothing of any instance is left.
func (c *conductor) finish() {
	c.mu.Lock()
	c.ended = true
	all := c.all
	c.mu.Unlock()
	close(c.over)
	c.tasks.Wait()
	for _, i := range all {
		i.link.freeze(false)
		i.stop()
	}
	for _, i := range all {
		<-i.done
	}
}

// later does something after a while, unless the run has ended by then.
func (c *conductor) later(after time.Duration, do func()) {
	c.tasks.Go(func() {
		if c.wait(after) {
			do()
		}
	})
}

// wait is false when the run ended meanwhile.
func (c *conductor) wait(span time.Duration) bool {
	select {
	case <-time.After(span):
		return true
	case <-c.over:
		return false
	}
}

// start puts an instance into an empty slot.
func (c *conductor) start(slot int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.slots[slot] != nil {
		return
	}
	name := fmt.Sprintf("%d%c", slot, 'a'+len(c.all))
	i := c.world.start(slot, name, c.step)
	c.slots[slot] = i
	c.all = append(c.all, i)
}

func (c *conductor) instance(slot int) *instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots[slot]
}

// leave empties a slot, if the instance is the one that is in it, and fills it
// again later.
func (c *conductor) leave(i *instance, again time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots[i.slot] != i {
		return false
	}
	c.slots[i.slot] = nil
	if !c.ended {
		c.later(again, func() { c.start(i.slot) })
	}
	return true
}

// step is what an instance calls at every step.
func (c *conductor) step(i *instance, step string) {
	c.mu.Lock()
	if c.slots[i.slot] != i {
		c.mu.Unlock()
		if i.dead.Load() { // nothing more happens in this goroutine
			<-c.over
		}
		return
	}
	c.passed[i.slot][step]++
	pass := c.passed[i.slot][step]
	var struck []*fault
	for n := range c.plan.faults {
		if f := &c.plan.faults[n]; f.slot == i.slot && f.step == step && f.pass == pass {
			struck = append(struck, f)
		}
	}
	c.mu.Unlock()
	for _, f := range struck {
		c.strike(f, i)
	}
}

// strike makes a fault happen. At a step it is called in the goroutine that
// takes the step; i is nil when the slot is empty.
func (c *conductor) strike(f *fault, i *instance) {
	w := c.world
	w.log.add("fault: %s", f)
	c.mu.Lock()
	if i != nil || f.ofServers() {
		c.struck[f.kind]++
	}
	if f.kind == crash && f.step != "" {
		c.struck[f.step]++
	}
	c.mu.Unlock()
	switch f.kind {
	case fullRedis:
		c.refuse("OOM command not allowed when used memory > 'maxmemory'.", f.span, "SET", "EVAL", "EVALSHA")
	case loading:
		c.refuse("LOADING Redis is loading the dataset in memory", f.span)
	case faulty:
		w.kafka.Fault(*f.kafka)
	case leaders:
		w.kafka.ShufflePartitionLeaders()
	case coordinates:
		w.kafka.RehashCoordinators()
	case emptyRedis:
		w.redis.FlushAll()
	case rollBack:
		held, err := w.snapshot()
		if err != nil {
			w.log.add("Redis cannot be asked: %v", err)
			return
		}
		c.later(f.span, func() {
			if err := w.restore(held); err != nil {
				w.log.add("Redis cannot be set back: %v", err)
				return
			}
			w.log.add("Redis has fallen back to what it held %v ago", f.span)
			c.cutAll(redisPeer)
		})
	}
	if i == nil {
		return
	}
	switch f.kind {
	case crash:
		if c.leave(i, f.span) {
			i.dead.Store(true)
			i.link.kill()
			i.stop()
		}
		if f.step != "" {
			<-c.over
		}
	case stop:
		if c.leave(i, f.span) {
			i.stop()
		}
	case freeze:
		i.link.freeze(true)
		c.wait(f.span)
		i.link.freeze(false)
		w.log.add("%s goes on", i.name)
	case cutKafka:
		i.link.cut(kafkaPeer, false)
	case cutRedis:
		i.link.cut(redisPeer, false)
	case loseKafka:
		i.link.loseReply(kafkaPeer)
	case loseRedis:
		i.link.loseReply(redisPeer)
	case partedKafka, partedRedis:
		to := kafkaPeer
		if f.kind == partedRedis {
			to = redisPeer
		}
		i.link.cut(to, true)
		c.later(f.span, func() {
			if !i.dead.Load() {
				i.link.restore(to)
			}
		})
	}
}

// cutAll breaks everybody's connections to a peer.
func (c *conductor) cutAll(to peer) {
	c.mu.Lock()
	all := slices.Clone(c.slots)
	c.mu.Unlock()
	for _, i := range all {
		if i != nil {
			i.link.cut(to, false)
		}
	}
}

// refuse has Redis answer commands, or all of them, with an error for a while.
func (c *conductor) refuse(message string, span time.Duration, commands ...string) {
	c.world.redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		for _, refused := range commands {
			if command == refused {
				p.WriteError(message)
				return true
			}
		}
		if len(commands) == 0 {
			p.WriteError(message)
		}
		return len(commands) == 0
	})
	c.later(span, func() { c.world.redis.Server().SetPreHook(nil) })
}
