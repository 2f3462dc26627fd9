package schedule_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	role "regie/ingest/schedule"
	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// env is the role between a Kafka and a Redis of the test's own.
type env struct {
	*stream.Cluster
	t                        *testing.T
	brokers, project, target string
	redisURL                 string
	redis                    redis.UniversalClient
	index                    *schedule.Index
	admin                    *kafka.AdminClient
	ahead                    atomic.Int64 // of the role's clock
	log                      *slog.Logger // the role's
	p                        *stream.Producer
}

func open(t *testing.T) *env { return openOn(t, servertest.Kafka(t)) }

func openOn(t *testing.T, brokers string) *env {
	t.Helper()
	if brokers != os.Getenv("TEST_KAFKA") { // a real broker has enough to do with one test's topics
		t.Parallel()
	}
	e := &env{t: t, brokers: brokers, project: servertest.Name(), redisURL: servertest.Redis(t), log: servertest.Log(t)}
	e.Cluster = stream.New(stream.Config{Brokers: e.brokers, Project: e.project, Instance: "test", Log: servertest.Log(t)})
	t.Cleanup(e.Close)
	e.admin = servertest.Admin(t, brokers)
	e.target = "other-" + e.project + ".target"
	specs := []kafka.TopicSpecification{{Topic: e.target, NumPartitions: 3, ReplicationFactor: 1}}
	for _, topic := range stream.Topics() { // those that the role needs: all take a broker seconds
		if slices.Contains([]string{stream.ScheduleRequest, stream.ScheduleHistory, stream.Dead(role.Role), stream.ProgrammeTouched}, topic.Name) {
			config := map[string]string{"max.message.bytes": strconv.Itoa(topic.MaxMessageBytes)}
			if topic.Retention == 0 {
				config["cleanup.policy"] = "compact"
			}
			specs = append(specs, kafka.TopicSpecification{Topic: e.Topic(topic.Name), NumPartitions: topic.Partitions, ReplicationFactor: 1, Config: config})
		}
	}
	e.create(specs...)
	var err error
	if e.redis, err = catalog.Connect(e.redisURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.empty(); _ = e.redis.Close() })
	e.index = schedule.NewIndex(e.redis, e.project)
	if e.p, err = e.NewProducer(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.p.Close)
	return e
}

// topic makes a topic that is none of the project's, and returns its whole name.
func (e *env) topic(name string, config map[string]string) string {
	e.t.Helper()
	whole := "other-" + e.project + "." + name
	e.create(kafka.TopicSpecification{Topic: whole, NumPartitions: 3, ReplicationFactor: 1, Config: config})
	return whole
}

func (e *env) create(specs ...kafka.TopicSpecification) {
	e.t.Helper()
	res, err := e.admin.CreateTopics(e.t.Context(), specs, kafka.SetAdminOperationTimeout(30*time.Second))
	if err != nil {
		e.t.Fatal(err)
	}
	var names []string
	for _, r := range res {
		if r.Error.Code() != kafka.ErrNoError {
			e.t.Fatal(r)
		}
		names = append(names, r.Topic)
	}
	e.t.Cleanup(func() { _, _ = e.admin.DeleteTopics(context.Background(), names) })
	inARow := 0 // of brokers, any of which the role may ask: one that has not heard of a target says that there is none
	servertest.Eventually(e.t, fmt.Sprint(names, " are known"), func() bool {
		found, err := e.Targets(e.t.Context(), names)
		if inARow++; err != nil || slices.ContainsFunc(names, func(name string) bool { return found[name] != nil }) {
			inARow = 0
		}
		return inARow == 8
	})
}

// empty is FLUSHALL, in a Redis that others share.
func (e *env) empty() {
	for _, p := range schedule.Partitions() {
		var keys []string // which go together: the role writes all the while
		for _, name := range []string{"position", "due", "entries", "again"} {
			keys = append(keys, fmt.Sprintf("%s:{schedule:%d}:%s", e.project, p, name))
		}
		if err := e.redis.Del(context.Background(), keys...).Err(); err != nil {
			e.t.Error(err)
		}
	}
}

func (e *env) now() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) }

// running is the role while it runs.
type running struct {
	*role.Schedule
	consumer *stream.Consumer
	stop     func()
}

// start runs the role until it is stopped. step may be nil; together, how many go into a transaction, may be left out.
func (e *env) start(step func(string), together ...int) *running {
	e.t.Helper()
	r := &running{Schedule: role.New(e.Cluster, e.index, e.now, e.log, role.NewMetrics(prometheus.NewRegistry()))}
	if step != nil {
		r.At(step)
	}
	for _, n := range together {
		r.Together(n)
	}
	if err := r.Open(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
	r.consumer = e.NewConsumer(r.Consumer())
	ctx, cancel := context.WithCancel(e.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.consumer.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
		r.Close()
	})
	e.t.Cleanup(r.stop)
	return r
}

