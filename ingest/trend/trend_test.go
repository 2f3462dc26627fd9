package trend_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	role "regie/ingest/trend"
	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
	userv1 "regie/proto/user/v1"
)

// env is a Kafka and a Redis of the test's own, between which the role is.
type env struct {
	t       *testing.T
	brokers string
	project string
	cluster *stream.Cluster
	redis   redis.UniversalClient
	trend   *trend.Trend
	metrics *role.Metrics
	told    *prometheus.Registry
	writer  *kafka.Producer
	ahead   atomic.Int64 // of the role's clock
}

func open(t *testing.T) *env {
	t.Helper()
	e := &env{t: t, brokers: servertest.Kafka(t), project: servertest.Name(), told: prometheus.NewRegistry()}
	e.metrics = role.NewMetrics(e.told)
	e.cluster = e.member("test")
	servertest.Topics(t, e.cluster, stream.UserProgress, stream.ProgrammeTouched, stream.Dead(role.Role))
	var err error
	if e.redis, err = catalog.Connect(servertest.Redis(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.empty(context.Background()); _ = e.redis.Close() })
	e.trend = trend.New(e.redis, e.project)
	e.connect()
	return e
}

func (e *env) connect() {
	e.t.Helper()
	w, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": e.brokers, "partitioner": "murmur2_random", "enable.idempotence": true})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(w.Close)
	e.writer = w
}

// member is a cluster for an instance.
func (e *env) member(instance string) *stream.Cluster {
	c := stream.New(stream.Config{Brokers: e.brokers, Project: e.project, Instance: instance, Leaves: instance != "test", Log: servertest.Log(e.t)})
	e.t.Cleanup(c.Close)
	return c
}

// empty does to the test's own keys what FLUSHALL does to all.
func (e *env) empty(ctx context.Context) {
	var keys []string
	scan := func(ctx context.Context, c *redis.Client) error {
		for it := c.Scan(ctx, 0, e.project+":*", 1000).Iterator(); it.Next(ctx); {
			keys = append(keys, it.Val())
		}
		return nil
	}
	switch c := e.redis.(type) {
	case *redis.ClusterClient:
		_ = c.ForEachMaster(ctx, scan)
	case *redis.Client:
		_ = scan(ctx, c)
	}
	for _, k := range keys {
		if err := e.redis.Del(ctx, k).Err(); err != nil {
			e.t.Error(err)
		}
	}
}

// now is by the role's clock.
func (e *env) now() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) }

// start runs an instance of the role until the returned function is called.
func (e *env) start(instance string) (c *stream.Consumer, stop func()) {
	e.t.Helper()
	return e.run(instance, true)
}

// run is start, of an instance that may not come to rank what it counts.
func (e *env) run(instance string, ranks bool) (c *stream.Consumer, stop func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	cluster := e.cluster
	if instance != "test" {
		cluster = e.member(instance)
	}
	sink := role.New(cluster, e.trend, e.now, servertest.Log(e.t), e.metrics)
	c = cluster.NewConsumer(stream.ConsumerConfig{Role: role.Role, Topics: role.Inputs(), Sink: sink, MaxBatch: role.MaxBatch})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.Run(ctx) })
	if ranks {
		g.Go(func() error { return sink.Run(ctx) })
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := g.Wait(); err != nil {
			e.t.Error(err)
		}
	})
	e.t.Cleanup(stop)
	return c, stop
}

func (e *env) eventually(what string, wrong func() string) {
	e.t.Helper()
	servertest.Await(e.t, func() string {
		if why := wrong(); why != "" {
			return "still not " + what + ": " + why
		}
		return ""
	})
}

// event is a report, as it comes to Kafka at a time.
type event struct {
	viewer, video, programme string
	at, came                 time.Time
	change                   func(*userv1.ProgressEvent)
}

