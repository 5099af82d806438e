// Package windows is the pure core of kolmo: event time, watermarks, lateness,
// panes, samples, and the order in which windows close.
//
// Nothing here reads a clock, a network or a configuration file. A Partition
// is fed observations in offset order and answers what became of each; a
// Schedule is told how far every partition has come and answers which windows
// are due. Both are functions of what they were given, which is what makes a
// verdict a pure function of the log.
//
// The flow through the package:
//
//	Observation ──▶ Partition ──▶ Pane (one partition's share of a slice of time)
//	                                │ merged over partitions and slices
//	                                ▼
//	             Schedule ──▶ Window (what is compared with the reference)
package windows
