package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// ReadAll calls fn for each record of a topic that is there now, each partition's in order, outside any group. An error
// of fn ends it.
func (c *Cluster) ReadAll(ctx context.Context, topic string, fn func(Record) error) error {
	return c.ReadTail(ctx, topic, math.MaxInt64, fn)
}

// ReadTail is ReadAll of each partition's last n offsets.
func (c *Cluster) ReadTail(ctx context.Context, topic string, n int64, fn func(Record) error) error {
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
	all := make([]kafka.TopicPartition, len(d.Partitions))
	for i := range all {
		all[i] = kafka.TopicPartition{Topic: &full, Partition: int32(i)}
	}
	ends, err := c.ends(ctx, admin, all)
	if err != nil {
		return err
	}
	// Known offsets: asked for "the beginning", the client takes half a second to look it up.
	var from []kafka.TopicPartition
	for i, e := range ends {
		if e.high > e.low {
			all[i].Offset = kafka.Offset(max(e.low, e.high-n))
			from = append(from, all[i])
		}
	}
	if len(from) == 0 {
		return nil
	}
	return c.readAt(ctx, from, func(r Record) error {
		if r.Offset >= ends[r.Partition].high {
			return nil // it came while this was read, and what came before it elsewhere may not have been
		}
		r.TopicID = d.TopicID.String()
		return fn(r)
	})
}

// logEnds are a partition's first offset and the one its next record will have.
type logEnds struct{ low, high int64 }

// unled is what is answered of a partition while its leader begins, or is another for the client than for the broker.
var unled = []kafka.ErrorCode{kafka.ErrNotLeaderForPartition, kafka.ErrLeaderNotAvailable, kafka.ErrFencedLeaderEpoch, kafka.ErrUnknownLeaderEpoch}

// ends returns the ends of partitions, in their order, by two requests. It waits for leaders: a new topic has none yet.
func (c *Cluster) ends(ctx context.Context, admin *kafka.AdminClient, parts []kafka.TopicPartition) ([]logEnds, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	for {
		low, err := c.offsets(ctx, admin, parts, kafka.EarliestOffsetSpec, kafka.IsolationLevelReadCommitted)
		var high []int64
		if err == nil {
			high, err = c.offsets(ctx, admin, parts, kafka.LatestOffsetSpec, kafka.IsolationLevelReadCommitted)
		}
		if err == nil {
			out := make([]logEnds, len(parts))
			for i := range parts {
				out[i] = logEnds{low[i], high[i]}
			}
			return out, nil
		}
		var ke kafka.Error
		if !errors.As(err, &ke) || !slices.Contains(unled, ke.Code()) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// offsets asks of partitions, in their order. One asks at a time: a client that learns of leaders for one who asks may free
// what it has in hand for another, and crash (librdkafka 2.15).
func (c *Cluster) offsets(ctx context.Context, admin *kafka.AdminClient, parts []kafka.TopicPartition, spec kafka.OffsetSpec, level kafka.IsolationLevel) ([]int64, error) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return nil, fmt.Errorf("listing offsets: %w", context.Cause(ctx))
	}
	ask, index := map[kafka.TopicPartition]kafka.OffsetSpec{}, map[string]int{}
	for i, p := range parts {
		ask[kafka.TopicPartition{Topic: p.Topic, Partition: p.Partition}] = spec
		index[partitionName(*p.Topic, p.Partition)] = i
	}
	res, err := admin.ListOffsets(ctx, ask, kafka.SetAdminIsolationLevel(level), kafka.SetAdminRequestTimeout(within(ctx)))
	if err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	out := make([]int64, len(parts))
	for tp, r := range res.ResultInfos {
		name := partitionName(*tp.Topic, tp.Partition)
		if r.Error.Code() != kafka.ErrNoError {
			return nil, fmt.Errorf("listing offsets of %s: %w", name, r.Error)
		}
		out[index[name]] = int64(r.Offset)
	}
	return out, nil
}

// reader makes a consumer outside any group.
func (c *Cluster) reader() (*kafka.Consumer, error) {
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
		return nil, fmt.Errorf("making a reader: %w", err)
	}
	go c.forwardLogs(r.Logs())
	return r, nil
}

