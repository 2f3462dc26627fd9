package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/ingest/capture"
	"regie/internal/cms"
	"regie/internal/servertest"
)

func TestASnapshotSaysWhenItWillBeDone(t *testing.T) {
	for name, tt := range map[string]struct {
		all, total, documents int
		took                  time.Duration
		want                  string
	}{
		"from the beginning":      {1000, 4000, 1000, 2 * time.Second, "documents=1000 of=4000 per_second=500 eta=6s"},
		"taken up":                {3000, 4000, 1000, 2 * time.Second, "documents=3000 of=4000 per_second=500 eta=2s"},
		"more than in the begin":  {4100, 4000, 4100, 8 * time.Second, "documents=4100 of=4000 per_second=512 eta=0s"},
		"nothing yet":             {0, 4000, 0, 0, "documents=0 of=4000 per_second=0 eta=0s"},
		"large ones over an hour": {1000, 100_000, 1000, 90 * time.Second, "documents=1000 of=100000 per_second=11 eta=2h28m30s"},
	} {
		if got := capture.Progress(tt.all, tt.total, tt.documents, tt.took); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// BenchmarkSnapshot takes one of 100,000 documents of 1 KB.
func BenchmarkSnapshot(b *testing.B) {
	const all = 100_000
	uri, name := servertest.Mongo(b), servertest.Name()
	m, err := cms.OpenMongo(b.Context(), uri, name)
	if err != nil {
		b.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		m.Close(context.Background())
		client.Database(name).Drop(context.Background())
		client.Disconnect(context.Background())
	})
	var docs []any
	for i := range all {
		docs = append(docs, bson.D{{Key: "_id", Value: fmt.Sprintf("p%06d", i)}, {Key: "n", Value: i}, {Key: "text", Value: strings.Repeat("x", 1000)}})
	}
	if _, err := client.Database(name).Collection("programme").InsertMany(b.Context(), docs); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		c := newCluster(b)
		ctx, cancel := context.WithCancel(b.Context())
		b.StartTimer()
		began, done := time.Now(), make(chan error, 1)
		role := capture.New(c.Cluster, m, slog.New(slog.DiscardHandler))
		go func() { done <- role.Run(ctx) }()
		for !role.Ready() {
			<-time.After(10 * time.Millisecond)
		}
		b.StopTimer()
		b.ReportMetric(all/time.Since(began).Seconds(), "documents/s")
		cancel()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// held is a source whose snapshot of programmes stops before a document, until it may go on.
type held struct {
	cms.Source
	before        int
	reached, goOn chan struct{}
}

func (h *held) Snapshot(ctx context.Context, collection string, after bson.RawValue, fn func(bson.Raw) error) error {
	n := 0
	return h.Source.Snapshot(ctx, collection, after, func(doc bson.Raw) error {
		if n++; collection == "programme" && n == h.before {
			close(h.reached)
			select {
			case <-h.goOn:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return fn(doc)
	})
}

// TestWhatCaptureWaitsForIsSaid: an operator sees how far a snapshot is, and that the CMS is away.
func TestWhatCaptureWaitsForIsSaid(t *testing.T) {
	onEachStore(t, func(t *testing.T, c *cluster, s store) {
		var docs []string
		for i := range 501 {
			docs = append(docs, fmt.Sprintf(`{"_id":"p%03d"}`, i))
		}
		put(t, s, docs...)
		source := &held{Source: s, before: 501, reached: make(chan struct{}), goOn: make(chan struct{})}
		role := capture.New(c.Cluster, source, servertest.Log(t))
		if err := role.Waiting(); err == nil || err.Error() != "is taking part in the election of owners" {
			t.Errorf("at first: %v", err)
		}
		run(t, role)
		<-source.reached
		if err := role.Waiting(); err == nil || !strings.Contains(err.Error(), "programme: snapshot under way: documents=500 of=501 per_second=") {
			t.Errorf("after 500 documents: %v", err)
		}
		close(source.goOn)
		for role.Waiting() != nil {
			pause()
		}
	})
}
