package trend

import (
	"context"
	"fmt"
	"maps"
	"time"

	"regie/internal/stream"
	"regie/internal/trend"
)

const (
	// maxStep is how many counts one step of a partition may change: Redis does nothing else meanwhile.
	maxStep = 20_000
	// maxKnown is how much is kept in memory of what viewers watched.
	maxKnown = 1_000_000
)

// Apply implements stream.Sink. Partitions are counted one by one; those that are done do not come again with the batch.
func (s *Sink) Apply(ctx context.Context, b *stream.Batch) error {
	views, byPartition := make([]*view, len(b.Records)), map[int32][]int{}
	for i := range b.Records {
		r := &b.Records[i]
		p := s.parts[r.Partition]
		if p == nil {
			return fmt.Errorf("partition %d was not begun: %w", r.Partition, stream.ErrMoved)
		}
		if r.Offset < p.next {
			continue
		}
		var err error
		if views[i], err = read(r); err != nil {
			b.Reject(i, err)
		}
		byPartition[r.Partition] = append(byPartition[r.Partition], i)
	}
	if err := b.Bury(ctx); err != nil {
		return err
	}
	if s.known > maxKnown {
		for _, p := range s.parts {
			s.forget(p)
		}
	}
	for number, records := range byPartition {
		if err := s.count(ctx, s.parts[number], b, records, views); err != nil {
			s.forget(s.parts[number]) // it may have been changed in memory alone
			return err
		}
	}
	return nil
}

// step is what is to be counted at once.
type step struct {
	trend.Step
	size int
	// outcomes are the events' by what became of them, verdicts by when they came.
	outcomes map[string]int
	verdicts map[verdict]int
}

// count counts some of a batch's records, all of one partition.
func (s *Sink) count(ctx context.Context, p *partition, b *stream.Batch, records []int, views []*view) error {
	if err := s.meet(ctx, p, records, views); err != nil {
		return err
	}
	now := s.now()
	st := p.step()
	for n, i := range records {
		r := &b.Records[i]
		switch v := views[i]; {
		case b.Rejected(i):
			st.outcomes[rejected]++
		case v == nil:
			st.outcomes[other]++
		case v.erased:
			s.erase(p, st, v.viewer, r.Time)
			st.outcomes[other]++
		default:
			st.outcomes[s.view(p, st, v, r.Time, now)]++
		}
		st.To = stream.Position{TopicID: r.TopicID, Incarnation: p.incarnation, Offset: r.Offset + 1}
		if st.size < maxStep && n < len(records)-1 {
			continue
		}
		if err := s.commit(ctx, p, st, now); err != nil {
			return err
		}
		st = p.step()
	}
	return nil
}

func (p *partition) step() *step {
	return &step{
		Step: trend.Step{
			Partition: p.number, Was: p.at, Counts: map[trend.Ending]map[trend.Counted]int64{}, Seen: map[string]trend.Seen{},
		},
		outcomes: map[string]int{}, verdicts: map[verdict]int{},
	}
}

// meet reads what is not known yet of the records' viewers.
func (s *Sink) meet(ctx context.Context, p *partition, records []int, views []*view) error {
	var viewers []string
	asked := map[string]bool{}
	for _, i := range records {
		if v := views[i]; v != nil && p.seen[v.viewer] == nil && !asked[v.viewer] {
			asked[v.viewer] = true
			viewers = append(viewers, v.viewer)
		}
	}
	if len(viewers) == 0 {
		return nil
	}
	found, err := s.trend.Seen(ctx, p.number, p.incarnation, viewers)
	if err != nil {
		return fmt.Errorf("reading what %d viewers watched: %w", len(viewers), err)
	}
	for i, v := range viewers {
		p.seen[v] = found[i]
		s.known += len(found[i])
	}
	return nil
}

// view counts one, and tells what became of it.
func (s *Sink) view(p *partition, st *step, v *view, came, now time.Time) string {
	tick, how := s.engine.judge(v.at, came)
	st.verdicts[how]++
	switch {
	case how == tooLate:
		return outside
	case how == future:
		return ahead
	case s.past(tick, now):
		return past
	}
	outcome := repeated
	seen := p.seen[v.viewer]
	if _, erased := seen[trend.Erased]; erased {
		return other
	}
	for _, item := range []trend.Counted{trend.OfVideo(v.video), trend.OfProgramme(v.programme), trend.OfProgrammesVideo(v.programme, v.video)} {
		last, ok := seen[item]
		if ok && tick <= last {
			continue
		}
		outcome = counted
		for _, e := range s.engine.ends(tick, last, ok) {
			if e.Gone(now) {
				continue
			}
			if st.Counts[e] == nil {
				st.Counts[e] = map[trend.Counted]int64{}
			}
			st.Counts[e][item]++
			st.size++
		}
		if !ok {
			s.known++
		}
		seen[item] = tick
		if st.Seen[v.viewer] == nil {
			st.Seen[v.viewer] = trend.Seen{}
		}
		st.Seen[v.viewer][item] = tick
	}
	return outcome
}

// erase leaves nothing of what a viewer watched but that it is erased: what follows, of an instance that had not heard of it,
// does not count.
func (s *Sink) erase(p *partition, st *step, viewer string, came time.Time) {
	changed := trend.Seen{}
	for item := range p.seen[viewer] {
		changed[item] = -1
	}
	changed[trend.Erased] = s.engine.tick(came)
	s.known += 1 - len(p.seen[viewer])
	st.Seen[viewer], p.seen[viewer] = changed, trend.Seen{trend.Erased: changed[trend.Erased]}
}

// past tells whether no window has a tick any more.
func (s *Sink) past(tick int64, now time.Time) bool {
	return now.Sub(s.engine.start(tick)) > trend.Horizon()
}

func (s *Sink) commit(ctx context.Context, p *partition, st *step, now time.Time) error {
	for viewer, changed := range st.Seen {
		for item, tick := range p.seen[viewer] {
			if s.past(tick, now) {
				changed[item] = -1
				delete(p.seen[viewer], item)
				s.known--
			}
		}
	}
	for e, counts := range st.Counts {
		if p.unranked[e] == nil {
			p.unranked[e] = map[trend.Counted]int64{}
		}
		maps.Copy(p.unranked[e], counts)
	}
	if err := s.trend.Commit(ctx, st.Step, now); err != nil {
		return err
	}
	to := st.To
	p.at, p.next = &to, to.Offset
	s.news.add(p.unranked)
	clear(p.unranked)
	s.metrics.count(st)
	return nil
}
