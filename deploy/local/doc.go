//go:build unix

// Package local runs a real Apache Kafka, redis-server and Alertmanager on this machine, without containers.
//
// kolmo's promises (exactly-once publication, fenced checkpoints) rest on what the real servers do, so its
// tests talk to the real servers. [StartKafka], [StartRedis] and [StartAlertmanager] start one each, in a folder and on
// a loopback port of its own, return when it answers requests, and stop it by its process id. [InstallKafka],
// [InstallRedis] and [InstallAlertmanager] fetch what is missing; the Start functions call them.
//
// A server started by a program dies with that program, however the program ends (on Linux; elsewhere a
// program that is killed leaves its servers behind). With Detached set it lives on, and [FindKafka] and
// [FindRedis] find it again by its folder. That is what `go run ./deploy/local/stack up` does.
//
// None of this is meant for production: one node, no replication, no authentication unless asked for.
package local
