// Package consumer reads the input topics: it polls, gives every assigned
// partition a goroutine that owns its state, and checkpoints that state.
//
//	Kafka ──▶ poll ──▶ owner (one goroutine per partition) ──▶ checkpoint in Redis
//	                     │ event.Decoder, windows.Partition
//	                     └─▶ dead letters
//
// An owner's state and the offset it stands at are made safe in one atomic
// step, so a crash loses nothing and counts nothing twice: the next owner reads
// on from the offset that belongs to the state it finds. What an owner may do
// is told by the epoch and token of its claim; a checkpoint with an old token is
// refused, and the instance then drops the state and claims again.
//
// # What an instance takes
//
// However much is waiting, and whatever is in it, memory follows from the
// configuration:
//
//   - fetching: kafka.fetch_max_bytes for each of two fetches, of which no partition
//     has more than a megabyte or one batch; what the batches of a fetch unpack to is
//     bounded by 64 MiB and a batch (see unpacker);
//   - on the way to an owner: four batches of a partition, each of at most 10,000
//     records, since a partition with two that wait is paused, and no partition runs
//     further ahead of what has been closed than the horizon;
//   - what owners keep: half of memory_limit, over all partitions (see
//     windows.Room). The same is in Redis, in up to three copies: a sample is written
//     anew when its pieces hold more than twice what is left of it;
//   - the metrics page: limits.metrics_bytes.
//
// Nobody waits for anybody while there is something to do: the poll loop never
// blocks on an owner (a partition whose owner is behind is paused), and an owner
// blocks only on its own checkpoint.
package consumer
