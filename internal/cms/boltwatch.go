package cms

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// tokenOf is a change's resume token: the store's id and the change's sequence, in hexadecimal digits that sort. The id
// tells a token of another file of the same name.
func tokenOf(id string, seq uint64) bson.D {
	return bson.D{{Key: "_data", Value: fmt.Sprintf("%s%016X", id, seq)}}
}

// Prepare implements Source: every change tells what was before it.
func (b *Bolt) Prepare(context.Context, string) error { return nil }

// IDs implements Source.
func (b *Bolt) IDs(ctx context.Context, name string, fn func(bson.RawValue) error) error {
	return b.Snapshot(ctx, name, bson.RawValue{}, func(doc bson.Raw) error { return fn(doc.Lookup("_id")) })
}

// Snapshot implements Source.
func (b *Bolt) Snapshot(ctx context.Context, name string, after bson.RawValue, fn func(bson.Raw) error) error {
	// In steps, because a reader that lasts keeps bbolt from reusing pages.
	const step = 500
	var from []byte
	if !after.IsZero() {
		key, err := Key(after)
		if err != nil {
			return err
		}
		from = append([]byte(key), 0)
	}
	for {
		var docs []bson.Raw
		err := b.db.View(func(tx *bbolt.Tx) error {
			c, err := in(tx, name)
			if err != nil {
				return err
			}
			cur := c.documents.Cursor()
			k, v := cur.Seek(from)
			for ; k != nil && len(docs) < step; k, v = cur.Next() {
				docs = append(docs, bytes.Clone(v))
				from = append(bytes.Clone(k), 0)
			}
			return nil
		})
		if err != nil || len(docs) == 0 {
			return err
		}
		for _, d := range docs {
			if err := fn(d); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Watch implements Source.
func (b *Bolt) Watch(_ context.Context, name string, after Token) (Changes, error) {
	w := &boltChanges{store: b, name: name}
	return w, b.db.View(func(tx *bbolt.Tx) error {
		c, err := in(tx, name)
		if err != nil {
			return err
		}
		if after == nil {
			w.last = c.changes.Sequence()
			return nil
		}
		data := lookup(after, "_data")
		sequence, ours := strings.CutPrefix(data, b.id)
		w.last, err = strconv.ParseUint(sequence, 16, 64)
		if !ours || err != nil || len(sequence) != 16 {
			return fmt.Errorf("watching collection %s: the resume token is not of this embedded CMS: %w", name, ErrTokenLost)
		}
		if first, _ := c.changes.Cursor().First(); w.last > c.changes.Sequence() || first != nil && w.last+1 < beUint64(first) {
			return fmt.Errorf("watching collection %s: %w", name, ErrTokenLost)
		}
		return nil
	})
}

func beUint64(b []byte) (n uint64) {
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

type boltChanges struct {
	store *Bolt
	name  string
	last  uint64
}

// Next implements Changes.
func (w *boltChanges) Next(ctx context.Context, max int) ([]bson.Raw, error) {
	timeout := time.NewTimer(time.Second)
	defer timeout.Stop()
	for {
		w.store.mu.Lock()
		changed := w.store.changed
		w.store.mu.Unlock()
		var out []bson.Raw
		err := w.store.db.View(func(tx *bbolt.Tx) error {
			c, err := in(tx, w.name)
			if err != nil {
				return err
			}
			cur := c.changes.Cursor()
			for k, v := cur.Seek(sequence(w.last + 1)); k != nil && len(out) < max; k, v = cur.Next() {
				if beUint64(k) != w.last+1 {
					return fmt.Errorf("watching collection %s: %w", w.name, ErrTokenLost)
				}
				out = append(out, bytes.Clone(v))
				w.last++
			}
			return nil
		})
		if err != nil || len(out) > 0 {
			return out, err
		}
		select {
		case <-changed:
		case <-timeout.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Token implements Changes.
func (w *boltChanges) Token() Token {
	raw, err := bson.Marshal(tokenOf(w.store.id, w.last))
	if err != nil {
		panic(err) // a string in a document
	}
	return raw
}

// Close implements Changes.
func (w *boltChanges) Close(context.Context) error { return nil }
