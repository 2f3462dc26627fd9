package telemetry

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// WatchRedis registers how a Redis client is, and gives each of its commands a span where its caller has one.
func WatchRedis(client redis.UniversalClient, reg prometheus.Registerer) {
	h := &redisHook{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "regie_redis_command_seconds",
			Help:    "Time from a command's leaving to its answer, retries included; a pipeline is one command.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5},
		}, []string{"command"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_redis_errors_total",
			Help: "Commands without an answer (timeout, unreachable, pool: no connection was free) or with an error for one (refused).",
		}, []string{"reason"}),
	}
	for _, reason := range []string{reasonTimeout, reasonUnreachable, reasonPool, reasonRefused} {
		h.errors.WithLabelValues(reason)
	}
	reg.MustRegister(h.seconds, h.errors, newPool(client))
	client.AddHook(h)
}

const (
	reasonTimeout     = "timeout"
	reasonUnreachable = "unreachable"
	reasonPool        = "pool"
	reasonRefused     = "refused"
)

// commands are those that get a label of their own; the rest share "other", so that their number is bounded.
var commands = map[string]bool{"pipeline": true, "ping": true, "subscribe": true, "publish": true, "get": true, "script": true, "evalsha": true}

// handshake is what a new connection begins with: within the command that opened it, and of no matter when refused.
var handshake = map[string]bool{"hello": true, "client": true, "auth": true, "select": true, "readonly": true}

type redisHook struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

var _ redis.Hook = (*redisHook)(nil)

func (h *redisHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if handshake[cmd.Name()] {
			return next(ctx, cmd)
		}
		return h.watch(ctx, cmd.Name(), 1, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

func (h *redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if handshake[cmds[0].Name()] {
			return next(ctx, cmds)
		}
		return h.watch(ctx, "pipeline", len(cmds), func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

func (h *redisHook) watch(ctx context.Context, command string, n int, do func(context.Context) error) error {
	span := trace.SpanFromContext(ctx)
	traced := span.IsRecording()
	if traced {
		attrs := []attribute.KeyValue{semconv.DBSystemNameRedis, semconv.DBOperationName(command)}
		if n > 1 {
			attrs = append(attrs, semconv.DBOperationBatchSize(n))
		}
		ctx, span = span.TracerProvider().Tracer("regie/redis").Start(ctx, "redis "+command, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
		defer span.End()
	}
	if !commands[command] {
		command = "other"
	}
	began := time.Now()
	err := do(ctx)
	h.seconds.WithLabelValues(command).Observe(time.Since(began).Seconds())
	if reason := reasonOf(err); reason != "" {
		h.errors.WithLabelValues(reason).Inc()
		if traced {
			span.SetStatus(codes.Error, reason)
			span.RecordError(err)
		}
	}
	return err
}

// reasonOf is "" for what is no failure of Redis: an answer, that there is none, a script that is sent again, a caller
// that went away.
func reasonOf(err error) string {
	var network net.Error
	var answer redis.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil), errors.Is(err, context.Canceled), errors.Is(err, redis.ErrClosed):
		return ""
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return reasonPool
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return reasonTimeout
	case errors.As(err, &answer):
		if strings.HasPrefix(answer.Error(), "NOSCRIPT") {
			return ""
		}
		return reasonRefused
	}
	return reasonUnreachable
}

// pool tells of a client's connections when it is asked.
type pool struct {
	client                        redis.UniversalClient
	connections, requests, closed *prometheus.Desc
}

var _ prometheus.Collector = (*pool)(nil)

func newPool(client redis.UniversalClient) *pool {
	return &pool{
		client:      client,
		connections: prometheus.NewDesc("regie_redis_pool_connections", "Open connections.", []string{"state"}, nil),
		requests: prometheus.NewDesc("regie_redis_pool_requests_total",
			"What asking for a connection came to: a hit, a miss (a new one was opened), or a timeout.", []string{"outcome"}, nil),
		closed: prometheus.NewDesc("regie_redis_pool_stale_total", "Connections that were closed because they were of no use any more.", nil, nil),
	}
}

func (p *pool) Describe(out chan<- *prometheus.Desc) {
	out <- p.connections
	out <- p.requests
	out <- p.closed
}

func (p *pool) Collect(out chan<- prometheus.Metric) {
	s := p.client.PoolStats()
	emit := func(d *prometheus.Desc, kind prometheus.ValueType, v uint32, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, float64(v), labels...)
	}
	emit(p.connections, prometheus.GaugeValue, s.IdleConns, "idle")
	emit(p.connections, prometheus.GaugeValue, s.TotalConns-min(s.IdleConns, s.TotalConns), "used")
	emit(p.requests, prometheus.CounterValue, s.Hits, "hit")
	emit(p.requests, prometheus.CounterValue, s.Misses, "miss")
	emit(p.requests, prometheus.CounterValue, s.Timeouts, "timeout")
	emit(p.closed, prometheus.CounterValue, s.StaleConns)
}
