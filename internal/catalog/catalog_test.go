package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
)

var (
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	// week is how long a removed thing's fence is kept.
	week = 7 * 24 * time.Hour
)

// store is a catalogue of the test's own, and the Redis under it.
type store struct {
	*catalog.Catalog
	t      *testing.T
	redis  redis.UniversalClient
	prefix string
	crash  *crash
}

func open(t *testing.T) *store {
	t.Helper()
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &store{t: t, redis: client, prefix: servertest.Name(), crash: newCrash(t)}
	s.Catalog = catalog.New(client, s.prefix)
	client.AddHook(s.crash)
	t.Cleanup(func() {
		for _, k := range s.keys() {
			client.Del(context.Background(), k)
		}
		_ = client.Close()
	})
	return s
}

// keys are all that the catalogue has in Redis, without the prefix.
func (s *store) keys() []string {
	s.t.Helper()
	var keys []string
	it := s.redis.Scan(context.Background(), 0, s.prefix+":*", 1000).Iterator()
	for it.Next(context.Background()) {
		keys = append(keys, it.Val())
	}
	if err := it.Err(); err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (s *store) short(key string) string { return strings.TrimPrefix(key, s.prefix+":") }

// apply applies one change.
func (s *store) apply(ch catalog.Change) catalog.Outcome {
	s.t.Helper()
	out, err := s.Apply(s.t.Context(), []catalog.Change{ch}, now)
	if err != nil {
		s.t.Fatal(err)
	}
	return out[0]
}

// lists reads whole lists, as ids.
func (s *store) list(f catalog.Family, screen catalog.Screen, order catalog.Order) []string {
	s.t.Helper()
	ps, err := s.Pages(s.t.Context(), []catalog.List{{Family: f, Screen: screen, Order: order, First: 1000}})
	if err != nil {
		s.t.Fatal(err)
	}
	return ids(ps[0].Members)
}

func ids(members []string) []string {
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = catalog.ID(m)
	}
	return out
}

func (s *store) owner(f catalog.Family) string {
	s.t.Helper()
	os, err := s.Owners(s.t.Context(), []catalog.Family{f})
	if err != nil {
		s.t.Fatal(err)
	}
	return os[0]
}

func (s *store) blob(screen catalog.Screen, kind, id string) string {
	s.t.Helper()
	bs, err := s.Blobs(s.t.Context(), screen, []catalog.Ref{{Kind: kind, ID: id}})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(bs[0])
}

// crash makes the client fail in the midst of a change, as a process would that is killed.
type crash struct {
	steps map[string]string // by script's hash
	step  string            // where: begin, place or finish; "" for never
	after int               // how many commands of that step are done before
	hold  chan struct{}     // when set, the step waits for it instead of failing
	held  chan struct{}     // closed when it waits
}

var errCrash = errors.New("killed")

func newCrash(t *testing.T) *crash {
	c := &crash{steps: map[string]string{}}
	for _, step := range []string{"begin", "place", "finish"} {
		lua, err := os.ReadFile(step + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		c.steps[redis.NewScript(string(lua)).Hash()] = step
	}
	return c
}

func (c *crash) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (c *crash) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (c *crash) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if c.step == "" || len(cmds) == 0 || len(cmds[0].Args()) < 2 || c.steps[fmt.Sprint(cmds[0].Args()[1])] != c.step {
			return next(ctx, cmds)
		}
		c.step = ""
		if c.hold != nil {
			close(c.held)
			<-c.hold
			return next(ctx, cmds)
		}
		if n := min(c.after, len(cmds)); n > 0 {
			_ = next(ctx, cmds[:n])
		}
		for _, cmd := range cmds {
			cmd.SetErr(errCrash)
		}
		return errCrash
	}
}

// fence is of the first incarnation.
func fence(offset int64) stream.Fence { return stream.Fence{Incarnation: 1, Offset: offset} }

func date(day int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC))
}

// programme is a change of a programme; its blobs tell its fence and screen.
func programme(id string, f stream.Fence, slug string, day int) catalog.Change {
	return catalog.Change{
		Kind: "programme", ID: id, Fence: f, Blobs: blobs(id, f, catalog.Screens()),
		Placements: []catalog.Placement{
			{Family: catalog.Programmes, Keys: map[catalog.Order]string{catalog.ByDate: catalog.DateKey(date(day))}, Screens: catalog.Screens()},
			catalog.Claim(catalog.ProgrammeSlug(slug), date(day)),
		},
	}
}

