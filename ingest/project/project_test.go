package project_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/ingest/project"
	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// topics are the role's.
var topics = append(project.Inputs(), stream.Dead(project.Role))

// env is the role between a Kafka and a Redis of the test's own.
type env struct {
	*stream.Cluster
	t       *testing.T
	brokers string
	redis   redis.UniversalClient
	prefix  string
	catalog *catalog.Catalog
	metrics *prometheus.Registry
	sink    *project.Sink
}

func open(t *testing.T) *env {
	t.Helper()
	e := &env{t: t, brokers: servertest.Kafka(t), prefix: servertest.Name(), metrics: prometheus.NewRegistry()}
	e.Cluster = stream.New(stream.Config{Brokers: e.brokers, Project: e.prefix, Instance: "test", Log: servertest.Log(t)})
	t.Cleanup(e.Close)
	servertest.Topics(t, e.Cluster, topics...)
	var err error
	if e.redis, err = catalog.Connect(servertest.Redis(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.empty("")
		_ = e.redis.Close()
	})
	e.catalog = catalog.New(e.redis, e.prefix)
	e.sink = project.New(e.catalog, time.Now, servertest.Log(t), project.NewMetrics(e.metrics))
	return e
}

// empty removes the test's keys that begin so, as FLUSHALL would in a Redis of its own.
func (e *env) empty(part string) {
	e.t.Helper()
	ctx := context.Background()
	var keys []string
	it := e.redis.Scan(ctx, 0, e.prefix+":"+part+"*", 1000).Iterator()
	for it.Next(ctx) {
		keys = append(keys, it.Val())
	}
	if err := it.Err(); err != nil {
		e.t.Fatal(err)
	}
	// FLUSHALL leaves no moment between: the positions, by which the role notices, go last.
	slices.SortStableFunc(keys, func(a, b string) int {
		return strings.Compare(strconv.FormatBool(strings.Contains(a, ":position:")), strconv.FormatBool(strings.Contains(b, ":position:")))
	})
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

// start runs the role until the returned function is called.
func (e *env) start() (c *stream.Consumer, stop func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	c = e.NewConsumer(stream.ConsumerConfig{Role: project.Role, Topics: project.Inputs(), Sink: e.sink})
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	}
	e.t.Cleanup(stop)
	return c, stop
}

// programme is the event of a programme's edit.
func programme(id, slug, title string) stream.Record {
	return event("programme", id, &catalogv1.ProgrammeEvent{
		EventType: catalogv1.EventType_EVENT_TYPE_UPDATED,
		Payload:   &catalogv1.Programme{Id: id, Slug: slug, Title: title, PublishedAt: &timestamppb.Timestamp{Seconds: 1}, CreatedAt: &timestamppb.Timestamp{Seconds: 1}},
	})
}

func video(id, programmeID, title string) stream.Record {
	return event("video", id, &catalogv1.VideoEvent{
		EventType: catalogv1.EventType_EVENT_TYPE_UPDATED,
		Payload:   &catalogv1.Video{Id: id, ProgrammeId: programmeID, Slug: id, Title: title},
	})
}

func channel(id, title string) stream.Record {
	return event("channel", id, &catalogv1.ChannelEvent{Payload: &catalogv1.Channel{Id: id, Slug: id, Title: title}})
}

func person(id, name string) stream.Record {
	return event("person", id, &catalogv1.PersonEvent{Payload: &catalogv1.Person{Id: id, Slug: id, Title: name}})
}

func page(id, title string) stream.Record {
	return event("page", id, &catalogv1.PageEvent{Payload: &catalogv1.Page{Id: id, Slug: id, Title: title}})
}

func deleted(kind, id string) []stream.Record {
	m := kinds[kind].event()
	set(m, "event_type", protoreflect.ValueOfEnum(catalogv1.EventType_EVENT_TYPE_DELETED.Number()))
	return []stream.Record{event(kind, id, m), {Topic: stream.Catalog(kind), Partition: stream.AnyPartition, Key: []byte(id)}}
}

