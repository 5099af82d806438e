package configs

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/windows"
)

// Retraining says who can be asked to train a model again.
type Retraining struct {
	Timeout time.Duration // of one request
	Targets []RetrainingTarget
}

// A RetrainingTarget is asked under its name, in the one way that is given.
type RetrainingTarget struct {
	Name     string
	Airflow  *Airflow
	Kubeflow *Kubeflow
	GitHub   *GitHub
	Webhook  *Webhook
	TLS      *TLS // nil: as the system has it
}

// Airflow runs a DAG.
type Airflow struct {
	URL      string
	Version  int // 3 or 2
	DAG      string
	Username string
	Password Secret
}

// Kubeflow runs a pipeline of Kubeflow Pipelines.
type Kubeflow struct {
	URL        string
	Experiment string // id; empty: the default one
	Pipeline   string // id
	Version    string // id; empty: the pipeline's latest
	Parameter  string
	Token      Secret
}

// GitHub sends a repository_dispatch event.
type GitHub struct {
	URL        string
	Repository string // owner/name
	EventType  string // at most 100 characters
	Token      Secret
}

// Webhook is sent messages that are signed as Standard Webhooks says.
type Webhook struct {
	URL    string
	Secret Secret
}

// Secrets are the keys that messages are signed with. What Load accepts can be read.
func (w *Webhook) Secrets() [][]byte {
	keys, _ := webhookSecrets(w.Secret.Reveal()) // checked when it was loaded
	return keys
}

// RetrainingPolicy says when a model is trained again.
type RetrainingPolicy struct {
	Targets     []string // names of Retraining.Targets; none: it never is
	Alerts      []string // kinds of alerts that ask for it
	MinSeverity string   // critical, warning or info
	Every       windows.Span
	Cooldown    time.Duration
	PerDay      int // 0: as often as the cooldown allows
	ExpireAfter time.Duration
	DryRun      bool
}

// RetrainingAlerts are the kinds of alerts that can ask for retraining.
func RetrainingAlerts() []string {
	return []string{"feature_drift", "prediction_drift"}
}

func (r *Retraining) fields() []field {
	return []field{
		{key: "timeout", value: duration(&r.Timeout, 100*time.Millisecond, 10*time.Minute), meaning: "How long one request to a target may take."},
		{key: "targets", value: mappings[RetrainingTarget]{&r.Targets, nothing[RetrainingTarget], (*RetrainingTarget).fields, "name", nil}, meaning: "Who can be asked to train a model again: Airflow, Kubeflow Pipelines, GitHub or a webhook, one of them for each name."},
	}
}

func (t *RetrainingTarget) fields() []field {
	return []field{
		{key: "name", required: true, value: targetName(&t.Name), meaning: "What models and metrics call the target."},
		{key: "airflow", value: optional[Airflow]{&t.Airflow, (*Airflow).fields}, meaning: "Runs a DAG of Airflow."},
		{key: "kubeflow", value: optional[Kubeflow]{&t.Kubeflow, (*Kubeflow).fields}, meaning: "Runs a pipeline of Kubeflow Pipelines."},
		{key: "github", value: optional[GitHub]{&t.GitHub, (*GitHub).fields}, meaning: "Sends GitHub a repository_dispatch event, which workflows run on."},
		{key: "webhook", value: optional[Webhook]{&t.Webhook, (*Webhook).fields}, meaning: "Sends a message that is signed as Standard Webhooks says."},
		{key: "tls", value: optional[TLS]{&t.TLS, (*TLS).fields}, meaning: "TLS of an https URL that is not as the system has it."},
	}
}

func (a *Airflow) fields() []field {
	a.Version = 3
	return []field{
		{key: "url", required: true, value: webURL(&a.URL), meaning: "Airflow's API server, or the web server of Airflow 2, without /api."},
		{key: "version", value: whole(&a.Version, 2, 3), meaning: "Airflow's major version: 3 is asked for a token, 2 takes user and password with each request."},
		{key: "dag_id", required: true, value: text(&a.DAG), meaning: "The DAG that is run. Its run is called kolmo- and the id of the retraining."},
		{key: "username", required: true, value: text(&a.Username), meaning: "Who asks."},
		{key: "password", value: secret(&a.Password), meaning: "The password; as ${NAME} it stays out of the file. This or password_file."},
		{key: "password_file", value: secretFile{&a.Password}, meaning: "File that holds the password; a newline at its end is not part of it."},
	}
}

