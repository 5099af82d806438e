//go:build race

package simulation

// usualRuns are fewer under the race detector, which takes ten times as long each.
const usualRuns = 40
