package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"regie/internal/catalog"
)

func at(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

func TestOwnerOfASlug(t *testing.T) {
	docs := documents{"programme": {
		"young":  {ID: "young", Slug: "wanted", CreatedAt: at(3)},
		"old":    {ID: "old", Slug: "wanted", CreatedAt: at(1)},
		"former": {ID: "former", Slug: "now", FormerSlugs: []string{"wanted", "then"}, CreatedAt: at(0)},
		"later":  {ID: "later", Slug: "else", FormerSlugs: []string{"then"}, CreatedAt: at(2)},
	}}
	for slug, want := range map[string]string{"wanted": "old", "then": "former", "now": "former", "nobody": ""} {
		got := ""
		if d := docs.owner("programme", slug, all); d != nil {
			got = d.ID
		}
		if got != want {
			t.Errorf("%s leads to %q, not %q", slug, got, want)
		}
	}
}

func TestWhatAScreenIsToAnswer(t *testing.T) {
	docs := documents{
		"channel": {"c": {ID: "c"}},
		"person":  {"x": {ID: "x"}},
		"programme": {"p": {
			ID: "p", Slug: "slug", Title: "T", Kind: "SERIES", Channel: "c", Genres: []string{"Drama"},
			Sections: []section{
				{Title: "Latest", Kinds: []string{"EPISODE"}, Limit: 1}, {Title: "None", Kinds: []string{"BONUS"}, Limit: 1},
				{Title: "Season 1", Kinds: []string{"EPISODE"}, Seasons: []int{1}, Order: "EPISODE", Limit: 2},
			},
			Credits: []credit{{"x", "ACTOR"}, {"gone", "ACTOR"}}, Images: []picture{{"THUMBNAIL", "/i.jpg"}},
		}},
		"video": {
			"a": {ID: "a", Slug: "first", Kind: "EPISODE", Programme: "p", Season: 2, Episode: 1, PublishedAt: at(2), Rights: []right{{Until: at(4)}}},
			"b": {ID: "b", Slug: "second", Kind: "EPISODE", Programme: "p", Season: 1, Episode: 9, PublishedAt: at(1), Rights: []right{{From: at(4)}}},
			"c": {ID: "c", Slug: "none", Programme: "p", PublishedAt: at(0)},
			"d": {ID: "d", Slug: "lonely", Programme: "gone", Duration: 60, PublishedAt: at(3)},
		},
	}
	// What the gateway answers, as it does.
	for _, test := range []struct{ collection, id, answer string }{
		{"programme", "p", `{"slug": "slug", "title": "T", "path": "/slug", "kind": "SERIES", "image": {"url": "/i.jpg?w=480"}, "channel": {"id": "channel:c"},
			"categories": [{"slug": "drama"}],
			"newest": {"edges": [{"node": {"id": "video:a"}}, {"node": {"id": "video:b"}}, {"node": {"id": "video:c"}}]},
			"episodes": {"edges": [{"node": {"id": "video:b"}}, {"node": {"id": "video:a"}}, {"node": {"id": "video:c"}}]},
			"sections": [{"title": "Latest", "cards": {"edges": [{"node": {"target": {"id": "video:b"}}}]}},
				{"title": "Season 1", "cards": {"edges": [{"node": {"target": {"id": "video:b"}}}]}}],
			"credits": {"edges": [{"node": {"person": {"id": "person:x"}}}, {"node": {"person": null}}]}}`},
		{"video", "b", `{"slug": "second", "title": "", "path": "/slug/second", "image": null, "programme": {"id": "programme:p"}, "seasonNumber": 1, "episodeNumber": 9, "duration": 0}`},
		{"video", "d", `{"slug": "lonely", "title": "", "path": "/video:d", "image": null, "programme": null, "seasonNumber": null, "episodeNumber": null, "duration": 60}`},
		{"person", "x", `{"slug": "", "title": "", "path": "/person/", "credits": {"edges": [{"node": {"programme": {"id": "programme:p"}}}]}}`},
	} {
		var answer any
		if err := json.Unmarshal([]byte(test.answer), &answer); err != nil {
			t.Fatal(err)
		}
		want := docs.expect(test.collection, docs[test.collection][test.id], catalog.Mobile)
		if diff := cmp.Diff(any(want), plain(answer)); diff != "" {
			t.Errorf("%s %s (-want +answer):\n%s", test.collection, test.id, diff)
		}
	}
}

func TestADifferenceIsToldAndCounted(t *testing.T) {
	for name, test := range map[string]struct {
		want, got any
		lost      bool
		what      string
	}{
		"it is not there":            {object{"title": "A"}, nil, true, `is null, not {"title":"A"}`},
		"it is still there":          {nil, "programme:a", false, `is "programme:a", not null`},
		"an older title":             {object{"title": "A, edit 2", "slug": "a"}, object{"title": "A, edit 1", "slug": "a"}, false, `title is "A, edit 1", not "A, edit 2"`},
		"a list lacks one":           {object{"l": []any{"a", "b"}}, object{"l": []any{"b"}}, true, `l lacks ["a"] and has [] too many`},
		"a list has a deleted one":   {[]any{"a"}, []any{"a", "b"}, false, `lacks [] and has ["b"] too many`},
		"a list names a deleted one": {[]any{"a", nil}, []any{"a", "b"}, false, `lacks [null] and has ["b"] too many`},
		"a list is in another order": {[]any{"a", "b"}, []any{"b", "a"}, false, `has the order ["b","a"], not ["a","b"]`},
	} {
		c := comparison{}
		c.equal(name, "", "", test.want, test.got)
		want := []difference{{lost: test.lost, what: name + ": " + test.what}}
		if diff := cmp.Diff(want, c.differences, cmp.AllowUnexported(difference{})); diff != "" {
			t.Error(diff)
		}
		c = comparison{}
		if c.equal(name, "", "", test.want, test.want); len(c.differences) > 0 {
			t.Errorf("%s: what is equal differs: %v", name, c.differences)
		}
	}
}
