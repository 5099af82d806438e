package simulation

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

const (
	sessionTimeout = 3 * time.Second
	idleAfter      = 500 * time.Millisecond
)

// outputs are the topics that kolmo writes to.
var outputs = service.Outputs{
	Verdicts: "kolmo.verdicts", Progress: "kolmo.progress", References: "kolmo.references", Alerts: "alerts",
	DeadLetters: "kolmo.dead-letters", Create: true, Replication: 1,
}

// A world is one run: a Kafka, a Redis and instances of kolmo, all of them in
// one bubble.
type world struct {
	story   *story
	log     *chronicle
	brokers *brokers
	kafka   *kfake.Cluster
	redis   *miniredis.Miniredis
	own     *link // of the simulation itself: nothing befalls it
	rdb     *redis.Client
	feed    map[bool]*kgo.Client
	logs    []windowstest.Log
	decoder *event.Decoder
}

func newWorld(s *story, brokerCount int, log *chronicle) (*world, error) {
	w := &world{
		story: s, log: log, brokers: &brokers{listeners: make(map[string]*listener)},
		own: newLink(), feed: make(map[bool]*kgo.Client), decoder: event.NewDecoder(event.Limits{}),
	}
	var err error
	w.kafka, err = kfake.NewCluster(kfake.Ports([]int{9092, 9093}[:brokerCount]...), kfake.ListenFn(w.brokers.listen),
		kfake.GroupMinSessionTimeout(time.Second), kfake.SeedTopics(int32(s.partitions), inputTopic))
	if err != nil {
		return nil, err
	}
	w.redis = miniredis.NewMiniRedis()
	w.redis.ClockTTL(true)
	first, err := w.redis.Dial() // which starts it without a socket
	if err != nil {
		return nil, err
	}
	_ = first.Close()
	w.rdb = redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: w.own.dialer(redisPeer, w.dialRedis), PoolSize: 10})
	id := windows.TopicID(w.kafka.TopicInfo(inputTopic).TopicID)
	for partition := range s.partitions {
		w.logs = append(w.logs, windowstest.Log{Topic: inputTopic, ID: windows.PartitionID{Topic: id, Partition: int32(partition)}})
	}
	return w, w.openFeed()
}

// openFeed makes the clients that write the input, with and without transactions.
func (w *world) openFeed() error {
	for _, transactional := range []bool{false, true} {
		opts := append(w.client(w.own), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if transactional {
			opts = append(opts, kgo.TransactionalID("feed"))
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			return fmt.Errorf("making the feed: %w", err)
		}
		w.feed[transactional] = client
	}
	return nil
}

// close ends what is not an instance.
func (w *world) close() {
	for _, client := range w.feed {
		client.Close()
	}
	_ = w.rdb.Close()
	w.redis.Close()
	w.kafka.Close()
}

// client are the options of a client of Kafka on a link. Compression would be
// most of what a run costs under the race detector.
func (w *world) client(l *link) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(l.dialer(kafkaPeer, w.brokers.dial)),
		kgo.WithCompressor(uncompressed{}), kgo.DisableClientMetrics(),
	}
}

// uncompressed is the compressor that does nothing.
type uncompressed struct{}

// Compress implements kgo.Compressor.
func (uncompressed) Compress(_ *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	return src, kgo.CodecNone
}

// dialRedis opens a connection to Redis.
func (w *world) dialRedis(context.Context, string, string) (*conn, error) {
	server := w.redis.Server()
	if server == nil {
		return nil, errRefused
	}
	mine, theirs := connect()
	server.ServeConn(theirs)
	return mine, nil
}

// What Redis holds, and how it is put back. A script runs as a whole, so that
// nobody comes in between.
const (
	snapshotScript = `
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key)['ok']
  local value = kind == 'hash' and redis.call('HGETALL', key) or {redis.call('GET', key)}
  all[#all + 1] = {key, kind, redis.call('PTTL', key), value}
end
return all`
	restoreScript = `
redis.call('FLUSHALL')
local i = 1
while i <= #ARGV do
  local key, kind, ttl, n = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  i = i + 4
  if kind == 'hash' then
    for field = i, i + n - 1, 2 do redis.call('HSET', key, ARGV[field], ARGV[field + 1]) end
  else
    redis.call('SET', key, ARGV[i])
  end
  if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
  i = i + n
end
return 0`
)

// snapshot is all that Redis holds, as restore takes it.
func (w *world) snapshot() ([]any, error) {
	keys, err := w.rdb.Eval(context.Background(), snapshotScript, nil).Slice()
	if err != nil {
		return nil, fmt.Errorf("reading what Redis holds: %w", err)
	}
	var all []any
	for _, one := range keys {
		fields := one.([]any)
		values := fields[3].([]any)
		all = append(append(all, fields[:3]...), len(values))
		all = append(all, values...)
	}
	return all, nil
}

// restore puts a snapshot in the place of what Redis holds.
func (w *world) restore(snapshot []any) error {
	if err := w.rdb.Eval(context.Background(), restoreScript, nil, snapshot...).Err(); err != nil {
		return fmt.Errorf("putting back what Redis held: %w", err)
	}
	return nil
}

