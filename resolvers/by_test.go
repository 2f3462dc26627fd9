package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogv1 "regie/proto/catalog/v1"
)

func TestAnythingIsReadByItsID(t *testing.T) {
	a := newAPI(t)
	a.put(t, page("a/b", section("c"), section("x/y")))
	for _, tt := range []struct{ id, want string }{
		{"programme:p0", `{"__typename":"Programme","id":"programme:p0"}`},
		{"video:p0v0", `{"__typename":"Video","id":"video:p0v0"}`},
		{"channel:ch0", `{"__typename":"Channel","id":"channel:ch0"}`},
		{"person:pe0", `{"__typename":"Person","id":"person:pe0"}`},
		{"page:home", `{"__typename":"Page","id":"page:home"}`},
		{"category:drame", `{"__typename":"Category","id":"category:drame"}`},
		{"section:home/first", `{"__typename":"Section","id":"section:home/first"}`},
		{"section:a/b/c", `{"__typename":"Section","id":"section:a/b/c"}`},
		{"section:a/b/x/y", `{"__typename":"Section","id":"section:a/b/x/y"}`},
		{"programme:gone", "null"},
		{"category:gone", "null"},
		{"section:home/gone", "null"},
		{"section:gone/first", "null"},
		{"section:home", "null"},
		{"section:/", "null"},
		{"section:" + strings.Repeat("/", 5000), "null"},
	} {
		got := a.query(t, fmt.Sprintf(`{ node(id: %q) { __typename id } }`, tt.id))
		if got.json("node") != tt.want || len(got.Errors) > 0 {
			t.Errorf("%.40s: %s %v", tt.id, got.json("node"), got.Errors)
		}
	}
}

