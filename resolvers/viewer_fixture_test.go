package resolvers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"regie/ingest/persist"
	"regie/internal/grpcserver"
	"regie/internal/identity"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	userv1 "regie/proto/user/v1"
)

// viewers is an api with a user API behind it: the service, over gRPC, with persist, a store and Kafka.
type viewers struct {
	*api
	cluster *stream.Cluster
	within  time.Duration // of a write
	store   *store
	// calls counts those of the user API.
	calls atomic.Int64
	// stopPersist ends the role.
	stopPersist func()
}

// store is the embedded one, which can be away.
type store struct {
	*boltstore.Store
	away atomic.Bool
}

func (s *store) err() error {
	if s.away.Load() {
		return fmt.Errorf("asking the store: %w", users.ErrUnavailable)
	}
	return nil
}

func (s *store) Apply(ctx context.Context, changes []users.Changes, positions map[string]stream.Position) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Apply(ctx, changes, positions)
}

func (s *store) Read(ctx context.Context, viewer string, ids []string, consistent bool) (users.Rows, error) {
	if err := s.err(); err != nil {
		return users.Rows{}, err
	}
	return s.Store.Read(ctx, viewer, ids, consistent)
}

func (s *store) List(ctx context.Context, viewer string, what users.What, after users.Version, limit int, consistent bool) (users.Rows, bool, error) {
	if err := s.err(); err != nil {
		return users.Rows{}, false, err
	}
	return s.Store.List(ctx, viewer, what, after, limit, consistent)
}

func (s *store) Positions(ctx context.Context, partitions []string) (map[string]stream.Position, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Store.Positions(ctx, partitions)
}

func (s *store) Pseudonym(ctx context.Context, user, offered string) (string, error) {
	if err := s.err(); err != nil {
		return "", err
	}
	return s.Store.Pseudonym(ctx, user, offered)
}

// topics are those of what viewers do.
var topics = append(persist.Inputs(), stream.Dead(persist.Role))

func newViewers(t *testing.T) *viewers {
	t.Helper()
	return viewersOn(t, servertest.Cluster(t, topics...), patience)
}

// viewersOn has writes take so long.
func viewersOn(t *testing.T, cluster *stream.Cluster, within time.Duration) *viewers {
	t.Helper()
	v := &viewers{cluster: cluster, within: within}
	file, err := boltstore.Open(t.TempDir(), func() time.Time { return today })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	v.store = &store{Store: file}
	v.api = apiOn(t, servertest.Redis(t), func(a *api) userv1.UserServiceClient { return v.serve(t, a) })
	v.stopPersist = v.persist(t)
	return v
}

// persist starts the role, which keeps the store current until it is stopped.
func (v *viewers) persist(t *testing.T) (stop func()) {
	t.Helper()
	sink := persist.New(v.store, func() time.Time { return today }, servertest.Log(t), persist.NewMetrics(prometheus.NewRegistry()))
	return v.run(t, v.cluster.NewConsumer(stream.ConsumerConfig{Role: persist.Role, Topics: persist.Inputs(), Sink: sink, MaxBatch: persist.MaxBatch}).Run)
}

// serve starts the service and returns a client of it.
func (v *viewers) serve(t *testing.T, a *api) userv1.UserServiceClient {
	t.Helper()
	producer, err := v.cluster.NewProducerWithin(v.within)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	service := users.New(users.Config{
		Caller: func(ctx context.Context) (string, error) {
			c, _ := identity.From(ctx)
			return c.User, nil
		},
		Producer: producer, Catalog: a.catalog, Store: v.store, Directory: v.store, Secret: secret, Wait: 5 * time.Second, Patience: patience,
		Now: func() time.Time { return *a.now.Load() }, Metrics: users.NewMetrics(prometheus.NewRegistry()), Log: servertest.Log(t),
	})
	listener := bufconn.Listen(1 << 20)
	v.run(t, service.Run)
	v.run(t, func(ctx context.Context) error {
		return grpcserver.Run(ctx, listener, grpcserver.Config{
			Authenticate: a.verifier.GRPC(userv1.UserService_ServiceDesc.ServiceName, nil),
			Register:     service.Register, Check: func(context.Context) error { return nil },
			Metrics: grpcserver.NewMetrics(prometheus.NewRegistry()), Log: servertest.Log(t),
		})
	})
	conn, err := grpc.NewClient("passthrough:///users", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			v.calls.Add(1)
			return call(ctx, method, req, reply, cc, opts...)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return userv1.NewUserServiceClient(conn)
}

// run runs something until the test ends, or what it returns is called.
func (v *viewers) run(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// walk reads a user's list to its end.
func (v *viewers) walk(t *testing.T, user, query string, first int, path ...any) walked {
	t.Helper()
	return walk(t, func(query string) answer { t.Helper(); return v.as(t, user, query, nil) }, query, first, nil, path...)
}

func token(t *testing.T, user string) string {
	t.Helper()
	s, err := identity.Sign(secret, "test", "test", user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// as asks on a user's behalf.
func (v *viewers) as(t *testing.T, user, query string, variables map[string]any) answer {
	t.Helper()
	return v.on(t, v.URL+"/query", user, query, variables)
}

// on asks at an address of any instance. A loaded machine may take longer than a read can wait: then it is asked again.
func (v *viewers) on(t *testing.T, address, user, query string, variables map[string]any) answer {
	t.Helper()
	for deadline := time.Now().Add(servertest.Patience); ; {
		out := v.once(t, address, user, query, variables)
		hopeless := strings.HasPrefix(query, "mutation") || time.Now().After(deadline)
		for _, e := range out.Errors {
			hopeless = hopeless || strings.HasPrefix(e.Message, "not_before: ") || e.Extensions.Code == "UNAVAILABLE"
		}
		if out.Extensions.Consistency.State != "STALE" || hopeless {
			return out
		}
	}
}

func (v *viewers) once(t *testing.T, address, user, query string, variables map[string]any) answer {
	t.Helper()
	var out answer
	if err := json.Unmarshal(v.post(t, address, token(t, user), query, variables), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// do is a mutation that works; its receipts are returned, joined.
func (v *viewers) do(t *testing.T, user, mutation string) string {
	t.Helper()
	got := v.as(t, user, mutation, nil)
	if len(got.Errors) > 0 {
		t.Fatalf("%s: %v", mutation, got.Errors)
	}
	var tokens []string
	for name := range got.Data {
		s, ok := got.at(name, "receipt", "token").(string)
		if !ok {
			t.Fatalf("%s: there is no receipt: %s", mutation, got.json())
		}
		tokens = append(tokens, s)
	}
	return strings.Join(tokens, "~")
}

// watch reports where a user is in a video, so many minutes after the others' day began.
func (v *viewers) watch(t *testing.T, user, video string, position, minute int) string {
	t.Helper()
	return v.do(t, user, fmt.Sprintf(`mutation { reportProgress(input: {videoId: "video:%s", position: %d, occurredAt: %q, sessionId: "s"}) { problems { message } receipt { token } } }`,
		video, position, today.Add(-24*time.Hour+time.Duration(minute)*time.Minute).Format(time.RFC3339)))
}

func (v *viewers) add(t *testing.T, user, target string) string {
	t.Helper()
	return v.do(t, user, fmt.Sprintf(`mutation { addFavourite(input: {targetId: %q}) { problems { message } receipt { token } } }`, target))
}
