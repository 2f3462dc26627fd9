package stream

import (
	"context"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// OffsetsAt returns, of each partition, the first offset that a record of a time or later has: the log's end where there is
// none. No record before it is as new; some after it may be older.
func (c *Cluster) OffsetsAt(ctx context.Context, parts []Assigned, t time.Time) ([]int64, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	tps := make([]kafka.TopicPartition, len(parts))
	for i, a := range parts {
		topic := c.Topic(a.Topic)
		tps[i] = kafka.TopicPartition{Topic: &topic, Partition: a.Partition}
	}
	out, err := c.offsets(ctx, admin, tps, kafka.NewOffsetSpecForTimestamp(t.UnixMilli()), kafka.IsolationLevelReadCommitted)
	for i := range out {
		if out[i] < 0 {
			out[i] = parts[i].High
		}
	}
	return out, err
}