// grow adds a partition to the input.
func (w *world) grow(ctx context.Context) error {
	admin := kadm.NewClient(w.feed[false])
	if _, err := admin.UpdatePartitions(ctx, len(w.logs)+1, inputTopic); err != nil {
		return fmt.Errorf("adding a partition: %w", err)
	}
	w.logs = append(w.logs, windowstest.Log{Topic: inputTopic, ID: windows.PartitionID{Topic: w.logs[0].ID.Topic, Partition: int32(len(w.logs))}})
	w.log.add("partition %d is added", len(w.logs)-1)
	for _, client := range w.feed { // they do not know of it
		client.Close()
	}
	return w.openFeed()
}

// produce writes a batch, and adds it to the logs of the reference program.
func (w *world) produce(ctx context.Context, b batch) error {
	client := w.feed[b.outcome != plain]
	records := make([]*kgo.Record, len(b.records))
	for i, r := range b.records {
		records[i] = &kgo.Record{Topic: inputTopic, Partition: int32(b.partition), Timestamp: r.time, Value: r.value}
	}
	if b.outcome != plain {
		if err := client.BeginTransaction(); err != nil {
			return fmt.Errorf("feeding: %w", err)
		}
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("feeding: %w", err)
	}
	if b.outcome != plain {
		if err := client.EndTransaction(ctx, kgo.TransactionEndTry(b.outcome == committed)); err != nil {
			return fmt.Errorf("feeding: %w", err)
		}
	}
	w.log.add("produced %d records to partition %d from offset %d", len(records), b.partition, records[0].Offset)
	if b.outcome == aborted {
		return nil
	}
	log := &w.logs[b.partition]
	for i, r := range b.records {
		if o, ok := observe(w.decoder, records[i].Offset, r); ok {
			log.Records = append(log.Records, o)
		}
	}
	return nil
}

// An instance is one process of kolmo, as far as anybody else can tell.
type instance struct {
	world *world
	slot  int
	name  string
	link  *link
	stop  context.CancelFunc
	dead  atomic.Bool   // it crashed: nothing of it may be seen any more
	done  chan struct{} // closed when nothing of it is left
}

// start runs an instance. at is called at every step.
func (w *world) start(slot int, name string, at func(i *instance, step string)) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{world: w, slot: slot, name: name, link: newLink(), stop: cancel, done: make(chan struct{})}
	w.log.add("%s starts", name)
	go func() {
		defer close(i.done)
		rdb := redis.NewClient(&redis.Options{
			Addr: "127.0.0.1:6379", Dialer: i.link.dialer(redisPeer, w.dialRedis), PoolSize: 100,
			ContextTimeoutEnabled: true, DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second,
		})
		defer rdb.Close()
		for ctx.Err() == nil {
			s, err := service.Start(ctx, i.options(rdb, at))
			if err == nil {
				s.Run(ctx)
				break
			}
			w.log.add("%s did not start: %v", name, err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
		w.log.add("%s has ended", name)
	}()
	return i
}

// options are the service's.
func (i *instance) options(rdb redis.UniversalClient, at func(*instance, string)) service.Options {
	w := i.world
	o := service.Options{
		Brokers: []string{"kafka"}, Client: w.client(i.link), Redis: rdb, Prefix: "kolmo", Group: "kolmo",
		Inputs:  []consumer.Topic{{Name: inputTopic, Role: event.Predictions}},
		Outputs: outputs, SessionTimeout: sessionTimeout, FetchMaxBytes: 1 << 20,
		Limits: limits, MaxAhead: maxAhead, IdleAfter: idleAfter, CheckpointEvery: 300 * time.Millisecond,
		// The Kafka client waits for a lock there while it joins its group, and no
		// clock of a bubble goes on meanwhile.
		CommitEvery:   -1,
		FeatureSeries: 100, Log: slog.New(&chronicler{log: w.log, who: i.name}),
		At: func(step string) { at(i, step) },
		Models: func(name string) service.Model {
			m := w.story.models[name]
			if m == nil {
				return service.Model{} // never asked for
			}
			if len(m.rows) > 0 {
				return service.Model{Settings: m.Settings, Pattern: name}
			}
			return service.Model{Settings: m.Settings}
		},
	}
	o.Outputs.Partitions = int32(w.story.shards)
	o.Rewind.MaxAhead = maxAhead
	for name, m := range w.story.models {
		o.Rewind.Definitions = append(o.Rewind.Definitions, m.Definition)
		if len(m.rows) > 0 {
			o.Configured = append(o.Configured, kafka.Configured{
				Pattern: name, Source: func() (string, error) { return name, nil },
				Load: func(context.Context) (*reference.Reference, error) { return m.configured() },
			})
		}
	}
	return o
}

// A chronicle is what happened in a run, and when by the run's own clock.
type chronicle struct {
	began time.Time

	mu    sync.Mutex
	lines []string // guarded by mu
}

func (c *chronicle) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("%9.3f  ", time.Since(c.began).Seconds())+fmt.Sprintf(format, args...))
}

func (c *chronicle) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "\n")
}

// A chronicler adds an instance's log to the chronicle.
type chronicler struct {
	log   *chronicle
	who   string
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (c *chronicler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle implements slog.Handler.
func (c *chronicler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	for _, a := range c.attrs {
		fmt.Fprintf(&b, " %s", a)
	}
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&b, " %s", a); return true })
	c.log.add("%s: %s %s%s", c.who, r.Level, r.Message, b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (c *chronicler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &chronicler{log: c.log, who: c.who, attrs: append(append([]slog.Attr{}, c.attrs...), attrs...)}
}

// WithGroup implements slog.Handler.
func (c *chronicler) WithGroup(string) slog.Handler { return c }
