// Package drift turns many comparisons into one verdict: every feature of a
// window against its reference, corrected for how many there are, with a floor
// under the size of what counts.
//
// It is pure: a verdict follows from the window, the reference and the
// settings, byte for byte.
package drift
