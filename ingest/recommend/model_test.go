package recommend_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

func number(t *testing.T, name string, or uint64) uint64 {
	if v := os.Getenv(name); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return or
}

// TestModel makes random edits and clock advances, and compares the sections with a plain model of the rules. SEED repeats a
// run, STEPS is another number of steps than 300.
func TestModel(t *testing.T) {
	e := open(t)
	e.start("one")
	newWorld(t, e).run(int(number(t, "STEPS", 300)))
}

// TestModelKilled is the same while the role is killed -9 KILLS times, 3 by default, and its partitions go to and fro
// between two instances.
func TestModelKilled(t *testing.T) {
	e := open(t)
	w := newWorld(t, e)
	one, two := e.spawn("one"), e.spawn("two", envLeaves+"=1")
	kills, steps := int(number(t, "KILLS", 3)), int(number(t, "STEPS", 120))
	// The group is at rest when a member is killed that comes back under its name: one that dies between the two halves of a
	// rebalance is given what it had left, and what it gave away is nobody's until the next.
	one.Says(t, "ready")
	two.Says(t, "ready")
	for kills > 0 || w.done < steps {
		w.edits(1 + w.rand.IntN(30))
		<-time.After(time.Duration(w.rand.IntN(300)) * time.Millisecond)
		switch n := w.rand.IntN(10); {
		case kills == 0:
		case n < 7:
			one.Kill()
			one, kills = e.spawn("one"), kills-1
		case n < 8: // it leaves, and comes back
			one.Says(t, "ready")
			two.Signal(syscall.SIGTERM)
			<-two.Done
			two = e.spawn("two", envLeaves+"=1")
			w.edits(10)
			two.Says(t, "ready")
		case n < 9: // nobody knows until its session times out
			one.Says(t, "ready")
			two.Kill()
			two, kills = e.spawn("two", envLeaves+"=1"), kills-1
			w.edits(10)
			two.Says(t, "ready")
		default:
			w.check()
			w.advance()
		}
	}
	w.check()
	w.advance()
	w.check()
	t.Logf("%d steps", w.done)
}

// world makes the edits, and knows what there is.
type world struct {
	t          *testing.T
	e          *env
	rand       *rand.Rand
	now        time.Time
	done       int
	videos     map[string]*catalogv1.Video
	programmes map[string]*catalogv1.Programme
	watched    map[string][]string
}

var (
	modelProgrammes = []string{"p0", "p1", "p2", "p3", "p4", "p/5", "p}6"}
	modelTags       = []string{"rare", "often", "a/b", "with,comma"}
	modelKinds      = []catalogv1.VideoKind{catalogv1.VideoKind_VIDEO_KIND_EPISODE, catalogv1.VideoKind_VIDEO_KIND_BONUS, catalogv1.VideoKind_VIDEO_KIND_EXTRACT}
)

func newWorld(t *testing.T, e *env) *world {
	seed := number(t, "SEED", uint64(time.Now().UnixNano()))
	t.Logf("SEED=%d repeats this", seed)
	return &world{
		t: t, e: e, rand: rand.New(rand.NewPCG(seed, 7)), now: e.now(),
		videos: map[string]*catalogv1.Video{}, programmes: map[string]*catalogv1.Programme{}, watched: map[string][]string{},
	}
}

func (w *world) run(steps int) {
	began := time.Now()
	for w.done < steps && !w.t.Failed() {
		w.edits(1 + w.rand.IntN(50))
		w.check()
		w.advance()
		w.check()
	}
	w.t.Logf("%d steps in %v", w.done, time.Since(began).Round(time.Millisecond))
}

func (w *world) advance() {
	w.now = w.now.Add(time.Duration(1+w.rand.IntN([]int{5, 60, 3600}[w.rand.IntN(3)])) * time.Second)
	w.e.advance(w.now)
	w.done++
}

func pick[T any](w *world, of []T) T { return of[w.rand.IntN(len(of))] }

func (w *world) one(n int) bool { return w.rand.IntN(n) == 0 }

// time is near now, at times between two seconds.
func (w *world) time() *timestamppb.Timestamp {
	d := time.Duration(w.rand.IntN(7200)-3600) * time.Second
	if w.one(3) {
		d = time.Duration(w.rand.IntN(40)-20) * time.Second
	}
	if w.one(4) {
		d += 300*time.Millisecond + 7
	}
	return timestamppb.New(w.now.Add(d))
}

