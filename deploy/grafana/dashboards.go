package grafana

// The dashboards' names in addresses: links to them are kept by people.
const (
	Fleet  = "kolmo-fleet"
	Model  = "kolmo-model"
	Itself = "kolmo-itself"
)

// failed are the requests that count as failures unless a model's configuration says
// otherwise.
const failed = `status!~"success|ok|2.."`

// Dashboards are all that are shipped.
func Dashboards() []*Dashboard { return []*Dashboard{fleet(), model(), itself()} }

// dashboard is what all of ours have in common. kolmo is the address of kolmo's page,
// which viewers set once.
func dashboard(uid, title, description string, variables []Variable, panels []*Panel) *Dashboard {
	common := []Variable{
		{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"},
		{Name: "kolmo", Label: "kolmo's page", Type: "textbox", Query: "http://localhost:9464"},
	}
	return &Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"kolmo"}, SchemaVersion: schemaVersion, Timezone: "browser", Refresh: "1m",
		GraphTooltip: 1, Time: Range{From: "now-24h", To: "now"}, Templating: Templating{List: append(common, variables...)},
		Links: []Link{
			{Title: "kolmo", Type: "dashboards", Tags: []string{"kolmo"}, KeepTime: true, IncludeVars: true},
			{Title: "kolmo's page", Type: "link", URL: "${kolmo}/", Icon: "external link", TargetBlank: true},
			{Title: "Runbooks", Type: "link", URL: "${kolmo}/runbooks/", Icon: "doc", TargetBlank: true},
		},
		Panels: panels,
	}
}

// values is a variable of the values of a label.
func values(name, label, query string, all bool) Variable {
	d := chosen()
	v := Variable{Name: name, Label: label, Type: "query", Query: query, Datasource: &d, Refresh: 2, Sort: 1}
	if all {
		v.IncludeAll, v.AllValue = true, ".*" // versions without a name, too
	}
	return v
}

// ofModel lead from a line about a model version to more about it.
func ofModel() []Link {
	const who = "var-model=${__field.labels.model:percentencode}&var-version=${__field.labels.version:percentencode}"
	return []Link{
		{Title: "Its dashboard", URL: "/d/" + Model + "?${datasource:queryparam}&" + who},
		{Title: "Evidence", URL: "${kolmo}/model?name=${__field.labels.model:percentencode}&version=${__field.labels.version:percentencode}", TargetBlank: true},
	}
}

// ofRow are the same for a row of a table.
func ofRow() []Link {
	const who = "var-model=${__data.fields.model:percentencode}&var-version=${__data.fields.version:percentencode}"
	return []Link{
		{Title: "Its dashboard", URL: "/d/" + Model + "?${datasource:queryparam}&" + who},
		{Title: "Evidence", URL: "${kolmo}/model?name=${__data.fields.model:percentencode}&version=${__data.fields.version:percentencode}", TargetBlank: true},
	}
}

// linked has what a panel shows lead to models.
func linked(p *Panel) *Panel {
	p.FieldConfig.Defaults.Links = ofModel()
	return p
}

