package catalogapi_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

type watching = grpc.ServerStreamingClient[catalogv1.WatchResponse]

func (a *api) watch(req *catalogv1.WatchRequest) watching {
	a.t.Helper()
	st, err := a.Watch(a.ctx(), req)
	if err != nil {
		a.t.Fatal(err)
	}
	return st
}

// told returns what a watch tells next, as "id revision".
func told(t *testing.T, st watching) string {
	t.Helper()
	res, err := st.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return res.GetId() + " " + res.GetRevision()
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestWatchTellsWhatIsAndWhatChanges(t *testing.T) {
	a := newAPI(t)
	st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1", "page:none", "video:p0v0", "programme:p1"}})
	same(t, "programme:p1 "+a.revision("programme", "p1"), told(t, st))
	same(t, "page:none ", told(t, st))
	same(t, "video:p0v0 "+a.revision("video", "p0v0"), told(t, st))

	a.edit(true, "programme", "p2") // not watched
	same(t, "programme:p1 "+a.edit(true, "programme", "p1"), told(t, st))
	a.announce("video:p0v0", "nonsense", "") // did not change
	same(t, "page:none "+a.edit(true, "page", "none"), told(t, st))

	a.offset++
	a.apply(catalog.Change{Kind: "video", ID: "p0v0", Fence: fence(a.offset)})
	a.announce("video:p0v0")
	same(t, "video:p0v0 ", told(t, st))
	same(t, "video:p0v0 "+a.edit(true, "video", "p0v0"), told(t, st))
}

// TestSectionsAreWatchedByThemselves: what is computed of a programme changes without it.
func TestSectionsAreWatchedByThemselves(t *testing.T) {
	a := newAPI(t)
	st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1", "sections:p1"}})
	same(t, "programme:p1 "+a.revision("programme", "p1"), told(t, st))
	same(t, "sections:p1 ", told(t, st))
	a.offset++
	f := fence(a.offset)
	blob, err := proto.Marshal(&projectionv1.ProgrammeSections{ProgrammeId: "programme:p1", Revision: f.String()})
	if err != nil {
		t.Fatal(err)
	}
	change := catalog.Change{Kind: catalog.Sections, ID: "p1", Fence: f, Blobs: map[catalog.Screen][]byte{}}
	for _, s := range catalog.Screens() {
		change.Blobs[s] = blob
	}
	a.apply(change)
	a.announce("sections:p1", "programme:p1")
	same(t, "sections:p1 "+f.String(), told(t, st))
	res, err := a.BatchGet(t.Context(), &catalogv1.BatchGetRequest{Lookups: []*catalogv1.Lookup{
		{By: &catalogv1.Lookup_Id{Id: "sections:p1"}}, {By: &catalogv1.Lookup_Id{Id: "sections:p2"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got projectionv1.ProgrammeSections
	if err := res.GetResults()[0].GetEntity().GetBlob().UnmarshalTo(&got); err != nil || got.GetRevision() != f.String() {
		t.Errorf("%v %v", res, err)
	}
	if res.GetResults()[1].GetResult() != nil {
		t.Errorf("p2 has %v", res.GetResults()[1])
	}
}

func TestWatchTellsOnlyWhatIsNotKnown(t *testing.T) {
	a := newAPI(t)
	st := a.watch(&catalogv1.WatchRequest{
		Ids: []string{"programme:p0", "programme:p1", "programme:p2", "page:none", "page:gone"},
		KnownRevisions: map[string]string{
			"programme:p0": a.revision("programme", "p0"), "programme:p1": "old", "page:none": "", "page:gone": "1",
		},
	})
	same(t, "programme:p1 "+a.revision("programme", "p1"), told(t, st))
	same(t, "programme:p2 "+a.revision("programme", "p2"), told(t, st))
	same(t, "page:gone ", told(t, st))
	same(t, "programme:p0 "+a.edit(true, "programme", "p0"), told(t, st))
}

func TestManyWatchesHaveOneSubscription(t *testing.T) {
	a := newAPI(t)
	var ws []watching
	for range 20 {
		st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1", "programme:p2"}})
		told(t, st)
		told(t, st)
		ws = append(ws, st)
	}
	a.listens()
	want := "programme:p2 " + a.edit(true, "programme", "p2")
	for _, st := range ws {
		same(t, want, told(t, st))
	}
}

func TestASlowClientMissesOnlyStatesBetween(t *testing.T) {
	a := newAPI(t)
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = fmt.Sprintf("programme:%s%d", strings.Repeat("x", 200), i) // more than the connection's window takes
	}
	st := a.watch(&catalogv1.WatchRequest{Ids: ids})
	servertest.Eventually(t, "it watches", func() bool { n, _ := a.hub.Watched(); return n == 1 })
	want := map[string]string{}
	for round := range 5 {
		var changes []catalog.Change
		for _, id := range ids {
			_, local, _ := strings.Cut(id, ":")
			changes = append(changes, a.change("programme", local))
			want[id] = changes[len(changes)-1].Fence.String()
		}
		a.apply(changes...)
		a.announce(ids[:500+round]...)
		a.announce(ids[500+round:]...)
	}
	got, messages := map[string]string{}, 0
	for last := 0; last < len(ids); messages++ {
		res, err := st.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if got[res.GetId()] > res.GetRevision() {
			t.Fatalf("%s went back", res.GetId())
		}
		got[res.GetId()] = res.GetRevision()
		if res.GetRevision() == want[res.GetId()] {
			last++
		}
	}
	t.Logf("%d messages of %d changes", messages, 5*len(ids))
}

func TestAWatchEndsWithItsClient(t *testing.T) {
	a := newAPI(t)
	ctx, cancel := context.WithCancel(t.Context())
	st, err := a.Watch(ctx, &catalogv1.WatchRequest{Ids: []string{"programme:p1"}})
	if err != nil {
		t.Fatal(err)
	}
	told(t, st)
	cancel()
	servertest.Eventually(t, "nothing is watched", func() bool { n, ids := a.hub.Watched(); return n+ids == 0 })
	if _, err := st.Recv(); status.Code(err) != codes.Canceled {
		t.Error(err)
	}
	servertest.Eventually(t, "its goroutines have ended", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "catalogapi.(*Service).Watch")
	})
}

func TestAWatchEndsWithTheServer(t *testing.T) {
	a := newAPI(t)
	st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}})
	told(t, st)
	a.stop()
	if _, err := st.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "stopping") { // it is not cut in the end
		t.Error(err)
	}
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
}

