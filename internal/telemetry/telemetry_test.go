package telemetry_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"regie/internal/servertest"
	"regie/internal/telemetry"
	"regie/internal/telemetry/collector"
)

func TestTheStandardVariablesSayWhatIsExported(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
		err  string
	}{
		{name: "nothing by default"},
		{name: "an endpoint", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, want: "http/protobuf"},
		{name: "an endpoint for traces", env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, want: "http/protobuf"},
		{name: "an exporter", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, want: "http/protobuf"},
		{name: "by gRPC", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, want: "grpc"},
		{name: "traces otherwise than the rest", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, want: "http/protobuf"},
		{name: "no exporter", env: map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}},
		{name: "disabled", env: map[string]string{"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}},
		{name: "an unknown exporter", env: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, err: `OTEL_TRACES_EXPORTER "zipkin" is neither otlp nor none`},
		{name: "an unknown protocol", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, err: `OTEL_EXPORTER_OTLP_PROTOCOL "http/json" is neither`},
		{name: "an unknown sampler", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "some"}, err: `OTEL_TRACES_SAMPLER "some" is none of`},
		{name: "a ratio that is none", env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1%"}, err: `OTEL_TRACES_SAMPLER_ARG "1%" is no ratio`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := telemetry.Protocol(func(name string) string { return tt.env[name] })
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestSpansArriveByEachProtocol(t *testing.T) {
	for protocol, sampled := range map[string]string{telemetry.HTTP: "always_on", telemetry.GRPC: "always_on", "grpc, none sampled": "always_off"} {
		t.Run(protocol, func(t *testing.T) {
			c, err := collector.Start()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			protocol, _, _ := strings.Cut(protocol, ",")
			endpoint := c.HTTP
			if protocol == telemetry.GRPC {
				endpoint = c.GRPC
			}
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
			t.Setenv("OTEL_TRACES_SAMPLER", sampled)
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=named,deployment=test")
			traces, err := telemetry.Open(t.Context(), protocol, "one", servertest.Log(t))
			if err != nil {
				t.Fatal(err)
			}
			_, span := traces.Provider.Tracer("scope").Start(t.Context(), "a span")
			span.End()
			if err := traces.Close(); err != nil {
				t.Error(err)
			}
			spans := c.Spans()
			if sampled == "always_off" {
				if len(spans) != 0 {
					t.Errorf("%+v", spans)
				}
				return
			}
			if len(spans) != 1 || spans[0].Name != "a span" || spans[0].Scope != "scope" {
				t.Fatalf("%+v", spans)
			}
			for k, v := range map[string]string{"service.name": "regie", "service.instance.id": "named", "deployment": "test"} {
				if spans[0].Resource[k] != v {
					t.Errorf("%s is %q, not %q", k, spans[0].Resource[k], v)
				}
			}
		})
	}
}

func TestACollectorThatDoesNotAnswerCostsOnlyItsSpans(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, protocol := range []string{telemetry.HTTP, telemetry.GRPC} {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
		traces, err := telemetry.Open(t.Context(), protocol, "one", servertest.Log(t))
		if err != nil {
			t.Fatal(err)
		}
		for range 10_000 { // more than are kept
			_, span := traces.Provider.Tracer("scope").Start(t.Context(), "a span")
			span.End()
		}
		began := time.Now()
		if err := traces.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: closing took %s", protocol, took)
		}
	}
}

func TestNothingIsMadeWhenNothingIsExported(t *testing.T) {
	traces, err := telemetry.Open(t.Context(), "", "one", servertest.Log(t))
	if err != nil || traces.Provider != nil {
		t.Errorf("%v, %v", traces.Provider, err)
	}
	if err := traces.Close(); err != nil {
		t.Error(err)
	}
}

func TestALineNamesItsTraceOnce(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.Log(slog.New(slog.NewTextHandler(&out, nil))).With("role", "x").WithGroup("g")
	log.Info("without")
	if strings.Contains(out.String(), "trace") {
		t.Error(out.String())
	}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{1}}))
	const id = "ab000000000000000000000000000000"
	for _, attrs := range [][]any{nil, {"trace", id}, {"error", "e"}} {
		out.Reset()
		log.InfoContext(ctx, "with", attrs...)
		if strings.Count(out.String(), "trace="+id) != 1 {
			t.Error(out.String())
		}
	}
}
