package graph

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// MutateOperationContext bounds what an operation can answer, now that its variables are known: a list counts as long as
// its `first` allows. Every selection of the document is visited once.
func (g *gate) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := coster{variables: op.Variables, known: map[string]int{}}
	if cost := c.set(op.Operation.SelectionSet); cost > maxCost {
		return tooComplex("The operation can answer more than %d fields: ask for shorter pages or fewer fields.", maxCost)
	}
	return nil
}

type coster struct {
	variables map[string]any
	known     map[string]int // by fragment, which validation has shown not to contain itself
}

func (c *coster) set(set ast.SelectionSet) int {
	total := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			total += 1 + c.length(s)*c.set(s.SelectionSet)
		case *ast.InlineFragment:
			total += c.set(s.SelectionSet)
		case *ast.FragmentSpread:
			cost, ok := c.known[s.Name]
			if !ok && s.Definition != nil {
				cost = c.set(s.Definition.SelectionSet)
				c.known[s.Name] = cost
			}
			total += cost
		}
		if total > maxCost {
			return maxCost + 1 // and no further: it must not overflow
		}
	}
	return total
}

// MaxPage is the longest page of a list.
const MaxPage = 100

// length is how many things a field can answer: its `first`, if it has one, else what its @listSize assumes. What is out
// of range its resolver refuses.
func (c *coster) length(f *ast.Field) int {
	if f.Definition == nil {
		return 1
	}
	if f.Definition.Arguments.ForName("first") == nil {
		d := f.Definition.Directives.ForName("listSize")
		if d == nil {
			return 1
		}
		n, _ := strconv.Atoi(d.Arguments.ForName("assumedSize").Value.Raw)
		return max(n, 1)
	}
	n := 0
	switch v := f.ArgumentMap(c.variables)["first"].(type) {
	case int64:
		n = int(v)
	case int:
		n = v
	case json.Number:
		i, err := v.Int64()
		if err != nil {
			return 1
		}
		n = int(i)
	}
	return min(max(n, 1), MaxPage)
}
