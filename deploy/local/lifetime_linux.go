package local

import "syscall"

// processAttributes puts a server into a process group of its own, so that an interrupt typed at the terminal
// reaches only the program that started it. A detached server gets a session of its own as well; any other is
// killed by the kernel when the thread that started it ends, which [process] keeps until the server has ended.
func processAttributes(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
