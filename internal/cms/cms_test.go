package cms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/servertest"
)

type store interface {
	cms.Store
	cms.Source
}

// testStore is what every store must do. Open gives a new and empty one, which remembers documents before a change;
// reopen closes it and opens it again.
func testStore(t *testing.T, open func(t *testing.T) (s store, reopen func() store)) {
	empty := func(t *testing.T) store { s, _ := open(t); return s }
	t.Run("Get", func(t *testing.T) { testGet(t, empty(t)) })
	t.Run("Put", func(t *testing.T) { testPut(t, empty(t)) })
	t.Run("Set", func(t *testing.T) { testSet(t, empty(t)) })
	t.Run("Delete", func(t *testing.T) { testDelete(t, empty(t)) })
	t.Run("Snapshot", func(t *testing.T) { testSnapshot(t, empty(t)) })
	t.Run("Snapshot goes on", func(t *testing.T) { testSnapshotGoesOn(t, empty(t)) })
	t.Run("Changes", func(t *testing.T) { testChanges(t, empty(t)) })
	t.Run("Tokens", func(t *testing.T) { testTokens(t, empty(t)) })
	t.Run("Reopen", func(t *testing.T) { s, reopen := open(t); testReopen(t, s, reopen) })
	t.Run("Quiet", func(t *testing.T) { testQuiet(t, empty(t)) })
	t.Run("LostToken", func(t *testing.T) { testLostToken(t, empty(t)) })
}

