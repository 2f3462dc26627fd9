package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
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
	// view sees whatever has no rights.
	view = catalog.View{Screen: catalog.Web, Territory: "FR", Now: now}
)

// store is a catalogue of the test's own, and the Redis under it.
type store struct {
	*catalog.Catalog
	t      *testing.T
	redis  redis.UniversalClient
	prefix string
	crash  *crash
	slots  *slots
}

func open(t *testing.T) *store {
	t.Helper()
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &store{t: t, redis: client, prefix: servertest.Name(), crash: newCrash(t), slots: &slots{t: t}}
	s.Catalog = catalog.New(client, s.prefix)
	client.AddHook(s.slots)
	client.AddHook(s.crash)
	t.Cleanup(func() {
		for _, k := range s.keys() {
			client.Del(context.Background(), k)
		}
		_ = client.Close()
	})
	return s
}

// keys are all that the catalogue has in Redis.
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
	return s.applyAll(ch)[0]
}

// applyAll applies changes after all before them are done, unless they know better.
func (s *store) applyAll(changes ...catalog.Change) []catalog.Outcome {
	s.t.Helper()
	changes = slices.Clone(changes)
	for i := range changes {
		if changes[i].Settled == (stream.Fence{}) {
			changes[i].Settled = changes[i].Fence
		}
	}
	out, err := s.Apply(s.t.Context(), changes, now)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// list reads a whole list, as ids.
func (s *store) list(l catalog.List, order catalog.Order) []string {
	s.t.Helper()
	l.Order, l.First = order, 10000
	return ids(s.page(view, l).Members)
}

// of is the list of a whole family.
func of(f catalog.Family) catalog.List { return catalog.List{Family: f} }

func (s *store) page(v catalog.View, l catalog.List) catalog.Page {
	s.t.Helper()
	ps, err := s.Pages(s.t.Context(), v, []catalog.List{l})
	if err != nil {
		s.t.Fatal(err)
	}
	return ps[0]
}

func ids(members []string) []string {
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = catalog.ID(m)
	}
	return out
}

func (s *store) owner(a catalog.Address) string {
	s.t.Helper()
	os, err := s.Owners(s.t.Context(), []catalog.Address{a})
	if err != nil {
		s.t.Fatal(err)
	}
	return os[0]
}

func slugOf(slug string) catalog.Address { return catalog.SlugOf("programme", slug) }

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
	step  string            // where: entity, place or finish; "" for never
	after int               // how many commands of that step are done before
	hold  chan struct{}     // when set, the step waits for it instead of failing
	held  chan struct{}     // closed when it waits
	// flush, when set, is made to forget its scripts instead, once.
	flush redis.UniversalClient
}

var errCrash = errors.New("killed")

