package grpcserver_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"regie/internal/catalog"
	"regie/internal/grpcserver"
	"regie/internal/httpserver"
	"regie/internal/servertest"
	"regie/internal/users"
	catalogv1 "regie/proto/catalog/v1"
)

const serviceName = "regie.catalog.v1.CatalogService"

// stub answers as the test says.
type stub struct {
	catalogv1.UnimplementedCatalogServiceServer
	get   func(context.Context) error
	watch func(grpc.ServerStreamingServer[catalogv1.WatchResponse]) error
}

func (s *stub) BatchGet(ctx context.Context, _ *catalogv1.BatchGetRequest) (*catalogv1.BatchGetResponse, error) {
	return &catalogv1.BatchGetResponse{}, s.get(ctx)
}

func (s *stub) List(ctx context.Context, _ *catalogv1.ListRequest) (*catalogv1.ListResponse, error) {
	return &catalogv1.ListResponse{}, s.get(ctx)
}

func (s *stub) Watch(_ *catalogv1.WatchRequest, stream grpc.ServerStreamingServer[catalogv1.WatchResponse]) error {
	return s.watch(stream)
}

// server is one that runs, and a client's connection to it.
type server struct {
	*stub
	address string
	conn    *grpc.ClientConn
	client  catalogv1.CatalogServiceClient
	away    atomic.Bool
	metrics *prometheus.Registry
	log     *logged
	stop    context.CancelFunc
	ended   chan error
}

