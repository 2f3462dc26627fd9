// Package trend is the role that counts who watches what.
//
//	regie.user.progress --> engine: which windows --> a partition's counts, what its    --> sums of all partitions --> rankings
//	                        is it new in?             viewers watched, its position         (Run, beside Apply)    \
//	                                                  (one script in one slot)                                      \-> programme-touched
//
// A player reports every few seconds; in a tick of five minutes only the first report of a viewer and video says something
// new. What the viewers of an owned partition watched is kept in memory, too, so that the others cost nothing but the
// position.
package trend

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"regie/internal/stream"
	"regie/internal/trend"
)

// Role is the name of this role.
const Role = "trend"

// Inputs are the topics that the role consumes.
func Inputs() []string { return []string{stream.UserProgress} }

// MaxBatch is how many records the role's consumer is to take at once.
const MaxBatch = 2000

// Sink counts. It implements stream.Sink; Run ranks what it counted.
type Sink struct {
	cluster *stream.Cluster
	trend   *trend.Trend
	engine  engine
	now     func() time.Time
	log     *slog.Logger
	metrics *Metrics

	parts map[int32]*partition
	// known is how many entries the partitions have of what was seen.
	known int
	news  news
}

// partition is one that this instance owns.
type partition struct {
	number int32
	// at is the position as it was stored or found last; nil for none.
	at          *stream.Position
	incarnation int64
	// next is the offset up to which all is counted.
	next int64
	// seen is what its viewers watched last, as Redis has it, of those who came since.
	seen map[string]trend.Seen
	// unranked is what was counted, perhaps: of a step whose answer was lost the next attempt finds nothing new.
	unranked map[trend.Ending]map[trend.Counted]int64
}

var _ stream.Sink = (*Sink)(nil)

// New does no I/O. Two goroutines call now.
func New(cluster *stream.Cluster, t *trend.Trend, now func() time.Time, log *slog.Logger, m *Metrics) *Sink {
	return &Sink{
		cluster: cluster, trend: t, engine: newEngine(), now: now, log: log.With("role", Role), metrics: m,
		parts: map[int32]*partition{}, news: newNews(),
	}
}

// Start implements stream.Sink. Where the position means nothing any more it does not begin with the log, which is kept for
// ever, but with the first record that can still count: of an event none came before it happened.
func (s *Sink) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	numbers := stream.Numbers(parts)
	stored, err := s.trend.Positions(ctx, numbers)
	if err != nil {
		return nil, err
	}
	var horizon []int64 // looked up when it is needed
	out := make([]stream.Start, len(parts))
	anew := false
	for i, a := range parts {
		out[i] = stream.Resume(a, stored[i], s.now())
		p := &partition{number: a.Partition, at: stored[i], incarnation: out[i].Incarnation, seen: map[string]trend.Seen{}, unranked: map[trend.Ending]map[trend.Counted]int64{}}
		if p.at != nil && p.at.Incarnation == p.incarnation {
			p.next = p.at.Offset
		} else {
			if horizon == nil {
				if horizon, err = s.cluster.OffsetsAt(ctx, parts, s.now().Add(-trend.Horizon())); err != nil {
					return nil, fmt.Errorf("asking for what can still count: %w", err)
				}
			}
			out[i].Offset = max(out[i].Offset, horizon[i])
			if p.at != nil { // now, for rankings are the sums of what positions say
				anew = true
				to := stream.Position{TopicID: a.TopicID, Incarnation: p.incarnation, Offset: out[i].Offset}
				if err := s.trend.Commit(ctx, trend.Step{Partition: a.Partition, Was: p.at, To: to}, s.now()); err != nil {
					return nil, err
				}
				p.at, p.next = &to, to.Offset
			}
		}
		s.forget(s.parts[a.Partition])
		s.parts[a.Partition] = p
	}
	s.news.restart(anew)
	return out, nil
}

// Moved implements stream.Sink.
func (s *Sink) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	numbers := stream.Numbers(parts)
	stored, err := s.trend.Positions(ctx, numbers)
	if err != nil {
		return nil, err
	}
	for n, p := range s.parts {
		if !slices.Contains(numbers, n) { // another's by now
			s.forget(p)
		}
	}
	var moved []stream.Assigned
	for i, a := range parts {
		p := s.parts[a.Partition]
		if p == nil || (p.at == nil) != (stored[i] == nil) || p.at != nil && *p.at != *stored[i] {
			moved = append(moved, a)
		}
	}
	return moved, nil
}

// forget drops what is known of a partition's viewers: it is read again.
func (s *Sink) forget(p *partition) {
	if p == nil {
		return
	}
	for _, seen := range p.seen {
		s.known -= len(seen)
	}
	p.seen = map[string]trend.Seen{}
}
