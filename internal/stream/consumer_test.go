package stream_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"regie/internal/servertest"
	"regie/internal/stream"
)

func TestABatchThatFailsIsRetriedWithoutLosingAnything(t *testing.T) {
	c := servertest.Cluster(t, used...)
	want := map[int32][]string{}
	var rs []stream.Record
	for i := range 60 {
		p := int32(i % 3)
		v := fmt.Sprint("v", i)
		want[p] = append(want[p], v)
		rs = append(rs, at(p, v))
	}
	put(t, c, rs[:30]...)
	var failures atomic.Int32
	failing := make(chan struct{}, 3)
	sink := &probe{before: func(b *stream.Batch) error {
		if last := b.Records[len(b.Records)-1]; last.Offset >= 7 && failures.Load() < 3 { // however they are split, one batch ends so
			failures.Add(1)
			failing <- struct{}{}
			return errors.New("the sink is down")
		}
		return nil
	}}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink, MaxBatch: 7})
	<-failing
	put(t, c, rs[30:]...) // while it fails
	sink.awaitApplied(t, 60)
	servertest.Eventually(t, "ready", r.Ready)
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	sink.read(func() {
		if diff := cmp.Diff(want, byPartition(sink.applied)); diff != "" {
			t.Error(diff)
		}
		if len(sink.starts) != 12 {
			t.Errorf("%d partitions were assigned", len(sink.starts))
		}
		for p, n := range sink.starts {
			if n != 1 {
				t.Errorf("%s was assigned %d times: the membership was lost", p, n)
			}
		}
	})
}

func TestWhatIsCommittedIsApplied(t *testing.T) {
	t.Parallel()
	c, admin := onKafka(t, map[string]string{"auto.commit.interval.ms": "5"})
	const n = 120
	var rs []stream.Record
	for i := range n {
		rs = append(rs, at(int32(i%2), fmt.Sprint(i)))
	}
	put(t, c, rs...)
	next := map[int32]int64{}
	calls := 0
	sink := &probe{}
	sink.before = func(b *stream.Batch) error {
		calls++
		got, err := committed(context.Background(), admin, c.Topic("transform"), c.Topic(in))
		if err != nil {
			return err
		}
		for p, o := range got {
			if o > next[p] {
				t.Errorf("partition %d is committed up to %d and applied up to %d", p, o, next[p])
			}
		}
		if calls%3 != 0 { // the same batch, or what is left of it, comes again
			return errors.New("not yet")
		}
		for _, r := range b.Records {
			if r.Offset > next[r.Partition] {
				t.Errorf("partition %d: offset %d is applied before %d", r.Partition, r.Offset, next[r.Partition])
			}
			next[r.Partition] = r.Offset + 1
		}
		return nil
	}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink, MaxBatch: 20})
	sink.awaitApplied(t, n)
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	awaitCommitted(t, c, admin, next)
}

