package demo

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestCounts(t *testing.T) {
	cat := mustLoad(t)
	videos := 0
	kinds := map[string]int{}
	for _, p := range cat.programmes {
		kinds[p.Kind]++
		videos += len(p.videos)
	}
	if n := len(cat.channels); n != 5 {
		t.Errorf("%d channels, want 5", n)
	}
	if n := len(cat.people); n != 120 {
		t.Errorf("%d people, want 120", n)
	}
	if n := len(cat.programmes); n < 64 {
		t.Errorf("%d programmes, want at least 64", n)
	}
	if videos < 1000 {
		t.Errorf("%d videos, want at least 1000", videos)
	}
	for _, k := range programmeKinds {
		if kinds[k] == 0 {
			t.Errorf("no programme of kind %s", k)
		}
	}
}

func TestDocumentsAreTheSameAtEachCall(t *testing.T) {
	var texts [2][]byte
	for i := range texts {
		docs, err := Documents()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			b, err := bson.Marshal(d.Doc)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = append(append(texts[i], d.Collection...), b...)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("two calls gave different bytes")
	}
}

func TestDocumentsComeInOrderWithUniqueIDs(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	order := []string{"channel", "person", "programme", "video"}
	seen := map[string]bool{}
	last := 0
	for _, d := range docs {
		at := slices.Index(order, d.Collection)
		if at < last {
			t.Fatalf("%s after %s", d.Collection, order[last])
		}
		last = at
		id, ok := d.Doc[0].Value.(string)
		if d.Doc[0].Key != "_id" || !ok {
			t.Fatalf("%s does not begin with a textual _id: %v", d.Collection, d.Doc[0])
		}
		if seen[id] {
			t.Errorf("id %s twice", id)
		}
		seen[id] = true
	}
}

func TestFieldsOfTheDocuments(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"channel": "_id slug title kind colour createdAt updatedAt",
		"person":  "_id slug title biography createdAt updatedAt",
		"programme": "_id slug title kind channel synopsis year countries ageRating genres images credits " +
			"publishedAt createdAt updatedAt",
		"video": "_id programme slug title kind season episode synopsis duration images publishedAt createdAt updatedAt",
	}
	for _, d := range docs {
		// Keys may be absent, never out of order or unknown.
		rest := strings.Fields(want[d.Collection])
		for _, e := range d.Doc {
			i := slices.Index(rest, e.Key)
			if i < 0 {
				t.Fatalf("%s %v: unexpected or misplaced %s", d.Collection, d.Doc[0].Value, e.Key)
			}
			rest = rest[i+1:]
		}
	}
}

func TestSlugs(t *testing.T) {
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	cat := mustLoad(t)
	seen := map[string]bool{}
	check := func(kind, s string) {
		t.Helper()
		if !slug.MatchString(s) {
			t.Errorf("%s: bad slug %q", kind, s)
		}
		if seen[kind+"/"+s] {
			t.Errorf("%s: slug %q twice", kind, s)
		}
		seen[kind+"/"+s] = true
	}
	for _, ch := range cat.channels {
		check("channel", ch.Slug)
	}
	for _, pe := range cat.people {
		check("person", pe.slug)
	}
	for _, p := range cat.programmes {
		check("programme", p.slug)
		for _, v := range p.videos {
			check("video of "+p.slug, v.slug)
			if isRole(v.slug) {
				t.Errorf("%s: a video may not be called %q, the address of a poster", p.slug, v.slug)
			}
		}
	}
}

