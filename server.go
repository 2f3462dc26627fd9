// Regie is the real-time backend of a video-on-demand broadcaster. See README.md.
//
// This file starts the process: what its roles share, and in which order they end. It and those beside it alone import
// everything and know what is embedded.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"regie/ingest/capture"
	"regie/ingest/persist"
	"regie/ingest/project"
	"regie/ingest/recommend"
	"regie/ingest/schedule"
	"regie/ingest/transform"
	"regie/internal/admin"
	"regie/internal/catalog"
	"regie/internal/cli"
	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/embedded"
	"regie/internal/grpcserver"
	"regie/internal/httpserver"
	"regie/internal/identity"
	schedules "regie/internal/schedule"
	"regie/internal/stream"
	"regie/internal/supervise"
	"regie/internal/telemetry"
	"regie/internal/trend"
	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Environ(), cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "regie: %v\n", err)
		os.Exit(1)
	}
}

// run is the program: it returns when its command is done or, for a server, some time after ctx is.
func run(ctx context.Context, args, env []string, std cli.IO) error {
	c, chosen, err := parse(args, env, std.Out)
	if errors.Is(err, errHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if chosen.Command() == "run" {
		return serve(ctx, c, std)
	}
	return c.do(ctx, chosen, std)
}

// process is what the roles of one process share.
type process struct {
	*config
	std     cli.IO
	log     *slog.Logger
	began   time.Time
	metrics *prometheus.Registry
	traces  trace.TracerProvider // nil when none are exported
	checks  admin.Checks
	// identity verifies viewers' tokens.
	identity *identity.Verifier

	pages, ops, rpc net.Listener
	servers         *embedded.Servers // nil on real ones
	cluster         *stream.Cluster
	catalog         *catalog.Catalog
	state           *catalog.Catalog // of the role recommend
	trends          *trend.Trend
	schedules       *schedules.Index
	source          cms.Source
	users           usersStore
	userAPI         *users.Service           // of the role users
	viewers         userv1.UserServiceClient // by which the gateway asks it
	inside          *bufconn.Listener        // in the same process
	scheduleAPI     *schedules.Service       // of the role schedule
	calls           *grpcserver.Metrics
	tls             *tls.Config  // of --grpc; nil in plain text
	editor          http.Handler // of the embedded CMS
	firstStart      bool         // of the embedded default: its topics are empty
	// leaving is done when the process is to stop, and still answers for a while.
	leaving context.Context
	leave   context.CancelFunc
	// closers give back what was opened, last first, once every part has ended.
	mu      sync.Mutex
	closers []func() error
}

// stopLimit is how long the parts have to end, once the process has stopped to answer.
const stopLimit = 20 * time.Second

// serve runs the roles until ctx is done, or until one of them fails.
func serve(ctx context.Context, c *config, std cli.IO) error {
	p := &process{config: c, std: std, log: c.logger(std.Err), began: time.Now(), metrics: prometheus.NewRegistry()}
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.leaving, p.leave = context.WithCancel(context.WithoutCancel(ctx))
	defer p.leave()
	if err := p.open(ctx); err != nil {
		return errors.Join(err, p.close())
	}
	return supervise.Run(ctx, p.parts(), p.drained, stopLimit, p.part("process"))
}

// drained turns readiness off, and returns when those who go by it have had the time to see it.
func (p *process) drained() {
	p.checks.Set("process", waiting("is stopping"))
	p.leave()
	time.Sleep(p.drain())
}

func (p *process) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, end := range slices.Backward(p.closers) {
		err = errors.Join(err, end())
	}
	return err
}