func start(t *testing.T) *server {
	t.Helper()
	l, err := httpserver.Listen("--grpc", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{stub: &stub{}, address: l.Addr().String(), metrics: prometheus.NewRegistry(), log: &logged{}, ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	cfg := grpcserver.Config{
		Times:    map[string]time.Duration{catalogv1.CatalogService_List_FullMethodName: 9 * time.Second},
		Register: func(r grpc.ServiceRegistrar) { catalogv1.RegisterCatalogServiceServer(r, s.stub) },
		Check: func(context.Context) error {
			if s.away.Load() {
				return errors.New("away")
			}
			return nil
		},
		Metrics: grpcserver.NewMetrics(s.metrics),
		Log:     slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	go func() { s.ended <- grpcserver.Run(ctx, l, cfg); close(s.ended) }()
	t.Cleanup(func() {
		stop()
		for range s.ended {
		}
	})
	s.conn = dial(t, s.address)
	s.client = catalogv1.NewCatalogServiceClient(s.conn)
	return s
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (s *server) ask(ctx context.Context) error {
	_, err := s.client.BatchGet(ctx, &catalogv1.BatchGetRequest{}, grpc.WaitForReady(true))
	return err
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestCodes(t *testing.T) {
	s := start(t)
	secret := errors.New("dial tcp 10.0.0.7:6379: secret")
	for _, tt := range []struct {
		name   string
		err    func(context.Context) error
		code   codes.Code
		says   string
		logged bool
	}{
		{"none", func(context.Context) error { return nil }, codes.OK, "", false},
		{"the client's", func(context.Context) error { return status.Error(codes.InvalidArgument, "lookups[3]: no") }, codes.InvalidArgument, "lookups[3]: no", false},
		{"the client's, wrapped", func(context.Context) error {
			return fmt.Errorf("secret: %w", status.Error(codes.InvalidArgument, "no"))
		}, codes.InvalidArgument, "no", false},
		{"Redis is away", func(context.Context) error { return fmt.Errorf("%w: %w", catalog.ErrUnavailable, secret) }, codes.Unavailable, "try again", true},
		{"Redis took the read's time", func(context.Context) error {
			return fmt.Errorf("%w: secret %w", catalog.ErrUnavailable, context.DeadlineExceeded)
		}, codes.Unavailable, "try again", true},
		{"the store of users is away", func(context.Context) error { return fmt.Errorf("%w: %w", users.ErrUnavailable, secret) }, codes.Unavailable, "try again", true},
		{"Kafka is away", func(context.Context) error { return fmt.Errorf("%w: %w", users.ErrUnwritten, secret) }, codes.Unavailable, "same idempotency key", true},
		{"anything else", func(context.Context) error { return secret }, codes.Internal, "logged", true},
		{"a panic", func(context.Context) error { panic("secret") }, codes.Internal, "logged", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.get = tt.err
			s.watch = func(st grpc.ServerStreamingServer[catalogv1.WatchResponse]) error { return tt.err(st.Context()) }
			for method, err := range map[string]error{"BatchGet": s.ask(within(t, servertest.Patience)), "Watch": watchEnd(t, s)} {
				if status.Code(err) != tt.code {
					t.Fatalf("%s: %v, want %v", method, err, tt.code)
				}
				text := status.Convert(err).Message()
				if !strings.Contains(text, tt.says) || strings.Contains(text, "secret") {
					t.Errorf("%s says %q", method, text)
				}
				_, trace, traced := strings.Cut(strings.TrimSuffix(text, ")"), "(trace ")
				if traced != tt.logged {
					t.Errorf("%s says %q", method, text)
				}
				if tt.logged && !strings.Contains(s.log.String(), trace) {
					t.Errorf("%s: trace %s is not logged", method, trace)
				}
			}
		})
	}
	for _, want := range []string{"secret", "grpcserver_test.go", "/BatchGet"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, s.log)
		}
	}
}

func watchEnd(t *testing.T, s *server) error {
	t.Helper()
	st, err := s.client.Watch(within(t, servertest.Patience), &catalogv1.WatchRequest{})
	if err != nil {
		return err
	}
	if _, err = st.Recv(); errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func TestDeadlines(t *testing.T) {
	s := start(t)
	left := make(chan time.Duration, 1)
	s.get = func(ctx context.Context) error {
		d, _ := ctx.Deadline()
		left <- time.Until(d)
		return nil
	}
	list := func(ctx context.Context) error { _, err := s.client.List(ctx, &catalogv1.ListRequest{}); return err }
	for _, tt := range []struct {
		name        string
		given, want time.Duration
		ask         func(context.Context) error
	}{
		{"none", 0, 5 * time.Second, s.ask},
		{"a short one", 4 * time.Second, 4 * time.Second, s.ask},
		{"one longer than the default", 20 * time.Second, 20 * time.Second, s.ask},
		{"too long a one", time.Hour, 30 * time.Second, s.ask},
		{"none, of a method with a time of its own", 0, 9 * time.Second, list},
	} {
		began, ctx := time.Now(), t.Context()
		if tt.given > 0 {
			ctx = within(t, tt.given)
		}
		if err := tt.ask(ctx); err != nil {
			t.Fatal(err)
		}
		got := <-left
		if least := tt.want - time.Since(began) - 100*time.Millisecond; got < least || got > tt.want { // on the wire it is rounded
			t.Errorf("%s: %s left, want %s to %s", tt.name, got, least, tt.want)
		}
	}
	under, ended := make(chan bool, 100), make(chan bool, 100)
	s.get = func(ctx context.Context) error {
		under <- true
		<-ctx.Done() // its own deadline, or the client's word that it waits no longer
		ended <- true
		return fmt.Errorf("%w: %w", catalog.ErrUnavailable, ctx.Err())
	}
	for limit := 50 * time.Millisecond; len(under) == 0; limit *= 2 { // a busy machine may not come as far as the server
		if err := s.ask(within(t, limit)); status.Code(err) != codes.DeadlineExceeded {
			t.Fatal(err)
		}
	}
	<-under
	<-ended
	// Without a deadline of the client's, the server's own code arrives.
	if err := s.ask(t.Context()); status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "trace") {
		t.Error(err)
	}
	<-under
	<-ended
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-under; cancel() }()
	if err := s.ask(ctx); status.Code(err) != codes.Canceled {
		t.Error(err)
	}
	<-ended
}

func TestHealthFollowsTheCheck(t *testing.T) {
	s := start(t)
	h := healthv1.NewHealthClient(s.conn)
	for _, serving := range []bool{true, false, true} {
		s.away.Store(!serving)
		want := healthv1.HealthCheckResponse_NOT_SERVING
		if serving {
			want = healthv1.HealthCheckResponse_SERVING
		}
		for _, name := range []string{"", serviceName} {
			servertest.Eventually(t, fmt.Sprintf("%q is %s", name, want), func() bool {
				res, err := h.Check(within(t, 5*time.Second), &healthv1.HealthCheckRequest{Service: name}, grpc.WaitForReady(true))
				return err == nil && res.GetStatus() == want
			})
		}
	}
	if _, err := h.Check(t.Context(), &healthv1.HealthCheckRequest{Service: "other"}); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
}

func TestReflectionListsTheServices(t *testing.T) {
	s := start(t)
	st, err := reflectionv1.NewServerReflectionClient(s.conn).ServerReflectionInfo(within(t, servertest.Patience), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(r *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
		t.Helper()
		if err := st.Send(r); err != nil {
			t.Fatal(err)
		}
		res, err := st.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	var names []string
	for _, svc := range ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}).GetListServicesResponse().GetService() {
		names = append(names, svc.GetName())
	}
	want := []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", serviceName}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	for _, symbol := range []string{serviceName, "regie.catalog.v1.Lookup"} {
		res := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol}})
		if len(res.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
			t.Errorf("%s: %v", symbol, res)
		}
	}
}

