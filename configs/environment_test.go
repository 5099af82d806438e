package configs_test

import (
	"reflect"
	"testing"
)

func TestEnvironmentVariablesStandAnywhereInAValue(t *testing.T) {
	c := parsed(t, `
kafka:
  brokers: ["${KOLMO_HOST}:9092", '${KOLMO_HOST}:90${KOLMO_NUMBER}']
  group: a-$$-${KOLMO_HOST}-$-$x-$${KOLMO_HOST}
  create_outputs:
    partitions: ${KOLMO_NUMBER}
    replication_factor: "${KOLMO_NUMBER}"
redis: {addresses: [localhost:6379], username: "${KOLMO_NESTED}"}
models:
  - name: ${KOLMO_TEXT}
`)
	if want := []string{"redis.internal:9092", "redis.internal:9012"}; !reflect.DeepEqual(c.Kafka.Brokers, want) {
		t.Errorf("brokers %q", c.Kafka.Brokers)
	}
	if want := "a-$-redis.internal-$-$x-${KOLMO_HOST}"; c.Kafka.Group != want {
		t.Errorf("group %q", c.Kafka.Group)
	}
	if o := c.Kafka.CreateOutputs; o.Partitions != 12 || o.ReplicationFactor != 12 {
		t.Errorf("numbers from the environment: %+v", o)
	}
	if c.Redis.Username != "${KOLMO_TEXT}" {
		t.Errorf("what a variable holds was expanded again: %q", c.Redis.Username)
	}
	if c.Models[0].Name != "some text" {
		t.Errorf("name %q", c.Models[0].Name)
	}
}
