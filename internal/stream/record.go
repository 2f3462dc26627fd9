package stream

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Headers that records carry.
const (
	// HeaderContentType is ContentProtobuf or ContentJSON.
	HeaderContentType = "content-type"
	// HeaderSchema is a Protobuf value's full message name.
	HeaderSchema = "schema"
	// HeaderTraceparent is W3C's.
	HeaderTraceparent = "traceparent"
	// HeaderCMSTime is when the editor's change was made, in Unix milliseconds: what freshness is measured from.
	HeaderCMSTime = "cms-time"
	// HeaderSource is the record that this one was computed from: topic/partition/offset/topic id.
	HeaderSource = "source"
	// HeaderOrigin is on a copy of a record (set aside, retried, replayed): topic/partition/offset of the original, by
	// which the copy is fenced.
	HeaderOrigin = "origin"
	// HeaderSequence counts the changes that capture wrote of a collection: of two records the later has the higher.
	HeaderSequence = "capture-sequence"
	// HeaderReason, on a record set aside, says why.
	HeaderReason = "dead-reason"
)

// What a value can be encoded as.
const (
	ContentProtobuf = "application/protobuf"
	ContentJSON     = "application/json"
)

// Record is one record of a topic.
type Record struct {
	// Topic lacks the project's part.
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte
	// Value is nil in a tombstone.
	Value   []byte
	Headers Headers
	// Time is when the record was made; of one to be produced, zero means now.
	Time time.Time
	// TopicID is Kafka's id of the topic; consumed records only.
	TopicID string
	// Fence orders the writes of one key; consumed records only.
	Fence Fence
}

// Source names the record in HeaderSource's form.
func (r Record) Source() string {
	return fmt.Sprintf("%s/%d/%d/%s", r.Topic, r.Partition, r.Offset, r.TopicID)
}

// Origin names the record in HeaderOrigin's form; a copy keeps its original's.
func (r Record) Origin() string {
	if o := r.Headers.Get(HeaderOrigin); o != "" {
		return o
	}
	return fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
}

// CMSTime is when the editor's change was made, or the zero time.
func (r Record) CMSTime() time.Time {
	ms, err := strconv.ParseInt(r.Headers.Get(HeaderCMSTime), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Headers keep their order.
type Headers []Header

// Header is one of them.
type Header struct{ Key, Value string }

// Get returns the last value of key, or "".
func (h Headers) Get(key string) string {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key == key {
			return h[i].Value
		}
	}
	return ""
}

// Passed are those that go along the whole flow.
func (h Headers) Passed() (out Headers) {
	for _, k := range []string{HeaderCMSTime, HeaderTraceparent} {
		if v := h.Get(k); v != "" {
			out = append(out, Header{Key: k, Value: v})
		}
	}
	return out
}

// Fence is a record's place in the history of its key: the incarnation of its topic, then its offset. The incarnation
// rises when the offsets begin anew or the sink lost what it had.
type Fence struct {
	Incarnation int64
	Offset      int64
}

// Compare orders fences.
func (f Fence) Compare(g Fence) int {
	return cmp.Or(cmp.Compare(f.Incarnation, g.Incarnation), cmp.Compare(f.Offset, g.Offset))
}

// FenceSize is the length of a fence as a string.
const FenceSize = 11 + 13

// String is the same order as text: 11 and 13 hexadecimal digits.
func (f Fence) String() string {
	const digits = "0123456789abcdef"
	var b [FenceSize]byte
	for i, v := len(b)-1, f.Offset; i >= 11; i, v = i-1, v>>4 {
		b[i] = digits[v&15]
	}
	for i, v := 10, f.Incarnation; i >= 0; i, v = i-1, v>>4 {
		b[i] = digits[v&15]
	}
	return string(b[:])
}

// fence is where the record stands: a copy stands where its original does, so that old data never overwrites newer.
func (r Record) fence(incarnation int64) Fence {
	f := Fence{Incarnation: incarnation, Offset: r.Offset}
	topic, partition, offset, ok := parseOrigin(r.Headers.Get(HeaderOrigin))
	if ok && topic == r.Topic && partition == r.Partition && offset < r.Offset {
		f.Offset = offset
	}
	return f
}

func parseOrigin(s string) (topic string, partition int32, offset int64, ok bool) {
	topic, partition, offset, _, ok = parseSource(s + "/")
	return topic, partition, offset, ok
}

func parseSource(s string) (topic string, partition int32, offset int64, topicID string, ok bool) {
	parts := strings.SplitN(s, "/", 4)
	if len(parts) != 4 {
		return "", 0, 0, "", false
	}
	p, err1 := strconv.ParseInt(parts[1], 10, 32)
	o, err2 := strconv.ParseInt(parts[2], 10, 64)
	return parts[0], int32(p), o, strings.TrimSuffix(parts[3], "/"), err1 == nil && err2 == nil
}

// Encode marshals m, the same bytes for the same message, and returns the headers that say what they are.
func Encode(m proto.Message) ([]byte, Headers, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return b, Headers{
		{HeaderContentType, ContentProtobuf},
		{HeaderSchema, string(m.ProtoReflect().Descriptor().FullName())},
	}, nil
}

// Decode unmarshals the record's value, Protobuf or Protobuf's JSON as its content-type says. Its errors are permanent.
func (r Record) Decode(m proto.Message) error {
	var err error
	switch ct := r.Headers.Get(HeaderContentType); ct {
	case ContentProtobuf, "":
		err = proto.Unmarshal(r.Value, m)
	case ContentJSON:
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(r.Value, m)
	default:
		err = fmt.Errorf("content-type %q is neither %s nor %s", ct, ContentProtobuf, ContentJSON)
	}
	if err != nil {
		return Permanent(fmt.Errorf("decoding %s: %w", m.ProtoReflect().Descriptor().FullName(), err))
	}
	return nil
}

func (c *Cluster) fromMessage(m *kafka.Message) Record {
	r := Record{
		Topic:     c.short(*m.TopicPartition.Topic),
		Partition: m.TopicPartition.Partition,
		Offset:    int64(m.TopicPartition.Offset),
		Key:       m.Key,
		Value:     m.Value,
		Time:      m.Timestamp,
	}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, Header{h.Key, string(h.Value)})
	}
	return r
}

func (c *Cluster) toMessage(r Record) *kafka.Message {
	topic := c.Topic(r.Topic)
	m := &kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: r.Partition},
		Key:            r.Key,
		Value:          r.Value,
		Timestamp:      r.Time,
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Key, Value: []byte(h.Value)})
	}
	return m
}
