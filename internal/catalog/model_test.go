package catalog_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"regie/internal/catalog"
	"regie/internal/stream"
)

// state is an entity's at a change; gone says that it is removed.
type state struct {
	item
	gone bool
}

func (s state) change() catalog.Change {
	if s.gone {
		return removal(s.Kind, s.ID, s.fence)
	}
	return s.item.change()
}

// model is the catalogue as it is to be: what was changed last, for each entity.
type model struct {
	rand *rand.Rand
	// log holds all states of each entity, the oldest first; the last one counts.
	log  map[catalog.Ref][]state
	next stream.Fence
	// unfinished are entities whose last change was cut short.
	unfinished map[catalog.Ref]bool
	// settled: below it nothing is unfinished; zero while nothing is.
	settled stream.Fence
}

// TestModel does random things to a catalogue and compares it with a model of it. SEED repeats a run.
func TestModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d repeats this", seed)
	s := open(t)
	m := &model{
		rand: rand.New(rand.NewPCG(seed, 0)), log: map[catalog.Ref][]state{},
		next: stream.Fence{Incarnation: 1}, unfinished: map[catalog.Ref]bool{},
	}
	for i := range 2000 {
		m.step(t, s)
		if i%100 == 99 {
			m.finish(s)
			m.compare(t, s)
		}
		if t.Failed() {
			t.Fatalf("after %d operations", i+1)
		}
	}
}

func (m *model) step(t *testing.T, s *store) {
	t.Helper()
	switch n := m.rand.IntN(100); {
	case n < 45:
		m.apply(t, s, m.edit(m.entity()))
	case n < 55:
		m.apply(t, s, m.removal(m.entity()))
	case n < 65: // a batch
		var states []state
		for _, i := range m.rand.Perm(len(entities))[:1+m.rand.IntN(6)] {
			states = append(states, m.edit(entities[i]))
		}
		m.apply(t, s, states...)
	case n < 70:
		m.swap(t, s)
	case n < 80: // killed in the midst
		s.crash.step = []string{"entity", "place", "finish"}[m.rand.IntN(3)]
		s.crash.after = m.rand.IntN(8)
		var changes []catalog.Change
		var refs []catalog.Ref
		for _, i := range m.rand.Perm(len(entities))[:1+m.rand.IntN(3)] {
			st := m.edit(entities[i])
			if m.rand.IntN(4) == 0 {
				st = m.removal(entities[i])
			}
			changes, refs = append(changes, st.change()), append(refs, m.record(st))
		}
		for i := range changes {
			changes[i].Settled = m.settled
			if m.settled == (stream.Fence{}) {
				changes[i].Settled = changes[0].Fence
			}
		}
		_, err := s.Apply(t.Context(), changes, now)
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if err != nil {
			m.settled = changes[0].Settled
		}
		s.crash.step = "" // what leaves nothing has no end
		for _, ref := range refs {
			m.unfinished[ref] = err != nil
		}
	case n < 90: // something old comes again
		if m.rand.IntN(2) == 0 { // and nothing at all changes
			m.finish(s)
		}
		ref := m.entity()
		if l := m.log[ref]; len(l) > 1 && !m.unfinished[ref] {
			if o := s.apply(m.change(l[m.rand.IntN(len(l)-1)])); !o.Refused {
				t.Errorf("%v: an old change is applied", ref)
			}
		}
	case n < 97: // the last comes again
		ref := m.entity()
		if l := m.log[ref]; len(l) > 0 {
			if o := s.apply(m.change(l[len(l)-1])); o.Refused || len(o.Contested) > 0 && !m.unfinished[ref] {
				t.Errorf("%v: the same change: %+v", ref, o)
			}
			delete(m.unfinished, ref)
		}
	default: // the topic is created again: everything comes once more, in a new incarnation
		m.next = stream.Fence{Incarnation: m.next.Incarnation + 1}
		for _, ref := range entities {
			if l := m.log[ref]; len(l) > 0 {
				st := l[len(l)-1]
				st.fence = m.fence()
				m.apply(t, s, st)
			}
		}
	}
}

