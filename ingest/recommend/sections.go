package recommend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// sectionsSink computes the sections of programmes that are touched. It implements stream.Sink.
type sectionsSink struct {
	Config
	positions *catalog.Positions
	whole     *catalog.Whole
	// written is where what is told goes, as instances tell one another, and outputs the word for it.
	written *catalog.Whole
	outputs string
	// producer is for touches.
	producer *stream.Producer
	// tx is nil until it is needed, and after an error.
	tx *stream.Producer
}

var _ stream.Sink = (*sectionsSink)(nil)

// Start implements stream.Sink. Without a position, the group's counts: when Redis has its state again, every programme was
// touched anew. So they are when touches, or what was told, are gone from Kafka.
func (s *sectionsSink) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	stored, err := s.positions.Load(ctx, parts)
	if err != nil {
		return nil, err
	}
	out, why := make([]stream.Start, len(parts)), ""
	for i, a := range parts {
		out[i] = stream.Resume(a, stored[i], s.Now())
		if stored[i] == nil && a.Committed > a.Low && a.Committed <= a.High {
			out[i].Offset = a.Committed
		}
		if lost(a, stored[i]) {
			why = "touches were deleted before they were evaluated"
		}
	}
	known, err := s.findOutputs(ctx)
	if err != nil {
		return nil, err
	}
	if known != "" && known != s.outputs {
		why = "a topic of what was told was created again"
	}
	if why != "" && len(parts) > 0 {
		if err := s.touchAll(ctx, parts[0], why); err != nil {
			return nil, err
		}
	}
	if known != s.outputs {
		if err := s.written.Set(ctx, map[string]string{outputs: s.outputs}); err != nil {
			return nil, err
		}
	}
	return out, s.open(ctx) // the first touch is not to wait for that
}

// lost tells whether touches are gone that were not evaluated. One offset less than the log begins with may be the end of a
// transaction, which the scheduler's touches come in.
func lost(a stream.Assigned, p *stream.Position) bool {
	return p != nil && (p.TopicID != a.TopicID || p.Offset > a.High || p.Offset+1 < a.Low)
}

// outputs is the field of what is told, and whereTold the topics.
const outputs = "outputs"

var whereTold = []string{stream.ProgrammeEnriched, stream.ScheduleRequest}

// findOutputs makes a word of the topics that are written, and returns the one that is known; "" for none.
func (s *sectionsSink) findOutputs(ctx context.Context) (known string, err error) {
	all := sha256.New()
	for _, topic := range whereTold {
		id, err := s.Cluster.TopicID(ctx, topic)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(all, id)
	}
	s.outputs = hex.EncodeToString(all.Sum(nil)[:8])
	words, err := s.written.Read(ctx)
	return words[outputs], err
}

// touchedAtOnce is how many touches are produced at a time when all programmes are touched.
const touchedAtOnce = 5000

