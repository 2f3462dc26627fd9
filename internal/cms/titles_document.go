package cms

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
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
const importFormat = "titles/1"

// importDigest is short: it tells a row from its earlier versions only.
func importDigest(fields ...string) string {
	all := []byte(importFormat)
	for _, f := range fields {
		all = fmt.Appendf(all, "\n%d:%s", len(f), f)
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:8])
}

// programme is the title's CMS document.
func (t title) programme() bson.Raw {
	d := bson.D{
		{Key: "_id", Value: t.id},
		{Key: "slug", Value: t.slug},
		{Key: "title", Value: t.name},
		{Key: "kind", Value: t.kind()},
	}
	if t.description != "" {
		d = append(d, bson.E{Key: "synopsis", Value: bson.D{
			{Key: "short", Value: shorten(t.description, 120)},
			{Key: "medium", Value: t.description},
			{Key: "long", Value: t.description},
		}})
	}
	if t.year != 0 {
		d = append(d, bson.E{Key: "year", Value: t.year})
	}
	if codes := countryCodes(t.country); codes != nil {
		d = append(d, bson.E{Key: "countries", Value: codes})
	}
	if t.rating != "" {
		d = append(d, bson.E{Key: "rating", Value: t.rating})
	}
	if t.genres != nil {
		d = append(d, bson.E{Key: "genres", Value: t.genres})
	}
	return endDocument(d, t.published, importDigest(t.id, t.slug, strconv.FormatBool(t.series), t.name, t.country, day(t.published),
		strconv.Itoa(int(t.year)), t.rating, strings.Join(t.genres, ","), t.description))
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
		for _, g := range t.genres {
			if slices.Contains(k.genres, slugOf(g, maxSlug)) {
				return k.kind
			}
		}
	}
	if t.series {
		return "SERIES"
	}
	return "FILM"
}

// videos are the CMS documents of a film, or of a series' episodes in their order. The file tells of no episodes: they
// are made up, always the same for the same id, so that a season has 6 to 12 of 20 to 60 minutes and one came out
// each week until the day that the programme did.
func (t title) videos() iter.Seq[bson.Raw] {
	return func(yield func(bson.Raw) bool) {
		if !t.series {
			yield(t.video("film", t.name, "FILM", 60*t.minutes, t.published))
			return
		}
		var weeks int
		for s := range t.seasons {
			weeks += t.episodes(s + 1)
		}
		for s := 1; s <= t.seasons; s++ {
			for e := 1; e <= t.episodes(s); e++ {
				weeks--
				published := t.published
				if !published.IsZero() {
					published = published.AddDate(0, 0, -7*weeks)
				}
				v := t.video(fmt.Sprintf("s%02de%02d", s, e), fmt.Sprintf("Episode %d", e), "EPISODE", t.seconds(s, e), published,
					bson.E{Key: "season", Value: int32(s)}, bson.E{Key: "episode", Value: int32(e)})
				if !yield(v) {
					return
				}
			}
		}
	}
}

func (t title) video(slug, name, kind string, seconds int32, published time.Time, place ...bson.E) bson.Raw {
	d := bson.D{
		{Key: "_id", Value: t.id + "-" + slug},
		{Key: "programme", Value: t.id},
		{Key: "slug", Value: slug},
		{Key: "title", Value: name},
		{Key: "kind", Value: kind},
	}
	d = append(d, place...)
	if seconds != 0 {
		d = append(d, bson.E{Key: "duration", Value: seconds})
	}
	return endDocument(d, published, importDigest(t.id, slug, name, strconv.Itoa(int(seconds)), day(published)))
}

func (t title) episodes(season int) int { return 6 + int(spread(t.id, season)%7) }

// seconds of an episode: those of a series are alike, within two minutes.
func (t title) seconds(season, episode int) int32 {
	usual := 22*60 + spread(t.id)%(36*60+1)
	return int32(usual - 120 + spread(t.id, season, episode)%241)
}

// spread is an even and lasting choice for an id.
func spread(id string, numbers ...int) uint32 {
	sum := sha256.Sum256(fmt.Append(nil, id, numbers))
	return binary.BigEndian.Uint32(sum[:])
}

// endDocument adds what ends every imported document. Without a day the CMS tells none, and neither is made up.
func endDocument(d bson.D, published time.Time, digest string) bson.Raw {
	if !published.IsZero() {
		at := bson.NewDateTimeFromTime(published)
		d = append(d, bson.E{Key: "publishedAt", Value: at}, bson.E{Key: "createdAt", Value: at})
	}
	raw, err := bson.Marshal(append(d, bson.E{Key: FieldImportHash, Value: digest}))
	if err != nil {
		panic(err) // strings, numbers and dates in a document
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
