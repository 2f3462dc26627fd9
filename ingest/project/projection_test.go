package project_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"regie/ingest/project"
	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// kinds are what is projected, by its topic: an event's and a blob's message.
var kinds = map[string]struct{ event, blob func() proto.Message }{
	"channel": {
		func() proto.Message { return &catalogv1.ChannelEvent{} },
		func() proto.Message { return &projectionv1.Channel{} },
	},
	"programme": {
		func() proto.Message { return &catalogv1.ProgrammeEvent{} },
		func() proto.Message { return &projectionv1.Programme{} },
	},
	"video": {
		func() proto.Message { return &catalogv1.VideoEvent{} },
		func() proto.Message { return &projectionv1.Video{} },
	},
	"person": {
		func() proto.Message { return &catalogv1.PersonEvent{} },
		func() proto.Message { return &projectionv1.Person{} },
	},
	"page": {
		func() proto.Message { return &catalogv1.PageEvent{} },
		func() proto.Message { return &projectionv1.Page{} },
	},
	enriched: {
		func() proto.Message { return &catalogv1.ProgrammeEnrichedEvent{} },
		func() proto.Message { return &projectionv1.ProgrammeSections{} },
	},
}

// enriched is what follows the catalogue's part in stream.ProgrammeEnriched.
const enriched = "programme-enriched"

// kindOf is the kind of what a topic's records change.
func kindOf(topic string) string {
	if topic == enriched {
		return catalog.Sections
	}
	return topic
}

// set gives a field of a message a value, for what all kinds have alike.
func set(m proto.Message, field protoreflect.Name, v protoreflect.Value) {
	m.ProtoReflect().Set(m.ProtoReflect().Descriptor().Fields().ByName(field), v)
}

// withPayload is the kind's event whose payload has nothing but an id.
func withPayload(kind, id string) proto.Message {
	e := kinds[kind].event()
	p := e.ProtoReflect().Mutable(e.ProtoReflect().Descriptor().Fields().ByName("payload")).Message().Interface()
	field := protoreflect.Name("id")
	if kind == enriched {
		field = "programme_id"
	}
	set(p, field, protoreflect.ValueOfString(id))
	return e
}

func TestAllThatIsCapturedIsProjected(t *testing.T) {
	want := slices.Sorted(slices.Values(append(stream.Collections(), enriched)))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(kinds))); diff != "" {
		t.Error(diff)
	}
}

// record is event's, at offset 41 of its topic's seventh incarnation.
func record(t *testing.T, kind, key string, event proto.Message) stream.Record {
	t.Helper()
	value, headers, err := stream.Encode(event)
	if err != nil {
		t.Fatal(err)
	}
	return stream.Record{
		Topic: stream.Catalog(kind), Key: []byte(key), Value: value, Headers: headers,
		Offset: 41, Fence: stream.Fence{Incarnation: 7, Offset: 41},
	}
}