func TestLargeRequestsAreRefused(t *testing.T) {
	s := start(t)
	s.get = func(context.Context) error { return nil }
	for size, code := range map[int]codes.Code{1<<20 - 100: codes.OK, 1<<20 + 1: codes.ResourceExhausted} {
		_, err := s.client.BatchGet(within(t, servertest.Patience), &catalogv1.BatchGetRequest{Lookups: []*catalogv1.Lookup{{By: &catalogv1.Lookup_Id{Id: strings.Repeat("x", size)}}}})
		if status.Code(err) != code {
			t.Errorf("%d bytes: %v, want %v", size, err, code)
		}
	}
}

func TestStreamsOfAConnectionAreBounded(t *testing.T) {
	s := start(t)
	s.get = func(context.Context) error { return nil }
	s.watch = func(st grpc.ServerStreamingServer[catalogv1.WatchResponse]) error {
		if err := st.Send(&catalogv1.WatchResponse{}); err != nil {
			return err
		}
		<-st.Context().Done()
		return st.Context().Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 250 {
		st, err := s.client.Watch(ctx, &catalogv1.WatchRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.ask(within(t, 100*time.Millisecond)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the 251st call: %v", err)
	}
	other := catalogv1.NewCatalogServiceClient(dial(t, s.address))
	if _, err := other.BatchGet(within(t, servertest.Patience), &catalogv1.BatchGetRequest{}); err != nil {
		t.Errorf("on another connection: %v", err)
	}
	cancel()
	if err := s.ask(within(t, servertest.Patience)); err != nil {
		t.Errorf("once they have ended: %v", err)
	}
}

// TestAClientThatPingsTooOftenIsSentAway speaks HTTP/2 itself: a gRPC client does not ping that often.
func TestAClientThatPingsTooOftenIsSentAway(t *testing.T) {
	s := start(t)
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(servertest.Patience)); err != nil {
		t.Fatal(err)
	}
	const settings, ping, goAway, enhanceYourCalm = 4, 6, 7, 11
	out := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 0, settings, 0, 0, 0, 0, 0)
	for range 10 {
		out = append(out, 0, 0, 8, ping, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	}
	if _, err := c.Write(out); err != nil {
		t.Fatal(err)
	}
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			t.Fatalf("no GOAWAY: %v", err)
		}
		body := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, body); err != nil {
			t.Fatalf("no GOAWAY: %v", err)
		}
		if head[3] == goAway {
			if code := binary.BigEndian.Uint32(body[4:]); code != enhanceYourCalm {
				t.Errorf("sent away with %d", code)
			}
			return
		}
	}
}

