package resolvers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/graph"
	"regie/ingest/project"
	"regie/internal/catalog"
	"regie/internal/identity"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	userv1 "regie/proto/user/v1"
	"regie/resolvers"
)

// api is the GraphQL endpoint over a Redis that the tests fill through project, as the roles do.
type api struct {
	*httptest.Server
	redis  redis.UniversalClient
	prefix string
	sink   *project.Sink
	offset int64
	// trips counts round trips to Redis.
	trips atomic.Int64
	// now and gather are what the next request sees.
	now    atomic.Pointer[time.Time]
	gather atomic.Int64
	// catalog is what users, if there are any, has its targets from.
	catalog  *catalog.Catalog
	users    userv1.UserServiceClient
	verifier *identity.Verifier
}

// secret signs whatever is signed.
var secret = []byte("a secret of thirty-two bytes, or more")

// patience is what a read may take, and an operation: a busy machine takes longer than a site's visitor waits.
const patience = time.Minute

// today is when the gateway's clock stands, unless a test sets it.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// emptyAPI has nothing in its catalogue.
func emptyAPI(t *testing.T) *api {
	t.Helper()
	return apiOn(t, servertest.Redis(t))
}

// apiOn asks open, if there is one, for its user API.
func apiOn(t *testing.T, url string, open ...func(*api) userv1.UserServiceClient) *api {
	t.Helper()
	client, err := catalog.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	a := &api{redis: client, prefix: servertest.Name()}
	a.now.Store(&today)
	a.gather.Store(int64(loaders.Gather))
	a.catalog = catalog.New(client, a.prefix)
	a.sink = project.New(a.catalog, time.Now, servertest.Log(t), project.NewMetrics(prometheus.NewRegistry()))
	a.verifier = identity.New(identity.Config{Issuer: "test", Audience: "test", Secret: secret, Metrics: identity.NewMetrics(prometheus.NewRegistry())})
	for _, o := range open {
		a.users = o(a)
	}
	client.AddHook(countTrips{&a.trips})
	a.Server = a.gateway(t)
	return a
}

// gateway is one more instance.
func (a *api) gateway(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(graph.Handler(graph.Options{
		Schema: graph.NewExecutableSchema(graph.Config{
			Resolvers:  &resolvers.Resolver{Cursors: catalog.NewCursors(secret), Users: a.users, Secret: secret},
			Directives: graph.DirectiveRoot{Authenticated: graph.Authenticated},
		}),
		Extensions: []graphql.HandlerExtension{resolvers.Consistency{}}, Authorize: a.verifier.Authorize,
		Introspection: true, Patience: patience, Log: servertest.Log(t), Now: func() time.Time { return *a.now.Load() },
		Attach: func(ctx context.Context, view catalog.View) context.Context {
			l := loaders.New(a.catalog, view, time.Duration(a.gather.Load())).Patient(patience)
			return loaders.With(ctx, l.Ask(a.users).Rank(trend.New(a.redis, a.prefix)))
		},
	}))
	t.Cleanup(s.Close)
	return s
}

// newAPI has three programmes of two episodes each, p0 to p2, the one published after the other; two channels, two
// people, two categories, and the page that the site opens with.
func newAPI(t *testing.T) *api {
	t.Helper()
	a := emptyAPI(t)
	all := []proto.Message{
		channel("ch0"), channel("ch1"), person("pe0"), person("pe1"),
		page("home", section("first", toCard("programme", "p0"), toCard("video", "p1v1"), toCard("channel", "ch0"), toCard("person", "pe0"),
			toCard("category", "drame"), toCard("page", "home"), &catalogv1.Card{Title: "Elsewhere", Target: &catalogv1.Card_Url{Url: "https://example.org/"}})),
	}
	for n := range 3 {
		p := programme(fmt.Sprintf("p%d", n))
		p.PublishedAt, p.ChannelId = day(n+1), fmt.Sprintf("ch%d", n%2)
		p.Genres = []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}}
		p.Credits = []*catalogv1.Credit{
			{PersonId: "pe0", Role: catalogv1.CreditRole_CREDIT_ROLE_ACTOR, Character: "Ada"},
			{PersonId: "pe1", Role: catalogv1.CreditRole_CREDIT_ROLE_DIRECTOR},
		}
		if n == 0 {
			p.Genres = append(p.Genres, &catalogv1.Genre{Slug: "policier", Title: "Policier"})
		}
		all = append(all, p)
		for v := range 2 {
			all = append(all, episode(p.Id, fmt.Sprintf("v%d", v), 1, v+1, day(v+1)))
		}
	}
	a.put(t, all...)
	return a
}

func day(n int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 1, n, 20, 0, 0, 0, time.UTC))
}

func ptr[V any](v V) *V { return &v }

func channel(id string) *catalogv1.Channel {
	return &catalogv1.Channel{Id: id, Slug: id, Title: "Channel " + id, Kind: catalogv1.ChannelKind_CHANNEL_KIND_TV, CreatedAt: day(1)}
}

func person(id string) *catalogv1.Person {
	return &catalogv1.Person{Id: id, Slug: id, Title: "Person " + id, CreatedAt: day(1)}
}

