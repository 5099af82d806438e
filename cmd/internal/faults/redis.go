//go:build unix

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// replayLimit is recoveryLimit where much is to be read when the fault is over: Redis
// has lost state, or nobody read anything for a while.
const replayLimit = time.Minute

func redisFaults() []fault {
	return []fault{
		{
			name: "redis-kill", what: "kill -9 of Redis (AOF everysec), and its restart",
			inject: func(ctx context.Context, b *bench, _ int) error {
				if err := b.stack.redis.Kill(); err != nil {
					return err
				}
				if err := pause(ctx, time.Duration(b.random.IntN(1500))*time.Millisecond); err != nil {
					return err
				}
				return b.stack.redis.Restart(ctx)
			},
		},
		{
			name: "redis-power-cut", what: "Redis loses the last second of its AOF", limit: replayLimit,
			inject: cutPower,
		},
		redisRollback(),
		flushAll(),
		{
			name: "redis-full", what: "maxmemory reached, and raised after a while",
			inject: func(ctx context.Context, b *bench, _ int) error {
				if err := b.stack.client.ConfigSet(ctx, "maxmemory", "1mb").Err(); err != nil {
					return fmt.Errorf("lowering maxmemory: %w", err)
				}
				if err := pause(ctx, time.Duration(1000+b.random.IntN(4000))*time.Millisecond); err != nil {
					return err
				}
				if err := b.stack.client.ConfigSet(ctx, "maxmemory", "0").Err(); err != nil {
					return fmt.Errorf("raising maxmemory: %w", err)
				}
				return nil
			},
		},
	}
}

func flushAll() fault {
	return fault{
		name: "flushall", what: "FLUSHALL", limit: replayLimit,
		inject: func(ctx context.Context, b *bench, _ int) error {
			if err := b.stack.client.FlushAll(ctx).Err(); err != nil {
				return fmt.Errorf("FLUSHALL: %w", err)
			}
			return nil
		},
	}
}

// cutPower takes away what a power cut would: what was written to the append-only
// file in the last second, up to a byte in the middle of a command.
func cutPower(ctx context.Context, b *bench, _ int) error {
	file, before, err := b.appendOnlyFile()
	if err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	if err := b.stack.redis.Kill(); err != nil {
		return err
	}
	last, after, err := b.appendOnlyFile()
	if err != nil {
		return err
	}
	if last == file && after > before {
		if err := os.Truncate(file, before+b.random.Int64N(after-before)); err != nil {
			return fmt.Errorf("cutting the append-only file: %w", err)
		}
	}
	return b.stack.redis.Restart(ctx)
}

// appendOnlyFile is the file that Redis appends to now, and its size.
func (b *bench) appendOnlyFile() (path string, size int64, err error) {
	err = filepath.WalkDir(filepath.Join(b.stack.redis.Dir(), "appendonlydir"), func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".incr.aof") && name > path {
			path = name
		}
		return err
	})
	if err != nil {
		return "", 0, fmt.Errorf("looking for the append-only file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, fmt.Errorf("looking at the append-only file: %w", err)
	}
	return path, info.Size(), nil
}

// redisRollback puts an older dump back, from before windows were published.
func redisRollback() fault {
	return fault{
		name: "redis-rollback", what: "Redis rolled back to an older RDB after windows were published", limit: replayLimit,
		configure: func(s *settings, _ string) error {
			s.redis = map[string]string{"appendonly": "no"}
			return nil
		},
		inject: func(ctx context.Context, b *bench, _ int) error {
			if err := b.stack.client.Save(ctx).Err(); err != nil {
				return fmt.Errorf("SAVE: %w", err)
			}
			dump := filepath.Join(b.stack.redis.Dir(), "dump.rdb")
			older, err := os.ReadFile(dump)
			if err != nil {
				return fmt.Errorf("keeping the dump: %w", err)
			}
			// Long enough for some windows of every version to close.
			if err := pause(ctx, time.Duration(3000+b.random.IntN(4000))*time.Millisecond); err != nil {
				return err
			}
			if err := b.stack.redis.Kill(); err != nil {
				return err
			}
			if err := os.WriteFile(dump, older, 0o600); err != nil {
				return fmt.Errorf("putting the older dump back: %w", err)
			}
			return b.stack.redis.Restart(ctx)
		},
	}
}
