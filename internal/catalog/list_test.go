package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"regie/internal/catalog"
)

// turn reads a list page by page.
func (s *store) turn(v catalog.View, l catalog.List) (members []string) {
	s.t.Helper()
	for range 10000 {
		p := s.page(v, l)
		if len(p.Members) > l.First {
			s.t.Errorf("%d on a page of %d", len(p.Members), l.First)
		}
		members = append(members, p.Members...)
		if !p.More {
			return members
		}
		if p.End == l.After {
			s.t.Fatalf("%s: more, and no progress at %q", l.Name(), p.End)
		}
		l.After = p.End
	}
	s.t.Fatalf("%s has no end", l.Name())
	return nil
}

func TestPages(t *testing.T) {
	s := open(t)
	// Two days, three of each; ids break the tie.
	for i, id := range []string{"c", "a", "b", "f", "d", "e"} {
		s.apply(programme(id, fence(int64(i)), id, 1+i/3))
	}
	list := catalog.List{Family: catalog.Programmes, Order: catalog.ByDate}
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
				l := list
				l.Reverse, l.First = reverse, first
				for {
					p := s.page(view, l)
					if p.Total != 6 {
						t.Errorf("total %d", p.Total)
					}
					if len(p.Members) > first {
						t.Errorf("%d on a page of %d", len(p.Members), first)
					}
					if got = append(got, ids(p.Members)...); p.More != (len(got) < 6) {
						t.Errorf("after %d: more is %v", len(got), p.More)
					}
					if last := catalog.Cursor(p.Members[len(p.Members)-1]); p.End != last {
						t.Errorf("it ends at %q, its last is %q", p.End, last)
					}
					if !p.More {
						break
					}
					l.After = p.End
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
	t.Run("none wanted", func(t *testing.T) {
		if p := s.page(view, list); len(p.Members) > 0 || !p.More || p.Total != 6 || p.End != "" {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("a list that nobody made", func(t *testing.T) {
		p := s.page(view, catalog.List{Family: catalog.Videos("none"), Owner: "none", Order: catalog.ByDate, First: 3})
		if len(p.Members) > 0 || p.More || p.Total != 0 || p.End != "" {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("what comes and goes between two pages moves nothing", func(t *testing.T) {
		l := list
		l.First = 3
		end := s.page(view, l).End
		s.apply(programme("0", fence(20), "0", 1))   // before the cursor
		s.apply(programme("dd", fence(21), "dd", 2)) // after it
		s.apply(removal("programme", "c", fence(22)))
		l.First, l.After = 10, end
		next := s.page(view, l)
		if diff := cmp.Diff([]string{"d", "dd", "e", "f"}, ids(next.Members)); diff != "" {
			t.Error(diff)
		}
		if next.Total != 7 || next.More {
			t.Errorf("total %d, more %v", next.Total, next.More)
		}
		l.Reverse = true
		if diff := cmp.Diff([]string{"b", "a", "0"}, ids(s.page(view, l).Members)); diff != "" {
			t.Errorf("from a cursor whose member is gone: %s", diff)
		}
	})
}

func TestANoteThatChangesBetweenPagesMovesNothing(t *testing.T) {
	notes := []string{"", "w,,,", "wmi,1,2,FRBE;i,,,", "m,9999999999999,,"}
	for _, before := range notes {
		for _, after := range notes {
			for _, reverse := range []bool{false, true} {
				s := open(t)
				rights := func(id string, f int64, note string) catalog.Change {
					return item{Ref: catalog.Ref{Kind: "programme", ID: id}, fence: fence(f), kind: "FILM", title: "T", day: 1, note: note}.change()
				}
				var all []catalog.Change
				for _, id := range []string{"a", "a ", "aa", "b", "b0", "c"} {
					all = append(all, rights(id, 1, before))
				}
				s.applyAll(all...)
				l := catalog.List{Family: catalog.Programmes, Order: catalog.ByTitle, Reverse: reverse, First: 1}
				var got []string
				for i := range len(all) {
					p := s.page(view, l)
					if len(p.Members) != 1 || p.More != (i < len(all)-1) || p.Total != len(all) {
						t.Fatalf("%q, then %q, reverse %v, page %d: %+v", before, after, reverse, i, p)
					}
					id := catalog.ID(p.Members[0])
					got, l.After = append(got, id), p.End
					s.apply(rights(id, 2, after))
				}
				want := []string{"a", "a ", "aa", "b", "b0", "c"}
				if reverse {
					slices.Reverse(want)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q, then %q, reverse %v: %s", before, after, reverse, diff)
				}
			}
		}
	}
}

func TestOpenPages(t *testing.T) {
	const many = 700
	closed, other := "w,,1,", "w,,,BE" // the past; elsewhere
	tests := map[string]func(i int) string{
		"all is open": func(int) string { return "" },
		"nothing is":  func(int) string { return closed },
		"every other": func(i int) string { return []string{"", closed}[i%2] },
		"one in 100": func(i int) string {
			return map[bool]string{true: "wm,,,FR"}[i%100 == 99] + map[bool]string{true: other}[i%100 != 99]
		},
		"the last alone":        func(i int) string { return map[bool]string{false: closed}[i == many-1] },
		"the first alone":       func(i int) string { return map[bool]string{false: closed}[i == 0] },
		"a long stretch is not": func(i int) string { return map[bool]string{true: closed}[i > 10 && i < 680] },
	}
	for name, note := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			var changes []catalog.Change
			var want []string
			for i := range many {
				it := item{Ref: catalog.Ref{Kind: "programme", ID: fmt.Sprintf("p%04d", i)}, fence: fence(1), kind: []string{"FILM", "SERIES", "GAME"}[i%3], day: 1 + i%7, note: note(i)}
				changes = append(changes, it.change())
				if it.note == "" || it.note == "wm,,,FR" {
					want = append(want, it.date()+it.ID)
				}
			}
			slices.Sort(want)
			s.applyInChunks(changes)
			for _, l := range []catalog.List{
				{First: 3}, {First: 20}, {First: 20, Reverse: true}, {First: 7, Kinds: "FILM,SERIES,GAME"}, {First: 100, Kinds: "GAME,FILM,SERIES", Reverse: true},
			} {
				l.Family, l.Order, l.Open = catalog.Programmes, catalog.ByDate, true
				var got []string
				pages := 0
				for ; ; pages++ {
					trips := s.trips(func() {
						p := s.page(view, l)
						for _, m := range p.Members {
							got = append(got, catalog.KeyOf(m)+catalog.ID(m))
						}
						if p.Total != many {
							t.Errorf("total %d", p.Total)
						}
						if p.More && p.End == l.After {
							t.Fatal("there is more, and it does not advance")
						}
						if l.After = p.End; !p.More {
							l.First = -1
						}
					})
					if trips > 4 {
						t.Errorf("%d round trips for a page", trips)
					}
					if l.First < 0 {
						break
					}
				}
				want := slices.Clone(want)
				if l.Reverse {
					slices.Reverse(want)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %d in %d pages, want %d", l.Name(), len(got), pages+1, len(want))
				}
			}
		})
	}
}

// TestOpenPagesSayThatThereIsMore: the bounded rounds of one page do not reach the one that is open.
func TestOpenPagesSayThatThereIsMore(t *testing.T) {
	const many = 6000
	s := open(t)
	p := catalog.Placement{Family: catalog.Programmes, Note: "i,,,"}
	var changes []catalog.Change
	for i := range many {
		p.Places = []catalog.Place{{Set: "date", Key: fmt.Sprintf("%05d", i)}}
		if i == many-1 {
			p.Note = ""
		}
		changes = append(changes, catalog.Change{Kind: "programme", ID: fmt.Sprint("p", i), Fence: fence(1), Blobs: blobs("x", fence(1)), Placements: []catalog.Placement{p}})
	}
	s.applyInChunks(changes)
	l := catalog.List{Family: catalog.Programmes, Order: catalog.ByDate, Open: true, First: 1}
	first := s.page(view, l)
	if len(first.Members) > 0 || !first.More || first.End == "" || first.Total != many {
		t.Errorf("got %+v", first)
	}
	if got := ids(s.turn(view, l)); len(got) != 1 || got[0] != fmt.Sprint("p", many-1) {
		t.Errorf("paging on: %q", got)
	}
	l.Reverse = true
	if p := s.page(view, l); len(p.Members) != 1 || !p.More {
		t.Errorf("backwards: %+v", p)
	}
	if got := s.turn(view, l); len(got) != 1 {
		t.Errorf("paging on, backwards: %q", got)
	}
}

// applyInChunks applies many changes, as many at a time as project does.
func (s *store) applyInChunks(changes []catalog.Change) {
	s.t.Helper()
	for c := range slices.Chunk(changes, 256) {
		s.applyAll(c...)
	}
}

func TestKindsAreMerged(t *testing.T) {
	s := open(t)
	kinds := []string{"FILM", "SERIES", "GAME", "NEWS"}
	var changes []catalog.Change
	var items []item
	for i := range 200 {
		it := item{Ref: catalog.Ref{Kind: "programme", ID: fmt.Sprint("p", i*7919%1000)}, fence: fence(1), kind: kinds[i*i%4], day: 1 + i*31%9, channel: "c", genres: []string{"g"}[:i%2], note: []string{"", "w,,,"}[i/3%2]}
		items, changes = append(items, it), append(changes, it.change())
	}
	s.applyAll(changes...)
	slices.SortFunc(items, func(a, b item) int { return cmpOf(a.date()+"\x00"+a.ID, b.date()+"\x00"+b.ID) })
	for wanted, in := range map[string][]string{"": kinds, "FILM": {"FILM"}, "FILM,SERIES": {"FILM", "SERIES"}, "NEWS,GAME,FILM": {"NEWS", "GAME", "FILM"}, "FILM,NONE": {"FILM"}, "NONE": nil} {
		for _, l := range []catalog.List{{Family: catalog.Programmes}, {Family: catalog.OfChannel("c")}, {Family: catalog.OfChannel("c"), Scope: "g"}, {Family: catalog.OfCategory("g")}} {
			for _, reverse := range []bool{false, true} {
				l.Order, l.Kinds, l.Reverse, l.First = catalog.ByDate, wanted, reverse, 7
				var want []string
				for _, it := range items {
					if slices.Contains(in, it.kind) && (l.Family == catalog.Programmes || l == (catalog.List{Family: l.Family, Order: l.Order, Kinds: wanted, Reverse: reverse, First: 7}) && l.Family == catalog.OfChannel("c") || len(it.genres) > 0) {
						want = append(want, it.ID)
					}
				}
				if reverse {
					slices.Reverse(want)
				}
				if got := ids(s.turn(view, l)); !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", l.Name(), got, want)
				}
				if p := s.page(view, l); p.Total != len(want) {
					t.Errorf("%s: total %d, want %d", l.Name(), p.Total, len(want))
				}
			}
		}
	}
}

func cmpOf(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func num(n int32) *int32 { return &n }

// seasons is a store with videos of programme "p", in the order by episode.
func seasons(t *testing.T) (*store, []item) {
	s := open(t)
	items := []item{
		{season: num(0), episode: num(1), day: 20, kind: "EPISODE"},
		{season: num(1), episode: num(1), day: 5, kind: "EPISODE"},
		{season: num(1), episode: num(2), day: 3, kind: "EPISODE"},
		{season: num(1), episode: num(2), day: 4, kind: "BONUS"},
		{season: num(1), episode: num(10), day: 1, kind: "EPISODE"},
		{season: num(1), day: 2, kind: "TRAILER"},
		{season: num(2), episode: num(1), day: 9, kind: "EPISODE"},
		{season: num(10), episode: num(1), day: 8, kind: "EPISODE"},
		{season: num(100), episode: num(1), day: 7, kind: "EPISODE"},
		{episode: num(1), day: 6, kind: "EPISODE"},
		{day: 1, kind: "EXTRACT"},
		{day: 2, kind: "FILM"},
		{day: 3, kind: "EPISODE"},
	}
	var changes []catalog.Change
	for i := range items {
		items[i].Ref, items[i].programme, items[i].fence = catalog.Ref{Kind: "video", ID: fmt.Sprint("v", i)}, "p", fence(int64(i))
		changes = append(changes, items[i].change())
	}
	slices.Reverse(changes)
	s.applyAll(changes...)
	return s, items
}

func TestSeasons(t *testing.T) {
	s, items := seasons(t)
	for _, order := range []catalog.Order{catalog.ByEpisode, catalog.ByDate} {
		for season := int32(-1); season < 12; season++ {
			for _, kinds := range []string{"", "EPISODE", "EPISODE,BONUS", "TRAILER,BONUS,FILM"} {
				for _, reverse := range []bool{false, true} {
					l := catalog.List{Family: catalog.Videos("p"), Owner: "p", Order: order, Kinds: kinds, Season: season, BySeason: season >= 0, Reverse: reverse, First: 2}
					var in []item
					for _, it := range items {
						if (season < 0 || it.season != nil && *it.season == season) && (kinds == "" || slices.Contains(splitKinds(kinds), it.kind)) {
							in = append(in, it)
						}
					}
					if order == catalog.ByDate {
						slices.SortStableFunc(in, func(a, b item) int { return cmpOf(a.date()+a.ID, b.date()+b.ID) })
					}
					var want []string
					for _, it := range in {
						want = append(want, it.ID)
					}
					if reverse {
						slices.Reverse(want)
					}
					if got := ids(s.turn(view, l)); !slices.Equal(got, want) {
						t.Errorf("%s: got %q, want %q", l.Name(), got, want)
					}
					if p := s.page(view, l); p.Total != len(want) {
						t.Errorf("%s: total %d, want %d", l.Name(), p.Total, len(want))
					}
				}
			}
		}
	}
	gs, err := s.Groups(t.Context(), []catalog.Grouping{catalog.Seasons("none"), catalog.Seasons("p")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range gs[1] {
		got = append(got, fmt.Sprint(g.Key[:5], " ", g.Count))
	}
	if diff := cmp.Diff([]string{"00000 1", "00001 3", "00002 1", "00010 1", "00100 1", fmt.Sprint(catalog.NoSeason, " 2")}, got); diff != "" {
		t.Error(diff)
	}
	if len(gs[0]) > 0 {
		t.Errorf("nothing has groups: %v", gs[0])
	}
}

func TestAround(t *testing.T) {
	s, _ := seasons(t)
	for _, l := range []catalog.List{
		{Order: catalog.ByEpisode}, {Order: catalog.ByDate}, {Order: catalog.ByEpisode, Kinds: "EPISODE"},
		{Order: catalog.ByDate, Kinds: "EPISODE,BONUS,EXTRACT"},
	} {
		l.Family, l.Owner, l.First = catalog.Videos("p"), "p", 100
		all := s.page(view, l).Members
		if len(all) < 3 {
			t.Fatalf("%s has %q", l.Name(), all)
		}
		var places []catalog.Beside
		var want []catalog.Neighbours
		for i, m := range all {
			at := l
			at.After = catalog.Cursor(m)
			var n catalog.Neighbours
			if i > 0 {
				n.Previous = all[i-1]
			}
			if i < len(all)-1 {
				n.Next = all[i+1]
			}
			places, want = append(places, catalog.Beside(at)), append(want, n)
		}
		// Places where nothing is.
		for _, n := range []struct {
			after string
			want  catalog.Neighbours
		}{{"0\x00x", catalog.Neighbours{Next: all[0]}}, {"~\x00x", catalog.Neighbours{Previous: all[len(all)-1]}}} {
			at := l
			at.After = n.after
			places, want = append(places, catalog.Beside(at)), append(want, n.want)
		}
		got, err := s.Around(t.Context(), places)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", l.Name(), diff)
		}
	}
	none, err := s.Around(t.Context(), []catalog.Beside{{Family: catalog.Videos("none"), Owner: "none", Order: catalog.ByDate, After: "x\x00y"}})
	if err != nil || none[0] != (catalog.Neighbours{}) {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}

func TestManyGroups(t *testing.T) {
	s := open(t)
	var changes []catalog.Change
	var want []catalog.Group
	for i := range 700 {
		want = append(want, catalog.Group{Key: catalog.CategoryKey(fmt.Sprintf("g%03d", i), fmt.Sprintf("G%03d", i))})
	}
	for i := range 300 {
		it := item{Ref: catalog.Ref{Kind: "programme", ID: fmt.Sprint("p", i)}, fence: fence(1), kind: "FILM", day: 1}
		for g := i % 3; g < 700; g += 1 + i*7 {
			it.genres = append(it.genres, fmt.Sprintf("g%03d", g))
			want[g].Count++
		}
		ch := it.change()
		ch.Placements = slices.DeleteFunc(ch.Placements, func(p catalog.Placement) bool { return p.Family != catalog.Categories })
		changes = append(changes, ch)
	}
	s.applyAll(changes...)
	want = slices.DeleteFunc(want, func(g catalog.Group) bool { return g.Count == 0 })
	gs, err := s.Groups(t.Context(), []catalog.Grouping{catalog.AllCategories()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, gs[0]); diff != "" {
		t.Error(diff)
	}
	// A slug that another's begins with, and a title with an odd sign.
	s = open(t)
	for i, k := range []string{catalog.CategoryKey("a", "A\x00\x01ÿ"), catalog.CategoryKey("a-b", "AB"), catalog.CategoryKey("a", "Z")} {
		s.apply(catalog.Change{Kind: "programme", ID: fmt.Sprint(i), Fence: fence(1), Blobs: blobs("x", fence(1)), Placements: []catalog.Placement{{Family: catalog.Categories, Places: []catalog.Place{{Set: catalog.CategorySet, Key: k}}}}})
	}
	if gs, err = s.Groups(t.Context(), []catalog.Grouping{catalog.AllCategories()}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]catalog.Group{{Key: "a\x01A\x01ÿ", Count: 2}, {Key: "a-b\x01AB", Count: 1}}, gs[0]); diff != "" {
		t.Error(diff)
	}
}

func TestAPersonOfManyCredits(t *testing.T) {
	const many = 5000
	s := open(t)
	one := item{Ref: catalog.Ref{Kind: "programme", ID: "all"}, fence: fence(1), kind: "FILM", day: 1, people: slices.Repeat([]string{"pe"}, many)}
	list := catalog.List{Family: catalog.Credits("pe"), Owner: "pe", Order: catalog.ByDate, First: 100}
	s.apply(one.change())
	if got := s.turn(view, list); len(got) != many || s.page(view, list).Total != many {
		t.Errorf("by one programme: %d of %d", len(got), s.page(view, list).Total)
	}
	one.people, one.fence = one.people[:1], fence(2)
	s.apply(one.change())
	if got := s.turn(view, list); len(got) != 1 {
		t.Errorf("%d are left of a programme that credits once", len(got))
	}
	var changes []catalog.Change
	for i := range many {
		it := item{Ref: catalog.Ref{Kind: "programme", ID: fmt.Sprintf("p%05d", i)}, fence: fence(1), kind: "FILM", day: 2, people: []string{"pe"}}
		changes = append(changes, it.change())
	}
	s.applyInChunks(changes)
	got := ids(s.turn(view, list))
	if len(got) != many+1 || got[0] != "all" || !slices.IsSorted(got[1:]) || len(slices.Compact(got)) != many+1 {
		t.Errorf("by many programmes: %d", len(got))
	}
}

func splitKinds(kinds string) []string { return strings.Split(kinds, ",") }

// trips counts the round trips of fn.
func (s *store) trips(fn func()) int {
	before := s.slots.trips
	fn()
	return s.slots.trips - before
}

// TestKeysOfAllKindsAreReadAtOnce: and those of one kind answer the same as by themselves.
func TestKeysOfAllKindsAreReadAtOnce(t *testing.T) {
	s, _ := seasons(t)
	var changes []catalog.Change
	for i := range 200 {
		it := item{Ref: catalog.Ref{Kind: "programme", ID: fmt.Sprintf("p%03d", i)}, fence: fence(1), kind: "FILM", day: 1, slug: fmt.Sprint("s", i), note: "i,,,", genres: []string{"g"}}
		if i > 150 {
			it.note = ""
		}
		changes = append(changes, it.change())
	}
	s.applyInChunks(changes)
	open := catalog.List{Family: catalog.Programmes, Order: catalog.ByDate, Open: true, First: 2}
	all := catalog.List{Family: catalog.Videos("p"), Owner: "p", Order: catalog.ByEpisode, First: 3}
	beside := catalog.Beside(all)
	beside.After = s.page(view, all).End
	ref, address := catalog.Ref{Kind: "video", ID: "v0"}, slugOf("s7")
	keys := []catalog.Key{
		open, ref, catalog.Seasons("p"), address, all, beside, catalog.CategorySlug("g"), catalog.CategorySlug("none"), catalog.AllCategories(),
		catalog.Ref{Kind: "video", ID: "none"}, slugOf("none"), open,
	}
	if err := s.redis.ScriptFlush(t.Context()).Err(); err != nil { // in its midst, scripts are loaded
		t.Fatal(err)
	}
	var got []any
	for i, a := range s.Read(t.Context(), view, keys) {
		if a.Err != nil {
			t.Fatal(keys[i], a.Err)
		}
		got = append(got, a.Value)
	}
	groups, err := s.Groups(t.Context(), []catalog.Grouping{catalog.Seasons("p"), catalog.AllCategories()})
	if err != nil {
		t.Fatal(err)
	}
	near, err := s.Around(t.Context(), []catalog.Beside{beside})
	if err != nil {
		t.Fatal(err)
	}
	page := s.page(view, open)
	if diff := cmp.Diff([]string{"p151", "p152"}, ids(page.Members)); diff != "" || page.Total != 200 || !page.More {
		t.Errorf("%s, %+v", diff, page)
	}
	want := []any{
		page, []byte(s.blob(catalog.Web, "video", "v0")), groups[0], "p007", s.page(view, all), near[0], "G", "", groups[1],
		[]byte(nil), "", page,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
