package demo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

// Fill puts the catalogue into a CMS, in the order of Documents, and returns how many documents it wrote: those that were
// there already are left alone.
func Fill(ctx context.Context, store cms.Store) (written int, err error) {
	docs, err := Documents()
	if err != nil {
		return 0, err
	}
	for len(docs) > 0 {
		collection := docs[0].Collection
		var batch []bson.Raw
		for len(docs) > 0 && docs[0].Collection == collection {
			raw, err := bson.Marshal(docs[0].Doc)
			if err != nil {
				return written, err
			}
			batch, docs = append(batch, raw), docs[1:]
		}
		n, err := store.Put(ctx, collection, batch)
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}
