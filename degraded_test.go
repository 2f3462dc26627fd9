package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"regie/graph"
	"regie/ingest/capture"
	"regie/ingest/project"
	"regie/ingest/transform"
	"regie/internal/catalog"
	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	"regie/resolvers"
)

// line is what lies between a gateway and its Redis: a TCP proxy that can be slow, silent or cut.
type line struct {
	address, to string

	mu    sync.Mutex
	l     net.Listener
	off   bool // it is cut
	ends  map[net.Conn]bool
	delay time.Duration // of each answer
	// silent: connections are accepted, those that are open stay so, and nothing comes back until it is closed.
	silent chan struct{}
	wg     sync.WaitGroup
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	// Not any port: one of those that the kernel gives to outgoing connections may be another's after a cut.
	p := &line{address: servertest.FreeAddress(t), to: to, ends: map[net.Conn]bool{}}
	p.mend(t)
	t.Cleanup(func() { p.speak(); p.cut(); p.wg.Wait() })
	return p
}

// mend listens, again after a cut.
func (p *line) mend(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.l, p.off = l, false
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.carry(c) })
		}
	})
}

// cut refuses connections, and ends those that are.
func (p *line) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.l.Close()
	p.off = true
	for c := range p.ends {
		_ = c.Close()
	}
}

func (p *line) slow(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = by
}

func (p *line) hush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = make(chan struct{})
}

// speak delivers what was held back, as a network does that comes back.
func (p *line) speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent != nil {
		close(p.silent)
		p.silent = nil
	}
}

// hold has a cut end a connection, also one that was accepted just before it.
func (p *line) hold(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends[c] = true
	if p.off {
		_ = c.Close()
	}
}

func (p *line) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.ends, c)
}