func (e *env) produce(rs ...stream.Record) []stream.Delivery {
	e.t.Helper()
	ds, err := e.p.Produce(e.t.Context(), rs)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, d := range ds {
		if d.Err != nil {
			e.t.Fatal(d.Err)
		}
	}
	return ds
}

// request has value produced to the target, with the id as key, after d by the role's clock.
func (e *env) request(id string, d time.Duration, value string) stream.Record {
	return schedule.Request(id, e.now().Add(d).Truncate(time.Second), e.target, stream.Record{Key: []byte(id), Value: []byte(value)})
}

// read is what a topic has, by its name for a cluster.
func (e *env) read(topic string) []stream.Record {
	e.t.Helper()
	servertest.Committed(e.t, e.admin, e.Topic(topic))
	return servertest.ReadAll(e.t, e.Cluster, topic)
}

// fired are the values of what was produced to the target, in order.
func (e *env) fired() []string {
	e.t.Helper()
	var out []string
	for _, r := range e.read("/" + e.target) {
		out = append(out, string(r.Value))
	}
	slices.Sort(out)
	return out
}

// awaitFired waits until the target has these values, and no others.
func (e *env) awaitFired(want ...string) {
	e.t.Helper()
	slices.Sort(want)
	servertest.Eventually(e.t, fmt.Sprint(want, " fired"), func() bool { return len(e.fired()) >= len(want) })
	if diff := cmp.Diff(want, e.fired()); diff != "" {
		e.t.Error(diff)
	}
}

// pending are the ids that the index has, in order of time.
func (e *env) pending() []string {
	e.t.Helper()
	out := []string{}
	servertest.Await(e.t, func() string {
		es, _, err := e.index.List(e.t.Context(), schedule.Place{}, schedule.Filter{}, 1000)
		if err != nil {
			return err.Error()
		}
		for _, s := range es {
			out = append(out, s.ID)
		}
		return ""
	})
	return out
}

func (e *env) awaitPending(want ...string) {
	e.t.Helper()
	servertest.Eventually(e.t, fmt.Sprint(want, " pending"), func() bool { return slices.Equal(append([]string{}, want...), e.pending()) })
}

// last is the last record of an id in the topic of requests.
func (e *env) last(id string) stream.Record {
	e.t.Helper()
	var last stream.Record
	for _, r := range e.read(stream.ScheduleRequest) {
		if string(r.Key) == id {
			last = r
		}
	}
	return last
}

func lines(hs stream.Headers) (out []string) {
	for _, h := range hs {
		out = append(out, h.Key+": "+h.Value)
	}
	return out
}

// TestTheDocumentedExample is that of kafka-message-scheduler's README. Its program leaves the schedule's own headers on what
// it fires, which the README does not show.
func TestTheDocumentedExample(t *testing.T) {
	e := open(t)
	videos := e.topic("online-videos", nil)
	e.ahead.Store(int64(time.Until(time.Unix(1893456000, 0)) - time.Hour))
	headers := stream.Headers{
		{Key: "scheduler-epoch", Value: "1893456000"},
		{Key: "scheduler-target-topic", Value: videos},
		{Key: "scheduler-target-key", Value: "vid1"},
		{Key: "customer-header", Value: "dummy"},
	}
	asked := stream.Record{
		Topic: stream.ScheduleRequest, Partition: stream.AnyPartition, Key: []byte("vid1-online"), Value: []byte("video 1"),
		Time: time.Unix(1607918336, 0), Headers: headers,
	}
	at := e.produce(asked)[0]
	r := e.start(nil)
	e.awaitPending("vid1-online")
	if got := e.read("/" + videos); len(got) != 0 {
		t.Fatalf("%v was fired too early", got)
	}
	e.ahead.Store(int64(time.Until(time.Unix(1893456000, 0)) - time.Second))
	servertest.Eventually(e.t, "fired", func() bool { return len(e.read("/"+videos)) > 0 })
	e.awaitPending()
	r.stop()
	want := append(lines(headers), "scheduler-timestamp: 1607918336", "scheduler-key: vid1-online", "scheduler-topic: "+e.project+".schedule.request")
	for _, topic := range []string{"/" + videos, stream.ScheduleHistory} {
		rs := e.read(topic)
		if len(rs) != 1 {
			t.Fatalf("%s has %v", topic, rs)
		}
		if string(rs[0].Key) != "vid1" || string(rs[0].Value) != "video 1" {
			t.Errorf("%s: %q %q", topic, rs[0].Key, rs[0].Value)
		}
		if diff := cmp.Diff(want, lines(rs[0].Headers)); diff != "" {
			t.Error(topic, diff)
		}
	}
	tomb := e.last("vid1-online")
	if tomb.Value != nil || tomb.Partition != at.Partition {
		t.Errorf("the schedule ends with %q in partition %d", tomb.Value, tomb.Partition)
	}
	if diff := cmp.Diff(append(want, "scheduler-fired-offset: "+strconv.FormatInt(at.Offset, 10)), lines(tomb.Headers)); diff != "" {
		t.Error(diff)
	}
}

