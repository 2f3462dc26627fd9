package resolvers_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"regie/internal/servertest"
	catalogv1 "regie/proto/catalog/v1"
)

// TestACursorIsOfOneList gives the cursor of each list to all others.
func TestACursorIsOfOneList(t *testing.T) {
	a := newAPI(t)
	a.put(t, page("two", section("a", toCard("programme", "p0")), section("b", toCard("programme", "p0"))))
	// ARGS stand for after; each answers at least one edge.
	lists := []string{
		`x: programmes(ARGS) { edges { cursor } }`,
		`x: programmes(orderBy: OLDEST, ARGS) { edges { cursor } }`,
		`x: programmes(orderBy: TITLE, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {availableOnly: false}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {kinds: [SERIES]}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {kinds: [SERIES, FILM]}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {channelId: "channel:ch0"}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {channelId: "channel:ch1"}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {categoryId: "category:drame"}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {categoryId: "category:policier"}, ARGS) { edges { cursor } }`,
		`x: programmes(filter: {channelId: "channel:ch0", categoryId: "category:drame"}, ARGS) { edges { cursor } }`,
		`programme(by: {slug: "p0"}) { x: videos(ARGS) { edges { cursor } } }`,
		`programme(by: {slug: "p1"}) { x: videos(ARGS) { edges { cursor } } }`,
		`programme(by: {slug: "p0"}) { x: videos(orderBy: EPISODE, ARGS) { edges { cursor } } }`,
		`programme(by: {slug: "p0"}) { x: videos(filter: {season: 1}, ARGS) { edges { cursor } } }`,
		`programme(by: {slug: "p0"}) { x: credits(ARGS) { edges { cursor } } }`,
		`programme(by: {slug: "p1"}) { x: credits(ARGS) { edges { cursor } } }`,
		`programme: person(by: {slug: "pe0"}) { x: credits(ARGS) { edges { cursor } } }`,
		`programme: person(by: {slug: "pe1"}) { x: credits(ARGS) { edges { cursor } } }`,
		`programme: person(by: {slug: "pe0"}) { x: credits(orderBy: TITLE, ARGS) { edges { cursor } } }`,
		`programme: page { x: sections(ARGS) { edges { cursor } } }`,
		`programme: page(slug: "two") { x: sections(ARGS) { edges { cursor } } }`,
		`programme: node(id: "section:two/a") { ... on Section { x: cards(ARGS) { edges { cursor } } } }`,
		`programme: node(id: "section:two/b") { ... on Section { x: cards(ARGS) { edges { cursor } } } }`,
	}
	cursors := make([]string, len(lists))
	ask := func(list, cursor string) answer {
		return a.from(t, "", "query($after: String) { "+strings.Replace(list, "ARGS", "after: $after", 1)+" }", map[string]any{"after": cursor})
	}
	for i, list := range lists {
		got := a.query(t, "{ "+strings.Replace(list, "ARGS", "first: 1", 1)+" }")
		path := []any{"x", "edges", 0, "cursor"}
		if strings.HasPrefix(list, "programme") {
			path = append([]any{"programme"}, path...)
		}
		cursors[i], _ = got.at(path...).(string)
		if cursors[i] == "" {
			t.Fatalf("%s has no cursor: %s %v", list, got.json(), got.Errors)
		}
	}
	for i, list := range lists {
		for j, cursor := range cursors {
			got := ask(list, cursor)
			refused := len(got.Errors) == 1 && got.Errors[0].Extensions.Code == "BAD_USER_INPUT"
			if i == j && len(got.Errors) > 0 || i != j && !refused {
				t.Errorf("%s after a cursor of %s: %s %v", list, lists[j], got.json(), got.Errors)
			}
		}
		raw, err := base64.RawURLEncoding.DecodeString(cursors[i])
		if err != nil {
			t.Fatal(err)
		}
		tampered, longer := slices.Clone(raw), append(slices.Clone(raw), 'x')
		tampered[len(raw)/2] ^= 1
		for name, cursor := range map[string]string{
			"empty": "", "tampered": base64.RawURLEncoding.EncodeToString(tampered), "longer": base64.RawURLEncoding.EncodeToString(longer),
			"truncated": cursors[i][:len(cursors[i])/2], "a byte short": base64.RawURLEncoding.EncodeToString(raw[:len(raw)-1]),
			"its signature alone": base64.RawURLEncoding.EncodeToString(raw[:8]), "no base64": "*" + cursors[i], "huge": strings.Repeat("A", 100_000),
		} {
			got := ask(list, cursor)
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || len(got.Errors[0].Message) > 300 {
				t.Errorf("%s after one that is %s: %s %v", list, name, got.json(), got.Errors)
			}
		}
	}
	// The screen and the territory are no part of it.
	query := fmt.Sprintf(`{ programmes(after: %q) { edges { node { id } } } }`, cursors[0])
	if got := a.from(t, "/iptv?territory=BE", query, nil); len(got.Errors) > 0 {
		t.Errorf("on another screen: %v", got.Errors)
	}
}

