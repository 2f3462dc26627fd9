package httpserver_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"

	"regie/internal/httpserver"
	"regie/internal/servertest"
)

// TestALeavingServerAnswersOnIdleConnections: a client may be about to use one, and would see it break.
func TestALeavingServerAnswersOnIdleConnections(t *testing.T) {
	l, err := httpserver.Listen("--http", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	leaving, leave := context.WithCancel(ctx)
	defer leave()
	ended := make(chan error, 1)
	go func() {
		ended <- httpserver.Run(ctx, leaving, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "yes") }), servertest.Log(t))
	}()
	client := &http.Client{Transport: &http.Transport{}}
	ask := func() (reused, closes bool) {
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, "http://"+l.Addr().String(), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		return reused, res.Close
	}
	for i, want := range []struct{ reused, closes bool }{{false, false}, {true, false}, {true, true}, {false, true}} {
		if i == 2 {
			leave()
		}
		if reused, closes := ask(); reused != want.reused || closes != want.closes {
			t.Errorf("request %d: on a connection that was there: %v, which then closes: %v", i, reused, closes)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
