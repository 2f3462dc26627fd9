// Chaos breaks the real things while editors work, and then compares every screen with the CMS.
//
//	editors --> MongoDB x3 --> capture x2 --> Kafka x3 --> transform x2 --> Kafka --> project x2 --> Redis x2
//	                                                                       |    ^                      |
//	                                           schedule x2 <--> recommend x2 <--'                      |
//	                                             readers, comparison <------- gateway x2 <-------------+
//
// Each of these is a process of its own, and is killed with kill -9, at times and in an order that a seed determines, as it
// does the edits. A killed one comes back after a while. In the end nothing that the CMS has may be lost and nothing that a
// screen shows may be stale.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"regie/internal/cms"
	"regie/internal/stream"
)

func main() {
	var c campaign
	seed := flag.Uint64("seed", 0, "of what is killed when and which edits are made; 0: a new one")
	duration := flag.Duration("duration", 10*time.Minute, "how long things are killed and edited")
	kills := flag.Int("kills", 50, "how often an instance of a role is killed; two brokers, Redis twice and MongoDB's primary once are, too")
	flag.IntVar(&c.rate, "rate", 20, "edits a second, besides those that are timed")
	flag.StringVar(&c.logs, "logs", "", "directory for the roles' logs; left out: a new one, which stays after a failure alone")
	flag.Parse()
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	if *duration <= 0 || *kills < 0 || c.rate <= 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "chaos: --duration and --rate are positive, --kills is not negative, and there are no arguments")
		os.Exit(2)
	}
	c.plan = newPlan(*seed, *duration, *kills)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := c.run(ctx)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		os.Exit(1)
	}
}

const (
	project = "chaos"
	// readyWithin is how long the roles may take when all is up again.
	readyWithin = 4 * time.Minute
	// often is how many comparisons, a second apart, may fail.
	often = 60
	// steady is how long equal is to stay equal.
	steady = 3 * time.Second
	// calm is how long before they open or close the last windows are given, when nothing else happens any more.
	calm, lastWindows = 3 * time.Second, 40
)

type campaign struct {
	plan plan
	rate int
	logs string

	dir       string // of what is gone afterwards
	servers   *servers
	store     *cms.Mongo
	instances []*instance
	editors   *editors
	probes    []probe
	watch     *watch
	began     time.Time

	edits, failures, kills atomic.Int64
}

func (c *campaign) binary() string { return filepath.Join(c.dir, "regie") }

func (c *campaign) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "REGIE_") })
	env = append(env, c.servers.environment...)
	return append(env, "REGIE_PROJECT="+project, "REGIE_MONGODB_DATABASE="+project, "REGIE_SECRET=chaos")
}

func (c *campaign) say(format string, args ...any) {
	fmt.Printf("%8.1f s  %s\n", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// run is the whole campaign. All that it starts has ended when it returns.
func (c *campaign) run(ctx context.Context) (err error) {
	c.began = time.Now()
	fmt.Printf("Seed %d, %s: repeat it with ARGS=\"--seed %d --duration %s --kills %d --rate %d\".\n",
		c.plan.seed, c.plan.duration, c.plan.seed, c.plan.duration, len(c.plan.roles), c.rate)
	if c.dir, err = os.MkdirTemp("", "chaos"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	if c.logs == "" {
		if c.logs, err = os.MkdirTemp("", "chaos-logs"); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				err = os.RemoveAll(c.logs)
				return
			}
			fmt.Printf("The roles' logs are in %s.\n", c.logs)
		}()
	} else if err := os.MkdirAll(c.logs, 0o755); err != nil {
		return err
	}
	c.servers, err = startServers(ctx, filepath.Join(c.dir, "servers"))
	defer func() { err = errors.Join(err, c.servers.stop()) }()
	if err != nil {
		return err
	}
	c.say("servers are ready")
	if err := c.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.store.Close(context.WithoutCancel(ctx))) }()
	return c.withRoles(ctx)
}

// prepare builds the program, makes topics and indexes, and fills the CMS.
func (c *campaign) prepare(ctx context.Context) (err error) {
	if err := c.command(ctx, "go", "build", "-o", c.binary(), "."); err != nil {
		return err
	}
	if err := c.command(ctx, c.binary(), "topics", "apply", "--replication", "3"); err != nil {
		return err
	}
	if c.store, err = cms.OpenMongo(ctx, c.servers.address("MONGODB"), project); err != nil {
		return err
	}
	if err := c.fill(ctx); err != nil {
		return errors.Join(err, c.store.Close(context.WithoutCancel(ctx)))
	}
	for _, role := range roles {
		for _, name := range instances {
			i, err := newInstance(c, role, name)
			if err != nil {
				return err
			}
			c.instances = append(c.instances, i)
		}
	}
	return nil
}