func TestPagesHaveOneToAHundred(t *testing.T) {
	a := newAPI(t)
	for _, list := range []string{
		`programmes(first: %s) { edges { cursor } }`, `programme(by: {slug: "p0"}) { videos(first: %s) { totalCount } }`,
		`programme(by: {slug: "p0"}) { credits(first: %s) { totalCount } }`, `programme(by: {slug: "p0"}) { related(first: %s) { id } }`,
		`programme(by: {slug: "p0"}) { seasons { episodes(first: %s) { totalCount } } }`, `channel(by: {slug: "ch0"}) { programmes(first: %s) { totalCount } }`,
		`category(by: {slug: "drame"}) { programmes(first: %s) { totalCount } }`, `person(by: {slug: "pe0"}) { credits(first: %s) { totalCount } }`,
		`page { sections(first: %s) { edges { cursor } } }`, `page { sections { edges { node { cards(first: %s) { edges { cursor } } } } } }`,
	} {
		most := "100"
		if strings.Contains(list, "related") {
			most = "50"
		}
		for first, code := range map[string]string{"1": "", most: "", "0": "BAD_USER_INPUT", "-1": "BAD_USER_INPUT", "101": "BAD_USER_INPUT", "2147483647": "BAD_USER_INPUT"} {
			got := a.query(t, "{ "+fmt.Sprintf(list, first)+" }")
			if code == "" && len(got.Errors) > 0 || !strings.HasPrefix(got.codes(), code) {
				t.Errorf("first %s of %s: %s %v", first, list, got.json(), got.Errors)
			}
		}
	}
}

func credits(n int, of func(i int) *catalogv1.Credit) []*catalogv1.Credit {
	out := make([]*catalogv1.Credit, n)
	for i := range out {
		out[i] = of(i)
	}
	return out
}

