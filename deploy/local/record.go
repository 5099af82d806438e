//go:build unix

package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record is what a detached server leaves in its folder, so that another program can find and stop it.
type record struct {
	PID    int    `json:"pid"`
	Port   int    `json:"port"`
	Config string `json:"config"` // the mark by which the process is recognised; see process.mark
}

func recordFile(dir, name string) string { return filepath.Join(dir, name+".pid.json") }

// writeRecord leaves the record of a detached server; other servers end with their parent and leave none.
func (s *server) writeRecord() error {
	if !s.detached {
		return nil
	}
	raw, err := json.Marshal(record{PID: s.process.pid, Port: s.port, Config: s.config})
	if err == nil {
		err = os.WriteFile(recordFile(s.dir, s.name), raw, 0o644)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("recording the process id of %s: %w", s.name, err), s.kill())
	}
	return nil
}

func (s *server) removeRecord() error {
	if !s.detached {
		return nil
	}
	if err := os.Remove(recordFile(s.dir, s.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has ended, but its record stays: %w", s.name, err)
	}
	return nil
}

// find returns the detached server that runs in dir, or nil when none does. A record whose process has ended,
// or whose process id now belongs to another program, counts as none.
func find(dir, name string) (*server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", name, err)
	}
	path := recordFile(dir, name)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", name, err)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil || r.PID <= 0 || r.Config == "" {
		return nil, fmt.Errorf("finding %s: %s is not a record of a process (%w); if no %s runs in that folder, remove the file", name, path, errors.Join(err, errNoProcess), name)
	}
	s := &server{name: name, dir: dir, config: r.Config, port: r.Port, detached: true, process: &process{pid: r.PID, mark: r.Config}}
	if !s.process.alive() {
		return nil, nil
	}
	return s, nil
}

var errNoProcess = errors.New("it should name a process id and a configuration")
