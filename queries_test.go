package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"regie/graph"
	"regie/ingest/persist"
	"regie/ingest/project"
	"regie/ingest/transform"
	"regie/internal/catalog"
	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/grpcserver"
	"regie/internal/identity"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	userv1 "regie/proto/user/v1"
	"regie/resolvers"
)

// gateway is a gateway over the demonstration catalogue, which went through transform and project without Kafka, and over
// the user API, with what it takes.
type gateway struct {
	*httptest.Server
	redis       redis.UniversalClient
	url, prefix string
	// reads counts round trips to Redis, and calls those to the user API.
	reads, calls atomic.Int64
	verifier     *identity.Verifier
}

// today is when the gateway's clock stands.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{url: servertest.Redis(t), prefix: servertest.Name()}
	client, err := catalog.Connect(g.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	g.redis = client
	c := catalog.New(client, g.prefix)
	fillCatalogue(t, c)
	g.rank(t)
	g.verifier = identity.New(identity.Config{Issuer: "test", Audience: "test", Secret: secret, Metrics: identity.NewMetrics(prometheus.NewRegistry())})
	api := g.userAPI(t)
	client.AddHook(countReads{&g.reads})
	g.Server = httptest.NewServer(graph.Handler(graph.Options{
		Schema: graph.NewExecutableSchema(graph.Config{
			Resolvers:  &resolvers.Resolver{Cursors: catalog.NewCursors(secret), Users: api, Secret: secret},
			Directives: graph.DirectiveRoot{Authenticated: graph.Authenticated},
		}),
		Extensions: []graphql.HandlerExtension{resolvers.Consistency{}}, Authorize: g.verifier.Authorize,
		Introspection: true, Log: servertest.Log(t), Now: func() time.Time { return today },
		Attach: func(ctx context.Context, view catalog.View) context.Context {
			// Patient, so that a loaded machine rarely splits a level's batch; it never joins two.
			return loaders.With(ctx, loaders.New(c, view, 20*time.Millisecond).Ask(api).Rank(trend.New(client, g.prefix)))
		},
	}))
	t.Cleanup(g.Close)
	return g
}

// secret signs whatever is signed.
var secret = []byte("a secret of thirty-two bytes, or more")