func (e *env) produce(events ...event) {
	e.t.Helper()
	topic := e.cluster.Topic(stream.UserProgress)
	reports := make(chan kafka.Event, len(events))
	for i, v := range events {
		m := &userv1.ProgressEvent{
			EventUuid: fmt.Sprint("event-", i), OccurredAt: timestamppb.New(v.at), Viewer: v.viewer, EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED,
			Payload: &userv1.Progress{VideoId: v.video, ProgrammeId: v.programme, Position: int32(i), Duration: 5000, SessionId: "one"},
		}
		if v.change != nil {
			v.change(m)
		}
		value, headers, err := stream.Encode(m)
		if err != nil {
			e.t.Fatal(err)
		}
		msg := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}, Key: []byte(v.viewer), Value: value, Timestamp: v.came}
		for _, h := range headers {
			msg.Headers = append(msg.Headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
		}
		if err := e.writer.Produce(msg, reports); err != nil {
			e.t.Fatal(err)
		}
	}
	for range events {
		if m := (<-reports).(*kafka.Message); m.TopicPartition.Error != nil {
			e.t.Fatal(m.TopicPartition.Error)
		}
	}
}

// ranking is one as text, such as "a:3 b:1".
func ranking(items []trend.Item) string {
	var out []string
	for _, i := range items {
		out = append(out, fmt.Sprintf("%s:%d", i.ID, i.Count))
	}
	return strings.Join(out, " ")
}

// served are all rankings at a time, or why one is not known.
func (e *env) served(now time.Time, programmes []string) map[string]string {
	e.t.Helper()
	out := map[string]string{}
	for _, w := range shown {
		for _, kind := range []trend.Kind{trend.Videos, trend.Programmes} {
			items, err := e.trend.Top(e.t.Context(), kind, w, now, 1000)
			if err != nil {
				return map[string]string{"error": err.Error()}
			}
			out[fmt.Sprint(w, " ", kind)] = ranking(items)
		}
		for _, p := range programmes {
			items, err := e.trend.TopOf(e.t.Context(), p, w, now, 1000)
			if err != nil {
				return map[string]string{"error": err.Error()}
			}
			out[fmt.Sprint(w, " of ", p)] = ranking(items)
		}
	}
	maps.DeleteFunc(out, func(_, r string) bool { return r == "" })
	return out
}

var shown = []catalogv1.TrendWindow{catalogv1.TrendWindow_TREND_WINDOW_HOUR, catalogv1.TrendWindow_TREND_WINDOW_DAY, catalogv1.TrendWindow_TREND_WINDOW_WEEK}

// reckoned are the rankings by the topic alone, record by record.
func (e *env) reckoned(now time.Time) map[string]string {
	e.t.Helper()
	viewers := map[string]map[string]map[string]bool{} // of each ranking and item
	erased := map[string]bool{}
	for _, r := range servertest.ReadAll(e.t, e.cluster, stream.UserProgress) {
		var m userv1.ProgressEvent
		if r.Decode(&m) == nil && m.EventType == userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED {
			erased[m.Viewer] = true
		}
		if erased[m.Viewer] {
			continue
		}
		if r.Decode(&m) != nil || m.EventType != userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED || m.GetPayload().GetProgrammeId() == "" {
			continue
		}
		at := m.OccurredAt.AsTime()
		if at.After(r.Time.Add(time.Minute)) || r.Time.Sub(at.Truncate(5*time.Minute)) > role.Grace+5*time.Minute {
			continue
		}
		if at.After(r.Time) {
			at = r.Time
		}
		for _, w := range shown {
			end := trend.WindowOf(w).End(now)
			if at.Before(end.Add(-trend.WindowOf(w).Size)) || !at.Before(end) {
				continue
			}
			for in, item := range map[string]string{
				fmt.Sprint(w, " video"): m.Payload.VideoId, fmt.Sprint(w, " programme"): m.Payload.ProgrammeId, fmt.Sprint(w, " of ", m.Payload.ProgrammeId): m.Payload.VideoId,
			} {
				if viewers[in] == nil {
					viewers[in] = map[string]map[string]bool{}
				}
				if viewers[in][item] == nil {
					viewers[in][item] = map[string]bool{}
				}
				viewers[in][item][m.Viewer] = true
			}
		}
	}
	out := map[string]string{}
	for in, counts := range viewers {
		var items []trend.Item
		for id, who := range counts {
			items = append(items, trend.Item{ID: id, Count: int64(len(who))})
		}
		slices.SortFunc(items, func(a, b trend.Item) int {
			if a.Before(b) {
				return -1
			}
			return 1
		})
		out[in] = ranking(items)
	}
	return out
}

