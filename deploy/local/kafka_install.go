//go:build unix

package local

import (
	"context"
	_ "embed"
	"fmt"
	"io"
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
	d := &KafkaDistribution{Java: java, Home: filepath.Join(cache, "kafka-"+KafkaVersion)}
	if d.complete() {
		return d, nil
	}
	unlock, err := Lock(ctx, d.Home+".lock")
	if err != nil {
		return nil, fmt.Errorf("installing Kafka: %w", err)
	}
	defer unlock()
	if d.complete() { // by the process that held the lock
		return d, nil
	}
	if _, err := os.Stat(d.Home); err != nil {
		if err := d.fetch(ctx, log, cache); err != nil {
			return nil, fmt.Errorf("installing Kafka: %w", err)
		}
	}
	return d, d.archiveClasses(ctx, log)
}

// complete reports whether both steps of the installation are done. The archives' folder and the class archive
// appear under their names only when they are whole.
func (d *KafkaDistribution) complete() bool {
	_, err := os.Stat(d.classArchive())
	return err == nil
}

// fetch lets Maven put the distribution into a folder beside Home and then gives it its name.
func (d *KafkaDistribution) fetch(ctx context.Context, log io.Writer, cache string) error {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("maven is missing (%w); on Debian: apt-get update && apt-get install -y maven", err)
	}
	say(log, "installing Kafka %s into %s", KafkaVersion, d.Home)
	fresh, err := os.MkdirTemp(cache, filepath.Base(d.Home)+".incomplete-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh) // renamed away when all went well
	pom := filepath.Join(fresh, "pom.xml")
	if err := os.WriteFile(pom, kafkaPOM, 0o644); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", pom,
		"-Dkafka.version="+KafkaVersion, "-DoutputDirectory="+filepath.Join(fresh, "libs"), "-DincludeScope=runtime",
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching it from Maven Central with %s: %w:\n%s", maven, err, out)
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	return os.Rename(fresh, d.Home)
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
