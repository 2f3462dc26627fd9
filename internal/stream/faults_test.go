package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// faulty returns a broker that can be made to fail, and a cluster of it.
func faulty(t *testing.T, properties map[string]string) (*kfake.Cluster, *stream.Cluster) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := cluster(t, strings.Join(k.ListenAddrs(), ","), "test", properties)
	if _, err := c.Apply(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	return k, c
}

// TestNothingIsSentAfterWhatIsNotAnswered: Kafka's brokers, unlike this one, take whatever they hear first of a producer that
// they know nothing of, also what comes after a record that they have just refused.
func TestNothingIsSentAfterWhatIsNotAnswered(t *testing.T) {
	t.Parallel()
	k, c := faulty(t, map[string]string{"batch.num.messages": "1"}) // or one request has all
	var mu sync.Mutex
	heard := map[int32][]int32{} // by partition: the sequence that each request begins with
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				var b kmsg.RecordBatch
				if err := b.ReadFrom(p.Records); err != nil {
					t.Error(err)
				}
				heard[p.Partition] = append(heard[p.Partition], b.FirstSequence)
			}
		}
		return nil, nil, false
	})
	for partition := range int32(12) {
		p, err := c.NewProducer()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		h := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 1})
		var rs []stream.Record
		for i := range 50 {
			rs = append(rs, at(partition, fmt.Sprint(i)))
		}
		if _, err := p.Produce(t.Context(), rs); err != nil || h.Hits() != 1 {
			t.Fatalf("%v; the broker refused %d times", err, h.Hits())
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for partition, sequences := range heard {
		if len(sequences) < 2 || sequences[0] != 0 || sequences[1] != 0 {
			t.Errorf("partition %d hears %v, having refused the first", partition, sequences)
		}
	}
}

func TestARecordIsWrittenOnceWhateverTheBrokerAnswers(t *testing.T) {
	tests := map[string]kfake.Fault{
		"it is not the leader any more": {Err: kerr.NotLeaderForPartition, Count: 3},
		"its replicas are slow":         {Err: kerr.RequestTimedOut, Count: 3},
		"it has too few replicas":       {Err: kerr.NotEnoughReplicas, Count: 3},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			k, c := faulty(t, nil)
			p, err := c.NewProducer()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			fault.Keys = []kmsg.Key{kmsg.Produce}
			var want []string
			for round := range 3 {
				h := k.Fault(fault)
				var rs []stream.Record
				for i := range 50 {
					rs = append(rs, at(0, fmt.Sprint(round, "/", i)))
				}
				want = append(want, values(rs)...)
				ds, err := p.Produce(t.Context(), rs)
				if err != nil {
					t.Fatal(err)
				}
				for i, d := range ds {
					// An offset is unknown when the broker had the record already.
					if d.Err != nil || d.Offset >= 0 && d.Offset != int64(50*round+i) {
						t.Errorf("record %d: offset %d, error %v", i, d.Offset, d.Err)
					}
				}
				if h.Hits() != 3 {
					t.Errorf("the broker failed %d times", h.Hits())
				}
			}
			if diff := cmp.Diff(want, read(t, c, in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestALostAnswerIsNoSecondRecord: the broker writes, and answers only when the client has given up and asked again.
func TestALostAnswerIsNoSecondRecord(t *testing.T) {
	k, c := faulty(t, nil)
	hasty := sibling(t, strings.Join(k.ListenAddrs(), ","), strings.TrimSuffix(c.Topic(""), "."), "hasty", map[string]string{"socket.timeout.ms": "300"})
	var asked atomic.Int32
	again := make(chan struct{})
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		switch asked.Add(1) {
		case 1:
			k.SleepControl(func() { <-again })
		case 2:
			close(again)
		}
		return nil, nil, false
	})
	put(t, hasty, at(0, "a"), at(0, "b"))
	if n := asked.Load(); n < 2 {
		t.Errorf("asked %d times", n)
	}
	if diff := cmp.Diff([]string{"a", "b"}, read(t, c, in)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheBrokerRefusesForGoodIsPermanent(t *testing.T) {
	tests := map[string]*kerr.Error{"too large": kerr.MessageTooLarge, "invalid": kerr.InvalidRecord}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			k, c := faulty(t, nil)
			p, err := c.NewProducer()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: e, Partitions: []int32{3}, Count: -1})
			ds, err := p.Produce(t.Context(), []stream.Record{at(2, "a"), at(3, "b"), at(4, "c")})
			if err != nil {
				t.Fatalf("its neighbours failed: %v", err)
			}
			for i, d := range ds {
				if permanent := stream.IsPermanent(d.Err); permanent != (i == 1) || i != 1 && d.Err != nil {
					t.Errorf("record %d: %v", i, d.Err)
				}
			}
		})
	}
}

