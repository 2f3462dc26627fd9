package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
			delete(c.owned, partitionName(c.cluster.short(*p.Topic), p.Partition))
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
	fromStart := map[string]int64{}
	for i, a := range as {
		o := &ownedPartition{Assigned: a, incarnation: starts[i].Incarnation, next: starts[i].Offset}
		if starts[i].Why != "" {
			o.replayed = a.High
		}
		c.owned[a.String()] = o
		c.lag.assign(a.Topic, a.Partition, o.next)
		out[i] = kafka.TopicPartition{Topic: parts[i].Topic, Partition: a.Partition, Offset: kafka.Offset(starts[i].Offset)}
		if starts[i].Why != "" {
			fromStart[starts[i].Why] += a.High - a.Low
		}
	}
	waits := "is catching up with its topics"
	for why, records := range fromStart {
		if records > 0 {
			c.log.Info("reading partitions from their beginning", "why", why, "records", records)
			waits = fmt.Sprintf("is reading %d records again: %s", records, why)
		}
	}
	c.unready(waits)
	return out, nil
}

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
	records := make([]Record, len(moved))
	for i, a := range moved {
		records[i] = Record{Topic: a.Topic, Partition: a.Partition}
	}
	return c.setBack(ctx, records)
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

// setBack begins the partitions of the records again, from where the sink says.
func (c *Consumer) setBack(ctx context.Context, records []Record) error {
	tps := make([]kafka.TopicPartition, len(records))
	for i, r := range records {
		topic := c.cluster.Topic(r.Topic)
		tps[i] = kafka.TopicPartition{Topic: &topic, Partition: r.Partition}
	}
	c.cluster.metrics.setBack.WithLabelValues(c.cfg.Role).Add(float64(len(records)))
	c.log.Warn("the sink is not where it was left, reading again", "partitions", len(records))
	tps, err := c.begin(ctx, tps)
	if err != nil {
		return nil // ctx is done
	}
	sought, err := c.c.SeekPartitions(tps)
	for _, p := range sought {
		if c.owned[partitionName(c.cluster.short(*p.Topic), p.Partition)] != nil {
			err = errors.Join(err, p.Error)
		}
	}
	if err != nil { // what is read next would not be what the sink was told: start over
		return fmt.Errorf("setting partitions back: %w", err)
	}
	return nil
}
