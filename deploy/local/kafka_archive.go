//go:build unix

package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// classArchive is where the classes that a broker loads are kept as the Java machine lays them out in memory
// (an application class-data archive, JEP 350): a broker that maps them starts in about half the time, and a
// test suite starts many. A file of no bytes says that this Java cannot make one.
func (d *KafkaDistribution) classArchive() string { return filepath.Join(d.Home, "classes.jsa") }

// archiveClasses makes the class archive, once, by running a broker that writes it when it ends. An archive
// made by another Java, or for archives of other dates, is passed over by the Java machine without harm.
func (d *KafkaDistribution) archiveClasses(ctx context.Context, log io.Writer) error {
	say(log, "preparing Kafka's classes for quick starts")
	dir, err := os.MkdirTemp(d.Home, "first-run-")
	if err != nil {
		return fmt.Errorf("preparing Kafka's classes: %w", err)
	}
	defer os.RemoveAll(dir) // what stays behind is a few files in a cache
	if err := d.runToArchive(ctx, dir); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("preparing Kafka's classes: %w", err)
		}
		say(log, "Kafka will start slower than it could: %v", err)
		return os.WriteFile(d.classArchive(), nil, 0o644)
	}
	return nil
}

func (d *KafkaDistribution) runToArchive(ctx context.Context, dir string) error {
	archive := filepath.Join(dir, "classes.jsa")
	k, err := d.start(ctx, KafkaOptions{Dir: dir}, "-XX:ArchiveClassesAtExit="+archive)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := k.Stop(ctx); err != nil {
		return err
	}
	return os.Rename(archive, d.classArchive())
}

// javaFlags returns the flag that makes Java use the class archive, where there is one.
func (d *KafkaDistribution) javaFlags() []string {
	if info, err := os.Stat(d.classArchive()); err != nil || info.Size() == 0 {
		return nil
	}
	return []string{"-XX:SharedArchiveFile=" + d.classArchive()}
}
