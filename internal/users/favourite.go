package users

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// SetFavourite adds or removes one. What is not in the catalogue any more can still be removed by who has it.
func (s *Service) SetFavourite(ctx context.Context, req *userv1.SetFavouriteRequest) (*userv1.SetFavouriteResponse, error) {
	user, err := s.user(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(ctx, WriteTime)
	defer cancel()
	target := req.GetTargetId()
	ref, ok := parseID(target, "programme", "video")
	if n := len(req.GetIdempotencyKey()); n > maxKey {
		return s.refused(problem(0, "idempotency_key", outOfRange, "it has %d bytes: at most %d", n, maxKey)), nil
	}
	missing := problem(0, "target_id", notFound, "%q is no programme or video that there is", clip(target))
	if !ok {
		return s.refused(missing), nil
	}
	there, err := s.there(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !there && !req.GetRemove() {
		return s.refused(missing), nil
	}
	v, err := s.viewers.of(ctx, user, true)
	if err != nil {
		return nil, err
	}
	if !there {
		if rows, err := s.stored(ctx, v.pseudonym, []string{target}); err != nil {
			return nil, err
		} else if len(rows.Favourites) == 0 {
			return s.refused(missing), nil
		}
	}
	if !req.GetRemove() {
		if full, err := s.full(ctx, v.pseudonym, target); err != nil {
			return nil, err
		} else if full {
			return s.refused(problem(0, "", limitReached, "there are %d favourites: remove one first", maxFavourites)), nil
		}
	}
	event := &userv1.FavouriteEvent{
		EventUuid: uuid.NewString(), EventType: userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ADDED,
		Viewer: v.pseudonym, Payload: &userv1.Favourite{TargetId: target},
	}
	if req.GetRemove() {
		event.EventType = userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED
	}
	at := v.next(s.Now())
	if key := req.GetIdempotencyKey(); key != "" {
		event.EventUuid = eventID("key %s %q", v.pseudonym, key)
		if at, err = s.first(ctx, event, at); errors.Is(err, ErrConflict) {
			return s.refused(problem(0, "idempotency_key", conflict, "it was used for something else within the last day: take another")), nil
		} else if err != nil {
			return nil, err
		}
	}
	event.OccurredAt = timestamppb.New(at)
	receipt, err := s.write(ctx, stream.UserFavourite, v, []proto.Message{event})
	if err != nil {
		return nil, err
	}
	res := &userv1.SetFavouriteResponse{Receipt: receipt}
	if !req.GetRemove() {
		res.Favourite = &userv1.FavouriteState{TargetId: target, AddedAt: event.GetOccurredAt()}
	}
	return res, nil
}

func (s *Service) refused(p *userv1.Problem) *userv1.SetFavouriteResponse {
	ps := []*userv1.Problem{p}
	s.Metrics.tell(ps)
	return &userv1.SetFavouriteResponse{Problems: ps}
}

// there tells whether the catalogue has something.
func (s *Service) there(ctx context.Context, ref catalog.Ref) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, catalog.Patience)
	defer cancel()
	revisions, err := s.Catalog.Revisions(ctx, []catalog.Ref{ref})
	if err != nil {
		return false, err
	}
	return revisions[0] != "", nil
}

// full tells whether there is no room for one more favourite. A store that does not answer is no reason to refuse one.
func (s *Service) full(ctx context.Context, pseudonym, target string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, _, err := s.Store.List(ctx, pseudonym, AllFavourites, Version{}, 1, false)
	if err == nil && rows.Total >= maxFavourites {
		rows, err = s.Store.Read(ctx, pseudonym, []string{target}, false)
		return len(rows.Favourites) == 0 && err == nil, unlessAway(err)
	}
	return false, unlessAway(err)
}

// first returns when the event was first to happen: now, or, when its key was used for the same before, then. It is
// ErrConflict when it was used for something else. When the Directory does not answer it is now: the event's UUID makes
// one of all tries still.
func (s *Service) first(ctx context.Context, e *userv1.FavouriteEvent, now time.Time) (time.Time, error) {
	what := fmt.Appendf(nil, "%s %s\n", e.GetEventType(), e.GetPayload().GetTargetId())
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Not the key itself: a client may have put anything into it.
	stored, err := s.Directory.Remember(ctx, e.GetViewer(), e.GetEventUuid(), strconv.AppendInt(bytes.Clone(what), now.UnixMilli(), 10), now)
	switch {
	case err == nil || away(err):
		return now, nil
	case !errors.Is(err, ErrConflict):
		return now, fmt.Errorf("remembering an idempotency key: %w", err)
	}
	rest, same := bytes.CutPrefix(stored, what)
	ms, parsed := strconv.ParseInt(string(rest), 10, 64)
	if !same || parsed != nil {
		return now, ErrConflict
	}
	return time.UnixMilli(ms).UTC(), nil
}
