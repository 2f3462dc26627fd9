package cms

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/stream"
)

// Bolt is the CMS of the embedded default, in one file. Its change events are MongoDB's.
//
// Buckets, per collection: documents (key -> BSON), slugs (slug NUL key -> nothing), changes (sequence -> event, without
// a gap).
type Bolt struct {
	db   *bbolt.DB
	id   string // random, made with the file
	now  func() time.Time
	kept uint64 // changes of each collection

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each commit
}

var (
	_ Store  = (*Bolt)(nil)
	_ Source = (*Bolt)(nil)
)

// keptChanges bounds the history of a collection, like MongoDB's oplog. Who was away for longer takes a snapshot.
const keptChanges = 100_000

// OpenBolt opens or makes dir/cms.db. Close it.
func OpenBolt(dir string, now func() time.Time) (*Bolt, error) {
	db, err := bbolt.Open(filepath.Join(dir, "cms.db"), 0o644, &bbolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("opening the embedded CMS: %w", err)
	}
	var id string
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, c := range stream.Collections() {
			for _, kind := range []string{"documents", "slugs", "changes"} {
				if _, err := tx.CreateBucketIfNotExists([]byte(kind + "/" + c)); err != nil {
					return err
				}
			}
		}
		marks, err := tx.CreateBucketIfNotExists([]byte("marks"))
		if err != nil {
			return err
		}
		if marks.Get([]byte("id")) == nil {
			err = marks.Put([]byte("id"), fmt.Appendf(nil, "%08X", rand.Uint32()))
		}
		id = string(marks.Get([]byte("id")))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the embedded CMS: %w", err), db.Close())
	}
	return &Bolt{db: db, id: id, now: now, kept: keptChanges, changed: make(chan struct{})}, nil
}

// Close waits for what is under way.
func (b *Bolt) Close() error { return b.db.Close() }

// Mark remembers that something was done, such as the first import.
func (b *Bolt) Mark(name string) error {
	return b.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("marks")).Put([]byte(name), []byte{1}) })
}

// Marked tells whether Mark was called with name, in this process or an earlier one.
func (b *Bolt) Marked(name string) (ok bool, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error { ok = tx.Bucket([]byte("marks")).Get([]byte(name)) != nil; return nil })
	return ok, err
}

// collection is one collection's buckets within a transaction.
type collection struct {
	tx                        *bbolt.Tx
	name                      string
	id                        string // the store's
	kept                      uint64
	documents, slugs, changes *bbolt.Bucket
}

func in(tx *bbolt.Tx, name string) (collection, error) {
	c := collection{tx: tx, name: name, documents: tx.Bucket([]byte("documents/" + name)), slugs: tx.Bucket([]byte("slugs/" + name)), changes: tx.Bucket([]byte("changes/" + name))}
	if c.documents == nil {
		return c, CheckCollection(name)
	}
	return c, nil
}

// find returns the document as Get does, valid within the transaction.
func (c collection) find(ref string) (bson.Raw, error) {
	if d := c.documents.Get([]byte(ref)); d != nil {
		return d, nil
	}
	parent, self := reference(c.name, ref)
	if parent != "" {
		programmes, err := in(c.tx, "programme")
		if err != nil {
			return nil, err
		}
		p, err := programmes.find(parent)
		if err != nil {
			return nil, err
		}
		if d := c.oldest(self, func(d bson.Raw) bool { return d.Lookup("programme").Equal(p.Lookup("_id")) }); d != nil {
			return d, nil
		}
	} else if d := c.documents.Get([]byte(self)); d != nil {
		return d, nil
	} else if d := c.oldest(self, nil); d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("%s %q: %w", c.name, ref, ErrNotFound)
}

// oldest returns the oldest document of a slug that match, if given, accepts; or nil.
func (c collection) oldest(slug string, match func(bson.Raw) bool) (found bson.Raw) {
	prefix := append([]byte(slug), 0)
	cur := c.slugs.Cursor()
	for k, _ := cur.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = cur.Next() {
		d := bson.Raw(c.documents.Get(k[len(prefix):]))
		if s, ok := d.Lookup("slug").StringValueOK(); !ok || s != slug {
			continue // it has none, or a longer one with a NUL in it
		}
		if (match == nil || match(d)) && (found == nil || older(d, found)) {
			found = d
		}
	}
	return found
}

func older(a, b bson.Raw) bool {
	at, ak := age(a)
	bt, bk := age(b)
	return at < bt || at == bt && ak < bk
}

