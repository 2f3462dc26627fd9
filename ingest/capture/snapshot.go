package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

const (
	// batchBytes bounds a transaction of large documents.
	batchBytes = 16 << 20
	tellEvery  = 5 * time.Second
)

// snapshot captures every document, or goes on where the last owner was with that, and returns the position from which
// the changes made meanwhile follow. Each transaction holds how far it is, so that nothing is captured twice.
func (o *owner) snapshot(ctx context.Context, p *stream.Producer, at position) (position, error) {
	if at.snapshot == nil {
		var err error
		if at, err = o.begin(ctx, p); err != nil {
			return at, err
		}
	} else {
		o.log.Info("taking up a snapshot", "documents", at.snapshot.documents, "of", at.snapshot.total)
	}
	var batch []bson.Raw
	bytes, began, told, from := 0, time.Now(), time.Now(), at.snapshot.documents
	flush := func() error {
		records, err := o.records(batch)
		if err != nil {
			return err
		}
		next := *at.snapshot
		next.documents += len(batch)
		next.after = batch[len(batch)-1].Lookup("documentKey", "_id")
		at.snapshot = &next
		r, err := o.positionRecord(at)
		if err != nil {
			return err
		}
		batch, bytes = batch[:0], 0
		how := next.attrs(next.documents-from, time.Since(began))
		o.set(o.collection, "snapshot under way: "+strings.Trim(fmt.Sprint(how), "[]"))
		if time.Since(told) > tellEvery {
			told = time.Now()
			o.log.LogAttrs(ctx, slog.LevelInfo, "snapshot under way", how...)
		}
		return o.write(ctx, p, append(records, r))
	}
	err := o.source.Snapshot(ctx, o.collection, at.snapshot.after, func(doc bson.Raw) error {
		event, err := snapshotEvent(o.collection, "insert", doc.Lookup("_id"), doc)
		if err != nil {
			return err
		}
		batch, bytes = append(batch, event), bytes+len(event)
		if len(batch) < batchSize && bytes < batchBytes {
			return nil
		}
		return flush()
	})
	if err == nil && len(batch) > 0 {
		err = flush()
	}
	if err != nil {
		return at, err
	}
	o.log.Info("snapshot done", "documents", at.snapshot.documents, "took", time.Since(began).Round(time.Millisecond).String())
	at.snapshot = nil
	return at, o.save(ctx, p, at)
}

// begin takes the token from which a snapshot's changes follow, and captures the deletion of what the topic has and the
// collection has not. What is deleted later the changes tell.
func (o *owner) begin(ctx context.Context, p *stream.Producer) (at position, err error) {
	changes, err := o.source.Watch(ctx, o.collection, nil)
	if err != nil {
		return at, err
	}
	at = position{token: changes.Token(), snapshot: &progress{}}
	if err := changes.Close(ctx); err != nil {
		return at, err
	}
	if at.token == nil {
		return at, errors.New("the CMS gave no resume token")
	}
	gone, err := o.captured(ctx)
	if err != nil {
		return at, err
	}
	err = o.source.IDs(ctx, o.collection, func(id bson.RawValue) error {
		at.snapshot.total++
		if key, err := cms.Key(id); err == nil {
			delete(gone, key)
		}
		return nil
	})
	if err != nil {
		return at, err
	}
	var batch []bson.Raw
	flush := func() error {
		records, err := o.records(batch)
		batch = batch[:0]
		if err != nil {
			return err
		}
		return o.write(ctx, p, records)
	}
	for key := range gone {
		event, err := snapshotEvent(o.collection, "delete", cms.ID(key), nil)
		if err != nil {
			return at, err
		}
		if batch = append(batch, event); len(batch) == batchSize {
			if err := flush(); err != nil {
				return at, err
			}
		}
	}
	if len(batch) > 0 {
		if err := flush(); err != nil {
			return at, err
		}
	}
	o.log.Info("taking a snapshot", "documents", at.snapshot.total, "deletions", len(gone))
	return at, o.save(ctx, p, at)
}

// captured returns the keys of the documents that exist by the topic's word.
func (o *owner) captured(ctx context.Context) (map[string]bool, error) {
	alive := map[string]bool{}
	err := o.cluster.ReadAll(ctx, stream.CMS(o.collection), func(r stream.Record) error {
		if r.Value == nil || deletes(r.Value) {
			delete(alive, string(r.Key))
		} else {
			alive[string(r.Key)] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what was captured of %s: %w", o.collection, err)
	}
	return alive, nil
}

// attrs tell how far the snapshot is, and from how many documents took how long, when it will be done.
func (s progress) attrs(documents int, took time.Duration) []slog.Attr {
	left := max(0, s.total-s.documents)
	eta := took / time.Duration(max(1, documents)) * time.Duration(left)
	return []slog.Attr{
		slog.Int("documents", s.documents), slog.Int("of", s.total),
		slog.Int("per_second", int(float64(documents)/max(took.Seconds(), 1e-9))),
		slog.String("eta", eta.Round(time.Second).String()),
	}
}
