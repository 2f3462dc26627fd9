package catalogapi_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/catalogapi"
	"regie/internal/grpcserver"
	"regie/internal/httpserver"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// api is the service over a Redis of three programmes of two videos each, a channel, a person and a page.
type api struct {
	catalogv1.CatalogServiceClient
	t       *testing.T
	conn    *grpc.ClientConn
	address string
	hub     *catalogapi.Hub
	// redis and catalog write, whatever becomes of the service's own connection.
	redis   redis.UniversalClient
	catalog *catalog.Catalog
	prefix  string
	offset  int64
	trips   atomic.Int64 // of the service: pipelines of reads
	log     *logged
	stop    context.CancelFunc
	stopHub context.CancelFunc
	ended   chan error
}

// newAPI reads from the Redis of the tests.
func newAPI(t *testing.T) *api {
	t.Helper()
	url := servertest.Redis(t)
	return newAPIOn(t, url, url, time.Minute, time.Minute) // it is slow at most
}

// newAPIOn has the service read from one address of a Redis, and the test write to another. A read may take so long, and
// watches end when the Redis is away for so long.
func newAPIOn(t *testing.T, reads, writes string, patience, away time.Duration) *api {
	t.Helper()
	connect := func(url string) redis.UniversalClient {
		client, err := catalog.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	a := &api{t: t, redis: connect(writes), prefix: servertest.Name(), log: &logged{}, ended: make(chan error, 2)}
	a.catalog = catalog.New(a.redis, a.prefix)
	t.Cleanup(func() {
		it := a.redis.Scan(context.Background(), 0, a.prefix+":*", 1000).Iterator()
		for it.Next(context.Background()) {
			a.redis.Del(context.Background(), it.Val())
		}
	})
	a.fill()

	reader := connect(reads)
	reader.AddHook(countTrips{&a.trips})
	c := catalog.New(reader, a.prefix)
	log := slog.New(slog.NewTextHandler(a.log, nil))
	a.hub = catalogapi.NewHub(c, log)
	a.hub.SetAway(away)
	service := catalogapi.New(c, a.hub, []byte("secret"), log)
	service.SetPatience(patience)
	l, err := httpserver.Listen("--grpc", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.address = l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	hubCtx, stopHub := context.WithCancel(context.Background())
	a.stop, a.stopHub = stop, stopHub
	var wg sync.WaitGroup
	wg.Go(func() { a.ended <- a.hub.Run(hubCtx) })
	wg.Go(func() {
		a.ended <- grpcserver.Run(ctx, l, grpcserver.Config{
			Register: service.Register, Check: c.Ping, Metrics: grpcserver.NewMetrics(prometheus.NewRegistry()), Log: log,
		})
	})
	t.Cleanup(func() { stop(); stopHub(); wg.Wait() })
	a.conn, err = grpc.NewClient(a.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.conn.Close() })
	a.CatalogServiceClient = catalogv1.NewCatalogServiceClient(a.conn)
	return a
}

func day(n int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 1, n, 20, 0, 0, 0, time.UTC))
}

