package cms

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTitlesChannels(t *testing.T) {
	for _, tt := range []struct{ name, kind, genres, want string }{
		{"a film", "Movie", "Dramas", "ch-films"},
		{"a film without genres", "Movie", "", "ch-films"},
		{"a series", "TV Show", "TV Dramas", "ch-series"},
		{"a documentary", "Movie", "Documentaries, Anime Features", "ch-documentaries"},
		{"docuseries", "TV Show", "Docuseries, Reality TV", "ch-documentaries"},
		{"for children", "TV Show", "Anime Series, Kids' TV", "ch-children"},
		{"reality", "TV Show", "Reality TV", "ch-entertainment"},
		{"stand-up", "Movie", "Stand-Up Comedy", "ch-entertainment"},
		{"talk shows", "TV Show", "Stand-Up Comedy & Talk Shows", "ch-entertainment"},
		{"anime", "Movie", "Action & Adventure, Anime Features", "ch-animation"},
	} {
		s := newShelf(t)
		r := importTitles(t, s, fmt.Sprintf("show_id,type,title,listed_in\ns1,%s,A,\"%s\"\n", tt.kind, tt.genres))
		if got := lookup(s.docs["programme"]["s1"], "channel"); got != tt.want || r.Channels != 1 || s.docs["channel"][got] == nil {
			t.Errorf("%s: is of channel %s, want %s: %v", tt.name, got, tt.want, s.docs["channel"])
		}
	}
	s := newShelf(t)
	if r := importTitles(t, s, titlesHeader+"s1,Opera,A,,,,,,,,,\n"); r.Channels != 0 || len(s.order) != 0 {
		t.Errorf("a file without a title makes %v", s.order)
	}
}

func TestTitlesAges(t *testing.T) {
	want := map[string]string{
		"TV-Y": "ALL", "TV-G": "ALL", "G": "ALL", "g": "ALL",
		"TV-Y7": "AGE_10", "TV-Y7-FV": "AGE_10", "PG": "AGE_10", "TV-PG": "AGE_10",
		"PG-13": "AGE_12", "TV-14": "AGE_12", "tv-14": "AGE_12",
		"R": "AGE_16", "TV-MA": "AGE_16", "NC-17": "AGE_18",
		"0+": "ALL", "6+": "ALL", "7+": "AGE_10", "12+": "AGE_12", "13+": "AGE_12", "16+": "AGE_16", "18+": "AGE_18", "21+": "AGE_18",
		"": "", "NR": "", "UR": "", "Unheard of": "", "+": "", "x+": "", "-3+": "",
	}
	for rating, age := range want {
		s := newShelf(t)
		importTitles(t, s, "show_id,type,title,rating,duration\ns1,Movie,A,"+rating+",90 min\n")
		d := s.docs["programme"]["s1"]
		if lookup(d, "ageRating") != age || lookup(d, "rating") != rating {
			t.Errorf("%q is %q of %q, want %q", rating, lookup(d, "ageRating"), lookup(d, "rating"), age)
		}
	}
	s := newShelf(t)
	importTitles(t, s, "show_id,type,title,rating,duration\ns1,Movie,A,,TV-MA\ns2,Movie,B,74 min,PG\n")
	if a, b := lookup(s.docs["programme"]["s1"], "ageRating"), lookup(s.docs["programme"]["s2"], "ageRating"); a != "AGE_16" || b != "AGE_10" {
		t.Errorf("ratings in the duration's column are %q and %q", a, b)
	}
}

func TestTitlesGenresHaveLimits(t *testing.T) {
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	r := importTitles(t, newShelf(t), "show_id,type,title,listed_in\ns1,Movie,A,\""+strings.Join(many, ",")+"\"\ns2,Movie,B,"+strings.Repeat("g", 101)+"\ns3,Movie,C,\""+
		strings.Join(many[1:], ",")+"\"\n")
	want := []RowError{{2, "listed_in: has 51 genres, at most 50 are allowed"},
		{3, fmt.Sprintf("listed_in %q: has 101 characters, at most 100 are allowed", strings.Repeat("g", 59)+"…")}}
	if diff := cmp.Diff(want, r.Errors); diff != "" {
		t.Errorf("errors differ (-want +got):\n%s", diff)
	}
}

func TestTitlesSeasons(t *testing.T) {
	s := newShelf(t) // which checks that they count from 1
	importTitles(t, s, "show_id,type,title,duration\ns1,TV Show,A,3 Seasons\ns2,TV Show,B,\ns3,Movie,C,\n")
	for id, want := range map[string]int{"s1": 3, "s2": 1, "s3": 0} {
		if v := checkDocument(t, "programme", s.docs["programme"][id]); len(v.Seasons) != want {
			t.Errorf("%s has %d seasons, want %d", id, len(v.Seasons), want)
		}
	}
}

// thousands are the documents of 2,000 films and 400 series of one day and country.
func thousands(t *testing.T) (programmes map[string]document, videos map[string][]document) {
	t.Helper()
	var file strings.Builder
	file.WriteString("show_id,type,title,country,date_added,duration\n")
	for i := range 2400 {
		kind, duration := "Movie", "90 min"
		if i%6 == 0 {
			kind, duration = "TV Show", "2 Seasons"
		}
		fmt.Fprintf(&file, "x%d,%s,Title %d,\"Belgium, Japan\",2021-09-25,%s\n", i, kind, i, duration)
	}
	s := newShelf(t)
	importTitles(t, s, file.String())
	programmes, videos = map[string]document{}, map[string][]document{}
	for id, d := range s.docs["programme"] {
		programmes[id] = checkDocument(t, "programme", d)
	}
	for _, d := range s.inOrder("video") {
		v := checkDocument(t, "video", d)
		videos[v.Programme] = append(videos[v.Programme], v)
	}
	return programmes, videos
}

