// Package telemetry lets operators see into the process: spans that leave it (OpenTelemetry), log lines that name the
// trace they belong to, and how its Redis client is.
//
//	OTEL_* --> Settings --> Open --> TracerProvider --> stream, graph, loaders, grpcserver, Redis --> OTLP
//
// Who makes spans below another's takes the tracer from the span that its context has: no span above, none below.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The protocols that spans may leave by.
const (
	HTTP = "http/protobuf"
	GRPC = "grpc"
)

var samplers = []string{
	"", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// Protocol reads of the standard variables whether spans are exported, and how: "" when they are not, which is so unless
// OTEL_TRACES_EXPORTER is otlp or an OTLP endpoint is named. It refuses what the SDK would quietly take for its default.
func Protocol(getenv func(string) string) (string, error) {
	first := func(names ...string) (name, value string) {
		for _, name := range names {
			if v := getenv(name); v != "" {
				return name, v
			}
		}
		return names[0], ""
	}
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return "", nil
	}
	switch v := getenv("OTEL_TRACES_EXPORTER"); v {
	case "none":
		return "", nil
	case "":
		if _, v := first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"); v == "" {
			return "", nil
		}
	case "otlp":
	default:
		return "", fmt.Errorf("OTEL_TRACES_EXPORTER %q is neither otlp nor none", v)
	}
	if v := getenv("OTEL_TRACES_SAMPLER"); !slices.Contains(samplers, v) {
		return "", fmt.Errorf("OTEL_TRACES_SAMPLER %q is none of %s", v, strings.Join(samplers[1:], ", "))
	}
	if v := getenv("OTEL_TRACES_SAMPLER_ARG"); v != "" {
		if f, err := strconv.ParseFloat(v, 64); err != nil || f < 0 || f > 1 {
			return "", fmt.Errorf("OTEL_TRACES_SAMPLER_ARG %q is no ratio from 0 to 1", v)
		}
	}
	name, protocol := first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	switch protocol {
	case "":
		return HTTP, nil
	case HTTP, GRPC:
		return protocol, nil
	}
	return "", fmt.Errorf("%s %q is neither %s nor %s", name, protocol, HTTP, GRPC)
}

// Traces are where the process's spans go.
type Traces struct {
	// Provider is nil when none are exported: who makes spans then spares itself the work.
	Provider trace.TracerProvider
	sdk      *sdktrace.TracerProvider
}

// Open begins to export by the protocol that Protocol returned, which may be "". The SDK reads all else (endpoint,
// headers, sampler, batching, resource) of the OTEL_* variables itself. A collector that does not answer costs spans, and
// a line in the log, and nothing else. Close it.
func Open(ctx context.Context, protocol, instance string, log *slog.Logger) (*Traces, error) {
	var client otlptrace.Client
	switch protocol {
	case "":
		return &Traces{}, nil
	case GRPC:
		client = otlptracegrpc.NewClient()
	default:
		client = otlptracehttp.NewClient()
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("exporting traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("regie"), semconv.ServiceInstanceID(instance)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv()) // last: it wins
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The SDK knows one handler for the process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("exporting traces", "error", err) }))
	sdk := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Traces{Provider: sdk, sdk: sdk}, nil
}

// Close exports what is left, within three seconds.
func (t *Traces) Close() error {
	if t.sdk == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := t.sdk.Shutdown(ctx); err != nil {
		otel.Handle(err) // lost spans are no failure of the process
	}
	return nil
}