func TestMalformedIDsAreRefused(t *testing.T) {
	a := newAPI(t)
	for _, id := range []string{
		"", ":", "p0", "programme", "programme:", ":p0", "opera:p0", "Programme:p0", " programme:p0", "category:Drame", "category:a--b", "category:drame}",
		strings.Repeat("x", 5000),
	} {
		got := a.query(t, fmt.Sprintf(`{ node(id: %q) { id } }`, id))
		if got.codes() != "BAD_USER_INPUT node" || got.json("node") != "null" {
			t.Errorf("%.40q: %s %v", id, got.json(), got.Errors)
			continue
		}
		if m := got.Errors[0].Message; len(m) > 300 {
			t.Errorf("%.40q: the message has %d characters", id, len(m))
		}
	}
	// What is well formed and odd is merely none.
	for _, id := range []string{"programme:\x00", "programme:p0}", "programme:p0\x00", "video:{", "person:" + strings.Repeat("é", 1000)} {
		got := a.from(t, "", `query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": id})
		if got.json("node") != "null" || len(got.Errors) > 0 {
			t.Errorf("%.40q: %s %v", id, got.json(), got.Errors)
		}
	}
}

func TestAnIDOfAnotherKindIsRefused(t *testing.T) {
	a := newAPI(t)
	ids := map[string]string{"programme": "p0", "video": "p0v0", "channel": "ch0", "person": "pe0", "category": "drame"}
	for field := range ids {
		for kind, own := range ids {
			id := kind + ":" + own
			got := a.query(t, fmt.Sprintf(`{ %s(by: {id: %q}) { id } }`, field, id))
			switch {
			case kind == field && (got.at(field, "id") != id || len(got.Errors) > 0),
				kind != field && (got.codes() != "BAD_USER_INPUT "+field || !strings.Contains(got.Errors[0].Message, kind)):
				t.Errorf("%s by %s: %s %v", field, id, got.json(), got.Errors)
			}
		}
	}
	for _, filter := range []string{`channelId: "programme:p0"`, `categoryId: "channel:ch0"`, `channelId: "ch0"`, `categoryId: "category:No slug"`} {
		if got := a.query(t, `{ programmes(filter: {`+filter+`}) { totalCount } }`); got.codes() != "BAD_USER_INPUT programmes" {
			t.Errorf("%s: %s %v", filter, got.json(), got.Errors)
		}
	}
}

// TestExactlyOneIsGiven is by variables: of literals the validation takes care.
func TestExactlyOneIsGiven(t *testing.T) {
	a := newAPI(t)
	for field, input := range map[string]string{"programme": "ProgrammeBy", "video": "VideoBy", "channel": "SlugOrId", "person": "SlugOrId", "category": "SlugOrId"} {
		var slug any = "p0"
		if field == "video" {
			slug = map[string]any{"programme": "p0", "video": "v0"}
		}
		query := fmt.Sprintf(`query($by: %s!) { %s(by: $by) { id } }`, input, field)
		for name, by := range map[string]map[string]any{
			"both": {"id": field + ":p0", "slug": slug}, "none": {}, "null": {"id": nil}, "both null": {"id": nil, "slug": nil},
		} {
			got := a.from(t, "", query, map[string]any{"by": by})
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
				t.Errorf("%s by %s: %s %v", field, name, got.json(), got.Errors)
			}
		}
	}
}

func TestNodesFailOneByOne(t *testing.T) {
	a := newAPI(t)
	a.halve(t, "video", "p1v1")
	a.halve(t, "page", "home")
	got := a.query(t, `{ nodes(ids: ["programme:p0", "programme:gone", "nonsense", "video:p1v1", "category:drame", "section:home/first", "programme:p0", "category:-"]) { id } }`)
	want := `[{"id":"programme:p0"},null,null,null,{"id":"category:drame"},null,{"id":"programme:p0"},null]`
	if diff := cmp.Diff(want, got.json("nodes")); diff != "" {
		t.Error(diff)
	}
	codes := strings.Split(got.codes(), ", ")
	slices.Sort(codes)
	if diff := cmp.Diff([]string{"BAD_USER_INPUT nodes 2", "BAD_USER_INPUT nodes 7", "INTERNAL nodes 3", "INTERNAL nodes 5"}, codes); diff != "" {
		t.Error(diff)
	}
	var ids []string
	for range 100 {
		ids = append(ids, `"programme:p0"`)
	}
	if got := a.query(t, `{ nodes(ids: [`+strings.Join(ids, ",")+`]) { id } }`); len(got.Errors) > 0 {
		t.Errorf("100 nodes: %v", got.Errors)
	}
	if got := a.query(t, `{ nodes(ids: [`+strings.Join(append(ids, ids[0]), ",")+`]) { id } }`); got.codes() != "BAD_USER_INPUT nodes" {
		t.Errorf("101 nodes: %v", got.Errors)
	}
	if got := a.query(t, `{ nodes(ids: []) { id } }`); got.json() != `{"nodes":[]}` || len(got.Errors) > 0 {
		t.Errorf("no nodes: %s %v", got.json(), got.Errors)
	}
}

func TestSlugs(t *testing.T) {
	a := emptyAPI(t)
	ch, pe, pg, p := channel("ch"), person("pe"), page("pg"), programme("p")
	ch.FormerSlugs, pe.FormerSlugs, pg.FormerSlugs, p.FormerSlugs = []string{"old"}, []string{"old"}, []string{"old"}, []string{"old", "older"}
	v := video("p", "v", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
	v.FormerSlugs = []string{"old-v"}
	p.Genres = []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}}
	a.put(t, ch, pe, pg, p, v)
	for _, tt := range []struct{ field, want string }{
		{`programme(by: {slug: "p"}) { slug path }`, `{"path":"/p","slug":"p"}`},
		{`programme(by: {slug: "old"}) { slug path }`, `{"path":"/p","slug":"p"}`},
		{`programme(by: {slug: "older"}) { slug path }`, `{"path":"/p","slug":"p"}`},
		{`programme(by: {slug: "pe"}) { slug path }`, `null`},
		{`channel(by: {slug: "old"}) { slug path }`, `{"path":"/channel/ch","slug":"ch"}`},
		{`person(by: {slug: "old"}) { slug path }`, `{"path":"/person/pe","slug":"pe"}`},
		{`page(slug: "old") { slug path }`, `{"path":"/page/pg","slug":"pg"}`},
		{`page { slug path }`, `null`},
		{`page(slug: "none") { slug path }`, `null`},
		{`category(by: {slug: "drame"}) { slug path }`, `{"path":"/category/drame","slug":"drame"}`},
		{`category(by: {slug: "none"}) { slug path }`, `null`},
		{`video(by: {slug: {programme: "p", video: "v"}}) { slug path }`, `{"path":"/p/v","slug":"v"}`},
		{`video(by: {slug: {programme: "old", video: "v"}}) { slug path }`, `{"path":"/p/v","slug":"v"}`},
		{`video(by: {slug: {programme: "older", video: "old-v"}}) { slug path }`, `{"path":"/p/v","slug":"v"}`},
		{`video(by: {slug: {programme: "p", video: "none"}}) { slug path }`, `null`},
		{`video(by: {slug: {programme: "none", video: "v"}}) { slug path }`, `null`},
	} {
		got := a.query(t, "{ x: "+tt.field+" }")
		if got.json("x") != tt.want || len(got.Errors) > 0 {
			t.Errorf("%s: %s %v", tt.field, got.json("x"), got.Errors)
		}
	}
	for _, slug := range []string{"", "P", "a b", "-a", "a--b", "é", strings.Repeat("a", 201)} {
		for _, field := range []string{
			`programme(by: {slug: %q}) { id }`, `channel(by: {slug: %q}) { id }`, `person(by: {slug: %q}) { id }`, `category(by: {slug: %q}) { id }`, `page(slug: %q) { id }`,
			`video(by: {slug: {programme: "p", video: %q}}) { id }`, `video(by: {slug: {programme: %q, video: "v"}}) { id }`,
		} {
			if got := a.query(t, "{ x: "+fmt.Sprintf(field, slug)+" }"); got.codes() != "BAD_USER_INPUT x" {
				t.Errorf("%.60s: %s %v", fmt.Sprintf(field, slug), got.json(), got.Errors)
			}
		}
	}
	// A newcomer takes a slug that another one had.
	p2 := programme("p2")
	p2.Slug = "old"
	a.put(t, p2)
	if got := a.query(t, `{ programme(by: {slug: "old"}) { id } }`); got.json() != `{"programme":{"id":"programme:p2"}}` {
		t.Errorf("a slug taken over: %s %v", got.json(), got.Errors)
	}
}
