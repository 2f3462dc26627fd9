package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// Batch is what one poll gave: records of several partitions, each partition's in order.
type Batch struct {
	Records  []Record
	rejected map[int]error
	// buried are those of the rejected that the dead-letter topic has.
	buried map[int]bool
	bury   func(context.Context, *Batch) error
	spans  spans
	// member is in which generation of the group the batch is applied, of a transactional sink's.
	member membership
}

// Reject sets record i aside: it goes to the role's dead-letter topic with the reason, before its offset is committed.
func (b *Batch) Reject(i int, reason error) {
	if b.rejected == nil {
		b.rejected = map[int]error{}
	}
	b.rejected[i] = reason
}

// Bury writes the records rejected so far to the dead-letter topic. A sink calls it before it stores its position:
// a crash between the two would forget them. The consumer does it for what is left.
func (b *Batch) Bury(ctx context.Context) error {
	if b.bury == nil {
		return nil
	}
	return b.bury(ctx, b)
}

// Rejected tells whether record i was set aside.
func (b *Batch) Rejected(i int) bool { return b.rejected[i] != nil }

// Ends returns the last record of each partition of the batch.
func (b *Batch) Ends() []Record {
	last := map[string]int{}
	var ends []Record
	for _, r := range b.Records {
		k := partitionName(r.Topic, r.Partition)
		if i, ok := last[k]; ok {
			ends[i] = r
			continue
		}
		last[k] = len(ends)
		ends = append(ends, r)
	}
	return ends
}

func (c *Consumer) bury(ctx context.Context, b *Batch) error {
	var dead []Record
	buried := maps.Clone(b.buried)
	for i, r := range b.Records {
		reason := b.rejected[i]
		if reason == nil || b.buried[i] {
			continue
		}
		if buried == nil {
			buried = map[int]bool{}
		}
		buried[i] = true
		ctx, _ := b.below(ctx, i)
		c.log.WarnContext(ctx, "record set aside", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "key", string(r.Key), "reason", reason)
		dead = append(dead, Record{
			Topic: Dead(c.cfg.Role), Partition: AnyPartition, Key: r.Key, Value: r.Value,
			Headers: append(r.Headers[:len(r.Headers):len(r.Headers)], Header{HeaderOrigin, r.Origin()}, Header{HeaderReason, reason.Error()}),
		})
	}
	if len(dead) == 0 {
		return nil
	}
	ds, err := c.dead.Produce(ctx, dead)
	for _, d := range ds {
		err = errors.Join(err, d.Err)
	}
	if err != nil {
		return fmt.Errorf("setting %d records aside: %w", len(dead), err)
	}
	b.buried = buried
	return nil
}
