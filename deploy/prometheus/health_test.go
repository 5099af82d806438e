package prometheus

import (
	"maps"
	"strings"
	"testing"
)

// healthy is what one instance exposes that reads two topics, tells two Alertmanagers,
// and lacks nothing.
func healthy() map[string]string {
	series := map[string]string{
		`kolmo_build_info{job="kolmo",instance="a",version="1",commit="c"}`: constantly("1"),
	}
	for _, topic := range []string{"predictions", "features"} {
		for result, values := range map[string]string{"accepted": "0+600x120", "late": "0+1x120", "rejected": "0+1x120", "over_limit": constantly("0"), "deleted_unread": constantly("0")} {
			series[`kolmo_events_total{job="kolmo",instance="a",topic="`+topic+`",result="`+result+`"}`] = values
		}
		for _, partition := range []string{"0", "1"} {
			series[position("kolmo_watermark_lag_seconds", topic, partition)] = constantly("5")
			series[position("kolmo_partition_idle", topic, partition)] = constantly("0")
			series[position("kolmo_partition_held", topic, partition)] = constantly("0")
		}
	}
	for _, shard := range []string{"0", "1"} {
		series[`kolmo_closed_timestamp_seconds{job="kolmo",instance="a",shard="`+shard+`"}`] = "0+60x120"
	}
	for _, name := range []string{"missing", "collecting"} {
		series[`kolmo_reference_`+name+`{job="kolmo",instance="a",model="fraud",version="3"}`] = constantly("0")
	}
	for _, alertmanager := range []string{"one", "two"} {
		series[told("sent", alertmanager)], series[told("failed", alertmanager)] = "0+2x120", constantly("0")
	}
	series[`kolmo_over_limit_total{job="kolmo",instance="a",limit="features"}`] = constantly("0")
	series[`kolmo_fenced_total{job="kolmo",instance="a"}`] = "0+0.05x120"
	return series
}

func position(metric, topic, partition string) string {
	return metric + `{job="kolmo",instance="a",topic="` + topic + `",partition="` + partition + `"}`
}

func told(what, alertmanager string) string {
	return `kolmo_alertmanager_` + what + `_total{job="kolmo",instance="a",alertmanager="http://` + alertmanager + `:9093"}`
}

// but is healthy with some things changed; an empty text takes a series away.
func but(changes map[string]string) map[string]string {
	series := healthy()
	maps.Copy(series, changes)
	maps.DeleteFunc(series, func(_, values string) bool { return values == "" })
	return series
}

// labelled are an alert's labels; every alert on kolmo itself names the job it is of.
func labelled(severity string, more ...string) map[string]string {
	labels := map[string]string{"severity": severity, "job": "kolmo"}
	for i := 0; i+1 < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return labels
}

// silent is how a topic looks from minute 30 on when nobody sends any more.
func silent(topic string, idle string) map[string]string {
	series := make(map[string]string)
	for result, values := range map[string]string{"accepted": "0+600x30 18000x90", "late": "0+1x30 30x90", "rejected": "0+1x30 30x90"} {
		series[`kolmo_events_total{job="kolmo",instance="a",topic="`+topic+`",result="`+result+`"}`] = values
	}
	for _, partition := range []string{"0", "1"} {
		series[position("kolmo_watermark_lag_seconds", topic, partition)] = "5x30 65+60x90"
		series[position("kolmo_partition_idle", topic, partition)] = idle
	}
	return series
}

// together are several changes at once.
func together(all ...map[string]string) map[string]string {
	series := make(map[string]string)
	for _, changes := range all {
		maps.Copy(series, changes)
	}
	return series
}

