package cms

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/text/language"
)

// shelf is a Store in memory that checks what is put: every rule of docs/cms.md, and that what a document names is there. If it
// has another Store behind it, that is given the same, and must write as many.
type shelf struct {
	Store
	t      testing.TB
	docs   map[string]map[string]bson.Raw // by collection and _id
	order  [][2]string                    // collections and _ids as they came first
	owners map[string]string              // _id by collection and slug; videos' with their programme
	put    func() error
}

func newShelf(t testing.TB) *shelf {
	s := &shelf{t: t, docs: map[string]map[string]bson.Raw{}, owners: map[string]string{}}
	for _, c := range importCollections {
		s.docs[c] = map[string]bson.Raw{}
	}
	return s
}

// inOrder returns the documents, of the collections if there are any, as they came first.
func (s *shelf) inOrder(collections ...string) (docs []bson.Raw) {
	for _, o := range s.order {
		if collections == nil || slices.Contains(collections, o[0]) {
			docs = append(docs, s.docs[o[0]][o[1]])
		}
	}
	return docs
}

// made is how many documents an import made.
func made(r ImportResult) int { return r.Programmes + r.Videos + r.People + r.Channels }

func (s *shelf) Put(ctx context.Context, collection string, docs []bson.Raw) (written int, err error) {
	s.t.Helper()
	if s.put != nil {
		if err := s.put(); err != nil {
			return 0, err
		}
	}
	size := 0
	for i, d := range docs {
		if i < len(docs)-1 {
			size += len(d)
		}
	}
	if len(docs) == 0 || len(docs) > importBatch || size > importBytes {
		s.t.Errorf("a batch has %d documents, and %d bytes before the last", len(docs), size)
	}
	for _, d := range docs {
		v := checkDocument(s.t, collection, d)
		s.checkReferences(collection, v)
		slug := collection + " " + v.Programme + "/" + v.Slug
		if owner := s.owners[slug]; owner != "" && owner != v.ID && lookup(s.docs[collection][owner], "slug") == v.Slug {
			s.t.Errorf("%s %q: the slug %s is that of %q", collection, v.ID, v.Slug, owner)
		}
		s.owners[slug] = v.ID
		old, there := s.docs[collection][v.ID]
		if !there {
			s.order = append(s.order, [2]string{collection, v.ID})
		}
		if !same(old, d) {
			s.docs[collection][v.ID] = bytes.Clone(d)
			written++
		}
	}
	if s.Store != nil {
		if n, err := s.Store.Put(ctx, collection, docs); err != nil || n != written {
			s.t.Errorf("the store behind wrote %d of %d: %v", n, written, err)
		}
	}
	return written, nil
}

func (s *shelf) checkReferences(collection string, v document) {
	s.t.Helper()
	named := func(collection, id string) {
		s.t.Helper()
		if s.docs[collection][id] == nil {
			s.t.Errorf("%s %q comes before %s %q", collection, v.ID, collection, id)
		}
	}
	switch collection {
	case "video":
		named("programme", v.Programme)
	case "programme":
		named("channel", v.Channel)
		for _, c := range v.Credits {
			named("person", c.Person)
		}
	}
}

// document is what any document may have, as docs/cms.md says it.
type document struct {
	ID          string `bson:"_id"`
	Slug, Title string
	ImportHash  string `bson:"importHash"`
	Kind        string
	PublishedAt *bson.DateTime `bson:"publishedAt"`
	CreatedAt   *bson.DateTime `bson:"createdAt"`

	Position  *int32
	Channel   string
	Synopsis  struct{ Short, Medium, Long string }
	Year      *int32
	Countries []string
	Rating    string
	AgeRating string `bson:"ageRating"`
	Genres    []string
	Badges    []struct{ Kind string }
	Rights    []right
	Seasons   []struct{ Number int32 }
	Credits   []struct{ Person, Role string }

	Programme       string
	Season, Episode *int32
	Duration        *int32
	Tracks          *struct {
		Audio, Subtitles []string
		DeafSubtitles    bool `bson:"deafSubtitles"`
		AudioDescription bool `bson:"audioDescription"`
	}
	Markers []marker
}

