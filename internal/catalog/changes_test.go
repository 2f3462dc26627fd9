package catalog_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"regie/internal/catalog"
	"regie/internal/servertest"
)

// lines are connections to a Redis, which can be cut.
type lines struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (l *lines) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func TestChangesAreAnnounced(t *testing.T) {
	s := open(t)
	u, err := url.Parse(servertestURL(t, s))
	if err != nil {
		t.Fatal(err)
	}
	var l lines
	client := redis.NewClient(&redis.Options{Addr: u.Host, Dialer: l.dial})
	defer func() { _ = client.Close() }()
	listener := catalog.New(client, s.prefix)
	heard := make(chan []string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- listener.Changes(ctx, func(ids []string) { heard <- ids }) }()
	expect := func(what string, want []string) {
		t.Helper()
		select {
		case got := <-heard:
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: nothing", what)
		}
	}
	announce := func(ids ...string) {
		t.Helper()
		if err := s.Announce(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
	}
	expect("it listens", nil)
	announce("programme:p1", "video:v1")
	expect("two", []string{"programme:p1", "video:v1"})
	announce()
	odd := []string{"programme:a\nb", "", "video:\x00\"é{}日本", "page:\u2028"}
	announce(odd...)
	expect("odd ones, and nothing is nothing", odd)
	for range 2 {
		l.cut()
		expect("it listens again", nil)
		announce("programme:p2")
		expect("one after that", []string{"programme:p2"})
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// servertestURL is where the store's Redis listens, whose client is another's.
func servertestURL(t *testing.T, s *store) string {
	t.Helper()
	switch c := s.redis.(type) {
	case *redis.Client:
		return "redis://" + c.Options().Addr
	case *redis.ClusterClient:
		return "redis://" + c.Options().Addrs[0]
	}
	return servertest.Redis(t)
}
