package cms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

func openBolt(t *testing.T, dir string) *cms.Bolt {
	t.Helper()
	b, err := cms.OpenBolt(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBolt(t *testing.T) {
	testStore(t, func(t *testing.T) (store, func() store) {
		dir := t.TempDir()
		b := openBolt(t, dir)
		return b, func() store {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b = openBolt(t, dir)
			return b
		}
	})
}

func TestBoltRefusesASecondProcess(t *testing.T) {
	dir := t.TempDir()
	b := openBolt(t, dir)
	if _, err := cms.OpenBolt(dir, time.Now); err == nil {
		t.Fatal("opened twice")
	}
	put(t, b, "programme", `{"_id":"a"}`)
}

func TestBoltRemembersMarks(t *testing.T) {
	dir := t.TempDir()
	b := openBolt(t, dir)
	if ok, err := b.Marked("imported"); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	if err := b.Mark("imported"); err != nil {
		t.Fatal(err)
	}
	b.Close()
	b = openBolt(t, dir)
	if ok, err := b.Marked("imported"); !ok || err != nil {
		t.Errorf("after: %v, %v", ok, err)
	}
}

func TestBoltRefusesUnknownCollections(t *testing.T) {
	b := openBolt(t, t.TempDir())
	want := `unknown collection "programmes": known are channel, programme, video, person, page`
	_, get := b.Get(t.Context(), "programmes", "a")
	_, put := b.Put(t.Context(), "programmes", docs(t, `{"_id":"a"}`))
	set := b.Set(t.Context(), "programmes", "a", nil)
	snapshot := b.Snapshot(t.Context(), "programmes", bson.RawValue{}, nil)
	_, watch := b.Watch(t.Context(), "programmes", nil)
	for i, err := range []error{get, put, set, snapshot, watch} {
		if err == nil || err.Error() != want {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

func TestBoltTellsWhomItsHistoryHasOvertaken(t *testing.T) {
	b := openBolt(t, t.TempDir())
	b.KeepChanges(3)
	w := watch(t, b, nil)
	tokens := []cms.Token{w.Token()}
	for i := range 3 {
		put(t, b, "programme", fmt.Sprintf(`{"_id":"a%d"}`, i))
		next(t, w, 1)
		tokens = append(tokens, w.Token())
	}
	behind := watch(t, b, tokens[1])
	put(t, b, "programme", `{"_id":"a3"}`)
	// Kept are the changes to a1, a2 and a3.
	if _, err := b.Watch(t.Context(), "programme", tokens[0]); !errors.Is(err, cms.ErrTokenLost) {
		t.Errorf("after nothing: %v", err)
	}
	if got := keys(t, next(t, watch(t, b, tokens[1]), 3)); got != "a1 a2 a3" {
		t.Errorf("after a0: %s", got)
	}
	// One that is open and slow must not jump over what was dropped either.
	put(t, b, "programme", `{"_id":"a4"}`)
	if events, err := behind.Next(t.Context(), 10); !errors.Is(err, cms.ErrTokenLost) {
		t.Errorf("one that is open: %v, %v", events, err)
	}
	if got := keys(t, next(t, w, 2)); got != "a3 a4" {
		t.Errorf("one that keeps up: %s", got)
	}
}

func TestBoltPutsAllOrNothing(t *testing.T) {
	b := openBolt(t, t.TempDir())
	w := watch(t, b, nil)
	if _, err := b.Put(t.Context(), "programme", docs(t, `{"_id":"a"}`, `{}`)); err == nil {
		t.Error("put a document without an _id")
	}
	put(t, b, "programme", `{"_id":"b"}`)
	if got := keys(t, next(t, w, 1)); got != "b" {
		t.Errorf("changes: %s", got)
	}
}

func TestBoltHasRoomForLongSlugsAndNotForLongIDs(t *testing.T) {
	b := openBolt(t, t.TempDir())
	long := strings.Repeat("x", 1_000_000)
	put(t, b, "programme", `{"_id":"a","slug":"`+long+`"}`, `{"_id":"b","slug":"b"}`)
	put(t, b, "programme", `{"_id":"a","slug":"`+long+`y"}`)
	if got := get(t, b, "b"); got != `{"_id":"b","slug":"b"}` {
		t.Errorf("its neighbour is %s", got)
	}
	if err := b.Set(t.Context(), "programme", "a", bson.D{{Key: "slug", Value: "short"}}); err != nil {
		t.Fatal(err)
	}
	if doc, err := b.Get(t.Context(), "programme", "short"); err != nil || doc.Lookup("_id").StringValue() != "a" {
		t.Errorf("its new slug leads to %v: %v", doc, err)
	}
	_, err := b.Put(t.Context(), "programme", docs(t, `{"_id":"c"}`, `{"_id":"`+long+`"}`))
	if want := "document 2 of programme, and none was written: its _id has 1000000 bytes as text, at most 16383 are allowed"; err == nil || err.Error() != want {
		t.Errorf("a long _id: %v", err)
	}
}

func TestBoltsEventsHoldWhatMongoDBsDo(t *testing.T) {
	b := openBolt(t, t.TempDir())
	w := watch(t, b, nil)
	large := strings.Repeat("x", cms.MaxDocument/2)
	put(t, b, "programme", `{"_id":"a","text":"`+large+`"}`)
	put(t, b, "programme", `{"_id":"a","text":"`+large+`y"}`)
	put(t, b, "programme", `{"_id":"a"}`)
	events := next(t, w, 3)
	for i, want := range []bool{false, false, true} {
		if _, err := events[i].LookupErr("fullDocumentBeforeChange"); (err == nil) != want {
			t.Errorf("event %d tells of the document before: %t", i, err == nil)
		}
	}
}

func TestBoltWakesWhoWaits(t *testing.T) {
	b := openBolt(t, t.TempDir())
	w := watch(t, b, nil)
	got := make(chan []bson.Raw)
	go func() {
		for {
			events, err := w.Next(t.Context(), 10)
			if err != nil || len(events) > 0 {
				got <- events
				return
			}
		}
	}()
	put(t, b, "programme", `{"_id":"a"}`)
	if k := keys(t, <-got); k != "a" {
		t.Errorf("got %s", k)
	}
}
