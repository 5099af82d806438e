package prometheus

import (
	"fmt"
	"strings"
)

// The series that the alerts share. Partitions with nothing to read are in neither.
const (
	lag   = "topic_partition:kolmo_watermark_lag:seconds"
	stuck = "topic_partition:kolmo_stuck:seconds"
)

// Health are the rules by which Prometheus watches kolmo itself: what kolmo cannot
// say when it does not run, sees nothing, or is behind.
func Health(o Options) *File {
	file := &File{
		About: `Alerts on kolmo itself, for everybody who runs it. Printed by: kolmo rules
How to use them is in README.md beside this file.
`,
		Groups: []Group{
			{Name: "kolmo.progress", Rules: append(recordings(), progressAlerts(o)...)},
			{Name: "kolmo.records", Rules: recordAlerts()},
			{Name: "kolmo.instances", Rules: instanceAlerts()},
		},
	}
	for _, g := range file.Groups {
		for i := range g.Rules {
			r := &g.Rules[i]
			r.Expr = strings.TrimSpace(r.Expr)
			if r.Alert != "" {
				r.Annotations.RunbookURL = o.runbook(r.Alert)
				r.Annotations.DashboardURL = o.dashboard("kolmo-itself", "")
			}
		}
	}
	return file
}

func recordings() []Rule {
	return []Rule{
		{Record: lag, Expr: `
max by (job, topic, partition) (kolmo_watermark_lag_seconds)
  unless
max by (job, topic, partition) (kolmo_partition_idle) == 1`},
		// A watermark that stands gets a second older every second. Those that are held
		// stand because of another; where all stand, none of them is the cause.
		{Record: stuck, Expr: fmt.Sprintf(`
(
  %[1]s
    and
  %[1]s - %[1]s offset 5m >= 285
    unless
  max by (job, topic, partition) (kolmo_partition_held) == 1
)
  and on (job)
(
  count by (job) (%[1]s - %[1]s offset 5m < 285) > 0
    or
  max by (job) (kolmo_partition_held) == 1
)`, lag)},
	}
}

// progressAlerts tell four things apart: that there is nothing to read, that there is
// nothing to compare with, that kolmo is behind, and that a single partition is.
func progressAlerts(o Options) []Rule {
	return []Rule{
		{Alert: "KolmoNoData", For: "10m", KeepFiringFor: "5m", Labels: Labels{"warning"}, Expr: fmt.Sprintf(`
sum by (job, topic) (increase(kolmo_events_total[%s])) == 0
  and
min by (job, topic) (kolmo_partition_idle) == 1`, duration(o.NoData)),
			Annotations: Annotations{
				Summary:     "An input topic brings no events.",
				Description: `Nothing has come on the topic {{ $labels.topic }} for ` + words(o.NoData) + `, and Kafka says that there is nothing to read: nobody sends, or they send elsewhere.`,
			}},
		{Alert: "KolmoReferenceMissing", For: "15m", KeepFiringFor: "5m", Labels: Labels{"warning"}, Expr: `
max by (job, model, model_version) (label_replace(kolmo_reference_missing, "model_version", "$1", "version", "(.*)")) == 1
  unless
max by (job, model, model_version) (label_replace(kolmo_reference_collecting, "model_version", "$1", "version", "(.*)")) == 1`,
			Annotations: Annotations{
				Summary:     "A model version is watched, but compared with nothing.",
				Description: `Events of {{ $labels.model }} {{ $labels.model_version }} come, there is no reference to compare their windows with, and none is being collected: no drift of it will be found.`,
				EvidenceURL: strings.TrimSuffix(o.ExternalURL, "/") + modelPage,
			}},
		{Alert: "KolmoPartitionStuck", For: "5m", Labels: Labels{"critical"}, Expr: stuck,
			Annotations: Annotations{
				Summary:     "A partition does not go on, and no window closes without it.",
				Description: `The watermark of {{ $labels.topic }}/{{ $labels.partition }} has stood for ten minutes and is {{ $value | humanizeDuration }} behind the clock, while others go on or wait for it. Until it goes on, nothing is found in any model.`,
			}},
		{Alert: "KolmoBehind", For: "10m", KeepFiringFor: "2m", Labels: Labels{"critical"}, Expr: fmt.Sprintf(`
max by (job, topic) (%s) > %.0f
  unless on (job)
%s`, lag, o.Behind.Seconds(), stuck),
			Annotations: Annotations{
				Summary:     "kolmo is behind: what it finds, it finds late.",
				Description: `On the topic {{ $labels.topic }} kolmo is {{ $value | humanizeDuration }} behind the clock. Every window closes that much later, and so comes every page.`,
			}},
		// An instance that Kafka has not answered for long owns no partition, and says nothing
		// of any.
		{Alert: "KolmoBehind", For: "5m", Labels: Labels{"critical"}, Expr: `
count by (job) (kolmo_build_info)
  unless on (job)
kolmo_partition_idle`,
			Annotations: Annotations{
				Summary:     "kolmo runs and reads nothing.",
				Description: `{{ $value }} instances run, and none of them has a partition to read: they do not reach Kafka, or it does not let them join the group. No window closes, and nobody is paged for models.`,
			}},
		{Alert: "KolmoNotClosing", For: "5m", Labels: Labels{"critical"}, Expr: `
time() - max by (job, shard) (kolmo_closed_timestamp_seconds) > 300`,
			Annotations: Annotations{
				Summary:     "Windows are not being closed.",
				Description: `Shard {{ $labels.shard }} has not closed what is due for {{ $value | humanizeDuration }}: the models of that shard get no verdicts and no alerts.`,
			}},
	}
}

