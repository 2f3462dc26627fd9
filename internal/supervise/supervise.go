// Package supervise runs the parts of a process and stops them in order.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// Tier is what is stopped together: parts by their names. A part runs until its context is done.
type Tier map[string]func(context.Context) error

// Run runs the parts until ctx is done or one of them ends by itself. Then it calls leave, and stops tier after tier,
// each when the one before it has ended. What has not ended within the limit is left behind. It returns the first thing
// that went wrong; what went wrong because of it is logged.
func Run(ctx context.Context, tiers []Tier, leave func(), limit time.Duration, log *slog.Logger) error {
	type end struct {
		tier int
		name string
		err  error
	}
	n := 0
	for _, tier := range tiers {
		n += len(tier)
	}
	ends := make(chan end, n) // what is left behind finds room
	stops := make([]context.CancelFunc, len(tiers))
	running := make([]map[string]bool, len(tiers))
	all, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for i, tier := range tiers {
		ctx, cancel := context.WithCancel(all)
		stops[i], running[i] = cancel, map[string]bool{}
		for name, run := range tier {
			running[i][name] = true
			go func() { ends <- end{i, name, run(ctx)} }()
		}
	}
	var reason error
	wrong := func(err error) {
		if reason == nil {
			reason = err
			return
		}
		log.Error("part ended", "error", err)
	}
	stopped := -1
	note := func(e end) {
		delete(running[e.tier], e.name)
		if e.err == nil && e.tier > stopped {
			e.err = errors.New("ended by itself")
		}
		if e.err != nil {
			wrong(fmt.Errorf("%s: %w", e.name, e.err))
		}
	}
	select {
	case <-ctx.Done():
	case e := <-ends:
		note(e)
	}
	if reason != nil {
		log.Error("stopping", "reason", reason)
	} else {
		log.Info("stopping", "reason", "told to")
	}
	leave()
	late := time.After(limit)
	for i := range tiers {
		stopped = i
		stops[i]()
		for len(running[i]) > 0 {
			select {
			case e := <-ends:
				note(e)
			case <-late:
				names := slices.Sorted(maps.Keys(running[i]))
				_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1) // what it is at
				wrong(fmt.Errorf("%s: still at work %s after being told to stop", strings.Join(names, ", "), limit))
				return reason
			}
		}
	}
	return reason
}
