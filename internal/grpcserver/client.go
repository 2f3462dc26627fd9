package grpcserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// ClientConfig is how a client reaches a server of ours.
type ClientConfig struct {
	// Address is HOST:PORT. Of several addresses that the name has, all are used by turns.
	Address string
	// Dial, when set, is used instead.
	Dial func(context.Context) (net.Conn, error)
	// TLS may be nil: then everybody between can read along.
	TLS *Files
	// Traces may be nil: then calls have no spans.
	Traces trace.TracerProvider
}

// Client does no I/O yet but to read files. Close the connection.
func Client(cfg ClientConfig, log *slog.Logger) (*grpc.ClientConn, error) {
	creds := insecure.NewCredentials()
	if cfg.TLS != nil {
		var err error
		if creds, err = ClientTLS(*cfg.TLS, log); err != nil {
			return nil, err
		}
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`),
		// A server that is back is asked again soon.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
		// A server that is gone without a word is noticed while nobody asks it.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}),
	}
	if cfg.Traces != nil {
		options = append(options, grpc.WithStatsHandler(otelgrpc.NewClientHandler(
			otelgrpc.WithTracerProvider(cfg.Traces), otelgrpc.WithPropagators(propagation.TraceContext{}),
			otelgrpc.WithMeterProvider(noop.NewMeterProvider()))))
	}
	target := "dns:///" + cfg.Address
	if cfg.Dial != nil {
		target = "passthrough:///inside"
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return cfg.Dial(ctx) }))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", target, err)
	}
	return conn, nil
}
