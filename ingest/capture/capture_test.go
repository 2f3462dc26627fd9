package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/ingest/capture"
	"regie/internal/cms"
	"regie/internal/servertest"
	"regie/internal/stream"
)

type store interface {
	cms.Store
	cms.Source
}

// topics are the role's.
var topics = append([]string{stream.CapturePosition}, outputs()...)

func outputs() (names []string) {
	for _, c := range stream.Collections() {
		names = append(names, stream.CMS(c))
	}
	return names
}

// cluster is one with topics of the test's own, and who asks its broker.
type cluster struct {
	*stream.Cluster
	admin *kafka.AdminClient
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	return clusterOf(t, stream.Config{Brokers: servertest.Kafka(t), Project: servertest.Name(), Instance: "test"})
}

func clusterOf(t testing.TB, config stream.Config) *cluster {
	t.Helper()
	config.Log = servertest.Log(t)
	c := &cluster{stream.New(config), servertest.Admin(t, config.Brokers)}
	t.Cleanup(c.Close)
	servertest.Topics(t, c.Cluster, topics...)
	return c
}

// onEachStore runs a test on every CMS with topics of its own.
func onEachStore(t *testing.T, test func(t *testing.T, c *cluster, s store)) {
	t.Run("bolt", func(t *testing.T) {
		t.Parallel()
		test(t, newCluster(t), bolt(t))
	})
	t.Run("mongo", func(t *testing.T) {
		t.Parallel()
		s, _ := mongoDB(t)
		test(t, newCluster(t), s)
	})
}

