package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"regie/internal/cms"
)

// watch asks both gateways all the time for documents that are edited all the time: the probes.
type watch struct {
	mu      sync.Mutex
	outages []outage
	answers []answer
	// edits are each probe's, in their order.
	edits [][]probeEdit
	// latest is the newest edit of each probe that a gateway has answered with; olderAnswers counts answers that fell behind it.
	latest       map[string][]int
	olderAnswers int
	writeFailed  int
	// writes are how long each edit took the CMS.
	writes []gap
}

// outage is from a kill to when its victim was ready again.
type outage struct {
	label       string
	from, until time.Time
}

// answer is what became of asking a gateway.
type answer struct {
	gateway string
	// at is when it was complete or given up.
	at time.Time
	// ok: without an error; whole: with every probe in it, too.
	ok, whole bool
}

// probeEdit is when the CMS acknowledged an edit, and when a gateway answered with it or a later one.
type probeEdit struct {
	acknowledged, seen time.Time
}

// How often a gateway is asked, and each probe edited.
const (
	askEvery   = 50 * time.Millisecond
	probeEvery = time.Second
)

// probes, of two collections and enough of them to be of both instances of each role.
const probesOfEach = 4

type probe struct {
	collection string
	doc        document
}

func newProbes() []probe {
	var out []probe
	for n := range 2 * probesOfEach {
		p := probe{"programme", document{Kind: "SERIES"}}
		if n >= probesOfEach {
			p = probe{"video", document{Kind: "REPLAY", Programme: "probe-0"}}
		}
		p.doc.ID = fmt.Sprint("probe-", n)
		p.doc.Slug, p.doc.Title = p.doc.ID, "0"
		p.doc.CreatedAt = epoch.Add(-time.Duration(n+1) * time.Hour)
		p.doc.PublishedAt = p.doc.CreatedAt
		p.doc.Images = []picture{{"THUMBNAIL", "/images/probe.jpg"}}
		out = append(out, p)
	}
	return out
}

func newWatch(probes []probe) *watch {
	return &watch{edits: make([][]probeEdit, len(probes)), latest: map[string][]int{}}
}

// run edits and asks until ctx is done.
func (w *watch) run(ctx context.Context, store cms.Store, probes []probe, gateways []*instance) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, i := range gateways {
		w.latest[i.name] = make([]int, len(probes))
		g.Go(func() error { w.ask(ctx, i, probes); return nil })
	}
	g.Go(func() error { return w.edit(ctx, store, probes) })
	g.Go(func() error { w.notice(ctx); return nil })
	return g.Wait()
}

// notice notes when this program itself did not get on: what is measured meanwhile says nothing of what was killed.
func (w *watch) notice(ctx context.Context) {
	const late = time.Second
	for last := time.Now(); pause(ctx, askEvery) == nil; last = time.Now() {
		if now := time.Now(); now.Sub(last) > late {
			w.down(stoodStill, last, now)
		}
	}
}

// edit gives the probes the titles 1, 2, ...
func (w *watch) edit(ctx context.Context, store cms.Store, probes []probe) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		for i, p := range probes {
			e := edit{collection: p.collection, id: p.doc.ID, set: bson.D{{Key: "title", Value: fmt.Sprint(n)}}}
			began := time.Now()
			failures, err := e.retry(ctx, store)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			now := time.Now()
			w.mu.Lock()
			w.writeFailed += failures
			w.writes = append(w.writes, gap{began, now})
			w.edits[i] = append(w.edits[i], probeEdit{acknowledged: now})
			w.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *watch) ask(ctx context.Context, gateway *instance, probes []probe) {
	query := probeQuery(probes)
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		var titles map[string]*struct{ Title string }
		err := ask(ctx, client, "http://"+gateway.site+"/query", query, &titles)
		if ctx.Err() != nil {
			return
		}
		w.note(gateway.name, time.Now(), err, titles, len(probes))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func probeQuery(probes []probe) string {
	var query strings.Builder
	for i, p := range probes {
		fmt.Fprintf(&query, " p%d: %s(by: {id: %q}) { title }", i, p.collection, p.collection+":"+p.doc.ID)
	}
	return "{" + query.String() + " }"
}

func (w *watch) note(gateway string, at time.Time, err error, titles map[string]*struct{ Title string }, probes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := answer{gateway: gateway, at: at, ok: err == nil, whole: err == nil}
	for i := range probes {
		p := titles[fmt.Sprint("p", i)]
		var n int
		if p == nil {
			a.whole = false
			continue
		}
		if _, err := fmt.Sscan(p.Title, &n); err != nil {
			continue // not a title of ours: the comparison at the end tells
		}
		if n < w.latest[gateway][i] {
			w.olderAnswers++
		}
		w.latest[gateway][i] = n
		// The acknowledgement of the last one may be under way.
		edits := w.edits[i][:min(n, len(w.edits[i]))]
		for k := len(edits) - 1; k >= 0 && edits[k].seen.IsZero(); k-- {
			edits[k].seen = at
		}
	}
	w.answers = append(w.answers, a)
}

// down notes an outage.
func (w *watch) down(label string, from, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outages = append(w.outages, outage{label, from, until})
}

// gap is a time in which something was not to be had.
type gap struct{ from, until time.Time }

func (g gap) length() time.Duration { return g.until.Sub(g.from) }

// gaps are the times between answers that were good enough, with one among them that was not. Answers of which among says
// no are none.
func (w *watch) gaps(among, good func(answer) bool) []gap {
	answers := slices.Clone(w.answers)
	slices.SortStableFunc(answers, func(a, b answer) int { return a.at.Compare(b.at) })
	var out []gap
	var last time.Time
	failed := false
	for _, a := range answers {
		switch {
		case !among(a):
		case !good(a):
			failed = true
		default:
			if failed && !last.IsZero() {
				out = append(out, gap{last, a.at})
			}
			last, failed = a.at, false
		}
	}
	if failed && len(answers) > 0 { // and it did not come back
		out = append(out, gap{last, answers[len(answers)-1].at})
	}
	return out
}

// unseen are the times from the acknowledgement of each edit until it was seen.
func (w *watch) unseen() []gap {
	var out []gap
	for _, edits := range w.edits {
		for _, e := range edits {
			if e.seen.IsZero() {
				continue // the comparison at the end tells
			}
			out = append(out, gap{e.acknowledged, maxTime(e.acknowledged, e.seen)})
		}
	}
	return out
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
