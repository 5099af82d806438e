package windows

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A TopicID is Kafka's identity of a topic: a topic that was deleted and
// created again has another one.
type TopicID [16]byte

func (id TopicID) String() string { return hex.EncodeToString(id[:]) }

// ParseTopicID reads what String wrote.
func ParseTopicID(text string) (TopicID, error) {
	var id TopicID
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(id) {
		return id, fmt.Errorf("%q is not a topic id: want %d hexadecimal digits", text, 2*len(id))
	}
	copy(id[:], raw)
	return id, nil
}

// A PartitionID names a partition of an input topic for as long as that topic
// exists.
type PartitionID struct {
	Topic     TopicID
	Partition int32
}

func (p PartitionID) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }

// seed is what the partition contributes to the hashes of its events.
func (p PartitionID) seed() uint64 {
	high := binary.BigEndian.Uint64(p.Topic[:8])
	low := binary.BigEndian.Uint64(p.Topic[8:])
	return mix(mix(mix(high)^low) + uint64(uint32(p.Partition)))
}

// EventHash is the hash of the event at an offset, which decides whether it is
// sampled. Within a partition no two offsets share a hash, and EventOffset
// gives the offset back, so that a checkpoint can keep short offsets in place
// of hashes.
func (p PartitionID) EventHash(offset int64) uint64 { return mix(uint64(offset) ^ p.seed()) }

// EventOffset is the offset whose EventHash is hash.
func (p PartitionID) EventOffset(hash uint64) int64 { return int64(unmix(hash) ^ p.seed()) }

// mix is the finaliser of splitmix64 (Steele, Lea and Flood 2014, "Fast
// splittable pseudorandom number generators"), a bijection whose every output
// bit depends on every input bit.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unmix undoes mix: each xor-shift is undone by repeating it at multiples of
// its distance, each multiplication by the multiplier's inverse modulo 2^64.
func unmix(z uint64) uint64 {
	z = z ^ z>>31 ^ z>>62
	z *= 0x319642B2D24D8EC3
	z = z ^ z>>27 ^ z>>54
	z *= 0x96DE1B173F119089
	z = z ^ z>>30 ^ z>>60
	return z - 0x9E3779B97F4A7C15
}

// Shard is the number, in [0, shards), of the shard that a model version
// belongs to. It depends on the names alone.
func Shard(model, version string, shards int) int {
	// FNV-1a over both names with a separator that neither can forge, since the
	// length of the model's name goes first; then mixed, because FNV's low bits
	// are weak.
	const offset, prime = 0xcbf29ce484222325, 0x100000001b3
	h := uint64(offset)
	add := func(b byte) { h = (h ^ uint64(b)) * prime }
	for n := len(model); n > 0; n >>= 8 {
		add(byte(n))
	}
	add(0)
	for i := range len(model) {
		add(model[i])
	}
	for i := range len(version) {
		add(version[i])
	}
	return int(mix(h) % uint64(shards))
}