// fill makes p0 to p2, dated in this order and titled in the other, with videos p0v0, p0v1, ...
func (a *api) fill() {
	var changes []catalog.Change
	for p := range 3 {
		id := fmt.Sprintf("p%d", p)
		date, title := catalog.DateKey(day(p+1)), fmt.Sprintf("%c", 'z'-p)
		places := append(catalog.Facets(catalog.ByDate, "SERIES", date), catalog.Facets(catalog.ByTitle, "SERIES", title)...)
		slug := catalog.SlugOf("programme", id+"-slug")
		ps := []catalog.Placement{
			{Family: catalog.Programmes, Places: places}, {Family: slug.Family, Places: []catalog.Place{slug.Claim(day(1))}},
			{Family: catalog.OfChannel("c1"), Places: places},
		}
		if p != 1 {
			ps = append(ps, catalog.Placement{Family: catalog.OfCategory("drama"), Places: places})
			// Two credits of one person, and no right to watch the programme anywhere at any time.
			places := append(catalog.CreditPlaces("pe1", date, title, 0), catalog.CreditPlaces("pe1", date, title, 1)...)
			ps = append(ps, catalog.Placement{Family: catalog.Credits("pe1"), Note: "w,1,2,FR", Places: places})
		}
		changes = append(changes, a.change("programme", id, ps...))
		for v := range 2 {
			vid := fmt.Sprintf("%sv%d", id, v)
			vslug := catalog.VideoSlug(id, fmt.Sprintf("v%d", v))
			season, episode := int32(1), int32(2-v) // the later, the earlier
			changes = append(changes, a.change("video", vid, catalog.Placement{
				Family: catalog.Videos(id), Places: append(catalog.VideoPlaces(id, "EPISODE", &season, &episode, day(v+1)), vslug.Claim(day(1))),
			}))
		}
	}
	for kind, id := range map[string]string{"channel": "c1", "person": "pe1", "page": "pg1"} {
		slug := catalog.SlugOf(kind, id+"-slug")
		changes = append(changes, a.change(kind, id, catalog.Placement{Family: slug.Family, Places: []catalog.Place{slug.Claim(day(1))}}))
	}
	a.apply(changes...)
}

func (a *api) apply(changes ...catalog.Change) {
	a.t.Helper()
	if _, err := a.catalog.Apply(context.Background(), changes, time.Now()); err != nil {
		a.t.Fatal(err)
	}
}

// change is the entity's next state.
func (a *api) change(kind, id string, ps ...catalog.Placement) catalog.Change {
	a.offset++
	c := catalog.Change{Kind: kind, ID: id, Fence: stream.Fence{Incarnation: 1, Offset: a.offset}, Placements: ps, Blobs: map[catalog.Screen][]byte{}}
	for _, s := range catalog.Screens() {
		b, err := proto.Marshal(message(kind, id, string(s), c.Fence.String()))
		if err != nil {
			panic(err)
		}
		c.Blobs[s] = b
	}
	return c
}

func message(kind, id, title, revision string) proto.Message {
	id = kind + ":" + id
	switch kind {
	case "programme":
		return &projectionv1.Programme{Id: id, Title: title, Revision: revision, Countries: []string{"FR"}}
	case "video":
		return &projectionv1.Video{Id: id, Title: title, Revision: revision, Duration: 60}
	case "channel":
		return &projectionv1.Channel{Id: id, Title: title, Revision: revision}
	case "person":
		return &projectionv1.Person{Id: id, Title: title, Revision: revision}
	}
	return &projectionv1.Page{Id: id, Title: title, Revision: revision}
}

// edit changes an entity and, if it is to be heard of, announces it. It returns the revision.
func (a *api) edit(announce bool, kind, id string) string {
	a.t.Helper()
	c := a.change(kind, id)
	a.apply(c)
	if announce {
		a.announce(kind + ":" + id)
	}
	return c.Fence.String()
}

func (a *api) announce(ids ...string) {
	a.t.Helper()
	if err := a.catalog.Announce(context.Background(), ids); err != nil {
		a.t.Fatal(err)
	}
}

func (a *api) revision(kind, id string) string {
	a.t.Helper()
	rs, err := a.catalog.Revisions(context.Background(), []catalog.Ref{{Kind: kind, ID: id}})
	if err != nil {
		a.t.Fatal(err)
	}
	return rs[0]
}

func (a *api) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
	a.t.Cleanup(cancel)
	return ctx
}

// cut leaves half of a blob.
func (a *api) cut(kind, id string) {
	a.t.Helper()
	key, blob := servertest.Blob(a.t, a.redis, a.prefix, kind, id, "web")
	if err := a.redis.HSet(a.t.Context(), key, id, blob[:len(blob)/2]).Err(); err != nil {
		a.t.Fatal(err)
	}
}

