package schedule

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"regie/internal/schedule"
	"regie/internal/stream"
)

const (
	// together is how many are fired in one transaction, and togetherBytes how large their values are, but for a single one's.
	together      = 2000
	togetherBytes = 16 << 20
	// stretch is how long the firing may go on before records are looked at, and attempt how long it may take at the most.
	stretch = 250 * time.Millisecond
	attempt = 15 * time.Second
	// leadMin and leadMax bound how long before its time a transaction is begun, to be committed on time: what comes into the
	// log meanwhile is too late for it, and readers of the target topics wait for it.
	leadMin = 5 * time.Millisecond
	leadMax = 100 * time.Millisecond
	// known is how long a topic that could be written to is not asked for again.
	known = time.Minute

	retryMin = 50 * time.Millisecond
	retryMax = 5 * time.Second
)

// Work fires what is due of the partitions that are held. It is the consumer's Work.
func (s *Schedule) Work(ctx context.Context, held stream.Held) time.Duration {
	s.tell(held)
	if wait := time.Until(s.retry); wait > 0 {
		return wait
	}
	within, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	wait, err := s.work(within, held)
	if err == nil {
		s.pause = 0
		return wait
	}
	s.anew()
	if ctx.Err() != nil {
		return 0
	}
	s.together = max(s.together/2, 1) // perhaps it was more than Kafka takes in the time that a transaction has
	s.pause = min(max(2*s.pause, retryMin), retryMax)
	s.retry = time.Now().Add(s.pause)
	s.cluster.Metrics().Retried(Role)
	s.log.Warn("firing, will retry", "retry_in", s.pause.String(), "error", err)
	return s.pause
}

// anew forgets what is under way: it is not known what became of it. The next producer of this name ends it, and the log
// tells how.
func (s *Schedule) anew() {
	if s.p != nil {
		s.p.Close()
		s.p = nil
	}
	for _, p := range s.parts {
		p.barrier = -1
	}
	clear(s.targets)
}

func (s *Schedule) work(ctx context.Context, held stream.Held) (time.Duration, error) {
	if len(held.Parts) == 0 {
		return time.Second, nil
	}
	if err := s.Open(ctx); err != nil {
		return 0, err
	}
	ready, err := s.ready(ctx, held)
	if err != nil {
		return 0, err
	}
	for began := time.Now(); time.Since(began) < stretch; {
		at := s.now()
		due, next := s.due(ready, at)
		if len(due) == 0 {
			if ahead := next.Sub(at) - s.lead; ahead > 0 {
				return min(ahead, time.Second), nil // a clock may be set
			}
			at = next
			due, _ = s.due(ready, at)
		}
		n, err := s.round(ctx, held, due, at)
		if err != nil {
			return 0, err
		}
		if n == 0 { // it was fired: its tombstone comes
			return 10 * time.Millisecond, nil
		}
	}
	return 0, nil
}

// due are the partitions of which something is due at a time, and when something of the others is.
func (s *Schedule) due(parts []int32, at time.Time) (due []int32, next time.Time) {
	first := int64(schedule.Never)
	for _, n := range parts {
		if p := s.parts[n]; p.Due <= at.Unix() || p.Again > 0 {
			due = append(due, n)
		} else {
			first = min(first, p.Due)
		}
	}
	return due, time.Unix(first, 0)
}

// ready are the partitions whose logs are applied up to their barriers.
func (s *Schedule) ready(ctx context.Context, held stream.Held) (out []int32, err error) {
	var unknown []int32
	for _, h := range held.Parts {
		if p := s.parts[h.Partition]; p != nil && p.barrier < 0 {
			unknown = append(unknown, h.Partition)
		}
	}
	if len(unknown) > 0 {
		ends, err := s.cluster.Written(ctx, stream.ScheduleRequest, unknown)
		if err != nil {
			return nil, err
		}
		for n, end := range ends {
			s.parts[n].barrier = end
		}
	}
	for _, h := range held.Parts {
		if p := s.parts[h.Partition]; p != nil && h.Next >= p.barrier {
			out = append(out, h.Partition)
		}
	}
	return out, nil
}

