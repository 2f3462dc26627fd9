package supervise_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"regie/internal/servertest"
	"regie/internal/supervise"
)

func TestPartsAreStoppedInOrder(t *testing.T) {
	tests := map[string]struct {
		fails error // of a part in the midst
		want  string
	}{
		"told to":         {nil, ""},
		"one fails":       {errors.New("no more"), "two: no more"},
		"one simply ends": {errEnds, "two: ended by itself"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var mu sync.Mutex
			var order []string
			note := func(s string) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, s)
			}
			until := func(name string) func(context.Context) error {
				return func(ctx context.Context) error { <-ctx.Done(); note(name); return nil }
			}
			two := until("two")
			if tt.fails != nil {
				two = func(context.Context) error {
					if errors.Is(tt.fails, errEnds) {
						return nil
					}
					return tt.fails
				}
			} else {
				cancel()
			}
			defer cancel()
			err := supervise.Run(ctx, []supervise.Tier{{"one": until("one")}, {"two": two}, {"three": until("three")}}, func() { note("leave") }, time.Minute, servertest.Log(t))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v", err)
			}
			want := []string{"leave", "one", "two", "three"}
			if tt.fails != nil {
				want = []string{"leave", "one", "three"}
			}
			if !slices.Equal(order, want) {
				t.Errorf("order: %v", order)
			}
		})
	}
}

var errEnds = errors.New("ends without an error")

func TestAPartThatDoesNotEndIsLeftBehind(t *testing.T) {
	blocked := make(chan struct{})
	defer close(blocked)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := supervise.Run(ctx, []supervise.Tier{{"deaf": func(context.Context) error { <-blocked; return nil }}}, func() {}, 10*time.Millisecond, servertest.Log(t))
	if err == nil || err.Error() != "deaf: still at work 10ms after being told to stop" {
		t.Errorf("got %v", err)
	}
}