func video(id string, f stream.Fence, programmeID, slug string, day int, episode int32) catalog.Change {
	return catalog.Change{
		Kind: "video", ID: id, Fence: f, Blobs: blobs(id, f, catalog.Screens()),
		Placements: []catalog.Placement{
			{
				Family: catalog.Videos(programmeID),
				Keys: map[catalog.Order]string{
					catalog.ByDate: catalog.DateKey(date(day)), catalog.ByEpisode: catalog.EpisodeKey(nil, &episode, date(day)),
				},
				Screens: catalog.Screens(),
			},
			catalog.Claim(catalog.VideoSlug(programmeID, slug), date(day)),
		},
	}
}

func removal(kind, id string, f stream.Fence) catalog.Change {
	return catalog.Change{Kind: kind, ID: id, Fence: f}
}

func blobs(id string, f stream.Fence, screens []catalog.Screen) map[catalog.Screen][]byte {
	m := map[catalog.Screen][]byte{}
	for _, s := range screens {
		m[s] = fmt.Appendf(nil, "%s at %d.%d for %s", id, f.Incarnation, f.Offset, s)
	}
	return m
}

func TestAnOldChangeIsRefused(t *testing.T) {
	s := open(t)
	if o := s.apply(programme("p", fence(5), "a", 1)); o.Refused {
		t.Error("the first change is refused")
	}
	tests := []struct {
		name    string
		fence   stream.Fence
		refused bool
	}{
		{"an older one", fence(4), true},
		{"the same", fence(5), true},
		{"an older incarnation's later one", stream.Fence{Incarnation: 0, Offset: 99}, true},
		{"a later one", fence(16), false},
		{"a newer incarnation's earlier one", stream.Fence{Incarnation: 2, Offset: 0}, false},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := s.blob(catalog.Web, "programme", "p")
			slug := fmt.Sprint("slug", i)
			if o := s.apply(programme("p", tt.fence, slug, 2)); o.Refused != tt.refused {
				t.Errorf("refused: %v", o.Refused)
			}
			if after := s.blob(catalog.Web, "programme", "p"); (after == before) != tt.refused {
				t.Errorf("the blob is %q", after)
			}
			if owner := s.owner(catalog.ProgrammeSlug(slug)); (owner == "") != tt.refused {
				t.Errorf("the slug is %q's", owner)
			}
		})
	}
}

func TestAChangeThatWasCutShortIsRepaired(t *testing.T) {
	old := video("v", fence(1), "p1", "a", 1, 1)
	cut := video("v", fence(2), "p2", "b", 2, 2)
	next := video("v", fence(3), "p3", "c", 3, 3)
	gone := removal("video", "v", fence(2))
	changes := map[string]struct{ cut, then catalog.Change }{
		"a move, then itself":            {cut, cut},
		"a move, then the next":          {cut, next},
		"a move, then a removal":         {cut, removal("video", "v", fence(3))},
		"a removal, then itself":         {gone, gone},
		"a removal, then a new life":     {gone, next},
		"a removal, then a tombstone":    {gone, removal("video", "v", fence(3))},
		"nothing new, then the next":     {video("v", fence(2), "p1", "a", 1, 1), next},
		"a move, then back where it was": {cut, video("v", fence(3), "p1", "a", 1, 1)},
	}
	for name, tt := range changes {
		t.Run(name, func(t *testing.T) {
			// What is to be in the end, made without any trouble.
			want := open(t)
			want.apply(tt.then)
			for step, commands := range map[string]int{"begin": 2, "place": 5, "finish": 2} {
				for after := range commands {
					s := open(t)
					s.apply(old)
					s.crash.step, s.crash.after = step, after
					if _, err := s.Apply(t.Context(), []catalog.Change{tt.cut}, now); !errors.Is(err, errCrash) {
						t.Fatalf("cut at %s: %v", step, err)
					}
					if o := s.apply(tt.then); o.Refused && (step != "finish" || after == 0) {
						t.Errorf("cut at %s after %d commands: the repair is refused", step, after)
					}
					if diff := cmp.Diff(want.content(), s.content()); diff != "" {
						t.Errorf("cut at %s after %d commands: %s", step, after, diff)
					}
				}
			}
		})
	}
}

