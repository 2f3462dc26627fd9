package stream_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// owners are who holds each partition at the moment.
type owners struct {
	t  *testing.T
	mu sync.Mutex
	by map[int32]string
}

// own holds a partition until it is taken away.
func (o *owners) own(name string) func(context.Context, int32) error {
	return func(ctx context.Context, partition int32) error {
		o.mu.Lock()
		if other := o.by[partition]; other != "" {
			o.t.Errorf("partition %d is given to %s while %s has it", partition, name, other)
		}
		o.by[partition] = name
		o.mu.Unlock()
		<-ctx.Done()
		o.mu.Lock()
		defer o.mu.Unlock()
		o.by[partition] = ""
		return ctx.Err()
	}
}

func (o *owners) have(name string, n int) func() bool {
	return func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, owner := range o.by {
			if owner == name {
				n--
			}
		}
		ok := n == 0
		for _, owner := range o.by {
			if owner == name {
				n++
			}
		}
		return ok
	}
}

// elect runs for election until the returned function is called.
func elect(t *testing.T, c *stream.Cluster, own func(context.Context, int32) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Elect(ctx, "capture", stream.CapturePosition, func([]int32) {}, own) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestEachPartitionHasOneOwner(t *testing.T) {
	t.Parallel()
	brokers := servertest.Kafka(t)
	// This test waits for the session's end, but who comes back comes before it, be the machine slow.
	session := map[string]string{"session.timeout.ms": "25000", "heartbeat.interval.ms": "200"}
	one := cluster(t, brokers, "one", session)
	servertest.Topics(t, one, used...)
	two := sibling(t, brokers, strings.TrimSuffix(one.Topic(""), "."), "two", session)
	o := &owners{t: t, by: map[int32]string{}}
	elect(t, one, o.own("one"))
	servertest.Eventually(t, "the first has all", o.have("one", 8))
	stop := elect(t, two, o.own("two"))
	servertest.Eventually(t, "the second has half", o.have("two", 4))
	servertest.Eventually(t, "the first has the others", o.have("one", 4))

	stop()
	if !o.have("", 4)() {
		t.Error("it has stopped and still owns")
	}
	stop = elect(t, two, o.own("two"))
	servertest.Eventually(t, "it is back under its name and has half", o.have("two", 4))
	if !o.have("one", 4)() {
		t.Error("the return of the second moved a partition of the first")
	}
	stop()
	servertest.Eventually(t, "the first has what the second left for good", o.have("one", 8))
}

// TestWhoIsElectedIsToldBeforeOwnersBegin: or what waits for them would find nothing to wait for.
func TestWhoIsElectedIsToldBeforeOwnersBegin(t *testing.T) {
	c := servertest.Cluster(t, used...)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	told, early := map[int32]bool{}, []int32{}
	assigned := func(partitions []int32) {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range partitions {
			told[p] = true
		}
		if len(told) == 8 {
			cancel()
		}
	}
	err := c.Elect(ctx, "capture", stream.CapturePosition, assigned, func(ctx context.Context, partition int32) error {
		mu.Lock()
		if !told[partition] {
			early = append(early, partition)
		}
		mu.Unlock()
		<-ctx.Done()
		return nil
	})
	if err != nil || len(early) > 0 {
		t.Errorf("%v; owners that began before it was told: %v", err, early)
	}
}

func TestAnOwnersErrorEndsTheElection(t *testing.T) {
	c := servertest.Cluster(t, used...)
	broken := errors.New("broken")
	var mu sync.Mutex
	running := 0
	err := c.Elect(t.Context(), "capture", stream.CapturePosition, func([]int32) {}, func(ctx context.Context, partition int32) error {
		if partition == 3 {
			return broken
		}
		mu.Lock()
		running++
		mu.Unlock()
		<-ctx.Done()
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if running != 0 {
		t.Errorf("%d owners outlive the election", running)
	}
}

func TestAnElectionThatIsToEndIsNoError(t *testing.T) {
	tests := map[string]error{"without a cause": nil, "for a neighbour's error": errors.New("a neighbour's")}
	for name, cause := range tests {
		t.Run(name, func(t *testing.T) {
			c := servertest.Cluster(t, used...)
			ctx, cancel := context.WithCancelCause(t.Context())
			var once sync.Once
			err := c.Elect(ctx, "capture", stream.CapturePosition, func([]int32) {}, func(own context.Context, _ int32) error {
				once.Do(func() { cancel(cause) })
				<-own.Done()
				return own.Err()
			})
			if err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheFirstCandidateOfOneNameGivesWay(t *testing.T) {
	c := servertest.Cluster(t, used...)
	o := &owners{t: t, by: map[int32]string{}}
	first, assigned := make(chan error, 1), make(chan struct{})
	go func() {
		tell := sync.OnceFunc(func() { close(assigned) })
		first <- c.Elect(t.Context(), "capture", stream.CapturePosition, func([]int32) { tell() }, func(ctx context.Context, _ int32) error {
			<-ctx.Done()
			return nil
		})
	}()
	<-assigned
	elect(t, c, o.own("second"))
	if err := <-first; !stream.Fenced(err) {
		t.Errorf("the first returns %v, which is not Fenced", err)
	}
	servertest.Eventually(t, "the second has all", o.have("second", 8))
}