var entities = func() (refs []catalog.Ref) {
	for i := range 8 {
		refs = append(refs, catalog.Ref{Kind: "programme", ID: fmt.Sprint("p", i)})
	}
	for i := range 16 {
		refs = append(refs, catalog.Ref{Kind: "video", ID: fmt.Sprint("v", i)})
	}
	return refs
}()

var (
	modelSlugs  = []string{"a", "b", "c", "d", "e"}
	modelKinds  = map[string][]string{"programme": {"FILM", "SERIES", "GAME"}, "video": {"EPISODE", "FILM", "BONUS"}}
	modelNotes  = []string{"", "", "w,,,", "m,,,FR;i,,,BE", fmt.Sprintf(",%d,,", now.UnixMilli()), fmt.Sprintf("wmi,,%d,", now.UnixMilli())}
	modelTitles = []string{"Un", "un", "Été", "Zèbre"}
)

func (m *model) entity() catalog.Ref { return entities[m.rand.IntN(len(entities))] }

func (m *model) fence() stream.Fence {
	m.next.Offset += 1 + m.rand.Int64N(20)
	return m.next
}

func (m *model) one(of []string) string { return of[m.rand.IntN(len(of))] }

// some are up to n of those, in any order.
func (m *model) some(of []string, n int) (out []string) {
	for _, i := range m.rand.Perm(len(of))[:m.rand.IntN(n+1)] {
		out = append(out, of[i])
	}
	return out
}

// edit is one of everything that can be edited, or of a little.
func (m *model) edit(ref catalog.Ref) state {
	if l := m.log[ref]; len(l) > 0 && !l[len(l)-1].gone && m.rand.IntN(3) == 0 {
		st := l[len(l)-1]
		st.fence = m.fence()
		switch m.rand.IntN(4) {
		case 0:
			st.note = m.one(modelNotes)
		case 1:
			st.day = 1 + m.rand.IntN(5)
		case 2: // it is renamed
			st.former, st.slug = []string{st.slug}, m.one(modelSlugs)
			if st.former[0] == st.slug || st.former[0] == "" {
				st.former = nil
			}
		}
		return st
	}
	it := item{
		Ref: ref, fence: m.fence(), kind: m.one(modelKinds[ref.Kind]), title: m.one(modelTitles), note: m.one(modelNotes),
		day: 1 + m.rand.IntN(5), slug: m.one(modelSlugs), // few, so that many are equal
	}
	if m.rand.IntN(10) == 0 {
		it.slug = ""
	}
	it.former = slices.DeleteFunc(m.some(modelSlugs, 2), func(s string) bool { return s == it.slug })
	if ref.Kind == "video" {
		it.programme = fmt.Sprint("p", m.rand.IntN(4))
		if m.rand.IntN(4) > 0 {
			it.season = num(int32(m.rand.IntN(3)))
		}
		if m.rand.IntN(4) > 0 {
			it.episode = num(int32(m.rand.IntN(3)))
		}
		return state{item: it}
	}
	it.channel = m.one([]string{"", "c0", "c1"})
	it.genres = m.some([]string{"g0", "g1", "g2"}, 3)
	it.people = append(m.some([]string{"a", "b", "c"}, 3), m.some([]string{"a", "b"}, 2)...)
	return state{item: it}
}

func (m *model) removal(ref catalog.Ref) state {
	return state{item: item{Ref: ref, fence: m.fence()}, gone: true}
}

// swap lets two programmes take each other's slug.
func (m *model) swap(t *testing.T, s *store) {
	t.Helper()
	a, b := m.edit(entities[m.rand.IntN(4)]), m.edit(entities[4+m.rand.IntN(4)])
	m.apply(t, s, a, b)
	a2, b2 := a, b
	a2.fence, b2.fence = m.fence(), m.fence()
	a2.slug, b2.slug, a2.former, b2.former = b.slug, a.slug, nil, nil
	if m.rand.IntN(2) == 0 {
		m.apply(t, s, a2, b2)
		return
	}
	m.apply(t, s, b2)
	m.apply(t, s, a2)
}

// record notes a state as the last of its entity.
func (m *model) record(st state) catalog.Ref {
	m.log[st.Ref] = append(m.log[st.Ref], st)
	delete(m.unfinished, st.Ref)
	return st.Ref
}

