// Package servertest gives tests the servers they run against: the embedded ones, or the real ones that TEST_KAFKA,
// TEST_REDIS, TEST_MONGO and TEST_DYNAMODB name. Each test gets names of its own, so that tests share servers.
package servertest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"regie/internal/stream"
)

// Cluster is a Kafka cluster with topics of the project's, under a project name of the test's own.
func Cluster(t testing.TB, topics ...string) *stream.Cluster {
	t.Helper()
	c := stream.New(stream.Config{Brokers: Kafka(t), Project: Name(), Instance: "test", Log: Log(t)})
	t.Cleanup(c.Close)
	Topics(t, c, topics...)
	return c
}

var making sync.Mutex

// Topics makes topics of a cluster, all of the project's where none is named, and deletes them when the test ends. A real
// broker takes seconds for all of them, and holds a few thousand partitions, not every test's.
func Topics(t testing.TB, c *stream.Cluster, topics ...string) {
	t.Helper()
	DropTopics(t, c)
	apply(t, c, topics)
}

func apply(t testing.TB, c *stream.Cluster, topics []string) {
	t.Helper()
	making.Lock() // a broker makes them one by one, and is to answer those who ask for the last in time
	defer making.Unlock()
	Await(t, func() string { // a busy one may take longer than an operator is to wait
		if _, err := c.Apply(t.Context(), 1, topics...); err != nil {
			return err.Error()
		}
		return ""
	})
}

// DropTopics deletes a cluster's topics from a real broker when the test ends.
func DropTopics(t testing.TB, c *stream.Cluster) {
	t.Helper()
	if os.Getenv("TEST_KAFKA") == "" {
		return
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Drop(ctx); err != nil {
			t.Log(err)
		}
	})
}

// Kafka is a broker's address.
func Kafka(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv("TEST_KAFKA"); addr != "" {
		return addr
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return strings.Join(c.ListenAddrs(), ",")
}

// Redis is a Redis's URL.
func Redis(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("TEST_REDIS"); url != "" {
		return url
	}
	return "redis://" + miniredis.RunT(t).Addr()
}

// Mongo is a MongoDB's URL. There is no embedded one: without TEST_MONGO the test is skipped, and fails where nothing
// may be.
func Mongo(t testing.TB) string {
	t.Helper()
	url := os.Getenv("TEST_MONGO")
	if url == "" {
		Skip(t, "TEST_MONGO names no server; `make test` starts one")
	}
	return url
}

// DynamoDB is a DynamoDB Local's URL. There is no embedded one: without TEST_DYNAMODB the test is skipped, and fails where
// nothing may be.
func DynamoDB(t testing.TB) string {
	t.Helper()
	url := os.Getenv("TEST_DYNAMODB")
	if url == "" {
		Skip(t, "TEST_DYNAMODB names no server; `make test` starts one")
	}
	return url
}

// Patient is a client of HTTP that waits for as long as a request's context: the DynamoDB Local of a busy machine may take
// longer than a real one.
func Patient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Skip skips the test, or fails it under TEST_NOSKIP=1.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TEST_NOSKIP") == "1" {
		t.Fatal("must not be skipped: " + why)
	}
	t.Skip(why)
}

// Titles is the titles file that TEST_TITLES names, or a made-up one of 400 rows.
func Titles(t testing.TB) string {
	t.Helper()
	if file := os.Getenv("TEST_TITLES"); file != "" {
		return file
	}
	return FewTitles(t)
}

// FewTitles is a file of 400 titles: enough for what does not depend on how many there are.
func FewTitles(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("show_id,type,title,date_added,release_year,country,duration,listed_in,rating,description\n")
	for i := range 400 {
		kind, duration := "Movie", "95 min"
		if i%3 == 0 {
			kind, duration = "TV Show", "2 Seasons"
		}
		fmt.Fprintf(&b, "t%d,%s,\"Title, number %d\",2024-03-%02d,2023,France,%s,Dramas,TV-14,\"What title %d is about.\"\n", i, kind, i, 1+i%28, duration, i)
	}
	file := filepath.Join(t.TempDir(), "titles.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Name is a new project or database name.
func Name() string { return fmt.Sprintf("t%08x", rand.Uint32()) }

// Log writes to the test's log until the test ends.
func Log(t testing.TB) *slog.Logger {
	level := slog.LevelInfo
	if os.Getenv("TEST_DEBUG") != "" {
		level = slog.LevelDebug
	}
	w := &writer{t: t}
	t.Cleanup(w.end)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

type writer struct {
	mu    sync.Mutex
	t     testing.TB
	ended bool
}

// Write drops what comes after the test: a client's last words may.
func (w *writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}
