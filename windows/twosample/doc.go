// Package twosample compares two samples: statistics, p-values and effect
// sizes of a reference against a current sample, from sorted values or from
// counts.
//
// It is pure arithmetic. It reads no clock, does no I/O, knows no thresholds
// and keeps no state; every function may be called from many goroutines, and
// none keeps or changes a slice it is given. Equal input gives equal output,
// permutation p-values included.
package twosample