// share checks that about so many percent of n titles are in count.
func share(t *testing.T, what string, count, n, percent int) {
	t.Helper()
	if got := 100 * float64(count) / float64(n); got < 0.7*float64(percent)-0.5 || got > 1.3*float64(percent)+0.5 {
		t.Errorf("%.1f %% have %s, want about %d", got, what, percent)
	}
}

func TestTitlesExtras(t *testing.T) {
	programmes, videos := thousands(t)
	const week = 7 * 24 * time.Hour
	withExtracts, withBonuses := 0, 0
	for id := range programmes {
		count, names := map[string]int{}, map[string]bool{}
		var first, trailer time.Time
		for _, v := range videos[id] {
			count[v.Kind]++
			at := v.PublishedAt.Time()
			switch v.Kind {
			case "FILM", "EPISODE":
				if first.IsZero() {
					first = at
				}
				continue
			case "TRAILER":
				trailer = at
				if v.Slug != "trailer" || v.Title != "Trailer" {
					t.Errorf("a trailer is %+v", v)
				}
			case "EXTRACT":
				if ago := first.Sub(at); ago <= 0 || ago >= 2*week {
					t.Errorf("%s comes %s before the first day", v.ID, ago)
				}
			case "BONUS":
				if want := time.Date(2021, 9, 25, 0, 0, 0, 0, time.UTC); !at.Equal(want) || !strings.HasPrefix(v.Title, "Bonus: ") {
					t.Errorf("%s is %q of %s", v.ID, v.Title, at)
				}
			}
			if names[v.Title] {
				t.Errorf("%s has two videos named %q", id, v.Title)
			}
			names[v.Title] = true
		}
		if ago := first.Sub(trailer); count["TRAILER"] != 1 || ago < 2*week || ago > 8*week {
			t.Errorf("%s has %d trailers, %s before its first day", id, count["TRAILER"], ago)
		}
		if count["EXTRACT"] > 3 || count["BONUS"] > 2 {
			t.Errorf("%s has %v", id, count)
		}
		if count["EXTRACT"] > 0 {
			withExtracts++
		}
		if count["BONUS"] > 0 {
			withBonuses++
		}
	}
	share(t, "extracts", withExtracts, len(programmes), 40)
	share(t, "bonuses", withBonuses, len(programmes), 33)
}

func TestTitlesTracks(t *testing.T) {
	s := newShelf(t)
	importTitles(t, s, "show_id,type,title,country\ns1,Movie,A,\"Belgium, Japan, Soviet Union, Netherlands, Kosovo, Peru\"\ns2,Movie,B,Antarctica\ns3,Movie,C,\n")
	v := checkDocument(t, "video", s.docs["video"]["s1-film"])
	if diff := cmp.Diff([]string{"nl", "ja", "ru", "sq"}, v.Tracks.Audio); diff != "" {
		t.Errorf("the film's sound differs (-want +got):\n%s", diff)
	}
	if got := strings.Join(v.Tracks.Subtitles, " "); !strings.HasPrefix(got, "nl ja ru sq en") {
		t.Errorf("the film's subtitles are %s", got)
	}
	if v := checkDocument(t, "video", s.docs["video"]["s1-trailer"]); v.Tracks == nil || len(v.Tracks.Audio) != 1 || v.Tracks.Subtitles != nil {
		t.Errorf("the trailer's tracks are %+v", v.Tracks)
	}
	if v := checkDocument(t, "video", s.docs["video"]["s3-film"]); v.Tracks != nil {
		t.Errorf("a film of no country has the tracks %+v", v.Tracks)
	}
}

func TestTitlesRights(t *testing.T) {
	programmes, _ := thousands(t)
	count := map[string]int{}
	added := time.Date(2021, 9, 25, 0, 0, 0, 0, time.UTC)
	for id, p := range programmes {
		if p.Badges != nil {
			count["a badge"]++
		}
		switch len(p.Rights) {
		case 0:
			count["no restriction"]++
			continue
		case 1:
		default:
			t.Errorf("%s has %d rights", id, len(p.Rights))
		}
		r := p.Rights[0]
		if r.Screens != nil {
			count["screens"]++
		}
		if r.Territories != nil {
			count["territories"]++
			if diff := cmp.Diff([]string{"BE", "JP"}, r.Territories); diff != "" {
				t.Errorf("%s: territories differ (-want +got):\n%s", id, diff)
			}
		}
		if r.From != nil || r.Until != nil {
			count["a window"]++
		}
		if r.From != nil && !r.From.Time().Equal(added) {
			t.Errorf("%s may be watched from %s", id, r.From.Time())
		}
		if r.Until != nil && (r.Until.Time().Before(added.AddDate(1, 0, 0)) || r.Until.Time().After(added.AddDate(10, 0, 0))) {
			t.Errorf("%s may be watched until %s", id, r.Until.Time())
		}
		if r.Offer == "MAX" {
			count["offer MAX"]++
		}
	}
	for what, percent := range map[string]int{"no restriction": 73, "screens": 5, "territories": 8, "a window": 9, "offer MAX": 8, "a badge": 6} {
		share(t, what, count[what], len(programmes), percent)
	}
	s := newShelf(t)
	var file strings.Builder
	file.WriteString("show_id,type,title\n")
	for i := range 500 {
		fmt.Fprintf(&file, "x%d,Movie,Title %d\n", i, i)
	}
	importTitles(t, s, file.String())
	for id, d := range s.docs["programme"] {
		for _, r := range checkDocument(t, "programme", d).Rights {
			if r.Territories != nil || r.From != nil || r.Until != nil {
				t.Errorf("%s, of no country and day, has the right %+v", id, r)
			}
		}
	}
}
