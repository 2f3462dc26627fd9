package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogv1 "regie/proto/catalog/v1"
)

func TestImages(t *testing.T) {
	a := emptyAPI(t)
	p := programme("p")
	p.Images = []*catalogv1.Image{
		{Role: catalogv1.ImageRole_IMAGE_ROLE_THUMBNAIL, Url: "/posters/p.svg", Alt: "A harbour", BlurHash: "LEHV6n"},
		{Role: catalogv1.ImageRole_IMAGE_ROLE_COVER, Url: "https://img.example.org/p.webp?crop=1", Alt: "A ship"},
		{Role: catalogv1.ImageRole_IMAGE_ROLE_SQUARE, Url: "https://img.example.org/640/p"},
	}
	a.put(t, p)
	ask := func(address, field string) answer {
		return a.from(t, address, `{ programme(by: {slug: "p"}) { `+field+` } }`, nil)
	}
	for _, tt := range []struct{ address, field, want string }{
		{"", `image { url width height alt blurHash }`, `{"alt":"A harbour","blurHash":"LEHV6n","height":360,"url":"/posters/p.svg?w=640","width":640}`},
		{"/iptv", `image { url width height }`, `{"height":540,"url":"/posters/p.svg?w=960","width":960}`},
		{"/mobile", `image(width: 640) { url width height }`, `{"height":360,"url":"/posters/p.svg?w=640","width":640}`},
		{"", `image(width: 16) { url width height blurHash }`, `{"blurHash":"LEHV6n","height":9,"url":"/posters/p.svg?w=16","width":16}`},
		{"", `image(width: 4096) { url width height }`, `{"height":2304,"url":"/posters/p.svg?w=4096","width":4096}`},
		{"", `image(role: COVER, width: 333) { url width height blurHash }`, `{"blurHash":null,"height":187,"url":"https://img.example.org/p.webp?crop=1\u0026w=333","width":333}`},
		{"", `image(role: SQUARE, width: 100) { url width height alt }`, `{"alt":"","height":100,"url":"https://img.example.org/640/p?w=100","width":100}`},
		{"", `image(role: LOGO) { url }`, `null`},
		{"", `image { sources { url width format } }`, `{"sources":[{"format":"image/svg+xml","url":"/posters/p.svg?w=320","width":320},` +
			`{"format":"image/svg+xml","url":"/posters/p.svg?w=640","width":640},{"format":"image/svg+xml","url":"/posters/p.svg?w=1280","width":1280}]}`},
		{"", `image(role: COVER, width: 50) { sources(widths: [4096]) { url width format } }`, `{"sources":[{"format":"image/webp","url":"https://img.example.org/p.webp?crop=1\u0026w=4096","width":4096}]}`},
		{"", `image(role: SQUARE) { sources(widths: [16]) { url format } }`, `{"sources":[{"format":null,"url":"https://img.example.org/640/p?w=16"}]}`},
		{"", `image { sources(widths: []) { url } }`, `{"sources":[]}`},
	} {
		got := ask(tt.address, tt.field)
		if diff := cmp.Diff(tt.want, got.json("programme", "image")); diff != "" || len(got.Errors) > 0 {
			t.Errorf("%s %s: %s %v", tt.address, tt.field, diff, got.Errors)
		}
	}
	for _, field := range []string{
		`image(width: 15) { url }`, `image(width: 4097) { url }`, `image(width: 0) { url }`, `image(width: -640) { url }`, `image(role: LOGO, width: 1) { url }`,
		`image { sources(widths: [320, 15]) { url } }`, `image { sources(widths: [4097]) { url } }`, `image { sources(widths: [16,17,18,19,20,21,22,23,24,25,26]) { url } }`,
	} {
		if got := ask("", field); !strings.HasPrefix(got.codes(), "BAD_USER_INPUT programme image") || strings.Contains(got.codes(), ",") {
			t.Errorf("%s: %s %v", field, got.json(), got.Errors)
		}
	}
}