func TestValuesAndKeys(t *testing.T) {
	e := open(t)
	large := strings.Repeat("x", 300_000)
	at := e.now()
	e.produce(
		schedule.Request("plain", at, e.target, stream.Record{Key: []byte("k"), Value: []byte("v")}),
		schedule.Request("empty", at, e.target, stream.Record{Key: []byte("k"), Value: []byte{}}),
		schedule.Request("nil", at, e.target, stream.Record{Key: []byte("k")}),
		schedule.Request("no key", at, e.target, stream.Record{Value: []byte("v")}),
		schedule.Request("large", at, e.target, stream.Record{Key: []byte("k"), Value: []byte(large), Headers: stream.Headers{{Key: "h", Value: "1"}}}),
		schedule.Request("bytes \xff\x00", at, e.target, stream.Record{Key: []byte{0, 255}, Value: []byte{0, 255}, Headers: stream.Headers{{Key: "h", Value: "\x00\xff"}}}),
	)
	e.start(nil)
	for _, topic := range []string{"/" + e.target, stream.ScheduleHistory} {
		servertest.Eventually(e.t, "all fired", func() bool { return len(e.read(topic)) >= 6 })
		got := map[string]string{}
		for _, r := range e.read(topic) {
			value := string(r.Value)
			switch {
			case r.Value == nil:
				value = "nil"
			case value == large:
				value = "large"
			}
			key := string(r.Key)
			if r.Key == nil {
				key = "nil"
			}
			got[r.Headers.Get(schedule.HeaderKey)] = key + "=" + value + "," + r.Headers.Get("h")
		}
		want := map[string]string{"plain": "k=v,", "empty": "k=,", "nil": "k=nil,", "no key": "nil=v,", "large": "k=large,1", "bytes \xff\x00": "\x00\xff=\x00\xff,\x00\xff"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(topic, diff)
		}
	}
	e.awaitPending()
}

