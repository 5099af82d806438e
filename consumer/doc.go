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
// Nobody waits for anybody while there is something to do: the poll loop never
// blocks on an owner (a partition whose owner is behind is paused), and an owner
// blocks only on its own checkpoint.
package consumer
