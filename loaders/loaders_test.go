package loaders_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/loaders"
	projectionv1 "regie/proto/projection/v1"
)

// newCatalog has a channel, ch.
func newCatalog(t *testing.T, url string) *catalog.Catalog {
	t.Helper()
	client, err := catalog.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	c := catalog.New(client, servertest.Name())
	blob, err := proto.Marshal(&projectionv1.Channel{Id: "channel:ch", Title: "Channel"})
	if err != nil {
		t.Fatal(err)
	}
	change := catalog.Change{Kind: "channel", ID: "ch", Fence: stream.Fence{Incarnation: 1, Offset: 1}, Blobs: map[catalog.Screen][]byte{}}
	for _, s := range catalog.Screens() {
		change.Blobs[s] = blob
	}
	if _, err := c.Apply(t.Context(), []catalog.Change{change}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return c
}

var view = catalog.View{Screen: catalog.Web, Territory: "FR"}

// TestACallerWhoLeavesHarmsNoOther has two fields of one level ask, the first of which nobody waits for any more.
func TestACallerWhoLeavesHarmsNoOther(t *testing.T) {
	l := loaders.New(newCatalog(t, servertest.Redis(t)), view, 20*time.Millisecond).Patient(patience)
	gone, leave := context.WithCancel(t.Context())
	leave()
	var wg sync.WaitGroup
	for _, ctx := range []context.Context{gone, t.Context()} {
		wg.Go(func() {
			if c, err := l.Channel(ctx, "ch"); err != nil || c.GetTitle() != "Channel" {
				t.Errorf("answered %v %v", c, err)
			}
		})
	}
	wg.Wait()
	if p, err := l.Person(t.Context(), "none"); p != nil || err != nil {
		t.Errorf("what there is not is %v %v", p, err)
	}
}

func TestAFaultIsNotRemembered(t *testing.T) {
	catalog.LogTo(slog.New(slog.DiscardHandler))
	server := miniredis.RunT(t) // a real one is not ours to fail
	l := loaders.New(newCatalog(t, "redis://"+server.Addr()), view, loaders.Gather).Patient(patience)
	server.SetError("LOADING")
	if _, err := l.Channel(t.Context(), "ch"); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("with a Redis that fails: %v", err)
	}
	server.SetError("")
	if c, err := l.Channel(t.Context(), "ch"); err != nil || c.GetTitle() != "Channel" {
		t.Errorf("after it: %v %v", c, err)
	}
}