// TestWhatCannotBeProducedIsSetAside: each with its reason, closed, and without harm to what is due at the same moment.
func TestWhatCannotBeProducedIsSetAside(t *testing.T) {
	e := open(t)
	narrow := e.topic("narrow", map[string]string{"max.message.bytes": "3000"})
	with := func(id string, headers ...string) stream.Record {
		r := stream.Record{Topic: stream.ScheduleRequest, Partition: stream.AnyPartition, Key: []byte(id), Value: []byte(id)}
		for i := 0; i < len(headers); i += 2 {
			r.Headers = append(r.Headers, stream.Header{Key: headers[i], Value: headers[i+1]})
		}
		return r
	}
	const epoch, topic = schedule.HeaderEpoch, schedule.HeaderTargetTopic
	past := strconv.FormatInt(e.now().Unix()-10, 10)
	bad := map[string]struct {
		record stream.Record
		reason string
	}{
		"no epoch":           {with("", topic, e.target), "scheduler-epoch is missing"},
		"a negative epoch":   {with("", epoch, "-1", topic, e.target), "negative"},
		"no number":          {with("", epoch, "soon", topic, e.target), `"soon" is no whole number`},
		"a fraction":         {with("", epoch, "1.5", topic, e.target), "no whole number"},
		"milliseconds":       {with("", epoch, past+"000", topic, e.target), "after the year 9999: it is in seconds"},
		"more than 64 bits":  {with("", epoch, "99999999999999999999", topic, e.target), "after the year 9999"},
		"no target":          {with("", epoch, past), "scheduler-target-topic is missing"},
		"nothing at all":     {with(""), "scheduler-target-topic is missing"},
		"no topic's name":    {with("", epoch, past, topic, "a b"), "no topic's name"},
		"an unknown topic":   {with("", epoch, past, topic, e.project+"-nowhere"), "does not exist"},
		"an unknown payload": {with("", epoch, past, topic, e.target, schedule.HeaderPayload, "null"), "scheduler-payload"},
		"the CMS's":          {with("", epoch, past, topic, e.Topic(stream.CMS("video"))), "may not be written"},
		"an entity's":        {with("", epoch, past, topic, e.Topic(stream.Catalog("video"))), "may not be written"},
		"viewers'":           {with("", epoch, past, topic, e.Topic(stream.UserProgress)), "may not be written"},
		"itself":             {with("", epoch, past, topic, e.Topic(stream.ScheduleRequest)), "may not be written"},
		"dead letters":       {with("", epoch, past, topic, e.Topic(stream.Dead("project"))), "may not be written"},
		"positions":          {with("", epoch, past, topic, e.Topic(stream.CapturePosition)), "may not be written"},
		"Kafka's own":        {with("", epoch, past, topic, "__consumer_offsets"), "may not be written"},
		"too large":          {with("", epoch, past, topic, narrow), "too large"},
	}
	var rs []stream.Record
	want := []string{}
	narrowly := []string{}
	for name, b := range bad {
		b.record.Key = []byte(name)
		b.record.Value = []byte(name)
		if name == "too large" {
			b.record.Value = []byte(strings.Repeat("x", 5000))
		}
		rs = append(rs, b.record, e.request("beside "+name, -10*time.Second, "beside "+name))
		want = append(want, "beside "+name)
		small := e.request("small "+name, -10*time.Second, "small "+name)
		small.Headers[1].Value = narrow
		rs = append(rs, small)
		narrowly = append(narrowly, "small "+name)
	}
	rs = append(rs, schedule.Request("touched", e.now(), e.Topic(stream.ProgrammeTouched), stream.Record{Key: []byte("p"), Value: []byte("t")}))
	e.produce(rs...)
	r := e.start(nil)
	e.awaitFired(want...)
	servertest.Eventually(e.t, "all set aside", func() bool { return len(e.read(stream.Dead(role.Role))) >= len(bad) })
	reasons := map[string]string{}
	for _, d := range e.read(stream.Dead(role.Role)) {
		name := string(d.Key)
		b, ok := bad[name]
		reason := d.Headers.Get(stream.HeaderReason)
		if !ok || reasons[name] != "" || !strings.Contains(strings.ToLower(reason), strings.ToLower(b.reason)) {
			t.Errorf("%s was set aside because %q", name, reason)
		}
		reasons[name] = reason
		if len(d.Value) == 0 || !strings.HasPrefix(d.Headers.Get(stream.HeaderOrigin), stream.ScheduleRequest+"/") {
			t.Errorf("%s was set aside as %q, %v", name, d.Value, d.Headers)
		}
	}
	servertest.Eventually(e.t, "the narrow topic's", func() bool { return len(e.read("/"+narrow)) >= len(narrowly) })
	servertest.Eventually(e.t, "touched", func() bool { return len(e.read(stream.ProgrammeTouched)) == 1 })
	e.awaitPending()
	r.stop()
	// All are closed: what begins anew, with nothing in Redis, finds nothing to do.
	dead, fired := len(e.read(stream.Dead(role.Role))), len(e.fired())
	e.empty()
	again := e.start(nil)
	servertest.Eventually(e.t, "ready", again.consumer.Ready)
	e.produce(e.request("end", 0, "end"))
	e.awaitFired(append(want, "end")...)
	if n := len(e.read(stream.Dead(role.Role))); n != dead || len(e.fired()) != fired+1 {
		t.Errorf("%d more were set aside, %d more fired", n-dead, len(e.fired())-fired)
	}
}

func TestARequestWithoutAKeyHarmsNoNeighbour(t *testing.T) {
	e := open(t)
	r := e.request("", 0, "nothing")
	r.Key = []byte{}
	r.Partition = 3
	e.produce(r, e.request("a", 0, "a"))
	e.start(nil)
	e.awaitFired("a")
	servertest.Eventually(e.t, "set aside", func() bool { return len(e.read(stream.Dead(role.Role))) == 1 })
}

