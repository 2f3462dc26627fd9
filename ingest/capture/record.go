package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	"regie/internal/stream"
)

// Fields of a record's value, in their order. It is kafka-mongo-watcher's, with wallTime and fullDocumentBeforeChange
// added at the end.
var fields = [...]string{
	"_id", "operationType", "fullDocument", "ns", "to", "documentKey", "updateDescription",
	"clusterTime", "txnNumber", "lsid", "wallTime", "fullDocumentBeforeChange",
}

// Record makes a topic's record of a MongoDB change event: canonical Extended JSON, the same bytes for the same event.
// The document keeps its fields' order and types.
func Record(collection string, event bson.Raw) (stream.Record, error) {
	key, err := cms.Key(event.Lookup("documentKey", "_id"))
	if err != nil {
		op, _ := event.Lookup("operationType").StringValueOK()
		return stream.Record{}, fmt.Errorf("%q is no change of a document: %w", op, err)
	}
	var d bson.D
	for _, f := range fields {
		v, err := event.LookupErr(f)
		if err != nil {
			continue
		}
		if t, _, ok := v.TimestampOK(); ok && f == "clusterTime" {
			d = append(d, bson.E{Key: f, Value: bson.NewDateTimeFromTime(time.Unix(int64(t), 0))})
			continue
		}
		d = append(d, bson.E{Key: f, Value: v})
	}
	if _, err := event.LookupErr("fullDocument"); err != nil { // a delete has none, which is written as null
		d = insertNull(d)
	}
	value, err := bson.MarshalExtJSON(d, true, true)
	if err == nil && len(value) > maxValue {
		value, err = shortened(d, len(value))
	}
	if err != nil {
		return stream.Record{}, fmt.Errorf("writing the change of %q as Extended JSON: %w", key, err)
	}
	r := stream.Record{
		Topic: stream.CMS(collection), Partition: stream.AnyPartition, Key: []byte(key), Value: value,
		Headers: stream.Headers{{Key: stream.HeaderContentType, Value: stream.ContentJSON}},
	}
	if wall, ok := event.Lookup("wallTime").DateTimeOK(); ok {
		r.Headers = append(r.Headers, stream.Header{Key: stream.HeaderCMSTime, Value: strconv.FormatInt(wall, 10)})
	}
	return r, nil
}

// maxValue leaves room for key and headers in the topic's largest message.
const maxValue = 63 << 20

// oversized is the operation of a record that stands for a change which no record can hold, so that it stops no
// neighbour: transform sets it aside.
const oversized = "oversized"

// shortened is a value that is too large without what are only hints and, when that is not enough, one that says how
// large it was.
func shortened(d bson.D, size int) ([]byte, error) {
	d = slices.DeleteFunc(d, func(e bson.E) bool { return e.Key == "updateDescription" || e.Key == "fullDocumentBeforeChange" })
	value, err := bson.MarshalExtJSON(d, true, true)
	if err != nil || len(value) <= maxValue {
		return value, err
	}
	d = slices.DeleteFunc(d, func(e bson.E) bool { return e.Key == "fullDocument" })
	for i := range d {
		if d[i].Key == "operationType" {
			d[i].Value = oversized
		}
	}
	return bson.MarshalExtJSON(append(d, bson.E{Key: "bytes", Value: int64(size)}), true, true)
}

// deletes tells whether a record's value is that of a deletion. It reads no further than the field that says so.
func deletes(value []byte) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		var v json.RawMessage
		if name, err = d.Token(); err == nil {
			err = d.Decode(&v)
		}
		if name == "operationType" {
			return string(v) == `"delete"`
		}
	}
	return false
}

func insertNull(d bson.D) bson.D {
	at := 0
	for at < len(d) && (d[at].Key == "_id" || d[at].Key == "operationType") {
		at++
	}
	return append(d[:at:at], append(bson.D{{Key: "fullDocument", Value: nil}}, d[at:]...)...)
}

// snapshotEvent is the change event of what a snapshot found, in kafka-mongo-watcher's replay form; with a nil document
// that of what it did not find any more.
func snapshotEvent(collection, operation string, id any, doc bson.Raw) (bson.Raw, error) {
	d := bson.D{
		{Key: "_id", Value: bson.D{{Key: "_id", Value: id}, {Key: "copyingData", Value: true}}},
		{Key: "operationType", Value: operation},
	}
	if doc != nil {
		d = append(d, bson.E{Key: "fullDocument", Value: doc})
	}
	return bson.Marshal(append(d,
		bson.E{Key: "ns", Value: bson.D{{Key: "db", Value: "cms"}, {Key: "coll", Value: collection}}},
		bson.E{Key: "documentKey", Value: bson.D{{Key: "_id", Value: id}}},
		bson.E{Key: "clusterTime", Value: bson.NewDateTimeFromTime(time.Time{})}))
}
