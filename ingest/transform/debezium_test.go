package transform_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogv1 "regie/proto/catalog/v1"

	"regie/ingest/transform"
	"regie/internal/stream"
)

// schemas are a key's and a value's, abridged from Debezium's documentation.
const (
	keySchema   = `{"type":"struct","name":"regie.cms.channel.Key","optional":false,"fields":[{"field":"id","type":"string","optional":false}]}`
	valueSchema = `{"type":"struct","fields":[{"type":"string","optional":true,"name":"io.debezium.data.Json","version":1,"field":"after"},` +
		`{"type":"struct","fields":[{"type":"int64","optional":false,"field":"ts_ms"},{"type":"boolean","optional":true,"default":false,"field":"snapshot"}],` +
		`"optional":false,"name":"io.debezium.connector.mongo.Source","field":"source"},{"type":"string","optional":true,"field":"op"}],` +
		`"optional":false,"name":"regie.cms.channel.Envelope"}`
	source = `"source":{"version":"3.0.0.Final","connector":"mongodb","name":"regie","ts_ms":1558965508000,"ts_us":1558965508000000,` +
		`"snapshot":false,"db":"cms","rs":"rs0","collection":"channel","ord":31,"h":null,` +
		`"lsid":"{\"id\": {\"$binary\": \"FA7YEzXgQXSX9OxmzllH2w==\",\"$type\": \"04\"}}","txnNumber":1`
	before = `"{\"_id\": \"x1\",\"slug\": \"une\",\"title\": \"Avant\",\"kind\": \"PARTNER\"}"`
	after  = `"{\"_id\" : \"x1\",\"slug\" : \"une\",\"title\" : \"Une\",\"kind\" : \"PARTNER\",\"updatedAt\" : {\"$date\" : 1558965508123},\"serial\": {\"$numberLong\": \"1004\"},\"hash\": {\"$binary\": \"a2Fma2E=\",\"$type\": \"00\"}}"`
)

// fromDebezium is a record as its connector writes it: no headers.
func fromDebezium(key, value string) stream.Record {
	r := change("channel", key, []byte(value))
	if r.Headers = nil; value == "" {
		r.Value = nil
	}
	return r
}

func TestDebeziumsEnvelope(t *testing.T) {
	tests := map[string]struct {
		payload  string
		kind     catalogv1.EventType
		title    string
		before   string
		cmsTime  string
		occurred int64
		records  int
	}{
		"create": {
			payload: `{"after":` + after + `,` + source + `},"op":"c","ts_ms":1558965515240,"ts_us":1558965515240142}`,
			kind:    catalogv1.EventType_EVENT_TYPE_CREATED, title: "Une", occurred: 1558965508000, records: 1,
		},
		"read by a snapshot": {
			payload: `{"before":null,"after":` + after + `,` + source + `},"op":"r","ts_ms":1558965515240}`,
			kind:    catalogv1.EventType_EVENT_TYPE_CREATED, title: "Une", records: 1,
		},
		"update": {
			payload: `{"op":"u","ts_ms":1465491461815,"before":` + before + `,"after":` + after +
				`,"updateDescription":{"removedFields":null,"updatedFields":"{\"title\": \"Une\"}","truncatedArrays":null},` + source + `,"wallTime":1558965508123}}`,
			kind: catalogv1.EventType_EVENT_TYPE_UPDATED, title: "Une", before: "Avant", cmsTime: "1558965508123", occurred: 1558965508123, records: 1,
		},
		"delete": {
			payload: `{"op":"d","ts_ms":1465495462115,"before":` + before + `,"after":null,` + source + `}}`,
			kind:    catalogv1.EventType_EVENT_TYPE_DELETED, before: "Avant", occurred: 1558965508000, records: 2,
		},
		"delete without what was before": {
			payload: `{"op":"d","ts_ms":1465495462115,` + source + `}}`,
			kind:    catalogv1.EventType_EVENT_TYPE_DELETED, occurred: 1558965508000, records: 2,
		},
	}
	for name, tt := range tests {
		for form, r := range map[string]stream.Record{
			"with its schema":    fromDebezium(`{"schema":`+keySchema+`,"payload":{"id":"\"x1\""}}`, `{"schema":`+valueSchema+`,"payload":`+tt.payload+`}`),
			"without its schema": fromDebezium(`{"id":"\"x1\""}`, tt.payload),
		} {
			t.Run(name+" "+form, func(t *testing.T) {
				records, err := transform.Transform(r)
				if err != nil || len(records) != tt.records {
					t.Fatalf("%d records, %v", len(records), err)
				}
				var e catalogv1.ChannelEvent
				if err := records[0].Decode(&e); err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					if string(r.Key) != "x1" || r.Headers.Get(stream.HeaderCMSTime) != tt.cmsTime {
						t.Errorf("key %s, headers %v", r.Key, r.Headers)
					}
				}
				var occurred int64
				if e.GetOccurredAt() != nil {
					occurred = e.GetOccurredAt().AsTime().UnixMilli()
				}
				if e.GetEventType() != tt.kind || e.GetPayload().GetTitle() != tt.title || e.GetPrevPayload().GetTitle() != tt.before || occurred != tt.occurred {
					t.Errorf("%v", &e)
				}
				if p := e.GetPayload(); p != nil && p.GetId() != "x1" {
					t.Errorf("%v", p)
				}
			})
		}
	}
}

