package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// PutReference stores reference material under an id that stands for its
// contents. It expires after ttl unless PersistReference comes first, and is not
// found before it is complete. Storing it again renews the time limit of one
// that is not persistent yet; ttl must leave time to write the parts, each of
// which should be at most a few hundred kilobytes.
func (s *Store) PutReference(ctx context.Context, id string, head, grid []byte, parts [][]byte, ttl time.Duration) error {
	key, err := s.referenceKey(id)
	if err != nil {
		return err
	}
	put := func(fields ...any) (complete bool, err error) {
		args := append([]any{max(1, ttl.Milliseconds())}, fields...)
		return s.scripts.referencePut.Run(ctx, s.client, []string{key}, args...).Bool()
	}
	complete, err := put()
	for i := 0; i < len(parts) && !complete && err == nil; i++ {
		_, err = put("p"+strconv.Itoa(i), parts[i])
	}
	if !complete && err == nil {
		_, err = put("grid", grid, "n", len(parts), "head", head)
	}
	if err != nil {
		return fmt.Errorf("storing reference %s: %w", id, explain(err))
	}
	return nil
}

// PersistReference keeps a reference until it is deleted; ErrNotFound if it has
// expired.
func (s *Store) PersistReference(ctx context.Context, id string) error {
	key, err := s.referenceKey(id)
	if err != nil {
		return err
	}
	found, err := s.scripts.referencePersist.Run(ctx, s.client, []string{key}).Bool()
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("keeping reference %s: %w", id, err)
	}
	return nil
}

// ExpireReference lets a reference go after a time, unless PersistReference comes
// first. One that is not there is no error.
func (s *Store) ExpireReference(ctx context.Context, id string, ttl time.Duration) error {
	key, err := s.referenceKey(id)
	if err != nil {
		return err
	}
	if err := s.client.PExpire(ctx, key, ttl).Err(); err != nil {
		return fmt.Errorf("letting go of reference %s: %w", id, err)
	}
	return nil
}

// DeleteReference deletes a reference. One that is not there is no error.
func (s *Store) DeleteReference(ctx context.Context, id string) error {
	key, err := s.referenceKey(id)
	if err != nil {
		return err
	}
	if err := s.client.Unlink(ctx, key).Err(); err != nil {
		return fmt.Errorf("deleting reference %s: %w", id, err)
	}
	return nil
}

// ReferenceHead reads a reference's head; ErrNotFound if there is none.
func (s *Store) ReferenceHead(ctx context.Context, id string) ([]byte, error) {
	return s.referenceField(ctx, id, "head")
}

// ReferenceGrid reads a reference's grid; ErrNotFound if there is none.
func (s *Store) ReferenceGrid(ctx context.Context, id string) ([]byte, error) {
	return s.referenceField(ctx, id, "grid")
}

func (s *Store) referenceField(ctx context.Context, id, field string) ([]byte, error) {
	key, err := s.referenceKey(id)
	if err != nil {
		return nil, err
	}
	value, err := s.client.HGet(ctx, key, field).Bytes()
	if errors.Is(err, redis.Nil) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the %s of reference %s: %w", field, id, err)
	}
	return value, nil
}

// Reference reads a reference whole; ErrNotFound if it is not there.
func (s *Store) Reference(ctx context.Context, id string) (head []byte, parts [][]byte, err error) {
	key, err := s.referenceKey(id)
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) ([]byte, [][]byte, error) {
		return nil, nil, fmt.Errorf("reading reference %s: %w", id, err)
	}
	values, err := s.client.HMGet(ctx, key, "head", "n").Result()
	if err != nil {
		return fail(err)
	}
	text, found := values[0].(string)
	if !found {
		return fail(ErrNotFound)
	}
	count, _ := values[1].(string)
	n, err := strconv.Atoi(count)
	if err != nil {
		return fail(fmt.Errorf("%w: %q parts", ErrCorrupt, count))
	}
	for i := range n {
		part, err := s.client.HGet(ctx, key, "p"+strconv.Itoa(i)).Bytes()
		switch {
		case errors.Is(err, redis.Nil): // it expired or was deleted meanwhile
			return fail(ErrNotFound)
		case err != nil:
			return fail(err)
		}
		parts = append(parts, part)
	}
	return []byte(text), parts, nil
}
