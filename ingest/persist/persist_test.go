package persist_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/ingest/persist"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	userv1 "regie/proto/user/v1"
)

// env is the role between a Kafka and a store of the test's own.
type env struct {
	*stream.Cluster
	t       *testing.T
	store   *flaky
	metrics *prometheus.Registry
	sink    *persist.Sink
}

func open(t *testing.T) *env {
	t.Helper()
	e := &env{t: t, Cluster: servertest.Cluster(t, append(persist.Inputs(), stream.Dead(persist.Role))...), metrics: prometheus.NewRegistry()}
	e.store = &flaky{Store: openBolt(t)}
	e.sink = persist.New(e.store, time.Now, servertest.Log(t), persist.NewMetrics(e.metrics))
	return e
}

func openBolt(t *testing.T) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// flaky is a store that fails when it is told to.
type flaky struct {
	*boltstore.Store
	mu sync.Mutex
	// calls are the viewers of each call of Apply that succeeded.
	calls [][]string
	// fail is asked before each call: after an error half of it is done.
	fail func(call int) error
	n    int
}

func (f *flaky) Apply(ctx context.Context, changes []users.Changes, positions map[string]stream.Position) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.fail != nil {
		if err := f.fail(f.n); err != nil {
			_ = f.Store.Apply(ctx, changes[:len(changes)/2], nil)
			return err
		}
	}
	var viewers []string
	for _, c := range changes {
		viewers = append(viewers, c.Viewer)
	}
	f.calls = append(f.calls, viewers)
	return f.Store.Apply(ctx, changes, positions)
}

func (f *flaky) Positions(ctx context.Context, partitions []string) (map[string]stream.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Store.Positions(ctx, partitions)
}

// start runs the role until the returned function is called.
func (e *env) start() (c *stream.Consumer, stop func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	c = e.NewConsumer(stream.ConsumerConfig{Role: persist.Role, Topics: persist.Inputs(), Sink: e.sink, MaxBatch: persist.MaxBatch})
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	})
	e.t.Cleanup(stop)
	return c, stop
}

func (e *env) produce(rs ...stream.Record) []stream.Delivery {
	e.t.Helper()
	p, err := e.NewProducer()
	if err != nil {
		e.t.Fatal(err)
	}
	defer p.Close()
	ds, err := p.Produce(e.t.Context(), rs)
	if err != nil {
		e.t.Fatal(err)
	}
	return ds
}

var began = time.Now().Add(-time.Hour).Truncate(time.Second)

func at(seconds int) *timestamppb.Timestamp {
	return timestamppb.New(began.Add(time.Duration(seconds) * time.Second))
}

func favourite(viewer, target string, seconds int) *userv1.FavouriteEvent {
	return &userv1.FavouriteEvent{
		EventUuid: fmt.Sprintf("event-%06d", seconds), OccurredAt: at(seconds), Viewer: viewer,
		EventType: userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ADDED, Payload: &userv1.Favourite{TargetId: target},
	}
}

func report(viewer, video string, seconds int) *userv1.ProgressEvent {
	return &userv1.ProgressEvent{
		EventUuid: fmt.Sprintf("event-%06d", seconds), OccurredAt: at(seconds), Viewer: viewer,
		EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED,
		Payload:   &userv1.Progress{VideoId: video, ProgrammeId: "p-" + video, Position: int32(seconds), Duration: 5000},
	}
}

func as(e *userv1.ProgressEvent, kind userv1.ProgressEventType) *userv1.ProgressEvent {
	e.EventType = kind
	return e
}

func record(e interface {
	proto.Message
	GetViewer() string
}) stream.Record {
	topic := stream.UserProgress
	if _, ok := e.(*userv1.FavouriteEvent); ok {
		topic = stream.UserFavourite
	}
	value, headers, err := stream.Encode(e)
	if err != nil {
		panic(err)
	}
	return stream.Record{Topic: topic, Partition: stream.AnyPartition, Key: []byte(e.GetViewer()), Value: value, Headers: headers}
}

