//go:build unix

package local

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are drawn from below the range that operating systems take the ports of outgoing connections from
// (32768 and up on Linux, 49152 and up elsewhere): a server that is restarted must find its port free again,
// and a client's connection could otherwise have taken it meanwhile.
const (
	lowestFreePort  = 20000
	highestFreePort = 32000
)

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on at the moment. Nothing reserves it: another
// process may take it before the caller does, so a caller that fails to listen should ask for another.
func FreePort() (int, error) {
	var last error
	for range 200 {
		port := lowestFreePort + rand.IntN(highestFreePort-lowestFreePort)
		if last = portIsFree(port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("finding a free port of 127.0.0.1 between %d and %d: 200 tries failed, the last one with: %w",
		lowestFreePort, highestFreePort, last)
}

// portIsFree returns nil when the port could be listened on.
func portIsFree(port int) error {
	listener, err := net.Listen("tcp4", loopback(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// loopback returns "127.0.0.1:port".
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
