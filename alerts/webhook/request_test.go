package webhook

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// An exchange is a request that a server expects, and its answer.
type exchange struct {
	method, path string // path with the query, decoded
	headers      map[string]string
	body         string

	status int
	reply  string
	header map[string]string
}

// serve answers with a script, and reports what differs from it. What comes after its
// end is an error, too.
func serve(t *testing.T, script ...exchange) string {
	t.Helper()
	var mu sync.Mutex
	next := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if next >= len(script) {
			t.Errorf("one request too many: %s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		want := script[next]
		next++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		path, err := url.QueryUnescape(r.URL.String())
		if err != nil {
			t.Error(err)
		}
		if r.Method != want.method || path != want.path {
			t.Errorf("request %d is %s %s, want %s %s", next, r.Method, path, want.method, want.path)
		}
		for name, value := range want.headers {
			if got := r.Header.Get(name); got != value {
				t.Errorf("request %d: %s is %q, want %q", next, name, got, value)
			}
		}
		if r.Header.Get("User-Agent") != "kolmo" || len(body) > 0 && r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("request %d: the headers are %v", next, r.Header)
		}
		if string(body) != want.body {
			t.Errorf("request %d: the body is\n%s\nwant\n%s", next, body, want.body)
		}
		for name, value := range want.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(want.status)
		_, _ = io.WriteString(w, want.reply)
	}))
	t.Cleanup(func() {
		server.Close()
		if next != len(script) {
			t.Errorf("%d of %d requests came", next, len(script))
		}
	})
	return server.URL
}

// drifted is the retraining that the tests ask for.
func drifted() *alerts.RetrainingRecord {
	effect := drift.Number(0.137)
	hour := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	return &alerts.RetrainingRecord{
		Alert: alerts.Alert{
			ID: "5b69", Status: alerts.Triggered, Kind: alerts.RetrainingKind, Severity: "critical", Model: "fraud", Version: "3",
			Window: drift.Bounds{Start: hour, End: hour.Add(time.Hour)}, Since: hour.Add(-time.Hour), Summary: "fraud v3: to be trained again because of feature_drift",
			Features:        []alerts.Culprit{{Name: "amount", Test: "ks", Statistic: &effect, Adjusted: nil, Effect: &effect}},
			FeaturesLeftOut: 1, EvidenceURL: "https://kolmo.example.org/model?name=fraud",
		},
		Cause: "a1b2", CauseKind: alerts.FeatureDrift, CauseSummary: "fraud v3: 2 of 20 features drifted, amount most (D 0.137)",
		Expires: hour.Add(24 * time.Hour),
	}
}

// told is what every target is told of it.
const told = `{"id":"5b69","cause":"a1b2","model":"fraud","version":"3","segment":"",` +
	`"window":{"start":"2026-03-02T10:00:00Z","end":"2026-03-02T11:00:00Z"},` +
	`"alert":{"kind":"feature_drift","severity":"critical","since":"2026-03-02T09:00:00Z",` +
	`"summary":"fraud v3: 2 of 20 features drifted, amount most (D 0.137)",` +
	`"features":[{"name":"amount","test":"ks","statistic":0.137,"p_adjusted":null,"effect":0.137}],"features_left_out":1},` +
	`"evidence_url":"https://kolmo.example.org/model?name=fraud"}`

const note = "fraud v3: to be trained again because of feature_drift"

func orderOf(r *alerts.RetrainingRecord, before bool) *order {
	return &order{message: messageOf(r), note: r.Summary, at: time.Date(2026, 3, 2, 11, 2, 0, 0, time.UTC), before: before}
}

func direct() caller {
	return caller{transport: http.DefaultTransport, timeout: 5 * time.Second, now: func() time.Time { return time.Unix(1772449320, 0) }}
}

