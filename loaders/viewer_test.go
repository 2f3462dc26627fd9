package loaders_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"regie/internal/catalog"
	"regie/internal/identity"
	"regie/loaders"
	userv1 "regie/proto/user/v1"
)

// userAPI is a server of the user API that notes what it is asked, and fails as a test says.
type userAPI struct {
	userv1.UnimplementedUserServiceServer
	fails atomic.Int32 // a code, for the next call
	hangs atomic.Bool
	mu    sync.Mutex
	asked [][]string // ids
	who   []string
	since []string
}

func (u *userAPI) GetStates(ctx context.Context, req *userv1.GetStatesRequest) (*userv1.GetStatesResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	u.mu.Lock()
	u.asked = append(u.asked, req.GetIds())
	u.who = append(u.who, strings.Join(md.Get("authorization"), ","))
	u.since = append(u.since, req.GetNotBefore())
	u.mu.Unlock()
	if u.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if code := codes.Code(u.fails.Swap(0)); code != codes.OK {
		return nil, status.Error(code, "failing")
	}
	out := &userv1.GetStatesResponse{}
	for _, id := range req.GetIds() {
		out.States = append(out.States, &userv1.State{Id: id, IsFavourite: true})
	}
	if req.GetNotBefore() != "" {
		out.Consistency = userv1.Consistency_CONSISTENCY_CONSISTENT
	}
	return out, nil
}

// serve starts it.
func (u *userAPI) serve(t *testing.T) userv1.UserServiceClient {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	userv1.RegisterUserServiceServer(server, u)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///users", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return userv1.NewUserServiceClient(conn)
}

// gather is long enough that a loaded machine does not split it, and patience that it answers in time.
const gather, patience = 2 * time.Second, time.Minute

// viewerOf is alice's, or nobody's.
func viewerOf(t *testing.T, u *userAPI, user string, gather, patience time.Duration) (context.Context, *loaders.Viewer) {
	t.Helper()
	ctx := t.Context()
	if user != "" {
		ctx = identity.With(ctx, identity.Caller{User: user, Token: "token of " + user})
	}
	l := loaders.New(nil, view, gather).Patient(patience).Ask(u.serve(t))
	return loaders.With(ctx, l), l.Viewer()
}

func TestStatesOfALevelAreOneCall(t *testing.T) {
	u := &userAPI{}
	ctx, v := viewerOf(t, u, "alice", gather, patience)
	gone, leave := context.WithCancel(ctx)
	leave()
	long := "video:" + strings.Repeat("v", 500)
	ids := []string{long}
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("video:v%02d", i))
	}
	var wg sync.WaitGroup
	for i, id := range ids {
		asking := ctx
		if i == 1 { // nobody waits for this one any more
			asking = gone
		}
		wg.Go(func() {
			if s, err := v.State(asking, id); err != nil || s.GetIsFavourite() != (id != long) {
				t.Errorf("%.20s is %v, %v", id, s, err)
			}
		})
	}
	wg.Wait()
	if s, err := v.State(ctx, ids[1]); err != nil || s.GetId() != ids[1] {
		t.Errorf("once more it is %v, %v", s, err)
	}
	if len(u.asked) != 1 || len(u.asked[0]) != 40 || slices.Contains(u.asked[0], long) || u.who[0] != "Bearer token of alice" {
		t.Errorf("asked %d times, of %d ids, for %q", len(u.asked), len(u.asked[0]), u.who)
	}
}

func TestMoreStatesThanACallTakes(t *testing.T) {
	u := &userAPI{}
	ctx, v := viewerOf(t, u, "alice", gather, patience)
	var ids []string
	for i := range 1200 {
		ids = append(ids, fmt.Sprintf("video:v%04d", i))
	}
	v.Want(ctx, ids)
	for _, id := range ids {
		if s, err := v.State(ctx, id); err != nil || s.GetId() != id {
			t.Fatalf("%s is %v, %v", id, s, err)
		}
	}
	for _, asked := range u.asked {
		if len(asked) > 500 {
			t.Errorf("a call has %d ids", len(asked))
		}
	}
	if len(u.asked) > 3 {
		t.Errorf("there were %d calls", len(u.asked))
	}
}

func TestNobodyIsAskedAbout(t *testing.T) {
	u := &userAPI{}
	ctx, v := viewerOf(t, u, "", loaders.Gather, patience)
	_, err := v.State(ctx, "video:v")
	if status.Code(err) != codes.Unauthenticated || len(u.asked) != 0 {
		t.Errorf("anonymously: %v after %d calls", err, len(u.asked))
	}
	if _, err := v.Asking(ctx); status.Code(err) != codes.Unauthenticated {
		t.Errorf("to write: %v", err)
	}
}

func TestAFaultOfTheUserAPIIsNotRemembered(t *testing.T) {
	u := &userAPI{}
	ctx, v := viewerOf(t, u, "alice", loaders.Gather, patience)
	u.fails.Store(int32(codes.Unavailable))
	if _, err := v.State(ctx, "video:v"); status.Code(err) != codes.Unavailable {
		t.Errorf("while it fails: %v", err)
	}
	if s, err := v.State(ctx, "video:v"); err != nil || !s.GetIsFavourite() {
		t.Errorf("after it: %v %v", s, err)
	}
}

func TestAUserAPIThatHangsIsGivenUp(t *testing.T) {
	u := &userAPI{}
	ctx, v := viewerOf(t, u, "alice", loaders.Gather, catalog.Patience)
	u.hangs.Store(true)
	began := time.Now()
	_, err := v.State(ctx, "video:v")
	if took := time.Since(began); status.Code(err) != codes.DeadlineExceeded || took > 30*time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

// TestWhatWasWrittenIsReadAnew wants what was read before a write to be asked for again, not before the latest write of
// each kind.
func TestWhatWasWrittenIsReadAnew(t *testing.T) {
	u := &userAPI{}
	ctx, v := viewerOf(t, u, "alice", loaders.Gather, patience)
	read := func() {
		t.Helper()
		if _, err := v.State(ctx, "video:v"); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if c := v.Consistency(); c != userv1.Consistency_CONSISTENCY_UNSPECIFIED {
		t.Errorf("it says %v", c)
	}
	v.NotBefore("c~d")
	if c := v.Consistency(); c != userv1.Consistency_CONSISTENCY_UNSPECIFIED {
		t.Errorf("before a read it says %v", c)
	}
	v.Wrote("favourite", &userv1.Receipt{Token: "b"})
	read()
	read()
	v.Wrote("favourite", &userv1.Receipt{Token: "e"})
	v.Wrote("progress", &userv1.Receipt{Token: "a"})
	v.Wrote("progress", nil)
	read()
	if got, want := fmt.Sprint(u.since), "[ b~c~d a~c~d~e]"; got != want {
		t.Errorf("not before %s, want %s", got, want)
	}
	if c := v.Consistency(); c != userv1.Consistency_CONSISTENCY_CONSISTENT {
		t.Errorf("it says %v", c)
	}
	u.fails.Store(int32(codes.Unavailable))
	v.Wrote("progress", &userv1.Receipt{Token: "f"})
	if _, err := v.State(ctx, "video:v"); err == nil || v.Consistency() != userv1.Consistency_CONSISTENCY_STALE {
		t.Errorf("after a failure: %v %v", err, v.Consistency())
	}
}
