package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"regie/internal/identity"
)

// Authenticated implements @authenticated: without a caller a query's field is null, so that a public page is whole for
// everybody, and a mutation is refused with CodeUnauthenticated and its path. A directive on a field holds by whatever way
// the field is reached; what loads the viewer's data asks identity.From again.
func Authenticated(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if _, ok := identity.From(ctx); ok {
		return next(ctx)
	}
	if graphql.HasOperationContext(ctx) && graphql.GetOperationContext(ctx).Operation.Operation == ast.Query {
		return nil, nil
	}
	return nil, coded(CodeUnauthenticated, `Sign in first: this needs "Authorization: Bearer TOKEN".`)
}
