package stream

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// startWithin bounds one attempt to find where to start, which asks Kafka and the sink.
const startWithin = 90 * time.Second

// rebalance runs inside Poll.
func (c *Consumer) rebalance(ctx context.Context, ev kafka.Event) error {
	switch e := ev.(type) {
	case kafka.AssignedPartitions:
		parts, err := c.begin(ctx, e.Partitions)
		if err != nil {
			return nil // ctx is done
		}
		c.assigned = time.Now()
		return c.c.IncrementalAssign(parts)
	case kafka.RevokedPartitions:
		c.assigned = time.Now()
		for _, p := range e.Partitions {
			name := partitionName(c.cluster.short(*p.Topic), p.Partition)
			delete(c.owned, name)
			c.toEnd.drop(name)
			c.lag.revoke(c.cluster.short(*p.Topic), p.Partition)
		}
	}
	return nil
}

// begin finds where the partitions are to be read from, however long the sink takes to answer: without its word a
// record could be applied twice or be left out. It fails only when ctx is done.
func (c *Consumer) begin(ctx context.Context, parts []kafka.TopicPartition) ([]kafka.TopicPartition, error) {
	backoff := 50 * time.Millisecond
	for {
		c.pulse.beat("finding where to start")
		out, err := c.tryBegin(ctx, parts)
		if err == nil {
			return out, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.unready("cannot start: " + err.Error())
		c.log.Warn("finding where to start, will retry", "retry_in", backoff.String(), "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, 5*time.Second)
	}
}

func (c *Consumer) tryBegin(ctx context.Context, parts []kafka.TopicPartition) ([]kafka.TopicPartition, error) {
	if len(parts) == 0 {
		return parts, nil
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	as, err := c.inspect(ctx, parts)
	if err != nil {
		return nil, err
	}
	starts, err := c.cfg.Sink.Start(ctx, as)
	if err != nil {
		return nil, fmt.Errorf("asking the sink where it stands: %w", err)
	}
	out := make([]kafka.TopicPartition, len(parts))
	for i, a := range as {
		o := &ownedPartition{Assigned: a, incarnation: starts[i].Incarnation, next: starts[i].Offset}
		if starts[i].Why != "" {
			o.replayed = a.High
		}
		c.owned[a.String()] = o
		c.lag.assign(a.Topic, a.Partition, o.next)
		c.toEnd.begin(a.String(), o.next, a.High, starts[i].Why)
		out[i] = kafka.TopicPartition{Topic: parts[i].Topic, Partition: a.Partition, Offset: kafka.Offset(starts[i].Offset)}
	}
	c.explain(as, starts)
	c.unready("") // what is left of the logs
	return out, nil
}

// explain says in one line for each reason which partitions are not begun where their sink stood, and of the group's
// offsets that they count for nothing.
func (c *Consumer) explain(as []Assigned, starts []Start) {
	type line struct {
		topics              map[string]bool
		partitions, records int64
		first               string
	}
	lines := map[string]*line{}
	add := func(why string, a Assigned, detail string, records int64) {
		l := lines[why]
		if l == nil {
			l = &line{topics: map[string]bool{}, first: strings.TrimSpace(a.String() + " " + detail)}
			lines[why] = l
		}
		l.topics[a.Topic] = true
		l.partitions++
		l.records += records
	}
	const passedOver = "its committed offsets are not this role's: the sink's own position counts"
	for i, a := range as {
		s := starts[i]
		// At the start there is nothing to say of an empty log.
		if s.Why != "" && (a.High > s.Offset || s.Detail != "" || c.begun && s.Why != whyEmpty && s.Why != whyNoOutput) {
			add(s.Why, a, s.Detail, a.High-s.Offset)
		}
		if s.Why == "" && (a.Committed > a.High || a.Foreign && a.Committed > s.Offset) {
			add(passedOver, a, fmt.Sprintf("committed %d, log %d to %d", a.Committed, a.Low, a.High), a.High-s.Offset)
		}
	}
	for why, l := range lines {
		level := slog.LevelWarn
		if why == whyEmpty && !c.begun {
			level = slog.LevelInfo
		}
		c.log.Log(context.Background(), level, "reading again", "why", why, "topics", strings.Join(slices.Sorted(maps.Keys(l.topics)), ","),
			"partitions", l.partitions, "first", l.first, "records", l.records)
	}
	c.begun = true
}

// storedMark is the metadata of the offsets that this program stores: those of somebody who sets the group have another.
const storedMark = "regie"

// inspect asks Kafka about partitions.
func (c *Consumer) inspect(ctx context.Context, parts []kafka.TopicPartition) ([]Assigned, error) {
	names := map[string]bool{}
	var list []string
	for _, p := range parts {
		if !names[*p.Topic] {
			names[*p.Topic] = true
			list = append(list, *p.Topic)
		}
	}
	found, err := c.cluster.describe(ctx, c.admin, list)
	if err != nil {
		return nil, err
	}
	committed, err := c.c.Committed(parts, int(kafkaTimeout.Milliseconds()))
	if err != nil {
		return nil, fmt.Errorf("reading committed offsets: %w", err)
	}
	ends, err := c.cluster.ends(ctx, c.admin, parts)
	if err != nil {
		return nil, err
	}
	out := make([]Assigned, len(parts))
	for i, p := range parts {
		d, ok := found[*p.Topic]
		if !ok {
			return nil, fmt.Errorf("topic %s is gone", *p.Topic)
		}
		out[i] = Assigned{Topic: c.cluster.short(*p.Topic), Partition: p.Partition, TopicID: d.TopicID.String(), Low: ends[i].low, High: ends[i].high, Committed: -1}
		if o := committed[i].Offset; o >= 0 {
			out[i].Committed = int64(o)
			out[i].Foreign = committed[i].Metadata == nil || *committed[i].Metadata != storedMark
		}
	}
	return out, nil
}

// check sets the partitions back whose sink lost or changed its position, and those whose topic was created again:
// the client does not tell. That it cannot ask now is no error: it asks again.
func (c *Consumer) check(ctx context.Context) error {
	moved, err := c.moved(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("checking the sink's positions", "error", err)
		}
		return nil
	}
	if len(moved) == 0 {
		return nil
	}
	return c.setBack(ctx, moved)
}

// movedToo are the partitions of the records, and all others that moved with them.
func (c *Consumer) movedToo(ctx context.Context, records []Record) []Assigned {
	parts, err := c.moved(ctx)
	if err != nil {
		parts = nil // those that are known to have moved; the others' turn comes
	}
	for _, r := range records {
		if o := c.owned[partitionName(r.Topic, r.Partition)]; o != nil && !slices.Contains(parts, o.Assigned) {
			parts = append(parts, o.Assigned)
		}
	}
	return parts
}

// checkEnds sets the partitions back whose logs do not have the next offset.
func (c *Consumer) checkEnds(ctx context.Context) error {
	parts := slices.Collect(func(yield func(Assigned) bool) {
		for _, o := range c.owned {
			if !yield(o.Assigned) {
				return
			}
		}
	})
	tps := make([]kafka.TopicPartition, len(parts))
	for i, a := range parts {
		topic := c.cluster.Topic(a.Topic)
		tps[i] = kafka.TopicPartition{Topic: &topic, Partition: a.Partition}
	}
	ends, err := c.cluster.ends(ctx, c.admin, tps)
	if err != nil {
		c.astray = ctx.Err() == nil // ask again
		c.log.Warn("asking for the logs' ends", "error", err)
		return nil
	}
	var out []Assigned
	for i, a := range parts {
		if next := c.owned[a.String()].next; next < ends[i].low || next > ends[i].high {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = parts // it is one of them
	}
	return c.setBack(ctx, out)
}

func (c *Consumer) moved(ctx context.Context) ([]Assigned, error) {
	if len(c.owned) == 0 {
		return nil, nil
	}
	parts := make([]Assigned, 0, len(c.owned))
	names := map[string]bool{}
	for _, o := range c.owned {
		parts = append(parts, o.Assigned)
		names[c.cluster.Topic(o.Topic)] = true
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	found, err := c.cluster.describe(ctx, c.admin, slices.Collect(maps.Keys(names)))
	if err != nil {
		return nil, err
	}
	moved, err := c.cfg.Sink.Moved(ctx, parts)
	if err != nil {
		return nil, err
	}
	for _, a := range parts {
		if d, ok := found[c.cluster.Topic(a.Topic)]; ok && d.TopicID.String() != a.TopicID && !slices.Contains(moved, a) {
			moved = append(moved, a)
		}
	}
	return moved, nil
}

// setBack begins the partitions again, from where the sink says.
func (c *Consumer) setBack(ctx context.Context, parts []Assigned) error {
	if len(parts) == 0 {
		return nil
	}
	tps := make([]kafka.TopicPartition, len(parts))
	for i, a := range parts {
		topic := c.cluster.Topic(a.Topic)
		tps[i] = kafka.TopicPartition{Topic: &topic, Partition: a.Partition}
	}
	c.cluster.metrics.setBack.WithLabelValues(c.cfg.Role).Add(float64(len(parts)))
	tps, err := c.begin(ctx, tps)
	if err != nil {
		return nil // ctx is done
	}
	// No seek: a partition whose offset the log did not have is stopped, and cannot.
	if err = c.c.IncrementalUnassign(tps); err == nil {
		err = c.c.IncrementalAssign(tps)
	}
	if err != nil { // what is read next would not be what the sink was told: start over
		return fmt.Errorf("setting partitions back: %w", err)
	}
	return nil
}
