package recommend

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// read makes what a record changes in the state. It is pure.
func read(r stream.Record) (catalog.Change, error) {
	ch := catalog.Change{Kind: strings.TrimPrefix(r.Topic, stream.Catalog("")), ID: string(r.Key), Fence: r.Fence}
	if len(r.Key) == 0 {
		return ch, stream.Permanent(errors.New("the record has no key"))
	}
	if r.Value == nil {
		return ch, nil // a tombstone
	}
	same := func(id string) error {
		if id != ch.ID {
			return stream.Permanent(fmt.Errorf("the payload's id %q is not the record's key %q", id, ch.ID))
		}
		return nil
	}
	switch ch.Kind {
	case video:
		var e catalogv1.VideoEvent
		if err := r.Decode(&e); err != nil || e.GetEventType() == catalogv1.EventType_EVENT_TYPE_DELETED {
			return ch, err
		}
		ch.Blobs = map[catalog.Screen][]byte{catalog.Web: nil} // it is there; where it is says the rest
		if id := e.GetPayload().GetProgrammeId(); id != "" {
			place, err := placed(id, e.GetPayload())
			if err != nil {
				return ch, err
			}
			ch.Placements = []catalog.Placement{place}
		}
		return ch, same(e.GetPayload().GetId())
	case programme:
		var e catalogv1.ProgrammeEvent
		if err := r.Decode(&e); err != nil || e.GetEventType() == catalogv1.EventType_EVENT_TYPE_DELETED {
			return ch, err
		}
		rules, err := proto.MarshalOptions{Deterministic: true}.Marshal(&catalogv1.Programme{
			Rights: e.GetPayload().GetRights(), Sections: e.GetPayload().GetSections(),
		})
		if err != nil {
			return ch, stream.Permanent(fmt.Errorf("encoding a programme's rules: %w", err))
		}
		ch.Blobs = map[catalog.Screen][]byte{catalog.Web: rules}
		return ch, same(e.GetPayload().GetId())
	}
	return ch, fmt.Errorf("topic %s is none of the state's", r.Topic)
}

// placed is where a video is among those of its programme: in the lists that rules read, which tell of each member all
// that a rule asks.
func placed(programmeID string, v *catalogv1.Video) (catalog.Placement, error) {
	out := catalog.Placement{Family: catalog.Videos(programmeID)}
	of := func(facet string) []catalog.Place {
		return catalog.VideoPlaces(programmeID, facet, v.SeasonNumber, v.EpisodeNumber, v.GetPublishedAt())
	}
	out.Places = of(kindFacet(v.GetKind())) // by date among all; by date and by episode among its kind
	for i, tag := range v.GetTags() {
		if !slices.Contains(v.GetTags()[:i], tag) {
			out.Places = append(out.Places, of(tagFacet(tag))[1:]...)
		}
	}
	if v.SeasonNumber != nil { // by episode, a season is a range of its kind
		out.Places = append(out.Places, of(seasonFacet(v.GetSeasonNumber()))[1])
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&catalogv1.Video{
		Kind: v.GetKind(), SeasonNumber: v.SeasonNumber, EpisodeNumber: v.EpisodeNumber, Duration: v.GetDuration(),
		PublishedAt: v.GetPublishedAt(), Rights: v.GetRights(), Tags: v.GetTags(),
	})
	if err != nil {
		return out, stream.Permanent(fmt.Errorf("encoding what rules ask of a video: %w", err))
	}
	out.Note = catalog.WithoutNUL(string(b))
	return out, nil
}

// The facets of lists. Their names have no slash and no comma, which part them from what follows.
func kindFacet(k catalogv1.VideoKind) string { return strings.TrimPrefix(k.String(), "VIDEO_KIND_") }
func tagFacet(tag string) string             { return "#" + url.QueryEscape(tag) }
func seasonFacet(n int32) string             { return "@" + strconv.Itoa(int(n)) }

// noted is what a list tells of a video.
func noted(note string) (*catalogv1.Video, error) {
	var v catalogv1.Video
	if err := proto.Unmarshal([]byte(catalog.WithNUL(note)), &v); err != nil {
		return nil, fmt.Errorf("reading what Redis has of a video: %w", err)
	}
	return &v, nil
}

// namespace makes the ids of events, of what they follow from: the same however often that comes.
var namespace = uuid.MustParse("0a4fd0a5-1d3c-5a0c-8c53-6a3f3c1b2f47")

func eventID(because, programmeID string) string {
	return uuid.NewSHA1(namespace, []byte(because+"\x00"+programmeID)).String()
}

// touched is the touch of a programme because of a record, which is of an editor's change at a time, if it is not zero.
func touched(programmeID string, reason catalogv1.TouchReason, because stream.Record, changed time.Time) (stream.Record, error) {
	e := &catalogv1.ProgrammeTouchedEvent{EventUuid: eventID(because.Source(), programmeID), Reason: reason}
	var headers stream.Headers
	if !changed.IsZero() {
		e.OccurredAt = timestamppb.New(changed)
		headers = because.Headers.Passed()
	}
	return record(stream.ProgrammeTouched, programmeID, e, headers)
}

func record(topic, key string, m proto.Message, more stream.Headers) (stream.Record, error) {
	value, headers, err := stream.Encode(m)
	return stream.Record{Topic: topic, Partition: stream.AnyPartition, Key: []byte(key), Value: value, Headers: append(headers, more...)}, err
}

// scheduleID is under which id a programme asks to be touched: there is one instant at a time.
func scheduleID(programmeID string) string { return Role + "/" + programmeID }

// asked is the request to touch a programme at an instant, which the touch says, or at another if that is later.
func asked(programmeID string, at, earliest time.Time, topic string) (stream.Record, error) {
	r, err := record(stream.ProgrammeTouched, programmeID, &catalogv1.ProgrammeTouchedEvent{
		EventUuid: eventID(at.UTC().Format(time.RFC3339Nano), programmeID), OccurredAt: timestamppb.New(at),
		Reason: catalogv1.TouchReason_TOUCH_REASON_CLOCK,
	}, nil)
	if earliest.After(at) {
		at = earliest
	}
	return schedule.Request(scheduleID(programmeID), at, topic, r), err
}