func TestAirflow3(t *testing.T) {
	const password = `{"password":"hunter2","username":"kolmo"}`
	begin := exchange{
		method: "POST", path: "/air/api/v2/dags/re train/dagRuns", headers: map[string]string{"Authorization": "Bearer t1"},
		body:   `{"conf":` + told + `,"dag_run_id":"kolmo-5b69","logical_date":null,"note":"` + note + `"}`,
		status: 200, reply: `{"dag_run_id":"kolmo-5b69","state":"queued"}`,
	}
	token := exchange{method: "POST", path: "/air/auth/token", body: password, status: 201, reply: `{"access_token":"t1"}`}
	look := exchange{method: "GET", path: "/air/api/v2/dags/re train/dagRuns/kolmo-5b69", headers: begin.headers, status: 200, reply: `{}`}
	with := func(e exchange, status int, reply string) exchange {
		e.status, e.reply = status, reply
		return e
	}
	bearing := func(e exchange, token string) exchange {
		e.headers = map[string]string{"Authorization": "Bearer " + token}
		return e
	}
	for _, test := range []struct {
		what   string
		script []exchange
		times  int // it is asked
		known  bool
		err    string
	}{
		{"a run begins, and the token serves again", []exchange{token, begin, begin}, 2, false, ""},
		{
			"a token that has expired is renewed once",
			[]exchange{token, begin, with(begin, 401, `{"detail":"expired"}`), with(token, 201, `{"access_token":"t2"}`), bearing(begin, "t2")}, 2, false, "",
		},
		{
			"so is one that is no token any more",
			[]exchange{token, begin, with(begin, 403, `{"detail":"Invalid JWT token"}`), with(token, 201, `{"access_token":"t2"}`), bearing(begin, "t2")}, 2, false, "",
		},
		{
			"the user may not", []exchange{token, with(begin, 403, `{"detail":"Forbidden"}`), token, with(begin, 403, `{"detail":"Forbidden"}`)},
			1, false, `it answered 403: {"detail":"Forbidden"}`,
		},
		{"the password is wrong", []exchange{with(token, 401, `{"detail":"Invalid credentials"}`)}, 1, false, `asking Airflow for a token: it answered 401: {"detail":"Invalid credentials"}`},
		{"no token in the answer", []exchange{with(token, 201, `{}`)}, 1, false, "its answer holds none"},
		{"no JSON in the answer", []exchange{with(token, 201, `<html>`)}, 1, false, "its answer cannot be read"},
		{
			"a new token is refused as well", []exchange{token, with(begin, 401, `no`), with(token, 201, `{"access_token":"t2"}`), with(bearing(begin, "t2"), 401, "no")},
			1, false, "it answered 401: no",
		},
		{"the run is there", []exchange{token, with(begin, 409, `exists`), look}, 1, true, ""},
		{"another run is in its way", []exchange{token, with(begin, 409, `logical date`), with(look, 404, "")}, 1, false, "it answered 409: logical date"},
		{"no such DAG", []exchange{token, with(begin, 404, `not found`)}, 1, false, "it answered 404: not found"},
		{"ill", []exchange{token, with(begin, 503, `later`)}, 1, false, "it answered 503: later"},
	} {
		t.Run(test.what, func(t *testing.T) {
			base := serve(t, test.script...)
			a := &airflow{Airflow: Airflow{URL: base + "/air/", Version: 3, DAG: "re train", Username: "kolmo", Password: "hunter2"}, caller: direct()}
			for n := range test.times {
				got, err := a.ask(t.Context(), orderOf(drifted(), n > 0))
				if test.err != "" {
					if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2") {
						t.Errorf("the error is %v, want %s", err, test.err)
					}
					continue
				}
				if want := (taken{run: "kolmo-5b69", url: base + "/air/dags/re%20train/runs/kolmo-5b69", known: test.known}); err != nil || got != want {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

func TestAirflow2(t *testing.T) {
	begin := exchange{
		method: "POST", path: "/api/v1/dags/retrain/dagRuns", headers: map[string]string{"Authorization": "Basic a29sbW86aHVudGVyMg=="},
		body:   `{"conf":` + told + `,"dag_run_id":"kolmo-5b69","note":"` + note + `"}`,
		status: 200, reply: `{"dag_run_id":"kolmo-5b69"}`,
	}
	conflict := begin
	conflict.status = 409
	look := exchange{method: "GET", path: "/api/v1/dags/retrain/dagRuns/kolmo-5b69", headers: begin.headers, status: 200}
	base := serve(t, begin, conflict, look)
	a := &airflow{Airflow: Airflow{URL: base, Version: 2, DAG: "retrain", Username: "kolmo", Password: "hunter2"}, caller: direct()}
	for _, known := range []bool{false, true} {
		got, err := a.ask(t.Context(), orderOf(drifted(), known))
		if want := (taken{run: "kolmo-5b69", url: base + "/dags/retrain/grid?dag_run_id=kolmo-5b69", known: known}); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestKubeflow(t *testing.T) {
	bearer := map[string]string{"Authorization": "Bearer t0"}
	begin := exchange{
		method: "POST", path: "/pipeline/apis/v2beta1/runs", headers: bearer,
		body: `{"description":"` + note + `","display_name":"kolmo-5b69","experiment_id":"e1",` +
			`"pipeline_version_reference":{"pipeline_id":"p1","pipeline_version_id":"v1"},"runtime_config":{"parameters":{"kolmo":` + told + `}}}`,
		status: 200, reply: `{"run_id":"r1","display_name":"kolmo-5b69"}`,
	}
	look := exchange{
		method: "GET", headers: bearer, status: 200, reply: `{}`,
		path: `/pipeline/apis/v2beta1/runs?experiment_id=e1&filter={"predicates":[{"key":"display_name","operation":"EQUALS","stringValue":"kolmo-5b69"}]}&page_size=10`,
	}
	there := look
	there.reply = `{"runs":[{"run_id":"r0","display_name":"kolmo-5b6"},{"run_id":"r1","display_name":"kolmo-5b69"}],"total_size":2}`
	ill := look
	ill.status = 500
	base := serve(t, begin, look, begin, there, ill)
	k := &kubeflow{Kubeflow: Kubeflow{URL: base + "/pipeline", Experiment: "e1", Pipeline: "p1", Version: "v1", Parameter: "kolmo", Token: "t0"}, caller: direct()}
	for _, test := range []struct {
		before, known bool
	}{{false, false}, {true, false}, {true, true}} {
		got, err := k.ask(t.Context(), orderOf(drifted(), test.before))
		if want := (taken{run: "r1", url: base + "/pipeline/#/runs/details/r1", known: test.known}); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	// Who cannot be asked whether it has been asked is not asked again.
	if _, err := k.ask(t.Context(), orderOf(drifted(), true)); err == nil {
		t.Error("a run began although nobody could say whether there is one")
	}
}

func TestKubeflowWithDefaults(t *testing.T) {
	base := serve(t, exchange{
		method: "POST", path: "/apis/v2beta1/runs", headers: map[string]string{"Authorization": ""}, status: 200, reply: `{"run_id":"r1"}`,
		body: `{"description":"` + note + `","display_name":"kolmo-5b69","pipeline_version_reference":{"pipeline_id":"p1"},"runtime_config":{"parameters":{"drift":` + told + `}}}`,
	})
	k := &kubeflow{Kubeflow: Kubeflow{URL: base, Pipeline: "p1", Parameter: "drift"}, caller: direct()}
	if _, err := k.ask(t.Context(), orderOf(drifted(), false)); err != nil {
		t.Error(err)
	}
}

func TestGitHub(t *testing.T) {
	headers := map[string]string{"Authorization": "Bearer t0", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
	begin := exchange{
		method: "POST", path: "/repos/acme/fraud-model/dispatches", headers: headers, status: 204,
		body: `{"client_payload":` + told + `,"event_type":"retrain"}`,
	}
	look := func(page int, reply string) exchange {
		return exchange{
			method: "GET", headers: headers, status: 200, reply: reply,
			path: fmt.Sprintf("/repos/acme/fraud-model/actions/runs?created=>=2026-03-02T10:02:00Z&event=repository_dispatch&page=%d&per_page=100", page),
		}
	}
	others := make([]string, 100)
	for i := range others {
		others[i] = `{"id":1,"display_title":"retrain 0000","html_url":"https://github.example.org/1"}`
	}
	full := `{"workflow_runs":[` + strings.Join(others, ",") + `]}`
	there := `{"workflow_runs":[{"id":7,"display_title":"retrain 5b69","html_url":"https://github.example.org/7"}]}`
	forbidden := look(1, "no")
	forbidden.status = 403
	base := serve(t, begin, look(1, `{"workflow_runs":[]}`), begin, look(1, full), look(2, there), forbidden)
	g := &github{GitHub: GitHub{URL: base + "/", Repository: "acme/fraud-model", EventType: "retrain", Token: "t0"}, caller: direct()}
	for _, test := range []struct {
		before bool
		want   taken
	}{{false, taken{}}, {true, taken{}}, {true, taken{run: "7", url: "https://github.example.org/7", known: true}}} {
		if got, err := g.ask(t.Context(), orderOf(drifted(), test.before)); err != nil || got != test.want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, err := g.ask(t.Context(), orderOf(drifted(), true)); err == nil || !strings.Contains(err.Error(), "it answered 403: no") {
		t.Errorf("%v", err)
	}
}

// GitHub takes ten keys at the top of a payload, and 65,535 characters.
func TestAMessageIsWhatGitHubTakes(t *testing.T) {
	r := drifted()
	long := strings.Repeat("\x01", 256) // every character six in JSON
	r.Model, r.Version, r.Segment, r.CauseSummary, r.EvidenceURL = long, long, long, long+long, long+long
	r.Features = nil
	for range 20 {
		number := drift.Number(-1.2345678901234567e-300)
		r.Features = append(r.Features, alerts.Culprit{Name: long, Test: "wasserstein", Statistic: &number, Adjusted: &number, Effect: &number})
	}
	body, err := encode(messageOf(r))
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > 65_535 {
		t.Errorf("%d bytes", len(body))
	}
	var keys map[string]any
	if err := json.Unmarshal(body, &keys); err != nil || len(keys) > 10 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestWhatIsScheduledHasNoAlert(t *testing.T) {
	r := drifted()
	r.Cause, r.CauseKind = alerts.CauseSchedule, ""
	body, err := encode(messageOf(r))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"5b69","cause":"schedule","model":"fraud","version":"3","segment":"","window":{"start":"2026-03-02T10:00:00Z","end":"2026-03-02T11:00:00Z"},` +
		`"evidence_url":"https://kolmo.example.org/model?name=fraud"}`
	if string(body) != want {
		t.Errorf("%s", body)
	}
}

func TestReceiver(t *testing.T) {
	key := []byte(strings.Repeat("k", 24))
	body := `{"type":"retraining.triggered","timestamp":"2026-03-02T11:02:00Z","data":` + told + `}`
	header := make(http.Header)
	sign(header, [][]byte{key}, "5b69", time.Unix(1772449320, 0), []byte(body))
	base := serve(t, exchange{
		method: "POST", path: "/retrain", body: body, status: 202,
		headers: map[string]string{"webhook-id": "5b69", "webhook-timestamp": "1772449320", "webhook-signature": header.Get("webhook-signature")},
	})
	w := &receiver{Receiver: Receiver{URL: base + "/retrain", Secrets: [][]byte{key}}, caller: direct()}
	if _, err := w.ask(t.Context(), orderOf(drifted(), false)); err != nil {
		t.Error(err)
	}
}

// The vector is the standard's: its reference libraries all test it.
func TestSignatureOfTheStandard(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	header := make(http.Header)
	sign(header, [][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := header.Get("webhook-signature"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	sign(header, [][]byte{[]byte("a new one of enough bytes"), key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if both := strings.Fields(header.Get("webhook-signature")); len(both) != 2 || both[0] == want || both[1] != want {
		t.Errorf("with a second secret: %q", both)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	base := serve(t, exchange{method: "POST", path: "/", body: "{}", status: 307, header: map[string]string{"Location": "http://elsewhere.example.org/"}})
	c := direct()
	r, err := c.do(t.Context(), http.MethodPost, base+"/", nil, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	refused := asRefusal(c.refused(r))
	if !refused.ours() || !strings.Contains(refused.Error(), "write its address, http://elsewhere.example.org/") {
		t.Errorf("%v", refused)
	}
}

func TestRetryAfterIsSecondsOrAMoment(t *testing.T) {
	c := direct()
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "86400": time.Hour,
		"Mon, 02 Mar 2026 11:03:00 GMT": time.Minute, "Mon, 02 Mar 2026 10:00:00 GMT": 0,
	} {
		err := c.refused(&reply{status: 503, header: http.Header{"Retry-After": {text}}})
		if got := asRefusal(err).after; got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}
