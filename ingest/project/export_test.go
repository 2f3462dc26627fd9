package project

import (
	"regie/internal/catalog"
	"regie/internal/stream"
)

// Projection is the change that a record makes.
func Projection(r stream.Record) (catalog.Change, error) {
	p, err := projection(r)
	return p.change, err
}
