package transform_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	catalogv1 "regie/proto/catalog/v1"

	"regie/ingest/transform"
	"regie/internal/cms"
	"regie/internal/stream"
)

var update = flag.Bool("update", false, "write the golden files")

func newEvent(entity string) proto.Message {
	switch entity {
	case "channel":
		return &catalogv1.ChannelEvent{}
	case "programme":
		return &catalogv1.ProgrammeEvent{}
	case "video":
		return &catalogv1.VideoEvent{}
	case "person":
		return &catalogv1.PersonEvent{}
	case "page":
		return &catalogv1.PageEvent{}
	}
	panic(entity)
}

// change is a record of a CMS topic.
func change(entity, key string, value []byte) stream.Record {
	return stream.Record{
		Topic: stream.CMS(entity), Partition: 3, Offset: 42, TopicID: "J0Zg2wVgT2u2bqH2b1Yh3A",
		Key: []byte(key), Value: value, Time: time.Unix(1700000001, 0),
		Headers: stream.Headers{
			{Key: stream.HeaderContentType, Value: stream.ContentJSON},
			{Key: stream.HeaderCMSTime, Value: "1700000000123"},
			{Key: stream.HeaderTraceparent, Value: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		},
	}
}

// The cases are testdata/ENTITY/NAME.json, a value of a CMS topic, and NAME.txtpb, the event made of it. Its first line
// says which records come out; of a document that is set aside it has the broken rules.
func TestTransform(t *testing.T) {
	for _, entity := range stream.Collections() {
		inputs, err := filepath.Glob(filepath.Join("testdata", entity, "*.json"))
		if err != nil || len(inputs) == 0 {
			t.Fatalf("no cases: %v", err)
		}
		for _, in := range inputs {
			t.Run(entity+"/"+strings.TrimSuffix(filepath.Base(in), ".json"), func(t *testing.T) {
				value, err := os.ReadFile(in)
				if err != nil {
					t.Fatal(err)
				}
				testGolden(t, entity, value, strings.TrimSuffix(in, ".json")+".txtpb")
			})
		}
	}
}

func testGolden(t *testing.T, entity string, value []byte, golden string) {
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON(value, false, &doc); err != nil {
		t.Fatal(err)
	}
	key, err := cms.Key(doc.Lookup("documentKey", "_id"))
	if err != nil {
		t.Fatal(err)
	}
	in := change(entity, key, value)
	records, err := transform.Transform(in)
	// As capture writes it, and as anyone may.
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		t.Fatal(err)
	}
	same, sameErr := transform.Transform(change(entity, key, compact.Bytes()))
	if diff := cmp.Diff(records, same); diff != "" || fmt.Sprint(err) != fmt.Sprint(sameErr) {
		t.Errorf("without its spaces it is another: %s %v", diff, sameErr)
	}
	if strings.HasPrefix(filepath.Base(golden), "wrong") {
		testRefused(t, records, err, golden)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := transform.Transform(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(records, again); diff != "" {
		t.Errorf("not the same bytes each time: %s", diff)
	}

	got, kinds := newEvent(entity), []string{}
	for _, r := range records {
		if r.Topic != stream.Catalog(entity) || string(r.Key) != key {
			t.Errorf("a record of topic %s, key %s", r.Topic, r.Key)
		}
		if r.Headers.Get(stream.HeaderCMSTime) != in.Headers.Get(stream.HeaderCMSTime) || r.Headers.Get(stream.HeaderTraceparent) != in.Headers.Get(stream.HeaderTraceparent) {
			t.Errorf("headers %v", r.Headers)
		}
		if r.Value == nil {
			kinds = append(kinds, "tombstone")
			continue
		}
		kinds = append(kinds, "event")
		if err := r.Decode(got); err != nil {
			t.Fatal(err)
		}
		if name := string(got.ProtoReflect().Descriptor().FullName()); r.Headers.Get(stream.HeaderContentType) != stream.ContentProtobuf || r.Headers.Get(stream.HeaderSchema) != name {
			t.Errorf("headers %v", r.Headers)
		}
	}
	if len(records) == 0 {
		kinds = []string{"none"}
	}
	first := "# records: " + strings.Join(kinds, ", ")
	if *update {
		text, err := prototext.MarshalOptions{Multiline: true}.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append([]byte(first+"\n"), text...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if line, _, _ := strings.Cut(string(text), "\n"); line != first {
		t.Errorf("got %q, want %q", first, line)
	}
	want := newEvent(entity)
	if err := prototext.Unmarshal(text, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func testRefused(t *testing.T, records []stream.Record, err error, golden string) {
	if err == nil || records != nil {
		t.Fatalf("got %d records, %v", len(records), err)
	}
	got := "# broken: " + strings.ReplaceAll(err.Error(), "\n", "\n# broken: ") + "\n"
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
}

func TestEveryCollectionIsTransformed(t *testing.T) {
	want := map[string]string{}
	for _, c := range stream.Collections() {
		want[stream.CMS(c)] = stream.Catalog(c)
	}
	if diff := cmp.Diff(want, transform.Outputs()); diff != "" {
		t.Error(diff)
	}
}

func TestATombstoneIsADeletion(t *testing.T) {
	records, err := transform.Transform(change("video", "v1", nil))
	if err != nil || len(records) != 2 || records[1].Value != nil {
		t.Fatalf("got %v, %v", records, err)
	}
	var got catalogv1.VideoEvent
	if err := records[0].Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.EventType != catalogv1.EventType_EVENT_TYPE_DELETED || got.Payload != nil || got.OccurredAt.AsTime().Unix() != 1700000001 {
		t.Errorf("got %v", &got)
	}
}

func TestEventIDs(t *testing.T) {
	value := programmeChange(`"slug":"nimbo","title":"Nimbo","kind":"KIDS"`)
	id := func(r stream.Record) string {
		t.Helper()
		records, err := transform.Transform(r)
		if err != nil {
			t.Fatal(err)
		}
		var e catalogv1.ProgrammeEvent
		if err := records[0].Decode(&e); err != nil {
			t.Fatal(err)
		}
		return e.EventUuid
	}
	first := change("programme", "s1", value)
	seen := map[string]string{id(first): "the first"}
	for name, alter := range map[string]func(*stream.Record){
		"another offset":    func(r *stream.Record) { r.Offset++ },
		"another partition": func(r *stream.Record) { r.Partition++ },
		"another topic id":  func(r *stream.Record) { r.TopicID = "other" },
	} {
		r := first
		alter(&r)
		if other, ok := seen[id(r)]; ok {
			t.Errorf("%s: the id of %s", name, other)
		}
		seen[id(r)] = name
	}
	r := first
	r.Headers, r.Time = nil, time.Time{}
	if id(r) != id(first) {
		t.Error("the id is not of the position alone")
	}
}

// programmeChange is an insert of a document with the fields.
func programmeChange(fields string) []byte {
	return fmt.Appendf(nil, `{"operationType":"insert","fullDocument":{"_id":"s1",%s},"documentKey":{"_id":"s1"}}`, fields)
}

const good = `"slug":"nimbo","title":"Nimbo","kind":"KIDS"`

// bad are inputs, by name, with the errors they must have.
var bad = []struct{ name, entity, value, want string }{
	{"a number for a title", "programme", string(programmeChange(`"slug":"nimbo","title":7,"kind":"KIDS"`)), "title: must be a string, is 32-bit integer"},
	{"no title", "programme", string(programmeChange(`"slug":"nimbo","kind":"KIDS"`)), "title: is missing"},
	{"a title of spaces", "programme", string(programmeChange(`"slug":"nimbo","title":" \n ","kind":"KIDS"`)), "title: is missing"},
	{"a title that is too long", "programme", string(programmeChange(`"slug":"nimbo","title":"` + strings.Repeat("é", 301) + `","kind":"KIDS"`)), "title: has 301 characters, at most 300 are allowed"},
	{"an unknown kind", "programme", string(programmeChange(`"slug":"nimbo","title":"Nimbo","kind":"OPERA"`)), `kind: "OPERA" is none of SERIES, FILM, MAGAZINE, NEWS, SPORT, DOCUMENTARY, GAME, REALITY, KIDS, EVENT`},
	{"the kind that is none", "video", `{"operationType":"insert","fullDocument":{"_id":"v1","slug":"a","title":"A","kind":"UNSPECIFIED","programme":"s1"}}`, `kind: "UNSPECIFIED" is none of FILM, EPISODE, REPLAY, EXTRACT, BONUS, TRAILER, LIVE`},
	{"an emoji in a slug", "programme", string(programmeChange(`"slug":"tram-🚋","title":"Nimbo","kind":"KIDS"`)), `slug: "tram-🚋" may hold only lower-case letters a-z, digits and single dashes between them`},
	{"two dashes in a slug", "programme", string(programmeChange(`"slug":"le--tram","title":"Nimbo","kind":"KIDS"`)), `slug: "le--tram" may hold only lower-case letters a-z, digits and single dashes between them`},
	{"a year that is no number", "programme", string(programmeChange(good + `,"year":"2021"`)), "year: must be a number, is string"},
	{"a year with a fraction", "programme", string(programmeChange(good + `,"year":2021.5`)), "year: must be a whole number, is 2021.5"},
	{"a year that is not a number", "programme", string(programmeChange(good + `,"year":{"$numberDouble":"NaN"}`)), "year: must be a whole number, is NaN"},
	{"a year too large for any number", "programme", string(programmeChange(good + `,"year":1e300`)), "year: must be a whole number, is 1e+300"},
	{"a year before the cinema", "programme", string(programmeChange(good + `,"year":1789`)), "year: must be between 1880 and 2200, is 1789"},
	{"a year beyond 32 bits", "programme", string(programmeChange(good + `,"year":4294969317`)), "year: must be between 1880 and 2200, is 4294969317"},
	{"a date as text", "programme", string(programmeChange(good + `,"publishedAt":"2021-01-01"`)), "publishedAt: must be a date, is string"},
	{"a date of the year 12000", "programme", string(programmeChange(good + `,"publishedAt":{"$date":{"$numberLong":"316516464000000"}}`)), "publishedAt: must be of the years 1 to 9999, is of 12000"},
	{"countries that are no list", "programme", string(programmeChange(good + `,"countries":"FR"`)), "countries: must be an array, is string"},
	{"a bad country", "programme", string(programmeChange(good + `,"countries":["FR","fra",7]`)), "countries.1: must be a country as two capital letters (ISO 3166-1)\ncountries.2: must be a country as two capital letters (ISO 3166-1)"},
	{"an image without anything", "programme", string(programmeChange(good + `,"images":[{}]`)), "images.0.url: is missing\nimages.0.role: is missing"},
	{"an image that is no document", "programme", string(programmeChange(good + `,"images":["/a.jpg"]`)), "images.0: must be a document, is string"},
	{"an image that is a script", "programme", string(programmeChange(good + `,"images":[{"role":"LOGO","url":"javascript:alert(1)"}]`)), "images.0.url: must be a URL that begins with https:// or a path that begins with one /"},
	{"an image in the clear", "programme", string(programmeChange(good + `,"images":[{"role":"LOGO","url":"http://images.example/a"}]`)), "images.0.url: must be a URL that begins with https:// or a path that begins with one /"},
	{"an image of another site as a path", "programme", string(programmeChange(good + `,"images":[{"role":"LOGO","url":"//images.example/a"}]`)), "images.0.url: must be a URL that begins with https:// or a path that begins with one /"},
	{"an image of another site with a backslash", "programme", string(programmeChange(good + `,"images":[{"role":"LOGO","url":"/\\images.example/a"}]`)), "images.0.url: must be a URL that begins with https:// or a path that begins with one /"},
	{"an image of another site with a tab", "programme", string(programmeChange(good + `,"images":[{"role":"LOGO","url":"/\t/images.example/a"}]`)), "images.0.url: must be a URL that begins with https:// or a path that begins with one /"},
	{"an image of no site", "programme", string(programmeChange(good + `,"images":[{"role":"LOGO","url":"https:///a"}]`)), "images.0.url: must be a URL that begins with https:// or a path that begins with one /"},
	{"a synopsis that is a text", "programme", string(programmeChange(good + `,"synopsis":"Court."`)), "synopsis: must be a document, is string"},
	{"a text of 21,000 characters", "programme", string(programmeChange(good + `,"synopsis":{"long":"` + strings.Repeat("é", 21_000) + `"}`)), "synopsis.long: has 21000 characters, at most 20000 are allowed"},
	{"a video without a programme", "video", `{"operationType":"insert","fullDocument":{"_id":"v1","slug":"a","title":"A","kind":"LIVE"}}`, "programme: is missing"},
	{"a duration below zero", "video", `{"operationType":"insert","fullDocument":{"_id":"v1","slug":"a","title":"A","kind":"LIVE","programme":"s1","duration":-1}}`, "duration: must be between 0 and 604800, is -1"},
	{"every rule at once", "programme", string(programmeChange(`"slug":"Nimbo","kind":"OPERA","synopsis":{"short":7},"year":1,"countries":["fr"],"images":[{"role":"LOGO","url":"a"},{"role":"BIG","url":"/a","alt":7}],"createdAt":0`)), `slug: "Nimbo" may hold only lower-case letters a-z, digits and single dashes between them
title: is missing
kind: "OPERA" is none of SERIES, FILM, MAGAZINE, NEWS, SPORT, DOCUMENTARY, GAME, REALITY, KIDS, EVENT
synopsis.short: must be a string, is 32-bit integer
year: must be between 1880 and 2200, is 1
countries.0: must be a country as two capital letters (ISO 3166-1)
images.0.url: must be a URL that begins with https:// or a path that begins with one /
images.1.role: "BIG" is none of THUMBNAIL, PORTRAIT, COVER, SQUARE, LOGO
images.1.alt: must be a string, is 32-bit integer
createdAt: must be a date, is 32-bit integer`},
	{"no JSON", "programme", "le dernier tram", "the value is not JSON: invalid character 'l' looking for beginning of value"},
	{"an empty value", "programme", "", "the value is not JSON: unexpected end of JSON input"},
	{"half a value", "programme", `{"operationType":"insert","fullDoc`, "the value is not JSON: unexpected end of JSON input"},
	{"a value cut off in an object that is of no interest", "programme", `{"_id":{"_data":"82`, "the value is not JSON: unexpected end of JSON input"},
	{"two values", "programme", `{} {}`, "the value is not JSON: invalid character '{' after top-level value"},
	{"arrays nested so deep as to end the process", "programme", strings.Repeat("[", 10_000_000), "the value is not JSON: invalid character '[' exceeded max depth"},
	{"documents nested too deep", "programme", string(programmeChange(good + `,"x":` + strings.Repeat(`{"x":`, 199) + "1" + strings.Repeat("}", 199))), "the value is not a change as MongoDB Extended JSON: invalid JSON input; nesting too deep (201 levels) at position 68"},
	{"a list", "programme", `[]`, "the value is not a change as MongoDB Extended JSON: ReadDocument can only read a Document while positioned on a TopLevel, Element, or Value but is positioned on a Array"},
	{"a number", "programme", `7`, "the value is not a change as MongoDB Extended JSON: cannot decode 32-bit integer into a bson.Raw"},
	{"no Extended JSON", "programme", string(programmeChange(good + `,"createdAt":{"$date":true}`)), "the value is not a change as MongoDB Extended JSON: $date value should be string or object, but instead is boolean"},
	{"a document that is a text", "programme", `{"operationType":"insert","fullDocument":"x"}`, "fullDocument: must be a document, is string"},
	{"a document before that is a list", "programme", `{"operationType":"delete","fullDocumentBeforeChange":[]}`, "fullDocumentBeforeChange: must be a document, is array"},
	{"no operation", "programme", `{}`, "operationType: is missing"},
	{"an operation that is no text", "programme", `{"operationType":7}`, "operationType: must be a string, is 32-bit integer"},
	{"an unknown operation", "programme", `{"operationType":"drop"}`, `operationType: "drop" is none of insert, update, replace, delete`},
	{"a change that no record holds", "programme", `{"operationType":"oversized","bytes":{"$numberLong":"70000000"}}`, "the change has 70000000 bytes as Extended JSON, more than a record can hold: shorten the document"},
	{"an insert of nothing", "programme", `{"operationType":"insert","fullDocument":null}`, "an insert without fullDocument"},
	{"a topic of no entity", "rating", string(programmeChange(good)), "topic cms.rating is none that is transformed"},
}

func TestTransformNamesEveryRuleThatIsBroken(t *testing.T) {
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			records, err := transform.Transform(change(tt.entity, "s1", []byte(tt.value)))
			if records != nil || err == nil || err.Error() != tt.want {
				t.Errorf("got %d records, %v\nwant %s", len(records), err, tt.want)
			}
		})
	}
}

// TestSizes has what is far too large: one broken rule each, said in few words and good time.
func TestSizes(t *testing.T) {
	long := strings.Repeat("é", 1<<20) // 2 MB
	many := func(element string) string { return "[" + strings.Repeat(element+",", 1<<18) + element + "]" }
	for name, tt := range map[string]struct{ entity, fields, want string }{
		"a slug":              {"programme", `"slug":"` + long + `","title":"Nimbo","kind":"KIDS"`, "slug: has 1048576 characters, at most 200 are allowed"},
		"a kind":              {"programme", `"slug":"nimbo","title":"Nimbo","kind":"` + long + `"`, "kind: has 1048576 characters, at most 50 are allowed"},
		"a biography":         {"person", `"slug":"lea","title":"Léa","biography":"` + long + `"`, "biography: has 1048576 characters, at most 20000 are allowed"},
		"a card's target":     {"page", `"slug":"home","title":"A","sections":[{"cards":[{"target":"` + long + `"}]}]`, "sections.0.cards.0.target: has 1048576 characters, at most 1000 are allowed"},
		"a reference":         {"programme", good + `,"channel":"` + long + `"`, "channel: has 2097152 bytes as text, at most 1000 are allowed"},
		"a reference of many": {"programme", good + `,"channel":` + many(`"a"`), "channel: has 1048581 bytes as text, at most 1000 are allowed"},
		"a date":              {"programme", good + `,"createdAt":{"$date":"` + long + `"}`, ""},
		"a number":            {"programme", good + `,"year":{"$numberDecimal":"` + strings.Repeat("9", 1<<19) + `"}`, ""},
		"credits":             {"programme", good + `,"credits":` + many(`7`), "credits: has 262145 elements, at most 10000 are allowed"},
		"genres":              {"programme", good + `,"genres":` + many(`"a"`), "genres: has 262145 elements, at most 50 are allowed"},
		"sections":            {"page", `"slug":"home","title":"A","sections":` + many(`{}`), "sections: has 262145 elements, at most 100 are allowed"},
		"rules":               {"programme", good + `,"sections":` + many(`{}`), "sections: has 262145 elements, at most 50 are allowed"},
		"a field of a rule":   {"programme", good + `,"sections":[{"` + long + `":1}]`, ""},
		"pins":                {"programme", good + `,"sections":[{"pins":` + many(`"a"`) + `}]`, "sections.0.pins: has 262145 elements, at most 100 are allowed"},
		"languages":           {"video", `"slug":"e1","title":"A","kind":"FILM","programme":"s1","tracks":{"audio":` + many(`null`) + `}`, "tracks.audio: has 262145 elements, at most 100 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			records, err := transform.Transform(change(tt.entity, "s1", programmeChange(tt.fields)))
			if records != nil || err == nil || len(err.Error()) > 2000 || tt.want != "" && err.Error() != tt.want {
				t.Errorf("got %d records, %.1000v\nwant %s", len(records), err, tt.want)
			}
		})
	}
}

func TestManyBrokenRules(t *testing.T) {
	card := `{"target":"` + strings.Repeat("é", 900) + `:x","title":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `,"badges":[7,7,7,7,7]}`
	cards := "[" + strings.Repeat(card+",", 199) + card + "]"
	sections := "[" + strings.Repeat(`{"cards":`+cards+`},`, 19) + `{}]`
	_, err := transform.Transform(change("page", "s1", programmeChange(`"slug":"home","title":"A","sections":`+sections)))
	if err == nil || len(err.Error()) > 20_000 || !strings.HasSuffix(err.Error(), "\nand 26550 more broken rules") {
		t.Errorf("got %v", err)
	}
}

func TestAKeyThatIsNotUTF8(t *testing.T) {
	records, err := transform.Transform(change("programme", "\xff", programmeChange(good)))
	if records != nil || err == nil {
		t.Errorf("got %v, %v", records, err)
	}
}

func FuzzTransform(f *testing.F) {
	for i, entity := range stream.Collections() {
		inputs, err := filepath.Glob(filepath.Join("testdata", entity, "*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for _, in := range inputs {
			value, err := os.ReadFile(in)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i, "s1", value)
			var compact bytes.Buffer
			if err := json.Compact(&compact, value); err != nil {
				f.Fatal(err)
			}
			f.Add(i, "s1", compact.Bytes())
		}
	}
	for _, b := range bad {
		if len(b.value) < 5000 {
			f.Add(0, "5fbbd1b2e4b0f0a1c2d3e4f5", []byte(b.value))
		}
	}
	f.Fuzz(func(t *testing.T, entity int, key string, value []byte) {
		entities := stream.Collections()
		in := change(entities[uint(entity)%uint(len(entities))], key, value)
		records, err := transform.Transform(in)
		if err != nil {
			if records != nil || err.Error() == "" {
				t.Errorf("records %v beside error %q", records, err)
			}
			return
		}
		again, err := transform.Transform(in)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range records {
			if !bytes.Equal(r.Value, again[i].Value) {
				t.Error("not the same bytes each time")
			}
			if r.Value == nil {
				continue
			}
			if err := r.Decode(newEvent(entities[uint(entity)%uint(len(entities))])); err != nil {
				t.Error(err)
			}
		}
	})
}

// What a record takes: a typical programme's and a typical video's, as capture writes an update.
func BenchmarkTransform(b *testing.B) {
	for entity, value := range map[string][]byte{"programme": typicalProgramme(b), "video": typicalVideo(b)} {
		in := change(entity, "5fbbd1b2e4b0f0a1c2d3e4f5", value)
		bench := func(name string, once func() error) {
			b.Run(entity+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(value)))
				for b.Loop() {
					if err := once(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			})
		}
		bench("transform", func() error {
			_, err := transform.Transform(in)
			return err
		})
		// What it is compared with: the driver's parser alone, over the whole value.
		bench("bson.UnmarshalExtJSON", func() error {
			var v bson.Raw
			return bson.UnmarshalExtJSON(value, false, &v)
		})
	}
}

const words = "Une nuit, le dernier tram ne rentre pas au dépôt. "

func typicalProgramme(b *testing.B) []byte {
	credits := bson.A{}
	for i, role := range []string{"DIRECTOR", "WRITER", "ACTOR", "ACTOR", "ACTOR", "ACTOR", "ACTOR", "GUEST"} {
		credits = append(credits, bson.D{{Key: "person", Value: fmt.Sprintf("person-%03d", i)}, {Key: "role", Value: role}, {Key: "character", Value: "Le conducteur"}})
	}
	from, until := bson.DateTime(1577934245000), bson.DateTime(1893456000000)
	return typical(b, "programme", bson.D{
		{Key: "kind", Value: "SERIES"}, {Key: "channel", Value: "ch01"}, {Key: "year", Value: int32(2021)}, {Key: "countries", Value: bson.A{"FR", "BE"}},
		{Key: "synopsis", Value: bson.D{{Key: "short", Value: strings.Repeat(words, 2)}, {Key: "medium", Value: strings.Repeat(words, 5)}, {Key: "long", Value: strings.Repeat(words, 10)}}},
		{Key: "ageRating", Value: "AGE_10"}, {Key: "genres", Value: bson.A{"Séries policières", "Drame", "Fantastique"}},
		{Key: "rights", Value: bson.A{
			bson.D{{Key: "screens", Value: bson.A{"web", "mobile"}}, {Key: "territories", Value: bson.A{"FR"}}, {Key: "from", Value: from}, {Key: "until", Value: until}},
			bson.D{{Key: "screens", Value: bson.A{"iptv"}}, {Key: "from", Value: from}, {Key: "offer", Value: "MAX"}},
		}},
		{Key: "credits", Value: credits},
	})
}

func typicalVideo(b *testing.B) []byte {
	return typical(b, "video", bson.D{
		{Key: "kind", Value: "EPISODE"}, {Key: "programme", Value: bson.ObjectID{0x5f, 0xbb, 0xd1, 0xb2}}, {Key: "season", Value: int32(1)}, {Key: "episode", Value: int32(3)},
		{Key: "synopsis", Value: bson.D{{Key: "short", Value: strings.Repeat(words, 2)}}}, {Key: "duration", Value: int32(3120)},
	})
}

func typical(b *testing.B, collection string, fields bson.D) []byte {
	b.Helper()
	var images bson.A
	for _, role := range []string{"THUMBNAIL", "PORTRAIT", "COVER"} {
		images = append(images, bson.D{{Key: "role", Value: role}, {Key: "url", Value: "/images/le-dernier-tram-" + strings.ToLower(role) + ".webp"}, {Key: "alt", Value: "Un tram vide, la nuit"}})
	}
	date := bson.DateTime(1577934245000)
	id := bson.ObjectID{0x5f, 0xbb, 0xd1, 0xb2, 0xe4, 0xb0, 0xf0, 0xa1, 0xc2, 0xd3, 0xe4, 0xf5}
	document := bson.D{{Key: "_id", Value: id}, {Key: "slug", Value: "le-dernier-tram"}, {Key: "title", Value: "Le dernier tram"}}
	document = append(append(document, fields...), bson.D{
		{Key: "images", Value: images}, {Key: "publishedAt", Value: date}, {Key: "createdAt", Value: date}, {Key: "updatedAt", Value: date},
	}...)
	value, err := bson.MarshalExtJSON(bson.D{
		{Key: "_id", Value: bson.D{{Key: "_data", Value: "8265F0A1000000012B022C0100296E5A1004"}}},
		{Key: "operationType", Value: "update"},
		{Key: "fullDocument", Value: document},
		{Key: "ns", Value: bson.D{{Key: "db", Value: "cms"}, {Key: "coll", Value: collection}}},
		{Key: "documentKey", Value: bson.D{{Key: "_id", Value: id}}},
		{Key: "updateDescription", Value: bson.D{{Key: "updatedFields", Value: bson.D{{Key: "title", Value: "Le dernier tram"}, {Key: "updatedAt", Value: date}}}, {Key: "removedFields", Value: bson.A{}}}},
		{Key: "clusterTime", Value: date}, {Key: "wallTime", Value: date},
	}, true, true)
	if err != nil {
		b.Fatal(err)
	}
	return value
}
