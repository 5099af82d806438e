// Package replay closes windows over a log that lies there already: the events of
// a file, or what Kafka kept. It has neither Kafka's groups nor Redis; what it
// counts and decides by is the service's own code, so that the same log gives the
// same verdicts, byte for byte. Several candidate settings can be tried on one
// reading.
package replay
