// Package resolvers answers the schema's fields: a field is read from its blob, or through the request's loaders.
package resolvers

import (
	"regie/internal/catalog"
	userv1 "regie/proto/user/v1"
)

// Resolver is the root of all resolvers.
type Resolver struct {
	// Cursors signs the places in lists that clients are given.
	Cursors catalog.Cursors
	// Users takes what viewers write; what they read the loaders have.
	Users userv1.UserServiceClient
	// Secret is what nobody can tell a user's id from a viewer's without.
	Secret []byte
}