func (m *model) apply(t *testing.T, s *store, states ...state) {
	t.Helper()
	var changes []catalog.Change
	for _, st := range states {
		m.record(st)
		changes = append(changes, m.change(st))
	}
	for i, o := range s.applyAll(changes...) {
		if o.Refused {
			t.Errorf("%v at %v is refused", states[i].Ref, states[i].fence)
		}
	}
}

// finish lets the changes that were cut short come again.
func (m *model) finish(s *store) {
	for ref, unfinished := range m.unfinished {
		if unfinished {
			l := m.log[ref]
			s.apply(m.change(l[len(l)-1]))
		}
	}
	clear(m.unfinished)
	m.settled = stream.Fence{}
}

// change is a state's, made while others may be unfinished.
func (m *model) change(st state) catalog.Change {
	ch := st.change()
	ch.Settled = m.settled
	return ch
}

// living are the items that there are.
func (m *model) living() (out []item) {
	for _, l := range m.log {
		if st := l[len(l)-1]; !st.gone {
			out = append(out, st.item)
		}
	}
	return out
}

// compare looks for differences between the catalogue and the model, by what is stored and by what can be read.
func (m *model) compare(t *testing.T, s *store) {
	t.Helper()
	if diff := gocmp.Diff(m.content(), s.content()); diff != "" {
		t.Errorf("stored: %s", diff)
	}
	m.compareLists(t, s)
	m.compareSlugs(t, s)
	m.compareGroups(t, s)
	var revisions []string
	for _, ref := range entities {
		l, alive := m.log[ref], false
		if alive = len(l) > 0 && !l[len(l)-1].gone; alive {
			revisions = append(revisions, l[len(l)-1].fence.String())
		} else {
			revisions = append(revisions, "")
		}
		for _, screen := range catalog.Screens() {
			want := ""
			if alive {
				want = string(l[len(l)-1].change().Blobs[screen])
			}
			if got := s.blob(screen, ref.Kind, ref.ID); got != want {
				t.Errorf("%v for %s: %q, want %q", ref, screen, got, want)
			}
		}
	}
	got, err := s.Revisions(t.Context(), entities)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(revisions, got); diff != "" {
		t.Errorf("revisions: %s", diff)
	}
}

// listing is a list and what is in it, as keys with ids, and the notes.
type listing struct {
	list    catalog.List
	members [][2]string
}

