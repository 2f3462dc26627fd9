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
		for _, v := range p.videos {
			kinds["video "+v.kind]++
		}
	}
	if n := len(cat.channels); n != 5 {
		t.Errorf("%d channels, want 5", n)
	}
	if n := len(cat.people); n != 120 {
		t.Errorf("%d people, want 120", n)
	}
	if n := len(cat.programmes); n != 72 {
		t.Errorf("%d programmes, want 72", n)
	}
	if n := len(cat.pages); n != 3 {
		t.Errorf("%d pages, want 3", n)
	}
	if videos < 1000 {
		t.Errorf("%d videos, want at least 1000", videos)
	}
	for _, k := range programmeKinds {
		if kinds[k] == 0 {
			t.Errorf("no programme of kind %s", k)
		}
	}
	for _, k := range videoKinds {
		if kinds["video "+k] == 0 {
			t.Errorf("no video of kind %s", k)
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
	order := []string{"channel", "person", "programme", "video", "page"}
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
		"channel": "_id slug formerSlugs title kind colour images position createdAt updatedAt",
		"person":  "_id slug formerSlugs title biography images createdAt updatedAt",
		"programme": "_id slug formerSlugs title kind channel synopsis year countries ageRating notBeforeHour genres badges images " +
			"rights sections seasons credits related start seo publishedAt createdAt updatedAt",
		"video": "_id programme slug formerSlugs title kind season episode synopsis duration ageRating notBeforeHour badges images " +
			"rights hasDrm tracks markers tags seo publishedAt createdAt updatedAt",
		"page": "_id slug formerSlugs title seo sections createdAt updatedAt",
	}
	seen := map[string]bool{}
	for _, d := range docs {
		// Keys may be absent, never out of order or unknown.
		rest := strings.Fields(want[d.Collection])
		for _, e := range d.Doc {
			i := slices.Index(rest, e.Key)
			if i < 0 {
				t.Fatalf("%s %v: unexpected or misplaced %s", d.Collection, d.Doc[0].Value, e.Key)
			}
			rest = rest[i+1:]
			seen[d.Collection+" "+e.Key] = true
		}
	}
	for c, keys := range want {
		for _, key := range strings.Fields(keys) {
			if !seen[c+" "+key] {
				t.Errorf("no %s shows %s", c, key)
			}
		}
	}
}

