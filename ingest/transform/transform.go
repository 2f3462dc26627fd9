// Package transform is the role that makes catalogue entities of CMS documents.
//
//	regie.cms.<collection> --> change --> document --> entity --> event --> regie.catalog.<entity>
//	                             \-- a delete --> DELETED event, tombstone
//
// It is pure: one record in, records or an error out, no clock, no state, the same bytes for the same input. A document
// that breaks a rule is set aside with the field named; the catalogue keeps the entity's last good state.
package transform

import (
	"cmp"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	catalogv1 "regie/proto/catalog/v1"

	"regie/internal/stream"
)

// Role is the name of this role.
const Role = "transform"

// output is where a collection's events go, and how one is made.
type output struct {
	topic string
	event func(h header, id string, c change) (proto.Message, error)
}

// outputs are by input topic.
var outputs = map[string]output{
	stream.CMS("channel"):   {stream.Catalog("channel"), channelEvent},
	stream.CMS("programme"): {stream.Catalog("programme"), programmeEvent},
	stream.CMS("video"):     {stream.Catalog("video"), videoEvent},
	stream.CMS("person"):    {stream.Catalog("person"), personEvent},
	stream.CMS("page"):      {stream.Catalog("page"), pageEvent},
}

// Outputs names, by input topic, where the events go.
func Outputs() map[string]string {
	out := map[string]string{}
	for in, o := range outputs {
		out[in] = o.topic
	}
	return out
}

// Inputs are the topics that the role consumes.
func Inputs() []string {
	var in []string
	for _, e := range stream.Collections() {
		in = append(in, stream.CMS(e))
	}
	return in
}

// namespace makes event ids of source positions.
var namespace = uuid.MustParse("6f5b0f3e-7c1e-5d0a-9d5e-3f1f9f0d8a11")

// Transform makes the records that follow from a record of a CMS topic: none when it says nothing of an entity's state.
func Transform(r stream.Record) ([]stream.Record, error) {
	out, ok := outputs[r.Topic]
	if !ok {
		return nil, fmt.Errorf("topic %s is none that is transformed", r.Topic)
	}
	r, value, err := normal(r)
	if err != nil {
		return nil, err
	}
	c, err := parse(r.Time, value)
	if err != nil {
		return nil, err
	}
	if c.kind == ignored {
		return nil, nil
	}
	h := header{
		uuid:   uuid.NewSHA1(namespace, []byte(r.Source())).String(),
		source: &catalogv1.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, TopicId: r.TopicID},
		kind:   c.eventType(),
	}
	if !c.at.IsZero() {
		h.occurredAt = timestamppb.New(c.at)
	}
	event, err := out.event(h, string(r.Key), c)
	if err != nil {
		return nil, err
	}
	encoded, headers, err := stream.Encode(event)
	if err != nil {
		return nil, err
	}
	headers = append(headers, r.Headers.Passed()...)
	records := []stream.Record{{Topic: out.topic, Key: r.Key, Value: encoded, Headers: headers}}
	if c.kind == removed {
		records = append(records, stream.Record{Topic: out.topic, Key: r.Key, Headers: r.Headers.Passed()})
	}
	return records, nil
}

// header is what every event begins with.
type header struct {
	uuid       string
	occurredAt *timestamppb.Timestamp
	kind       catalogv1.EventType
	source     *catalogv1.Source
}

// payloads are the entity that a change leaves, and the one before it: a hint, left out when it broke a rule.
func payloads[E any](id string, c change, entity func(id string, d document) *E) (now, before *E, err error) {
	if c.before != nil {
		d := read(c.before)
		if e := entity(id, d); d.ok() {
			before = e
		}
	}
	if c.kind == removed {
		return nil, before, nil
	}
	d := read(c.document)
	now = entity(id, d)
	return now, before, d.err()
}

type changeKind int

const (
	ignored changeKind = iota
	inserted
	updated
	removed
)

// change is a CMS record, read.
type change struct {
	kind             changeKind
	document, before bson.Raw
	at               time.Time // zero when unknown
}

func (c change) eventType() catalogv1.EventType {
	switch c.kind {
	case inserted:
		return catalogv1.EventType_EVENT_TYPE_CREATED
	case removed:
		return catalogv1.EventType_EVENT_TYPE_DELETED
	default:
		return catalogv1.EventType_EVENT_TYPE_UPDATED
	}
}

// parse reads a value in kafka-mongo-watcher's format; nil is a tombstone, of that time.
func parse(tombstone time.Time, raw bson.Raw) (change, error) {
	if raw == nil {
		return change{kind: removed, at: tombstone}, nil
	}
	v := read(raw)
	wall, _ := v.get("wallTime")
	cluster, _ := v.get("clusterTime")
	c := change{at: cmp.Or(instant(wall), instant(cluster))}
	if d, ok := v.get("fullDocument"); ok {
		c.document, _ = v.rawAt("fullDocument", d)
	}
	if d, ok := v.get("fullDocumentBeforeChange"); ok {
		c.before, _ = v.rawAt("fullDocumentBeforeChange", d)
	}
	operation := v.required("operationType", 50)
	if err := v.err(); err != nil {
		return change{}, err
	}
	switch operation {
	case "insert":
		c.kind = inserted
	case "update", "replace":
		c.kind = updated
		if c.document == nil {
			return change{}, nil // deleted before it could be looked up: the delete follows
		}
	case "delete":
		c.kind = removed
	case "oversized":
		n, _ := raw.Lookup("bytes").AsInt64OK()
		return change{}, fmt.Errorf("the change has %d bytes as Extended JSON, more than a record can hold: shorten the document", n)
	default:
		return change{}, fmt.Errorf("operationType: %q is none of insert, update, replace, delete", operation)
	}
	if c.kind == inserted && c.document == nil {
		return change{}, fmt.Errorf("an insert without fullDocument")
	}
	return c, nil
}

// instant is when a change was made; zero when that is no time, or that of a snapshot, or none that Protobuf can tell.
func instant(v bson.RawValue) time.Time {
	at := time.Time{}
	if ms, ok := v.DateTimeOK(); ok {
		at = time.UnixMilli(ms).UTC()
	} else if s, _, ok := v.TimestampOK(); ok {
		at = time.Unix(int64(s), 0).UTC()
	}
	if at.Year() <= 1 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}
