package redisstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
)

func TestTheReadmeTellsWhatTheCodeDoes(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("*.lua")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	var wanted []string
	for _, script := range scripts {
		wanted = append(wanted, "| `"+script+"` |")
	}
	s := &Store{prefix: "PREFIX"}
	id := windows.PartitionID{}
	reference, err := s.referenceKey("ID")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		s.manifestKey(id), s.markKey(id), s.throughKey(id.Topic, 0), reference,
		strings.Replace(blobID{}.keys(nil, s.partitionKey(id))[0], "0000000000000000.0", "CLAIM.N", 1),
	} {
		key = strings.Replace(key, id.Topic.String(), "TOPIC", 1)
		wanted = append(wanted, "`"+strings.Replace(key, "TOPIC/0", "TOPIC/"+map[bool]string{true: "SHARD", false: "PARTITION"}[strings.HasSuffix(key, ":t")], 1)+"`")
	}
	for name, version := range map[string]int{
		"Head": headFormat, "Mark": markFormat, "Directory": directoryFormat, "Pane": paneFormat,
		"Samples": samplesFormat, "Grid": gridFormat, "Grids in force": gridsFormat,
	} {
		wanted = append(wanted, fmt.Sprintf("### %s (version %d)", name, version))
	}
	wanted = append(wanted, fmt.Sprintf("EX %.0f`", stagingTime.Seconds()), fmt.Sprintf("the last %d, and none", maxAdvances))
	for _, want := range wanted {
		if !strings.Contains(string(text), want) {
			t.Errorf("README.md does not contain %q", want)
		}
	}
}