// round fires some of what is due at a time, not before it, and returns how many that were.
func (s *Schedule) round(ctx context.Context, held stream.Held, parts []int32, at time.Time) (int, error) {
	s.began = time.Now()
	all, copies, err := s.index.Due(ctx, parts, func(n int32) stream.Position { return s.parts[n].position() }, at, max(s.together/len(parts), 1))
	if err != nil {
		return 0, err
	}
	s.at("due")
	if all, err = s.answering(ctx, all); err != nil {
		return 0, err
	}
	jobs := s.choose(all)
	copies = slices.DeleteFunc(copies, func(e schedule.Entry) bool {
		return s.isFired(&e) || slices.ContainsFunc(jobs, func(j *schedule.Entry) bool { return j.Partition == e.Partition && j.ID == e.ID })
	})
	if len(jobs)+len(copies) == 0 {
		// Perhaps nothing is there any more.
		stored, err := s.index.Look(ctx, parts)
		if err != nil {
			return 0, err
		}
		for i, n := range parts {
			s.parts[n].State = stored[i].State
		}
		return 0, nil
	}
	n, err := s.load(ctx, jobs, copies)
	if err != nil {
		return 0, err
	}
	jobs, copies = jobs[:min(n, len(jobs))], copies[:max(n-len(jobs), 0)]
	if err := s.judge(ctx, jobs); err != nil {
		return 0, err
	}
	return len(jobs) + len(copies), s.settle(ctx, held, at, jobs, copies)
}

// choose orders what is due, and takes as much of it as goes together.
func (s *Schedule) choose(all []schedule.Entry) (out []*schedule.Entry) {
	slices.SortStableFunc(all, func(a, b schedule.Entry) int { return cmp.Compare(a.Epoch, b.Epoch) }) // each partition's are in order
	size := int64(0)
	for i := range all {
		e := &all[i]
		if s.isFired(e) {
			continue
		}
		if size += e.Size; size > togetherBytes && len(out) > 0 {
			break
		}
		out = append(out, e)
	}
	return out
}

func (s *Schedule) isFired(e *schedule.Entry) bool {
	offset, ok := s.parts[e.Partition].fired[e.ID]
	return ok && e.Offset <= offset
}

// load reads what the index does not have of the first of jobs, then copies, and returns of how many: at least of one. The
// others are the next round's, when that takes long, for they are read one by one, or when they are larger than their values.
func (s *Schedule) load(ctx context.Context, jobs []*schedule.Entry, copies []schedule.Entry) (n int, err error) {
	began, size := time.Now(), 0
	for ; n < len(jobs)+len(copies); n++ {
		if n > 0 && (time.Since(began) > stretch || size > togetherBytes) {
			break
		}
		var e *schedule.Entry
		if n < len(jobs) {
			e = jobs[n]
		} else {
			e = &copies[n-len(jobs)]
		}
		if err := s.loadOne(ctx, e); err != nil {
			return 0, err
		}
		size += len(e.Value)
		for _, h := range e.Headers {
			size += len(h.Key) + len(h.Value)
		}
	}
	return n, nil
}

func (s *Schedule) loadOne(ctx context.Context, e *schedule.Entry) (err error) {
	if !e.Elsewhere {
		return nil
	}
	if s.reader == nil {
		if s.reader, err = s.cluster.NewReader(); err != nil {
			return err
		}
	}
	r, found, err := s.reader.At(ctx, stream.ScheduleRequest, e.Partition, e.Offset)
	switch {
	case err != nil:
		return err
	case !found:
		e.Problem = "the request is not in the log any more"
	default:
		*e = schedule.Read(r, s.cluster.Name)
	}
	s.at("loaded")
	return nil
}

// judge finds out which targets do not take anything.
func (s *Schedule) judge(ctx context.Context, jobs []*schedule.Entry) error {
	ask := map[string]bool{}
	for _, e := range jobs {
		if t, ok := s.targets[e.Target]; e.Problem == "" && (!ok || time.Since(t.asked) > known || t.problem != nil) {
			ask[e.Target] = true
		}
	}
	if len(ask) > 0 {
		if len(s.targets) > 10_000 {
			clear(s.targets)
		}
		found, err := s.cluster.Targets(ctx, slices.Collect(maps.Keys(ask)))
		if err != nil {
			return err
		}
		for name, problem := range found {
			s.targets[name] = target{problem, time.Now()}
		}
	}
	for _, e := range jobs {
		if t := s.targets[e.Target]; e.Problem == "" && t.problem != nil {
			e.Problem = fmt.Sprintf("the target topic %s: %v", e.Target, t.problem)
		}
	}
	return nil
}

