package stream_test

import (
	"cmp"
	"fmt"
	"math"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/emptypb"

	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// FuzzFenceOrder: the order of fences is the order of their text, which is what Redis compares.
func FuzzFenceOrder(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), int64(1))
	f.Add(int64(15), int64(0), int64(16), int64(0))
	f.Add(int64(1_900_000_000), int64(9), int64(1_900_000_000), int64(10))
	f.Add(int64(1), int64(1)<<51, int64(2), int64(0))
	f.Fuzz(func(t *testing.T, i1, o1, i2, o2 int64) {
		// 11 and 13 hexadecimal digits: until the year 559444, and 4.5 * 10^15 records.
		a := stream.Fence{Incarnation: i1 & (1<<44 - 1), Offset: o1 & (1<<52 - 1)}
		b := stream.Fence{Incarnation: i2 & (1<<44 - 1), Offset: o2 & (1<<52 - 1)}
		if got, want := cmp.Compare(a.String(), b.String()), a.Compare(b); got != want {
			t.Errorf("%v and %v compare %d, their text %d", a, b, want, got)
		}
		if got := b.Compare(a); got != -a.Compare(b) {
			t.Errorf("%v and %v are not ordered", a, b)
		}
		if n := len(a.String()); n != 24 {
			t.Errorf("%v is %d characters long", a, n)
		}
	})
}

