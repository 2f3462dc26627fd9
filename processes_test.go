package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// small is a process on servers of the test's own, without MongoDB.
type small struct {
	t                *testing.T
	env              []string
	site, admin, rpc string
}

func smallServers(t *testing.T) *small {
	t.Helper()
	return &small{t: t, env: []string{
		"REGIE_KAFKA=" + servertest.Kafka(t), "REGIE_REDIS=" + servertest.Redis(t), "REGIE_PROJECT=" + servertest.Name(), "REGIE_SECRET=secret of the test",
		"REGIE_INSTANCE=one",
	}}
}

func (s *small) start(args ...string) *child {
	s.t.Helper()
	s.site, s.admin, s.rpc = servertest.FreeAddress(s.t), servertest.FreeAddress(s.t), servertest.FreeAddress(s.t)
	return start(s.t, s.t.TempDir(), s.env, append([]string{"run", "--http", s.site, "--admin", s.admin, "--grpc", s.rpc}, args...)...)
}

// get returns an answer's status, or 0, and its body.
func get(url string) (int, string) {
	c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// await waits for a status of an admin page with a text.
func await(t *testing.T, url string, status int, text string) time.Duration {
	t.Helper()
	return servertest.Await(t, func() string {
		if got, body := get(url); got != status || !strings.Contains(body, text) {
			return fmt.Sprintf("%s: %d %s", url, got, body)
		}
		return ""
	})
}

// finish waits for a process's end and returns its exit code and last line. One that takes longer than stopLimit says so by both.
func (c *child) finish() (code int, last string) {
	c.t.Helper()
	select {
	case err := <-c.ended:
		c.ended <- err
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			code = -1
		}
	case <-time.After(servertest.Patience):
		c.t.Fatalf("it runs still after %s", servertest.Patience)
	}
	lines := strings.Split(strings.TrimSpace(c.stderr.String()), "\n")
	return code, lines[len(lines)-1]
}

func (c *child) signal(sig syscall.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(sig); err != nil {
		c.t.Fatal(err)
	}
}

// longDrain is for tests that look at a process while it drains: a busy machine is to have seen it all before it is over.
const longDrain = "20s"

