// Package resolvers answers the schema's fields: a field is read from its blob, or through the request's loaders.
package resolvers

import "regie/internal/catalog"

// Resolver is the root of all resolvers.
type Resolver struct {
	// Cursors signs the places in lists that clients are given.
	Cursors catalog.Cursors
}
