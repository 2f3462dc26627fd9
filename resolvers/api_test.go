package resolvers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"regie/graph"
	"regie/internal/catalog"
	"regie/internal/servertest"
	catalogv1 "regie/proto/catalog/v1"
	"regie/resolvers"
)

func TestALevelOfAQueryIsOneRead(t *testing.T) {
	a := newAPI(t)
	for _, tt := range []struct {
		query string
		trips int64
	}{
		{`{ programme(by: {id: "programme:p1"}) { id slug title path revision kind countries } }`, 1},
		{`{ programme(by: {slug: "p1"}) { title } }`, 2},
		{`{ video(by: {slug: {programme: "p1", video: "v1"}}) { title path programme { title } } }`, 4},
		{`{ programmes(first: 3) { totalCount edges { cursor } } }`, 1},
		{`{ programmes(first: 3) { edges { node { title } } } }`, 2},
		{`{ a: node(id: "programme:p0") { id } b: node(id: "video:p1v0") { id } c: node(id: "video:p2v0") { id } }`, 1},
		{`{ programme(by: {id: "programme:p1"}) { videos(first: 2) { edges { node { title path programme { title } } } } } }`, 3},
	} {
		if got := a.reads(t, tt.query, tt.trips); got != tt.trips {
			t.Errorf("%s took %d reads, not %d", tt.query, got, tt.trips)
		}
	}
}

// TestReadsDoNotDependOnHowManyThereAre asks the same for two and for twenty.
func TestReadsDoNotDependOnHowManyThereAre(t *testing.T) {
	a := emptyAPI(t)
	var all []proto.Message
	var ids, slugs []string
	rails := section("s")
	for n := range 20 {
		id := fmt.Sprintf("p%02d", n)
		p := programme(id)
		p.ChannelId = "ch" + id
		p.Genres = []*catalogv1.Genre{{Slug: id, Title: id}, {Slug: "all", Title: "All"}}
		p.Credits = []*catalogv1.Credit{{PersonId: "pe" + id}, {PersonId: "all"}}
		p.RelatedIds = []string{fmt.Sprintf("p%02d", (n+7)%20), fmt.Sprintf("p%02d", (n+9)%20)}
		if n%2 == 0 {
			p.RelatedIds = nil // by category
		}
		all = append(all, p, channel("ch"+id), person("pe"+id), page("page"+id, section("s/t", toCard("programme", id))),
			episode(id, "e1", 1, 1, day(1)), episode(id, "e2", 1, 2, day(2)), episode(id, "e3", 2, 1, day(3)))
		rails.Cards = append(rails.Cards, toCard("video", id+"e2"), toCard("category", id), toCard("person", "pe"+id), toCard("page", "page"+id))
		ids = append(ids, "programme:"+id, "category:"+id, "section:page"+id+"/s/t", "video:"+id+"e1")
		slugs = append(slugs, id)
	}
	a.put(t, append(all, person("all"), page("home", rails))...)
	fields := func(n int) string {
		return fmt.Sprintf(`title channel { title programmes(first: %[1]d) { edges { node { title } } } } categories { title image { url } programmes(first: %[1]d) { edges { node { title } } } }
			start { title path } seasons { number episodes(first: %[1]d) { edges { node { title path next { title } previous { title } } } } }
			videos(first: %[1]d) { totalCount edges { node { title path badges { kind } availability { state } programme { title } } } }
			credits(first: %[1]d) { edges { node { person { title credits(first: %[1]d) { edges { node { programme { title } } } } } } } }
			related(first: %[1]d) { title channel { title } }`, n)
	}
	some := func(n int, all []string) string { return `"` + strings.Join(all[:n], `","`) + `"` }
	for name, query := range map[string]func(n int) string{
		"programmes": func(n int) string {
			return fmt.Sprintf(`{ programmes(first: %d) { edges { node { `, n) + fields(2) + ` } } } }`
		},
		"programmes by fragments and aliases": func(n int) string {
			return fmt.Sprintf(`{ programmes(first: %d) { few: edges { cursor } ...c } } fragment c on ProgrammeConnection { edges { ... on ProgrammeEdge { node { ...p } } } } fragment p on Programme { `, n) + fields(2) + ` }`
		},
		"lists": func(n int) string { return `{ programmes(first: 2) { edges { node { ` + fields(n) + ` } } } }` },
		"nodes": func(n int) string {
			return `{ nodes(ids: [` + some(4*n, ids) + `]) { __typename ... on Programme { title channel { title } } ... on Category { image { url } } ... on Section { cards { edges { node { title } } } } ... on Video { path } } }`
		},
		"rails": func(n int) string {
			return fmt.Sprintf(`{ page { sections { edges { node { cards(first: %d) { edges { node { title image { url } badges { kind } target { ... on Content { path } ... on Video { programme { title } } } } } } } } } } }`, 4*n)
		},
		"categories by slug": func(n int) string {
			var b strings.Builder
			for i, slug := range slugs[:n] {
				fmt.Fprintf(&b, `c%d: category(by: {slug: %q}) { title programmes(first: 3) { edges { node { title } } } } p%d: programme(by: {slug: %q}) { title channel { title } } `, i, slug, i, slug)
			}
			return "{ " + b.String() + " }"
		},
	} {
		few, many := int64(math.MaxInt64), int64(math.MaxInt64)
		a.gathering(func() bool {
			few, many = min(few, a.read(t, query(2))), min(many, a.read(t, query(20)))
			return few == many && few <= 8
		})
		if few != many || few > 8 {
			t.Errorf("%s: %d reads for few, %d for many", name, few, many)
		}
	}
}