// userAPI is the service over gRPC, with persist, a store and Kafka. It has a Redis client of its own, which is not counted.
func (g *gateway) userAPI(t *testing.T) userv1.UserServiceClient {
	t.Helper()
	now := func() time.Time { return today }
	cluster := servertest.Cluster(t, append(persist.Inputs(), stream.Dead(persist.Role))...)
	store, err := boltstore.Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	producer, err := cluster.NewProducerWithin(users.WriteTime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	client, err := catalog.Connect(g.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	log := servertest.Log(t)
	service := users.New(users.Config{
		Caller: func(ctx context.Context) (string, error) {
			c, _ := identity.From(ctx)
			return c.User, nil
		},
		Producer: producer, Catalog: catalog.New(client, g.prefix), Store: store, Directory: store, Secret: secret, Wait: time.Second,
		Now: now, Metrics: users.NewMetrics(prometheus.NewRegistry()), Log: log,
	})
	listener := bufconn.Listen(1 << 20)
	ctx, cancel := context.WithCancel(context.Background())
	var parts errgroup.Group
	t.Cleanup(func() {
		cancel()
		if err := parts.Wait(); err != nil {
			t.Error(err)
		}
	})
	parts.Go(func() error { return service.Run(ctx) })
	parts.Go(func() error {
		return grpcserver.Run(ctx, listener, grpcserver.Config{
			Authenticate: g.verifier.GRPC(userv1.UserService_ServiceDesc.ServiceName, nil), Register: service.Register,
			Check: func(context.Context) error { return nil }, Metrics: grpcserver.NewMetrics(prometheus.NewRegistry()), Log: log,
		})
	})
	sink := persist.New(store, now, log, persist.NewMetrics(prometheus.NewRegistry()))
	parts.Go(func() error {
		return cluster.NewConsumer(stream.ConsumerConfig{Role: persist.Role, Topics: persist.Inputs(), Sink: sink, MaxBatch: persist.MaxBatch}).Run(ctx)
	})
	conn, err := grpc.NewClient("passthrough:///users", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			g.calls.Add(1)
			return call(ctx, method, req, reply, cc, opts...)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return userv1.NewUserServiceClient(conn)
}

// fillCatalogue makes the demonstration's documents records, events and projections.
func fillCatalogue(t *testing.T, c *catalog.Catalog) {
	t.Helper()
	sink := project.New(c, time.Now, servertest.Log(t), project.NewMetrics(prometheus.NewRegistry()))
	var parts []stream.Assigned
	for _, topic := range project.Inputs() {
		parts = append(parts, stream.Assigned{Topic: topic})
	}
	if _, err := sink.Start(t.Context(), parts); err != nil {
		t.Fatal(err)
	}
	var batch stream.Batch
	docs, err := demo.Documents()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range docs {
		id, err := bson.Marshal(d.Doc[:1])
		if err != nil {
			t.Fatal(err)
		}
		key, err := cms.Key(bson.Raw(id).Lookup("_id"))
		if err != nil {
			t.Fatal(err)
		}
		value, err := bson.MarshalExtJSON(bson.D{{Key: "operationType", Value: "insert"}, {Key: "fullDocument", Value: d.Doc}}, true, false)
		if err != nil {
			t.Fatal(err)
		}
		events, err := transform.Transform(stream.Record{Topic: stream.CMS(d.Collection), Key: []byte(key), Value: value, Offset: int64(i)})
		if err != nil {
			t.Fatalf("%s %s: %v", d.Collection, key, err)
		}
		for _, e := range events {
			e.Partition, e.Offset, e.Fence = 0, int64(i), stream.Fence{Incarnation: 1, Offset: int64(i)}
			batch.Records = append(batch.Records, e)
		}
	}
	batch.Records = append(batch.Records, bonuses(t, docs, "p004", int64(len(docs))))
	servertest.Await(t, func() string { // as a consumer does, again after an error
		if err := sink.Apply(t.Context(), &batch); err != nil {
			return err.Error()
		}
		return ""
	})
	for i := range batch.Records {
		if batch.Rejected(i) {
			t.Errorf("%s is rejected", batch.Records[i].Key)
		}
	}
}

// bonuses is the event of a programme's section of that name, as recommend makes it.
func bonuses(t *testing.T, docs []demo.Document, programme string, offset int64) stream.Record {
	t.Helper()
	everywhere := []catalogv1.Screen{catalogv1.Screen_SCREEN_WEB, catalogv1.Screen_SCREEN_MOBILE, catalogv1.Screen_SCREEN_IPTV}
	var videos []*catalogv1.SectionVideo
	for _, d := range docs {
		var v struct{ ID, Programme, Kind string }
		for _, e := range d.Doc {
			s, _ := e.Value.(string)
			switch e.Key {
			case "_id":
				v.ID = s
			case "programme":
				v.Programme = s
			case "kind":
				v.Kind = s
			}
		}
		if v.Programme == programme && v.Kind == "BONUS" {
			videos = append(videos, &catalogv1.SectionVideo{Id: v.ID})
		}
	}
	section := &catalogv1.ComputedSection{Id: "bonus", Title: "Bonus", Layout: catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL, Limit: 10}
	for _, s := range everywhere {
		section.Screens = append(section.Screens, &catalogv1.ScreenVideos{Screen: s, Videos: videos})
	}
	value, headers, err := stream.Encode(&catalogv1.ProgrammeEnrichedEvent{
		EventType: catalogv1.EventType_EVENT_TYPE_UPDATED,
		Payload:   &catalogv1.ProgrammeSections{ProgrammeId: programme, Sections: []*catalogv1.ComputedSection{section}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return stream.Record{
		Topic: stream.ProgrammeEnriched, Key: []byte(programme), Value: value, Headers: headers, Offset: offset,
		Fence: stream.Fence{Incarnation: 1, Offset: offset},
	}
}

// rank makes some the most watched, as the role trend leaves it.
func (g *gateway) rank(t *testing.T) {
	t.Helper()
	for kind, ids := range map[trend.Kind][]string{
		trend.Videos:     {"p002-s01e01", "p013-s01e01", "p013-s01e02", "p004-b01", "p002-s01e02"},
		trend.Programmes: {"p002", "p013", "p004", "p041", "p042"},
	} {
		for _, w := range trend.Windows() {
			for i, id := range ids {
				key := fmt.Sprintf("%s:trend:%s:%d:%s", g.prefix, w.Name, w.End(today).Unix(), kind)
				if err := g.redis.ZAdd(t.Context(), key, redis.Z{Score: float64(i - len(ids)), Member: id}).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

type countReads struct{ n *atomic.Int64 }

func (c countReads) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c countReads) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c countReads) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if name := cmds[0].Name(); name != "client" && name != "hello" { // a connection's beginning
			c.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

// as asks on a user's behalf, or anonymously, and returns the answer's data, its errors, and its consistency.
func (g *gateway) as(t *testing.T, user, target, query string, variables map[string]any) (data map[string]any, errs, state string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/query"+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if user != "" {
		token, err := identity.Sign(secret, "test", "test", user, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var a struct {
		Data       map[string]any
		Errors     json.RawMessage
		Extensions struct{ Consistency struct{ State string } }
	}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a.Data, string(a.Errors), a.Extensions.Consistency.State
}

// example is a query that docs/graphql.md shows, with how often it says that Redis is asked, and the user API.
type example struct {
	name, query  string
	reads, calls int64
	// signedIn: it is a viewer's.
	signedIn bool
	doc      *ast.QueryDocument
}

var documented = regexp.MustCompile("(?s)\\nReads: (\\d+)(?:, viewer: (\\d+))?\\..*?```graphql\\n((?:query|mutation) (\\w+).*?)```")

// examples are those that need nobody to be signed in.
func examples(t *testing.T) []example {
	t.Helper()
	return slices.DeleteFunc(allExamples(t), func(e example) bool { return e.signedIn })
}

func allExamples(t *testing.T) []example {
	t.Helper()
	page, err := os.ReadFile("docs/graphql.md")
	if err != nil {
		t.Fatal(err)
	}
	found := documented.FindAllSubmatch(page, -1)
	if n := bytes.Count(page, []byte("```graphql")); len(found) != n {
		t.Errorf("%d of %d queries have a name and say how often they read", len(found), n)
	}
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	out := make([]example, len(found))
	for i, m := range found {
		out[i] = example{query: string(m[3]), name: string(m[4]), signedIn: len(m[2]) > 0}
		if out[i].reads, err = strconv.ParseInt(string(m[1]), 10, 64); err != nil {
			t.Fatal(err)
		}
		if out[i].signedIn {
			if out[i].calls, err = strconv.ParseInt(string(m[2]), 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		var errs gqlerror.List
		if out[i].doc, errs = gqlparser.LoadQueryWithRules(schema, out[i].query, rules.NewDefaultRules()); len(errs) > 0 {
			t.Fatalf("%s: %v", out[i].name, errs)
		}
	}
	return out
}

// bare are the fields for which there is nothing: the demonstration's images are drawings, which need no placeholder, and
// of its mutations one alone shows a problem.
var bare = []string{"FavouritePayload.problems", "HistoryPayload.problems", "Image.blurHash", "ReportProgressPayload.problems"}

// TestDocumentedQueries runs what docs/graphql.md shows, in its order and on each screen: each answers without an error,
// asks Redis and the user API as often as the page says, and each field has something somewhere.
func TestDocumentedQueries(t *testing.T) {
	g := newGateway(t)
	selected := selections{}
	variables := map[string]any{"at": today.Format(time.RFC3339)}
	for _, e := range allExamples(t) {
		t.Run(e.name, func(t *testing.T) {
			user := ""
			if e.signedIn {
				user = "alice"
			}
			for _, screen := range screens {
				var data map[string]any
				for range 20 { // see newGateway
					var errs string
					g.reads.Store(0)
					g.calls.Store(0)
					if data, errs, _ = g.as(t, user, "/"+screen, e.query, variables); errs != "" && !strings.Contains(errs, `"UNAVAILABLE"`) {
						t.Fatalf("%s: %s", screen, errs)
					}
					if errs == "" && g.reads.Load() <= e.reads && g.calls.Load() <= e.calls {
						break
					}
				}
				if reads, calls := g.reads.Load(), g.calls.Load(); reads != e.reads || calls != e.calls {
					t.Errorf("%s: %d reads and %d of the viewer's, the page says %d and %d", screen, reads, calls, e.reads, e.calls)
				}
				for name, v := range data {
					if isEmpty(v) {
						t.Errorf("%s: there is nothing at %s", screen, name)
					}
				}
				selected.set(e.doc.Operations[0].SelectionSet, data)
				variables["after"] = g.settle(t, user, data, variables["after"])
			}
		})
	}
	var empty []string
	for field, answered := range selected {
		if !answered {
			empty = append(empty, field)
		}
	}
	slices.Sort(empty)
	if diff := cmp.Diff(bare, empty); diff != "" {
		t.Errorf("no query has anything for these: %s", diff)
	}
}

// settle waits for what a mutation wrote, so that the queries after it find it; its receipts are returned, joined.
func (g *gateway) settle(t *testing.T, user string, data map[string]any, before any) any {
	t.Helper()
	var tokens []string
	for _, payload := range data {
		m, _ := payload.(map[string]any)
		receipt, _ := m["receipt"].(map[string]any)
		if token, ok := receipt["token"].(string); ok {
			tokens = append(tokens, token)
		}
	}
	if len(tokens) == 0 {
		return before
	}
	after := strings.Join(tokens, "~")
	servertest.Await(t, func() string {
		_, errs, state := g.as(t, user, "", `query($t: ConsistencyToken) { viewer(notBefore: $t) { id } }`, map[string]any{"t": after})
		if state != "CONSISTENT" {
			return fmt.Sprintf("what was written is not there: %s %s", state, errs)
		}
		return ""
	})
	return after
}

// selections are the fields that queries select, and whether one was answered with something.
type selections map[string]bool

func (s selections) set(of ast.SelectionSet, data any) {
	for _, one := range of {
		switch one := one.(type) {
		case *ast.Field:
			s.field(one, data)
		case *ast.InlineFragment:
			s.set(one.SelectionSet, data)
		case *ast.FragmentSpread:
			s.set(one.Definition.SelectionSet, data)
		}
	}
}

func (s selections) field(f *ast.Field, data any) {
	if list, ok := data.([]any); ok && len(list) > 0 {
		for _, one := range list {
			s.field(f, one)
		}
		return
	}
	object, _ := data.(map[string]any)
	v := object[f.Alias]
	name := f.ObjectDefinition.Name + "." + f.Name
	s[name] = s[name] || !isEmpty(v)
	s.set(f.SelectionSet, v)
}

// isEmpty tells whether there is nothing at all, a connection's edges and lists of nothing included.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !isEmpty(e) })
	case map[string]any:
		edges, ok := v["edges"].([]any)
		return ok && len(edges) == 0
	}
	return false
}

// TestDocumentedQueriesShowTheSchema wants each field, argument and input field in at least one query of
// docs/graphql.md. A field of an interface shows those of the types that implement it.
func TestDocumentedQueriesShowTheSchema(t *testing.T) {
	shown := map[string]bool{}
	var value func(v *ast.Value)
	value = func(v *ast.Value) {
		for _, c := range v.Children {
			if v.Kind == ast.ObjectValue {
				shown[v.Definition.Name+"."+c.Name] = true
			}
			value(c.Value)
		}
	}
	var set func(ast.SelectionSet)
	set = func(selections ast.SelectionSet) {
		for _, s := range selections {
			switch s := s.(type) {
			case *ast.Field:
				name := s.ObjectDefinition.Name + "." + s.Name
				shown[name] = true
				for _, a := range s.Arguments {
					shown[name+"("+a.Name+":)"] = true
					value(a.Value)
				}
				set(s.SelectionSet)
			case *ast.InlineFragment:
				set(s.SelectionSet)
			case *ast.FragmentSpread:
				set(s.Definition.SelectionSet)
			}
		}
	}
	for _, e := range allExamples(t) {
		set(e.doc.Operations[0].SelectionSet)
	}
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	var missing []string
	for _, def := range schema.Types {
		if def.BuiltIn || def.Kind != ast.Object && def.Kind != ast.InputObject {
			continue
		}
		want := func(name string) {
			in := func(typ string) bool { return shown[typ+"."+name] }
			if !in(def.Name) && !slices.ContainsFunc(def.Interfaces, in) {
				missing = append(missing, def.Name+"."+name)
			}
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			want(f.Name)
			for _, a := range f.Arguments {
				want(f.Name + "(" + a.Name + ":)")
			}
		}
	}
	slices.Sort(missing)
	for _, name := range missing {
		t.Errorf("no query of docs/graphql.md has %s", name)
	}
}
