package evidence

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

func TestAPI(t *testing.T) {
	handler := NewHandler(story(t), discard(), nil)
	ask := func(path string, code int, into any) {
		t.Helper()
		answer := get(t, handler, path)
		if answer.Code != code || answer.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%s answers %d, %s", path, answer.Code, answer.Header().Get("Content-Type"))
		}
		if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}

	var models struct {
		Models []struct {
			Model, Version, State, Path string
			Firing                      []string
			LastWindow                  struct {
				Features, Drifted int
				DriftedFeatures   int `json:"drifted_features"`
			} `json:"last_window"`
		}
		History Stats
	}
	ask("api/v1/models", http.StatusOK, &models)
	var order []string
	for _, m := range models.Models {
		order = append(order, m.Model+" "+m.State)
	}
	if got := strings.Join(order, ", "); got != "fraud firing, ranking/home page drifting, churn quiet, eta waiting" {
		t.Errorf("the worst stands first: %s", got)
	}
	if first := models.Models[0]; first.LastWindow.Features != 13 || first.LastWindow.DriftedFeatures != 3 || len(first.Firing) != 1 || first.Firing[0] != "77aa" {
		t.Errorf("fraud is %+v", first)
	}
	if got := get(t, handler, models.Models[1].Path); got.Code != http.StatusOK {
		t.Errorf("the path of a model answers %d", got.Code)
	}

	var verdicts struct {
		Verdicts []struct {
			Model  string
			Window struct{ Start time.Time }
		}
	}
	ask("api/v1/verdicts?model=fraud&version=3", http.StatusOK, &verdicts)
	if len(verdicts.Verdicts) != 24 || !verdicts.Verdicts[0].Window.Start.Equal(storyStart.Add(23*time.Hour)) {
		t.Errorf("%d verdicts, the first of %v", len(verdicts.Verdicts), verdicts.Verdicts[0].Window.Start)
	}
	ask("api/v1/verdicts?model=fraud&version=3&window=2026-03-02T04:00:00Z", http.StatusOK, &verdicts)
	if len(verdicts.Verdicts) != 1 {
		t.Errorf("%d verdicts of one window", len(verdicts.Verdicts))
	}
	var failure struct{ Error string }
	ask("api/v1/verdicts?model=fraud&version=4", http.StatusNotFound, &failure)
	if !strings.Contains(failure.Error, "/api/v1/models") {
		t.Errorf("the error does not say what to do: %s", failure.Error)
	}
	ask("api/v1/verdicts?model=fraud&version=3&window=now", http.StatusBadRequest, &failure)

	var told struct{ Alerts []alerts.Alert }
	ask("api/v1/alerts", http.StatusOK, &told)
	var statuses []string
	for _, a := range told.Alerts {
		statuses = append(statuses, a.ID+" "+string(a.Status))
	}
	if got := strings.Join(statuses, ", "); got != "77aa firing, 1d0c resolved, 1d0c firing" {
		t.Errorf("newest first: %s", got)
	}
	ask("api/v1/alerts?model=churn&version=2026-02", http.StatusOK, &told)
	if len(told.Alerts) != 0 {
		t.Errorf("churn has %d alerts", len(told.Alerts))
	}
}

// TestRecordsComeBackAsTheyCame: an answer holds a record's own numbers, not
// ours of them.
func TestRecordsComeBackAsTheyCame(t *testing.T) {
	h := NewHistory(Limits{})
	record := `{"schema":1,"kind":"window","model":"m","version":"","later":{"field":1.50},"window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"},"features":{}}`
	if err := h.AddVerdict([]byte(record)); err != nil {
		t.Fatal(err)
	}
	if body := get(t, NewHandler(h, discard(), nil), "api/v1/verdicts?model=m").Body.String(); !strings.Contains(body, record) {
		t.Errorf("the answer is %s", body)
	}
}

func TestAnswersThatAreNoPages(t *testing.T) {
	handler := NewHandler(story(t), discard(), nil)
	for path, want := range map[string]int{
		"nothing":                 http.StatusNotFound,
		"model":                   http.StatusNotFound,
		"model?name=fraud":        http.StatusNotFound,
		"model/../api/v1":         http.StatusNotFound,
		"api/v1":                  http.StatusNotFound,
		"style.css":               http.StatusOK,
		"icon.svg":                http.StatusOK,
		"feature?name=fraud":      http.StatusNotFound,
		"model?name=%zz&version=": http.StatusNotFound,
	} {
		request := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/" + path}, Header: http.Header{}}
		if before, after, ok := strings.Cut(path, "?"); ok {
			request.URL.Path, request.URL.RawQuery = "/"+before, after
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != want && answer.Code/100 != 3 {
			t.Errorf("/%s answers %d, not %d", path, answer.Code, want)
		}
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", nil))
	if answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST / answers %d", answer.Code)
	}
	answer = httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodHead, "/", nil))
	if answer.Code != http.StatusOK || answer.Body.Len() != 0 {
		t.Errorf("HEAD / answers %d with %d bytes", answer.Code, answer.Body.Len())
	}
}

func TestNothingYet(t *testing.T) {
	page := parse(t, get(t, NewHandler(NewHistory(Limits{}), discard(), nil), "").Body.String())
	for _, want := range []string{"No window has closed yet", "kolmo demo", "kolmo_dead_letters_total"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the empty page does not say %q", want)
		}
	}
}

// TestAWindowThatIsGone: a link in an old alert leads to what is left.
func TestAWindowThatIsGone(t *testing.T) {
	handler := NewHandler(story(t), discard(), nil)
	answer := get(t, handler, alerts.ModelPath(alerts.Version{Model: "fraud", Version: "3"}, storyStart.Add(-time.Hour)))
	page := parse(t, answer.Body.String())
	if answer.Code != http.StatusNotFound || !strings.Contains(page.text, "24 windows of it from 2026-03-02 00:00 to 2026-03-03 00:00 UTC are kept here") {
		t.Errorf("%d: %s", answer.Code, page.text)
	}
}
