package grafana

import "strconv"

// chosen is the data source that the viewer has chosen.
func chosen() Datasource { return Datasource{Type: "prometheus", UID: "${datasource}"} }

// A query is PromQL, and what a line of its answer is called.
type query struct{ expr, legend string }

// graph is a panel over time.
func graph(title, description, unit string, queries ...query) *Panel {
	zero := 0.0
	p := panel("timeseries", title, description, queries)
	p.FieldConfig.Defaults = FieldDefaults{Unit: unit, Min: &zero, Custom: map[string]any{"lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": false}}
	p.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull", "max"}},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	for i := range p.Targets {
		p.Targets[i].Range = true
	}
	return p
}

// number is a panel of a single number, red from a value on; 0: never.
func number(title, description, unit string, red float64, q query) *Panel {
	p := panel("stat", title, description, []query{q})
	steps := []Step{{Color: "text"}}
	if red > 0 {
		steps = append(steps, Step{Color: "red", Value: &red})
	}
	p.FieldConfig.Defaults = FieldDefaults{Unit: unit, NoValue: "0", Color: map[string]any{"mode": "thresholds"}, Thresholds: &Thresholds{Mode: "absolute", Steps: steps}}
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": "none", "textMode": "auto",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	p.Targets[0].Instant = true
	return p
}

// table is a panel of the labels of what is so now.
func table(title, description, unit string, hidden []string, links []Link, q query) *Panel {
	p := panel("table", title, description, []query{q})
	p.FieldConfig.Defaults = FieldDefaults{Unit: unit, Links: links}
	p.Options = map[string]any{"showHeader": true, "footer": map[string]any{"show": false}}
	exclude := map[string]any{"Time": true}
	for _, name := range hidden {
		exclude[name] = true
	}
	p.Transformations = []Transformation{{ID: "organize", Options: map[string]any{"excludeByName": exclude}}}
	p.Targets[0].Instant, p.Targets[0].Format = true, "table"
	return p
}

func panel(kind, title, description string, queries []query) *Panel {
	p := &Panel{Type: kind, Title: title, Description: description, Datasource: chosen(), FieldConfig: FieldConfig{Overrides: []any{}}}
	for i, q := range queries {
		p.Targets = append(p.Targets, Target{RefID: string(rune('A' + i)), Datasource: chosen(), Expr: q.expr, LegendFormat: q.legend, Format: "time_series"})
	}
	return p
}

// mayBeEmpty says when a panel shows nothing although all is well.
func (p *Panel) mayBeEmpty(when string) *Panel {
	p.EmptyWhen = when
	p.FieldConfig.Defaults.NoValue = "none"
	p.Description += " Empty while " + when + "."
	return p
}

// from has a panel's axis be logarithmic.
func (p *Panel) logarithmic() *Panel {
	p.FieldConfig.Defaults.Min = nil
	p.FieldConfig.Defaults.Custom["scaleDistribution"] = map[string]any{"type": "log", "log": 10}
	return p
}

// atMost has a panel's axis end there.
func (p *Panel) atMost(highest float64) *Panel {
	p.FieldConfig.Defaults.Max = &highest
	return p
}

// A row is panels of one height, side by side, of equal width.
type row struct {
	height int
	panels []*Panel
}

// laidOut numbers the panels of rows and gives each its place.
func laidOut(rows ...row) []*Panel {
	var all []*Panel
	y := 0
	for _, r := range rows {
		width := columns / len(r.panels)
		for i, p := range r.panels {
			p.ID = len(all) + 1
			p.GridPos = GridPos{H: r.height, W: width, X: i * width, Y: y}
			all = append(all, p)
		}
		y += r.height
	}
	return all
}

// quantiles asks for three quantiles of a histogram's rate.
func quantiles(metric, matchers, by string) []query {
	var all []query
	labels := "le"
	if by != "" {
		labels += ", " + by
	}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		text := strconv.FormatFloat(q, 'g', -1, 64)
		all = append(all, query{
			expr:   "histogram_quantile(" + text + ", sum by (" + labels + ") (rate(" + metric + "_bucket" + matchers + "[$__rate_interval])))",
			legend: "p" + strconv.Itoa(int(q*100)),
		})
	}
	return all
}