func programme(id string) *catalogv1.Programme {
	return &catalogv1.Programme{
		Id: id, Slug: id, Title: "Programme " + id, Kind: catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, Countries: []string{"FR"},
		PublishedAt: day(1), CreatedAt: day(1),
	}
}

// video's id is its programme's with its slug, so that it tells where it belongs.
func video(programme, slug string, kind catalogv1.VideoKind, published *timestamppb.Timestamp) *catalogv1.Video {
	return &catalogv1.Video{
		Id: programme + slug, ProgrammeId: programme, Slug: slug, Title: "Video " + programme + slug, Kind: kind,
		Duration: 60, PublishedAt: published, CreatedAt: day(1),
	}
}

func episode(programme, slug string, season, number int, published *timestamppb.Timestamp) *catalogv1.Video {
	v := video(programme, slug, catalogv1.VideoKind_VIDEO_KIND_EPISODE, published)
	v.SeasonNumber, v.EpisodeNumber = ptr(int32(season)), ptr(int32(number))
	return v
}

func page(id string, sections ...*catalogv1.Section) *catalogv1.Page {
	return &catalogv1.Page{Id: id, Slug: id, Title: "Page " + id, Sections: sections, CreatedAt: day(1)}
}

func section(id string, cards ...*catalogv1.Card) *catalogv1.Section {
	return &catalogv1.Section{Id: id, Layout: catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL, Cards: cards}
}

func toCard(kind, id string) *catalogv1.Card {
	return &catalogv1.Card{Target: &catalogv1.Card_Ref{Ref: &catalogv1.Ref{Kind: kind, Id: id}}}
}

// put writes entities as they are now.
func (a *api) put(t *testing.T, entities ...proto.Message) {
	t.Helper()
	created := catalogv1.EventType_EVENT_TYPE_CREATED
	var rs []stream.Record
	for _, e := range entities {
		switch e := e.(type) {
		case *catalogv1.Channel:
			rs = append(rs, a.record(t, "channel", e.Id, &catalogv1.ChannelEvent{EventType: created, Payload: e}))
		case *catalogv1.Programme:
			rs = append(rs, a.record(t, "programme", e.Id, &catalogv1.ProgrammeEvent{EventType: created, Payload: e}))
		case *catalogv1.Video:
			rs = append(rs, a.record(t, "video", e.Id, &catalogv1.VideoEvent{EventType: created, Payload: e}))
		case *catalogv1.Person:
			rs = append(rs, a.record(t, "person", e.Id, &catalogv1.PersonEvent{EventType: created, Payload: e}))
		case *catalogv1.Page:
			rs = append(rs, a.record(t, "page", e.Id, &catalogv1.PageEvent{EventType: created, Payload: e}))
		case *catalogv1.ProgrammeSections:
			rs = append(rs, a.record(t, "programme-enriched", e.ProgrammeId, &catalogv1.ProgrammeEnrichedEvent{EventType: created, Payload: e}))
		default:
			t.Fatalf("no entity: %T", e)
		}
	}
	a.apply(t, rs...)
}

// remove deletes an entity.
func (a *api) remove(t *testing.T, kind, id string) {
	t.Helper()
	r := a.record(t, kind, id, &catalogv1.ProgrammeEvent{})
	r.Value = nil
	a.apply(t, r)
}

func (a *api) record(t *testing.T, kind, id string, event proto.Message) stream.Record {
	t.Helper()
	value, headers, err := stream.Encode(event)
	if err != nil {
		t.Fatal(err)
	}
	a.offset++
	return stream.Record{
		Topic: stream.Catalog(kind), Key: []byte(id), Value: value, Headers: headers,
		Offset: a.offset, Fence: stream.Fence{Incarnation: 1, Offset: a.offset},
	}
}

func (a *api) apply(t *testing.T, rs ...stream.Record) {
	t.Helper()
	var parts []stream.Assigned
	for _, topic := range project.Inputs() {
		parts = append(parts, stream.Assigned{Topic: topic, High: a.offset + 1})
	}
	if _, err := a.sink.Start(t.Context(), parts); err != nil {
		t.Fatal(err)
	}
	batch := stream.Batch{Records: rs}
	if err := a.sink.Apply(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		if batch.Rejected(i) {
			t.Fatalf("%s %s is rejected", r.Topic, r.Key)
		}
	}
}

