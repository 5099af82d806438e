//go:build unix && !linux

package local

import "syscall"

// processAttributes puts a server into a process group of its own, so that an interrupt typed at the terminal
// reaches only the program that started it. Only Linux can tie a server's life to its parent's: elsewhere a
// program that is killed leaves its servers behind.
func processAttributes(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}
