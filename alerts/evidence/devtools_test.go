package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A devtools drives a browser by its DevTools protocol, over a pair of pipes: no
// port is opened. One goroutine uses it.
type devtools struct {
	t       *testing.T
	to      *os.File
	last    int
	session string // of the page; empty: of the browser
	answers chan message
	loads   chan string // the loaders of pages that are complete
	// said is what pages had to say on their console, and errors of scripts.
	mu   sync.Mutex
	said []string // guarded by mu
}

// A message is a command's answer or an event.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// drive starts the browser with one empty page.
func (b browser) drive(t *testing.T) *devtools {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	commandsIn, commands, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, answersOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, b.path,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(),
		"--remote-debugging-pipe", "about:blank")
	// It reads commands from file 3 and answers on file 4, each ended by a zero byte.
	cmd.ExtraFiles, cmd.WaitDelay = []*os.File{commandsIn, answersOut}, 5*time.Second
	// Waiting for it is waiting for all its processes, which share what they write to.
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = commandsIn.Close(), answersOut.Close()
	d := &devtools{t: t, to: commands, answers: make(chan message, 1000), loads: make(chan string, 1000)}
	go d.listen(answers)
	t.Cleanup(func() {
		// It is gone, with all its processes, before its folder is.
		_, _ = commands.WriteString(`{"id":0,"method":"Browser.close"}` + "\x00")
		_ = cmd.Wait()
		cancel()
		_, _ = commands.Close(), answers.Close()
	})
	var made struct {
		TargetID  string `json:"targetId"`
		SessionID string `json:"sessionId"`
	}
	d.call("Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	d.call("Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	d.session = made.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		d.call(domain+".enable", nil, nil)
	}
	d.call("Page.setLifecycleEventsEnabled", map[string]any{"enabled": true}, nil)
	return d
}

// listen reads what the browser sends until it ends.
func (d *devtools) listen(from *os.File) {
	defer close(d.answers)
	reader := bufio.NewReader(from)
	for {
		data, err := reader.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m) != nil {
			continue
		}
		switch m.Method {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
			d.mu.Lock()
			d.said = append(d.said, m.Method+" "+string(m.Params))
			d.mu.Unlock()
		case "Page.lifecycleEvent":
			var e struct{ LoaderID, Name string }
			if json.Unmarshal(m.Params, &e) == nil && e.Name == "load" {
				d.loads <- e.LoaderID
			}
		case "":
			d.answers <- m
		}
	}
}

// call gives a command and reads its result.
func (d *devtools) call(method string, params, result any) {
	d.t.Helper()
	d.last++
	command := map[string]any{"id": d.last, "method": method}
	if params != nil {
		command["params"] = params
	}
	if d.session != "" {
		command["sessionId"] = d.session
	}
	data, err := json.Marshal(command)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.to.Write(append(data, 0)); err != nil {
		d.t.Fatal(err)
	}
	var m message
	timeout := time.After(time.Minute)
	for m.ID != d.last {
		select {
		case got, open := <-d.answers:
			if !open {
				d.t.Fatalf("the browser ended before it answered %s", method)
			}
			m = got
		case <-timeout:
			d.t.Fatalf("the browser has not answered %s for a minute", method)
		}
	}
	if m.Error != nil {
		d.t.Fatalf("%s: %s", method, m.Error.Message)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			d.t.Fatalf("%s: %v", method, err)
		}
	}
}

// open loads a page in a window of a width, in the dark or in the light, and
// returns what it had to say on its console.
func (d *devtools) open(url string, width int, dark bool) []string {
	d.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	d.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	d.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	d.mu.Lock()
	d.said = nil
	d.mu.Unlock()
	var page struct{ LoaderID, ErrorText string }
	d.call("Page.navigate", map[string]any{"url": url}, &page)
	if page.ErrorText != "" {
		d.t.Fatalf("opening %s: %s", url, page.ErrorText)
	}
	timeout := time.After(time.Minute)
	for loaded := ""; loaded != page.LoaderID; {
		select {
		case loaded = <-d.loads:
		case <-timeout:
			d.t.Fatalf("%s has not been loaded for a minute", url)
		}
	}
	d.evaluate("0", nil) // what came before it has been heard
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said
}

// evaluate runs a script in the page, as its own policy would not let it, and
// reads what it, or the promise that it is, comes to.
func (d *devtools) evaluate(script string, result any) {
	d.t.Helper()
	var got struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string          `json:"text"`
			Exception json.RawMessage `json:"exception"`
		} `json:"exceptionDetails"`
	}
	d.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &got)
	if got.Exception != nil {
		d.t.Fatalf("a script failed: %s %s", got.Exception.Text, got.Exception.Exception)
	}
	if result != nil {
		if err := json.Unmarshal(got.Result.Value, result); err != nil {
			d.t.Fatalf("what a script came to, %.200s: %v", got.Result.Value, err)
		}
	}
}

// press strikes a key: Tab or Enter.
func (d *devtools) press(key string) {
	d.t.Helper()
	code := map[string]int{"Tab": 9, "Enter": 13}[key]
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		down["text"] = "\r"
	}
	d.call("Input.dispatchKeyEvent", down, nil)
	d.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// TestDevtoolsHearsScripts shows that a page's complaints are heard.
func TestDevtoolsHearsScripts(t *testing.T) {
	d := newBrowser(t).drive(t)
	said := d.open("data:text/html,"+`<script>console.log("spoken"); throw new Error("thrown")</script>`, 360, true)
	if all := strings.Join(said, "\n"); !strings.Contains(all, "spoken") || !strings.Contains(all, "thrown") {
		t.Errorf("heard was %q", all)
	}
	var dark bool
	var width int
	d.evaluate(`matchMedia("(prefers-color-scheme: dark)").matches`, &dark)
	d.evaluate(`innerWidth`, &width)
	if !dark || width == 0 {
		t.Errorf("the page is %d wide, in the dark: %t", width, dark)
	}
}