func recordAlerts() []Rule {
	share := func(result string) string {
		return fmt.Sprintf(`
sum by (job, topic) (rate(kolmo_events_total{result=%q}[15m]))
  /
sum by (job, topic) (rate(kolmo_events_total[15m]))
  > 0.01`, result)
	}
	return []Rule{
		{Alert: "KolmoDeadLetters", For: "15m", KeepFiringFor: "5m", Labels: Labels{"warning"}, Expr: share("rejected"),
			Annotations: Annotations{
				Summary:     "Records are refused.",
				Description: `{{ $value | humanizePercentage }} of the records of {{ $labels.topic }} are refused and sent to the dead letters{{ with printf "topk(3, sum by (reason) (increase(kolmo_dead_letters_total{topic=%q}[15m])) > 0)" $labels.topic | query }}, mostly for: {{ range $i, $r := . }}{{ if $i }}, {{ end }}{{ $r.Labels.reason }}{{ end }}{{ end }}. They are in no window.`,
			}},
		{Alert: "KolmoLateEvents", For: "15m", KeepFiringFor: "5m", Labels: Labels{"warning"}, Expr: share("late"),
			Annotations: Annotations{
				Summary:     "Events come after their windows have closed.",
				Description: `{{ $value | humanizePercentage }} of the records of {{ $labels.topic }} come later than the lateness of their models allows{{ with query "topk(3, sum by (model) (increase(kolmo_late_events_total[15m])) > 0)" }}, mostly of: {{ range $i, $r := . }}{{ if $i }}, {{ end }}{{ $r.Labels.model }}{{ end }}{{ end }}. They are in no window.`,
			}},
		{Alert: "KolmoRecordsLost", Labels: Labels{"critical"}, Expr: `
sum by (job, topic) (increase(kolmo_events_total{result="deleted_unread"}[1h])) > 0`,
			Annotations: Annotations{
				Summary:     "Kafka deleted records that kolmo had not read.",
				Description: `About {{ $value | humanize }} records of {{ $labels.topic }} were deleted before they were read in the last hour. The windows they may have been in are published as incomplete.`,
			}},
		{Alert: "KolmoOverLimit", For: "5m", Labels: Labels{"info"}, Expr: `
sum by (job, limit) (increase(kolmo_over_limit_total[1h])) > 0`,
			Annotations: Annotations{
				Summary:     "The input is beyond a limit.",
				Description: `The limit {{ $labels.limit }} was exceeded about {{ $value | humanize }} times in the last hour: what is beyond it is counted under another name, or not at all.`,
			}},
	}
}

func instanceAlerts() []Rule {
	return []Rule{
		{Alert: "KolmoDown", For: "3m", Labels: Labels{"critical"}, Expr: `absent(kolmo_build_info)`,
			Annotations: Annotations{
				Summary:     "No instance of kolmo runs.",
				Description: `Prometheus has reached no instance of kolmo for three minutes: no model is watched, and nobody will be told of anything.`,
			}},
		{Alert: "KolmoAlertmanagerUnreachable", For: "5m", Labels: Labels{"warning"}, Expr: `
sum by (job, alertmanager) (increase(kolmo_alertmanager_failed_total[10m])) > 0
  and
sum by (job, alertmanager) (increase(kolmo_alertmanager_sent_total[10m])) == 0`,
			Annotations: Annotations{
				Summary:     "An Alertmanager does not take what kolmo tells it.",
				Description: `Everything that was sent to {{ $labels.alertmanager }} in the last ten minutes has failed. Pages come while another Alertmanager takes them.`,
			}},
		{Alert: "KolmoAlertmanagerUnreachable", For: "5m", Labels: Labels{"critical"}, Expr: `
sum by (job) (increase(kolmo_alertmanager_failed_total[10m])) > 0
  and
sum by (job) (increase(kolmo_alertmanager_sent_total[10m])) == 0`,
			Annotations: Annotations{
				Summary:     "No Alertmanager takes what kolmo tells it.",
				Description: `Alerts of models fire, and nobody is told: everything that was sent to any Alertmanager in the last ten minutes has failed.`,
			}},
		{Alert: "KolmoWebhookUnreachable", For: "5m", Labels: Labels{"warning"}, Expr: `
(
  sum by (job, target) (increase(kolmo_retraining_failed_total[30m])) > 0
    and
  sum by (job, target) (increase(kolmo_retraining_sent_total[30m])) == 0
)
  or
(
  sum by (job, webhook) (increase(kolmo_webhook_failed_total[30m])) > 0
    and
  sum by (job, webhook) (increase(kolmo_webhook_sent_total[30m])) == 0
)`,
			Annotations: Annotations{
				Summary:     "Who should be told of alerts, or asked to train a model again, does not answer.",
				Description: `Everything that was sent to {{ with $labels.target }}the retraining {{ . }}{{ end }}{{ with $labels.webhook }}the webhook {{ . }}{{ end }} in half an hour has failed.`,
			}},
		{Alert: "KolmoFenced", For: "10m", Labels: Labels{"warning"}, Expr: `
sum by (job) (increase(kolmo_fenced_total[30m])) > 20`,
			Annotations: Annotations{
				Summary:     "Instances of kolmo keep taking partitions from each other.",
				Description: `About {{ $value | humanize }} writes were refused in half an hour because somebody else had taken over. Nothing is wrong in what is published, but work is done again and again.`,
			}},
	}
}
