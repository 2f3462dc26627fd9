package grpcserver

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Metrics count the calls of methods that exist. It implements stats.Handler, which sees calls that gRPC itself refuses.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

var _ stats.Handler = (*Metrics)(nil)

// NewMetrics registers the server's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_grpc_requests_total",
			Help: "Calls that have ended, by the code they ended with.",
		}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "regie_grpc_request_seconds",
			Help:    "Time from a call's headers to its end; a stream's is as long as its client wants.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30, 300},
		}, []string{"method"}),
	}
	reg.MustRegister(m.requests, m.seconds)
	return m
}

type methodKey struct{}

// TagRPC implements stats.Handler.
func (*Metrics) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, methodKey{}, info.FullMethodName)
}

// HandleRPC implements stats.Handler. gRPC ends only calls of methods that it knows, so the label is bounded.
func (m *Metrics) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if end, ok := s.(*stats.End); ok {
		method, _ := ctx.Value(methodKey{}).(string)
		m.requests.WithLabelValues(method, status.Code(end.Error).String()).Inc()
		m.seconds.WithLabelValues(method).Observe(end.EndTime.Sub(end.BeginTime).Seconds())
	}
}

// TagConn implements stats.Handler.
func (*Metrics) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (*Metrics) HandleConn(context.Context, stats.ConnStats) {}