// halve cuts an entity's blob in two, on every screen.
func (a *api) halve(t *testing.T, kind, id string) {
	t.Helper()
	for _, s := range catalog.Screens() {
		key, blob := servertest.Blob(t, a.redis, a.prefix, kind, id, string(s))
		if err := a.redis.HSet(t.Context(), key, id, blob[:len(blob)/2]).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// countTrips counts pipelines: what leaves together is one round trip.
type countTrips struct{ n *atomic.Int64 }

func (c countTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c countTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c countTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if name := cmds[0].Name(); name != "client" && name != "hello" { // a connection's beginning
			c.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

// reads is how often a query asks Redis. It is asked again until that is as little as is due.
func (a *api) reads(t *testing.T, query string, due int64) int64 {
	t.Helper()
	least := int64(math.MaxInt64)
	a.gathering(func() bool { least = min(least, a.read(t, query)); return least <= due })
	return least
}

// gathering does something until it is done, at each try with more time to gather what is read at once: a loaded machine may
// split a level's batch, but never joins two.
func (a *api) gathering(done func() bool) {
	defer a.gather.Store(int64(loaders.Gather))
	for gather := 20 * time.Millisecond; gather < 3*time.Second; gather *= 2 {
		if a.gather.Store(int64(gather)); done() {
			return
		}
	}
}

// read is how often a query asked Redis, once.
func (a *api) read(t *testing.T, query string) int64 {
	t.Helper()
	a.trips.Store(0)
	if got := a.query(t, query); len(got.Errors) > 0 {
		t.Fatalf("%s: %v", query, got.Errors)
	}
	return a.trips.Load()
}

// answer is GraphQL's.
type answer struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct {
			Code      string
			Retryable bool
		}
	}
	Extensions struct{ Consistency struct{ State string } }
}

// codes are the errors' codes with their paths.
func (a answer) codes() string {
	var out []string
	for _, e := range a.Errors {
		one := e.Extensions.Code
		for _, p := range e.Path {
			one += fmt.Sprintf(" %v", p)
		}
		out = append(out, one)
	}
	return strings.Join(out, ", ")
}

// at is what lies below names and indexes in the data; nil when nothing does.
func (a answer) at(path ...any) any {
	var v any = a.Data
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// json is what lies below names and indexes in the data, its objects' names in order.
func (a answer) json(path ...any) string {
	b, err := json.Marshal(a.at(path...))
	if err != nil {
		panic(err) // it was JSON
	}
	return string(b)
}

func (a *api) query(t *testing.T, query string) answer {
	t.Helper()
	return a.from(t, "", query, nil)
}

// from asks at an address, such as "/iptv?territory=BE".
func (a *api) from(t *testing.T, address, query string, variables map[string]any) answer {
	t.Helper()
	var out answer
	if err := json.Unmarshal(a.post(t, a.URL+"/query"+address, "", query, variables), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// ask returns an answer's data and errors as they are written.
func (a *api) ask(t *testing.T, query string) (data, errs string) {
	t.Helper()
	var out struct{ Data, Errors json.RawMessage }
	if err := json.Unmarshal(a.post(t, a.URL+"/query", "", query, nil), &out); err != nil {
		t.Fatal(err)
	}
	return string(out.Data), string(out.Errors)
}

// post asks with a token, if there is one.
func (a *api) post(t *testing.T, address, token, query string, variables map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out bytes.Buffer
	if _, err := out.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// walked is a list read page by page.
type walked struct {
	nodes []string // as JSON
	total float64
	pages int
	// emptyPages had no edges, but something behind them.
	emptyPages int
}

// walk reads a list to its end.
func (a *api) walk(t *testing.T, address, query string, first int, between func(), path ...any) walked {
	t.Helper()
	return walk(t, func(query string) answer { t.Helper(); return a.from(t, address, query, nil) }, query, first, between, path...)
}

// walk asks for a list to its end. The query's ARGS stand for first and after, and path leads to the connection, which must
// select edges { node }, totalCount if it has it, and pageInfo.
func walk(t *testing.T, ask func(query string) answer, query string, first int, between func(), path ...any) walked {
	t.Helper()
	var w walked
	args := fmt.Sprintf("first: %d", first)
	for {
		got := ask(strings.Replace(query, "ARGS", args, 1))
		if len(got.Errors) > 0 {
			t.Fatalf("%s: %v", args, got.Errors)
		}
		c, _ := got.at(path...).(map[string]any)
		if c == nil {
			t.Fatalf("there is no list in %s", got.json())
		}
		edges, _ := c["edges"].([]any)
		info, _ := c["pageInfo"].(map[string]any)
		if len(edges) > first {
			t.Fatalf("a page of %d has %d", first, len(edges))
		}
		for i, e := range edges {
			b, err := json.Marshal(e.(map[string]any)["node"])
			if err != nil {
				t.Fatal(err)
			}
			w.nodes = append(w.nodes, string(b))
			if start, ok := info["startCursor"]; ok && i == 0 && start != e.(map[string]any)["cursor"] {
				t.Errorf("startCursor is not the first edge's cursor")
			}
		}
		if was, ok := info["hasPreviousPage"]; ok && was != (w.pages > 0) {
			t.Errorf("hasPreviousPage is %v on page %d", was, w.pages)
		}
		w.pages++
		w.total, _ = c["totalCount"].(float64)
		if info["hasNextPage"] != true {
			return w
		}
		if len(edges) == 0 {
			w.emptyPages++
		}
		end, _ := info["endCursor"].(string)
		if end == "" || w.pages > 2000 {
			t.Fatalf("page %d has no end: %s", w.pages, got.json(path...))
		}
		args = fmt.Sprintf("first: %d, after: %q", first, end)
		if between != nil {
			between()
		}
	}
}
