package cms_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/internal/cms"
	"regie/internal/servertest"
	"regie/internal/stream"
)

func TestMongo(t *testing.T) {
	uri := servertest.Mongo(t)
	testStore(t, func(t *testing.T) (store, func() store) {
		name := servertest.Name()
		database(t, uri, name)
		open := func() *cms.Mongo {
			m, err := cms.OpenMongo(t.Context(), uri, name)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		m := open()
		t.Cleanup(func() { m.Close(context.Background()) })
		if err := m.Index(t.Context(), stream.Collections()); err != nil {
			t.Fatal(err)
		}
		return m, func() store {
			if err := m.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			m = open()
			return m
		}
	})
}

// database makes a database whose changes know the documents before them, and drops it in the end.
func database(t *testing.T, uri, name string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Database(name).Drop(context.Background()); err != nil {
			t.Error(err)
		}
		client.Disconnect(context.Background())
	})
	for _, c := range stream.Collections() {
		images := options.CreateCollection().SetChangeStreamPreAndPostImages(bson.D{{Key: "enabled", Value: true}})
		if err := client.Database(name).CreateCollection(t.Context(), c, images); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMongoThatIsNotThere(t *testing.T) {
	if _, err := cms.OpenMongo(t.Context(), "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100&connectTimeoutMS=100", ""); err == nil {
		t.Error("opened")
	}
	if _, err := cms.OpenMongo(t.Context(), "redis://127.0.0.1", ""); err == nil {
		t.Error("opened what is no MongoDB's URI")
	}
}

// TestChangesTooLargeForAnEvent come with the document as it is and without the one before; their neighbours lack
// nothing.
func TestChangesTooLargeForAnEvent(t *testing.T) {
	uri, name := servertest.Mongo(t), servertest.Name()
	database(t, uri, name)
	m, err := cms.OpenMongo(t.Context(), uri, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	n := func(ref string, n int32) {
		t.Helper()
		if err := m.Set(t.Context(), "programme", ref, bson.D{{Key: "n", Value: n}}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(ref string) {
		t.Helper()
		if err := m.Delete(t.Context(), "programme", ref); err != nil {
			t.Fatal(err)
		}
	}
	document := func(id, text string) {
		t.Helper()
		raw, err := bson.Marshal(bson.D{{Key: "_id", Value: id}, {Key: "text", Value: text}})
		if err == nil {
			_, err = m.Put(t.Context(), "programme", []bson.Raw{raw})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	direct, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { direct.Disconnect(context.Background()) })
	text := strings.Repeat("x", 10<<20)
	longID := strings.Repeat("k", 20_000)
	w := watch(t, m, nil)
	from := w.Token()
	type want struct {
		operation string
		n         int32
		document  bool
		before    bool
	}
	expect := func(w cms.Changes, want []want) {
		t.Helper()
		var i int
		for began := time.Now(); i < len(want); {
			events, err := w.Next(t.Context(), 500)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 && time.Since(began) > servertest.Patience {
				t.Fatalf("%d changes, then none: want %d", i, len(want))
			}
			for _, e := range events {
				got := want[i]
				got.operation = e.Lookup("operationType").StringValue()
				got.n, _ = e.Lookup("fullDocument", "n").Int32OK()
				_, got.document = e.Lookup("fullDocument").DocumentOK()
				_, got.before = e.Lookup("fullDocumentBeforeChange").DocumentOK()
				if got != want[i] {
					t.Errorf("change %d of %.20s: %+v, want %+v", i, e.Lookup("documentKey", "_id"), got, want[i])
				}
				i++
			}
		}
	}

	put(t, m, "programme", `{"_id":"small","n":{"$numberInt":"1"}}`)
	n("small", 2)
	document("big", text)
	n("big", 1) // too large
	n("small", 3)
	n("big", 2)                         // too large
	document("big", text[:len(text)-1]) // too large, a replacement
	// too large, an insert: its _id is there three times
	if _, err := direct.Database(name).Collection("programme").InsertOne(t.Context(),
		bson.D{{Key: "_id", Value: longID}, {Key: "text", Value: text + text[:6_249_000]}}); err != nil {
		t.Fatal(err)
	}
	n("small", 4)
	changes := []want{
		{"insert", 1, true, false}, {"update", 2, true, true}, {"insert", 0, true, false},
		{"update", 0, true, false}, // the document is what the replacement left
		{"update", 3, true, true},
		{"update", 0, true, false}, {"replace", 0, true, false},
		{"insert", 0, true, false},
		{"update", 4, true, true},
	}
	expect(w, changes)
	n("small", 5)
	expect(w, []want{{"update", 5, true, true}})

	// From a token that such a change follows; and of a document that is gone when it is read.
	changes[7] = want{"update", 0, false, false}
	remove(longID)
	expect(watch(t, m, from), append(changes, want{"update", 5, true, true}, want{"delete", 0, false, false}))
	n("big", 3)
	remove("big")
	document("big", text)
	expect(w, []want{{"delete", 0, false, false}, {"update", 0, true, false}, {"delete", 0, false, true}, {"insert", 0, true, false}})
}

func TestMongoTellsWhatWasBefore(t *testing.T) {
	uri, name := servertest.Mongo(t), servertest.Name()
	m, err := cms.OpenMongo(t.Context(), uri, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Database(name).Drop(context.Background())
		client.Disconnect(context.Background())
	})
	if err := m.Prepare(t.Context(), "programme"); !errors.Is(err, cms.ErrNotFound) {
		t.Errorf("of no collection: %v", err)
	}
	w := watch(t, m, nil)
	put(t, m, "programme", `{"_id":"a"}`)
	set := func(year int32) {
		t.Helper()
		if err := m.Set(t.Context(), "programme", "a", bson.D{{Key: "year", Value: year}}); err != nil {
			t.Fatal(err)
		}
	}
	set(1)
	set(2)
	for range 2 {
		if err := m.Prepare(t.Context(), "programme"); err != nil {
			t.Fatal(err)
		}
	}
	set(3)
	set(4)
	for i, e := range next(t, w, 5) {
		now, _ := e.Lookup("fullDocument", "year").Int32OK()
		before, _ := e.Lookup("fullDocumentBeforeChange", "year").Int32OK()
		// Without the document before, that after it is looked up.
		if want := [][2]int32{{0, 0}, {4, 0}, {4, 0}, {3, 2}, {4, 3}}[i]; now != want[0] || before != want[1] {
			t.Errorf("change %d: the year is %d and was %d, want %v", i, now, before, want)
		}
	}
	set(5)
	if err := m.Delete(t.Context(), "programme", "a"); err != nil {
		t.Fatal(err)
	}
	if year := next(t, w, 2)[0].Lookup("fullDocument", "year"); year.AsInt64() != 5 {
		t.Errorf("an update of what was deleted since: the year is %v", year)
	}
}
