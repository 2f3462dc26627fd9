// Package schedule is what producers and the role schedule share: how a record that is to be produced at a time stands in
// regie.schedule.request. The contract is kafka-message-scheduler's:
//
//	key      the schedule's id: a later record of the same key replaces it, a tombstone cancels it
//	value    the record's, which may be empty
//	headers  the record's own, then those below
package schedule

import (
	"strconv"
	"time"

	"regie/internal/stream"
)

// Headers of a request, and of what was fired.
const (
	// HeaderEpoch is when, in Unix seconds.
	HeaderEpoch = "scheduler-epoch"
	// HeaderTargetTopic is the whole name of the topic, with its project.
	HeaderTargetTopic = "scheduler-target-topic"
	// HeaderTargetKey is the record's key there; absent: it has none.
	HeaderTargetKey = "scheduler-target-key"
	// HeaderPayload, when it is PayloadNil, has a tombstone produced: a request without a value would be a cancellation, which
	// compaction forgets.
	HeaderPayload = "scheduler-payload"
	// HeaderTimestamp, on what was fired, is when the request was made, in Unix seconds.
	HeaderTimestamp = "scheduler-timestamp"
	// HeaderKey, on what was fired, is the schedule's id.
	HeaderKey = "scheduler-key"
	// HeaderTopic, on what was fired, is the request's topic.
	HeaderTopic = "scheduler-topic"
	// HeaderFiredOffset, on the tombstone of what was fired, is the request's offset: it closes nothing newer.
	HeaderFiredOffset = "scheduler-fired-offset"
)

// PayloadNil is the value of HeaderPayload.
const PayloadNil = "nil"

// Request makes the record that has r produced to target, a topic's whole name, at a time: in the first whole second that
// is not before it. r's topic, partition and offset do not matter.
func Request(id string, at time.Time, target string, r stream.Record) stream.Record {
	epoch := at.Unix()
	if at.Nanosecond() > 0 {
		epoch++
	}
	headers := append(stream.Headers{}, r.Headers...)
	headers = append(headers,
		stream.Header{Key: HeaderEpoch, Value: strconv.FormatInt(epoch, 10)},
		stream.Header{Key: HeaderTargetTopic, Value: target})
	if r.Key != nil {
		headers = append(headers, stream.Header{Key: HeaderTargetKey, Value: string(r.Key)})
	}
	value := r.Value
	if value == nil {
		value = []byte{}
		headers = append(headers, stream.Header{Key: HeaderPayload, Value: PayloadNil})
	}
	return stream.Record{Topic: stream.ScheduleRequest, Partition: stream.AnyPartition, Key: []byte(id), Value: value, Headers: headers}
}

// Cancel makes the record that takes a request back.
func Cancel(id string) stream.Record {
	return stream.Record{Topic: stream.ScheduleRequest, Partition: stream.AnyPartition, Key: []byte(id)}
}
