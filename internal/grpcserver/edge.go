package grpcserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"regie/internal/catalog"
	"regie/internal/users"
)

const (
	// defaultTime is what a unary call may take whose client does not say, unless its method has a time of its own; maxTime
	// is the most that one may say.
	defaultTime = 5 * time.Second
	maxTime     = 30 * time.Second
)

// edge is between the calls and the services.
type edge struct {
	log          *slog.Logger
	authenticate func(ctx context.Context, method string) (context.Context, error)
	// stopping is done, with the cause errStopping, when the server is to stop.
	stopping context.Context
	times    map[string]time.Duration
}

// unavailable says why a call is to be made again, by its error.
var unavailable = map[error]string{
	catalog.ErrUnavailable: "the catalogue does not answer now; try again",
	users.ErrUnavailable:   "what is kept of users does not answer now; try again",
	users.ErrUnwritten:     "it is not known to be written; try again, with the same idempotency key",
}

var errStopping = errors.New("the server is stopping")

func (e edge) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (res any, err error) {
	limit := maxTime
	if _, ok := ctx.Deadline(); !ok {
		limit = defaultTime
		if own, ok := e.times[info.FullMethod]; ok {
			limit = own
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = e.call(ctx, info.FullMethod, slog.LevelWarn, func() error {
		ctx, err := e.authenticate(ctx, info.FullMethod)
		if err == nil {
			res, err = next(ctx, req)
		}
		return err
	})
	return res, err
}

// stream ends with the server, too.
func (e edge) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, end := context.WithCancelCause(s.Context())
	defer end(nil)
	ending := &endingStream{ServerStream: s, ctx: ctx, end: func() { end(errStopping) }}
	// Clients of health are told of the stop before their streams end.
	if info.FullMethod == healthv1.Health_Watch_FullMethodName {
		ending.last = true
	}
	defer context.AfterFunc(e.stopping, ending.stop)()
	return e.call(ctx, info.FullMethod, slog.LevelDebug, func() error {
		caller, err := e.authenticate(ctx, info.FullMethod)
		if err != nil {
			return err
		}
		ending.ctx = caller
		return next(srv, ending)
	})
}

// endingStream is a stream whose context ends when the server stops.
type endingStream struct {
	grpc.ServerStream
	ctx context.Context
	end func()
	// last: it ends when it has told that the server does not serve.
	last bool

	mu       sync.Mutex
	stopping bool
	serving  bool // as told
}

func (s *endingStream) Context() context.Context { return s.ctx }

func (s *endingStream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping = true; !s.last || !s.serving {
		s.end()
	}
}

func (s *endingStream) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if h, ok := m.(*healthv1.HealthCheckResponse); ok && s.last {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.serving = h.GetStatus() == healthv1.HealthCheckResponse_SERVING; s.stopping && !s.serving {
			s.end()
		}
	}
	return err
}

// call makes of any error what a client may see: its code, never its cause. A deadline is logged at a level: a stream's
// is its ordinary end.
func (e edge) call(ctx context.Context, method string, deadlines slog.Level, do func() error) error {
	err := recovered(do)
	if err == nil {
		return nil
	}
	var known interface{ GRPCStatus() *status.Status }
	if errors.As(err, &known) && known.GRPCStatus().Code() != codes.Canceled {
		return known.GRPCStatus().Err() // without what it was wrapped in
	}
	if errors.Is(context.Cause(ctx), errStopping) {
		return status.Error(codes.Unavailable, "the server is stopping; try another")
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return status.Error(codes.Canceled, "the call was cancelled")
	}
	id := uuid.NewString()
	if s := trace.SpanContextFromContext(ctx); s.HasTraceID() {
		id = s.TraceID().String()
	}
	tell := func(level slog.Level, message string) {
		e.log.Log(ctx, level, message, "method", method, "trace", id, "error", err)
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		tell(deadlines, "a call took too long")
		return status.Errorf(codes.DeadlineExceeded, "the answer took too long (trace %s)", id)
	}
	for cause, text := range unavailable {
		if errors.Is(err, cause) {
			tell(slog.LevelWarn, "answering unavailable")
			return status.Errorf(codes.Unavailable, "%s (trace %s)", text, id)
		}
	}
	tell(slog.LevelError, "answering a call failed")
	return status.Errorf(codes.Internal, "something went wrong here; it is logged (trace %s)", id)
}

func recovered(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}
