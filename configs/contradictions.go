package configs

import (
	"slices"
	"strings"

	"github.com/kolmo-ml/kolmo/windows"
)

// contradictions reports what no single key can be blamed for. What is wrong
// with a key itself has been reported, and is not judged again.
func (d *decoder) contradictions(c *Config) {
	broken := map[string]bool{}
	for _, p := range d.problems {
		for path := p.Path; path != ""; path = parent(path) {
			broken[path] = true
		}
	}
	d.topics(&c.Kafka)
	if !broken["kafka.fetch_max_bytes"] && !broken["limits.max_event_bytes"] && c.Kafka.FetchMaxBytes < int64(c.Limits.MaxEventBytes) {
		path := "kafka.fetch_max_bytes"
		if !d.has(path) {
			path = "limits.max_event_bytes"
		}
		d.reportAt(path, "fetch_max_bytes %s is less than limits.max_event_bytes %s: write at least as much",
			formatBytes(c.Kafka.FetchMaxBytes), formatBytes(int64(c.Limits.MaxEventBytes)))
	}
	d.pairs("kafka.tls")
	d.pairs("redis.tls")
	d.passwords("kafka.sasl", c.Kafka.SASL != nil && !d.blamed("kafka.sasl"))
	d.passwords("redis", false)
	d.alertmanager(&c.Alertmanager)
	d.subscribers(c.Webhooks)
	d.retraining(&c.Retraining)

	d.settings("defaults", &c.Defaults, broken)
	d.asked("defaults.retraining", &c.Defaults.Retraining, c.Retraining.Targets)
	names := map[string]string{}
	for i := range c.Models {
		e, path := &c.Models[i], item("models", i)
		if first, twice := names[e.Name]; twice {
			d.reportAt(path+".name", "%q is already the name of %s: merge the two", shortened(e.Name), first)
		} else if e.Name != "" {
			names[e.Name] = path
		}
		d.settings(path, &e.Settings, broken)
		d.asked(path+".retraining", &e.Retraining, c.Retraining.Targets)
	}
}

// blamed reports whether there is a problem with the path itself.
func (d *decoder) blamed(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool { return p.Path == path })
}

// topics reports a topic that has two uses.
func (d *decoder) topics(k *Kafka) {
	uses := map[string]string{}
	use := func(topic, path string) {
		if topic == "" {
			return
		}
		first, taken := uses[topic]
		switch {
		case !taken:
			uses[topic] = path
		case parent(first) == parent(path) && strings.HasSuffix(path, "]"):
			// The same role twice: reported with the list.
		case strings.HasPrefix(first, "kafka.inputs") && strings.HasPrefix(path, "kafka.outputs"):
			d.reportAt(path, "the topic %q is also an input (%s): kolmo would read what it writes", topic, first)
		default:
			d.reportAt(path, "the topic %q is already used by %s: every topic has one use", topic, first)
		}
	}
	roles := []struct {
		name   string
		topics []string
	}{{"predictions", k.Inputs.Predictions}, {"features", k.Inputs.Features}, {"outcomes", k.Inputs.Outcomes}}
	for _, role := range roles {
		for i, topic := range role.topics {
			use(topic, item("kafka.inputs."+role.name, i))
		}
	}
	if d.has("kafka.inputs") && !d.blamed("kafka.inputs") && len(k.Inputs.Predictions) == 0 && len(k.Inputs.Features) == 0 &&
		!d.has("kafka.inputs.predictions[0]") && !d.has("kafka.inputs.features[0]") {
		d.reportAt("kafka.inputs", "no topic of predictions or features: there would be no window to judge")
	}
	use(k.Outputs.Alerts, "kafka.outputs.alerts")
	use(k.Outputs.Verdicts, "kafka.outputs.verdicts")
	use(k.Outputs.Progress, "kafka.outputs.progress")
	use(k.Outputs.References, "kafka.outputs.references")
	use(k.Outputs.DeadLetters, "kafka.outputs.dead_letters")
}

