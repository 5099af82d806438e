package prometheus

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// A File is a file of rules, as Prometheus loads it.
type File struct {
	About  string  `yaml:"-"` // what stands at its top, as a comment
	Groups []Group `yaml:"groups"`
}

// A Group holds rules that are evaluated one after the other, so that a rule sees
// what those before it have recorded.
type Group struct {
	Name  string `yaml:"name"`
	Rules []Rule `yaml:"rules"`
}

// A Rule records a series or alerts.
type Rule struct {
	Record        string      `yaml:"record,omitempty"`
	Alert         string      `yaml:"alert,omitempty"`
	Expr          string      `yaml:"expr"`
	For           string      `yaml:"for,omitempty"`
	KeepFiringFor string      `yaml:"keep_firing_for,omitempty"` // since Prometheus 2.42
	Labels        Labels      `yaml:"labels,omitempty"`
	Annotations   Annotations `yaml:"annotations,omitempty"`
}

// Labels are those that an alert gets beside those of its series.
type Labels struct {
	Severity string `yaml:"severity,omitempty"`
}

// Annotations explain an alert. Those that are left out are not written.
type Annotations struct {
	Summary      string `yaml:"summary,omitempty"`
	Description  string `yaml:"description,omitempty"`
	EvidenceURL  string `yaml:"evidence_url,omitempty"`
	DashboardURL string `yaml:"dashboard_url,omitempty"`
	RunbookURL   string `yaml:"runbook_url,omitempty"`
}

// Encode writes the file as YAML.
func (f *File) Encode() ([]byte, error) {
	body, err := yaml.MarshalWithOptions(f, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("writing rules as YAML: %w", err)
	}
	var text strings.Builder
	for line := range strings.Lines(f.About) {
		text.WriteString("# " + line)
	}
	text.WriteString("\n")
	text.Write(body)
	return []byte(text.String()), nil
}

// Alerts are the names of the alerts in the file, each once, in their order.
func (f *File) Alerts() []string {
	var names []string
	seen := make(map[string]bool)
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" && !seen[r.Alert] {
				seen[r.Alert] = true
				names = append(names, r.Alert)
			}
		}
	}
	return names
}
