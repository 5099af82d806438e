//go:build !race

package simulation

const usualRuns = 400
