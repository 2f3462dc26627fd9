package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogv1 "regie/proto/catalog/v1"
)

// TestAHalfBlobHarmsNoNeighbour cuts one entity's blob in two, and asks for it in every place that can hold it.
func TestAHalfBlobHarmsNoNeighbour(t *testing.T) {
	const cards = `{ page { title sections { edges { node { cards { edges { node { title target { ... on Node { id } } } } } } } } } }`
	for _, tt := range []struct {
		kind, id, query, want string
		codes                 []string
	}{
		{"programme", "p1", `{ programmes(orderBy: OLDEST) { totalCount edges { node { id } } } }`,
			`{"programmes":{"edges":[{"node":{"id":"programme:p0"}},{"node":null},{"node":{"id":"programme:p2"}}],"totalCount":3}}`,
			[]string{"INTERNAL programmes edges 1 node"}},
		{"programme", "p1", `{ programme(by: {id: "programme:p1"}) { id } channel(by: {id: "channel:ch0"}) { id } }`,
			`{"channel":{"id":"channel:ch0"},"programme":null}`, []string{"INTERNAL programme"}},
		{"programme", "p0", `{ channel(by: {slug: "ch0"}) { programmes { edges { node { id } } } } }`,
			`{"channel":{"programmes":{"edges":[{"node":{"id":"programme:p2"}},{"node":null}]}}}`, []string{"INTERNAL channel programmes edges 1 node"}},
		{"programme", "p0", `{ category(by: {slug: "policier"}) { title image { url } programmes { edges { node { id } } } } }`,
			`{"category":{"image":null,"programmes":{"edges":[{"node":null}]},"title":"Policier"}}`,
			[]string{"INTERNAL category image", "INTERNAL category programmes edges 0 node"}},
		{"programme", "p1", `{ programme(by: {slug: "p0"}) { related { id } } }`,
			`{"programme":{"related":[{"id":"programme:p2"}]}}`, []string{"INTERNAL programme related"}},
		{"programme", "p1", `{ person(by: {slug: "pe0"}) { credits { totalCount edges { node { programme { id } } } } } }`,
			`{"person":{"credits":{"edges":[{"node":{"programme":{"id":"programme:p2"}}},{"node":null},{"node":{"programme":{"id":"programme:p0"}}}],"totalCount":3}}}`,
			[]string{"INTERNAL person credits edges 1 node"}},
		{"programme", "p1", `{ video(by: {id: "video:p1v0"}) { title programme { id } } }`,
			`{"video":{"programme":null,"title":"Video p1v0"}}`, []string{"INTERNAL video programme"}},
		{"programme", "p1", `{ nodes(ids: ["video:p1v0", "video:p2v0"]) { id ... on Video { path } } }`,
			`{"nodes":[null,{"id":"video:p2v0","path":"/p2/v0"}]}`, []string{"INTERNAL nodes 0 path"}},
		{"programme", "p0", cards,
			`{"page":{"sections":{"edges":[{"node":{"cards":{"edges":[` +
				`{"node":null},{"node":{"target":{"id":"video:p1v1"},"title":"Video p1v1"}},{"node":{"target":{"id":"channel:ch0"},"title":"Channel ch0"}},` +
				`{"node":{"target":{"id":"person:pe0"},"title":"Person pe0"}},{"node":{"target":{"id":"category:drame"},"title":"Drame"}},` +
				`{"node":{"target":{"id":"page:home"},"title":"Page home"}},{"node":{"target":{},"title":"Elsewhere"}}]}}}]},"title":"Page home"}}`,
			[]string{"INTERNAL page sections edges 0 node cards edges 0 node"}},
		{"video", "p0v1", `{ programme(by: {slug: "p0"}) { title videos(orderBy: OLDEST) { edges { node { id } } } seasons { episodes { edges { node { id } } } } } }`,
			`{"programme":{"seasons":[{"episodes":{"edges":[{"node":{"id":"video:p0v0"}},{"node":null}]}}],"title":"Programme p0","videos":{"edges":[{"node":{"id":"video:p0v0"}},{"node":null}]}}}`,
			[]string{"INTERNAL programme seasons 0 episodes edges 1 node", "INTERNAL programme videos edges 1 node"}},
		{"video", "p0v0", `{ programme(by: {slug: "p0"}) { title start { id } } }`,
			`{"programme":{"start":null,"title":"Programme p0"}}`, []string{"INTERNAL programme start"}},
		{"video", "p0v0", `{ video(by: {id: "video:p0v1"}) { title previous { id } next { id } } }`,
			`{"video":{"next":null,"previous":null,"title":"Video p0v1"}}`, []string{"INTERNAL video previous"}},
		{"channel", "ch0", `{ channels { id } }`, `{"channels":[{"id":"channel:ch1"}]}`, []string{"INTERNAL channels"}},
		{"channel", "ch0", `{ programme(by: {slug: "p0"}) { title channel { id } } }`,
			`{"programme":{"channel":null,"title":"Programme p0"}}`, []string{"INTERNAL programme channel"}},
		{"person", "pe0", `{ programme(by: {slug: "p0"}) { credits { totalCount edges { node { role person { id } } } } } }`,
			`{"programme":{"credits":{"edges":[{"node":{"person":null,"role":"ACTOR"}},{"node":{"person":{"id":"person:pe1"},"role":"DIRECTOR"}}],"totalCount":2}}}`,
			[]string{"INTERNAL programme credits edges 0 node person"}},
		{"page", "home", `{ page { id } channels { id } }`, `{"channels":[{"id":"channel:ch0"},{"id":"channel:ch1"}],"page":null}`, []string{"INTERNAL page"}},
	} {
		t.Run(tt.kind+" "+tt.query, func(t *testing.T) {
			a := newAPI(t)
			a.halve(t, tt.kind, tt.id)
			got := a.query(t, tt.query)
			if diff := cmp.Diff(tt.want, got.json()); diff != "" {
				t.Error(diff)
			}
			codes := strings.Split(got.codes(), ", ")
			slices.Sort(codes)
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Error(diff)
			}
			for _, e := range got.Errors {
				if strings.Contains(e.Message, "proto") || strings.Contains(e.Message, "blob") {
					t.Errorf("the error tells its cause: %s", e.Message)
				}
			}
		})
	}
}

