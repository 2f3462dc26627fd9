// Package capture is the role that carries the CMS's changes into Kafka: one record per change, its document untouched.
//
//	                     elected by a group, one owner per collection
//	CMS collection --> snapshot, then change stream --> regie.cms.<collection>
//	                               \--> quiet: where it stands --> regie.capture.position
//
// A change's record holds its resume token, so what is captured and how far are one write, in one Kafka transaction per
// batch: a restart at any point neither loses nor repeats a change, and an owner that was replaced without knowing cannot
// write any more.
package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

// Role is the name of this role.
const Role = "capture"

// Capture is the role.
type Capture struct {
	cluster *stream.Cluster
	source  cms.Source
	log     *slog.Logger

	mu       sync.Mutex
	assigned bool
	// behind are the collections owned here whose changes are not yet being followed.
	behind map[string]bool
}

// New does no I/O.
func New(cluster *stream.Cluster, source cms.Source, log *slog.Logger) *Capture {
	return &Capture{cluster: cluster, source: source, log: log.With("role", Role), behind: map[string]bool{}}
}

// Ready tells whether the election is over and the changes of every collection owned here are being followed.
func (c *Capture) Ready() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.assigned && len(c.behind) == 0
}

func (c *Capture) set(collection string, behind bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if behind {
		c.behind[collection] = true
	} else {
		delete(c.behind, collection)
	}
}

// Run captures the collections that this instance is elected for, until ctx is done.
func (c *Capture) Run(ctx context.Context) error {
	collections := stream.Collections()
	assigned := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.assigned = true
	}
	return c.cluster.Elect(ctx, Role, stream.CapturePosition, assigned, func(ctx context.Context, partition int32) error {
		if int(partition) >= len(collections) {
			<-ctx.Done()
			return nil
		}
		o := &owner{Capture: c, collection: collections[partition], partition: partition}
		o.log = c.log.With("collection", o.collection)
		c.set(o.collection, true)
		defer c.set(o.collection, false)
		return o.run(ctx)
	})
}

const (
	batchSize = 500
	// saveEvery is how often a quiet collection's token is saved, so that it never ages out of the source's history.
	saveEvery = 10 * time.Second
	retryMin  = 100 * time.Millisecond
	retryMax  = 10 * time.Second
)

// owner captures one collection for as long as this instance is elected.
type owner struct {
	*Capture
	collection string
	partition  int32
	log        *slog.Logger
	// sequence is of the last record or position written.
	sequence int64
}

