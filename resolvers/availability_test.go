package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

const (
	free = catalogv1.Offer_OFFER_FREE
	most = catalogv1.Offer_OFFER_MAX
)

// right is a window in years; 0 leaves an end open.
func right(from, until int, offer catalogv1.Offer, territories ...string) *catalogv1.Right {
	year := func(n int) *timestamppb.Timestamp {
		if n == 0 {
			return nil
		}
		return timestamppb.New(time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return &catalogv1.Right{From: year(from), Until: year(until), Offer: offer, Territories: territories}
}

func on(r *catalogv1.Right, screens ...catalogv1.Screen) *catalogv1.Right {
	r.Screens = screens
	return r
}

func TestAvailability(t *testing.T) {
	rights := map[string][]*catalogv1.Right{
		"none":     nil,
		"now":      {right(2026, 2027, free)},
		"ever":     {right(0, 0, free)},
		"ended":    {right(2020, 2021, free), right(2023, 2024, free)},
		"to-come":  {right(2031, 0, free), right(2030, 0, most), right(2020, 2021, free)},
		"max":      {right(2026, 0, most)},
		"max-free": {right(2026, 0, most), right(2025, 2027, free)},
		"fr":       {right(2026, 0, free, "FR")},
		"be-later": {right(0, 0, free, "FR"), right(2030, 0, most, "BE", "CH")},
		"iptv":     {on(right(0, 0, free), catalogv1.Screen_SCREEN_IPTV)},
		"web-fr":   {on(right(0, 0, most, "FR"), catalogv1.Screen_SCREEN_WEB), on(right(2020, 2021, free), catalogv1.Screen_SCREEN_MOBILE)},
	}
	a := emptyAPI(t)
	for name, rs := range rights {
		p := programme(name)
		p.Rights = rs
		a.put(t, p)
	}
	for _, tt := range []struct{ programme, address, want string }{
		{"none", "", "AVAILABLE FREE"},
		{"none", "/iptv?territory=JP", "AVAILABLE FREE"},
		{"now", "", "AVAILABLE 2026 2027 FREE"},
		{"ever", "", "AVAILABLE FREE"},
		{"ended", "", "EXPIRED 2023 2024 FREE"},
		{"to-come", "", "UPCOMING 2030 MAX"},
		{"max", "", "OFFER_REQUIRED 2026 MAX"},
		{"max-free", "", "AVAILABLE 2025 2027 FREE"},
		{"fr", "", "AVAILABLE 2026 [FR] FREE"},
		{"fr", "?territory=BE", "GEO_BLOCKED 2026 [FR] FREE"},
		{"be-later", "?territory=FR", "AVAILABLE [FR] FREE"},
		{"be-later", "?territory=BE", "UPCOMING 2030 [BE CH] MAX"},
		{"be-later", "?territory=CA", "GEO_BLOCKED [FR] FREE"},
		{"iptv", "/iptv", "AVAILABLE FREE"},
		{"iptv", "/web", "NOT_ON_THIS_SCREEN FREE"},
		{"iptv", "/mobile?territory=BE", "NOT_ON_THIS_SCREEN FREE"},
		{"web-fr", "/web", "OFFER_REQUIRED [FR] MAX"},
		{"web-fr", "/web?territory=BE", "GEO_BLOCKED [FR] MAX"},
		{"web-fr", "/mobile", "EXPIRED 2020 2021 FREE"},
		{"web-fr", "/iptv", "NOT_ON_THIS_SCREEN FREE"},
	} {
		got := a.from(t, tt.address, `{ programme(by: {slug: "`+tt.programme+`"}) { availability { state from until territories offer } } }`, nil)
		if s := told(got, "programme", "availability"); s != tt.want {
			t.Errorf("%s at %s: %s, want %s", tt.programme, tt.address, s, tt.want)
		}
		// The list says the same.
		got = a.from(t, tt.address, `{ programmes { edges { node { slug } } } }`, nil)
		listed := strings.Contains(got.json(), `"`+tt.programme+`"`)
		if open := strings.HasPrefix(tt.want, "AVAILABLE") || strings.HasPrefix(tt.want, "OFFER_REQUIRED"); open != listed {
			t.Errorf("%s at %s is %s, and listed: %t", tt.programme, tt.address, tt.want, listed)
		}
	}
}

// told is an availability in short, its times by their years.
func told(a answer, path ...any) string {
	m, _ := a.at(path...).(map[string]any)
	out := fmt.Sprint(m["state"])
	for _, end := range []string{"from", "until"} {
		if s, ok := m[end].(string); ok {
			out += " " + s[:4]
		}
	}
	if ts, _ := m["territories"].([]any); len(ts) > 0 {
		out += " " + fmt.Sprint(ts)
	}
	return out + " " + fmt.Sprint(m["offer"])
}

func TestAvailabilityOfAVideoWithinItsProgramme(t *testing.T) {
	r := func(rs ...*catalogv1.Right) []*catalogv1.Right { return rs }
	for name, tt := range map[string]struct {
		programme, video []*catalogv1.Right
		address, want    string
	}{
		"no rights":                     {nil, nil, "", "AVAILABLE FREE"},
		"the video's alone":             {nil, r(right(2026, 2027, most, "FR")), "", "OFFER_REQUIRED 2026 2027 [FR] MAX"},
		"the programme's alone":         {r(right(2026, 2027, most, "FR")), nil, "", "OFFER_REQUIRED 2026 2027 [FR] MAX"},
		"the narrower":                  {r(right(2020, 2028, free)), r(right(2025, 2030, free)), "", "AVAILABLE 2025 2028 FREE"},
		"the narrower, the other way":   {r(right(2025, 2030, free)), r(right(2020, 2028, free)), "", "AVAILABLE 2025 2028 FREE"},
		"within":                        {r(right(0, 0, free)), r(right(2025, 2030, free)), "", "AVAILABLE 2025 2030 FREE"},
		"either takes the offer":        {r(right(2025, 0, most)), r(right(2026, 0, free)), "", "OFFER_REQUIRED 2026 MAX"},
		"territories of both":           {r(right(0, 0, free, "FR", "BE")), r(right(0, 0, free, "CH", "FR")), "", "AVAILABLE [FR] FREE"},
		"one has territories":           {r(right(0, 0, free, "FR", "BE")), r(right(0, 0, free)), "", "AVAILABLE [FR BE] FREE"},
		"the programme is blocked":      {r(right(0, 0, free, "FR")), r(right(0, 0, free, "FR", "CH")), "?territory=CH", "GEO_BLOCKED [FR] FREE"},
		"the video is blocked":          {r(right(0, 0, free, "FR", "BE")), r(right(0, 0, free, "FR")), "?territory=BE", "GEO_BLOCKED [FR] FREE"},
		"the programme is to come":      {r(right(2030, 0, free)), nil, "", "UPCOMING 2030 FREE"},
		"the video is to come":          {r(right(0, 2040, free)), r(right(2030, 0, free)), "", "UPCOMING 2030 FREE"},
		"both are to come":              {r(right(2030, 0, free)), r(right(2032, 0, free)), "", "UPCOMING 2032 FREE"},
		"both are to come, one sooner":  {r(right(2032, 0, free)), r(right(2030, 0, free)), "", "UPCOMING 2032 FREE"},
		"ended, and to come":            {r(right(2020, 2021, free)), r(right(2030, 0, free)), "", "EXPIRED 2020 2021 FREE"},
		"to come, and ended":            {r(right(2030, 0, free)), r(right(2020, 2021, free)), "", "EXPIRED 2020 2021 FREE"},
		"not on this screen, nor there": {r(on(right(0, 0, free), catalogv1.Screen_SCREEN_WEB)), r(right(0, 0, free, "BE")), "/iptv", "NOT_ON_THIS_SCREEN FREE"},
		"the video not on this screen":  {r(right(2020, 2021, free)), r(on(right(0, 0, free), catalogv1.Screen_SCREEN_WEB)), "/iptv", "NOT_ON_THIS_SCREEN FREE"},
	} {
		t.Run(name, func(t *testing.T) {
			a := emptyAPI(t)
			p, v := programme("p"), video("p", "v", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
			p.Rights, v.Rights = tt.programme, tt.video
			a.put(t, p, v)
			got := a.from(t, tt.address, `{ video(by: {id: "video:pv"}) { availability { state from until territories offer } }
				programme(by: {slug: "p"}) { start { id } videos { totalCount edges { cursor } pageInfo { hasNextPage } } all: videos(filter: {availableOnly: false}) { edges { cursor } } } }`, nil)
			if s := told(got, "video", "availability"); s != tt.want {
				t.Errorf("is %s, want %s", s, tt.want)
			}
			listed := 0
			if strings.HasPrefix(tt.want, "AVAILABLE") || strings.HasPrefix(tt.want, "OFFER_REQUIRED") {
				listed = 1
			}
			edges, _ := got.at("programme", "videos", "edges").([]any)
			all, _ := got.at("programme", "all", "edges").([]any)
			if len(edges) != listed || len(all) != 1 || got.at("programme", "videos", "totalCount") != 1.0 || (got.at("programme", "start") != nil) != (listed == 1) {
				t.Errorf("%s is listed so: %s", tt.want, got.json("programme"))
			}
		})
	}
}

func TestBadgesByTheClock(t *testing.T) {
	moment := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(today.Add(d)) }
	const week = 7 * 24 * time.Hour
	until := func(d time.Duration) []*catalogv1.Right { return []*catalogv1.Right{{Until: moment(d)}} }
	for name, tt := range map[string]struct {
		published time.Duration
		rights    []*catalogv1.Right
		editors   []*catalogv1.Badge
		live      bool
		want      string
	}{
		"new":                          {published: -time.Hour, want: "NEW:Nouveau"},
		"new this moment":              {published: 0, want: "NEW:Nouveau"},
		"new for a last moment":        {published: -week + time.Millisecond, want: "NEW:Nouveau"},
		"a week old":                   {published: -week},
		"published later":              {published: time.Second},
		"a week left":                  {published: -2 * week, rights: until(week), want: "LAST_DAYS:Derniers jours"},
		"more than a week left":        {published: -2 * week, rights: until(week + time.Millisecond)},
		"a moment left":                {published: -2 * week, rights: until(time.Millisecond), want: "LAST_DAYS:Derniers jours"},
		"ended this moment":            {published: -time.Hour, rights: until(0)},
		"new, and its last days":       {published: -time.Hour, rights: until(week), want: "LAST_DAYS:Derniers jours NEW:Nouveau"},
		"to come":                      {published: -time.Hour, rights: []*catalogv1.Right{{From: moment(time.Millisecond)}}, want: "COMING_SOON:Bientôt"},
		"come this moment":             {published: -2 * week, rights: []*catalogv1.Right{{From: moment(0)}}},
		"with the offer":               {published: -2 * week, rights: []*catalogv1.Right{{Offer: most}}, want: "MAX:Max"},
		"blocked":                      {published: -time.Hour, rights: []*catalogv1.Right{{Territories: []string{"BE"}, Offer: most, Until: moment(time.Hour)}}},
		"live":                         {published: -2 * week, live: true, want: "LIVE:En direct"},
		"the editors' come first":      {published: -time.Hour, editors: []*catalogv1.Badge{{Kind: catalogv1.BadgeKind_BADGE_KIND_EXCLUSIVE, Label: "Ici seulement"}}, want: "EXCLUSIVE:Ici seulement NEW:Nouveau"},
		"the editors' wins":            {published: -time.Hour, editors: []*catalogv1.Badge{{Kind: catalogv1.BadgeKind_BADGE_KIND_NEW, Label: "Inédit"}}, want: "NEW:Inédit"},
		"the editors' wins, out of it": {published: -2 * week, editors: []*catalogv1.Badge{{Kind: catalogv1.BadgeKind_BADGE_KIND_LAST_DAYS, Label: "Vite"}}, want: "LAST_DAYS:Vite"},
	} {
		t.Run(name, func(t *testing.T) {
			a := emptyAPI(t)
			p, v := programme("p"), video("p", "v", catalogv1.VideoKind_VIDEO_KIND_LIVE, moment(tt.published))
			p.PublishedAt, p.Rights, p.Badges = moment(tt.published), tt.rights, tt.editors
			v.Rights, v.Badges, v.Playback = tt.rights, tt.editors, &catalogv1.Playback{StreamId: "s", IsLive: tt.live}
			a.put(t, p, v, page("home", section("s", toCard("video", "pv"))))
			got := a.query(t, `{ video(by: {id: "video:pv"}) { badges { kind label } programme { badges { kind label } } }
				page { sections { edges { node { cards { edges { node { badges { kind label } } } } } } } } }`)
			said := func(path ...any) string {
				var out []string
				list, _ := got.at(path...).([]any)
				for _, b := range list {
					m := b.(map[string]any)
					out = append(out, fmt.Sprintf("%v:%v", m["kind"], m["label"]))
				}
				return strings.Join(out, " ")
			}
			if s := said("video", "badges"); s != tt.want {
				t.Errorf("the video has %q, want %q", s, tt.want)
			}
			if s := said("page", "sections", "edges", 0, "node", "cards", "edges", 0, "node", "badges"); s != tt.want {
				t.Errorf("its card has %q, want %q", s, tt.want)
			}
			if s := said("video", "programme", "badges"); !tt.live && s != tt.want {
				t.Errorf("the programme has %q, want %q", s, tt.want)
			}
		})
	}
}

// TestPagesOfWhatIsMostlyNotOpen reads lists of which few may be watched: nothing is lost or repeated, not even where a
// page comes out empty.
func TestPagesOfWhatIsMostlyNotOpen(t *testing.T) {
	a := emptyAPI(t)
	var open, all []string
	var ps []proto.Message
	for n := range 2600 {
		p := programme(fmt.Sprintf("p%04d", n))
		p.PublishedAt = timestamppb.New(today.Add(-time.Duration(n) * time.Minute))
		p.Rights = []*catalogv1.Right{right(0, 0, free, "BE")}
		if n == 7 || n == 30 || n == 2599 {
			p.Rights[0].Territories = []string{"FR"}
			open = append(open, p.Id)
		}
		all = append(all, p.Id)
		ps = append(ps, p)
	}
	a.put(t, ps...)
	const query = `{ programmes(ARGS) { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
	for _, first := range []int{1, 2, 7} {
		w := a.walk(t, "", query, first, nil, "programmes")
		if diff := cmp.Diff(slugs(open), w.nodes); diff != "" || w.total != 2600 {
			t.Errorf("first %d, of %v: %s", first, w.total, diff)
		}
		if first == 1 && w.emptyPages == 0 {
			t.Error("no page was empty: the test does not try what it says")
		}
	}
	w := a.walk(t, "", strings.Replace(query, "ARGS", "filter: {availableOnly: false}, ARGS", 1), 100, nil, "programmes")
	if diff := cmp.Diff(slugs(all), w.nodes); diff != "" {
		t.Error(diff)
	}
}

func slugs(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = fmt.Sprintf(`{"slug":%q}`, s)
	}
	return out
}

// TestPagesStayExactWhileMembersAndRightsChange turns pages while rights open and close, and programmes come and go:
// whatever was open throughout is seen once.
func TestPagesStayExactWhileMembersAndRightsChange(t *testing.T) {
	for _, order := range []string{"NEWEST", "OLDEST", "TITLE"} {
		a := emptyAPI(t)
		make := func(n int, rights ...*catalogv1.Right) *catalogv1.Programme {
			p := programme(fmt.Sprintf("p%03d", n))
			p.PublishedAt, p.Rights = timestamppb.New(today.Add(-time.Duration(n)*time.Minute)), rights
			return p
		}
		for n := range 40 {
			a.put(t, make(n*10))
		}
		turn := 0
		between := func() { // all about the place where the reader is
			for _, n := range []int{turn * 20, turn*20 + 10, 390 - turn*20} {
				if n < 0 || n > 390 {
					continue
				}
				switch turn % 3 {
				case 0: // other rights, still open
					a.put(t, make(n, right(2020, 2040+turn, free, "FR")))
				case 1: // somebody comes beside
					a.put(t, make(n+3))
				case 2: // and goes
					a.remove(t, "programme", fmt.Sprintf("p%03d", n+3))
					a.put(t, make(n, right(2020, 2040, most)))
				}
			}
			turn++
		}
		w := a.walk(t, "", `{ programmes(orderBy: `+order+`, ARGS) { edges { cursor node { slug } } pageInfo { hasNextPage endCursor } } }`, 2, between, "programmes")
		seen := map[string]int{}
		for _, n := range w.nodes {
			seen[n]++
		}
		for n := range 40 {
			if s := fmt.Sprintf(`{"slug":"p%03d"}`, n*10); seen[s] != 1 {
				t.Errorf("%s: %s was seen %d times", order, s, seen[s])
			}
		}
	}
}

// TestFilters compares lists under every filter and order with what one computes by hand.
func TestFilters(t *testing.T) {
	a := emptyAPI(t)
	kinds := []catalogv1.ProgrammeKind{catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM, catalogv1.ProgrammeKind_PROGRAMME_KIND_NEWS}
	categories := []string{"drame", "nature", "sport"}
	var all []*catalogv1.Programme
	var ps []proto.Message
	for n := range 90 {
		p := programme(fmt.Sprintf("p%02d", n))
		p.Kind = kinds[n*7%3]
		p.Title = fmt.Sprintf("%s titre %d", []string{"É", "e", "Z", "à", "A", "b"}[n%6], n*37%90)
		if n%5 != 0 {
			p.ChannelId = fmt.Sprintf("ch%d", n%2)
		}
		for i := range n % 3 {
			slug := categories[(n/3+i)%3]
			p.Genres = append(p.Genres, &catalogv1.Genre{Slug: slug, Title: strings.ToUpper(slug)})
		}
		if n%4 == 0 {
			p.Rights = []*catalogv1.Right{right(2030, 0, free)}
		}
		p.PublishedAt = day(1 + n*13%28)
		all, ps = append(all, p), append(ps, p)
	}
	a.put(t, ps...)
	var cases int
	for _, channel := range []string{"", "ch0", "ch1", "ch-none"} {
		for _, category := range []string{"", "drame", "sport", "none"} {
			for _, ks := range [][]catalogv1.ProgrammeKind{nil, kinds[:1], {kinds[1], kinds[0], kinds[1]}} {
				for _, availableOnly := range []bool{true, false} {
					for _, order := range []string{"NEWEST", "OLDEST", "TITLE"} {
						var filter, want []string
						if channel != "" {
							filter = append(filter, fmt.Sprintf("channelId: %q", "channel:"+channel))
						}
						if category != "" {
							filter = append(filter, fmt.Sprintf("categoryId: %q", "category:"+category))
						}
						if ks != nil {
							var names []string
							for _, k := range ks {
								names = append(names, strings.TrimPrefix(k.String(), "PROGRAMME_KIND_"))
							}
							filter = append(filter, fmt.Sprintf("kinds: [%s]", strings.Join(names, ", ")))
						}
						if !availableOnly {
							filter = append(filter, "availableOnly: false")
						}
						var in []*catalogv1.Programme
						total := 0.0
						for _, p := range all {
							if channel != "" && p.ChannelId != channel || ks != nil && !slices.Contains(ks, p.Kind) ||
								category != "" && !slices.ContainsFunc(p.Genres, func(g *catalogv1.Genre) bool { return g.Slug == category }) {
								continue
							}
							total++
							if !availableOnly || p.Rights == nil {
								in = append(in, p)
							}
						}
						slices.SortFunc(in, func(p, q *catalogv1.Programme) int {
							switch order {
							case "NEWEST":
								return strings.Compare(dateThenID(q), dateThenID(p))
							case "OLDEST":
								return strings.Compare(dateThenID(p), dateThenID(q))
							}
							return strings.Compare(catalog.TitleKey(p.Title)+"\x00"+p.Id, catalog.TitleKey(q.Title)+"\x00"+q.Id)
						})
						for _, p := range in {
							want = append(want, p.Id)
						}
						query := fmt.Sprintf(`{ programmes(orderBy: %s, filter: {%s}, ARGS) { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, order, strings.Join(filter, ", "))
						first := []int{1, 2, 7}[cases%3]
						if len(in) > 40 {
							first = 7
						}
						cases++
						w := a.walk(t, "", query, first, nil, "programmes")
						if diff := cmp.Diff(slugs(want), append([]string{}, w.nodes...)); diff != "" || w.total != total {
							t.Errorf("%s: total %v, want %v: %s", query, w.total, total, diff)
						}
					}
				}
			}
		}
	}
}

