package stream

import (
	"context"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Through is the Sink of a role that computes records from records: what Transform makes of a record of partition p
// goes to partition p of its output topic, so both have the same number of partitions.
//
// Its position is the output's own last record, whose source header names the record it was computed from: the log
// tells by itself how far it is. A restart neither repeats nor leaves out, and what an instance wrote after it had
// lost the partition shows as a tail that is not ours: then the records after that one's source are computed again.
type Through struct {
	cluster   *Cluster
	transform func(Record) ([]Record, error)
	output    map[string]string // by input topic
	p         *Producer
	tails     map[string]int64 // the offset of each output partition's last record, by input partition
	// lows are the first offsets of the outputs: what was before one that has risen is computed again.
	lows map[string]int64
}

// NewThrough makes a sink. Transform must be pure; an error of it sets the record aside. output names each input
// topic's output topic. Close it.
func (c *Cluster) NewThrough(output map[string]string, transform func(Record) ([]Record, error)) (*Through, error) {
	p, err := c.producer("through", nil)
	if err != nil {
		return nil, err
	}
	return &Through{cluster: c, transform: transform, output: output, p: p, tails: map[string]int64{}, lows: map[string]int64{}}, nil
}

// Close ends the producer.
func (t *Through) Close() { t.p.Close() }

const whyNoOutput = "its output is empty"

// headerMore is on each but the last of the records computed from one: a tail that bears it is half a job.
const headerMore = "source-more"

// Apply implements Sink.
func (t *Through) Apply(ctx context.Context, b *Batch) error {
	var out []Record
	var from []int
	var sends []func(error)
	for i, r := range b.Records {
		rs, err := t.transform(r)
		if err != nil {
			b.Reject(i, err)
			continue
		}
		for n, o := range rs {
			o.Partition = r.Partition
			o.Headers = append(o.Headers, Header{HeaderSource, r.Source()})
			if n < len(rs)-1 {
				o.Headers = append(o.Headers, Header{headerMore, "1"})
			}
			sends = append(sends, b.Send(ctx, i, &o))
			out = append(out, o)
			from = append(from, i)
		}
	}
	// The output is the position too.
	if err := b.Bury(ctx); err != nil || len(out) == 0 {
		return err // what is not sent has no span: they are not ended
	}
	ds, err := t.p.Produce(ctx, out)
	for _, sent := range sends {
		sent(err)
	}
	for i, d := range ds {
		if d.Err == nil {
			r := b.Records[from[i]]
			t.tails[partitionName(r.Topic, r.Partition)] = d.Offset
		} else if IsPermanent(d.Err) {
			b.Reject(from[i], d.Err)
		}
	}
	return err
}

// Start implements Sink.
func (t *Through) Start(ctx context.Context, parts []Assigned) ([]Start, error) {
	tails, err := t.readTails(ctx, parts)
	if err != nil {
		return nil, err
	}
	out := make([]Start, len(parts))
	for i, a := range parts {
		tail, name := tails[i], a.String()
		t.tails[name] = tail.offset
		low, known := t.lows[name]
		cut := known && low < tail.low
		t.lows[name] = tail.low
		committed := a.Committed
		if a.Foreign { // who sets the group forward must not leave records out
			committed = -1
		}
		switch {
		case tail.topicID == "":
			out[i] = Start{Offset: a.Low, Why: whyNoOutput}
		case cut:
			out[i] = Start{Offset: a.Low, Why: "records of its output were deleted", Detail: fmt.Sprintf("output %d to %d", tail.low, tail.offset+1)}
		case tail.topicID != a.TopicID:
			out[i] = Start{Offset: a.Low, Why: "the topic was created again"}
		case tail.foreign:
			out[i] = Start{Offset: max(tail.source+1, a.Low)}
		default:
			// Records that had no output leave no trace there; the group knows of them.
			out[i] = Start{Offset: max(tail.source+1, committed, a.Low)}
		}
		if out[i].Offset > a.High {
			out[i] = Start{Offset: a.Low, Why: "its output's source lies beyond the log's end"}
		}
	}
	return out, nil
}

// Moved implements Sink.
func (t *Through) Moved(ctx context.Context, parts []Assigned) ([]Assigned, error) {
	tps := t.outputs(parts)
	ends, err := t.ends(ctx, tps)
	if err != nil {
		return nil, err
	}
	var moved []Assigned
	for i, a := range parts {
		if name := a.String(); ends[i].high-1 != t.tails[name] || ends[i].low > t.lows[name] {
			moved = append(moved, a)
		}
	}
	return moved, nil
}

func (t *Through) outputs(parts []Assigned) []kafka.TopicPartition {
	tps := make([]kafka.TopicPartition, len(parts))
	for i, a := range parts {
		topic := t.cluster.Topic(t.output[a.Topic])
		tps[i] = kafka.TopicPartition{Topic: &topic, Partition: a.Partition}
	}
	return tps
}

func (t *Through) ends(ctx context.Context, tps []kafka.TopicPartition) ([]logEnds, error) {
	admin, err := t.cluster.admin()
	if err != nil {
		return nil, err
	}
	return t.cluster.ends(ctx, admin, tps)
}

type tail struct {
	offset  int64 // -1: no record
	low     int64 // the log's first offset
	source  int64
	topicID string
	foreign bool // not what this instance wrote last, though it was the owner
}

// readTails reads the last record of each output partition.
func (t *Through) readTails(ctx context.Context, parts []Assigned) ([]tail, error) {
	tps := t.outputs(parts)
	ends, err := t.ends(ctx, tps)
	if err != nil {
		return nil, err
	}
	out := make([]tail, len(parts))
	index := map[string]int{}
	var ask []kafka.TopicPartition
	for i, a := range parts {
		out[i] = tail{offset: ends[i].high - 1, low: ends[i].low}
		if known, ok := t.tails[a.String()]; ok && known != out[i].offset {
			out[i].foreign = true
		}
		if ends[i].high > ends[i].low {
			tps[i].Offset = kafka.Offset(ends[i].high - 1)
			ask = append(ask, tps[i])
			index[partitionName(*tps[i].Topic, tps[i].Partition)] = i
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	return out, t.cluster.readAt(ctx, ask, func(r Record) error {
		k := partitionName(t.cluster.Topic(r.Topic), r.Partition)
		i, ok := index[k]
		if !ok {
			return nil
		}
		delete(index, k)
		_, _, out[i].source, out[i].topicID, _ = parseSource(r.Headers.Get(HeaderSource))
		if r.Headers.Get(headerMore) != "" {
			out[i].source--
		}
		if len(index) == 0 {
			return errDone
		}
		return nil
	})
}

var _ Sink = (*Through)(nil)
