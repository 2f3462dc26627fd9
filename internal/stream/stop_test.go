package stream_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// impatient is a cluster whose roles count as stuck soon.
func impatient(t *testing.T, brokers string, stall time.Duration) *stream.Cluster {
	t.Helper()
	c := stream.New(stream.Config{Brokers: brokers, Project: servertest.Name(), Instance: "test", Stall: stall, Log: servertest.Log(t)})
	t.Cleanup(c.Close)
	if _, err := c.Apply(t.Context(), 1, used...); err != nil {
		t.Fatal(err)
	}
	return c
}

// stuck tells whether a role is, for a reason.
func stuck(c *stream.Cluster, role, why string) func() bool {
	return func() bool {
		err := c.Stuck(role)
		return err != nil && strings.Contains(err.Error(), why)
	}
}

func TestASinkThatNeverReturnsIsStuck(t *testing.T) {
	c := impatient(t, servertest.Kafka(t), 2*time.Second)
	servertest.DropTopics(t, c)
	put(t, c, at(0, "a"))
	blocked := make(chan struct{})
	sink := &probe{before: func(*stream.Batch) error { <-blocked; return nil }}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	free := sync.OnceFunc(func() { close(blocked) })
	t.Cleanup(free)
	servertest.Eventually(t, "it is stuck", stuck(c, "transform", "applying a batch"))
	free()
	servertest.Eventually(t, "it gets on", func() bool { return c.Stuck("transform") == nil })
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	if err := c.Stuck("transform"); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

func TestAnOwnerThatNeverReturnsIsStuck(t *testing.T) {
	brokers := servertest.Kafka(t)
	c := impatient(t, brokers, 2*time.Second)
	servertest.DropTopics(t, c)
	blocked, begun := make(chan struct{}), make(chan struct{}, 8)
	stop := elect(t, c, func(ctx context.Context, _ int32) error {
		begun <- struct{}{}
		<-ctx.Done()
		<-blocked
		return nil
	})
	free := sync.OnceFunc(func() { close(blocked) })
	t.Cleanup(free)
	for range 8 {
		<-begun
	}
	two := sibling(t, brokers, strings.TrimSuffix(c.Topic(""), "."), "two", nil)
	elect(t, two, func(ctx context.Context, _ int32) error { <-ctx.Done(); return nil })
	servertest.Eventually(t, "it is stuck", stuck(c, "capture", "of capture.position up, whose owner does not end"))
	free()
	servertest.Eventually(t, "it gets on", func() bool { return c.Stuck("capture") == nil })
	stop()
}

// TestAServerThatIsAwayMakesNobodyStuck: were it otherwise, an orchestrator would end all instances with it. Each
// question to a broker gives up after ten seconds.
func TestAServerThatIsAwayMakesNobodyStuck(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := impatient(t, strings.Join(k.ListenAddrs(), ","), 11*time.Second)
	put(t, c, at(0, "a"))
	failing := make(chan struct{}, 1000)
	consume(t, c, stream.ConsumerConfig{Sink: &probe{before: func(*stream.Batch) error {
		failing <- struct{}{}
		return errors.New("down")
	}}})
	other := &probe{}
	r := consume(t, c, stream.ConsumerConfig{Role: "project", Sink: other})
	servertest.Eventually(t, "the other is ready", r.Ready)
	<-failing
	k.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(15 * time.Second); ; {
		select {
		case <-tick.C:
			// All of this process may have stood still: then both go on at once.
			servertest.AwaitWithin(t, 10*time.Second, func() string {
				if err := errors.Join(c.Stuck("transform"), c.Stuck("project")); err != nil {
					return err.Error()
				}
				return ""
			})
			continue
		case <-end:
		}
		return
	}
}

func TestTheBatchUnderWayIsFinished(t *testing.T) {
	c, admin := onKafka(t, nil)
	put(t, c, at(0, "a"))
	begun, released := make(chan struct{}), make(chan struct{})
	sink := &lingering{begun: begun, released: released}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	<-begun
	r.cancel()
	close(released)
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
	if sink.err != nil {
		t.Errorf("it was told to hurry: %v", sink.err)
	}
	awaitCommitted(t, c, admin, map[int32]int64{0: 1})
}

// lingering is a sink that is told to end in the midst of a batch.
type lingering struct {
	probe
	begun, released chan struct{}
	err             error
}

func (l *lingering) Apply(ctx context.Context, _ *stream.Batch) error {
	close(l.begun)
	<-l.released
	select {
	case <-ctx.Done():
		l.err = ctx.Err()
	case <-time.After(200 * time.Millisecond): // of the effects
	}
	return l.err
}

func TestASinkThatDoesNotFinishIsToldTo(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, used...)
	put(t, c, at(0, "a"))
	begun := make(chan struct{})
	r := consume(t, c, stream.ConsumerConfig{Sink: &endless{begun: begun}})
	<-begun
	began := time.Now()
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 4*time.Second || took > 45*time.Second {
		t.Errorf("it was given %s", took)
	}
}

// endless is a sink that only ends with its context.
type endless struct {
	probe
	begun chan struct{}
}

func (e *endless) Apply(ctx context.Context, _ *stream.Batch) error {
	close(e.begun)
	<-ctx.Done()
	return ctx.Err()
}

// TestAMemberThatLeavesIsReplacedAtOnce: a static one would be waited for during its session, which is longer here than the test waits.
func TestAMemberThatLeavesIsReplacedAtOnce(t *testing.T) {
	brokers, project := servertest.Kafka(t), servertest.Name()
	leaver := func(instance string) *stream.Cluster {
		c := stream.New(stream.Config{Brokers: brokers, Project: project, Instance: instance, Leaves: true, Log: servertest.Log(t),
			Properties: map[string]string{"session.timeout.ms": "300000"}})
		t.Cleanup(c.Close)
		return c
	}
	one, two := leaver("one"), leaver("two")
	servertest.Topics(t, one, used...)
	o := &owners{t: t, by: map[int32]string{}}
	elect(t, one, o.own("one"))
	servertest.Eventually(t, "the first has all", o.have("one", 8))
	stop := elect(t, two, o.own("two"))
	servertest.Eventually(t, "the second has half", o.have("two", 4))
	stop()
	began := time.Now()
	servertest.Eventually(t, "the first has what the second left", o.have("one", 8))
	t.Attr("taken-over-after", time.Since(began).Round(time.Millisecond).String())
}

func TestAMemberTooManyIsReady(t *testing.T) {
	t.Parallel()
	brokers := servertest.Kafka(t)
	c := cluster(t, brokers, "one", nil)
	servertest.Topics(t, c, used...)
	one := &probe{}
	cfg := stream.ConsumerConfig{Topics: []string{"transform.dead"}, Sink: one} // of one partition
	first := consume(t, c, cfg)
	servertest.Eventually(t, "the first is ready", first.Ready)
	two := sibling(t, brokers, strings.TrimSuffix(c.Topic(""), "."), "two", nil)
	cfg.Sink = &probe{}
	second := consume(t, two, cfg)
	if err := second.Waiting(); err == nil || err.Error() != "is waiting for its partitions" {
		t.Errorf("before it was assigned anything: %v", err)
	}
	servertest.Eventually(t, "the second is ready", second.Ready)
}
