package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// typical is an event of 20 numeric features and 640 bytes.
func typical(escaped bool) []byte {
	var b strings.Builder
	b.WriteString(`{"model":"fraud","version":"3","ts":"2026-01-31T23:59:59.123Z","request_id":"0192f3a4-7c1e-7b6e-8a41-5d2f9c0e1b37","features":{`)
	for i := range 20 {
		if i > 0 {
			b.WriteByte(',')
		}
		if escaped && i%5 == 0 {
			fmt.Fprintf(&b, `"gr\u00f6\u00dfe":{"x%02d":"\u00e4%d"}`, i, i)
			escaped = false
			continue
		}
		fmt.Fprintf(&b, `"feature_%02d":%.6f`, i, float64(i*i)*1.618034-37.25)
	}
	b.WriteString(`},"prediction":0.0731,"status":"ok","latency_ms":4.125}`)
	return []byte(b.String())
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for name, value := range map[string][]byte{"plain": typical(false), "with escapes and a group": typical(true)} {
		d := event.NewDecoder(event.Limits{})
		var e event.Event
		if n := testing.AllocsPerRun(1000, func() {
			if err := d.Decode(event.Predictions, value, &e); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations an event", name, n)
		}
		if len(e.Features) != 20 {
			t.Errorf("%s: %d features", name, len(e.Features))
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	value := typical(false)
	d := event.NewDecoder(event.Limits{})
	var e event.Event
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(event.Predictions, value, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReject(b *testing.B) {
	value := typical(false)
	value[len(value)-1] = ','
	d := event.NewDecoder(event.Limits{})
	var e event.Event
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		if err := d.Decode(event.Predictions, value, &e); err == nil {
			b.Fatal("accepted")
		}
	}
}
