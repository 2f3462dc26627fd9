package capture_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/ingest/capture"
	"regie/internal/stream"
)

var update = flag.Bool("update", false, "write the golden files")

// The cases are testdata/NAME.json, a change event of collection programme, and NAME.record.
func TestRecord(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, in := range inputs {
		golden := strings.TrimSuffix(in, ".json") + ".record"
		t.Run(strings.TrimSuffix(filepath.Base(in), ".json"), func(t *testing.T) {
			event := read(t, in)
			got := record(t, event)
			for range 10 {
				if again := record(t, event); again != got {
					t.Fatalf("not the same bytes each time: %s", cmp.Diff(got, again))
				}
			}
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func read(t *testing.T, file string) bson.Raw {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var event bson.Raw
	if err := bson.UnmarshalExtJSON(b, false, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// record is the event's record as text: its topic, key and headers, then its value.
func record(t *testing.T, event bson.Raw) string {
	t.Helper()
	r, err := capture.Record("programme", event)
	if err != nil {
		t.Fatal(err)
	}
	if r.Partition != stream.AnyPartition {
		t.Errorf("partition %d", r.Partition)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "topic: %s\nkey: %s\n", r.Topic, r.Key)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "header %s: %s\n", h.Key, h.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", r.Value)
	return b.String()
}

func TestRecordRefusesWhatIsNoChangeOfADocument(t *testing.T) {
	for op, event := range map[string]bson.D{
		"drop":       {{Key: "operationType", Value: "drop"}, {Key: "ns", Value: bson.D{{Key: "coll", Value: "programme"}}}},
		"invalidate": {{Key: "operationType", Value: "invalidate"}},
	} {
		raw, err := bson.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%q is no change of a document: the document has no _id", op)
		if _, err := capture.Record("programme", raw); err == nil || err.Error() != want {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestAChangeThatNoRecordHolds loses its hints, and then its document, and stops no neighbour.
func TestAChangeThatNoRecordHolds(t *testing.T) {
	text := func(n int) bson.D { // each character is six bytes of JSON
		return bson.D{{Key: "_id", Value: "p1"}, {Key: "synopsis", Value: strings.Repeat("\x01", n)}}
	}
	for name, tt := range map[string]struct {
		document, before bson.D
		operation        string
	}{
		"with what was before": {text(6_000_000), text(6_000_000), "update"},
		"itself":               {text(12_000_000), nil, "oversized"},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := bson.Marshal(bson.D{
				{Key: "operationType", Value: "update"}, {Key: "fullDocument", Value: tt.document},
				{Key: "documentKey", Value: bson.D{{Key: "_id", Value: "p1"}}}, {Key: "fullDocumentBeforeChange", Value: tt.before},
			})
			if err != nil {
				t.Fatal(err)
			}
			r, err := capture.Record("programme", event)
			if err != nil {
				t.Fatal(err)
			}
			var v struct {
				OperationType string
				FullDocument  map[string]any
			}
			if err := json.Unmarshal(r.Value, &v); err != nil {
				t.Fatal(err)
			}
			if string(r.Key) != "p1" || len(r.Value) > 63<<20 || v.OperationType != tt.operation || (v.FullDocument == nil) != (tt.operation == "oversized") {
				t.Errorf("%s: %d bytes, %s, a document: %t", r.Key, len(r.Value), v.OperationType, v.FullDocument != nil)
			}
		})
	}
}