func TestAnOperationThatCouldAnswerTooMuchIsRefused(t *testing.T) {
	a := newAPI(t)
	const level = `videos(first: 100) { edges { node { programme { `
	rails := func(first string, inside string) string {
		return `sections` + first + ` { edges { node { cards` + first + ` { edges { node { target { ... on Page { ` + inside + ` } } } } } } } }`
	}
	for _, tt := range []struct{ query, code string }{
		{`{ programmes(first: 100) { edges { node { ` + level + level + `id } } } } } } } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`query($n: Int! = 100) { programmes(first: $n) { edges { node { videos(first: $n) { edges { node { id title slug path kind } } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`query($n: Int! = 30) { programmes(first: $n) { edges { node { videos(first: $n) { edges { node { id title slug path kind } } } } } } }`, ""},
		{`query($n: Int) { programmes(first: $n) { edges { node { videos(first: $n) { edges { node { videos(first: $n) { totalCount } } } } } } } }`, "GRAPHQL_VALIDATION_FAILED"},
		{`query($n: Int) { programmes(first: $n) { edges { node { videos(first: $n) { edges { node { programme { videos(first: $n) { edges { node { id } } } } } } } } } } }`, ""},
		{`{ programmes(first: 1000000000) { totalCount } }`, "BAD_USER_INPUT"},
		{`{ programmes(first: null) { totalCount } }`, "GRAPHQL_VALIDATION_FAILED"},
		{`{ page { ` + rails("(first: 100)", rails("(first: 100)", "title")) + ` } }`, "QUERY_TOO_COMPLEX"},
		{`{ page { ` + rails("", rails("", "id title slug path")) + ` } }`, "QUERY_TOO_COMPLEX"},
		{`{ page { ` + rails("(first: 3)", rails("(first: 3)", "title")) + ` } }`, ""},
		{`{ page { ` + rails("(first: 1)", rails("(first: 1)", rails("(first: 1)", "title"))) + ` } }`, "QUERY_TOO_COMPLEX"}, // too deep
		{`{ page { ...p } } fragment p on Page { ` + rails("(first: 100)", "...q") + ` } fragment q on Page { ` + rails("(first: 100)", "title") + ` }`, "QUERY_TOO_COMPLEX"},
		{`{ channels { programmes(first: 100) { edges { node { id title slug path related { id } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`{ nodes(ids: ["channel:ch0"]) { ... on Channel { programmes(first: 100) { edges { node { id title slug path kind year } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`{ programmes(first: 100) { edges { node { seasons { episodes(first: 100) { edges { cursor } } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`{ programmes(first: 50) { edges { node { related(first: 50) { related(first: 50) { id } } } } } }`, "QUERY_TOO_COMPLEX"},
	} {
		_, errs := a.ask(t, tt.query)
		if tt.code == "" && errs != "" || !strings.Contains(errs, tt.code) {
			t.Errorf("%s: %s", tt.query, errs)
		}
	}
}

func TestOneBadBlobLeavesThePageWhole(t *testing.T) {
	a := newAPI(t)
	a.halve(t, "programme", "p1")
	data, errs := a.ask(t, `{ programmes(first: 3, orderBy: OLDEST) { edges { node { title } } } }`)
	want := `{"programmes":{"edges":[{"node":{"title":"Programme p0"}},{"node":null},{"node":{"title":"Programme p2"}}]}}`
	if diff := cmp.Diff(want, data); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(errs, `"code":"INTERNAL"`) || !strings.Contains(errs, `["programmes","edges",1,"node"]`) || strings.Contains(errs, "proto") {
		t.Errorf("errors %s", errs)
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	a := newAPI(t)
	for _, order := range []string{"NEWEST", "OLDEST"} {
		var titles []string
		after := "null"
		for {
			data, errs := a.ask(t, fmt.Sprintf(`{ programmes(first: 2, after: %s, orderBy: %s) { edges { node { title } } pageInfo { hasNextPage hasPreviousPage endCursor } } }`, after, order))
			if errs != "" {
				t.Fatal(errs)
			}
			var d struct {
				Programmes struct {
					Edges    []struct{ Node struct{ Title string } }
					PageInfo struct {
						HasNextPage, HasPreviousPage bool
						EndCursor                    string
					}
				}
			}
			if err := json.Unmarshal([]byte(data), &d); err != nil {
				t.Fatal(err)
			}
			if got := d.Programmes.PageInfo.HasPreviousPage; got != (after != "null") {
				t.Errorf("hasPreviousPage is %t after %s", got, after)
			}
			for _, e := range d.Programmes.Edges {
				titles = append(titles, e.Node.Title)
			}
			if !d.Programmes.PageInfo.HasNextPage {
				break
			}
			after = `"` + d.Programmes.PageInfo.EndCursor + `"`
		}
		want := []string{"Programme p2", "Programme p1", "Programme p0"}
		if order == "OLDEST" {
			want = []string{"Programme p0", "Programme p1", "Programme p2"}
		}
		if diff := cmp.Diff(want, titles); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
}

func TestAVideoWithoutItsProgrammeIsReachedByItsID(t *testing.T) {
	a := newAPI(t)
	a.remove(t, "programme", "p1")
	data, errs := a.ask(t, `{ video(by: {id: "video:p1v0"}) { path programme { id } } }`)
	if want := `{"video":{"path":"/video:p1v0","programme":null}}`; data != want || errs != "" {
		t.Errorf("answered %s %s", data, errs)
	}
}

func TestHTTP(t *testing.T) {
	a := newAPI(t)
	const query = "{ __typename }"
	for _, tt := range []struct {
		name, method, target, contentType, accept, body string
		screen                                          string
		status                                          int
		want                                            string
	}{
		{name: "POST", method: "POST", contentType: "application/json", body: `{"query": "{ __typename }"}`, status: 200, want: `{"data":{"__typename":"Query"}}`},
		{name: "POST with charset", method: "POST", contentType: "application/json; charset=utf-8", body: `{"query": "{ __typename }", "variables": null, "operationName": null}`, status: 200, want: `"Query"`},
		{name: "GET", method: "GET", target: "?query=" + url.QueryEscape(query), status: 200, want: `"Query"`},
		{name: "GET for a screen", method: "GET", target: "/iptv?query=" + url.QueryEscape(query), status: 200, want: `"Query"`},
		{name: "an unknown screen in the path", method: "GET", target: "/fridge?query=" + url.QueryEscape(query), status: 400, want: "unknown screen"},
		{name: "an unknown screen in the header", method: "GET", target: "?query=" + url.QueryEscape(query), screen: "fridge", status: 400, want: "unknown screen"},
		{name: "no query", method: "GET", status: 400, want: "missing"},
		{name: "no query in the body", method: "POST", contentType: "application/json", body: `{}`, status: 400, want: "missing"},
		{name: "PUT", method: "PUT", status: 405, want: "GET or POST"},
		{name: "a form", method: "POST", contentType: "application/x-www-form-urlencoded", body: "query=%7B__typename%7D", status: 415, want: "application/json"},
		{name: "no content type", method: "POST", body: `{"query": "{ __typename }"}`, status: 415, want: "application/json"},
		{name: "another charset", method: "POST", contentType: "application/json; charset=latin1", body: `{"query": "{ __typename }"}`, status: 415, want: "UTF-8"},
		{name: "an unacceptable answer", method: "GET", accept: "image/png", status: 406, want: "Accept"},
		{name: "a batch", method: "POST", contentType: "application/json", body: `[{"query": "{ __typename }"}]`, status: 400, want: "not a GraphQL request"},
		{name: "something after the body", method: "POST", contentType: "application/json", body: `{"query": "{ __typename }"} x`, status: 400, want: "not a GraphQL request"},
		{name: "an endless body", method: "POST", contentType: "application/json", body: `{"query": "` + strings.Repeat(" ", 200<<10) + `"}`, status: 413, want: "128 KiB"},
		{name: "a request error under JSON", method: "POST", contentType: "application/json", body: `{"query": "{ operas }"}`, status: 200, want: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a request error under its own type", method: "POST", contentType: "application/json", accept: "application/graphql-response+json", body: `{"query": "{ operas }"}`, status: 400, want: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a variable of another type", method: "POST", contentType: "application/json", body: `{"query": "query($n: Int!) { programmes(first: $n) { totalCount } }", "variables": {"n": "many"}}`, status: 200, want: `"code":`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, a.URL+"/query"+tt.target, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range map[string]string{"Content-Type": tt.contentType, "Accept": tt.accept, "X-Screen": tt.screen} {
				if v != "" {
					req.Header.Set(k, v)
				}
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("answered %s %s", res.Status, body)
			}
			if res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("nosniff is missing")
			}
		})
	}
}

func TestTheSchemaCanBeClosed(t *testing.T) {
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{}})
	a := &api{Server: httptest.NewServer(graph.Handler(graph.Options{
		Schema: schema, Log: servertest.Log(t), Now: time.Now, Attach: func(ctx context.Context, _ catalog.View) context.Context { return ctx },
	}))}
	defer a.Close()
	for _, query := range []string{`{ __schema { types { name } } }`, `{ ...f } fragment f on Query { __type(name: "Query") { name } }`} {
		if _, errs := a.ask(t, query); !strings.Contains(errs, "GRAPHQL_VALIDATION_FAILED") {
			t.Errorf("%s: %s", query, errs)
		}
	}
	if data, errs := a.ask(t, `{ __typename }`); data != `{"__typename":"Query"}` {
		t.Errorf("answered %s %s", data, errs)
	}
}

func TestWithRedisAwayItSaysUnavailableUntilItIsBack(t *testing.T) {
	catalog.LogTo(slog.New(slog.DiscardHandler))
	server := miniredis.RunT(t) // a real one is not ours to stop
	a := apiOn(t, "redis://"+server.Addr())
	a.put(t, programme("p1"), channel("ch1"), person("pe1"), page("home"))
	roots := map[string]string{
		"node": `node(id: "programme:p1") { id }`, "nodes": `nodes(ids: ["programme:p1", "category:x"]) { id }`,
		"programme": `programme(by: {slug: "p1"}) { id }`, "video": `video(by: {slug: {programme: "p1", video: "v"}}) { id }`,
		"channel": `channel(by: {id: "channel:ch1"}) { id }`, "person": `person(by: {slug: "pe1"}) { id }`,
		"category": `category(by: {slug: "x"}) { id }`, "programmes": `programmes { totalCount }`, "channels": `channels { id }`,
		"categories": `categories { id }`, "page": `page { id }`, "trending": `trending { totalCount }`,
	}
	query := graph.NewExecutableSchema(graph.Config{}).Schema().Query
	for _, f := range query.Fields {
		if !strings.HasPrefix(f.Name, "__") && roots[f.Name] == "" && f.Name != "viewer" { // which is in another store
			t.Errorf("%s is not tried", f.Name)
		}
	}
	server.Close()
	for name, field := range roots {
		got := a.query(t, "{ "+field+" }")
		if len(got.Errors) == 0 || strings.Count(got.codes(), "UNAVAILABLE "+name) != len(got.Errors) {
			t.Errorf("%s: %s %v", name, got.json(), got.Errors)
		}
		for _, e := range got.Errors {
			if strings.Contains(e.Message, "127.0.0.1") {
				t.Errorf("%s tells where Redis is: %s", name, e.Message)
			}
		}
	}
	servertest.Eventually(t, "Redis has its address again, which another process may have had meanwhile", func() bool { return server.Restart() == nil })
	// The client's pool tries again once a second.
	servertest.Eventually(t, "it answers again", func() bool { return len(a.query(t, "{ "+roots["node"]+" }").Errors) == 0 })
	for name, field := range roots {
		if got := a.query(t, "{ "+field+" }"); len(got.Errors) > 0 {
			t.Errorf("after Redis is back, %s: %v", name, got.Errors)
		}
	}
}