func TestWhatIsNotAppliedAtTheEndComesAgain(t *testing.T) {
	c, admin := onKafka(t, nil)
	put(t, c, at(0, "a"), at(0, "b"))
	tried := make(chan struct{}, 100)
	sink := &probe{before: func(*stream.Batch) error { tried <- struct{}{}; return errors.New("down") }}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	<-tried
	if err := r.stop(t); err != nil {
		t.Errorf("stopped while it retries: %v", err)
	}
	got, err := committed(t.Context(), admin, c.Topic("transform"), c.Topic(in))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) > 0 {
		t.Errorf("committed %v", got)
	}
	again := &probe{}
	consume(t, c, stream.ConsumerConfig{Sink: again})
	again.awaitApplied(t, 2)
	again.read(func() {
		if diff := cmp.Diff([]string{"a", "b"}, values(again.applied)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestALoneRecordWaitsForNothing: kafka-transformer kept one record each 90 ms for 18 s.
func TestALoneRecordWaitsForNothing(t *testing.T) {
	c := servertest.Cluster(t, used...)
	sink := &probe{}
	consume(t, c, stream.ConsumerConfig{Sink: sink})
	tick := time.NewTicker(90 * time.Millisecond)
	defer tick.Stop()
	for i := range 12 {
		put(t, c, at(0, fmt.Sprint(i)))
		sink.awaitApplied(t, i+1)
		<-tick.C
	}
	sink.read(func() {
		for _, b := range sink.batches {
			if len(b) != 1 {
				t.Errorf("a batch of %d", len(b))
			}
		}
	})
}

func TestARejectedRecordIsSetAsideWithItsReason(t *testing.T) {
	c := servertest.Cluster(t, used...)
	put(t, c,
		at(5, "good"),
		stream.Record{Topic: in, Partition: 5, Key: []byte("k"), Value: []byte("bad"), Headers: stream.Headers{{Key: "a", Value: "b"}}},
		stream.Record{Topic: in, Partition: 5, Key: []byte("k"), Headers: stream.Headers{{Key: stream.HeaderOrigin, Value: in + "/5/0"}}},
		at(5, "better"))
	sink := &probe{before: func(b *stream.Batch) error {
		for i, r := range b.Records {
			if r.Value == nil || string(r.Value) == "bad" {
				b.Reject(i, fmt.Errorf("%q is not wanted", r.Value))
			}
		}
		return nil
	}}
	var rejected atomic.Int64
	consume(t, c, stream.ConsumerConfig{Sink: sink, Observe: func(_ *stream.Batch, n int) { rejected.Add(int64(n)) }})
	await(t, c, "transform.dead", 2)
	sink.awaitApplied(t, 2)
	var got []string
	for _, r := range servertest.ReadAll(t, c, "transform.dead") {
		got = append(got, fmt.Sprintf("%s %#v %q", r.Key, r.Value, r.Headers))
	}
	want := []string{
		fmt.Sprintf("k %#v %q", []byte("bad"), stream.Headers{{Key: "a", Value: "b"}, {Key: "origin", Value: in + "/5/1"}, {Key: "dead-reason", Value: `"bad" is not wanted`}}),
		fmt.Sprintf("k %#v %q", []byte(nil), stream.Headers{{Key: "origin", Value: in + "/5/0"}, {Key: "origin", Value: in + "/5/0"}, {Key: "dead-reason", Value: `"" is not wanted`}}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	servertest.Eventually(t, "told of both, in one batch or two", func() bool { return rejected.Load() == 2 })
}

func TestACopyIsFencedByItsOrigin(t *testing.T) {
	c := servertest.Cluster(t, used...)
	put(t, c, at(5, "old"), at(5, "new"),
		stream.Record{Topic: in, Partition: 5, Key: []byte("k"), Value: []byte("old"), Headers: stream.Headers{{Key: stream.HeaderOrigin, Value: in + "/5/0"}}})
	sink := &probe{}
	consume(t, c, stream.ConsumerConfig{Sink: sink})
	sink.awaitApplied(t, 3)
	sink.read(func() {
		var got []stream.Fence
		for _, r := range sink.applied {
			got = append(got, r.Fence)
		}
		want := []stream.Fence{{Incarnation: 1}, {Incarnation: 1, Offset: 1}, {Incarnation: 1, Offset: 0}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestASinkThatWasEmptiedIsFilledAgain(t *testing.T) {
	c := servertest.Cluster(t, used...)
	put(t, c, at(0, "a"), at(0, "b"), at(1, "c"))
	sink := &emptied{probe: probe{}}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	sink.awaitApplied(t, 3)
	servertest.Eventually(t, "ready", r.Ready)
	sink.read(func() { sink.applied, sink.moved = nil, true })
	sink.awaitApplied(t, 3)
	sink.read(func() {
		if diff := cmp.Diff(map[int32][]string{0: {"a", "b"}, 1: {"c"}}, byPartition(sink.applied)); diff != "" {
			t.Error(diff)
		}
	})
	servertest.Eventually(t, "ready again, though most partitions are empty", r.Ready)
}

// emptied is a probe that loses its position once.
type emptied struct {
	probe
	moved bool
}

func (e *emptied) Moved(_ context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.moved {
		return nil, nil
	}
	e.moved = false
	e.from = func(a stream.Assigned) stream.Start { return stream.Start{Offset: a.Low, Incarnation: 2} }
	return parts, nil
}

func TestASinkThatMovedDuringABatchIsAskedAgain(t *testing.T) {
	c := servertest.Cluster(t, used...)
	put(t, c, at(0, "a"), at(0, "b"))
	var moved atomic.Bool
	sink := &probe{}
	sink.before = func(b *stream.Batch) error {
		if string(b.Records[0].Value) == "c" && !moved.Swap(true) {
			sink.read(func() {
				sink.from = func(a stream.Assigned) stream.Start { return stream.Start{Offset: a.Low, Incarnation: 2} }
			})
			return fmt.Errorf("storing: %w", stream.ErrMoved)
		}
		return nil
	}
	consume(t, c, stream.ConsumerConfig{Sink: sink})
	sink.awaitApplied(t, 2)
	put(t, c, at(0, "c"))
	sink.awaitApplied(t, 5)
	sink.read(func() {
		if diff := cmp.Diff([]string{"a", "b", "a", "b", "c"}, values(sink.applied)); diff != "" {
			t.Error(diff)
		}
		if got := sink.applied[4].Fence; got != (stream.Fence{Incarnation: 2, Offset: 2}) {
			t.Errorf("fence %v", got)
		}
	})
}

func TestAConsumerEndsWithItsContextAndLeavesNothing(t *testing.T) {
	others := ours() // of tests before this one: a client that forgets a call stays for minutes
	c := servertest.Cluster(t, used...)
	put(t, c, at(0, "a"))
	sink := &probe{}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	sink.awaitApplied(t, 1)
	if err := r.stop(t); err != nil {
		t.Errorf("got %v", err)
	}
	c.Close()
	servertest.Await(t, func() string { // what reads a closed client's log ends in its own time
		left := ours()
		maps.DeleteFunc(left, func(id, _ string) bool { return others[id] != "" })
		return strings.Join(slices.Collect(maps.Values(left)), "\n\n")
	})
}

// ours are the goroutines that run this package or its client, by their ids.
func ours() map[string]string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	out := map[string]string{}
	for _, g := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(g, "regie/internal/stream.") || strings.Contains(g, "confluent-kafka-go") {
			id, _, _ := strings.Cut(g, " [")
			out[id] = g
		}
	}
	return out
}

func TestTheFirstOfOneNameGivesWay(t *testing.T) {
	c := servertest.Cluster(t, used...)
	put(t, c, at(0, "a"))
	first, second := &probe{}, &probe{}
	one := consume(t, c, stream.ConsumerConfig{Sink: first})
	first.awaitApplied(t, 1)
	two := consume(t, c, stream.ConsumerConfig{Sink: second})
	if err := one.wait(t); !stream.Fenced(err) {
		t.Errorf("the first returns %v, which is not Fenced", err)
	}
	put(t, c, at(0, "b"))
	second.await(t, "the second to take over", func() bool {
		return len(second.applied) > 0 && string(second.applied[len(second.applied)-1].Value) == "b"
	})
	if err := two.stop(t); err != nil {
		t.Errorf("the second returns %v", err)
	}
}

func TestEndsAreTheLastOfEachPartition(t *testing.T) {
	b := stream.Batch{Records: []stream.Record{
		{Topic: "a", Partition: 0, Offset: 1}, {Topic: "b", Partition: 0, Offset: 7}, {Topic: "a", Partition: 1, Offset: 3},
		{Topic: "a", Partition: 0, Offset: 2}, {Topic: "a", Partition: 1, Offset: 9},
	}}
	want := []stream.Record{{Topic: "a", Partition: 0, Offset: 2}, {Topic: "b", Partition: 0, Offset: 7}, {Topic: "a", Partition: 1, Offset: 9}}
	if diff := cmp.Diff(want, b.Ends()); diff != "" {
		t.Error(diff)
	}
}

func TestTwoInstancesShareThePartitions(t *testing.T) {
	brokers := servertest.Kafka(t)
	one := cluster(t, brokers, "one", nil)
	servertest.Topics(t, one, used...)
	two := sibling(t, brokers, strings.TrimSuffix(one.Topic(""), "."), "two", nil)
	a, b := &probe{}, &probe{}
	consume(t, one, stream.ConsumerConfig{Sink: a})
	a.await(t, "the first's assignment", func() bool { return len(a.starts) == 12 })
	consume(t, two, stream.ConsumerConfig{Sink: b})
	b.await(t, "the second's assignment", func() bool { return len(b.starts) == 6 })
	var rs []stream.Record
	for i := range 120 {
		rs = append(rs, at(int32(i%12), fmt.Sprint(i)))
	}
	put(t, one, rs...)
	a.awaitApplied(t, 60)
	b.awaitApplied(t, 60)
	var all map[int32][]string
	a.read(func() { all = byPartition(a.applied) })
	b.read(func() {
		for p := range byPartition(b.applied) {
			if all[p] != nil {
				t.Errorf("partition %d was applied by both", p)
			}
		}
		maps.Copy(all, byPartition(b.applied))
	})
	if diff := cmp.Diff(byPartition(rs), all); diff != "" {
		t.Error(diff)
	}
}