func TestSynopses(t *testing.T) {
	a := emptyAPI(t)
	for name, tt := range map[string]struct {
		synopsis *catalogv1.Synopsis
		want     [3]any // SHORT, MEDIUM, LONG
	}{
		"all":    {&catalogv1.Synopsis{Short: "s", Medium: "m", Long: "l"}, [3]any{"s", "m", "l"}},
		"short":  {&catalogv1.Synopsis{Short: "s"}, [3]any{"s", "s", "s"}},
		"medium": {&catalogv1.Synopsis{Medium: "m"}, [3]any{"m", "m", "m"}},
		"long":   {&catalogv1.Synopsis{Long: "l"}, [3]any{"l", "l", "l"}},
		"ends":   {&catalogv1.Synopsis{Short: "s", Long: "l"}, [3]any{"s", "s", "l"}},
		"longer": {&catalogv1.Synopsis{Medium: "m", Long: "l"}, [3]any{"m", "m", "l"}},
		"empty":  {&catalogv1.Synopsis{}, [3]any{nil, nil, nil}},
		"none":   {nil, [3]any{nil, nil, nil}},
	} {
		p, v := programme(name), video(name, "v", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
		p.Synopsis, v.Synopsis = tt.synopsis, tt.synopsis
		a.put(t, p, v)
		got := a.query(t, `{ p: node(id: "programme:`+name+`") { ... on Programme { d: synopsis s: synopsis(length: SHORT) m: synopsis(length: MEDIUM) l: synopsis(length: LONG) } }
			v: node(id: "video:`+name+`v") { ... on Video { d: synopsis s: synopsis(length: SHORT) m: synopsis(length: MEDIUM) l: synopsis(length: LONG) } } }`)
		for _, of := range []string{"p", "v"} {
			if is := [3]any{got.at(of, "s"), got.at(of, "m"), got.at(of, "l")}; is != tt.want || got.at(of, "d") != tt.want[0] {
				t.Errorf("%s %s: %s", name, of, got.json(of))
			}
		}
	}
}

func TestSeasonsHaveTheirEpisodesAndTitles(t *testing.T) {
	a := emptyAPI(t)
	p := programme("p")
	p.Seasons = []*catalogv1.Season{{Number: 2, Title: "L’hiver"}, {Number: 7, Title: "Rien encore"}, {Number: 10}}
	closed := episode("p", "closed", 2, 3, day(5))
	closed.Rights = []*catalogv1.Right{right(2030, 0, free)}
	extra := video("p", "extra", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(1))
	extra.SeasonNumber = ptr(int32(5))
	a.put(t, p, extra, closed, episode("p", "e10", 10, 1, day(1)), episode("p", "e22", 2, 2, day(1)), episode("p", "e21", 2, 1, day(9)), episode("p", "e00", 0, 1, day(1)),
		video("p", "unnumbered", catalogv1.VideoKind_VIDEO_KIND_EPISODE, day(1)))
	got := a.query(t, `{ programme(by: {slug: "p"}) { seasons { number title episodeCount episodes { totalCount edges { node { slug } } } } } }`)
	one := func(count int, slugs string) string {
		return fmt.Sprintf(`"episodeCount":%d,"episodes":{"edges":[%s],"totalCount":%d}`, count, slugs, count)
	}
	want := `[{` + one(1, `{"node":{"slug":"e00"}}`) + `,"number":0,"title":null},{` + one(3, `{"node":{"slug":"e21"}},{"node":{"slug":"e22"}}`) + `,"number":2,"title":"L’hiver"},{` +
		one(1, `{"node":{"slug":"e10"}}`) + `,"number":10,"title":null}]`
	if diff := cmp.Diff(want, got.json("programme", "seasons")); diff != "" || len(got.Errors) > 0 {
		t.Errorf("%s %v", diff, got.Errors)
	}
}

func TestStart(t *testing.T) {
	film := func(rights ...*catalogv1.Right) *catalogv1.Video {
		v := video("p", "film", catalogv1.VideoKind_VIDEO_KIND_FILM, day(3))
		v.Rights = rights
		return v
	}
	first, second := episode("p", "e1", 1, 1, day(9)), episode("p", "e2", 1, 2, day(2))
	replay, older := video("p", "new", catalogv1.VideoKind_VIDEO_KIND_REPLAY, day(9)), video("p", "old", catalogv1.VideoKind_VIDEO_KIND_REPLAY, day(8))
	bonus, live := video("p", "bonus", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(9)), video("p", "live", catalogv1.VideoKind_VIDEO_KIND_LIVE, day(9))
	foreign := video("other", "v", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
	closed := episode("p", "e0", 0, 1, day(1))
	closed.Rights = []*catalogv1.Right{right(0, 2025, free)}
	for name, tt := range map[string]struct {
		choice string
		rights []*catalogv1.Right
		videos []*catalogv1.Video
		want   any
	}{
		"the editors' choice":                     {choice: "pe2", videos: []*catalogv1.Video{film(), first, second}, want: "e2"},
		"the editors' choice of any kind":         {choice: "pbonus", videos: []*catalogv1.Video{first, bonus}, want: "bonus"},
		"the editors' choice is gone":             {choice: "pe9", videos: []*catalogv1.Video{first, second}, want: "e1"},
		"the editors' choice is of another":       {choice: "otherv", videos: []*catalogv1.Video{foreign, first, second}, want: "e1"},
		"the editors' choice may not be watched":  {choice: "pe0", videos: []*catalogv1.Video{closed, first, second}, want: "e1"},
		"the film":                                {videos: []*catalogv1.Video{first, film(), replay}, want: "film"},
		"the film may not be watched":             {videos: []*catalogv1.Video{first, film(right(2030, 0, free)), replay}, want: "e1"},
		"the first episode":                       {videos: []*catalogv1.Video{second, first, replay}, want: "e1"},
		"the first episode that may be watched":   {videos: []*catalogv1.Video{second, closed}, want: "e2"},
		"the latest replay":                       {videos: []*catalogv1.Video{older, replay, bonus, live}, want: "new"},
		"what is live":                            {videos: []*catalogv1.Video{live, bonus}, want: "live"},
		"extras alone":                            {videos: []*catalogv1.Video{bonus}},
		"nothing":                                 {},
		"the programme may not be watched":        {rights: []*catalogv1.Right{right(2030, 0, free)}, videos: []*catalogv1.Video{first}},
		"the programme may not, the choice might": {choice: "pe1", rights: []*catalogv1.Right{right(2030, 0, free)}, videos: []*catalogv1.Video{first}},
		"with the offer":                          {rights: []*catalogv1.Right{right(0, 0, most)}, videos: []*catalogv1.Video{first}, want: "e1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := emptyAPI(t)
			p := programme("p")
			p.StartId, p.Rights = tt.choice, tt.rights
			a.put(t, p)
			for _, v := range tt.videos {
				a.put(t, v)
			}
			got := a.query(t, `{ programme(by: {slug: "p"}) { start { slug } } }`)
			if is := got.at("programme", "start", "slug"); is != tt.want || len(got.Errors) > 0 {
				t.Errorf("starts with %v, want %v %v", is, tt.want, got.Errors)
			}
		})
	}
}

func TestNextAndPrevious(t *testing.T) {
	a := emptyAPI(t)
	closed := episode("p", "closed", 2, 2, day(1))
	closed.Rights = []*catalogv1.Right{right(0, 2025, free, "BE")}
	// In their order; two have the same number, and then the date decides.
	order := []*catalogv1.Video{
		episode("p", "e11", 1, 1, day(1)), episode("p", "e12", 1, 2, day(2)), episode("p", "e12-again", 1, 2, day(3)), episode("p", "e21", 2, 1, day(1)),
		closed, episode("p", "e23", 2, 3, day(1)), episode("p", "e100", 10, 1, day(1)), video("p", "unnumbered", catalogv1.VideoKind_VIDEO_KIND_EPISODE, day(1)),
	}
	replays := []*catalogv1.Video{video("p", "r1", catalogv1.VideoKind_VIDEO_KIND_REPLAY, day(1)), video("p", "r2", catalogv1.VideoKind_VIDEO_KIND_REPLAY, day(2))}
	alone := []*catalogv1.Video{video("p", "bonus", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(1))}
	a.put(t, programme("p"), programme("q"), episode("q", "e", 1, 1, day(1)), alone[0], replays[1], replays[0])
	for _, v := range slices.Backward(order) {
		a.put(t, v)
	}
	for _, list := range [][]*catalogv1.Video{order, replays, alone} {
		for i, v := range list {
			var previous, next any
			if i > 0 {
				previous = list[i-1].Slug
			}
			if i+1 < len(list) {
				next = list[i+1].Slug
			}
			got := a.query(t, `{ video(by: {id: "video:`+v.Id+`"}) { previous { slug } next { slug } } }`)
			if p, n := got.at("video", "previous", "slug"), got.at("video", "next", "slug"); p != previous || n != next || len(got.Errors) > 0 {
				t.Errorf("%s is between %v and %v, want %v and %v %v", v.Slug, p, n, previous, next, got.Errors)
			}
		}
	}
}

func TestRelated(t *testing.T) {
	a := emptyAPI(t)
	for n := range 60 {
		p := programme(fmt.Sprintf("p%02d", n))
		p.PublishedAt = day(1)
		if n < 20 {
			p.Genres = []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}}
		}
		if n == 5 {
			p.Rights = []*catalogv1.Right{right(2030, 0, free)}
		}
		p.PublishedAt.Seconds += int64(n)
		a.put(t, p)
	}
	chosen, byCategory, alone := programme("chosen"), programme("by-category"), programme("alone")
	for n := range 60 {
		chosen.RelatedIds = append(chosen.RelatedIds, fmt.Sprintf("p%02d", n))
	}
	chosen.RelatedIds = append([]string{"gone", "chosen"}, chosen.RelatedIds...)
	byCategory.Genres = []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}, {Slug: "vide", Title: "Vide"}}
	byCategory.PublishedAt = day(28)
	a.put(t, chosen, byCategory, alone)
	for _, tt := range []struct{ programme, args, want string }{
		{"chosen", "(first: 3)", "p00 p01 p02"},
		{"by-category", "(first: 3)", "p19 p18 p17"},
		{"p19", "(first: 2)", "by-category p18"},
		{"alone", "", ""},
		{"p30", "", ""},
	} {
		got := a.query(t, `{ programme(by: {slug: "`+tt.programme+`"}) { related`+tt.args+` { slug } } }`)
		var slugs []string
		list, _ := got.at("programme", "related").([]any)
		for _, p := range list {
			slugs = append(slugs, p.(map[string]any)["slug"].(string))
		}
		if s := strings.Join(slugs, " "); s != tt.want || len(got.Errors) > 0 {
			t.Errorf("%s%s: %q, want %q %v", tt.programme, tt.args, s, tt.want, got.Errors)
		}
	}
	for args, n := range map[string]int{"(first: 50)": 50, "": 12} {
		got := a.query(t, `{ programme(by: {slug: "chosen"}) { related`+args+` { slug } } }`)
		if list, _ := got.at("programme", "related").([]any); len(list) != n {
			t.Errorf("related%s are %d", args, len(list))
		}
	}
	got := a.query(t, `{ programme(by: {slug: "by-category"}) { related(first: 50) { slug } } }`)
	if s := got.json("programme", "related"); strings.Count(s, "slug") != 19 || strings.Contains(s, "p05") || strings.Contains(s, "by-category") {
		t.Errorf("the category's are %s", s)
	}
}

