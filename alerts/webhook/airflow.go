package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Airflow runs a DAG.
type Airflow struct {
	URL                string // of the API server (3) or web server (2), without /api
	Version            int    // 3 or 2
	DAG                string
	Username, Password string
}

// airflow is an Airflow to ask. The id of a run is given to it, and Airflow has no
// second run of one id: asking again is answered with 409.
type airflow struct {
	Airflow
	caller

	mu    sync.Mutex
	token string // of version 3; empty: to be asked for. Guarded by mu.
}

func (a *airflow) ask(ctx context.Context, o *order) (taken, error) {
	begin := map[string]any{"dag_run_id": runName(o.ID), "conf": o.message, "note": o.note}
	if a.Version == 3 {
		begin["logical_date"] = nil // which must be said
	}
	body, err := encode(begin)
	if err != nil {
		return taken{}, err
	}
	r, err := a.authorized(ctx, http.MethodPost, a.runs(), body)
	if err != nil {
		return taken{}, err
	}
	run := runName(o.ID)
	switch {
	case r.ok():
		return taken{run: run, url: a.page(run)}, nil
	case r.status != http.StatusConflict:
		return taken{}, a.refused(r)
	}
	// It may also be another run that is in the way, of the same logical date.
	found, err := a.authorized(ctx, http.MethodGet, a.runs()+"/"+url.PathEscape(run), nil)
	if err != nil {
		return taken{}, err
	}
	if !found.ok() {
		return taken{}, a.refused(r)
	}
	return taken{run: run, url: a.page(run), known: true}, nil
}

func (a *airflow) runs() string {
	api := "/api/v1"
	if a.Version == 3 {
		api = "/api/v2"
	}
	return strings.TrimSuffix(a.URL, "/") + api + "/dags/" + url.PathEscape(a.DAG) + "/dagRuns"
}

// page is where a run is looked at.
func (a *airflow) page(run string) string {
	of := strings.TrimSuffix(a.URL, "/") + "/dags/" + url.PathEscape(a.DAG)
	if a.Version == 3 {
		return of + "/runs/" + url.PathEscape(run)
	}
	return of + "/grid?dag_run_id=" + url.QueryEscape(run)
}

// authorized sends a request that says who asks. A token that is refused is asked
// for once more: it may have expired (401), or be of another key than Airflow's is
// since it was restarted (403).
func (a *airflow) authorized(ctx context.Context, method, url string, body []byte) (*reply, error) {
	if a.Version != 3 {
		plain := base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Password))
		return a.do(ctx, method, url, http.Header{"Authorization": {"Basic " + plain}}, body)
	}
	for again := false; ; again = true {
		token, err := a.authenticate(ctx, again)
		if err != nil {
			return nil, err
		}
		r, err := a.do(ctx, method, url, http.Header{"Authorization": {"Bearer " + token}}, body)
		if err != nil || again || r.status != http.StatusUnauthorized && r.status != http.StatusForbidden {
			return r, err
		}
	}
}

// authenticate is the token that Airflow 3 takes.
func (a *airflow) authenticate(ctx context.Context, again bool) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && !again {
		return a.token, nil
	}
	a.token = ""
	body, err := encode(map[string]string{"username": a.Username, "password": a.Password})
	if err != nil {
		return "", err
	}
	r, err := a.do(ctx, http.MethodPost, strings.TrimSuffix(a.URL, "/")+"/auth/token", nil, body)
	if err != nil {
		return "", fmt.Errorf("asking Airflow for a token: %w", err)
	}
	if !r.ok() {
		return "", fmt.Errorf("asking Airflow for a token: %w", a.refused(r))
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := r.decode(&answer); err != nil {
		return "", fmt.Errorf("asking Airflow for a token: %w", err)
	}
	if answer.AccessToken == "" {
		return "", errors.New("asking Airflow for a token: its answer holds none")
	}
	a.token = answer.AccessToken
	return a.token, nil
}
