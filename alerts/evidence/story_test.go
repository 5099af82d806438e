package evidence

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// The story the tests tell: a day of hourly windows of a fraud model. Its
// amounts begin to grow in the evening, a new country comes up, one feature is
// never in the reference; other models are quiet, waiting, or drift a little.

var storyStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func ptr(x float64) *drift.Number {
	n := drift.Number(x)
	return &n
}

// logNormal quantiles, shifted: amounts of money look like this.
func logNormal(shift float64) []float64 {
	var out []float64
	for _, p := range reference.QuantilePoints() {
		p = min(max(p, 0.0005), 0.9995)
		out = append(out, math.Round(100*math.Exp(3.6+shift+0.8*math.Sqrt2*math.Erfinv(2*p-1)))/100)
	}
	return out
}

func numericFeature(d float64, isDrifted bool) *drift.Feature {
	outliers := uint64(35)
	p := math.Pow(10, -250*d)
	return &drift.Feature{
		Type: windows.Numeric, N: 119000, Missing: 1000, Outliers: &outliers,
		Min: ptr(0.01), Max: ptr(990), Mean: ptr(41.2), Std: ptr(12.9),
		Test: "ks", Method: "binned", Statistic: ptr(d), StatisticError: ptr(0.0004), Location: ptr(38.5), Sign: 1,
		PMethod: "asymptotic", P: ptr(p), Adjusted: ptr(min(1, 20*p)), Effect: ptr(d), Drifted: isDrifted,
		Measures:  &drift.Measures{PSI: ptr(d * 1.5), Wasserstein: ptr(30 * d), JensenShannon: ptr(d)},
		Quantiles: &drift.Quantiles{P: reference.QuantilePoints(), Reference: logNormal(0), Current: logNormal(2 * d)},
	}
}

func categoricalFeature(v float64, isDrifted bool) *drift.Feature {
	f := &drift.Feature{
		Type: windows.Categorical, N: 120000, Test: "chi2", Method: "exact", Statistic: ptr(v * v * 170000), StatisticError: ptr(0),
		DegreesOfFreedom: 7, PMethod: "asymptotic", P: ptr(0.2), Adjusted: ptr(0.44), Effect: ptr(v), Drifted: isDrifted,
		Measures: &drift.Measures{PSI: ptr(0.002), JensenShannon: ptr(0.02)},
		Counts: &drift.Counts{
			Categories: []string{"AT", "CH", "DE", "ES", "FR", "GB", "IT", "ZZ"},
			Reference:  []uint64{2100, 1900, 18200, 7100, 11500, 5200, 4000, 0},
			Current:    []uint64{4900, 4500, 43100, 17200, 27600, 12600, 9700, 400},
		},
		NewCategories: []string{"ZZ"},
	}
	if isDrifted {
		f.P, f.LogP, f.Adjusted = ptr(0), ptr(-931.2), ptr(0)
		f.Counts.Current = []uint64{4900, 4500, 63100, 7200, 17600, 12600, 9700, 400}
	}
	return f
}