func testGet(t *testing.T, s store) {
	put(t, s, "programme",
		`{"_id":"s1","slug":"le-dernier-tram","createdAt":{"$date":"2020-01-01T00:00:00Z"}}`,
		`{"_id":"s2","slug":"nimbo","createdAt":{"$date":"2021-01-01T00:00:00Z"}}`,
		`{"_id":"s3","slug":"nimbo","createdAt":{"$date":"2019-01-01T00:00:00Z"}}`,
		`{"_id":"s4","slug":"nimbo","createdAt":{"$date":"2019-01-01T00:00:00Z"}}`,
		`{"_id":"s5","slug":"nimbo-2"}`,
		`{"_id":"s6","slug":"nimbo-2","createdAt":{"$date":"2019-01-01T00:00:00Z"}}`,
		`{"_id":"orbite","slug":"orbite-basse"}`,
		`{"_id":"s7","slug":"orbite"}`,
		`{"_id":"s8","slug":"cut\u0000short"}`,
		`{"_id":"s9"}`,
		`{"_id":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"},"slug":"peloton"}`,
		`{"_id":"5fbbd1b2e4b0f0a1c2d3e4f6"}`,
		`{"_id":"twelve-bytes"}`,
		`{"_id":{"$numberInt":"7"},"slug":"sept"}`,
		`{"_id":"7"}`,
		`{"_id":true}`,
		`{"_id":"true"}`,
		`{"_id":{"site":"fr","n":{"$numberInt":"1"}}}`,
	)
	for _, tt := range []struct{ name, ref, id string }{
		{"by id", "s1", `"s1"`},
		{"by slug", "le-dernier-tram", `"s1"`},
		{"the oldest of a slug, and of one age the least id", "nimbo", `"s3"`},
		{"no createdAt is older than any", "nimbo-2", `"s5"`},
		{"an id goes before a slug", "orbite", `"orbite"`},
		{"an ObjectID by its digits", "5fbbd1b2e4b0f0a1c2d3e4f5", `{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"}`},
		{"the slug of one with an ObjectID", "peloton", `{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"}`},
		{"a string that could be an ObjectID, in quotes", `"5fbbd1b2e4b0f0a1c2d3e4f6"`, `"5fbbd1b2e4b0f0a1c2d3e4f6"`},
		{"a string of twelve bytes", "twelve-bytes", `"twelve-bytes"`},
		{"an integer", `{"$numberInt":"7"}`, `{"$numberInt":"7"}`},
		{"the slug of one with an integer", "sept", `{"$numberInt":"7"}`},
		{"a string of a digit", "7", `"7"`},
		{"a truth", "true", "true"},
		{"a string that could be a truth, in quotes", `"true"`, `"true"`},
		{"a document", `{"site":"fr","n":{"$numberInt":"1"}}`, `{"site":"fr","n":{"$numberInt":"1"}}`},
	} {
		doc, err := s.Get(t.Context(), "programme", tt.ref)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := text(t, doc.Lookup("_id")); got != tt.id {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.id)
		}
	}
	put(t, s, "video",
		`{"_id":"v1","slug":"episode-1","programme":"s2"}`,
		`{"_id":"v2","slug":"episode-1","programme":"s1"}`,
		`{"_id":"v3","slug":"episode-1","programme":{"$numberInt":"7"}}`,
		`{"_id":"s1/episode-2"}`,
		`{"_id":"v4","slug":"episode-2","programme":"s1"}`,
		`{"_id":"video:v1"}`,
		`{"_id":{"$binary":{"base64":"////////////////////8w==","subType":"04"}}}`,
	)
	for _, tt := range []struct{ name, ref, id string }{
		{"by slug alone, the first", "episode-1", `"v1"`},
		{"by its programme's slug and its own", "le-dernier-tram/episode-1", `"v2"`},
		{"by its programme's id and its slug", `{"$numberInt":"7"}/episode-1`, `"v3"`},
		{"by its global id", "video:v2", `"v2"`},
		{"by an id like a global one", "video:v1", `"video:v1"`},
		{"by an id with a slash", "s1/episode-2", `"s1/episode-2"`},
		{"by its programme, beside an id with a slash", "le-dernier-tram/episode-2", `"v4"`},
		{"by a UUID with slashes in base64", `{"$binary":{"base64":"////////////////////8w==","subType":"04"}}`, `{"$binary":{"base64":"////////////////////8w==","subType":"04"}}`},
	} {
		doc, err := s.Get(t.Context(), "video", tt.ref)
		if err != nil {
			t.Errorf("a video %s: %v", tt.name, err)
		} else if got := text(t, doc.Lookup("_id")); got != tt.id {
			t.Errorf("a video %s: got %s, want %s", tt.name, got, tt.id)
		}
	}
	for _, ref := range []string{"nimbo/episode-1", "nothing/episode-1", "le-dernier-tram/", "le-dernier-tram/v2"} {
		if doc, err := s.Get(t.Context(), "video", ref); !errors.Is(err, cms.ErrNotFound) {
			t.Errorf("Get(video, %q) = %v, %v; want ErrNotFound", ref, doc, err)
		}
	}
	for _, ref := range []string{"", "nothing", "nimb", "cut", "short", "5fbbd1b2e4b0f0a1c2d3e4f7", "5fbbd1b2e4b0f0a1c2d3e4f6", `{"$numberInt":"8"}`, `{"$numberLong":"8"}`, "{", "\x00", "false"} {
		if doc, err := s.Get(t.Context(), "programme", ref); !errors.Is(err, cms.ErrNotFound) {
			t.Errorf("Get(%q) = %v, %v; want ErrNotFound", ref, doc, err)
		}
	}
	if _, err := s.Get(t.Context(), "person", "s1"); !errors.Is(err, cms.ErrNotFound) {
		t.Errorf("of another collection: %v", err)
	}
}

func testPut(t *testing.T, s store) {
	steps := []struct {
		name    string
		docs    []string
		written int
	}{
		{"none", nil, 0},
		{"new ones are inserted", []string{`{"_id":"a","title":"A"}`, `{"_id":"b","title":"B","importHash":"1"}`}, 2},
		{"the same ones are left alone", []string{`{"_id":"a","title":"A"}`, `{"_id":"b","title":"B","importHash":"1"}`}, 0},
		{"a changed one is replaced", []string{`{"_id":"a","name":"A"}`, `{"_id":"b","title":"B","importHash":"1"}`}, 1},
		{"an imported one is left alone while its row is the same", []string{`{"_id":"b","title":"Edited","importHash":"1"}`}, 0},
		{"and replaced when its row has changed", []string{`{"_id":"b","title":"B2","importHash":"2"}`}, 1},
		{"and when it is put without one", []string{`{"_id":"b","title":"B3"}`}, 1},
	}
	for _, tt := range steps {
		n, err := s.Put(t.Context(), "programme", docs(t, tt.docs...))
		if err != nil || n != tt.written {
			t.Fatalf("%s: wrote %d, %v; want %d", tt.name, n, err, tt.written)
		}
	}
	for ref, want := range map[string]string{"a": `{"_id":"a","name":"A"}`, "b": `{"_id":"b","title":"B3"}`} {
		if got := get(t, s, ref); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}

	for bad, want := range map[string]string{
		`{"title":"nobody"}`: "the document has no _id",
		`{"_id":"d","title":"D","text":"` + strings.Repeat("x", cms.MaxDocument) + `"}`: `it has 16.0 MiB as BSON, at most 16 MiB are allowed: "text" alone has 16.0 MiB`,
	} {
		n, err := s.Put(t.Context(), "programme", docs(t, `{"_id":"c"}`, bad))
		if err == nil || n != 0 || err.Error() != "document 2 of programme, and none was written: "+want {
			t.Errorf("%.30s: wrote %d, %v", bad, n, err)
		}
	}
	if _, err := s.Get(t.Context(), "programme", "c"); !errors.Is(err, cms.ErrNotFound) {
		t.Errorf("its neighbour was written: %v", err)
	}
}

