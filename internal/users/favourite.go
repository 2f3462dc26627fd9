package users

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	ctx, cancel := within(ctx, s.allowed.write)
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
		if at, err = s.first(ctx, v.pseudonym, event.GetEventUuid(), fmt.Sprint(event.GetEventType(), " ", target), at); errors.Is(err, ErrConflict) {
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
	ctx, cancel := context.WithTimeout(ctx, s.allowed.catalogue)
	defer cancel()
	revisions, err := s.Catalog.Revisions(ctx, []catalog.Ref{ref})
	if err != nil {
		return false, err
	}
	return revisions[0] != "", nil
}

// full tells whether there is no room for one more favourite. A store that does not answer is no reason to refuse one.
func (s *Service) full(ctx context.Context, pseudonym, target string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.allowed.patience)
	defer cancel()
	room, err := s.room(ctx, pseudonym, []string{target}, false)
	return err == nil && !room[target], unlessAway(err)
}

// room returns those targets that a viewer has, and of the others the first for which there is room, as far as persist is.
func (s *Service) room(ctx context.Context, pseudonym string, targets []string, consistent bool) (map[string]bool, error) {
	room := map[string]bool{}
	rows, _, err := s.Store.List(ctx, pseudonym, AllFavourites, Version{}, 1, consistent)
	if err != nil {
		return nil, err
	}
	left := maxFavourites - rows.Total
	if left < len(targets) {
		if rows, err = s.Store.Read(ctx, pseudonym, targets, consistent); err != nil {
			return nil, err
		}
		for _, f := range rows.Favourites {
			room[f.Target] = true
		}
	}
	for _, t := range targets {
		if !room[t] && left > 0 {
			room[t] = true
			left--
		}
	}
	return room, nil
}

// first returns when the event was first to happen: now, or, when its UUID was used for the same before, then. It is
// ErrConflict when it was used for something else. When the Directory does not answer it is now: the event's UUID makes
// one of all tries still.
func (s *Service) first(ctx context.Context, viewer, uuid, what string, now time.Time) (time.Time, error) {
	what += "\n"
	ctx, cancel := context.WithTimeout(ctx, s.allowed.patience)
	defer cancel()
	// Not the key itself: a client may have put anything into it.
	stored, err := s.Directory.Remember(ctx, viewer, uuid, strconv.AppendInt([]byte(what), now.UnixMilli(), 10), now)
	switch {
	case err == nil || away(err):
		return now, nil
	case !errors.Is(err, ErrConflict):
		return now, fmt.Errorf("remembering when an event was told first: %w", err)
	}
	rest, same := strings.CutPrefix(string(stored), what)
	ms, parsed := strconv.ParseInt(rest, 10, 64)
	if !same || parsed != nil {
		return now, ErrConflict
	}
	return time.UnixMilli(ms).UTC(), nil
}