// countTrips counts pipelines: what leaves together is one round trip.
type countTrips struct{ n *atomic.Int64 }

func (c countTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c countTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return next // pings
}

func (c countTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if name := cmds[0].Name(); name != "client" && name != "hello" && name != "evalsha" { // a connection's beginning, a write
			c.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func byID(ids ...string) (ls []*catalogv1.Lookup) {
	for _, id := range ids {
		ls = append(ls, &catalogv1.Lookup{By: &catalogv1.Lookup_Id{Id: id}})
	}
	return ls
}

func bySlug(kind, slug, programme string) *catalogv1.Lookup {
	return &catalogv1.Lookup{By: &catalogv1.Lookup_Slug{Slug: &catalogv1.Slug{Kind: kind, Slug: slug, Programme: programme}}}
}

// names are results' ids, "" for nothing, "! ..." for errors.
func names(rs []*catalogv1.Result) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		if out[i] = r.GetEntity().GetId(); r.GetError() != "" {
			out[i] = "! " + r.GetError()
		}
	}
	return out
}

func TestBatchGet(t *testing.T) {
	a := newAPI(t)
	slugs := []*catalogv1.Lookup{
		bySlug("programme", "p1-slug", ""), bySlug("channel", "c1-slug", ""), bySlug("person", "pe1-slug", ""), bySlug("page", "pg1-slug", ""),
		bySlug("page", "none", ""), bySlug("programme", "p1-slug", ""),
	}
	for _, tt := range []struct {
		name    string
		lookups []*catalogv1.Lookup
		want    []string
		trips   int64
	}{
		{"nothing", nil, []string{}, 0},
		{"ids of all kinds, twice, and of nothing", byID("page:pg1", "programme:p2", "video:p1v0", "person:none", "channel:c1", "person:pe1", "programme:p2"),
			[]string{"page:pg1", "programme:p2", "video:p1v0", "", "channel:c1", "person:pe1", "programme:p2"}, 1},
		{"slugs", slugs, []string{"programme:p1", "channel:c1", "person:pe1", "page:pg1", "", "programme:p1"}, 2},
		{"slugs of nothing", []*catalogv1.Lookup{bySlug("page", "none", "")}, []string{""}, 1},
		{"videos' slugs among others", append([]*catalogv1.Lookup{bySlug("video", "v1", "p2-slug"), bySlug("video", "v0", "none"), bySlug("video", "v9", "p2-slug")}, append(slugs, byID("video:p0v0")...)...),
			[]string{"video:p2v1", "", "", "programme:p1", "channel:c1", "person:pe1", "page:pg1", "", "programme:p1", "video:p0v0"}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a.trips.Store(0)
			res, err := a.BatchGet(a.ctx(), &catalogv1.BatchGetRequest{Lookups: tt.lookups})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, names(res.GetResults())); diff != "" {
				t.Error(diff)
			}
			if got := a.trips.Load(); got != tt.trips {
				t.Errorf("%d round trips, not %d", got, tt.trips)
			}
		})
	}
}

func TestBatchGetPassesTheScreensBlobOn(t *testing.T) {
	a := newAPI(t)
	for screen, title := range map[catalogv1.Screen]string{0: "web", catalogv1.Screen_SCREEN_WEB: "web", catalogv1.Screen_SCREEN_MOBILE: "mobile", catalogv1.Screen_SCREEN_IPTV: "iptv"} {
		for _, ref := range []catalog.Ref{{Kind: "programme", ID: "p0"}, {Kind: "video", ID: "p0v0"}, {Kind: "channel", ID: "c1"}, {Kind: "person", ID: "pe1"}, {Kind: "page", ID: "pg1"}} {
			id := ref.Kind + ":" + ref.ID
			res, err := a.BatchGet(a.ctx(), &catalogv1.BatchGetRequest{Lookups: byID(id), Screen: screen})
			if err != nil {
				t.Fatal(err)
			}
			e := res.GetResults()[0].GetEntity()
			m, err := e.GetBlob().UnmarshalNew()
			if err != nil {
				t.Fatal(err)
			}
			if want := message(ref.Kind, ref.ID, title, e.GetRevision()); !proto.Equal(want, m) || e.GetId() != id {
				t.Errorf("%s: %v", id, e)
			}
			if want := a.revision(ref.Kind, ref.ID); e.GetRevision() != want || want == "" {
				t.Errorf("revision %q, Watch tells %q", e.GetRevision(), want)
			}
		}
	}
}

