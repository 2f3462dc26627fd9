package capture

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

// position is where an owner stands.
type position struct {
	// token is what the changes are to be followed from; nil when there must be a snapshot first.
	token cms.Token
	// snapshot is set while the documents of that time are still being captured.
	snapshot *progress
}

// progress is how far a snapshot is.
type progress struct {
	// after is the _id of the last document captured; zero before the first.
	after bson.RawValue
	// documents were captured, of a total that the collection had in the beginning.
	documents, total int
}

// saved is a value of regie.capture.position.
type saved struct {
	// Token is the resume token as canonical Extended JSON.
	Token json.RawMessage `json:"token"`
	// Snapshot is there while one is being taken.
	Snapshot *savedProgress `json:"snapshot,omitempty"`
}

type savedProgress struct {
	// After is a document with the _id of the last document captured, as canonical Extended JSON.
	After     json.RawMessage `json:"after,omitempty"`
	Documents int             `json:"documents"`
	Total     int             `json:"total"`
}

func (p position) marshal() (value []byte, err error) {
	var s saved
	if s.Token, err = bson.MarshalExtJSON(p.token, true, false); err != nil {
		return nil, err
	}
	if p.snapshot != nil {
		s.Snapshot = &savedProgress{Documents: p.snapshot.documents, Total: p.snapshot.total}
		if !p.snapshot.after.IsZero() {
			s.Snapshot.After, err = bson.MarshalExtJSON(bson.D{{Key: "_id", Value: p.snapshot.after}}, true, false)
			if err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(s)
}

func unmarshal(value []byte) (p position, err error) {
	var s saved
	if err := json.Unmarshal(value, &s); err != nil {
		return p, err
	}
	if err := bson.UnmarshalExtJSON(s.Token, true, &p.token); err != nil || s.Snapshot == nil {
		return p, err
	}
	p.snapshot = &progress{documents: s.Snapshot.Documents, total: s.Snapshot.Total}
	if s.Snapshot.After != nil {
		var after bson.Raw
		if err := bson.UnmarshalExtJSON(s.Snapshot.After, true, &after); err != nil {
			return p, fmt.Errorf("where its snapshot is: %w", err)
		}
		p.snapshot.after = after.Lookup("_id")
	}
	return p, nil
}

func (o *owner) positionRecord(at position) (stream.Record, error) {
	value, err := at.marshal()
	if err != nil {
		return stream.Record{}, fmt.Errorf("writing the position of %s: %w", o.collection, err)
	}
	return stream.Record{
		Topic: stream.CapturePosition, Partition: o.partition, Key: []byte(o.collection), Value: value,
		Headers: stream.Headers{{Key: stream.HeaderContentType, Value: stream.ContentJSON}, o.next()},
	}, nil
}

// position reads where the last owner stood: the record or position of the highest sequence. A position without one is
// an operator's, and wins.
func (o *owner) position(ctx context.Context) (at position, byHand bool, err error) {
	positions, err := o.cluster.Last(ctx, stream.CapturePosition)
	if err != nil {
		return at, false, fmt.Errorf("reading the position of %s: %w", o.collection, err)
	}
	captured, err := o.cluster.Last(ctx, stream.CMS(o.collection))
	if err != nil {
		return at, false, fmt.Errorf("reading the position of %s: %w", o.collection, err)
	}
	var last, override *stream.Record
	for _, r := range append(positions, captured...) {
		if r.Topic == stream.CapturePosition && r.Partition != o.partition {
			continue
		}
		n, err := strconv.ParseInt(r.Headers.Get(stream.HeaderSequence), 10, 64)
		switch {
		case err == nil && (last == nil || n > o.sequence):
			last, o.sequence = &r, n
		case err != nil && r.Topic == stream.CapturePosition:
			override = &r
		}
	}
	if override != nil {
		last, byHand = override, true
	}
	if last == nil {
		return at, false, nil
	}
	if at, err = positionOf(*last); err != nil {
		return at, false, fmt.Errorf("reading the position of %s in %s: %w", o.collection, last.Source(), err)
	}
	return at, byHand, nil
}

// positionOf is a position, or the resume token that a change's record begins with.
func positionOf(r stream.Record) (position, error) {
	if r.Topic == stream.CapturePosition {
		return unmarshal(r.Value)
	}
	var change struct {
		ID bson.Raw `bson:"_id"`
	}
	err := bson.UnmarshalExtJSON(r.Value, true, &change)
	return position{token: change.ID}, err
}