// state is a viewer's, such as "video:v1 | v1@10".
func (e *env) state(viewer string) string {
	e.t.Helper()
	fs, _, err := e.store.List(e.t.Context(), viewer, users.AllFavourites, users.Version{}, 1000, true)
	if err != nil {
		e.t.Fatal(err)
	}
	ps, _, err := e.store.List(e.t.Context(), viewer, users.AllProgress, users.Version{}, 1000, true)
	if err != nil {
		e.t.Fatal(err)
	}
	var favourites, progress []string
	for _, f := range fs.Favourites {
		favourites = append(favourites, f.Target)
	}
	for _, p := range ps.Progress {
		progress = append(progress, fmt.Sprintf("%s@%d", p.VideoId, p.Position))
	}
	return strings.Join(favourites, " ") + " | " + strings.Join(progress, " ")
}

// counts are the role's metric, by collection and outcome.
func (e *env) counts() map[string]int {
	e.t.Helper()
	fs, err := e.metrics.Gather()
	if err != nil {
		e.t.Fatal(err)
	}
	m := map[string]int{}
	for _, f := range fs {
		for _, x := range f.GetMetric() {
			m[x.GetLabel()[0].GetValue()+" "+x.GetLabel()[1].GetValue()] = int(x.GetCounter().GetValue())
		}
	}
	return m
}

func TestWhatViewersDoIsStored(t *testing.T) {
	e := open(t)
	const (
		removed = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED
		cleared = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED
		erased  = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED
	)
	unfavourite := favourite("a", "programme:p1", 20)
	unfavourite.EventType = userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED
	forget := favourite("d", "", 90)
	forget.EventType, forget.Payload = userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ERASED, nil
	e.produce(
		record(favourite("a", "video:v1", 10)), record(favourite("a", "programme:p1", 15)), record(unfavourite),
		record(report("a", "v1", 10)), record(report("a", "v1", 30)), record(report("a", "v1", 20)), // the last came late
		record(report("b", "v1", 10)), record(report("b", "v2", 20)), record(as(report("b", "v1", 30), removed)),
		record(report("c", "v1", 10)), record(report("c", "v2", 20)), record(as(report("c", "", 15), cleared)), record(report("c", "v3", 12)),
		record(favourite("d", "video:v1", 10)), record(report("d", "v1", 10)), record(forget), record(as(report("d", "", 90), erased)),
	)
	c, _ := e.start()
	servertest.Eventually(e.t, "all is read", c.Ready)
	for viewer, want := range map[string]string{"a": "video:v1 | v1@30", "b": " | v2@20", "c": " | v2@20", "d": " | "} {
		if got := e.state(viewer); got != want {
			t.Errorf("%s has %q instead of %q", viewer, got, want)
		}
	}
}

