package catalog_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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

// model is the catalogue as it is to be: what was changed last, for each entity.
type model struct {
	rand *rand.Rand
	// log holds all changes of each entity, the oldest first; the last one counts.
	log  map[catalog.Ref][]catalog.Change
	next stream.Fence
	// unfinished are entities whose last change was cut short.
	unfinished map[catalog.Ref]bool
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
		rand: rand.New(rand.NewPCG(seed, 0)), log: map[catalog.Ref][]catalog.Change{},
		next: stream.Fence{Incarnation: 1}, unfinished: map[catalog.Ref]bool{},
	}
	for i := range 2000 {
		m.step(t, s)
		if i%100 == 99 {
			m.finish(t, s)
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
		m.apply(t, s, m.change(m.entity()))
	case n < 55:
		m.apply(t, s, m.removal(m.entity()))
	case n < 65: // a batch
		var changes []catalog.Change
		for _, i := range m.rand.Perm(len(entities))[:1+m.rand.IntN(6)] {
			changes = append(changes, m.change(entities[i]))
		}
		m.apply(t, s, changes...)
	case n < 70:
		m.swap(t, s)
	case n < 80: // killed in the midst
		s.crash.step = []string{"begin", "place", "finish"}[m.rand.IntN(3)]
		s.crash.after = m.rand.IntN(5)
		ch := m.change(m.entity())
		if m.rand.IntN(4) == 0 {
			ch = m.removal(m.entity())
		}
		ref := m.record(ch)
		_, err := s.Apply(t.Context(), []catalog.Change{ch}, now)
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		s.crash.step = "" // a removal of what is nowhere has nothing to place
		m.unfinished[ref] = err != nil
	case n < 90: // something old comes again
		ref := m.entity()
		if l := m.log[ref]; len(l) > 1 {
			if o := s.apply(l[m.rand.IntN(len(l)-1)]); !o.Refused {
				t.Errorf("%v: an old change is applied", ref)
			}
		}
	case n < 97: // the last comes again
		ref := m.entity()
		if l := m.log[ref]; len(l) > 0 {
			if o := s.apply(l[len(l)-1]); !o.Refused && !m.unfinished[ref] {
				t.Errorf("%v: the same change is applied again", ref)
			}
			delete(m.unfinished, ref)
		}
	default: // the topic is created again: everything comes once more, in a new incarnation
		m.next = stream.Fence{Incarnation: m.next.Incarnation + 1}
		for _, ref := range entities {
			if l := m.log[ref]; len(l) > 0 {
				ch := l[len(l)-1]
				ch.Fence = m.fence()
				if len(ch.Blobs) > 0 {
					ch.Blobs = blobs(ref.ID, ch.Fence, slices.Collect(maps.Keys(ch.Blobs)))
				}
				m.apply(t, s, ch)
			}
		}
	}
}

var entities = func() (refs []catalog.Ref) {
	for i := range 6 {
		refs = append(refs, catalog.Ref{Kind: "programme", ID: fmt.Sprint("p", i)})
	}
	for i := range 12 {
		refs = append(refs, catalog.Ref{Kind: "video", ID: fmt.Sprint("v", i)})
	}
	return refs
}()

func (m *model) entity() catalog.Ref { return entities[m.rand.IntN(len(entities))] }

func (m *model) fence() stream.Fence {
	m.next.Offset += 1 + m.rand.Int64N(20)
	return m.next
}

// change is an edit of everything that can be edited.
func (m *model) change(ref catalog.Ref) catalog.Change {
	day := 1 + m.rand.IntN(5) // few, so that many are equal
	slug := string(rune('a' + m.rand.IntN(5)))
	var ch catalog.Change
	if ref.Kind == "programme" {
		ch = programme(ref.ID, m.fence(), slug, day)
	} else {
		ch = video(ref.ID, m.fence(), fmt.Sprint("p", m.rand.IntN(4)), slug, day, int32(m.rand.IntN(3)))
	}
	if m.rand.IntN(4) == 0 { // not on every screen
		screens := catalog.Screens()[:1+m.rand.IntN(2)]
		ch.Blobs = blobs(ref.ID, ch.Fence, screens)
		ch.Placements[0].Screens = screens
	}
	if m.rand.IntN(10) == 0 { // no slug
		ch.Placements = ch.Placements[:1]
	}
	return ch
}

func (m *model) removal(ref catalog.Ref) catalog.Change { return removal(ref.Kind, ref.ID, m.fence()) }

// swap lets two programmes take each other's slug.
func (m *model) swap(t *testing.T, s *store) {
	t.Helper()
	one, other := entities[m.rand.IntN(3)], entities[3+m.rand.IntN(3)]
	a, b := m.change(one), m.change(other)
	m.apply(t, s, a, b)
	if len(a.Placements) < 2 || len(b.Placements) < 2 {
		return
	}
	a2, b2 := programme(one.ID, m.fence(), "", 1), programme(other.ID, m.fence(), "", 1)
	a2.Placements = []catalog.Placement{a.Placements[0], {Family: b.Placements[1].Family, Keys: a.Placements[1].Keys}}
	b2.Placements = []catalog.Placement{b.Placements[0], {Family: a.Placements[1].Family, Keys: b.Placements[1].Keys}}
	if m.rand.IntN(2) == 0 {
		m.apply(t, s, a2, b2)
		return
	}
	m.apply(t, s, b2)
	m.apply(t, s, a2)
}

