// Freshness measures how long an edit in MongoDB takes to be read through GraphQL, by one process with the roles that take
// part, or with --apart one process each, on the real servers that REGIE_KAFKA, REGIE_REDIS and REGIE_MONGODB name (`make
// bench-freshness` starts them).
//
// The clock of an edit starts when the driver has MongoDB's acknowledgement (w=majority) and stops when a client that
// asks again and again has read the new title; with --sections, it is a video that is edited, so that its programme's computed
// section begins with another.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/loopback"
	"regie/internal/stream"
)

func main() {
	var b bench
	flag.IntVar(&b.rate, "rate", 50, "edits a second")
	flag.DurationVar(&b.duration, "duration", time.Minute, "how long is measured")
	flag.DurationVar(&b.warmUp, "warm-up", 20*time.Second, "how long is edited before, unmeasured")
	flag.BoolVar(&b.sections, "sections", false, "edit videos, and read their programmes' computed sections")
	flag.BoolVar(&b.apart, "apart", false, "run each role as a process of its own")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "freshness: %v\n", err)
		os.Exit(1)
	}
}

type bench struct {
	rate             int
	duration, warmUp time.Duration
	sections, apart  bool
	dir, project     string
	gateway          string
	http             *http.Client
	// from is when what is measured begins.
	from time.Time
}

func (b *bench) run(ctx context.Context) (err error) {
	for _, name := range []string{"REGIE_KAFKA", "REGIE_REDIS", "REGIE_MONGODB"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("%s names no server: run `make bench-freshness`", name)
		}
	}
	if b.dir, err = os.MkdirTemp("", "freshness"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.project = fmt.Sprintf("bench%x", time.Now().Unix())
	b.http = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	if err := b.command(ctx, "go", "build", "-o", b.binary(), "."); err != nil {
		return err
	}
	if err := b.command(ctx, b.binary(), "topics", "apply"); err != nil {
		return err
	}
	store, err := cms.OpenMongo(ctx, os.Getenv("REGIE_MONGODB"), b.project)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
	if err := store.Index(ctx, stream.Collections()); err != nil {
		return err
	}
	ids, err := fill(ctx, store)
	if err != nil {
		return err
	}
	if b.sections {
		if err := addSections(ctx, store, ids); err != nil {
			return err
		}
	}
	roles, groupCtx := errgroup.WithContext(ctx)
	rolesCtx, cancel := context.WithCancel(groupCtx)
	defer func() { cancel(); err = errors.Join(err, roles.Wait()) }()
	processes := []string{"capture,transform,recommend,project,gateway"}
	if b.apart {
		processes = strings.Split(processes[0], ",")
	}
	for _, p := range processes {
		if err := b.start(rolesCtx, roles, p); err != nil {
			return err
		}
	}
	seen, err := b.await(rolesCtx, ids)
	if err != nil {
		return err
	}
	latencies, err := b.edit(rolesCtx, store, ids, seen)
	if err != nil {
		return err
	}
	report(latencies, b.rate)
	if b.sections {
		return b.ages(ctx)
	}
	return b.hops(ctx)
}

// addSections gives each programme a section of its newest videos, and two of them, which editors then make the newest by
// turns.
func addSections(ctx context.Context, store cms.Store, ids []string) error {
	var docs []bson.Raw
	for _, id := range ids {
		err := store.Set(ctx, "programme", id, bson.D{{Key: "sections", Value: bson.A{bson.D{{Key: "id", Value: "latest"}, {Key: "limit", Value: 5}}}}})
		if err != nil {
			return err
		}
		for n := range 2 {
			doc, err := bson.Marshal(bson.D{
				{Key: "_id", Value: newestID(id, n)}, {Key: "slug", Value: fmt.Sprint("bench-", n)}, {Key: "title", Value: newestTitle(n)}, {Key: "programme", Value: id},
				{Key: "kind", Value: "BONUS"}, {Key: "duration", Value: 60}, {Key: "createdAt", Value: time.Now()}, {Key: "publishedAt", Value: time.Now()},
			})
			if err != nil {
				return err
			}
			docs = append(docs, doc)
		}
	}
	_, err := store.Put(ctx, "video", docs)
	return err
}

func newestID(programme string, n int) string { return fmt.Sprintf("bench-%s-%d", programme, n) }

func newestTitle(n int) string { return fmt.Sprint("Bench ", n) }

