package cms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

// Codes of MongoDB's errors.
const (
	codeNamespaceNotFound  = 26
	codeBSONObjectTooLarge = 10334
)

// Codes by which MongoDB says that a token's place in the oplog is gone.
const (
	codeHistoryLost   = 286 // ChangeStreamHistoryLost
	codeFatalError    = 280 // ChangeStreamFatalError
	codeInvalidResume = 260 // InvalidResumeToken
)

// Codes by which it says that a token is none of its own, such as the embedded store's. Only the token can cause them:
// the rest of the command never changes.
const (
	codeFailedToParse = 9
	codeOverflow      = 15
	codeTokenMissing  = 40647
	codeTokenEmpty    = 40649
	codeTokenFormat   = 50811
)

// labelNonResumable is on errors after which no token helps.
const labelNonResumable = "NonResumableChangeStreamError"

// settled is a collection read as a majority of the members has it: what cannot be rolled back any more.
func (m *Mongo) settled(collection string) *mongo.Collection {
	return m.db.Collection(collection, options.Collection().SetReadConcern(readconcern.Majority()))
}

// Prepare implements Source: it has MongoDB keep the documents before and after each change.
func (m *Mongo) Prepare(ctx context.Context, collection string) error {
	images := bson.D{{Key: "collMod", Value: collection}, {Key: "changeStreamPreAndPostImages", Value: bson.D{{Key: "enabled", Value: true}}}}
	err := m.db.RunCommand(ctx, images).Err()
	if hasCode(err, codeNamespaceNotFound) {
		return fmt.Errorf("collection %s: %w", collection, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("enabling pre-images of collection %s: %w", collection, err)
	}
	return nil
}

// IDs implements Source.
func (m *Mongo) IDs(ctx context.Context, collection string, fn func(bson.RawValue) error) error {
	only := options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}})
	return m.scan(ctx, collection, only, func(doc bson.Raw) error { return fn(doc.Lookup("_id")) })
}

// Each calls fn with every document of a collection.
func (m *Mongo) Each(ctx context.Context, collection string, fn func(bson.Raw) error) error {
	return m.Snapshot(ctx, collection, bson.RawValue{}, fn)
}

// Snapshot implements Source.
func (m *Mongo) Snapshot(ctx context.Context, collection string, after bson.RawValue, fn func(bson.Raw) error) error {
	opts := options.Find().SetBatchSize(1000)
	if after.IsZero() {
		return m.scan(ctx, collection, opts, fn)
	}
	// A bound of the index, unlike $gt, passes from one type of _id to the next; and it includes after itself.
	return m.scan(ctx, collection, opts.SetMin(bson.D{{Key: "_id", Value: after}}), func(doc bson.Raw) error {
		if doc.Lookup("_id").Equal(after) {
			return nil
		}
		return fn(doc)
	})
}

