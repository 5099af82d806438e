package webhook

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Kubeflow runs a pipeline of Kubeflow Pipelines.
type Kubeflow struct {
	URL        string // of Kubeflow Pipelines, without /apis
	Experiment string // id; empty: the default one
	Pipeline   string // id
	Version    string // id of the pipeline's version; empty: the latest
	Parameter  string // name of the pipeline's parameter that takes the message
	Token      string // empty: nobody asks for one
}

// kubeflow is a Kubeflow to ask. It has as many runs of one name as it is asked for,
// so before it is asked again the run is looked for by its name.
type kubeflow struct {
	Kubeflow
	caller
}

// A kubeflowRun is a run as Kubeflow describes it.
type kubeflowRun struct {
	ID   string `json:"run_id"`
	Name string `json:"display_name"`
}

func (k *kubeflow) ask(ctx context.Context, o *order) (taken, error) {
	if o.before {
		if found, err := k.find(ctx, runName(o.ID)); err != nil || found.known {
			return found, err
		}
	}
	pipeline := map[string]string{"pipeline_id": k.Pipeline}
	if k.Version != "" {
		pipeline["pipeline_version_id"] = k.Version
	}
	begin := map[string]any{
		"display_name": runName(o.ID), "description": o.note, "pipeline_version_reference": pipeline,
		"runtime_config": map[string]any{"parameters": map[string]any{k.Parameter: o.message}},
	}
	if k.Experiment != "" {
		begin["experiment_id"] = k.Experiment
	}
	body, err := encode(begin)
	if err != nil {
		return taken{}, err
	}
	r, err := k.do(ctx, http.MethodPost, k.runs(), k.header(), body)
	if err != nil {
		return taken{}, err
	}
	if !r.ok() {
		return taken{}, k.refused(r)
	}
	var run kubeflowRun
	_ = r.decode(&run) // it has taken it, whatever else it says
	return k.taken(&run, false), nil
}

// find looks for a run by its name.
func (k *kubeflow) find(ctx context.Context, name string) (taken, error) {
	filter, err := encode(map[string]any{"predicates": []any{map[string]any{"operation": "EQUALS", "key": "display_name", "stringValue": name}}})
	if err != nil {
		return taken{}, err
	}
	query := url.Values{"filter": {string(filter)}, "page_size": {"10"}}
	if k.Experiment != "" {
		query.Set("experiment_id", k.Experiment)
	}
	r, err := k.do(ctx, http.MethodGet, k.runs()+"?"+query.Encode(), k.header(), nil)
	if err != nil {
		return taken{}, err
	}
	if !r.ok() {
		return taken{}, k.refused(r)
	}
	var list struct {
		Runs []kubeflowRun `json:"runs"`
	}
	if err := r.decode(&list); err != nil {
		return taken{}, err
	}
	for i := range list.Runs {
		if list.Runs[i].Name == name {
			return k.taken(&list.Runs[i], true), nil
		}
	}
	return taken{}, nil
}

func (k *kubeflow) taken(run *kubeflowRun, known bool) taken {
	t := taken{run: run.ID, known: known}
	if run.ID != "" {
		t.url = strings.TrimSuffix(k.URL, "/") + "/#/runs/details/" + url.PathEscape(run.ID)
	}
	return t
}

func (k *kubeflow) runs() string { return strings.TrimSuffix(k.URL, "/") + "/apis/v2beta1/runs" }

func (k *kubeflow) header() http.Header {
	if k.Token == "" {
		return nil
	}
	return http.Header{"Authorization": {"Bearer " + k.Token}}
}
