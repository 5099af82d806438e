package evidence

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/runbooks"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// axe-core is what the pages are held against: the rules of WCAG that a program can
// check. It is fetched by npm once and kept in the user's cache folder; nothing of
// it is part of kolmo.
const (
	axeVersion = "4.14.1"
	axeSHA256  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" // of axe.min.js
)

// axeScript is axe-core's source.
func axeScript(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "kolmo", "axe-core-"+axeVersion+".min.js")
	source, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		source, err = fetchAxe(t, path)
	}
	if err != nil {
		t.Fatalf("fetching axe-core %s, which the pages are checked with: %v", axeVersion, err)
	}
	if sum := sha256.Sum256(source); hex.EncodeToString(sum[:]) != axeSHA256 {
		t.Fatalf("%s is not axe-core %s: its SHA-256 is %x; remove it", path, axeVersion, sum)
	}
	return string(source)
}

// fetchAxe lets npm put the package into a folder of its own, and keeps the script
// from it. The file appears under its name only when it is whole.
func fetchAxe(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		return nil, fmt.Errorf("%w; install it, on Debian: apt-get install -y npm", err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), npm, "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", dir)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	archive, err := os.Open(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("finding axe.min.js in the package: %w", err)
		}
		if header.Name != "package/axe.min.js" {
			continue
		}
		source, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".incomplete-")
		if err != nil {
			return nil, err
		}
		if _, err := fresh.Write(source); err != nil {
			return nil, errors.Join(err, fresh.Close())
		}
		return source, errors.Join(fresh.Close(), os.Rename(fresh.Name(), path))
	}
}

// A violation is a rule that a page breaks, and where.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	}
}

func (v violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, n := range v.Nodes[:min(len(v.Nodes), 5)] {
		fmt.Fprintf(&b, "\n\t%.200s\n\t\t%s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n\t\t"))
	}
	return b.String()
}

// check runs axe on the page that is open.
func (d *devtools) check(axe string) []violation {
	d.t.Helper()
	d.evaluate(axe+"; 0", nil)
	var found string
	d.evaluate(`axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`, &found)
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		d.t.Fatal(err)
	}
	return violations
}

// storyPages are one page of each kind.
func storyPages() map[string]string {
	fraud, last := alerts.Version{Model: "fraud", Version: "3"}, storyStart.Add(23*time.Hour)
	return map[string]string{
		"overview":    "",
		"model":       alerts.ModelPath(fraud, time.Time{}),
		"new model":   alerts.ModelPath(alerts.Version{Model: "eta", Version: "1"}, time.Time{}),
		"numeric":     alerts.FeaturePath(fraud, last, "amount"),
		"categorical": alerts.FeaturePath(fraud, last, "country"),
		"untested":    alerts.FeaturePath(fraud, last, "coupon"),
		"requests":    requestsPath(fraud, last, "amount"),
		"missing":     "nothing",
		"gone window": alerts.ModelPath(fraud, storyStart.AddDate(-1, 0, 0)),
	}
}

// TestPagesAreAccessible: no page breaks a rule, of whatever impact, in light and in dark,
// on a phone and on a desk; none complains on its console, and none is wider than
// the phone.
func TestPagesAreAccessible(t *testing.T) {
	axe := axeScript(t)
	server := httptest.NewServer(NewHandler(story(t), discard(), nil, WithRequests(storyRequests)))
	defer server.Close()
	pages := make(map[string]string)
	for name, path := range storyPages() {
		pages[name] = server.URL + "/" + path
	}
	empty := httptest.NewServer(NewHandler(NewHistory(Limits{}), discard(), nil))
	defer empty.Close()
	pages["nothing yet"] = empty.URL + "/"
	long := strings.Repeat("longer_than_a_phone_is_wide", 5)
	h := NewHistory(Limits{})
	odd := categoricalFeature(0.3, true)
	odd.Counts.Categories[0], odd.NewCategories = long, []string{long}
	add(t, h, storyVerdict(long, long, 0, map[string]*drift.Feature{long: odd, "other": numericFeature(0.3, true)}))
	longNames := httptest.NewServer(NewHandler(h, discard(), nil, WithRequests(func(_ context.Context, places []drift.Place) ([]Request, error) {
		return slices.Repeat([]Request{{Model: long, Version: long, ID: long, Status: long, Fields: []RequestField{{long, long}}}}, len(places)), nil
	})))
	defer longNames.Close()
	id := alerts.Version{Model: long, Version: long}
	for _, path := range []string{"", alerts.ModelPath(id, time.Time{}), alerts.FeaturePath(id, time.Time{}, long), alerts.FeaturePath(id, time.Time{}, "other"), requestsPath(id, storyStart, long)} {
		pages["long names: "+path[:min(len(path), 9)]] = longNames.URL + "/" + path
	}
	handler, troubled := troubledPages(t)
	troubles := httptest.NewServer(handler)
	defer troubles.Close()
	for name, path := range troubled {
		pages["troubled: "+name] = troubles.URL + "/" + path
	}
	howTo, err := runbooks.NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/runbooks/", howTo)
	mux.Handle("/", NewHandler(NewHistory(Limits{}), discard(), nil)) // has the style sheet
	beside := httptest.NewServer(mux)
	defer beside.Close()
	for _, name := range []string{"", "ModelFeatureDrift", "KolmoPartitionStuck", "KolmoAlertmanagerUnreachable"} {
		pages["runbook: "+name] = beside.URL + "/" + alerts.RunbookPath(name)
	}
	d := newBrowser(t).drive(t)
	for name, url := range pages {
		for _, width := range []int{360, 1280} {
			for _, dark := range []bool{false, true} {
				said := d.open(url, width, dark)
				if name == "missing" || name == "gone window" { // the browser itself says that it is a 404
					said = slices.DeleteFunc(said, func(s string) bool { return strings.Contains(s, "404 (Not Found)") })
				}
				if name == "troubled: still read" || name == "troubled: nothing known" { // and that it is a 503
					said = slices.DeleteFunc(said, func(s string) bool { return strings.Contains(s, "503 (Service Unavailable)") })
				}
				where := fmt.Sprintf("%s, %d wide, in the dark: %t", name, width, dark)
				if len(said) > 0 {
					t.Errorf("%s: its console has %s", where, strings.Join(said, "\n"))
				}
				var wide, room int
				d.evaluate("document.documentElement.scrollWidth", &wide)
				d.evaluate("document.documentElement.clientWidth", &room)
				if wide > room {
					t.Errorf("%s: it is %d wide, and has to be moved to and fro", where, wide)
				}
				for _, v := range d.check(axe) {
					t.Errorf("%s: %v", where, v)
				}
			}
		}
	}
}

