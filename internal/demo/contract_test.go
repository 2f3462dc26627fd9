package demo

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

// The rules of docs/cms.md, written down a second time: what the flow sets aside must not be in the demonstration.

var (
	slugRule      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	territoryRule = regexp.MustCompile(`^[A-Z]{2}$`)
	languageRule  = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2})?$`)
)

// node is a document, or a part of one, and where it is.
type node struct {
	t  *testing.T
	at string
	bson.D
}

func (n node) get(key string) any {
	for _, e := range n.D {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

func (n node) fail(key, format string, args ...any) {
	n.t.Helper()
	n.t.Errorf("%s %s: %s", n.at, key, fmt.Sprintf(format, args...))
}

// only says which keys there may be.
func (n node) only(keys string) {
	for _, e := range n.D {
		if !slices.Contains(strings.Fields(keys), e.Key) {
			n.fail(e.Key, "unknown")
		}
	}
}

func (n node) text(key string, longest int) string {
	s, ok := n.get(key).(string)
	if n.get(key) != nil && (!ok || s == "" || utf8.RuneCountInString(s) > longest) {
		n.fail(key, "want a text of at most %d characters, got %v", longest, n.get(key))
	}
	return s
}

func (n node) required(key string, longest int) string {
	s := n.text(key, longest)
	if s == "" {
		n.fail(key, "missing")
	}
	return s
}

func (n node) word(key string, known []string) {
	if s := n.text(key, 50); s != "" && !slices.Contains(known, s) {
		n.fail(key, "%q is none of %v", s, known)
	}
}

func (n node) number(key string, lo, hi int32) int32 {
	i, ok := n.get(key).(int32)
	if n.get(key) != nil && (!ok || i < lo || i > hi) {
		n.fail(key, "want %d to %d, got %v", lo, hi, n.get(key))
	}
	return i
}

func (n node) list(key string, most int) bson.A {
	a, ok := n.get(key).(bson.A)
	if n.get(key) != nil && !ok || len(a) > most {
		n.fail(key, "want a list of at most %d, got %v", most, n.get(key))
	}
	return a
}

// words are texts that obey a rule, each there once.
func (n node) words(key string, most int, rule func(string) bool) {
	seen := map[any]bool{}
	for _, v := range n.list(key, most) {
		if s, ok := v.(string); !ok || !rule(s) || seen[v] {
			n.fail(key, "bad or repeated %v", v)
		}
		seen[v] = true
	}
}

func (n node) parts(key string, most int) []node {
	var out []node
	for i, v := range n.list(key, most) {
		d, ok := v.(bson.D)
		if !ok {
			n.fail(key, "want documents, got %v", v)
		}
		out = append(out, node{n.t, fmt.Sprintf("%s %s[%d]", n.at, key, i), d})
	}
	return out
}

func (n node) part(key string) node {
	d, ok := n.get(key).(bson.D)
	if n.get(key) != nil && !ok {
		n.fail(key, "want a document, got %v", n.get(key))
	}
	return node{n.t, n.at + " " + key, d}
}

func (n node) synopsis() {
	s := n.part("synopsis")
	s.only("short medium long")
	for _, key := range []string{"short", "medium", "long"} {
		s.text(key, 20000)
	}
}

func (n node) images(drawings map[string]func(int) []byte) {
	for _, img := range n.parts("images", 100) {
		img.only("role url alt")
		img.required("role", 50)
		img.word("role", imageRoles)
		img.required("alt", 300)
		name, ours := strings.CutPrefix(img.required("url", 300), "/posters/")
		if _, ok := drawings[name]; !ours || !ok {
			img.fail("url", "no such poster")
		}
	}
}

func (n node) rights() {
	for _, r := range n.parts("rights", 100) {
		r.only("screens territories from until offer")
		r.words("screens", 10, func(s string) bool { return slices.Contains(screens, s) })
		r.words("territories", 300, territoryRule.MatchString)
		r.word("offer", offers)
		from, until := dateOf(r.D, "from"), dateOf(r.D, "until")
		if !from.IsZero() && !until.IsZero() && !until.After(from) {
			r.fail("until", "is not after from")
		}
	}
}

func (n node) badges() {
	for _, b := range n.parts("badges", 20) {
		b.only("kind label")
		b.required("kind", 50)
		b.word("kind", badgeKinds)
		b.text("label", 50)
	}
}

// filter is which videos a rule finds.
func (n node) filter() {
	among := func(key string, most int, known []string) {
		n.words(key, most, func(s string) bool { return slices.Contains(known, s) })
	}
	among("kinds", 20, videoKinds)
	for _, season := range n.list("seasons", 100) {
		if i, ok := season.(int32); !ok || i < 0 || i > 9999 {
			n.fail("seasons", "bad %v", season)
		}
	}
	n.words("tags", 50, slugRule.MatchString)
	least := n.number("minDuration", 0, 7*24*60*60)
	n.number("maxDuration", least, 7*24*60*60)
	n.number("publishedWithinDays", 1, 36_500)
	n.word("offer", offers)
	n.word("order", videoOrders)
}

const filterKeys = "kinds seasons tags minDuration maxDuration publishedWithinDays offer order"

// rules are a programme's sections.
func (n node) rules(ofProgramme func(id string) bool) {
	ids := map[string]bool{}
	for _, r := range n.parts("sections", 50) {
		r.only("id title layout screens limit pins excludes fallback " + filterKeys)
		if id := r.required("id", 100); ids[id] {
			r.fail("id", "%s twice", id)
		} else {
			ids[id] = true
		}
		r.required("title", 300)
		r.word("layout", layouts)
		r.words("screens", 10, func(s string) bool { return slices.Contains(screens, s) })
		r.filter()
		r.number("limit", 1, 100)
		r.words("pins", 100, ofProgramme)
		r.words("excludes", 1000, ofProgramme)
		fallback := r.part("fallback")
		fallback.only(filterKeys)
		fallback.filter()
	}
}

// source is what fills a rail instead of cards.
func (n node) source(exists func(n node, key, collection string), categories map[string]bool) {
	sources := 0
	for _, key := range []string{"cards", "rule", "trend", "personal"} {
		if n.get(key) != nil {
			sources++
		}
	}
	if sources != 1 {
		n.fail("cards", "%d sources", sources)
	}
	if n.number("limit", 1, 100); n.get("limit") != nil && n.get("cards") != nil {
		n.fail("limit", "beside cards")
	}
	r := n.part("rule")
	r.only("channel category kinds order")
	exists(r, "channel", "channel")
	if c := r.text("category", 200); c != "" && !categories["category:"+c] {
		r.fail("category", "there is no %s", c)
	}
	r.words("kinds", 20, func(s string) bool { return slices.Contains(programmeKinds, s) })
	r.word("order", programmeOrders)
	tr := n.part("trend")
	tr.only("window of kinds channel")
	tr.word("window", trendWindows)
	tr.word("of", trendsOf)
	tr.words("kinds", 20, func(s string) bool { return slices.Contains(videoKinds, s) && tr.get("of") != "PROGRAMMES" })
	exists(tr, "channel", "channel")
	n.word("personal", personalSources)
}

func (n node) seo() {
	s := n.part("seo")
	s.only("title description")
	s.text("title", 300)
	s.text("description", 2000)
}

func (n node) age() {
	n.word("ageRating", ageRatings)
	n.number("notBeforeHour", 0, 23)
	if late := slices.Contains([]any{"AGE_16", "AGE_18"}, n.get("ageRating")); late != (n.get("notBeforeHour") == int32(22)) {
		n.fail("notBeforeHour", "%v beside %v", n.get("notBeforeHour"), n.get("ageRating"))
	}
}

func TestTheDocumentsObeyTheContract(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	drawings := mustLoad(t).drawings()
	known, categories := map[string]bool{}, map[string]bool{}
	homes := map[any]any{}
	for _, d := range docs {
		n := node{t, "", d.Doc}
		known[d.Collection+":"+n.get("_id").(string)] = true
		homes[n.get("_id")] = n.get("programme")
		for _, g := range n.list("genres", 50) {
			categories["category:"+slugOf(g.(string))] = true
		}
	}
	exists := func(n node, key, collection string) {
		t.Helper()
		if id, ok := n.get(key).(string); n.get(key) != nil && (!ok || !known[collection+":"+id]) {
			n.fail(key, "there is no %s %v", collection, n.get(key))
		}
	}

	for _, d := range docs {
		n := node{t, fmt.Sprint(d.Collection, " ", d.Doc[0].Value), d.Doc}
		if s := n.required("slug", 200); !slugRule.MatchString(s) {
			n.fail("slug", "%q", s)
		}
		n.words("formerSlugs", 50, slugRule.MatchString)
		n.required("title", 300)
		n.images(drawings)
		n.rights()
		n.badges()
		n.seo()
		n.synopsis()
		n.age()

		switch d.Collection {
		case "channel":
			n.required("kind", 50)
			n.word("kind", channelKinds)
			n.number("position", 0, 9999)
		case "person":
			n.text("biography", 20000)
		case "programme":
			n.required("kind", 50)
			n.word("kind", programmeKinds)
			exists(n, "channel", "channel")
			n.number("year", 1880, 2200)
			n.words("countries", 300, territoryRule.MatchString)
			n.words("genres", 50, func(s string) bool { return s != "" && utf8.RuneCountInString(s) <= 100 })
			seasons := map[any]bool{}
			for _, s := range n.parts("seasons", 10000) {
				s.only("number title")
				s.text("title", 300)
				s.number("number", 0, 9999)
				if seasons[s.get("number")] || s.get("number") == nil {
					s.fail("number", "missing or repeated")
				}
				seasons[s.get("number")] = true
			}
			for _, c := range n.parts("credits", 10000) {
				c.only("person role character")
				c.required("person", 200)
				exists(c, "person", "person")
				c.required("role", 50)
				c.word("role", creditRoles)
				c.text("character", 300)
			}
			n.words("related", 100, func(id string) bool { return known["programme:"+id] && id != n.get("_id") })
			exists(n, "start", "video")
			if start := n.get("start"); start != nil && homes[start] != n.get("_id") {
				n.fail("start", "is a video of %v", homes[start])
			}
			n.rules(func(id string) bool { return known["video:"+id] && homes[id] == n.get("_id") })
		case "video":
			n.words("tags", 50, slugRule.MatchString)
			n.required("programme", 200)
			exists(n, "programme", "programme")
			n.required("kind", 50)
			n.word("kind", videoKinds)
			n.number("season", 0, 9999)
			n.number("episode", 0, 99999)
			length := n.number("duration", 1, 7*24*60*60)
			tr := n.part("tracks")
			tr.only("audio subtitles deafSubtitles audioDescription")
			tr.words("audio", 100, languageRule.MatchString)
			tr.words("subtitles", 100, languageRule.MatchString)
			if len(tr.list("audio", 100)) == 0 {
				tr.fail("audio", "missing")
			}
			last := int32(0)
			for _, m := range n.parts("markers", 1000) {
				m.only("kind start end")
				m.required("kind", 50)
				m.word("kind", []string{"INTRO", "RECAP", "CREDITS", "CHAPTER", "AD_BREAK"})
				start := m.number("start", last, length)
				if m.get("start") == nil {
					m.fail("start", "missing")
				}
				if m.get("end") != nil {
					m.number("end", start, length)
				}
				last = start
			}
		case "page":
			ids := map[string]bool{}
			for i, s := range n.parts("sections", 100) {
				s.only("id title layout more cards rule trend personal limit")
				s.source(exists, categories)
				id := s.text("id", 100)
				if id == "" {
					id = fmt.Sprint(i + 1)
				}
				if ids[id] {
					s.fail("id", "%s twice", id)
				}
				ids[id] = true
				s.text("title", 300)
				s.word("layout", layouts)
				if more := s.text("more", 2000); more != "" && !isAddress(more) {
					s.fail("more", "%s", more)
				}
				for _, c := range s.parts("cards", 200) {
					c.only("target url title subtitle images badges")
					c.images(drawings)
					c.badges()
					c.text("title", 300)
					c.text("subtitle", 300)
					target, address := c.text("target", 1000), c.text("url", 2000)
					switch {
					case (target == "") == (address == ""):
						c.fail("target", "want a target or a url")
					case target != "" && !known[target] && !categories[target]:
						c.fail("target", "there is no %s", target)
					case address != "":
						c.required("title", 300)
						if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host != "example.org" {
							c.fail("url", "want https and the reserved domain, got %s", address)
						}
					}
				}
			}
		}
	}
}

func TestEveryPositionIsTakenOnce(t *testing.T) {
	seen := map[int32]bool{}
	for _, ch := range mustLoad(t).channels {
		if ch.Position < 1 || seen[ch.Position] {
			t.Errorf("%s: position %d", ch.Slug, ch.Position)
		}
		seen[ch.Position] = true
	}
}

func TestRelatedProgrammes(t *testing.T) {
	cat := mustLoad(t)
	for _, p := range cat.programmes {
		if n := len(p.related); n < minRelated || n > maxRelated {
			t.Errorf("%s: %d related programmes", p.slug, n)
		}
		for _, q := range p.related {
			if p.forChildren() && q.Age != "ALL" {
				t.Errorf("%s leads children to %s, %s", p.slug, q.slug, q.Age)
			}
			if slices.Contains([]string{"AGE_16", "AGE_18"}, q.Age) && slices.Index(ageRatings, p.Age) < slices.Index(ageRatings, q.Age) {
				t.Errorf("%s, %s, leads to %s, %s", p.slug, p.Age, q.slug, q.Age)
			}
		}
	}
}

// What docs/cms.md can say of rights, the catalogue shows.
func TestRightsTellTheirStories(t *testing.T) {
	cat := mustLoad(t)
	shown, restricted := map[string]bool{}, 0
	for _, p := range cat.programmes {
		if len(p.Rights) > 0 {
			restricted++
		}
		for _, r := range p.Rights {
			shown["territories"] = shown["territories"] || len(r.Territories) > 0
			shown["no iptv"] = shown["no iptv"] || len(r.Screens) > 0 && !slices.Contains(r.Screens, "iptv")
			shown[r.Offer] = true
			shown["from "+r.From[:min(4, len(r.From))]] = true
			shown["until "+r.Until[:min(4, len(r.Until))]] = true
		}
		for _, v := range p.videos {
			shown["a video's"] = shown["a video's"] || len(v.Rights) > 0
		}
	}
	for _, want := range []string{"territories", "no iptv", "MAX", "FREE", "from 2030", "until 2025", "until 2031", "a video's"} {
		if !shown[want] {
			t.Errorf("no right shows %s", want)
		}
	}
	if n := len(cat.programmes); restricted < n/6 || restricted > n/4 {
		t.Errorf("%d programmes of %d have rights, want about a fifth", restricted, n)
	}
}

func TestMarkers(t *testing.T) {
	shown := map[string]bool{}
	for _, p := range mustLoad(t).programmes {
		for _, v := range p.videos {
			at := p.slug + "/" + v.slug
			kinds := map[string]marker{}
			for _, m := range p.markersOf(v) {
				kinds[m.kind], shown[m.kind] = m, true
			}
			if _, ok := kinds["CREDITS"]; ok != (v.kind == "FILM" || v.kind == "EPISODE") {
				t.Errorf("%s: credits: %v", at, ok)
			}
			if _, ok := kinds["INTRO"]; ok != (v.kind == "EPISODE") {
				t.Errorf("%s: an intro: %v", at, ok)
			}
			if _, ok := kinds["RECAP"]; ok && v.season == 1 && v.episode == 1 {
				t.Errorf("%s: nothing happened before", at)
			}
			if kinds["RECAP"].end > kinds["INTRO"].start || v.kind == "EPISODE" && kinds["INTRO"].end >= kinds["CREDITS"].start {
				t.Errorf("%s: overlapping markers %v", at, kinds)
			}
			if len(v.chapters) > 0 && (v.chapters[0] != 0 || kinds["CHAPTER"].start >= kinds["CREDITS"].start) {
				t.Errorf("%s: chapters begin at %v", at, v.chapters)
			}
		}
	}
	for _, kind := range []string{"INTRO", "RECAP", "CREDITS", "CHAPTER", "AD_BREAK"} {
		if !shown[kind] {
			t.Errorf("no video shows %s", kind)
		}
	}
}

func TestPagesShowEverything(t *testing.T) {
	cat := mustLoad(t)
	layoutsShown, kinds := map[string]bool{}, map[string]bool{}
	leads := map[string][]string{}
	for _, pg := range cat.pages {
		for _, s := range pg.Sections {
			layoutsShown[s.Layout] = true
			for _, c := range s.Cards {
				kind, slug, _ := strings.Cut(c.To, ":")
				if kinds[kind] = true; kind == "page" {
					leads[pg.Slug] = append(leads[pg.Slug], slug)
				}
			}
			if to, ok := strings.CutPrefix(s.More, "/page/"); ok && !slices.ContainsFunc(cat.pages, func(pg *page) bool { return pg.Slug == to }) {
				t.Errorf("%s: more leads to %s, which is no page", pg.Slug, s.More)
			}
			if n := len(s.Cards) + int(s.Limit); s.Layout == "RANKED" && n != 10 {
				t.Errorf("%s: a ranking of %d", pg.Slug, n)
			}
		}
	}
	for _, l := range append(slices.Clone(layouts), "") {
		if !layoutsShown[l] {
			t.Errorf("no section of layout %q", l)
		}
	}
	shows := func(name string, is func(s section) bool) {
		t.Helper()
		if !slices.ContainsFunc(cat.pages[0].Sections, is) {
			t.Errorf("home has no rail of %s", name)
		}
	}
	shows("what a rule finds", func(s section) bool { return s.Rule != nil })
	shows("what is watched most", func(s section) bool { return s.Trend != nil && s.Layout == "RANKED" })
	for _, p := range personalSources {
		shows(p, func(s section) bool { return s.Personal == p })
	}
	for _, k := range []string{"programme", "video", "channel", "person", "category", "page", ""} {
		if !kinds[k] {
			t.Errorf("no card to a %q", k)
		}
	}
	for _, step := range [][2]string{{"home", "jeunesse"}, {"jeunesse", "cinema"}, {"cinema", "home"}} {
		if !slices.Contains(leads[step[0]], step[1]) {
			t.Errorf("%s does not lead to %s", step[0], step[1])
		}
	}
}

// What docs/cms.md can say of a programme's sections, the catalogue shows.
func TestSectionsTellTheirStories(t *testing.T) {
	shown := map[string]bool{}
	for _, p := range mustLoad(t).programmes {
		for _, r := range p.Sections {
			d := r.doc(nil)
			if r.Fallback != nil {
				d = append(d, r.Fallback.doc(nil)...)
				shown["fallback"] = true
			}
			for _, e := range d {
				shown[e.Key] = true
			}
			shown["pins"] = shown["pins"] || len(r.Pins) > 0
			shown["excludes"] = shown["excludes"] || len(r.Excludes) > 0
			shown["screens"] = shown["screens"] || len(r.Screens) > 0
			shown[r.Order] = true
		}
	}
	for _, want := range append(slices.Concat(strings.Fields(filterKeys), videoOrders), "fallback", "pins", "excludes", "screens") {
		if !shown[want] && want != "NEWEST" { // which is what no order means
			t.Errorf("no section shows %s", want)
		}
	}
	// Ten of twelve, and one more that comes in by itself.
	hotel := mustLoad(t).programme("hotel-des-tilleuls")
	bonuses := 0
	for _, v := range hotel.videos {
		if v.kind == "BONUS" {
			bonuses++
		}
	}
	if r := hotel.Sections[0]; !slices.Equal(r.Kinds, []string{"BONUS"}) || r.Limit != 10 || bonuses < 13 {
		t.Errorf("of %d bonuses, %+v", bonuses, r)
	}
}

func newStore(t *testing.T) *cms.Bolt {
	t.Helper()
	store, err := cms.OpenBolt(t.TempDir(), func() time.Time { return epoch })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestFill(t *testing.T) {
	store := newStore(t)
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(stream.Collections()))
	var got []string
	for _, d := range docs {
		got = append(got, d.Collection)
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("documents of %v, want %v", got, want)
	}
	for i, want := range []int{len(docs), 0} {
		n, err := Fill(t.Context(), store)
		if err != nil || n != want {
			t.Errorf("time %d: %d documents, %v; want %d", i+1, n, err, want)
		}
	}
}