func fleet() *Dashboard {
	const version = "{{model}} {{version}}"
	return dashboard(Fleet, "kolmo: all models", "Which models drift, fail, or are not watched.", nil, laidOut(
		row{4, []*Panel{
			number("Alerts that fire", "Of models, of all severities.", "none", 1, query{"sum(kolmo_alerts_firing) or vector(0)", ""}),
			number("Critical", "Those that page.", "none", 1, query{`sum(kolmo_alerts_firing{severity="critical"}) or vector(0)`, ""}),
			number("Model versions", "With windows that were closed.", "none", 0, query{"count(count by (model, version) (kolmo_window_events))", ""}),
			number("Without a reference", "Versions with events that are compared with nothing, and collect none.", "none", 1,
				query{"sum(max by (model, version) (kolmo_reference_missing) unless max by (model, version) (kolmo_reference_collecting) == 1) or vector(0)", ""}),
		}},
		row{9, []*Panel{
			table("What fires", "Each alert that fires, with its severity.", "none", []string{"Value", "job", "instance"}, ofRow(),
				query{"max by (model, version, kind, severity) (kolmo_alerts_firing) == 1", ""}).mayBeEmpty("nothing fires"),
			linked(graph("Alerts that fire, by kind", "How many model versions have an alert of the kind.", "none",
				query{"sum by (kind) (max by (model, version, kind, severity) (kolmo_alerts_firing))", "{{kind}}"})).mayBeEmpty("nothing has fired"),
		}},
		row{9, []*Panel{
			linked(graph("Drifted features", "In the last window, of the ten versions with most of them.", "none",
				query{"topk(10, sum by (model, version) (max by (model, version, feature) (kolmo_feature_drifted)))", version})),
			table("Features that drift in most models", "One that drifts in many has one cause.", "none", []string{"job", "instance"}, nil,
				query{"topk(20, count by (feature) (max by (model, version, feature) (kolmo_feature_drifted) == 1))", ""}).mayBeEmpty("nothing drifts"),
		}},
		row{9, []*Panel{
			linked(graph("Requests", "By model version, the ten with most.", "reqps",
				query{"topk(10, sum by (model, version) (rate(model_requests_total[$__rate_interval])))", version})),
			linked(graph("Share of failed requests", "By model version, the ten with most.", "percentunit",
				query{"topk(10, sum by (model, version) (rate(model_requests_total{" + failed + "}[$__rate_interval])) / sum by (model, version) (rate(model_requests_total[$__rate_interval])))", version})).mayBeEmpty("no request fails"),
			linked(graph("Latency, p99", "By model version, the ten slowest.", "s",
				query{"topk(10, histogram_quantile(0.99, sum by (model, version, le) (rate(model_latency_seconds_bucket[$__rate_interval]))))", version})),
		}},
		row{9, []*Panel{
			linked(graph("Events of the last window", "By model version, the ten with fewest.", "none",
				query{"bottomk(10, max by (model, version) (kolmo_window_events))", version})),
			linked(graph("Values that are missing", "The ten features with the largest share of events without a value.", "percentunit",
				query{"topk(10, max by (model, version, feature) (kolmo_feature_missing_ratio))", version + " {{feature}}"})),
			linked(graph("Late events", "By model: they are in no window.", "cps",
				query{"topk(10, sum by (model) (rate(kolmo_late_events_total[$__rate_interval])) > 0)", "{{model}}"})).mayBeEmpty("no event is late"),
		}},
	))
}

func model() *Dashboard {
	const of = `{model=~"$model",version=~"$version"}`
	const ofTo = `{model=~"$model",version=~"$version",`
	d := dashboard(Model, "kolmo: one model", "What a model version looks like, window by window.", []Variable{
		values("model", "Model", "label_values(kolmo_windows_closed_total, model)", false),
		values("version", "Version", `label_values(kolmo_windows_closed_total{model=~"$model"}, version)`, true),
	}, laidOut(
		row{4, []*Panel{
			number("Alerts that fire", "Of this model.", "none", 1, query{"sum(kolmo_alerts_firing" + of + ") or vector(0)", ""}),
			number("Drifted features", "In the last window.", "none", 1, query{"sum(max by (version, feature) (kolmo_feature_drifted" + of + "))", ""}),
			number("Events of the last window", "Of all versions shown.", "none", 0, query{"sum(max by (version) (kolmo_window_events" + of + "))", ""}),
			number("Without a reference", "Versions that are compared with nothing, and collect none.", "none", 1,
				query{"sum(max by (model, version) (kolmo_reference_missing" + of + ") unless max by (model, version) (kolmo_reference_collecting) == 1) or vector(0)", ""}),
		}},
		row{8, []*Panel{
			graph("Alerts", "1 while an alert fires.", "none", query{"max by (version, kind, severity) (kolmo_alerts_firing" + of + ")", "{{version}} {{kind}} ({{severity}})"}).atMost(1).mayBeEmpty("nothing has fired"),
			graph("Drifted features", "How many, in each window.", "none", query{"sum by (version) (max by (version, feature) (kolmo_feature_drifted" + of + "))", "{{version}}"}),
		}},
		row{10, []*Panel{
			graph("How far features are from the reference", "The statistic of each one's test: D of Kolmogorov–Smirnov, for one. The ten largest.", "none",
				query{"topk(10, max by (version, feature, test) (kolmo_feature_drift_statistic" + of + "))", "{{version}} {{feature}} ({{test}})"}),
			graph("How surprising that is", "The adjusted p-value of each feature, on a logarithmic axis. The ten smallest above 0.", "none",
				query{"bottomk(10, max by (version, feature) (kolmo_feature_p_value" + of + ") > 0)", "{{version}} {{feature}}"}).logarithmic(),
		}},
		row{9, []*Panel{
			graph("Prediction", "How far predictions are from the reference's.", "none",
				query{"max by (version, test) (kolmo_feature_drift_statistic" + ofTo + `feature="prediction"})`, "{{version}} ({{test}})"}),
			graph("Values that are missing", "Share of the events of a window without a value. The ten largest.", "percentunit",
				query{"topk(10, max by (version, feature) (kolmo_feature_missing_ratio" + of + "))", "{{version}} {{feature}}"}).atMost(1),
		}},
		row{9, []*Panel{
			graph("Requests", "By status.", "reqps", query{"sum by (version, status) (rate(model_requests_total" + of + "[$__rate_interval]))", "{{version}} {{status}}"}),
			graph("Share of failed requests", "Of those whose status is no success.", "percentunit",
				query{"sum by (version) (rate(model_requests_total" + ofTo + failed + "}[$__rate_interval])) / sum by (version) (rate(model_requests_total" + of + "[$__rate_interval]))", "{{version}}"}).mayBeEmpty("no request fails"),
			graph("Latency", "Quantiles over all versions shown.", "s", quantiles("model_latency_seconds", of, "")...),
		}},
		row{8, []*Panel{
			graph("Events of a window", "By version.", "none", query{"max by (version) (kolmo_window_events" + of + ")", "{{version}}"}),
			graph("Windows closed", "In an hour, by version.", "none", query{"sum by (version) (increase(kolmo_windows_closed_total" + of + "[1h]))", "{{version}}"}),
			graph("Reference", "1 while a version is compared with nothing, and while one is collected.", "none",
				query{"max by (version) (kolmo_reference_missing" + of + ")", "{{version}} missing"},
				query{"max by (version) (kolmo_reference_collecting" + of + ")", "{{version}} collecting"}).atMost(1),
		}},
	))
	d.Links = append(d.Links, Link{Title: "Evidence", Type: "link", URL: "${kolmo}/model?name=${model:percentencode}&version=${version:percentencode}", Icon: "external link", TargetBlank: true})
	return d
}