const (
	noData      = "Nothing has come on the topic predictions for 30 minutes, and Kafka says that there is nothing to read: nobody sends, or they send elsewhere."
	behindBy    = "On the topic predictions kolmo is 30m 0s behind the clock. Every window closes that much later, and so comes every page."
	lacksIts    = "Events of fraud 3 come, there is no reference to compare their windows with, and none is being collected: no drift of it will be found."
	notClosing  = " has not closed what is due for 30m 0s: the models of that shard get no verdicts and no alerts."
	failedAtOne = "Everything that was sent to http://one:9093 in the last ten minutes has failed. Pages come while another Alertmanager takes them."
	failedAtTwo = "Everything that was sent to http://two:9093 in the last ten minutes has failed. Pages come while another Alertmanager takes them."
)

func TestHealth(t *testing.T) {
	missing := `kolmo_reference_missing{job="kolmo",instance="a",model="fraud",version="3"}`
	collecting := `kolmo_reference_collecting{job="kolmo",instance="a",model="fraud",version="3"}`
	lagOf := func(topic, partition string) string { return position("kolmo_watermark_lag_seconds", topic, partition) }
	heldOf := func(topic, partition string) string { return position("kolmo_partition_held", topic, partition) }
	closedOf := func(shard string) string {
		return `kolmo_closed_timestamp_seconds{job="kolmo",instance="a",shard="` + shard + `"}`
	}
	events := func(result string) string {
		return `kolmo_events_total{job="kolmo",instance="a",topic="predictions",result="` + result + `"}`
	}
	idle := "0x30 1x90"
	noDataFires := fired{"KolmoNoData", labelled("warning", "topic", "predictions"), noData}
	behind := func(topic, of string) fired {
		return fired{"KolmoBehind", labelled("critical", "topic", topic), "On the topic " + topic + " kolmo is " + of + " behind the clock. Every window closes that much later, and so comes every page."}
	}

	lost := but(silent("predictions", constantly("0")))
	for series, values := range lost {
		if strings.Contains(series, "partition") || strings.Contains(series, "shard") || strings.Contains(series, "model") {
			lost[series] = strings.NewReplacer("x120", "x30 stale", "5x30 65+60x90", "5x30 stale").Replace(values)
		}
	}
	gone := make(map[string]string)
	for series, values := range healthy() {
		gone[series] = strings.Replace(values, "x120", "x30 stale", 1)
	}
	stories := []story{
		{"all is well", healthy(), map[string][]fired{"10m": nil, "60m": nil, "110m": nil}},

		// Four different things.
		{"nobody sends predictions any more", but(silent("predictions", idle)), map[string][]fired{"55m": nil, "85m": {noDataFires}, "110m": {noDataFires}}},
		{"it is quiet for twenty minutes", but(map[string]string{events("accepted"): "0+600x30 18000x20 18000+600x70"}), map[string][]fired{"49m": nil, "60m": nil}},
		{"nobody sends, and kolmo is started anew in between", but(silent("predictions", "0x30 1x50 0x2 1x30")), map[string][]fired{"79m": {noDataFires}, "83m": {noDataFires}, "95m": {noDataFires}}},
		{"Kafka answers no more", but(together(silent("predictions", constantly("0")), silent("features", constantly("0")))), map[string][]fired{
			"50m": nil, "61m": {behind("predictions", "31m 5s"), behind("features", "31m 5s")},
		}},
		{"Kafka answers no more for so long that its group is lost", lost, map[string][]fired{
			"33m": nil, "45m": {{"KolmoBehind", labelled("critical"), "1 instances run, and none of them has a partition to read: they do not reach Kafka, or it does not let them join the group. No window closes, and nobody is paged for models."}},
		}},
		{"kolmo is too slow", but(map[string]string{lagOf("predictions", "0"): constantly("1800"), lagOf("predictions", "1"): constantly("1795")}), map[string][]fired{
			"5m": nil, "60m": {{"KolmoBehind", labelled("critical", "topic", "predictions"), behindBy}},
		}},
		{"it catches up after a night", but(map[string]string{lagOf("predictions", "0"): "3600-600x5 600x115", lagOf("predictions", "1"): "3600-600x5 600x115"}), map[string][]fired{"10m": nil, "20m": nil}},
		{"one partition stands, and then the others wait for it", but(map[string]string{
			lagOf("predictions", "1"): "5x30 65+60x90",
			lagOf("predictions", "0"): "5x50 65+60x70", heldOf("predictions", "0"): "0x50 1x70",
			lagOf("features", "0"): "5x50 65+60x70", heldOf("features", "0"): "0x50 1x70",
			lagOf("features", "1"): "5x50 65+60x70", heldOf("features", "1"): "0x50 1x70",
		}), map[string][]fired{
			"38m": nil,
			"46m": {{"KolmoPartitionStuck", labelled("critical", "topic", "predictions", "partition", "1"), "The watermark of predictions/1 has stood for ten minutes and is 16m 5s behind the clock, while others go on or wait for it. Until it goes on, nothing is found in any model."}},
			"90m": {{"KolmoPartitionStuck", labelled("critical", "topic", "predictions", "partition", "1"), "The watermark of predictions/1 has stood for ten minutes and is 1h 0m 5s behind the clock, while others go on or wait for it. Until it goes on, nothing is found in any model."}},
		}},
		{"a version has no reference", but(map[string]string{missing: "0x30 1x90"}), map[string][]fired{
			"40m": nil, "60m": {{"KolmoReferenceMissing", labelled("warning", "model", "fraud", "model_version", "3"), lacksIts}},
		}},
		{"a version collects its reference", but(map[string]string{missing: constantly("1"), collecting: constantly("1")}), map[string][]fired{"60m": nil}},

		{"windows are not closed", but(map[string]string{closedOf("1"): "0+60x30 1800x90"}), map[string][]fired{
			"34m": nil, "60m": {{"KolmoNotClosing", labelled("critical", "shard", "1"), "Shard 1" + notClosing}},
		}},
		{"nothing runs", gone, map[string][]fired{
			"32m": nil, "45m": {{"KolmoDown", map[string]string{"severity": "critical"}, "Prometheus has reached no instance of kolmo for three minutes: no model is watched, and nobody will be told of anything."}},
		}},
		{"an Alertmanager takes nothing", but(map[string]string{told("failed", "one"): "0x30 0+2x90", told("sent", "one"): "0+2x30 60x90"}), map[string][]fired{
			"35m": nil, "60m": {{"KolmoAlertmanagerUnreachable", labelled("warning", "alertmanager", "http://one:9093"), failedAtOne}},
		}},
		{"no Alertmanager takes anything", but(map[string]string{
			told("failed", "one"): "0x30 0+2x90", told("sent", "one"): "0+2x30 60x90",
			told("failed", "two"): "0x30 0+2x90", told("sent", "two"): "0+2x30 60x90",
		}), map[string][]fired{"60m": {
			{"KolmoAlertmanagerUnreachable", labelled("warning", "alertmanager", "http://one:9093"), failedAtOne},
			{"KolmoAlertmanagerUnreachable", labelled("warning", "alertmanager", "http://two:9093"), failedAtTwo},
			{"KolmoAlertmanagerUnreachable", labelled("critical"), "Alerts of models fire, and nobody is told: everything that was sent to any Alertmanager in the last ten minutes has failed."},
		}}},
		{"a webhook and a retraining fail", but(map[string]string{
			`kolmo_webhook_failed_total{job="kolmo",instance="a",webhook="incidents"}`: "0x30 0+1x90", `kolmo_webhook_sent_total{job="kolmo",instance="a",webhook="incidents"}`: constantly("3"),
			`kolmo_webhook_failed_total{job="kolmo",instance="a",webhook="wobbles"}`: "0x30 0+1x90", `kolmo_webhook_sent_total{job="kolmo",instance="a",webhook="wobbles"}`: "0+1x120",
			`kolmo_retraining_failed_total{job="kolmo",instance="a",target="airflow"}`: "0x30 0+1x90", `kolmo_retraining_sent_total{job="kolmo",instance="a",target="airflow"}`: constantly("0"),
		}), map[string][]fired{"30m": nil, "60m": {
			{"KolmoWebhookUnreachable", labelled("warning", "webhook", "incidents"), "Everything that was sent to the webhook incidents in half an hour has failed."},
			{"KolmoWebhookUnreachable", labelled("warning", "target", "airflow"), "Everything that was sent to the retraining airflow in half an hour has failed."},
		}}},
		{"nothing fires, and so nothing is sent", but(map[string]string{told("sent", "one"): constantly("7"), told("sent", "two"): constantly("7")}), map[string][]fired{"60m": nil}},
		{"records are refused", but(map[string]string{
			events("rejected"): "0+30x120",
			`kolmo_dead_letters_total{job="kolmo",instance="a",topic="predictions",reason="invalid_json"}`: "0+20x120",
			`kolmo_dead_letters_total{job="kolmo",instance="a",topic="predictions",reason="wrong_type"}`:   "0+10x120",
			`kolmo_dead_letters_total{job="kolmo",instance="a",topic="features",reason="too_large"}`:       "0+10x120",
		}), map[string][]fired{
			"10m": nil,
			"60m": {{"KolmoDeadLetters", labelled("warning", "topic", "predictions"), "4.754% of the records of predictions are refused and sent to the dead letters, mostly for: invalid_json, wrong_type. They are in no window."}},
		}},
		{"events are late", but(map[string]string{
			events("late"): "0+30x120",
			`kolmo_late_events_total{job="kolmo",instance="a",model="fraud"}`:   "0+29x120",
			`kolmo_late_events_total{job="kolmo",instance="a",model="scoring"}`: "0+1x120",
		}), map[string][]fired{
			"60m": {{"KolmoLateEvents", labelled("warning", "topic", "predictions"), "4.754% of the records of predictions come later than the lateness of their models allows, mostly of: fraud, scoring. They are in no window."}},
		}},
		{"Kafka deletes what was not read", but(map[string]string{events("deleted_unread"): "0x58 100x62"}), map[string][]fired{
			"57m": nil, "61m": {{"KolmoRecordsLost", labelled("critical", "topic", "predictions"), "About 100 records of predictions were deleted before they were read in the last hour. The windows they may have been in are published as incomplete."}},
		}},
		{"there are more features than allowed", but(map[string]string{`kolmo_over_limit_total{job="kolmo",instance="a",limit="features"}`: "0x30 40x90"}), map[string][]fired{
			"60m": {{"KolmoOverLimit", labelled("info", "limit", "features"), "The limit features was exceeded about 40 times in the last hour: what is beyond it is counted under another name, or not at all."}},
		}},
		{"instances fence each other", but(map[string]string{`kolmo_fenced_total{job="kolmo",instance="a"}`: "0+2x120"}), map[string][]fired{
			"10m": nil, "60m": {{"KolmoFenced", labelled("warning"), "About 60 writes were refused in half an hour because somebody else had taken over. Nothing is wrong in what is published, but work is done again and again."}},
		}},
	}

	file := Health(Default())
	promtool(t, file, stories, func(f fired) map[string]string {
		annotations := map[string]string{
			"description": f.description, "dashboard_url": "http://localhost:3000/d/kolmo-itself", "runbook_url": "http://localhost:9464/runbooks/" + f.alert,
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Alert == f.alert && r.Labels.Severity == f.labels["severity"] && strings.HasPrefix(r.Annotations.Summary, "kolmo runs") == (f.alert == "KolmoBehind" && f.labels["topic"] == "") {
					annotations["summary"] = r.Annotations.Summary
				}
			}
		}
		if f.alert == "KolmoReferenceMissing" {
			annotations["evidence_url"] = "http://localhost:9464/model?name=fraud&version=3"
		}
		return annotations
	})
}
