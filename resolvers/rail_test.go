package resolvers_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
)

// computed are a programme's sections as recommend computes them.
func computed(programme string, sections ...*catalogv1.ComputedSection) *catalogv1.ProgrammeSections {
	return &catalogv1.ProgrammeSections{ProgrammeId: programme, Sections: sections}
}

// computedSection has these videos on every screen. What is behind a video's id and a blank is its note.
func computedSection(id string, limit int32, videos ...string) *catalogv1.ComputedSection {
	s := &catalogv1.ComputedSection{Id: id, Title: "Section " + id, Layout: catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL, Limit: limit}
	for _, screen := range []catalogv1.Screen{catalogv1.Screen_SCREEN_WEB, catalogv1.Screen_SCREEN_MOBILE, catalogv1.Screen_SCREEN_IPTV} {
		of := &catalogv1.ScreenVideos{Screen: screen}
		for _, v := range videos {
			id, note, _ := strings.Cut(v, " ")
			of.Videos = append(of.Videos, &catalogv1.SectionVideo{Id: id, Note: note})
		}
		s.Screens = append(s.Screens, of)
	}
	return s
}

// rail is a page's that fills itself.
func rail(id string, limit int32, s *catalogv1.Section) *catalogv1.Section {
	s.Id, s.Limit, s.Layout = id, limit, catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL
	return s
}

func ruled(r *catalogv1.CatalogueRule) *catalogv1.Section {
	return &catalogv1.Section{Source: &catalogv1.Section_Rule{Rule: r}}
}

func trending(r *catalogv1.TrendRule) *catalogv1.Section {
	return &catalogv1.Section{Source: &catalogv1.Section_Trend{Trend: r}}
}

func own(s catalogv1.PersonalSource) *catalogv1.Section {
	return &catalogv1.Section{Source: &catalogv1.Section_Personal{Personal: s}}
}

