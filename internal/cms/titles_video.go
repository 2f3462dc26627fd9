package cms

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/text/language"
)

// titleVideo is one of a title's videos. Its slug is its own within the programme.
type titleVideo struct {
	slug, name, kind string
	season, episode  int32 // of an EPISODE
	seconds          int32 // 0 when the file does not tell
	published        time.Time
}

// videos are a film, or a series' episodes in their order, and then what goes with them. The file tells of no episodes:
// they are made up, always the same for the same id, so that a season has 6 to 12 of 20 to 60 minutes and one came out
// each week until the day that the programme did.
func (t title) videos() iter.Seq[titleVideo] {
	return func(yield func(titleVideo) bool) {
		if !t.series {
			film := titleVideo{slug: "film", name: t.name, kind: "FILM", seconds: 60 * t.minutes, published: t.published}
			if yield(film) {
				t.extras(t.published, yield)
			}
			return
		}
		var weeks int
		for s := range t.seasons {
			weeks += t.episodes(s + 1)
		}
		first := daysBefore(t.published, 7*(weeks-1))
		for s := 1; s <= t.seasons; s++ {
			for e := 1; e <= t.episodes(s); e++ {
				weeks--
				v := titleVideo{slug: fmt.Sprintf("s%02de%02d", s, e), name: fmt.Sprintf("Episode %d", e), kind: "EPISODE",
					season: int32(s), episode: int32(e), seconds: t.seconds(s, e), published: daysBefore(t.published, 7*weeks)}
				if !yield(v) {
					return
				}
			}
		}
		t.extras(first, yield)
	}
}

// daysBefore is zero when the day is.
func daysBefore(day time.Time, days int) time.Time {
	if day.IsZero() {
		return day
	}
	return day.AddDate(0, 0, -days)
}

func (t title) episodes(season int) int { return 6 + int(spread(t.id, season)%7) }

// seconds of an episode: those of a series are alike, within two minutes.
func (t title) seconds(season, episode int) int32 {
	usual := 22*60 + spread(t.id)%(36*60+1)
	return int32(usual - 120 + spread(t.id, season, episode)%241)
}

// bonuses are what there may be besides.
var bonuses = []string{"the making of", "deleted scenes", "on the set", "the music", "a talk with the cast", "the locations"}

// extras are a trailer, two to eight weeks before the title's first day; for two of five titles one to three extracts of
// the two weeks before it; and for every other title up to two bonuses of the day on which it was complete.
func (t title) extras(first time.Time, yield func(titleVideo) bool) {
	trailer := titleVideo{slug: "trailer", name: "Trailer", kind: "TRAILER",
		seconds: int32(60 + t.choose("trailer", 91)), published: daysBefore(first, 7*(2+t.choose("trailer's week", 7)))}
	if !yield(trailer) {
		return
	}
	if t.percent("extracts", 40) {
		for n := range 1 + t.choose("how many extracts", 3) {
			number := strconv.Itoa(n + 1)
			v := titleVideo{slug: "extract-" + number, name: "Extract " + number, kind: "EXTRACT",
				seconds: int32(30 + t.choose("extract "+number, 151)), published: daysBefore(first, 1+t.choose("extract's day "+number, 13))}
			if !yield(v) {
				return
			}
		}
	}
	if t.percent("bonuses", 50) {
		for n := range t.choose("how many bonuses", 3) {
			number := strconv.Itoa(n + 1)
			subject := bonuses[(t.choose("bonus", len(bonuses))+n)%len(bonuses)]
			v := titleVideo{slug: "bonus-" + number, name: "Bonus: " + subject, kind: "BONUS",
				seconds: int32(180 + t.choose("bonus "+number, 1021)), published: t.published}
			if !yield(v) {
				return
			}
		}
	}
}

// video is a video's CMS document.
func (t title) video(v titleVideo) bson.Raw {
	d := bson.D{
		{Key: "_id", Value: t.id + "-" + v.slug},
		{Key: "programme", Value: t.id},
		{Key: "slug", Value: v.slug},
		{Key: "title", Value: v.name},
		{Key: "kind", Value: v.kind},
	}
	if v.kind == "EPISODE" {
		d = append(d, bson.E{Key: "season", Value: v.season}, bson.E{Key: "episode", Value: v.episode})
	}
	if v.seconds != 0 {
		d = append(d, bson.E{Key: "duration", Value: v.seconds})
	}
	if tracks := t.tracks(v); tracks != nil {
		d = append(d, bson.E{Key: "tracks", Value: tracks})
	}
	if markers := t.markers(v); markers != nil {
		d = append(d, bson.E{Key: "markers", Value: markers})
	}
	return endDocument(d, v.published, importDigest(t.id, v.slug, v.name, strconv.Itoa(int(v.seconds)), day(v.published), strings.Join(t.countries, ",")))
}

// tracks are in the languages of the title's countries, nil when it has none. Films and episodes have subtitles too:
// English ones and, by the id, other ones.
func (t title) tracks(v titleVideo) bson.D {
	spoken := languagesOf(t.countries)
	if spoken == nil {
		return nil
	}
	if v.kind != "FILM" && v.kind != "EPISODE" {
		return bson.D{{Key: "audio", Value: spoken[:1]}}
	}
	subtitles := slices.Clone(spoken)
	for _, more := range []struct {
		language string
		percent  int
	}{{"en", 100}, {"fr", 60}, {"de", 40}, {"es", 40}} {
		if !slices.Contains(subtitles, more.language) && t.percent("subtitles "+more.language, more.percent) {
			subtitles = append(subtitles, more.language)
		}
	}
	d := bson.D{{Key: "audio", Value: spoken}, {Key: "subtitles", Value: subtitles}}
	if t.percent("subtitles for the deaf", 30) {
		d = append(d, bson.E{Key: "deafSubtitles", Value: true})
	}
	if t.percent("audio description", 15) {
		d = append(d, bson.E{Key: "audioDescription", Value: true})
	}
	return d
}

// formerLanguages are those of states that are no more, of which language knows none.
var formerLanguages = map[string]string{"SU": "ru", "YU": "sr"}

// languagesOf is each country's most likely language, at most four and each once. No country gives nil.
func languagesOf(countries []string) (languages []string) {
	for _, code := range countries {
		l := formerLanguages[code]
		if region, err := language.ParseRegion(code); l == "" && err == nil {
			if tag, err := language.Compose(region); err == nil {
				base, sure := tag.Base()
				if sure != language.No {
					l = base.String()
				}
			}
		}
		if l != "" && !slices.Contains(languages, l) && len(languages) < 4 {
			languages = append(languages, l)
		}
	}
	return languages
}

// markers are an episode's opening and the credits at the end, which are a twentieth of a film and end with it.
func (t title) markers(v titleVideo) bson.A {
	marker := func(kind string, start, end int32) bson.D {
		return bson.D{{Key: "kind", Value: kind}, {Key: "start", Value: start}, {Key: "end", Value: end}}
	}
	switch {
	case v.kind == "EPISODE":
		intro := int32(t.choose("intro "+v.slug, 121)) // the cold open before it differs, its length does not
		return bson.A{
			marker("INTRO", intro, intro+int32(20+t.choose("intro", 61))),
			marker("CREDITS", v.seconds-int32(30+t.choose("credits", 61)), v.seconds),
		}
	case v.kind == "FILM" && v.seconds > 0:
		return bson.A{marker("CREDITS", v.seconds-v.seconds/20, v.seconds)}
	}
	return nil
}