func event(kind, id string, m proto.Message) stream.Record {
	value, headers, err := stream.Encode(m)
	if err != nil {
		panic(err)
	}
	return stream.Record{Topic: stream.Catalog(kind), Partition: stream.AnyPartition, Key: []byte(id), Value: value, Headers: headers}
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

// programmeNow is what the web is answered; nil when it is not there.
func (e *env) programmeNow(id string) *projectionv1.Programme {
	e.t.Helper()
	bs, err := e.catalog.Blobs(e.t.Context(), catalog.Web, []catalog.Ref{{Kind: "programme", ID: id}})
	if err != nil {
		e.t.Fatal(err)
	}
	if bs[0] == nil {
		return nil
	}
	var p projectionv1.Programme
	if err := proto.Unmarshal(bs[0], &p); err != nil {
		e.t.Fatal(err)
	}
	return &p
}

func (e *env) title(id string) string { return e.programmeNow(id).GetTitle() }

// all are all programmes.
var all = catalog.List{Family: catalog.Programmes}

func (e *env) list(l catalog.List) []string {
	e.t.Helper()
	l.Order, l.First = catalog.ByDate, 100
	ps, err := e.catalog.Pages(e.t.Context(), catalog.View{Screen: catalog.Web, Now: time.Now()}, []catalog.List{l})
	if err != nil {
		e.t.Fatal(err)
	}
	var ids []string
	for _, m := range ps[0].Members {
		ids = append(ids, catalog.ID(m))
	}
	return ids
}

// changes are the role's counts of changes, by kind and outcome.
func (e *env) changes() map[string]int {
	e.t.Helper()
	fs, err := e.metrics.Gather()
	if err != nil {
		e.t.Fatal(err)
	}
	m := map[string]int{}
	for _, f := range fs {
		if f.GetName() != "regie_project_changes_total" {
			continue
		}
		for _, x := range f.GetMetric() {
			var labels []string
			for _, l := range x.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			m[strings.Join(labels, " ")] = int(x.GetCounter().GetValue())
		}
	}
	return m
}

func TestWhatIsPublishedIsServed(t *testing.T) {
	e := open(t)
	e.start()
	e.produce(programme("p1", "le-greffe", "Le Greffe"), programme("p2", "nimbo", "Nimbo"), video("v1", "p1", "Un"), video("v2", "p1", "Deux"))
	servertest.Eventually(e.t, "both are listed", func() bool { return len(e.list(all)) == 2 && len(e.list(catalog.VideosOf("p1"))) == 2 })
	if got := e.title("p1"); got != "Le Greffe" {
		t.Errorf("got %q", got)
	}
	e.produce(deleted("programme", "p1")...)
	e.produce(deleted("video", "v1")...)
	servertest.Eventually(e.t, "they are gone", func() bool {
		return e.programmeNow("p1") == nil && slices.Equal(e.list(all), []string{"p2"}) && slices.Equal(e.list(catalog.VideosOf("p1")), []string{"v2"})
	})
	servertest.Await(e.t, func() string { // slugs are given up beside the lists
		os, err := e.catalog.Owners(t.Context(), []catalog.Address{catalog.SlugOf("programme", "le-greffe"), catalog.SlugOf("programme", "nimbo"), catalog.VideoSlug("p1", "v2")})
		if err != nil {
			return err.Error()
		}
		return cmp.Diff([]string{"", "p2", "v2"}, os)
	})
}

func TestARecordThatCannotBeProjectedHarmsNoNeighbour(t *testing.T) {
	e := open(t)
	undecodable := stream.Record{Topic: stream.Catalog("programme"), Partition: stream.AnyPartition, Key: []byte("p1"), Value: []byte("\xff\xff")}
	another := programme("p1", "x", "Another's")
	another.Key = []byte("p9")
	e.produce(programme("p1", "a", "First"), undecodable, another, programme("p2", "b", "Neighbour"))
	e.start()
	servertest.Eventually(e.t, "the neighbour is there", func() bool { return e.title("p2") == "Neighbour" })
	servertest.Eventually(e.t, "it keeps its last good state", func() bool { return e.title("p1") == "First" })
	var got []string
	servertest.Eventually(e.t, "both are set aside", func() bool {
		got = e.dead()
		return len(got) == 2
	})
	slices.Sort(got)
	if !strings.HasPrefix(got[0], "p1: decoding regie.catalog.v1.ProgrammeEvent: ") {
		t.Errorf("got %q", got[0])
	}
	if got[1] != `p9: the payload's id "p1" is not the record's key "p9"` {
		t.Errorf("got %q", got[1])
	}
	if e.programmeNow("p9") != nil {
		t.Error("another's payload is served")
	}
}

// dead are the keys of what was set aside, with the reasons.
func (e *env) dead() (out []string) {
	e.t.Helper()
	for _, r := range servertest.ReadAll(e.t, e.Cluster, stream.Dead(project.Role)) {
		out = append(out, string(r.Key)+": "+r.Headers.Get(stream.HeaderReason))
	}
	return out
}

// apply gives the sink one batch of records of one partition, without a consumer.
func (e *env) apply(rs ...stream.Record) *stream.Batch {
	e.t.Helper()
	for i := range rs {
		rs[i].Offset = int64(i)
		if rs[i].Fence == (stream.Fence{}) {
			rs[i].Fence = stream.Fence{Incarnation: 1, Offset: int64(i)}
		}
	}
	var parts []stream.Assigned
	for _, topic := range project.Inputs() {
		parts = append(parts, stream.Assigned{Topic: topic})
	}
	servertest.Await(e.t, func() string {
		if _, err := e.sink.Start(e.t.Context(), parts); err != nil {
			return err.Error()
		}
		return ""
	})
	return e.applied(rs)
}

// applied is a batch that comes again, as from a consumer, while Redis does not answer in time.
func (e *env) applied(rs []stream.Record) (b *stream.Batch) {
	e.t.Helper()
	servertest.Await(e.t, func() string {
		b = &stream.Batch{Records: rs}
		if err := e.sink.Apply(e.t.Context(), b); err != nil {
			return err.Error()
		}
		return ""
	})
	return b
}

func TestOfOneKeyInABatchTheLatestCounts(t *testing.T) {
	copyOf := func(r stream.Record, offset int64) stream.Record {
		r.Fence = stream.Fence{Incarnation: 1, Offset: offset}
		return r
	}
	broken := programme("p1", "a", "")
	broken.Value = []byte("\xff")
	tests := map[string]struct {
		batch    []stream.Record
		title    string
		slugs    []string // who owns a, b
		rejected []int
	}{
		"edits":                      {[]stream.Record{programme("p1", "a", "1"), programme("p1", "b", "2"), programme("p1", "b", "3")}, "3", []string{"", "p1"}, nil},
		"an edit and a deletion":     {append([]stream.Record{programme("p1", "a", "1")}, deleted("programme", "p1")...), "", []string{"", ""}, nil},
		"a deletion and a new life":  {append(deleted("programme", "p1"), programme("p1", "b", "2")), "2", []string{"", "p1"}, nil},
		"an old copy behind an edit": {[]stream.Record{programme("p1", "a", "1"), programme("p1", "b", "2"), copyOf(programme("p1", "a", "1"), 0)}, "2", []string{"", "p1"}, nil},
		"a broken one behind":        {[]stream.Record{programme("p1", "a", "1"), broken}, "1", []string{"p1", ""}, []int{1}},
		"a broken one between":       {[]stream.Record{programme("p1", "b", "1"), broken, programme("p1", "a", "2")}, "2", []string{"p1", ""}, []int{1}},
		"a broken one before":        {[]stream.Record{broken, programme("p1", "a", "2")}, "2", []string{"p1", ""}, []int{0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := open(t)
			b := e.apply(tt.batch...)
			if got := e.title("p1"); got != tt.title {
				t.Errorf("title %q", got)
			}
			os, err := e.catalog.Owners(t.Context(), []catalog.Address{catalog.SlugOf("programme", "a"), catalog.SlugOf("programme", "b")})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.slugs, os); diff != "" {
				t.Error(diff)
			}
			var rejected []int
			for i := range b.Records {
				if b.Rejected(i) {
					rejected = append(rejected, i)
				}
			}
			if diff := cmp.Diff(tt.rejected, rejected); diff != "" {
				t.Errorf("rejected: %s", diff)
			}
			if diff := cmp.Diff(map[string]int{"programme applied": 1}, e.changes()); diff != "" {
				t.Errorf("changes: %s", diff)
			}
		})
	}
}