// write stores doc, or with a nil doc removes key, and appends the change event of the operation.
func (c collection) write(key string, doc bson.Raw, operation string, extra bson.D, now time.Time) error {
	old := bson.Raw(bytes.Clone(c.documents.Get([]byte(key))))
	id := doc.Lookup("_id")
	if doc == nil {
		id = old.Lookup("_id")
	}
	if old != nil {
		if err := c.slugs.Delete(slugKey(old, key)); err != nil {
			return err
		}
	}
	if doc == nil {
		if err := c.documents.Delete([]byte(key)); err != nil {
			return err
		}
	} else {
		if err := c.documents.Put([]byte(key), doc); err != nil {
			return err
		}
		if err := c.slugs.Put(slugKey(doc, key), nil); err != nil {
			return err
		}
	}
	seq, err := c.changes.NextSequence()
	if err != nil {
		return err
	}
	event := bson.D{{Key: "_id", Value: tokenOf(c.id, seq)}, {Key: "operationType", Value: operation}}
	if doc != nil {
		event = append(event, bson.E{Key: "fullDocument", Value: doc})
	}
	event = append(event,
		bson.E{Key: "ns", Value: bson.D{{Key: "db", Value: defaultDatabase}, {Key: "coll", Value: c.name}}},
		bson.E{Key: "documentKey", Value: bson.D{{Key: "_id", Value: id}}})
	event = append(event, extra...)
	event = append(event,
		bson.E{Key: "clusterTime", Value: bson.Timestamp{T: uint32(now.Unix()), I: uint32(seq)}},
		bson.E{Key: "wallTime", Value: bson.NewDateTimeFromTime(now)})
	if old != nil && len(old)+len(doc) <= MaxDocument { // MongoDB's events have no room for both either
		event = append(event, bson.E{Key: "fullDocumentBeforeChange", Value: old})
	}
	raw, err := bson.Marshal(event)
	if err != nil {
		return fmt.Errorf("encoding the change of %s %q: %w", c.name, key, err)
	}
	if err := c.changes.Put(sequence(seq), raw); err != nil {
		return err
	}
	if seq > c.kept {
		return c.changes.Delete(sequence(seq - c.kept))
	}
	return nil
}

// maxKey is how many bytes an _id may have as text: a bucket's key holds it beside a slug.
const maxKey = bbolt.MaxKeySize/2 - 1

// slugKey finds a document by its slug; one by whose slug nobody asks, so long is it, is among those that have none.
func slugKey(doc bson.Raw, key string) []byte {
	slug := lookup(doc, "slug")
	if len(slug) > maxKey {
		slug = ""
	}
	return []byte(slug + "\x00" + key)
}

func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// update runs fn in a write transaction and wakes the watchers.
func (b *Bolt) update(name string, fn func(collection) error) error {
	err := b.db.Update(func(tx *bbolt.Tx) error {
		c, err := in(tx, name)
		if err != nil {
			return err
		}
		c.id, c.kept = b.id, b.kept
		return fn(c)
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// Get implements Store.
func (b *Bolt) Get(_ context.Context, name, ref string) (doc bson.Raw, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		c, err := in(tx, name)
		if err != nil {
			return err
		}
		doc, err = c.find(ref)
		doc = bytes.Clone(doc)
		return err
	})
	return doc, err
}

// Put implements Store.
func (b *Bolt) Put(_ context.Context, name string, docs []bson.Raw) (written int, err error) {
	keys, err := check(name, docs)
	if err != nil {
		return 0, err
	}
	for i, key := range keys {
		if len(key) > maxKey {
			return 0, refuse(name, i, fmt.Errorf("its _id has %d bytes as text, at most %d are allowed", len(key), maxKey))
		}
	}
	now := b.now()
	err = b.update(name, func(c collection) error {
		for i, d := range docs {
			key := keys[i]
			old := bson.Raw(c.documents.Get([]byte(key)))
			if same(old, d) {
				continue
			}
			operation := "insert"
			if old != nil {
				operation = "replace"
			}
			if err := c.write(key, d, operation, nil, now); err != nil {
				return err
			}
			written++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return written, nil
}

// Set implements Store.
func (b *Bolt) Set(_ context.Context, name, ref string, fields bson.D) error {
	if err := checkUpdatedAt(fields); err != nil {
		return fmt.Errorf("changing %s %q: %w", name, ref, err)
	}
	now := b.now()
	fields = append(fields[:len(fields):len(fields)], bson.E{Key: fieldUpdatedAt, Value: bson.NewDateTimeFromTime(now)})
	return b.update(name, func(c collection) error {
		old, err := c.find(ref)
		if err != nil {
			return err
		}
		key, err := Key(old.Lookup("_id"))
		if err != nil {
			return err
		}
		doc, err := SetFields(old, fields)
		if err != nil {
			return fmt.Errorf("changing %s %q: %w", name, ref, err)
		}
		updated, removed := bson.D{}, bson.A{}
		for _, f := range fields {
			if f.Value == nil {
				removed = append(removed, f.Key)
			} else {
				updated = append(updated, f)
			}
		}
		description := bson.D{{Key: "updateDescription", Value: bson.D{{Key: "updatedFields", Value: updated}, {Key: "removedFields", Value: removed}}}}
		return c.write(key, doc, "update", description, now)
	})
}

// Delete implements Store.
func (b *Bolt) Delete(_ context.Context, name, ref string) error {
	now := b.now()
	return b.update(name, func(c collection) error {
		old, err := c.find(ref)
		if err != nil {
			return err
		}
		key, err := Key(old.Lookup("_id"))
		if err != nil {
			return err
		}
		return c.write(key, nil, "delete", nil, now)
	})
}
