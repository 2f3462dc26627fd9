package loaders

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Metrics tell of the batched reads, which are what an operation costs Redis, and of the calls of the user API.
type Metrics struct {
	loads   prometheus.Histogram
	keys    prometheus.Histogram
	seconds prometheus.Histogram
	// The same of the user API. A request that asks it nothing is not observed.
	calls       prometheus.Histogram
	callKeys    prometheus.Histogram
	callSeconds prometheus.Histogram
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	histogram := func(name, help string, buckets ...float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "regie_gateway_" + name, Help: help, Buckets: buckets})
	}
	m := &Metrics{
		loads:       histogram("request_loads", "Batched reads of one GraphQL request.", 0, 1, 2, 3, 4, 5, 6, 8, 10, 15),
		keys:        histogram("load_keys", "Keys of one batched read.", 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
		seconds:     histogram("load_seconds", "Time that a batched read took.", .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2),
		calls:       histogram("request_viewer_loads", "Reads of the user API of one GraphQL request that has any.", 1, 2, 3, 4, 5, 6, 8, 10, 15),
		callKeys:    histogram("viewer_load_keys", "Ids of one read of the user API; 1 for a page of a list.", 1, 2, 5, 10, 20, 50, 100, 200, 500),
		callSeconds: histogram("viewer_load_seconds", "Time that a read of the user API took.", .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2),
	}
	reg.MustRegister(m.loads, m.keys, m.seconds, m.calls, m.callKeys, m.callSeconds)
	return m
}

// Tell makes l observe its reads.
func (l *Loaders) Tell(m *Metrics) *Loaders {
	l.metrics = m
	return l
}

// Answered says that the request reads no more.
func (l *Loaders) Answered() {
	if l.metrics == nil {
		return
	}
	l.metrics.loads.Observe(float64(l.loads.Load()))
	if n := l.calls.Load(); n > 0 {
		l.metrics.calls.Observe(float64(n))
	}
}

// called counts a read of the user API, whose client makes its span.
func (l *Loaders) called(keys int, took time.Duration) {
	l.calls.Add(1)
	if l.metrics != nil {
		l.metrics.callKeys.Observe(float64(keys))
		l.metrics.callSeconds.Observe(took.Seconds())
	}
}

// observe counts a batched read and, where the request is traced, gives it a span.
func observe[K any](ctx context.Context, l *Loaders, keys []K, read func(context.Context) error) {
	n := l.loads.Add(1)
	span := trace.SpanFromContext(ctx)
	traced := span.IsRecording()
	if traced {
		ctx, span = span.TracerProvider().Tracer("regie/gateway").Start(ctx, "load", trace.WithAttributes(
			attribute.Int64("regie.load", n), attribute.Int("regie.keys", len(keys)), attribute.String("regie.kinds", kinds(keys))))
		defer span.End()
	}
	began := time.Now()
	err := read(ctx)
	if l.metrics != nil {
		l.metrics.keys.Observe(float64(len(keys)))
		l.metrics.seconds.Observe(time.Since(began).Seconds())
	}
	if traced && err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
}

// kinds are what is read, such as "12 Ref, 1 List".
func kinds[K any](keys []K) string {
	var order []string
	count := map[string]int{}
	for _, k := range keys {
		name := strings.TrimPrefix(fmt.Sprintf("%T", k), "catalog.")
		if count[name]++; count[name] == 1 {
			order = append(order, name)
		}
	}
	for i, name := range order {
		order[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	return strings.Join(order, ", ")
}
