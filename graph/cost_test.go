package graph

import (
	"os"
	"regexp"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// costOf is what an operation of our schema can answer.
func costOf(t *testing.T, query string, variables map[string]any) int {
	t.Helper()
	schema := NewExecutableSchema(Config{}).Schema()
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	if errs := validator.ValidateWithRules(schema, doc, safeRules()); len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	c := coster{variables: variables, known: map[string]int{}}
	return c.set(doc.Operations[0].SelectionSet)
}

func TestListsCountAsLongAsTheyMayBe(t *testing.T) {
	for _, tt := range []struct {
		query     string
		variables map[string]any
		want      int
	}{
		{query: `{ __typename }`, want: 1},
		{query: `{ nodes(ids: []) { id } }`, want: 1 + 100},
		{query: `{ channels { id title } }`, want: 1 + 30*2},
		{query: `{ categories { id } }`, want: 1 + 40},
		{query: `{ programme(by: {slug: "p"}) { seasons { number title } } }`, want: 1 + 1 + 5*2},
		{query: `{ programme(by: {slug: "p"}) { categories { id } badges { kind } } }`, want: 1 + 1 + 3 + 1 + 2},
		{query: `{ programme(by: {slug: "p"}) { related { id } } }`, want: 1 + 1 + 12},
		{query: `{ programme(by: {slug: "p"}) { related(first: 50) { id } } }`, want: 1 + 1 + 50},
		{query: `{ video(by: {id: "video:v"}) { markers { kind start } } }`, want: 1 + 1 + 5*2},
		{query: `{ programmes { totalCount } }`, want: 1 + 20},
		{query: `{ programmes(first: 3) { edges { cursor } } }`, want: 1 + 3*2},
		{query: `query($n: Int) { programmes(first: $n) { totalCount } }`, want: 1 + 20},
		{query: `query($n: Int!) { programmes(first: $n) { totalCount } }`, variables: map[string]any{"n": int64(7)}, want: 1 + 7},
		{query: `{ programmes(first: 100000) { totalCount } }`, want: 1 + MaxPage},
		{query: `{ programmes(first: -100000) { totalCount } }`, want: 1 + 1},
		{query: `{ page { sections { edges { node { cards { edges { cursor } } } } } } }`, want: 1 + 1 + 8*(1+1+1+20*2)},
		{query: `{ programmes(first: 2) { ...c } } fragment c on ProgrammeConnection { edges { ...e ...e } } fragment e on ProgrammeEdge { cursor }`, want: 1 + 2*(1+2)},
	} {
		if got := costOf(t, tt.query, tt.variables); got != tt.want {
			t.Errorf("%s costs %d, want %d", tt.query, got, tt.want)
		}
	}
}

// TestDocumentedQueriesCostLittle keeps the limit far from what a page of a site asks.
func TestDocumentedQueriesCostLittle(t *testing.T) {
	page, err := os.ReadFile("../docs/graphql.md")
	if err != nil {
		t.Fatal(err)
	}
	gate := newGate(NewExecutableSchema(Config{}).Schema(), true)
	for _, m := range regexp.MustCompile("(?s)```graphql\n(.*?)```").FindAllSubmatch(page, -1) {
		query := string(m[1])
		if err := gate.MutateOperationParameters(t.Context(), &graphql.RawParams{Query: query}); err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if cost := costOf(t, query, nil); cost > maxCost/4 {
			t.Errorf("%s: costs %d of %d", query, cost, maxCost)
		}
	}
}
