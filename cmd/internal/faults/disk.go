//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A disk is what Redis writes to and the harness fills.
type disk struct {
	mount string // a small file system of its own; empty: it could not be had
}

// diskBytes is how large the small file system is: enough for Redis to rewrite its
// append-only file, and small enough to be filled at once.
const diskBytes = 48 << 20

func diskFaults() []fault {
	var d disk
	return []fault{{
		name: "disk-full", what: "a full disk under Redis", limit: replayLimit,
		configure: func(s *settings, dir string) error {
			s.redis = map[string]string{"auto-aof-rewrite-min-size": "8mb"}
			folder := filepath.Join(dir, "disk")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return fmt.Errorf("making a folder to mount on: %w", err)
			}
			command := exec.Command("mount", "-t", "tmpfs", "-o", "size="+strconv.Itoa(diskBytes), "tmpfs", folder)
			if err := command.Run(); err == nil {
				d.mount = folder
				s.redisDir = filepath.Join(folder, "redis")
				return nil
			}
			// A write past the limit of a file's size then fails, rather than ending
			// Redis, which inherits this.
			signal.Ignore(syscall.SIGXFSZ)
			return nil
		},
		prepare: func(_ context.Context, b *bench) error {
			if d.mount != "" {
				b.note("a tmpfs of %d MB, filled to the last byte", diskBytes>>20)
			} else {
				b.note("mounting is not allowed here: the size of Redis's files was limited instead")
			}
			return nil
		},
		inject: func(ctx context.Context, b *bench, _ int) error {
			free, err := d.fill(b)
			if err != nil {
				return err
			}
			err = until(ctx, 30*time.Second, 50*time.Millisecond, func() (bool, error) {
				info, err := b.stack.client.Info(ctx, "persistence").Result()
				return strings.Contains(info, "aof_last_write_status:err"), err
			})
			if err == nil {
				err = pause(ctx, time.Duration(500+b.random.IntN(3000))*time.Millisecond)
			} else {
				err = fmt.Errorf("waiting for Redis to notice that its disk is full: %w", err)
			}
			return errors.Join(err, free())
		},
		cleanup: func() error {
			if d.mount == "" {
				return nil
			}
			if output, err := exec.Command("umount", d.mount).CombinedOutput(); err != nil {
				return fmt.Errorf("unmounting %s: %w: %s", d.mount, err, output)
			}
			return nil
		},
	}}
}

// fill leaves Redis no room. What it returns makes room again.
func (d *disk) fill(b *bench) (free func() error, err error) {
	if d.mount == "" {
		return limitFiles(b)
	}
	name := filepath.Join(d.mount, "filler")
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("filling the disk: %w", err)
	}
	block := bytes.Repeat([]byte{'x'}, 1<<16)
	for len(block) > 0 {
		if _, err = file.Write(block); errors.Is(err, syscall.ENOSPC) {
			block, err = block[:len(block)/2], nil
		}
		if err != nil {
			break
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("filling the disk: %w", err)
	}
	return func() error { return os.Remove(name) }, nil
}

// limitFiles forbids Redis to make its append-only file any longer.
func limitFiles(b *bench) (free func() error, err error) {
	_, size, err := b.appendOnlyFile()
	if err != nil {
		return nil, err
	}
	limit := func(soft string) error {
		output, err := exec.Command("prlimit", "--pid", strconv.Itoa(b.stack.redis.PID()), "--fsize="+soft+":").CombinedOutput()
		if err != nil {
			return fmt.Errorf("limiting the size of Redis's files to %s: %w: %s", soft, err, output)
		}
		return nil
	}
	return func() error { return limit("unlimited") }, limit(strconv.FormatInt(size, 10))
}
