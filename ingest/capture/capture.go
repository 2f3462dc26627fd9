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
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
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

	// saveEvery is how often a quiet collection's token is saved, so that it never ages out of the source's history.
	saveEvery time.Duration

	mu       sync.Mutex
	assigned bool
	// behind are the collections owned here whose changes are not being followed, and what is done instead.
	behind map[string]string
}

// New does no I/O.
func New(cluster *stream.Cluster, source cms.Source, log *slog.Logger) *Capture {
	return &Capture{cluster: cluster, source: source, log: log.With("role", Role), saveEvery: 10 * time.Second, behind: map[string]string{}}
}

// Ready tells whether the election is over and the changes of every collection owned here are being followed.
func (c *Capture) Ready() bool { return c.Waiting() == nil }

// Waiting is what is done instead; nil when the role is ready.
func (c *Capture) Waiting() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.assigned {
		return errors.New("is taking part in the election of owners")
	}
	var all []string
	for _, collection := range slices.Sorted(maps.Keys(c.behind)) {
		all = append(all, collection+": "+c.behind[collection])
	}
	if len(all) > 0 {
		return errors.New(strings.Join(all, "; "))
	}
	return nil
}

// set notes that a collection's changes are followed, or what is done instead.
func (c *Capture) set(collection, instead string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if instead != "" {
		c.behind[collection] = instead
	} else {
		delete(c.behind, collection)
	}
}

// Run captures the collections that this instance is elected for, until ctx is done.
func (c *Capture) Run(ctx context.Context) error {
	collections := stream.Collections()
	assigned := func(partitions []int32) {
		for _, p := range partitions { // before the election is over: or it would be ready in between
			if int(p) < len(collections) {
				c.set(collections[p], "is being taken over")
			}
		}
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
		c.set(o.collection, "is being taken over")
		defer c.set(o.collection, "")
		return o.run(ctx)
	})
}

const (
	batchSize = 500
	retryMin  = 100 * time.Millisecond
	retryMax  = 10 * time.Second
	// closeWithin is how long the CMS may take to hear that a stream is not read any more.
	closeWithin = 2 * time.Second
)

// owner captures one collection for as long as this instance is elected.
type owner struct {
	*Capture
	collection string
	partition  int32
	log        *slog.Logger
	// sequence is of the last record or position written.
	sequence int64
	// unprepared is set while the source has no such collection that it could prepare.
	unprepared bool
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
		o.set(o.collection, "interrupted: "+err.Error())
		o.cluster.Metrics().Retried(Role)
		o.log.Warn("capture interrupted, will resume", "retry_in", wait.String(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// errAnew says that only a snapshot leads on from here.
var errAnew = errors.New("the collection was dropped, renamed or lost its history")

// session captures from where the last owner stood, until an error.
func (o *owner) session(ctx context.Context) error {
	p, err := o.cluster.NewTxProducer(ctx, Role+"."+o.collection)
	if err != nil {
		return err
	}
	defer p.Close()
	at, byHand, err := o.position(ctx)
	if err == nil && byHand { // ours from here on
		err = o.save(ctx, p, at)
	}
	for err == nil {
		var changes cms.Changes
		if at, changes, err = o.open(ctx, p, at); err != nil {
			break
		}
		o.set(o.collection, "")
		err = o.follow(ctx, p, changes, at.token)
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
		_ = changes.Close(done)
		cancel()
		if errors.Is(err, errAnew) {
			o.log.Error("capturing what the collection has now", "error", err)
			o.set(o.collection, "is captured again")
			at, err = position{}, nil
		}
	}
	return err
}

// open opens the changes after a position, having taken the snapshot that must come before them, if any.
func (o *owner) open(ctx context.Context, p *stream.Producer, at position) (position, cms.Changes, error) {
	o.prepare(ctx)
	for {
		if at.token == nil || at.snapshot != nil {
			var err error
			if at, err = o.snapshot(ctx, p, at); err != nil {
				return at, nil, err
			}
		}
		changes, err := o.source.Watch(ctx, o.collection, at.token)
		if !errors.Is(err, cms.ErrTokenLost) {
			return at, changes, err
		}
		o.log.Error("the changes since the last run are gone from the CMS: capturing every document again", "error", err)
		at = position{}
	}
}

// prepare has the source tell what was before a change, if it will.
func (o *owner) prepare(ctx context.Context) {
	err := o.source.Prepare(ctx, o.collection)
	o.unprepared = errors.Is(err, cms.ErrNotFound)
	if err != nil && !o.unprepared && ctx.Err() == nil {
		o.log.Warn("the CMS will not tell what documents were before a change: going on without", "error", err)
	}
}

// follow captures changes until an error: errAnew when they lead nowhere.
func (o *owner) follow(ctx context.Context, p *stream.Producer, changes cms.Changes, saved cms.Token) error {
	for at := time.Now(); ; {
		events, err := changes.Next(ctx, batchSize)
		if errors.Is(err, cms.ErrTokenLost) {
			return fmt.Errorf("%w: %w", errAnew, err)
		}
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(events, endsCollection); i >= 0 {
			return fmt.Errorf("%w: %s", errAnew, events[i].Lookup("operationType").StringValue())
		}
		token := changes.Token()
		switch {
		case len(events) > 0:
			if o.unprepared { // there is one now
				o.prepare(ctx)
			}
			err = o.commit(ctx, p, events)
		case time.Since(at) < o.saveEvery || bytes.Equal(saved, token):
			continue
		default:
			err = o.save(ctx, p, position{token: token})
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

// commit writes the records of changes in one transaction. The last one's says where the owner stands.
func (o *owner) commit(ctx context.Context, p *stream.Producer, events []bson.Raw) error {
	records, err := o.records(events)
	if err != nil {
		return err
	}
	for i := range records {
		records[i].Headers = append(records[i].Headers, o.next())
	}
	return o.write(ctx, p, records)
}

// save writes where the owner stands without a change: in and after a snapshot, and on quiet collections.
func (o *owner) save(ctx context.Context, p *stream.Producer, at position) error {
	r, err := o.positionRecord(at)
	if err != nil {
		return err
	}
	return o.write(ctx, p, []stream.Record{r})
}

// next numbers a record. What a snapshot found has no number.
func (o *owner) next() stream.Header {
	o.sequence++
	return stream.Header{Key: stream.HeaderSequence, Value: strconv.FormatInt(o.sequence, 10)}
}

func (o *owner) records(events []bson.Raw) ([]stream.Record, error) {
	records := make([]stream.Record, len(events))
	for i, e := range events {
		var err error
		if records[i], err = Record(o.collection, e); err != nil {
			return nil, fmt.Errorf("reading a change of %s: %w", o.collection, err)
		}
	}
	return records, nil
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