// open opens addresses, embedded servers and clients; real servers are for the roles to wait for. What it opened is in
// closers, also after an error.
func (p *process) open(ctx context.Context) (err error) {
	traces, err := telemetry.Open(ctx, p.config.traces, p.Instance, p.part("telemetry"))
	if err != nil {
		return err
	}
	p.traces = traces.Provider
	p.closeLater(traces.Close) // last: what is closed before may tell something yet
	p.metrics.MustRegister(readiness{p.Run.Role, &p.checks})
	for _, role := range p.Run.Role {
		p.checks.Set(role, waiting("is starting"))
	}
	if p.ops, err = httpserver.Listen("--admin", p.Admin); err != nil && !p.embedded {
		return err
	}
	if err == nil {
		p.closeLater(p.ops.Close)
	}
	inUse := err
	kafka, redis, boot := p.Kafka, p.Redis, ""
	if p.embedded {
		// The folder first: of two processes beside each other, the second is told of the first.
		if p.servers, err = embedded.Open(p.Data, p.part("embedded")); err != nil {
			return err
		}
		p.closeLater(func() error { p.servers.Close(); return nil })
		if inUse != nil {
			return inUse
		}
		kafka, redis = p.servers.Kafka, p.servers.Redis
		// The embedded broker never aborts what a killed process left open, so each start has ids of its own.
		boot = strconv.FormatInt(p.began.UnixMilli(), 36)
		if err := p.openEmbeddedCMS(ctx); err != nil {
			return err
		}
	}
	p.openIdentity()
	if p.has("gateway") {
		if p.pages, err = httpserver.Listen("--http", p.HTTP); err != nil {
			return err
		}
		p.closeLater(p.pages.Close)
	}
	if p.has("gateway") || p.has(users.Role) || p.has(schedule.Role) {
		if p.rpc, err = httpserver.Listen("--grpc", p.GRPC); err != nil {
			return err
		}
		p.closeLater(p.rpc.Close)
	}
	if p.needs("redis") {
		catalog.LogTo(p.part("redis"))
		client, err := catalog.Connect(redis)
		if err != nil {
			return err
		}
		p.closeLater(client.Close)
		telemetry.WatchRedis(client, p.metrics)
		p.catalog, p.trends = catalog.New(client, p.Project+":2"), trend.New(client, p.Project+":2")
		p.state = catalog.New(client, p.Project+":recommend:1")
		p.schedules = schedules.NewIndex(client, p.Project+":2")
	}
	if p.needs("dynamodb") {
		if err := p.openUsers(ctx); err != nil {
			return err
		}
	}
	if p.needs("kafka") {
		if p.cluster, err = p.connect(kafka, stream.Config{Boot: boot, Metrics: stream.NewMetrics(p.metrics), Traces: p.traces, Log: p.log}); err != nil {
			return err
		}
		p.closeLater(func() error { p.cluster.Close(); return nil })
		if p.embedded {
			if _, err = p.cluster.Apply(ctx, 1); err != nil {
				return err
			}
		}
	}
	if err := p.openScheduleAPI(); err != nil {
		return err
	}
	return p.openUserAPI()
}

// openScheduleAPI makes what shows and changes what is pending.
func (p *process) openScheduleAPI() error {
	if !p.has(schedule.Role) {
		return nil
	}
	producer, err := p.cluster.NewProducerWithin(schedules.WriteTime)
	if err != nil {
		return err
	}
	p.closeLater(func() error { producer.Close(); return nil })
	p.scheduleAPI = schedules.NewService(schedules.Config{
		Index: p.schedules, Cluster: p.cluster, Producer: producer, Now: time.Now, Log: p.log.With("role", schedule.Role),
		Operator: func(ctx context.Context) error { return identity.Operator(ctx, p.GRPCServices) },
	})
	return nil
}

// mostWatched are the ids of a programme's videos that sections by that order begin with.
func (p *process) mostWatched(ctx context.Context, programmeIDs []string, now time.Time, n int) ([][]string, error) {
	lists := make([]trend.List, len(programmeIDs))
	for i, id := range programmeIDs {
		lists[i] = trend.List{Kind: trend.Videos, Programme: id, Window: trend.Lately, First: n}
	}
	out := make([][]string, len(lists))
	for i, a := range p.trends.Read(ctx, now, lists) {
		if a.Err != nil {
			return nil, a.Err
		}
		for _, item := range a.Items {
			out[i] = append(out[i], item.ID)
		}
	}
	return out, nil
}

// part is the log of what is no role's: each line of the process has a role or a part.
func (p *process) part(name string) *slog.Logger { return p.log.With("part", name) }