// ages prints how old edits are, by the records' own times, when each stage has produced what follows from them.
func (b *bench) ages(ctx context.Context) error {
	cluster := stream.New(stream.Config{Brokers: os.Getenv("REGIE_KAFKA"), Project: b.project, Instance: "bench", Log: slog.New(slog.DiscardHandler)})
	defer cluster.Close()
	for _, topic := range []string{stream.CMS("video"), stream.Catalog("video"), stream.ProgrammeTouched, stream.ProgrammeEnriched} {
		var ages []time.Duration
		err := cluster.ReadAll(ctx, topic, func(r stream.Record) error {
			if at := r.CMSTime(); at.After(b.from) {
				ages = append(ages, r.Time.Sub(at))
			}
			return nil
		})
		if err != nil {
			return err
		}
		slices.Sort(ages)
		if n := len(ages); n > 0 {
			fmt.Printf("  from MongoDB's commit to %-28s p50 %v   p99 %v\n", topic, ages[n/2], ages[n*99/100])
		}
	}
	return nil
}

// hops prints where the time went, by the records' own times (whole milliseconds): MongoDB's wallTime, then when each
// stage produced.
func (b *bench) hops(ctx context.Context) error {
	cluster := stream.New(stream.Config{Brokers: os.Getenv("REGIE_KAFKA"), Project: b.project, Instance: "bench", Log: slog.New(slog.DiscardHandler)})
	defer cluster.Close()
	captured := map[string]time.Time{} // by source
	var capture, transform []time.Duration
	err := cluster.ReadAll(ctx, stream.CMS("programme"), func(r stream.Record) error {
		if at := r.CMSTime(); at.After(b.from) {
			captured[r.Source()] = r.Time
			capture = append(capture, r.Time.Sub(at))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = cluster.ReadAll(ctx, stream.Catalog("programme"), func(r stream.Record) error {
		if at, ok := captured[r.Headers.Get(stream.HeaderSource)]; ok {
			transform = append(transform, r.Time.Sub(at))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, hop := range []struct {
		name string
		took []time.Duration
	}{{"MongoDB's commit to capture's produce", capture}, {"capture's produce to transform's", transform}} {
		slices.Sort(hop.took)
		if n := len(hop.took); n > 0 {
			fmt.Printf("  %-40s p50 %v   p99 %v\n", hop.name, hop.took[n/2], hop.took[n*99/100])
		}
	}
	return nil
}

func (b *bench) binary() string { return filepath.Join(b.dir, "regie") }

func (b *bench) environment() []string {
	return append(os.Environ(), "REGIE_PROJECT="+b.project, "REGIE_MONGODB_DATABASE="+b.project, "REGIE_SECRET=bench", "REGIE_LOG_LEVEL=warn")
}

func (b *bench) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stderr = b.environment(), os.Stderr
	if name == "go" {
		cmd.Env = os.Environ()
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// fill puts the demonstration catalogue into MongoDB and returns the ids of programmes that may be watched everywhere.
func fill(ctx context.Context, store cms.Store) ([]string, error) {
	if _, err := demo.Fill(ctx, store); err != nil {
		return nil, err
	}
	docs, err := demo.Documents()
	var ids []string
	for _, d := range docs {
		isLimited := slices.ContainsFunc(d.Doc, func(e bson.E) bool { return e.Key == "rights" })
		if d.Collection == "programme" && !isLimited {
			ids = append(ids, d.Doc[0].Value.(string))
		}
	}
	return ids, err
}

// start runs a process with the roles until ctx is done.
func (b *bench) start(ctx context.Context, g *errgroup.Group, roles string) error {
	site, err := loopback.FreeAddress()
	if err != nil {
		return err
	}
	admin, err := loopback.FreeAddress()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.binary(), "run", "--role", roles, "--http", site, "--admin", admin, "--grpc", "127.0.0.1:0")
	cmd.Env, cmd.Stderr = b.environment(), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if strings.HasSuffix(roles, "gateway") {
		b.gateway = "http://" + site + "/query"
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", roles, err)
	}
	g.Go(func() error {
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", roles, err)
		}
		return nil
	})
	return nil
}

// titles asks the gateway, once, for programmes' titles, or those of their sections' first cards; "" is one that is not
// served.
func (b *bench) titles(ctx context.Context, ids []string) ([]string, error) {
	fields := "{ title }"
	if b.sections {
		fields = "{ sections { cards(first: 1) { edges { node { title } } } } }"
	}
	var params, aliases []string
	variables := map[string]string{}
	for i, id := range ids {
		params = append(params, fmt.Sprintf("$p%d: ID!", i))
		aliases = append(aliases, fmt.Sprintf("p%d: programme(by: {id: $p%d}) %s", i, i, fields))
		variables[fmt.Sprint("p", i)] = "programme:" + id
	}
	body, err := json.Marshal(map[string]any{
		"query":     fmt.Sprintf("query(%s) { %s }", strings.Join(params, ", "), strings.Join(aliases, " ")),
		"variables": variables,
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.gateway, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	type programme struct {
		Title    string
		Sections []struct {
			Cards struct {
				Edges []struct{ Node *struct{ Title string } }
			}
		}
	}
	var answer struct {
		Data   map[string]*programme
		Errors []struct{ Message string }
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Errors) > 0 {
		return nil, fmt.Errorf("the gateway answers %s", raw)
	}
	out := make([]string, len(ids))
	for i := range ids {
		p := answer.Data[fmt.Sprint("p", i)]
		switch {
		case p == nil || b.sections && len(p.Sections) == 0:
		case !b.sections:
			out[i] = p.Title
		default:
			if edges := p.Sections[0].Cards.Edges; len(edges) > 0 && edges[0].Node != nil {
				out[i] = edges[0].Node.Title
			}
		}
	}
	return out, nil
}

// await returns, once every programme is served, what is read of each.
func (b *bench) await(ctx context.Context, ids []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		titles, err := b.titles(ctx, ids)
		missing := slices.Index(titles, "")
		if err == nil && missing < 0 {
			return titles, nil
		}
		if ctx.Err() != nil {
			if err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("programme %s is not served", ids[missing])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// edited is an edit that is not seen yet.
type edited struct {
	programme    string
	n            int
	title        string
	acknowledged time.Time
	measured     bool
}

// look is the pause between two looks at what is not seen yet. One client looks, at all of it at once: if each edit had its
// own, the slower they are, the more they would take of the machine that they wait for.
const look = 10 * time.Millisecond

// edit changes titles at the rate, each programme's next only after its last was seen, and returns the time each took.
// seen has what is read of each programme before.
func (b *bench) edit(ctx context.Context, store cms.Store, ids, seen []string) ([]time.Duration, error) {
	type programme struct{ id, title string }
	idle := make(chan programme, len(ids))
	for i, id := range ids {
		idle <- programme{id, seen[i]}
	}
	done := make(chan edited, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		var edits errgroup.Group
		began := time.Now()
		b.from = began.Add(b.warmUp)
		tick := time.NewTicker(time.Second / time.Duration(b.rate))
		defer tick.Stop()
		for n := 0; time.Since(began) < b.warmUp+b.duration && ctx.Err() == nil; n++ {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
			select {
			case p := <-idle:
				e := edited{programme: p.id, n: n, measured: time.Now().After(b.from)}
				edits.Go(func() (err error) {
					if e.title, err = b.change(ctx, store, p.id, p.title, n); err == nil {
						e.acknowledged = time.Now()
						done <- e
					}
					return err
				})
			case <-ctx.Done():
			}
		}
		defer close(done)
		return edits.Wait()
	})
	var latencies []time.Duration
	g.Go(func() error {
		var waiting []edited
		for more := true; more || len(waiting) > 0; {
			if len(waiting) == 0 {
				e, ok := <-done
				if more = ok; ok {
					waiting = append(waiting, e)
				}
				continue
			}
			for taking := true; taking && more; {
				select {
				case e, ok := <-done:
					if more = ok; ok {
						waiting = append(waiting, e)
					}
				default:
					taking = false
				}
			}
			asked := make([]string, len(waiting))
			for i, e := range waiting {
				asked[i] = e.programme
			}
			titles, err := b.titles(ctx, asked)
			if err != nil {
				return err
			}
			var still []edited
			for i, e := range waiting {
				took := time.Since(e.acknowledged)
				switch {
				case titles[i] == e.title:
					if e.measured {
						latencies = append(latencies, took)
					}
					idle <- programme{e.programme, e.title}
				case took > 30*time.Second:
					return fmt.Errorf("edit %d of %s was not seen within 30 s", e.n, e.programme)
				default:
					still = append(still, e)
				}
			}
			waiting = still
			time.Sleep(look)
		}
		return nil
	})
	err := g.Wait()
	return latencies, err
}

// change makes an edit of a programme that is read as the title before, and returns what is read because of it.
func (b *bench) change(ctx context.Context, store cms.Store, id, before string, n int) (string, error) {
	if !b.sections {
		title := fmt.Sprintf("Edit %d", n)
		return title, store.Set(ctx, "programme", id, bson.D{{Key: "title", Value: title}})
	}
	turn := 0
	if before == newestTitle(0) {
		turn = 1
	}
	return newestTitle(turn), store.Set(ctx, "video", newestID(id, turn), bson.D{{Key: "publishedAt", Value: time.Now()}})
}

func report(l []time.Duration, rate int) {
	slices.Sort(l)
	at := func(q float64) time.Duration {
		return l[min(len(l)-1, int(q*float64(len(l))))].Round(10 * time.Microsecond)
	}
	fmt.Printf("%d edits at %d a second, from MongoDB's acknowledgement to the value read through GraphQL:\n", len(l), rate)
	fmt.Printf("p50 %v   p90 %v   p99 %v   max %v\n", at(.5), at(.9), at(.99), at(1))
}
