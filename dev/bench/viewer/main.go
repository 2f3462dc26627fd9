// Viewer measures what the viewer's part of a page costs: the same page of 40 cards without and with viewerState, in turns,
// asked of one process with every role on embedded servers (`make bench-viewer`). Round trips are the gateway's own count.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/demo"
	"regie/internal/loopback"
)

func main() {
	var b bench
	flag.IntVar(&b.rounds, "rounds", 20, "turns of each page")
	flag.IntVar(&b.requests, "requests", 200, "requests of a turn")
	flag.IntVar(&b.clients, "clients", 4, "requests under way at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "viewer: %v\n", err)
		os.Exit(1)
	}
}

type bench struct {
	rounds, requests, clients int
	dir                       string
	site, admin, token        string
	http                      *http.Client
}

const cards = 40

// page is asked for with and without state.
const page = `query Page { page(slug: "bench") { sections { edges { node { cards(first: 40) { edges { node {
	title image { url } badges { kind } target { ... on Programme { id path %[1]s } ... on Video { id path duration %[2]s } } } } } } } } } }`

// bare and whole are the page without and with what the viewer did.
var (
	bare  = fmt.Sprintf(page, "", "")
	whole = fmt.Sprintf(page, "viewerState { isFavourite lastWatchedAt }", "viewerState { isFavourite progress { position ratio isFinished } }")
)

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "viewer"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: b.clients}}
	if _, err := b.command(ctx, nil, "go", "build", "-o", b.binary(), "."); err != nil {
		return err
	}
	end, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := b.fill(ctx); err != nil {
		return err
	}
	return b.measure(ctx)
}

func (b *bench) binary() string { return filepath.Join(b.dir, "regie") }

func (b *bench) command(ctx context.Context, in io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stderr = in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// start starts the process, and returns once it is ready.
func (b *bench) start(ctx context.Context) (end func() error, err error) {
	var site, rpc string
	for _, address := range []*string{&site, &b.admin, &rpc} {
		if *address, err = loopback.FreeAddress(); err != nil {
			return nil, err
		}
	}
	b.site = "http://" + site + "/query"
	cmd := exec.Command(b.binary(), "--data", filepath.Join(b.dir, "data"), "--http", site, "--admin", b.admin, "--grpc", rpc, "--log-level", "warn")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting regie: %w", err)
	}
	end = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return cmd.Wait()
	}
	return end, b.until(ctx, "regie is not ready", func() error {
		res, err := b.http.Get("http://" + b.admin + "/readyz")
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	})
}

// until tries for a minute.
func (b *bench) until(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// fill makes the page, half of it programmes and half videos, and has a viewer do something with every other one.
func (b *bench) fill(ctx context.Context) error {
	docs, err := demo.Documents()
	if err != nil {
		return err
	}
	var targets bson.A
	var done []string
	count := map[string]int{}
	for _, d := range docs {
		kind := d.Collection
		if kind != "programme" && kind != "video" || count[kind] == cards/2 {
			continue
		}
		count[kind]++
		id := fmt.Sprintf("%s:%v", kind, d.Doc[0].Value)
		targets = append(targets, bson.D{{Key: "target", Value: id}})
		switch n := count[kind]; {
		case n%2 == 0:
		case kind == "programme":
			done = append(done, fmt.Sprintf(`m%d: addFavourite(input: {targetId: %q}) { problems { message } receipt { token } }`, len(done), id))
		default:
			done = append(done, fmt.Sprintf(`m%d: reportProgress(input: {videoId: %q, position: 30, occurredAt: %q, sessionId: "bench"}) { problems { message } receipt { token } }`,
				len(done), id, time.Now().UTC().Format(time.RFC3339)))
		}
	}
	if len(targets) != cards {
		return fmt.Errorf("the demonstration's catalogue has %d of %d cards", len(targets), cards)
	}
	doc, err := bson.MarshalExtJSON(bson.D{{Key: "_id", Value: "bench"}, {Key: "slug", Value: "bench"}, {Key: "title", Value: "Bench"},
		{Key: "sections", Value: bson.A{bson.D{{Key: "id", Value: "one"}, {Key: "cards", Value: targets}}}}}, false, false)
	if err != nil {
		return err
	}
	if _, err := b.command(ctx, bytes.NewReader(doc), b.binary(), "cms", "put", "page", "--admin", b.admin); err != nil {
		return err
	}
	if b.token, err = b.command(ctx, nil, b.binary(), "token", "--user", "bench", "--data", filepath.Join(b.dir, "data")); err != nil {
		return err
	}
	if answer, err := b.ask("mutation { " + strings.Join(done, " ") + " }"); err != nil || strings.Count(answer, `"token"`) != len(done) {
		return fmt.Errorf("the viewer's %d writes: %w %s", len(done), err, answer)
	}
	return b.until(ctx, "the page is not served as it was made", func() error {
		answer, err := b.ask(whole)
		if n := strings.Count(answer, `"isFavourite":true`) + strings.Count(answer, `"position":30`); err == nil && n != len(done) {
			err = fmt.Errorf("it has %d of %d: %.300s", n, len(done), answer)
		}
		return err
	})
}

// ask sends a query as the viewer. Errors in the answer are an error.
func (b *bench) ask(query string) (string, error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequest(http.MethodPost, b.site, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+b.token)
	res, err := b.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || bytes.Contains(raw, []byte(`"errors"`))) {
		err = fmt.Errorf("the gateway answers %s %.500s", res.Status, raw)
	}
	return string(raw), err
}