// TestOrderWithinAnInstant is that of the requests, for each partition of them.
func TestOrderWithinAnInstant(t *testing.T) {
	e := open(t)
	var rs []stream.Record
	var want []string
	at := e.now().Add(-time.Minute)
	for i := range 500 {
		value := fmt.Sprintf("%d %03d", i%3, i)
		r := schedule.Request(fmt.Sprint("id", (i*7919)%500), at.Add(time.Duration(i%3)*time.Second), e.target, stream.Record{Key: []byte("one"), Value: []byte(value)})
		r.Partition = 5
		rs = append(rs, r)
		want = append(want, value)
	}
	slices.Sort(want)
	e.produce(rs...)
	e.start(nil)
	servertest.Eventually(e.t, "all fired", func() bool { return len(e.read("/"+e.target)) >= len(rs) })
	var got []string
	for _, r := range e.read("/" + e.target) {
		got = append(got, string(r.Value))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateAndCancel(t *testing.T) {
	e := open(t)
	e.start(nil)
	e.produce(e.request("a", time.Hour, "a1"), e.request("b", time.Hour, "b1"), e.request("c", 2*time.Hour, "c1"))
	e.awaitPending("a", "b", "c")
	e.produce(e.request("a", 3*time.Hour, "a2"), schedule.Cancel("b"), e.request("d", -time.Hour, "d1"))
	e.awaitFired("d1")
	e.awaitPending("c", "a")
	e.ahead.Add(int64(4 * time.Hour))
	e.awaitFired("a2", "c1", "d1")
	e.awaitPending()
}

// TestClocks: what was due while nobody looked is fired at the start, whatever day it was; a clock that is set forward fires
// what has become due, one that is set back fires nothing twice.
func TestClocks(t *testing.T) {
	e := open(t)
	e.ahead.Store(int64(time.Until(time.Date(2031, 12, 31, 23, 54, 0, 0, time.Local))))
	r := e.start(nil)
	far := schedule.Request("far", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), e.target, stream.Record{Value: []byte("far")})
	e.produce(e.request("evening", 5*time.Minute, "evening"), e.request("ancient", -time.Since(time.Unix(1, 0)), "ancient"), far)
	e.awaitFired("ancient")
	e.awaitPending("evening", "far")
	r.stop()
	e.ahead.Add(int64(11 * time.Minute)) // 00:05
	e.start(nil)
	e.awaitFired("ancient", "evening")
	e.produce(e.request("noon", 12*time.Hour, "noon"))
	e.awaitPending("noon", "far")
	e.ahead.Add(int64(13 * time.Hour))
	e.awaitFired("ancient", "evening", "noon")
	e.ahead.Add(-int64(24 * time.Hour))
	e.produce(e.request("earlier", time.Second, "earlier"))
	e.awaitFired("ancient", "evening", "noon", "earlier")
	e.awaitPending("far")
}

// TestNothingIsEarly, though it is written before its time; and a clock that is set back meanwhile is believed.
func TestNothingIsEarly(t *testing.T) {
	e := open(t)
	r := e.request("a", 2*time.Second, "a")
	epoch, _ := strconv.ParseInt(r.Headers.Get(schedule.HeaderEpoch), 10, 64)
	due := time.Unix(epoch, 0)
	set := func(at time.Time) { e.ahead.Store(int64(time.Until(at))) }
	var aborted, committed atomic.Int32
	times := map[string]int{}
	e.start(func(step string) {
		switch times[step]++; {
		case step == "due" && e.now().Before(due): // else it is late, and would be so again and again
			set(due.Add(-90 * time.Millisecond))
		case step == "held" && times[step] == 1:
			set(due.Add(-time.Hour))
		case step == "aborted":
			aborted.Add(1)
		case step == "committed":
			committed.Add(1)
			if now := e.now(); now.Before(due) {
				t.Errorf("committed %v before its time", due.Sub(now))
			}
		}
	})
	e.produce(r)
	servertest.Eventually(e.t, "aborted", func() bool { return aborted.Load() == 1 })
	if got := e.fired(); len(got) > 0 || committed.Load() > 0 {
		t.Fatal(got, "fired an hour before its time")
	}
	set(due.Add(-time.Second))
	e.awaitFired("a")
}

// TestTooLate: what comes when all is written waits for its turn. A cancellation does nothing any more, another request is one
// of its own.
func TestTooLate(t *testing.T) {
	e := open(t)
	a, b := e.request("a", time.Hour, "a"), e.request("b", time.Hour, "b1")
	epoch, _ := strconv.ParseInt(a.Headers.Get(schedule.HeaderEpoch), 10, 64)
	b.Headers[0] = a.Headers[0] // of the same second
	a.Partition, b.Partition = 4, 4
	var early atomic.Bool
	held := sync.OnceFunc(func() {
		early.Store(e.now().Before(time.Unix(epoch, 0)))
		cancel, again := schedule.Cancel("a"), e.request("b", time.Hour, "b2")
		cancel.Partition, again.Partition = 4, 4
		e.produce(cancel, again)
	})
	e.start(func(step string) {
		if step == "held" {
			held()
		}
	})
	e.produce(a, b)
	e.awaitPending("a", "b")
	e.ahead.Store(int64(time.Until(time.Unix(epoch, 0)) - 200*time.Millisecond))
	e.awaitFired("a", "b1")
	if !early.Load() {
		t.Log("it was written late: the machine is busy")
	}
	e.awaitPending("b")
	servertest.Eventually(e.t, "b's request stands behind its tombstone", func() bool { return len(e.last("b").Value) > 0 })
	e.ahead.Add(int64(2 * time.Hour))
	e.awaitFired("a", "b1", "b2")
	e.awaitPending()
}

// TestABurst that is due in one second holds no other partition up; in its own, what is due a second later comes after it.
func TestABurst(t *testing.T) {
	e := open(t)
	e.start(nil, 100)
	const n = 2000
	at := e.now().Add(time.Hour)
	ask := func(id string, at time.Time, partition int32) stream.Record {
		r := schedule.Request(id, at, e.target, stream.Record{Key: []byte("one"), Value: []byte(id)})
		r.Partition = partition
		return r
	}
	rs := []stream.Record{ask("behind", at.Add(time.Second), 4), ask("beside", at.Add(time.Second), 5)}
	for i := range n {
		rs = append(rs, ask(fmt.Sprint("burst", i), at, 4))
	}
	e.produce(rs...)
	servertest.Eventually(e.t, "pending", func() bool {
		stored, err := e.index.Look(t.Context(), []int32{4, 5})
		return err == nil && stored[0].Pending+stored[1].Pending == n+2
	})
	e.ahead.Add(int64(2 * time.Hour))
	servertest.Eventually(e.t, "fired", func() bool { return len(e.read("/"+e.target)) == n+2 })
	place := map[string]int{}
	for i, r := range e.read("/" + e.target) {
		place[string(r.Value)] = i
	}
	if place["beside"] > 100 || place["behind"] != n+1 {
		t.Errorf("beside it was fired as the %d., behind it as the %d.", place["beside"], place["behind"])
	}
}

// TestReadingOneByOne what the index does not have goes on for a while only: then what is read is fired.
func TestReadingOneByOne(t *testing.T) {
	e := open(t)
	const n = 300
	var round, loaded, first atomic.Int32 // of rounds that were committed: what fails is read again
	e.start(func(step string) {
		switch step {
		case "due":
			round.Store(0)
		case "loaded":
			round.Add(1)
			<-time.After(10 * time.Millisecond) // as from a log that is far away
		case "committed":
			first.CompareAndSwap(0, loaded.Add(round.Swap(0)))
		}
	})
	var rs []stream.Record
	for i := range n {
		r := e.request(fmt.Sprint("id", i), time.Hour, fmt.Sprint(i))
		r.Headers = append(r.Headers, stream.Header{Key: "large", Value: strings.Repeat("x", 17<<10)})
		r.Partition = 4
		rs = append(rs, r)
	}
	e.produce(rs...)
	servertest.Eventually(e.t, "pending", func() bool { return len(e.pending()) == n })
	e.ahead.Add(int64(2 * time.Hour))
	servertest.Eventually(e.t, "fired", func() bool { return len(e.fired()) == n })
	e.awaitPending()
	if first := first.Load(); first > n/2 || loaded.Load() > n+1 {
		t.Errorf("%d were read before any was fired, %d in all", first, loaded.Load())
	}
}

// listening is a log's handler that somebody hears.
type listening struct {
	slog.Handler
	heard func(message string)
}

func (l listening) Handle(ctx context.Context, r slog.Record) error {
	l.heard(r.Message)
	return l.Handler.Handle(ctx, r)
}

func (l listening) WithAttrs(attrs []slog.Attr) slog.Handler {
	return listening{l.Handler.WithAttrs(attrs), l.heard}
}

// TestManyAreRefused: each is tried and set aside, and what becomes due meanwhile does not wait for all of them.
func TestManyAreRefused(t *testing.T) {
	e := open(t)
	n := int64(300)
	if os.Getenv("TEST_KAFKA") != "" { // a real broker takes longer for each
		n = 60
	}
	narrow := e.topic("narrow", map[string]string{"max.message.bytes": "3000"})
	rs := []stream.Record{e.request("beside", 3*time.Hour, "beside")}
	for i := range n {
		r := e.request(fmt.Sprint("id", i), time.Hour, strings.Repeat("x", 5000))
		r.Headers[1].Value = narrow
		rs = append(rs, r)
	}
	pending := func() (sum int64) {
		stored, err := e.index.Look(t.Context(), schedule.Partitions())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stored {
			sum += s.Pending
		}
		return sum
	}
	e.produce(rs...)
	first := sync.OnceFunc(func() { e.ahead.Add(int64(2 * time.Hour)) })
	e.log = slog.New(listening{e.log.Handler(), func(message string) {
		if message == "schedule set aside" {
			first()
		}
	}})
	e.start(nil)
	servertest.Eventually(e.t, "all pending", func() bool { return pending() == n+1 })
	e.ahead.Add(int64(2 * time.Hour))
	e.awaitFired("beside")
	fired := e.read("/" + e.target)[0].Time
	servertest.Eventually(e.t, "all set aside", func() bool { return int64(len(e.read(stream.Dead(role.Role)))) == n })
	e.awaitPending()
	after := 0
	for _, r := range e.read(stream.Dead(role.Role)) {
		if r.Time.After(fired) {
			after++
		}
	}
	if after == 0 {
		t.Error("what was due waited for all that were refused")
	}
	t.Logf("%d of %d were set aside later than what was due beside them was fired", after, n)
}

// TestBesideWhatIsRefused, in one partition of the target, a record comes through.
func TestBesideWhatIsRefused(t *testing.T) {
	e := open(t)
	narrow := e.topic("narrow", map[string]string{"max.message.bytes": "3000"})
	var rs []stream.Record
	for id, size := range map[string]int{"large": 5000, "small": 50} {
		r := schedule.Request(id, e.now(), narrow, stream.Record{Key: []byte("same"), Value: []byte(strings.Repeat("x", size))})
		r.Partition = int32(len(rs))
		rs = append(rs, r)
	}
	e.produce(rs...)
	e.start(nil)
	servertest.Eventually(e.t, "set aside", func() bool { return len(e.read(stream.Dead(role.Role))) == 1 })
	servertest.Eventually(e.t, "fired", func() bool { return len(e.read("/"+narrow)) == 1 })
	e.awaitPending()
}

// TestADeadLetterIsTooLarge: then it says where the request is.
func TestADeadLetterIsTooLarge(t *testing.T) {
	e := open(t)
	dead := e.Topic(stream.Dead(role.Role))
	resource := kafka.ConfigResource{Type: kafka.ResourceTopic, Name: dead, Config: []kafka.ConfigEntry{
		{Name: "max.message.bytes", Value: "3000", IncrementalOperation: kafka.AlterConfigOpTypeSet}}}
	if _, err := e.admin.IncrementalAlterConfigs(t.Context(), []kafka.ConfigResource{resource}); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "its broker has heard of it", func() bool {
		p, err := e.NewOwnTxProducer(t.Context(), "probe", time.Minute)
		if err != nil {
			return false
		}
		defer p.Close() // nobody sees what it wrote
		ds, err := p.Produce(t.Context(), []stream.Record{{Topic: stream.Dead(role.Role), Partition: stream.AnyPartition, Value: make([]byte, 5000)}})
		return err == nil && stream.IsPermanent(ds[0].Err)
	})
	bad := e.request("bad", 0, strings.Repeat("x", 5000))
	bad.Headers[0].Value = "soon"
	at := e.produce(bad)[0]
	e.produce(e.request("good", 0, "good"))
	e.start(nil)
	e.awaitFired("good")
	servertest.Eventually(e.t, "set aside", func() bool { return len(e.read(stream.Dead(role.Role))) == 1 })
	e.awaitPending()
	r := e.read(stream.Dead(role.Role))[0]
	origin := fmt.Sprintf("%s/%d/%d", stream.ScheduleRequest, at.Partition, at.Offset)
	if reason := r.Headers.Get(stream.HeaderReason); len(r.Value) > 0 || r.Headers.Get(stream.HeaderOrigin) != origin ||
		!strings.Contains(reason, `"soon"`) || !strings.Contains(reason, "left out") {
		t.Errorf("%v, %d bytes", r.Headers, len(r.Value))
	}
}

