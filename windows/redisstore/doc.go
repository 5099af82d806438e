// Package redisstore keeps the state of partitions in Redis: the panes of
// every input partition together with the offset and the watermark that they
// stand for, what the shards have closed through, and the serving copies of
// references.
//
// A checkpoint is one atomic step. Its blobs are written first, with a time
// limit; then a script compares the claim's token and sequence, checks that all
// blobs exist, and flips the manifest. Redis losing its last second therefore
// rolls offset and panes back together, and the records are read again.
//
// README.md in this folder documents the keys, the bytes and the scripts.
package redisstore