func newCrash(t *testing.T) *crash {
	c := &crash{steps: map[string]string{}}
	for _, step := range []string{"entity", "place", "finish"} {
		var lua []byte
		for _, part := range []string{"fences.lua", step + ".lua"} {
			b, err := os.ReadFile(part)
			if err != nil {
				t.Fatal(err)
			}
			lua = append(lua, b...)
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
		n := min(c.after, len(cmds))
		if n > 0 {
			_ = next(ctx, cmds[:n])
		}
		if c.flush != nil {
			if err := c.flush.ScriptFlush(ctx).Err(); err != nil {
				return err
			}
			_ = next(ctx, cmds[n:])
			for _, cmd := range cmds {
				if cmd.Err() != nil {
					return cmd.Err() // as a pipeline does
				}
			}
			return nil
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

// item is an entity as a test wants it; change places it as project does.
type item struct {
	catalog.Ref
	fence       stream.Fence
	kind, title string
	day         int
	note        string
	slug        string
	former      []string
	// Of programmes.
	channel string
	genres  []string
	people  []string // once for each credit
	// Of videos.
	programme       string
	season, episode *int32
}

// date and title are its keys in these orders.
func (it item) date() string { return catalog.DateKey(date(it.day)) }

func (it item) change() (ch catalog.Change) {
	ch = catalog.Change{Kind: it.Kind, ID: it.ID, Fence: it.fence, Blobs: blobs(it.Kind+":"+it.ID, it.fence)}
	var ps catalog.Placements
	defer func() { ch.Placements = ps.List }()
	add := func(f catalog.Family, places ...catalog.Place) { ps.Noted(it.note, f, places...) }
	if it.Kind == "video" {
		places := catalog.VideoPlaces(it.programme, it.kind, it.season, it.episode, date(it.day))
		if it.slug != "" {
			places = append(places, catalog.VideoSlug(it.programme, it.slug).Claim(date(it.day)))
		}
		for _, s := range it.former {
			places = append(places, catalog.VideoSlug(it.programme, s).Former(date(it.day)))
		}
		add(catalog.Videos(it.programme), places...)
		return ch
	}
	both := append(catalog.Facets(catalog.ByDate, it.kind, it.date()), catalog.Facets(catalog.ByTitle, it.kind, catalog.TitleKey(it.title))...)
	add(catalog.Programmes, both...)
	var scopes []string
	var categories []catalog.Place
	for _, g := range it.genres {
		scopes = append(scopes, catalog.Scope(g))
		categories = append(categories, catalog.Place{Set: catalog.CategorySet, Key: catalog.CategoryKey(g, strings.ToUpper(g))})
		add(catalog.OfCategory(g), both...)
	}
	if len(categories) > 0 {
		add(catalog.Categories, categories...)
	}
	if it.channel != "" {
		add(catalog.OfChannel(it.channel), catalog.Facets(catalog.ByDate, it.kind, it.date(), scopes...)...)
	}
	credits := map[string][]catalog.Place{}
	for i, p := range it.people {
		key := fmt.Sprintf("%s:%05d", it.date(), i)
		credits[p] = append(credits[p], catalog.Place{Set: "of/" + p, Key: "date/" + key}, catalog.Place{Set: "of/" + p, Key: "date:" + it.kind + "/" + key})
	}
	for _, p := range slices.Sorted(maps.Keys(credits)) {
		add(catalog.Credits(p), credits[p]...)
	}
	if it.slug != "" {
		a := catalog.SlugOf(it.Kind, it.slug)
		add(a.Family, a.Claim(date(it.day)))
	}
	for _, s := range it.former {
		a := catalog.SlugOf(it.Kind, s)
		add(a.Family, a.Former(date(it.day)))
	}
	return ch
}

// programme is a change of a programme; its blobs tell its fence and screen.
func programme(id string, f stream.Fence, slug string, day int) catalog.Change {
	return item{Ref: catalog.Ref{Kind: "programme", ID: id}, fence: f, kind: "SERIES", title: slug, day: day, slug: slug}.change()
}

func video(id string, f stream.Fence, programmeID, slug string, day int, episode int32) catalog.Change {
	return item{Ref: catalog.Ref{Kind: "video", ID: id}, fence: f, kind: "EPISODE", day: day, slug: slug, programme: programmeID, episode: &episode}.change()
}

func removal(kind, id string, f stream.Fence) catalog.Change {
	return catalog.Change{Kind: kind, ID: id, Fence: f}
}

func blobs(id string, f stream.Fence) map[catalog.Screen][]byte {
	m := map[catalog.Screen][]byte{}
	for _, s := range catalog.Screens() {
		m[s] = fmt.Appendf(nil, "%s at %d.%d for %s", id, f.Incarnation, f.Offset, s)
	}
	return m
}

// content is all that is stored but the fences of what was removed, and those within families; it checks that what expires
// is what was removed.
func (s *store) content() map[string][]string {
	s.t.Helper()
	m := map[string][]string{}
	ctx := context.Background()
	keys := s.keys()
	types := make([]*redis.StatusCmd, len(keys))
	ttls := make([]*redis.DurationCmd, len(keys))
	hashes := make([]*redis.MapStringStringCmd, len(keys))
	sets := make([]*redis.StringSliceCmd, len(keys))
	pipelined := func(add func(p redis.Pipeliner, i int, k string)) {
		s.t.Helper()
		if _, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, k := range keys {
				add(p, i, k)
			}
			return nil
		}); err != nil {
			s.t.Fatal(err)
		}
	}
	pipelined(func(p redis.Pipeliner, i int, k string) { types[i], ttls[i] = p.Type(ctx, k), p.PTTL(ctx, k) })
	pipelined(func(p redis.Pipeliner, i int, k string) {
		if types[i].Val() == "hash" {
			hashes[i] = p.HGetAll(ctx, k)
		} else {
			sets[i] = p.ZRange(ctx, k, 0, -1)
		}
	})
	index := map[string]int{}
	for i, k := range keys {
		index[s.short(k)] = i
	}
	for name, i := range index {
		base, set, _ := cutLast(name, "}:")
		kept := ttls[i].Val() > 0
		switch {
		case hashes[i] == nil && set == "removed": // looked at with what it is of
		case hashes[i] != nil && (set == "entities" || set == "members"):
			var gone, alive []string
			for id, v := range hashes[i].Val() {
				switch {
				case id == "": // says that it expires
					if !kept {
						s.t.Errorf("%s says that it expires", name)
					}
				case s.redis.ZScore(ctx, s.prefix+":"+base+"}:removed", id).Err() == nil:
					gone = append(gone, id)
					if len(v) != stream.FenceSize {
						s.t.Errorf("%s: %q is removed, and has %q", name, id, v)
					}
				case set == "members": // its fence is that of the last change in this family
					alive = append(alive, fmt.Sprintf("%q", id))
				default:
					alive = append(alive, fmt.Sprintf("%q %s %q", id, v[:stream.FenceSize], catalog.Unpack(v[stream.FenceSize:])))
				}
			}
			if n, ok := index[base+"}:removed"]; ok && len(sets[n].Val()) != len(gone) || !ok && len(gone) > 0 {
				s.t.Errorf("%s: %q are removed, but not by %s", name, gone, set)
			}
			if (len(alive) == 0) != kept {
				s.t.Errorf("%s: it has %q; it expires: %v", name, alive, kept)
			}
			if slices.Sort(alive); len(alive) > 0 {
				m[name] = alive
			}
		case hashes[i] != nil:
			for f, v := range hashes[i].Val() {
				m[name] = append(m[name], f+": "+v)
			}
			slices.Sort(m[name])
			if kept {
				s.t.Errorf("%s expires", name)
			}
		default:
			m[name] = sets[i].Val()
			if kept {
				s.t.Errorf("%s expires", name)
			}
		}
	}
	return m
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func TestAnOldChangeIsRefusedAndChangesNothing(t *testing.T) {
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
		{"an older incarnation's later one", stream.Fence{Incarnation: 0, Offset: 99}, true},
		{"the same", fence(5), false}, // harmless: a fence is of one change
		{"a later one", fence(16), false},
		{"a newer incarnation's earlier one", stream.Fence{Incarnation: 2, Offset: 0}, false},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, ch := range map[string]catalog.Change{
				"edit": programme("p", tt.fence, fmt.Sprint("slug", i), 2), "removal": removal("programme", "p", tt.fence),
			} {
				if name == "removal" && !tt.refused {
					continue
				}
				before := s.content()
				if o := s.apply(ch); o.Refused != tt.refused {
					t.Errorf("%s: refused: %v", name, o.Refused)
				}
				if same := cmp.Equal(before, s.content()); same != tt.refused {
					t.Errorf("%s: nothing changed: %v", name, same)
				}
			}
		})
	}
}

