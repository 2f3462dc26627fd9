package recommend_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"regie/ingest/recommend"
	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// The role in a process of its own, to be killed: this test's binary, started with these variables.
const (
	envBrokers  = "RECOMMEND_TEST_BROKERS"
	envRedis    = "RECOMMEND_TEST_REDIS"
	envProject  = "RECOMMEND_TEST_PROJECT"
	envInstance = "RECOMMEND_TEST_INSTANCE"
	envClock    = "RECOMMEND_TEST_CLOCK"
	// envDies is after how many of its writes to Redis the process kills itself.
	envDies = "RECOMMEND_TEST_DIES"
	// envHalts makes it halt, as by SIGSTOP, when it has noted that it is about to tell something.
	envHalts  = "RECOMMEND_TEST_HALTS"
	envLeaves = "RECOMMEND_TEST_LEAVES"
)

func TestMain(m *testing.M) {
	if os.Getenv(envBrokers) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client, err := catalog.Connect(os.Getenv(envRedis))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if n, err := strconv.Atoi(os.Getenv(envDies)); err == nil {
		client.AddHook(&struck{left: n, by: syscall.SIGKILL})
	}
	if os.Getenv(envHalts) != "" {
		client.AddHook(&struck{left: 1, by: syscall.SIGSTOP, at: "{sections:"})
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	cluster := stream.New(stream.Config{
		Brokers: os.Getenv(envBrokers), Project: os.Getenv(envProject), Instance: os.Getenv(envInstance), Leaves: os.Getenv(envLeaves) != "", Log: log,
		// An instance that is gone keeps its place until the session times out: one that comes back is to be in time, be the machine slow.
		Properties: map[string]string{"session.timeout.ms": "15000", "heartbeat.interval.ms": "200"},
	})
	defer cluster.Close()
	role := recommend.New(recommend.Config{
		Cluster: cluster, Catalog: catalog.New(client, os.Getenv(envProject)), MostWatched: mostWatched(client, os.Getenv(envProject)),
		Now: func() time.Time { return clock(os.Getenv(envClock)) }, Metrics: recommend.NewMetrics(prometheus.NewRegistry()), Log: log,
	})
	go func() {
		for role.Waiting() != nil {
			<-time.After(5 * time.Millisecond)
		}
		fmt.Println("ready")
	}()
	return role.Run(ctx)
}

// struck sends the process a signal when so many pipelines with scripts have been run, or with scripts at such a key.
type struck struct {
	mu   sync.Mutex
	left int
	by   syscall.Signal
	at   string
}

func (d *struck) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (d *struck) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (d *struck) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if !slices.ContainsFunc(cmds, func(c redis.Cmder) bool {
			return c.Name() == "evalsha" && c.Err() == nil && strings.Contains(fmt.Sprint(c.Args()[3]), d.at)
		}) {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.left--; d.left == 0 {
			fmt.Println("struck")
			_ = syscall.Kill(os.Getpid(), d.by)
		}
		return err
	}
}

// clock reads the tests' clock, which is a file.
func clock(file string) time.Time {
	b, err := os.ReadFile(file)
	n, nerr := strconv.ParseInt(string(b), 10, 64)
	if err := errors.Join(err, nerr); err != nil {
		panic(err)
	}
	return time.Unix(0, n).UTC()
}

