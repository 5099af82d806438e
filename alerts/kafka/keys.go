package kafka

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
)

// Keys of the output topics. Parts are separated by slashes, and escaped as a
// URL's path is, so that names with slashes cannot be mistaken for each other.
const (
	shardKey = "_shard" // the shard's own progress
	claimKey = "_claim" // written by each new owner, who then reads up to it
)

// Slots in the keys of the references topic.
const (
	slotReference = "reference"
	slotDraft     = "draft"
	slotWindow    = "window" // the summary of a window, by its start
	slotRequest   = "request"
)

func join(parts ...string) []byte {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(part)
	}
	return []byte(strings.Join(escaped, "/"))
}

func progressKey(v alerts.Version) []byte { return join(v.Model, v.Version, v.Segment) }

// VerdictKey is the key of a window's verdict.
func VerdictKey(v alerts.Version, start time.Time) []byte {
	return join("window", v.Model, v.Version, v.Segment, start.UTC().Format(time.RFC3339Nano))
}

// referenceKey names one record of a reference. The head has no feature; parts
// are numbered, because a feature's sample can take several records.
func referenceKey(v alerts.Version, slot string, from windows.Timestamp, part int) []byte {
	effective := "always"
	if from != windows.Unset {
		effective = strconv.FormatInt(int64(from), 10)
	}
	feature := "_head"
	if part >= 0 {
		feature = "_part-" + strconv.Itoa(part)
	}
	return join(v.Model, v.Version, v.Segment, feature, slot, effective)
}

// RequestKey names the request to put a loaded reference in force for a
// version: the newest stands.
func RequestKey(v alerts.Version) []byte {
	return join(v.Model, v.Version, v.Segment, "_head", slotRequest, "next")
}
