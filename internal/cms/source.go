package cms

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Token is a place in a collection's history of changes, as the source wrote it.
type Token = bson.Raw

// ErrTokenLost says that the source no longer has the changes after a token.
var ErrTokenLost = errors.New("the source no longer has the changes after the resume token")

// Source is what capture reads: a collection's documents, and its changes as MongoDB's change events.
type Source interface {
	// Prepare has the source tell, from now on, what a document was before a change and was after it. ErrNotFound when
	// there is no such collection yet; after any error changes come without the one before, and with the document as it
	// is when they are read.
	Prepare(ctx context.Context, collection string) error
	// IDs calls fn with every document's _id.
	IDs(ctx context.Context, collection string, fn func(id bson.RawValue) error) error
	// Snapshot calls fn with every document in the order of their ids, which is the source's own; with those alone that
	// come after an _id, if it is not zero. Changes made meanwhile may or may not be seen.
	Snapshot(ctx context.Context, collection string, after bson.RawValue, fn func(doc bson.Raw) error) error
	// Watch opens the changes after a token; with none, those from now on. ErrTokenLost when they are gone.
	Watch(ctx context.Context, collection string, after Token) (Changes, error)
}

// Changes is an open change stream.
type Changes interface {
	// Next waits up to about a second for changes and returns those that are there, at most max, in order. ErrTokenLost
	// when what follows Token is gone.
	Next(ctx context.Context, max int) ([]bson.Raw, error)
	// Token is the place after what Next returned last. It moves on quiet collections too.
	Token() Token
	Close(ctx context.Context) error
}