// TestASteadyRecordDelaysNothing: the end of the log that counts is where it was, not that nothing comes.
func TestASteadyRecordDelaysNothing(t *testing.T) {
	e := open(t)
	for i := range 12 {
		r := e.request(fmt.Sprint("due", i), 0, "due")
		r.Partition = int32(i)
		e.produce(r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond) // each partition's every 240 ms
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				done <- n
				return
			case <-tick.C:
				r := e.request(fmt.Sprint("steady", n%100), time.Hour, "never")
				r.Partition = int32(n % 12)
				_, _ = e.p.Produce(ctx, []stream.Record{r})
			}
		}
	}()
	began := time.Now()
	e.start(nil)
	servertest.Eventually(e.t, "fired", func() bool { return len(e.fired()) == 12 })
	took := time.Since(began)
	cancel()
	t.Logf("fired after %v, with %d records meanwhile", took, <-done)
}

// TestAForeignPartitioner puts an id where ours would not: it is closed there.
func TestAForeignPartitioner(t *testing.T) {
	e := open(t)
	for p := range int32(12) {
		r := e.request("same", 0, fmt.Sprint("p", p))
		r.Partition = p
		e.produce(r)
	}
	want := []string{"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11"}
	r := e.start(nil)
	e.awaitFired(want...)
	e.awaitPending()
	r.stop()
	e.empty()
	e.start(nil)
	e.produce(e.request("end", 0, "end"))
	e.awaitFired(append(want, "end")...)
}