func TestProgrammes(t *testing.T) {
	country := regexp.MustCompile(`^[A-Z]{2}$`)
	for _, p := range mustLoad(t).programmes {
		if p.slug != slugOf(p.Title) {
			t.Errorf("%s: the file is not named after the title %q", p.slug, p.Title)
		}
		if !regexp.MustCompile(`^p\d{3}$`).MatchString(p.ID) {
			t.Errorf("%s: id %q, want p and three digits", p.slug, p.ID)
		}
		if p.Year < 2015 || p.Year > 2026 || len(p.Countries) == 0 || len(p.Genres) == 0 || len(p.credits) == 0 {
			t.Errorf("%s: year, countries, genres or credits missing", p.slug)
		}
		for _, c := range p.Countries {
			if !country.MatchString(c) {
				t.Errorf("%s: country %q", p.slug, c)
			}
		}
		if len(p.videos) == 0 {
			t.Errorf("%s: no video", p.slug)
		}
		if n := strings.Count(p.Long, ". ") + strings.Count(p.Long, "? ") + strings.Count(p.Long, "! ") + 1; n < 3 || n > 8 {
			t.Errorf("%s: the long synopsis has %d sentences", p.slug, n)
		}
	}
}

func TestSeasons(t *testing.T) {
	for _, p := range mustLoad(t).programmes {
		if p.Kind == "SERIES" && len(p.Seasons) == 0 {
			t.Errorf("%s: a series without seasons", p.slug)
		}
		if p.Kind == "FILM" && !slices.ContainsFunc(p.videos, func(v *video) bool { return v.kind == "FILM" }) {
			t.Errorf("%s: a film without its film", p.slug)
		}
		next := map[int32]int32{}
		for _, v := range p.videos {
			if v.kind != "EPISODE" {
				continue
			}
			next[v.season]++
			if v.episode != next[v.season] {
				t.Errorf("%s: season %d has episode %d where %d was due", p.slug, v.season, v.episode, next[v.season])
			}
		}
		for s := range len(p.Seasons) {
			if next[int32(s+1)] == 0 {
				t.Errorf("%s: season %d is empty", p.slug, s+1)
			}
		}
	}
}

func TestTexts(t *testing.T) {
	cat := mustLoad(t)
	where := map[string]string{}
	check := func(at, text string, longest int) {
		t.Helper()
		if n := utf8.RuneCountInString(text); n == 0 || n > longest {
			t.Errorf("%s: %d characters, want 1 to %d: %s", at, n, longest, text)
		}
		if other, ok := where[text]; ok {
			t.Errorf("%s: same text as %s: %s", at, other, text)
		}
		where[text] = at
		for _, bad := range []string{"'", "...", "  ", "\""} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: mind the typography, %q in: %s", at, bad, text)
			}
		}
		if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") && !strings.HasSuffix(text, "!") && !strings.HasSuffix(text, "»") {
			t.Errorf("%s: unfinished sentence: %s", at, text)
		}
	}
	for _, pe := range cat.people {
		check(pe.slug, pe.biography, 200)
	}
	for _, p := range cat.programmes {
		check(p.slug, p.Short, 120)
		check(p.slug, p.Medium, 300)
		check(p.slug, p.Long, 1000)
		titles := map[string]bool{}
		for _, v := range p.videos {
			at := p.slug + "/" + v.slug
			check(at, v.short, 120)
			if v.medium != "" {
				check(at, v.medium, 300)
			}
			if titles[v.title] || v.title == "" || strings.ContainsAny(v.title, "'\"") {
				t.Errorf("%s: title empty, ill-typed or used twice: %q", at, v.title)
			}
			titles[v.title] = true
		}
	}
}

func TestDates(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	until := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	months := map[string]bool{}
	for _, d := range docs {
		id := d.Doc[0].Value
		created, updated := dateOf(d.Doc, "createdAt"), dateOf(d.Doc, "updatedAt")
		if updated.Before(created) {
			t.Errorf("%v was updated before it was created", id)
		}
		published := dateOf(d.Doc, "publishedAt")
		if published.IsZero() {
			continue
		}
		if published.Before(from) || !published.Before(until) {
			t.Errorf("%v was published on %v", id, published)
		}
		if !created.Before(published) {
			t.Errorf("%v was published before it was created", id)
		}
		months[published.Format("2006-01")] = true
	}
	if len(months) < 33 {
		t.Errorf("publications in %d months only", len(months))
	}
}

