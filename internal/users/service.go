package users

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"regie/internal/catalog"
	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// ErrUnwritten says that Kafka does not have an event, or does not say so in time: it may have it all the same.
var ErrUnwritten = errors.New("kafka has not said that it has the event")

// Caller says whose data a call is about: the user's id, which the call's credentials alone tell. Its error is the call's.
type Caller func(ctx context.Context) (userID string, err error)

// Config is what a service works with.
type Config struct {
	Caller Caller
	// Producer is one that gives a record up after WriteTime.
	Producer  *stream.Producer
	Catalog   *catalog.Catalog
	Store     Store
	Directory Directory
	// Secret is the same in all processes, and for ever: it signs receipts and page tokens, and makes of users' ids what
	// the Directory knows them by.
	Secret []byte
	// Wait bounds how long a read waits for what it is not to be before; 0: 300 ms.
	Wait time.Duration
	// Patience, when set, is what a write, a read and each question to the catalogue and the store may take, instead of the
	// times below: for tests that must not depend on the machine's speed.
	Patience time.Duration
	Now      func() time.Time
	Metrics  *Metrics
	Log      *slog.Logger
}

// Service implements userv1.UserServiceServer. It returns errors as they are, or as a status where the request is at fault;
// internal/grpcserver makes codes of them.
type Service struct {
	userv1.UnimplementedUserServiceServer
	Config
	tokens  catalog.Cursors
	viewers *viewers
	applied *applied
	allowed times
	// lasting is how long a write may take that began when the mapping was there: Erase waits so long.
	lasting time.Duration
}

var _ userv1.UserServiceServer = (*Service)(nil)

// New does no I/O. Run the service beside its server.
func New(cfg Config) *Service {
	if cfg.Wait == 0 {
		cfg.Wait = 300 * time.Millisecond
	}
	allowed := times{WriteTime, patience, readTime, catalog.Patience}
	if p := cfg.Patience; p != 0 {
		allowed = times{p, p, p, p}
	}
	return &Service{
		Config:  cfg,
		allowed: allowed,
		tokens:  catalog.NewCursors(cfg.Secret),
		viewers: newViewers(cfg.Directory, cfg.Now, allowed.patience, cfg.Metrics),
		applied: newApplied(cfg.Store, allowed.read, cfg.Log),
		lasting: fresh + 2*WriteTime,
	}
}

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { userv1.RegisterUserServiceServer(r, s) }

// Run looks, for the reads that wait, how far persist is. It returns nil once ctx is done.
func (s *Service) Run(ctx context.Context) error { return s.applied.run(ctx) }

// Times are what calls may take whose clients do not say, where that is not the server's default.
func Times() map[string]time.Duration {
	return map[string]time.Duration{userv1.UserService_Erase_FullMethodName: eraseTime}
}

const (
	// WriteTime bounds a write, whatever time its call has: from the pseudonym's use to its being given to Kafka, and once
	// more from there until Kafka has it or never will.
	WriteTime = 4 * time.Second
	// patience is how long a write waits for an answer of the store that it can do without.
	patience = 500 * time.Millisecond
	// readTime is how long a read waits for the store's answer.
	readTime = 2 * time.Second
)

// times are what is allowed: a write, an answer of the store that a write can do without, one that a read waits for, and one
// of the catalogue.
type times struct{ write, patience, read, catalogue time.Duration }

// user returns by what name the Directory knows who asks.
func (s *Service) user(ctx context.Context) (string, error) {
	id, err := s.Caller(ctx)
	switch {
	case err != nil:
		return "", err
	case id == "":
		return "", status.Error(codes.Unauthenticated, "the credentials name no user")
	}
	return s.name("user", id), nil
}

// name tells nothing of the id to who has not the secret.
func (s *Service) name(kind, id string) string {
	h := hmac.New(sha256.New, s.Secret)
	_, _ = fmt.Fprintf(h, "directory %s %q", kind, id)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// within leaves a call some of its time for the answer, and d at the most.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		d = min(d, left-min(left/10, 100*time.Millisecond))
	}
	return context.WithTimeout(ctx, d)
}

// invalid is the client's error, told as it is.
func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
