// Package schedule is the role that produces any record at a time, as a record of regie.schedule.request asks.
//
//	regie.schedule.request --> index in Redis, by partition          one goroutine, by turns:
//	          ^                      |                               a batch is applied, then what is due is fired
//	          |                      | due
//	          |                      v
//	          +-- tombstone -- one transaction -- record  --> its target topic, or schedule.dead
//	                                 |----------- copy    --> regie.schedule.history
//
// What was fired is closed by its tombstone, in the same transaction; that the index forgets it at once spares a look only.
// So who holds a partition fires nothing of it before it has read the log up to where it ended when the partition was given
// to it, and so again when it does not know what became of a transaction. A transaction counts only if its partitions
// are still held when all of it is written. It is written shortly before its time, and committed at it.
package schedule

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"regie/internal/schedule"
	"regie/internal/stream"
)

// Role is the name of this role.
const Role = "schedule"

// MaxBatch is how many records the role's consumer is to take at once.
const MaxBatch = 5000

// Schedule is the role: a sink, and what it does between batches.
type Schedule struct {
	cluster *stream.Cluster
	index   *schedule.Index
	now     func() time.Time
	log     *slog.Logger
	metrics *Metrics

	parts   map[int32]*part
	p       *stream.Producer // nil: to be made
	reader  *stream.Reader   // nil: not needed yet
	targets map[string]target
	away    map[string]*absence
	// pause is how long the last failure was waited for, and retry until when.
	pause time.Duration
	retry time.Time
	// together is how many are fired in one transaction: most, or fewer after one that failed.
	most, together int
	// began is when the round began, and lead how long before its time the next one is to begin, as the last ones took.
	began time.Time
	lead  time.Duration
	// step, when set, is told of each step, and records are written one by one: for tests.
	step func(string)
}

// part is a partition that this instance was given.
type part struct {
	schedule.State
	incarnation int64
	topicID     string
	// next is the offset after the last one applied.
	next int64
	// barrier is up to where the log must be applied before anything is fired; negative while it is not known.
	barrier int64
	// fired are the offsets of what was fired and whose tombstones have not been applied yet, by id: whatever the index says.
	fired map[string]int64
}

// position is where this instance left the index.
func (p *part) position() stream.Position {
	return stream.Position{Incarnation: p.incarnation, Offset: p.next, TopicID: p.topicID}
}

// target is a topic's state: why nothing can be written there, as it was asked at a time.
type target struct {
	problem error
	asked   time.Time
}

var _ stream.Sink = (*Schedule)(nil)

// New does no I/O.
func New(cluster *stream.Cluster, index *schedule.Index, now func() time.Time, log *slog.Logger, m *Metrics) *Schedule {
	return &Schedule{
		cluster: cluster, index: index, now: now, log: log.With("role", Role), metrics: m,
		parts: map[int32]*part{}, targets: map[string]target{}, away: map[string]*absence{}, most: together, together: together, lead: leadMax,
	}
}

// Consumer is what the role's consumer needs.
func (s *Schedule) Consumer() stream.ConsumerConfig {
	return stream.ConsumerConfig{Role: Role, Topics: []string{stream.ScheduleRequest}, Sink: s, MaxBatch: MaxBatch, Work: s.Work}
}

// openWithin bounds the opening of transactions, which waits for what an instance of this name has left.
const openWithin = 10 * time.Second

// Open opens transactions, before the consumer joins its group: which would wait for what was left open under this name.
func (s *Schedule) Open(ctx context.Context) error {
	if s.p != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	// Shorter than a session: what a killed instance left open is aborted by the time its partitions are another's.
	p, err := s.cluster.NewOwnTxProducer(ctx, Role+".fire", 6*time.Second)
	if err != nil {
		return err
	}
	s.p = p
	return nil
}