func (p *process) closeLater(end func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closers = append(p.closers, func() error {
		if err := end(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
}

// openEmbeddedCMS opens the CMS's file, which the first start fills with the demonstration catalogue.
func (p *process) openEmbeddedCMS(ctx context.Context) error {
	store, err := cms.OpenBolt(p.Data, time.Now)
	if err != nil {
		return err
	}
	p.closeLater(store.Close)
	p.source, p.editor = store, cms.Handler(store, store, p.part("cms"))
	if p.secret == "" {
		if p.secret, err = embedded.Secret(p.Data, embedded.CursorSecret); err != nil {
			return err
		}
	}
	if p.jwtSecret == "" && p.JWKS == "" {
		if p.jwtSecret, err = embedded.Secret(p.Data, embedded.TokenSecret); err != nil {
			return err
		}
	}
	const mark = "demonstration catalogue"
	done, err := store.Marked(mark)
	if err != nil {
		return err
	}
	if !done {
		p.firstStart = true
		n, err := demo.Fill(ctx, store)
		if err != nil {
			return fmt.Errorf("importing the demonstration catalogue: %w", err)
		}
		_, _ = fmt.Fprintf(p.std.Out, "First start: %d documents of the demonstration catalogue imported into %s.\n", n, p.Data)
		if err := store.Mark(mark); err != nil {
			return err
		}
	}
	// Nobody can edit yet.
	if after := p.opens(); after > 0 {
		_, err = demo.Open(ctx, store, p.began.Add(after).Truncate(time.Second))
	}
	return err
}

// pretend has pretend viewers watch the demonstration once the process is ready.
func (p *process) pretend(ctx context.Context) error {
	log := p.part("demo traffic")
	if p.poll(ctx, func() bool { _, ok := p.checks.Ready(ctx); return ok }) != nil {
		return nil
	}
	if p.jwtSecret == "" {
		log.Info("no pretend viewers: only the issuer of --jwks can sign for them")
		<-ctx.Done()
		return nil
	}
	traffic := demo.Traffic{Users: p.viewers, Log: log, As: func(ctx context.Context, user string) (context.Context, error) {
		token, err := identity.Sign([]byte(p.jwtSecret), p.JWTIssuer, p.JWTAudience, user, time.Minute)
		return metadata.AppendToOutgoingContext(ctx, identity.MetadataToken, "Bearer "+token), err
	}}
	return traffic.Run(ctx)
}

// openIdentity makes what verifies viewers' tokens.
func (p *process) openIdentity() {
	cfg := identity.Config{Issuer: p.JWTIssuer, Audience: p.JWTAudience, Secret: []byte(p.jwtSecret), Metrics: identity.NewMetrics(p.metrics)}
	if p.JWKS != "" {
		cfg.Keys = identity.NewKeys(p.JWKS, cfg.Metrics, p.part("identity"))
	}
	if p.jwtSecret != "" && !p.embedded {
		p.part("identity").Warn("tokens signed by a shared secret are taken: whoever has it is any viewer; for development only")
	}
	p.identity = identity.New(cfg)
}

// parts are what runs, in the order in which it is stopped: who answers, whom they ask, who works, what they need.
func (p *process) parts() []supervise.Tier {
	answer, work := supervise.Tier{}, supervise.Tier{}
	for role, run := range map[string]func(context.Context) error{
		capture.Role: p.capture, transform.Role: p.transform, recommend.Role: p.recommend, project.Role: p.project,
		persist.Role: p.persist, "trend": p.trend, schedule.Role: p.schedule,
	} {
		if p.has(role) {
			work[role] = run
			p.checks.SetLive(role, func() error { return p.cluster.Stuck(role) })
		}
	}
	if p.has("gateway") {
		answer["gateway"] = p.gateway
	}
	if p.pretends() {
		answer["demo traffic"] = p.pretend
	}
	if p.rpc != nil {
		answer["grpc"] = p.grpc
	}
	asked := supervise.Tier{}
	if p.has(users.Role) {
		asked[users.Role] = p.runUsers
	}
	need := supervise.Tier{"announcement": p.announce, "identity": p.identity.Run, "admin": func(ctx context.Context) error {
		return httpserver.Run(ctx, ctx, p.ops, p.operators(), p.part("admin"))
	}}
	if p.servers != nil {
		need["embedded servers"] = p.servers.Run
	}
	return []supervise.Tier{answer, asked, work, need, {"connections": func(ctx context.Context) error { <-ctx.Done(); return p.close() }}}
}

// operators is what the admin address serves.
func (p *process) operators() http.Handler {
	handler := admin.Handler(p.metrics, &p.checks, p.editor)
	if p.userAPI == nil {
		return handler
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle(users.ImportPath, http.NewCrossOriginProtection().Handler(users.ImportHandler(p.userAPI, func(ctx context.Context) error {
		if parts, ok := p.checks.Ready(ctx); !ok {
			return fmt.Errorf("the process is not ready: %v", parts)
		}
		return nil
	}, p.log.With("role", users.Role))))
	return mux
}

// await returns when a role of this process is ready, or with an error when ctx is done first.
func (p *process) await(ctx context.Context, role string) error {
	return p.poll(ctx, func() bool { return p.checks.Check(ctx, role) == nil })
}

// poll asks until the answer is yes, or returns an error when ctx is done first.
func (p *process) poll(ctx context.Context, ask func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// announce says when the process is ready, and where.
func (p *process) announce(ctx context.Context) error {
	if p.poll(ctx, func() bool { _, ok := p.checks.Ready(ctx); return ok }) != nil {
		return nil
	}
	took := time.Since(p.began).Round(10 * time.Millisecond)
	if !p.embedded {
		p.part("process").Info("ready", "roles", strings.Join(p.Run.Role, ","), "took", took.String(), "admin", p.ops.Addr().String())
		<-ctx.Done()
		return nil
	}
	elsewhere := ""
	if address := p.ops.Addr().String(); address != defaultAdmin {
		elsewhere = " --admin " + address
	}
	pretended := ""
	if p.pretends() {
		pretended = fmt.Sprintf("Watched by %d pretend viewers, for trends to move: --no-demo-traffic keeps them away.\n", demo.PretendViewers)
	}
	site, ops := "http://"+p.pages.Addr().String(), "http://"+p.ops.Addr().String()
	_, _ = fmt.Fprintf(p.std.Out, `Regie is ready after %s: every role, on embedded servers that keep their data in %s.

  %s/            the catalogue, with an editor's form
  %s/developers  freshness, queries to try, addresses; /graphiql has GraphiQL
  %s/query       GraphQL for the web; /query/mobile and /query/iptv for the other screens
  %s             gRPC for other back ends
  %s/metrics     metrics; also /readyz, /livez, /debug/pprof

Edit something: go run . cms set programme SLUG title='A new title'%s
%sStop with Ctrl-C.
`, took, p.Data, site, site, site, p.rpc.Addr().String(), ops, elsewhere, pretended)
	<-ctx.Done()
	return nil
}
