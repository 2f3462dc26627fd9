package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	c := servertest.Cluster(t)
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
	err = c.ReadAll(t.Context(), in, func(r stream.Record) error {
		got[place{r.Partition, r.Offset}] = string(r.Value)
		if key := string(r.Key); last[key] >= string(r.Value) {
			t.Errorf("%q comes after %q", r.Value, last[key])
		} else {
			last[key] = string(r.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
	if _, err := p.Produce(t.Context(), []stream.Record{at(2, "a")}); err != nil {
		t.Fatal(err)
	}
	h := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	// A caller that waits no longer than a moment, and one that waits for the client's word.
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Produce(short, []stream.Record{at(2, "b")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	began := time.Now()
	_, err = p.Produce(t.Context(), []stream.Record{at(2, "c")})
	if took := time.Since(began); err == nil || stream.IsPermanent(err) || took > 5*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
	h.Remove()
	if _, err := p.Produce(t.Context(), []stream.Record{at(2, "d")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "d"}, read(t, c, in)); diff != "" {
		t.Error(diff)
	}
	for partition, want := range map[int32]int64{2: 2, 3: 0} {
		if end, err := p.End(t.Context(), in, partition); err != nil || end != want {
			t.Errorf("partition %d ends at %d, %v", partition, end, err)
		}
	}
}
