package users_test

import (
	"context"
	"time"

	"regie/internal/stream"
	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

// sink applies record by record, as the role persist does by the batch.
type sink struct {
	store users.Store
}

var _ stream.Sink = (*sink)(nil)

func (s *sink) Start(ctx context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.String()
	}
	positions, err := s.store.Positions(ctx, names)
	if err != nil {
		return nil, err
	}
	out := make([]stream.Start, len(parts))
	for i, p := range parts {
		var stored *stream.Position
		if at, ok := positions[p.String()]; ok {
			stored = &at
		}
		out[i] = stream.Resume(p, stored, time.Now())
	}
	return out, nil
}

func (s *sink) Moved(context.Context, []stream.Assigned) ([]stream.Assigned, error) { return nil, nil }

func (s *sink) Apply(ctx context.Context, b *stream.Batch) error {
	for _, r := range b.Records {
		c, err := change(r)
		if err != nil {
			return err
		}
		if err := s.store.Apply(ctx, []users.Changes{c}, nil); err != nil {
			return err
		}
	}
	positions := map[string]stream.Position{}
	for _, r := range b.Ends() {
		name := stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()
		positions[name] = stream.Position{TopicID: r.TopicID, Incarnation: r.Fence.Incarnation, Offset: r.Offset + 1}
	}
	return s.store.Apply(ctx, nil, positions)
}

func change(r stream.Record) (users.Changes, error) {
	c := users.Changes{Viewer: string(r.Key)}
	if r.Topic == stream.UserFavourite {
		e := &userv1.FavouriteEvent{}
		if err := r.Decode(e); err != nil {
			return c, err
		}
		v := users.Version{At: e.GetOccurredAt().AsTime(), ID: e.GetEventUuid()}
		if e.GetEventType() == userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ERASED {
			c.ErasesFavourites = true
			return c, nil
		}
		c.Favourites = []users.Favourite{{
			Target: e.GetPayload().GetTargetId(), Version: v, Removed: e.GetEventType() == userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED,
		}}
		return c, nil
	}
	e := &userv1.ProgressEvent{}
	if err := r.Decode(e); err != nil {
		return c, err
	}
	v := users.Version{At: e.GetOccurredAt().AsTime(), ID: e.GetEventUuid()}
	switch e.GetEventType() {
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED:
		c.ErasesProgress = true
	case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED:
		c.Cleared = v
	default:
		c.Progress = []users.Progress{{
			Progress: e.GetPayload(), Version: v, Removed: e.GetEventType() == userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED,
		}}
	}
	return c, nil
}
