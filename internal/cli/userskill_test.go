package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"regie/ingest/persist"
	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	projectionv1 "regie/proto/projection/v1"
	userv1 "regie/proto/user/v1"
)

// asImport makes the test binary an import to that address, of the file and with the errors that its arguments name, so
// that tests can kill it.
const asImport = "TEST_AS_IMPORT"

func TestMain(m *testing.M) {
	address := os.Getenv(asImport)
	if address == "" {
		os.Exit(m.Run())
	}
	err := ImportUsers(context.Background(), IO{Out: os.Stdout, Err: os.Stderr}, users.NewRemoteImport(address), UsersFile{File: os.Args[1], Errors: os.Args[2]})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// service is a user API on Kafka, with a catalogue of one programme and one video.
func service(t *testing.T) (*users.Service, *stream.Cluster) {
	t.Helper()
	cluster := servertest.Cluster(t, append(persist.Inputs(), stream.Dead(persist.Role))...)
	redis, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	prefix := servertest.Name()
	t.Cleanup(func() {
		it := redis.Scan(context.Background(), 0, prefix+":*", 1000).Iterator()
		for it.Next(context.Background()) {
			redis.Del(context.Background(), it.Val())
		}
		_ = redis.Close()
	})
	c := catalog.New(redis, prefix)
	for kind, blob := range map[string]proto.Message{
		"programme": &projectionv1.Programme{Id: "programme:p1"},
		"video":     &projectionv1.Video{Id: "video:p1", ProgrammeId: "programme:p1", Duration: 3000},
	} {
		b, err := proto.Marshal(blob)
		if err != nil {
			t.Fatal(err)
		}
		change := catalog.Change{Kind: kind, ID: "p1", Fence: stream.Fence{Incarnation: 1}, Blobs: map[catalog.Screen][]byte{}}
		for _, s := range catalog.Screens() {
			change.Blobs[s] = b
		}
		if _, err := c.Apply(t.Context(), []catalog.Change{change}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	store, err := boltstore.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	producer, err := cluster.NewProducerWithin(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	svc := users.New(users.Config{
		Producer: producer, Catalog: c, Store: store, Directory: store, Secret: []byte("secret"), Now: time.Now, Patience: time.Minute,
		Metrics: users.NewMetrics(prometheus.NewRegistry()), Log: servertest.Log(t),
	})
	applies := cluster.NewConsumer(stream.ConsumerConfig{
		Role: persist.Role, Topics: persist.Inputs(), MaxBatch: persist.MaxBatch,
		Sink: persist.New(store, time.Now, servertest.Log(t), persist.NewMetrics(prometheus.NewRegistry())),
	})
	ctx, stop := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return svc.Run(ctx) })
	g.Go(func() error { return applies.Run(ctx) })
	t.Cleanup(func() {
		stop()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	return svc, cluster
}

// TestAnImportThatIsKilled kills imports of one file at any moment, until one comes to the end.
func TestAnImportThatIsKilled(t *testing.T) {
	svc, cluster := service(t)
	const kills, most = 6, 3 // and most requests from one kill to the next
	const n = 20 * users.MaxRows
	var content, wrong strings.Builder
	for i := range n {
		at := time.Now().Add(-time.Duration(i) * time.Second).Format(time.RFC3339)
		switch {
		case i%1000 == 7:
			content.WriteString("{\n")
			fmt.Fprintf(&wrong, "line %d: it is no JSON object\n", i+1)
		case i%2 == 0:
			fmt.Fprintf(&content, `{"user":"viewer-%d","favourite":"programme:p1","at":"%s"}`+"\n", i%300, at)
		default:
			fmt.Fprintf(&content, `{"user":"viewer-%d","video":"video:p1","position":%d,"at":"%s"}`+"\n", i%300, i%3000, at)
		}
	}
	name, told := rowsFile(t, content.String()), filepath.Join(t.TempDir(), "errors")

	// Of one request the client does not live to see the answer; whether it is done is for chance.
	var fatal atomic.Int32
	fatal.Store(-1)
	kill := make(chan struct{}, 1)
	inner := users.ImportHandler(svc, func(context.Context) error { return nil }, servertest.Log(t))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fatal.Add(-1) != 0 {
			inner.ServeHTTP(w, r)
			return
		}
		if rand.IntN(2) == 0 {
			inner.ServeHTTP(httptest.NewRecorder(), r)
		}
		_, _ = io.Copy(io.Discard, r.Body) // it is only then that a server notices who has gone
		kill <- struct{}{}
		<-r.Context().Done() // it is gone
	}))
	t.Cleanup(srv.Close)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	run := func() *exec.Cmd {
		out.Reset()
		errs.Reset()
		cmd := exec.CommandContext(t.Context(), exe, name, told)
		cmd.Env = []string{asImport + "=" + strings.TrimPrefix(srv.URL, "http://")}
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	for i := range kills {
		if fatal.Store(1 + rand.Int32N(most)); i == 0 {
			fatal.Store(most) // one at least has done something: else the last does not go on
		}
		cmd := run()
		<-kill
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
	}
	fatal.Store(-1)
	if err := run().Wait(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if want := fmt.Sprintf("%d rows: %d taken over, %d left out, in ", n, n-n/1000, n/1000); !strings.HasPrefix(out.String(), want) || !strings.HasPrefix(errs.String(), "going on after ") {
		t.Errorf("it says %q and %q, want %q", out.String(), errs.String(), want)
	}
	if got := string(read(t, told)); got != wrong.String() {
		t.Errorf("--errors has %s", got)
	}
	events, records := map[string]bool{}, 0
	for topic, event := range map[string]interface {
		proto.Message
		GetEventUuid() string
	}{stream.UserFavourite: &userv1.FavouriteEvent{}, stream.UserProgress: &userv1.ProgressEvent{}} {
		err := cluster.ReadAll(t.Context(), topic, func(r stream.Record) error {
			records++
			err := r.Decode(event)
			events[event.GetEventUuid()] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if good := n - n/1000; len(events) != good || records > good+kills*users.MaxRows {
		t.Errorf("%d events of %d rows, in %d records", len(events), good, records)
	}
}