// listings are all lists there are, by plain selection.
func (m *model) listings() (out []listing) {
	living := m.living()
	add := func(l catalog.List, in func(item) bool, key func(item) []string) {
		var x listing
		x.list = l
		for _, it := range living {
			if !in(it) || l.Kinds != "" && !slices.Contains(strings.Split(l.Kinds, ","), it.kind) {
				continue
			}
			for _, k := range key(it) {
				x.members = append(x.members, [2]string{k + "\x00" + it.ID, it.note})
			}
		}
		slices.SortFunc(x.members, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
		out = append(out, x)
	}
	date := func(it item) []string { return []string{it.date()} }
	title := func(it item) []string { return []string{catalog.TitleKey(it.title)} }
	for _, kinds := range []string{"", "FILM", "FILM,SERIES", "SERIES,GAME,FILM", "NONE"} {
		for order, key := range map[catalog.Order]func(item) []string{catalog.ByDate: date, catalog.ByTitle: title} {
			l := catalog.List{Order: order, Kinds: kinds}
			l.Family = catalog.Programmes
			add(l, func(it item) bool { return it.Kind == "programme" }, key)
			for _, g := range []string{"g0", "g1", "g2"} {
				l.Family = catalog.OfCategory(g)
				add(l, func(it item) bool { return slices.Contains(it.genres, g) }, key)
			}
		}
		l := catalog.List{Order: catalog.ByDate, Kinds: kinds}
		for _, c := range []string{"c0", "c1"} {
			for _, g := range []string{"", "g0", "g1"} {
				l.Family, l.Scope = catalog.OfChannel(c), g
				add(l, func(it item) bool { return it.channel == c && (g == "" || slices.Contains(it.genres, g)) }, date)
			}
		}
		for _, p := range []string{"a", "b", "c"} {
			l.Family, l.Owner, l.Scope = catalog.Credits(p), p, ""
			add(l, func(item) bool { return true }, func(it item) (keys []string) {
				for i, who := range it.people {
					if who == p {
						keys = append(keys, fmt.Sprintf("%s:%05d", it.date(), i))
					}
				}
				return keys
			})
		}
	}
	for _, kinds := range []string{"", "EPISODE", "EPISODE,BONUS"} {
		for p := range 4 {
			programme := fmt.Sprint("p", p)
			for season := int32(-1); season < 3; season++ {
				in := func(it item) bool {
					return it.Kind == "video" && it.programme == programme && (season < 0 || it.season != nil && *it.season == season)
				}
				l := catalog.List{Family: catalog.Videos(programme), Owner: programme, Kinds: kinds, Season: season, BySeason: season >= 0}
				l.Order = catalog.ByDate
				add(l, in, date)
				l.Order = catalog.ByEpisode
				add(l, in, func(it item) []string {
					number := func(n *int32) int32 {
						if n == nil {
							return catalog.NoSeason
						}
						return *n
					}
					return []string{fmt.Sprintf("%05d:%05d:%s", number(it.season), number(it.episode), it.date())}
				})
			}
		}
	}
	return out
}

// compareLists reads every list page by page, forwards and backwards, all and what is open; the pages of all lists at once.
func (m *model) compareLists(t *testing.T, s *store) {
	t.Helper()
	v := catalog.View{
		Screen: catalog.Screens()[m.rand.IntN(3)], Territory: m.one([]string{"FR", "BE"}),
		Now: now.Add(time.Duration(m.rand.IntN(3)-1) * time.Millisecond),
	}
	var lists []catalog.List
	var wants [][]string
	var totals []int
	for _, x := range m.listings() {
		for n := range 4 {
			l, want := x.list, []string{}
			l.Reverse, l.Open, l.First = n%2 == 1, n > 1, 1+m.rand.IntN(8)
			for _, k := range x.members {
				if !l.Open || v.Open(k[1]) {
					want = append(want, k[0])
				}
			}
			if l.Reverse {
				slices.Reverse(want)
			}
			lists, wants, totals = append(lists, l), append(wants, want), append(totals, len(x.members))
		}
	}
	got := make([][]string, len(lists))
	var around []catalog.Beside
	var beside []catalog.Neighbours
	for reading := lists; len(reading) > 0; {
		index := make([]int, 0, len(reading))
		for i := range lists {
			if lists[i].First > 0 {
				index = append(index, i)
			}
		}
		reading = reading[:0:0]
		for _, i := range index {
			reading = append(reading, lists[i])
		}
		pages, err := s.Pages(t.Context(), v, reading)
		if err != nil {
			t.Fatal(err)
		}
		reading = reading[:0:0]
		for n, i := range index {
			l, p := &lists[i], pages[n]
			if len(p.Members) > l.First || p.Total != totals[i] || p.More && !l.Open && len(p.Members) < l.First {
				t.Errorf("%s: a page of %d, total %d of %d, more %v", l.Name(), len(p.Members), p.Total, totals[i], p.More)
			}
			for _, member := range p.Members {
				got[i] = append(got[i], catalog.Cursor(member))
			}
			if l.After = p.End; !p.More || t.Failed() {
				l.First = 0
				continue
			}
			reading = append(reading, *l)
		}
	}
	for i, l := range lists {
		if !slices.Equal(got[i], wants[i]) {
			t.Errorf("%s in %+v: %q, want %q", l.Name(), v, got[i], wants[i])
		}
		if want := wants[i]; len(want) > 0 && !l.Open && !l.Reverse && !l.BySeason {
			at := m.rand.IntN(len(want))
			l.After = want[at]
			var n catalog.Neighbours
			if at > 0 {
				n.Previous = want[at-1]
			}
			if at < len(want)-1 {
				n.Next = want[at+1]
			}
			around, beside = append(around, catalog.Beside(l)), append(beside, n)
		}
	}
	ns, err := s.Around(t.Context(), around)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range ns {
		for _, m := range []*string{&n.Previous, &n.Next} {
			if *m != "" {
				*m = catalog.Cursor(*m)
			}
		}
		if n != beside[i] {
			t.Errorf("%s around %q: %q, want %q", catalog.List(around[i]).Name(), around[i].After, n, beside[i])
		}
	}
}

// compareSlugs asks where every slug leads: the oldest that has it, else the oldest that had it.
func (m *model) compareSlugs(t *testing.T, s *store) {
	t.Helper()
	living := m.living()
	slices.SortFunc(living, func(a, b item) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.ID, b.ID)) })
	var asked []catalog.Address
	var want []string
	ask := func(a catalog.Address, in func(item) bool) {
		owner := ""
		for _, had := range []bool{false, true} {
			for _, it := range living {
				if owner == "" && in(it) && (!had && it.slug == a.Slug || had && slices.Contains(it.former, a.Slug)) {
					owner = it.ID
				}
			}
		}
		asked, want = append(asked, a), append(want, owner)
	}
	for _, slug := range modelSlugs {
		ask(slugOf(slug), func(it item) bool { return it.Kind == "programme" })
		for p := range 4 {
			programme := fmt.Sprint("p", p)
			ask(catalog.VideoSlug(programme, slug), func(it item) bool { return it.Kind == "video" && it.programme == programme })
		}
	}
	got, err := s.Owners(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range asked {
		if got[i] != want[i] {
			t.Errorf("%v is %q's, want %q", a, got[i], want[i])
		}
	}
}