// run keeps a session open. What goes wrong in one (the CMS or Kafka away, an owner's place taken) is tried again.
func (o *owner) run(ctx context.Context) error {
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		began := time.Now()
		err := o.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > time.Minute {
			wait = retryMin
		}
		o.cluster.Metrics().Retried(Role)
		o.log.Warn("capture interrupted, will resume", "retry_in", wait.String(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// session captures from where the position topic says, until an error.
func (o *owner) session(ctx context.Context) error {
	p, err := o.cluster.NewTxProducer(ctx, Role+"."+o.collection)
	if err != nil {
		return err
	}
	defer p.Close()
	token, byHand, err := o.position(ctx)
	if err == nil && byHand { // ours from here on
		err = o.save(ctx, p, token)
	}
	if err != nil {
		return err
	}
	if token == nil {
		if token, err = o.snapshot(ctx, p); err != nil {
			return err
		}
	}
	changes, err := o.source.Watch(ctx, o.collection, token)
	if errors.Is(err, cms.ErrTokenLost) {
		o.log.Error("the changes since the last run are gone from the CMS: capturing every document again", "error", err)
		token, changes, err = o.restart(ctx, p)
	}
	if err != nil {
		return err
	}
	defer func() { _ = changes.Close(context.WithoutCancel(ctx)) }()
	o.set(o.collection, false)
	saved, at := token, time.Now()
	for {
		events, err := changes.Next(ctx, batchSize)
		lost, ended := errors.Is(err, cms.ErrTokenLost), err == nil && slices.ContainsFunc(events, endsCollection)
		if lost || ended {
			o.log.Error("the collection was dropped, renamed or lost its history: capturing what it has now", "dropped", ended)
			after, again, err := o.restart(ctx, p)
			if err != nil {
				return err
			}
			_ = changes.Close(context.WithoutCancel(ctx))
			changes, saved, at = again, after, time.Now()
			continue
		}
		if err != nil {
			return err
		}
		token := changes.Token()
		if len(events) == 0 && (time.Since(at) < saveEvery || bytes.Equal(saved, token)) {
			continue
		}
		if len(events) > 0 {
			err = o.commit(ctx, p, events)
		} else {
			err = o.save(ctx, p, token)
		}
		if err != nil {
			return err
		}
		saved, at = token, time.Now()
	}
}

// endsCollection tells whether a change is not of a document but of the collection, after which only a snapshot helps.
func endsCollection(event bson.Raw) bool {
	op, _ := event.Lookup("operationType").StringValueOK()
	return op == "drop" || op == "rename" || op == "dropDatabase" || op == "invalidate"
}

// restart takes a snapshot and opens the changes that follow it.
func (o *owner) restart(ctx context.Context, p *stream.Producer) (cms.Token, cms.Changes, error) {
	token, err := o.snapshot(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	changes, err := o.source.Watch(ctx, o.collection, token)
	return token, changes, err
}

// commit writes the events' records in one transaction. Changes, unlike what a snapshot found, are numbered.
func (o *owner) commit(ctx context.Context, p *stream.Producer, events []bson.Raw) error {
	records := make([]stream.Record, 0, len(events))
	for _, e := range events {
		r, err := Record(o.collection, e)
		if err != nil {
			return fmt.Errorf("reading a change of %s: %w", o.collection, err)
		}
		if _, snapshot := e.Lookup("_id", "copyingData").BooleanOK(); !snapshot {
			o.sequence++
			r.Headers = append(r.Headers, stream.Header{Key: stream.HeaderSequence, Value: strconv.FormatInt(o.sequence, 10)})
		}
		records = append(records, r)
	}
	return o.write(ctx, p, records)
}

// save writes where the owner stands without a change: after a snapshot, and on quiet collections.
func (o *owner) save(ctx context.Context, p *stream.Producer, token cms.Token) error {
	ext, err := bson.MarshalExtJSON(token, true, false)
	if err != nil {
		return fmt.Errorf("writing a resume token: %w", err)
	}
	value, err := json.Marshal(position{Token: ext})
	if err != nil {
		return fmt.Errorf("writing a resume token: %w", err)
	}
	o.sequence++
	return o.write(ctx, p, []stream.Record{{
		Topic: stream.CapturePosition, Partition: o.partition, Key: []byte(o.collection), Value: value,
		Headers: stream.Headers{
			{Key: stream.HeaderContentType, Value: stream.ContentJSON},
			{Key: stream.HeaderSequence, Value: strconv.FormatInt(o.sequence, 10)},
		},
	}})
}

func (o *owner) write(ctx context.Context, p *stream.Producer, records []stream.Record) (err error) {
	written := o.cluster.Changes(ctx, Role, records)
	defer func() { written(err) }()
	ds, err := p.Produce(ctx, records)
	if err != nil {
		return err
	}
	for i, d := range ds {
		if d.Err != nil {
			return fmt.Errorf("capturing %s %q: %w", o.collection, records[i].Key, d.Err)
		}
	}
	return p.Commit(ctx)
}

// snapshot captures every document, then the deletion of those that the topic has and the collection has not, and
// returns the token from which the changes made meanwhile follow.
func (o *owner) snapshot(ctx context.Context, p *stream.Producer) (cms.Token, error) {
	changes, err := o.source.Watch(ctx, o.collection, nil)
	if err != nil {
		return nil, err
	}
	token := changes.Token()
	if err := changes.Close(ctx); err != nil {
		return nil, err
	}
	if token == nil {
		return nil, errors.New("the CMS gave no resume token")
	}
	began, told, n := time.Now(), time.Now(), 0
	gone, err := o.captured(ctx)
	if err != nil {
		return nil, err
	}
	var batch []bson.Raw
	flush := func() error {
		err := o.commit(ctx, p, batch)
		n += len(batch)
		batch = batch[:0]
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			o.log.Info("snapshot under way", "documents", n)
		}
		return err
	}
	err = o.source.Snapshot(ctx, o.collection, func(doc bson.Raw) error {
		event, err := snapshotEvent(o.collection, "insert", doc.Lookup("_id"), doc)
		if err != nil {
			return err
		}
		if key, err := cms.Key(doc.Lookup("_id")); err == nil {
			delete(gone, key)
		}
		if batch = append(batch, event); len(batch) < batchSize {
			return nil
		}
		return flush()
	})
	if err != nil {
		return nil, err
	}
	for key := range gone {
		event, err := snapshotEvent(o.collection, "delete", cms.ID(key), nil)
		if err != nil {
			return nil, err
		}
		if batch = append(batch, event); len(batch) == batchSize {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	o.log.Info("snapshot done", "documents", n-len(gone), "deletions", len(gone), "took", time.Since(began).Round(time.Millisecond).String())
	return token, o.save(ctx, p, token)
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

// position is a value of regie.capture.position.
type position struct {
	// Token is the resume token as canonical Extended JSON.
	Token json.RawMessage `json:"token"`
}

// position reads where the last owner stood, or nil: the token of the record or position of the highest sequence. A
// position without one is an operator's, and wins.
func (o *owner) position(ctx context.Context) (token cms.Token, byHand bool, err error) {
	positions, err := o.cluster.Last(ctx, stream.CapturePosition)
	if err != nil {
		return nil, false, fmt.Errorf("reading the position of %s: %w", o.collection, err)
	}
	captured, err := o.cluster.Last(ctx, stream.CMS(o.collection))
	if err != nil {
		return nil, false, fmt.Errorf("reading the position of %s: %w", o.collection, err)
	}
	var last, override *stream.Record
	for _, r := range append(positions, captured...) {
		if r.Topic == stream.CapturePosition && r.Partition != o.partition {
			continue
		}
		n, err := strconv.ParseInt(r.Headers.Get(stream.HeaderSequence), 10, 64)
		switch {
		case err == nil && (last == nil || n > o.sequence):
			last, o.sequence = &r, n
		case err != nil && r.Topic == stream.CapturePosition:
			override = &r
		}
	}
	if override != nil {
		last, byHand = override, true
	}
	if last == nil {
		return nil, false, nil
	}
	if token, err = tokenOf(*last); err != nil {
		return nil, false, fmt.Errorf("reading the position of %s in %s: %w", o.collection, last.Source(), err)
	}
	return token, byHand, nil
}

// tokenOf is the resume token in a position, or that a change's record begins with.
func tokenOf(r stream.Record) (cms.Token, error) {
	if r.Topic == stream.CapturePosition {
		var pos position
		if err := json.Unmarshal(r.Value, &pos); err != nil {
			return nil, err
		}
		var token bson.Raw
		err := bson.UnmarshalExtJSON(pos.Token, true, &token)
		return token, err
	}
	var change struct {
		ID bson.Raw `bson:"_id"`
	}
	err := bson.UnmarshalExtJSON(r.Value, true, &change)
	return change.ID, err
}