// TestNothingFollowsAnErasure, in the same batch or in one that comes later; and whoever reads all again finds the same.
func TestNothingFollowsAnErasure(t *testing.T) {
	e := open(t)
	erased := favourite("a", "", 20)
	erased.EventType, erased.Payload = userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ERASED, nil
	events := func(second int) []stream.Record {
		return []stream.Record{record(favourite("a", "video:v1", second)), record(report("a", "v1", second)), record(favourite("b", "video:v1", second))}
	}
	e.produce(slices.Concat(events(10), []stream.Record{record(erased), record(as(report("a", "", 20), userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED))}, events(30))...)
	c, stop := e.start()
	servertest.Eventually(e.t, "all is read", c.Ready)
	e.produce(events(40)...)
	e.produce(record(report("b", "v2", 50)))
	servertest.Eventually(e.t, "what comes later is applied", func() bool { return e.state("b") == "video:v1 | v2@50" })
	stop()
	e.store.mu.Lock()
	left := e.store.Store
	e.store.Store = openBolt(t)
	e.store.mu.Unlock()
	c, _ = e.start()
	servertest.Eventually(e.t, "all is read again", c.Ready)
	for name, store := range map[string]users.Store{"at first": left, "read again": e.store.Store} {
		rows, err := store.Read(t.Context(), "a", []string{"video:v1", "programme:p-v1"}, true)
		if err != nil || len(rows.Favourites)+len(rows.Progress) > 0 {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
	if n := e.counts(); n["favourite rejected"]+n["progress rejected"] > 0 {
		t.Errorf("counts: %v", n)
	}
}

func TestABatchIsCoalesced(t *testing.T) {
	e := open(t)
	var rs []stream.Record
	for i := range 1000 {
		rs = append(rs, record(report(fmt.Sprint("viewer-", i%10), "v1", i)))
	}
	rs = append(rs, record(favourite("viewer-1", "video:v1", 1)), record(as(report("viewer-1", "", 5000), userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED)))
	e.produce(rs...)
	c, _ := e.start()
	servertest.Eventually(e.t, "all is read", c.Ready)
	n := e.counts()
	if all := n["progress applied"] + n["progress coalesced"]; all != 1001 || n["progress applied"] > 60 {
		t.Errorf("counts: %v", n)
	}
	if n["favourite applied"] != 1 || n["favourite coalesced"] != 0 || n["progress rejected"] != 0 {
		t.Errorf("counts: %v", n)
	}
}

// TestPositionsAreWhatIsApplied: once a position is there, so is what comes before it.
func TestPositionsAreWhatIsApplied(t *testing.T) {
	e := open(t)
	e.start()
	for i := range 20 {
		viewer := fmt.Sprint("viewer-", i)
		d := e.produce(record(report(viewer, "v1", i)))[0]
		name := fmt.Sprintf("%s/%d", stream.UserProgress, d.Partition)
		servertest.Eventually(e.t, "the position passes "+name, func() bool {
			ps, err := e.store.Positions(t.Context(), []string{name})
			if err != nil {
				t.Fatal(err)
			}
			return ps[name].Offset > d.Offset
		})
		if got, want := e.state(viewer), fmt.Sprintf(" | v1@%d", i); got != want {
			t.Errorf("the position is there, and %s has %q", viewer, got)
		}
	}
}

func TestWhatCanNeverBeAppliedIsSetAside(t *testing.T) {
	e := open(t)
	good := record(report("a", "v1", 10))
	with := func(change func(*userv1.ProgressEvent)) stream.Record {
		r := report("a", "v2", 20)
		change(r)
		out := record(r)
		out.Key = []byte("a")
		return out
	}
	withFavourite := func(change func(*userv1.FavouriteEvent)) stream.Record {
		f := favourite("a", "video:v2", 20)
		change(f)
		return record(f)
	}
	broken, empty, strange := good, good, good
	broken.Value, empty.Value = []byte("\xff\xff\xff"), nil
	strange.Headers = stream.Headers{{Key: stream.HeaderContentType, Value: "text/plain"}}
	bad := map[string]stream.Record{
		"decoding regie.user.v1.ProgressEvent":                                        broken,
		"the record has no value":                                                     empty,
		`content-type "text/plain" is neither`:                                        strange,
		`the event's viewer "b" is not the record's key "a"`:                          with(func(p *userv1.ProgressEvent) { p.Viewer = "b" }),
		`event_uuid "" must be 1 to 100 printable characters`:                         with(func(p *userv1.ProgressEvent) { p.EventUuid = "" }),
		"occurred_at is missing":                                                      with(func(p *userv1.ProgressEvent) { p.OccurredAt = nil }),
		"occurred_at -5 s is no time after 1970":                                      with(func(p *userv1.ProgressEvent) { p.OccurredAt = &timestamppb.Timestamp{Seconds: -5} }),
		"event_type 77 is none that is known":                                         with(func(p *userv1.ProgressEvent) { p.EventType = 77 }),
		"event_type FAVOURITE_EVENT_TYPE_UNSPECIFIED is none that is known":           withFavourite(func(f *userv1.FavouriteEvent) { f.EventType = 0 }),
		"video_id has 0 bytes; it must have 1 to 500":                                 with(func(p *userv1.ProgressEvent) { p.Payload = nil }),
		"video_id has 600 bytes":                                                      with(func(p *userv1.ProgressEvent) { p.Payload.VideoId = strings.Repeat("x", 600) }),
		"programme_id has 0 bytes":                                                    with(func(p *userv1.ProgressEvent) { p.Payload.ProgrammeId = "" }),
		"session_id has 501 bytes":                                                    with(func(p *userv1.ProgressEvent) { p.Payload.SessionId = strings.Repeat("x", 501) }),
		"position -1 and duration 5000 must not be negative":                          with(func(p *userv1.ProgressEvent) { p.Payload.Position = -1 }),
		`target_id "person:p1" is neither programme:ID nor video:ID`:                  withFavourite(func(f *userv1.FavouriteEvent) { f.Payload.TargetId = "person:p1" }),
		`target_id "video:" is neither programme:ID nor video:ID`:                     withFavourite(func(f *userv1.FavouriteEvent) { f.Payload.TargetId = "video:" }),
		`viewer "a viewer" must be 1 to 100 printable characters of ASCII`:            withFavourite(func(f *userv1.FavouriteEvent) { f.Viewer = "a viewer" }),
		fmt.Sprintf("viewer %q must be 1 to 100 printable", strings.Repeat("x", 200)): withFavourite(func(f *userv1.FavouriteEvent) { f.Viewer = strings.Repeat("x", 200) }),
	}
	rs := append(slices.Collect(maps.Values(bad)), good, record(favourite("a", "video:v1", 10)))
	e.produce(rs...)
	c, _ := e.start()
	servertest.Eventually(e.t, "all is read", c.Ready)
	if got := e.state("a"); got != "video:v1 | v1@10" {
		t.Errorf("their neighbours: %q", got)
	}
	var reasons []string
	for _, r := range servertest.ReadAll(t, e.Cluster, stream.Dead(persist.Role)) {
		reasons = append(reasons, r.Headers.Get(stream.HeaderReason))
		if r.Headers.Get(stream.HeaderOrigin) == "" {
			t.Errorf("%q has no origin", r.Headers)
		}
	}
	for want := range bad {
		if !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, want) }) {
			t.Errorf("no reason says %q", want)
		}
	}
	if len(reasons) != len(bad) {
		t.Errorf("%d are set aside instead of %d: %q", len(reasons), len(bad), reasons)
	}
	n := e.counts()
	if n["progress rejected"]+n["favourite rejected"] != len(bad) {
		t.Errorf("counts: %v", n)
	}
}

