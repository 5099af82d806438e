package redisstore

import (
	"context"
	_ "embed" // the script is a file of its own
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// accessTime is how long a key of CheckAccess can outlive it.
const accessTime = time.Second

//go:embed access.lua
var accessSource string

// Commands are the commands that the user of a store must be allowed, those of
// its scripts among them, in the words of Redis' access lists. Of a connection's
// first commands HELLO and AUTH are not among them: nobody can be denied those.
func Commands() []string {
	return []string{
		"client|setname", "del", "eval", "evalsha", "exists", "get", "hdel", "hexists", "hget", "hgetall", "hincrby", "hkeys", "hmget", "hset",
		"info", "persist", "pexpire", "ping", "pttl", "set", "unlink",
	}
}

// ClusterCommands are those that the user needs beside Commands in a Redis
// Cluster.
func ClusterCommands() []string { return []string{"cluster|slots", "command"} }

// AccessRule is the rule of a user who may do what a store does under a prefix,
// and nothing else; it goes after ACL SETUSER and the user's name. The password
// is given apart from it.
func AccessRule(prefix string) string {
	return "resetkeys ~" + prefix + ":* resetchannels -@all +" + strings.Join(Commands(), " +")
}

// CheckAccess sends every command that a store under the prefix sends, and its
// error says which of them the user is denied; it is one that IsDenied
// knows. What goes wrong otherwise, a full memory say, is for the
// store to find: it can pass. Two keys are written, and gone when it returns; one
// of them, should the connection break, after a second.
func CheckAccess(ctx context.Context, client redis.UniversalClient, prefix string) error {
	key := prefix + ":{access}"
	pipe := client.Pipeline()
	pipe.Set(ctx, key, "", accessTime)
	pipe.Get(ctx, key)
	pipe.PExpire(ctx, key, accessTime)
	pipe.Unlink(ctx, key)
	pipe.HGet(ctx, key, "a") // of no key: nothing is left of the one before
	pipe.HMGet(ctx, key, "a")
	commands, err := pipe.Exec(ctx)
	if err == nil || IsDenied(err) {
		for _, command := range commands {
			if err := command.Err(); IsDenied(err) {
				return denied(command.Name(), err)
			}
		}
	}
	script := redis.NewScript(accessSource)
	// EVAL first, as a script must be when Redis has never seen it, and EVALSHA
	// then, as it is from the second time on.
	failed, err := script.Eval(ctx, client, []string{key}).StringSlice()
	if IsDenied(err) {
		return denied("eval", err)
	}
	if len(failed) == 2 {
		if err := errors.New(failed[1]); IsDenied(err) {
			return denied(strings.ToLower(failed[0]), err)
		}
	}
	if err := script.EvalSha(ctx, client, []string{key}).Err(); IsDenied(err) {
		return denied("evalsha", err)
	}
	return nil
}

// IsDenied reports whether Redis has denied its user a command or a key. What it
// says of a command in a script has an error code in some versions only.
func IsDenied(err error) bool {
	if err == nil || redis.IsPermissionError(err) {
		return err != nil
	}
	for _, words := range []string{"NOPERM ", "ACL failure in script", "The user executing the script can't"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

func denied(command string, err error) error {
	return fmt.Errorf("its user may not call %s, or not on the keys of the prefix: %w", strings.ToUpper(command), err)
}
