// Package grpcserver runs a gRPC server for as long as a context lasts.
//
//	call --> metrics --> deadline (unary), stop (streams) --> codes, panics --> who asks --> service
//	                                                          health <-- a check, once a second
package grpcserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

// Config is what a server serves, and when it is fit to.
type Config struct {
	// Authenticate, when set, is asked of each call first: it returns a context with the caller, or a status's error.
	Authenticate func(ctx context.Context, method string) (context.Context, error)
	// Register adds the services.
	Register func(grpc.ServiceRegistrar)
	// Check tells whether they can answer; health reports it.
	Check func(context.Context) error
	// Times are what unary calls of some methods may take whose clients do not say; else it is 5 s.
	Times map[string]time.Duration
	// TLS may be nil: then everybody between can read along.
	TLS     *tls.Config
	Metrics *Metrics
	// Traces may be nil: then calls have no spans.
	Traces trace.TracerProvider
	Log    *slog.Logger
}

const (
	// maxReceive bounds a request, maxSend an answer.
	maxReceive = 1 << 20
	maxSend    = 64 << 20
	// maxStreams bounds the calls under way on one connection; more wait at the client.
	maxStreams = 250
	// drain is how long calls under way may take once the server is told to stop.
	drain = 5 * time.Second
	// checked is how often health is looked at, and how long a look may take.
	checked = time.Second
)

// Run serves, with health and reflection, until ctx is done. Then health says NOT_SERVING, streams end with
// UNAVAILABLE, and the calls under way may end. The listener is closed, and nothing runs any more, when it returns.
func Run(ctx context.Context, l net.Listener, cfg Config) error {
	stopping, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	e := edge{log: cfg.Log, stopping: stopping, authenticate: cfg.Authenticate, times: cfg.Times}
	if e.authenticate == nil {
		e.authenticate = func(ctx context.Context, _ string) (context.Context, error) { return ctx, nil }
	}
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(e.unary),
		grpc.ChainStreamInterceptor(e.stream),
		grpc.StatsHandler(cfg.Metrics),
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.MaxSendMsgSize(maxSend),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(5 * time.Second),
		// A client that is gone without a word is noticed; one that asks too often whether we are here is sent away.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
	if cfg.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(cfg.TLS)))
	}
	if cfg.Traces != nil {
		options = append(options, grpc.StatsHandler(otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(cfg.Traces), otelgrpc.WithPropagators(propagation.TraceContext{}),
			otelgrpc.WithMeterProvider(noop.NewMeterProvider()), otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))))
	}
	srv := grpc.NewServer(options...)
	cfg.Register(srv)
	names := []string{""}
	for name := range srv.GetServiceInfo() {
		names = append(names, name)
	}
	h := health.NewServer()
	report(h, names, false)
	healthv1.RegisterHealthServer(srv, h)
	reflection.RegisterV1(srv)

	var wg sync.WaitGroup
	defer wg.Wait()
	looking, stopLooking := context.WithCancel(ctx)
	defer stopLooking()
	wg.Go(func() { look(looking, h, names, cfg) })

	drained := make(chan struct{})
	undo := context.AfterFunc(ctx, func() {
		defer close(drained)
		h.Shutdown()
		stop(errStopping)
		var wg sync.WaitGroup
		defer wg.Wait()
		late, done := context.WithTimeout(context.Background(), drain)
		defer done()
		wg.Go(func() {
			if <-late.Done(); errors.Is(late.Err(), context.DeadlineExceeded) {
				srv.Stop()
			}
		})
		srv.GracefulStop()
	})
	err := srv.Serve(l)
	if !undo() {
		<-drained
		return nil
	}
	srv.Stop()
	return fmt.Errorf("serving %s: %w", l.Addr(), err)
}

// look reports what the check says, until ctx is done.
func look(ctx context.Context, h *health.Server, names []string, cfg Config) {
	tick := time.NewTicker(checked)
	defer tick.Stop()
	for serving := false; ; {
		asked, cancel := context.WithTimeout(ctx, checked)
		err := cfg.Check(asked)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if now := err == nil; now != serving {
			serving = now
			if serving {
				cfg.Log.Debug("grpc health changed", "serving", serving)
			} else {
				cfg.Log.Warn("grpc health changed", "serving", serving, "error", err)
			}
			report(h, names, serving)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func report(h *health.Server, names []string, serving bool) {
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthv1.HealthCheckResponse_SERVING
	}
	for _, name := range names {
		h.SetServingStatus(name, status)
	}
}
