package resolvers

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"regie/loaders"
	userv1 "regie/proto/user/v1"
)

// Consistency makes viewer(notBefore:) hold for all that an operation reads of the viewer, wherever that stands in it, and
// says in the response's extensions how the reads stand to it.
type Consistency struct{}

var (
	_ graphql.HandlerExtension     = Consistency{}
	_ graphql.OperationInterceptor = Consistency{}
	_ graphql.ResponseInterceptor  = Consistency{}
)

// ExtensionName implements graphql.HandlerExtension.
func (Consistency) ExtensionName() string { return "Consistency" }

// Validate implements graphql.HandlerExtension.
func (Consistency) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation finds what the operation's reads may not be before, by whatever names and fragments it asks for the
// viewer.
func (Consistency) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	var tokens []string
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query"}) {
		if f.Name != "viewer" {
			continue
		}
		if token, _ := f.ArgumentMap(op.Variables)["notBefore"].(string); token != "" && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	if len(tokens) > 0 {
		loaders.From(ctx).Viewer().NotBefore(strings.Join(tokens, "~"))
	}
	return next(ctx)
}

// InterceptResponse tells whether the reads saw what they were to see.
func (Consistency) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil {
		return nil
	}
	if c := loaders.From(ctx).Viewer().Consistency(); c != userv1.Consistency_CONSISTENCY_UNSPECIFIED {
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["consistency"] = map[string]string{"state": strings.TrimPrefix(c.String(), "CONSISTENCY_")}
	}
	return response
}