// The ids are those of Debezium's documentation, in the keys that capture would write.
func TestDebeziumsKeys(t *testing.T) {
	for id, want := range map[string]string{
		`1234`:                                  `{"$numberInt":"1234"}`,
		`12.34`:                                 `{"$numberDouble":"12.34"}`,
		`"1234"`:                                `1234`,
		`"p1"`:                                  `p1`,
		`{"$oid" : "596e275826f08b2730779e1f"}`: `596e275826f08b2730779e1f`,
		`{"$binary" : "a2Fma2E=", "$type" : "00"}`:         `{"$binary":{"base64":"a2Fma2E=","subType":"00"}}`,
		`{"hi" : "kafka", "nums" : [10.0, 100.0, 1000.0]}`: `{"hi":"kafka","nums":[{"$numberDouble":"10.0"},{"$numberDouble":"100.0"},{"$numberDouble":"1000.0"}]}`,
	} {
		text, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{`{"id":` + string(text) + `}`, `{"schema":` + keySchema + `,"payload":{"id":` + string(text) + `}}`} {
			for _, value := range []string{"", `{"op":"d",` + source + `}}`} { // a tombstone, a delete
				records, err := transform.Transform(fromDebezium(key, value))
				if err != nil || len(records) != 2 || records[1].Value != nil {
					t.Fatalf("%s: %v, %v", key, records, err)
				}
				if diff := cmp.Diff(want, string(records[1].Key)); diff != "" {
					t.Errorf("%s: %s", key, diff)
				}
			}
		}
	}
}

func TestWhatIsNoEnvelopeOfDebeziums(t *testing.T) {
	const key = `{"id":"\"x1\""}`
	for name, tt := range map[string]struct{ key, value, want string }{
		"an update without its document":     {key, `{"op":"u","updateDescription":{"updatedFields":"{}"},` + source + `}}`, "op u of Debezium's envelope is without after: set the connector's capture.mode"},
		"a create without its document":      {key, `{"op":"c","after":null}`, "op c of Debezium's envelope is without after"},
		"an operation that there is not":     {key, `{"op":"t","after":` + after + `}`, `op of Debezium's envelope: "t" is none of c, r, u, d`},
		"an operation that is no text":       {key, `{"op":{"$numberInt":"1"}}`, "is none of c, r, u, d"},
		"half a document":                    {key, `{"op":"c","after":"{\"_id\": "}`, "after of Debezium's envelope: the value is not JSON"},
		"half a document before":             {key, `{"op":"d","before":"{\"_id\": "}`, "before of Debezium's envelope: the value is not JSON"},
		"a document that is unpacked":        {key, `{"op":"c","after":{"_id":"x1"}}`, "after of Debezium's envelope is a embedded document instead of"},
		"a key of another kind":              {"x1", `{"op":"d"}`, `the key of Debezium's envelope is not {"id": "..."}, with or without its schema: "x1"`},
		"a key without an id":                {`{"_id":"x1"}`, `{"op":"d"}`, "the key of Debezium's envelope is not"},
		"a key whose id is not packed twice": {`{"id":"x1"}`, `{"op":"d"}`, `the id in Debezium's key "{\"id\":\"x1\"}" is not MongoDB Extended JSON`},
		"no operation at all":                {key, `{"schema":null,"payload":{"after":` + after + `}}`, "operationType"},
		"an empty payload":                   {key, `{"schema":null,"payload":null}`, "operationType"},
	} {
		t.Run(name, func(t *testing.T) {
			records, err := transform.Transform(fromDebezium(tt.key, tt.value))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v; want %s", records, err, tt.want)
			}
		})
	}
	// A document of capture's whose _id looks like a key of Debezium's, and one that has an op.
	r := change("channel", `{"id":"x"}`, []byte(`{"operationType":"delete","op":"u","documentKey":{"_id":{"id":"x"}}}`))
	records, err := transform.Transform(r)
	if err != nil || len(records) != 2 || string(records[0].Key) != `{"id":"x"}` {
		t.Errorf("%v, %v", fmt.Sprint(records), err)
	}
}
