package capture_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/ingest/capture"
	"regie/internal/cms"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// Capture in a process of its own, to be killed: this test's binary, started with these variables.
const (
	envBrokers  = "CAPTURE_TEST_BROKERS"
	envProject  = "CAPTURE_TEST_PROJECT"
	envInstance = "CAPTURE_TEST_INSTANCE"
	envMongo    = "CAPTURE_TEST_MONGO"
	envDatabase = "CAPTURE_TEST_DATABASE"
	envHasty    = "CAPTURE_TEST_HASTY"
	envHolds    = "CAPTURE_TEST_HOLDS"
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
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	source, err := cms.OpenMongo(ctx, os.Getenv(envMongo), os.Getenv(envDatabase))
	if err != nil {
		return err
	}
	c := stream.Config{Brokers: os.Getenv(envBrokers), Project: os.Getenv(envProject), Instance: os.Getenv(envInstance), Log: log}
	if os.Getenv(envHasty) != "" { // an instance that is gone keeps its place until the session times out; a broker allows no less
		c.Properties = map[string]string{"session.timeout.ms": "6000", "heartbeat.interval.ms": "200"}
	}
	cluster := stream.New(c)
	defer cluster.Close()
	return capture.New(cluster, &announcing{source}, log).Run(ctx)
}

// announcing says on the standard output that it follows programme, and how many documents of a snapshot it has read.
// envHolds is how many it reads before it stands still, to be killed there.
type announcing struct{ cms.Source }

func (a *announcing) Watch(ctx context.Context, collection string, after cms.Token) (cms.Changes, error) {
	w, err := a.Source.Watch(ctx, collection, after)
	if err == nil && collection == "programme" && after != nil {
		fmt.Println("follows")
	}
	return w, err
}

func (a *announcing) Snapshot(ctx context.Context, collection string, after bson.RawValue, fn func(bson.Raw) error) error {
	n := 0
	return a.Source.Snapshot(ctx, collection, after, func(doc bson.Raw) error {
		if n++; collection == "programme" && n%100 == 0 {
			fmt.Println("read", n)
			if fmt.Sprint(n) == os.Getenv(envHolds) {
				<-ctx.Done()
			}
		}
		return fn(doc)
	})
}

// fleet starts instances on one Kafka project and one MongoDB database.
type fleet struct {
	t                *testing.T
	brokers, project string
	cluster          *cluster
	store            *cms.Mongo
	database         string

	mu   sync.Mutex
	said []string // NAME WORD...
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	store, db := mongoDB(t)
	f := &fleet{t: t, brokers: servertest.Kafka(t), project: servertest.Name(), store: store, database: db.Name()}
	f.cluster = clusterOf(t, stream.Config{Brokers: f.brokers, Project: f.project, Instance: "test"})
	return f
}

func (f *fleet) start(name string, env ...string) *servertest.Process {
	f.t.Helper()
	return servertest.Spawn(f.t, name, func(line string) {
		if strings.HasPrefix(line, "time=") {
			return // its log
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.said = append(f.said, name+" "+line)
	}, append(env, envBrokers+"="+f.brokers, envProject+"="+f.project, envInstance+"="+name, envMongo+"="+os.Getenv("TEST_MONGO"), envDatabase+"="+f.database)...)
}

// owner is who said last that it follows.
func (f *fleet) owner() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, line := range slices.Backward(f.said) {
		if who, ok := strings.CutSuffix(line, " follows"); ok {
			return who
		}
	}
	return ""
}

// hears waits for one more line that ends so.
func (f *fleet) hears(from int, what string) {
	f.t.Helper()
	for end := time.Now().Add(servertest.Patience); ; pause() {
		f.mu.Lock()
		said := slices.Clone(f.said[from:])
		f.mu.Unlock()
		for _, line := range said {
			if strings.HasSuffix(line, what) {
				return
			}
		}
		if time.Now().After(end) {
			f.t.Fatalf("nobody says %q: %v", what, said)
		}
	}
}

func (f *fleet) heard() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.said)
}

// settle makes the collection, so that MongoDB keeps what documents were before each edit that follows.
func (f *fleet) settle() {
	f.t.Helper()
	marker(f.t, f.cluster, f.store, "first")
	remove(f.t, f.store, "marker-first")
}