func testSet(t *testing.T, s store) {
	put(t, s, "programme", `{"_id":"a","slug":"before","title":"A","synopsis":{"short":"s","long":"l"},"images":[{"url":"/a.jpg"}],"year":{"$numberInt":"1990"}}`)
	for _, tt := range []struct {
		name, ref string
		fields    bson.D
		want      string // without updatedAt
	}{
		{"a field, by slug", "before", bson.D{{Key: "slug", Value: "after"}}, `{"_id":"a","slug":"after","title":"A","synopsis":{"short":"s","long":"l"},"images":[{"url":"/a.jpg"}],"year":{"$numberInt":"1990"}}`},
		{"a new one and a dotted one", "after", bson.D{{Key: "kind", Value: "FILM"}, {Key: "synopsis.short", Value: "S"}}, `{"_id":"a","slug":"after","title":"A","synopsis":{"short":"S","long":"l"},"images":[{"url":"/a.jpg"}],"year":{"$numberInt":"1990"},"kind":"FILM"}`},
		{"null removes", "a", bson.D{{Key: "images", Value: nil}, {Key: "synopsis.long", Value: nil}, {Key: "year", Value: nil}}, `{"_id":"a","slug":"after","title":"A","synopsis":{"short":"S"},"kind":"FILM"}`},
		{"null where nothing is", "a", bson.D{{Key: "year", Value: nil}, {Key: "rights.from", Value: nil}}, `{"_id":"a","slug":"after","title":"A","synopsis":{"short":"S"},"kind":"FILM"}`},
		{"a dotted one makes its document", "a", bson.D{{Key: "rights.fr.from", Value: int32(1)}}, `{"_id":"a","slug":"after","title":"A","synopsis":{"short":"S"},"kind":"FILM","rights":{"fr":{"from":{"$numberInt":"1"}}}}`},
	} {
		began := time.Now().Truncate(time.Millisecond)
		if err := s.Set(t.Context(), "programme", tt.ref, tt.fields); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		doc, err := s.Get(t.Context(), "programme", "a")
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := doc.Lookup("updatedAt").TimeOK(); !ok || at.Before(began) {
			t.Errorf("%s: updatedAt is %v, began %v", tt.name, at, began)
		}
		doc, err = cms.SetFields(doc, bson.D{{Key: "updatedAt", Value: nil}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, text(t, doc)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if _, err := s.Get(t.Context(), "programme", "before"); !errors.Is(err, cms.ErrNotFound) {
		t.Errorf("the former slug: %v", err)
	}

	before := get(t, s, "a")
	for _, tt := range []struct {
		field string
		value any
		want  string
	}{
		{"_id", "b", `changing programme "after": _id: an _id never changes; put a new document and delete this one`},
		{"_id.site", "fr", `changing programme "after": _id.site: an _id never changes; put a new document and delete this one`},
		{"title.short", "x", `changing programme "after": title.short: title is not a document`},
		{"synopsis..short", "x", `changing programme "after": "synopsis..short": a field's name is empty`},
		{"updatedAt", "x", `changing programme "after": updatedAt: every change sets it`},
		{"synopsis.long", strings.Repeat("x", cms.MaxDocument), `changing programme "after": it has 16.0 MiB as BSON, at most 16 MiB are allowed: "synopsis" alone has 16.0 MiB`},
		{"", "x", `changing programme "after": "": a field's name is empty`},
	} {
		err := s.Set(t.Context(), "programme", "after", bson.D{{Key: "title", Value: "changed"}, {Key: tt.field, Value: tt.value}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("setting %q: %v, want %s", tt.field, err, tt.want)
		}
	}
	if got := get(t, s, "a"); got != before {
		t.Errorf("a refused change left %s, want %s", got, before)
	}
	if err := s.Set(t.Context(), "programme", "nobody", bson.D{{Key: "title", Value: "x"}}); !errors.Is(err, cms.ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
}

func testDelete(t *testing.T, s store) {
	put(t, s, "programme", `{"_id":"a","slug":"first"}`, `{"_id":{"$numberInt":"2"},"slug":"second"}`, `{"_id":"c","slug":"third"}`)
	for _, ref := range []string{"first", `{"$numberInt":"2"}`} {
		if err := s.Delete(t.Context(), "programme", ref); err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range []string{"a", "first", "second", `{"$numberInt":"2"}`} {
		if err := s.Delete(t.Context(), "programme", ref); !errors.Is(err, cms.ErrNotFound) {
			t.Errorf("deleting %s again: %v", ref, err)
		}
	}
	if got := get(t, s, "third"); got != `{"_id":"c","slug":"third"}` {
		t.Errorf("its neighbour: %s", got)
	}
}

func testSnapshot(t *testing.T, s store) {
	var all []string
	want := map[string]bool{}
	for i := range 1201 { // more than the stores read at a time
		all = append(all, fmt.Sprintf(`{"_id":"p%04d"}`, i))
		want[fmt.Sprintf(`{"_id":"p%04d"}`, i)] = true
	}
	put(t, s, "programme", all...)
	put(t, s, "video", `{"_id":"v"}`)
	got := map[string]bool{}
	var everything bson.RawValue
	err := s.Snapshot(t.Context(), "programme", everything, func(doc bson.Raw) error {
		k := text(t, doc)
		if got[k] {
			t.Errorf("%s twice", k)
		}
		got[k] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	enough, n := errors.New("enough"), 0
	err = s.Snapshot(t.Context(), "programme", everything, func(bson.Raw) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("after the caller's error: %v, %d calls", err, n)
	}
	if err := s.Snapshot(t.Context(), "person", everything, func(bson.Raw) error { return enough }); err != nil {
		t.Errorf("of an empty collection: %v", err)
	}
}

// testSnapshotGoesOn stops after each document, of all types of _id, and goes on after it.
func testSnapshotGoesOn(t *testing.T, s store) {
	put(t, s, "programme", `{"_id":"b"}`, `{"_id":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"}}`, `{"_id":{"$numberInt":"7"}}`, `{"_id":"a"}`, `{"_id":""}`,
		`{"_id":{"site":"fr"}}`, `{"_id":{"$numberDouble":"7.5"}}`, `{"_id":true}`, `{"_id":null}`, `{"_id":{"$date":{"$numberLong":"1"}}}`,
		`{"_id":{"$binary":{"base64":"AAAAAAAAAAAAAAAAAAAAAA==","subType":"04"}}}`, `{"_id":"5fbbd1b2e4b0f0a1c2d3e4f5"}`)
	var ids, all, steps []string
	if err := s.IDs(t.Context(), "programme", func(id bson.RawValue) error { ids = append(ids, text(t, id)); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Snapshot(t.Context(), "programme", bson.RawValue{}, func(d bson.Raw) error { all = append(all, text(t, d.Lookup("_id"))); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(all) != 12 || !slices.Equal(all, ids) {
		t.Errorf("documents %v, ids %v", all, ids)
	}
	enough := errors.New("enough")
	var after bson.RawValue
	for range 20 {
		err := s.Snapshot(t.Context(), "programme", after, func(d bson.Raw) error {
			after = d.Lookup("_id")
			steps = append(steps, text(t, after))
			return enough
		})
		if err == nil {
			break
		}
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(all, steps); diff != "" {
		t.Error(diff)
	}
	if err := s.Delete(t.Context(), "programme", "b"); err != nil {
		t.Fatal(err)
	}
	if err := s.Snapshot(t.Context(), "programme", after, func(d bson.Raw) error { t.Errorf("%v comes after the last", d); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.IDs(t.Context(), "page", func(bson.RawValue) error { return enough }); err != nil {
		t.Errorf("of an empty collection: %v", err)
	}
}

// changed is what a change event says, without its times.
type changed struct{ Operation, Key, Document, Before string }

func testChanges(t *testing.T, s store) {
	put(t, s, "programme", `{"_id":"old"}`)
	began := time.Now().Add(-time.Minute) // a busy MongoDB's clock is a little late
	w := watch(t, s, nil)
	put(t, s, "video", `{"_id":"v"}`)
	put(t, s, "programme", `{"_id":"a","year":{"$numberInt":"1"}}`, `{"_id":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"}}`)
	put(t, s, "programme", `{"_id":"a","year":{"$numberInt":"2"}}`, `{"_id":"old"}`)
	if err := s.Set(t.Context(), "programme", "a", bson.D{{Key: "year", Value: int32(3)}}); err != nil {
		t.Fatal(err)
	}
	events := next(t, w, 4)
	if err := s.Delete(t.Context(), "programme", "a"); err != nil {
		t.Fatal(err)
	}
	events = append(events, next(t, w, 1)...)

	var got []changed
	for _, e := range events {
		c := changed{Operation: e.Lookup("operationType").StringValue(), Key: text(t, e.Lookup("documentKey", "_id"))}
		for field, to := range map[string]*string{"fullDocument": &c.Document, "fullDocumentBeforeChange": &c.Before} {
			if doc, ok := e.Lookup(field).DocumentOK(); ok {
				doc, err := cms.SetFields(doc, bson.D{{Key: "updatedAt", Value: nil}})
				if err != nil {
					t.Fatal(err)
				}
				*to = text(t, doc)
			}
		}
		got = append(got, c)
		if at, ok := e.Lookup("wallTime").TimeOK(); !ok || at.Before(began) || at.After(time.Now()) {
			t.Errorf("%v: wallTime is %v", c, at)
		}
		if _, _, ok := e.Lookup("clusterTime").TimestampOK(); !ok {
			t.Errorf("%v: clusterTime is %v", c, e.Lookup("clusterTime"))
		}
		if coll, _ := e.Lookup("ns", "coll").StringValueOK(); coll != "programme" {
			t.Errorf("%v: of collection %q", c, coll)
		}
	}
	want := []changed{
		{"insert", `"a"`, `{"_id":"a","year":{"$numberInt":"1"}}`, ""},
		{"insert", `{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"}`, `{"_id":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"}}`, ""},
		{"replace", `"a"`, `{"_id":"a","year":{"$numberInt":"2"}}`, `{"_id":"a","year":{"$numberInt":"1"}}`},
		{"update", `"a"`, `{"_id":"a","year":{"$numberInt":"3"}}`, `{"_id":"a","year":{"$numberInt":"2"}}`},
		{"delete", `"a"`, "", `{"_id":"a","year":{"$numberInt":"3"}}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func testTokens(t *testing.T, s store) {
	w := watch(t, s, nil)
	from := w.Token()
	put(t, s, "programme", `{"_id":"a"}`, `{"_id":"b"}`)
	put(t, s, "programme", `{"_id":"c"}`)
	if got := keys(t, next(t, w, 3)); got != "a b c" {
		t.Errorf("from now on: %s", got)
	}
	if got := keys(t, next(t, watch(t, s, w.Token()), 0)); got != "" {
		t.Errorf("after the last: %s", got)
	}
	w = watch(t, s, from)
	var passed []cms.Token
	for i, want := range []string{"a", "b", "c"} {
		events, err := w.Next(t.Context(), 1)
		if err != nil || len(events) != 1 || keys(t, events) != want {
			t.Fatalf("change %d, one at a time: %v, %v", i, events, err)
		}
		passed = append(passed, w.Token())
	}
	for i, want := range []string{"b c", "c", ""} {
		if got := keys(t, next(t, watch(t, s, passed[i]), 2-i)); got != want {
			t.Errorf("after change %d: %q, want %q", i, got, want)
		}
	}
}

func testReopen(t *testing.T, s store, reopen func() store) {
	put(t, s, "programme", `{"_id":"a"}`)
	w := watch(t, s, nil)
	put(t, s, "programme", `{"_id":"b"}`)
	next(t, w, 1)
	token := w.Token()
	put(t, s, "programme", `{"_id":"c"}`)
	s = reopen()
	put(t, s, "programme", `{"_id":"d"}`)
	if got := keys(t, next(t, watch(t, s, token), 2)); got != "c d" {
		t.Errorf("got %s", got)
	}
	if got := get(t, s, "a"); got != `{"_id":"a"}` {
		t.Errorf("got %s", got)
	}
}

func testQuiet(t *testing.T, s store) {
	w := watch(t, s, nil)
	put(t, s, "video", `{"_id":"v"}`)
	began := time.Now()
	for range 2 { // the first may answer at once, with what came when the stream was opened
		if events, err := w.Next(t.Context(), 10); err != nil || len(events) > 0 {
			t.Errorf("got %v, %v", events, err)
		}
	}
	if took := time.Since(began); took < 500*time.Millisecond || took > time.Minute {
		t.Errorf("took %v", took)
	}
	token := w.Token()
	if token == nil {
		t.Fatal("a quiet collection has no token")
	}
	put(t, s, "programme", `{"_id":"a"}`)
	if got := keys(t, next(t, watch(t, s, token), 1)); got != "a" {
		t.Errorf("after its token: %s", got)
	}

	next(t, w, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Next(ctx, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("when its context is done: %v", err)
	}
}

func testLostToken(t *testing.T, s store) {
	put(t, s, "programme", `{"_id":"a"}`)
	data := watch(t, s, nil).Token().Lookup("_data").StringValue()
	for _, tt := range []struct{ name, token string }{
		{"half of a token", fmt.Sprintf(`{"_data":%q}`, data[:len(data)/2])},
		{"not a token at all", `{"_data":"who knows"}`},
		{"the other store's", `{"_data":"00000000000000FF"}`},
		{"hexadecimal digits that are none", `{"_data":"82FF"}`},
		{"as docs/operate.md forgets one", `{"_data":"00"}`},
		{"of the future", `{"_data":"FFFFFFFFFFFFFFFF"}`},
		{"without data", `{"at":{"$numberInt":"1"}}`},
		{"with data of another type", `{"_data":{"$numberInt":"1"}}`},
		{"empty", `{}`},
	} {
		w, err := s.Watch(t.Context(), "programme", docs(t, tt.token)[0])
		if err == nil {
			_, err = w.Next(t.Context(), 10)
		}
		if !errors.Is(err, cms.ErrTokenLost) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func docs(t *testing.T, extJSON ...string) []bson.Raw {
	t.Helper()
	out := make([]bson.Raw, len(extJSON))
	for i, s := range extJSON {
		if err := bson.UnmarshalExtJSON([]byte(s), false, &out[i]); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return out
}

func put(t *testing.T, s store, collection string, extJSON ...string) {
	t.Helper()
	if _, err := s.Put(t.Context(), collection, docs(t, extJSON...)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s store, ref string) string {
	t.Helper()
	doc, err := s.Get(t.Context(), "programme", ref)
	if err != nil {
		t.Fatal(err)
	}
	return text(t, doc)
}

// text is a value as canonical Extended JSON.
func text(t *testing.T, value any) string {
	t.Helper()
	b, err := bson.MarshalExtJSON(bson.D{{Key: "_", Value: value}}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), `{"_":`), "}")
}

func watch(t *testing.T, s store, after cms.Token) cms.Changes {
	t.Helper()
	w, err := s.Watch(t.Context(), "programme", after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(context.Background()) })
	if w.Token() == nil {
		t.Error("no token before the first change")
	}
	return w
}

// next waits for n changes and fails when there are more.
func next(t *testing.T, w cms.Changes, n int) []bson.Raw {
	t.Helper()
	var out []bson.Raw
	for began, asked := time.Now(), false; !asked || len(out) < n && time.Since(began) < servertest.Patience; asked = true {
		events, err := w.Next(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, events...)
	}
	if len(out) != n {
		t.Fatalf("got %d changes, want %d: %v", len(out), n, out)
	}
	return out
}

// keys are the changes' documents' ids, which must be strings.
func keys(t *testing.T, events []bson.Raw) string {
	t.Helper()
	var out []string
	for _, e := range events {
		out = append(out, e.Lookup("documentKey", "_id").StringValue())
	}
	return strings.Join(out, " ")
}
