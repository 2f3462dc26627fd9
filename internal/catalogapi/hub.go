package catalogapi

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"regie/internal/catalog"
)

// Hub tells this process's watches which of their ids are due to be read. It has one subscription to changes, however
// many watches there are, and a watch costs what its ids cost, however many changes it has not read yet.
type Hub struct {
	catalog *catalog.Catalog
	log     *slog.Logger
	// away is how long Redis may not answer before watches end.
	away time.Duration

	mu      sync.Mutex
	watches map[*watch]struct{}
	byID    map[string]map[*watch]int // with the id's place in the watch
	ended   bool
}

// NewHub does no I/O.
func NewHub(c *catalog.Catalog, log *slog.Logger) *Hub {
	return &Hub{
		catalog: c, log: log, away: 5 * time.Second,
		watches: map[*watch]struct{}{}, byID: map[string]map[*watch]int{},
	}
}

// errEnded is the end of a watch that the hub does not serve any more.
var errEnded = fmt.Errorf("%w: the hub has ended", catalog.ErrUnavailable)

// Run serves watches until ctx is done; then they end, and new ones end at once. It is run once. A watch that begins
// before Run waits for it.
func (h *Hub) Run(ctx context.Context) error {
	defer func() {
		h.mu.Lock()
		h.ended = true // none begins any more
		h.mu.Unlock()
		h.end(time.Now(), errEnded)
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { h.listen(ctx); return nil })
	g.Go(func() error { h.probe(ctx); return nil })
	return g.Wait()
}

// listen marks what changes. The catalogue's subscription outlives lost connections; this outlives the subscription.
func (h *Hub) listen(ctx context.Context) {
	for {
		err := h.catalog.Changes(ctx, h.changed)
		if ctx.Err() != nil {
			return
		}
		h.log.Warn("listening for changes interrupted, will resume", "error", err)
		if !wait(ctx, time.Second) {
			return
		}
	}
}

// probe ends watches when Redis is away: one that waits for changes would not notice. One that has begun since has read
// something.
func (h *Hub) probe(ctx context.Context) {
	every := min(time.Second, h.away/4)
	answered := time.Now()
	for wait(ctx, every) {
		asked, cancel := context.WithTimeout(ctx, time.Second)
		err := h.catalog.Ping(asked)
		cancel()
		switch {
		case err == nil:
			answered = time.Now()
		case ctx.Err() == nil && time.Since(answered) > h.away:
			h.end(time.Now().Add(-h.away), fmt.Errorf("%w: no answer for %s: %w", catalog.ErrUnavailable, time.Since(answered).Round(time.Millisecond), err))
		}
	}
}

// changed marks ids as due where they are watched; nil marks all of them, because changes may have been missed.
func (h *Hub) changed(ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ids == nil {
		for w := range h.watches {
			w.markAll()
		}
	}
	for _, id := range ids {
		for w, i := range h.byID[id] {
			w.mark(i)
		}
	}
}

// end ends the watches that had begun by then.
func (h *Hub) end(by time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watches {
		if !w.begun.After(by) {
			w.end(err)
		}
	}
}

// add begins a watch of different ids, all of which are due at first. Remove it.
func (h *Hub) add(ids []string) (*watch, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return nil, errEnded
	}
	w := &watch{ids: ids, begun: time.Now(), due: make([]bool, len(ids)), wake: make(chan struct{}, 1)}
	w.markAll()
	h.watches[w] = struct{}{}
	for i, id := range ids {
		if h.byID[id] == nil {
			h.byID[id] = map[*watch]int{}
		}
		h.byID[id][w] = i
	}
	return w, nil
}

func (h *Hub) remove(w *watch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watches, w)
	for _, id := range w.ids {
		if delete(h.byID[id], w); len(h.byID[id]) == 0 {
			delete(h.byID, id)
		}
	}
}

// watch is a set of ids of which some are due.
type watch struct {
	ids   []string
	begun time.Time

	mu  sync.Mutex
	due []bool // by the id's place
	err error
	// wake has something when some are due, or the watch has ended.
	wake chan struct{}
}

func (w *watch) mark(places ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range places {
		w.due[i] = true
	}
	w.ring()
}

func (w *watch) markAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.due {
		w.due[i] = true
	}
	w.ring()
}

func (w *watch) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.ring()
}

// ring wakes the watch, if nobody has already.
func (w *watch) ring() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take waits until ids are due, and returns their places: they are due no more.
func (w *watch) take(ctx context.Context) ([]int, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.wake:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil, w.err
	}
	var places []int
	for i, due := range w.due {
		if due {
			places, w.due[i] = append(places, i), false
		}
	}
	return places, nil
}

// wait tells whether the time passed before ctx was done.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