func itself() *Dashboard {
	const topic, partition = "{{topic}}", "{{topic}}/{{partition}}"
	rate := func(metric, by string) string { return "sum by (" + by + ") (rate(" + metric + "[$__rate_interval]))" }
	return dashboard(Itself, "kolmo: itself", "Whether kolmo sees everything, keeps up, and reaches whom it should tell.", nil, laidOut(
		row{4, []*Panel{
			number("Instances", "That Prometheus reaches.", "none", 0, query{"count(kolmo_build_info)", ""}),
			number("Furthest behind", "Of the partitions with something to read.", "s", 900,
				query{"max(max by (topic, partition) (kolmo_watermark_lag_seconds) unless max by (topic, partition) (kolmo_partition_idle) == 1) or vector(0)", ""}),
			number("Longest not closed", "Since when the slowest shard has not been up to date.", "s", 300, query{"time() - min(max by (shard) (kolmo_closed_timestamp_seconds))", ""}),
			number("Idle partitions", "Kafka says that they have nothing more.", "none", 0, query{"sum(max by (topic, partition) (kolmo_partition_idle))", ""}),
			number("Refused in an hour", "Records that are no events.", "none", 1, query{`sum(increase(kolmo_events_total{result="rejected"}[1h]))`, ""}),
			number("Lost in an hour", "Records that Kafka deleted unread.", "none", 1, query{`sum(increase(kolmo_events_total{result="deleted_unread"}[1h]))`, ""}),
		}},
		row{9, []*Panel{
			graph("Records", "By topic, and what became of them.", "cps", query{rate("kolmo_events_total", "topic, result"), topic + " {{result}}"}),
			graph("Records that wait", "That no checkpoint holds yet.", "none", query{"sum by (topic) (kolmo_consumer_lag_records)", topic}),
		}},
		row{9, []*Panel{
			graph("Behind the clock", "How far the watermark of each partition is; one that is idle counts from its last event.", "s",
				query{"max by (topic, partition) (kolmo_watermark_lag_seconds)", partition}),
			graph("Idle and held", "How many partitions have nothing to read, and how many wait for others.", "none",
				query{"sum by (topic) (max by (topic, partition) (kolmo_partition_idle))", topic + " idle"},
				query{"sum by (topic) (max by (topic, partition) (kolmo_partition_held))", topic + " held"}),
			graph("The partition that others wait for", "For how long they have, and how far it is behind the one that is furthest ahead.", "s",
				query{"max by (topic, partition) (kolmo_slowest_partition_waited_for_seconds)", partition + " waited for"},
				query{"max by (topic, partition) (kolmo_slowest_partition_behind_seconds)", partition + " behind"}).mayBeEmpty("nobody waits"),
		}},
		row{9, []*Panel{
			graph("Since a shard was up to date", "Seconds, when all is well.", "s", query{"time() - max by (shard) (kolmo_closed_timestamp_seconds)", "shard {{shard}}"}),
			graph("Windows closed", "A second, by instance.", "cps", query{rate("kolmo_windows_closed_total", "instance"), "{{instance}}"}),
			graph("Versions without a reference", "Compared with nothing, and those that collect one.", "none",
				query{"sum(max by (model, version) (kolmo_reference_missing))", "nothing to compare with"},
				query{"sum(max by (model, version) (kolmo_reference_collecting))", "of these collect"}),
		}},
		row{9, []*Panel{
			graph("Checkpoints", "How long one takes.", "s", quantiles("kolmo_checkpoint_seconds", "", "")...),
			graph("State written to Redis", "By instance.", "Bps", query{rate("kolmo_checkpoint_bytes_total", "instance"), "{{instance}}"}),
			graph("Fenced", "Writes that were refused since somebody else had taken over.", "cps", query{rate("kolmo_fenced_total", "instance"), "{{instance}}"}),
		}},
		row{9, []*Panel{
			graph("Dead letters", "By reason.", "cps", query{rate("kolmo_dead_letters_total", "topic, reason") + " > 0", topic + " {{reason}}"}).mayBeEmpty("nothing is refused"),
			graph("Beyond limits", "What is counted under another name, or not at all.", "cps", query{rate("kolmo_over_limit_total", "limit"), "{{limit}}"}),
			graph("Features without series", "Kept out of the metrics by limits.feature_series.", "cps", query{rate("kolmo_feature_series_left_out_total", "instance"), "{{instance}}"}),
		}},
		row{9, []*Panel{
			graph("Alerts sent", "By Alertmanager: taken, and failed.", "cps",
				query{rate("kolmo_alertmanager_sent_total", "alertmanager"), "{{alertmanager}} taken"},
				query{rate("kolmo_alertmanager_failed_total", "alertmanager"), "{{alertmanager}} failed"}).mayBeEmpty("kolmo tells no Alertmanager"),
			graph("Alerts given up", "Until they are next told.", "cps", query{rate("kolmo_alertmanager_dropped_total", "alertmanager, reason"), "{{alertmanager}} {{reason}}"}).mayBeEmpty("kolmo tells no Alertmanager"),
			graph("Alerts that wait", "By Alertmanager.", "none", query{"sum by (alertmanager) (kolmo_alertmanager_queue_length)", "{{alertmanager}}"}).mayBeEmpty("kolmo tells no Alertmanager"),
		}},
		row{9, []*Panel{
			graph("Webhooks", "Alerts that each has taken, and attempts that failed.", "cps",
				query{rate("kolmo_webhook_sent_total", "webhook"), "{{webhook}} taken"},
				query{rate("kolmo_webhook_failed_total", "webhook"), "{{webhook}} failed"}).mayBeEmpty("there are no webhooks"),
			graph("Retrainings", "That each target has taken, and attempts to ask it that failed.", "cps",
				query{rate("kolmo_retraining_sent_total", "target"), "{{target}} taken"},
				query{rate("kolmo_retraining_failed_total", "target"), "{{target}} failed"}).mayBeEmpty("nobody is asked to train models again"),
			graph("What waits for them", "And was not sent until now.", "none",
				query{"sum by (webhook) (kolmo_webhook_queue_length)", "{{webhook}}"},
				query{"sum by (target) (kolmo_retraining_queue_length)", "{{target}}"}).mayBeEmpty("there are no webhooks"),
		}},
		row{8, []*Panel{
			graph("Memory", "Resident, by instance.", "bytes", query{"sum by (instance) (process_resident_memory_bytes and on (instance) kolmo_build_info)", "{{instance}}"}),
			graph("Processor", "Cores in use, by instance.", "none", query{"sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) kolmo_build_info)", "{{instance}}"}),
			table("What runs", "Version and commit, by instance.", "none", []string{"Value", "__name__", "job"}, nil, query{"kolmo_build_info", ""}),
		}},
	))
}