func TestSlugs(t *testing.T) {
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	cat := mustLoad(t)
	seen := map[string]bool{}
	check := func(kind string, slugs ...string) {
		t.Helper()
		for _, s := range slugs {
			if !slug.MatchString(s) {
				t.Errorf("%s: bad slug %q", kind, s)
			}
			if seen[kind+"/"+s] {
				t.Errorf("%s: slug %q twice", kind, s)
			}
			seen[kind+"/"+s] = true
		}
	}
	for _, ch := range cat.channels {
		check("channel", append(ch.Former, ch.Slug)...)
	}
	for _, pe := range cat.people {
		check("person", append(pe.former, pe.slug)...)
	}
	for _, pg := range cat.pages {
		check("page", append(pg.Former, pg.Slug)...)
	}
	for _, p := range cat.programmes {
		check("programme", append(p.Former, p.slug)...)
		for _, v := range p.videos {
			check("video of "+p.slug, append(v.Former, v.slug)...)
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
		if p.Seo.Description != "" {
			check(p.slug, p.Seo.Description, 160)
		}
		titles := map[string]bool{}
		for _, v := range p.videos {
			at := p.slug + "/" + v.slug
			check(at, v.short, 120)
			if v.medium != "" {
				check(at, v.medium, 300)
			}
			if v.Seo.Description != "" {
				check(at, v.Seo.Description, 160)
			}
			if titles[v.title] || v.title == "" || strings.ContainsAny(v.title, "'\"") {
				t.Errorf("%s: title empty, ill-typed or used twice: %q", at, v.title)
			}
			titles[v.title] = true
		}
	}
	for _, pg := range cat.pages {
		if pg.Seo.Description != "" {
			check(pg.Slug, pg.Seo.Description, 160)
		}
	}
}

// Titles, labels and the like are no sentences, but typeset all the same.
func TestSmallTexts(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	longest := map[string]int{"title": 80, "label": 25, "subtitle": 80, "character": 50, "alt": 150}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case bson.D:
			for _, e := range v {
				s, isText := e.Value.(string)
				if n, ok := longest[e.Key]; ok && isText {
					if c := utf8.RuneCountInString(s); c == 0 || c > n || strings.TrimSpace(s) != s {
						t.Errorf("%s %s: %d characters, want 1 to %d: %q", at, e.Key, c, n, s)
					}
					if strings.ContainsAny(s, "'\"") || strings.Contains(s, "...") || strings.Contains(s, "  ") {
						t.Errorf("%s %s: mind the typography: %s", at, e.Key, s)
					}
				}
				walk(at, e.Value)
			}
		case bson.A:
			for _, e := range v {
				walk(at, e)
			}
		}
	}
	for _, d := range docs {
		walk(fmt.Sprint(d.Doc[0].Value), d.Doc)
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
			case "LIVE":
				lo, hi = 30*60, 24*60*60
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
		"unknown screen":    {"age:", "rights: [{screens: [tv]}]\nage:", `unknown screen "tv"`},
		"unknown offer":     {"age:", "rights: [{offer: PLUS}]\nage:", `unknown offer "PLUS"`},
		"bad right":         {"age:", "rights: [{from: soon}]\nage:", "want YYYY-MM-DD"},
		"empty right":       {"age:", "rights: [{from: 2030-01-01, until: 2030-01-01}]\nage:", "is empty"},
		"unknown badge":     {"age:", "badges: [{kind: HOT}]\nage:", `unknown badge "HOT"`},
		"unknown order":     {"age:", "sections: [{order: BEST}]\nage:", `unknown order "BEST"`},
		"unknown season":    {"age:", "sections: [{seasons: [1]}]\nage:", "unknown season 1"},
		"unknown tag":       {"age:", "sections: [{tags: [nobody]}]\nage:", `no video has the tag "nobody"`},
		"unknown pin":       {"age:", "sections: [{id: x, pins: [nowhere]}]\nage:", `section "x": unknown video "nowhere"`},
		"bad limit":         {"age:", "sections: [{limit: 101}]\nage:", "limit 101: want 1 to 100"},
		"bad fallback":      {"age:", "sections: [{fallback: {kinds: [CLIP]}}]\nage:", `unknown kind "CLIP"`},
		"unknown filter":    {"age:", "sections: [{genre: drame}]\nage:", "field genre not found"},
		"unknown start":     {"age:", "start: nowhere\nage:", `start: unknown video "nowhere"`},
		"detail of nothing": {"age:", "details: {nowhere: {age: ALL}}\nage:", `details of "nowhere": unknown video`},
		"unknown age of a video": {"age:", "videos: BONUS 2024-01-01 1:00 | A | B.\ndetails: {a: {age: AGE_11}}\nage:",
			`details of "a": unknown age "AGE_11"`},
		"bad chapter": {"age:", "videos: BONUS 2024-01-01 1:00 | A | B.\ndetails: {a: {chapters: 0:00 0h30}}\nage:", `duration "0h30"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(fstest.MapFS{
				"catalogue/channels.yaml":     {Data: []byte("channels: [{slug: c, title: C, kind: TV}]")},
				"catalogue/people.yaml":       {Data: []byte("people: Somebody | Is known.")},
				"catalogue/pages.yaml":        {Data: []byte("pages: []")},
				"catalogue/programmes/t.yaml": {Data: []byte(strings.Replace(good, tt.from, tt.to, 1))},
			})
			if got := fmt.Sprint(err); !strings.Contains(got, tt.want) || (err == nil) != (tt.want == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMistakesOfPagesAreNamed(t *testing.T) {
	tests := map[string]struct{ section, want string }{
		"nothing is wrong":       {"{layout: HERO, more: /pages/a, cards: [{to: 'programme:t'}, {to: 'video:t/a'}, {to: 'channel:c'}]}", ""},
		"other targets":          {"{cards: [{to: 'person:somebody'}, {to: 'page:a'}, {to: 'category:art-de-vivre'}]}", ""},
		"unknown layout":         {"{layout: WALL}", `unknown layout "WALL"`},
		"more in the clear":      {"{more: 'http://example.org'}", "want a path or https"},
		"more of another site":   {"{more: //example.org}", "want a path or https"},
		"unknown key":            {"{cards: [{two: 'page:a'}]}", "field two not found"},
		"unknown programme":      {"{cards: [{to: 'programme:u'}]}", `section 1: card 1: unknown target "programme:u"`},
		"unknown video":          {"{cards: [{to: 'page:a'}, {to: 'video:t/b'}]}", `card 2: unknown target "video:t/b"`},
		"video without its home": {"{cards: [{to: 'video:a'}]}", "unknown target"},
		"unknown channel":        {"{cards: [{to: 'channel:d'}]}", "unknown target"},
		"unknown person":         {"{cards: [{to: 'person:nobody'}]}", "unknown target"},
		"unknown page":           {"{cards: [{to: 'page:b'}]}", "unknown target"},
		"unknown category":       {"{cards: [{to: 'category:art'}]}", "unknown target"},
		"unknown kind":           {"{cards: [{to: 'season:1'}]}", "unknown target"},
		"no target":              {"{cards: [{title: Nowhere}]}", "want either to or url"},
		"two targets":            {"{cards: [{to: 'page:a', url: 'https://example.org', title: A}]}", "want either to or url"},
		"url without a title":    {"{cards: [{url: 'https://example.org'}]}", "want https, and a title"},
		"url in the clear":       {"{cards: [{url: 'http://example.org', title: A}]}", "want https, and a title"},
		"unknown badge":          {"{cards: [{to: 'page:a', badges: [{kind: HOT}]}]}", `unknown badge "HOT"`},
		"a rule":                 {"{rule: {channel: c, category: art-de-vivre, kinds: [FILM], order: TITLE}, limit: 3}", ""},
		"unknown channel's rule": {"{rule: {channel: d}}", `unknown channel "d"`},
		"unknown order":          {"{rule: {order: EPISODE}}", `unknown order "EPISODE"`},
		"unknown window":         {"{trend: {window: MONTH}}", `unknown window "MONTH"`},
		"unknown subject":        {"{trend: {of: PEOPLE}}", `unknown subject "PEOPLE"`},
		"unknown source":         {"{personal: HISTORY}", `unknown personal source "HISTORY"`},
		"two sources":            {"{trend: {}, personal: FAVOURITES}", "want one of"},
		"cards and a source":     {"{cards: [{to: 'page:a'}], trend: {}}", "want one of"},
		"a limit of cards":       {"{cards: [{to: 'page:a'}], limit: 3}", "want a rule, trend or personal"},
		"unknown role":           {"{cards: [{to: 'page:a', images: [{role: WIDE, url: /posters/t/cover.svg}]}]}", `unknown image role "WIDE"`},
		"unknown poster":         {"{cards: [{to: 'page:a', images: [{role: COVER, url: /posters/u/cover.svg}]}]}", "unknown poster"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(fstest.MapFS{
				"catalogue/channels.yaml": {Data: []byte("channels: [{slug: c, title: C, kind: TV}]")},
				"catalogue/people.yaml":   {Data: []byte("people: Somebody | Is known.")},
				"catalogue/pages.yaml":    {Data: []byte("pages: [{slug: a, title: A, sections: [" + tt.section + "]}]")},
				"catalogue/programmes/t.yaml": {Data: []byte("id: p001\ntitle: T\nkind: FILM\nchannel: c\nage: ALL\npublished: 2024-01-01\n" +
					"genres: [art de vivre]\nposter: {motif: sails, palette: noon}\nvideos: BONUS 2024-01-01 1:00 | A | B.\n")},
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
