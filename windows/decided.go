package windows

// Decided is what the shards have made durable of the input partitions.
type Decided struct {
	Shards int
	// Through is the lowest moment that a shard has closed through, Furthest the
	// highest; Unset where one of them, or none, has closed anything.
	Through, Furthest Timestamp
	// Numbering is what the shards number windows by; empty where they do not
	// agree.
	Numbering  string
	Partitions map[PartitionID]Membership
}

// A Membership is a partition as the shards know it.
type Membership struct {
	// Waiting is how many shards wait for the partition before they close
	// anything.
	Waiting int
	// Begun: a shard may have closed something by what the partition held. It
	// began at Decisions.Start.
	Begun bool
	// Decisions that a shard may have relied on.
	Decisions Decisions
}

// Joins tells where a partition begins that has never been read: every shard
// waits for it, and none will close anything until it has a watermark, which it
// takes from the furthest of them. So no window lacks what it brings. ok is false
// while a shard does not know of it.
func (d *Decided) Joins(id PartitionID) (watermark Timestamp, ok bool) {
	return d.Furthest, d.Shards > 0 && d.Partitions[id].Waiting == d.Shards
}

// KnowsTopic reports whether a partition of the topic has begun.
func (d *Decided) KnowsTopic(topic TopicID) bool {
	for id, m := range d.Partitions {
		if id.Topic == topic && m.Begun {
			return true
		}
	}
	return false
}
