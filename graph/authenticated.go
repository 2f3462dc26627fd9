package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"regie/internal/identity"
)

// Authenticated implements @authenticated: without a caller the field is null, with CodeUnauthenticated and its path.
// A directive on a field holds by whatever way the field is reached; what loads the viewer's data asks identity.From
// again.
func Authenticated(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if _, ok := identity.From(ctx); !ok {
		return nil, Unauthenticated()
	}
	return next(ctx)
}

// Unauthenticated is the error of what needs a caller and has none.
func Unauthenticated() error {
	return coded(CodeUnauthenticated, `Sign in first: this needs "Authorization: Bearer TOKEN".`)
}