// TestACardOfAHalfBlobHarmsNoNeighbour has a target of each kind that cannot be read behind a card with a title.
func TestACardOfAHalfBlobHarmsNoNeighbour(t *testing.T) {
	for kind, id := range map[string]string{"programme": "p0", "video": "p1v1", "channel": "ch0", "person": "pe0", "page": "other"} {
		a := newAPI(t)
		card := toCard(kind, id)
		card.Title = "Mine"
		a.put(t, page("home", section("s", card, toCard("programme", "p2"))), page("other"))
		a.halve(t, kind, id)
		got := a.query(t, `{ page { sections { edges { node { cards { edges { node { title target { __typename } } } } } } } } }`)
		want := `[{"node":{"target":null,"title":"Mine"}},{"node":{"target":{"__typename":"Programme"},"title":"Programme p2"}}]`
		if diff := cmp.Diff(want, got.json("page", "sections", "edges", 0, "node", "cards", "edges")); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
		if got.codes() != "INTERNAL page sections edges 0 node cards edges 0 node target" {
			t.Errorf("%s: %s", kind, got.codes())
		}
	}
}

func TestWhatIsMissingIsNull(t *testing.T) {
	a := newAPI(t)
	lost := programme("lost")
	lost.ChannelId, lost.RelatedIds, lost.StartId = "gone", []string{"gone", "p0"}, "gone"
	lost.Credits = []*catalogv1.Credit{{PersonId: "gone", Role: catalogv1.CreditRole_CREDIT_ROLE_WRITER}, {PersonId: "pe0", Role: catalogv1.CreditRole_CREDIT_ROLE_GUEST}}
	named := toCard("video", "gone")
	named.Title = "Gone"
	a.put(t, lost, page("rails", section("s", toCard("programme", "gone"), named, toCard("category", "gone"), toCard("page", "gone"), toCard("programme", "p0"))),
		episode("gone", "v", 1, 1, day(1)))
	for _, tt := range []struct{ query, want string }{
		{`{ programme(by: {slug: "lost"}) { channel { id } start { id } seo { title } seasons { number } videos { totalCount edges { cursor } } related { id } credits { edges { node { role person { id } } } } } }`,
			`{"programme":{"channel":null,"credits":{"edges":[{"node":{"person":null,"role":"WRITER"}},{"node":{"person":{"id":"person:pe0"},"role":"GUEST"}}]},` +
				`"related":[{"id":"programme:p0"}],"seasons":[],"seo":{"title":"Programme lost"},"start":null,"videos":{"edges":[],"totalCount":0}}}`},
		{`{ page(slug: "rails") { sections { edges { node { cards { edges { node { title badges { label } image { url } target { __typename } } } } } } } } }`,
			`{"page":{"sections":{"edges":[{"node":{"cards":{"edges":[{"node":null},{"node":{"badges":[],"image":null,"target":null,"title":"Gone"}},{"node":null},{"node":null},` +
				`{"node":{"badges":[],"image":null,"target":{"__typename":"Programme"},"title":"Programme p0"}}]}}}]}}}`},
		{`{ video(by: {id: "video:gonev"}) { path programme { id } ageRating { code } availability { state } badges { kind } next { id } seo { canonical } } }`,
			`{"video":{"ageRating":{"code":"ALL"},"availability":{"state":"AVAILABLE"},"badges":[],"next":null,"path":"/video:gonev","programme":null,"seo":{"canonical":"/video:gonev"}}}`},
		{`{ person(by: {id: "person:gone"}) { id } channel(by: {id: "channel:gone"}) { id } programmes(filter: {channelId: "channel:nowhere"}) { totalCount edges { cursor } pageInfo { hasNextPage endCursor } } }`,
			`{"channel":null,"person":null,"programmes":{"edges":[],"pageInfo":{"endCursor":null,"hasNextPage":false},"totalCount":0}}`},
	} {
		got := a.query(t, tt.query)
		if diff := cmp.Diff(tt.want, got.json()); diff != "" || len(got.Errors) > 0 {
			t.Errorf("%s: %s %v", tt.query, diff, got.Errors)
		}
	}
	a.remove(t, "programme", "p1")
	if got := a.query(t, `{ person(by: {slug: "pe0"}) { credits { totalCount } } programmes { totalCount } node(id: "programme:p1") { id } }`); got.json() !=
		`{"node":null,"person":{"credits":{"totalCount":3}},"programmes":{"totalCount":3}}` {
		t.Errorf("after a programme is gone: %s %v", got.json(), got.Errors)
	}
}

// TestPagesInACircle are read as deep as somebody asks.
func TestPagesInACircle(t *testing.T) {
	a := emptyAPI(t)
	a.put(t, page("home", section("s", toCard("page", "b"))), page("b", section("s", toCard("page", "home"), toCard("page", "b"))))
	rail := func(inside string) string {
		return fmt.Sprintf(`sections(first: 2) { edges { node { cards(first: 2) { edges { node { target { ... on Page { %s } } } } } } } }`, inside)
	}
	got := a.query(t, `{ page { title `+rail(`title `+rail(`title`))+` } }`)
	inside := func(path ...any) []any { // a card's target
		return append(path, "sections", "edges", 0, "node", "cards", "edges", 0, "node", "target")
	}
	if len(got.Errors) > 0 || got.at(append(inside("page"), "title")...) != "Page b" || got.at(append(inside(inside("page")...), "title")...) != "Page home" {
		t.Errorf("answered %s %v", got.json(), got.Errors)
	}
}