// watched makes a ranking of ids, each watched by one viewer more than the next, as the role trend leaves it.
func (a *api) watched(t *testing.T, kind trend.Kind, window *trend.Window, ids ...string) {
	t.Helper()
	key := fmt.Sprintf("%s:trend:%s:%d:%s", a.prefix, window.Name, window.End(*a.now.Load()).Unix(), kind)
	for i, id := range ids {
		if err := a.redis.ZAdd(t.Context(), key, redis.Z{Score: float64(i - len(ids)), Member: id}).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// shown are the ids, or titles, in a rail's cards.
func shown(got answer, path ...any) string {
	edges, _ := got.at(append(path, "cards", "edges")...).([]any)
	var out []string
	for i := range edges {
		id, ok := got.at(append(path, "cards", "edges", i, "node", "target", "id")...).(string)
		if !ok {
			id = "null"
		}
		_, id, _ = strings.Cut(":"+id, ":")
		out = append(out, id[strings.IndexByte(id, ':')+1:])
	}
	return strings.Join(out, " ")
}

const (
	cardIDs = `cards(first: 100) { edges { node { target { ... on Node { id } } } } }`
	rails   = `{ page { sections { edges { node { id title source isPersonal ` + cardIDs + ` } } } } }`
)

func TestAProgrammesSections(t *testing.T) {
	a := newAPI(t)
	closes := today.Add(time.Hour)
	until := fmt.Sprintf(",,%d,", closes.UnixMilli())
	rightsUntil := []*catalogv1.Right{{Until: timestamppb.New(closes)}}
	first, second := episode("p0", "v0", 1, 1, day(1)), episode("p0", "v1", 1, 2, day(2))
	second.Rights = rightsUntil
	p3 := programme("p3")
	p3.Rights = rightsUntil
	rankedSection := computedSection("top/1", 2, "p0v1 "+until, "p0v0", "p1v0 ,,,BE")
	rankedSection.Layout = catalogv1.SectionLayout_SECTION_LAYOUT_RANKED
	a.put(t, first, second, p3, episode("p3", "v0", 1, 1, day(1)),
		computed("p0", rankedSection, computedSection("soon", 5, "p0v1 "+until), computedSection("gone", 5, "nobody", "p0v0")),
		computed("p3", computedSection("a", 5, "p3v0")),
		computed("nobody", computedSection("a", 5, "p0v0")))
	const query = `{
		programme(by: {id: "programme:p0"}) { sections { id title layout source isPersonal more cards { edges { node { title rank badges { kind } target { ... on Video { id path } } } } } } }
		other: programme(by: {id: "programme:p3"}) { title sections { id } }
		none: programme(by: {id: "programme:p1"}) { title sections { id } }
		gone: programme(by: {id: "programme:nobody"}) { title sections { id } }
		nodes(ids: ["programme-section:p0/top/1", "programme-section:p0/soon", "programme-section:p3/a", "programme-section:nobody/a", "programme-section:p0/none", "programme-section:p0"]) { id }
	}`
	cards := func(video, rank string, badges string) string {
		return fmt.Sprintf(`{"node":{"badges":[%s],"rank":%s,"target":{"id":"video:p0%s","path":"/p0/%s"},"title":"Video p0%s"}}`, badges, rank, video, video, video)
	}
	of := func(id string, layout string, edges ...string) string {
		return fmt.Sprintf(`{"cards":{"edges":[%s]},"id":"programme-section:p0/%s","isPersonal":false,"layout":%q,"more":null,"source":"RECOMMENDATION","title":"Section %s"}`, strings.Join(edges, ","), id, layout, id)
	}
	const lastDays = `{"kind":"LAST_DAYS"}`
	for _, tt := range []struct {
		when  string
		now   time.Time
		where string
		want  string
		other string
		nodes string
	}{
		{"while all is open", today, "", "[" + of("top/1", "RANKED", cards("v1", "1", lastDays), cards("v0", "2", "")) + "," +
			of("soon", "CAROUSEL", cards("v1", "null", lastDays)) + "," + of("gone", "CAROUSEL", `{"node":null}`, cards("v0", "null", "")) + "]",
			`{"sections":[{"id":"programme-section:p3/a"}],"title":"Programme p3"}`,
			`[{"id":"programme-section:p0/top/1"},{"id":"programme-section:p0/soon"},{"id":"programme-section:p3/a"},null,null,null]`},
		{"when a window has closed", closes, "", "[" + of("top/1", "RANKED", cards("v0", "1", "")) + "," + of("gone", "CAROUSEL", `{"node":null}`, cards("v0", "null", "")) + "]",
			`{"sections":[],"title":"Programme p3"}`,
			`[{"id":"programme-section:p0/top/1"},null,null,null,null,null]`},
	} {
		t.Run(tt.when, func(t *testing.T) {
			a.now.Store(&tt.now)
			defer a.now.Store(&today)
			got := a.query(t, query)
			if len(got.Errors) > 0 {
				t.Fatal(got.Errors)
			}
			if diff := cmp.Diff(tt.want, got.json("programme", "sections")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.other, got.json("other")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.nodes, got.json("nodes")); diff != "" {
				t.Error(diff)
			}
			if got.json("none", "sections") != "[]" || got.at("gone") != nil {
				t.Errorf("got %s", got.json())
			}
		})
	}
	t.Run("where a window is open elsewhere alone", func(t *testing.T) {
		a.now.Store(&closes)
		defer a.now.Store(&today)
		got := a.from(t, "?territory=BE", `{ programme(by: {id: "programme:p0"}) { sections { `+cardIDs+` } } }`, nil)
		if s := shown(got, "programme", "sections", 0); s != "p0v0 p1v0" {
			t.Errorf("got %q", s)
		}
	})
	t.Run("page by page", func(t *testing.T) {
		w := a.walk(t, "", `{ node(id: "programme-section:p0/top/1") { ... on Section { cards(ARGS) { edges { cursor node { rank target { ... on Node { id } } } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }`, 1, nil, "node", "cards")
		if diff := cmp.Diff([]string{`{"rank":1,"target":{"id":"video:p0v1"}}`, `{"rank":2,"target":{"id":"video:p0v0"}}`}, w.nodes); diff != "" || w.pages != 2 {
			t.Error(w.pages, diff)
		}
	})
	a.remove(t, "programme-enriched", "p0")
	if got := a.query(t, `{ programme(by: {id: "programme:p0"}) { title sections { id } } }`); got.json("programme") != `{"sections":[],"title":"Programme p0"}` {
		t.Errorf("got %s", got.json())
	}
}

// TestASectionThatCannotBeReadHarmsNoNeighbour: what was computed is not the programme.
func TestASectionThatCannotBeReadHarmsNoNeighbour(t *testing.T) {
	a := newAPI(t)
	a.put(t, computed("p0", computedSection("a", 5, "p0v0")), computed("p1", computedSection("a", 5, "p1v0", "p1v1")))
	a.halve(t, catalog.Sections, "p0")
	a.halve(t, "video", "p1v0")
	got := a.query(t, `{ programmes(orderBy: OLDEST) { edges { node { title sections { `+cardIDs+` } } } } node(id: "programme-section:p0/a") { id } }`)
	const want = `[{"node":{"sections":[],"title":"Programme p0"}},` +
		`{"node":{"sections":[{"cards":{"edges":[{"node":null},{"node":{"target":{"id":"video:p1v1"}}}]}}],"title":"Programme p1"}},` +
		`{"node":{"sections":[],"title":"Programme p2"}}]`
	if diff := cmp.Diff(want, got.json("programmes", "edges")); diff != "" {
		t.Error(diff)
	}
	codes := strings.Split(got.codes(), ", ")
	slices.Sort(codes)
	if diff := cmp.Diff([]string{"INTERNAL node", "INTERNAL programmes edges 0 node sections", "INTERNAL programmes edges 1 node sections 0 cards edges 0 node"}, codes); diff != "" {
		t.Error(diff)
	}
}

// TestRailsByRule has a catalogue of programmes a to i, published one a day, of two channels, two categories, two kinds; c
// may not be watched, and f will not be any more.
func TestRailsByRule(t *testing.T) {
	a := emptyAPI(t)
	all := []proto.Message{channel("ch0"), channel("ch1")}
	for i, id := range strings.Split("abcdefghi", "") {
		p := programme(id)
		p.Title, p.PublishedAt, p.ChannelId = "Title "+string('z'-rune(i)), day(i+1), fmt.Sprintf("ch%d", i%2)
		p.Genres = []*catalogv1.Genre{{Slug: []string{"drame", "rire"}[i/5], Title: "G"}}
		if i%3 == 0 {
			p.Kind = catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM
		}
		all = append(all, p)
	}
	all[4].(*catalogv1.Programme).Rights = []*catalogv1.Right{{From: timestamppb.New(today.Add(time.Hour))}}
	all[7].(*catalogv1.Programme).Rights = []*catalogv1.Right{{Until: timestamppb.New(today.Add(time.Hour))}}
	rule := func(channel, category string, order catalogv1.CatalogueOrder, kinds ...catalogv1.ProgrammeKind) *catalogv1.Section {
		return ruled(&catalogv1.CatalogueRule{ChannelId: channel, Category: category, Order: order, Kinds: kinds})
	}
	const (
		newest, oldest, title = catalogv1.CatalogueOrder_CATALOGUE_ORDER_NEWEST, catalogv1.CatalogueOrder_CATALOGUE_ORDER_OLDEST, catalogv1.CatalogueOrder_CATALOGUE_ORDER_TITLE
		film, series          = catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM, catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES
	)
	sections := []*catalogv1.Section{
		rail("newest", 20, rule("", "", newest)), rail("three", 3, rule("", "", newest)), rail("oldest", 4, rule("", "", oldest)), rail("title", 2, rule("", "", title)),
		rail("channel", 20, rule("ch0", "", newest)), rail("category", 20, rule("", "drame", newest)), rail("both", 20, rule("ch1", "rire", oldest)),
		rail("kinds", 20, rule("", "", newest, film)), rail("of-all-kinds", 5, rule("ch0", "drame", newest, series, film)), rail("none", 20, rule("gone", "", newest)),
	}
	ranking := rail("ranked", 7, rule("", "", newest))
	ranking.Layout = catalogv1.SectionLayout_SECTION_LAYOUT_RANKED
	sections = append(sections, ranking)
	a.put(t, append(all, page("home", sections...))...)
	got := a.query(t, strings.Replace(rails, "sections {", "sections(first: 20) {", 1))
	if len(got.Errors) > 0 {
		t.Fatal(got.Errors)
	}
	for i, want := range []string{"i h g f e d b a", "i h g", "a b d e", "i h", "i g e a", "e d b a", "f h", "g d a", "e a", "", "i h g f e d b"} {
		if s := shown(got, "page", "sections", "edges", i, "node"); s != want {
			t.Errorf("%s: got %q, want %q", sections[i].Id, s, want)
		}
		if source := got.at("page", "sections", "edges", i, "node", "source"); source != "RECOMMENDATION" {
			t.Errorf("source %v", source)
		}
	}
	const cards = `{ node(id: "section:home/ranked") { ... on Section { cards(ARGS) { edges { cursor node { rank target { ... on Node { id } } } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }`
	nodes := func(ids string) (out []string) {
		for i, id := range strings.Fields(ids) {
			out = append(out, fmt.Sprintf(`{"rank":%d,"target":{"id":"programme:%s"}}`, i+1, id))
		}
		return out
	}
	for first := 1; first <= 8; first++ {
		w := a.walk(t, "", cards, first, nil, "node", "cards")
		if diff := cmp.Diff(nodes("i h g f e d b"), w.nodes); diff != "" || w.pages != (7+first-1)/first {
			t.Errorf("by %d: %d pages, %s", first, w.pages, diff)
		}
	}
	t.Run("while programmes come and go", func(t *testing.T) {
		steps := []func(){
			func() { p := programme("j"); p.PublishedAt = day(20); a.put(t, p) }, // ahead of what was read
			func() { a.remove(t, "programme", "g") },                             // it was the last one read
		}
		w := a.walk(t, "", cards, 2, func() {
			if len(steps) > 0 {
				steps[0]()
				steps = steps[1:]
			}
		}, "node", "cards")
		if diff := cmp.Diff(nodes("i h g f e d b"), w.nodes); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a cursor of another rail", func(t *testing.T) {
		other := a.query(t, `{ node(id: "section:home/newest") { ... on Section { cards(first: 1) { pageInfo { endCursor } } } } }`)
		got := a.query(t, fmt.Sprintf(`{ node(id: "section:home/three") { ... on Section { cards(after: %q) { edges { cursor } } } } }`, other.at("node", "cards", "pageInfo", "endCursor")))
		if got.codes() != "BAD_USER_INPUT node cards" {
			t.Errorf("got %s", got.codes())
		}
	})
	t.Run("a cursor of a rule that is another now", func(t *testing.T) {
		before := a.query(t, `{ node(id: "section:home/three") { ... on Section { cards(first: 1) { pageInfo { endCursor } } } } }`)
		sections[1] = rail("three", 3, rule("", "", oldest))
		a.put(t, page("home", sections...))
		got := a.query(t, fmt.Sprintf(`{ page { title } node(id: "section:home/three") { ... on Section { cards(after: %q) { edges { cursor } } } } }`, before.at("node", "cards", "pageInfo", "endCursor")))
		if got.codes() != "BAD_USER_INPUT node cards" || got.at("page", "title") == nil {
			t.Errorf("got %s %s", got.codes(), got.json())
		}
	})
}

func TestRailsOfWhatIsWatched(t *testing.T) {
	a := newAPI(t)
	hour, day1, week := trend.Windows()[0], trend.Windows()[1], trend.Windows()[2]
	closed := programme("closed")
	closed.Rights = []*catalogv1.Right{{From: timestamppb.New(today.Add(time.Hour))}}
	later := episode("p0", "v9", 1, 9, day(1))
	later.Rights = []*catalogv1.Right{{From: timestamppb.New(today.Add(time.Hour))}}
	bonus := video("p1", "b", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(1))
	a.put(t, closed, programme("quiet"), later, bonus, episode("closed", "v0", 1, 1, day(1)))
	a.watched(t, trend.Programmes, week, "p2", "nobody", "closed", "p0", "p1")
	a.watched(t, trend.Videos, day1, "closedv0", "p0v9", "p1b", "gone", "p2v0", "p1v1", "p0v0")
	a.watched(t, trend.Videos, hour, "p1v0")
	rule := func(w catalogv1.TrendWindow, programmes bool, channel string, kinds ...catalogv1.VideoKind) *catalogv1.Section {
		return trending(&catalogv1.TrendRule{Window: w, Programmes: programmes, ChannelId: channel, Kinds: kinds})
	}
	const (
		anHour, aDay, aWeek = catalogv1.TrendWindow_TREND_WINDOW_HOUR, catalogv1.TrendWindow_TREND_WINDOW_DAY, catalogv1.TrendWindow_TREND_WINDOW_WEEK
		mostWatched         = catalogv1.CatalogueOrder_CATALOGUE_ORDER_MOST_WATCHED
		episodes            = catalogv1.VideoKind_VIDEO_KIND_EPISODE
	)
	sections := []*catalogv1.Section{
		rail("programmes", 10, rule(aWeek, true, "")), rail("two", 2, rule(aWeek, true, "")), rail("channel", 10, rule(aWeek, true, "ch0")),
		rail("videos", 10, rule(aDay, false, "")), rail("episodes", 3, rule(aDay, false, "", episodes)), rail("of", 10, rule(aDay, false, "ch1", episodes)),
		rail("hour", 10, rule(anHour, false, "")), rail("quiet", 10, rule(anHour, true, "")),
		rail("rule", 10, ruled(&catalogv1.CatalogueRule{Order: mostWatched})), rail("rule-of", 10, ruled(&catalogv1.CatalogueRule{
			Order: mostWatched, ChannelId: "ch0", Category: "policier", Kinds: []catalogv1.ProgrammeKind{catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES},
		})), rail("rule-of-films", 10, ruled(&catalogv1.CatalogueRule{Order: mostWatched, Kinds: []catalogv1.ProgrammeKind{catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM}})),
	}
	sections[1].Layout = catalogv1.SectionLayout_SECTION_LAYOUT_RANKED
	a.put(t, page("home", sections...))
	want := []string{"p2 p0 p1", "p2 p0", "p2 p0", "p1b p2v0 p1v1 p0v0", "p2v0 p1v1 p0v0", "p1v1", "p1v0", "", "p2 p0 p1 quiet", "p0", ""}
	check := func(t *testing.T) {
		t.Helper()
		got := a.query(t, strings.Replace(rails, "sections {", "sections(first: 20) {", 1))
		for i, want := range want {
			if s := shown(got, "page", "sections", "edges", i, "node"); s != want {
				t.Errorf("%s: got %q, want %q", sections[i].Id, s, want)
			}
			if source := got.at("page", "sections", "edges", i, "node", "source"); source != "TOP" {
				t.Errorf("source %v", source)
			}
		}
	}
	check(t)
	w := a.walk(t, "", `{ node(id: "section:home/two") { ... on Section { cards(ARGS) { edges { cursor node { rank title } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }`, 1, nil, "node", "cards")
	if diff := cmp.Diff([]string{`{"rank":1,"title":"Programme p2"}`, `{"rank":2,"title":"Programme p0"}`}, w.nodes); diff != "" {
		t.Error(diff)
	}
	t.Run("a bad blob among them", func(t *testing.T) {
		a.halve(t, "programme", "p2")
		want = []string{"p0 p1", "p0 p1", "p0", "p1b p1v1 p0v0", "p1v1 p0v0", "p1v1", "p1v0", "", "p0 p1 quiet", "p0", ""}
		check(t)
		if got := a.query(t, rails); !strings.Contains(got.codes(), "INTERNAL page sections edges 0 node cards") {
			t.Errorf("got %s", got.codes())
		}
	})
}

// TestARankingIsReadOn: what may be watched lies far behind what may not, and too far for any rail.
func TestARankingIsReadOn(t *testing.T) {
	a := emptyAPI(t)
	var all []proto.Message
	var ids []string
	for i := range 520 {
		p := programme(fmt.Sprintf("p%03d", i))
		if i != 0 && i != 300 && i != 301 && i != 510 {
			p.Rights = []*catalogv1.Right{{From: timestamppb.New(today.Add(time.Hour))}}
		}
		all, ids = append(all, p), append(ids, p.Id)
	}
	a.put(t, append(all, page("home", rail("a", 2, trending(&catalogv1.TrendRule{Window: trend.Lately, Programmes: true})), rail("b", 10, trending(&catalogv1.TrendRule{Window: trend.Lately, Programmes: true}))))...)
	a.watched(t, trend.Programmes, trend.Windows()[2], ids...)
	got := a.query(t, rails)
	if first, second := shown(got, "page", "sections", "edges", 0, "node"), shown(got, "page", "sections", "edges", 1, "node"); first != "p000 p300" || second != "p000 p300 p301" {
		t.Errorf("got %q, %q: %s", first, second, got.codes())
	}
}

// TestRailsCostALevel: however many there are, those that a list fills cost one read more than the editors' cards; those that
// go on with what nobody watched a few more.
func TestRailsCostALevel(t *testing.T) {
	a := newAPI(t)
	var by, top, most, editors []*catalogv1.Section
	for i := range 8 {
		kind := catalogv1.ProgrammeKind(i%2 + 1)
		by = append(by, rail(fmt.Sprint("by", i), 20, ruled(&catalogv1.CatalogueRule{ChannelId: fmt.Sprint("ch", i%3), Kinds: []catalogv1.ProgrammeKind{kind}})))
		top = append(top, rail(fmt.Sprint("top", i), 20, trending(&catalogv1.TrendRule{Window: catalogv1.TrendWindow(i%3 + 1), Programmes: true, ChannelId: fmt.Sprint("ch", i%2)})))
		most = append(most, rail(fmt.Sprint("most", i), int32(i+1), ruled(&catalogv1.CatalogueRule{ChannelId: fmt.Sprint("ch", i%2), Order: catalogv1.CatalogueOrder_CATALOGUE_ORDER_MOST_WATCHED})))
		editors = append(editors, section(fmt.Sprint("cards", i), toCard("programme", "p0"), toCard("channel", "ch0")))
	}
	a.put(t, page("by", by...), page("top", top...), page("editors", editors...), page("one", by[0]),
		page("mixed", slices.Concat(by, editors)...), page("most", most...), page("all", slices.Concat(by, top, most, editors)...))
	for _, w := range trend.Windows() {
		a.watched(t, trend.Programmes, w, "p0", "p1", "p2")
	}
	reads := func(slug string, due int64) int64 {
		t.Helper()
		return a.reads(t, fmt.Sprintf(`{ page(slug: %q) { sections(first: 40) { edges { node { title source cards { edges { node { title image { url } badges { kind } target { ... on Content { path } } } } } } } } } }`, slug), due)
	}
	for slug, want := range map[string]int64{"editors": 3, "one": 4, "by": 4, "mixed": 4, "top": 4, "most": 6, "all": 7} {
		if n := reads(slug, want); n != want {
			t.Errorf("%s: %d reads, want %d", slug, n, want)
		}
	}
}

func TestPersonalRails(t *testing.T) {
	v := newViewers(t)
	v.series(t, "p0", "p1", "p2")
	const continueWatching, favourites = catalogv1.PersonalSource_PERSONAL_SOURCE_CONTINUE_WATCHING, catalogv1.PersonalSource_PERSONAL_SOURCE_FAVOURITES
	v.put(t, page("home", rail("on", 2, own(continueWatching)), rail("own", 3, own(favourites)), section("cards", toCard("programme", "p0"))))
	tokens := []string{v.watch(t, "alice", "p0e1", 10, 1), v.watch(t, "alice", "p1e2", 10, 2), v.watch(t, "alice", "p2e1", 10, 3)}
	for _, target := range []string{"programme:p0", "video:p1e1", "programme:p2", "video:p0e1"} {
		tokens = append(tokens, v.add(t, "alice", target))
	}
	if got := v.as(t, "alice", fmt.Sprintf(`{ viewer(notBefore: %q) { id } }`, strings.Join(tokens, "~")), nil); len(got.Errors) > 0 {
		t.Fatal(got.Errors)
	}
	signedIn, anonymous := v.as(t, "alice", rails, nil), v.query(t, rails)
	for name, tt := range map[string]struct {
		got  answer
		want []string
	}{
		"signed in":     {signedIn, []string{"p2e1 p1e2", "p0e1 p2 p1e1", "p0"}},
		"anonymous":     {anonymous, []string{"", "", "p0"}},
		"somebody else": {v.as(t, "bob", rails, nil), []string{"", "", "p0"}},
	} {
		if len(tt.got.Errors) > 0 {
			t.Errorf("%s: %v", name, tt.got.Errors)
		}
		for i, want := range tt.want {
			node := []any{"page", "sections", "edges", i, "node"}
			if s := shown(tt.got, node...); s != want {
				t.Errorf("%s: rail %d has %q, want %q", name, i, s, want)
			}
			source, personal := tt.got.at(append(node, "source")...), tt.got.at(append(node, "isPersonal")...)
			if source != []string{"CONTINUE_WATCHING", "FAVOURITES", "EDITORIAL"}[i] || personal != (i < 2) {
				t.Errorf("%s: rail %d is %v, %v", name, i, source, personal)
			}
		}
	}
	t.Run("page by page", func(t *testing.T) {
		for id, want := range map[string][]string{"on": {"video:p2e1", "video:p1e2"}, "own": {"video:p0e1", "programme:p2", "video:p1e1"}} {
			query := fmt.Sprintf(`{ node(id: "section:home/%s") { ... on Section { cards(ARGS) { edges { cursor node { target { ... on Node { id } } } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }`, id)
			w := v.walk(t, "alice", query, 1, "node", "cards")
			var nodes []string
			for _, id := range want {
				nodes = append(nodes, fmt.Sprintf(`{"target":{"id":%q}}`, id))
			}
			if diff := cmp.Diff(nodes, w.nodes); diff != "" || w.pages != len(want) {
				t.Errorf("%s: %d pages, %s", id, w.pages, diff)
			}
		}
	})
	t.Run("another's cursor", func(t *testing.T) {
		got := v.as(t, "alice", `{ node(id: "section:home/own") { ... on Section { cards(first: 1) { pageInfo { endCursor } } } } }`, nil)
		query := fmt.Sprintf(`{ page { title } node(id: "section:home/own") { ... on Section { cards(after: %q) { edges { cursor } } } } }`, got.at("node", "cards", "pageInfo", "endCursor"))
		if got := v.as(t, "bob", query, nil); got.codes() != "BAD_USER_INPUT node cards" || got.at("page", "title") == nil {
			t.Errorf("got %s %s", got.codes(), got.json())
		}
		if got := v.query(t, query); got.codes() != "" || got.json("node", "cards", "edges") != "[]" { // a page that was read before signing out
			t.Errorf("got %s %s", got.codes(), got.json())
		}
	})
	t.Run("what the viewer did with them", func(t *testing.T) {
		query := `{ page { sections { edges { node { cards { edges { node { target { ... on Video { viewerState { progress { position } } } ... on Programme { viewerState { isFavourite } } } } } } } } } } }`
		// The two lists with the states of the editors' cards, then those of the favourites, then those of what to go on with.
		calls := int64(math.MaxInt64)
		v.gathering(func() bool {
			_, n := v.cost(t, "alice", query)
			calls = min(calls, n)
			return calls <= 5
		})
		if calls != 5 {
			t.Errorf("%d calls", calls)
		}
		got := v.as(t, "alice", query, nil)
		if p := got.at("page", "sections", "edges", 0, "node", "cards", "edges", 0, "node", "target", "viewerState", "progress", "position"); p != 10.0 {
			t.Errorf("got %s", got.json())
		}
	})
	t.Run("while the user API is away", func(t *testing.T) {
		v.store.away.Store(true)
		defer v.store.away.Store(false)
		got := v.as(t, "alice", rails, nil)
		if got.codes() == "" || strings.Contains(strings.ReplaceAll(got.codes(), "UNAVAILABLE page sections edges", ""), "page") {
			t.Errorf("got %s", got.codes())
		}
		if s := shown(got, "page", "sections", "edges", 2, "node"); s != "p0" {
			t.Errorf("a neighbour has %q", s)
		}
		if got := v.query(t, rails); len(got.Errors) > 0 {
			t.Errorf("the public page: %v", got.Errors)
		}
	})
}