func bolt(t *testing.T) *cms.Bolt {
	t.Helper()
	b, err := cms.OpenBolt(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func mongoDB(t *testing.T) (*cms.Mongo, *mongo.Database) {
	t.Helper()
	uri, name := servertest.Mongo(t), servertest.Name()
	m, err := cms.OpenMongo(t.Context(), uri, name)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	db := client.Database(name)
	t.Cleanup(func() {
		m.Close(context.Background())
		if err := db.Drop(context.Background()); err != nil {
			t.Error(err)
		}
		client.Disconnect(context.Background())
	})
	return m, db
}

// start runs the role until the returned function is called, which waits for its end.
func start(t *testing.T, c *cluster, s cms.Source) (stop func()) {
	t.Helper()
	return run(t, capture.New(c.Cluster, s, servertest.Log(t)))
}

func run(t *testing.T, role *capture.Capture) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func put(t *testing.T, s store, extJSON ...string) {
	t.Helper()
	docs := make([]bson.Raw, len(extJSON))
	for i, d := range extJSON {
		if err := bson.UnmarshalExtJSON([]byte(d), false, &docs[i]); err != nil {
			t.Fatalf("%s: %v", d, err)
		}
	}
	if _, err := s.Put(t.Context(), "programme", docs); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, s store, ref string, n int) {
	t.Helper()
	if err := s.Set(t.Context(), "programme", ref, bson.D{{Key: "n", Value: int32(n)}}); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, s store, ref string) {
	t.Helper()
	if err := s.Delete(t.Context(), "programme", ref); err != nil {
		t.Fatal(err)
	}
}

// history is what topic cms.programme says of each key, in order: "copy 1" for a document with n=1 that a snapshot
// found, "insert 1", "update 2", "delete".
type history map[string][]string

// readHistory reads all that was written by now.
func readHistory(t *testing.T, c *cluster) history {
	t.Helper()
	h := history{}
	servertest.Committed(t, c.admin, c.Topic(stream.CMS("programme")))
	for _, r := range servertest.ReadAll(t, c.Cluster, stream.CMS("programme")) {
		var v struct {
			ID struct {
				Copying bool `bson:"copyingData"`
			} `bson:"_id"`
			Operation string `bson:"operationType"`
			Document  *struct {
				N int `bson:"n"`
			} `bson:"fullDocument"`
		}
		if err := bson.UnmarshalExtJSON(r.Value, true, &v); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		if v.ID.Copying && v.Operation == "insert" {
			v.Operation = "copy"
		}
		if v.Document != nil {
			v.Operation += fmt.Sprintf(" %d", v.Document.N)
		}
		h[string(r.Key)] = append(h[string(r.Key)], v.Operation)
	}
	return h
}

// await reads the topic until key has something.
func await(t *testing.T, c *cluster, key string) history {
	t.Helper()
	return awaitWhere(t, c, "there is "+key, func(h history) bool { return len(h[key]) > 0 })
}

func awaitWhere(t *testing.T, c *cluster, what string, ok func(history) bool) history {
	t.Helper()
	servertest.Await(t, func() string {
		if h := readHistory(t, c); !ok(h) {
			return fmt.Sprintf("waiting until %s: the topic has %v", what, h)
		}
		return ""
	})
	return readHistory(t, c) // else a transaction may have been seen in some partitions, and in others not yet
}

// marker puts a document of its own and waits for it: what was edited before is in the topic then, because a
// collection's records are committed in order. It returns what the other keys have.
func marker(t *testing.T, c *cluster, s store, name string) history {
	t.Helper()
	put(t, s, fmt.Sprintf(`{"_id":"marker-%s"}`, name))
	h := await(t, c, "marker-"+name)
	for k := range h {
		if strings.HasPrefix(k, "marker-") {
			delete(h, k)
		}
	}
	return h
}

func check(t *testing.T, want, got history) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASnapshotThenChangesInOrder(t *testing.T) {
	onEachStore(t, func(t *testing.T, c *cluster, s store) {
		put(t, s, `{"_id":"a","n":1}`, `{"_id":"b","n":1}`, `{"_id":{"$numberInt":"7"},"n":1}`)
		start(t, c, s)
		await(t, c, "a")
		put(t, s, `{"_id":"c","n":1}`)
		want := history{"a": {"copy 1"}, "b": {"copy 1", "delete"}, "c": {"insert 1", "replace 2"}, `{"$numberInt":"7"}`: {"copy 1", "update 2", "delete"}}
		for n := 2; n < 6; n++ {
			set(t, s, "a", n)
			want["a"] = append(want["a"], fmt.Sprintf("update %d", n))
			marker(t, c, s, fmt.Sprint(n)) // else an update's document can be that of a later one
		}
		remove(t, s, "b")
		put(t, s, `{"_id":"c","n":2}`)
		set(t, s, `{"$numberInt":"7"}`, 2)
		marker(t, c, s, "set")
		remove(t, s, `{"$numberInt":"7"}`)
		check(t, want, marker(t, c, s, "end"))
	})
}

func TestASnapshotOfMoreThanOneBatch(t *testing.T) {
	c, s := newCluster(t), bolt(t)
	var docs []string
	want := history{}
	for i := range 1201 {
		docs = append(docs, fmt.Sprintf(`{"_id":"p%04d","n":%d}`, i, i))
		want[fmt.Sprintf("p%04d", i)] = []string{fmt.Sprintf("copy %d", i)}
	}
	put(t, s, docs...)
	stop := start(t, c, s)
	check(t, want, awaitWhere(t, c, "all is there", func(h history) bool { return len(h) >= len(docs) }))
	// One that is stopped after its snapshot takes none again.
	stop()
	start(t, c, s)
	check(t, want, marker(t, c, s, "end"))
}

func TestARestartNeitherRepeatsNorLoses(t *testing.T) {
	onEachStore(t, func(t *testing.T, c *cluster, s store) {
		put(t, s, `{"_id":"a","n":1}`, `{"_id":"b","n":1}`)
		want := history{"a": {"copy 1"}, "b": {"copy 1"}}
		stop := start(t, c, s)
		await(t, c, "b")
		for run := range 3 {
			check(t, want, marker(t, c, s, fmt.Sprintf("before-%d", run)))
			stop()
			key := fmt.Sprintf("new-%d", run)
			set(t, s, "a", 10+run)
			put(t, s, fmt.Sprintf(`{"_id":%q,"n":1}`, key))
			stop = start(t, c, s)
			want["a"] = append(want["a"], fmt.Sprintf("update %d", 10+run))
			want[key] = []string{"insert 1"}
			check(t, want, marker(t, c, s, fmt.Sprintf("after-%d", run)))
		}
		stop()
		remove(t, s, "b")
		want["b"] = append(want["b"], "delete")
		start(t, c, s)
		check(t, want, marker(t, c, s, "end"))
	})
}

// A restart under load: at any point a run can end, and every change appears once.
func TestRestartsWhileEditing(t *testing.T) {
	c, s := newCluster(t), bolt(t)
	stop := start(t, c, s)
	marker(t, c, s, "begin")
	edited := make(chan struct{})
	go func() {
		defer close(edited)
		for n := range 300 {
			put(t, s, fmt.Sprintf(`{"_id":"a","n":%d}`, n))
		}
	}()
	for range 5 {
		stop()
		stop = start(t, c, s)
	}
	<-edited
	h := marker(t, c, s, "end")
	want := []string{"insert 0"}
	for n := 1; n < 300; n++ {
		want = append(want, fmt.Sprintf("replace %d", n))
	}
	check(t, history{"a": want}, h)
}

// producer is one of a capture that owns collection programme, and the partition of its position.
func producer(t *testing.T, c *cluster) (*stream.Producer, int32) {
	t.Helper()
	p, err := c.NewTxProducer(t.Context(), capture.Role+".programme")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, int32(slices.Index(stream.Collections(), "programme"))
}

func TestACrashBeforeTheCommitLeavesNothingVisible(t *testing.T) {
	onEachStore(t, func(t *testing.T, c *cluster, s store) {
		put(t, s, `{"_id":"a","n":1}`)
		stop := start(t, c, s)
		want := history{"a": {"copy 1"}}
		await(t, c, "a")
		check(t, want, marker(t, c, s, "before"))
		stop()

		// What the owner had produced when it died: the change, and a position beyond it.
		set(t, s, "a", 2)
		dead, partition := producer(t, c)
		_, err := dead.Produce(t.Context(), []stream.Record{
			{Topic: stream.CMS("programme"), Partition: stream.AnyPartition, Key: []byte("a"), Value: []byte(`{"operationType":"update","fullDocument":{"n":{"$numberInt":"2"}}}`)},
			{Topic: stream.CapturePosition, Partition: partition, Key: []byte("programme"), Value: []byte(`{"token":{"_data":"FF"}}`)},
		})
		if err != nil {
			t.Fatal(err)
		}

		role := capture.New(c.Cluster, s, servertest.Log(t))
		run(t, role)
		for !role.Ready() {
			pause()
		}
		// It was not dead but slow: its place is taken.
		if err := dead.Commit(t.Context()); !stream.Fenced(err) {
			t.Errorf("the former owner's commit: %v", err)
		}
		want["a"] = append(want["a"], "update 2")
		check(t, want, marker(t, c, s, "end"))
	})
}

// TestAChangeCapturedTwiceIsTheSameBytes sets the position back, as an operator does, or a crash.
func TestAChangeCapturedTwiceIsTheSameBytes(t *testing.T) {
	onEachStore(t, func(t *testing.T, c *cluster, s store) {
		put(t, s, `{"_id":"a","n":1,"z":{"y":[{"$numberDouble":"1.5"},null],"b":{"$binary":{"base64":"AAE=","subType":"00"}}},"a":true}`)
		stop := start(t, c, s)
		await(t, c, "a")
		marker(t, c, s, "from")
		stop()
		from := position(t, c)
		values := func(records int) (out []string) {
			t.Helper()
			awaitWhere(t, c, "all are there", func(h history) bool { return len(h["b"]) == records && len(h["marker-to"]) > 0 })
			for _, r := range servertest.ReadAll(t, c.Cluster, stream.CMS("programme")) {
				if snapshot := bytes.Contains(r.Value, []byte("copyingData")); !snapshot && !strings.HasPrefix(string(r.Key), "marker") {
					out = append(out, fmt.Sprintf("%s %s %s %s", r.Key, r.Headers.Get(stream.HeaderContentType), r.Headers.Get(stream.HeaderCMSTime), r.Value))
				}
			}
			slices.Sort(out)
			return out
		}
		for n := range 5 {
			set(t, s, "a", n+2)
		}
		put(t, s, `{"_id":"b","n":1}`, `{"_id":"a","n":9}`)
		remove(t, s, "b")
		stop = start(t, c, s)
		marker(t, c, s, "to")
		once := values(2)
		stop()

		set(t, s, "a", 10) // what is captured again was the case, and is no more
		p, partition := producer(t, c)
		_, err := p.Produce(t.Context(), []stream.Record{{Topic: stream.CapturePosition, Partition: partition, Key: []byte("programme"), Value: []byte(from)}})
		if err == nil {
			err = p.Commit(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		start(t, c, s)
		awaitWhere(t, c, "a is edited again", func(h history) bool { return slices.Contains(h["a"], "update 10") })
		var want []string
		for _, v := range values(4) {
			if !strings.Contains(v, `"n":{"$numberInt":"10"}`) {
				want = append(want, v)
			}
		}
		if len(once) != 8 || len(want) != 16 {
			t.Fatalf("%d changes, then %d", len(once), len(want))
		}
		for i, v := range want {
			if v != once[i/2] {
				t.Errorf("once %s, then %s", once[i/2], v)
			}
		}
	})
}

func TestALostTokenIsASnapshotWithDeletions(t *testing.T) {
	onEachStore(t, func(t *testing.T, c *cluster, s store) {
		gone := []string{"gone", "5fbbd1b2e4b0f0a1c2d3e4f5", `"5fbbd1b2e4b0f0a1c2d3e4f6"`, `{"$numberInt":"7"}`, "twelve-bytes", `{"site":"fr"}`}
		put(t, s, `{"_id":"a","n":1}`, `{"_id":"b","n":1}`, `{"_id":"gone-before","n":1}`,
			`{"_id":"gone","n":1}`, `{"_id":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"},"n":1}`, `{"_id":"5fbbd1b2e4b0f0a1c2d3e4f6","n":1}`,
			`{"_id":{"$numberInt":"7"},"n":1}`, `{"_id":"twelve-bytes","n":1}`, `{"_id":{"site":"fr"},"n":1}`,
			`{"_id":"like-a-deletion","n":1,"copied":{"operationType":"delete","fullDocument":null}}`)
		stop := start(t, c, s)
		await(t, c, "a")
		remove(t, s, "gone-before")
		marker(t, c, s, "before")
		stop()
		for _, ref := range append(gone, "like-a-deletion") {
			remove(t, s, ref)
		}
		set(t, s, "b", 2)
		put(t, s, `{"_id":"new","n":1}`)
		lose(t, c)

		start(t, c, s)
		awaitWhere(t, c, "the snapshot is there", func(h history) bool { return len(h["new"]) > 0 })
		set(t, s, "b", 3)
		got := marker(t, c, s, "after-the-loss")
		want := history{
			"a": {"copy 1", "copy 1"}, "b": {"copy 1", "copy 2", "update 3"}, "new": {"copy 1"},
			"gone-before": {"copy 1", "delete"}, "like-a-deletion": {"copy 1", "delete"},
		}
		for _, key := range gone {
			want[key] = []string{"copy 1", "delete"}
		}
		check(t, want, got)
	})
}

// lose replaces the position by one that the source does not have.
func lose(t *testing.T, c *cluster) {
	t.Helper()
	p, partition := producer(t, c)
	_, err := p.Produce(t.Context(), []stream.Record{{
		Topic: stream.CapturePosition, Partition: partition, Key: []byte("programme"), Value: []byte(`{"token":{"_data":"82FF"}}`),
	}})
	if err == nil {
		err = p.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// failing is a source that fails when it is told to: once to watch, to go on and to take a snapshot, and with a lost
// history until a snapshot has been taken.
type failing struct {
	store
	watch, next, snapshot, lost atomic.Bool
}

var errAway = errors.New("the CMS is away")

func (f *failing) Snapshot(ctx context.Context, collection string, after bson.RawValue, fn func(bson.Raw) error) error {
	if collection != "programme" {
		return f.store.Snapshot(ctx, collection, after, fn)
	}
	fail, n := f.snapshot.CompareAndSwap(true, false), 0
	err := f.store.Snapshot(ctx, collection, after, func(doc bson.Raw) error {
		if n++; fail && n > 1 {
			return errAway
		}
		return fn(doc)
	})
	if err == nil {
		f.lost.Store(false)
	}
	return err
}

func (f *failing) Watch(ctx context.Context, collection string, after cms.Token) (cms.Changes, error) {
	if collection == "programme" && f.watch.CompareAndSwap(true, false) {
		return nil, errAway
	}
	if collection == "programme" && after != nil && f.lost.Load() {
		return nil, cms.ErrTokenLost
	}
	w, err := f.store.Watch(ctx, collection, after)
	if err != nil || collection != "programme" {
		return w, err
	}
	return &failingChanges{w, f}, nil
}

type failingChanges struct {
	cms.Changes
	of *failing
}

func (c *failingChanges) Next(ctx context.Context, max int) ([]bson.Raw, error) {
	events, err := c.Changes.Next(ctx, max)
	if c.of.next.CompareAndSwap(true, false) {
		return events, errAway
	}
	if c.of.lost.Load() {
		return nil, cms.ErrTokenLost
	}
	return events, err
}

func TestItGoesOnAfterTheCMSFailed(t *testing.T) {
	s := &failing{store: bolt(t)}
	c := newCluster(t)
	put(t, s, `{"_id":"a","n":1}`, `{"_id":"b","n":1}`)
	s.watch.Store(true)
	start(t, c, s)
	await(t, c, "a")
	want := history{"a": {"copy 1"}, "b": {"copy 1"}}
	check(t, want, marker(t, c, s, "watch"))

	s.next.Store(true)
	set(t, s, "a", 2)
	want["a"] = append(want["a"], "update 2")
	check(t, want, marker(t, c, s, "next"))

	// The history is lost in mid-stream, and the snapshot that follows fails at first.
	s.snapshot.Store(true)
	s.lost.Store(true)
	set(t, s, "a", 3)
	got := awaitWhere(t, c, "b is copied again", func(h history) bool { return len(h["b"]) > 1 })
	if diff := cmp.Diff([]string{"copy 1", "update 2", "copy 3"}, got["a"]); diff != "" {
		t.Error(diff)
	}
	if s.snapshot.Load() {
		t.Error("the snapshot did not fail")
	}
	set(t, s, "a", 4)
	got = awaitWhere(t, c, "changes go on", func(h history) bool { return slices.Contains(h["a"], "update 4") })
	if diff := cmp.Diff([]string{"copy 1", "update 2", "copy 3", "update 4"}, got["a"]); diff != "" {
		t.Error(diff)
	}
}

func TestACollectionThatIsDropped(t *testing.T) {
	for name, drop := range map[string]func(*mongo.Database, context.Context) error{
		"dropped": func(db *mongo.Database, ctx context.Context) error { return db.Collection("programme").Drop(ctx) },
		"renamed": func(db *mongo.Database, ctx context.Context) error {
			from, to := db.Name()+".programme", db.Name()+".former"
			return db.Client().Database("admin").RunCommand(ctx, bson.D{{Key: "renameCollection", Value: from}, {Key: "to", Value: to}}).Err()
		},
		"dropped with its database": func(db *mongo.Database, ctx context.Context) error { return db.Drop(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			s, db := mongoDB(t)
			c := newCluster(t)
			put(t, s, `{"_id":"a","n":1}`, `{"_id":{"$numberInt":"7"},"n":1}`)
			stop := start(t, c, s)
			want := history{"a": {"copy 1", "delete"}, `{"$numberInt":"7"}`: {"copy 1", "delete"}}
			await(t, c, "a")
			if err := drop(db, t.Context()); err != nil {
				t.Fatal(err)
			}
			deleted := func(h history) bool { return slices.Contains(h["a"], "delete") }
			check(t, want, awaitWhere(t, c, "a is deleted", deleted))
			// And while nobody watches.
			put(t, s, `{"_id":"b","n":1}`)
			await(t, c, "b")
			want["b"] = []string{"insert 1"}
			check(t, want, marker(t, c, s, "between"))
			stop()
			if err := drop(db, t.Context()); err != nil && name != "renamed" {
				t.Fatal(err)
			} else if err != nil {
				if err := db.Collection("programme").Drop(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			put(t, s, `{"_id":"d","n":1}`)
			start(t, c, s)
			want["b"] = append(want["b"], "delete")
			want["d"] = []string{"copy 1"}
			got := awaitWhere(t, c, "d is there and b is not", func(h history) bool { return len(h["d"]) > 0 && slices.Contains(h["b"], "delete") })
			for k := range got {
				if strings.HasPrefix(k, "marker-") {
					delete(got, k)
				}
			}
			check(t, want, got)
		})
	}
}

// watchers counts who watches what, over all instances.
type watchers struct {
	mu   sync.Mutex
	open map[string]int // by collection and by instance
	most map[string]int // of open, ever
}

func (w *watchers) add(n int, names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		w.open[name] += n
		w.most[name] = max(w.most[name], w.open[name])
	}
}

func (w *watchers) now(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[name]
}

func (w *watchers) atOnce(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most[name]
}

// counted is an instance's source.
type counted struct {
	cms.Source
	instance string
	watchers *watchers
}

func (s *counted) Watch(ctx context.Context, collection string, after cms.Token) (cms.Changes, error) {
	w, err := s.Source.Watch(ctx, collection, after)
	if err != nil {
		return nil, err
	}
	s.watchers.add(1, collection, s.instance)
	return &countedChanges{w, func() { s.watchers.add(-1, collection, s.instance) }}, nil
}

type countedChanges struct {
	cms.Changes
	closed func()
}

func (c *countedChanges) Close(ctx context.Context) error {
	c.closed()
	return c.Changes.Close(ctx)
}

func TestOneOwnerPerCollectionAndNoGapWhenItStops(t *testing.T) {
	t.Parallel()
	brokers, project := servertest.Kafka(t), servertest.Name()
	config := func(instance string) stream.Config {
		return stream.Config{
			Brokers: brokers, Project: project, Instance: instance, Log: servertest.Log(t),
			// An instance that stops keeps its place until the session times out: as short as it may be for one that is only slow.
			Properties: map[string]string{"session.timeout.ms": "10000", "heartbeat.interval.ms": "200"},
		}
	}
	c := clusterOf(t, config("one"))
	s, w := bolt(t), &watchers{open: map[string]int{}, most: map[string]int{}}
	begin := func(instance string) (stop func()) {
		of := stream.New(config(instance))
		t.Cleanup(of.Close)
		return run(t, capture.New(of, &counted{Source: s, instance: instance, watchers: w}, servertest.Log(t)))
	}
	put(t, s, `{"_id":"a","n":1}`)
	want, n := history{"a": {"copy 1"}}, 1
	edit := func() {
		t.Helper()
		n++
		set(t, s, "a", n)
		want["a"] = append(want["a"], fmt.Sprintf("update %d", n))
		check(t, want, marker(t, c, s, fmt.Sprint(n)))
	}
	editUntilItOwns := func(instance string) {
		t.Helper()
		for end := time.Now().Add(servertest.Patience); w.now(instance) == 0; edit() {
			if time.Now().After(end) {
				t.Fatalf("%s owns nothing", instance)
			}
		}
		edit()
	}
	one := begin("one")
	await(t, c, "a")
	two := begin("two")
	editUntilItOwns("two")
	one()
	edit()
	begin("one")
	editUntilItOwns("one")
	two()
	edit()
	for _, collection := range stream.Collections() {
		if n := w.atOnce(collection); n != 1 {
			t.Errorf("%s had %d owners at once", collection, n)
		}
	}
}
