package trend

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// view is that somebody watches a video; or, erased, that nothing of the viewer is to be kept or counted any more.
type view struct {
	viewer, video, programme string
	at                       time.Time
	erased                   bool
}

// maxText is how many bytes an id may have; internal/users takes no longer ones.
const maxText = 500

// read reads a record of user.progress; nil of what changes nothing. What was counted stays counted when a viewer takes it out
// of the history, clears that, or is erased: it was watched, and nothing of what is ranked leads to the viewer. Its errors are
// permanent.
func read(r *stream.Record) (*view, error) {
	if r.Value == nil {
		return nil, stream.Permanent(errors.New("the record has no value"))
	}
	var e userv1.ProgressEvent
	if err := r.Decode(&e); err != nil {
		return nil, err
	}
	switch e.EventType {
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED, userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED:
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED, userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED:
		return nil, nil
	default:
		return nil, stream.Permanent(fmt.Errorf("event_type %v is none that is known", e.EventType))
	}
	v := &view{erased: e.EventType == userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED, viewer: e.Viewer, video: e.GetPayload().GetVideoId(), programme: e.GetPayload().GetProgrammeId()}
	switch at := e.OccurredAt; {
	case v.viewer != string(r.Key):
		return nil, stream.Permanent(fmt.Errorf("the event's viewer %q is not the record's key %q", v.viewer, r.Key))
	case !isWord(v.viewer):
		return nil, stream.Permanent(fmt.Errorf("viewer %q must be 1 to 100 printable characters of ASCII without a space", v.viewer))
	case at == nil:
		return nil, stream.Permanent(errors.New("occurred_at is missing"))
	case at.CheckValid() != nil || at.Seconds < 0:
		return nil, stream.Permanent(fmt.Errorf("occurred_at %d s is no time after 1970", at.Seconds))
	default:
		v.at = at.AsTime()
	}
	if v.erased {
		return v, nil
	}
	for field, id := range map[string]string{"video_id": v.video, "programme_id": v.programme} {
		if len(id) == 0 || len(id) > maxText {
			return nil, stream.Permanent(fmt.Errorf("%s has %d bytes; it must have 1 to %d", field, len(id), maxText))
		}
	}
	return v, nil
}

func isWord(s string) bool {
	return len(s) > 0 && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
