package cms_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

func TestKey(t *testing.T) {
	oid := bson.ObjectID{0x5f, 0xbb, 0xd1, 0xb2, 0xe4, 0xb0, 0xf0, 0xa1, 0xc2, 0xd3, 0xe4, 0xf5}
	keys := map[string]string{}
	for _, tt := range []struct {
		name string
		id   any
		want string
	}{
		{"an ObjectID", oid, "5fbbd1b2e4b0f0a1c2d3e4f5"},
		{"a string of the same digits", "5fbbd1b2e4b0f0a1c2d3e4f5", `"5fbbd1b2e4b0f0a1c2d3e4f5"`},
		{"a string of the same digits in capitals", "5FBBD1B2E4B0F0A1C2D3E4F5", "5FBBD1B2E4B0F0A1C2D3E4F5"},
		{"a string of twelve bytes", "twelve-bytes", "twelve-bytes"},
		{"a slug", "le-dernier-tram", "le-dernier-tram"},
		{"an empty string", "", `""`},
		{"a string in quotes", `"a"`, `"\"a\""`},
		{"a string like a document", `{"$numberInt":"7"}`, `"{\"$numberInt\":\"7\"}"`},
		{"a string like an array", "[1]", `"[1]"`},
		{"a string of markup", "<a&b>", "<a&b>"},
		{"a string of digits", "7", "7"},
		{"an int32", int32(7), `{"$numberInt":"7"}`},
		{"an int64", int64(7), `{"$numberLong":"7"}`},
		{"a double", 7.0, `{"$numberDouble":"7.0"}`},
		{"a UUID", bson.Binary{Subtype: bson.TypeBinaryUUID, Data: oid[:]}, `{"$binary":{"base64":"X7vRsuSw8KHC0+T1","subType":"04"}}`},
		{"a document", bson.D{{Key: "site", Value: "<fr>"}, {Key: "n", Value: int32(7)}}, `{"site":"<fr>","n":{"$numberInt":"7"}}`},
		{"the same in another order", bson.D{{Key: "n", Value: int32(7)}, {Key: "site", Value: "<fr>"}}, `{"n":{"$numberInt":"7"},"site":"<fr>"}`},
		{"a date", bson.DateTime(0), `{"$date":{"$numberLong":"0"}}`},
		{"a timestamp", bson.Timestamp{T: 1, I: 2}, `{"$timestamp":{"t":1,"i":2}}`},
		{"true", true, "true"},
		{"a string that says true", "true", `"true"`},
		{"false", false, "false"},
		{"a string that says false", "false", `"false"`},
		{"null", nil, "null"},
		{"a string that says null", "null", `"null"`},
	} {
		id := value(t, tt.id)
		got, err := cms.Key(id)
		if err != nil || got != tt.want {
			t.Errorf("%s: Key is %s, %v; want %s", tt.name, got, err, tt.want)
		}
		if back := value(t, cms.ID(got)); !back.Equal(id) {
			t.Errorf("%s: ID(%s) is %v, want %v", tt.name, got, back, id)
		}
		if other := keys[got]; other != "" {
			t.Errorf("%s has the key of %s", tt.name, other)
		}
		keys[got] = tt.name
	}
	if _, err := cms.Key(bson.RawValue{}); err == nil || err.Error() != "the document has no _id" {
		t.Errorf("of nothing: %v", err)
	}
}

// value is v as a document holds it.
func value(t *testing.T, v any) bson.RawValue {
	t.Helper()
	b, err := bson.Marshal(bson.D{{Key: "_id", Value: v}})
	if err != nil {
		t.Fatal(err)
	}
	return bson.Raw(b).Lookup("_id")
}

func FuzzKey(f *testing.F) {
	for kind := range byte(10) {
		f.Add(kind, []byte("5fbbd1b2e4b0f0a1c2d3e4f5"))
		f.Add(kind, []byte("twelve-bytes"))
		f.Add(kind, []byte("\"\xff"))
		f.Add(kind, []byte("true"))
		f.Add(kind, []byte{})
	}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		number := binary.LittleEndian.Uint64(append(data[:len(data):len(data)], make([]byte, 8)...))
		var id any
		switch kind % 10 {
		case 0:
			id = string(data)
		case 1:
			id = bson.ObjectID(append(data[:len(data):len(data)], make([]byte, 12)...)[:12])
		case 2:
			id = int32(number)
		case 3:
			id = int64(number)
		case 4:
			if id = math.Float64frombits(number); math.IsNaN(math.Float64frombits(number)) {
				id = math.NaN() // of one bit pattern
			}
		case 5:
			id = number%2 == 0
		case 6:
			id = bson.DateTime(number)
		case 7:
			id = bson.Binary{Subtype: byte(len(data)), Data: data}
		case 8:
			id = bson.Binary{Subtype: bson.TypeBinaryUUID, Data: append(data[:len(data):len(data)], make([]byte, 16)...)[:16]}
		case 9:
			id = bson.D{{Key: "s", Value: strings.ToValidUTF8(string(data), "?")}, {Key: "n", Value: int64(number)}, {Key: "d", Value: bson.D{{Key: "b", Value: data}}}}
		}
		want := value(t, id)
		key, err := cms.Key(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := value(t, cms.ID(key)); !got.Equal(want) {
			t.Errorf("ID(%q) is %v, want %v", key, got, want)
		}
		cms.ID(string(data)) // any text, without a panic
	})
}