// compare waits until what is served by the role's clock is what the topic says.
func (e *env) compare(what string) {
	e.t.Helper()
	e.eventually(what, func() string {
		now := e.now()
		want := e.reckoned(now)
		var programmes []string
		for in := range want {
			if _, p, ok := strings.Cut(in, " of "); ok && !slices.Contains(programmes, p) {
				programmes = append(programmes, p)
			}
		}
		return cmp.Diff(want, e.served(now, programmes))
	})
}

// audience is random events of the last days, in the order in which they came: some late, some twice, some too late.
func audience(r *rand.Rand, n, days int) []event {
	came := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
	erased := func(m *userv1.ProgressEvent) {
		m.EventType, m.Payload = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED, nil
	}
	step := time.Since(came) / time.Duration(n)
	var out []event
	for range n {
		came = came.Add(step)
		video := r.IntN(12)
		v := event{viewer: fmt.Sprint("viewer-", r.IntN(40)), video: fmt.Sprint("v", video), programme: fmt.Sprint("p", video/4), at: came, came: came}
		switch r.IntN(10) {
		case 0, 1:
			v.at = came.Add(-time.Duration(r.IntN(8*3600)) * time.Second)
		case 2:
			v.at = came.Add(time.Duration(r.IntN(90)) * time.Second)
		case 3:
			v.programme = "p9" // it is of another one for a while
		}
		if r.IntN(200) == 0 && time.Since(came) < 5*24*time.Hour {
			v.change = erased
		}
		if out = append(out, v); r.IntN(3) == 0 {
			v.at, v.came = v.at.Add(10*time.Second), came.Add(10*time.Second)
			out = append(out, v)
		}
	}
	return out
}

func TestWhatIsWatchedIsCounted(t *testing.T) {
	t.Parallel()
	e := open(t)
	now := time.Now()
	e.produce(
		event{"a", "v1", "p1", now, now, nil}, event{"a", "v1", "p1", now, now, nil}, event{"b", "v1", "p1", now, now, nil},
		event{"c", "v2", "p1", now, now, nil}, event{"a", "v3", "p2", now.Add(-2 * time.Hour), now, nil}, event{"b", "v4", "p2", now.Add(-30 * time.Hour), now.Add(-30 * time.Hour), nil},
	)
	e.start("test")
	e.eventually("all is ranked", func() string {
		return cmp.Diff(map[string]string{
			"TREND_WINDOW_HOUR video": "v1:2 v2:1", "TREND_WINDOW_HOUR programme": "p1:3", "TREND_WINDOW_HOUR of p1": "v1:2 v2:1",
			"TREND_WINDOW_DAY video": "v1:2 v2:1 v3:1", "TREND_WINDOW_DAY programme": "p1:3 p2:1", "TREND_WINDOW_DAY of p1": "v1:2 v2:1", "TREND_WINDOW_DAY of p2": "v3:1",
			"TREND_WINDOW_WEEK video": "v1:2 v2:1 v3:1 v4:1", "TREND_WINDOW_WEEK programme": "p1:3 p2:2", "TREND_WINDOW_WEEK of p1": "v1:2 v2:1", "TREND_WINDOW_WEEK of p2": "v3:1 v4:1",
		}, e.served(time.Now(), []string{"p1", "p2"}))
	})
	e.compare("the topic says the same")
	began := time.Now()
	e.produce(event{"d", "v5", "p3", began, began, nil})
	e.eventually("it is seen soon", func() string {
		items, err := e.trend.TopOf(t.Context(), "p3", catalogv1.TrendWindow_TREND_WINDOW_HOUR, time.Now(), 5)
		if err != nil || ranking(items) != "v5:1" {
			return fmt.Sprint(items, err)
		}
		return ""
	})
	t.Attr("seen-after", time.Since(began).Round(time.Millisecond).String())
}

