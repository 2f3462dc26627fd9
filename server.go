// Regie is the real-time backend of a video-on-demand broadcaster. See README.md.
//
// This file wires the roles together; it alone knows what is embedded.
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
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"regie/graph"
	"regie/ingest/capture"
	"regie/ingest/persist"
	"regie/ingest/project"
	"regie/ingest/transform"
	"regie/internal/admin"
	"regie/internal/catalog"
	"regie/internal/catalogapi"
	"regie/internal/cli"
	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/embedded"
	"regie/internal/grpcserver"
	"regie/internal/httpserver"
	"regie/internal/identity"
	"regie/internal/stream"
	"regie/internal/supervise"
	"regie/internal/telemetry"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	"regie/internal/users/dynamostore"
	"regie/loaders"
	userv1 "regie/proto/user/v1"
	"regie/resolvers"
	"regie/web"
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
	command := chosen.Command()
	switch command {
	case "run":
		return serve(ctx, c, std)
	case "completion", "completion <shell>":
		return chosen.Run()
	case "version":
		_, err := fmt.Fprintln(std.Out, version())
		return err
	case "token":
		secret, err := c.tokenSecret()
		if err != nil {
			return err
		}
		return cli.Token(std, secret, c.JWTIssuer, c.JWTAudience, c.Token.User, c.Token.TTL)
	case "import users <file>":
		f := c.Import.Users
		return cli.ImportUsers(ctx, std, users.NewRemoteImport(c.Admin), cli.UsersFile{File: f.File, Errors: f.Errors, Restart: f.Restart})
	case "topics apply", "topics check":
		cluster, err := c.connect(c.Kafka, stream.Config{Log: c.logger(std.Err)})
		if err != nil {
			return err
		}
		defer cluster.Close()
		if command == "topics check" {
			return cluster.Check(ctx)
		}
		created, err := cluster.Apply(ctx, c.Topics.Apply.Replication)
		for _, t := range created {
			_, _ = fmt.Fprintf(std.Out, "created %s\n", t)
		}
		return err
	case "tables apply", "tables check":
		table, err := c.table(ctx)
		if err != nil {
			return err
		}
		if command == "tables check" {
			return table.CheckTable(ctx)
		}
		did, err := table.ApplyTable(ctx, c.capacity)
		for _, d := range did {
			_, _ = fmt.Fprintln(std.Out, d)
		}
		return err
	}
	return c.edit(ctx, command, std)
}

// edit runs a command on the CMS: a MongoDB's, or the embedded one of a running process.
func (c *config) edit(ctx context.Context, command string, std cli.IO) error {
	var store interface {
		cms.Store
		cli.Documents
	} = cms.NewRemote(c.Admin)
	if c.Mongodb != "" {
		m, err := cms.OpenMongo(ctx, c.Mongodb, c.MongodbDatabase)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close(context.WithoutCancel(ctx)) }()
		if err := m.Index(ctx, stream.Collections()); err != nil {
			return err
		}
		store = m
	}
	switch command {
	case "import titles <file>":
		return cli.Import(ctx, std, store, c.Import.Titles.File)
	case "cms get <collection> <slug-or-id>":
		return cli.Get(ctx, std, store, c.CMS.Get.Collection, c.CMS.Get.Ref)
	case "cms set <collection> <slug-or-id> <assignment>":
		return cli.Set(ctx, std, store, c.CMS.Set.Collection, c.CMS.Set.Ref, c.CMS.Set.Assignments)
	case "cms put <collection>", "cms put <collection> <file>":
		return cli.Put(ctx, std, store, c.CMS.Put.Collection, c.CMS.Put.File)
	case "cms export <collection>":
		return cli.Export(ctx, std, store, c.CMS.Export.Collection)
	case "cms delete <collection> <slug-or-id>":
		return cli.Delete(ctx, std, store, c.CMS.Delete.Collection, c.CMS.Delete.Ref)
	}
	return fmt.Errorf("the command %q is not wired", command)
}

