package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// ReadAll calls fn for each record of a topic that is there now, each partition's in order, outside any group. An error
// of fn ends it.
func (c *Cluster) ReadAll(ctx context.Context, topic string, fn func(Record) error) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	full := c.Topic(topic)
	found, err := c.describe(ctx, admin, []string{full})
	if err != nil {
		return err
	}
	d, ok := found[full]
	if !ok {
		return fmt.Errorf("topic %s is missing: run `regie topics apply`", full)
	}
	from := make([]kafka.TopicPartition, len(d.Partitions))
	for i := range from {
		from[i] = kafka.TopicPartition{Topic: &full, Partition: int32(i), Offset: kafka.OffsetBeginning}
	}
	return c.readAt(ctx, from, func(r Record) error {
		r.TopicID = d.TopicID.String()
		return fn(r)
	})
}

// errDone ends readAt early.
var errDone = errors.New("done")

// readAt reads from the given offsets on, outside any group, until every partition's end is reached or fn returns an
// error; errDone is no error.
func (c *Cluster) readAt(ctx context.Context, from []kafka.TopicPartition, fn func(Record) error) error {
	r, err := kafka.NewConsumer(c.config(kafka.ConfigMap{
		"group.id":                  c.cfg.Project + ".reader",
		"enable.auto.commit":        false,
		"enable.partition.eof":      true,
		"isolation.level":           "read_committed",
		"fetch.error.backoff.ms":    10,
		"fetch.queue.backoff.ms":    10,
		"fetch.wait.max.ms":         20, // an end is only told when a fetch comes back empty
		"auto.offset.reset":         "earliest",
		"receive.message.max.bytes": 128 * mebi,
		"fetch.max.bytes":           64 * mebi,
	}))
	if err != nil {
		return fmt.Errorf("making a reader: %w", err)
	}
	go c.forwardLogs(r.Logs())
	defer func() { _ = r.Close() }()
	if err := r.Assign(from); err != nil {
		return fmt.Errorf("assigning a reader: %w", err)
	}
	for left := len(from); left > 0; {
		switch e := r.Poll(int(idlePoll.Milliseconds())).(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				continue
			}
			if err := fn(c.fromMessage(e)); err != nil {
				if errors.Is(err, errDone) {
					return nil
				}
				return err
			}
		case kafka.PartitionEOF:
			left--
		case kafka.Error:
			if e.IsFatal() {
				return fmt.Errorf("reading %s: %w", *from[0].Topic, e)
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("reading %s: %w", *from[0].Topic, context.Cause(ctx))
		}
	}
	return nil
}

// TopicID is Kafka's id of a topic, which changes when it is created again.
func (c *Cluster) TopicID(ctx context.Context, topic string) (string, error) {
	admin, err := c.admin()
	if err != nil {
		return "", err
	}
	found, err := c.describe(ctx, admin, []string{c.Topic(topic)})
	if err != nil {
		return "", err
	}
	d, ok := found[c.Topic(topic)]
	if !ok {
		return "", fmt.Errorf("topic %s is missing: run `regie topics apply`", c.Topic(topic))
	}
	return d.TopicID.String(), nil
}

// Last returns the last record of one partition, or nil when it has none.
func (c *Cluster) Last(ctx context.Context, topic string, partition int32) (*Record, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}
	full := c.Topic(topic)
	tp := kafka.TopicPartition{Topic: &full, Partition: partition}
	ends, err := c.ends(ctx, admin, []kafka.TopicPartition{tp})
	if err != nil {
		return nil, err
	}
	low, high := ends[0].low, ends[0].high
	// The last offsets are markers where records are written in transactions: step back further until one is found.
	for step := int64(8); high > low; step *= 16 {
		tp.Offset = kafka.Offset(max(low, high-step))
		var last *Record
		if err := c.readAt(ctx, []kafka.TopicPartition{tp}, func(r Record) error { last = &r; return nil }); err != nil {
			return nil, err
		}
		if last != nil || int64(tp.Offset) == low {
			return last, nil
		}
	}
	return nil, nil
}
