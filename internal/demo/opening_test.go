package demo

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestOpen(t *testing.T) {
	store := newStore(t)
	opens := func(at time.Time) int {
		t.Helper()
		n, err := Open(t.Context(), store, at)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	begins := func(collection, id string) time.Time {
		t.Helper()
		doc, err := store.Get(t.Context(), collection, id)
		if err != nil {
			t.Fatal(err)
		}
		return doc.Lookup("rights", "0", "from").Time().UTC()
	}
	const programme, video = "p072", "p004-une-minute-au-standard"
	first := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	if n := opens(first); n != 0 {
		t.Errorf("%d documents of an empty CMS", n)
	}
	if _, err := Fill(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if at := begins("programme", programme); at.Before(inYears) {
		t.Errorf("before the first start it opens on %s", at)
	}
	// Each start moves the windows, and again.
	for _, at := range []time.Time{first, first.Add(time.Hour)} {
		if n := opens(at); n != 2 || !begins("programme", programme).Equal(at) || !begins("video", video).Equal(at) {
			t.Errorf("at %s %d documents open, at %s and %s", at, n, begins("programme", programme), begins("video", video))
		}
	}
	if n := opens(first.Add(time.Hour)); n != 0 {
		t.Errorf("%d documents are written again as they were", n)
	}
	// What an editor has touched is the editor's, whatever the field; what is deleted stays so.
	if err := store.Set(t.Context(), "programme", programme, bson.D{{Key: "title", Value: "Deux minutes"}}); err != nil {
		t.Fatal(err)
	}
	if n := opens(first); n != 1 || !begins("programme", programme).Equal(first.Add(time.Hour)) {
		t.Errorf("after an edit %d documents open, that one at %s", n, begins("programme", programme))
	}
	if err := store.Set(t.Context(), "video", video, bson.D{{Key: "rights", Value: nil}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "programme", programme); err != nil {
		t.Fatal(err)
	}
	if n := opens(first.Add(2 * time.Hour)); n != 0 {
		t.Errorf("%d documents open that are not the demonstration's", n)
	}
}
