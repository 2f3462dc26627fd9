package resolvers_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
)

func TestTrending(t *testing.T) {
	a := newAPI(t)
	hour, day1, week := trend.Windows()[0], trend.Windows()[1], trend.Windows()[2]
	closed := programme("closed")
	closed.Rights = []*catalogv1.Right{right(2030, 0, free)}
	later := episode("p0", "v9", 1, 9, day(1))
	later.Rights = []*catalogv1.Right{right(2030, 0, free)}
	bonus := video("p1", "b", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(1))
	a.put(t, closed, later, bonus, episode("closed", "v0", 1, 1, day(1)))
	a.watched(t, trend.Videos, day1, "closedv0", "p0v9", "p1b", "gone", "p2v0", "p1v1", "p0v0")
	a.watched(t, trend.Videos, hour, "p1v0")
	a.watched(t, trend.Videos, week, "p0v1", "p1b")
	for args, want := range map[string]string{
		"":                                    "p1b p2v0 p1v1 p0v0",
		"window: DAY, first: 2":               "p1b p2v0",
		"window: HOUR":                        "p1v0",
		"window: WEEK":                        "p0v1 p1b",
		"kinds: [EPISODE]":                    "p2v0 p1v1 p0v0",
		"kinds: [BONUS, FILM]":                "p1b",
		`channelId: "channel:ch1"`:            "p1b p1v1",
		`channelId: "channel:none"`:           "",
		`kinds: [], channelId: "channel:ch0"`: "p2v0 p0v0",
	} {
		if args != "" {
			args = "(" + args + ")"
		}
		got := a.query(t, "{ trending"+args+" { totalCount edges { cursor node { id } } pageInfo { hasNextPage startCursor endCursor } } }")
		var ids []string
		edges, _ := got.at("trending", "edges").([]any)
		for i := range edges {
			id, _ := got.at("trending", "edges", i, "node", "id").(string)
			ids = append(ids, strings.TrimPrefix(id, "video:"))
		}
		if s := strings.Join(ids, " "); s != want || len(got.Errors) > 0 {
			t.Errorf("%s: got %q %s, want %q", args, s, got.codes(), want)
		}
	}
	for args, want := range map[string]string{
		"first: 0": "BAD_USER_INPUT trending", "first: 101": "BAD_USER_INPUT trending", `channelId: "programme:p0"`: "BAD_USER_INPUT trending", `channelId: "x"`: "BAD_USER_INPUT trending",
	} {
		if got := a.query(t, "{ trending("+args+") { totalCount } channels { slug } }"); got.codes() != want {
			t.Errorf("%s: got %s, want %s", args, got.codes(), want)
		}
	}
	// The rankings of all, their videos, their programmes.
	if n := a.reads(t, `{ a: trending { edges { node { title programme { title } } } } b: trending(window: HOUR) { edges { node { title } } } c: trending(window: WEEK, kinds: [BONUS]) { totalCount } }`, 3); n != 3 {
		t.Errorf("%d reads", n)
	}
}