// content is all that can be read: blobs, and the members of every list and slug.
func (s *store) content() map[string][]string {
	s.t.Helper()
	m := map[string][]string{}
	ctx := context.Background()
	for _, k := range s.keys() {
		kind, err := s.redis.Type(ctx, k).Result()
		if err != nil {
			s.t.Fatal(err)
		}
		name := s.short(k)
		switch {
		case kind == "string":
			v, err := s.redis.Get(ctx, k).Result()
			if err != nil {
				s.t.Fatal(err)
			}
			m[name] = []string{v}
		case kind == "zset" && !strings.HasSuffix(name, ":removed"):
			v, err := s.redis.ZRange(ctx, k, 0, -1).Result()
			if err != nil {
				s.t.Fatal(err)
			}
			m[name] = v
		}
	}
	return m
}

func TestAMoveLeavesNothingBehind(t *testing.T) {
	s := open(t)
	s.apply(video("v", fence(1), "p1", "a", 1, 1))
	s.apply(video("w", fence(1), "p1", "w", 2, 2))
	s.apply(video("v", fence(2), "p2", "b", 3, 3))
	got := map[string][]string{}
	for _, p := range []string{"p1", "p2"} {
		for _, o := range []catalog.Order{catalog.ByDate, catalog.ByEpisode} {
			for _, screen := range catalog.Screens() {
				got[fmt.Sprintf("%s by %s on %s", p, o, screen)] = s.list(catalog.Videos(p), screen, o)
			}
		}
	}
	for name, got := range got {
		want := []string{"v"}
		if strings.HasPrefix(name, "p1") {
			want = []string{"w"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if o := s.owner(catalog.VideoSlug("p1", "a")); o != "" {
		t.Errorf("the former slug is %q's", o)
	}
	if o := s.owner(catalog.VideoSlug("p2", "b")); o != "v" {
		t.Errorf("the slug is %q's", o)
	}
	// A change of the sort keys alone moves it within its lists.
	s.apply(video("v", fence(3), "p2", "b", 9, 9))
	if diff := cmp.Diff([]string{"v"}, s.list(catalog.Videos("p2"), catalog.Web, catalog.ByDate)); diff != "" {
		t.Error(diff)
	}
}

func TestAnEntityThatLeavesAScreenIsNotListedThere(t *testing.T) {
	s := open(t)
	s.apply(programme("p", fence(1), "a", 1))
	less := programme("p", fence(2), "a", 1)
	delete(less.Blobs, catalog.IPTV)
	less.Placements[0].Screens = []catalog.Screen{catalog.Web, catalog.Mobile}
	s.apply(less)
	if b := s.blob(catalog.IPTV, "programme", "p"); b != "" {
		t.Errorf("it still has the blob %q", b)
	}
	if got := s.list(catalog.Programmes, catalog.IPTV, catalog.ByDate); len(got) > 0 {
		t.Errorf("it is still listed: %q", got)
	}
	if diff := cmp.Diff([]string{"p"}, s.list(catalog.Programmes, catalog.Web, catalog.ByDate)); diff != "" {
		t.Error(diff)
	}
	if b := s.blob(catalog.Web, "programme", "p"); b != "p at 1.2 for web" {
		t.Errorf("got %q", b)
	}
}

func TestARemovalLeavesNothingButFencesThatExpire(t *testing.T) {
	s := open(t)
	s.apply(video("v", fence(1), "p1", "a", 1, 1))
	s.apply(video("v", fence(2), "p2", "b", 2, 2))
	s.apply(removal("video", "v", fence(3)))
	for _, k := range s.keys() {
		name := s.short(k)
		if !strings.HasSuffix(name, ":state") && !strings.HasSuffix(name, ":members") && !strings.HasSuffix(name, ":removed") {
			t.Errorf("%q is left", name)
		}
		ttl, err := s.redis.PTTL(t.Context(), k).Result()
		if err != nil {
			t.Fatal(err)
		}
		if ttl <= week-time.Hour || ttl > week {
			t.Errorf("%q is kept for %v", name, ttl)
		}
	}
	// A new life ends the delay.
	s.apply(video("v", fence(4), "p2", "b", 2, 2))
	for _, name := range []string{"{video:v}:state", "{videos:p2}:members"} {
		if ttl := s.redis.PTTL(t.Context(), s.prefix+":"+name).Val(); ttl > 0 {
			t.Errorf("%s expires in %v, though it is alive", name, ttl)
		}
	}
}

func TestARemovedMembersFenceIsForgottenInTheEnd(t *testing.T) {
	s := open(t)
	s.apply(programme("stays", fence(1), "s", 1))
	s.apply(removal("programme", "stays", fence(2)))
	s.apply(programme("stays", fence(3), "s", 1))
	for i := range 5 {
		id := fmt.Sprint("p", i)
		s.apply(programme(id, fence(1), "x", 1))
		if _, err := s.Apply(t.Context(), []catalog.Change{removal("programme", id, fence(2))}, now.Add(time.Duration(i)*week/2)); err != nil {
			t.Fatal(err)
		}
	}
	members, err := s.redis.HKeys(t.Context(), s.prefix+":{programmes}:members").Result()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(members)
	// p4 was removed two weeks after p0: those removed in the week before it are remembered.
	if diff := cmp.Diff([]string{"p3", "p4", "stays"}, members); diff != "" {
		t.Error(diff)
	}
}

// TestALateWriteDoesNotBringBack: an instance that lost its partition finishes a change that it began before the removal.
func TestALateWriteDoesNotBringBack(t *testing.T) {
	tests := map[string]struct {
		step  string
		later catalog.Change
	}{
		"its lists, after a removal": {"place", removal("programme", "p", fence(9))},
		"its lists, after a move":    {"place", programme("p", fence(9), "z", 9)},
		"its end, after a removal":   {"finish", removal("programme", "p", fence(9))},
		"its end, after a move":      {"finish", programme("p", fence(9), "z", 9)},
		"its begin, after a removal": {"begin", removal("programme", "p", fence(9))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.apply(programme("p", fence(1), "a", 1))
			s.crash.step, s.crash.hold, s.crash.held = tt.step, make(chan struct{}), make(chan struct{})
			done := make(chan error, 1)
			go func() {
				_, err := s.Apply(t.Context(), []catalog.Change{programme("p", fence(2), "b", 2)}, now)
				done <- err
			}()
			select {
			case <-s.crash.held:
			case err := <-done:
				t.Fatalf("it ended without that step: %v", err)
			}
			s.apply(tt.later)
			want := s.content()
			close(s.crash.hold)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, s.content()); diff != "" {
				t.Error(diff)
			}
			if o := s.apply(tt.later); !o.Refused {
				t.Error("the later change does not count as done any more")
			}
			next, clean := programme("p", fence(10), "y", 3), open(t)
			s.apply(next)
			clean.apply(next)
			if diff := cmp.Diff(clean.content(), s.content()); diff != "" {
				t.Errorf("the change after it: %s", diff)
			}
		})
	}
}

func TestTheOldestOwnsASlug(t *testing.T) {
	s := open(t)
	slug := catalog.ProgrammeSlug("x")
	steps := []struct {
		name      string
		change    catalog.Change
		owner     string
		contested bool
	}{
		{"a first claim", programme("m", fence(1), "x", 5), "m", false},
		{"a younger one", programme("y", fence(2), "x", 6), "m", true},
		{"an older one", programme("o", fence(3), "x", 4), "o", false},
		{"one as old, with a lower id", programme("n", fence(4), "x", 4), "n", false},
		{"the owner again", programme("n", fence(5), "x", 4), "n", false},
		{"the owner takes another", programme("n", fence(6), "z", 4), "o", false},
		{"the next owner is removed", removal("programme", "o", fence(7)), "m", false},
		{"the next owner is removed too", removal("programme", "m", fence(8)), "y", false},
		{"nobody is left", removal("programme", "y", fence(9)), "", false},
	}
	for _, st := range steps {
		t.Run(st.name, func(t *testing.T) {
			out := s.apply(st.change)
			if got := len(out.Contested) > 0; got != st.contested {
				t.Errorf("contested: %q", out.Contested)
			}
			if st.contested {
				if diff := cmp.Diff([]catalog.Family{slug}, out.Contested); diff != "" {
					t.Error(diff)
				}
			}
			if o := s.owner(slug); o != st.owner {
				t.Errorf("it is %q's, want %q", o, st.owner)
			}
		})
	}
}

func TestTwoSwapTheirSlugs(t *testing.T) {
	a, b := programme("a", fence(3), "y", 1), programme("b", fence(4), "x", 2)
	orders := map[string][][]catalog.Change{
		"the older first":   {{a}, {b}},
		"the younger first": {{b}, {a}},
		"at once":           {{a, b}},
		"at once, reversed": {{b, a}},
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.apply(programme("a", fence(1), "x", 1))
			s.apply(programme("b", fence(2), "y", 2))
			for _, changes := range order {
				if _, err := s.Apply(t.Context(), changes, now); err != nil {
					t.Fatal(err)
				}
			}
			if x, y := s.owner(catalog.ProgrammeSlug("x")), s.owner(catalog.ProgrammeSlug("y")); x != "b" || y != "a" {
				t.Errorf("x is %q's, y is %q's", x, y)
			}
		})
	}
}