func TestDurations(t *testing.T) {
	for _, p := range mustLoad(t).programmes {
		for _, v := range p.videos {
			lo, hi := int32(20), int32(20*60)
			switch v.kind {
			case "FILM":
				lo, hi = 70*60, 150*60
			case "EPISODE", "REPLAY":
				lo, hi = 4*60, 150*60
			}
			if v.seconds < lo || v.seconds > hi {
				t.Errorf("%s/%s: a %s of %d seconds", p.slug, v.slug, v.kind, v.seconds)
			}
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	const good = "id: p001\ntitle: T\nkind: FILM\nchannel: c\nage: ALL\npublished: 2024-01-01\n" +
		"poster: {motif: sails, palette: noon}\n"
	tests := map[string]struct{ from, to, want string }{
		"unknown key":       {"age:", "ages:", "field ages not found"},
		"unknown kind":      {"FILM", "MOVIE", `unknown kind "MOVIE"`},
		"unknown channel":   {"channel: c", "channel: d", `unknown channel "d"`},
		"unknown age":       {"ALL", "AGE_11", `unknown age "AGE_11"`},
		"unknown motif":     {"sails", "sail", `unknown motif "sail"`},
		"unknown palette":   {"noon", "none", `unknown palette "none"`},
		"bad date":          {"2024-01-01", "1/1/2024", "want YYYY-MM-DD"},
		"unknown person":    {"age:", "credits: [[WRITER, Nobody]]\nage:", `unknown person "Nobody"`},
		"unknown role":      {"age:", "credits: [[COOK, Somebody]]\nage:", `unknown credit role "COOK"`},
		"no character":      {"age:", "credits: [[ACTOR, Somebody]]\nage:", "a character goes with ACTOR"},
		"line without bar":  {"age:", "replays: 2024-01-01 | Alone\nage:", "want title | synopsis"},
		"unknown video":     {"age:", "videos: CLIP 2024-01-01 1:00 | A | B.\nage:", `unknown kind "CLIP"`},
		"unknown duration":  {"age:", "videos: BONUS 2024-01-01 1h | A | B.\nage:", `duration "1h"`},
		"nothing is wrong":  {"age:", "age:", ""},
		"unknown lettering": {"noon}", "noon, lettering: gothic}", `unknown lettering "gothic"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(fstest.MapFS{
				"catalogue/channels.yaml":     {Data: []byte("channels: [{slug: c, title: C, kind: TV}]")},
				"catalogue/people.yaml":       {Data: []byte("people: Somebody | Is known.")},
				"catalogue/programmes/t.yaml": {Data: []byte(strings.Replace(good, tt.from, tt.to, 1))},
			})
			if got := fmt.Sprint(err); !strings.Contains(got, tt.want) || (err == nil) != (tt.want == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSlugOf(t *testing.T) {
	for title, want := range map[string]string{
		"L’Œuf de personne":          "l-oeuf-de-personne",
		"  À 16 h : ça repart !  ":   "a-16-h-ca-repart",
		"Maïwenn-Rose Tanguyec":      "maiwenn-rose-tanguyec",
		"« Venus de loin », de Łódź": "venus-de-loin-de-lodz",
	} {
		if got := slugOf(title); got != want {
			t.Errorf("slugOf(%q) = %q, want %q", title, got, want)
		}
	}
}

func TestAPinnedSlugOutlivesItsTitle(t *testing.T) {
	l, err := parseLine("Le nouveau titre {#l-ancien} | Un résumé. | Un résumé plus long.")
	if err != nil {
		t.Fatal(err)
	}
	if want := (line{"Le nouveau titre", "l-ancien", "Un résumé.", "Un résumé plus long."}); l != want {
		t.Errorf("got %+v, want %+v", l, want)
	}
}

func mustLoad(t *testing.T) *catalogue {
	t.Helper()
	cat, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func dateOf(d bson.D, key string) time.Time {
	for _, e := range d {
		if e.Key == key {
			return e.Value.(bson.DateTime).Time()
		}
	}
	return time.Time{}
}