func (k *Kubeflow) fields() []field {
	k.Parameter = "kolmo"
	return []field{
		{key: "url", required: true, value: webURL(&k.URL), meaning: "Kubeflow Pipelines, without /apis."},
		{key: "pipeline_id", required: true, value: text(&k.Pipeline), meaning: "The pipeline that is run. Its run is called kolmo- and the id of the retraining."},
		{key: "pipeline_version_id", value: text(&k.Version), fallback: "the pipeline's latest", meaning: "The version of the pipeline."},
		{key: "experiment_id", value: text(&k.Experiment), fallback: "the default one", meaning: "The experiment that the run belongs to."},
		{key: "parameter", value: text(&k.Parameter), meaning: "Name of the pipeline's parameter, a dict, that takes what is told of the drift."},
		{key: "token", value: secret(&k.Token), meaning: "A token, where Kubeflow asks for one; as ${NAME} it stays out of the file. This or token_file."},
		{key: "token_file", value: secretFile{&k.Token}, meaning: "File that holds the token; a newline at its end is not part of it."},
	}
}

func (g *GitHub) fields() []field {
	g.URL, g.EventType = "https://api.github.com", "retrain"
	return []field{
		{key: "url", value: webURL(&g.URL), meaning: "GitHub's API; of GitHub Enterprise Server it ends in /api/v3."},
		{key: "repository", required: true, value: pattern(&g.Repository, "repository", `^[a-zA-Z0-9._-]+/[a-zA-Z0-9._-]+$`, "a repository such as acme/fraud-model"), meaning: "Owner and name of the repository whose workflows run."},
		{key: "event_type", value: eventType(&g.EventType), meaning: "Type of the event, which workflows can choose by. At most 100 characters."},
		{key: "token", value: secret(&g.Token), meaning: "A token that may write contents and read actions of the repository; as ${NAME} it stays out of the file. This or token_file."},
		{key: "token_file", value: secretFile{&g.Token}, meaning: "File that holds the token; a newline at its end is not part of it."},
	}
}

func (w *Webhook) fields() []field {
	address := webURL(&w.URL).(scalar[string])
	address.hidden = true // some hold what they are kept secret for
	return []field{
		{key: "url", required: true, value: address, meaning: "Where messages are sent to."},
		{key: "secret", value: secret(&w.Secret), meaning: "What messages are signed with: whsec_ and the base64 of 24 to 64 random bytes. While it is replaced, the new one, a space, and the old one. As ${NAME} it stays out of the file. This or secret_file."},
		{key: "secret_file", value: secretFile{&w.Secret}, meaning: "File that holds the secret, or on lines of their own the new one and the old one."},
	}
}

func (r *RetrainingPolicy) fields() []field {
	kinds := func(into *string) value { return oneOf(into, RetrainingAlerts()) }
	return []field{
		{key: "targets", value: list{into: &r.Targets, item: text}, fallback: "none", meaning: "Names of retraining.targets, which are all asked. Without any, the model is never trained again."},
		{key: "alerts", value: list{into: &r.Alerts, item: kinds}, meaning: "Alerts that ask for retraining when they fire. While data_quality fires, none does."},
		{key: "min_severity", value: oneOf(&r.MinSeverity, []string{"critical", "warning", "info"}), meaning: "Alerts of a lower severity do not ask for it."},
		{key: "every", value: span(&r.Every), fallback: "none", meaning: "A schedule: it is also asked for with the first window that ends when so much of event time is over, as windows are aligned."},
		{key: "cooldown", value: duration(&r.Cooldown, 0, maxDuration), meaning: "After how long, in event time, it is asked for again at the earliest. An alert that still fires asks then."},
		{key: "per_day", value: whole(&r.PerDay, 0, 100), meaning: "How often it is asked for in any 24 hours of event time, for each version of the model. 0: as often as the cooldown allows."},
		{key: "expire_after", value: duration(&r.ExpireAfter, time.Minute, maxDuration), meaning: "How long after its window could close it is still worth asking for, on the clock: for as long a target that is away is tried again, and nothing is trained because of history that is only now being read."},
		{key: "dry_run", value: boolean(&r.DryRun), meaning: "What would be asked for is published, and nobody is asked."},
	}
}

