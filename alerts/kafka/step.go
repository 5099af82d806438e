package kafka

// A Step is a moment of a close between two things that a crash can separate.
// Tests stop a program there; nothing else looks at them.
type Step string

// The steps of a close, in their order.
const (
	StepBeforeMerge   Step = "before merge"
	StepAfterMerge    Step = "after merge"
	StepBeforeProduce Step = "before produce" // the transaction has begun
	StepAfterProduce  Step = "after produce"  // every record is acknowledged
	StepBeforeEnd     Step = "before end"     // of the transaction
	StepAfterEnd      Step = "after end"      // committed; nobody else knows yet
	StepBeforeHint    Step = "before hint"    // Redis is about to be told what is closed
	StepAfterHint     Step = "after hint"
)

// Steps are those of a close, in their order.
func Steps() []Step {
	return []Step{StepBeforeMerge, StepAfterMerge, StepBeforeProduce, StepAfterProduce, StepBeforeEnd, StepAfterEnd, StepBeforeHint, StepAfterHint}
}

func (o *Options) step(step Step) {
	if o.At != nil {
		o.At(step)
	}
}