func TestOneBadBlobLeavesTheOthersWhole(t *testing.T) {
	a := newAPI(t)
	a.cut("programme", "p1")
	a.cut("video", "p1v1")
	key, _ := servertest.Blob(t, a.redis, a.prefix, "page", "pg1", "web")
	if err := a.redis.HSet(t.Context(), key, "pg1", "").Err(); err != nil {
		t.Fatal(err)
	}
	res, err := a.BatchGet(a.ctx(), &catalogv1.BatchGetRequest{Lookups: byID("programme:p0", "programme:p1", "video:p1v1", "page:pg1", "video:p1v0")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"programme:p0", "! programme:p1 cannot be read", "! video:p1v1 cannot be read", "! page:pg1 cannot be read", "video:p1v0"}
	if diff := cmp.Diff(want, names(res.GetResults())); diff != "" {
		t.Error(diff)
	}
	list, err := a.List(a.ctx(), &catalogv1.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"programme:p2", "! programme:p1 cannot be read", "programme:p0"}, names(list.GetResults())); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(a.log.String(), "id=video:p1v1 screen=web error=") {
		t.Errorf("logged: %s", a.log)
	}
}

func TestBadRequests(t *testing.T) {
	a := newAPI(t)
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("programme:%d", i)
	}
	get := func(ls ...*catalogv1.Lookup) proto.Message {
		return &catalogv1.BatchGetRequest{Lookups: append(byID("programme:p0", "programme:p1"), ls...)}
	}
	of := func(kind, id string, o catalogv1.ListOrder) proto.Message {
		return &catalogv1.ListRequest{Of: &catalogv1.Ref{Kind: kind, Id: id}, Order: o}
	}
	for _, tt := range []struct {
		name string
		req  proto.Message
		says string
	}{
		{"an id without a kind", get(byID("p0")...), "lookups[2]"},
		{"an id without an id", get(byID("programme:")...), "lookups[2]"},
		{"an empty id", get(byID("")...), "lookups[2]"},
		{"a kind that has no blob", get(byID("category:drama")...), "lookups[2]"},
		{"no lookup", get(&catalogv1.Lookup{}), "lookups[2]"},
		{"an unknown kind of slug", get(bySlug("category", "drama", "")), "lookups[2]"},
		{"a slug that is none", get(bySlug("programme", "No Slug", "")), "lookups[2]"},
		{"no slug", get(&catalogv1.Lookup{By: &catalogv1.Lookup_Slug{}}), "lookups[2]"},
		{"too long a slug", get(bySlug("programme", strings.Repeat("a", 201), "")), "lookups[2]"},
		{"a video's slug without programme", get(bySlug("video", "v0", "")), "lookups[2]"},
		{"a video's slug with a bad programme", get(bySlug("video", "v0", "a--b")), "lookups[2]"},
		{"a programme's slug with programme", get(bySlug("programme", "p0-slug", "p1-slug")), "lookups[2]"},
		{"too many lookups", &catalogv1.BatchGetRequest{Lookups: byID(many[:501]...)}, "500"},
		{"an unknown screen", &catalogv1.BatchGetRequest{Screen: 9}, "screen"},

		{"a list of a video", of("video", "p0v0", 0), "of"},
		{"a list of no kind", of("", "", 0), "of"},
		{"a list of no id", of("channel", "", 0), "of"},
		{"a category that is no slug", of("category", "No Slug", 0), "of"},
		{"programmes by episode", &catalogv1.ListRequest{Order: catalogv1.ListOrder_LIST_ORDER_EPISODE}, "order"},
		{"a channel's by episode", of("channel", "c1", catalogv1.ListOrder_LIST_ORDER_EPISODE), "order"},
		{"videos by title", of("programme", "p0", catalogv1.ListOrder_LIST_ORDER_TITLE), "order"},
		{"a person's by episode", of("person", "pe1", catalogv1.ListOrder_LIST_ORDER_EPISODE), "order"},
		{"an unknown order", &catalogv1.ListRequest{Order: 17}, "order"},
		{"a negative page", &catalogv1.ListRequest{PageSize: -1}, "page_size"},
		{"too large a page", &catalogv1.ListRequest{PageSize: 501}, "page_size"},
		{"a page of an unknown screen", &catalogv1.ListRequest{Screen: -1}, "screen"},
		{"a token that is none", &catalogv1.ListRequest{PageToken: "x"}, "page_token"},
		{"a token that is forged", &catalogv1.ListRequest{PageToken: "QUJDREVGR0hJSktMTU5PUA"}, "page_token"},

		{"a watch of nothing", &catalogv1.WatchRequest{}, "ids"},
		{"a watch of too much", &catalogv1.WatchRequest{Ids: many}, "1000"},
		{"a watch of what is no id", &catalogv1.WatchRequest{Ids: []string{"page:x", "x"}}, "ids[1]"},
		{"a watch of no kind", &catalogv1.WatchRequest{Ids: []string{"page:x", "category:x"}}, "ids[1]"},
		{"a watch that knows of others", &catalogv1.WatchRequest{Ids: []string{"page:x"}, KnownRevisions: map[string]string{"page:y": "1"}}, "known_revisions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			switch req := tt.req.(type) {
			case *catalogv1.BatchGetRequest:
				_, err = a.BatchGet(a.ctx(), req)
			case *catalogv1.ListRequest:
				_, err = a.List(a.ctx(), req)
			case *catalogv1.WatchRequest:
				_, err = a.watch(req).Recv()
			}
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want INVALID_ARGUMENT of %s", err, tt.says)
			}
		})
	}
	res, err := a.BatchGet(a.ctx(), &catalogv1.BatchGetRequest{Lookups: byID(many[:500]...)})
	if err != nil || len(res.GetResults()) != 500 {
		t.Errorf("500 lookups: %d results, %v", len(res.GetResults()), err)
	}
}

