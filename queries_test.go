package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/graph"
	"regie/ingest/project"
	"regie/ingest/transform"
	"regie/internal/catalog"
	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/loaders"
	"regie/resolvers"
)

// gateway is a gateway over the demonstration catalogue, which went through transform and project without Kafka.
type gateway struct {
	*httptest.Server
	redis  redis.UniversalClient
	prefix string
	// reads counts round trips to Redis.
	reads atomic.Int64
}

// today is when the gateway's clock stands.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newGateway(t *testing.T) *gateway {
	t.Helper()
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	g := &gateway{redis: client, prefix: servertest.Name()}
	c := catalog.New(client, g.prefix)
	fillCatalogue(t, c)
	client.AddHook(countReads{&g.reads})
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Cursors: resolvers.NewCursors([]byte("secret"))}})
	g.Server = httptest.NewServer(graph.Handler(graph.Options{
		Schema: schema, Introspection: true, Log: servertest.Log(t), Now: func() time.Time { return today },
		Attach: func(ctx context.Context, view catalog.View) context.Context {
			// Patient, so that a loaded machine does not split a level's batch.
			return loaders.With(ctx, loaders.New(c, view, 20*time.Millisecond))
		},
	}))
	t.Cleanup(g.Close)
	return g
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
	if err := sink.Apply(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
	for i := range batch.Records {
		if batch.Rejected(i) {
			t.Errorf("%s is rejected", batch.Records[i].Key)
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
		if os.Getenv("DEBUGREADS") != "" {
			fmt.Printf("READ %d:", len(cmds))
			for i, c := range cmds {
				if i < 6 || i == len(cmds)-1 {
					fmt.Printf(" [%.90q]", fmt.Sprint(c.Args()...))
				}
			}
			fmt.Println()
		}
		if name := cmds[0].Name(); name != "client" && name != "hello" { // a connection's beginning
			c.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

// do asks and returns the answer's data and errors.
func (g *gateway) do(t *testing.T, target, query string) (data map[string]any, errs string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(g.URL+"/query"+target, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var a struct {
		Data   map[string]any
		Errors json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a.Data, string(a.Errors)
}

var documented = regexp.MustCompile("(?s)\\nReads: (\\d+)\\..*?```graphql\\n(.*?)```")

// TestDocumentedQueries runs what docs/graphql.md shows, on each screen: each answers without an error, something for
// each of its fields, and asks Redis as often as the page says.
func TestDocumentedQueries(t *testing.T) {
	page, err := os.ReadFile("docs/graphql.md")
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t)
	found := documented.FindAllSubmatch(page, -1)
	if n := bytes.Count(page, []byte("```graphql")); len(found) != n {
		t.Errorf("%d of %d queries say how often they read", len(found), n)
	}
	name := regexp.MustCompile(`query (\w+)`)
	for _, m := range found {
		query := string(m[2])
		t.Run(name.FindStringSubmatch(query)[1], func(t *testing.T) {
			want, _ := strconv.ParseInt(string(m[1]), 10, 64)
			for _, screen := range screens {
				g.reads.Store(0)
				data, errs := g.do(t, "/"+screen, query)
				if errs != "" {
					t.Fatalf("%s: %s", screen, errs)
				}
				if got := g.reads.Load(); got != want {
					t.Errorf("%s: %d reads, the page says %d", screen, got, want)
				}
				if screen == "web" {
					for _, path := range slices.Sorted(slices.Values(empty("", data))) {
						t.Logf("nothing at %s", path)
					}
				}
			}
		})
	}
}

// empty are the paths of an answer at which there is nothing at all, lists' elements taken together.
func empty(path string, v any) []string {
	switch v := v.(type) {
	case nil:
		return []string{path}
	case []any:
		if len(v) == 0 {
			return []string{path}
		}
		counts := map[string]int{}
		for _, e := range v {
			for _, p := range empty(path, e) {
				counts[p]++
			}
		}
		var out []string
		for p, n := range counts {
			if n == len(v) {
				out = append(out, p)
			}
		}
		return out
	case map[string]any:
		var out []string
		for k, e := range v {
			out = append(out, empty(fmt.Sprintf("%s.%s", path, k), e)...)
		}
		return out
	}
	return nil
}
