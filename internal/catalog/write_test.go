package catalog_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"regie/internal/catalog"
)

// largest is the most that a pipeline was given, in its arguments' bytes.
type largest struct{ pipeline int }

func (l *largest) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (l *largest) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (l *largest) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		size := 0
		for _, cmd := range cmds {
			for _, a := range cmd.Args() {
				switch a := a.(type) {
				case string:
					size += len(a)
				case []byte:
					size += len(a)
				}
			}
		}
		l.pipeline = max(l.pipeline, size)
		return next(ctx, cmds)
	}
}

// TestLargeChangesGoInParts: Redis has to answer a pipeline within the client's time, or it is tried again for ever.
func TestLargeChangesGoInParts(t *testing.T) {
	const each, credits = 12, 10_000
	s := open(t)
	var changes []catalog.Change
	for i := range each {
		id := fmt.Sprintf("p%02d", i)
		large := item{Ref: catalog.Ref{Kind: "programme", ID: id}, fence: fence(int64(i)), kind: "FILM", day: 1}
		small := item{Ref: catalog.Ref{Kind: "programme", ID: "small" + id}, fence: fence(int64(i)), kind: "FILM", day: 2, people: []string{"pe"}}
		if i < 3 {
			large.people = slices.Repeat([]string{"pe"}, credits)
		}
		changes = append(changes, large.change(), small.change())
	}
	for i := range changes[6:] {
		changes[6+i].Blobs = map[catalog.Screen][]byte{catalog.Web: make([]byte, 3<<20)}
	}
	seen := &largest{}
	s.redis.AddHook(seen)
	for i, o := range s.applyAll(changes...) {
		if o.Refused {
			t.Errorf("%s is refused", changes[i].ID)
		}
	}
	if seen.pipeline > 36<<20 {
		t.Errorf("a pipeline had %d bytes", seen.pipeline)
	}
	list := catalog.List{Family: catalog.Credits("pe"), Owner: "pe", Order: catalog.ByDate, First: 100}
	if got, want := s.page(view, list).Total, 3*credits+each; got != want {
		t.Errorf("%d credits, want %d", got, want)
	}
	for i := range changes {
		changes[i] = removal("programme", changes[i].ID, fence(100))
	}
	s.applyAll(changes...)
	if got := s.page(view, list).Total; got != 0 {
		t.Errorf("%d credits of what is deleted", got)
	}
	if out := s.applyAll(); len(out) != 0 {
		t.Errorf("of no change there are outcomes: %v", out)
	}
}