// TestTheRoleIsKilledMovedAndEmptied under events of a week that go on: instances end anywhere and come back, share the
// partitions, and Redis is emptied in the middle. What is ranked is what the topic says.
func TestTheRoleIsKilledMovedAndEmptied(t *testing.T) {
	t.Parallel()
	e := open(t)
	r := rand.New(rand.NewPCG(7, 7))
	events := audience(r, 3000, 9)
	some := func() {
		n := min(len(events), 300)
		e.produce(events[:n]...)
		events = events[n:]
	}
	some()
	one, stopOne := e.start("one")
	e.eventually("the first is ready", notYet(one))
	stopTwo := func() {}
	for round := 0; len(events) > 0; round++ {
		some()
		switch {
		case round == 0: // another comes, and both have a share
			_, stopTwo = e.start("two")
		case round == 2:
			e.empty(t.Context())
		case round%2 == 1: // at once, with what is under way
			stopOne()
			some()
			_, stopOne = e.start("one")
		default:
			stopTwo()
			_, stopTwo = e.start("two")
		}
	}
	e.compare("all is ranked")
	stopOne()
	e.produce(audience(r, 200, 1)...)
	e.compare("what one left, the other has")
	stopTwo()
}

// TestWhatAnInstanceCountedAndDidNotRank its partitions' next owner ranks.
func TestWhatAnInstanceCountedAndDidNotRank(t *testing.T) {
	t.Parallel()
	e := open(t)
	two, _ := e.start("two")
	e.eventually("the other is ready", notYet(two))
	one, stopOne := e.run("one", false)
	e.eventually("one is ready", notYet(one))
	now := time.Now()
	var events []event
	for i := range 60 {
		events = append(events, event{fmt.Sprint("viewer-", i), fmt.Sprint("v", i), "p1", now, now, nil})
	}
	e.produce(events...)
	e.eventually("all is counted", func() string {
		if n := e.counts()["events counted"]; n != len(events) {
			return fmt.Sprint(n, " are")
		}
		return ""
	})
	stopOne()
	e.compare("all is ranked")
}

func notYet(c *stream.Consumer) func() string {
	return func() string {
		if err := c.Waiting(); err != nil {
			return err.Error()
		}
		return ""
	}
}

// lossy loses what is asked of Redis now and then, or the answers.
type lossy struct {
	mu sync.Mutex
	r  *rand.Rand
	n  int
}

func (l *lossy) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *lossy) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (l *lossy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		l.mu.Lock()
		fate := l.r.IntN(20)
		if fate < 2 {
			l.n++
		}
		l.mu.Unlock()
		lost := errors.New("lost by the test")
		switch fate {
		case 0:
		case 1:
			_ = next(ctx, cmds)
		default:
			return next(ctx, cmds)
		}
		for _, cmd := range cmds {
			cmd.SetErr(lost)
		}
		return lost
	}
}

// TestWhatIsAskedOfRedisIsLost, or was done and the answer is lost: all is counted once.
func TestWhatIsAskedOfRedisIsLost(t *testing.T) {
	t.Parallel()
	e := open(t)
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("TEST_REDIS") == "" { // the same one
		_ = client.Close()
		if client, err = catalog.Connect("redis://" + e.redis.(*redis.Client).Options().Addr); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = client.Close() })
	l := &lossy{r: rand.New(rand.NewPCG(7, 8))}
	client.AddHook(l)
	reliable := e.trend
	e.trend = trend.New(client, e.project)
	e.start("test")
	e.trend = reliable
	r := rand.New(rand.NewPCG(7, 9))
	for l.lost() < 10 {
		for some := range slices.Chunk(audience(r, 1200, 2), 100) {
			e.produce(some...)
		}
		e.compare("all is ranked")
	}
}

func (l *lossy) lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// deaf does not hear, once, what a ranking of the week answers.
type deaf struct {
	armed, done atomic.Bool
}

