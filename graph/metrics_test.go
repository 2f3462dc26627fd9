package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"regie/internal/catalog"
)

// post asks for a document on a screen.
func post(h http.Handler, screen, query string, headers ...string) *httptest.ResponseRecorder {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/query/"+screen, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func options(m *Metrics, traces trace.TracerProvider, log io.Writer) Options {
	return Options{
		Schema: NewExecutableSchema(Config{}), Metrics: m, Traces: traces, Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now,
		Attach: func(ctx context.Context, _ catalog.View) context.Context { return ctx },
	}
}

func TestRequestsAreCountedByWhatNoClientChooses(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := Handler(options(NewMetrics(reg), nil, io.Discard))
	for i := range 20 {
		post(h, "web", fmt.Sprintf("query Name%d { __typename }", i))
		post(h, "web", fmt.Sprintf("{ field%d }", i))
		post(h, "iptv", "{")
		post(h, fmt.Sprintf("screen%d", i), "{ __typename }")
	}
	post(h, "mobile", strings.Repeat("{", 100))
	r := httptest.NewRecorder()
	h.ServeHTTP(r, httptest.NewRequest(http.MethodDelete, "/query", nil))

	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := ""
			for _, l := range m.GetLabel() {
				name += l.GetValue() + " "
			}
			if v := m.GetCounter().GetValue(); f.GetName() == "regie_gateway_requests_total" && v > 0 {
				got[strings.TrimSpace(name)] = v
			}
		}
	}
	want := map[string]float64{ // code, operation, screen
		"OK query web": 20, "GRAPHQL_VALIDATION_FAILED none web": 20, "GRAPHQL_PARSE_FAILED none iptv": 20, "BAD_USER_INPUT none none": 20,
		"QUERY_TOO_COMPLEX none mobile": 1, "BAD_USER_INPUT none web": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnInternalErrorIsToldUnderItsTrace(t *testing.T) {
	var log bytes.Buffer
	present := presenter(slog.New(slog.NewTextHandler(&log, nil)))
	ctx, span := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "x")
	defer span.End()
	id := span.SpanContext().TraceID().String()
	if got := present(ctx, errors.New("cause")).Extensions["traceId"]; got != id || !strings.Contains(log.String(), "trace="+id) {
		t.Errorf("told %v, logged %s", got, log.String())
	}
	if got, _ := present(t.Context(), errors.New("cause")).Extensions["traceId"].(string); len(got) != 36 || !strings.Contains(log.String(), "trace="+got) {
		t.Errorf("without a trace: told %v, logged %s", got, log.String())
	}
}

func TestAnOperationIsBelowItsClientsSpan(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	h := Handler(options(nil, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)), io.Discard))
	const client = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	post(h, "web", "query "+strings.Repeat("N", 500)+" { __typename }", "traceparent", client)
	post(h, "web", "{ unknown }", "traceparent", "rubbish")
	spans := recorder.Ended()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	given := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": client}))
	if s := spans[0]; s.Name() != "graphql query" || s.Parent().SpanID() != given.SpanID() || s.SpanKind() != trace.SpanKindServer {
		t.Errorf("%v below %v", s.Name(), s.Parent())
	}
	for _, a := range spans[0].Attributes() {
		if len(a.Value.AsString()) > 30 {
			t.Errorf("the client's %s is as long as it likes: %q", a.Key, a.Value.AsString())
		}
	}
	if s := spans[1]; s.Name() != "graphql" || s.Parent().IsValid() {
		t.Errorf("%v below %v", s.Name(), s.Parent())
	}
}

// BenchmarkObserved compares a request without metrics and traces, with metrics, with traces of which none is sampled, and
// with all sampled.
func BenchmarkObserved(b *testing.B) {
	metrics := NewMetrics(prometheus.NewRegistry())
	for _, bb := range []struct {
		name string
		o    Options
	}{
		{"bare", options(nil, nil, io.Discard)},
		{"metrics", options(metrics, nil, io.Discard)},
		{"none sampled", options(metrics, sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), io.Discard)},
		{"all sampled", options(metrics, sdktrace.NewTracerProvider(), io.Discard)},
	} {
		h := Handler(bb.o)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				post(h, "web", "{ __typename }")
			}
		})
	}
}
