// Package project is the role that keeps the catalogue in Redis as each screen shows it.
//
//	regie.catalog.<entity> ------------> latest of each key --> blob per screen --> begin, place, finish --> position
//	regie.catalog.programme-enriched -/                         lists, slugs          (internal/catalog)
//
// Of several records of one key in a batch only the last counts: each holds the whole entity.
package project

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"regie/internal/catalog"
	"regie/internal/stream"
)

// Role is the name of this role.
const Role = "project"

// Inputs are the topics that the role consumes.
func Inputs() []string {
	var in []string
	for _, e := range stream.Collections() {
		in = append(in, stream.Catalog(e))
	}
	return append(in, stream.ProgrammeEnriched)
}

// Sink writes entities into the catalogue. It implements stream.Sink.
type Sink struct {
	catalog   *catalog.Catalog
	positions *catalog.Positions
	now       func() time.Time
	log       *slog.Logger
	metrics   *Metrics
	// replayed is up to where a partition's log is read again: no edit that somebody waits for.
	replayed map[partition]int64
}

type partition struct {
	topic  string
	number int32
}

var _ stream.Sink = (*Sink)(nil)

// New does no I/O. Several goroutines call now.
func New(c *catalog.Catalog, now func() time.Time, log *slog.Logger, m *Metrics) *Sink {
	return &Sink{catalog: c, positions: c.Positions(Role), now: now, log: log.With("role", Role), metrics: m, replayed: map[partition]int64{}}
}

// Start implements stream.Sink.
func (s *Sink) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	stored, err := s.positions.Load(ctx, parts)
	if err != nil {
		return nil, err
	}
	out := make([]stream.Start, len(parts))
	for i, a := range parts {
		out[i] = stream.Resume(a, stored[i], s.now())
		if out[i].Why != "" {
			s.replayed[partition{a.Topic, a.Partition}] = a.High
		}
	}
	return out, nil
}

// Moved implements stream.Sink.
func (s *Sink) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	return s.positions.Moved(ctx, parts)
}

// MaxBatch is how many records the role's consumer is to take at once: several chunks.
const MaxBatch = 24000

const (
	// chunkSize is how many entities are written together: enough to make nothing of the round trips.
	chunkSize = 3000
	// inFlight chunks: while Redis works on one, another is projected.
	inFlight = 3
)

// Apply implements stream.Sink.
func (s *Sink) Apply(ctx context.Context, b *stream.Batch) error {
	parts, done := split(byEntity(b.Records)), firsts(b.Records)
	chunks := make([]chunk, len(parts))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i, entities := range parts {
		g.Go(func() error {
			if err := gctx.Err(); err != nil {
				return err
			}
			chunks[i].project(b.Records, entities, done, s.replayed)
			return chunks[i].write(gctx, s)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var changed []string
	var last *edit
	for i := range chunks {
		c := &chunks[i]
		for _, r := range c.rejected {
			b.Reject(r.record, r.reason)
		}
		changed = s.tell(c, changed)
		if e := c.lastEdit(); e != nil && (last == nil || e.changedAt.After(last.changedAt)) {
			last = e
		}
	}
	// Before the position: told twice does no harm, and what is never told may be missed.
	s.announce(ctx, changed)
	if err := b.Bury(ctx); err != nil {
		return err
	}
	if err := s.positions.Store(ctx, b.Ends()); err != nil {
		return err
	}
	if last != nil {
		s.publish(ctx, *last)
	}
	return nil
}

const slugTaken = "an older document owns this slug: served by id alone"

// tell counts and logs what became of a chunk's changes, and appends the global ids of those that somebody may wait for.
func (s *Sink) tell(c *chunk, changed []string) []string {
	for i, o := range c.outcomes {
		ch, e := &c.changes[i], &c.edits[i]
		s.metrics.applied(ch.Kind, o.Refused)
		for _, slug := range o.Contested {
			s.log.Warn(slugTaken, "kind", ch.Kind, "id", ch.ID, "slug", slug)
		}
		for _, d := range o.Displaced {
			s.log.Warn(slugTaken, "kind", ch.Kind, "id", d.ID, "slug", d.Slug, "owner", ch.ID)
		}
		if o.Refused || e.replayed {
			continue
		}
		changed = append(changed, catalog.GlobalID(ch.Kind, ch.ID))
		if ch.Kind == catalog.Sections {
			changed = append(changed, catalog.GlobalID("programme", ch.ID))
		}
		if !e.changedAt.IsZero() {
			s.metrics.fresh(ch.Kind, e.visibleAt.Sub(e.changedAt))
		}
	}
	return changed
}

// announce is for those who listen: its failure stops nothing.
func (s *Sink) announce(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	if err := s.catalog.Announce(ctx, ids); err != nil && ctx.Err() == nil {
		s.log.Debug("telling of changes", "error", err)
	}
}

// edit is what the start page is told of a change.
type edit struct {
	kind, id, title      string
	changedAt, visibleAt time.Time // changedAt is zero when it is not known
	// replayed: nobody waits for it.
	replayed bool
}

// publish is for the eye: its failure stops nothing.
func (s *Sink) publish(ctx context.Context, e edit) {
	took := e.visibleAt.Sub(e.changedAt)
	if took > time.Hour {
		return // not an edit that somebody waits for
	}
	err := s.catalog.PublishEdit(ctx, catalog.Edit{
		Kind: e.kind, ID: e.id, Title: e.title,
		ChangedAt: e.changedAt.UTC(), VisibleAt: e.visibleAt.UTC(), Millis: took.Milliseconds(),
	})
	if err != nil && ctx.Err() == nil {
		s.log.Debug("telling of an edit", "error", err)
	}
}
