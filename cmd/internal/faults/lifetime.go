//go:build linux

package main

import "syscall"

// processAttributes has an instance die with the harness, and keeps an interrupt
// typed at the terminal from it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