type right struct {
	Screens, Territories []string
	From, Until          *bson.DateTime
	Offer                string
}

type marker struct {
	Kind       string
	Start, End int32
}

// may names the fields that the import gives a collection's documents.
var may = map[string][]string{
	"channel":   strings.Fields("_id slug title kind position importHash"),
	"person":    strings.Fields("_id slug title importHash"),
	"programme": strings.Fields("_id slug title kind channel synopsis year countries rating ageRating genres badges rights seasons credits publishedAt createdAt importHash"),
	"video":     strings.Fields("_id programme slug title kind season episode duration tracks markers publishedAt createdAt importHash"),
}

var kinds = map[string][]string{
	"channel":   {"TV", "DIGITAL", "PARTNER", "EVENT", "CORNER"},
	"person":    {""},
	"programme": {"SERIES", "FILM", "MAGAZINE", "NEWS", "SPORT", "DOCUMENTARY", "GAME", "REALITY", "KIDS", "EVENT"},
	"video":     {"FILM", "EPISODE", "REPLAY", "EXTRACT", "BONUS", "TRAILER", "LIVE"},
}

var (
	isSlug    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	isCountry = regexp.MustCompile(`^[A-Z]{2}$`)
)

// checkDocument holds a document to docs/cms.md, and to be no more than the import means to make.
func checkDocument(t testing.TB, collection string, d bson.Raw) (v document) {
	t.Helper()
	if err := bson.Unmarshal(d, &v); err != nil {
		t.Fatalf("%v: %s", err, d)
	}
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %q: %s", collection, v.ID, fmt.Sprintf(format, args...))
	}
	oneOf := func(what, value string, values ...string) {
		t.Helper()
		if !slices.Contains(values, value) {
			wrong("%s %q", what, value)
		}
	}
	within := func(what string, n *int32, min, max int32) {
		t.Helper()
		if n != nil && (*n < min || *n > max) {
			wrong("%s %d", what, *n)
		}
	}
	elements, err := d.Elements()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range elements {
		oneOf("field", e.Key(), may[collection]...)
		if e.Value().Type == bson.TypeNull || e.Value().Type == bson.TypeArray && len(e.Value().Array()) == 5 {
			wrong("%s is null or empty", e.Key())
		}
	}

	if v.ID == "" || v.ImportHash == "" {
		wrong("has no _id or importHash: %s", d)
	}
	if !isSlug.MatchString(v.Slug) || len(v.Slug) > 200 {
		wrong("slug %q", v.Slug)
	}
	if v.Title == "" || v.Title != strings.TrimSpace(v.Title) || utf8.RuneCountInString(v.Title) > 300 || !utf8.ValidString(v.Title) {
		wrong("title %q", v.Title)
	}
	oneOf("kind", v.Kind, kinds[collection]...)
	for _, at := range []*bson.DateTime{v.PublishedAt, v.CreatedAt} {
		if at != nil && (at.Time().UTC().Year() < 1 || at.Time().UTC().Year() > 9999) {
			wrong("date %v", at.Time())
		}
	}
	if (v.PublishedAt == nil) != (v.CreatedAt == nil) || v.PublishedAt != nil && *v.PublishedAt != *v.CreatedAt {
		wrong("publishedAt and createdAt differ")
	}
	within("position", v.Position, 0, 9999)
	within("year", v.Year, 1880, 2200)
	within("season", v.Season, 1, 9999)
	within("episode", v.Episode, 1, 12)
	within("duration", v.Duration, 1, 7*24*3600)
	if s := v.Synopsis; utf8.RuneCountInString(s.Short) > 120 || utf8.RuneCountInString(s.Long) > 20_000 || s.Medium != s.Long || !utf8.ValidString(s.Long) {
		wrong("synopsis %v", s)
	}
	for _, c := range v.Countries {
		if !isCountry.MatchString(c) {
			wrong("country %q", c)
		}
	}
	oneOf("ageRating", v.AgeRating, "", "ALL", "AGE_10", "AGE_12", "AGE_16", "AGE_18")
	if len(v.Genres) > 50 {
		wrong("%d genres", len(v.Genres))
	}
	for _, g := range v.Genres {
		if g == "" || utf8.RuneCountInString(g) > 100 {
			wrong("genre %q", g)
		}
	}
	for _, b := range v.Badges {
		oneOf("badge", b.Kind, "EXCLUSIVE")
	}
	for _, r := range v.Rights {
		checkRight(wrong, oneOf, r)
	}
	if len(v.Rights) > 100 || len(v.Credits) > 10_000 {
		wrong("%d rights, %d credits", len(v.Rights), len(v.Credits))
	}
	for i, s := range v.Seasons {
		if int(s.Number) != i+1 {
			wrong("season %d is number %d", s.Number, i+1)
		}
	}
	credited := map[string]bool{}
	for _, c := range v.Credits {
		oneOf("role", c.Role, "ACTOR", "DIRECTOR")
		if credited[c.Role+c.Person] {
			wrong("%s is credited twice as %s", c.Person, c.Role)
		}
		credited[c.Role+c.Person] = true
	}
	if collection == "video" {
		checkVideo(wrong, v)
	}
	return v
}