// Close ends what Open opened, once the consumer has ended.
func (s *Schedule) Close() {
	if s.p != nil {
		s.p.Close()
	}
	if s.reader != nil {
		s.reader.Close()
	}
	s.p, s.reader = nil, nil
}

// stale is how old a position may be: what was cancelled while nobody read is told by a tombstone, for a while.
const stale = stream.DeleteRetention - 24*time.Hour

// Start implements stream.Sink.
func (s *Schedule) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	stored, err := s.index.Look(ctx, stream.Numbers(parts))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := make([]stream.Start, len(parts))
	for i, a := range parts {
		was := stored[i].Position
		out[i] = stream.Resume(a, was, now)
		if was != nil && now.Sub(stored[i].At) > stale {
			out[i] = stream.Start{Offset: a.Low, Incarnation: max(was.Incarnation+1, now.Unix()), Why: "the index is older than tombstones are kept"}
		}
		p := &part{State: stored[i].State, incarnation: out[i].Incarnation, topicID: a.TopicID, next: out[i].Offset, barrier: -1, fired: map[string]int64{}}
		if was == nil || was.Incarnation != p.incarnation {
			if err := s.index.Begin(ctx, a.Partition, p.position(), now); err != nil {
				return nil, err
			}
			p.State = schedule.State{Due: schedule.Never}
		}
		s.parts[a.Partition] = p
	}
	return out, nil
}

// Moved implements stream.Sink.
func (s *Schedule) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	stored, err := s.index.Look(ctx, stream.Numbers(parts))
	if err != nil {
		return nil, err
	}
	var moved []stream.Assigned
	for i, a := range parts {
		p, at := s.parts[a.Partition], stored[i].Position
		if p == nil || at == nil || at.Incarnation != p.incarnation || at.TopicID != p.topicID || at.Offset < p.next {
			moved = append(moved, a)
			continue
		}
		p.State = stored[i].State
	}
	return moved, nil
}

var errNoID = errors.New("the record has no key: a schedule's id")

// Apply implements stream.Sink.
func (s *Schedule) Apply(ctx context.Context, b *stream.Batch) error {
	for i, r := range b.Records {
		if len(r.Key) == 0 {
			b.Reject(i, errNoID)
		}
	}
	if err := b.Bury(ctx); err != nil {
		return err
	}
	changes, err := s.changes(b)
	if err != nil {
		return err
	}
	s.at("apply")
	states, err := s.index.Apply(ctx, changes, time.Now())
	if err != nil {
		return err
	}
	s.at("applied")
	for _, c := range changes {
		p := s.parts[c.Partition]
		p.State, p.next = states[c.Partition], c.To
	}
	for _, r := range b.Records {
		if offset, ok := schedule.FiredOffset(r); ok && r.Value == nil {
			if p := s.parts[r.Partition]; p.fired[string(r.Key)] <= offset {
				delete(p.fired, string(r.Key))
			}
		}
	}
	return nil
}

// changes are what the records change, each partition's in their order.
func (s *Schedule) changes(b *stream.Batch) ([]*schedule.Changes, error) {
	var out []*schedule.Changes
	open := map[int32]*schedule.Changes{}
	for i, r := range b.Records {
		c := open[r.Partition]
		if c == nil || c.Full() {
			p := s.parts[r.Partition]
			from := p.next
			if c != nil {
				from = c.To
			}
			c = &schedule.Changes{Partition: r.Partition, Incarnation: p.incarnation, TopicID: p.topicID, From: from}
			open[r.Partition] = c
			out = append(out, c)
		}
		c.To = r.Offset + 1
		if b.Rejected(i) {
			continue
		}
		id := string(r.Key)
		offset, fired := schedule.FiredOffset(r)
		switch {
		case r.Value == nil && fired:
			c.Fired(r.Offset, id, offset)
		case r.Value == nil:
			c.Cancel(r.Offset, id)
		default:
			e := schedule.Read(r, s.cluster.Name)
			if err := c.Put(&e); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
