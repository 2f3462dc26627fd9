// Freshness measures how long an edit in MongoDB takes to be read through GraphQL, with each role its own process on
// the real servers that REGIE_KAFKA, REGIE_REDIS and REGIE_MONGODB name (`make bench-freshness` starts them).
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
	"sync"
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
	sections         bool
	dir, project     string
	gateway          string
	http             *http.Client
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
	for _, role := range []string{"capture", "transform", "recommend", "project", "gateway"} {
		if err := b.start(rolesCtx, roles, role); err != nil {
			return err
		}
	}
	if err := b.await(rolesCtx, ids); err != nil {
		return err
	}
	latencies, err := b.edit(rolesCtx, store, ids)
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
			if at := r.CMSTime(); !at.IsZero() {
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
		if at := r.CMSTime(); !at.IsZero() {
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

// start runs a role as a process of its own until ctx is done.
func (b *bench) start(ctx context.Context, g *errgroup.Group, role string) error {
	site, err := loopback.FreeAddress()
	if err != nil {
		return err
	}
	admin, err := loopback.FreeAddress()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.binary(), "run", "--role", role, "--http", site, "--admin", admin, "--grpc", "127.0.0.1:0")
	cmd.Env, cmd.Stderr = b.environment(), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if role == "gateway" {
		b.gateway = "http://" + site + "/query"
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", role, err)
	}
	g.Go(func() error {
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		return nil
	})
	return nil
}

// title asks the gateway for a programme's, or that of its section's first card.
func (b *bench) title(ctx context.Context, id string) (string, error) {
	query := `query($id: ID!) { programme(by: {id: $id}) { title } }`
	if b.sections {
		query = `query($id: ID!) { programme(by: {id: $id}) { sections { cards(first: 1) { edges { node { title } } } } } }`
	}
	body, err := json.Marshal(map[string]any{
		"query":     query,
		"variables": map[string]string{"id": "programme:" + id},
	})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.gateway, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := b.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Data struct {
			Programme *struct {
				Title    string
				Sections []struct {
					Cards struct {
						Edges []struct{ Node *struct{ Title string } }
					}
				}
			}
		}
		Errors []struct{ Message string }
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Errors) > 0 {
		return "", fmt.Errorf("the gateway answers %s", raw)
	}
	p := answer.Data.Programme
	switch {
	case p == nil || b.sections && len(p.Sections) == 0:
		return "", nil
	case !b.sections:
		return p.Title, nil
	}
	if edges := p.Sections[0].Cards.Edges; len(edges) > 0 && edges[0].Node != nil {
		return edges[0].Node.Title, nil
	}
	return "", nil
}

// await returns once every programme is served.
func (b *bench) await(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, id := range ids {
		for {
			title, err := b.title(ctx, id)
			if err == nil && title != "" {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("programme %s is not served: %w", id, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// edit changes titles at the rate, each programme's next only after its last was seen, and returns the time each took.
func (b *bench) edit(ctx context.Context, store cms.Store, ids []string) ([]time.Duration, error) {
	var mu sync.Mutex
	var latencies []time.Duration
	g, ctx := errgroup.WithContext(ctx)
	idle := make(chan string, len(ids))
	for _, id := range ids {
		idle <- id
	}
	began := time.Now()
	tick := time.NewTicker(time.Second / time.Duration(b.rate))
	defer tick.Stop()
	for n := 0; time.Since(began) < b.warmUp+b.duration && ctx.Err() == nil; n++ {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		var id string
		select {
		case id = <-idle:
		case <-ctx.Done():
			continue
		}
		measured := time.Since(began) > b.warmUp
		g.Go(func() error {
			title, err := b.change(ctx, store, id, n)
			if err != nil {
				return err
			}
			acknowledged := time.Now()
			for {
				got, err := b.title(ctx, id)
				if err != nil {
					return err
				}
				if got == title {
					break
				}
				if time.Since(acknowledged) > 30*time.Second {
					return fmt.Errorf("edit %d of %s was not seen within 30 s", n, id)
				}
				time.Sleep(b.look())
			}
			if measured {
				mu.Lock()
				latencies = append(latencies, time.Since(acknowledged))
				mu.Unlock()
			}
			idle <- id
			return nil
		})
	}
	return latencies, g.Wait()
}

// look is how long is waited between two looks. A section is longer under way, so there are more who look at a time: if they
// looked as often, half of what the machine does would be to answer them.
func (b *bench) look() time.Duration {
	if b.sections {
		return 10 * time.Millisecond
	}
	return 300 * time.Microsecond
}

// change makes an edit, and returns the title that is read because of it.
func (b *bench) change(ctx context.Context, store cms.Store, id string, n int) (string, error) {
	if !b.sections {
		title := fmt.Sprintf("Edit %d", n)
		return title, store.Set(ctx, "programme", id, bson.D{{Key: "title", Value: title}})
	}
	first, err := b.title(ctx, id)
	if err != nil {
		return "", err
	}
	turn := 0
	if first == newestTitle(0) {
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