func TestCategories(t *testing.T) {
	a := emptyAPI(t)
	drawn := func(id string, n int, genres ...*catalogv1.Genre) *catalogv1.Programme {
		p := programme(id)
		p.PublishedAt, p.Genres = day(n), genres
		p.Images = []*catalogv1.Image{{Role: catalogv1.ImageRole_IMAGE_ROLE_THUMBNAIL, Url: "/" + id + ".svg"}}
		return p
	}
	latest := drawn("latest", 20, &catalogv1.Genre{Slug: "drame", Title: "Drame"})
	latest.Rights = []*catalogv1.Right{right(2030, 0, free)}
	bare := programme("bare")
	bare.Genres = []*catalogv1.Genre{{Slug: "art", Title: "Art"}}
	a.put(t, bare, drawn("old", 1, &catalogv1.Genre{Slug: "drame", Title: "Drame"}, &catalogv1.Genre{Slug: "science-fiction", Title: "Science-fiction"}),
		drawn("new", 9, &catalogv1.Genre{Slug: "drame", Title: "Drame"}), latest)
	got := a.query(t, `{ categories { id slug title path image(width: 100) { url } programmes(first: 5) { totalCount edges { node { slug } } } } }`)
	want := `[{"id":"category:art","image":null,"path":"/category/art","programmes":{"edges":[{"node":{"slug":"bare"}}],"totalCount":1},"slug":"art","title":"Art"},` +
		`{"id":"category:drame","image":{"url":"/new.svg?w=100"},"path":"/category/drame","programmes":{"edges":[{"node":{"slug":"new"}},{"node":{"slug":"old"}}],"totalCount":3},"slug":"drame","title":"Drame"},` +
		`{"id":"category:science-fiction","image":{"url":"/old.svg?w=100"},"path":"/category/science-fiction","programmes":{"edges":[{"node":{"slug":"old"}}],"totalCount":1},"slug":"science-fiction","title":"Science-fiction"}]`
	if diff := cmp.Diff(want, got.json("categories")); diff != "" || len(got.Errors) > 0 {
		t.Errorf("%s %v", diff, got.Errors)
	}
	// A page has no image of its own, nor a category without programmes.
	a.put(t, page("home", section("s", toCard("category", "drame"), toCard("page", "home"))))
	a.remove(t, "programme", "bare")
	got = a.query(t, `{ category(by: {slug: "art"}) { id } page { image { url } sections { edges { node { cards { edges { node { title image { url } } } } } } } } }`)
	want = `{"category":null,"page":{"image":null,"sections":{"edges":[{"node":{"cards":{"edges":[{"node":{"image":{"url":"/new.svg?w=640"},"title":"Drame"}},{"node":{"image":null,"title":"Page home"}}]}}}]}}}`
	if diff := cmp.Diff(want, got.json()); diff != "" || len(got.Errors) > 0 {
		t.Errorf("%s %v", diff, got.Errors)
	}
}
