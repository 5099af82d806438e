package redisstore

// A Step is a moment of a checkpoint between two things that a crash can
// separate. Tests stop a program there; nothing else looks at them.
type Step string

// The steps of a commit, in their order.
const (
	StepBeforeBlobs    Step = "before blobs"
	StepAfterBlobs     Step = "after blobs"
	StepBeforeManifest Step = "before manifest"
	StepAfterManifest  Step = "after manifest" // Redis has it; the claim does not know yet
)

// Steps are those of a commit, in their order.
func Steps() []Step {
	return []Step{StepBeforeBlobs, StepAfterBlobs, StepBeforeManifest, StepAfterManifest}
}

// WithStepper has a function called at every step, in the goroutine that takes
// it.
func WithStepper(at func(Step)) Option { return func(s *Store) { s.at = at } }

func (s *Store) step(step Step) {
	if s.at != nil {
		s.at(step)
	}
}
