package transform

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

// normal returns a record of a CMS topic as capture writes it, and its value as BSON, nil in a tombstone. It may come
// from Debezium's connector for MongoDB, whose value is an envelope with or without its schema,
//
//	{"schema": ..., "payload": {"before": ..., "after": "{\"_id\": ...}", "op": "u", "source": {...}, "ts_ms": ...}}
//
// and whose key is {"id": "..."}; documents and ids are JSON in a string.
func normal(r stream.Record) (stream.Record, bson.Raw, error) {
	if r.Value == nil {
		if key, err := debeziumKey(r.Key); err == nil { // it follows each delete; capture writes none
			r.Key = key
		}
		return r, nil, nil
	}
	raw, err := decode(r.Value)
	if err != nil {
		return r, nil, err
	}
	envelope, ok := debezium(raw)
	if !ok {
		return r, raw, nil
	}
	if r.Key, err = debeziumKey(r.Key); err != nil {
		return r, nil, err
	}
	raw, at, err := debeziumChange(envelope)
	if err == nil && !at.IsZero() && r.Headers.Get(stream.HeaderCMSTime) == "" {
		r.Headers = append(r.Headers[:len(r.Headers):len(r.Headers)],
			stream.Header{Key: stream.HeaderCMSTime, Value: strconv.FormatInt(at.UnixMilli(), 10)})
	}
	return r, raw, err
}

// debezium returns the envelope of a value that is one.
func debezium(raw bson.Raw) (bson.Raw, bool) {
	if payload, ok := raw.Lookup("payload").DocumentOK(); ok {
		raw = payload
	}
	if _, err := raw.LookupErr("operationType"); err == nil {
		return nil, false
	}
	_, err := raw.LookupErr("op")
	return raw, err == nil
}

// debeziumChange makes the change that an envelope tells of, and says when it was made, if that is known to the
// millisecond.
func debeziumChange(envelope bson.Raw) (change bson.Raw, at time.Time, err error) {
	op, _ := envelope.Lookup("op").StringValueOK()
	operation, ok := map[string]string{"c": "insert", "r": "insert", "u": "update", "d": "delete"}[op]
	if !ok {
		return nil, at, fmt.Errorf("op of Debezium's envelope: %.50s is none of c, r, u, d", envelope.Lookup("op"))
	}
	d := bson.D{{Key: "operationType", Value: operation}}
	for _, f := range [...]struct{ from, to string }{{"after", "fullDocument"}, {"before", "fullDocumentBeforeChange"}} {
		doc, err := debeziumDocument(envelope, f.from)
		if err != nil {
			return nil, at, err
		}
		if doc != nil {
			d = append(d, bson.E{Key: f.to, Value: doc})
		} else if f.from == "after" && operation != "delete" {
			return nil, at, fmt.Errorf("op %s of Debezium's envelope is without after: set the connector's capture.mode to change_streams_update_full"+
				" (a document that was deleted right after has none either: its delete follows)", op)
		}
	}
	if op != "r" { // when a snapshot found it says nothing of when it was changed
		if ms, ok := envelope.Lookup("source", "wallTime").AsInt64OK(); ok && ms > 0 {
			at = time.UnixMilli(ms)
			d = append(d, bson.E{Key: "wallTime", Value: bson.NewDateTimeFromTime(at)})
		}
		if ms, ok := envelope.Lookup("source", "ts_ms").AsInt64OK(); ok {
			d = append(d, bson.E{Key: "clusterTime", Value: bson.DateTime(ms)})
		}
	}
	change, err = bson.Marshal(d)
	return change, at, err
}

// debeziumDocument is a document of an envelope, nil when there is none.
func debeziumDocument(envelope bson.Raw, field string) (bson.Raw, error) {
	v := envelope.Lookup(field)
	if v.IsZero() || v.Type == bson.TypeNull {
		return nil, nil
	}
	s, ok := v.StringValueOK()
	if !ok {
		return nil, fmt.Errorf("%s of Debezium's envelope is a %s instead of a document as JSON in a string: let no transformation unpack it", field, v.Type)
	}
	doc, err := decode([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("%s of Debezium's envelope: %w", field, err)
	}
	return doc, nil
}

// debeziumKey is capture's key for a document of Debezium's. Debezium writes integers of 32 and 64 bits alike.
func debeziumKey(key []byte) ([]byte, error) {
	type id struct{ ID *string }
	var k struct {
		id
		Payload id
	}
	if err := json.Unmarshal(key, &k); err != nil || k.ID == nil && k.Payload.ID == nil {
		return nil, fmt.Errorf(`the key of Debezium's envelope is not {"id": "..."}, with or without its schema: %.200q`, key)
	}
	if k.ID == nil {
		k.ID = k.Payload.ID
	}
	doc, err := decode([]byte(`{"_id":` + *k.ID + `}`))
	if err != nil {
		return nil, fmt.Errorf("the id in Debezium's key %.200q is not MongoDB Extended JSON: %w", key, err)
	}
	text, err := cms.Key(doc.Lookup("_id"))
	return []byte(text), err
}
