package project

import (
	"regie/internal/catalog"
	"regie/internal/stream"
)

// Projection is the change that a record makes.
func Projection(r stream.Record) (catalog.Change, error) {
	e, err := read(r)
	if err != nil {
		return catalog.Change{}, err
	}
	return e.change(r)
}

// ChunkSize is how many entities are written together.
const ChunkSize = chunkSize

// Duration is ISO 8601's.
func Duration(seconds int32) string { return duration(seconds) }