// TestOnesOwnSlugHidesNobodysContest: one that has a slug and moves on it does not answer for one that newly claims it.
func TestOnesOwnSlugHidesNobodysContest(t *testing.T) {
	s := open(t)
	s.applyAll(programme("a", fence(1), "x", 1), programme("b", fence(1), "x", 2))
	var got [][]string
	for _, o := range s.applyAll(programme("a", fence(2), "x", 3), programme("b", fence(2), "x", 4), programme("c", fence(1), "x", 5)) {
		got = append(got, o.Contested)
	}
	if diff := cmp.Diff([][]string{nil, nil, {"x"}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAContestIsOfAWholeSlug: a programme's id may have the sign that ends a slug.
func TestAContestIsOfAWholeSlug(t *testing.T) {
	s := open(t)
	var got [][]string
	for _, o := range s.applyAll(
		video("v", fence(1), "p\x01", "x", 1, 1), video("w", fence(1), "p\x01", "y", 2, 2), video("z", fence(1), "p\x01", "x", 3, 3),
	) {
		got = append(got, o.Contested)
	}
	if diff := cmp.Diff([][]string{nil, nil, {"x"}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestALateWriteOfOneStopsNoNeighbour: a batch is held before its places are written, and meanwhile one of it changes.
func TestALateWriteOfOneStopsNoNeighbour(t *testing.T) {
	s := open(t)
	s.crash.step, s.crash.hold, s.crash.held = "place", make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := s.Apply(t.Context(), []catalog.Change{programme("a", fence(1), "a", 1), programme("b", fence(2), "b", 2), programme("c", fence(3), "c", 3)}, now)
		done <- err
	}()
	<-s.crash.held
	s.apply(programme("b", fence(9), "new", 9))
	close(s.crash.hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	clean := open(t)
	clean.applyAll(programme("a", fence(1), "a", 1), programme("b", fence(9), "new", 9), programme("c", fence(3), "c", 3))
	if diff := cmp.Diff(clean.content(), s.content()); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsReplayedIsPutBack: a node of a cluster lost its last writes, the one with the entity did not.
func TestWhatIsReplayedIsPutBack(t *testing.T) {
	tests := map[string]func(catalog.Change) catalog.Change{
		"the same change":                func(ch catalog.Change) catalog.Change { return ch },
		"a newer one, read again before": func(ch catalog.Change) catalog.Change { ch.Fence, ch.Replayed = fence(2), true; return ch },
	}
	for name, again := range tests {
		t.Run(name, func(t *testing.T) {
			s, clean := open(t), open(t)
			ch := item{Ref: catalog.Ref{Kind: "programme", ID: "p"}, fence: fence(1), kind: "FILM", title: "T", day: 1, slug: "x", people: []string{"a"}}.change()
			s.apply(ch)
			for _, k := range s.keys() {
				if !strings.HasPrefix(s.short(k), "{programme:") {
					s.redis.Del(t.Context(), k)
				}
			}
			ch = again(ch)
			s.apply(ch)
			ch.Blobs = blobs("programme:p", fence(1))
			clean.apply(ch)
			if diff := cmp.Diff(clean.content(), s.content()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnEditOfTextsAloneTakesOneTrip: where it is to be, it is.
func TestAnEditOfTextsAloneTakesOneTrip(t *testing.T) {
	s := open(t)
	s.apply(programme("other", fence(1), "o", 1)) // loads the scripts
	for _, step := range []struct {
		what   string
		change catalog.Change
		trips  int
	}{
		{"it is new", programme("p", fence(1), "x", 1), 2},
		{"its texts", programme("p", fence(2), "x", 1), 1},
		{"its date", programme("p", fence(3), "x", 2), 3},
		{"that again", programme("p", fence(3), "x", 2), 3},
		{"its texts, later", programme("p", fence(4), "x", 2), 1},
		{"something old", programme("p", fence(1), "y", 1), 1},
		{"it is removed", removal("programme", "p", fence(5)), 3},
		{"a tombstone", removal("programme", "p", fence(6)), 1},
	} {
		if got := s.trips(func() { s.apply(step.change) }); got != step.trips {
			t.Errorf("%s: %d round trips, want %d", step.what, got, step.trips)
		}
	}
}

// FuzzUnpack reads anything, and reads back what was written.
func FuzzUnpack(f *testing.F) {
	full := catalog.Pack(programme("p", fence(1), "x", 1).Placements)
	for i := range full {
		f.Add(full[:i])
	}
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
	f.Fuzz(func(t *testing.T, where string) {
		again := catalog.Pack(catalog.Unpack(where))
		if got := catalog.Pack(catalog.Unpack(again)); got != again {
			t.Errorf("%q is read back as %q", again, got)
		}
	})
}

// TestAStateThatSomebodyBrokeStopsNothing: its neighbours are written, and itself.
func TestAStateThatSomebodyBrokeStopsNothing(t *testing.T) {
	s := open(t)
	s.applyAll(programme("p", fence(1), "x", 1), programme("q", fence(1), "y", 1))
	home := s.prefix + ":{" + string(catalog.Home("programme", "p")) + "}:"
	for _, broken := range []string{fence(1).String() + "\xff\xff\xff", "z", ""} {
		s.redis.HSet(t.Context(), home+"entities", "p", broken)
		s.redis.HSet(t.Context(), home+"pending", "p", "99:"+broken)
		for i, o := range s.applyAll(programme("p", fence(2), "x", 2), programme("q", fence(2), "y", 2)) {
			if refused := broken == "z" && i == 0; o.Refused != refused { // no fence is as high
				t.Errorf("%q: refused: %v", broken, o.Refused)
			}
		}
		if got := s.list(of(catalog.Programmes), catalog.ByDate); !slices.Contains(got, "p") || !slices.Contains(got, "q") {
			t.Errorf("%q: %q are listed", broken, got)
		}
	}
}