func TestAWatchEndsWithTheHub(t *testing.T) {
	a := newAPI(t)
	st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}})
	told(t, st)
	a.stopHub()
	if _, err := st.Recv(); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
	if _, err := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}}).Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("a new one: %v", err)
	}
	if _, err := a.BatchGet(a.ctx(), &catalogv1.BatchGetRequest{Lookups: byID("programme:p1")}); err != nil {
		t.Errorf("the rest of the service: %v", err)
	}
}

func TestNothingRunsOnAfterTheServerAndTheHub(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		a := newAPI(t)
		told(t, a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}}))
	})
	servertest.Eventually(t, "its goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func fence(offset int64) stream.Fence { return stream.Fence{Incarnation: 1, Offset: offset} }

// link is a way to a Redis that can be cut (connections end, new ones are refused) or hung (nothing passes).
type link struct {
	net.Listener
	to    string
	mu    sync.Mutex
	state string
	conns map[net.Conn]struct{}
	// moved tells who waits on a hung link.
	moved *sync.Cond
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{Listener: l, to: to, conns: map[net.Conn]struct{}{}}
	k.moved = sync.NewCond(&k.mu)
	t.Cleanup(func() { _ = l.Close(); k.set("cut") })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go k.carry(c)
		}
	}()
	return k
}

func (k *link) carry(near net.Conn) {
	defer func() { _ = near.Close() }()
	far, err := net.Dial("tcp", k.to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	k.mu.Lock()
	if k.state == "cut" {
		k.mu.Unlock()
		return
	}
	k.conns[near], k.conns[far] = struct{}{}, struct{}{}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.conns, near)
		delete(k.conns, far)
	}()
	go func() { _, _ = io.Copy(k.gate(far), near); _ = far.Close() }()
	_, _ = io.Copy(k.gate(near), far)
}

type gated struct {
	k *link
	w io.Writer
}

func (k *link) gate(w io.Writer) io.Writer { return gated{k, w} }

