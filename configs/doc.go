// Package configs reads kolmo's configuration: one YAML file, decoded strictly,
// with every problem of the file reported at once and each by its line and
// column.
//
// The keys, what they accept and what they mean are declared in one table (the
// fields methods of keys.go and modelkeys.go), bound to the variables they
// fill. Decoding, the JSON Schema and the reference in README.md all follow
// from that table, and the defaults are what the bound variables hold in
// Default.
//
// A Config does not change once it has been read, and may be used by several
// goroutines.
package configs