// mostWatched is a list in Redis.
func mostWatched(client redis.UniversalClient, prefix string) func(context.Context, []string, time.Time, int) ([][]string, error) {
	return func(ctx context.Context, ids []string, _ time.Time, n int) ([][]string, error) {
		out := make([][]string, len(ids))
		for i, id := range ids {
			var err error
			if out[i], err = client.LRange(ctx, prefix+":watched:"+id, 0, int64(n-1)).Result(); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// env is the role between a Kafka and a Redis of the test's own, with a clock of the test's.
type env struct {
	t                *testing.T
	brokers, url     string
	prefix, timeFile string
	cluster          *stream.Cluster
	redis            redis.UniversalClient
	admin            *kafka.AdminClient
	producer         *stream.Producer
	// written are the offsets behind what the test wrote, by partition.
	written map[stream.Assigned]int64
	// asked is how often was asked what is watched most.
	asked atomic.Int64
	*follower
}

// epoch is when the tests' clock begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *env {
	t.Helper()
	return openOn(t, servertest.Kafka(t))
}

func openOn(t *testing.T, brokers string) *env {
	t.Helper()
	e := &env{t: t, brokers: brokers, url: servertest.Redis(t), prefix: servertest.Name(), timeFile: filepath.Join(t.TempDir(), "clock"),
		written: map[stream.Assigned]int64{}}
	e.cluster = e.named("test")
	servertest.Topics(t, e.cluster, stream.Catalog("programme"), stream.Catalog("video"), stream.ProgrammeTouched, stream.ProgrammeEnriched,
		stream.ScheduleRequest, stream.Dead(recommend.Role))
	var err error
	if e.redis, err = catalog.Connect(e.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.empty()
		_ = e.redis.Close()
	})
	if e.producer, err = e.cluster.NewProducer(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.producer.Close)
	e.setClock(epoch)
	e.admin = servertest.Admin(t, e.brokers)
	e.follower = follow(t, e.brokers, e.cluster.Topic(stream.ProgrammeEnriched), e.cluster.Topic(stream.ScheduleRequest))
	return e
}

func (e *env) named(instance string) *stream.Cluster {
	c := stream.New(stream.Config{Brokers: e.brokers, Project: e.prefix, Instance: instance, Log: servertest.Log(e.t)})
	e.t.Cleanup(c.Close)
	return c
}

func (e *env) now() time.Time { return clock(e.timeFile) }

func (e *env) setClock(now time.Time) {
	e.t.Helper()
	err := os.WriteFile(e.timeFile+".new", []byte(strconv.FormatInt(now.UnixNano(), 10)), 0o600)
	if err := errors.Join(err, os.Rename(e.timeFile+".new", e.timeFile)); err != nil {
		e.t.Fatal(err)
	}
}

// empty removes the test's keys, as FLUSHALL would in a Redis of its own.
func (e *env) empty() {
	e.t.Helper()
	ctx := context.Background()
	var keys []string
	it := e.redis.Scan(ctx, 0, e.prefix+":*", 1000).Iterator()
	for it.Next(ctx) {
		keys = append(keys, it.Val())
	}
	if err := it.Err(); err != nil {
		e.t.Fatal(err)
	}
	// FLUSHALL leaves no moment between: what says that all is there goes first, the positions, by which that is noticed, last.
	rank := func(k string) int {
		switch {
		case strings.Contains(k, ":whole:"):
			return 0
		case strings.Contains(k, ":position:"):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
	_, err := e.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, k := range keys {
			p.Del(ctx, k)
		}
		return nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

// start runs the role here until the returned function is called.
func (e *env) start(instance string) (role *recommend.Recommend, stop func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	watched := mostWatched(e.redis, e.prefix)
	role = recommend.New(recommend.Config{
		Cluster: e.named(instance), Catalog: catalog.New(e.redis, e.prefix), Now: e.now,
		MostWatched: func(ctx context.Context, ids []string, now time.Time, n int) ([][]string, error) {
			e.asked.Add(1)
			return watched(ctx, ids, now, n)
		},
		Metrics: recommend.NewMetrics(prometheus.NewRegistry()), Log: servertest.Log(e.t),
	})
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	})
	e.t.Cleanup(stop)
	return role, stop
}

// spawn starts the role in a process of its own.
func (e *env) spawn(instance string, more ...string) *servertest.Process {
	e.t.Helper()
	return servertest.Spawn(e.t, instance, nil, append(more, envBrokers+"="+e.brokers, envRedis+"="+e.url, envProject+"="+e.prefix, envInstance+"="+instance, envClock+"="+e.timeFile)...)
}

func event(kind, id string, m proto.Message) stream.Record {
	value, headers, err := stream.Encode(m)
	if err != nil {
		panic(err)
	}
	return stream.Record{Topic: stream.Catalog(kind), Partition: stream.AnyPartition, Key: []byte(id), Value: value, Headers: headers}
}

func videoEvent(v *catalogv1.Video) stream.Record {
	return event("video", v.GetId(), &catalogv1.VideoEvent{EventType: catalogv1.EventType_EVENT_TYPE_UPDATED, Payload: v})
}

func programmeEvent(p *catalogv1.Programme) stream.Record {
	return event("programme", p.GetId(), &catalogv1.ProgrammeEvent{EventType: catalogv1.EventType_EVENT_TYPE_UPDATED, Payload: p})
}

func deleted(kind, id string) []stream.Record {
	var m proto.Message = &catalogv1.VideoEvent{EventType: catalogv1.EventType_EVENT_TYPE_DELETED}
	if kind == "programme" {
		m = &catalogv1.ProgrammeEvent{EventType: catalogv1.EventType_EVENT_TYPE_DELETED}
	}
	return []stream.Record{event(kind, id, m), {Topic: stream.Catalog(kind), Partition: stream.AnyPartition, Key: []byte(id)}}
}

func touch(id string, reason catalogv1.TouchReason) stream.Record {
	r := event("programme-touched", id, &catalogv1.ProgrammeTouchedEvent{Reason: reason})
	r.Topic = stream.ProgrammeTouched
	return r
}

func (e *env) produce(rs ...stream.Record) {
	e.t.Helper()
	ds, err := e.producer.Produce(e.t.Context(), rs)
	if err != nil {
		e.t.Fatal(err)
	}
	for i, d := range ds {
		a := stream.Assigned{Topic: rs[i].Topic, Partition: d.Partition}
		e.written[a] = max(e.written[a], d.Offset+1)
	}
}

// settle waits until all that was written has had its effects, and the follower has them.
func (e *env) settle() {
	e.t.Helper()
	servertest.Await(e.t, func() string { return e.behind(e.written) })
	// The last of these have touched by now.
	touches := map[stream.Assigned]int64{}
	for p, high := range e.highs(e.cluster.Topic(stream.ProgrammeTouched)) {
		touches[stream.Assigned{Topic: stream.ProgrammeTouched, Partition: p}] = high
	}
	servertest.Await(e.t, func() string { return e.behind(touches) })
	e.readAll()
}

// readAll has the follower read all that was committed.
func (e *env) readAll() {
	e.t.Helper()
	for _, topic := range e.topics {
		servertest.Committed(e.t, e.admin, topic)
	}
	e.catchUp()
}

// behind is a partition that the role has not applied to an offset; "" when there is none.
func (e *env) behind(to map[stream.Assigned]int64) string {
	for a, next := range to {
		if next == 0 {
			continue
		}
		v, err := e.redis.HGet(e.t.Context(), e.prefix+":position:recommend:"+a.Topic, strconv.Itoa(int(a.Partition))).Result()
		at := int64(0)
		if words := strings.Fields(v); len(words) > 1 {
			at, _ = strconv.ParseInt(words[1], 10, 64)
		}
		if at < next {
			return fmt.Sprintf("%s/%d is applied to %d of %d (%v)", a.Topic, a.Partition, at, next, err)
		}
	}
	return ""
}

// follower reads what the role produces, as others do: committed records only.
type follower struct {
	t      *testing.T
	c      *kafka.Consumer
	topics []string
	ends   map[string]int64 // what was read to, by partition
	// latest are the values by topic and key; nil of a tombstone. all has every one in order.
	latest map[string]map[string]*kafka.Message
	all    []*kafka.Message
}

func follow(t *testing.T, brokers string, topics ...string) *follower {
	t.Helper()
	c, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": brokers, "group.id": "follower", "enable.auto.commit": false, "enable.partition.eof": true, "isolation.level": "read_committed",
		"fetch.wait.max.ms": 10, "auto.offset.reset": "earliest", "enable.metrics.push": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	f := &follower{t: t, c: c, topics: topics, ends: map[string]int64{}, latest: map[string]map[string]*kafka.Message{}}
	var parts []kafka.TopicPartition
	for _, topic := range topics {
		f.latest[topic] = map[string]*kafka.Message{}
		for p := range int32(12) {
			parts = append(parts, kafka.TopicPartition{Topic: &topic, Partition: p, Offset: 0})
		}
	}
	if err := c.Assign(parts); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *follower) highs(topic string) map[int32]int64 {
	f.t.Helper()
	out := map[int32]int64{}
	for p := range int32(12) {
		servertest.Await(f.t, func() string { // a new topic's leaders may not know it yet
			_, high, err := f.c.QueryWatermarkOffsets(topic, p, 10000)
			if err != nil {
				return err.Error()
			}
			out[p] = high
			return ""
		})
	}
	return out
}

// catchUp reads to where the topics end now.
func (f *follower) catchUp() {
	f.t.Helper()
	for _, topic := range f.topics {
		highs := f.highs(topic)
		servertest.Await(f.t, func() string {
			for p, high := range highs {
				if f.ends[fmt.Sprint(topic, p)] < high {
					f.poll()
					return fmt.Sprintf("%s/%d is read to %d of %d", topic, p, f.ends[fmt.Sprint(topic, p)], high)
				}
			}
			return ""
		})
	}
}

func (f *follower) poll() {
	switch m := f.c.Poll(20).(type) {
	case *kafka.Message:
		if m.TopicPartition.Error == nil {
			f.latest[*m.TopicPartition.Topic][string(m.Key)] = m
			f.all = append(f.all, m)
		}
	case kafka.PartitionEOF:
		f.ends[fmt.Sprint(*m.Topic, m.Partition)] = int64(m.Offset)
	}
}

// told is what was told last of a programme; nil when that it is gone, or nothing.
func (e *env) told(id string) *catalogv1.ProgrammeSections {
	e.t.Helper()
	m := e.latest[e.cluster.Topic(stream.ProgrammeEnriched)][id]
	if m == nil || m.Value == nil {
		return nil
	}
	var ev catalogv1.ProgrammeEnrichedEvent
	if err := proto.Unmarshal(m.Value, &ev); err != nil {
		e.t.Fatal(err)
	}
	return ev.GetPayload()
}

// ids are the videos that a screen has of a programme's section.
func (e *env) ids(programme string, section int, screen catalogv1.Screen) (out []string) {
	e.t.Helper()
	if sections := e.told(programme).GetSections(); section < len(sections) {
		for _, s := range sections[section].GetScreens() {
			if s.GetScreen() == screen {
				for _, v := range s.GetVideos() {
					out = append(out, v.GetId())
				}
			}
		}
	}
	return out
}

// due are the requests whose time has come, in their order; they are gone then.
func (e *env) due(now time.Time) (rs []stream.Record) {
	e.t.Helper()
	requests := e.latest[e.cluster.Topic(stream.ScheduleRequest)]
	var fired []*kafka.Message
	for _, id := range slices.Sorted(maps.Keys(requests)) {
		m := requests[id]
		if m.Value == nil {
			continue
		}
		at, err := strconv.ParseInt(header(m, schedule.HeaderEpoch), 10, 64)
		if err != nil {
			e.t.Fatal(err)
		}
		if at <= now.Unix() {
			fired = append(fired, m)
			delete(requests, id)
		}
	}
	slices.SortStableFunc(fired, func(a, b *kafka.Message) int {
		return strings.Compare(header(a, schedule.HeaderEpoch), header(b, schedule.HeaderEpoch))
	})
	for _, m := range fired {
		if header(m, schedule.HeaderTargetTopic) != e.cluster.Topic(stream.ProgrammeTouched) {
			e.t.Fatalf("a request for %q", header(m, schedule.HeaderTargetTopic))
		}
		rs = append(rs, stream.Record{Topic: stream.ProgrammeTouched, Partition: stream.AnyPartition, Key: []byte(header(m, schedule.HeaderTargetKey)), Value: m.Value})
	}
	return rs
}

func header(m *kafka.Message, key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// advance moves the clock, and plays the scheduler.
func (e *env) advance(now time.Time) {
	e.t.Helper()
	e.setClock(now)
	for rs := e.due(now); len(rs) > 0; rs = e.due(now) {
		e.produce(rs...)
		e.settle()
	}
}
