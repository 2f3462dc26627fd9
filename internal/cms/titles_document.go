package cms

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// importFormat is what importHash tells of how documents are made of rows. When that changes it must grow, so that the
// next import writes them anew.
const importFormat = "titles/2"

// importDigest is short: it tells a row from its earlier versions only.
func importDigest(fields ...string) string {
	all := []byte(importFormat)
	for _, f := range fields {
		all = fmt.Appendf(all, "\n%d:%s", len(f), f)
	}
	return lastingDigest(string(all))
}

// lastingDigest stands for a text in slugs and ids: 16 hexadecimal digits that no version of the import changes.
func lastingDigest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// spread is an even and lasting choice for an id.
func spread(id string, numbers ...int) uint32 {
	sum := sha256.Sum256(fmt.Append(nil, id, numbers))
	return binary.BigEndian.Uint32(sum[:])
}

// choose is a number below n for one of the title's questions, the same at every import.
func (t title) choose(question string, n int) int { return int(spread(t.id+"\n"+question) % uint32(n)) }

// percent answers one of the title's questions with yes for so many of a hundred titles.
func (t title) percent(question string, of int) bool { return t.choose(question, 100) < of }

// programme is the title's CMS document.
func (t title) programme(credits []credit) bson.Raw {
	d := bson.D{
		{Key: "_id", Value: t.id},
		{Key: "slug", Value: t.slug},
		{Key: "title", Value: t.name},
		{Key: "kind", Value: t.kind()},
		{Key: "channel", Value: t.channel().id},
	}
	add := func(field string, value any) { d = append(d, bson.E{Key: field, Value: value}) }
	if t.description != "" {
		add("synopsis", bson.D{
			{Key: "short", Value: shorten(t.description, 120)},
			{Key: "medium", Value: t.description},
			{Key: "long", Value: t.description},
		})
	}
	if t.year != 0 {
		add("year", t.year)
	}
	if t.countries != nil {
		add("countries", t.countries)
	}
	if t.rating != "" {
		add("rating", t.rating)
	}
	if age := ageOf(t.rating); age != "" {
		add("ageRating", age)
	}
	if t.genres != nil {
		add("genres", t.genres)
	}
	if t.percent("exclusive", 6) {
		add("badges", bson.A{bson.D{{Key: "kind", Value: "EXCLUSIVE"}}})
	}
	if right := t.right(); right != nil {
		add("rights", bson.A{right})
	}
	if t.series {
		var seasons bson.A
		for n := range t.seasons {
			seasons = append(seasons, bson.D{{Key: "number", Value: int32(n + 1)}})
		}
		add("seasons", seasons)
	}
	if credits != nil {
		var list bson.A
		for _, c := range credits {
			list = append(list, bson.D{{Key: "person", Value: c.person.id}, {Key: "role", Value: c.role}})
		}
		add("credits", list)
	}
	return endDocument(d, t.published, importDigest(t.id, t.slug, strconv.FormatBool(t.series), t.name, strings.Join(t.countries, ","),
		day(t.published), strconv.Itoa(int(t.year)), t.rating, strconv.Itoa(t.seasons), strings.Join(t.genres, ","), t.description,
		strings.Join(t.directors, "\n"), strings.Join(t.cast, "\n")))
}

// genreKinds are kinds by genre, as slugs. The first that a title has decides.
var genreKinds = []struct {
	kind   string
	genres []string
}{
	{"DOCUMENTARY", []string{"documentaries", "documentary", "docuseries"}},
	{"KIDS", []string{"children-family-movies", "children-family", "kids-tv", "kids", "children"}},
	{"REALITY", []string{"reality-tv", "reality"}},
}

func (t title) kind() string {
	for _, k := range genreKinds {
		if t.isOf(k.genres) {
			return k.kind
		}
	}
	if t.series {
		return "SERIES"
	}
	return "FILM"
}

// isOf tells whether the title has one of the genres, which are given as slugs.
func (t title) isOf(genres []string) bool {
	return slices.ContainsFunc(t.genres, func(g string) bool { return slices.Contains(genres, Slug(g, maxSlug)) })
}

// endDocument adds what ends the document of a programme or video. Without a day the CMS tells none, and neither is made up.
func endDocument(d bson.D, published time.Time, digest string) bson.Raw {
	if !published.IsZero() {
		at := bson.NewDateTimeFromTime(published)
		d = append(d, bson.E{Key: "publishedAt", Value: at}, bson.E{Key: "createdAt", Value: at})
	}
	return marshal(append(d, bson.E{Key: FieldImportHash, Value: digest}))
}

func marshal(d bson.D) bson.Raw {
	raw, err := bson.Marshal(d)
	if err != nil {
		panic(err) // strings, numbers, dates and truths in documents and arrays
	}
	return raw
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

// shorten cuts a text to max characters on one line, between words where it can, and then ends it with an ellipsis.
func shorten(s string, max int) string {
	s = clean(s)
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	cut := []rune(s)[:max] // one more than fits, to see whether a word ends there
	end := max - 1
	if i := strings.LastIndexByte(string(cut), ' '); i > 0 {
		end = utf8.RuneCountInString(string(cut)[:i])
	}
	return strings.TrimRightFunc(string(cut[:end]), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:-–—", r) }) + "…"
}