func (m *model) compareGroups(t *testing.T, s *store) {
	t.Helper()
	counts := make([]map[string]int, 5)
	for i := range counts {
		counts[i] = map[string]int{}
	}
	for _, it := range m.living() {
		for _, g := range it.genres {
			counts[4][g]++
		}
		if it.kind == "EPISODE" {
			season := int32(catalog.NoSeason)
			if it.season != nil {
				season = *it.season
			}
			counts[it.programme[1]-'0'][fmt.Sprintf("%05d", season)]++
		}
	}
	gs, err := s.Groups(t.Context(), []catalog.Grouping{catalog.Seasons("p0"), catalog.Seasons("p1"), catalog.Seasons("p2"), catalog.Seasons("p3"), catalog.AllCategories()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range gs {
		got := map[string]int{}
		for _, g := range gs[i] {
			name, _, _ := strings.Cut(strings.ReplaceAll(g.Key, catalog.CategorySeparator, ":"), ":")
			got[name] = g.Count
		}
		if diff := gocmp.Diff(counts[i], got); diff != "" {
			t.Errorf("groups %d: %s", i, diff)
		}
	}
}

// content is what store.content is to be, computed in the plainest way from the changes' placements.
func (m *model) content() map[string][]string {
	want, claims := map[string][]string{}, map[string][][2]string{}
	for _, it := range m.living() {
		ch := it.change()
		for _, p := range ch.Placements {
			family := fmt.Sprintf("{%s}:", p.Family)
			for _, pl := range p.Places {
				if strings.HasPrefix(pl.Set, "slug/") || strings.HasPrefix(pl.Set, "former/") {
					claims[family+"claims"] = append(claims[family+"claims"], [2]string{pl.Set, pl.Key + it.ID})
				} else {
					want[family+pl.Set] = append(want[family+pl.Set], pl.Key+"\x00"+it.ID+"\x00"+p.Note)
				}
			}
			want[family+"members"] = append(want[family+"members"], fmt.Sprintf("%q", it.ID))
		}
		home := fmt.Sprintf("{%s}:", catalog.Home(it.Kind, it.ID))
		want[home+"entities"] = append(want[home+"entities"], fmt.Sprintf("%q %s %q", it.ID, it.fence, ch.Placements))
		for screen, blob := range ch.Blobs {
			want[home+string(screen)] = append(want[home+string(screen)], it.ID+": "+string(blob))
		}
	}
	for key, all := range claims {
		slices.SortFunc(all, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		for len(all) > 0 {
			slug, n := all[0][0], 1
			line := slug + ": " + all[0][1]
			for ; n < len(all) && all[n][0] == slug; n++ {
				line += "\x00" + all[n][1]
			}
			want[key], all = append(want[key], line), all[n:]
		}
	}
	for k := range want {
		slices.Sort(want[k])
	}
	return want
}