func checkRight(wrong func(string, ...any), oneOf func(string, string, ...string), r right) {
	for _, s := range r.Screens {
		oneOf("screen", s, "web", "mobile", "iptv")
	}
	for _, c := range r.Territories {
		if !isCountry.MatchString(c) {
			wrong("territory %q", c)
		}
	}
	if r.From != nil && r.Until != nil && *r.Until <= *r.From {
		wrong("the window ends at %v, and begins at %v", r.Until.Time(), r.From.Time())
	}
	oneOf("offer", r.Offer, "", "MAX")
	if r.Screens == nil && r.Territories == nil && r.From == nil && r.Until == nil && r.Offer == "" {
		wrong("a right restricts nothing")
	}
}

func checkVideo(wrong func(string, ...any), v document) {
	if v.Programme == "" || v.ID != v.Programme+"-"+v.Slug {
		wrong("is of programme %q, with the slug %q", v.Programme, v.Slug)
	}
	if (v.Kind == "EPISODE") != (v.Season != nil) || (v.Kind == "EPISODE") != (v.Episode != nil) {
		wrong("is %s with season %v and episode %v", v.Kind, v.Season, v.Episode)
	}
	seconds := int32(0)
	if v.Duration != nil {
		seconds = *v.Duration
	}
	if limits, ok := map[string][2]int32{"EPISODE": {20 * 60, 60 * 60}, "TRAILER": {60, 150}, "EXTRACT": {30, 180}, "BONUS": {180, 1200}}[v.Kind]; ok && (seconds < limits[0] || seconds > limits[1]) {
		wrong("lasts %d s", seconds)
	}
	var marked []string
	for _, m := range v.Markers {
		marked = append(marked, m.Kind)
		if m.Start < 0 || m.End <= m.Start || m.End > seconds {
			wrong("%s from %d to %d of %d s", m.Kind, m.Start, m.End, seconds)
		}
	}
	want := map[string]string{"EPISODE": "INTRO CREDITS", "FILM": "CREDITS"}[v.Kind]
	if seconds == 0 {
		want = ""
	}
	if got := strings.Join(marked, " "); got != want {
		wrong("has the markers %q, want %q", got, want)
	}
	if v.Tracks == nil {
		return
	}
	if len(v.Tracks.Audio) == 0 {
		wrong("has tracks without a sound")
	}
	for _, l := range append(slices.Clone(v.Tracks.Audio), v.Tracks.Subtitles...) {
		if _, err := language.Parse(l); err != nil {
			wrong("language %q: %v", l, err)
		}
	}
}
