package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"regie/internal/stream"
	schedulev1 "regie/proto/schedule/v1"
)

// Entry is a pending request.
type Entry struct {
	ID string
	// Partition and Offset are the request's.
	Partition int32
	Offset    int64
	// Epoch is when, in Unix seconds; 0 with a Problem.
	Epoch int64
	// Target is the topic's whole name, and Key the record's there: nil for none.
	Target string
	Key    []byte
	// Headers are all of the request's. Value is nil when a tombstone is to be produced.
	Headers stream.Headers
	Value   []byte
	// Requested is when the request was made.
	Requested time.Time
	// Size is the value's.
	Size int64
	// Elsewhere: Headers and Value are not here but in the log.
	Elsewhere bool
	// Problem is why this cannot be produced, or "".
	Problem string
}

const (
	// LastEpoch is the last second of the year 9999.
	LastEpoch = 253402300799
	// small is up to how many bytes headers and value are kept in Redis.
	small = 16 << 10
	// shown is how much of an id or a key is told in a reason.
	shown = 200
)

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// Read reads a request, which has a value. What is wrong with it is its Problem. name is the cluster's Name.
func Read(r stream.Record, name func(string) string) Entry {
	e := Entry{
		ID: string(r.Key), Partition: r.Partition, Offset: r.Offset, Target: r.Headers.Get(HeaderTargetTopic),
		Headers: r.Headers, Value: r.Value, Requested: r.Time, Size: int64(len(r.Value)),
	}
	if key := r.Headers.Get(HeaderTargetKey); key != "" {
		e.Key = []byte(key)
	}
	var errs []error
	var err error
	if e.Epoch, err = readEpoch(r.Headers.Get(HeaderEpoch)); err != nil {
		errs = append(errs, err)
	}
	if err := CheckTarget(e.Target, name); err != nil {
		errs = append(errs, err)
	}
	switch p := r.Headers.Get(HeaderPayload); p {
	case "":
	case PayloadNil:
		e.Value, e.Size = nil, 0
	default:
		errs = append(errs, fmt.Errorf("%s is %.*q: %q, or no such header", HeaderPayload, shown, p, PayloadNil))
	}
	if err := errors.Join(errs...); err != nil {
		e.Epoch, e.Problem = 0, strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return e
}

func readEpoch(s string) (int64, error) {
	if s == "" {
		return 0, fmt.Errorf("%s is missing: when, in Unix seconds", HeaderEpoch)
	}
	epoch, err := strconv.ParseInt(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && epoch > LastEpoch:
		return 0, fmt.Errorf("%s %.*s is after the year 9999: it is in seconds", HeaderEpoch, shown, s)
	case err != nil:
		return 0, fmt.Errorf("%s %.*q is no whole number of Unix seconds", HeaderEpoch, shown, s)
	case epoch < 0:
		return 0, fmt.Errorf("%s %d is negative", HeaderEpoch, epoch)
	}
	return epoch, nil
}

// CheckTarget tells why nothing may be scheduled for a topic, whether it exists or not: topics of the project have one
// writer each. name is the cluster's Name.
func CheckTarget(target string, name func(string) string) error {
	if target == "" {
		return fmt.Errorf("%s is missing: a topic's whole name", HeaderTargetTopic)
	}
	if !topicName.MatchString(target) || target == "." || target == ".." {
		return fmt.Errorf("%s %.*q is no topic's name", HeaderTargetTopic, shown, target)
	}
	short := name(target)
	owned := strings.HasPrefix(target, "__") // Kafka's own
	for _, domain := range []string{"cms.", "catalog.", "capture.", "user.", "schedule."} {
		owned = owned || strings.HasPrefix(short, domain) && short != stream.ProgrammeTouched
	}
	if owned || short[0] != '/' && strings.HasSuffix(short, stream.Dead("")) {
		return fmt.Errorf("%s %s may not be written: it has a writer of its own", HeaderTargetTopic, target)
	}
	return nil
}

// Fired are the headers of what is produced.
func (e *Entry) Fired(requests string) stream.Headers {
	return append(e.Headers[:len(e.Headers):len(e.Headers)],
		stream.Header{Key: HeaderTimestamp, Value: strconv.FormatInt(e.Requested.Unix(), 10)},
		stream.Header{Key: HeaderKey, Value: e.ID},
		stream.Header{Key: HeaderTopic, Value: requests})
}

// Again is the request once more, as it was, for its own partition.
func (e *Entry) Again() stream.Record {
	r := stream.Record{Topic: stream.ScheduleRequest, Partition: e.Partition, Key: []byte(e.ID), Value: e.Value, Headers: e.Headers, Time: e.Requested}
	if r.Value == nil {
		r.Value = []byte{}
	}
	return r
}

// At is Again for another time.
func (e *Entry) At(epoch int64) stream.Record {
	r := e.Again()
	r.Time = time.Time{}
	r.Headers = nil
	for _, h := range e.Headers {
		if h.Key != HeaderEpoch {
			r.Headers = append(r.Headers, h)
		}
	}
	r.Headers = append(r.Headers, stream.Header{Key: HeaderEpoch, Value: strconv.FormatInt(epoch, 10)})
	return r
}

// FiredOffset is what a tombstone closes: the request at this offset and what was before it. False for a cancellation.
func FiredOffset(r stream.Record) (int64, bool) {
	offset, err := strconv.ParseInt(r.Headers.Get(HeaderFiredOffset), 10, 64)
	return offset, err == nil && offset >= 0
}

// place is an offset as the index orders it.
func place(offset int64) string { return fmt.Sprintf("%016x", offset) }

const placeSize = 16

// encode is the entry as Redis has it, behind its place.
func (e *Entry) encode() ([]byte, error) {
	m := &schedulev1.Entry{
		RequestedAt: e.Requested.UnixMilli(), TargetTopic: e.Target, TargetKey: e.Key, Size: e.Size, Problem: e.Problem,
		Value: e.Value, Elsewhere: e.Elsewhere, Epoch: e.Epoch,
	}
	size := len(e.Value)
	for _, h := range e.Headers {
		m.Headers = append(m.Headers, &schedulev1.Header{Key: h.Key, Value: []byte(h.Value)})
		size += len(h.Key) + len(h.Value)
	}
	if size > small {
		m.Headers, m.Value, m.Elsewhere = nil, nil, true
		m.TargetKey = m.TargetKey[:min(len(m.TargetKey), small)]
		m.TargetTopic = m.TargetTopic[:min(len(m.TargetTopic), small)]
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding a schedule's entry: %w", err)
	}
	return b, nil
}

// decode reads an entry with its place.
func decode(id string, partition int32, b string) (Entry, error) {
	e := Entry{ID: id, Partition: partition}
	if len(b) < placeSize {
		return e, fmt.Errorf("the entry of schedule %.*q is cut", shown, id)
	}
	var err error
	if e.Offset, err = strconv.ParseInt(b[:placeSize], 16, 64); err != nil {
		return e, fmt.Errorf("the entry of schedule %.*q: %w", shown, id, err)
	}
	var m schedulev1.Entry
	if err := proto.Unmarshal([]byte(b[placeSize:]), &m); err != nil {
		return e, fmt.Errorf("the entry of schedule %.*q: %w", shown, id, err)
	}
	e.Target, e.Key, e.Value, e.Size = m.GetTargetTopic(), m.TargetKey, m.Value, m.GetSize()
	e.Requested, e.Elsewhere, e.Problem = time.UnixMilli(m.GetRequestedAt()), m.GetElsewhere(), m.GetProblem()
	for _, h := range m.GetHeaders() {
		e.Headers = append(e.Headers, stream.Header{Key: h.GetKey(), Value: string(h.GetValue())})
	}
	e.Epoch = m.GetEpoch()
	return e, nil
}
