package alerts

import (
	"bytes"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// Whoever may write to the progress topic may write anything. What decodes must
// schedule windows without harm, and encode to the same again.

func FuzzDecodeProgress(f *testing.F) {
	p := NewProgress(Version{Model: "m", Version: "1"})
	data, err := p.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema":1,"model":"m","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"},"next":491000,"active_until":1767229200000,"alerts":{"feature_drift":{"incident":{"id":"a","since":"2026-01-01T00:00:00Z"}}}}`))
	definition := &windows.Definition{Size: windows.DurationSpan(time.Hour), Origin: windows.Unset}
	if err := definition.Validate(); err != nil {
		f.Fatal(err)
	}
	settings := &Settings{Settings: windows.Settings{Definition: definition}, ForgetAfter: 24 * time.Hour}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeProgress(data)
		if err != nil {
			return
		}
		first, err := p.Encode()
		if err != nil {
			t.Fatalf("what was decoded cannot be written: %v", err)
		}
		again, err := DecodeProgress(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
		from := func(s *Serving) windows.Timestamp { return s.GridFrom }
		if s := InForce(p.References, from, 0); s != nil && s.GridFrom > 0 {
			t.Errorf("%+v is in force at 0", s)
		}
		if p.Next < 1e9 && p.Next > -1e9 && p.ActiveUntil < 1e13 { // what a window's number and a time can be
			watermark, _, _ := definition.Window(p.Next + 30)
			for _, w := range Due(settings, p, []windows.PaneCount{{Index: p.Next, Events: 1}}, watermark.End) {
				if p.Window != nil && w.FirstPane < p.Next {
					t.Errorf("pane %d is due again after window %d", w.FirstPane, p.Next)
				}
			}
		}
	})
}

func FuzzDecodeShardProgress(f *testing.F) {
	p := ShardProgress{Schema: Schema, Shards: 3, Through: windows.Unset, Configured: map[string]Configured{"*": {Source: "sha256:0", Serving: []Serving{{ID: "g"}}}}}
	data, err := p.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeShardProgress(data)
		if err != nil {
			return
		}
		first, err := p.Encode()
		if err != nil {
			t.Fatalf("what was decoded cannot be written: %v", err)
		}
		again, err := DecodeShardProgress(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
	})
}