func TestList(t *testing.T) {
	a := newAPI(t)
	ref := func(kind, id string) *catalogv1.Ref { return &catalogv1.Ref{Kind: kind, Id: id} }
	const (
		newest  = catalogv1.ListOrder_LIST_ORDER_NEWEST
		oldest  = catalogv1.ListOrder_LIST_ORDER_OLDEST
		title   = catalogv1.ListOrder_LIST_ORDER_TITLE
		episode = catalogv1.ListOrder_LIST_ORDER_EPISODE
	)
	for _, tt := range []struct {
		of    *catalogv1.Ref
		order catalogv1.ListOrder
		want  []string
		total int32
	}{
		{nil, 0, []string{"programme:p2", "programme:p1", "programme:p0"}, 3},
		{nil, newest, []string{"programme:p2", "programme:p1", "programme:p0"}, 3},
		{nil, oldest, []string{"programme:p0", "programme:p1", "programme:p2"}, 3},
		{nil, title, []string{"programme:p2", "programme:p1", "programme:p0"}, 3},
		{ref("channel", "c1"), oldest, []string{"programme:p0", "programme:p1", "programme:p2"}, 3},
		{ref("channel", "none"), oldest, nil, 0},
		{ref("category", "drama"), newest, []string{"programme:p2", "programme:p0"}, 2},
		{ref("category", "drama"), title, []string{"programme:p2", "programme:p0"}, 2},
		{ref("programme", "p1"), newest, []string{"video:p1v1", "video:p1v0"}, 2},
		{ref("programme", "p1"), oldest, []string{"video:p1v0", "video:p1v1"}, 2},
		{ref("programme", "p1"), episode, []string{"video:p1v1", "video:p1v0"}, 2},
		{ref("person", "pe1"), oldest, []string{"programme:p0", "programme:p2"}, 4},
		{ref("person", "pe1"), title, []string{"programme:p2", "programme:p0"}, 4},
		{ref("person", "pe1"), newest, []string{"programme:p2", "programme:p0"}, 4},
	} {
		t.Run(fmt.Sprint(tt.of, tt.order), func(t *testing.T) {
			for size := int32(0); size <= 5; size++ {
				var got []string
				req := &catalogv1.ListRequest{Of: tt.of, Order: tt.order, PageSize: size}
				for page := 0; ; page++ {
					a.trips.Store(0)
					res, err := a.List(a.ctx(), req)
					if err != nil {
						t.Fatal(err)
					}
					if n := a.trips.Load(); n > 2 {
						t.Errorf("%d round trips", n)
					}
					if size > 0 && len(res.GetResults()) > int(size) || res.GetTotalSize() != tt.total {
						t.Errorf("pages of %d: %d results of %d", size, len(res.GetResults()), res.GetTotalSize())
					}
					got = append(got, names(res.GetResults())...)
					if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
						break
					}
					if page > 10 {
						t.Fatal("no end")
					}
				}
				if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("pages of %d: %s", size, diff)
				}
			}
		})
	}
}

