package simulation

import (
	"context"
	"os"
	"runtime/debug"
	"testing"

	"github.com/redis/go-redis/v9"
)

// silent takes the Redis client's own log, of which there is one for the whole
// process: instances that are cut off would fill it.
type silent struct{}

// Printf implements the client's logger.
func (silent) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	debug.SetGCPercent(400) // a run leaves much behind, and soon all of it
	os.Exit(m.Run())
}