// TestRedisIsEmptied: what is pending comes back from the log, and nothing else does.
func TestRedisIsEmptied(t *testing.T) {
	e := open(t)
	e.start(nil)
	e.produce(e.request("a", 0, "a"), e.request("b", time.Hour, "b"), e.request("c", time.Hour, "c"))
	e.awaitFired("a")
	e.produce(schedule.Cancel("c"))
	e.awaitPending("b")
	e.empty()
	e.awaitPending("b")
	e.produce(e.request("d", 0, "d"))
	e.awaitFired("a", "d")
	e.ahead.Add(int64(2 * time.Hour))
	e.awaitFired("a", "b", "d")
}

// TestRedisForgetsThatItWasFired: what a replica that takes over has not heard is known here.
func TestRedisForgetsThatItWasFired(t *testing.T) {
	e := open(t)
	var saved map[string]string
	var scores []redis.Z
	key := func(name string) string { return e.project + ":{schedule:4}:" + name }
	for _, id := range []string{"a", "b"} { // one after the other, before any tombstone is read
		r := e.request(id, 0, id)
		r.Partition = 4
		e.produce(r)
	}
	e.start(func(step string) {
		switch {
		case step == "due" && saved == nil:
			saved = e.redis.HGetAll(t.Context(), key("entries")).Val()
			scores = e.redis.ZRangeWithScores(t.Context(), key("due"), 0, -1).Val()
		case step == "taken" && len(saved) > 0:
			e.redis.HSet(t.Context(), key("entries"), saved)
			e.redis.ZAdd(t.Context(), key("due"), scores...)
			saved = map[string]string{}
		}
	}, 1)
	e.awaitFired("a", "b")
	e.produce(e.request("c", 0, "c"))
	e.awaitFired("a", "b", "c")
	e.awaitPending()
}