func (g gated) Write(b []byte) (int, error) {
	g.k.mu.Lock()
	for g.k.state == "hung" {
		g.k.moved.Wait()
	}
	g.k.mu.Unlock()
	return g.w.Write(b)
}

// set makes the link "", "cut" or "hung".
func (k *link) set(state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = state
	k.moved.Broadcast()
	if state == "cut" {
		for c := range k.conns {
			_ = c.Close()
		}
	}
}

// listens waits until the hub has its subscription, and no other.
func (a *api) listens() {
	a.t.Helper()
	servertest.Eventually(a.t, "one subscription", func() bool {
		n, err := a.redis.PubSubNumSub(a.t.Context(), a.prefix+":changes").Result()
		return err == nil && n[a.prefix+":changes"] == 1
	})
}

// newCuttable has the service reach its Redis by a link. A cluster's client would find a way around it.
func newCuttable(t *testing.T, away time.Duration) (*api, *link) {
	t.Helper()
	r := miniredis.RunT(t)
	k := newLink(t, r.Addr())
	return newAPIOn(t, "redis://"+k.Addr().String(), "redis://"+r.Addr(), catalog.Patience, away), k
}

func TestAWatchThatMissesChangesTellsTheLastRevision(t *testing.T) {
	a, k := newCuttable(t, time.Minute) // it is not to end
	st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p0", "programme:p1", "programme:p2"}})
	for range 3 {
		told(t, st)
	}
	same(t, "programme:p1 "+a.edit(true, "programme", "p1"), told(t, st)) // it listens
	k.set("cut")
	servertest.Eventually(t, "the subscription is gone", func() bool {
		n, err := a.redis.PubSubNumSub(t.Context(), a.prefix+":changes").Result()
		return err == nil && n[a.prefix+":changes"] == 0
	})
	a.edit(true, "programme", "p1")
	want := a.edit(true, "programme", "p1")
	k.set("")
	same(t, "programme:p1 "+want, told(t, st)) // without another word of Redis's
	same(t, "programme:p2 "+a.edit(true, "programme", "p2"), told(t, st))
}

func TestRedisAway(t *testing.T) {
	for _, how := range []string{"cut", "hung"} {
		t.Run(how, func(t *testing.T) {
			a, k := newCuttable(t, 2*time.Second)
			get := func() error {
				_, err := a.BatchGet(a.ctx(), &catalogv1.BatchGetRequest{Lookups: byID("programme:p1")})
				return err
			}
			idle := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}})
			told(t, idle)
			k.set(how)
			began := time.Now()
			if err := get(); status.Code(err) != codes.Unavailable || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "dial") {
				t.Errorf("BatchGet: %v", err)
			}
			_, err := a.List(a.ctx(), &catalogv1.ListRequest{})
			if status.Code(err) != codes.Unavailable {
				t.Errorf("List: %v", err)
			}
			if _, err := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}}).Recv(); status.Code(err) != codes.Unavailable {
				t.Errorf("a new watch: %v", err)
			}
			if _, err := idle.Recv(); status.Code(err) != codes.Unavailable {
				t.Errorf("a watch: %v", err)
			}
			if took := time.Since(began); took > 45*time.Second {
				t.Errorf("it took %s", took)
			}
			k.set("")
			servertest.Eventually(t, "it answers again", func() bool { return get() == nil })
			st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}})
			told(t, st)
			a.listens()
			same(t, "programme:p1 "+a.edit(true, "programme", "p1"), told(t, st))
		})
	}
}

func TestARestartOfRedisIsSurvived(t *testing.T) {
	r := miniredis.RunT(t)
	a := newAPIOn(t, "redis://"+r.Addr(), "redis://"+r.Addr(), catalog.Patience, time.Minute)
	st := a.watch(&catalogv1.WatchRequest{Ids: []string{"programme:p1"}})
	same(t, "programme:p1 "+a.revision("programme", "p1"), told(t, st))
	same(t, "programme:p1 "+a.edit(true, "programme", "p1"), told(t, st)) // it listens
	want := "programme:p1 " + a.edit(false, "programme", "p1")            // nobody announces it
	r.Close()
	servertest.Eventually(t, "it has its address again, which another process may have had meanwhile", func() bool { return r.Restart() == nil })
	same(t, want, told(t, st))
}
