//go:build unix && !linux

package main

import "syscall"

// processAttributes keeps an interrupt typed at the terminal from an instance. A
// harness that is killed leaves it behind.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
