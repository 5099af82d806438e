//go:build race

package simulation

// usualRuns are fewer under the race detector, which takes ten times as long.
const usualRuns = 40
