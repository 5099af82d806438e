//go:build !crashpoints

package main

// crashPoint is for programs built with -tags crashpoints.
func crashPoint() (func(step string), error) { return nil, nil }
