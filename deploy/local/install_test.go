//go:build unix

package local

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Two installations that start at once end with one distribution, and nothing half-made beside it.
func TestKafkaIsInstalledOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	java, err := findJava()
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	var installers sync.WaitGroup
	for range 2 {
		installers.Go(func() {
			d, err := installKafka(t.Context(), t.Output(), java, cache)
			if err != nil {
				t.Error(err)
				return
			}
			if !d.complete() {
				t.Errorf("%s is not complete", d.Home)
			}
		})
	}
	installers.Wait()
	entries, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 { // the distribution and its lock
		t.Errorf("the cache holds %q, want the distribution and its lock file", entries)
	}
}

func TestKafkaStartsWithoutAClassArchive(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	installed, err := InstallKafka(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"none could be made": "", "made by another Java": "not an archive"} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if err := os.Symlink(filepath.Join(installed.Home, "libs"), filepath.Join(home, "libs")); err != nil {
				t.Fatal(err)
			}
			d := &KafkaDistribution{Java: installed.Java, Home: home}
			if err := os.WriteFile(d.classArchive(), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			k, err := d.start(ctx, KafkaOptions{Dir: t.TempDir()}, d.javaFlags()...)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLockIsHeldByOneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new folder", "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lock(ended, path); err == nil {
		t.Error("a held lock was given to another")
	}
	unlock()
	unlock, err = Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestPropertiesAreEscapedAsJavaReadsThem(t *testing.T) {
	t.Parallel()
	got := string(propertiesFile(map[string]string{
		"a.b": "plain", "path": "/tmp/a b", "jaas": `user="x#y" \ é` + "\n𝄞",
	}))
	want := "a.b=plain\n" +
		`jaas=user\="x\#y"\ \\\ \u00e9\u000a\ud834\udd1e` + "\n" +
		`path=/tmp/a\ b` + "\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
