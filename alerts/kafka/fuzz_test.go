package kafka

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
)

// FuzzRequest: whatever stands in the references topic while a shard is owned, a
// request is taken for the version that it names, or left out.
func FuzzRequest(f *testing.F) {
	v := alerts.Version{Model: "m/1", Version: "2"}
	value, err := EncodeRequest(v, "sha256:00")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(RequestKey(v)), value)
	f.Add("m//_head/request/next", []byte(`{"model":"m","reference":7}`))
	f.Add("/request/next", []byte(`{"model":""}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		s := &shard{log: slog.New(slog.DiscardHandler), requests: make(map[alerts.Version]request)}
		s.takeReferenceRecord(&kgo.Record{Key: []byte(key), Value: value})
		for v, r := range s.requests {
			if v.Model == "" || v.Model != r.Model || v.Version != r.Version {
				t.Errorf("%+v is asked for %+v", r, v)
			}
		}
	})
}

func FuzzParsePartition(f *testing.F) {
	f.Add("00112233445566778899aabbccddeeff/7")
	f.Add("00112233445566778899AABBCCDDEEFF/-2147483648")
	f.Add("/")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parsePartition(text)
		if err != nil {
			return
		}
		if again, err := parsePartition(id.String()); err != nil || again != id {
			t.Errorf("%q is %v, which is %v, %v", text, id, again, err)
		}
	})
}