// targetName is what somebody is called who is asked or told something.
func targetName(into *string) value {
	return pattern(into, "name", `^[a-zA-Z0-9._-]{1,64}$`, "a name of 1 to 64 letters, digits, dots, _ and -")
}

// eventType is a text that GitHub takes as the type of an event.
func eventType(into *string) value {
	t := text(into).(scalar[string])
	parse := t.parse
	t.parse = func(s string) (string, error) {
		if utf8.RuneCountInString(s) > 100 {
			return "", fmt.Errorf("is longer than 100 characters, which GitHub does not take")
		}
		return parse(s)
	}
	return t
}

// webhookSecrets reads secrets of Standard Webhooks, separated by white space.
func webhookSecrets(texts string) ([][]byte, error) {
	const want = "write whsec_ and the base64 of 24 to 64 random bytes"
	var keys [][]byte
	for text := range strings.FieldsSeq(texts) {
		encoded, found := strings.CutPrefix(text, "whsec_")
		if !found {
			return nil, fmt.Errorf("the secret does not begin with whsec_: %s", want)
		}
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("what follows whsec_ is no base64: %s", want)
		}
		if len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("the secret holds %d bytes: %s", len(key), want)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("there is no secret: %s", want)
	}
	return keys, nil
}

// retraining reports what contradicts in who can be asked.
func (d *decoder) retraining(r *Retraining) {
	names := map[string]string{}
	for i := range r.Targets {
		t, path := &r.Targets[i], item("retraining.targets", i)
		if first, twice := names[t.Name]; twice {
			d.reportAt(path+".name", "%q is already the name of %s: every target has its own", shortened(t.Name), first)
		} else if t.Name != "" {
			names[t.Name] = path
		}
		var ways []string
		for _, key := range []string{"airflow", "kubeflow", "github", "webhook"} {
			if d.has(path + "." + key) {
				ways = append(ways, key)
			}
		}
		switch {
		case len(ways) == 0 && !d.blamed(path):
			d.reportAt(path, "nothing says how the target is asked: add airflow, kubeflow, github or webhook")
		case len(ways) > 1:
			d.reportAt(path+"."+ways[1], "both %s and %s are given: leave one out, or make it a target of its own", ways[0], ways[1])
		}
		d.pairs(path + ".tls")
		d.passwords(path+".airflow", t.Airflow != nil && !d.blamed(path+".airflow"))
		d.secretOrFile(path+".kubeflow", "token", false)
		d.secretOrFile(path+".github", "token", t.GitHub != nil && !d.blamed(path+".github"))
		d.webhook(path+".webhook", t.Webhook)
	}
}

// webhook reports what is wrong with the secrets of a webhook.
func (d *decoder) webhook(path string, w *Webhook) {
	d.secretOrFile(path, "secret", w != nil && !d.blamed(path))
	if w == nil || w.Secret.IsZero() {
		return
	}
	if _, err := webhookSecrets(w.Secret.Reveal()); err != nil {
		at := path + ".secret"
		if !d.has(at) {
			at = path + ".secret_file"
		}
		d.reportAt(at, "%v", err)
	}
}

// secretOrFile reports a secret that is given twice, or not at all.
func (d *decoder) secretOrFile(path, key string, required bool) {
	text, file := d.has(path+"."+key), d.has(path+"."+key+"_file")
	if text && file {
		d.reportAt(path+"."+key+"_file", "both %s and %s_file are given: leave one out", key, key)
	}
	if required && !text && !file {
		d.reportAt(path, "a %s is required: add %s_file, or %s: ${NAME}", key, key, key)
	}
}

// asked reports targets that nobody knows.
func (d *decoder) asked(path string, p *RetrainingPolicy, targets []RetrainingTarget) {
	for i, name := range p.Targets {
		if at := item(path+".targets", i); d.has(at) && name != "" && !slices.ContainsFunc(targets, func(t RetrainingTarget) bool { return t.Name == name }) {
			d.reportAt(at, "%q is the name of no target: add it to retraining.targets", shortened(name))
		}
	}
}