// errDone ends readAt early.
var errDone = errors.New("done")

// readAt reads from the given offsets on, outside any group, until every partition's end is reached or fn returns an
// error; errDone is no error.
func (c *Cluster) readAt(ctx context.Context, from []kafka.TopicPartition, fn func(Record) error) error {
	r, err := c.reader()
	if err != nil {
		return err
	}
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

// Reader reads single records by their places, outside any group. It belongs to one goroutine.
type Reader struct {
	cluster *Cluster
	c       *kafka.Consumer
}

// NewReader makes a reader. It does no I/O yet. Close it.
func (c *Cluster) NewReader() (*Reader, error) {
	r, err := c.reader()
	if err != nil {
		return nil, err
	}
	return &Reader{c, r}, nil
}

// Close ends it.
func (r *Reader) Close() { _ = r.c.Close() }

// At reads the record at an offset; false when the log has none there, or none any more.
func (r *Reader) At(ctx context.Context, topic string, partition int32, offset int64) (Record, bool, error) {
	full := r.cluster.Topic(topic)
	at := kafka.TopicPartition{Topic: &full, Partition: partition, Offset: kafka.Offset(offset)}
	if err := r.c.Assign([]kafka.TopicPartition{at}); err != nil {
		return Record{}, false, fmt.Errorf("reading %s: %w", partitionName(topic, partition), err)
	}
	for {
		switch e := r.c.Poll(int(idlePoll.Milliseconds())).(type) {
		case *kafka.Message:
			if e.TopicPartition.Error == nil {
				return r.cluster.fromMessage(e), int64(e.TopicPartition.Offset) == offset, nil
			}
		case kafka.PartitionEOF:
			return Record{}, false, nil
		case kafka.Error:
			if e.IsFatal() {
				return Record{}, false, fmt.Errorf("reading %s: %w", partitionName(topic, partition), e)
			}
		}
		if ctx.Err() != nil {
			return Record{}, false, fmt.Errorf("reading %s: %w", partitionName(topic, partition), context.Cause(ctx))
		}
	}
}

// Written are the offsets that the next records of a topic's partitions will have; what is in a transaction that has not
// ended yet is counted.
func (c *Cluster) Written(ctx context.Context, topic string, partitions []int32) (map[int32]int64, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}
	full := c.Topic(topic)
	parts := make([]kafka.TopicPartition, len(partitions))
	for i, p := range partitions {
		parts[i] = kafka.TopicPartition{Topic: &full, Partition: p}
	}
	ends, err := c.offsets(ctx, admin, parts, kafka.LatestOffsetSpec, kafka.IsolationLevelReadUncommitted)
	if err != nil {
		return nil, err
	}
	out := make(map[int32]int64, len(partitions))
	for i, p := range partitions {
		out[p] = ends[i]
	}
	return out, nil
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

// Last returns the last record of each of a topic's partitions that has one.
func (c *Cluster) Last(ctx context.Context, topic string) ([]Record, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}
	full := c.Topic(topic)
	found, err := c.describe(ctx, admin, []string{full})
	if err != nil {
		return nil, err
	}
	all := make([]kafka.TopicPartition, len(found[full].Partitions))
	for i := range all {
		all[i] = kafka.TopicPartition{Topic: &full, Partition: int32(i)}
	}
	ends, err := c.ends(ctx, admin, all)
	if err != nil {
		return nil, err
	}
	last := map[int32]Record{}
	// The last offsets are markers where records are written in transactions: step back further until a record is found.
	for step := int64(8); ; step *= 16 {
		var from []kafka.TopicPartition
		for i, e := range ends {
			if _, ok := last[int32(i)]; !ok && e.high > e.low && (step == 8 || e.high-step/16 > e.low) {
				all[i].Offset = kafka.Offset(max(e.low, e.high-step))
				from = append(from, all[i])
			}
		}
		if len(from) == 0 {
			return slices.Collect(maps.Values(last)), nil
		}
		if err := c.readAt(ctx, from, func(r Record) error { last[r.Partition] = r; return nil }); err != nil {
			return nil, err
		}
	}
}
