package recommend

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// evaluation is of one programme's sections, at a time.
type evaluation struct {
	id string
	at time.Time
	// touches are the records of the batch that are the reason, fence that of the last; because is the one that is passed on.
	touches []int
	fence   stream.Fence
	because int
	// edited: the programme itself was. fired: the scheduler has nothing for it any more.
	edited, fired bool
	// retry is before when nothing is asked of the scheduler, whose clock is far before ours: it would fire at once, over and over.
	retry time.Time

	rules *catalogv1.Programme // nil when there is no such programme
	told  told
	// outputs is the word for where it is told.
	outputs string
	open    map[catalogv1.Screen]territories

	// mostWatched are its videos, as many as a rule asks for at the most.
	mostWatched []string

	searches []*search
	scanned  int
	// next is when the outcome may be another by itself; zero when never.
	next time.Time
	// expired are videos in lists that may never be watched again.
	expired []catalog.Member
	// err is why it cannot be evaluated.
	err error
}

// told is what is known to have been told of a programme.
type told struct {
	// ever: something was. known: what.
	ever, known bool
	hash        string
	// asked is the instant that the scheduler was asked for, or zero.
	asked time.Time
	// outputs is the word for where that was.
	outputs string
}

// unsure stands for what is told while that is being done: a crash leaves it, and then it is told again.
const unsure = "?"

// parseTold reads what was told to topics that may be others now: then it is not known there.
func parseTold(b []byte, outputs string) told {
	if b == nil {
		return told{}
	}
	words := strings.Fields(string(b))
	if len(words) != 3 || words[2] != outputs {
		return told{ever: true}
	}
	n, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return told{ever: true}
	}
	t := told{ever: true, known: true, hash: words[0], outputs: outputs}
	if n != 0 {
		t.asked = time.Unix(0, n).UTC()
	}
	return t
}

func (t told) bytes() []byte {
	n := int64(0)
	if !t.asked.IsZero() {
		n = t.asked.UnixNano()
	}
	return []byte(t.hash + " " + strconv.FormatInt(n, 10) + " " + t.outputs)
}

// begin makes a search of each rule.
func (e *evaluation) begin() {
	e.open = map[catalogv1.Screen]territories{}
	for _, screen := range screens {
		e.open[screen] = open(e.rules.GetRights(), screen, e.at)
	}
	if len(e.rules.GetSections()) > 0 {
		e.mindWindows(e.rules.GetRights())
	}
	for _, rule := range e.rules.GetSections() {
		e.searches = append(e.searches, newSearch(e, rule, e.watched(rule.GetOrder(), rule.GetLimit())))
	}
}

// watched are the most watched videos, when an order asks for them.
func (e *evaluation) watched(order catalogv1.SectionOrder, limit int32) []string {
	return e.mostWatched[:min(len(e.mostWatched), asksWatched(order, limit))]
}

// asksWatched is how many of the most watched videos an order asks for: of few, none might be open.
func asksWatched(order catalogv1.SectionOrder, limit int32) int {
	if order != catalogv1.SectionOrder_SECTION_ORDER_MOST_WATCHED {
		return 0
	}
	return max(spare*limitOf(limit), firstRead)
}

// lastInstant is the last that is asked of the scheduler: what lies behind it is "for ever", as some write it.
var lastInstant = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// mind notes an instant at which the outcome may change.
func (e *evaluation) mind(t time.Time) {
	if t.After(e.at) && t.Before(lastInstant) && (e.next.IsZero() || t.Before(e.next)) {
		e.next = t
	}
}

func (e *evaluation) mindWindows(rights []*catalogv1.Right) {
	for _, r := range rights {
		for _, t := range []*timestamppb.Timestamp{r.GetFrom(), r.GetUntil()} {
			if t != nil {
				e.mind(t.AsTime())
			}
		}
	}
}

// unlist notes a video that no list needs any more.
func (e *evaluation) unlist(id string, v *catalogv1.Video) error {
	p, err := placed(e.id, v)
	e.expired = append(e.expired, catalog.Member{ID: id, Placement: p})
	return err
}

// payload is what the sections are.
func (e *evaluation) payload() *catalogv1.ProgrammeSections {
	out := &catalogv1.ProgrammeSections{ProgrammeId: e.id}
	for _, s := range e.searches {
		if section := s.section(); section != nil {
			out.Sections = append(out.Sections, section)
		}
	}
	return out
}

// maxRecord is the largest value that a record of the topic can have.
const maxRecord = 30 << 20

// outcome is what is to be told: records, none when all was told before, and what is known then; nil when that is nothing.
func (e *evaluation) outcome(because stream.Record, touches string) (rs []stream.Record, known []byte, err error) {
	event := &catalogv1.ProgrammeEnrichedEvent{
		EventUuid: eventID(because.Source(), e.id), EventType: catalogv1.EventType_EVENT_TYPE_UPDATED,
		Source: &catalogv1.Source{Topic: because.Topic, Partition: because.Partition, Offset: because.Offset, TopicId: because.TopicID},
	}
	if changed := because.CMSTime(); !changed.IsZero() {
		event.OccurredAt = timestamppb.New(changed)
	}
	if e.rules == nil {
		if !e.told.ever && !e.edited {
			return nil, nil, nil // somebody's videos name a programme that is not there
		}
		event.EventType = catalogv1.EventType_EVENT_TYPE_DELETED
		r, err := record(stream.ProgrammeEnriched, e.id, event, because.Headers.Passed())
		rs = append(rs, r, stream.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Headers: because.Headers.Passed()})
		if e.told.ever && (!e.told.known || !e.told.asked.IsZero()) {
			rs = append(rs, schedule.Cancel(scheduleID(e.id)))
		}
		return rs, nil, err
	}
	now := told{asked: e.next, outputs: e.outputs}
	event.Payload = e.payload()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(event.Payload)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the sections: %w", err)
	}
	if len(b) > maxRecord {
		return nil, nil, fmt.Errorf("its sections have %d bytes, more than a record can hold", len(b))
	}
	sum := sha256.Sum256(b)
	now.hash = hex.EncodeToString(sum[:16])
	if !e.told.known || e.told.hash != now.hash {
		r, err := record(stream.ProgrammeEnriched, e.id, event, because.Headers.Passed())
		if err != nil {
			return nil, nil, err
		}
		rs = append(rs, r)
	}
	switch was := e.told.asked; {
	case e.next.IsZero() && !was.IsZero() && !e.fired:
		rs = append(rs, schedule.Cancel(scheduleID(e.id)))
	case !e.next.IsZero() && (!e.next.Equal(was) || e.fired):
		r, err := asked(e.id, e.next, e.retry, touches)
		if err != nil {
			return nil, nil, err
		}
		rs = append(rs, r)
	case !now.asked.Equal(was) && len(rs) == 0: // it has fired, and nothing follows
		return nil, now.bytes(), nil
	}
	if len(rs) == 0 {
		return nil, nil, nil
	}
	return rs, now.bytes(), nil
}