func (d *deaf) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (d *deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err != nil || !strings.Contains(fmt.Sprint(cmds[0].Args()...), ":trend:week:") || cmds[0].Name() != "evalsha" || !d.armed.CompareAndSwap(true, false) {
			return err
		}
		lost := errors.New("lost by the test")
		for _, cmd := range cmds {
			cmd.SetErr(lost)
		}
		d.done.Store(true)
		return lost
	}
}

// TestAnOrderThatWasNotHeard of is told all the same: when it is asked for again, nothing changes any more.
func TestAnOrderThatWasNotHeard(t *testing.T) {
	t.Parallel()
	e := open(t)
	d := &deaf{}
	e.redis.AddHook(d)
	c, _ := e.start("test")
	e.eventually("it is ready", notYet(c))
	now := time.Now()
	e.produce(event{"a", "v1", "p1", now, now, nil})
	e.compare("all is ranked")
	e.eventually("the first is told of", func() string {
		if e.touched()["p1"] == 0 {
			return "not yet"
		}
		return ""
	})
	d.armed.Store(true)
	e.produce(event{"a", "v2", "p2", now, now, nil})
	e.eventually("it is told of", func() string {
		if n := e.touched()["p2"]; n == 0 {
			return fmt.Sprint("not heard: ", d.done.Load())
		}
		return ""
	})
	if !d.done.Load() {
		t.Error("all was heard")
	}
}

// touched are the programmes that were told of, and how often.
func (e *env) touched() map[string]int {
	e.t.Helper()
	out := map[string]int{}
	for _, r := range servertest.ReadAll(e.t, e.cluster, stream.ProgrammeTouched) {
		var m catalogv1.ProgrammeTouchedEvent
		if err := r.Decode(&m); err != nil || m.Reason != catalogv1.TouchReason_TOUCH_REASON_TREND || m.EventUuid == "" {
			e.t.Fatal(&m, err)
		}
		out[string(r.Key)]++
	}
	return out
}

// TestAnEmptyRedisIsFilledFromWhatStillCounts: not from the beginning of a log that is kept for ever.
func TestAnEmptyRedisIsFilledFromWhatStillCounts(t *testing.T) {
	t.Parallel()
	e := open(t)
	now := time.Now()
	var events []event
	for i := range 2000 {
		came := now.Add(-time.Duration(2000-i) * 40 * 24 * time.Hour / 2000) // from 40 days ago on
		events = append(events, event{fmt.Sprint("viewer-", i%20), "v1", "p1", came, came, nil})
	}
	e.produce(events...)
	c, stop := e.start("test")
	e.eventually("it is ready", notYet(c))
	e.compare("all is ranked")
	if n := e.counts()["events past"] + e.counts()["events counted"] + e.counts()["events repeated"]; n == 0 || n > 500 {
		t.Errorf("%d records were read; those of eight days are about 360", n)
	}
	before := e.counts()["events counted"]
	stop()
	c, _ = e.start("test")
	e.eventually("it is ready again", notYet(c))
	e.compare("nothing has changed")
	if n := e.counts()["events counted"]; n != before {
		t.Errorf("%d were counted again", n-before)
	}
	e.empty(t.Context())
	for i := range 20 { // a partition without records would be looked at in half a minute, where looking takes long
		e.produce(event{fmt.Sprint("viewer-", i), "v2", "p1", now, now, nil})
	}
	e.compare("it is filled again")
}

// counts are the role's metrics, such as "late dropped".
func (e *env) counts() map[string]int {
	e.t.Helper()
	fs, err := e.told.Gather()
	if err != nil {
		e.t.Fatal(err)
	}
	m := map[string]int{}
	for _, f := range fs {
		for _, x := range f.GetMetric() {
			if name, ok := strings.CutPrefix(f.GetName(), "regie_trend_"); ok && len(x.GetLabel()) == 1 {
				m[strings.TrimSuffix(name, "_total")+" "+x.GetLabel()[0].GetValue()] = int(x.GetCounter().GetValue())
			}
		}
	}
	return m
}

