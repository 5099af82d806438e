package redisstore

import (
	_ "embed" // the scripts are files of their own

	"github.com/redis/go-redis/v9"
)

//go:embed claim.lua
var claimSource string

//go:embed commit.lua
var commitSource string

//go:embed release.lua
var releaseSource string

//go:embed through.lua
var throughSource string

//go:embed reference_put.lua
var referencePutSource string

//go:embed reference_persist.lua
var referencePersistSource string

//go:embed drop.lua
var dropSource string

type scripts struct {
	claim, commit, release, drop, through, referencePut, referencePersist *redis.Script
}

// newScripts adds the line that declares a script, where the server knows it:
// a server whose memory is full then refuses the script before it begins. Those
// that only let go may run all the same.
func newScripts(declare bool) scripts {
	source := func(text, flags string) *redis.Script {
		if declare {
			text = "#!lua" + flags + "\n" + text
		}
		return redis.NewScript(text)
	}
	const shrinks = " flags=allow-oom"
	return scripts{
		claim:            source(claimSource, ""),
		commit:           source(commitSource, ""),
		release:          source(releaseSource, shrinks),
		drop:             source(dropSource, shrinks),
		through:          source(throughSource, ""),
		referencePut:     source(referencePutSource, ""),
		referencePersist: source(referencePersistSource, shrinks),
	}
}
