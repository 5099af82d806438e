// Package simulation runs the whole service in virtual time and breaks what it
// runs on; all of it is tests.
//
// A run is one testing/synctest bubble: one to three instances of the service of
// `kolmo run`, kfake for Kafka, miniredis for Redis, and connections in memory. A
// seed makes up a story (models, windows, records; see tell) and a plan (instances
// that come, and up to four faults; see scheme):
//
//   - an instance crashes, at a moment or at a named step of a checkpoint or a
//     close; it stands still for longer than its session and goes on as a zombie; it
//     is stopped in good order and started again;
//   - connections to Kafka or Redis break, stay down, or lose a reply whose request
//     was executed;
//   - Redis is full, is loading, is emptied, or falls back to what it held before;
//   - Kafka answers produce, fetch, transaction and group requests with errors,
//     after doing what was asked or instead of it; leaders and coordinators move;
//   - partitions are added, and transactions of the input aborted.
//
// At the end the verdicts and the alerts, read committed along the way and once
// more afterwards, must be what windowstest.Program says of the records and of the
// idle advances that the shards decided: byte for byte, each once. No goroutine may
// be left. Every instance must come to its end, also one that was cut off.
//
// What the seed gives is the story and the plan; the order of goroutines within one
// moment is the scheduler's. What kfake and miniredis do is not what Kafka and Redis
// do: the proof is that of cmd/internal/faults, and this finds mistakes sooner.
package simulation
