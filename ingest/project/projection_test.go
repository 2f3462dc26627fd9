package project_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"regie/ingest/project"
	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// kinds are the entities that are projected: an event's and a blob's message.
var kinds = map[string]struct{ event, blob func() proto.Message }{
	"programme": {
		func() proto.Message { return &catalogv1.ProgrammeEvent{} },
		func() proto.Message { return &projectionv1.Programme{} },
	},
	"video": {
		func() proto.Message { return &catalogv1.VideoEvent{} },
		func() proto.Message { return &projectionv1.Video{} },
	},
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
				if ch.Kind != kind || ch.ID != "p1" || ch.Fence != (stream.Fence{Incarnation: 7, Offset: 41}) {
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

// places is a line for each order of each family.
func places(ch catalog.Change) string {
	var lines []string
	for _, p := range ch.Placements {
		for order, key := range p.Keys {
			lines = append(lines, fmt.Sprintf("%s %s %v %s\n", p.Family, order, p.Screens, key))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestTheSameRecordMakesTheSameBytes(t *testing.T) {
	var e catalogv1.ProgrammeEvent
	parse(t, "testdata/programme/full.txtpb", &e)
	r := record(t, "programme", "p1", &e)
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
			t.Fatal(diff)
		}
	}
}

func TestWhatIsDeletedHasNeitherBlobNorPlace(t *testing.T) {
	deleted := map[string]proto.Message{
		"programme": &catalogv1.ProgrammeEvent{EventType: catalogv1.EventType_EVENT_TYPE_DELETED, PrevPayload: &catalogv1.Programme{Id: "p1", Slug: "a"}},
		"video":     &catalogv1.VideoEvent{EventType: catalogv1.EventType_EVENT_TYPE_DELETED},
	}
	for kind, event := range deleted {
		tombstone := record(t, kind, "p1", event)
		tombstone.Value, tombstone.Headers = nil, nil
		for name, r := range map[string]stream.Record{"an event": record(t, kind, "p1", event), "a tombstone": tombstone} {
			t.Run(name+" of a "+kind, func(t *testing.T) {
				got, err := project.Projection(r)
				if err != nil {
					t.Fatal(err)
				}
				want := catalog.Change{Kind: kind, ID: "p1", Fence: stream.Fence{Incarnation: 7, Offset: 41}}
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
		payload := map[string]proto.Message{
			"programme": &catalogv1.ProgrammeEvent{Payload: &catalogv1.Programme{Id: "p1"}},
			"video":     &catalogv1.VideoEvent{Payload: &catalogv1.Video{Id: "p1"}},
		}[kind]
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

func FuzzProjection(f *testing.F) {
	var e catalogv1.ProgrammeEvent
	b, err := os.ReadFile("testdata/programme/full.txtpb")
	if err != nil {
		f.Fatal(err)
	}
	if err := prototext.Unmarshal(b, &e); err != nil {
		f.Fatal(err)
	}
	value, _, err := stream.Encode(&e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("programme", "p1", value)
	f.Add("video", "p1", []byte{})
	f.Fuzz(func(t *testing.T, kind, key string, value []byte) {
		ch, err := project.Projection(stream.Record{Topic: stream.Catalog(kind), Key: []byte(key), Value: value})
		if err != nil {
			return
		}
		if n := len(ch.Blobs); n != 0 && n != len(catalog.Screens()) || (n == 0) != (len(ch.Placements) == 0) {
			t.Errorf("%d blobs and %d placements", n, len(ch.Placements))
		}
	})
}
