package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"regie/internal/catalog"
)

// Metrics count GraphQL requests. No label is the client's to choose: not the operation's name, nor a field's.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// What labels say where a request was refused before its operation, or its screen, was known.
const (
	unknown  = "none"
	answered = "OK"
	// strange is any code that is not one of ours.
	strange = "OTHER"
)

// NewMetrics registers the endpoint's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_gateway_requests_total",
			Help: "GraphQL requests, by the code of their first error, or OK.",
		}, []string{"operation", "screen", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "regie_gateway_request_seconds",
			Help:    "Time from a GraphQL request's headers to the end of its answer.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5},
		}, []string{"operation", "screen"}),
	}
	for _, s := range catalog.Screens() {
		for _, code := range append([]string{answered}, codesKnown...) {
			m.requests.WithLabelValues(string(ast.Query), string(s), code)
			m.requests.WithLabelValues(string(ast.Mutation), string(s), code)
		}
	}
	reg.MustRegister(m.requests, m.seconds)
	return m
}

var codesKnown = []string{CodeBadInput, CodeParse, CodeValidation, CodeTooComplex, CodeUnauthenticated, CodeUnavailable, CodeCancelled, CodeInternal}

// outcome is what is known of a request when it has been answered.
type outcome struct {
	operation, name, screen, code string
}

type outcomeKey struct{}

// tell notes what an operation is, and is answered; op is nil when there was none.
func tell(ctx context.Context, op *graphql.OperationContext, response *graphql.Response) {
	o, _ := ctx.Value(outcomeKey{}).(*outcome)
	if o == nil {
		return
	}
	if op != nil && op.Operation != nil {
		o.operation, o.name = string(op.Operation.Operation), op.Operation.Name
	}
	o.code = answered
	if len(response.Errors) > 0 {
		o.code = strange
		for _, known := range codesKnown {
			if response.Errors[0].Extensions["code"] == known {
				o.code = known
			}
		}
	}
}

// observed counts what next answers and, where the request is traced, gives it a span, below the client's when it names
// one (traceparent).
func observed(m *Metrics, traces trace.TracerProvider, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o := &outcome{operation: unknown, screen: unknown, code: CodeBadInput}
		ctx := context.WithValue(r.Context(), outcomeKey{}, o)
		var span trace.Span
		if traces != nil {
			ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
			ctx, span = traces.Tracer("regie/gateway").Start(ctx, "graphql", trace.WithSpanKind(trace.SpanKindServer))
			defer func() { describe(span, o) }()
		}
		began := time.Now()
		next(w, r.WithContext(ctx))
		if m != nil {
			m.requests.WithLabelValues(o.operation, o.screen, o.code).Inc()
			m.seconds.WithLabelValues(o.operation, o.screen).Observe(time.Since(began).Seconds())
		}
	}
}

// describe ends a request's span.
func describe(span trace.Span, o *outcome) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("regie.screen", o.screen), attribute.String("regie.code", o.code))
	if o.operation != unknown {
		span.SetName("graphql " + o.operation)
		span.SetAttributes(semconv.GraphQLOperationTypeKey.String(o.operation))
	}
	if o.name != "" {
		span.SetAttributes(semconv.GraphQLOperationName(clip(o.name)))
	}
	if o.code == CodeInternal || o.code == CodeUnavailable {
		span.SetStatus(codes.Error, o.code)
	}
}
