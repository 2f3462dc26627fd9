// Package admin is what operators look at: metrics, liveness, readiness, profiles.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Checks are what must be true before the process can do its work, and for it to be of any use at all, by the part's
// name.
type Checks struct {
	mu    sync.Mutex
	parts map[string]func(context.Context) error
	lives map[string]func() error
}

// Set registers or replaces a part's check. Its error says what is being waited for.
func (c *Checks) Set(part string, check func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts == nil {
		c.parts = map[string]func(context.Context) error{}
	}
	c.parts[part] = check
}

// Check asks one part; it is an error when it is none.
func (c *Checks) Check(ctx context.Context, part string) error {
	c.mu.Lock()
	check := c.parts[part]
	c.mu.Unlock()
	if check == nil {
		return fmt.Errorf("no part %q", part)
	}
	return check(ctx)
}

// Ready asks every check, for at most a second, and returns what each part waits for; "ready" when it waits for nothing.
func (c *Checks) Ready(ctx context.Context) (parts map[string]string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c.mu.Lock()
	checks := maps.Clone(c.parts)
	c.mu.Unlock()
	parts, ok = map[string]string{}, true
	for name, check := range checks {
		parts[name] = "ready"
		if err := check(ctx); err != nil {
			parts[name], ok = err.Error(), false
		}
	}
	return parts, ok
}

// SetLive registers what tells whether a part gets on, at once and without asking anybody. Its error means that only a
// new process helps: a server that is away is none.
func (c *Checks) SetLive(part string, live func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lives == nil {
		c.lives = map[string]func() error{}
	}
	c.lives[part] = live
}

// Live returns what is wrong with each part that does not get on, joined.
func (c *Checks) Live() error {
	c.mu.Lock()
	lives := maps.Clone(c.lives)
	c.mu.Unlock()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(lives)) {
		if err := lives[name](); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Handler serves /metrics, /livez, /readyz and /debug/pprof. cms, which may be nil, serves /cms/.
func Handler(reg *prometheus.Registry, checks *Checks, cms http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		if err := checks.Live(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("alive\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		parts, ok := checks.Ready(r.Context())
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(parts)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if cms != nil {
		mux.Handle("/cms/", cms)
	}
	// A page that the operator's browser has open elsewhere must not edit the CMS.
	return http.NewCrossOriginProtection().Handler(mux)
}