// failure makes Redis's client fail pipelines that name a key.
type failure struct {
	mu   sync.Mutex
	name string
}

func (f *failure) set(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.name = name
}

func (f *failure) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f *failure) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (f *failure) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		f.mu.Lock()
		name := f.name
		f.mu.Unlock()
		for _, cmd := range cmds {
			if name != "" && slices.ContainsFunc(cmd.Args(), func(a any) bool { return a == name }) {
				cmd.SetErr(errFailure)
				return errFailure
			}
		}
		return next(ctx, cmds)
	}
}

var errFailure = errors.New("the test's")

func TestABatchOfSeveralChunks(t *testing.T) {
	e := open(t)
	const n = 3*project.ChunkSize + 7
	batch := func() []stream.Record {
		var rs []stream.Record
		for i := range n {
			rs = append(rs, programme(fmt.Sprint("p", i), fmt.Sprint("s", i), "first"))
		}
		for i := range n { // each a second time, some of them broken
			r := programme(fmt.Sprint("p", i), fmt.Sprint("s", i), "second")
			if i%100 == 0 {
				r.Value = []byte("\xff")
			}
			rs = append(rs, r)
		}
		return rs
	}
	var fail failure
	e.redis.AddHook(&fail)
	fail.set("p" + strconv.Itoa(n-1))
	failing := batch()
	for i := range failing {
		failing[i].Fence = stream.Fence{Incarnation: 1, Offset: int64(i)}
	}
	servertest.Await(t, func() string { // another may fail before, as Redis does not answer in time
		if err := e.sink.Apply(t.Context(), &stream.Batch{Records: failing}); !errors.Is(err, errFailure) {
			return fmt.Sprint("one of its chunks fails, the batch says ", err)
		}
		return ""
	})
	if keys, err := e.redis.Keys(t.Context(), e.prefix+":position:*").Result(); err != nil || len(keys) > 0 {
		t.Errorf("a batch that failed has a position: %v, %v", keys, err)
	}
	if got := e.changes(); len(got) > 0 {
		t.Errorf("a batch that failed is counted: %v", got)
	}
	fail.set("")

	b := e.apply(batch()...)
	for i := range n {
		want := "second"
		if i%100 == 0 {
			want = "first"
		}
		if got := e.title(fmt.Sprint("p", i)); got != want {
			t.Errorf("p%d: %q instead of %q", i, got, want)
		}
		if b.Rejected(i) || b.Rejected(n+i) != (i%100 == 0) {
			t.Errorf("p%d: rejected %v, %v", i, b.Rejected(i), b.Rejected(n+i))
		}
	}
	if diff := cmp.Diff(map[string]int{"programme applied": n}, e.changes()); diff != "" {
		t.Error(diff)
	}
	if n := e.redis.Exists(t.Context(), e.prefix+":position:project:"+stream.Catalog("programme")).Val(); n != 1 {
		t.Error("no position is stored")
	}
}