// TestProgrammesByHowManyWatchThem: the ranking, of which many have as many viewers, then the rest by date, in any part of
// the catalogue, page by page.
func TestProgrammesByHowManyWatchThem(t *testing.T) {
	a := emptyAPI(t)
	week := trend.Windows()[2]
	counts := map[string]int{}
	var all []*catalogv1.Programme
	var ps []proto.Message
	for n := range 120 {
		p := programme(fmt.Sprintf("p%03d", n))
		p.PublishedAt = timestamppb.New(today.Add(-time.Duration(n*37%120) * time.Hour))
		p.ChannelId = fmt.Sprintf("ch%d", n%2)
		p.Kind = []catalogv1.ProgrammeKind{catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM}[n/2%2]
		if n%3 == 0 {
			p.Genres = []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}}
		}
		if n%4 == 0 {
			p.Rights = []*catalogv1.Right{right(2030, 0, free)}
		}
		p.Credits = []*catalogv1.Credit{{PersonId: "pe0", Role: catalogv1.CreditRole_CREDIT_ROLE_ACTOR}}
		if n%2 == 0 || n < 20 {
			counts[p.Id] = 1 + n%3
		}
		all, ps = append(all, p), append(ps, p)
	}
	a.put(t, append(ps, person("pe0"))...)
	key := fmt.Sprintf("%s:trend:%s:%d:programme", a.prefix, week.Name, week.End(today).Unix())
	for id, n := range counts {
		if err := a.redis.ZAdd(t.Context(), key, redis.Z{Score: float64(-n), Member: id}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(p, q *catalogv1.Programme) int {
		if i, j := counts[p.Id], counts[q.Id]; i > 0 || j > 0 {
			return cmp.Or(cmp.Compare(j, i), strings.Compare(p.Id, q.Id))
		}
		return strings.Compare(dateThenID(q), dateThenID(p))
	})
	drame := func(p *catalogv1.Programme) bool { return len(p.Genres) > 0 }
	one := func(p *catalogv1.Programme) bool { return p.ChannelId == "ch1" }
	film := func(p *catalogv1.Programme) bool { return p.Kind == catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM }
	open := func(p *catalogv1.Programme) bool { return len(p.Rights) == 0 }
	for filter, in := range map[string][]func(*catalogv1.Programme) bool{
		"":                                      {open},
		"{availableOnly: false}":                nil,
		`{channelId: "channel:ch1"}`:            {one, open},
		`{categoryId: "category:drame"}`:        {drame, open},
		"{kinds: [FILM], availableOnly: false}": {film},
		`{channelId: "channel:ch1", categoryId: "category:drame", kinds: [FILM], availableOnly: false}`: {one, drame, film},
		`{kinds: [NEWS]}`: {func(*catalogv1.Programme) bool { return false }},
	} {
		var want []string
		for _, p := range all {
			if !slices.ContainsFunc(in, func(is func(*catalogv1.Programme) bool) bool { return !is(p) }) {
				want = append(want, p.Id)
			}
		}
		args := "orderBy: MOST_WATCHED, ARGS"
		if filter != "" {
			args = "filter: " + filter + ", " + args
		}
		for _, first := range []int{1, 7, 100} {
			w := a.walk(t, "", "{ programmes("+args+") { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }", first, nil, "programmes")
			if diff := gocmp.Diff(slugs(want), append([]string{}, w.nodes...)); diff != "" {
				t.Errorf("%s, first %d: %s", filter, first, diff)
			}
			if filter == "" && w.total != 120 {
				t.Errorf("total %v", w.total)
			}
		}
	}
	var credited []string
	for _, p := range all {
		credited = append(credited, fmt.Sprintf(`{"programme":{"slug":%q}}`, p.Id))
	}
	w := a.walk(t, "", `{ person(by: {id: "person:pe0"}) { credits(orderBy: MOST_WATCHED, ARGS) { totalCount edges { cursor node { programme { slug } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`, 50, nil, "person", "credits")
	if diff := gocmp.Diff(credited, w.nodes); diff != "" || w.total != 120 {
		t.Errorf("of %v: %s", w.total, diff)
	}
	// The ranking, then its programmes, which are the nodes.
	if n := a.reads(t, `{ programmes(orderBy: MOST_WATCHED, first: 10) { edges { node { title } } } }`, 2); n != 2 {
		t.Errorf("%d reads", n)
	}
	// The ranking, which is empty by then, the list, who of it is ranked, the nodes.
	quiet := today.AddDate(0, 1, 0)
	a.now.Store(&quiet)
	if n := a.reads(t, `{ programmes(orderBy: MOST_WATCHED, first: 10) { edges { node { title } } } }`, 4); n != 4 {
		t.Errorf("%d reads of what nobody watched", n)
	}
	a.now.Store(&today)

	t.Run("while ranks change", func(t *testing.T) {
		turn := 0
		w := a.walk(t, "", "{ programmes(orderBy: MOST_WATCHED, filter: {availableOnly: false}, ARGS) { edges { cursor node { slug } } pageInfo { hasNextPage endCursor } } }", 9, func() {
			turn++ // somebody watches what was in front, what is behind, and what is on nobody's list
			for _, id := range []string{all[0].Id, all[turn*10%120].Id, all[119].Id} {
				if err := a.redis.ZIncrBy(t.Context(), key, -1, id).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}, "programmes")
		seen := map[string]int{}
		for _, n := range w.nodes {
			if seen[n]++; seen[n] > 1 {
				t.Errorf("%s comes twice, and nothing sank", n)
			}
		}
		if len(w.nodes) < 120-turn-3 {
			t.Errorf("%d of 120 programmes in %d pages", len(w.nodes), w.pages)
		}
	})
	t.Run("a cursor of another list", func(t *testing.T) {
		got := a.query(t, `{ programmes(orderBy: NEWEST, first: 1) { pageInfo { endCursor } } }`)
		query := fmt.Sprintf(`{ programmes(orderBy: MOST_WATCHED, after: %q) { totalCount } }`, got.at("programmes", "pageInfo", "endCursor"))
		if got := a.query(t, query); got.codes() != "BAD_USER_INPUT programmes" {
			t.Errorf("got %s", got.codes())
		}
	})
}
