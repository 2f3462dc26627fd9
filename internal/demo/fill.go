package demo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

// Fill puts the catalogue into a CMS and returns how many documents it wrote: those that were there already are left
// alone.
func Fill(ctx context.Context, store cms.Store) (written int, err error) {
	docs, err := Documents()
	if err != nil {
		return 0, err
	}
	byCollection := map[string][]bson.Raw{}
	for _, d := range docs {
		raw, err := bson.Marshal(d.Doc)
		if err != nil {
			return 0, err
		}
		byCollection[d.Collection] = append(byCollection[d.Collection], raw)
	}
	for _, c := range stream.Collections() {
		n, err := store.Put(ctx, c, byCollection[c])
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}
