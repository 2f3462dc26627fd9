package boltstore

import (
	"bytes"
	"context"
	"time"

	"regie/internal/users"
)

// Pseudonym implements users.Directory.
func (s *Store) Pseudonym(ctx context.Context, user, offered string) (pseudonym string, err error) {
	err = s.view(ctx, "reading a pseudonym", func(t *tx) error { pseudonym = t.pseudonym(user); return nil })
	if err != nil || pseudonym != "" || offered == "" {
		return pseudonym, err
	}
	err = s.update(ctx, "storing a pseudonym", func(t *tx) error {
		if pseudonym = t.pseudonym(user); pseudonym != "" {
			return nil // stored since
		}
		pseudonym = offered
		return t.users.Put([]byte(user), []byte(offered))
	})
	return pseudonym, err
}

func (t *tx) pseudonym(user string) string {
	p := t.users.Get([]byte(user))
	if p == nil || t.erased.Get(p) != nil {
		return ""
	}
	return string(p)
}

// Forget implements users.Directory.
func (s *Store) Forget(ctx context.Context, user, pseudonym string) error {
	return s.update(ctx, "forgetting a user", func(t *tx) error {
		if err := t.erase(pseudonym); err != nil {
			return err
		}
		if string(t.users.Get([]byte(user))) != pseudonym {
			return nil // it has another one by now
		}
		return t.users.Delete([]byte(user))
	})
}

// remembered is what an idempotency key was used for.
type remembered struct {
	Expires int64  `json:"expires"` // Unix milliseconds
	Content []byte `json:"content"`
}

// Remember implements users.Directory.
func (s *Store) Remember(ctx context.Context, viewer, key string, content []byte, now time.Time) (stored []byte, err error) {
	err = s.update(ctx, "remembering an idempotency key", func(t *tx) error {
		var r remembered
		there, err := getJSON(t.keys, join(viewer, key), &r)
		if err != nil {
			return err
		}
		if !there || r.Expires <= now.UnixMilli() {
			stored = content
			return putJSON(t.keys, join(viewer, key), remembered{now.Add(users.KeepKeys).UnixMilli(), content})
		}
		if stored = r.Content; !bytes.Equal(stored, content) {
			return users.ErrConflict
		}
		return nil
	})
	return stored, err
}