// edits makes edits of ten documents until the returned function is called, which returns what the topic must say.
func (f *fleet) edits() (end func() history) {
	ctx, cancel := context.WithCancel(f.t.Context())
	done, want := make(chan error, 1), history{}
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			key := fmt.Sprintf("p%d", rand.IntN(10))
			var err error
			if want[key] == nil {
				var raw []byte
				if raw, err = bson.Marshal(bson.D{{Key: "_id", Value: key}, {Key: "n", Value: int32(n)}}); err == nil {
					_, err = f.store.Put(f.t.Context(), "programme", []bson.Raw{raw})
				}
				want[key] = []string{fmt.Sprintf("insert %d", n)}
			} else {
				err = f.store.Set(f.t.Context(), "programme", key, bson.D{{Key: "n", Value: int32(n)}})
				want[key] = append(want[key], fmt.Sprintf("update %d", n))
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	return func() history {
		f.t.Helper()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			f.t.Fatal(err)
		}
		return want
	}
}

// check compares what the topic says, and that capture numbered it without gap or repeat.
func (f *fleet) check(want history) {
	f.t.Helper()
	check(f.t, want, marker(f.t, f.cluster, f.store, "end"))
	var sequences []int
	for _, r := range servertest.ReadAll(f.t, f.cluster.Cluster, stream.CMS("programme")) {
		n, err := strconv.Atoi(r.Headers.Get(stream.HeaderSequence))
		if err != nil {
			f.t.Fatal(err)
		}
		sequences = append(sequences, n)
	}
	slices.Sort(sequences)
	if n := len(slices.Compact(slices.Clone(sequences))); n != len(sequences) {
		f.t.Errorf("%d of %d sequences are different", n, len(sequences))
	}
	n := 0
	for _, changes := range want {
		n += len(changes)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t.Logf("%d edits, %q", n, f.said)
}

// TestOwnersAreKilled has two instances, whose owner is killed, stopped and frozen while edits go on.
func TestOwnersAreKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	instances := map[string]*servertest.Process{"one": f.start("one", envHasty+"=1")}
	f.hears(0, "follows")
	instances["two"] = f.start("two", envHasty+"=1")
	f.settle()
	end := f.edits()
	seen := func() {
		t.Helper()
		marker(t, f.cluster, f.store, servertest.Name())
	}
	seen()
	for _, end := range []func(*servertest.Process){
		func(i *servertest.Process) { i.Kill() },
		func(i *servertest.Process) { i.Signal(syscall.SIGTERM); <-i.Done },
		func(i *servertest.Process) { i.Signal(syscall.SIGSTOP) },
		func(i *servertest.Process) { i.Kill() },
	} {
		owner := f.owner()
		end(instances[owner])
		seen() // by the other
		select {
		case <-instances[owner].Done:
			instances[owner] = f.start(owner, envHasty+"=1")
		default: // it believes that it still owns what the other has taken
			instances[owner].Signal(syscall.SIGCONT)
		}
		seen() // by whom the election now gives it to
	}
	f.check(end())
}

// TestKilledAtAnyMoment kills the only instance again and again, while it writes.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	i := f.start("one")
	f.hears(0, "follows")
	f.settle()
	end := f.edits()
	for range 10 {
		from := f.heard()
		i.Kill()
		i = f.start("one")
		f.hears(from, "follows")
		<-time.After(rand.N(300 * time.Millisecond)) // some writes
	}
	f.check(end())
}

// TestASnapshotGoesOnWhereItWasKilled kills it at 60 % twice, with edits behind and before it.
func TestASnapshotGoesOnWhereItWasKilled(t *testing.T) {
	f := newFleet(t)
	const all = 5000
	var docs []string
	want := history{}
	for i := range all {
		key := fmt.Sprintf("p%04d", i)
		docs = append(docs, fmt.Sprintf(`{"_id":%q,"n":1}`, key))
		want[key] = []string{"copy 1"}
	}
	put(t, f.store, docs...)
	i := f.start("one", envHolds+"=3000")
	f.hears(0, "read 3000")
	i.Kill()
	if h := readHistory(t, f.cluster); len(h) < 2000 || len(h) > 3000 {
		t.Fatalf("%d documents were captured", len(h))
	}
	// Behind where it is, and before.
	set(t, f.store, "p0001", 2)
	want["p0001"] = []string{"copy 1", "update 2"}
	remove(t, f.store, "p0002")
	want["p0002"] = []string{"copy 1", "delete"}
	set(t, f.store, "p4999", 2)
	want["p4999"] = []string{"copy 2", "update 2"}
	remove(t, f.store, "p4998")
	want["p4998"] = []string{"delete"}
	from := f.heard()
	i = f.start("one", envHolds+"=1000")
	f.hears(from, "read 1000")
	i.Kill()
	from = f.heard()
	f.start("one")
	f.hears(from, "follows")
	check(t, want, marker(t, f.cluster, f.store, "end"))
}
