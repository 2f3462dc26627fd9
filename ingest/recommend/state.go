package recommend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// stateSink keeps programmes' videos and rules, and tells of the programmes whose sections may be others now. It implements
// stream.Sink.
type stateSink struct {
	Config
	positions *catalog.Positions
	whole     *catalog.Whole
	producer  *stream.Producer
	// replayed is up to where a partition's log is read again, incarnations in which it is read, by partition.
	replayed, incarnations map[string]int64
	// marked are the partitions that this instance has called whole.
	marked map[string]bool
}

var _ stream.Sink = (*stateSink)(nil)

// Start implements stream.Sink. What is to be read again is not whole until that is done.
func (s *stateSink) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	stored, err := s.positions.Load(ctx, parts)
	if err != nil {
		return nil, err
	}
	out := make([]stream.Start, len(parts))
	var lacking []string
	for i, a := range parts {
		out[i] = stream.Resume(a, stored[i], s.Now())
		s.incarnations[a.String()] = out[i].Incarnation
		delete(s.marked, a.String())
		if out[i].Why != "" {
			s.replayed[a.String()] = a.High
			lacking = append(lacking, a.String())
		}
	}
	return out, s.whole.Unset(ctx, lacking)
}

// atEnd is told when all that a partition's log had is in the state.
func (s *stateSink) atEnd(ctx context.Context, parts []stream.Assigned) error {
	words := map[string]string{}
	for _, a := range parts {
		words[a.String()] = strconv.FormatInt(s.incarnations[a.String()], 10)
	}
	if err := s.whole.Set(ctx, words); err != nil {
		return err
	}
	// Redis may have been emptied just before.
	moved, err := s.positions.Moved(ctx, parts)
	if err == nil && len(moved) == 0 {
		for name := range words {
			s.marked[name] = true
		}
		return nil
	}
	return errors.Join(err, s.whole.Unset(ctx, slices.Collect(maps.Keys(words))), errors.New("the state was emptied when it was whole"))
}

// Moved implements stream.Sink. Of a partition without a record, which has no position either, the mark alone tells that
// Redis was emptied.
func (s *stateSink) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	moved, err := s.positions.Moved(ctx, parts)
	if err != nil {
		return nil, err
	}
	whole, err := s.whole.Read(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range parts {
		if _, is := whole[a.String()]; !is && s.marked[a.String()] && !slices.Contains(moved, a) {
			moved = append(moved, a)
		}
	}
	return moved, nil
}

// Apply implements stream.Sink. A programme that a video left is touched before the state forgets that it was there, and
// every touch is written before the position: what is cut short comes again.
func (s *stateSink) Apply(ctx context.Context, b *stream.Batch) error {
	changes, records := s.changes(b)
	told := make([]bool, len(changes))
	outcomes, err := s.Catalog.ApplyTelling(ctx, changes, s.Now(), func(all []catalog.Told) error {
		var t touching
		for _, m := range all {
			told[m.Change] = true
			ch := changes[m.Change]
			for _, p := range slices.Concat(ch.Placements, m.Was) {
				t.add(owner(p), records[m.Change])
			}
		}
		return s.touch(ctx, b, t)
	})
	if err != nil {
		return err
	}
	// A programme's rules change without its being placed elsewhere, and are gone only now.
	var t touching
	for i, ch := range changes {
		if ch.Kind == programme && !outcomes[i].Refused && (told[i] || len(ch.Blobs) > 0) {
			t.add(ch.ID, records[i])
		}
	}
	if err := s.touch(ctx, b, t); err != nil {
		return err
	}
	if err := b.Bury(ctx); err != nil {
		return err
	}
	return s.positions.Store(ctx, b.Ends())
}

// owner is whose videos a placement is among.
func owner(p catalog.Placement) string {
	if len(p.Places) == 0 {
		return ""
	}
	return p.Places[0].Owner()
}

// changes are what the batch changes, each entity once, and the record of each.
func (s *stateSink) changes(b *stream.Batch) (out []catalog.Change, records []int) {
	type entity struct{ topic, key string }
	of, firsts := map[entity][]int{}, map[string]int64{}
	for i, r := range b.Records {
		e := entity{r.Topic, string(r.Key)}
		of[e] = append(of[e], i)
		if _, seen := firsts[partitionOf(r)]; !seen {
			firsts[partitionOf(r)] = r.Offset
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(of), func(a, b entity) int { return cmp.Compare(of[a][0], of[b][0]) }) {
		all := of[e]
		// The last counts; of copies of old records, the last original.
		slices.SortFunc(all, func(i, j int) int {
			return cmp.Or(b.Records[j].Fence.Compare(b.Records[i].Fence), cmp.Compare(j, i))
		})
		done := false
		for _, i := range all {
			r := b.Records[i]
			ch, err := read(r)
			switch {
			case err != nil:
				b.Reject(i, err)
			case !done:
				done = true
				ch.Settled = stream.Fence{Incarnation: r.Fence.Incarnation, Offset: firsts[partitionOf(r)]}
				ch.Replayed = slices.ContainsFunc(all, func(i int) bool { return s.isReplayed(b.Records[i]) })
				out, records = append(out, ch), append(records, i)
			}
		}
	}
	return out, records
}

func partitionOf(r stream.Record) string {
	return stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()
}

func (s *stateSink) isReplayed(r stream.Record) bool { return r.Offset < s.replayed[partitionOf(r)] }

// touching gathers programmes to touch, each once, with the records that are the reason.
type touching struct {
	ids     []string
	reasons map[string][]int
}

func (t *touching) add(id string, record int) {
	if id == "" {
		return
	}
	if t.reasons == nil {
		t.reasons = map[string][]int{}
	}
	if _, known := t.reasons[id]; !known {
		t.ids = append(t.ids, id)
	}
	t.reasons[id] = append(t.reasons[id], record)
}

// touch writes the touches. Each bears the time of the editor's change that has waited longest, for freshness is measured
// from that; none, if nobody waits for what is only read again.
func (s *stateSink) touch(ctx context.Context, b *stream.Batch, t touching) error {
	if len(t.ids) == 0 {
		return nil
	}
	rs := make([]stream.Record, len(t.ids))
	sent := make([]func(error), len(t.ids))
	for i, id := range t.ids {
		because, changed := t.reasons[id][0], time.Time{}
		reason := catalogv1.TouchReason_TOUCH_REASON_VIDEO
		for _, n := range t.reasons[id] {
			r := b.Records[n]
			if at := r.CMSTime(); !at.IsZero() && !s.isReplayed(r) && (changed.IsZero() || at.Before(changed)) {
				because, changed = n, at
			}
			if r.Topic == stream.Catalog(programme) {
				reason = catalogv1.TouchReason_TOUCH_REASON_PROGRAMME
			}
		}
		var err error
		if rs[i], err = touched(id, reason, b.Records[because], changed); err != nil {
			return err
		}
		sent[i] = b.Send(ctx, because, &rs[i])
	}
	ds, err := s.producer.Produce(ctx, rs)
	for i := range rs {
		if err == nil && ds[i].Err != nil {
			err = fmt.Errorf("touching programme %q: %w", rs[i].Key, ds[i].Err)
		}
		sent[i](err)
	}
	if err == nil {
		s.Metrics.touched.Add(float64(len(rs)))
	}
	return err
}
