// Package httpserver runs an HTTP server for as long as a context lasts.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Listen opens an address early, so that one in use is told before anything has begun. The flag is what names it.
func Listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use: stop what listens there, or choose another address with %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", flag, err)
	}
	return l, nil
}

// drain is how long requests under way may take once the server is told to stop.
const drain = 5 * time.Second

// Run serves until ctx is done, then lets the requests under way end. Once leaving is done, which is to be earlier, each
// answer asks its client to come by another connection: the next then finds the way to another instance, and none is
// sent on a connection that is just being closed.
func Run(ctx, leaving context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		// Not SetKeepAlivesEnabled: it closes connections at once on which a request may just be coming.
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if leaving.Err() != nil {
				w.Header().Set("Connection", "close")
			}
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err := srv.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close()
		}
		drained <- err
	})
	err := srv.Serve(l)
	if !stop() { // Serve returns at once; what is under way ends with Shutdown
		return <-drained
	}
	return fmt.Errorf("serving %s: %w", l.Addr(), err)
}
