package persist

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/stream"
	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

// maxText is how many bytes an id may have, so that every store can have it in a key.
const maxText = 500

// head is what both kinds of events have.
type head interface {
	GetEventUuid() string
	GetOccurredAt() *timestamppb.Timestamp
	GetViewer() string
}

// read checks what an event of either kind must have. Its errors are permanent.
func read(r *stream.Record, e head) (v users.Version, err error) {
	fail := func(format string, args ...any) (users.Version, error) {
		return users.Version{}, stream.Permanent(fmt.Errorf(format, args...))
	}
	viewer, id := e.GetViewer(), e.GetEventUuid()
	switch at := e.GetOccurredAt(); {
	case viewer != string(r.Key):
		return fail("the event's viewer %q is not the record's key %q", viewer, r.Key)
	case !isWord(viewer):
		return fail("viewer %q must be 1 to 100 printable characters of ASCII without a space", viewer)
	case !isWord(id):
		return fail("event_uuid %q must be 1 to 100 printable characters of ASCII without a space", id)
	case at == nil:
		return fail("occurred_at is missing")
	case at.CheckValid() != nil || at.Seconds < 0:
		return fail("occurred_at %d s is no time after 1970", at.Seconds)
	default:
		return users.Version{At: at.AsTime().Truncate(time.Millisecond), ID: id}, nil
	}
}

func isWord(s string) bool {
	return len(s) > 0 && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// checkID says what is wrong with an id of the catalogue.
func checkID(field, id string) error {
	if len(id) == 0 || len(id) > maxText {
		return fmt.Errorf("%s has %d bytes; it must have 1 to %d", field, len(id), maxText)
	}
	return nil
}

// favourite reads a record of user.favourite. Its errors are permanent.
func (c *gathered) favourite(r *stream.Record) error {
	var e userv1.FavouriteEvent
	if err := decode(r, &e); err != nil {
		return err
	}
	v, err := read(r, &e)
	if err != nil {
		return err
	}
	target := e.GetPayload().GetTargetId()
	switch e.EventType {
	case userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ADDED, userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED:
		kind, id, _ := strings.Cut(target, ":")
		if kind != "programme" && kind != "video" || id == "" {
			return stream.Permanent(fmt.Errorf("target_id %q is neither programme:ID nor video:ID", target))
		}
		if err := checkID("target_id", target); err != nil {
			return stream.Permanent(err)
		}
		c.of(e.Viewer).setFavourite(users.Favourite{Target: target, Version: v, Removed: e.EventType == userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED})
	case userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ERASED:
		c.erase(r.Topic, e.Viewer)
	default:
		return stream.Permanent(fmt.Errorf("event_type %v is none that is known", e.EventType))
	}
	return nil
}

// progress reads a record of user.progress. Its errors are permanent.
func (c *gathered) progress(r *stream.Record) error {
	var e userv1.ProgressEvent
	if err := decode(r, &e); err != nil {
		return err
	}
	v, err := read(r, &e)
	if err != nil {
		return err
	}
	switch e.EventType {
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED, userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED:
		removed := e.EventType == userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED
		p := e.GetPayload()
		err := checkID("video_id", p.GetVideoId())
		if err == nil && !removed {
			err = checkID("programme_id", p.GetProgrammeId())
		}
		switch {
		case err != nil:
		case len(p.SessionId) > maxText:
			err = fmt.Errorf("session_id has %d bytes; it may have %d", len(p.SessionId), maxText)
		case p.Position < 0 || p.Duration < 0:
			err = fmt.Errorf("position %d and duration %d must not be negative", p.Position, p.Duration)
		}
		if err != nil {
			return stream.Permanent(err)
		}
		c.of(e.Viewer).setProgress(users.Progress{Progress: p, Version: v, Removed: removed})
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED:
		c.of(e.Viewer).clear(v)
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED:
		c.erase(r.Topic, e.Viewer)
	default:
		return stream.Permanent(fmt.Errorf("event_type %v is none that is known", e.EventType))
	}
	return nil
}
