package users

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// fresh is how long what the Directory said is used without asking again.
	fresh = 5 * time.Second
	// stale is how long it is used while the Directory does not answer.
	stale = time.Hour
	// remembered bounds how many users a process knows at once, at some 300 bytes each.
	remembered = 100_000
)

// viewers know users' pseudonyms: from the Directory, and for a while by heart.
type viewers struct {
	directory Directory
	now       func() time.Time
	patience  time.Duration // with the Directory
	metrics   *Metrics
	known     *lru.Cache[string, viewer] // by the Directory's name
}

// viewer is a user as events and rows have them.
type viewer struct {
	pseudonym string
	// asked is when the Directory was asked: what it says holds from then, however long it took to say it.
	asked time.Time
	*stamps
}

func newViewers(d Directory, now func() time.Time, patience time.Duration, m *Metrics) *viewers {
	known, err := lru.New[string, viewer](remembered)
	if err != nil {
		panic(err) // the size is none
	}
	return &viewers{directory: d, now: now, patience: patience, metrics: m, known: known}
}

// of returns the user's pseudonym. A user who has none gets one if it is for a write; else it is "".
func (v *viewers) of(ctx context.Context, user string, write bool) (viewer, error) {
	asked := v.now()
	before, known := v.known.Get(user)
	age := asked.Sub(before.asked)
	if known && age < fresh {
		return before, nil
	}
	offered := ""
	if write {
		offered = uuid.NewString()
	}
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	pseudonym, err := v.directory.Pseudonym(ctx, user, offered)
	switch {
	case away(err) && known && age < stale:
		v.metrics.stale.Inc()
		return before, nil
	case err != nil:
		return viewer{}, fmt.Errorf("asking for a pseudonym: %w", err)
	case pseudonym == "":
		v.known.Remove(user)
		return viewer{}, nil
	}
	now := viewer{pseudonym: pseudonym, asked: asked, stamps: before.stamps}
	if before.pseudonym != pseudonym {
		now.stamps = &stamps{}
	}
	v.known.Add(user, now)
	return now, nil
}

func (v *viewers) forget(user string) { v.known.Remove(user) }

// away tells whether a store did not answer, or not in the time it was given.
func away(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// unlessAway is err, or nil when it says that a store did not answer.
func unlessAway(err error) error {
	if away(err) {
		return nil
	}
	return err
}

// stamps are the times of what a viewer does here. No two are the same, so that of an addition and a removal in one
// millisecond the second counts.
type stamps struct {
	mu   sync.Mutex
	last time.Time
}

// next is now, in ms, or a little later.
func (s *stamps) next(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UTC().Truncate(time.Millisecond)
	if ahead := s.last.Sub(at); ahead >= 0 && ahead < time.Second { // more is a clock that was set back
		at = s.last.Add(time.Millisecond)
	}
	s.last = at
	return at
}

// saw has the next time be later than at.
func (s *stamps) saw(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.last) {
		s.last = at
	}
}
