// Package project is the role that keeps the catalogue in Redis as each screen shows it.
//
//	regie.catalog.<entity> --> latest of each key --> blob per screen --> begin, place, finish --> position
//	                                                  lists, slugs          (internal/catalog)
//
// Of several records of one key in a batch only the last counts: each holds the whole entity.
package project

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"regie/internal/catalog"
	"regie/internal/stream"
)

// Role is the name of this role.
const Role = "project"

// Inputs are the topics that the role consumes.
func Inputs() []string {
	var in []string
	for _, e := range stream.Entities() {
		in = append(in, stream.Catalog(e))
	}
	return in
}

// Sink writes entities into the catalogue. It implements stream.Sink.
type Sink struct {
	catalog   *catalog.Catalog
	positions *catalog.Positions
	now       func() time.Time
	log       *slog.Logger
	metrics   *Metrics
	// replayed is, by partition, up to where its log is read again: no edit that somebody waits for.
	replayed map[string]int64
}

var _ stream.Sink = (*Sink)(nil)

// New does no I/O.
func New(c *catalog.Catalog, now func() time.Time, log *slog.Logger, m *Metrics) *Sink {
	return &Sink{catalog: c, positions: c.Positions(Role), now: now, log: log.With("role", Role), metrics: m, replayed: map[string]int64{}}
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
			s.replayed[a.String()] = a.High
		}
	}
	return out, nil
}

// Moved implements stream.Sink.
func (s *Sink) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	return s.positions.Moved(ctx, parts)
}

// Apply implements stream.Sink.
func (s *Sink) Apply(ctx context.Context, b *stream.Batch) error {
	var changes []catalog.Change
	var edits []edit
	at := map[catalog.Ref]int{}
	for i, r := range b.Records {
		p, err := projection(r)
		if err != nil {
			b.Reject(i, err)
			continue
		}
		if r.Offset < s.replayed[stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()] {
			p.edit.changedAt = time.Time{}
		}
		ref := catalog.Ref{Kind: p.change.Kind, ID: p.change.ID}
		if j, seen := at[ref]; seen {
			if changes[j].Fence.Compare(p.change.Fence) <= 0 {
				if p.edit.title == "" { // a tombstone after its DELETED event
					p.edit.title = edits[j].title
				}
				changes[j], edits[j] = p.change, p.edit
			}
			continue
		}
		at[ref] = len(changes)
		changes = append(changes, p.change)
		edits = append(edits, p.edit)
	}
	outcomes, err := s.catalog.Apply(ctx, changes, s.now())
	if err != nil {
		return err
	}
	visible := s.now()
	var last *edit
	for i, o := range outcomes {
		s.metrics.applied(changes[i].Kind, o.Refused)
		for _, slug := range o.Contested {
			s.log.Warn("an older document owns this slug: served by id alone", "kind", changes[i].Kind, "id", changes[i].ID, "slug", string(slug))
		}
		if e := &edits[i]; !o.Refused && !e.changedAt.IsZero() {
			s.metrics.fresh(changes[i].Kind, visible.Sub(e.changedAt))
			if last == nil || e.changedAt.After(last.changedAt) {
				last = e
			}
		}
	}
	if err := b.Bury(ctx); err != nil {
		return err
	}
	if err := s.positions.Store(ctx, b.Ends()); err != nil {
		return err
	}
	if last != nil {
		s.publish(ctx, *last, visible)
	}
	return nil
}

// edit is what the start page is told of a change.
type edit struct {
	kind, id, title string
	changedAt       time.Time // zero when nobody waits for it
}

// publish is for the eye: its failure stops nothing.
func (s *Sink) publish(ctx context.Context, e edit, visible time.Time) {
	if visible.Sub(e.changedAt) > time.Hour {
		return // not an edit that somebody waits for
	}
	err := s.catalog.PublishEdit(ctx, catalog.Edit{
		Kind: e.kind, ID: e.id, Title: e.title,
		ChangedAt: e.changedAt.UTC(), VisibleAt: visible.UTC(), Millis: visible.Sub(e.changedAt).Milliseconds(),
	})
	if err != nil && ctx.Err() == nil {
		s.log.Debug("telling of an edit", "error", err)
	}
}

// projected is what one record makes of an entity.
type projected struct {
	change catalog.Change
	edit   edit
}

// projection is pure.
func projection(r stream.Record) (projected, error) {
	p := projected{edit: edit{id: string(r.Key), changedAt: r.CMSTime()}}
	if len(r.Key) == 0 {
		return p, stream.Permanent(errors.New("the record has no key"))
	}
	p.change.ID, p.change.Fence = string(r.Key), r.Fence
	var err error
	switch r.Topic {
	case stream.Catalog("programme"):
		p.change.Kind = "programme"
		err = projectProgramme(r, &p)
	case stream.Catalog("video"):
		p.change.Kind = "video"
		err = projectVideo(r, &p)
	default:
		err = fmt.Errorf("topic %s is none that is projected", r.Topic)
	}
	p.edit.kind = p.change.Kind
	return p, err
}

// checkPayload refuses an event that is not of the record's key.
func checkPayload(r stream.Record, id string) error {
	if id != string(r.Key) {
		return stream.Permanent(fmt.Errorf("the payload's id %q is not the record's key %q", id, r.Key))
	}
	return nil
}