func TestWhatChangedIsAnnounced(t *testing.T) {
	e := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan []string, 10)
	done := make(chan error, 1)
	go func() { done <- e.catalog.Changes(ctx, func(ids []string) { heard <- ids }) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	next := func() []string {
		t.Helper()
		select {
		case ids := <-heard:
			return ids
		case <-time.After(servertest.Patience):
			t.Fatal("nobody tells")
			return nil
		}
	}
	if ids := next(); ids != nil {
		t.Fatalf("got %q before anything changed", ids)
	}
	start := func(high int64) {
		t.Helper()
		e.empty("position:")
		if _, err := e.sink.Start(ctx, []stream.Assigned{{Topic: stream.Catalog("programme"), High: high}, {Topic: stream.Catalog("video")}}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(r stream.Record, offset int64) stream.Record {
		r.Offset, r.Partition, r.Fence = offset, 0, stream.Fence{Incarnation: 1, Offset: offset}
		return r
	}
	apply := func(rs ...stream.Record) {
		t.Helper()
		if err := e.sink.Apply(ctx, &stream.Batch{Records: rs}); err != nil {
			t.Fatal(err)
		}
	}
	start(5)
	apply(at(programme("p1", "a", "replayed"), 4))
	apply(at(programme("p1", "a", "old"), 4), at(programme("p2", "b", "new"), 5), at(programme("p2", "b", "newer"), 6), at(video("v1", "p1", "V"), 0))
	if diff := cmp.Diff([]string{"programme:p2", "video:v1"}, next()); diff != "" {
		t.Error(diff)
	}
	start(0)
	apply(at(programme("p2", "b", "refused"), 5))
	apply(append([]stream.Record{at(programme("p1", "a", "edited"), 7)}, at(deleted("programme", "p2")[1], 8))...)
	if diff := cmp.Diff([]string{"programme:p1", "programme:p2"}, next()); diff != "" {
		t.Error(diff)
	}
}

func TestAProgrammeIsInTheListsOfWhatItNames(t *testing.T) {
	e := open(t)
	in := &catalogv1.Programme{
		Id: "p1", Slug: "a", Title: "A", ChannelId: "c1", FormerSlugs: []string{"old"},
		Genres:  []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}},
		Credits: []*catalogv1.Credit{{PersonId: "pe1"}, {PersonId: "pe2"}, {PersonId: "pe1"}},
	}
	lists := func() map[string][]string {
		t.Helper()
		got := map[string][]string{}
		for name, l := range map[string]catalog.List{
			"programmes": all, "channel": {Family: catalog.OfChannel("c1")}, "category": {Family: catalog.OfCategory("drame")},
			"pe1": catalog.CreditsOf("pe1"), "pe2": catalog.CreditsOf("pe2"),
		} {
			got[name] = e.list(l)
		}
		gs, err := e.catalog.Groups(t.Context(), []catalog.Grouping{catalog.AllCategories()})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gs[0] {
			got["categories"] = append(got["categories"], fmt.Sprintf("%q %d", g.Key, g.Count))
		}
		if got["former"], err = e.catalog.Owners(t.Context(), []catalog.Address{catalog.SlugOf("programme", "old")}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	e.apply(event("programme", "p1", &catalogv1.ProgrammeEvent{Payload: in}))
	one := []string{"p1"}
	want := map[string][]string{
		"programmes": one, "channel": one, "category": one,
		"pe1": {"p1", "p1"}, "pe2": one, "categories": {`"drame\x01Drame" 1`}, "former": one,
	}
	if diff := cmp.Diff(want, lists()); diff != "" {
		t.Error(diff)
	}
	r := event("programme", "p1", &catalogv1.ProgrammeEvent{Payload: &catalogv1.Programme{
		Id: "p1", Slug: "a", Title: "A", Credits: []*catalogv1.Credit{{PersonId: "pe1"}},
	}})
	r.Fence = stream.Fence{Incarnation: 1, Offset: 10}
	e.apply(r)
	want = map[string][]string{
		"programmes": one, "channel": nil, "category": nil,
		"pe1": one, "pe2": nil, "former": {""},
	}
	if diff := cmp.Diff(want, lists()); diff != "" {
		t.Error(diff)
	}
}

func TestOneIdInSeveralKindsIsSeveralEntities(t *testing.T) {
	e := open(t)
	e.apply(
		channel("x", "Channel"), programme("x", "x", "Programme"), video("x", "x", "Video"), person("x", "Person"), page("x", "Page"),
	)
	want := map[string]int{"channel applied": 1, "programme applied": 1, "video applied": 1, "person applied": 1, "page applied": 1}
	if diff := cmp.Diff(want, e.changes()); diff != "" {
		t.Error(diff)
	}
	var refs []catalog.Ref
	for _, kind := range stream.Collections() {
		refs = append(refs, catalog.Ref{Kind: kind, ID: "x"})
	}
	for _, screen := range catalog.Screens() {
		bs, err := e.catalog.Blobs(t.Context(), screen, refs)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range bs {
			m := kinds[refs[i].Kind].blob()
			if err := proto.Unmarshal(b, m); err != nil || b == nil {
				t.Fatalf("%s on %s: %v", refs[i].Kind, screen, err)
			}
			if got := m.(interface{ GetId() string }).GetId(); got != refs[i].Kind+":x" {
				t.Errorf("%s is %s", refs[i].Kind, got)
			}
		}
	}
}

func TestASinkThatWasEmptiedUnderneathSaysSo(t *testing.T) {
	e := open(t)
	e.apply(programme("p1", "a", "1"))
	e.empty("")
	err := e.sink.Apply(t.Context(), &stream.Batch{Records: []stream.Record{programme("p1", "a", "2")}})
	if !errors.Is(err, stream.ErrMoved) {
		t.Errorf("got %v", err)
	}
}

func TestAnEmptiedRedisIsFilledAgain(t *testing.T) {
	for name, part := range map[string]string{"all of it": "", "the positions alone": "position:", "what was written alone": "{"} {
		t.Run(name, func(t *testing.T) {
			e := open(t)
			c, _ := e.start()
			e.produce(programme("p1", "a", "One"), programme("p2", "b", "Two"), video("v1", "p1", "V"))
			e.produce(deleted("programme", "p2")...)
			full := func() bool {
				return e.title("p1") == "One" && e.programmeNow("p2") == nil && len(e.list(catalog.VideosOf("p1"))) == 1 && len(e.list(all)) == 1
			}
			servertest.Eventually(e.t, "it is full", full)
			servertest.Eventually(e.t, "ready", c.Ready)
			if part == "{" {
				// Redis lost keys and kept others: only a restart under a lower committed offset, or an operator, would
				// tell. What is written next is complete nevertheless.
				e.empty(part)
				e.produce(programme("p1", "a", "One"))
				servertest.Eventually(e.t, "the next edit is whole", func() bool { return e.title("p1") == "One" && len(e.list(all)) == 1 })
				return
			}
			before := e.programmeNow("p1").GetRevision()
			e.empty(part)
			servertest.Eventually(e.t, "it is full again, without a new record", func() bool { return full() && e.programmeNow("p1").GetRevision() >= before })
			servertest.Eventually(e.t, "ready again", c.Ready)
			e.produce(programme("p1", "a", "Next"))
			servertest.Eventually(e.t, "the next edit is served", func() bool { return e.title("p1") == "Next" })
			if after := e.programmeNow("p1").GetRevision(); after <= before {
				t.Errorf("the revision fell from %s to %s", before, after)
			}
		})
	}
}

func TestATopicThatIsCreatedAgainReplacesWhatWasThere(t *testing.T) {
	for name, running := range map[string]bool{"while the role is down": false, "while it runs": true} {
		t.Run(name, func(t *testing.T) {
			e := open(t)
			_, stop := e.start()
			e.produce(programme("p1", "a", "1"), programme("p1", "a", "2"), programme("p1", "a", "3"))
			servertest.Eventually(e.t, "it is there", func() bool { return e.title("p1") == "3" })
			before := e.programmeNow("p1").GetRevision()
			if !running {
				stop()
			}
			servertest.Recreate(e.t, servertest.Admin(e.t, e.brokers), e.Cluster, stream.Catalog("programme"))
			e.produce(programme("p1", "b", "anew"))
			if !running {
				e.start()
			}
			servertest.Eventually(e.t, "the new topic's record is served", func() bool { return e.title("p1") == "anew" })
			if after := e.programmeNow("p1").GetRevision(); after <= before {
				t.Errorf("the revision fell from %s to %s", before, after)
			}
		})
	}
}

func TestAnOldRecordThatComesAgainOverwritesNothing(t *testing.T) {
	e := open(t)
	e.start()
	ds := e.produce(programme("p1", "a", "old"), programme("p1", "a", "new"))
	servertest.Eventually(e.t, "the new one is served", func() bool { return e.title("p1") == "new" })
	again := programme("p1", "a", "old")
	again.Partition = ds[0].Partition
	again.Headers = append(again.Headers, stream.Header{
		Key: stream.HeaderOrigin, Value: fmt.Sprintf("%s/%d/%d", again.Topic, ds[0].Partition, ds[0].Offset),
	})
	e.produce(again)
	other := programme("p2", "b", "behind it")
	other.Partition = ds[0].Partition
	e.produce(other)
	servertest.Eventually(e.t, "what follows is served", func() bool { return e.title("p2") == "behind it" })
	if got := e.title("p1"); got != "new" {
		t.Errorf("got %q", got)
	}
	servertest.Await(e.t, func() string { // it is counted once its batch is done
		if n := e.changes()["programme refused"]; n != 1 {
			return fmt.Sprint(n, " changes were refused")
		}
		return ""
	})
}

func TestAnEditIsToldOfOnceItIsVisible(t *testing.T) {
	e := open(t)
	edits := make(chan catalog.Edit, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- e.catalog.Edits(ctx, func(b []byte) error {
			var edit catalog.Edit
			if err := json.Unmarshal(b, &edit); err != nil {
				return err
			}
			edits <- edit
			return nil
		})
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	changed := time.Now().Add(-time.Second).Truncate(time.Millisecond)
	at := stream.Header{Key: stream.HeaderCMSTime, Value: fmt.Sprint(changed.UnixMilli())}
	before := programme("p0", "z", "read again from the log's beginning")
	before.Headers = append(before.Headers, at)
	e.produce(before)
	e.start()
	servertest.Eventually(e.t, "the log is read", func() bool { return e.title("p0") != "" })
	r := programme("p1", "a", "Le Greffe")
	r.Headers = append(r.Headers, at)
	e.produce(programme("p3", "y", "without a time"), r)
	select {
	case got := <-edits:
		if e.title("p1") != "Le Greffe" {
			t.Error("it is told of before it is visible")
		}
		if got.Kind != "programme" || got.ID != "p1" || got.Title != "Le Greffe" || !got.ChangedAt.Equal(changed) || got.Millis < 1000 || got.VisibleAt.Sub(got.ChangedAt).Milliseconds() != got.Millis {
			t.Errorf("got %+v", got)
		}
	case <-time.After(servertest.Patience):
		t.Fatal("nobody tells")
	}
	old := programme("p2", "b", "replayed")
	old.Headers = append(old.Headers, stream.Header{Key: stream.HeaderCMSTime, Value: "1700000000000"})
	e.produce(old)
	servertest.Eventually(e.t, "it is there", func() bool { return e.title("p2") == "replayed" })
	for len(edits) > 0 {
		if got := <-edits; got.ID != "p1" { // which who has just begun to listen may hear twice
			t.Errorf("a replay is told of as an edit: %+v", got)
		}
	}
}

// breaks fails the next write to a family, as a connection that is lost.
type breaks struct{ armed bool }

func (b *breaks) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (b *breaks) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (b *breaks) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if b.armed && strings.HasSuffix(fmt.Sprint(cmds[0].Args()[3]), ":members") {
			b.armed = false
			err := errors.New("cut")
			for _, c := range cmds {
				c.SetErr(err)
			}
			return err
		}
		return next(ctx, cmds)
	}
}

// TestWhatIsNewIsListedThoughItsBatchWasCut: the batch that comes again has a newer text of it, and no other place.
func TestWhatIsNewIsListedThoughItsBatchWasCut(t *testing.T) {
	e := open(t)
	cut := &breaks{armed: true}
	e.redis.AddHook(cut)
	records := []stream.Record{channel("c", "C"), programme("p", "p", "old"), programme("p", "p", "new")}
	for i := range records {
		records[i].Offset = int64(10 + i)
		records[i].Fence = stream.Fence{Incarnation: 1, Offset: records[i].Offset}
	}
	if err := e.sink.Apply(t.Context(), &stream.Batch{Records: records[:2]}); err == nil || cut.armed {
		t.Fatalf("nothing was cut: %v", err)
	}
	if got := e.title("p"); got != "old" {
		t.Fatalf("it was cut before it began: %q", got)
	}
	if err := e.sink.Apply(t.Context(), &stream.Batch{Records: records[1:]}); err != nil {
		t.Fatal(err)
	}
	if got := e.list(all); e.title("p") != "new" || !slices.Equal(got, []string{"p"}) {
		t.Errorf("%q, listed: %q", e.title("p"), got)
	}
}