// TestAGatewayDrains: SIGTERM turns readiness off first, then everybody is answered until the delay is over, and what is
// under way after that.
func TestAGatewayDrains(t *testing.T) {
	t.Parallel()
	s := smallServers(t)
	c := s.start("--role", "gateway", "--drain", longDrain)
	await(t, "http://"+s.admin+"/readyz", 200, "ready")

	sse, err := http.Get("http://" + s.site + "/freshness")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sse.Body.Close() }()
	conn, err := grpc.NewClient(s.rpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	watch, err := catalogv1.NewCatalogServiceClient(conn).Watch(t.Context(), &catalogv1.WatchRequest{Ids: []string{"programme:x"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	// A request under way: its body comes only when the address is closed already.
	slow, err := net.Dial("tcp", s.site)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	body := `{"query": "{ __typename }"}` // a server that is slow has no part in it
	_, _ = fmt.Fprintf(slow, "POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10])

	c.signal(syscall.SIGTERM)
	await(t, "http://"+s.admin+"/readyz", 503, `"process":"is stopping"`)
	if code, body := get("http://" + s.admin + "/livez"); code != 200 {
		t.Errorf("it drains, and is said to be dead: %s", body)
	}
	servertest.Await(t, func() string { // that it leaves is told after that it is not ready
		res, err := http.Post("http://"+s.site+"/query", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatalf("it does not answer any more: %v", err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || !res.Close {
			return fmt.Sprintf("while it drains it answers %s, and closes the connection: %t", res.Status, res.Close)
		}
		return ""
	})
	servertest.Await(t, func() string {
		l, err := net.Dial("tcp", s.site)
		if err != nil {
			return ""
		}
		_ = l.Close()
		return "it accepts still"
	})
	if _, err := io.WriteString(slow, body[10:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the request under way: %v %v", answer, err)
	}
	if _, err := io.ReadAll(sse.Body); err != nil {
		t.Errorf("the stream of edits: %v", err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch: %v", err)
	}
	if code, last := c.finish(); code != 0 {
		t.Errorf("exit code %d: %s", code, last)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	s := smallServers(t)
	c := s.start("--role", "gateway", "--drain", "10m")
	await(t, "http://"+s.admin+"/readyz", 200, "ready")
	c.signal(syscall.SIGTERM)
	await(t, "http://"+s.admin+"/readyz", 503, `"process":"is stopping"`)
	servertest.Await(t, func() string { // what gives signals back to the kernel runs beside what is seen of the first
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		if len(c.ended) == 0 {
			return "it drains still"
		}
		return ""
	})
	if code, _ := c.finish(); code != -1 {
		t.Errorf("exit code %d", code)
	}
}

// TestARoleThatEndsTakesTheProcessWithIt: another process of its name has fenced it.
func TestARoleThatEndsTakesTheProcessWithIt(t *testing.T) {
	t.Parallel()
	s := smallServers(t)
	if _, err := command(t, "topics", "apply", "--replication", "1", "--kafka", s.env[0][len("REGIE_KAFKA="):], "--project", s.env[2][len("REGIE_PROJECT="):]); err != nil {
		t.Fatal(err)
	}
	first := s.start("--role", "project,gateway", "--drain", longDrain)
	site, admin := s.site, s.admin
	await(t, "http://"+admin+"/readyz", 200, `"project":"ready"`)
	s.start("--role", "project")
	await(t, "http://"+admin+"/readyz", 503, `"process":"is stopping"`)
	if a := ask(t, "http://"+site+"/query", `{ programmes(first: 1) { totalCount } }`, nil); len(a.Errors) > 0 {
		t.Errorf("its gateway is to be drained and answers %v", a)
	}
	code, last := first.finish()
	if code != 1 || !strings.HasPrefix(last, "regie: project: consuming as one: ") || !strings.Contains(last, "fenced") {
		t.Errorf("exit code %d: %s", code, last)
	}
	await(t, "http://"+s.admin+"/readyz", 200, `"project":"ready"`)
}

func TestAMissingTopicEndsTheStart(t *testing.T) {
	s := smallServers(t)
	code, last := s.start("--role", "transform").finish()
	if code != 1 || !strings.HasSuffix(last, "is missing: run `regie topics apply`") {
		t.Errorf("exit code %d: %s", code, last)
	}
}

// stack is real servers of the test's own, to be killed and halted.
type stack struct {
	t     *testing.T
	state string
	env   []string
}

var exported = regexp.MustCompile(`(?m)^export (REGIE_\w+)='(.*)'$`)

func ownStack(t *testing.T) *stack {
	t.Helper()
	if os.Getenv("TEST_KAFKA") == "" {
		servertest.Skip(t, "TEST_KAFKA names no server; `make test` starts one, and this test its own")
	}
	s := &stack{t: t, state: t.TempDir()}
	t.Cleanup(func() { s.do("down", "--purge") })
	for _, m := range exported.FindAllStringSubmatch(s.do("up", "--only", "kafka,redis,mongodb"), -1) {
		s.env = append(s.env, m[1]+"="+m[2])
	}
	return s
}

func (s *stack) do(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("dev/stack/stack", append(args, "--state", s.state)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Errorf("stack %v: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

// signal reaches every server.
func (s *stack) signal(sig syscall.Signal) {
	s.t.Helper()
	for _, name := range servers {
		b, err := os.ReadFile(s.state + "/" + name + "/pid")
		var pid int
		if err == nil {
			_, err = fmt.Sscan(string(b), &pid)
		}
		if err == nil {
			err = syscall.Kill(pid, sig)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

var servers = []string{"kafka1", "mongodb", "redis"}

// TestServersThatAreAway: at the start they are waited for, later too; and nobody waits for them at the end.
func TestServersThatAreAway(t *testing.T) {
	t.Parallel()
	s := ownStack(t)
	env := slices.Concat(s.env, []string{"REGIE_SECRET=secret of the test", "REGIE_INSTANCE=one"})
	dir := t.TempDir()
	apply := start(t, dir, env, "topics", "apply", "--replication", "1")
	if code, last := apply.finish(); code != 0 {
		t.Fatal(last)
	}
	for _, name := range servers {
		s.do("kill", name)
	}
	admin := servertest.FreeAddress(t)
	run := func() *child {
		return start(t, dir, env, "run", "--role", "capture,transform,project,gateway", "--http", servertest.FreeAddress(t), "--admin", admin,
			"--grpc", servertest.FreeAddress(t), "--drain", "0s")
	}
	live := func(when string) {
		t.Helper()
		if code, body := get("http://" + admin + "/livez"); code != 200 {
			t.Errorf("%s: %s", when, body)
		}
	}
	c := run()
	await(t, "http://"+admin+"/readyz", 503, `"transform":"is waiting for Kafka at `)
	await(t, "http://"+admin+"/readyz", 503, `"gateway":"asking Redis: `)
	live("at the start")
	c.signal(syscall.SIGTERM)
	if code, last := c.finish(); code != 0 {
		t.Errorf("stopped while it waits: exit code %d: %s", code, last)
	}
	c = run()
	s.do("start", "kafka1")
	await(t, "http://"+admin+"/readyz", 503, `"capture":"is waiting for MongoDB`)
	await(t, "http://"+admin+"/readyz", 503, `"project":"cannot start: `)
	s.do("start", "mongodb")
	s.do("start", "redis")
	t.Attr("ready-after-the-last-server", await(t, "http://"+admin+"/readyz", 200, "").Round(time.Millisecond).String())

	for _, away := range []struct {
		how string
		sig syscall.Signal
	}{{"halted", syscall.SIGSTOP}, {"killed", syscall.SIGKILL}} {
		s.signal(away.sig)
		await(t, "http://"+admin+"/readyz", 503, `"gateway":"asking Redis: `)
		live(away.how)
		began := time.Now()
		c.signal(syscall.SIGTERM)
		if code, last := c.finish(); code != 0 {
			t.Errorf("servers %s: exit code %d: %s", away.how, code, last)
		}
		t.Attr("ends-with-servers-"+away.how, time.Since(began).Round(time.Millisecond).String())
		if away.sig == syscall.SIGSTOP {
			s.signal(syscall.SIGCONT)
			c = run()
			await(t, "http://"+admin+"/readyz", 200, "")
		}
	}
}

// pairDrain is how long its gateways drain.
const pairDrain = time.Second

// pair is two instances of each role.
type pair struct {
	*system
	envs [2][]string
	// addresses and processes by role and instance.
	at   map[string][2][3]string
	runs map[string]*[2]*child
}

func (p *pair) start(role string, i int) {
	a := p.at[role][i]
	p.runs[role][i] = start(p.t, p.dir, p.envs[i], "run", "--role", role, "--http", a[0], "--admin", a[1], "--grpc", a[2], "--drain", pairDrain.String())
}

func twoOfEach(t *testing.T) *pair {
	t.Helper()
	p := &pair{system: newSystem(t), at: map[string][2][3]string{}, runs: map[string]*[2]*child{}}
	for _, role := range roles {
		p.at[role] = [2][3]string{freeAddresses(t), freeAddresses(t)}
	}
	for i, instance := range []string{"one", "two"} {
		p.envs[i] = append(slices.Clone(p.env), "REGIE_INSTANCE="+instance, "REGIE_USERS="+p.at["users"][i][2])
	}
	for _, role := range roles {
		p.runs[role] = &[2]*child{}
		for i := range 2 {
			p.start(role, i)
		}
	}
	for _, role := range roles {
		for i := range 2 {
			await(t, "http://"+p.at[role][i][1]+"/readyz", 200, "")
		}
	}
	return p
}

// balancer sends to the gateways that were ready when it looked last.
type balancer struct {
	p      *pair
	mu     sync.Mutex
	ready  [2]bool
	looked [2]time.Time
	turn   int
}

func (b *balancer) look(ctx context.Context) {
	for i := range 2 {
		go func() {
			for ctx.Err() == nil {
				began := time.Now()
				status, _ := get("http://" + b.p.at["gateway"][i][1] + "/readyz")
				b.mu.Lock()
				b.ready[i], b.looked[i] = status == 200, began
				b.mu.Unlock()
				pause(ctx, 50*time.Millisecond)
			}
		}()
	}
}

// next is where to ask, and since when it may not be ready any more.
func (b *balancer) next() (url string, looked time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn = 1 - b.turn
	if !b.ready[b.turn] {
		b.turn = 1 - b.turn
	}
	return "http://" + b.p.at["gateway"][b.turn][0] + "/query", b.looked[b.turn]
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// rolling is a stream of edits to some programmes, and of reads of them.
type rolling struct {
	mu       sync.Mutex
	edits    []time.Time // when each was written: edit i is of programme i modulo programmes
	served   []int       // by programme, the edit that was read last, or -1
	gap      time.Duration
	answers  int
	problems []string
}

const rolled = 12 // programmes

func (r *rolling) edit(ctx context.Context, p *pair) {
	for i := 0; ctx.Err() == nil; i++ {
		now := time.Now()
		_, err := p.mongo.Collection("programme").UpdateByID(context.WithoutCancel(ctx), fmt.Sprint("p", i%rolled), bson.M{"$set": bson.M{"title": fmt.Sprint("Edit ", i)}})
		r.mu.Lock()
		if err != nil {
			r.problems = append(r.problems, err.Error())
		}
		r.edits = append(r.edits, now)
		r.mu.Unlock()
		pause(ctx, 25*time.Millisecond)
	}
}

func (r *rolling) read(ctx context.Context, b *balancer) {
	for ctx.Err() == nil {
		url, looked := b.next()
		a, err := patiently(func() (answer, error) {
			return tryAsk(url, `{ programmes(first: 50, filter: {availableOnly: false}) { edges { node { id title } } } }`, nil)
		})
		now := time.Now()
		r.mu.Lock()
		r.answers++
		// A balancer that stood still for longer than a gateway drains sends to one that is gone.
		if err != nil && now.Sub(looked) < pairDrain || len(a.Errors) > 0 {
			r.problems = append(r.problems, fmt.Sprint(err, a.Errors))
		}
		edges, _ := a.at("programmes", "edges").([]any)
		for i := range edges {
			var of, n int
			id, _ := a.at("programmes", "edges", i, "node", "id").(string)
			title, _ := a.at("programmes", "edges", i, "node", "title").(string)
			if _, err := fmt.Sscanf(id, "programme:p%d", &of); err != nil {
				continue
			}
			if _, err := fmt.Sscanf(title, "Edit %d", &n); err != nil {
				n = of - rolled
			}
			if n < r.served[of] {
				r.problems = append(r.problems, fmt.Sprintf("%s goes back from edit %d to %d", id, r.served[of], n))
			}
			r.served[of] = n
			if next := n + rolled; next < len(r.edits) { // it has been written and is not served
				r.gap = max(r.gap, now.Sub(r.edits[next]))
			}
		}
		r.mu.Unlock()
		pause(ctx, 10*time.Millisecond)
	}
}

func TestTwoOfEach(t *testing.T) {
	p := twoOfEach(t)
	t.Run("read your writes", p.readYourWrites)
	t.Run("a rolling restart", p.rollingRestart)
}

// rollingRestart stops and starts each instance of each role in turn, while editors edit and viewers read.
func (p *pair) rollingRestart(t *testing.T) {
	for i := range rolled {
		doc := bson.M{"_id": fmt.Sprint("p", i), "slug": fmt.Sprint("programme-", i), "title": "New", "kind": "SERIES"}
		if _, err := p.mongo.Collection("programme").InsertOne(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	p.site = "http://" + p.at["gateway"][0][0]
	awaitTitle(t, p.site, fmt.Sprint("programme-", rolled-1), "New")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b := &balancer{p: p, ready: [2]bool{true, true}}
	b.look(ctx)
	r := &rolling{served: slices.Repeat([]int{-rolled}, rolled)}
	editing, stopEditing := context.WithCancel(ctx)
	var editor, reader sync.WaitGroup
	editor.Go(func() { r.edit(editing, p) })
	reader.Go(func() { r.read(ctx, b) })
	for _, role := range roles {
		const tries = 3 // a machine that stands still makes edits wait, too, but not each time
		for n := 1; ; n++ {
			gap := p.roll(t, role, r)
			if gap < 10*time.Second {
				t.Attr("freshness-gap-rolling-"+role, gap.Round(time.Millisecond).String())
				break
			}
			if n == tries {
				t.Errorf("edits waited for %s while %s was rolled: for the session's end, not for its return", gap, role)
				break
			}
		}
	}
	stopEditing()
	editor.Wait()
	servertest.Await(t, func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, n := range r.served {
			if n < len(r.edits)-rolled {
				return fmt.Sprintf("of %d edits, programmes are at %v", len(r.edits), r.served)
			}
		}
		return ""
	})
	cancel()
	reader.Wait()
	t.Attr("rolled", fmt.Sprintf("%d edits, %d answers", len(r.edits), r.answers))
	for _, problem := range r.problems {
		t.Error(problem)
	}
	p.eachOnce(len(r.edits))
}

// roll stops and starts both instances of a role, and returns how long an edit waited at most.
func (p *pair) roll(t *testing.T, role string, r *rolling) time.Duration {
	t.Helper()
	for i := range 2 {
		if err := p.runs[role][i].stop(); err != nil {
			t.Errorf("%s %d: %v", role, i, err)
		}
		p.start(role, i)
		await(t, "http://"+p.at[role][i][1]+"/readyz", 200, "")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	gap := r.gap
	r.gap = 0
	return gap
}

// eachOnce looks for each edit in what capture and transform wrote.
func (p *pair) eachOnce(edits int) {
	t := p.t
	t.Helper()
	c := stream.New(stream.Config{Brokers: os.Getenv("TEST_KAFKA"), Project: p.name, Instance: "test", Log: servertest.Log(t)})
	defer c.Close()
	captured, sources := map[int]int{}, map[string]int{}
	err := c.ReadAll(t.Context(), stream.CMS("programme"), func(r stream.Record) error {
		var change struct {
			UpdateDescription struct {
				UpdatedFields struct{ Title string }
			}
		}
		if err := bson.UnmarshalExtJSON(r.Value, true, &change); err != nil {
			return err
		}
		var n int
		if _, err := fmt.Sscanf(change.UpdateDescription.UpdatedFields.Title, "Edit %d", &n); err == nil {
			captured[n]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ReadAll(t.Context(), stream.Catalog("programme"), func(r stream.Record) error {
		sources[r.Headers.Get(stream.HeaderSource)]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for n := range edits {
		if captured[n] != 1 {
			t.Errorf("edit %d was captured %d times", n, captured[n])
		}
	}
	for source, n := range sources {
		if n != 1 {
			t.Errorf("%s was transformed %d times", source, n)
		}
	}
	if len(sources) < edits {
		t.Errorf("%d of %d edits were transformed", len(sources), edits)
	}
}
