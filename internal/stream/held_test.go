package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"regie/internal/servertest"
	"regie/internal/stream"
)

func TestNamesOfTopicsThatAreNotTheProjects(t *testing.T) {
	c := stream.New(stream.Config{Project: "p"})
	for name, whole := range map[string]string{"cms.video": "p.cms.video", "/cms.video": "cms.video", "/q.cms.video": "q.cms.video", "/p": "p"} {
		if got := c.Topic(name); got != whole {
			t.Errorf("%s is %s", name, got)
		}
		if got := c.Name(whole); got != name {
			t.Errorf("%s is %s", whole, got)
		}
	}
}

// TestWorkBetweenBatches is done without a record, too, and knows how far the log is applied.
func TestWorkBetweenBatches(t *testing.T) {
	c, _ := onKafka(t, nil)
	p, err := c.NewTxProducer(t.Context(), "writer")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var next, calls atomic.Int64
	r := consume(t, c, stream.ConsumerConfig{Sink: &probe{}, Work: func(_ context.Context, held stream.Held) time.Duration {
		calls.Add(1)
		if i := slices.IndexFunc(held.Parts, func(h stream.HeldPartition) bool { return h.Partition == 3 }); i >= 0 {
			next.Store(held.Parts[i].Next)
		}
		return time.Millisecond
	}})
	servertest.Eventually(t, "ready", r.Ready)
	for _, abort := range []bool{false, true, false} {
		if _, err := p.Produce(t.Context(), []stream.Record{at(3, "a")}); err != nil {
			t.Fatal(err)
		}
		end := p.Commit
		if abort {
			end = p.Abort
		}
		if err := end(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	servertest.Eventually(t, "three records, each with its marker, which a broker appends after it has answered the commit", func() bool {
		written, err := c.Written(t.Context(), in, []int32{3})
		return err == nil && written[3] == 6
	})
	servertest.Eventually(t, "applied to the end, which is a marker", func() bool { return next.Load() == 6 })
	before := calls.Load()
	servertest.Eventually(t, "called again, though nothing comes", func() bool { return calls.Load() > before+20 })
}

// TestALeftTransaction holds up nobody for the half minute after which the broker would end it.
func TestALeftTransaction(t *testing.T) {
	c, admin := onKafka(t, nil)
	p, err := c.NewOwnTxProducer(t.Context(), "left", 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Produce(t.Context(), []stream.Record{at(3, "a")}); err != nil {
		t.Fatal(err)
	}
	p.Close()
	put(t, c, at(3, "b"))
	servertest.Committed(t, admin, c.Topic(in))
	if got := values(servertest.ReadAll(t, c, in)); fmt.Sprint(got) != "[b]" {
		t.Errorf("the topic has %v", got)
	}
}

func TestARecordIsReadByItsPlace(t *testing.T) {
	c, _ := onKafka(t, nil)
	put(t, c, at(0, "a"), at(0, "b"), at(1, "c"))
	r, err := c.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, want := range []struct {
		partition int32
		offset    int64
		value     string
	}{{0, 1, "b"}, {1, 0, "c"}, {0, 0, "a"}, {1, 1, ""}, {2, 0, ""}, {0, 1, "b"}} {
		got, found, err := r.At(t.Context(), in, want.partition, want.offset)
		if err != nil || found != (want.value != "") || string(got.Value) != want.value {
			t.Errorf("%d/%d: %q, %v, %v", want.partition, want.offset, got.Value, found, err)
		}
	}
	var tail []string
	servertest.Await(t, func() string {
		tail = nil
		if err := c.ReadTail(t.Context(), in, 1, func(r stream.Record) error { tail = append(tail, string(r.Value)); return nil }); err != nil {
			return err.Error()
		}
		return ""
	})
	if slices.Sort(tail); !slices.Equal(tail, []string{"b", "c"}) {
		t.Error(tail)
	}
}

// TestATransactionThatCannotBeEnded is left behind, whatever the broker makes of the request.
func TestATransactionThatCannotBeEnded(t *testing.T) {
	t.Parallel()
	answers := map[string]func(kmsg.Request) (kmsg.Response, error, bool){
		"the connection is cut": func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), true },
		"it is never answered":  func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, true },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			k, c := faulty(t, nil)
			p, err := c.NewOwnTxProducer(t.Context(), "left", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Produce(t.Context(), []stream.Record{at(3, "a")}); err != nil {
				t.Fatal(err)
			}
			k.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
				k.KeepControl()
				return answer(r)
			})
			closed := make(chan struct{})
			go func() {
				p.Close()
				close(closed)
			}()
			select {
			case <-closed:
			case <-time.After(servertest.Patience):
				t.Error("Close does not return")
			}
		})
	}
}