// TestRedisFailsOver to a replica that is behind: what was fired, closed and forgotten here is in the index again.
func TestRedisFailsOver(t *testing.T) {
	e := open(t)
	key := func(name string) string { return e.project + ":{schedule:4}:" + name }
	var position string
	var entries map[string]string
	var due []redis.Z
	var armed atomic.Bool
	e.start(func(step string) {
		switch {
		case step == "due" && position == "":
			position = e.redis.Get(t.Context(), key("position")).Val()
			entries = e.redis.HGetAll(t.Context(), key("entries")).Val()
			due = e.redis.ZRangeWithScores(t.Context(), key("due"), 0, -1).Val()
		case step == "applied" && armed.CompareAndSwap(true, false):
			e.redis.Del(t.Context(), key("entries"), key("due"))
			e.redis.Set(t.Context(), key("position"), position, 0)
			e.redis.HSet(t.Context(), key("entries"), entries)
			e.redis.ZAdd(t.Context(), key("due"), due...)
			e.ahead.Store(int64(2 * time.Hour)) // b is due
		}
	})
	in4 := func(id string, d time.Duration) stream.Record {
		r := e.request(id, d, id)
		r.Partition = 4
		return r
	}
	e.produce(in4("b", time.Hour))
	e.awaitPending("b")
	e.produce(in4("a", 0))
	e.awaitFired("a")
	tomb := e.last("a")
	servertest.Eventually(e.t, "closed", func() bool {
		stored, err := e.index.Look(t.Context(), []int32{4})
		return err == nil && stored[0].Position.Offset > tomb.Offset
	})
	armed.Store(true)
	e.produce(in4("c", 3*time.Hour))
	e.awaitFired("a", "b")
	e.awaitPending("c")
	e.ahead.Store(int64(4 * time.Hour))
	e.awaitFired("a", "b", "c")
}

// TestRescheduledWhileItIsFired: the new request comes before the tombstone of the one that was fired, and outlives the
// log's compaction all the same.
func TestRescheduledWhileItIsFired(t *testing.T) {
	e := open(t)
	in4 := func(rs ...stream.Record) { // of which nothing is fired before all is read
		for i := range rs {
			rs[i].Partition = 4
		}
		e.produce(rs...)
	}
	once := sync.OnceFunc(func() {
		in4(e.request("a", time.Hour, "a2"), e.request("b", 2*time.Hour, strings.Repeat("b", 20_000)))
	})
	in4(e.request("a", 0, "a1"), e.request("b", 0, "b1"))
	r := e.start(func(step string) {
		if step == "write" {
			once()
		}
	})
	e.awaitFired("a1", "b1")
	e.awaitPending("a", "b")
	for _, id := range []string{"a", "b"} {
		servertest.Eventually(e.t, id+" stands behind the tombstone", func() bool { return len(e.last(id).Value) > 0 })
	}
	servertest.Eventually(e.t, "noted no more", func() bool {
		stored, err := e.index.Look(t.Context(), schedule.Partitions())
		return err == nil && !slices.ContainsFunc(stored, func(s schedule.Stored) bool { return s.Again > 0 })
	})
	r.stop()
	e.empty()
	e.start(nil)
	e.awaitPending("a", "b")
	e.ahead.Add(int64(3 * time.Hour))
	e.awaitFired("a1", "b1", "a2", strings.Repeat("b", 20_000))
	e.awaitPending()
}

// TestTheTopicIsMadeAgain: what it does not have any more does not happen.
func TestTheTopicIsMadeAgain(t *testing.T) {
	e := open(t)
	r := e.start(nil)
	e.produce(e.request("a", time.Hour, "a"), e.request("b", time.Hour, "b"))
	servertest.Eventually(e.t, "pending", func() bool { return len(e.pending()) == 2 })
	r.stop()
	servertest.Recreate(t, e.admin, e.Cluster, stream.ScheduleRequest)
	p, err := e.NewProducer() // one that knows nothing of the former
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Produce(t.Context(), []stream.Record{e.request("c", time.Hour, "c")}); err != nil {
		t.Fatal(err)
	}
	e.start(nil)
	e.awaitPending("c")
	e.ahead.Add(int64(2 * time.Hour))
	e.awaitFired("c")
}