// touchAll touches the programmes that there are, and those of which something was told.
func (s *sectionsSink) touchAll(ctx context.Context, because stream.Assigned, why string) error {
	var ids []string
	for _, kind := range []string{programme, sections} {
		some, err := s.Catalog.IDs(ctx, kind)
		if err != nil {
			return err
		}
		ids = append(ids, some...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	s.Log.Warn("all programmes are touched", "why", why, "programmes", len(ids))
	for some := range slices.Chunk(ids, touchedAtOnce) {
		rs := make([]stream.Record, len(some))
		for i, id := range some {
			var err error
			from := stream.Record{Topic: because.Topic, Partition: because.Partition, Offset: because.Low, TopicID: because.TopicID}
			if rs[i], err = touched(id, catalogv1.TouchReason_TOUCH_REASON_UNSPECIFIED, from, time.Time{}); err != nil {
				return err
			}
		}
		ds, err := s.producer.Produce(ctx, rs)
		for i := range ds {
			if err == nil && ds[i].Err != nil {
				err = fmt.Errorf("touching programme %q: %w", rs[i].Key, ds[i].Err)
			}
		}
		if err != nil {
			return err
		}
	}
	s.Metrics.touched.Add(float64(len(ids)))
	return nil
}

// Moved implements stream.Sink.
func (s *sectionsSink) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	return s.positions.Moved(ctx, parts)
}

// Apply implements stream.Sink. Before sections are told, Redis is told that they may have been, and afterwards which:
// whatever is cut short is told again.
func (s *sectionsSink) Apply(ctx context.Context, b *stream.Batch) error {
	before, err := s.awaitWhole(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	all := s.evaluations(b)
	if err := s.load(ctx, all); err != nil {
		return err
	}
	if err := s.evaluate(ctx, all); err != nil {
		return err
	}
	if after, err := s.whole.Read(ctx); err != nil || !maps.Equal(before, after) {
		return errors.Join(err, errors.New("the state was emptied or added to while it was read"))
	}
	var expired []catalog.Member
	for _, e := range all {
		expired = append(expired, e.expired...)
		s.Metrics.scanned.Observe(float64(e.scanned))
	}
	if err := s.Catalog.Unlist(ctx, expired); err != nil {
		return err
	}
	s.Metrics.evaluated.Add(float64(len(all)))
	s.Metrics.unlisted.Add(float64(len(expired)))
	s.Metrics.seconds.Observe(time.Since(began).Seconds())
	if err := s.tell(ctx, b, all); err != nil {
		return err
	}
	return s.positions.Store(ctx, b.Ends())
}

// patience is how long a batch waits for the state, before it is tried again later.
const patience = 500 * time.Millisecond

// awaitWhole returns when the state has all that its topics have: with a part of a programme's videos, it would be served
// that part.
func (s *sectionsSink) awaitWhole(ctx context.Context) (map[string]string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; {
		whole, err := s.whole.Read(ctx)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, t := range stream.Topics() {
			if slices.Contains(Inputs(), t.Name) {
				n += t.Partitions
			}
		}
		if len(whole) >= n {
			return whole, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("the state is being filled: it has all of %d of %d partitions", len(whole), n)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// ahead is how far the scheduler's clock may be before ours.
const ahead = 10 * time.Second

// evaluations are what a batch asks for, of each programme one.
func (s *sectionsSink) evaluations(b *stream.Batch) (all []*evaluation) {
	now, of := s.Now(), map[string]*evaluation{}
	for i, r := range b.Records {
		var touch catalogv1.ProgrammeTouchedEvent
		err := r.Decode(&touch)
		switch {
		case len(r.Key) == 0:
			err = errors.New("the record has no key, which is the programme's id")
		case r.Value == nil:
			err = errors.New("the record has no value")
		}
		if err != nil {
			b.Reject(i, stream.Permanent(err))
			continue
		}
		e := of[string(r.Key)]
		if e == nil {
			e = &evaluation{id: string(r.Key), at: now, because: i}
			of[e.id] = e
			all = append(all, e)
		}
		e.touches = append(e.touches, i)
		if e.fence.Compare(r.Fence) < 0 {
			e.fence = r.Fence
		}
		switch touch.GetReason() {
		case catalogv1.TouchReason_TOUCH_REASON_PROGRAMME:
			e.edited = true
		case catalogv1.TouchReason_TOUCH_REASON_CLOCK:
			e.fired = true
			switch at := touch.GetOccurredAt().AsTime(); {
			case !at.After(e.at):
			case at.Before(now.Add(ahead)):
				e.at = at
			default:
				e.retry = firedAt(r).Add(ahead)
			}
		}
		// Of several edits, the one that has waited longest is told of.
		if at, was := r.CMSTime(), b.Records[e.because].CMSTime(); !at.IsZero() && (was.IsZero() || at.Before(was)) {
			e.because = i
		}
	}
	return all
}

// firedAt is what the scheduler's clock said when it fired a touch, or later.
func firedAt(r stream.Record) time.Time {
	epoch, _ := strconv.ParseInt(r.Headers.Get(schedule.HeaderEpoch), 10, 64)
	if at := time.Unix(epoch, 0); at.After(r.Time) {
		return at
	}
	return r.Time
}

// load reads programmes' rules, and what was told of them.
func (s *sectionsSink) load(ctx context.Context, all []*evaluation) error {
	refs := make([]catalog.Ref, 0, 2*len(all))
	for _, e := range all {
		refs = append(refs, catalog.Ref{Kind: programme, ID: e.id}, catalog.Ref{Kind: sections, ID: e.id})
	}
	blobs, err := s.Catalog.Blobs(ctx, catalog.Web, refs)
	if err != nil {
		return err
	}
	for i, e := range all {
		e.outputs = s.outputs
		e.told = parseTold(blobs[2*i+1], s.outputs)
		if rules := blobs[2*i]; rules != nil {
			e.rules = &catalogv1.Programme{}
			if err := proto.Unmarshal(rules, e.rules); err != nil {
				e.err = fmt.Errorf("reading its rules in Redis: %w", err)
			}
		}
	}
	return nil
}

// evaluate fills the programmes' sections, all of them together, in as few round trips as the one that takes most.
func (s *sectionsSink) evaluate(ctx context.Context, all []*evaluation) error {
	if err := s.readWatched(ctx, all); err != nil {
		return err
	}
	var open []*search
	for _, e := range all {
		if e.rules == nil || e.err != nil {
			continue
		}
		e.begin()
		open = append(open, e.searches...)
	}
	for len(open) > 0 {
		var keys []catalog.Key
		ends := make([]int, len(open))
		for i, search := range open {
			keys = append(keys, search.ask()...)
			ends[i] = len(keys)
		}
		answers, from := s.Catalog.Read(ctx, catalog.View{Screen: catalog.Web}, keys), 0
		for _, a := range answers {
			if a.Err != nil {
				return a.Err
			}
		}
		var again []*search
		for i, search := range open {
			e := search.of
			more, err := search.hear(answers[from:ends[i]])
			from = ends[i]
			switch {
			case err != nil:
				e.err = err
			case e.err != nil:
			case more:
				again = append(again, search)
			default:
				if f := search.fallback(e.watched(search.rule.GetFallback().GetOrder(), search.rule.GetLimit())); f != nil {
					again = append(again, f)
				}
			}
		}
		open = again
	}
	return nil
}

// readWatched reads what is watched most of the programmes whose rules ask for it.
func (s *sectionsSink) readWatched(ctx context.Context, all []*evaluation) error {
	var asking []*evaluation
	var ids []string
	most := 0
	for _, e := range all {
		n := 0
		for _, r := range e.rules.GetSections() {
			n = max(n, asksWatched(r.GetOrder(), r.GetLimit()), asksWatched(r.GetFallback().GetOrder(), r.GetLimit()))
		}
		if n > 0 {
			asking, ids, most = append(asking, e), append(ids, e.id), max(most, n)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := s.MostWatched(ctx, ids, s.Now(), most)
	if err != nil {
		return fmt.Errorf("asking for what is watched most: %w", err)
	}
	for i, e := range asking {
		e.mostWatched = found[i]
	}
	return nil
}

// tell produces what changed, in one transaction with the offsets of the touches: an instance that has lost its partitions
// cannot. What cannot be evaluated is set aside.
func (s *sectionsSink) tell(ctx context.Context, b *stream.Batch, all []*evaluation) error {
	touchTopic := s.Cluster.Topic(stream.ProgrammeTouched)
	firsts := map[int32]int64{}
	for _, r := range b.Records {
		if _, seen := firsts[r.Partition]; !seen {
			firsts[r.Partition] = r.Offset
		}
	}
	type result struct {
		of      *evaluation
		records []stream.Record
	}
	var results []result
	var begun, done []catalog.Change
	for _, e := range all {
		var rs []stream.Record
		var known []byte
		if e.err == nil {
			rs, known, e.err = e.outcome(b.Records[e.because], touchTopic)
		}
		if e.err != nil {
			for _, i := range e.touches {
				b.Reject(i, stream.Permanent(fmt.Errorf("computing the sections of programme %q: %w", e.id, e.err)))
			}
			continue
		}
		if rs == nil && known == nil {
			continue
		}
		ch := catalog.Change{Kind: sections, ID: e.id, Fence: e.fence}
		ch.Settled = stream.Fence{Incarnation: e.fence.Incarnation, Offset: firsts[b.Records[e.touches[0]].Partition]}
		ch.Blobs = map[catalog.Screen][]byte{catalog.Web: []byte(unsure)}
		begun = append(begun, ch)
		ch.Blobs = nil
		if known != nil {
			ch.Blobs = map[catalog.Screen][]byte{catalog.Web: known}
		}
		done = append(done, ch)
		results = append(results, result{e, rs})
	}
	if err := b.Bury(ctx); err != nil || len(results) == 0 {
		return err
	}
	outcomes, err := s.Catalog.Apply(ctx, begun, s.Now())
	if err != nil {
		return err
	}
	var rs []stream.Record
	var sent []func(error)
	var kept []catalog.Change
	for i, r := range results {
		if outcomes[i].Refused {
			continue // somebody has evaluated it since: these partitions are another's
		}
		kept = append(kept, done[i])
		for _, rec := range r.records {
			if rec.Topic == stream.ProgrammeEnriched {
				sent = append(sent, b.Send(ctx, r.of.because, &rec))
			}
			rs = append(rs, rec)
		}
	}
	err = s.commit(ctx, b, rs)
	for _, end := range sent {
		end(err)
	}
	if err != nil {
		return err
	}
	s.Metrics.changed.Add(float64(len(sent)))
	_, err = s.Catalog.Apply(ctx, kept, s.Now())
	return err
}

func (s *sectionsSink) open(ctx context.Context) (err error) {
	if s.tx == nil {
		s.tx, err = s.Cluster.NewOwnTxProducer(ctx, Role, 30*time.Second)
	}
	return err
}

func (s *sectionsSink) close() {
	if s.tx != nil {
		s.tx.Close()
		s.tx = nil
	}
}

// commit writes records and the batch's offsets, or nothing.
func (s *sectionsSink) commit(ctx context.Context, b *stream.Batch, rs []stream.Record) error {
	if len(rs) == 0 {
		return nil
	}
	err := s.open(ctx)
	if err != nil {
		return err
	}
	if err = s.tx.CommitWith(ctx, b, rs); err != nil {
		s.close()
		// What is fatal to this producer is not to the role: the next one goes on.
		return errors.New("telling of sections: " + err.Error())
	}
	return nil
}
