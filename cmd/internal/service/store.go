package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// OpenStore connects to the Redis of the configuration. The error says which of
// its keys to mend.
func OpenStore(ctx context.Context, o Options, options ...redisstore.Option) (*redisstore.Store, error) {
	store, err := redisstore.Open(ctx, o.Redis, o.Prefix, o.Log, options...)
	var policy *redisstore.PolicyError
	switch {
	case err == nil:
		return store, nil
	case errors.As(err, &policy):
		return nil, fmt.Errorf("opening Redis: %w", err)
	case redis.IsAuthError(err):
		return nil, fmt.Errorf("opening Redis: %w: mend redis.username and redis.password_file (or redis.password)", err)
	case redis.IsPermissionError(err):
		return nil, fmt.Errorf("opening Redis: %w: allow the user of redis.username what kolmo does, as with `ACL SETUSER NAME ~%s:* +@all`", err, o.Prefix)
	}
	return nil, fmt.Errorf("opening Redis: %w: start it, or mend redis.addresses", err)
}