// pairs reports a certificate without its key, or the other way round.
func (d *decoder) pairs(path string) {
	cert, key := d.has(path+".cert_file"), d.has(path+".key_file")
	if cert && !key {
		d.reportAt(path+".cert_file", "a certificate needs its key: add key_file")
	}
	if key && !cert {
		d.reportAt(path+".key_file", "a key needs its certificate: add cert_file")
	}
}

// passwords reports a password that is given twice, or not at all.
func (d *decoder) passwords(path string, required bool) {
	text, file := d.has(path+".password"), d.has(path+".password_file")
	if text && file {
		d.reportAt(path+".password_file", "both password and password_file are given: leave one out")
	}
	if required && !text && !file {
		d.reportAt(path, "a password is required: add password_file, or password: ${NAME}")
	}
}

// settings reports what contradicts in defaults or in a model. A model is
// blamed only for what it says itself.
func (d *decoder) settings(path string, s *Settings, broken map[string]bool) {
	isDefaults := path == "defaults"
	judged := func(key string) bool {
		return (isDefaults || d.has(path+"."+key)) && !broken[path+"."+key] && !broken["defaults."+key]
	}
	if judged("window") && d.window(path+".window", s.Window) && isDefaults {
		broken["defaults.window"] = true
	}
	if judged("alert") && s.Alert.For > s.Alert.Of {
		at := path + ".alert.for"
		if !d.has(at) {
			at = path + ".alert.of"
		}
		d.reportAt(at, "for %d of %d windows can never be: write for at most %d", s.Alert.For, s.Alert.Of, s.Alert.Of)
		if isDefaults {
			broken["defaults.alert"] = true
		}
	}
	if every := s.Window.Every; judged("budget") && s.Budget.Pages > 0 && !broken[path+".window"] {
		if every.IsZero() {
			every = s.Window.Size
		}
		if at := path + ".budget"; s.Budget.Windows(every) < 2*float64(s.Budget.Pages) {
			d.reportAt(at, "%d pages per %s are half of all windows, or more: write fewer pages, or a longer period",
				s.Budget.Pages, formatSpan(s.Budget.Period))
		}
	}
	if judged("reference") {
		d.reference(path+".reference", s.Reference)
	}
	if !broken[path+".window"] && !broken[path+".reference"] && (judged("window") || judged("reference")) {
		d.history(path, s)
	}
}

// window reports what the definition says of itself, at the key it names.
func (d *decoder) window(path string, w windows.Definition) bool {
	err := w.Validate() // of a copy: what it fills must not be inherited
	if err == nil {
		return false
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		at := path
		if key, _, _ := strings.Cut(err.Error(), " "); d.has(path + "." + key) {
			at = path + "." + key
		}
		d.reportAt(at, "%v", err)
	}
	return true
}

// reference reports keys that the kind of reference does not use. Inherited
// ones are no contradiction: the kind decides what is taken of them.
func (d *decoder) reference(path string, r Reference) {
	uses := []struct {
		key   string
		kinds []string
	}{
		{"file", []string{ReferenceFixed}},
		{"windows", []string{ReferenceFirst, ReferenceRolling}},
		{"period", []string{ReferenceSeasonal}},
		{"cycles", []string{ReferenceSeasonal}},
		{"version", []string{ReferenceVersion}},
		{"size", []string{ReferenceFixed, ReferenceFirst, ReferenceRolling, ReferenceSeasonal}},
	}
	if r.Kind == ReferenceVersion && r.Version == "" {
		d.reportAt(path+".kind", "a reference of kind version needs the version that others are compared with: add version")
	}
	for _, use := range uses {
		fits := false
		for _, kind := range use.kinds {
			fits = fits || kind == r.Kind
		}
		if at := path + "." + use.key; d.has(at) && !fits {
			d.reportAt(at, "a reference of kind %s has no %s: it belongs to kind %s", r.Kind, use.key, strings.Join(use.kinds, " or "))
		}
	}
}
