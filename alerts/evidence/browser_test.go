package evidence

import (
	"bytes"
	"context"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A browser is the real one, without a window.
type browser struct{ path string }

func newBrowser(t *testing.T) browser {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return browser{path: path}
		}
	}
	t.Fatal("there is no Chromium to look at the pages with; install it: apt-get install -y chromium")
	return browser{}
}

// open loads a page and returns its document, and what the browser had to say
// about it on its console. With a screenshot's path it takes one instead.
func (b browser) open(t *testing.T, url, screenshot string, args ...string) (dom, console string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	all := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--enable-logging=stderr", "--user-data-dir=" + t.TempDir(),
	}, args...)
	if screenshot != "" {
		all = append(all, "--screenshot="+screenshot)
	} else {
		all = append(all, "--dump-dom")
	}
	cmd := exec.CommandContext(ctx, b.path, append(all, url)...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &log, 5*time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("opening %s: %v\n%s", url, err, log.String())
	}
	var said []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "CONSOLE") {
			said = append(said, line)
		}
	}
	return out.String(), strings.Join(said, "")
}

// TestBrowserSpeaksUp shows that the tests below would notice: a page that
// breaks the policy is named on the console.
func TestBrowserSpeaksUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<p style="color:red">styled in place</p><script>document.title = "ran"</script>`))
	}))
	defer server.Close()
	_, console := newBrowser(t).open(t, server.URL, "")
	if !strings.Contains(console, "Content Security Policy") {
		t.Fatalf("a page that breaks its policy was opened without a word:\n%s", console)
	}
}

func TestPagesInABrowser(t *testing.T) {
	chromium := newBrowser(t)
	server := httptest.NewServer(NewHandler(story(t), discard(), nil))
	defer server.Close()
	fraud := alerts.Version{Model: "fraud", Version: "3"}
	last := storyStart.Add(23 * time.Hour)
	for _, page := range []struct {
		name, path string
		want       []string
	}{
		{"overview", "", []string{"<h1>Model versions</h1>", "1 alert fires", "ranking/home page", `<svg class="strip"`}},
		{"model", alerts.ModelPath(fraud, time.Time{}), []string{"Newest window", "alert firing", "velocity_24h", "prediction", "Drifted in 7 of 24 windows"}},
		{"numeric", alerts.FeaturePath(fraud, last, "amount"), []string{"The largest difference between the two distributions is D = ", "<polyline", "Quantiles"}},
		{"categorical", alerts.FeaturePath(fraud, last, "country"), []string{"Cramér", `class="bars"`, "ZZ"}},
	} {
		t.Run(page.name, func(t *testing.T) {
			dom, console := chromium.open(t, server.URL+"/"+page.path, "")
			if console != "" {
				t.Errorf("the browser complained:\n%s", console)
			}
			for _, want := range page.want {
				if !strings.Contains(dom, want) {
					t.Errorf("the document does not have %q", want)
				}
			}
			if t.Failed() {
				t.Log(dom)
			}
		})
	}
	// The style sheet is applied, in light and in dark: the corner of the page
	// has the colour of its paper.
	for name, look := range map[string]struct {
		args []string
		dark bool
	}{
		"light": {[]string{"--blink-settings=preferredColorScheme=1"}, false},
		"dark":  {[]string{"--blink-settings=preferredColorScheme=0"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			shot := filepath.Join(t.TempDir(), name+".png")
			_, _ = chromium.open(t, server.URL+"/"+alerts.ModelPath(fraud, time.Time{}), shot, append(look.args, "--window-size=1200,1000")...)
			file, err := os.Open(shot)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = file.Close() }()
			picture, err := png.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			r, g, b, _ := picture.At(2, 2).RGBA()
			if dark := r < 0x4000 && g < 0x4000 && b < 0x4000; dark != look.dark {
				t.Errorf("the paper has the colour %#x %#x %#x", r>>8, g>>8, b>>8)
			}
		})
	}
}
