package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"regie/graph"
	"regie/ingest/project"
	"regie/ingest/schedule"
	"regie/internal/catalog"
	"regie/internal/catalogapi"
	"regie/internal/demo"
	"regie/internal/grpcserver"
	"regie/internal/httpserver"
	"regie/internal/identity"
	"regie/internal/users"
	"regie/loaders"
	userv1 "regie/proto/user/v1"
	"regie/resolvers"
	"regie/web"
)

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
			return loaders.With(ctx, loaders.New(p.catalog, view, loaders.Gather).Ask(p.viewers).Rank(p.trends).Tell(loads))
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
		pages.Editor, pages.Pretends = true, p.pretends()
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
	if p.scheduleAPI != nil {
		if p.userAPI == nil {
			role = schedule.Role
		}
		services = append(services, p.scheduleAPI.Register)
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
			if role == users.Role { // reads go on without Redis
				return nil
			}
			return p.catalog.Ping(ctx)
		},
		Times: users.Times(), Metrics: p.calls, Traces: p.traces, Log: p.log.With("role", role),
	}
}
