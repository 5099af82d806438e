// Package service puts the parts together: the consumer, the closers, the page
// and the listener, on one Kafka and one Redis. `kolmo run` and `kolmo demo` run
// the very same service; only what they connect it to differs.
package service