// TestAPersonCreditedThousandsOfTimes is in many programmes, in some more than once; and in one programme alone.
func TestAPersonCreditedThousandsOfTimes(t *testing.T) {
	a := emptyAPI(t)
	all := []proto.Message{person("pe"), person("one")}
	var want []string
	for n := range 500 {
		p := programme(fmt.Sprintf("p%03d", n))
		p.PublishedAt = day(1 + n%28)
		p.Credits = credits(10, func(i int) *catalogv1.Credit {
			return &catalogv1.Credit{PersonId: "pe", Role: catalogv1.CreditRole_CREDIT_ROLE_ACTOR, Character: fmt.Sprintf("%s/%d", p.Id, i)}
		})
		for _, c := range p.Credits {
			want = append(want, fmt.Sprintf(`{"character":%q,"programme":{"id":%q}}`, c.Character, "programme:"+p.Id))
		}
		all = append(all, p)
	}
	long := programme("long")
	long.Credits = credits(5000, func(i int) *catalogv1.Credit {
		return &catalogv1.Credit{PersonId: "one", Role: catalogv1.CreditRole_CREDIT_ROLE_GUEST, Character: fmt.Sprint(i)}
	})
	a.put(t, append(all, long)...)
	const query = `{ person(by: {id: "person:%s"}) { credits(orderBy: %s, ARGS) { totalCount edges { cursor node { character programme { id } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
	for _, order := range []string{"NEWEST", "TITLE"} {
		w := a.walk(t, "", fmt.Sprintf(query, "pe", order), 100, nil, "person", "credits")
		slices.Sort(w.nodes)
		if diff := cmp.Diff(want, w.nodes); diff != "" || w.total != 5000 || w.pages != 50 {
			t.Errorf("%s: %v in %d pages: %s", order, w.total, w.pages, diff)
		}
	}
	want = nil
	for i := range 5000 {
		want = append(want, fmt.Sprintf(`{"character":"%d","programme":{"id":"programme:long"}}`, i))
	}
	w := a.walk(t, "", fmt.Sprintf(query, "one", "OLDEST"), 100, nil, "person", "credits")
	if diff := cmp.Diff(want, w.nodes); diff != "" || w.total != 5000 {
		t.Errorf("in one programme: %v: %s", w.total, diff)
	}
	w = a.walk(t, "", `{ programme(by: {slug: "long"}) { credits(ARGS) { totalCount edges { cursor node { character programme { id } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
		100, nil, "programme", "credits")
	if diff := cmp.Diff(want, w.nodes); diff != "" || w.total != 5000 {
		t.Errorf("of one programme: %v: %s", w.total, diff)
	}
}

// TestWhoIsNotCreditedAnyMoreIsNot has a person's list that is older than its programme, as between two writes.
func TestWhoIsNotCreditedAnyMoreIsNot(t *testing.T) {
	a := newAPI(t)
	edited := programme("p1")
	edited.Credits = []*catalogv1.Credit{{PersonId: "pe1", Role: catalogv1.CreditRole_CREDIT_ROLE_DIRECTOR}}
	a.put(t, edited)
	_, blob := servertest.Blob(t, a.redis, a.prefix, "programme", "p1", "web")
	a = newAPI(t)
	key, _ := servertest.Blob(t, a.redis, a.prefix, "programme", "p1", "web")
	if err := a.redis.HSet(t.Context(), key, "p1", blob).Err(); err != nil {
		t.Fatal(err)
	}
	for person, want := range map[string]string{
		"pe0": `[{"node":{"role":"ACTOR"}},{"node":null},{"node":{"role":"ACTOR"}}]`,
		"pe1": `[{"node":{"role":"DIRECTOR"}},{"node":null},{"node":{"role":"DIRECTOR"}}]`,
	} {
		got := a.query(t, `{ person(by: {slug: "`+person+`"}) { credits { edges { node { role } } } } }`)
		if got.json("person", "credits", "edges") != want || len(got.Errors) > 0 {
			t.Errorf("%s: %s %v", person, got.json(), got.Errors)
		}
	}
}

// TestPagesFollowTheirPredecessorInAnEditedList edits a programme's credits, and a rail, between its two pages.
func TestPagesFollowTheirPredecessorInAnEditedList(t *testing.T) {
	for name, tt := range map[string]struct{ before, after, want string }{
		"as it was":                     {"a b c d", "a b c d", "c d"},
		"one before it is gone":         {"a b c d", "b c d", "c d"},
		"one came before it":            {"a b c d", "x a b c d", "c d"},
		"it is gone":                    {"a b c d", "a c d", "c d"},
		"it and all behind it are gone": {"a b c d", "a", ""},
		"all are gone":                  {"a b c d", "", ""},
		"it moved to the end":           {"a b c d", "a c d b", ""},
		"it moved to the front":         {"a b c d", "b a c d", "a c d"},
		"one came behind it":            {"a b c d", "a b x c d", "x c d"},
		"another took its place":        {"a b c d", "a x c d", "x c d"},
		"twins":                         {"a a a a a", "a a a a a", "a a a"},
		"twins, one is seen again":      {"b b a b a", "x b b a b a", "b a b a"},
	} {
		t.Run(name, func(t *testing.T) {
			a := emptyAPI(t)
			put := func(list string) {
				p, s := programme("p"), section("s")
				for _, one := range strings.Fields(list) {
					p.Credits = append(p.Credits, &catalogv1.Credit{PersonId: one, Role: catalogv1.CreditRole_CREDIT_ROLE_ACTOR, Character: one})
					card := toCard("programme", "p")
					card.Title = one
					s.Cards = append(s.Cards, card)
				}
				a.put(t, p, page("home", s))
			}
			for _, list := range []struct {
				query string
				path  []any
			}{
				{`{ programme(by: {slug: "p"}) { list: credits(ARGS) { edges { node { name: character } } pageInfo { endCursor hasNextPage } } } }`, []any{"programme", "list"}},
				{`{ page { sections { edges { node { list: cards(ARGS) { edges { node { name: title } } pageInfo { endCursor hasNextPage } } } } } } }`, []any{"page", "sections", "edges", 0, "node", "list"}},
			} {
				put(tt.before)
				first := a.query(t, strings.Replace(list.query, "ARGS", "first: 2", 1))
				cursor, _ := first.at(append(list.path, "pageInfo", "endCursor")...).(string)
				put(tt.after)
				got := a.query(t, strings.Replace(list.query, "ARGS", fmt.Sprintf("first: 100, after: %q", cursor), 1))
				var names []string
				edges, _ := got.at(append(list.path, "edges")...).([]any)
				for i := range edges {
					names = append(names, fmt.Sprint(got.at(append(list.path, "edges", i, "node", "name")...)))
				}
				if s := strings.Join(names, " "); s != tt.want || len(got.Errors) > 0 {
					t.Errorf("%v: %q follows, want %q %v", list.path[0], s, tt.want, got.Errors)
				}
			}
		})
	}
}
