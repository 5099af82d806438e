// Package kafka closes windows: it owns shards, and publishes what closing
// gives in one Kafka transaction a moment.
//
// The progress topic has a fixed number of partitions, the shards; a consumer
// group assigns them, so Kafka elects who closes what. A shard's owner has a
// transactional producer with an id of the shard's own. Initialising it fences
// whoever owned the shard before, wherever that one may be, and ends its open
// transaction; then the shard's progress is read to its end, and only then is
// anything closed. What has been emitted is therefore known from Kafka and from
// nowhere else.
package kafka