func dateThenID(p *catalogv1.Programme) string { return catalog.DateKey(p.PublishedAt) + p.Id }

func TestVideoFilters(t *testing.T) {
	a := emptyAPI(t)
	kinds := []catalogv1.VideoKind{catalogv1.VideoKind_VIDEO_KIND_EPISODE, catalogv1.VideoKind_VIDEO_KIND_REPLAY, catalogv1.VideoKind_VIDEO_KIND_BONUS}
	var all []*catalogv1.Video
	a.put(t, programme("p"), programme("other"), episode("other", "x", 1, 1, day(1)))
	for n := range 60 {
		v := video("p", fmt.Sprintf("v%02d", n), kinds[n%3], day(1+n*11%28))
		if n%4 > 0 {
			v.SeasonNumber = ptr(int32(n % 4))
			if n%5 > 0 {
				v.EpisodeNumber = ptr(int32(n / 4))
			}
		}
		if n%7 == 0 {
			v.Rights = []*catalogv1.Right{right(0, 2025, free)}
		}
		all = append(all, v)
		a.put(t, v)
	}
	cases := 0
	for _, season := range []int32{-1, 0, 1, 3, 9} { // -1: all
		for _, ks := range [][]catalogv1.VideoKind{nil, kinds[:1], kinds[1:]} {
			for _, availableOnly := range []bool{true, false} {
				for _, order := range []string{"NEWEST", "OLDEST", "EPISODE"} {
					filter := fmt.Sprintf("availableOnly: %t", availableOnly)
					if season >= 0 {
						filter += fmt.Sprintf(", season: %d", season)
					}
					if ks != nil {
						var names []string
						for _, k := range ks {
							names = append(names, strings.TrimPrefix(k.String(), "VIDEO_KIND_"))
						}
						filter += fmt.Sprintf(", kinds: [%s]", strings.Join(names, ", "))
					}
					var in []*catalogv1.Video
					total := 0.0
					for _, v := range all {
						if season >= 0 && (v.SeasonNumber == nil || *v.SeasonNumber != season) || ks != nil && !slices.Contains(ks, v.Kind) {
							continue
						}
						total++
						if !availableOnly || v.Rights == nil {
							in = append(in, v)
						}
					}
					key := func(v *catalogv1.Video) string {
						if order == "EPISODE" {
							return catalog.EpisodeKey(v.SeasonNumber, v.EpisodeNumber, v.PublishedAt) + v.Id
						}
						return catalog.DateKey(v.PublishedAt) + v.Id
					}
					slices.SortFunc(in, func(v, w *catalogv1.Video) int { return strings.Compare(key(v), key(w)) })
					if order == "NEWEST" {
						slices.Reverse(in)
					}
					want := []string{}
					for _, v := range in {
						want = append(want, v.Slug)
					}
					query := fmt.Sprintf(`{ programme(by: {id: "programme:p"}) { videos(orderBy: %s, filter: {%s}, ARGS) { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`, order, filter)
					w := a.walk(t, "", query, []int{1, 2, 7}[cases%3], nil, "programme", "videos")
					cases++
					if diff := cmp.Diff(slugs(want), append([]string{}, w.nodes...)); diff != "" || w.total != total {
						t.Errorf("%s: total %v, want %v: %s", query, w.total, total, diff)
					}
				}
			}
		}
	}
}