func (p *line) carry(client net.Conn) {
	p.hold(client)
	defer p.drop(client)
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	p.hold(server)
	defer p.drop(server)
	p.wg.Go(func() { _, _ = io.Copy(server, client); p.drop(server) })
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		delay, silent := p.delay, p.silent
		p.mu.Unlock()
		if silent != nil {
			<-silent
		}
		<-time.After(delay)
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

// lonely is the role gateway as a process of its own on a Redis with the demonstration's catalogue. Nothing else is
// there: its Kafka and its MongoDB are addresses where nobody listens.
type lonely struct {
	*child
	t           *testing.T
	site, admin string
	rpc         catalogv1.CatalogServiceClient
}

// startLonely fills a Redis and starts a gateway that reads it by another URL.
func startLonely(t *testing.T, fill, read string) *lonely {
	t.Helper()
	name := servertest.Name()
	client, err := catalog.Connect(fill)
	if err != nil {
		t.Fatal(err)
	}
	fillCatalogue(t, catalog.New(client, name+":2"))
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	g := &lonely{t: t, site: servertest.FreeAddress(t), admin: servertest.FreeAddress(t)}
	rpc := servertest.FreeAddress(t)
	g.child = start(t, t.TempDir(), []string{
		"REGIE_REDIS=" + read, "REGIE_KAFKA=127.0.0.1:1", "REGIE_MONGODB=mongodb://127.0.0.1:1", "REGIE_PROJECT=" + name, "REGIE_SECRET=secret of the test",
	}, "run", "--role", "gateway", "--http", g.site, "--admin", g.admin, "--grpc", rpc)
	g.site = "http://" + g.site
	conn, err := grpc.NewClient(rpc, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	g.rpc = catalogv1.NewCatalogServiceClient(conn)
	return g
}

// get is a page of the operators'.
func (g *lonely) get(path string) (int, string) {
	g.t.Helper()
	res, err := http.Get("http://" + g.admin + path)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// metric is the sum of the samples that begin so.
func (g *lonely) metric(name string) (sum float64) {
	g.t.Helper()
	_, page := g.get("/metrics")
	for line := range strings.Lines(page) {
		if sample, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(sample, name) {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				g.t.Fatal(err)
			}
			sum += v
		}
	}
	return sum
}

const film = `{ programme(by: {slug: "le-dernier-tram"}) { title channel { title } related { title } } }`

// whole tells what a documented page lacks; "" when it is as it should be.
func (g *lonely) whole() string {
	a, err := tryAsk(g.site+"/query", film, nil)
	switch {
	case err != nil:
		return err.Error()
	case len(a.Errors) > 0 || a.at("programme", "channel", "title") == nil || a.at("programme", "related", 0, "title") == nil:
		return fmt.Sprint("answered ", a)
	}
	_, err = g.rpc.BatchGet(g.t.Context(), lookup)
	if err != nil {
		return err.Error()
	}
	if ready, said := g.get("/readyz"); ready != http.StatusOK {
		return said
	}
	return ""
}

var lookup = &catalogv1.BatchGetRequest{Lookups: []*catalogv1.Lookup{{By: &catalogv1.Lookup_Id{Id: "programme:p001"}}}}

// away checks what a gateway does whose Redis is: viewers and other back ends are told within a second to ask again,
// operators that it is not ready, nobody that it is dead.
func (g *lonely) away() {
	g.t.Helper()
	const rounds = 3 // what stands still for a while spoils one, what waits for too long spoils each
	for n := 1; ; n++ {
		took := g.unavailable()
		g.t.Logf("told unavailable after %s, at most %s", took[away].Round(time.Millisecond), took[2*away-1].Round(time.Millisecond))
		if took[away] <= time.Second && took[2*away-1] <= 3*time.Second { // a machine may be busy for a while
			break
		}
		if n == rounds {
			g.t.Errorf("told unavailable after %s", took)
			break
		}
	}
	servertest.Await(g.t, func() string {
		if code, said := g.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(said, "asking Redis") {
			return fmt.Sprintf("readiness is %d %s", code, said)
		}
		return ""
	})
	if code, _ := g.get("/livez"); code != http.StatusOK {
		g.t.Errorf("liveness is %d: to start it again would not help", code)
	}
}

// away is how often viewers ask, and as often other back ends.
const away = 5

// unavailable checks what is answered, and returns how long that took, sorted.
func (g *lonely) unavailable() (took []time.Duration) {
	g.t.Helper()
	for range away {
		began := time.Now()
		a, err := tryAsk(g.site+"/query", film, nil)
		took = append(took, time.Since(began))
		if err != nil || a.code() != "UNAVAILABLE" {
			g.t.Errorf("viewers are answered %v %v", a, err)
		}
		if len(a.Errors) > 0 && strings.Contains(a.Errors[0].Message, "127.0.0.1") {
			g.t.Errorf("viewers are told where Redis is: %s", a.Errors[0].Message)
		}
		began = time.Now()
		if _, err = g.rpc.BatchGet(g.t.Context(), lookup); status.Code(err) != codes.Unavailable {
			g.t.Errorf("other back ends are answered %v", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

// back waits until all is as before.
func (g *lonely) back() {
	g.t.Helper()
	g.t.Logf("back after %s", servertest.Await(g.t, g.whole).Round(time.Millisecond))
}

// TestRedisIsAway has gateways wait beside each other, each for a Redis of its own: that is most of what they do.
func TestRedisIsAway(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"the line to it fails":      theLineToRedisFails,
		"a client leaves meanwhile": aClientLeaves,
		"it refuses":                redisRefuses,
		"a real one dies":           aRealRedisDies,
		"a node of a cluster dies":  aNodeOfAClusterDies,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// theLineToRedisFails has a gateway lose its Redis in every way that a network knows, and find it again by itself.
func theLineToRedisFails(t *testing.T) {
	server := newOwnRedis(t)
	p := newLine(t, server.address)
	g := startLonely(t, "redis://"+server.address, "redis://"+p.address)
	g.back()
	faults := func() float64 { return g.metric("regie_redis_errors_total") }
	for _, tt := range []struct {
		name       string
		fail, heal func()
	}{
		{"refused", p.cut, func() { p.mend(t) }},
		{"silent, with connections open", p.hush, p.speak},
		{"silent, then cut", p.hush, func() { p.cut(); p.speak(); p.mend(t) }},
		{"silent from the connection on", func() { p.cut(); p.hush(); p.mend(t) }, p.speak},
		{"5 s an answer", func() { p.slow(5 * time.Second) }, func() { p.slow(0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			before, unavailable := faults(), g.metric(`regie_gateway_requests_total{code="UNAVAILABLE"`)
			tt.fail()
			g.away()
			tt.heal()
			g.back()
			if faults() == before || g.metric(`regie_gateway_requests_total{code="UNAVAILABLE"`) < unavailable+away {
				t.Error("the metrics show nothing")
			}
		})
	}
	t.Run("half a second an answer", func(t *testing.T) { // slow is not away
		g.t = t
		p.slow(500 * time.Millisecond)
		defer p.slow(0)
		for range 3 { // patiently: it is not far from what a gateway waits for
			if a := ask(t, g.site+"/query", `{ node(id: "programme:p001") { ... on Content { title } } }`, nil); a.at("node", "title") == nil {
				t.Error(a)
			}
		}
	})
	t.Run("an impatient client spoils it for no other", func(t *testing.T) {
		g.t = t
		p.slow(100 * time.Millisecond)
		defer p.slow(0)
		const clients = 5
		spoilt := 0
		for range clients {
			ctx, leave := context.WithTimeout(t.Context(), 30*time.Millisecond)
			if _, err := g.rpc.BatchGet(ctx, lookup); status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("answered in time: %v", err)
			}
			leave()
			a, err := tryAsk(g.site+"/query", `{ node(id: "programme:p001") { ... on Content { title } } }`, nil)
			if err != nil || a.at("node", "title") == nil {
				t.Log(a, err)
				spoilt++
			}
		}
		if spoilt > clients/2 { // a machine that stands still spoils one, too
			t.Errorf("%d of %d are spoilt", spoilt, clients)
		}
	})
	t.Run("on and off", func(t *testing.T) {
		g.t = t
		for range 10 {
			p.cut()
			_, _ = tryAsk(g.site+"/query", film, nil)
			p.mend(t)
			_, _ = tryAsk(g.site+"/query", film, nil)
		}
		g.back()
	})
}

// TestACrowdWithoutRedis has more ask at once than a gateway has connections, again and again, while nothing comes back.
func TestACrowdWithoutRedis(t *testing.T) {
	server := newOwnRedis(t)
	p := newLine(t, server.address)
	g := startLonely(t, "redis://"+server.address, "redis://"+p.address)
	g.back()
	goroutines := func() float64 { return g.metric("go_goroutines") }
	quiet := goroutines()
	p.hush()
	const crowd = 500
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowd}}
	defer client.CloseIdleConnections()
	rush := func() (slowest time.Duration, wrong int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range crowd {
			wg.Go(func() {
				began := time.Now()
				res, err := client.Post(g.site+"/query", "application/json", strings.NewReader(`{"query": "{ node(id: \"programme:p001\") { id } }"}`))
				said := ""
				if err == nil {
					b, _ := io.ReadAll(res.Body)
					_ = res.Body.Close()
					said = string(b)
				}
				mu.Lock()
				defer mu.Unlock()
				slowest = max(slowest, time.Since(began))
				if !strings.Contains(said, `"UNAVAILABLE"`) {
					wrong++
				}
			})
		}
		wg.Wait()
		return slowest, wrong
	}
	var most float64
	for n := range 4 {
		slowest, wrong := rush()
		for tries := 1; wrong == 0 && slowest > 4*time.Second && tries < 3; tries++ { // a machine may stand still for a while, but not each time
			slowest, wrong = rush()
		}
		most = max(most, goroutines())
		t.Logf("rush %d of %d: the slowest was answered after %s; goroutines %.0f, connections %.0f", n, crowd, slowest.Round(time.Millisecond),
			goroutines(), g.metric("regie_redis_pool_connections"))
		if wrong > 0 || slowest > 4*time.Second {
			t.Errorf("%d were not told, the slowest after %s", wrong, slowest)
		}
	}
	// An HTTP connection that is kept has a goroutine or two.
	if most > quiet+3*crowd {
		t.Errorf("%.0f goroutines, %.0f before", most, quiet)
	}
	if n := g.metric("regie_redis_pool_connections"); n > 100 {
		t.Errorf("%.0f connections to Redis", n)
	}
	if lines := strings.Count(g.stderr.String(), "answering unavailable"); lines > 100 {
		t.Errorf("%d lines of log for %d requests", lines, 4*crowd)
	}
	client.CloseIdleConnections()
	p.speak()
	g.back()
	servertest.Await(t, func() string {
		if n := goroutines(); n > quiet+30 {
			return fmt.Sprintf("%.0f goroutines are left, %.0f were before", n, quiet)
		}
		return ""
	})
}

// aClientLeaves, which is no fault of the gateway's.
func aClientLeaves(t *testing.T) {
	server := newOwnRedis(t)
	p := newLine(t, server.address)
	g := startLonely(t, "redis://"+server.address, "redis://"+p.address)
	g.back()
	p.slow(300 * time.Millisecond)
	query, err := json.Marshal(map[string]string{"query": film})
	if err != nil {
		t.Fatal(err)
	}
	leave := func() {
		client, err := net.Dial("tcp", strings.TrimPrefix(g.site, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		if _, err := fmt.Fprintf(client, "POST /query HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(query), query); err != nil {
			t.Fatal(err)
		}
		if err := client.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, _ = client.Read(make([]byte, 1))
	}
	counted := func(code string) float64 { return g.metric(`regie_gateway_requests_total{code="` + code) }
	const tries = 5
	for n := 1; ; n++ {
		all, cancelled, unavailable := counted(""), counted("CANCELLED"), counted("UNAVAILABLE")
		leave()
		servertest.Await(t, func() string {
			if counted("") == all {
				return "it is not counted"
			}
			return ""
		})
		if counted("CANCELLED") > cancelled && counted("UNAVAILABLE") == unavailable {
			return
		}
		if n == tries { // on a machine that stands still it is answered before it leaves, or told that Redis is slow
			_, page := g.get("/metrics")
			t.Fatalf("each time it is counted as something else: %s", page)
		}
	}
}

// redisRefuses has it answer, but with an error.
func redisRefuses(t *testing.T) {
	server := miniredis.RunT(t) // a real one says most of these at its own time
	g := startLonely(t, "redis://"+server.Addr(), "redis://"+server.Addr())
	g.back()
	for _, says := range []string{
		"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.", "OOM command not allowed when used memory > 'maxmemory'.",
		"CLUSTERDOWN The cluster is down", "MOVED 1 127.0.0.1:1", "NOAUTH Authentication required.", "ERR max number of clients reached", "MISCONF Errors writing to the AOF file",
	} {
		t.Run(strings.Fields(says)[0], func(t *testing.T) {
			g.t = t
			before := g.metric(`regie_redis_errors_total{reason="refused"}`)
			server.SetError(says)
			g.away()
			server.SetError("")
			g.back()
			if g.metric(`regie_redis_errors_total{reason="refused"}`) == before {
				t.Error("the metrics show nothing")
			}
		})
	}
}

// aRealRedisDies kills it, stops it in its tracks, and takes its clients' connections and rights away.
func aRealRedisDies(t *testing.T) {
	needRealRedis(t)
	r := realRedis(t)
	g := startLonely(t, "redis://"+r.address, "redis://"+r.address)
	g.back()
	do := func(args ...any) {
		client := redis.NewClient(&redis.Options{Addr: r.address})
		defer func() { _ = client.Close() }()
		if err := client.Do(context.Background(), args...).Err(); err != nil && !errors.Is(err, io.EOF) {
			t.Error(args, err)
		}
	}
	for _, tt := range []struct {
		name       string
		fail, heal func()
	}{
		{"kill -9", r.kill, r.start},
		{"SIGSTOP", func() { r.signal(syscall.SIGSTOP) }, func() { r.signal(syscall.SIGCONT) }},
		{"CLIENT PAUSE", func() { do("CLIENT", "PAUSE", 600_000, "ALL") }, func() { r.kill(); r.start() }},
		{"a password, new", func() {
			do("CONFIG", "SET", "requirepass", "new")
			client := redis.NewClient(&redis.Options{Addr: r.address, Password: "new"})
			defer func() { _ = client.Close() }()
			if err := client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
				t.Error(err)
			}
		}, func() { r.kill(); r.start() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			tt.fail()
			g.away()
			tt.heal()
			r.await()
			g.back()
		})
	}
}

func needRealRedis(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_REDIS") == "" {
		servertest.Skip(t, "TEST_REDIS names no server; `make test` starts one")
	}
}

// aNodeOfAClusterDies asks for what lies on all nodes of a Redis cluster, one of which is gone.
func aNodeOfAClusterDies(t *testing.T) {
	needRealRedis(t)
	nodes := newCluster(t)
	url := "redis+cluster://" + nodes[0].address
	g := startLonely(t, url, url)
	g.back()
	const all = `{ nodes(ids: [%s]) { id } }`
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf(`"programme:p%03d"`, i+1))
	}
	query := fmt.Sprintf(all, strings.Join(ids, " "))
	before := ask(t, g.site+"/query", query, nil)
	if len(before.Errors) > 0 {
		t.Fatal(before.Errors)
	}
	for _, tt := range []struct {
		name       string
		fail, heal func(r *ownRedis)
	}{
		{"SIGSTOP", func(r *ownRedis) { r.signal(syscall.SIGSTOP) }, func(r *ownRedis) { r.signal(syscall.SIGCONT) }},
		{"kill -9", (*ownRedis).kill, (*ownRedis).start},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			sick := nodes[1]
			tt.fail(sick)
			const tries = 10
			good := 0 // of a machine that stands still the others may miss their time, too
			for range tries {
				began := time.Now()
				a, err := tryAsk(g.site+"/query", query, nil)
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				// An error has the place of what is missing, and all else is as before.
				missing := map[int]bool{}
				for _, e := range a.Errors {
					if e.Extensions.Code != "UNAVAILABLE" || len(e.Path) != 2 {
						t.Fatal(e)
					}
					i, _ := e.Path[1].(float64)
					missing[int(i)] = true
				}
				for i := range ids {
					want := before.at("nodes", i, "id")
					if missing[i] {
						want = nil
					}
					if got := a.at("nodes", i, "id"); got != want {
						t.Errorf("%s is answered %v", ids[i], got)
					}
				}
				k := len(missing)
				t.Logf("answered after %s: of %d on three nodes, %d are missing", took.Round(time.Millisecond), len(ids), k)
				if k == 0 {
					t.Error("none is missing")
				}
				if k <= len(ids)*2/3 && took <= 3*time.Second {
					good++
				}
			}
			if good < tries/2 {
				t.Errorf("%d of %d answers came in time and had the other nodes'", good, tries)
			}
			servertest.Await(t, func() string {
				if code, said := g.get("/readyz"); code != http.StatusOK {
					return "it has something to answer, but is not ready: " + said
				}
				return ""
			})
			tt.heal(sick)
			servertest.Await(t, func() string {
				if diff := gocmp.Diff(before, ask(t, g.site+"/query", query, nil)); diff != "" {
					return diff
				}
				return ""
			})
			g.back()
		})
	}
}

// newCluster starts three nodes that answer what they have while another is away.
func newCluster(t *testing.T) []*ownRedis {
	t.Helper()
	var nodes []*ownRedis
	for range 3 {
		nodes = append(nodes, realRedis(t, append(clusterFlags(t),
			"--cluster-require-full-coverage", "no", "--cluster-allow-reads-when-down", "yes", "--cluster-node-timeout", "2000")...))
	}
	for i, n := range nodes {
		client := redis.NewClient(&redis.Options{Addr: n.address})
		defer func() { _ = client.Close() }()
		const slots = 16384
		if err := client.ClusterAddSlotsRange(t.Context(), i*slots/3, (i+1)*slots/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		for _, other := range nodes[:i] {
			bus, err := redis.NewClient(&redis.Options{Addr: other.address}).ConfigGet(t.Context(), "cluster-port").Result()
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", portOf(other.address), bus["cluster-port"]).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range nodes {
		client := redis.NewClient(&redis.Options{Addr: n.address})
		defer func() { _ = client.Close() }()
		servertest.Await(t, func() string {
			said, err := client.ClusterInfo(t.Context()).Result()
			if err != nil || !strings.Contains(said, "cluster_state:ok") || !strings.Contains(said, "cluster_slots_ok:16384") || !strings.Contains(said, "cluster_known_nodes:3") {
				return fmt.Sprint(said, err)
			}
			return ""
		})
	}
	return nodes
}

// apart is the ingest roles on servers of their own, which can all be stopped.
type apart struct {
	kafka   *kfake.Cluster
	cluster *stream.Cluster
	store   *cms.Bolt
	metrics *prometheus.Registry // of project
	stop    context.CancelFunc
	ended   chan error
}

// newApart starts capture, transform and project on an embedded Kafka and CMS, which has the demonstration's documents.
func newApart(t *testing.T, c *catalog.Catalog) *apart {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	store, err := cms.OpenBolt(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Fill(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	log := servertest.Log(t)
	a := &apart{kafka: broker, store: store, metrics: prometheus.NewRegistry(), ended: make(chan error, 1)}
	a.cluster = stream.New(stream.Config{Brokers: strings.Join(broker.ListenAddrs(), ","), Project: servertest.Name(), Instance: "test", Log: log})
	if _, err := a.cluster.Apply(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	through, err := a.cluster.NewThrough(transform.Outputs(), transform.Transform)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return capture.New(a.cluster, store, log).Run(ctx) })
	g.Go(func() error {
		defer through.Close()
		return a.cluster.NewConsumer(stream.ConsumerConfig{Role: transform.Role, Topics: transform.Inputs(), Sink: through}).Run(ctx)
	})
	g.Go(func() error {
		sink := project.New(c, time.Now, log, project.NewMetrics(a.metrics))
		return a.cluster.NewConsumer(stream.ConsumerConfig{Role: project.Role, Topics: project.Inputs(), Sink: sink, MaxBatch: project.MaxBatch}).Run(ctx)
	})
	go func() { a.ended <- g.Wait() }()
	t.Cleanup(func() { a.end(t) })
	return a
}

// awaitApplied waits until project has applied so many changes, lists included.
func (a *apart) awaitApplied(t *testing.T, changes int) {
	t.Helper()
	servertest.Await(t, func() string {
		families, err := a.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := 0.0
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "regie_project_changes_total" {
					n += m.GetCounter().GetValue()
				}
			}
		}
		if int(n) < changes {
			return fmt.Sprintf("%.0f of %d changes are applied", n, changes)
		}
		return ""
	})
}

// end stops the roles, Kafka and the CMS, once.
func (a *apart) end(t *testing.T) {
	t.Helper()
	if a.stop == nil {
		return
	}
	a.stop()
	a.stop = nil
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
	a.cluster.Close()
	a.kafka.Close()
	if err := a.store.Close(); err != nil {
		t.Error(err)
	}
}

// TestAnHourWithoutIngest reads what docs/graphql.md shows, every six minutes of an hour in which rights begin and end;
// then capture, transform, project, Kafka and the CMS go, and the same hour has the same answers.
func TestAnHourWithoutIngest(t *testing.T) {
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	prefix := servertest.Name()
	c := catalog.New(client, prefix)
	a := newApart(t, c)
	docs, err := demo.Documents()
	if err != nil {
		t.Fatal(err)
	}
	a.awaitApplied(t, len(docs))
	noon := today
	window := bson.A{bson.D{{Key: "from", Value: noon.Add(20 * time.Minute)}, {Key: "until", Value: noon.Add(40 * time.Minute)}}}
	if err := a.store.Set(t.Context(), "programme", "p001", bson.D{{Key: "rights", Value: window}}); err != nil {
		t.Fatal(err)
	}
	var now atomic.Int64
	g := httptest.NewServer(graph.Handler(graph.Options{
		Schema: graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Cursors: catalog.NewCursors([]byte("secret"))}}),
		Log:    servertest.Log(t), Now: func() time.Time { return time.Unix(now.Load(), 0).UTC() },
		Attach: func(ctx context.Context, view catalog.View) context.Context {
			return loaders.With(ctx, loaders.New(c, view, loaders.Gather).Rank(trend.New(client, prefix)))
		},
	}))
	t.Cleanup(g.Close)
	queries := []string{`query Window { programme(by: {id: "programme:p001"}) { availability { state } } }`}
	for _, e := range examples(t) {
		queries = append(queries, e.query)
	}
	pass := func(minute int) (answers []string) {
		now.Store(noon.Add(time.Duration(minute) * time.Minute).Unix())
		for _, query := range queries {
			body, err := json.Marshal(map[string]string{"query": query})
			if err != nil {
				t.Fatal(err)
			}
			for _, screen := range screens {
				var b []byte
				servertest.Await(t, func() string { // a busy machine's may be told to try again
					res, err := http.Post(g.URL+"/query/"+screen, "application/json", bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					b, err = io.ReadAll(res.Body)
					_ = res.Body.Close()
					switch failed := bytes.Contains(b, []byte(`"errors"`)); {
					case failed && bytes.Contains(b, []byte(`"UNAVAILABLE"`)):
						return string(b)
					case failed || err != nil:
						t.Fatalf("%d minutes past, %s: %v %s", minute, screen, err, b)
					}
					return ""
				})
				answers = append(answers, string(b))
			}
		}
		return answers
	}
	a.awaitApplied(t, len(docs)+1) // and the edit
	const step = 6                 // minutes
	before := map[int][]string{}
	for minute := 0; minute <= 60; minute += step {
		before[minute] = pass(minute)
	}
	for minute, state := range map[int]string{18: "UPCOMING", 24: "AVAILABLE", 36: "AVAILABLE", 42: "EXPIRED"} {
		if got := before[minute][0]; !strings.Contains(got, state) {
			t.Errorf("%d minutes past, the window is %s, not %s", minute, got, state)
		}
	}
	a.end(t)
	took := func() (goroutines int, bytes uint64) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	pass(0)
	goroutines, heap := took()
	for minute := 0; minute <= 60; minute += step {
		if diff := gocmp.Diff(before[minute], pass(minute)); diff != "" {
			t.Fatalf("%d minutes past it is not as it was: %s", minute, diff)
		}
	}
	after, grown := took()
	t.Logf("%d reads, twice; goroutines %d, then %d; heap %d KiB, then %d KiB", len(before)*len(queries)*len(screens), goroutines, after, heap>>10, grown>>10)
	if after > goroutines+100 || grown > heap+8<<20 {
		t.Errorf("it has grown: %d goroutines, %d KiB", after-goroutines, (int64(grown)-int64(heap))>>10)
	}
}