func TestStopDrains(t *testing.T) {
	s := start(t)
	h := healthv1.NewHealthClient(s.conn)
	hs, err := h.Watch(within(t, servertest.Patience), &healthv1.HealthCheckRequest{Service: serviceName}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	for told := (*healthv1.HealthCheckResponse)(nil); told.GetStatus() != healthv1.HealthCheckResponse_SERVING; {
		if told, err = hs.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	under, release := make(chan struct{}), make(chan struct{})
	s.get = func(context.Context) error { close(under); <-release; return nil }
	s.watch = func(st grpc.ServerStreamingServer[catalogv1.WatchResponse]) error {
		if err := st.Send(&catalogv1.WatchResponse{}); err != nil {
			return err
		}
		<-st.Context().Done()
		return st.Context().Err()
	}
	st, err := s.client.Watch(within(t, servertest.Patience), &catalogv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Recv(); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	ctx := within(t, servertest.Patience)
	go func() { answer <- s.ask(ctx) }()
	<-under
	s.stop()
	if told, err := hs.Recv(); err != nil || told.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health told %v, %v", told, err)
	}
	if _, err := hs.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("health ended with %v", err)
	}
	if _, err := st.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("the stream ended with %v", err)
	}
	select {
	case err := <-s.ended:
		t.Fatalf("the server ended before its call: %v", err)
	case err := <-answer:
		t.Fatalf("answered already: %v", err)
	default:
	}
	close(release)
	if err := <-answer; err != nil {
		t.Errorf("the call under way: %v", err)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", s.address); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

func TestStopIsBounded(t *testing.T) {
	s := start(t)
	under := make(chan struct{})
	s.get = func(ctx context.Context) error { close(under); <-ctx.Done(); return ctx.Err() }
	ctx := within(t, 29*time.Second)
	answer := make(chan error, 1)
	go func() { answer <- s.ask(ctx) }()
	<-under
	began := time.Now()
	s.stop()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 4*time.Second || took > 20*time.Second {
		t.Errorf("it drained for %s", took)
	}
	if err := <-answer; status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	l, err := httpserver.Listen("--grpc", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	err = grpcserver.Run(t.Context(), l, grpcserver.Config{
		Register: func(grpc.ServiceRegistrar) {}, Check: func(context.Context) error { return nil },
		Metrics: grpcserver.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
	})
	if !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestMetrics(t *testing.T) {
	s := start(t)
	s.get = func(context.Context) error { return nil }
	_ = s.ask(within(t, servertest.Patience))
	s.get = func(context.Context) error { return catalog.ErrUnavailable }
	_ = s.ask(within(t, servertest.Patience))
	for range 3 {
		_ = s.conn.Invoke(t.Context(), "/made.up/Method", &catalogv1.ListRequest{}, &catalogv1.ListResponse{})
	}
	_, _ = s.client.BatchGet(t.Context(), &catalogv1.BatchGetRequest{Lookups: []*catalogv1.Lookup{{By: &catalogv1.Lookup_Id{Id: strings.Repeat("x", 2<<20)}}}})
	want := map[string]float64{"BatchGet OK": 1, "BatchGet Unavailable": 1, "BatchGet ResourceExhausted": 1}
	var got map[string]float64
	var observed uint64
	servertest.Eventually(t, "they are counted", func() bool {
		got, observed = map[string]float64{}, 0
		families, err := s.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				labels := map[string]string{}
				for _, l := range m.GetLabel() {
					labels[l.GetName()] = l.GetValue()
				}
				method := strings.TrimPrefix(labels["method"], "/"+serviceName+"/")
				switch f.GetName() {
				case "regie_grpc_requests_total":
					got[method+" "+labels["code"]] = m.GetCounter().GetValue()
				case "regie_grpc_request_seconds":
					observed += m.GetHistogram().GetSampleCount()
				}
			}
		}
		return observed >= 3
	})
	if diff := cmp.Diff(want, got); diff != "" || observed != 3 {
		t.Errorf("%d observed; %s", observed, diff)
	}
}

func TestNothingRunsOnAfterRun(t *testing.T) {
	before := runtime.NumGoroutine()
	s := start(t)
	s.get = func(context.Context) error { return nil }
	if err := s.ask(within(t, servertest.Patience)); err != nil {
		t.Fatal(err)
	}
	_ = s.conn.Close()
	s.stop()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "its goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}
