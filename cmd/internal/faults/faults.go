//go:build unix

package main

// faults are all of them, in the order of the table.
func faults() []fault {
	var all []fault
	for _, family := range [][]fault{
		crashFaults(), pauseFaults(), membershipFaults(), brokerFaults(), redisFaults(), proxyFaults(),
		diskFaults(), logFaults(), idleFaults(), {alertmanagerFault()},
	} {
		all = append(all, family...)
	}
	return all
}