func TestAPageTokenIsOfOneListAndOrder(t *testing.T) {
	a := newAPI(t)
	res, err := a.List(a.ctx(), &catalogv1.ListRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	token := res.GetNextPageToken()
	if strings.Contains(token, "p2") {
		t.Errorf("%q can be read", token)
	}
	for _, req := range []*catalogv1.ListRequest{
		{PageToken: token, Order: catalogv1.ListOrder_LIST_ORDER_OLDEST},
		{PageToken: token, Order: catalogv1.ListOrder_LIST_ORDER_TITLE},
		{PageToken: token, Of: &catalogv1.Ref{Kind: "channel", Id: "c1"}},
		{PageToken: token + "A"},
		{PageToken: token[:len(token)-2]},
	} {
		if _, err := a.List(a.ctx(), req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", req, err)
		}
	}
	// Pages of another size and screen may follow, also of what was changed meanwhile.
	res, err = a.List(a.ctx(), &catalogv1.ListRequest{PageToken: token, PageSize: 2, Screen: catalogv1.Screen_SCREEN_IPTV, Order: catalogv1.ListOrder_LIST_ORDER_NEWEST})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"programme:p1", "programme:p0"}, names(res.GetResults())); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkEntity(b *testing.B) {
	m := &projectionv1.Programme{Id: "programme:p1", Revision: "1", Title: "A title", Countries: []string{"FR"}, Synopsis: &catalogv1.Synopsis{Long: strings.Repeat("word ", 200)}}
	for i := range 5 {
		m.Images = append(m.Images, &projectionv1.Image{Role: catalogv1.ImageRole(i), Url: "https://images.example/a/b/c.jpg?w=640", Width: 640, Height: 360, Alt: "An image"})
	}
	for range 30 {
		m.Credits = append(m.Credits, &catalogv1.Credit{})
	}
	blob, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(blob)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := catalogapi.Entity(catalog.Ref{Kind: "programme", ID: "p1"}, blob); err != nil {
			b.Fatal(err)
		}
	}
}
