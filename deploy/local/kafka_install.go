//go:build unix

package local

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// KafkaVersion is the version of Apache Kafka that InstallKafka installs. Transactions of version 2 (KIP-890),
// on which kolmo's fencing relies, are the default from Kafka 4.0 on.
const KafkaVersion = "4.1.1"

// kafkaPOM lists what Maven is to fetch: the broker, its command line tools, and a logging backend.
//
//go:embed kafka.pom.xml
var kafkaPOM []byte

// KafkaDistribution is an installed Apache Kafka. It is only read, and shared by every server on the machine.
type KafkaDistribution struct {
	Java string // the java program, JDK 17 or later
	Home string // the folder that holds libs/, the Java archives
}

// InstallKafka fetches Apache Kafka from Maven Central into the user's cache folder, about 55 MB, unless it is
// there already, and says on log what it is doing. Several processes may call it at once: one of them installs
// and the others wait for it. It needs a JDK, 17 or later, and Maven; without them the error says how to get them.
func InstallKafka(ctx context.Context, log io.Writer) (*KafkaDistribution, error) {
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	return installKafka(ctx, log, java, filepath.Join(cache, "kolmo"))
}

func installKafka(ctx context.Context, log io.Writer, java, cache string) (*KafkaDistribution, error) {
	home := filepath.Join(cache, "kafka-"+KafkaVersion)
	installed := &KafkaDistribution{Java: java, Home: home}
	// The folder appears under its name only once it is complete, so its presence is enough.
	if _, err := os.Stat(home); err == nil {
		return installed, nil
	}
	unlock, err := Lock(ctx, home+".lock")
	if err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(home); err == nil {
		return installed, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return nil, fmt.Errorf("installing Kafka: Maven is missing (%w); on Debian: apt-get update && apt-get install -y maven", err)
	}
	say(log, "installing Kafka %s into %s", KafkaVersion, home)
	fresh, err := os.MkdirTemp(cache, "kafka-"+KafkaVersion+".incomplete-")
	if err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	defer os.RemoveAll(fresh) //nolint:errcheck // renamed away when all went well
	pom := filepath.Join(fresh, "pom.xml")
	if err := os.WriteFile(pom, kafkaPOM, 0o644); err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	fetch := exec.CommandContext(ctx, maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", pom,
		"-Dkafka.version="+KafkaVersion, "-DoutputDirectory="+filepath.Join(fresh, "libs"), "-DincludeScope=runtime",
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies")
	if out, err := fetch.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("installing Kafka: fetching it from Maven Central: %w:\n%s", err, out)
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	if err := os.Rename(fresh, home); err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	return installed, nil
}

// findJava returns the java program of JAVA_HOME, or else the one in PATH.
func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java := filepath.Join(home, "bin", "java")
		if _, err := exec.LookPath(java); err != nil {
			return "", fmt.Errorf("finding java: JAVA_HOME is %s, but it holds no bin/java (%w); correct or unset JAVA_HOME", home, err)
		}
		return java, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("finding java: Kafka needs a JDK, 17 or later (%w); on Debian: apt-get update && apt-get install -y openjdk-17-jdk-headless", err)
	}
	return java, nil
}

// say writes a line about what is going on, for a person who waits.
func say(log io.Writer, format string, args ...any) {
	if log != nil {
		_, _ = fmt.Fprintf(log, format+"\n", args...)
	}
}