// TestLateEvents: within the grace they count, after it they do not, and both is told.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	e := open(t)
	now := time.Now()
	e.produce(
		event{"a", "v1", "p1", now.Add(-5 * time.Hour), now, nil},
		event{"b", "v1", "p1", now.Add(-role.Grace - 6*time.Minute), now, nil},
		event{"c", "v1", "p1", now.AddDate(-1, 0, 0), now, nil},
		event{"d", "v1", "p1", now.Add(time.Hour), now, nil},
		event{"e", "v1", "p1", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), now, nil},
		event{"f", "v1", "p1", now, now, nil},
		event{"f", "v1", "p1", now, now, nil},
		event{"g", "v1", "p1", now, now, func(m *userv1.ProgressEvent) { m.EventType = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED }},
		event{"f", "", "", now, now, func(m *userv1.ProgressEvent) {
			m.EventType, m.Payload = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED, nil
		}},
		event{"f", "v2", "p1", now, now, nil}, // of an instance that had not heard of it
	)
	c, _ := e.start("test")
	e.eventually("all is read", notYet(c))
	e.compare("all is ranked")
	e.eventually("v1 was watched by two today", func() string { // be it another hour by now
		items, err := e.trend.Top(t.Context(), trend.Videos, catalogv1.TrendWindow_TREND_WINDOW_DAY, time.Now(), 5)
		if err != nil || ranking(items) != "v1:2" {
			return fmt.Sprint(items, err)
		}
		return ""
	})
	want := map[string]int{
		"events counted": 2, "events repeated": 1, "events late": 2, "events future": 2, "events past": 0, "events other": 3, "events rejected": 0,
		"late counted": 1, "late dropped": 2,
	}
	if diff := cmp.Diff(want, e.counts()); diff != "" {
		t.Error(diff)
	}
}

// TestTheClockIsSet back, and nothing is lost; ahead, and what comes meanwhile is missing in the windows that have ended by it.
func TestTheClockIsSet(t *testing.T) {
	t.Parallel()
	e := open(t)
	c, _ := e.start("test")
	e.eventually("ready", notYet(c))
	view := func(viewer string, ago time.Duration) {
		t.Helper()
		before := e.counts()["events counted"]
		e.produce(event{viewer, "v1", "p1", time.Now().Add(-ago), time.Now(), nil})
		e.eventually("counted", func() string {
			if n := e.counts()["events counted"]; n == before {
				return fmt.Sprint(n, " were")
			}
			return ""
		})
	}
	ranked := func(w catalogv1.TrendWindow, at time.Duration, want string) {
		t.Helper()
		e.eventually("ranked", func() string {
			items, err := e.trend.Top(t.Context(), trend.Videos, w, time.Now().Add(at), 10)
			if err != nil {
				return err.Error()
			}
			return cmp.Diff(want, ranking(items))
		})
	}
	view("a", 0)
	e.compare("ranked")
	e.ahead.Store(-int64(3 * time.Hour))
	view("b", 0)
	view("late", 3*time.Hour)
	ranked(catalogv1.TrendWindow_TREND_WINDOW_HOUR, -3*time.Hour, "v1:1") // so the other was, too, in the windows of that time
	e.ahead.Store(0)
	e.compare("ranked, when the clock is right again")
	e.ahead.Store(int64(3 * time.Hour))
	view("c", 0)
	ranked(catalogv1.TrendWindow_TREND_WINDOW_DAY, 3*time.Hour, "v1:4")
	e.ahead.Store(0)
	view("d", 0)
	ranked(catalogv1.TrendWindow_TREND_WINDOW_HOUR, 0, "v1:3")
}