// side is one of the two pages.
type side struct {
	name, query string
	took        []time.Duration
	seconds     float64
	// requests, redis and users are what the gateway counted.
	requests, redis, users float64
}

// measure asks for both pages in turns, so that what else the machine does slows both.
func (b *bench) measure(ctx context.Context) error {
	sides := []*side{{name: "without viewerState", query: bare}, {name: "with viewerState", query: whole}}
	for round := -1; round < b.rounds; round++ { // the first is not counted
		for i := range sides {
			s := sides[(i+max(round, 0))%2]
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := b.turn(s, round >= 0); err != nil {
				return err
			}
		}
	}
	fmt.Printf("A page of %d cards, %d requests of each in %d turns, %d at once:\n\n", cards, b.rounds*b.requests, b.rounds, b.clients)
	for _, s := range sides {
		slices.Sort(s.took)
		at := func(q float64) time.Duration { return s.took[int(q*float64(len(s.took)-1))].Round(time.Microsecond) }
		fmt.Printf("  %-20s p50 %-9v p99 %-9v %6.0f/s   round trips: Redis %.2f, user store %.2f\n",
			s.name, at(.5), at(.99), float64(len(s.took))/s.seconds, s.redis/s.requests, s.users/s.requests)
	}
	median := func(s *side) float64 { return float64(s.took[len(s.took)/2]) }
	fmt.Printf("\n  ratio of p50 %.2f, of requests a second %.2f; %+.2f round trips\n", median(sides[1])/median(sides[0]), sides[0].seconds/sides[1].seconds,
		(sides[1].redis+sides[1].users)/sides[1].requests-(sides[0].redis+sides[0].users)/sides[0].requests)
	return nil
}

func (b *bench) turn(s *side, counted bool) error {
	before, err := b.counts()
	if err != nil {
		return err
	}
	took := make([]time.Duration, b.requests)
	errs := make([]error, b.clients)
	began := time.Now()
	var wg sync.WaitGroup
	for c := range b.clients {
		wg.Go(func() {
			for i := c; i < b.requests && errs[c] == nil; i += b.clients {
				asked := time.Now()
				_, errs[c] = b.ask(s.query)
				took[i] = time.Since(asked)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || !counted {
		return err
	}
	s.seconds += time.Since(began).Seconds()
	s.took = append(s.took, took...)
	after, err := b.counts()
	if err != nil {
		return err
	}
	s.requests += after["requests"] - before["requests"]
	s.redis += after["redis"] - before["redis"]
	s.users += after["users"] - before["users"]
	return nil
}

// counts are what the gateway counted so far.
func (b *bench) counts() (map[string]float64, error) {
	res, err := b.http.Get("http://" + b.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	loads, calls := families["regie_gateway_request_loads"], families["regie_gateway_request_viewer_loads"]
	if loads == nil || calls == nil {
		return nil, errors.New("the gateway does not count its reads")
	}
	return map[string]float64{
		"requests": float64(loads.GetMetric()[0].GetHistogram().GetSampleCount()),
		"redis":    loads.GetMetric()[0].GetHistogram().GetSampleSum(),
		"users":    calls.GetMetric()[0].GetHistogram().GetSampleSum(),
	}, nil
}