func storyVerdict(model, version string, hour int, features map[string]*drift.Feature) *drift.Verdict {
	start := storyStart.Add(time.Duration(hour) * time.Hour)
	v := &drift.Verdict{
		Schema: drift.Schema, Kind: "window", Model: model, Version: version,
		Window: drift.Bounds{Start: start, End: start.Add(time.Hour)}, Events: 120000 + uint64(hour*317), Late: 12,
		Reference: &drift.Reference{ID: "sha256:6f1c", Kind: "fixed", Rows: 50000}, Features: features,
		Performance: &drift.Performance{
			Requests: map[string]uint64{"success": 119990, "error": 10}, ErrorRate: ptr(8.3e-5), Throughput: 33.3,
			Latency: &drift.Latency{P50: 4.1, P90: 9, P95: 12.5, P99: 22.5, Max: 180},
		},
	}
	for i := range int64(3) {
		v.Sample = append(v.Sample, drift.Place{Topic: "predictions", Partition: int32(i), Offset: 100_000 + 1000*int64(hour) + i})
	}
	for _, f := range features {
		v.Drifted = v.Drifted || f.Drifted
	}
	return v
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func add(t testing.TB, h *History, verdicts ...*drift.Verdict) {
	t.Helper()
	for _, v := range verdicts {
		if err := h.AddVerdict(encode(t, v)); err != nil {
			t.Fatal(err)
		}
	}
}

func addAlert(t testing.TB, h *History, list ...*alerts.Alert) {
	t.Helper()
	for _, a := range list {
		if err := h.AddAlert(encode(t, a)); err != nil {
			t.Fatal(err)
		}
	}
}

func storyAlert(id, model, version string, status alerts.Status, hour int) *alerts.Alert {
	start := storyStart.Add(time.Duration(hour) * time.Hour)
	a := &alerts.Alert{
		Schema: alerts.Schema, ID: id, Status: status, Kind: alerts.FeatureDrift, Severity: "critical", Model: model, Version: version,
		Window: drift.Bounds{Start: start, End: start.Add(time.Hour)}, Since: start.Add(-time.Hour),
		Summary:  fmt.Sprintf("%s v%s: 2 of 20 features drifted, amount most (D 0.137)", model, version),
		Features: []alerts.Culprit{{Name: "amount", Test: "ks", Statistic: ptr(0.137), Adjusted: ptr(2.4e-29), Effect: ptr(0.137)}},
	}
	if status == alerts.Resolved {
		a.Summary, a.Features = model+" v"+version+": its features are back to the reference", []alerts.Culprit{}
	}
	return a
}

// story tells it all into a history.
func story(t testing.TB) *History {
	t.Helper()
	h := NewHistory(Limits{})
	names := []string{"age_of_account", "basket_size", "chargebacks", "device_score", "distance_km", "hour_of_day", "logins", "merchant_risk", "velocity_1h", "velocity_24h"}
	for hour := range 24 {
		grown := 0.02 + 0.01*math.Abs(math.Sin(float64(hour)))
		if hour >= 16 {
			grown += 0.02 * float64(hour-15)
		}
		if hour == 5 || hour == 6 {
			grown = 0.18
		}
		features := map[string]*drift.Feature{
			"amount":  numericFeature(grown, grown >= 0.1),
			"country": categoricalFeature(0.03+0.5*max(0, grown-0.05), hour >= 21),
			"coupon":  {Type: windows.Categorical, N: 800, Missing: 0, Untested: "the reference does not have this feature"},
		}
		for i, name := range names {
			features[name] = numericFeature(0.012+0.006*math.Abs(math.Sin(float64(hour*7+i*13)))+0.004*float64(i%4), false)
		}
		features["velocity_24h"] = numericFeature(max(0.03, grown-0.08), grown-0.08 >= 0.1)
		v := storyVerdict("fraud", "3", hour, features)
		v.Prediction = numericFeature(grown/2, grown/2 >= 0.1)
		add(t, h, v)
		add(t, h, storyVerdict("churn", "2026-02", hour, map[string]*drift.Feature{
			"tenure": numericFeature(0.03, false), "plan": categoricalFeature(0.02, false),
		}))
		if hour > 18 {
			one := numericFeature(0.11, hour == 23)
			add(t, h, storyVerdict("ranking/home page", "", hour, map[string]*drift.Feature{"dwell": one, "position": numericFeature(0.02, false)}))
		}
	}
	waiting := storyVerdict("eta", "1", 23, map[string]*drift.Feature{"distance": {N: 4000, Untested: "there is no reference yet"}})
	waiting.Reference = nil
	add(t, h, waiting)
	addAlert(t, h,
		storyAlert("1d0c", "fraud", "3", alerts.Firing, 6), storyAlert("1d0c", "fraud", "3", alerts.Resolved, 9),
		storyAlert("77aa", "fraud", "3", alerts.Firing, 20))
	return h
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
