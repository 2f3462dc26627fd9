package graph

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

// chain is n fragments, each of which spreads the next one twice.
func chain(n int, typeName, field string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "query { %s }\n", field)
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on %s { ...f%d ...f%d }\n", i, typeName, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on %s { __typename }\n", n, typeName)
	return b.String()
}

// TestTheGateRefusesWhatWouldCostTooMuch has documents that other servers take minutes, or their lives, for. That they
// are refused in time is shown by the test's ending at all.
func TestTheGateRefusesWhatWouldCostTooMuch(t *testing.T) {
	gate := newGate(NewExecutableSchema(Config{}).Schema(), true)
	for _, tt := range []struct {
		name, document, code string
	}{
		{"a million brackets", strings.Repeat("[", 1_000_000), CodeTooComplex},
		{"brackets in the limit of length", "{" + strings.Repeat("a{", 10_000), CodeTooComplex},
		{"nested list literals", `{ node(id: ` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `) { id } }`, CodeTooComplex},
		{"too many tokens", "{" + strings.Repeat("a ", 5000) + "}", CodeParse},
		{"too many selections", "{" + strings.Repeat("__typename ", 600) + "}", CodeTooComplex},
		{"a fragment bomb", chain(60, "Query", "...f0"), CodeTooComplex},
		{"a fragment bomb in introspection", chain(60, "__Type", "__schema { types { ...f0 } }"), CodeTooComplex},
		{"a fragment that contains itself", `{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`, CodeValidation},
		{"fields too deep", "{" + strings.Repeat("programmes { edges { node { videos { edges { node { programme { ", 3) + "id" + strings.Repeat("}", 21) + "}", CodeTooComplex},
		{"no operation", "fragment f on Query { __typename }", CodeValidation},
		{"nothing", "", CodeValidation},
		{"not GraphQL", "{ programmes(", CodeParse},
		{"an unknown field", "{ operas }", CodeValidation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := gate.MutateOperationParameters(t.Context(), &graphql.RawParams{Query: tt.document})
			if err == nil || err.Extensions["code"] != tt.code {
				t.Fatalf("answered %v, want %s", err, tt.code)
			}
			if len(err.Message) > 300 {
				t.Errorf("the message has %d characters", len(err.Message))
			}
			if _, ok := gate.Get(t.Context(), tt.document); ok {
				t.Error("it was remembered")
			}
		})
	}
}

func TestTheGateRemembersWhatPassed(t *testing.T) {
	gate := newGate(NewExecutableSchema(Config{}).Schema(), true)
	for _, document := range []string{
		"{ __typename }",
		`query Page($first: Int! = 20) { programmes(first: $first) { edges { node { ...card videos(first: 3) { edges { node { title } } } } } } } fragment card on Programme { id title }`,
		`{ node(id: "programme:\"{{{{") { id } }`,
	} {
		if err := gate.MutateOperationParameters(t.Context(), &graphql.RawParams{Query: document}); err != nil {
			t.Fatal(err)
		}
		if _, ok := gate.Get(t.Context(), document); !ok {
			t.Errorf("%q was not remembered", document)
		}
	}
}

func FuzzGate(f *testing.F) {
	f.Add("{ programmes { edges { node { id } } } }")
	f.Add(chain(3, "Query", "...f0"))
	f.Add("query($a: [Int!]! = [1, {a: \"#\"}]) @skip(if: true) { a: node(id: $a) { ... on Programme { id } } } # end")
	gate := newGate(NewExecutableSchema(Config{}).Schema(), true)
	f.Fuzz(func(t *testing.T, document string) {
		err := gate.MutateOperationParameters(t.Context(), &graphql.RawParams{Query: document})
		if err != nil && err.Extensions["code"] == nil {
			t.Errorf("an error without a code: %v", err)
		}
	})
}
