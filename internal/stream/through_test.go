package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"regie/internal/servertest"
	"regie/internal/stream"
)

const (
	in  = "cms.programme"
	out = "catalog.programme"
)

// used are the topics of tests that are about no others.
var used = []string{in, out, stream.Dead("transform"), stream.Dead("project"), stream.CapturePosition}

// upper is the transform of these tests: it refuses "poison", passes tombstones, and makes two records of "two".
func upper(r stream.Record) ([]stream.Record, error) {
	switch {
	case r.Value == nil:
		return []stream.Record{{Topic: out, Key: r.Key}}, nil
	case string(r.Value) == "poison":
		return nil, errors.New("it is poison")
	case string(r.Value) == "two":
		return []stream.Record{{Topic: out, Key: r.Key, Value: []byte("ONE")}, {Topic: out, Key: r.Key, Value: []byte("TWO")}}, nil
	}
	return []stream.Record{{Topic: out, Key: r.Key, Value: []byte(strings.ToUpper(string(r.Value)))}}, nil
}

// start runs transform as a role until the returned function is called, which waits for its end.
func start(t *testing.T, c *stream.Cluster) (stop func()) {
	t.Helper()
	sink, err := c.NewThrough(map[string]string{in: out}, upper)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.NewConsumer(stream.ConsumerConfig{Role: "transform", Topics: []string{in}, Sink: sink}).Run(ctx)
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		sink.Close()
	}
}

func produce(t *testing.T, c *stream.Cluster, rs ...stream.Record) []stream.Delivery {
	t.Helper()
	p, err := c.NewProducer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range rs {
		rs[i].Partition = stream.AnyPartition
	}
	ds, err := p.Produce(t.Context(), rs)
	for _, d := range ds {
		err = errors.Join(err, d.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// showing has a test that fails say what its topics have.
func showing(t *testing.T, c *stream.Cluster) {
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, topic := range []string{in, out} {
			for _, r := range servertest.ReadAll(t, c, topic) {
				t.Logf("%s/%d/%d has %s=%s %v", topic, r.Partition, r.Offset, r.Key, r.Value, r.Headers)
			}
		}
	})
}

func record(key, value string) stream.Record {
	return stream.Record{Topic: in, Key: []byte(key), Value: []byte(value)}
}

// await reads topic from its beginning until n records are there, and returns "key=value" of each.
func await(t *testing.T, c *stream.Cluster, topic string, n int) []string {
	t.Helper()
	var got []string
	servertest.Await(t, func() string {
		got = nil
		for _, r := range servertest.ReadAll(t, c, topic) {
			got = append(got, fmt.Sprintf("%s=%s", r.Key, r.Value))
		}
		if len(got) < n {
			return fmt.Sprintf("%s has %q", topic, got)
		}
		return ""
	})
	return got
}

// topicID is that of in.
func topicID(t *testing.T, c *stream.Cluster) (id string) {
	t.Helper()
	servertest.Await(t, func() string {
		var err error
		if id, err = c.TopicID(t.Context(), in); err != nil {
			return err.Error()
		}
		return ""
	})
	return id
}

func TestARecordThatCannotBeTransformedHarmsNoNeighbour(t *testing.T) {
	c := servertest.Cluster(t, used...)
	stop := start(t, c)
	defer stop()
	produce(t, c, record("a", "one"), record("a", "poison"), record("a", "three"))

	if diff := cmp.Diff([]string{"a=ONE", "a=THREE"}, await(t, c, out, 2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a=poison"}, await(t, c, "transform.dead", 1)); diff != "" {
		t.Error(diff)
	}
	for _, r := range servertest.ReadAll(t, c, "transform.dead") {
		if got := r.Headers.Get(stream.HeaderReason); got != "it is poison" {
			t.Errorf("reason %q", got)
		}
		if got := r.Headers.Get(stream.HeaderOrigin); !strings.HasPrefix(got, "cms.programme/") || !strings.HasSuffix(got, "/1") {
			t.Errorf("origin %q", got)
		}
	}
}

func TestARestartNeitherRepeatsNorLeavesOut(t *testing.T) {
	c := servertest.Cluster(t, used...)
	stop := start(t, c)
	produce(t, c, record("a", "one"), record("b", "two"))
	await(t, c, out, 3)
	stop()
	produce(t, c, record("a", "three"))
	defer start(t, c)()
	got := await(t, c, out, 4)
	if len(got) != 4 {
		t.Errorf("repeated: %q", got)
	}
}

func TestWhatALateOwnerWroteIsOverwritten(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, used...)
	showing(t, c)
	defer start(t, c)()
	ds := produce(t, c, record("a", "one"), record("a", "two"), record("a", "three"))
	await(t, c, out, 4)
	// An instance that did not know yet that it had lost the partition writes the first record's result once more.
	source := stream.Header{Key: stream.HeaderSource, Value: fmt.Sprintf("%s/%d/%d/%s", in, ds[0].Partition, ds[0].Offset, topicID(t, c))}
	produce(t, c, stream.Record{Topic: out, Key: []byte("a"), Value: []byte("STALE"), Headers: stream.Headers{source}})
	got := await(t, c, out, 8)
	if last := got[len(got)-1]; last != "a=THREE" {
		t.Errorf("the log ends with %s", last)
	}
}

func TestATopicThatIsCreatedAgainIsTransformedAnew(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"while the role is down": false, "while it runs": true} {
		t.Run(name, func(t *testing.T) {
			c, admin := onKafka(t, nil)
			stop := start(t, c)
			put(t, c, at(0, "one"), at(0, "two"), at(0, "three"))
			await(t, c, out, 4)
			if !running {
				stop()
			}
			servertest.Recreate(t, admin, c, in)
			put(t, c, at(0, "anew"))
			if !running {
				stop = start(t, c)
			}
			defer stop()
			got := await(t, c, out, 5)
			if last := got[len(got)-1]; last != "k=ANEW" {
				t.Errorf("the log ends with %s", last)
			}
		})
	}
}

func TestHeadersGoWhereTheTransformPutsThem(t *testing.T) {
	c := servertest.Cluster(t, used...)
	trace := stream.Header{Key: stream.HeaderTraceparent, Value: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	sink, err := c.NewThrough(map[string]string{in: out}, func(r stream.Record) ([]stream.Record, error) {
		o := stream.Record{Topic: out, Key: r.Key, Value: r.Value, Headers: r.Headers}
		return []stream.Record{o, o}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	r := consume(t, c, stream.ConsumerConfig{Sink: sink})
	put(t, c, stream.Record{Topic: in, Partition: 3, Key: []byte("k"), Value: []byte("v"), Headers: stream.Headers{trace}})
	await(t, c, out, 2)
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	source := stream.Header{Key: stream.HeaderSource, Value: in + "/3/0/" + topicID(t, c)}
	var got []stream.Headers
	for _, r := range servertest.ReadAll(t, c, out) {
		got = append(got, r.Headers)
	}
	want := []stream.Headers{{trace, source, {Key: "source-more", Value: "1"}}, {trace, source}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
