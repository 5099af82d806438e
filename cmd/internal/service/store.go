package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// OpenStore connects to the Redis of the configuration. The error says which of
// its keys to mend.
func OpenStore(ctx context.Context, o Options, options ...redisstore.Option) (*redisstore.Store, error) {
	store, err := redisstore.Open(ctx, o.Redis, o.Prefix, o.Log, options...)
	if err == nil {
		err = redisstore.CheckAccess(ctx, o.Redis, o.Prefix)
	}
	var policy *redisstore.PolicyError
	switch {
	case err == nil:
		return store, nil
	case errors.As(err, &policy):
		return nil, fmt.Errorf("opening Redis: %w", err)
	case redisstore.IsDenied(err):
		return nil, fmt.Errorf("opening Redis: %w: allow the user of redis.username what kolmo does: `ACL SETUSER NAME %s`, in a Redis Cluster also `+%s`",
			err, redisstore.AccessRule(o.Prefix), strings.Join(redisstore.ClusterCommands(), " +"))
	case redis.IsAuthError(err):
		return nil, fmt.Errorf("opening Redis: %w: mend redis.username and redis.password_file (or redis.password)", err)
	}
	if mend := mendTLS("redis", err); mend != "" {
		return nil, fmt.Errorf("opening Redis: %w: %s", err, mend)
	}
	return nil, fmt.Errorf("opening Redis: %w: %s", err, silent(o.RedisSecured, err))
}
