package service

import (
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/configs"
)

// Whatever can alert can be silenced: the configuration names the kinds itself.
func TestEveryKindCanBeSilenced(t *testing.T) {
	for _, kind := range alerts.Kinds() {
		text := "kafka: {brokers: [localhost:9092]}\nredis: {addresses: [localhost:6379]}\nsilences: [{model: m, reason: r, kinds: [" + string(kind) + "]}]\n"
		c, problems := configs.Parse("kolmo.yaml", []byte(text), nil)
		if len(problems) > 0 {
			t.Errorf("%s: %v", kind, problems)
			continue
		}
		if s := silence(&c.Silences[0]); len(s.Kinds) != 1 || s.Kinds[0] != kind {
			t.Errorf("%s: %+v", kind, s)
		}
	}
}