// settle brings jobs to their end: what Kafka refuses of them is tried once more by itself, then set aside. The others do
// not wait for it, and nobody for long: what is left then is the next round's.
func (s *Schedule) settle(ctx context.Context, held stream.Held, at time.Time, jobs []*schedule.Entry, copies []schedule.Entry) error {
	refused, err := s.transact(ctx, held, at, jobs, copies)
	if err != nil || len(refused) == 0 {
		return err
	}
	if len(jobs) == 1 {
		e := jobs[0]
		switch {
		case e.Problem == "":
			e.Problem = fmt.Sprintf("the target topic %s: %v", e.Target, refused[e])
			delete(s.targets, e.Target) // perhaps it takes nothing any more
		case len(e.Headers)+len(e.Value) > 0: // it is too large even for that
			e.Problem += "; value and headers left out here: " + refused[e].Error()
			e.Headers, e.Value = nil, nil
			s.p.Close() // a real broker takes nothing more for that partition from this one
			s.p = nil
			if err := s.Open(ctx); err != nil {
				return err
			}
		default:
			return fmt.Errorf("setting schedule %q aside: %w", e.ID, refused[e])
		}
		return s.settle(ctx, held, at, jobs, copies)
	}
	rest := slices.DeleteFunc(slices.Clone(jobs), func(e *schedule.Entry) bool { return refused[e] != nil })
	if len(rest)+len(copies) > 0 {
		if err := s.settle(ctx, held, at, rest, copies); err != nil {
			return err
		}
	}
	for i, began := 0, time.Now(); i < len(jobs) && time.Since(began) < stretch; i++ {
		if refused[jobs[i]] == nil {
			continue
		}
		if err := s.settle(ctx, held, at, jobs[i:i+1], nil); err != nil {
			return err
		}
	}
	return nil
}

// transact writes all that jobs and copies are about in one transaction, commits it at a time, and takes them out of the
// index. What Kafka will never take of the jobs is returned; then nothing was written.
func (s *Schedule) transact(ctx context.Context, held stream.Held, at time.Time, jobs []*schedule.Entry, copies []schedule.Entry) (map[*schedule.Entry]error, error) {
	records, of := s.records(jobs, copies)
	refused, silent, err := s.write(ctx, records, of)
	if len(refused) > 0 {
		return refused, s.p.Abort(ctx)
	}
	if err != nil {
		return nil, err
	}
	if len(silent) > 0 {
		if err := s.p.Abort(ctx); err != nil {
			return nil, err
		}
		return nil, s.leave(ctx, silent)
	}
	parts := map[int32]bool{}
	fired := make([]schedule.Entry, len(jobs))
	for i, e := range jobs {
		fired[i], parts[e.Partition] = *e, true
	}
	for _, e := range copies {
		parts[e.Partition] = true
	}
	s.at("written")
	if err := s.p.Hold(ctx, held, func(n int32) bool { return parts[n] }); err != nil {
		return nil, err
	}
	s.at("held")
	s.lead = min(max(time.Since(s.began), s.lead-s.lead/8, leadMin), leadMax)
	if !s.await(ctx, at) {
		err := s.p.Abort(ctx)
		s.at("aborted")
		return nil, err
	}
	if err := s.p.Commit(ctx); err != nil {
		return nil, err
	}
	now := s.now()
	s.at("committed")
	s.together = min(s.together+s.together/8+1, s.most)
	for _, e := range jobs {
		s.parts[e.Partition].fired[e.ID] = e.Offset
		if e.Problem == "" {
			delete(s.away, e.Target)
		}
		s.count(e, now)
	}
	states, err := s.index.Take(ctx, fired, copies)
	if err != nil {
		return nil, err
	}
	s.at("taken")
	for n, state := range states {
		s.parts[n].State = state
	}
	return nil, nil
}

// await waits for what leadMax bounds; false when it is not that time then, as a clock was set or ctx is done.
func (s *Schedule) await(ctx context.Context, at time.Time) bool {
	wait := at.Sub(s.now())
	if wait <= 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, min(wait, leadMax))
	defer cancel()
	<-ctx.Done()
	return !s.now().Before(at)
}