func (c *campaign) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stderr = c.environment(), os.Stderr
	apart(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

func (c *campaign) fill(ctx context.Context) error {
	if err := c.store.Index(ctx, stream.Collections()); err != nil {
		return err
	}
	c.editors, c.probes = newEditors(c.plan), newProbes()
	edits := c.editors.first()
	for _, p := range c.probes {
		edits = append(edits, edit{collection: p.collection, id: p.doc.ID, put: &p.doc})
	}
	for _, e := range edits {
		if err := e.apply(ctx, c.store); err != nil {
			return err
		}
	}
	c.say("the CMS has %d documents", len(edits))
	return nil
}

// withRoles runs the roles for as long as things are killed and compared.
func (c *campaign) withRoles(ctx context.Context) error {
	rolesCtx, stop := context.WithCancel(ctx)
	roles, rolesCtx := errgroup.WithContext(rolesCtx)
	for _, i := range c.instances {
		roles.Go(func() error { return i.run(rolesCtx) })
	}
	differences, err := c.campaign(rolesCtx)
	stop()
	if roleErr := roles.Wait(); ctx.Err() == nil {
		err = errors.Join(err, roleErr)
	}
	c.tell()
	if err != nil {
		return err
	}
	if n := len(differences); n > 0 {
		return fmt.Errorf("%d differences between the screens and the CMS", n)
	}
	return nil
}

func (c *campaign) campaign(ctx context.Context) ([]difference, error) {
	if err := c.allReady(ctx); err != nil {
		return nil, err
	}
	if ds, err := c.compareUntilEqual(ctx); err != nil || len(ds) > 0 {
		return ds, errors.Join(err, errors.New("the screens did not show the CMS before anything was killed"))
	}
	c.say("all roles are ready, and every screen shows what the CMS has; now it begins")
	if err := c.havoc(ctx); err != nil {
		return nil, err
	}
	if err := c.allReady(ctx); err != nil {
		return nil, err
	}
	c.say("all is up again, nobody edits any more")
	if ds, err := c.untilEqual(ctx); err != nil || len(ds) > 0 {
		return ds, err
	}
	if err := c.onTime(ctx); err != nil {
		return nil, err
	}
	c.say("every screen shows what the CMS has, and %d windows have opened or closed", lastWindows)
	return c.compareUntilEqual(ctx)
}

// onTime has windows open and close when nothing else happens any more: the scheduler alone tells of it.
func (c *campaign) onTime(ctx context.Context) error {
	for range lastWindows {
		for _, e := range c.editors.window(time.Now().Add(calm)) {
			// The editors' last thought may not have become an edit.
			if _, err := e.retry(ctx, c.store); err != nil && !errors.Is(err, cms.ErrNotFound) {
				return err
			}
		}
	}
	return pause(ctx, calm)
}

// allReady waits until every instance is.
func (c *campaign) allReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for _, i := range c.instances {
		if err := i.awaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// havoc edits, reads and kills for the plan's time.
func (c *campaign) havoc(ctx context.Context) error {
	start := time.Now()
	c.watch, c.editors.began = newWatch(c.probes), start
	g, ctx := errgroup.WithContext(ctx)
	// Readers and editors go on until the last kill is over.
	editing, stop := context.WithCancel(ctx)
	g.Go(func() error { return c.edit(editing) })
	g.Go(func() error { return c.watch.run(editing, c.store, c.probes, c.instances[len(c.instances)-2:]) })
	g.Go(func() error {
		defer stop()
		kills, ctx := errgroup.WithContext(ctx)
		kills.Go(func() error { return c.killRoles(ctx, start) })
		kills.Go(func() error { return c.killServers(ctx, start) })
		kills.Go(func() error { return until(ctx, start.Add(c.plan.duration)) })
		return kills.Wait()
	})
	return g.Wait()
}

func until(ctx context.Context, at time.Time) error { return pause(ctx, time.Until(at)) }

func (c *campaign) edit(ctx context.Context) error {
	tick := time.NewTicker(time.Second / time.Duration(c.rate))
	defer tick.Stop()
	for {
		for _, e := range c.editors.next() {
			failures, err := e.retry(ctx, c.store)
			c.failures.Add(int64(failures))
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			c.edits.Add(1)
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

func (c *campaign) killRoles(ctx context.Context, start time.Time) error {
	var waits sync.WaitGroup
	defer waits.Wait()
	for _, k := range c.plan.roles {
		if err := until(ctx, start.Add(k.at)); err != nil {
			return err
		}
		i := c.instances[2*slices.Index(roles, k.victim)+k.which]
		at, err := i.kill(ctx, k.pause)
		if err != nil {
			return fmt.Errorf("killing %s: %w", i, err)
		}
		c.kills.Add(1)
		c.say("kill -9  %s", k)
		waits.Go(func() {
			ready, cancel := context.WithTimeout(ctx, readyWithin)
			defer cancel()
			if i.awaitReady(ready) == nil {
				c.watch.down(k.label(), at, time.Now())
			}
		})
	}
	return nil
}

func (c *campaign) killServers(ctx context.Context, start time.Time) error {
	for _, k := range c.plan.servers {
		if err := until(ctx, start.Add(k.at)); err != nil {
			return err
		}
		from, until, err := c.servers.strike(ctx, k, func(s string) { c.say("%s", s) })
		if err != nil {
			return err
		}
		c.kills.Add(1)
		c.watch.down(k.label(), from, until)
	}
	return nil
}

// untilEqual compares until nothing differs, or until it has tried often enough.
func (c *campaign) untilEqual(ctx context.Context) ([]difference, error) {
	ds, _, err := c.compareUntil(ctx, func(ds []difference) bool { return len(ds) == 0 })
	if err != nil || len(ds) > 0 {
		c.show(ctx, ds)
	}
	return ds, err
}

// compareUntil compares until it can and that is enough, or until it has tried often enough: on a busy machine a gateway may say
// that it could not ask.
func (c *campaign) compareUntil(ctx context.Context, enough func([]difference) bool) ([]difference, int, error) {
	for try := 1; ; try++ {
		ds, n, err := c.compare(ctx)
		if err == nil && enough(ds) || try == often || ctx.Err() != nil {
			return ds, n, err
		}
		if err := pause(ctx, time.Second); err != nil {
			return nil, 0, err
		}
	}
}

// compareUntilEqual is untilEqual, and compares again after a while.
func (c *campaign) compareUntilEqual(ctx context.Context) ([]difference, error) {
	began := time.Now()
	if ds, err := c.untilEqual(ctx); err != nil || len(ds) > 0 {
		return ds, err
	}
	took := time.Since(began)
	if err := pause(ctx, steady); err != nil {
		return nil, err
	}
	ds, n, err := c.compareUntil(ctx, func([]difference) bool { return true })
	if err != nil {
		return nil, err
	}
	if len(ds) == 0 {
		c.say("compared %d answers: 0 lost, 0 stale; equal after %.1f s, and again %s later", n, took.Seconds(), steady)
	}
	c.show(ctx, ds)
	return ds, nil
}

func (c *campaign) compare(ctx context.Context) ([]difference, int, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	want, err := readDocuments(ctx, c.store, stream.Collections())
	if err != nil {
		return nil, 0, err
	}
	p := comparison{
		want: want, ids: map[string][]string{}, slugs: map[string][]string{}, gateways: c.instances[len(c.instances)-2:],
		http: &http.Client{Timeout: 10 * time.Second},
	}
	ever := map[string]map[string]bool{}
	for _, collection := range stream.Collections() {
		ever[collection] = map[string]bool{}
		for id := range want[collection] {
			ever[collection][id] = true
		}
		for _, d := range slices.Concat(c.editors.alive[collection], c.editors.gone[collection]) {
			ever[collection][d.ID] = true
		}
		p.ids[collection] = slices.Sorted(maps.Keys(ever[collection]))
		if of := c.editors.slugs[collection]; of != nil {
			p.slugs[collection] = slices.Sorted(maps.Keys(of))
		}
	}
	for a := range c.editors.addresses {
		p.addresses = append(p.addresses, a)
	}
	if err := p.run(ctx); err != nil {
		return nil, 0, err
	}
	return p.differences, p.compared, nil
}

// show prints the first differences, and what the topics have of their documents.
func (c *campaign) show(ctx context.Context, ds []difference) {
	const most = 20
	if len(ds) > 0 {
		lost, stale := count(ds)
		c.say("%d lost, %d stale", lost, stale)
	}
	ids := map[string]map[string]string{}
	for _, d := range ds[:min(most, len(ds))] {
		kind := "stale"
		if d.lost {
			kind = "lost"
		}
		fmt.Printf("  %-5s  %s\n", kind, oneLine(d.what, 400))
		if d.id != "" {
			if ids[d.collection] == nil {
				ids[d.collection] = map[string]string{}
			}
			ids[d.collection][d.id] = ""
		}
	}
	if len(ds) > most {
		fmt.Printf("  and %d more\n", len(ds)-most)
	}
	for _, collection := range slices.Sorted(maps.Keys(ids)) {
		if err := c.trace(ctx, collection, ids[collection]); err != nil {
			fmt.Printf("    reading the topics of %s: %v\n", collection, err)
		}
	}
}

// tell prints what was measured.
func (c *campaign) tell() {
	if c.watch == nil {
		return
	}
	fmt.Printf("\n%d kills, %d edits and %d of the timed ones; %d writes to the CMS were tried again.\n\n", c.kills.Load(), c.edits.Load(), len(c.watch.unseen()), c.failures.Load()+int64(c.watch.writeFailed))
	c.watch.report(os.Stdout)
	for _, i := range c.instances {
		for _, how := range i.ended {
			fmt.Printf("%s ended by itself: %s\n", i, oneLine(how, 300))
		}
	}
}
