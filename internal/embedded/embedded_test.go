package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"regie/internal/catalog"
	"regie/internal/embedded"
	"regie/internal/servertest"
	"regie/internal/stream"
)

const topic = "catalog.programme"

func open(t *testing.T, dir string) *embedded.Servers {
	t.Helper()
	s, err := embedded.Open(dir, servertest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, s *embedded.Servers) *stream.Cluster {
	t.Helper()
	c := stream.New(stream.Config{Brokers: s.Kafka, Project: "regie", Instance: "test", Log: servertest.Log(t)})
	t.Cleanup(c.Close)
	return c
}

// cluster makes the topics where they are missing.
func cluster(t *testing.T, s *embedded.Servers) *stream.Cluster {
	t.Helper()
	c := client(t, s)
	if _, err := c.Apply(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	return c
}

// put writes each of the batches by itself, and returns how many records that were.
func put(t *testing.T, c *stream.Cluster, batches ...[]stream.Record) (n int) {
	t.Helper()
	p, err := c.NewProducer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, rs := range batches {
		ds, err := p.Produce(t.Context(), rs)
		if err != nil {
			t.Fatal(err)
		}
		n += len(ds)
	}
	return n
}

// record is of a partition of its own choice; a value of "" makes a tombstone.
func record(partition int32, key, value string) stream.Record {
	r := stream.Record{Topic: topic, Partition: partition, Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	return r
}

// records are all of the topic's, as partition key=value.
func records(t *testing.T, c *stream.Cluster) []string {
	t.Helper()
	var got []string
	err := c.ReadAll(t.Context(), topic, func(r stream.Record) error {
		got = append(got, fmt.Sprintf("%d %s=%s", r.Partition, r.Key, r.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(got, func(a, b string) int {
		p, _, _ := strings.Cut(a, " ")
		q, _, _ := strings.Cut(b, " ")
		return strings.Compare(p, q)
	})
	return got
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	second, err := embedded.Open(dir, servertest.Log(t))
	if err == nil {
		second.Close()
		t.Fatal("it is let in")
	}
	want := fmt.Sprintf("the data folder %s is in use by process %d, and still is after 2s: stop it, or start this one with another --data and --http, --admin", dir, os.Getpid())
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := catalogOf(t, s).Ping(t.Context()); err != nil {
		t.Errorf("the first does not answer any more: %v", err)
	}
	s.Close()
	open(t, dir)
}

// asHolder makes the test binary a process that has the folder of that name, until it is killed.
const asHolder = "TEST_AS_HOLDER"

func TestMain(m *testing.M) {
	dir := os.Getenv(asHolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := embedded.Open(dir, slog.New(slog.DiscardHandler)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("it has it")
	select {}
}

// signal is a log that tells when it is written to.
type signal struct {
	slog.Handler
	once    *sync.Once
	written chan struct{}
}

func (signal) Enabled(context.Context, slog.Level) bool { return true }

func (s signal) Handle(context.Context, slog.Record) error {
	s.once.Do(func() { close(s.written) })
	return nil
}

// TestAProcessThatIsKilledIsWaitedFor: it has the folder still when the next one starts.
func TestAProcessThatIsKilledIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), asHolder+"="+dir)
	out, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "it has it\n" {
		t.Fatal(line, err)
	}
	waits := signal{slog.DiscardHandler, &sync.Once{}, make(chan struct{})}
	opened := make(chan error, 1)
	go func() {
		lock, err := embedded.LockDir(dir, servertest.Patience, slog.New(waits)) // as Open does, which is in a hurry
		if err == nil {
			err = lock.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("nobody was waited for: %v", err)
	case <-waits.written:
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func catalogOf(t *testing.T, s *embedded.Servers) *catalog.Catalog {
	t.Helper()
	client, err := catalog.Connect(s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return catalog.New(client, "t")
}

func TestTheLogSurvivesARestartAndRedisDoesNot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when missing")
	s := open(t, dir)
	c := cluster(t, s)
	put(t, c, []stream.Record{record(0, "a", "1"), record(1, "b", "2")})
	id, err := c.TopicID(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ref := []catalog.Ref{{Kind: "programme", ID: "p"}}
	change := catalog.Change{Kind: "programme", ID: "p", Blobs: map[catalog.Screen][]byte{catalog.Web: []byte("x")}}
	if _, err := catalogOf(t, s).Apply(t.Context(), []catalog.Change{change}, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = open(t, dir)
	c = client(t, s)
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("the topics: %v", err)
	}
	if diff := cmp.Diff([]string{"0 a=1", "1 b=2"}, records(t, c)); diff != "" {
		t.Error(diff)
	}
	if again, err := c.TopicID(t.Context(), topic); err != nil || again != id {
		t.Errorf("topic id %s became %s, %v", id, again, err)
	}
	bs, err := catalogOf(t, s).Blobs(t.Context(), catalog.Web, ref)
	if err != nil || bs[0] != nil {
		t.Errorf("got %q, %v", bs, err)
	}
}

func TestAStartKeepsTheLatestOfEachKey(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c := cluster(t, s)
	// In many batches: a broker leaves the last one alone.
	var batches [][]stream.Record
	for i := range 50 {
		value := fmt.Sprint(i)
		batches = append(batches, []stream.Record{record(0, "a", value), record(0, "b", value), record(3, "a", value), record(3, "b", value)})
	}
	n := put(t, c, append(batches, []stream.Record{record(0, "c", "gone"), record(0, "c", ""), record(5, "d", "alone")})...)
	if got := len(records(t, c)); got != n {
		t.Fatalf("%d records", got)
	}
	// Twice: what a start compacts the next one reads.
	for range 2 {
		s.Close()
		s = open(t, dir)
		c = cluster(t, s)
		got := records(t, c)
		if len(got) > 20 {
			t.Errorf("%d of %d records are left", len(got), n)
		}
		latest := map[string]string{}
		for _, r := range got {
			key, value, _ := strings.Cut(r, "=")
			latest[key] = value
		}
		if latest["0 c"] == "" {
			delete(latest, "0 c") // its tombstone, which is kept a week
		}
		if diff := cmp.Diff(map[string]string{"0 a": "49", "0 b": "49", "3 a": "49", "3 b": "49", "5 d": "alone"}, latest); diff != "" {
			t.Error(diff)
		}
		// The log goes on where it was.
		put(t, c, []stream.Record{record(0, "a", "49")})
		last, err := c.Last(t.Context(), topic)
		first := slices.IndexFunc(last, func(r stream.Record) bool { return r.Partition == 0 })
		if err != nil || first < 0 || last[first].Offset < 102 {
			t.Errorf("the next offset is %+v, %v", last, err)
		}
	}
	entries, err := filepath.Glob(filepath.Join(dir, "kafka.*"))
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %q, %v", entries, err)
	}
}

// TestAStartThatWasKilledIsRepaired: whatever a kill leaves, the next start has all records, and so has the one after.
func TestAStartThatWasKilledIsRepaired(t *testing.T) {
	kills := map[string]func(t *testing.T, dir string){
		"while it linked the log aside": func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "kafka"), filepath.Join(dir, "kafka.aside.tmp"))
			truncate(t, filepath.Join(dir, "kafka.aside.tmp"))
		},
		"before it compacted": func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "kafka"), filepath.Join(dir, "kafka.aside"))
		},
		"while it compacted": func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "kafka"), filepath.Join(dir, "kafka.aside"))
			truncate(t, filepath.Join(dir, "kafka"))
		},
		"while it restored the copy": func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "kafka"), filepath.Join(dir, "kafka.aside"))
			if err := os.RemoveAll(filepath.Join(dir, "kafka")); err != nil {
				t.Fatal(err)
			}
		},
		"while it removed the copy": func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "kafka"), filepath.Join(dir, "kafka.aside.done"))
			truncate(t, filepath.Join(dir, "kafka.aside.done"))
		},
	}
	for name, kill := range kills {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			want := []string{"0 a=1", "1 b=2", "2 c=3"}
			put(t, cluster(t, s), []stream.Record{record(0, "a", "1"), record(1, "b", "2"), record(2, "c", "3")})
			s.Close()
			kill(t, dir)
			for range 2 {
				s = open(t, dir)
				if diff := cmp.Diff(want, records(t, cluster(t, s))); diff != "" {
					t.Error(diff)
				}
				s.Close()
				entries, err := filepath.Glob(filepath.Join(dir, "kafka.*"))
				if err != nil || len(entries) > 0 {
					t.Errorf("left behind: %q, %v", entries, err)
				}
			}
		})
	}
}

// link makes a copy whose files are hard links.
func link(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return os.Link(path, filepath.Join(to, rel))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// truncate removes most files of a folder, as a compaction does that has not written their successors yet.
func truncate(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if n++; n%5 == 0 {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskIsSaid(t *testing.T) {
	if err := embedded.Enough("/data", 64<<20); err != nil {
		t.Errorf("enough: %v", err)
	}
	err := embedded.Enough("/data", 63<<20)
	const want = "the disk of the data folder /data is full: 63 MiB free, 64 MiB needed; free some, or name another folder with --data"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAFolderThatCannotBeMadeIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := embedded.Open(file, servertest.Log(t)); err == nil || !strings.HasPrefix(err.Error(), "making the data folder: ") {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestKeysExpireWhileItRuns(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	client, err := catalog.Connect(s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.Set(t.Context(), "k", "v", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "it is gone", func() bool { return errors.Is(client.Get(t.Context(), "k").Err(), redis.Nil) })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
