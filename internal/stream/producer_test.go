package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

func TestAProducerIsSharedByMany(t *testing.T) {
	c := servertest.Cluster(t, used...)
	p, err := c.NewProducer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	type place struct {
		partition int32
		offset    int64
	}
	var mu sync.Mutex
	told := map[place]string{}
	var wg sync.WaitGroup
	for caller := range 20 {
		wg.Go(func() {
			key := fmt.Sprint("caller ", caller)
			for call := range 30 {
				var rs []stream.Record
				for i := range 3 {
					rs = append(rs, stream.Record{Topic: in, Partition: stream.AnyPartition, Key: []byte(key), Value: fmt.Appendf(nil, "%s/%04d", key, 3*call+i)})
				}
				ds, err := p.Produce(t.Context(), rs)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for i, d := range ds {
					told[place{d.Partition, d.Offset}] = string(rs[i].Value)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got := map[place]string{}
	last := map[string]string{}
	for _, r := range servertest.ReadAll(t, c, in) {
		got[place{r.Partition, r.Offset}] = string(r.Value)
		if key := string(r.Key); last[key] >= string(r.Value) {
			t.Errorf("%q comes after %q", r.Value, last[key])
		} else {
			last[key] = string(r.Value)
		}
	}
	if diff := cmp.Diff(got, told); diff != "" || len(got) != 20*30*3 {
		t.Errorf("%d records; %s", len(got), diff)
	}
}

func TestWhatIsGivenUpIsNeverWritten(t *testing.T) {
	k, c := faulty(t, nil)
	p, err := c.NewProducerWithin(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	write := func(value string) { // until it is in time
		t.Helper()
		servertest.Await(t, func() string {
			if _, err := p.Produce(t.Context(), []stream.Record{at(2, value)}); err != nil {
				return err.Error()
			}
			return ""
		})
	}
	write("a")
	h := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	// A caller that does not wait, and one that waits for the client's word.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Produce(gone, []stream.Record{at(2, "b")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	began := time.Now()
	_, err = p.Produce(t.Context(), []stream.Record{at(2, "c")})
	if took := time.Since(began); err == nil || stream.IsPermanent(err) || took > 25*time.Second { // other producers' is 30
		t.Errorf("after %s: %v", took, err)
	}
	h.Remove()
	write("d")
	got := read(t, c, in)
	if diff := cmp.Diff([]string{"a", "d"}, slices.Compact(slices.Clone(got))); diff != "" {
		t.Error(diff)
	}
	for partition, want := range map[int32]int64{2: int64(len(got)), 3: 0} {
		if end, err := p.End(t.Context(), in, partition); err != nil || end != want {
			t.Errorf("partition %d ends at %d, %v", partition, end, err)
		}
	}
}

// TestAProducerThatFailedForEver is made anew: what its callers try again is written, once.
func TestAProducerThatFailedForEver(t *testing.T) {
	k, c := faulty(t, nil)
	p, err := c.NewProducer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// What is acknowledged and then lost leaves a gap in the producer's sequence.
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.OutOfOrderSequenceNumber, Count: 1})
	var failures atomic.Int32
	var callers sync.WaitGroup
	var want []string
	for i := range 10 {
		value := fmt.Sprint("record ", i)
		want = append(want, value)
		callers.Go(func() {
			for _, err := p.Produce(t.Context(), []stream.Record{at(2, value)}); err != nil && t.Context().Err() == nil; _, err = p.Produce(t.Context(), []stream.Record{at(2, value)}) {
				failures.Add(1)
			}
		})
	}
	callers.Wait()
	got := read(t, c, in)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || failures.Load() == 0 {
		t.Errorf("%d calls failed; %s", failures.Load(), diff)
	}
}

// TestTransactionsTakeTurns: none is of the id of the one before, whose markers a broker may still be writing; and a successor
// fences both ids.
func TestTransactionsTakeTurns(t *testing.T) {
	k, c := faulty(t, nil)
	var mu sync.Mutex
	var last string // whose end came last
	var ended int
	var again []string
	k.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		last = req.(*kmsg.EndTxnRequest).TransactionalID
		ended++
		return nil, nil, false
	})
	k.ControlKey(int16(kmsg.AddPartitionsToTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if id := req.(*kmsg.AddPartitionsToTxnRequest).TransactionalID; id == last {
			again = append(again, id)
		}
		return nil, nil, false
	})
	var want []string
	for _, transactions := range []int{6, 7} { // so that either id has something open when a successor comes
		p, err := c.NewTxProducer(t.Context(), "turns")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		write := func(value string) {
			t.Helper()
			if _, err := p.Produce(t.Context(), []stream.Record{at(2, value)}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range transactions {
			value := fmt.Sprintf("%d of %d", i, transactions)
			write(value)
			if i%3 == 2 {
				if err := p.Abort(t.Context()); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := p.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			want = append(want, value)
		}
		write("left open")
		successor, err := c.NewTxProducer(t.Context(), "turns")
		if err != nil {
			t.Fatal(err)
		}
		successor.Close()
		if err := p.Commit(t.Context()); !stream.Fenced(err) {
			t.Errorf("the commit of one that has a successor: %v", err)
		}
		mu.Lock()
		last = ""
		mu.Unlock()
	}
	if diff := cmp.Diff(want, read(t, c, in)); diff != "" {
		t.Error(diff)
	}
	mu.Lock()
	defer mu.Unlock()
	if ended < 13 || len(again) > 0 {
		t.Errorf("of %d transactions, these had the id of the one before: %v", ended, again)
	}
}