// table makes a client of DynamoDB as the flags name it. It asks nothing yet.
func (c *config) table(ctx context.Context) (*dynamostore.Store, error) {
	return dynamostore.Open(ctx, dynamostore.Config{Address: c.Dynamodb, Table: c.DynamodbTable, Now: time.Now})
}

// connect makes clients of Kafka as the flags name it, and cfg says the rest. It does no I/O yet.
func (c *config) connect(brokers string, cfg stream.Config) (*stream.Cluster, error) {
	props, err := properties(c.KafkaProperties)
	if err != nil {
		return nil, err
	}
	if brokers == "" {
		return nil, errors.New("--kafka (or REGIE_KAFKA) is missing")
	}
	cfg.Brokers, cfg.Project, cfg.Instance, cfg.Properties, cfg.Leaves = brokers, c.Project, c.Instance, props, c.Leave
	return stream.New(cfg), nil
}

// usersStore is where what viewers did is kept, and whose it is.
type usersStore interface {
	users.Store
	users.Directory
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
	source          cms.Source
	users           usersStore
	userAPI         *users.Service           // of the role users
	viewers         userv1.UserServiceClient // by which the gateway asks it
	inside          *bufconn.Listener        // in the same process
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
	if p.has("gateway") || p.has(users.Role) {
		if p.rpc, err = httpserver.Listen("--grpc", p.GRPC); err != nil {
			return err
		}
		p.closeLater(p.rpc.Close)
	}
	if p.has("project") || p.has("gateway") || p.has(users.Role) {
		catalog.LogTo(p.part("redis"))
		client, err := catalog.Connect(redis)
		if err != nil {
			return err
		}
		p.closeLater(client.Close)
		telemetry.WatchRedis(client, p.metrics)
		p.catalog = catalog.New(client, p.Project+":2")
	}
	if p.has(persist.Role) || p.has(users.Role) {
		if err := p.openUsers(ctx); err != nil {
			return err
		}
	}
	if p.has("capture") || p.has("transform") || p.has("project") || p.has(persist.Role) || p.has(users.Role) {
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
	return p.openUserAPI()
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
	if done, err := store.Marked(mark); done || err != nil {
		return err
	}
	p.firstStart = true
	n, err := demo.Fill(ctx, store)
	if err != nil {
		return fmt.Errorf("importing the demonstration catalogue: %w", err)
	}
	_, _ = fmt.Fprintf(p.std.Out, "First start: %d documents of the demonstration catalogue imported into %s.\n", n, p.Data)
	return store.Mark(mark)
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

// openUsers opens the store of what viewers did, once for all roles.
func (p *process) openUsers(ctx context.Context) error {
	if !p.embedded {
		store, err := p.table(ctx)
		p.users = store
		return err
	}
	store, err := boltstore.Open(p.Data, time.Now)
	if err != nil {
		return err
	}
	p.closeLater(store.Close)
	p.users = store
	return nil
}

// parts are what runs, in the order in which it is stopped: who answers, whom they ask, who works, what they need.
func (p *process) parts() []supervise.Tier {
	answer, work := supervise.Tier{}, supervise.Tier{}
	for role, run := range map[string]func(context.Context) error{capture.Role: p.capture, transform.Role: p.transform, project.Role: p.project, persist.Role: p.persist} {
		if p.has(role) {
			work[role] = run
			p.checks.SetLive(role, func() error { return p.cluster.Stuck(role) })
		}
	}
	if p.has("gateway") {
		answer["gateway"] = p.gateway
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

// reach tries until a role's server answers: one that is away is waited for, as it is later. Its refusal is an error.
func (p *process) reach(ctx context.Context, role, server string, try func(context.Context) error) error {
	p.checks.Set(role, waiting("is waiting for "+server))
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || !stream.Away(err) && !mongo.IsTimeout(err) && !mongo.IsNetworkError(err) && !errors.Is(err, users.ErrUnavailable) {
			return err
		}
		p.checks.Set(role, waiting("is waiting for "+server+": "+err.Error()))
		p.log.Warn("waiting for a server", "role", role, "server", server, "retry_in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// reachKafka waits for Kafka and checks the topics, which the embedded one has.
func (p *process) reachKafka(ctx context.Context, role string) error {
	if p.embedded {
		return nil
	}
	return p.reach(ctx, role, "Kafka at "+p.Kafka, p.cluster.Check)
}

func (p *process) reachMongo(ctx context.Context) error {
	if p.embedded {
		return nil
	}
	return p.reach(ctx, capture.Role, "MongoDB", func(ctx context.Context) error {
		m, err := cms.OpenMongo(ctx, p.Mongodb, p.MongodbDatabase)
		if err != nil {
			return err
		}
		p.closeLater(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			_ = m.Close(ctx) // it says goodbye, which nobody may hear
			return nil
		})
		p.source = m
		return nil
	})
}

// reachUsers waits for DynamoDB and checks the table.
func (p *process) reachUsers(ctx context.Context, role string) error {
	table, ok := p.users.(*dynamostore.Store)
	if !ok {
		return nil
	}
	return p.reach(ctx, role, "DynamoDB at "+p.Dynamodb, table.CheckTable)
}

func (p *process) capture(ctx context.Context) error {
	err := p.reachKafka(ctx, capture.Role)
	if err == nil {
		err = p.reachMongo(ctx)
	}
	if err != nil {
		return unlessDone(ctx, err)
	}
	role := capture.New(p.cluster, p.source, p.log)
	p.checks.Set(capture.Role, waits(role))
	return role.Run(ctx)
}

func (p *process) transform(ctx context.Context) error {
	if err := p.reachKafka(ctx, transform.Role); err != nil {
		return unlessDone(ctx, err)
	}
	sink, err := p.cluster.NewThrough(transform.Outputs(), transform.Transform)
	if err != nil {
		return err
	}
	defer sink.Close()
	return p.consume(ctx, capture.Role, stream.ConsumerConfig{Role: transform.Role, Topics: transform.Inputs(), Sink: sink})
}

func (p *process) project(ctx context.Context) error {
	if err := p.reachKafka(ctx, project.Role); err != nil {
		return unlessDone(ctx, err)
	}
	var screens []string
	for _, s := range catalog.Screens() {
		screens = append(screens, string(s))
	}
	sink := project.New(p.catalog, time.Now, p.log, project.NewMetrics(p.metrics))
	return p.consume(ctx, transform.Role, stream.ConsumerConfig{Role: project.Role, Topics: project.Inputs(), Sink: sink, MaxBatch: project.MaxBatch, Screens: screens})
}

func (p *process) persist(ctx context.Context) error {
	err := p.reachKafka(ctx, persist.Role)
	if err == nil {
		err = p.reachUsers(ctx, persist.Role)
	}
	if err != nil {
		return unlessDone(ctx, err)
	}
	sink := persist.New(p.users, time.Now, p.log, persist.NewMetrics(p.metrics))
	return p.consume(ctx, "", stream.ConsumerConfig{Role: persist.Role, Topics: persist.Inputs(), Sink: sink, MaxBatch: persist.MaxBatch})
}

// consume runs a consumer. On the first start it waits for the role before it, if there is one: an empty topic is read to
// its end at once, and the process would be ready without a catalogue.
func (p *process) consume(ctx context.Context, before string, cfg stream.ConsumerConfig) error {
	if before != "" && p.firstStart && p.await(ctx, before) != nil {
		return nil
	}
	consumer := p.cluster.NewConsumer(cfg)
	p.checks.Set(cfg.Role, waits(consumer))
	return consumer.Run(ctx)
}

// readiness tells as a metric what /readyz does.
type readiness struct {
	roles  []string
	checks *admin.Checks
}

var (
	_ prometheus.Collector = readiness{}

	roleReady = prometheus.NewDesc("regie_role_ready", "1 when the role can do its work, 0 while it waits: /readyz says for what.", []string{"role"}, nil)
)

func (r readiness) Describe(out chan<- *prometheus.Desc) { out <- roleReady }

func (r readiness) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, role := range r.roles {
		v := 0.0
		if r.checks.Check(ctx, role) == nil {
			v = 1
		}
		out <- prometheus.MustNewConstMetric(roleReady, prometheus.GaugeValue, v, role)
	}
}

func waiting(why string) func(context.Context) error {
	return func(context.Context) error { return errors.New(why) }
}

// unlessDone is err, or nil when ctx is done: then that is the reason.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// waits asks a role what it waits for before it can do its work.
func waits(role interface{ Waiting() error }) func(context.Context) error {
	return func(context.Context) error { return role.Waiting() }
}

func (p *process) gateway(ctx context.Context) error {
	if p.embedded && p.await(ctx, project.Role) != nil { // its Redis starts empty: connections wait until it is refilled
		return nil
	}
	p.checks.Set("gateway", p.catalog.Ping)
	log, loads := p.log.With("role", "gateway"), loaders.NewMetrics(p.metrics)
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  &resolvers.Resolver{Cursors: catalog.NewCursors([]byte(p.secret)), Users: p.viewers, Secret: []byte(p.secret)},
		Directives: graph.DirectiveRoot{Authenticated: graph.Authenticated},
	})
	query := graph.Handler(graph.Options{
		Schema: schema, Introspection: p.playground(), Log: log, Metrics: graph.NewMetrics(p.metrics), Traces: p.traces,
		Now: time.Now, Origins: p.CORSOrigin, Authorize: p.identity.Authorize, Extensions: []graphql.HandlerExtension{resolvers.Consistency{}},
		Attach: func(ctx context.Context, view catalog.View) context.Context {
			return loaders.With(ctx, loaders.New(p.catalog, view, loaders.Gather).Ask(p.viewers).Tell(loads))
		},
		Answered: func(ctx context.Context) { loaders.From(ctx).Answered() },
	})
	mux := http.NewServeMux()
	mux.Handle("/query", query)
	mux.Handle("/query/", query)
	mux.Handle("GET /freshness", graph.Edits(ctx, p.catalog))
	mux.Handle("GET /posters/", demo.Posters())
	pages := web.Config{GraphiQL: p.playground()}
	if p.embedded { // elsewhere, operators' addresses and the editors' CMS are nothing for the public's pages
		pages.AdminURL = "http://" + p.ops.Addr().String()
		pages.Editor = true
		mux.Handle("/cms/", http.NewCrossOriginProtection().Handler(p.editor))
		if pages.SignIn = p.jwtSecret != ""; pages.SignIn { // not with an issuer's keys alone
			mux.Handle("POST /sign-in", http.NewCrossOriginProtection().Handler(identity.SignIn([]byte(p.jwtSecret), p.JWTIssuer, p.JWTAudience)))
		}
	}
	mux.Handle("/", web.Handler(pages))
	return httpserver.Run(ctx, p.leaving, p.pages, mux, log)
}

// grpc answers other back ends: of the catalogue, of what viewers did, or of both.
func (p *process) grpc(ctx context.Context) error {
	if p.embedded && p.await(ctx, project.Role) != nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	role, services := users.Role, []func(grpc.ServiceRegistrar){}
	if p.userAPI != nil {
		services = append(services, p.userAPI.Register)
	}
	if p.has("gateway") {
		role = "gateway"
		log := p.log.With("role", role)
		hub := catalogapi.NewHub(p.catalog, log)
		g.Go(func() error { return hub.Run(ctx) })
		services = append(services, catalogapi.New(p.catalog, hub, []byte(p.secret), log).Register)
	}
	cfg := p.serves(role, services...)
	cfg.TLS = p.tls
	g.Go(func() error { return grpcserver.Run(ctx, p.rpc, cfg) })
	return g.Wait()
}

// serves is what a gRPC server needs for services.
func (p *process) serves(role string, services ...func(grpc.ServiceRegistrar)) grpcserver.Config {
	return grpcserver.Config{
		Authenticate: p.identity.GRPC(userv1.UserService_ServiceDesc.ServiceName, p.GRPCServices),
		Register: func(r grpc.ServiceRegistrar) {
			for _, register := range services {
				register(r)
			}
		},
		Check: func(ctx context.Context) error {
			if p.leaving.Err() != nil {
				return errors.New("stopping")
			}
			return p.catalog.Ping(ctx)
		},
		Times: users.Times(), Metrics: p.calls, Traces: p.traces, Log: p.log.With("role", role),
	}
}

// openUserAPI makes the role users, and the gateway's way to it: to --users, or to this process's without a network.
func (p *process) openUserAPI() error {
	p.calls = grpcserver.NewMetrics(p.metrics)
	files := grpcserver.Files{Cert: p.GRPCTLSCert, Key: p.GRPCTLSKey, CA: p.GRPCTLSClientCA}
	if p.has(users.Role) {
		producer, err := p.cluster.NewProducerWithin(users.WriteTime)
		if err != nil {
			return err
		}
		p.closeLater(func() error { producer.Close(); return nil })
		p.userAPI = users.New(users.Config{
			Caller: caller, Producer: producer, Catalog: p.catalog, Store: p.users, Directory: p.users,
			Secret: []byte(p.secret), Now: time.Now, Metrics: users.NewMetrics(p.metrics), Log: p.log.With("role", users.Role),
		})
	}
	if p.rpc != nil && files != (grpcserver.Files{}) {
		var err error
		if p.tls, err = grpcserver.ServerTLS(files, p.part("tls")); err != nil {
			return fmt.Errorf("--grpc-tls-cert, --grpc-tls-key, --grpc-tls-client-ca: %w", err)
		}
	}
	if !p.has("gateway") {
		return nil
	}
	cfg := grpcserver.ClientConfig{Address: p.Users, Traces: p.traces}
	switch {
	case p.Users == "" && p.userAPI != nil:
		p.inside = bufconn.Listen(1 << 20)
		p.closeLater(p.inside.Close)
		cfg.Dial = p.inside.DialContext
	case p.Users == "":
		cfg.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("this gateway was given no --users") }
	case files != (grpcserver.Files{}):
		cfg.TLS = &files
	}
	conn, err := grpcserver.Client(cfg, p.part("tls"))
	if err != nil {
		return fmt.Errorf("--users: %w", err)
	}
	p.closeLater(conn.Close)
	p.viewers = userv1.NewUserServiceClient(conn)
	return nil
}

// caller is the user whom a call's credentials name.
func caller(ctx context.Context) (string, error) {
	c, ok := identity.From(ctx)
	if !ok {
		return "", status.Error(codes.Unauthenticated, "the call has no credentials")
	}
	return c.User, nil
}

// runUsers is the role users. It answers before its servers do: that they do not.
func (p *process) runUsers(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.userAPI.Run(ctx) })
	if p.inside != nil {
		g.Go(func() error { return grpcserver.Run(ctx, p.inside, p.serves(users.Role, p.userAPI.Register)) })
	}
	g.Go(func() error {
		err := p.reachKafka(ctx, users.Role)
		if err == nil {
			err = p.reachUsers(ctx, users.Role)
		}
		if err == nil {
			p.checks.Set(users.Role, p.catalog.Ping)
		}
		return unlessDone(ctx, err)
	})
	return g.Wait()
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
	site, ops := "http://"+p.pages.Addr().String(), "http://"+p.ops.Addr().String()
	_, _ = fmt.Fprintf(p.std.Out, `Regie is ready after %s: every role, on embedded servers that keep their data in %s.

  %s/            the catalogue, with an editor's form
  %s/developers  freshness, queries to try, addresses; /graphiql has GraphiQL
  %s/query       GraphQL for the web; /query/mobile and /query/iptv for the other screens
  %s             gRPC for other back ends
  %s/metrics     metrics; also /readyz, /livez, /debug/pprof

Edit something: go run . cms set programme SLUG title='A new title'%s
Stop with Ctrl-C.
`, took, p.Data, site, site, site, p.rpc.Addr().String(), ops, elsewhere)
	<-ctx.Done()
	return nil
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v + " " + info.GoVersion
}
