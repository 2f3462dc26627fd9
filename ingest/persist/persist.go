// Package persist is the role that keeps the users' store current with what viewers did.
//
//	regie.user.{favourite,progress} --> latest of each target of a viewer --> store, viewers beside each other --> positions
//
// A viewer who watches reports every few seconds, and only the last report counts: of a backlog, most records need no write.
// The positions are what readers wait for who want to see what they wrote.
package persist

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"regie/internal/stream"
	"regie/internal/users"
)

// Role is the name of this role.
const Role = "persist"

// Inputs are the topics that the role consumes.
func Inputs() []string { return []string{stream.UserFavourite, stream.UserProgress} }

// Sink writes to the users' store. It implements stream.Sink.
type Sink struct {
	store   users.Store
	now     func() time.Time
	log     *slog.Logger
	metrics *Metrics
	// last is what this instance stored or found last, by partition; none where there was none.
	last map[string]stream.Position
	// batch is what was applied last, perhaps in part: done are the viewers whose changes are stored.
	batch *stream.Batch
	done  map[string]bool
}

var _ stream.Sink = (*Sink)(nil)

// New does no I/O.
func New(store users.Store, now func() time.Time, log *slog.Logger, m *Metrics) *Sink {
	return &Sink{store: store, now: now, log: log.With("role", Role), metrics: m, last: map[string]stream.Position{}}
}

const (
	// MaxBatch is how many records the role's consumer is to take at once: the more, the more of them need no write.
	MaxBatch = 100_000
	// together is how many viewers are handed to the store at once. What of a batch is stored is not tried again.
	together = 256
	// within bounds one attempt at a batch: then the consumer looks after its membership, and the next attempt goes on.
	within = 30 * time.Second
)

// Start implements stream.Sink.
func (s *Sink) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	stored, err := s.positions(ctx, parts)
	if err != nil {
		return nil, err
	}
	out, anew := make([]stream.Start, len(parts)), map[string]stream.Position{}
	for i, a := range parts {
		name := a.String()
		p, ok := stored[name]
		if !ok {
			delete(s.last, name)
			out[i] = stream.Resume(a, nil, s.now())
			continue
		}
		out[i] = stream.Resume(a, &p, s.now())
		if out[i].Incarnation != p.Incarnation { // of another log: readers would take what it passed for applied
			p = stream.Position{TopicID: a.TopicID, Incarnation: out[i].Incarnation, Offset: out[i].Offset}
			anew[name] = p
		}
		s.last[name] = p
	}
	if len(anew) == 0 {
		return out, nil
	}
	return out, s.store.Apply(ctx, nil, anew)
}

// Moved implements stream.Sink.
func (s *Sink) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	stored, err := s.positions(ctx, parts)
	if err != nil {
		return nil, err
	}
	var moved []stream.Assigned
	for _, a := range parts {
		if stored[a.String()] != s.last[a.String()] {
			moved = append(moved, a)
		}
	}
	return moved, nil
}

func (s *Sink) positions(ctx context.Context, parts []stream.Assigned) (map[string]stream.Position, error) {
	names := make([]string, len(parts))
	for i, a := range parts {
		names[i] = a.String()
	}
	return s.store.Positions(ctx, names)
}

// Apply implements stream.Sink.
func (s *Sink) Apply(ctx context.Context, b *stream.Batch) error {
	if s.batch != b {
		s.batch, s.done = b, map[string]bool{}
	}
	c := gather(b)
	ends := map[string]stream.Position{}
	for _, r := range b.Ends() {
		name := stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()
		ends[name] = stream.Position{TopicID: r.TopicID, Incarnation: r.Fence.Incarnation, Offset: r.Offset + 1}
	}
	changes := c.changes()
	rows := c.rows(changes)
	left := slices.DeleteFunc(changes, func(c users.Changes) bool { return s.done[c.Viewer] })
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	// The positions go with the last viewers, so that a lone record is one call; unless dead letters go between.
	for len(left) > together || len(left) > 0 && len(c.rejected) > 0 {
		some := left[:min(together, len(left))]
		if err := s.store.Apply(ctx, some, nil); err != nil {
			return fmt.Errorf("storing the changes of viewers, %d left: %w", len(left), err)
		}
		for _, c := range some {
			s.done[c.Viewer] = true
		}
		left = left[len(some):]
	}
	if err := b.Bury(ctx); err != nil {
		return err
	}
	if err := s.store.Apply(ctx, left, ends); err != nil {
		return fmt.Errorf("storing the changes of viewers, %d left: %w", len(left), err)
	}
	for name, p := range ends {
		s.last[name] = p
	}
	s.metrics.count(c, rows)
	s.batch, s.done = nil, nil
	return nil
}