func TestPages(t *testing.T) {
	s := open(t)
	// Two days, three of each; ids break the tie.
	for i, id := range []string{"c", "a", "b", "f", "d", "e"} {
		s.apply(programme(id, fence(int64(i)), id, 1+i/3))
	}
	page := func(t *testing.T, l catalog.List) catalog.Page {
		t.Helper()
		l.Family, l.Screen, l.Order = catalog.Programmes, catalog.Web, catalog.ByDate
		ps, err := s.Pages(t.Context(), []catalog.List{l})
		if err != nil {
			t.Fatal(err)
		}
		return ps[0]
	}
	forward := []string{"a", "b", "c", "d", "e", "f"}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	for name, reverse := range map[string]bool{"forward": false, "backward": true} {
		want := forward
		if reverse {
			want = backward
		}
		for first := 1; first <= 7; first++ {
			t.Run(fmt.Sprintf("%s by %d", name, first), func(t *testing.T) {
				var got []string
				l := catalog.List{Reverse: reverse, First: first}
				for {
					p := page(t, l)
					if p.Total != 6 {
						t.Errorf("total %d", p.Total)
					}
					if len(p.Members) > first {
						t.Errorf("%d on a page of %d", len(p.Members), first)
					}
					got = append(got, ids(p.Members)...)
					if more := len(got) < 6; p.More != more {
						t.Errorf("after %d: more is %v", len(got), p.More)
					}
					if !p.More {
						break
					}
					l.After = p.Members[len(p.Members)-1]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
	t.Run("a list that nobody made", func(t *testing.T) {
		ps, err := s.Pages(t.Context(), []catalog.List{{Family: catalog.Videos("none"), Screen: catalog.Web, Order: catalog.ByDate, First: 3}})
		if err != nil || len(ps[0].Members) > 0 || ps[0].More || ps[0].Total != 0 {
			t.Errorf("got %+v, %v", ps, err)
		}
	})
	t.Run("what comes and goes between two pages moves nothing", func(t *testing.T) {
		p := page(t, catalog.List{First: 3})
		s.apply(programme("0", fence(20), "0", 1))   // before the cursor
		s.apply(programme("dd", fence(21), "dd", 2)) // after it
		s.apply(removal("programme", "c", fence(22)))
		next := page(t, catalog.List{First: 10, After: p.Members[2]})
		if diff := cmp.Diff([]string{"d", "dd", "e", "f"}, ids(next.Members)); diff != "" {
			t.Error(diff)
		}
		if next.Total != 7 || next.More {
			t.Errorf("total %d, more %v", next.Total, next.More)
		}
		back := page(t, catalog.List{First: 10, After: p.Members[2], Reverse: true})
		if diff := cmp.Diff([]string{"b", "a", "0"}, ids(back.Members)); diff != "" {
			t.Errorf("from a cursor whose member is gone: %s", diff)
		}
	})
}

func TestManyAreReadInTheirOrder(t *testing.T) {
	s := open(t)
	s.apply(programme("p", fence(1), "x", 1))
	s.apply(video("v", fence(2), "p", "y", 1, 1))
	bs, err := s.Blobs(t.Context(), catalog.Mobile, []catalog.Ref{{Kind: "video", ID: "v"}, {Kind: "video", ID: "none"}, {Kind: "programme", ID: "p"}, {Kind: "video", ID: "v"}})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{[]byte("v at 1.2 for mobile"), nil, []byte("p at 1.1 for mobile"), []byte("v at 1.2 for mobile")}
	if diff := cmp.Diff(want, bs); diff != "" {
		t.Error(diff)
	}
	os, err := s.Owners(t.Context(), []catalog.Family{catalog.VideoSlug("p", "y"), catalog.ProgrammeSlug("y"), catalog.ProgrammeSlug("x")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v", "", "p"}, os); diff != "" {
		t.Error(diff)
	}
	for _, read := range []func() error{
		func() error { _, err := s.Blobs(t.Context(), catalog.Web, nil); return err },
		func() error { _, err := s.Owners(t.Context(), nil); return err },
		func() error { _, err := s.Pages(t.Context(), nil); return err },
		func() error { _, err := s.Apply(t.Context(), nil, now); return err },
	} {
		if err := read(); err != nil {
			t.Errorf("nothing: %v", err)
		}
	}
}

func TestScriptsThatRedisForgotAreLoadedAgain(t *testing.T) {
	s := open(t)
	flush := func() {
		t.Helper()
		if err := s.redis.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	if o := s.apply(programme("p", fence(1), "x", 1)); o.Refused {
		t.Error("refused")
	}
	flush()
	pos := s.Positions("project")
	if err := pos.Store(t.Context(), []stream.Record{{Topic: "t", Offset: 4, TopicID: "id"}}); err != nil {
		t.Error(err)
	}
	flush()
	if o := s.apply(programme("p", fence(1), "x", 1)); !o.Refused {
		t.Error("not refused")
	}
	if s.owner(catalog.ProgrammeSlug("x")) != "p" {
		t.Error("it is not there")
	}
}

func TestARedisThatIsAwayIsSaid(t *testing.T) {
	client, err := catalog.Connect("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c := catalog.New(client, "x")
	if _, err := c.Blobs(t.Context(), catalog.Web, []catalog.Ref{{Kind: "video", ID: "v"}}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("Blobs: %v", err)
	}
	if _, err := c.Owners(t.Context(), []catalog.Family{catalog.ProgrammeSlug("x")}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("Owners: %v", err)
	}
	if _, err := c.Pages(t.Context(), []catalog.List{{Family: catalog.Programmes}}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("Pages: %v", err)
	}
	if _, err := c.Apply(t.Context(), []catalog.Change{programme("p", fence(1), "x", 1)}, now); err == nil {
		t.Error("Apply has no error")
	}
	if err := c.Ping(t.Context()); err == nil {
		t.Error("Ping has no error")
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:6379", "http://x", "redis://x:port", "http+cluster://x"} {
		if c, err := catalog.Connect(url); err == nil {
			t.Errorf("%q is accepted", url)
			_ = c.Close()
		}
	}
}

func TestEpisodeOrder(t *testing.T) {
	n := func(i int32) *int32 { return &i }
	keys := []string{
		catalog.EpisodeKey(n(1), n(1), date(9)),
		catalog.EpisodeKey(n(1), n(2), date(1)),
		catalog.EpisodeKey(n(1), n(10), date(1)),
		catalog.EpisodeKey(n(1), nil, date(1)),
		catalog.EpisodeKey(n(2), n(1), date(1)),
		catalog.EpisodeKey(n(10), n(1), date(1)),
		catalog.EpisodeKey(nil, n(1), date(1)),
		catalog.EpisodeKey(nil, nil, date(1)),
		catalog.EpisodeKey(nil, nil, date(2)),
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not in order: %q", keys)
	}
}

func TestSlugsOfTwoProgrammesNeverMeet(t *testing.T) {
	if a, b := catalog.VideoSlug("p:x", "y"), catalog.VideoSlug("p", "x:y"); a == b {
		t.Errorf("both are %s", a)
	}
}
