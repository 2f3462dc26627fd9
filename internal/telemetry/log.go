package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// TraceKey is the attribute of a log line that names the trace it belongs to.
const TraceKey = "trace"

// Log returns a logger whose lines name their context's trace, unless they name one themselves.
func Log(log *slog.Logger) *slog.Logger { return slog.New(handler{log.Handler()}) }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if s := trace.SpanContextFromContext(ctx); s.HasTraceID() {
		named := false
		r.Attrs(func(a slog.Attr) bool {
			named = a.Key == TraceKey
			return !named
		})
		if !named {
			r = r.Clone()
			r.AddAttrs(slog.String(TraceKey, s.TraceID().String()))
		}
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