// TestAxeSpeaksUp shows that the test above would notice.
func TestAxeSpeaksUp(t *testing.T) {
	d := newBrowser(t).drive(t)
	d.open(`data:text/html,<!DOCTYPE html><html lang="en"><title>t</title><main><h1>t</h1><img src="data:,"><p style="color:%23bbb;background:%23fff">pale</p></main>`, 360, false)
	var found []string
	for _, v := range d.check(axeScript(t)) {
		found = append(found, v.ID)
	}
	for _, want := range []string{"image-alt", "color-contrast"} {
		if !slices.Contains(found, want) {
			t.Errorf("axe found %v, not %s", found, want)
		}
	}
}

// TestPagesByKeyboard: the first key leads past the head of the page, focus goes
// through the page in its order, and where it is can be seen.
func TestPagesByKeyboard(t *testing.T) {
	server := httptest.NewServer(NewHandler(story(t), discard(), nil, WithRequests(storyRequests)))
	defer server.Close()
	d := newBrowser(t).drive(t)
	type focus struct {
		Tag, Text, Href string
		Place           int // in the order of the document
		Outline         float64
		Visible         bool
	}
	at := func() focus {
		var f focus
		var text string
		d.evaluate(`(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			return JSON.stringify({tag: e.tagName, text: e.textContent.slice(0, 40), href: e.getAttribute("href") || "",
				place: [...document.querySelectorAll("*")].indexOf(e), outline: s.outlineStyle === "none" ? 0 : parseFloat(s.outlineWidth),
				visible: r.width > 0 && r.right > 0 && r.left < innerWidth && r.bottom > 0 && r.top < innerHeight}) })()`, &text)
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, name := range []string{"overview", "model", "numeric", "categorical", "requests", "missing"} {
		d.open(server.URL+"/"+storyPages()[name], 360, true)
		before := -1
		steps := 0
		for ; steps < 300; steps++ {
			d.press("Tab")
			f := at()
			if f.Tag == "BODY" || steps > 0 && f.Href == "#content" { // through, or round
				break
			}
			if steps == 0 && (f.Text != "Skip to the content" || f.Href != "#content") {
				t.Errorf("%s: the first key leads to %+v", name, f)
			}
			if f.Place <= before {
				t.Errorf("%s: focus goes back, to %+v", name, f)
			}
			if f.Outline < 1 || !f.Visible {
				t.Errorf("%s: where focus is cannot be seen: %+v", name, f)
			}
			before = f.Place
		}
		if steps < 3 || steps == 300 {
			t.Errorf("%s: %d things have been in focus", name, steps)
		}
		// Past the head: what comes after the skip link is in the content.
		d.open(server.URL+"/"+storyPages()[name], 360, true)
		d.press("Tab")
		d.press("Enter")
		d.press("Tab")
		var inside bool
		d.evaluate(`document.getElementById("content").contains(document.activeElement)`, &inside)
		if f := at(); !inside {
			t.Errorf("%s: after the link past the head, focus is at %+v", name, f)
		}
	}
}
