package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"regie/internal/catalog"
)

// Codes are what an error's extensions say; its message is for people and may change.
const (
	// CodeBadInput: the request must be changed; its message says how.
	CodeBadInput = "BAD_USER_INPUT"
	// CodeParse and CodeValidation: the document is no GraphQL, or not of this schema.
	CodeParse      = "GRAPHQL_PARSE_FAILED"
	CodeValidation = "GRAPHQL_VALIDATION_FAILED"
	// CodeTooComplex: the document asks for more than one request may.
	CodeTooComplex = "QUERY_TOO_COMPLEX"
	// CodeUnauthenticated: it must be asked with a token, or with another; its message says which.
	CodeUnauthenticated = "UNAUTHENTICATED"
	// CodeUnavailable: nothing is wrong with the request; it may be sent again.
	CodeUnavailable = "UNAVAILABLE"
	// CodeCancelled: the client has left; only metrics and traces see it.
	CodeCancelled = "CANCELLED"
	// CodeInternal: our fault; the log has the cause under the trace id.
	CodeInternal = "INTERNAL"
)

// BadInput is an error of the client's, told as it is.
func BadInput(format string, args ...any) error {
	return coded(CodeBadInput, fmt.Sprintf(format, args...))
}

func coded(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

// unavailable is an error of ours that passes: the same request may be sent again.
func unavailable(message string) *gqlerror.Error {
	e := coded(CodeUnavailable, message)
	e.Extensions["retryable"] = true
	return e
}

// presenter makes of any error what a client may see: its code, never its cause.
func presenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	var told atomic.Int64
	return func(ctx context.Context, err error) *gqlerror.Error {
		var known *gqlerror.Error
		if errors.As(err, &known) && known.Extensions["code"] != nil {
			return withPath(ctx, known)
		}
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return withPath(ctx, coded(CodeCancelled, "The request was cancelled."))
		case isUnavailable(err):
			level := slog.LevelDebug
			if now := time.Now().Unix(); told.Swap(now) != now { // once a second: there may be thousands
				level = slog.LevelWarn
			}
			log.Log(ctx, level, "answering unavailable", "error", err)
			return withPath(ctx, unavailable("This cannot be answered now; try again."))
		case status.Code(err) == codes.Unauthenticated:
			return withPath(ctx, coded(CodeUnauthenticated, said(err)))
		case status.Code(err) == codes.InvalidArgument:
			return withPath(ctx, coded(CodeBadInput, said(err)))
		case known != nil && known.Err != nil && len(known.Path) > len(graphql.GetPath(ctx)):
			// An argument's scalar: what resolves a field fails on the field's own path.
			return &gqlerror.Error{Message: known.Path.String() + ": " + brief(known.Err.Error()), Path: known.Path, Extensions: map[string]any{"code": CodeBadInput}}
		case known != nil && known.Err == nil && known.Rule == "" && len(known.Locations) > 0:
			return withPath(ctx, &gqlerror.Error{Message: known.Message, Path: known.Path, Locations: known.Locations, Extensions: map[string]any{"code": CodeBadInput}})
		}
		id := traceOf(ctx)
		log.ErrorContext(ctx, "answering a field failed", "path", graphql.GetPath(ctx).String(), "trace", id, "error", err)
		e := coded(CodeInternal, "Something went wrong here; it is logged.")
		e.Extensions["traceId"] = id
		return withPath(ctx, e)
	}
}

// said is the user API's own word, without what it was wrapped in on the way.
func said(err error) string {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus().Message()
	}
	return err.Error()
}

// brief keeps an answer from echoing much of its request.
func brief(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// isUnavailable: the catalogue, or the user API, does not answer, or not in time.
func isUnavailable(err error) bool {
	return errors.Is(err, catalog.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		status.Code(err) == codes.Unavailable || status.Code(err) == codes.DeadlineExceeded
}

// traceOf is what an error is logged and told under: the request's trace, or a name of its own.
func traceOf(ctx context.Context) string {
	if s := trace.SpanContextFromContext(ctx); s.HasTraceID() {
		return s.TraceID().String()
	}
	return uuid.NewString()
}

// withPath returns a copy that says which field failed.
func withPath(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	c := *e
	if c.Path == nil {
		c.Path = graphql.GetPath(ctx)
	}
	return &c
}