func TestACopyStandsWhereItsOriginalDoes(t *testing.T) {
	const topic = "catalog.programme"
	tests := map[string]struct {
		origin string
		offset int64
	}{
		"no origin":                       {"", 100},
		"of this partition":               {"catalog.programme/3/42", 42},
		"of another partition":            {"catalog.programme/4/42", 100},
		"of another topic":                {"catalog.video/3/42", 100},
		"later than the copy":             {"catalog.programme/3/101", 100},
		"without an offset":               {"catalog.programme/3", 100},
		"no number":                       {"catalog.programme/3/x", 100},
		"a partition that no int32 holds": {"catalog.programme/4294967299/42", 100},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := stream.Record{Topic: topic, Partition: 3, Offset: 100}
			if tt.origin != "" {
				r.Headers = stream.Headers{{Key: stream.HeaderOrigin, Value: tt.origin}}
			}
			if diff := gocmp.Diff(stream.Fence{Incarnation: 7, Offset: tt.offset}, stream.FenceIn(r, 7)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheOriginOfACopyIsItsOriginals(t *testing.T) {
	r := stream.Record{Topic: "catalog.video", Partition: 2, Offset: 9}
	if got := r.Origin(); got != "catalog.video/2/9" {
		t.Errorf("got %q", got)
	}
	r.Headers = stream.Headers{{Key: stream.HeaderOrigin, Value: "catalog.video/2/3"}}
	if got := r.Origin(); got != "catalog.video/2/3" {
		t.Errorf("a copy of a copy: got %q", got)
	}
}

func TestCMSTime(t *testing.T) {
	tests := map[string]struct {
		headers stream.Headers
		want    time.Time
	}{
		"none":          {nil, time.Time{}},
		"no number":     {stream.Headers{{Key: stream.HeaderCMSTime, Value: "soon"}}, time.Time{}},
		"milliseconds":  {stream.Headers{{Key: stream.HeaderCMSTime, Value: "1700000000123"}}, time.UnixMilli(1700000000123)},
		"the last wins": {stream.Headers{{Key: stream.HeaderCMSTime, Value: "1"}, {Key: stream.HeaderCMSTime, Value: "2"}}, time.UnixMilli(2)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (stream.Record{Headers: tt.headers}).CMSTime(); !got.Equal(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func programmeEvent() *catalogv1.ProgrammeEvent {
	return &catalogv1.ProgrammeEvent{
		EventUuid: "u",
		EventType: catalogv1.EventType_EVENT_TYPE_UPDATED,
		Payload:   &catalogv1.Programme{Id: "p1", Slug: "le-greffe", Title: "Le Greffe", Year: proto.Int32(2026)},
	}
}

func TestAValueIsDecodedAsItsContentTypeSays(t *testing.T) {
	binary, headers, err := stream.Encode(programmeEvent())
	if err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(programmeEvent())
	if err != nil {
		t.Fatal(err)
	}
	contentType := func(v string) stream.Headers { return stream.Headers{{Key: stream.HeaderContentType, Value: v}} }
	tests := map[string]struct {
		value   []byte
		headers stream.Headers
		refused bool
	}{
		"as Encode writes it":      {binary, headers, false},
		"protobuf without headers": {binary, nil, false},
		"json":                     {text, contentType(stream.ContentJSON), false},
		"json of a later version":  {append([]byte(`{"later":[1],`), text[1:]...), contentType(stream.ContentJSON), false},
		"json called protobuf":     {text, contentType(stream.ContentProtobuf), true},
		"protobuf called json":     {binary, contentType(stream.ContentJSON), true},
		"avro":                     {binary, contentType("application/avro"), true},
		"truncated":                {binary[:len(binary)-1], headers, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got catalogv1.ProgrammeEvent
			err := stream.Record{Value: tt.value, Headers: tt.headers}.Decode(&got)
			if tt.refused {
				if !stream.IsPermanent(err) {
					t.Errorf("got error %v, want a permanent one", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(programmeEvent(), &got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	value, _, err := stream.Encode(programmeEvent())
	if err != nil {
		t.Fatal(err)
	}
	var e emptypb.Empty // a version that knows none of the fields yet
	if err := (stream.Record{Value: value}).Decode(&e); err != nil {
		t.Fatal(err)
	}
	again, _, err := stream.Encode(&e)
	if err != nil {
		t.Fatal(err)
	}
	var back catalogv1.ProgrammeEvent
	if err := (stream.Record{Value: again}).Decode(&back); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(programmeEvent(), &back, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	binary, _, err := stream.Encode(programmeEvent())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(binary, stream.ContentProtobuf)
	f.Add([]byte(`{"payload":{"id":"p1"}}`), stream.ContentJSON)
	f.Add([]byte(`{"payload":{"publishedAt":"9999-99-99"}}`), stream.ContentJSON)
	f.Add([]byte{}, "")
	f.Add([]byte{0xff}, "text/plain")
	f.Fuzz(func(t *testing.T, value []byte, contentType string) {
		r := stream.Record{Value: value, Headers: stream.Headers{{Key: stream.HeaderContentType, Value: contentType}}}
		var e, again catalogv1.ProgrammeEvent
		if err := r.Decode(&e); err != nil {
			if !stream.IsPermanent(err) {
				t.Errorf("%v is not permanent", err)
			}
			return
		}
		b, h, err := stream.Encode(&e)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if err := (stream.Record{Value: b, Headers: h}).Decode(&again); err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if diff := gocmp.Diff(&e, &again, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzParseSource(f *testing.F) {
	for _, s := range []string{"", "/", "///", "t/1/2/id", "t/-1/-2/", "t/1/2", "t/1/2/a/b", "a.b-c/99999999999/1/x", "t/0/9223372036854775808/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		topic, partition, offset, topicID, ok := stream.ParseSource(s)
		if !ok {
			return
		}
		// What is understood is understood in the same way once it is written again.
		r := stream.Record{Topic: topic, Partition: partition, Offset: offset, TopicID: topicID}
		topic2, partition2, offset2, _, ok := stream.ParseSource(r.Source())
		if !ok || topic2 != topic || partition2 != partition || offset2 != offset {
			t.Errorf("%q is read as %s, which is read as %s/%d/%d", s, r.Source(), topic2, partition2, offset2)
		}
	})
}

// TestJavasPartition: the vectors are those of Java's own test of Utils.murmur2.
func TestJavasPartition(t *testing.T) {
	vectors := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	}
	c := servertest.Cluster(t, used...)
	want, got := map[string]int32{}, map[string]int32{}
	var rs []stream.Record
	for key, hash := range vectors {
		want[key] = (hash & math.MaxInt32) % 12
		rs = append(rs, record(key, "x"))
	}
	for i, d := range produce(t, c, rs...) {
		got[string(rs[i].Key)] = d.Partition
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatARecordHoldsSurvivesKafka(t *testing.T) {
	c := servertest.Cluster(t, used...)
	headers := stream.Headers{{Key: "a", Value: "1"}, {Key: "b", Value: ""}, {Key: "a", Value: "2"}, {Key: "é", Value: "\x00\xff"}}
	want := []stream.Record{
		{Topic: in, Key: []byte("k"), Value: []byte("v"), Headers: headers},
		{Topic: in, Key: []byte("k"), Value: []byte{}},
		{Topic: in, Key: []byte("k"), Value: nil, Headers: stream.Headers{{Key: "of", Value: "a tombstone"}}},
		{Topic: in, Key: []byte("\x00\xff"), Value: []byte{0, 1, 2}},
	}
	produce(t, c, want...)
	id := topicID(t, c)
	byKey := func(rs []stream.Record) map[string][]string {
		m := map[string][]string{}
		for _, r := range rs {
			m[string(r.Key)] = append(m[string(r.Key)], fmt.Sprintf("%#v %q", r.Value, r.Headers))
		}
		return m
	}
	got := servertest.ReadAll(t, c, in)
	for _, r := range got {
		if r.Topic != in || r.TopicID != id || r.Time.IsZero() {
			t.Errorf("read of topic %q, id %q, time %v", r.Topic, r.TopicID, r.Time)
		}
	}
	if diff := gocmp.Diff(byKey(want), byKey(got)); diff != "" {
		t.Error(diff)
	}
}
