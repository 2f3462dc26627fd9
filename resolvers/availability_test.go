package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

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
