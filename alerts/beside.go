package alerts

import (
	"fmt"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// beside is the reference that another version's window of the same time makes,
// or why there is none.
func (s *Settings) beside(step Step) (made *reference.Reference, without string) {
	v := step.Progress.Version
	if v.Version == s.Against {
		return nil, "it is the version that others are compared with"
	}
	w := step.Due.Interval
	other := windows.Merge(w, step.Against)
	if other.Events == 0 {
		return nil, fmt.Sprintf("version %q, which it is compared with, has no events in this window", s.Against)
	}
	size := max(s.ReferenceSize, s.SampleSize, 1)
	summary := reference.Summarise(other, reference.Origin{
		Model: v.Model, Version: s.Against, Segment: v.Segment, Start: w.Start, End: w.End,
	}, size)
	return reference.Merge(reference.Version, []*reference.Reference{summary}, size), ""
}