// records are what jobs and copies are about, and whose each is: nil for a copy's.
func (s *Schedule) records(jobs []*schedule.Entry, copies []schedule.Entry) (out []stream.Record, of []*schedule.Entry) {
	for _, e := range jobs {
		closing := stream.Record{Topic: stream.ScheduleRequest, Partition: e.Partition, Key: []byte(e.ID)}
		if e.Problem != "" {
			origin := fmt.Sprintf("%s/%d/%d", stream.ScheduleRequest, e.Partition, e.Offset)
			out = append(out, stream.Record{
				Topic: stream.Dead(Role), Partition: stream.AnyPartition, Key: []byte(e.ID), Value: e.Value,
				Headers: append(e.Headers[:len(e.Headers):len(e.Headers)],
					stream.Header{Key: stream.HeaderOrigin, Value: origin}, stream.Header{Key: stream.HeaderReason, Value: e.Problem}),
			})
			of = append(of, e)
		} else {
			fired := stream.Record{
				Topic: s.cluster.Name(e.Target), Partition: stream.AnyPartition, Key: e.Key, Value: e.Value,
				Headers: e.Fired(s.cluster.Topic(stream.ScheduleRequest)),
			}
			history := fired
			history.Topic = stream.ScheduleHistory
			closing.Headers = fired.Headers[:len(fired.Headers):len(fired.Headers)]
			out = append(out, fired, history)
			of = append(of, e, e)
		}
		closing.Headers = append(closing.Headers, stream.Header{Key: schedule.HeaderFiredOffset, Value: strconv.FormatInt(e.Offset, 10)})
		out = append(out, closing)
		of = append(of, e)
	}
	for i := range copies {
		if copies[i].Problem == "" {
			out = append(out, copies[i].Again())
			of = append(of, nil)
		}
	}
	return out, of
}

// write produces records in order. Returned by whose they are: what is refused for good, and, when all else was written, what
// a target did not take in the time that a transaction has.
func (s *Schedule) write(ctx context.Context, records []stream.Record, of []*schedule.Entry) (refused, silent map[*schedule.Entry]error, err error) {
	refused, silent = map[*schedule.Entry]error{}, map[*schedule.Entry]error{}
	size := len(records)
	if s.step != nil {
		size = 1
	}
	for chunk := range slices.Chunk(records, size) {
		s.at("write")
		ds, perr := s.p.Produce(ctx, chunk)
		if ds == nil || ctx.Err() != nil {
			err = perr
		}
		for i, d := range ds {
			switch {
			case d.Err == nil:
			case of[i] != nil && (stream.IsPermanent(d.Err) || stream.Refused(d.Err)):
				refused[of[i]] = d.Err
			case of[i] != nil && stream.TimedOut(d.Err) && chunk[i].Topic == s.cluster.Name(of[i].Target):
				silent[of[i]] = d.Err
			default:
				err = cmp.Or(err, d.Err)
			}
		}
		of = of[len(chunk):]
		if err != nil || len(refused)+len(silent) > 0 {
			break
		}
	}
	return refused, silent, err
}

// at tells a test that the next step is about to be done.
func (s *Schedule) at(step string) {
	if s.step != nil {
		s.step(step)
	}
}

// count tells of one that is done.
func (s *Schedule) count(e *schedule.Entry, now time.Time) {
	if e.Problem != "" {
		s.cluster.Metrics().SetAside(Role, stream.ScheduleRequest)
		s.log.Warn("schedule set aside", "id", e.ID, "partition", e.Partition, "offset", e.Offset, "target", e.Target, "reason", e.Problem)
		return
	}
	due := time.Unix(e.Epoch, 0)
	if e.Requested.After(due) { // it was late when it came
		due = e.Requested
	}
	s.metrics.fired.Inc()
	s.metrics.lateness.Observe(max(0, now.Sub(due).Seconds()))
}

// tell sets the gauges.
func (s *Schedule) tell(held stream.Held) {
	pending, due := int64(0), int64(schedule.Never)
	for _, h := range held.Parts {
		if p := s.parts[h.Partition]; p != nil {
			pending += p.Pending
			due = min(due, p.Due)
		}
	}
	s.metrics.pending.Set(float64(pending))
	due = min(due, s.waiting())
	overdue := 0.0
	if due > 0 { // 0: to be set aside
		overdue = max(0, s.now().Sub(time.Unix(due, 0)).Seconds())
	}
	s.metrics.overdue.Set(overdue)
}
