package resolvers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/graph"
	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
	"regie/resolvers"
)

// api is the GraphQL endpoint over a Redis that has three programmes of two videos each.
type api struct {
	*httptest.Server
	redis  redis.UniversalClient
	prefix string
	trips  atomic.Int64
}

func newAPI(t *testing.T) *api {
	t.Helper()
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	a := &api{redis: client, prefix: servertest.Name()}
	c := catalog.New(client, a.prefix)
	var changes []catalog.Change
	day := func(n int) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2026, 1, n, 20, 0, 0, 0, time.UTC))
	}
	for p := range 3 {
		id := fmt.Sprintf("p%d", p)
		changes = append(changes, change("programme", id, &projectionv1.Programme{
			Id: "programme:" + id, Slug: id, Title: "Programme " + id, Path: "/" + id, Revision: "1",
			Kind: catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, Countries: []string{"FR"},
		}, catalog.Placement{Family: catalog.Programmes, Keys: map[catalog.Order]string{catalog.ByDate: catalog.DateKey(day(p + 1))}, Screens: catalog.Screens()},
			catalog.Claim(catalog.ProgrammeSlug(id), day(1))))
		for v := range 2 {
			vid := fmt.Sprintf("%sv%d", id, v)
			changes = append(changes, change("video", vid, &projectionv1.Video{
				Id: "video:" + vid, Slug: fmt.Sprintf("v%d", v), Title: "Video " + vid, Revision: "1", ProgrammeId: "programme:" + id,
				Kind: catalogv1.VideoKind_VIDEO_KIND_EPISODE, PublishedAt: day(v + 1), Duration: 60,
			}, catalog.Placement{Family: catalog.Videos(id), Keys: map[catalog.Order]string{
				catalog.ByDate: catalog.DateKey(day(v + 1)), catalog.ByEpisode: catalog.EpisodeKey(nil, nil, day(v+1)),
			}, Screens: catalog.Screens()}, catalog.Claim(catalog.VideoSlug(id, fmt.Sprintf("v%d", v)), day(1))))
		}
	}
	if _, err := c.Apply(t.Context(), changes, time.Now()); err != nil {
		t.Fatal(err)
	}
	client.AddHook(countTrips{&a.trips})
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Cursors: resolvers.NewCursors([]byte("secret"))}})
	a.Server = httptest.NewServer(graph.Handler(graph.Options{
		Schema: schema, Introspection: true, Log: servertest.Log(t),
		Attach: func(ctx context.Context, s catalog.Screen) context.Context {
			return loaders.With(ctx, loaders.New(c, s))
		},
	}))
	t.Cleanup(a.Close)
	return a
}

func change(kind, id string, m proto.Message, ps ...catalog.Placement) catalog.Change {
	c := catalog.Change{Kind: kind, ID: id, Fence: stream.Fence{Incarnation: 1, Offset: 1}, Placements: ps, Blobs: map[catalog.Screen][]byte{}}
	for _, s := range catalog.Screens() {
		b, err := proto.Marshal(m)
		if err != nil {
			panic(err)
		}
		c.Blobs[s] = b
	}
	return c
}

// countTrips counts pipelines: what leaves together is one round trip.
type countTrips struct{ n *atomic.Int64 }

func (c countTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c countTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c countTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.n.Add(1); return next(ctx, cmds) }
}

// ask returns an answer's data and errors as compact JSON.
func (a *api) ask(t *testing.T, query string) (data, errs string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(a.URL+"/query", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct{ Data, Errors json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return string(answer.Data), string(answer.Errors)
}

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
		a.trips.Store(0)
		if _, errs := a.ask(t, tt.query); errs != "" {
			t.Fatalf("%s: %s", tt.query, errs)
		}
		if got := a.trips.Load(); got != tt.trips {
			t.Errorf("%s took %d reads, not %d", tt.query, got, tt.trips)
		}
	}
}

func TestAnOperationThatCouldAnswerTooMuchIsRefused(t *testing.T) {
	a := newAPI(t)
	const level = `videos(first: 100) { edges { node { programme { `
	for _, tt := range []struct{ query, code string }{
		{`{ programmes(first: 100) { edges { node { ` + level + level + `id } } } } } } } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`query($n: Int! = 100) { programmes(first: $n) { edges { node { videos(first: $n) { edges { node { id title slug path kind } } } } } } }`, "QUERY_TOO_COMPLEX"},
		{`query($n: Int! = 30) { programmes(first: $n) { edges { node { videos(first: $n) { edges { node { id title slug path kind } } } } } } }`, ""},
		{`{ programmes(first: 1000000000) { totalCount } }`, "BAD_USER_INPUT"},
	} {
		_, errs := a.ask(t, tt.query)
		if tt.code == "" && errs != "" || !strings.Contains(errs, tt.code) {
			t.Errorf("%s: %s", tt.query, errs)
		}
	}
}

func TestOneBadBlobLeavesThePageWhole(t *testing.T) {
	a := newAPI(t)
	if err := a.redis.Set(t.Context(), a.prefix+":{programme:p1}:web", "\x0a\xff", 0).Err(); err != nil {
		t.Fatal(err)
	}
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
	if err := a.redis.Del(t.Context(), a.prefix+":{programme:p1}:web").Err(); err != nil {
		t.Fatal(err)
	}
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
		Schema: schema, Log: servertest.Log(t), Attach: func(ctx context.Context, _ catalog.Screen) context.Context { return ctx },
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

func TestWithRedisAwayItSaysUnavailable(t *testing.T) {
	client, err := catalog.Connect("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c := catalog.New(client, "none")
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Cursors: resolvers.NewCursors([]byte("secret"))}})
	a := &api{Server: httptest.NewServer(graph.Handler(graph.Options{
		Schema: schema, Log: servertest.Log(t),
		Attach: func(ctx context.Context, s catalog.Screen) context.Context {
			return loaders.With(ctx, loaders.New(c, s))
		},
	}))}
	defer a.Close()
	data, errs := a.ask(t, `{ programme(by: {slug: "p1"}) { title } node(id: "video:x") { id } }`)
	if data != `{"programme":null,"node":null}` || strings.Count(errs, `"code":"UNAVAILABLE"`) != 2 || strings.Contains(errs, "127.0.0.1") {
		t.Errorf("answered %s %s", data, errs)
	}
}
