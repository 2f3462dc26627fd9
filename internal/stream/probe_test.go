package stream_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/go-cmp/cmp"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// probe is a Sink that remembers. It has no position of its own: it starts where the group is.
type probe struct {
	// before, when set, is asked before a batch is applied; its error is Apply's.
	before func(b *stream.Batch) error
	// from, when set, says where to start instead.
	from func(a stream.Assigned) stream.Start

	mu      sync.Mutex
	starts  map[string]int
	applied []stream.Record
	batches [][]stream.Record
	changed chan struct{}
}

func (p *probe) Start(_ context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.starts == nil {
		p.starts = map[string]int{}
	}
	out := make([]stream.Start, len(parts))
	for i, a := range parts {
		p.starts[a.String()]++
		out[i] = stream.Start{Offset: max(a.Low, a.Committed), Incarnation: 1}
		if p.from != nil {
			out[i] = p.from(a)
		}
	}
	p.signal()
	return out, nil
}

func (p *probe) Apply(_ context.Context, b *stream.Batch) error {
	if p.before != nil {
		if err := p.before(b); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batches = append(p.batches, append([]stream.Record(nil), b.Records...))
	for i, r := range b.Records {
		if !b.Rejected(i) {
			p.applied = append(p.applied, r)
		}
	}
	p.signal()
	return nil
}

func (p *probe) Moved(context.Context, []stream.Assigned) ([]stream.Assigned, error) { return nil, nil }

// signal tells those who wait that something has changed; p.mu is held.
func (p *probe) signal() {
	if p.changed != nil {
		close(p.changed)
	}
	p.changed = make(chan struct{})
}

// await waits until done, which may read p's fields, says so.
func (p *probe) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(servertest.Patience)
	for {
		p.mu.Lock()
		ok := done()
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Fatalf("waiting for %s: applied so far %q", what, values(p.applied))
		}
	}
}

func (p *probe) awaitApplied(t *testing.T, n int) {
	t.Helper()
	p.await(t, fmt.Sprint(n, " records"), func() bool { return len(p.applied) >= n })
}

// read calls fn when nothing is being applied.
func (p *probe) read(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
}

func values(rs []stream.Record) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = string(r.Value)
	}
	return out
}

// byPartition are the records' values, in the order of each partition.
func byPartition(rs []stream.Record) map[int32][]string {
	m := map[int32][]string{}
	for _, r := range rs {
		m[r.Partition] = append(m[r.Partition], string(r.Value))
	}
	return m
}

// running is a Consumer that runs.
type running struct {
	*stream.Consumer
	cancel context.CancelFunc
	done   chan error
}

func consume(t *testing.T, c *stream.Cluster, cfg stream.ConsumerConfig) *running {
	t.Helper()
	if cfg.Role == "" {
		cfg.Role = "transform"
	}
	if cfg.Topics == nil {
		cfg.Topics = []string{in}
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Consumer: c.NewConsumer(cfg), cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(func() { r.cancel(); <-r.done })
	return r
}

// stop ends it and returns what Run did.
func (r *running) stop(t *testing.T) error {
	t.Helper()
	r.cancel()
	return r.wait(t)
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		close(r.done)
		return err
	case <-time.After(servertest.Patience):
		t.Fatal("the consumer does not end")
		return nil
	}
}

// at is a record of a partition of its own choice.
func at(partition int32, value string) stream.Record {
	return stream.Record{Topic: in, Partition: partition, Key: []byte("k"), Value: []byte(value)}
}

// put produces records to the partitions they name.
func put(t *testing.T, c *stream.Cluster, rs ...stream.Record) {
	t.Helper()
	p, err := c.NewProducer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ds, err := p.Produce(t.Context(), rs)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if d.Err != nil {
			t.Fatal(d.Err)
		}
	}
}

// committed are a group's offsets by partition of topic.
func committed(ctx context.Context, a *kafka.AdminClient, group, topic string) (map[int32]int64, error) {
	parts := make([]kafka.TopicPartition, 12)
	for i := range parts {
		parts[i] = kafka.TopicPartition{Topic: &topic, Partition: int32(i)}
	}
	res, err := a.ListConsumerGroupOffsets(ctx, []kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: parts}})
	if err != nil {
		return nil, err
	}
	m := map[int32]int64{}
	for _, p := range res.ConsumerGroupsTopicPartitions[0].Partitions {
		if p.Offset >= 0 {
			m[p.Partition] = int64(p.Offset)
		}
	}
	return m, nil
}

// awaitCommitted waits until the role's offsets are these: a member that takes long to close is left to it.
func awaitCommitted(t *testing.T, c *stream.Cluster, a *kafka.AdminClient, want map[int32]int64) {
	t.Helper()
	servertest.Await(t, func() string {
		got, err := committed(t.Context(), a, c.Topic("transform"), c.Topic(in))
		if err != nil {
			return err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return "committed: " + diff
		}
		return ""
	})
}

// onKafka returns a cluster with its topics and an administrator of its broker.
func onKafka(t *testing.T, properties map[string]string) (*stream.Cluster, *kafka.AdminClient) {
	t.Helper()
	brokers := servertest.Kafka(t)
	c := cluster(t, brokers, "test", properties)
	servertest.Topics(t, c, used...)
	return c, servertest.Admin(t, brokers)
}