// record notes a change as the last of its entity.
func (m *model) record(ch catalog.Change) catalog.Ref {
	ref := catalog.Ref{Kind: ch.Kind, ID: ch.ID}
	m.log[ref] = append(m.log[ref], ch)
	delete(m.unfinished, ref)
	return ref
}

func (m *model) apply(t *testing.T, s *store, changes ...catalog.Change) {
	t.Helper()
	for _, ch := range changes {
		m.record(ch)
	}
	out, err := s.Apply(t.Context(), changes, now)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.Refused {
			t.Errorf("%s %s at %v is refused", changes[i].Kind, changes[i].ID, changes[i].Fence)
		}
	}
}

// finish lets the changes that were cut short come again.
func (m *model) finish(t *testing.T, s *store) {
	t.Helper()
	for ref, unfinished := range m.unfinished {
		if !unfinished {
			continue
		}
		l := m.log[ref]
		s.apply(l[len(l)-1])
	}
	clear(m.unfinished)
}

// compare looks for differences between the catalogue and the model, by what is stored and by what can be read.
func (m *model) compare(t *testing.T, s *store) {
	t.Helper()
	want := m.content()
	if diff := gocmp.Diff(want, s.content()); diff != "" {
		t.Errorf("stored: %s", diff)
	}
	for _, f := range []catalog.Family{catalog.Programmes, catalog.Videos("p0"), catalog.Videos("p1"), catalog.Videos("p2"), catalog.Videos("p3")} {
		for _, screen := range catalog.Screens() {
			for _, order := range []catalog.Order{catalog.ByDate, catalog.ByEpisode} {
				members := want[fmt.Sprintf("{%s}:%s:%s", f, screen, order)]
				for _, reverse := range []bool{false, true} {
					got := s.pages(t, catalog.List{Family: f, Screen: screen, Order: order, Reverse: reverse, First: 1 + m.rand.IntN(4)}, len(members))
					if reverse {
						slices.Reverse(got)
					}
					if diff := gocmp.Diff(slices.Clone(members), got); diff != "" {
						t.Errorf("%s by %s on %s: %s", f, order, screen, diff)
					}
				}
			}
		}
	}
	for slug, f := range slugs() {
		owner := ""
		if claims := want["{"+string(f)+"}:claims"]; len(claims) > 0 {
			owner = catalog.ID(claims[0])
		}
		if got := s.owner(f); got != owner {
			t.Errorf("slug %s is %q's, want %q", slug, got, owner)
		}
	}
	for _, ref := range entities {
		for _, screen := range catalog.Screens() {
			blob := strings.Join(want[fmt.Sprintf("{%s:%s}:%s", ref.Kind, ref.ID, screen)], "")
			if got := s.blob(screen, ref.Kind, ref.ID); got != blob {
				t.Errorf("%v for %s: %q, want %q", ref, screen, got, blob)
			}
		}
	}
}

// pages reads a list page by page.
func (s *store) pages(t *testing.T, l catalog.List, total int) (members []string) {
	t.Helper()
	for {
		ps, err := s.Pages(t.Context(), []catalog.List{l})
		if err != nil {
			t.Fatal(err)
		}
		if ps[0].Total != total {
			t.Errorf("%s by %s on %s: total %d, want %d", l.Family, l.Order, l.Screen, ps[0].Total, total)
		}
		members = append(members, ps[0].Members...)
		if !ps[0].More {
			return members
		}
		l.After = members[len(members)-1]
	}
}

func slugs() map[string]catalog.Family {
	m := map[string]catalog.Family{}
	for slug := 'a'; slug <= 'e'; slug++ {
		m[string(slug)] = catalog.ProgrammeSlug(string(slug))
		for p := range 4 {
			m[fmt.Sprintf("p%d/%c", p, slug)] = catalog.VideoSlug(fmt.Sprint("p", p), string(slug))
		}
	}
	return m
}

// content is what store.content is to be, computed in the plainest way.
func (m *model) content() map[string][]string {
	want := map[string][]string{}
	add := func(key, sort, id string) { want[key] = append(want[key], sort+"\x00"+id) }
	for ref, l := range m.log {
		ch := l[len(l)-1]
		for screen, blob := range ch.Blobs {
			want[fmt.Sprintf("{%s:%s}:%s", ref.Kind, ref.ID, screen)] = []string{string(blob)}
		}
		for _, p := range ch.Placements {
			for order, sort := range p.Keys {
				if len(p.Screens) == 0 {
					add(fmt.Sprintf("{%s}:%s", p.Family, order), sort, ref.ID)
				}
				for _, screen := range p.Screens {
					add(fmt.Sprintf("{%s}:%s:%s", p.Family, screen, order), sort, ref.ID)
				}
			}
		}
	}
	for k := range want {
		slices.SortFunc(want[k], cmp.Compare[string])
	}
	return want
}
