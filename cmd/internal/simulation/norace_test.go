//go:build !race

package simulation

// usualRuns take about a tenth of a second of one core each.
const usualRuns = 2000
