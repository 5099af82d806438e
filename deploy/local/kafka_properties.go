//go:build unix

package local

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// kafkaProperties returns the broker's configuration: one node that is broker and controller, with internal
// topics small enough to come up quickly. What overrides holds takes precedence.
func kafkaProperties(dir string, port, controllerPort int, listeners []KafkaListener, overrides map[string]string) map[string]string {
	client, controller := loopback(port), loopback(controllerPort)
	properties := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        "1",
		"controller.quorum.voters":       "1@" + controller,
		"listeners":                      "PLAINTEXT://" + client + ",CONTROLLER://" + controller,
		"advertised.listeners":           "PLAINTEXT://" + client,
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names":      "CONTROLLER",
		"inter.broker.listener.name":     "PLAINTEXT",
		"log.dirs":                       kafkaData(dir),

		// There is one node to hold every replica.
		"default.replication.factor":                       "1",
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",

		// A partition of an internal topic costs time when it is first used; the defaults are 50.
		"offsets.topic.num.partitions":                 "4",
		"transaction.state.log.num.partitions":         "4",
		"share.coordinator.state.topic.num.partitions": "1",
		"log.cleaner.dedupe.buffer.size":               "8388608",

		// A group's first member need not wait for others, and a dead member may be noticed after a second.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     "1000",

		// A killed broker that comes back waits for its former session to end; the default is 9 s.
		"broker.session.timeout.ms":    "4000",
		"broker.heartbeat.interval.ms": "500",

		// Kafka deletes by record time, and events replayed from years ago would be gone within seconds.
		"log.retention.ms": "-1",
		// A topic that is misspelt must be an error.
		"auto.create.topics.enable": "false",
	}
	for _, l := range listeners {
		address := "," + l.Name + "://" + loopback(l.Port)
		properties["listeners"] += address
		properties["advertised.listeners"] += address
		properties["listener.security.protocol.map"] += "," + l.Name + ":" + l.Protocol
		for name, value := range l.Properties {
			properties["listener.name."+strings.ToLower(l.Name)+"."+name] = value
		}
	}
	maps.Copy(properties, overrides)
	return properties
}

func kafkaData(dir string) string          { return filepath.Join(dir, "data") }
func kafkaConfig(dir string) string        { return filepath.Join(dir, "server.properties") }
func kafkaLoggingConfig(dir string) string { return filepath.Join(dir, "log4j2.properties") }

// kafkaLogging sends everything to standard output, which the log file is.
const kafkaLogging = `rootLogger.level=INFO
rootLogger.appenderRef.out.ref=OUT
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
`

// propertiesFile renders properties in Java's format, in the order of their names.
func propertiesFile(properties map[string]string) []byte {
	var file strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		file.WriteString(escapeProperty(name) + "=" + escapeProperty(properties[name]) + "\n")
	}
	return []byte(file.String())
}

// escapeProperty escapes what Java's properties format would read differently: separators, comment signs,
// spaces, line ends, and whatever is outside ASCII (as UTF-16 code units).
func escapeProperty(s string) string {
	var escaped strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(`\:=#! `, r):
			escaped.WriteString(`\` + string(r))
		case r < ' ' || r > '~':
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&escaped, `\u%04x`, unit)
			}
		default:
			escaped.WriteRune(r)
		}
	}
	return escaped.String()
}