// scan finds all documents in the order of their ids.
func (m *Mongo) scan(ctx context.Context, collection string, opts *options.FindOptionsBuilder, fn func(bson.Raw) error) error {
	cur, err := m.settled(collection).Find(ctx, bson.D{}, opts.SetHint(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return fmt.Errorf("reading collection %s: %w", collection, err)
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	for cur.Next(ctx) {
		if err := fn(bytes.Clone(cur.Current)); err != nil {
			return err
		}
	}
	if err := cur.Err(); err != nil {
		return fmt.Errorf("reading collection %s: %w", collection, err)
	}
	return nil
}

// Watch implements Source.
func (m *Mongo) Watch(ctx context.Context, collection string, after Token) (Changes, error) {
	c := &mongoChanges{source: m, collection: collection, token: after}
	err := c.open(ctx)
	if hasCode(err, codeBSONObjectTooLarge) {
		return c, nil // for Next to deal with
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// mongoChanges is a change stream that does not end at a change too large for an event, which has at most 16 MB for
// the document before it, the one after it and the difference.
//
//	all ---too large---> singly ---too large---> lean, one change ---> all
//
// MongoDB then answers with an error instead of a whole batch. So the batch is read again one by one, up to the change
// itself; that one is read without documents, and its document fetched.
type mongoChanges struct {
	source     *Mongo
	collection string
	// cs is nil when it is to be opened again, at token.
	cs    *mongo.ChangeStream
	token Token // after what Next returned last
	// singly is how many changes are still to be read one by one.
	singly int
}

// watchBatch is how many changes MongoDB sends at once, and so how many at most precede one that is too large.
const watchBatch = 500

// withoutDocuments leaves of an event what is always small.
var withoutDocuments = mongo.Pipeline{{{Key: "$project", Value: bson.D{
	{Key: "fullDocument", Value: 0}, {Key: "fullDocumentBeforeChange", Value: 0}, {Key: "updateDescription", Value: 0},
}}}}

func (c *mongoChanges) open(ctx context.Context) (err error) {
	opts := options.ChangeStream().
		SetFullDocument(options.WhenAvailable). // as the change left it; updateLookup would be as it is now
		SetFullDocumentBeforeChange(options.WhenAvailable)
	if c.singly == 0 {
		opts.SetBatchSize(watchBatch)
	} else {
		opts.SetBatchSize(1)
	}
	if c.cs, err = c.watch(ctx, mongo.Pipeline{}, opts); err != nil {
		return err
	}
	c.token = c.cs.ResumeToken()
	return nil
}

func (c *mongoChanges) watch(ctx context.Context, pipeline mongo.Pipeline, opts *options.ChangeStreamOptionsBuilder) (*mongo.ChangeStream, error) {
	opts.SetMaxAwaitTime(time.Second)
	if c.token != nil {
		opts.SetStartAfter(c.token) // unlike resumeAfter, it passes an invalidate event
	}
	cs, err := c.source.db.Collection(c.collection).Watch(ctx, pipeline, opts)
	if err != nil {
		return nil, c.wrap(err)
	}
	return cs, nil
}

// Next implements Changes.
func (c *mongoChanges) Next(ctx context.Context, max int) ([]bson.Raw, error) {
	out, err := c.read(ctx, max)
	switch {
	case hasCode(err, codeBSONObjectTooLarge) && c.singly == 0:
		c.singly = watchBatch
		return nil, c.Close(ctx)
	case hasCode(err, codeBSONObjectTooLarge):
		out, err = c.readLean(ctx)
		c.singly = 0
		return out, errors.Join(err, c.Close(ctx))
	case err == nil && c.singly > 0:
		if c.singly -= len(out); c.singly <= 0 || len(out) == 0 { // what was too large is so no more
			c.singly = 0
			return out, c.Close(ctx)
		}
	}
	return out, err
}

// read reads what is there.
func (c *mongoChanges) read(ctx context.Context, max int) ([]bson.Raw, error) {
	if c.cs == nil {
		if err := c.open(ctx); err != nil {
			return nil, err
		}
	}
	var out []bson.Raw
	for len(out) < max && (len(out) == 0 || c.cs.RemainingBatchLength() > 0) {
		if !c.cs.TryNext(ctx) {
			break
		}
		event, err := c.complete(ctx, bytes.Clone(c.cs.Current))
		if err != nil {
			return nil, err
		}
		out = append(out, event)
	}
	if err := c.cs.Err(); err != nil {
		return nil, c.wrap(err)
	}
	if c.cs.ID() == 0 && len(out) == 0 {
		return nil, c.wrap(errors.New("the server closed the stream"))
	}
	c.token = c.cs.ResumeToken()
	return out, nil
}

// readLean reads one change without its documents.
func (c *mongoChanges) readLean(ctx context.Context) ([]bson.Raw, error) {
	cs, err := c.watch(ctx, withoutDocuments, options.ChangeStream().SetBatchSize(1))
	if err != nil {
		return nil, err
	}
	defer func() { _ = cs.Close(context.WithoutCancel(ctx)) }()
	if !cs.TryNext(ctx) {
		return nil, c.wrap(cs.Err())
	}
	event, err := c.complete(ctx, bytes.Clone(cs.Current))
	if err != nil {
		return nil, err
	}
	c.token = cs.ResumeToken()
	return []bson.Raw{event}, nil
}

// complete puts the document as it is now into an event that MongoDB sent without: one that is too large, or whose
// document before is not kept. One that is gone stays out: its deletion follows.
func (c *mongoChanges) complete(ctx context.Context, event bson.Raw) (bson.Raw, error) {
	operation := lookup(event, "operationType")
	if operation != "insert" && operation != "update" && operation != "replace" {
		return event, nil
	}
	if _, ok := event.Lookup("fullDocument").DocumentOK(); ok {
		return event, nil
	}
	doc, err := c.fetch(ctx, event)
	if err != nil {
		return nil, err
	}
	var d bson.D
	if err := bson.Unmarshal(event, &d); err != nil {
		return nil, fmt.Errorf("decoding a change of collection %s: %w", c.collection, err)
	}
	var out bson.D
	for _, e := range d {
		switch {
		case e.Key == "fullDocument":
			continue
		case e.Key == "operationType" && doc == nil:
			e.Value = "update" // an insert has its document
		}
		out = append(out, e)
	}
	if doc != nil {
		out = append(out, bson.E{Key: "fullDocument", Value: doc})
	} else {
		out = append(out, bson.E{Key: "fullDocument", Value: nil})
	}
	return bson.Marshal(out)
}

// fetch reads the document of a change, no older than the change is; nil when it is gone.
func (c *mongoChanges) fetch(ctx context.Context, event bson.Raw) (doc bson.Raw, err error) {
	s, err := c.source.client.StartSession(options.Session().SetCausalConsistency(true))
	if err != nil {
		return nil, c.wrap(err)
	}
	defer s.EndSession(ctx)
	if t, i, ok := event.Lookup("clusterTime").TimestampOK(); ok {
		if err := s.AdvanceOperationTime(&bson.Timestamp{T: t, I: i}); err != nil {
			return nil, c.wrap(err)
		}
	}
	id := event.Lookup("documentKey", "_id")
	doc, err = c.source.settled(c.collection).FindOne(mongo.NewSessionContext(ctx, s), bson.D{{Key: "_id", Value: id}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the document of a change of collection %s: %w", c.collection, err)
	}
	return doc, nil
}

// Token implements Changes.
func (c *mongoChanges) Token() Token { return c.token }

// Close implements Changes.
func (c *mongoChanges) Close(ctx context.Context) error {
	cs := c.cs
	if c.cs = nil; cs == nil {
		return nil
	}
	return cs.Close(ctx)
}

// wrap says what was done, and marks that a token is lost. The driver takes a stream up by itself after errors that
// allow it, so that a token can also be found lost in mid-stream.
func (c *mongoChanges) wrap(err error) error {
	if err == nil {
		return nil
	}
	var se mongo.ServerError
	lost := hasCode(err, codeHistoryLost, codeFatalError, codeInvalidResume,
		codeFailedToParse, codeOverflow, codeTokenMissing, codeTokenEmpty, codeTokenFormat) ||
		errors.As(err, &se) && se.HasErrorLabel(labelNonResumable) && !hasCode(err, codeBSONObjectTooLarge)
	if lost {
		err = fmt.Errorf("%w: %w", ErrTokenLost, err)
	}
	return fmt.Errorf("watching collection %s: %w", c.collection, err)
}

func hasCode(err error, codes ...int) bool {
	var se mongo.ServerError
	if !errors.As(err, &se) {
		return false
	}
	for _, c := range codes {
		if se.HasErrorCode(c) {
			return true
		}
	}
	return false
}