// TestGolden compares what becomes of testdata/KIND/NAME.txtpb on each screen, and where it is listed.
func TestGolden(t *testing.T) {
	for kind, messages := range kinds {
		files, err := filepath.Glob(filepath.Join("testdata", kind, "*.txtpb"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(file, ".txtpb")
			if strings.Contains(filepath.Base(name), ".") {
				continue // a result
			}
			t.Run(strings.TrimPrefix(name, "testdata/"), func(t *testing.T) {
				event := messages.event()
				parse(t, file, event)
				ch, err := project.Projection(record(t, kind, "p1", event))
				if err != nil {
					t.Fatal(err)
				}
				if ch.Kind != kindOf(kind) || ch.ID != "p1" || ch.Fence != (stream.Fence{Incarnation: 7, Offset: 41}) {
					t.Errorf("a change of %s %s at %v", ch.Kind, ch.ID, ch.Fence)
				}
				for _, screen := range catalog.Screens() {
					got := messages.blob()
					if err := proto.Unmarshal(ch.Blobs[screen], got); err != nil {
						t.Fatal(err)
					}
					golden(t, name+"."+string(screen)+".txtpb", got)
				}
				goldenText(t, name+".places.txt", places(ch))
				check(t, ch)
			})
		}
	}
}

func parse(t *testing.T, file string, m proto.Message) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := prototext.Unmarshal(b, m); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func golden(t *testing.T, file string, got proto.Message) {
	t.Helper()
	if *update {
		write(t, file, prototext.MarshalOptions{Multiline: true}.Format(got))
	}
	want := got.ProtoReflect().New().Interface()
	parse(t, file, want)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func goldenText(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// places is a line for each family, in the change's order, and for each place in it.
func places(ch catalog.Change) string {
	var b strings.Builder
	for _, p := range ch.Placements {
		b.WriteString(string(p.Family))
		if p.Note != "" {
			b.WriteString(" (" + p.Note + ")")
		}
		b.WriteByte('\n')
		for _, pl := range p.Places {
			fmt.Fprintf(&b, "\t%s %s\n", pl.Set, strings.ReplaceAll(pl.Key, "\x01", "\\x01"))
		}
	}
	return b.String()
}

func TestTheSameRecordMakesTheSameBytes(t *testing.T) {
	for kind, messages := range kinds {
		e := messages.event()
		parse(t, "testdata/"+kind+"/full.txtpb", e)
		r := record(t, kind, "p1", e)
		first, err := project.Projection(r)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			again, err := project.Projection(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(first, again); diff != "" {
				t.Fatalf("%s: %s", kind, diff)
			}
		}
	}
}

// check tells what no change may have.
func check(t *testing.T, ch catalog.Change) {
	t.Helper()
	if n := len(ch.Blobs); n != 0 && n != len(catalog.Screens()) || (n == 0 || ch.Kind == catalog.Sections) != (len(ch.Placements) == 0) {
		t.Errorf("%d blobs and %d placements", n, len(ch.Placements))
	}
	seen := map[catalog.Family]bool{}
	for _, p := range ch.Placements {
		if seen[p.Family] {
			t.Errorf("family %q comes twice", p.Family)
		}
		seen[p.Family] = true
		places := map[catalog.Place]bool{}
		for _, pl := range p.Places {
			if places[pl] {
				t.Errorf("%+v comes twice in %q", pl, p.Family)
			}
			places[pl] = true
		}
	}
}

func TestWhatIsDeletedHasNeitherBlobNorPlace(t *testing.T) {
	for kind := range kinds {
		event := withPayload(kind, "p1")
		set(event, "event_type", protoreflect.ValueOfEnum(catalogv1.EventType_EVENT_TYPE_DELETED.Number()))
		tombstone := record(t, kind, "p1", event)
		tombstone.Value, tombstone.Headers = nil, nil
		for name, r := range map[string]stream.Record{"an event": record(t, kind, "p1", event), "a tombstone": tombstone} {
			t.Run(name+" of a "+kind, func(t *testing.T) {
				got, err := project.Projection(r)
				if err != nil {
					t.Fatal(err)
				}
				want := catalog.Change{Kind: kindOf(kind), ID: "p1", Fence: stream.Fence{Incarnation: 7, Offset: 41}}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestWhatCannotBeProjectedIsRefusedForGood(t *testing.T) {
	for kind, messages := range kinds {
		empty := messages.event()
		payload := withPayload(kind, "p1")
		with := func(change func(*stream.Record)) stream.Record {
			r := record(t, kind, "p1", payload)
			change(&r)
			return r
		}
		tests := map[string]stream.Record{
			"another's payload": record(t, kind, "p2", payload),
			"no payload":        record(t, kind, "p1", empty),
			"an empty value":    with(func(r *stream.Record) { r.Value = []byte{} }),
			"no Protobuf":       with(func(r *stream.Record) { r.Value = []byte("\xffnothing") }),
			"no JSON": with(func(r *stream.Record) {
				r.Headers = stream.Headers{{Key: stream.HeaderContentType, Value: stream.ContentJSON}}
			}),
			"an unknown content": with(func(r *stream.Record) {
				r.Headers = stream.Headers{{Key: stream.HeaderContentType, Value: "text/html"}}
			}),
			"no key":                    record(t, kind, "", empty),
			"a tombstone without a key": with(func(r *stream.Record) { r.Key, r.Value = nil, nil }),
		}
		for name, r := range tests {
			t.Run(name+" for a "+kind, func(t *testing.T) {
				if ch, err := project.Projection(r); !stream.IsPermanent(err) {
					t.Errorf("got %v, %+v", err, ch)
				}
			})
		}
	}
	t.Run("a topic of another role", func(t *testing.T) {
		if _, err := project.Projection(stream.Record{Topic: "cms.programme", Key: []byte("p1")}); err == nil {
			t.Error("no error")
		}
	})
}

func TestAFamilyComesOnce(t *testing.T) {
	again := &catalogv1.Programme{
		Id: "p1", Slug: "a", FormerSlugs: []string{"a", "b", "b"}, ChannelId: "c1",
		Genres: []*catalogv1.Genre{{Slug: "drame", Title: "Drame"}, {Slug: "drame", Title: "Le drame"}},
	}
	const n = 10_000
	for i := range n {
		again.Credits = append(again.Credits, &catalogv1.Credit{PersonId: fmt.Sprint("pe", i%2)})
	}
	ch, err := project.Projection(record(t, "programme", "p1", &catalogv1.ProgrammeEvent{Payload: again}))
	if err != nil {
		t.Fatal(err)
	}
	check(t, ch)
	for _, p := range ch.Placements {
		if p.Family == catalog.Credits("pe1") {
			if got, want := p.Places[len(p.Places)-1], (catalog.Place{Set: "of/pe1", Key: "title/:09999"}); len(p.Places) != n || got != want {
				t.Errorf("%d places, the last %+v", len(p.Places), got)
			}
		}
	}
	ch, err = project.Projection(record(t, "video", "v1", &catalogv1.VideoEvent{
		Payload: &catalogv1.Video{Id: "v1", Slug: "a", FormerSlugs: []string{"a", "b", "b"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	check(t, ch)
}

func TestSearchEnginesAreToldSafely(t *testing.T) {
	ch, err := project.Projection(record(t, "programme", "p1", &catalogv1.ProgrammeEvent{
		Payload: &catalogv1.Programme{Id: "p1", Title: "</script><script>alert('&')\u2028"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	var p projectionv1.Programme
	if err := proto.Unmarshal(ch.Blobs[catalog.Web], &p); err != nil {
		t.Fatal(err)
	}
	const want = `{"@context":"https://schema.org","@type":"CreativeWork","name":"\u003c/script\u003e\u003cscript\u003ealert('\u0026')\u2028"}`
	if diff := cmp.Diff(want, p.GetSeo().GetJsonLd()); diff != "" {
		t.Error(diff)
	}
	if p.GetSeo().GetTitle() != p.GetTitle() {
		t.Errorf("title %q", p.GetSeo().GetTitle())
	}
}

func TestDurationsAreISO8601(t *testing.T) {
	for seconds, want := range map[int32]string{0: "", -1: "", 1: "PT1S", 45: "PT45S", 60: "PT1M", 3600: "PT1H", 3723: "PT1H2M3S", 604800: "PT168H"} {
		if got := project.Duration(seconds); got != want {
			t.Errorf("%d s: %q instead of %q", seconds, got, want)
		}
	}
}

func FuzzProjection(f *testing.F) {
	for kind, messages := range kinds {
		e := messages.event()
		b, err := os.ReadFile("testdata/" + kind + "/full.txtpb")
		if err != nil {
			f.Fatal(err)
		}
		if err := prototext.Unmarshal(b, e); err != nil {
			f.Fatal(err)
		}
		value, _, err := stream.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, "p1", value)
		f.Add(kind, "p1", []byte{})
	}
	f.Fuzz(func(t *testing.T, kind, key string, value []byte) {
		ch, err := project.Projection(stream.Record{Topic: stream.Catalog(kind), Key: []byte(key), Value: value})
		if err == nil {
			check(t, ch)
		}
	})
}

func BenchmarkProjection(b *testing.B) {
	for kind, messages := range kinds {
		b.Run(kind, func(b *testing.B) {
			e := messages.event()
			text, err := os.ReadFile("testdata/" + kind + "/full.txtpb")
			if err != nil {
				b.Fatal(err)
			}
			if err := prototext.Unmarshal(text, e); err != nil {
				b.Fatal(err)
			}
			value, headers, err := stream.Encode(e)
			if err != nil {
				b.Fatal(err)
			}
			r := stream.Record{Topic: stream.Catalog(kind), Key: []byte("p1"), Value: value, Headers: headers}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := project.Projection(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestAProgrammeWithoutSectionsHasNoBlobOfThem: most have none, and that there is no blob says the same.
func TestAProgrammeWithoutSectionsHasNoBlobOfThem(t *testing.T) {
	event := &catalogv1.ProgrammeEnrichedEvent{
		EventType: catalogv1.EventType_EVENT_TYPE_UPDATED, Payload: &catalogv1.ProgrammeSections{ProgrammeId: "p1"},
	}
	ch, err := project.Projection(record(t, "programme-enriched", "p1", event))
	if err != nil || ch.Kind != catalog.Sections || len(ch.Blobs) > 0 || len(ch.Placements) > 0 {
		t.Errorf("%+v, %v", ch, err)
	}
}
