package capture_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"regie/ingest/capture"
	"regie/internal/cms"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// documents is what a collection has: n by key.
func documents(t *testing.T, s cms.Source) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := s.Snapshot(t.Context(), "programme", bson.RawValue{}, func(doc bson.Raw) error {
		key, err := cms.Key(doc.Lookup("_id"))
		n, _ := doc.Lookup("n").AsInt64OK()
		out[key] = int(n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// state is what a history leaves: n by key.
func (h history) state(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	for key, changes := range h {
		last := changes[len(changes)-1]
		if last == "delete" {
			continue
		}
		var operation string
		var n int
		if _, err := fmt.Sscanf(last, "%s %d", &operation, &n); err != nil {
			t.Errorf("%s: %q", key, last)
		}
		out[key] = n
	}
	return out
}

// TestEditsWhileItIsDownAndItsTokenForgotten overruns MongoDB's oplog while capture is down.
func TestEditsWhileItIsDownAndItsTokenForgotten(t *testing.T) {
	rs, c := newReplicaSet(t, 1), newCluster(t)
	const all, edits, deletes, inserts = 1500, 1000, 100, 50
	var docs []string
	for i := range all {
		docs = append(docs, fmt.Sprintf(`{"_id":"p%04d","n":1}`, i))
	}
	put(t, rs.store, docs...)
	stop := start(t, c, rs.store)
	awaitWhere(t, c, "all are there", func(h history) bool { return len(h) == all })
	token := func() cms.Token {
		w, err := rs.store.Watch(t.Context(), "programme", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close(t.Context())
		return w.Token()
	}()
	stop()

	for i := range edits {
		set(t, rs.store, fmt.Sprintf("p%04d", i), 2)
	}
	for i := range deletes {
		remove(t, rs.store, fmt.Sprintf("p%04d", edits+i))
	}
	for i := range inserts {
		put(t, rs.store, fmt.Sprintf(`{"_id":"new%d","n":3}`, i))
	}
	rs.overrun()
	var server mongo.ServerError
	if _, err := rs.store.Watch(t.Context(), "programme", token); !errors.Is(err, cms.ErrTokenLost) || !errors.As(err, &server) || !server.HasErrorCode(286) {
		t.Fatalf("the token is not forgotten: %v", err)
	}

	start(t, c, rs.store)
	awaitWhere(t, c, "all are there again", func(h history) bool { return len(h[fmt.Sprintf("new%d", inserts-1)]) > 0 && len(h["p1499"]) == 2 })
	h := marker(t, c, rs.store, "end")
	gone := 0
	for key, changes := range h {
		switch want := changes[len(changes)-1]; {
		case want == "delete":
			gone++
		case len(changes) > 2:
			t.Errorf("%s: %v", key, changes)
		}
	}
	if gone != deletes {
		t.Errorf("%d deletes were seen, want %d", gone, deletes)
	}
	remove(t, rs.store, "marker-end")
	if want, got := documents(t, rs.store), h.state(t); len(want) != all-deletes+inserts || fmt.Sprint(want) != fmt.Sprint(got) {
		t.Errorf("the topic and the CMS differ: %d documents, %d in the topic", len(want), len(got))
	}
}

// paused is a source whose changes of programme stop being read between pause and resume.
type paused struct {
	cms.Source
	gate sync.RWMutex
	mu   sync.Mutex
	errs []error
}

func (p *paused) Watch(ctx context.Context, collection string, after cms.Token) (cms.Changes, error) {
	w, err := p.Source.Watch(ctx, collection, after)
	if err != nil || collection != "programme" {
		return w, err
	}
	return &pausedChanges{w, p}, nil
}

type pausedChanges struct {
	cms.Changes
	of *paused
}

func (c *pausedChanges) Next(ctx context.Context, max int) ([]bson.Raw, error) {
	c.of.gate.RLock()
	defer c.of.gate.RUnlock()
	events, err := c.Changes.Next(ctx, max)
	if err != nil {
		c.of.mu.Lock()
		c.of.errs = append(c.of.errs, err)
		c.of.mu.Unlock()
	}
	return events, err
}

// TestTheHistoryIsOverrunInMidStream has a stream that is open fall behind MongoDB's oplog.
func TestTheHistoryIsOverrunInMidStream(t *testing.T) {
	rs, c := newReplicaSet(t, 1), newCluster(t)
	s := &paused{Source: rs.store}
	put(t, rs.store, `{"_id":"a","n":1}`, `{"_id":"gone","n":1}`)
	start(t, c, s)
	await(t, c, "a")
	set(t, rs.store, "a", 2)
	want := history{"a": {"copy 1", "update 2"}, "gone": {"copy 1"}}
	check(t, want, marker(t, c, rs.store, "before"))

	s.gate.Lock()
	set(t, rs.store, "a", 3)
	remove(t, rs.store, "gone")
	put(t, rs.store, `{"_id":"new","n":1}`)
	rs.overrun()
	s.gate.Unlock()
	awaitWhere(t, c, "the snapshot is there", func(h history) bool { return len(h["new"]) > 0 })
	set(t, rs.store, "a", 4)
	want["a"] = append(want["a"], "copy 3", "update 4")
	want["gone"] = append(want["gone"], "delete")
	want["new"] = []string{"copy 1"}
	check(t, want, marker(t, c, rs.store, "after"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.errs) == 0 {
		t.Error("it was not overrun")
	}
}

// TestMongoDBRefusesToGoOn has MongoDB answer with the codes that mean a snapshot, in mid-stream and when a stream is
// opened again, and with some that don't.
func TestMongoDBRefusesToGoOn(t *testing.T) {
	rs := newReplicaSet(t, 1)
	for _, tt := range []struct {
		command  string
		code     int
		snapshot bool
	}{
		{"getMore", 286, true}, {"getMore", 280, true}, {"getMore", 260, true},
		{"aggregate", 286, true}, {"aggregate", 280, true}, {"aggregate", 260, true},
		{"getMore", 8, false}, {"getMore", 43, false}, {"aggregate", 8, false},
	} {
		t.Run(fmt.Sprint(tt.command, " ", tt.code), func(t *testing.T) {
			c := newCluster(t)
			if err := rs.db.Drop(t.Context()); err != nil {
				t.Fatal(err)
			}
			put(t, rs.store, `{"_id":"a","n":1}`)
			stop := start(t, c, rs.store)
			await(t, c, "a")
			want := history{"a": {"copy 1"}}
			check(t, want, marker(t, c, rs.store, "before"))
			if tt.command == "aggregate" {
				stop()
			}
			rs.fail(tt.command, tt.code, 1)
			if tt.command == "aggregate" {
				set(t, rs.store, "a", 2)
				start(t, c, rs.store)
			} else {
				awaitWhere(t, c, "it failed", func(h history) bool { return !tt.snapshot || len(h["a"]) == 2 })
				set(t, rs.store, "a", 2)
			}
			switch {
			case tt.command == "aggregate" && tt.snapshot:
				awaitWhere(t, c, "it is copied again", func(h history) bool { return len(h["a"]) == 2 })
				want["a"] = append(want["a"], "copy 2")
			case tt.snapshot:
				want["a"] = append(want["a"], "copy 1", "update 2")
			default:
				want["a"] = append(want["a"], "update 2")
			}
			check(t, want, marker(t, c, rs.store, "after"))
		})
	}
}

// TestAQuietCollectionOutlivesTheHistory overruns the oplog with what is written elsewhere.
func TestAQuietCollectionOutlivesTheHistory(t *testing.T) {
	rs, c := newReplicaSet(t, 1), newCluster(t)
	put(t, rs.store, `{"_id":"a","n":1}`)
	role := capture.New(c.Cluster, rs.store, servertest.Log(t))
	role.SaveEvery(200 * time.Millisecond)
	stop := run(t, role)
	await(t, c, "a")
	rs.overrun() // with it, the token of the snapshot
	before := position(t, c)
	servertest.Eventually(t, "a token is saved", func() bool { return position(t, c) != before }) // MongoDB makes one each ten seconds
	stop()
	set(t, rs.store, "a", 2)
	start(t, c, rs.store)
	check(t, history{"a": {"copy 1", "update 2"}}, marker(t, c, rs.store, "end"))
}

// position is the last of programme's that was saved.
func position(t *testing.T, c *cluster) string {
	t.Helper()
	var records []stream.Record
	servertest.Await(t, func() (why string) {
		var err error
		if records, err = c.Last(t.Context(), stream.CapturePosition); err != nil {
			why = err.Error()
		}
		return why
	})
	partition := int32(slices.Index(stream.Collections(), "programme"))
	for _, r := range records {
		if r.Partition == partition {
			return string(r.Value)
		}
	}
	return ""
}