func TestAChangeThatComesAgainIsHarmless(t *testing.T) {
	s := open(t)
	for _, ch := range []catalog.Change{
		programme("p", fence(1), "a", 1), video("v", fence(2), "p", "b", 1, 1), video("v", fence(3), "q", "c", 2, 2),
		removal("programme", "p", fence(4)), programme("p", fence(5), "d", 3),
	} {
		s.apply(ch)
		want := s.content()
		for range 2 {
			if o := s.apply(ch); o.Refused || len(o.Contested) > 0 {
				t.Errorf("%v: %+v", ch.Fence, o)
			}
		}
		if diff := cmp.Diff(want, s.content()); diff != "" {
			t.Errorf("%v: %s", ch.Fence, diff)
		}
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
	births := map[string]struct{ cut, then catalog.Change }{
		"a birth, then itself":        {cut, cut},
		"a birth, then the next":      {cut, next},
		"a birth, then a text":        {cut, video("v", fence(3), "p2", "b", 2, 2)},
		"a birth, then a removal":     {cut, removal("video", "v", fence(3))},
		"a birth, then a new topic":   {cut, inNewTopic(video("v", fence(1), "p2", "b", 2, 2))},
		"a copy's birth, then a text": {copyOf(cut), video("v", fence(9), "p2", "b", 2, 2)},
		"a removal of what never was": {gone, gone},
		"that, and then it is":        {gone, next},
	}
	maps.Copy(changes, births)
	for name, tt := range changes {
		t.Run(name, func(t *testing.T) {
			// What is to be in the end, made without any trouble.
			want := open(t)
			want.apply(tt.then)
			for step, commands := range map[string]int{"entity": 2, "place": 3, "finish": 2} {
				for after := range commands {
					s := open(t)
					if _, birth := births[name]; !birth {
						s.apply(old)
					}
					if tt.cut.Settled == (stream.Fence{}) {
						tt.cut.Settled = tt.cut.Fence
					}
					s.crash.step, s.crash.after = step, after
					if _, err := s.Apply(t.Context(), []catalog.Change{tt.cut}, now); !errors.Is(err, errCrash) && s.crash.step == "" {
						t.Fatalf("cut at %s: %v", step, err)
					}
					s.crash.step = ""                                          // what leaves nothing has no end
					if tt.then.Fence.Incarnation == tt.cut.Fence.Incarnation { // the batch that was cut short begins there
						tt.then.Settled = tt.cut.Settled
					}
					if o := s.apply(tt.then); o.Refused {
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

// inNewTopic is the change in a topic that was created again.
func inNewTopic(ch catalog.Change) catalog.Change {
	ch.Fence.Incarnation++
	return ch
}

// copyOf is the change as a record says it that stands where an older one did, far behind what is done.
func copyOf(ch catalog.Change) catalog.Change {
	ch.Settled = fence(8)
	return ch
}

func TestAMoveLeavesNothingBehind(t *testing.T) {
	s := open(t)
	s.apply(video("v", fence(1), "p1", "a", 1, 1))
	s.apply(video("w", fence(1), "p1", "w", 2, 2))
	s.apply(video("v", fence(2), "p2", "b", 3, 3))
	for _, o := range []catalog.Order{catalog.ByDate, catalog.ByEpisode} {
		for p, want := range map[string]string{"p1": "w", "p2": "v"} {
			if diff := cmp.Diff([]string{want}, s.list(catalog.VideosOf(p), o)); diff != "" {
				t.Errorf("%s by %s: %s", p, o, diff)
			}
		}
	}
	if o := s.owner(catalog.VideoSlug("p1", "a")); o != "" {
		t.Errorf("the slug that it had is %q's", o)
	}
	if o := s.owner(catalog.VideoSlug("p2", "b")); o != "v" {
		t.Errorf("the slug is %q's", o)
	}
	// A change of the sort keys alone moves it within its lists.
	s.apply(video("v", fence(3), "p2", "b", 9, 9))
	if diff := cmp.Diff([]string{"v"}, s.list(catalog.VideosOf("p2"), catalog.ByDate)); diff != "" {
		t.Error(diff)
	}
	// So does one of the note alone: the member is another.
	it := item{Ref: catalog.Ref{Kind: "video", ID: "v"}, fence: fence(4), kind: "EPISODE", programme: "p2", day: 9, note: "w,,,"}
	s.apply(it.change())
	clean := open(t)
	clean.apply(video("w", fence(1), "p1", "w", 2, 2))
	clean.apply(it.change())
	if diff := cmp.Diff(clean.content(), s.content()); diff != "" {
		t.Error(diff)
	}
}

func TestARemovalLeavesNothingButFencesThatExpire(t *testing.T) {
	s := open(t)
	s.apply(video("v", fence(1), "p1", "a", 1, 1))
	s.apply(video("v", fence(2), "p2", "b", 2, 2))
	s.apply(removal("video", "v", fence(3)))
	if diff := cmp.Diff(map[string][]string{}, s.content()); diff != "" {
		t.Error(diff)
	}
	for _, k := range s.keys() {
		ttl, err := s.redis.PTTL(t.Context(), k).Result()
		if err != nil {
			t.Fatal(err)
		}
		if ttl <= week-time.Hour || ttl > week {
			t.Errorf("%q is kept for %v", s.short(k), ttl)
		}
	}
	if o := s.apply(video("v", fence(2), "p2", "b", 2, 2)); !o.Refused {
		t.Error("what is older than the removal is applied")
	}
	// Where it is, whatever its bucket.
	names := func(ks []string) (out []string) {
		for _, k := range ks {
			out = append(out, regexp.MustCompile(`\{(\w+):\d+\}`).ReplaceAllString(k, "{$1}"))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	want := []string{"{videos}:claims", "{videos}:members", "{videos}:of/p2", "{video}:entities", "{video}:iptv", "{video}:mobile", "{video}:web"}
	for name, ch := range map[string]catalog.Change{
		"it lives again": video("v", fence(4), "p2", "b", 2, 2), "another comes where it was": video("new", fence(4), "p2", "b", 2, 2),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.apply(video("v", fence(1), "p2", "a", 1, 1))
			s.apply(removal("video", "v", fence(3)))
			s.apply(ch)
			got := names(slices.Collect(maps.Keys(s.content()))) // which fails when what is alive expires
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnEntityInNoFamilyIsAlive(t *testing.T) {
	s := open(t)
	ch := catalog.Change{Kind: "page", ID: "p", Fence: fence(1), Blobs: blobs("page:p", fence(1))}
	s.apply(ch)
	s.apply(removal("page", "p", fence(2)))
	ch.Fence = fence(3)
	s.apply(ch)
	if ttl := s.redis.PTTL(t.Context(), s.prefix+":{"+string(catalog.Home("page", "p"))+"}:entities").Val(); ttl > 0 {
		t.Errorf("it expires in %v", ttl)
	}
	if b := s.blob(catalog.IPTV, "page", "p"); b != "page:p at 1.1 for iptv" {
		t.Errorf("got %q", b)
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
	s.content()
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
		"its begin, after a removal": {"entity", removal("programme", "p", fence(9))},
		"its begin, after a move":    {"entity", programme("p", fence(9), "z", 9)},
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
			s.apply(tt.later)
			if diff := cmp.Diff(want, s.content()); diff != "" {
				t.Errorf("the later one again: %s", diff)
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
	note := func(f int64, note string) catalog.Change {
		return item{Ref: catalog.Ref{Kind: "programme", ID: "y"}, fence: fence(f), kind: "SERIES", title: "other", day: 6, slug: "x", note: note}.change()
	}
	steps := []struct {
		name      string
		change    catalog.Change
		owner     string
		contested bool
	}{
		{"a first claim", programme("m", fence(1), "x", 5), "m", false},
		{"a younger one", programme("y", fence(2), "x", 6), "m", true},
		{"which comes again", programme("y", fence(2), "x", 6), "m", false},
		{"and with other rights", note(3, "w,,,"), "m", false},
		{"and with a date of its own", programme("y", fence(3), "x", 7), "m", false},
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
			var want []string
			if st.contested {
				want = []string{"x"}
			}
			if diff := cmp.Diff(want, out.Contested); diff != "" {
				t.Errorf("contested: %s", diff)
			}
			displaced := map[string][]catalog.Displaced{"an older one": {{ID: "m", Slug: "x"}}, "one as old, with a lower id": {{ID: "o", Slug: "x"}}}
			if diff := cmp.Diff(displaced[st.name], out.Displaced); diff != "" {
				t.Errorf("displaced: %s", diff)
			}
			if o := s.owner(slugOf("x")); o != st.owner {
				t.Errorf("it is %q's, want %q", o, st.owner)
			}
		})
	}
}

func TestContestedSlugsAreToldOfTheirEntity(t *testing.T) {
	s := open(t)
	out := s.applyAll(programme("a", fence(1), "x", 1), programme("b", fence(2), "y", 2), programme("c", fence(3), "x", 3), video("v", fence(4), "a", "x", 1, 1), video("w", fence(5), "a", "x", 2, 2), video("w2", fence(5), "b", "x", 2, 2))
	var got []string
	for _, o := range out {
		got = append(got, strings.Join(o.Contested, " "))
	}
	if diff := cmp.Diff([]string{"", "", "x", "", "x", ""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFormerSlugLeadsOnUntilOneHasIt(t *testing.T) {
	s := open(t)
	renamed := func(id string, f int64, day int, slug string, former ...string) catalog.Change {
		return item{Ref: catalog.Ref{Kind: "programme", ID: id}, fence: fence(f), kind: "SERIES", day: day, slug: slug, former: former}.change()
	}
	steps := []struct {
		name   string
		change catalog.Change
		old    string // where the slug "old" leads
	}{
		{"it has it", renamed("b", 1, 2, "old"), "b"},
		{"it had it", renamed("b", 2, 2, "new", "old", "older"), "b"},
		{"an older one had it too", renamed("a", 3, 1, "a", "old"), "a"},
		{"a younger one has it", renamed("c", 4, 9, "old"), "c"},
		{"that one had it, now", renamed("c", 5, 9, "c", "old"), "a"},
		{"the older one forgets it", renamed("a", 6, 1, "a"), "b"},
		{"the former owner is removed", removal("programme", "b", fence(7)), "c"},
		{"it has it and had it", renamed("c", 8, 9, "old", "c"), "c"},
	}
	for _, st := range steps {
		if out := s.apply(st.change); len(out.Contested) > 0 {
			t.Errorf("%s: contested: %q", st.name, out.Contested)
		}
		if got := s.owner(slugOf("old")); got != st.old {
			t.Errorf("%s: it leads to %q, want %q", st.name, got, st.old)
		}
	}
	if got := s.owner(slugOf("older")); got != "" {
		t.Errorf("that of a removed one leads to %q", got)
	}
	// The same of videos, within their programme.
	v := item{Ref: catalog.Ref{Kind: "video", ID: "v"}, fence: fence(1), kind: "FILM", day: 1, programme: "p", slug: "new", former: []string{"old"}}
	s.apply(v.change())
	if got := s.owner(catalog.VideoSlug("p", "old")); got != "v" {
		t.Errorf("the video's leads to %q", got)
	}
	s.apply(video("w", fence(2), "p", "old", 9, 1))
	if got := s.owner(catalog.VideoSlug("p", "old")); got != "w" {
		t.Errorf("the video's leads to %q, though another has it", got)
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
				s.applyAll(changes...)
			}
			if x, y := s.owner(slugOf("x")), s.owner(slugOf("y")); x != "b" || y != "a" {
				t.Errorf("x is %q's, y is %q's", x, y)
			}
		})
	}
}

// TestManyOfAFamilyAtOnce: more than one script's call takes.
func TestManyOfAFamilyAtOnce(t *testing.T) {
	s := open(t)
	var changes []catalog.Change
	var want []string
	for i := range 350 {
		id := fmt.Sprintf("p%03d", i)
		want = append(want, id)
		changes = append(changes, programme(id, fence(int64(i)), fmt.Sprint("s", i%200), 1))
	}
	contested := 0
	for i, o := range s.applyAll(changes...) {
		if len(o.Contested) > 0 {
			contested++
			if i < 200 {
				t.Errorf("%s: contested: %q", changes[i].ID, o.Contested)
			}
		}
	}
	if contested != 150 {
		t.Errorf("%d are contested", contested)
	}
	if diff := cmp.Diff(want, s.list(of(catalog.Programmes), catalog.ByDate)); diff != "" {
		t.Error(diff)
	}
}

func TestManyAreReadInTheirOrder(t *testing.T) {
	s := open(t)
	s.apply(programme("p", fence(1), "x", 1))
	s.apply(video("v", fence(2), "p", "y", 1, 1))
	s.apply(programme("gone", fence(1), "g", 1))
	s.apply(removal("programme", "gone", fence(3)))
	refs := []catalog.Ref{{Kind: "video", ID: "v"}, {Kind: "video", ID: "none"}, {Kind: "programme", ID: "p"}, {Kind: "video", ID: "v"}, {Kind: "programme", ID: "gone"}}
	bs, err := s.Blobs(t.Context(), catalog.Mobile, refs)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{[]byte("video:v at 1.2 for mobile"), nil, []byte("programme:p at 1.1 for mobile"), []byte("video:v at 1.2 for mobile"), nil}
	if diff := cmp.Diff(want, bs); diff != "" {
		t.Error(diff)
	}
	rs, err := s.Revisions(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fence(2).String(), "", fence(1).String(), fence(2).String(), ""}, rs); diff != "" {
		t.Errorf("revisions: %s", diff)
	}
	os, err := s.Owners(t.Context(), []catalog.Address{catalog.VideoSlug("p", "y"), slugOf("y"), slugOf("x"), slugOf("g")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v", "", "p", ""}, os); diff != "" {
		t.Error(diff)
	}
	for name, read := range map[string]func() error{
		"Blobs":     func() error { _, err := s.Blobs(t.Context(), catalog.Web, nil); return err },
		"Revisions": func() error { _, err := s.Revisions(t.Context(), nil); return err },
		"Owners":    func() error { _, err := s.Owners(t.Context(), nil); return err },
		"Pages":     func() error { _, err := s.Pages(t.Context(), view, nil); return err },
		"Around":    func() error { _, err := s.Around(t.Context(), nil); return err },
		"Groups":    func() error { _, err := s.Groups(t.Context(), nil); return err },
		"Apply":     func() error { _, err := s.Apply(t.Context(), nil, now); return err },
	} {
		if err := read(); err != nil {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
}

// TestOddIds: a CMS's ids are any text.
func TestOddIds(t *testing.T) {
	odd := []string{
		"a", "a\x00", "a\x00b", "a\x00\xc3\xbf", "a\x01b", "a:b", "a:", ":", "a}b", "}", "{", "{}", "a{b}c", `"`, `\`, `a"b`, "a/b", "a\nb", " ",
		"a,b;c", "école", "日本語", "👩‍👩‍👧", "<&>\u2028", "\x7f", "ÿ", "members", "{programmes}:members", "a\x00w,,,",
	}
	s := open(t)
	var changes []catalog.Change
	for i, id := range odd {
		v := item{Ref: catalog.Ref{Kind: "video", ID: id}, fence: fence(int64(i)), kind: "EPISODE", day: 1, programme: id, note: "w,,,"}
		p := item{Ref: catalog.Ref{Kind: "programme", ID: id}, fence: fence(int64(i)), kind: "FILM", title: "T", day: 1, channel: id, people: []string{id}, note: "m,,,", slug: "x"}
		changes = append(changes, v.change(), p.change())
	}
	s.applyAll(changes...)
	s.content()
	for _, id := range odd {
		for _, l := range []catalog.List{catalog.VideosOf(id), of(catalog.OfChannel(id)), catalog.CreditsOf(id)} {
			if diff := cmp.Diff([]string{id}, s.list(l, catalog.ByDate)); diff != "" {
				t.Errorf("%s: %s", l.Name(), diff)
			}
		}
		if got := s.blob(catalog.Web, "video", id); !strings.HasPrefix(got, "video:"+id+" at ") {
			t.Errorf("%q has the blob %q", id, got)
		}
	}
	want := s.list(of(catalog.Programmes), catalog.ByDate)
	if diff := cmp.Diff(slices.Sorted(slices.Values(odd)), slices.Sorted(slices.Values(want))); diff != "" {
		t.Fatal(diff)
	}
	for _, reverse := range []bool{false, true} {
		l := catalog.List{Family: catalog.Programmes, Order: catalog.ByDate, Reverse: reverse, First: 1}
		if got := ids(s.turn(view, l)); !slices.Equal(got, want) {
			t.Errorf("page by page, reverse %v: %q, want %q", reverse, got, want)
		}
		slices.Reverse(want)
	}
	for i, id := range odd { // they move, and go
		v := item{Ref: catalog.Ref{Kind: "video", ID: id}, fence: fence(int64(100 + i)), kind: "FILM", day: 2, programme: "else" + id}
		s.applyAll(v.change(), removal("programme", id, fence(int64(100+i))))
	}
	for _, id := range odd {
		if got := s.list(catalog.VideosOf(id), catalog.ByDate); len(got) > 0 {
			t.Errorf("%q still has %q", id, got)
		}
	}
	if got := s.list(of(catalog.Programmes), catalog.ByDate); len(got) > 0 {
		t.Errorf("there still are %q", got)
	}
	s.content()
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
	if o := s.apply(programme("p", fence(0), "x", 1)); !o.Refused {
		t.Error("not refused")
	}
	flush()
	if _, err := s.Groups(t.Context(), []catalog.Grouping{catalog.AllCategories()}); err != nil {
		t.Error(err)
	}
	if s.owner(slugOf("x")) != "p" {
		t.Error("it is not there")
	}
}

// TestScriptsAreForgottenInTheMidst: between any two steps, and between two commands of one pipeline, of which the first
// answers nil (refused).
func TestScriptsAreForgottenInTheMidst(t *testing.T) {
	for _, step := range []string{"entity", "place", "finish"} {
		for after := range 3 {
			t.Run(fmt.Sprint(step, " ", after), func(t *testing.T) {
				s, clean := open(t), open(t)
				for _, s := range []*store{s, clean} {
					s.applyAll(programme("old", fence(9), "o", 1), programme("a", fence(1), "x", 1), video("v", fence(1), "a", "v", 1, 1))
				}
				changes := []catalog.Change{programme("old", fence(8), "z", 2), programme("a", fence(2), "y", 2), video("v", fence(2), "b", "w", 2, 2), removal("video", "w", fence(2))}
				want := clean.applyAll(changes...)
				s.crash.step, s.crash.after, s.crash.flush = step, after, s.redis
				out, err := s.Apply(t.Context(), changes, now)
				if err != nil {
					t.Fatal(err)
				}
				if s.crash.step != "" {
					t.Fatal("nothing was flushed")
				}
				if diff := cmp.Diff(want, out); diff != "" {
					t.Errorf("outcomes: %s", diff)
				}
				if diff := cmp.Diff(clean.content(), s.content()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestARedisThatIsAwayIsSaid(t *testing.T) {
	client, err := catalog.Connect("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c := catalog.New(client, "x")
	ctx := t.Context()
	for name, read := range map[string]func() error{
		"Blobs":     func() error { _, err := c.Blobs(ctx, catalog.Web, []catalog.Ref{{Kind: "video", ID: "v"}}); return err },
		"Revisions": func() error { _, err := c.Revisions(ctx, []catalog.Ref{{Kind: "video", ID: "v"}}); return err },
		"Owners":    func() error { _, err := c.Owners(ctx, []catalog.Address{slugOf("x")}); return err },
		"Pages":     func() error { _, err := c.Pages(ctx, view, []catalog.List{{Family: catalog.Programmes}}); return err },
		"Around": func() error {
			_, err := c.Around(ctx, []catalog.Beside{{Family: catalog.Programmes, After: "x\x00y"}})
			return err
		},
		"Groups": func() error { _, err := c.Groups(ctx, []catalog.Grouping{catalog.AllCategories()}); return err },
	} {
		if err := read(); !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Apply(ctx, []catalog.Change{programme("p", fence(1), "x", 1)}, now); err == nil {
		t.Error("Apply has no error")
	}
	if err := c.Announce(ctx, []string{"x"}); err == nil {
		t.Error("Announce has no error")
	}
	if err := c.Ping(ctx); err == nil {
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

// TestIDs: what is deleted, and what is of another kind, is none of them.
func TestIDs(t *testing.T) {
	s := open(t)
	const many = 2000 // some to each bucket
	var changes []catalog.Change
	var want []string
	for i := range many {
		id := fmt.Sprintf("p%04d", i)
		changes = append(changes, catalog.Change{Kind: catalog.Sections, ID: id, Fence: fence(1), Blobs: blobs(id, fence(1))})
		if i%5 != 0 {
			want = append(want, id)
		}
	}
	s.applyAll(changes...)
	s.apply(programme("other", fence(1), "other", 1))
	for i := 0; i < many; i += 5 {
		s.apply(removal(catalog.Sections, fmt.Sprintf("p%04d", i), fence(2)))
	}
	got, err := s.IDs(t.Context(), catalog.Sections)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
