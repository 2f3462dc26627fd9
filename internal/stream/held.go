package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Held are the partitions that a consumer holds. While its Work goes on none is given to another, unless the consumer is
// taken for dead: of that, Producer.Hold is told.
type Held struct {
	Parts  []HeldPartition
	member membership
}

// HeldPartition is one of them.
type HeldPartition struct {
	Topic     string // without the project
	Partition int32
	// Next: what can be read of the log before it is applied, all of it.
	Next    int64
	applied int64
}

// held is nothing once the membership is lost, though Poll has not said so yet.
func (c *Consumer) held() Held {
	member, err := c.membership()
	if err != nil || c.c.AssignmentLost() { // in this order: who has lost it is no member any more, and may commit as nobody
		return Held{}
	}
	h := Held{member: member}
	for _, o := range c.owned {
		h.Parts = append(h.Parts, HeldPartition{Topic: o.Topic, Partition: o.Partition, Next: max(o.next, o.end), applied: o.next})
	}
	return h
}

// idleFor is how long a poll may wait for a record.
func (c *Consumer) idleFor() time.Duration {
	if c.cfg.Work == nil {
		return idlePoll
	}
	d := min(time.Until(c.again), idlePoll)
	return max(0, d+time.Millisecond-1) // a poll's time has whole milliseconds
}

// Hold makes the producer's transaction depend on the group: it can only be committed if the consumer still held the
// partitions that has selects when all of its records were written. It is called after them.
func (p *Producer) Hold(ctx context.Context, h Held, has func(partition int32) bool) error {
	mark := storedMark
	var offsets []kafka.TopicPartition
	for _, part := range h.Parts {
		if has(part.Partition) {
			topic := p.cluster.Topic(part.Topic)
			offsets = append(offsets, kafka.TopicPartition{Topic: &topic, Partition: part.Partition, Offset: kafka.Offset(part.applied), Metadata: &mark})
		}
	}
	if err := p.sendOffsets(ctx, offsets, h.member); err != nil {
		return fmt.Errorf("showing in a transaction what is held: %w", err)
	}
	return nil
}
