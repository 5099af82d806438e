package grafana

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/deploy/local"
	rules "github.com/kolmo-ml/kolmo/deploy/prometheus"
)

var update = flag.Bool("update", false, "write the dashboards anew")

// What is shipped is what the code makes: go test ./deploy/grafana -update
func TestTheFilesAreWhatTheCodeMakes(t *testing.T) {
	want := make(map[string]bool)
	for _, d := range Dashboards() {
		data, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("dashboards", d.UID+".json")
		want[name] = true
		if *update {
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(data) {
			t.Errorf("%s is not what the code makes; look at the difference after: go test ./deploy/grafana -update", name)
		}
	}
	files, err := filepath.Glob("dashboards/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !want[name] {
			t.Errorf("nothing makes %s", name)
		}
	}
}

func TestPanelsStandBesideEachOther(t *testing.T) {
	for _, d := range Dashboards() {
		taken, ids := make(map[[2]int]string), make(map[int]bool)
		for _, p := range d.Panels {
			if ids[p.ID] || p.Description == "" || len(p.Targets) == 0 {
				t.Errorf("%s: panel %q has number %d, and %d queries", d.UID, p.Title, p.ID, len(p.Targets))
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= columns {
						t.Fatalf("%s: %q stands on %q at %d, %d", d.UID, p.Title, other, x, y)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// described is a Registerer that only listens.
type described struct {
	prometheus.Registerer // nothing else is called
	labels                map[string]string
}

func (d *described) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		descriptions := make(chan *prometheus.Desc, 500)
		c.Describe(descriptions)
		close(descriptions)
		for desc := range descriptions {
			m := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([^}]*)\}`).FindStringSubmatch(desc.String())
			d.labels[m[1]] = m[2]
		}
	}
}

// asked are all queries of a dashboard, those of its variables included, by what asks.
func asked(d *Dashboard) map[string]string {
	all := make(map[string]string)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all[fmt.Sprintf("%s, panel %q, %s", d.UID, p.Title, target.RefID)] = target.Expr
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			all[fmt.Sprintf("%s, variable %s", d.UID, v.Name)] = v.Query
		}
	}
	return all
}

// A name that nobody exposes is a panel that is empty for ever, and looks well.
func TestEveryMetricExists(t *testing.T) {
	d := &described{labels: map[string]string{"kolmo_build_info": "version,commit"}}
	consumer.NewMetrics(d, nil)
	kafka.NewMetrics(d, 1, nil)
	alertmanager.NewMetrics(d)
	webhook.NewMetrics(d)
	webhook.NewNotifierMetrics(d)
	d.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metric := regexp.MustCompile(`\b(?:kolmo|model|process)_[a-z_]+`)
	for _, board := range Dashboards() {
		for where, expr := range asked(board) {
			found := 0
			for _, name := range metric.FindAllString(expr, -1) {
				if _, ok := d.labels[strings.TrimSuffix(name, "_bucket")]; !ok {
					t.Errorf("%s asks for %s, which nobody exposes", where, name)
				}
				found++
			}
			if found == 0 {
				t.Errorf("%s asks for nothing of kolmo's: %s", where, expr)
			}
		}
	}
}

// Prometheus reads every query; what Grafana puts in is put in.
func TestEveryQueryIsRead(t *testing.T) {
	program, err := local.InstallPromtool(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	file := rules.File{Groups: []rules.Group{{Name: "queries"}}}
	for _, d := range Dashboards() {
		for where, expr := range asked(d) {
			if strings.Contains(where, ", variable ") {
				continue
			}
			expr = strings.NewReplacer("$__rate_interval", "1m", "$model", "m", "$version", ".*").Replace(expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s has a variable that nobody fills in: %s", where, expr)
			}
			file.Groups[0].Rules = append(file.Groups[0].Rules, rules.Rule{Record: fmt.Sprintf("query:number_%d", len(file.Groups[0].Rules)), Expr: expr})
		}
	}
	text, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "check", "rules", name).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// Links keep to the variables and dashboards that there are, and the rules link to them.
func TestLinksLeadSomewhere(t *testing.T) {
	uids := make(map[string]*Dashboard)
	for _, d := range Dashboards() {
		uids[d.UID] = d
	}
	variables := func(d *Dashboard) []string {
		var names []string
		for _, v := range d.Templating.List {
			names = append(names, v.Name)
		}
		return names
	}
	check := func(where, url string, here *Dashboard) {
		if m := regexp.MustCompile(`/d/([\w-]+)`).FindStringSubmatch(url); m != nil {
			if uids[m[1]] == nil {
				t.Errorf("%s leads to dashboard %s", where, m[1])
				return
			}
			for _, m := range regexp.MustCompile(`[?&]var-(\w+)=`).FindAllStringSubmatch(url, -1) {
				if d := uids[regexp.MustCompile(`/d/([\w-]+)`).FindStringSubmatch(url)[1]]; !slices.Contains(variables(d), m[1]) {
					t.Errorf("%s sets %s, which %s does not have", where, m[1], d.UID)
				}
			}
		}
		if here == nil {
			return
		}
		for _, m := range regexp.MustCompile(`\$\{(\w+)[:}]`).FindAllStringSubmatch(url, -1) {
			if !strings.HasPrefix(m[1], "__") && !slices.Contains(variables(here), m[1]) {
				t.Errorf("%s uses the variable %s, which is not there", where, m[1])
			}
		}
	}
	for _, d := range Dashboards() {
		for _, l := range d.Links {
			check(d.UID+": "+l.Title, l.URL, d)
		}
		for _, p := range d.Panels {
			for _, l := range p.FieldConfig.Defaults.Links {
				check(d.UID+": "+p.Title+": "+l.Title, l.URL, d)
			}
		}
	}
	for _, file := range []*rules.File{rules.Health(rules.Default()), rules.Models(rules.Default())} {
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" && !strings.Contains(r.Annotations.DashboardURL, "/d/") {
					t.Errorf("%s leads to no dashboard", r.Alert)
				}
				check(r.Alert, r.Annotations.DashboardURL, nil)
			}
		}
	}
}

// The data source and the folder that provisioning names are those of the dashboards.
func TestProvisioning(t *testing.T) {
	for file, want := range map[string]string{"provisioning/datasources/kolmo.yaml": "prometheus", "provisioning/dashboards/kolmo.yaml": "file"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			APIVersion             int `yaml:"apiVersion"`
			Datasources, Providers []struct{ Name, Type string }
		}
		if err := yaml.Unmarshal(data, &content); err != nil {
			t.Fatal(err)
		}
		entries := append(content.Datasources, content.Providers...)
		if content.APIVersion != 1 || len(entries) != 1 || entries[0].Type != want {
			t.Errorf("%s has %+v", file, content)
		}
	}
	for _, d := range Dashboards() {
		data, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(data, &back); err != nil || back["uid"] != d.UID || !strings.HasPrefix(d.UID, "kolmo-") {
			t.Errorf("%s reads back as %v: %v", d.UID, back["uid"], err)
		}
	}
}