func TestWhatTheBrokerRefusesForNowIsNot(t *testing.T) {
	k, c := faulty(t, map[string]string{"delivery.timeout.ms": "2000"})
	p, err := c.NewProducer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	h := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	ds, err := p.Produce(t.Context(), []stream.Record{at(2, "a")})
	if err == nil || stream.IsPermanent(err) || stream.IsPermanent(ds[0].Err) {
		t.Errorf("got %v, %v", err, ds[0].Err)
	}
	h.Remove()
	// The batch comes again, through the same producer; a slow machine may need more than its two seconds.
	servertest.Await(t, func() string {
		if _, err := p.Produce(t.Context(), []stream.Record{at(2, "again")}); err != nil {
			return err.Error()
		}
		return ""
	})
	if diff := cmp.Diff([]string{"again"}, slices.Compact(read(t, c, in))); diff != "" {
		t.Error(diff)
	}
}

// read returns the values of a topic, partition by partition.
func read(t *testing.T, c *stream.Cluster, topic string) []string {
	t.Helper()
	return values(servertest.ReadAll(t, c, topic))
}

// random bytes, which no compression makes smaller.
func random(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{1})
	_, _ = src.Read(b)
	return b
}

func TestAResultThatIsTooLargeHarmsNoNeighbour(t *testing.T) {
	c := servertest.Cluster(t, used...)
	sink, err := c.NewThrough(map[string]string{in: out}, func(r stream.Record) ([]stream.Record, error) {
		o := stream.Record{Topic: out, Key: r.Key, Value: r.Value}
		if string(r.Value) == "large" {
			o.Value = random(33 << 20)
		}
		return []stream.Record{o}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	put(t, c, at(0, "a"), at(0, "large"), at(0, "b"), at(1, "c"), at(0, "d"))
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	got := await(t, c, out, 4)
	if diff := cmp.Diff(map[string]int{"k=a": 1, "k=b": 1, "k=c": 1, "k=d": 1}, count(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"k=large"}, await(t, c, "transform.dead", 1)); diff != "" {
		t.Error(diff)
	}
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
}

func count(ss []string) map[string]int {
	m := map[string]int{}
	for _, s := range ss {
		m[s]++
	}
	return m
}

// TestTheLargestRecordCanBeSetAside: a copy is larger than its original, by its headers.
func TestTheLargestRecordCanBeSetAside(t *testing.T) {
	c := servertest.Cluster(t, used...)
	large := stream.Record{Topic: in, Partition: 0, Key: []byte("k"), Value: make([]byte, 64<<20-500)}
	put(t, c, large)
	sink := &probe{before: func(b *stream.Batch) error {
		b.Reject(0, errors.New(strings.Repeat("too large for anybody ", 100)))
		return nil
	}}
	rejected := make(chan int, 1)
	consume(t, c, stream.ConsumerConfig{Sink: sink, Observe: func(_ *stream.Batch, n int) { rejected <- n }})
	select {
	case <-rejected:
	case <-time.After(servertest.Patience):
		t.Fatal("it cannot be set aside, and stops all that follows it")
	}
	if got := servertest.ReadAll(t, c, "transform.dead"); len(got) != 1 || len(got[0].Value) != len(large.Value) {
		t.Errorf("%d records were set aside", len(got))
	}
}

// TestARefusedRecordOutlivesACrash: the process ends between the output of a record's neighbours and its dead letter.
func TestARefusedRecordOutlivesACrash(t *testing.T) {
	t.Parallel()
	k, c := faulty(t, nil)
	fault := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: c.Topic("transform.dead"), Err: kerr.NotEnoughReplicas, Count: -1})
	produce(t, c, record("a", "one"), record("a", "poison"), record("a", "three"))
	stop := start(t, c)
	if err := fault.Wait(waiting(t), 3); err != nil {
		t.Fatal(err)
	}
	stop()
	fault.Remove()
	defer start(t, c)()
	if diff := cmp.Diff([]string{"a=poison"}, await(t, c, "transform.dead", 1)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"a=ONE": 1, "a=THREE": 1}, count(await(t, c, out, 2))); diff != "" {
		t.Error(diff)
	}
}

// TestABatchOfALostPartitionIsDropped: while it was retried the membership was lost, another instance applied its
// records and more, and the partition came back.
func TestABatchOfALostPartitionIsDropped(t *testing.T) {
	k, c := faulty(t, map[string]string{"heartbeat.interval.ms": "50"})
	put(t, c, at(0, "a"), at(0, "b"), at(0, "c"))
	tried := make(chan struct{}, 100)
	sink := &probe{}
	starts := 0
	sink.from = func(a stream.Assigned) stream.Start {
		if a.Partition != 0 {
			return stream.Start{Offset: a.Low, Incarnation: 1}
		}
		if starts++; starts == 1 {
			return stream.Start{Incarnation: 1}
		}
		return stream.Start{Offset: 2, Incarnation: 1}
	}
	sink.before = func(*stream.Batch) error {
		var err error
		sink.read(func() {
			if starts == 1 {
				err = errors.New("down")
			}
		})
		if err != nil {
			tried <- struct{}{}
		}
		return err
	}
	consume(t, c, stream.ConsumerConfig{Sink: sink})
	<-tried
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID})
	put(t, c, at(0, "d"))
	sink.await(t, "the new record", func() bool {
		return len(sink.applied) > 0 && string(sink.applied[len(sink.applied)-1].Value) == "d"
	})
	sink.read(func() {
		if diff := cmp.Diff([]string{"c", "d"}, values(sink.applied)); diff != "" {
			t.Errorf("what another applied is applied again, after its successors: %s", diff)
		}
	})
}