func (w *world) edits(n int) {
	var rs []stream.Record
	for range n {
		rs = append(rs, w.edit()...)
	}
	w.e.produce(rs...)
	w.done += n
}

func (w *world) edit() []stream.Record {
	id := fmt.Sprint("v", w.rand.IntN(160))
	v := w.videos[id]
	programme := pick(w, modelProgrammes)
	p := w.programmes[programme]
	switch n := w.rand.IntN(100); {
	case n < 10:
		delete(w.videos, id)
		return deleted("video", id)
	case n < 45 || v == nil && n < 75:
		v = w.video(id)
	case n < 55:
		v = proto.CloneOf(v)
		v.ProgrammeId = pick(w, modelProgrammes)
	case n < 65:
		v = proto.CloneOf(v)
		v.Rights = w.rights()
	case n < 72:
		v = proto.CloneOf(v)
		v.PublishedAt = w.time()
	case n < 75:
		v = proto.CloneOf(v)
		v.Title = fmt.Sprint("Title ", w.rand.IntN(100))
	case n < 76:
		bad := videoEvent(w.video("poison"))
		bad.Value = []byte("no event")
		return []stream.Record{bad}
	case n < 79:
		delete(w.programmes, programme)
		return deleted("programme", programme)
	case n < 84 && p != nil:
		p = proto.CloneOf(p)
		p.Rights = w.rights()
		return w.put(p)
	case n < 90:
		var ids []string
		for range w.rand.IntN(6) {
			ids = append(ids, fmt.Sprint("v", w.rand.IntN(160)))
		}
		w.watched[programme] = ids
		key := w.e.prefix + ":watched:" + programme
		err := w.e.redis.Del(w.t.Context(), key).Err()
		for _, id := range ids {
			if err == nil {
				err = w.e.redis.RPush(w.t.Context(), key, id).Err()
			}
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return []stream.Record{touch(programme, catalogv1.TouchReason_TOUCH_REASON_TREND)}
	default:
		p := &catalogv1.Programme{Id: programme, Rights: w.rights()}
		for i := range w.rand.IntN(4) {
			p.Sections = append(p.Sections, w.rule(fmt.Sprint("s", i)))
		}
		return w.put(p)
	}
	w.videos[id] = v
	return []stream.Record{videoEvent(v)}
}

func (w *world) put(p *catalogv1.Programme) []stream.Record {
	w.programmes[p.GetId()] = p
	return []stream.Record{programmeEvent(p)}
}

func (w *world) video(id string) *catalogv1.Video {
	v := &catalogv1.Video{
		Id: id, ProgrammeId: pick(w, modelProgrammes), Kind: pick(w, modelKinds), Duration: w.rand.Int32N(5) * 600, PublishedAt: w.time(), Rights: w.rights(),
	}
	if !w.one(4) {
		v.SeasonNumber = proto.Int32(w.rand.Int32N(4))
	}
	if !w.one(4) {
		v.EpisodeNumber = proto.Int32(w.rand.Int32N(9))
	}
	for range w.rand.IntN(3) { // perhaps one twice
		v.Tags = append(v.Tags, pick(w, modelTags))
	}
	return v
}

func (w *world) rights() (out []*catalogv1.Right) {
	for range max(0, w.rand.IntN(5)-2) {
		r := &catalogv1.Right{Offer: catalogv1.Offer(1 + w.rand.Int32N(2))}
		for range max(0, w.rand.IntN(4)-1) {
			r.Screens = append(r.Screens, catalogv1.Screen(1+w.rand.Int32N(3)))
		}
		for range max(0, w.rand.IntN(4)-1) {
			r.Territories = append(r.Territories, pick(w, []string{"FR", "BE", "CH"}))
		}
		if w.one(2) {
			r.From = w.time()
		}
		if w.one(2) {
			r.Until = w.time()
		}
		out = append(out, r)
	}
	return out
}

func (w *world) filter() *catalogv1.SectionFilter {
	if w.one(6) {
		return nil
	}
	f := &catalogv1.SectionFilter{}
	for range w.rand.IntN(3) {
		f.Kinds = append(f.Kinds, pick(w, modelKinds))
	}
	for range max(0, w.rand.IntN(4)-1) {
		f.Seasons = append(f.Seasons, w.rand.Int32N(4))
	}
	for range max(0, w.rand.IntN(4)-1) {
		f.Tags = append(f.Tags, pick(w, modelTags))
	}
	if w.one(5) {
		f.MinDuration = proto.Int32(600)
	}
	if w.one(5) {
		f.MaxDuration = proto.Int32(1200)
	}
	if w.one(4) {
		f.PublishedWithin = durationpb.New(time.Duration(1+w.rand.IntN(3000)) * time.Second)
	}
	f.Offer = catalogv1.Offer(w.rand.Int32N(3))
	return f
}

func (w *world) rule(id string) *catalogv1.SectionRule {
	r := &catalogv1.SectionRule{
		Id: id, Title: "Section " + id, Layout: catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL, Filter: w.filter(),
		Order: catalogv1.SectionOrder(1 + w.rand.Int32N(4)), Limit: 1 + w.rand.Int32N(8),
	}
	for range max(0, w.rand.IntN(4)-1) {
		r.Screens = append(r.Screens, catalogv1.Screen(1+w.rand.Int32N(3)))
	}
	for range max(0, w.rand.IntN(5)-2) {
		r.PinnedIds = append(r.PinnedIds, fmt.Sprint("v", w.rand.IntN(160)))
	}
	for range max(0, w.rand.IntN(5)-2) {
		r.ExcludedIds = append(r.ExcludedIds, fmt.Sprint("v", w.rand.IntN(160)))
	}
	if w.one(2) {
		r.Fallback = &catalogv1.SectionFallback{Filter: w.filter(), Order: catalogv1.SectionOrder(1 + w.rand.Int32N(4))}
	}
	return r
}

// check compares what was told with the model.
func (w *world) check() {
	w.t.Helper()
	w.e.settle()
	for _, id := range modelProgrammes {
		if diff := gocmp.Diff(w.sections(id), w.e.told(id), protocmp.Transform()); diff != "" {
			w.t.Fatalf("after %d steps, at %s, programme %s (-model +told):\n%s\nrules: %v\nvideos: %v", w.done, w.now, id, diff, w.programmes[id], w.of(id))
		}
	}
}

func (w *world) of(programme string) (out []*catalogv1.Video) {
	for _, v := range w.videos {
		if v.GetProgrammeId() == programme {
			out = append(out, v)
		}
	}
	return out
}

// sections is the model: every rule looks at every video.
func (w *world) sections(id string) *catalogv1.ProgrammeSections {
	p := w.programmes[id]
	if p == nil {
		return nil
	}
	out := &catalogv1.ProgrammeSections{ProgrammeId: id}
	for _, r := range p.GetSections() {
		s := &catalogv1.ComputedSection{Id: r.GetId(), Title: r.GetTitle(), Layout: r.GetLayout(), Limit: r.GetLimit()}
		for n := range int32(3) {
			screen := catalogv1.Screen(n + 1)
			if len(r.GetScreens()) > 0 && !slices.Contains(r.GetScreens(), screen) {
				continue
			}
			var pinned []*catalogv1.Video
			for _, id := range r.GetPinnedIds() {
				if v := w.videos[id]; v != nil {
					pinned = append(pinned, v)
				}
			}
			videos := w.shown(p, r, pinned, r.GetFilter(), r.GetOrder(), screen)
			if len(videos) == 0 && r.GetFallback() != nil {
				videos = w.shown(p, r, nil, r.GetFallback().GetFilter(), r.GetFallback().GetOrder(), screen)
			}
			if len(videos) > 0 {
				s.Screens = append(s.Screens, &catalogv1.ScreenVideos{Screen: screen, Videos: videos})
			}
		}
		if len(s.GetScreens()) > 0 {
			out.Sections = append(out.Sections, s)
		}
	}
	return out
}

func (w *world) shown(p *catalogv1.Programme, r *catalogv1.SectionRule, pinned []*catalogv1.Video, f *catalogv1.SectionFilter, order catalogv1.SectionOrder, screen catalogv1.Screen) (out []*catalogv1.SectionVideo) {
	all := w.of(p.GetId())
	slices.SortFunc(all, func(a, b *catalogv1.Video) int { return w.compare(p.GetId(), order, a, b) })
	taken, everywhere := map[string]bool{}, 0
	for i, v := range slices.Concat(pinned, all) {
		if everywhere >= int(r.GetLimit()) || len(out) >= 4*int(r.GetLimit()) {
			break
		}
		rights := v.GetRights()
		if i >= len(pinned) {
			if !w.wanted(f, v) {
				continue
			}
			if f.GetOffer() == catalogv1.Offer_OFFER_FREE && len(rights) > 0 {
				rights = slices.DeleteFunc(slices.Clone(rights), func(r *catalogv1.Right) bool { return r.GetOffer() == catalogv1.Offer_OFFER_MAX })
				if len(rights) == 0 {
					continue
				}
			}
		}
		if v.GetProgrammeId() != p.GetId() || taken[v.GetId()] || slices.Contains(r.GetExcludedIds(), v.GetId()) || v.GetPublishedAt().AsTime().After(w.now) {
			continue
		}
		may, wherever := false, true
		for _, territory := range []string{"FR", "BE", "CH", "elsewhere"} {
			programme, video := w.open(p.GetRights(), screen, territory), w.open(rights, screen, territory)
			may = may || programme && video
			wherever = wherever && (video || !programme)
		}
		if !may {
			continue
		}
		taken[v.GetId()] = true
		out = append(out, &catalogv1.SectionVideo{Id: v.GetId(), Note: catalog.Note(rights)})
		if wherever {
			everywhere++
		}
	}
	return out
}

func (w *world) open(rights []*catalogv1.Right, screen catalogv1.Screen, territory string) bool {
	return len(rights) == 0 || slices.ContainsFunc(rights, func(r *catalogv1.Right) bool {
		return (len(r.GetScreens()) == 0 || slices.Contains(r.GetScreens(), screen)) &&
			(len(r.GetTerritories()) == 0 || slices.Contains(r.GetTerritories(), territory)) &&
			(r.From == nil || !w.now.Before(r.From.AsTime())) && (r.Until == nil || w.now.Before(r.Until.AsTime()))
	})
}

func (w *world) wanted(f *catalogv1.SectionFilter, v *catalogv1.Video) bool {
	if f == nil {
		return true
	}
	tagged := len(f.GetTags()) == 0
	for _, tag := range v.GetTags() {
		tagged = tagged || slices.Contains(f.GetTags(), tag)
	}
	return tagged && (len(f.GetKinds()) == 0 || slices.Contains(f.GetKinds(), v.GetKind())) &&
		(len(f.GetSeasons()) == 0 || v.SeasonNumber != nil && slices.Contains(f.GetSeasons(), v.GetSeasonNumber())) &&
		(f.MinDuration == nil || v.GetDuration() >= f.GetMinDuration()) && (f.MaxDuration == nil || v.GetDuration() <= f.GetMaxDuration()) &&
		(f.PublishedWithin == nil || w.now.Before(v.GetPublishedAt().AsTime().Add(f.GetPublishedWithin().AsDuration())))
}

func (w *world) compare(programme string, order catalogv1.SectionOrder, a, b *catalogv1.Video) int {
	date := cmp.Or(cmp.Compare(a.GetPublishedAt().AsTime().UnixMilli(), b.GetPublishedAt().AsTime().UnixMilli()), cmp.Compare(a.GetId(), b.GetId()))
	switch order {
	case catalogv1.SectionOrder_SECTION_ORDER_OLDEST:
		return date
	case catalogv1.SectionOrder_SECTION_ORDER_EPISODE:
		number := func(n *int32) int32 {
			if n == nil {
				return 99999
			}
			return *n
		}
		return cmp.Or(cmp.Compare(number(a.SeasonNumber), number(b.SeasonNumber)), cmp.Compare(number(a.EpisodeNumber), number(b.EpisodeNumber)), date)
	case catalogv1.SectionOrder_SECTION_ORDER_MOST_WATCHED:
		rank := func(v *catalogv1.Video) int {
			all := w.watched[programme]
			if i := slices.Index(all[:min(len(all), 4*8)], v.GetId()); i >= 0 {
				return i
			}
			return 1000
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), -date)
	}
	return -date
}
