//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// mostDetails is how many differences a row tells.
const mostDetails = 12

// differences are between what a reader has and the answer.
type differences struct {
	lost, duplicated, wrong int
	details                 []string
}

// compare holds what a reader has against the answer. The row counts what the worse
// of its readers has.
func (r *row) compare(reader string, want *answer, got *published) {
	var d differences
	d.compare(reader, want, got)
	r.lost, r.duplicated, r.wrong = max(r.lost, d.lost), max(r.duplicated, d.duplicated), max(r.wrong, d.wrong)
	r.details = append(r.details, d.details...)
}

func (d *differences) compare(reader string, want *answer, got *published) {
	d.compareOnce(reader, "verdict", want.verdicts, got.verdicts, func(record *kgo.Record) (string, error) { return string(record.Key), nil })
	d.compareOnce(reader, "alert", want.alerts, got.alerts, func(record *kgo.Record) (string, error) { return transitionOf(record.Value) })
	d.compareOrder(reader, got.verdicts)
	// Dead letters come at least once: a checkpoint never passes a record whose
	// letter is not acknowledged, and one that is lost has them sent again.
	letters := make(map[string]bool)
	for _, letter := range got.letters {
		identity := letterOf(string(letter.Key), letter.Value)
		letters[identity] = true
		if _, known := want.letters[identity]; !known {
			d.differs(&d.wrong, "%s: dead letter %s is of no rejected record", reader, identity)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want.letters)) {
		if !letters[key] {
			d.differs(&d.lost, "%s: dead letter %s is missing", reader, key)
		}
	}
}

// compareOnce wants every record of the answer exactly once, byte for byte.
func (d *differences) compareOnce(reader, what string, want map[string][]byte, got []*kgo.Record, identity func(*kgo.Record) (string, error)) {
	seen := make(map[string]*kgo.Record)
	for _, record := range got {
		key, err := identity(record)
		switch {
		case err != nil:
			d.differs(&d.wrong, "%s: %s at offset %d of partition %d: %v", reader, what, record.Offset, record.Partition, err)
			continue
		case seen[key] != nil:
			d.differs(&d.duplicated, "%s: %s %s stands twice, at offsets %d and %d of partition %d", reader, what, key, seen[key].Offset, record.Offset, record.Partition)
			continue
		}
		seen[key] = record
		switch value, known := want[key]; {
		case !known:
			d.differs(&d.wrong, "%s: %s %s at offset %d should not be there: %s", reader, what, key, record.Offset, excerptAround(record.Value, nil))
		case !bytes.Equal(value, record.Value):
			d.differs(&d.wrong, "%s: %s %s at offset %d is %s, want %s", reader, what, key, record.Offset, excerptAround(record.Value, value), excerptAround(value, record.Value))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if seen[key] == nil {
			d.differs(&d.lost, "%s: %s %s is missing", reader, what, key)
		}
	}
}

// compareOrder wants the windows of every version in order.
func (d *differences) compareOrder(reader string, got []*kgo.Record) {
	type stand struct {
		start     time.Time
		partition int32
	}
	last := make(map[[2]string]stand)
	for _, record := range got {
		var h head
		if err := json.Unmarshal(record.Value, &h); err != nil {
			d.differs(&d.wrong, "%s: a verdict at offset %d cannot be read: %v", reader, record.Offset, err)
			continue
		}
		key := [2]string{h.Model, h.Version}
		if before, known := last[key]; known && (!h.Window.Start.After(before.start) || before.partition != record.Partition) {
			d.differs(&d.wrong, "%s: verdict %s comes after that of %s", reader, record.Key, before.start.Format(time.RFC3339))
		}
		last[key] = stand{h.Window.Start, record.Partition}
	}
}

func (d *differences) differs(count *int, format string, args ...any) {
	*count++
	switch len(d.details) {
	case mostDetails:
		d.details = append(d.details, "…")
	case mostDetails + 1:
	default:
		d.details = append(d.details, fmt.Sprintf(format, args...))
	}
}

// excerptAround shows where a differs from b.
func excerptAround(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return "…" + string(a[max(0, i-100):min(len(a), i+100)]) + "…"
}
