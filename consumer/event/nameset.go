package event

import (
	"bytes"
	"hash/maphash"
)

// nameOrigin tells apart where a name in a nameSet comes from, because not
// every pair of equal names is a duplicate key.
type nameOrigin uint8

const (
	// originMember is a key whose value is what it names.
	originMember nameOrigin = iota
	// originGroup is a key whose value is an object that is flattened: the key
	// itself names nothing.
	originGroup
	// originNested is a flattened name, "group.key".
	originNested
)

// nameSet finds names that stand twice, in time linear in their length
// whatever they are: the hash is seeded at random, so that no sender can choose
// names that collide. It is emptied by starting a new generation, and allocates
// only when it grows.
type nameSet struct {
	seed maphash.Seed
	// names are the members in the order of their arrival. They are not copied.
	names []setName
	// slots is a hash table with linear probing; its length is a power of two
	// and at least twice that of names. A slot of another generation is free.
	slots      []setSlot
	generation uint32
}

type setName struct {
	name   []byte
	origin nameOrigin
}

type setSlot struct {
	generation uint32
	hash       uint32
	index      uint32
}

func newNameSet() nameSet {
	return nameSet{seed: maphash.MakeSeed(), slots: make([]setSlot, 128), generation: 1}
}

// reset empties the set. What a very large record made it grow to is given back.
func (s *nameSet) reset() {
	const keep = 1 << 14
	if len(s.slots) > keep {
		s.slots, s.names = make([]setSlot, 128), nil
		s.generation = 0
	}
	s.names = s.names[:0]
	s.generation++
	if s.generation == 0 { // wrapped: old slots could pass for new ones
		clear(s.slots)
		s.generation = 1
	}
}

// add returns false when the name cannot stand beside one that is in the set.
// The name must not change until the next reset.
func (s *nameSet) add(name []byte, origin nameOrigin) bool {
	if 2*(len(s.names)+1) > len(s.slots) {
		s.grow()
	}
	hash := uint32(maphash.Bytes(s.seed, name))
	mask := uint32(len(s.slots) - 1)
	i := hash & mask
	for ; s.slots[i].generation == s.generation; i = (i + 1) & mask {
		if s.slots[i].hash != hash {
			continue
		}
		known := s.names[s.slots[i].index]
		if bytes.Equal(known.name, name) && !apart(known.origin, origin) {
			return false
		}
	}
	s.slots[i] = setSlot{generation: s.generation, hash: hash, index: uint32(len(s.names))}
	s.names = append(s.names, setName{name: name, origin: origin})
	return true
}

// apart says whether equal names of these origins are different keys with
// different meanings: {"a": {"b": 1}, "a.b": {"c": 1}} has the feature a.b and
// the group a.b, and names no feature twice.
func apart(a, b nameOrigin) bool {
	return a != b && a != originMember && b != originMember
}

func (s *nameSet) grow() {
	s.slots = make([]setSlot, 2*len(s.slots))
	s.generation = 1
	mask := uint32(len(s.slots) - 1)
	for index, n := range s.names {
		hash := uint32(maphash.Bytes(s.seed, n.name))
		i := hash & mask
		for s.slots[i].generation == s.generation {
			i = (i + 1) & mask
		}
		s.slots[i] = setSlot{generation: s.generation, hash: hash, index: uint32(index)}
	}
}