// TestWhatIsStoredOfABatchIsNotTriedAgain: else a batch too large for the time that it has would never be done.
func TestWhatIsStoredOfABatchIsNotTriedAgain(t *testing.T) {
	e := open(t)
	e.store.fail = func(call int) error {
		if call%2 == 0 {
			return fmt.Errorf("of the test: %w", users.ErrUnavailable)
		}
		return nil
	}
	b := &stream.Batch{}
	for i := range 2200 {
		r := record(report(fmt.Sprint("viewer-", i), "v1", i))
		r.Partition, r.Offset, r.TopicID, r.Fence.Incarnation = int32(i%3), int64(i/3), "topic", 5
		b.Records = append(b.Records, r)
	}
	for attempt := 1; ; attempt++ {
		err := e.sink.Apply(t.Context(), b)
		if err == nil {
			break
		}
		if !errors.Is(err, users.ErrUnavailable) || attempt > 10 {
			t.Fatal(err)
		}
		if ps, err := e.store.Positions(t.Context(), []string{"user.progress/0"}); len(ps) > 0 || err != nil {
			t.Fatalf("a position is stored before all is: %v, %v", ps, err)
		}
	}
	seen := map[string]int{}
	for _, viewers := range e.store.calls {
		for _, v := range viewers {
			seen[v]++
		}
	}
	for v, n := range seen {
		if n != 1 {
			t.Fatalf("%s was stored %d times", v, n)
		}
	}
	if len(seen) != 2200 {
		t.Errorf("%d viewers were stored", len(seen))
	}
	got, err := e.store.Positions(t.Context(), []string{"user.progress/0", "user.progress/1", "user.progress/2"})
	want := map[string]stream.Position{
		"user.progress/0": {TopicID: "topic", Incarnation: 5, Offset: 734},
		"user.progress/1": {TopicID: "topic", Incarnation: 5, Offset: 733},
		"user.progress/2": {TopicID: "topic", Incarnation: 5, Offset: 733},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestAStoreThatFails: now and then, in the middle of a call; and the role is started again meanwhile.
func TestAStoreThatFails(t *testing.T) {
	e := open(t)
	r := rand.New(rand.NewPCG(6, 6))
	e.store.fail = func(int) error {
		if r.IntN(3) == 0 {
			return fmt.Errorf("of the test: %w", users.ErrUnavailable)
		}
		return nil
	}
	want := map[string]int{}
	for round := range 5 {
		_, stop := e.start()
		var rs []stream.Record
		for i := range 200 {
			viewer, second := fmt.Sprint("viewer-", i%40), round*200+r.IntN(200)
			rs = append(rs, record(report(viewer, "v1", second)))
			want[viewer] = max(want[viewer], second)
		}
		e.produce(rs...)
		if round%2 == 0 {
			stop()
		}
		if round == 4 {
			_, stop = e.start()
			servertest.Eventually(e.t, "all is stored", func() bool {
				for viewer, second := range want {
					if e.state(viewer) != fmt.Sprintf(" | v1@%d", second) {
						return false
					}
				}
				return true
			})
		}
		stop()
	}
}

// TestADeadLetterIsWrittenOnce, however often the store fails.
func TestADeadLetterIsWrittenOnce(t *testing.T) {
	e := open(t)
	e.store.fail = func(call int) error {
		if call < 5 {
			return fmt.Errorf("of the test: %w", users.ErrUnavailable)
		}
		return nil
	}
	bad := record(report("a", "v1", 10))
	bad.Value = nil
	e.produce(bad, record(report("a", "v1", 20)))
	c, _ := e.start()
	servertest.Eventually(e.t, "all is read", c.Ready)
	if dead := len(servertest.ReadAll(t, e.Cluster, stream.Dead(persist.Role))); dead != 1 || e.state("a") != " | v1@20" {
		t.Errorf("%d dead letters, and a has %q", dead, e.state("a"))
	}
}

// TestAPositionOfAnotherLogIsNoReadersMark: of a topic that was created again, or whose end was cut off, before anything
// of it is applied.
func TestAPositionOfAnotherLogIsNoReadersMark(t *testing.T) {
	e := open(t)
	now := time.Now().Unix()
	stored, want := map[string]stream.Position{}, map[string]stream.Position{}
	var parts []stream.Assigned
	for p, a := range []stream.Assigned{{TopicID: "new", High: 50}, {TopicID: "old", Low: 3, High: 50}, {TopicID: "old", Low: 3, High: 200}} {
		a.Topic, a.Partition, a.Committed = stream.UserProgress, int32(p), -1
		parts = append(parts, a)
		stored[a.String()] = stream.Position{TopicID: "old", Incarnation: now + 1000, Offset: 100}
		want[a.String()] = stream.Position{TopicID: a.TopicID, Incarnation: now + 1001, Offset: a.Low}
	}
	whole := parts[2].String()
	want[whole] = stored[whole]
	if err := e.store.Apply(t.Context(), nil, stored); err != nil {
		t.Fatal(err)
	}
	e.store.n, e.store.fail = 0, func(call int) error {
		if call == 1 {
			return fmt.Errorf("of the test: %w", users.ErrUnavailable)
		}
		return nil
	}
	if _, err := e.sink.Start(t.Context(), parts); !errors.Is(err, users.ErrUnavailable) {
		t.Error(err)
	}
	starts, err := e.sink.Start(t.Context(), parts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.store.Positions(t.Context(), slices.Collect(maps.Keys(want)))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for i, s := range starts {
		if p := want[parts[i].String()]; s.Offset != p.Offset || s.Incarnation != p.Incarnation {
			t.Errorf("%s starts at %v", parts[i], s)
		}
	}
	if moved, err := e.sink.Moved(t.Context(), parts); len(moved) > 0 || err != nil {
		t.Errorf("it takes its own for another's: %v, %v", moved, err)
	}
}

// TestAStoreThatWasEmptied, restored or written by another is found, and all is read again.
func TestAStoreThatWasEmptied(t *testing.T) {
	e := open(t)
	c, _ := e.start()
	e.produce(record(report("a", "v1", 10)), record(favourite("b", "video:v1", 10)))
	servertest.Eventually(e.t, "it is stored", func() bool { return e.state("a") == " | v1@10" && e.state("b") == "video:v1 | " })
	servertest.Eventually(e.t, "it is ready", c.Ready)
	empty := openBolt(t)
	e.store.mu.Lock()
	e.store.Store = empty
	e.store.mu.Unlock()
	servertest.Eventually(e.t, "it is there again", func() bool { return e.state("a") == " | v1@10" && e.state("b") == "video:v1 | " })
}
