package alerts

import (
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// An Input is an input partition, with the name of its topic.
type Input struct {
	Topic string
	ID    windows.PartitionID
}

// sampleSize is how many events a verdict names: enough to see what a request
// looks like, few enough to cost a record nothing.
const sampleSize = 5

// sample are a few events of the window, as places in the log; nil where the step
// does not say what the partitions are.
func (step *Step) sample() []drift.Place {
	ids := make([]windows.PartitionID, len(step.Inputs))
	for i, in := range step.Inputs {
		ids[i] = in.ID
	}
	var places []drift.Place
	for _, row := range windows.SampledRows(step.Parts, ids, sampleSize) {
		in := step.Inputs[row.Partition]
		places = append(places, drift.Place{Topic: in.Topic, Partition: in.ID.Partition, Offset: row.Offset})
	}
	return places
}