func TestABrokerThatIsAwayIsWaitedFor(t *testing.T) {
	k, c := faulty(t, nil)
	sink := &probe{}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	put(t, c, at(0, "a"))
	sink.awaitApplied(t, 1)
	h := k.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 3},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.NotCoordinator, Count: 2},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.CoordinatorNotAvailable, Count: 2},
	)
	put(t, c, at(0, "b"), at(0, "c"))
	sink.awaitApplied(t, 3)
	if err := h.Wait(waiting(t), 5); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	sink.read(func() {
		if diff := cmp.Diff([]string{"a", "b", "c"}, values(sink.applied)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAControllerThatDoesNotAnswerHoldsNoRecordUp: what is asked of it beside the records must not stop them.
func TestAControllerThatDoesNotAnswerHoldsNoRecordUp(t *testing.T) {
	const controller = 1 // kfake's last
	k, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	project := servertest.Name()
	for k.CoordinatorFor(project+".transform") == controller {
		project = servertest.Name()
	}
	c := sibling(t, strings.Join(k.ListenAddrs(), ","), project, "test", nil)
	if _, err := c.Apply(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for partition := range int32(12) {
		if err := k.MoveTopicPartition(c.Topic(in), partition, 0); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.NewProducer() // which knows its broker before the other one is silent
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sink := &probe{}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	n := 0
	longest := time.Duration(0)
	next := func() {
		if _, err := p.Produce(t.Context(), []stream.Record{at(0, fmt.Sprint(n))}); err != nil {
			t.Fatal(err)
		}
		n++
		written := time.Now()
		sink.awaitApplied(t, n)
		longest = max(longest, time.Since(written))
	}
	next()

	release, held := make(chan struct{}), make(chan struct{}, 100)
	k.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if k.CurrentNode() == controller {
			held <- struct{}{}
			k.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	<-held
	longest = 0
	stood := standstill(t)
	for began := time.Now(); time.Since(began) < 4*time.Second; {
		next()
	}
	close(release)
	if stood := stood(); longest-stood > 5*time.Second {
		t.Errorf("of %d records one waited %s, of which this process stood still for %s", n, longest, stood)
	}
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
}

// standstill watches this process, and tells for how long it stood still at the most.
func standstill(t *testing.T) (longest func() time.Duration) {
	t.Helper()
	var most atomic.Int64
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-t.Context().Done():
				return
			case <-tick.C:
				most.Store(max(most.Load(), int64(time.Since(last))))
			}
		}
	}()
	return func() time.Duration { return time.Duration(most.Load()) }
}

func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// TestACoordinatorThatIsNotFound: a batch is committed with its offsets once there is one, though the client forgets the call.
// One client is lost to that, however often the batch is tried.
func TestACoordinatorThatIsNotFound(t *testing.T) {
	t.Parallel()
	k, c := faulty(t, nil)
	var tx *stream.Producer
	var h *kfake.FaultHandle
	tries, lost := 0, 0
	s := &probe{before: func(b *stream.Batch) (err error) {
		if tx == nil {
			if tx, err = c.NewOwnTxProducer(t.Context(), "transform", time.Minute); err != nil {
				return err
			}
		}
		switch tries++; tries {
		case 1:
			h = k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Group: c.Topic("transform"), Err: kerr.CoordinatorNotAvailable, Count: -1})
		case 3:
			h.Remove()
		}
		if err = tx.CommitWith(t.Context(), b, []stream.Record{{Topic: out, Partition: 0, Value: []byte("told")}}); err != nil {
			if tries < 3 && strings.Contains(err.Error(), "has not answered") { // later it would be the machine that is slow
				lost++
			}
			tx.Close()
			tx = nil
		}
		return err
	}}
	r := consume(t, c, stream.ConsumerConfig{Sink: s, Transactional: true})
	servertest.Eventually(t, "ready", r.Ready)
	put(t, c, at(0, "a"))
	s.awaitApplied(t, 1)
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	tx.Close()
	told := read(t, c, out)
	if tries < 3 || lost != 1 || h.Hits() < 3 || fmt.Sprint(told) != "[told]" {
		t.Errorf("tried %d times, %d lost, not found %d times, told %v", tries, lost, h.Hits(), told)
	}
}
