package windows

import "sync/atomic"

// Limits are the caps on what names and times can make a partition keep. What
// comes beyond them is counted, never dropped silently: see Exceeded.
//
// Which of too many are kept depends on the order of arrival and on when earlier
// ones were let go, so beyond a cap a window is no longer a function of the log
// alone, and says so by its OverLimit.
type Limits struct {
	Models     int // models per partition, beside those that Rules.Named has
	Versions   int // versions of one model per partition; 0: any number
	Features   int // features per model version
	Categories int // categories per feature beyond the grid's
	// TextBytes is the length of a category that is counted under its own name;
	// longer ones are Other. 0: any length.
	TextBytes int
	// Panes is how many slices of one model version a partition holds; 0: any
	// number.
	Panes int
}

// A Limit is one that an event can exceed.
type Limit uint8

// The limits, in the order of Exceeded.
const (
	LimitModels     Limit = iota // counted under model Other
	LimitVersions                // counted under version Other of its model
	LimitFeatures                // a value not counted
	LimitCategories              // a value counted under category Other
	LimitStatuses                // a request counted under status Other
	LimitPanes                   // an event not counted
	LimitMemory                  // whatever the Room was too small for
	limitCount
)

// String returns the name of the limit's label in the metrics.
func (l Limit) String() string {
	return [...]string{"models", "versions", "features", "categories", "statuses", "open_windows", "memory", "unknown"}[min(l, limitCount)]
}

// Exceeded counts, by Limit, what a partition has counted elsewhere or not at all.
type Exceeded [limitCount]uint64

// Any reports whether there is anything to tell.
func (e *Exceeded) Any() bool { return *e != Exceeded{} }

// A Room bounds the bytes that the panes of all partitions of a process take
// together. It is safe for concurrent use; a nil Room bounds nothing.
//
// What is charged is an estimate of what Go allocates, made when something grows,
// so that nothing has to be measured.
type Room struct {
	most  int64
	taken atomic.Int64
}

// NewRoom returns a room of so many bytes.
func NewRoom(bytes int64) *Room { return &Room{most: bytes} }

// Taken is how much of the room is taken.
func (r *Room) Taken() int64 {
	if r == nil {
		return 0
	}
	return r.taken.Load()
}

// fits reports whether n bytes more may be taken. Models that nobody has named
// share half of the room, so that a flood of names leaves the others alone.
func (r *Room) fits(n int64, named bool) bool {
	if r == nil {
		return true
	}
	most := r.most
	if !named {
		most /= 2
	}
	return r.taken.Load()+n <= most
}

// What things cost, in bytes, maps and slices included.
const (
	paneCost    = 900
	featureCost = 500
	textCost    = 160 // of a name that is counted, beside twice its bytes
	valueCost   = 32  // of a sampled value: a heap that grows by a quarter, and what is fresh
	// leastSample is how many values of a feature always fit: they are charged with
	// the feature, and no sample is made smaller.
	leastSample = 64
)
