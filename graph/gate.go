package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// What a document may ask for. Each bound is checked in time linear in the document's length, before gqlparser's
// validation, several of whose rules are not.
const (
	maxDocument   = 32 << 10 // bytes
	maxNesting    = 64       // brackets of any kind
	maxTokens     = 4000
	maxSelections = 500  // as written
	maxDepth      = 16   // fields within fields, fragments followed
	maxFields     = 5000 // fragments followed
	// maxCost bounds the fields that an operation can answer, its lists counted as long as they may be.
	maxCost = 50_000
)

// gate is what every document passes before gqlgen sees it. It is also gqlgen's document cache, so the document that was
// checked is the one that is executed.
type gate struct {
	schema        *ast.Schema
	introspection bool
	rules         *rules.Rules
	seen          *lru.LRU[*ast.QueryDocument]
}

var (
	_ graphql.OperationParameterMutator = (*gate)(nil)
	_ graphql.OperationContextMutator   = (*gate)(nil)
	_ graphql.HandlerExtension          = (*gate)(nil)
	_ graphql.Cache[*ast.QueryDocument] = (*gate)(nil)
)

func newGate(schema *ast.Schema, introspection bool) *gate {
	return &gate{schema: schema, introspection: introspection, rules: safeRules(), seen: lru.New[*ast.QueryDocument](1000)}
}

// safeRules are GraphQL's rules without the one that is exponential in a chain of fragments; maxDepth does its work.
func safeRules() *rules.Rules {
	r := rules.NewDefaultRules()
	r.RemoveRule(rules.MaxIntrospectionDepth.Name)
	return r
}

// ExtensionName implements graphql.HandlerExtension.
func (g *gate) ExtensionName() string { return "Gate" }

// Validate implements graphql.HandlerExtension.
func (g *gate) Validate(graphql.ExecutableSchema) error { return nil }

// Get implements graphql.Cache.
func (g *gate) Get(ctx context.Context, text string) (*ast.QueryDocument, bool) {
	return g.seen.Get(ctx, text)
}

// Add implements graphql.Cache.
func (g *gate) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	g.seen.Add(ctx, text, doc)
}

// MutateOperationParameters checks the document.
func (g *gate) MutateOperationParameters(ctx context.Context, p *graphql.RawParams) *gqlerror.Error {
	if _, ok := g.seen.Get(ctx, p.Query); ok {
		return nil
	}
	if len(p.Query) > maxDocument {
		return tooComplex("The document has %d bytes; at most %d are allowed.", len(p.Query), maxDocument)
	}
	if nesting(p.Query) > maxNesting {
		return tooComplex("The document is nested more than %d brackets deep.", maxNesting)
	}
	doc, perr := parser.ParseQueryWithTokenLimit(&ast.Source{Input: p.Query}, maxTokens)
	if perr != nil {
		return recode(perr, CodeParse)
	}
	if len(doc.Operations) == 0 {
		return coded(CodeValidation, "The document has no operation.")
	}
	m, err := measure(doc)
	if err != nil {
		return err
	}
	if m.introspects && !g.introspection {
		return coded(CodeValidation, "The schema cannot be read here.")
	}
	if errs := validator.ValidateWithRules(g.schema, doc, g.rules); len(errs) > 0 {
		return recode(errs[0], CodeValidation)
	}
	g.seen.Add(ctx, p.Query, doc)
	return nil
}

func tooComplex(format string, args ...any) *gqlerror.Error {
	return coded(CodeTooComplex, fmt.Sprintf(format, args...))
}

func recode(err error, code string) *gqlerror.Error {
	e := gqlerror.WrapIfUnwrapped(err)
	return &gqlerror.Error{Message: e.Message, Locations: e.Locations, Extensions: map[string]any{"code": code}}
}

// nesting is how deep a text's brackets go, without a parser, whose recursion is what it protects.
func nesting(text string) int {
	depth, deepest := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[', '(':
			if depth++; depth > deepest {
				deepest = depth
			}
		case '}', ']', ')':
			depth--
		case '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		}
	}
	return deepest // brackets within strings count too: that errs on the safe side
}

// size is what a selection set comes to with its fragments followed.
type size struct{ depth, fields int }

type measurer struct {
	fragments  map[string]*ast.FragmentDefinition
	known      map[string]size
	underway   map[string]bool
	selections int
	// introspects: it asks for the schema.
	introspects bool
}

// measure bounds a document, visiting every selection once.
func measure(doc *ast.QueryDocument) (*measurer, *gqlerror.Error) {
	m := &measurer{fragments: map[string]*ast.FragmentDefinition{}, known: map[string]size{}, underway: map[string]bool{}}
	for _, f := range doc.Fragments {
		m.fragments[f.Name] = f
	}
	for _, f := range doc.Fragments {
		if _, err := m.fragment(f.Name); err != nil {
			return m, err
		}
	}
	for _, op := range doc.Operations {
		if _, err := m.set(op.SelectionSet); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (m *measurer) set(set ast.SelectionSet) (size, *gqlerror.Error) {
	var total size
	for _, s := range set {
		if m.selections++; m.selections > maxSelections {
			return total, tooComplex("The document has more than %d selections.", maxSelections)
		}
		var one size
		var err *gqlerror.Error
		switch s := s.(type) {
		case *ast.Field:
			m.introspects = m.introspects || s.Name == "__schema" || s.Name == "__type"
			if one, err = m.set(s.SelectionSet); err == nil {
				one.depth++
				one.fields++
			}
		case *ast.InlineFragment:
			one, err = m.set(s.SelectionSet)
		case *ast.FragmentSpread:
			one, err = m.fragment(s.Name)
		}
		if err != nil {
			return total, err
		}
		total.fields += one.fields
		total.depth = max(total.depth, one.depth)
		if total.depth > maxDepth {
			return total, tooComplex("The document is more than %d fields deep.", maxDepth)
		}
		if total.fields > maxFields {
			return total, tooComplex("The document has more than %d fields with its fragments followed.", maxFields)
		}
	}
	return total, nil
}

func (m *measurer) fragment(name string) (size, *gqlerror.Error) {
	if s, ok := m.known[name]; ok {
		return s, nil
	}
	f := m.fragments[name]
	if f == nil {
		return size{}, nil // validation names it
	}
	if m.underway[name] {
		return size{}, coded(CodeValidation, fmt.Sprintf("The fragment %s contains itself.", name))
	}
	m.underway[name] = true
	s, err := m.set(f.SelectionSet)
	m.known[name] = s
	return s, err
}
