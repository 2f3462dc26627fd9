// Package boltstore keeps what viewers did in one file: the store of the embedded default.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"regie/internal/stream"
	"regie/internal/users"
)

// Store is a users.Store and a users.Directory. What a method has stored is on the disk when it returns.
type Store struct {
	db  *bbolt.DB
	now func() time.Time
}

var (
	_ users.Store     = (*Store)(nil)
	_ users.Directory = (*Store)(nil)
)

// Open opens or makes dir/users.db, and drops what has expired. Close it.
func Open(dir string, now func() time.Time) (*Store, error) {
	db, err := bbolt.Open(filepath.Join(dir, "users.db"), 0o600, &bbolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("opening the embedded store of users: %w", err)
	}
	s := &Store{db: db, now: now}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return s.in(tx).sweep()
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the embedded store of users: %w", err), db.Close())
	}
	return s, nil
}

// Close waits for what is under way.
func (s *Store) Close() error { return s.db.Close() }

// Apply implements users.Store, in one transaction.
func (s *Store) Apply(ctx context.Context, changes []users.Changes, positions map[string]stream.Position) error {
	return s.update(ctx, "applying changes", func(t *tx) error {
		for i := range changes {
			if err := t.apply(&changes[i]); err != nil {
				return err
			}
		}
		for name, p := range positions {
			if err := putJSON(t.positions, []byte(name), p); err != nil {
				return err
			}
		}
		return nil
	})
}

// Positions implements users.Store.
func (s *Store) Positions(ctx context.Context, partitions []string) (map[string]stream.Position, error) {
	out := map[string]stream.Position{}
	err := s.view(ctx, "reading positions", func(t *tx) error {
		for _, name := range partitions {
			var p stream.Position
			there, err := getJSON(t.positions, []byte(name), &p)
			if err != nil {
				return err
			}
			if there {
				out[name] = p
			}
		}
		return nil
	})
	return out, err
}

// Read implements users.Store. It is always consistent.
func (s *Store) Read(ctx context.Context, viewer string, ids []string, _ bool) (rows users.Rows, err error) {
	err = s.view(ctx, "reading rows", func(t *tx) error {
		for _, id := range ids {
			if err := t.read(viewer, id, &rows); err != nil {
				return err
			}
		}
		return nil
	})
	return rows, err
}

// List implements users.Store. It is always consistent.
func (s *Store) List(ctx context.Context, viewer string, what users.What, after users.Version, limit int, _ bool) (rows users.Rows, more bool, err error) {
	err = s.view(ctx, "listing "+string(what), func(t *tx) error {
		rows, more, err = t.list(viewer, what, after, limit)
		return err
	})
	return rows, more, err
}

// update runs fn in a transaction that writes.
func (s *Store) update(ctx context.Context, what string, fn func(*tx) error) error {
	return s.do(ctx, what, s.db.Update, fn)
}

func (s *Store) view(ctx context.Context, what string, fn func(*tx) error) error {
	return s.do(ctx, what, s.db.View, fn)
}

func (s *Store) do(ctx context.Context, what string, run func(func(*bbolt.Tx) error) error, fn func(*tx) error) error {
	err := ctx.Err()
	if err == nil {
		err = run(func(tx *bbolt.Tx) error { return fn(s.in(tx)) })
	}
	if err == nil || errors.Is(err, users.ErrConflict) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", what, users.ErrUnavailable, err)
}
