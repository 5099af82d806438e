package webhook

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// GitHub sends a repository_dispatch event, which workflows run on.
type GitHub struct {
	URL        string // of the API, such as https://api.github.com
	Repository string // owner/name
	EventType  string // at most 100 characters
	Token      string
}

// github is a GitHub to ask. A dispatch has no identity and its answer names no run,
// so before GitHub is asked again the run is looked for by the id in its title, which
// the workflow's run-name has to put there.
type github struct {
	GitHub
	caller
}

// githubSettles is how long a run may take to be listed that a dispatch begins.
const githubSettles = 30 * time.Second

// The newest runs since a retraining was decided are looked through, so many pages
// of so many. Beyond them GitHub lists none.
const (
	githubPages   = 10
	githubPerPage = 100
)

func (g *github) ask(ctx context.Context, o *order) (taken, error) {
	if o.before {
		if found, err := g.find(ctx, o); err != nil || found.known {
			return found, err
		}
	}
	body, err := encode(map[string]any{"event_type": g.EventType, "client_payload": o.message})
	if err != nil {
		return taken{}, err
	}
	r, err := g.do(ctx, http.MethodPost, g.repository()+"/dispatches", g.header(), body)
	if err != nil {
		return taken{}, err
	}
	if !r.ok() {
		return taken{}, g.refused(r)
	}
	return taken{}, nil
}

// find looks for a run whose title holds the retraining's id.
func (g *github) find(ctx context.Context, o *order) (taken, error) {
	// Clocks differ, and a run is no earlier than what it is for.
	query := url.Values{
		"event": {"repository_dispatch"}, "created": {">=" + o.at.Add(-time.Hour).UTC().Format(time.RFC3339)},
		"per_page": {strconv.Itoa(githubPerPage)},
	}
	for page := 1; page <= githubPages; page++ {
		query.Set("page", strconv.Itoa(page))
		r, err := g.do(ctx, http.MethodGet, g.repository()+"/actions/runs?"+query.Encode(), g.header(), nil)
		if err != nil {
			return taken{}, err
		}
		if !r.ok() {
			return taken{}, g.refused(r)
		}
		var list struct {
			Runs []struct {
				ID    int64  `json:"id"`
				Title string `json:"display_title"`
				URL   string `json:"html_url"`
			} `json:"workflow_runs"`
		}
		if err := r.decode(&list); err != nil {
			return taken{}, err
		}
		for _, run := range list.Runs {
			if strings.Contains(run.Title, o.ID) {
				return taken{run: strconv.FormatInt(run.ID, 10), url: run.URL, known: true}, nil
			}
		}
		if len(list.Runs) < githubPerPage {
			break
		}
	}
	return taken{}, nil
}

func (g *github) repository() string {
	return strings.TrimSuffix(g.URL, "/") + "/repos/" + g.Repository
}

func (g *github) header() http.Header {
	return http.Header{
		"Accept": {"application/vnd.github+json"}, "Authorization": {"Bearer " + g.Token}, "X-Github-Api-Version": {"2022-11-28"},
	}
}
