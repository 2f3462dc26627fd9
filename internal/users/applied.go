package users

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// askEvery is how often the store is asked while somebody waits, askAgain when it did not answer.
	askEvery = 4 * time.Millisecond
	askAgain = 100 * time.Millisecond
)

// applied tells when persist has applied what somebody waits for. All who wait share one question to the store.
type applied struct {
	store    Store
	patience time.Duration // with the store
	log      *slog.Logger

	mu      sync.Mutex
	waiting map[*waiter]bool
	wake    chan struct{} // of one: somebody waits
}

type waiter struct {
	marks map[string]int64 // offsets, by partition
	done  chan struct{}
}

func newApplied(s Store, patience time.Duration, log *slog.Logger) *applied {
	return &applied{store: s, patience: patience, log: log, waiting: map[*waiter]bool{}, wake: make(chan struct{}, 1)}
}

// await returns true when the records at marks are applied, and false when ctx is done first.
func (a *applied) await(ctx context.Context, marks map[string]int64) bool {
	w := &waiter{marks: marks, done: make(chan struct{})}
	a.mu.Lock()
	a.waiting[w] = true
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.waiting, w)
	}()
	select {
	case a.wake <- struct{}{}:
	default:
	}
	select {
	case <-w.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// run asks while somebody waits, until ctx is done.
func (a *applied) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
		}
		for partitions := a.partitions(); len(partitions) > 0; partitions = a.partitions() {
			pause := askEvery
			if err := a.ask(ctx, partitions); err != nil && ctx.Err() == nil {
				a.log.Debug("asking how far persist is", "error", err)
				pause = askAgain
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
		}
	}
}

// partitions are those that somebody waits for.
func (a *applied) partitions() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]bool{}
	var out []string
	for w := range a.waiting {
		for p := range w.marks {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

func (a *applied) ask(ctx context.Context, partitions []string) error {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	positions, err := a.store.Positions(ctx, partitions)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for w := range a.waiting {
		reached := true
		for p, offset := range w.marks {
			reached = reached && positions[p].Offset > offset
		}
		if reached {
			delete(a.waiting, w)
			close(w.done)
		}
	}
	return nil
}