func TestWhatCanNeverBeCountedIsSetAside(t *testing.T) {
	t.Parallel()
	e := open(t)
	now := time.Now()
	bad := map[string]func(*userv1.ProgressEvent){
		`the event's viewer "b" is not the record's key "a"`:  func(m *userv1.ProgressEvent) { m.Viewer = "b" },
		"occurred_at is missing":                              func(m *userv1.ProgressEvent) { m.OccurredAt = nil },
		"occurred_at -5 s is no time after 1970":              func(m *userv1.ProgressEvent) { m.OccurredAt = &timestamppb.Timestamp{Seconds: -5} },
		"event_type 77 is none that is known":                 func(m *userv1.ProgressEvent) { m.EventType = 77 },
		"video_id has 0 bytes; it must have 1 to 500":         func(m *userv1.ProgressEvent) { m.Payload.VideoId = "" },
		"programme_id has 600 bytes; it must have 1 to 500":   func(m *userv1.ProgressEvent) { m.Payload.ProgrammeId = strings.Repeat("x", 600) },
		"event_type PROGRESS_EVENT_TYPE_UNSPECIFIED is none":  func(m *userv1.ProgressEvent) { m.EventType = 0 },
		"occurred_at 999999999999999 s is no time after 1970": func(m *userv1.ProgressEvent) { m.OccurredAt = &timestamppb.Timestamp{Seconds: 999999999999999} },
	}
	var events []event
	for _, change := range bad {
		events = append(events, event{"a", "v2", "p1", now, now, change})
	}
	e.produce(append(events, event{"a", "v1", "p1", now, now, nil}, event{"a viewer", "v1", "p1", now, now, nil})...)
	c, _ := e.start("test")
	e.eventually("all is read", notYet(c))
	e.eventually("their neighbour counts", func() string {
		items, err := e.trend.Top(t.Context(), trend.Videos, trend.Lately, time.Now(), 5)
		if err != nil || ranking(items) != "v1:1" {
			return fmt.Sprint(items, err)
		}
		return ""
	})
	var reasons []string
	for _, r := range servertest.ReadAll(t, e.cluster, stream.Dead(role.Role)) {
		reasons = append(reasons, r.Headers.Get(stream.HeaderReason))
	}
	for want := range bad {
		if !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, want) }) {
			t.Errorf("no reason says %q: %q", want, reasons)
		}
	}
	if len(reasons) != len(bad)+1 || e.counts()["events rejected"] != len(bad)+1 {
		t.Errorf("%d are set aside instead of %d: %q, %v", len(reasons), len(bad)+1, reasons, e.counts())
	}
}

// TestProgrammesAreTouchedWhenTheirOrderChanges, and no oftener than every half minute.
func TestProgrammesAreTouchedWhenTheirOrderChanges(t *testing.T) {
	t.Parallel()
	e := open(t)
	now := time.Now()
	e.ahead.Store(int64(trend.WindowOf(trend.Lately).End(now).Sub(now))) // hours before another window begins, which all would be told of
	c, _ := e.start("test")
	e.eventually("it is ready", notYet(c))
	key := func(programme string) string { return e.project + ":trend:touched:" + programme }
	e.produce(event{"a", "v1", "p1", now, now, nil}, event{"a", "v2", "p2", now, now, nil})
	e.eventually("both are told of", func() string { return cmp.Diff(map[string]int{"p1": 1, "p2": 1}, e.touched()) })
	if there, err := e.redis.Persist(t.Context(), key("p1")).Result(); !there || err != nil { // the half minute is over when the test says so
		t.Fatal("more than half a minute has gone by: ", err)
	}
	e.produce(event{"a", "v3", "p1", now, now, nil}, event{"b", "v2", "p2", now, now, nil}, event{"a", "v4", "p4", now, now, nil})
	e.eventually("the new one is told of", func() string { return cmp.Diff(map[string]int{"p1": 1, "p2": 1, "p4": 1}, e.touched()) })
	e.compare("all is ranked")
	if diff := cmp.Diff(map[string]int{"p1": 1, "p2": 1, "p4": 1}, e.touched()); diff != "" {
		t.Errorf("p1 was told of a moment ago, and p2 is in the same order: %s", diff)
	}
	for _, p := range []string{"p1", "p2", "p4"} { // as if half a minute had gone by
		if n, err := e.redis.Del(t.Context(), key(p)).Result(); n != 1 && p == "p1" || err != nil {
			t.Fatalf("%s: %d, %v", p, n, err)
		}
	}
	e.eventually("what was not told of then is now", func() string { return cmp.Diff(map[string]int{"p1": 2, "p2": 1, "p4": 1}, e.touched()) })
}
