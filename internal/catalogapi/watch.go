package catalogapi

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

const (
	// maxWatched bounds a Watch.
	maxWatched = 1000
	// gather is the least time between a watch's reads: of what changes without pause it tells a hundred states a second.
	gather = 10 * time.Millisecond
	// again is when a read that failed is tried again.
	again = 250 * time.Millisecond
)

// Watch reads what the hub says is due, and tells what differs from what it told last.
func (s *Service) Watch(req *catalogv1.WatchRequest, stream grpc.ServerStreamingServer[catalogv1.WatchResponse]) error {
	ids, refs, err := parseWatch(req)
	if err != nil {
		return err
	}
	ctx := stream.Context()
	w, err := s.hub.add(ids)
	if err != nil {
		return err
	}
	defer s.hub.remove(w)
	told := make(map[string]string, len(ids))
	for _, id := range ids {
		if revision, ok := req.GetKnownRevisions()[id]; ok {
			told[id] = revision
		}
	}
	var failing time.Time // since when reads fail
	for first := true; ; first = false {
		places, err := w.take(ctx)
		if err != nil {
			return err
		}
		revisions, err := s.revisions(ctx, refs, places)
		if err != nil {
			if failing.IsZero() {
				failing = time.Now()
			}
			if first || time.Since(failing) > s.hub.away {
				return err
			}
			w.mark(places...)
			wait(ctx, again)
			continue
		}
		failing = time.Time{}
		for n, i := range places {
			if last, ok := told[ids[i]]; ok && last == revisions[n] {
				continue
			}
			if err := stream.Send(&catalogv1.WatchResponse{Id: ids[i], Revision: revisions[n]}); err != nil {
				return err
			}
			told[ids[i]] = revisions[n]
		}
		wait(ctx, gather)
	}
}

// parseWatch returns the ids, each once.
func parseWatch(req *catalogv1.WatchRequest) ([]string, []catalog.Ref, error) {
	switch n := len(req.GetIds()); {
	case n == 0:
		return nil, nil, invalid("ids: there is none to watch")
	case n > maxWatched:
		return nil, nil, invalid("ids: %d are too many: at most %d", n, maxWatched)
	}
	seen := make(map[string]bool, len(req.GetIds()))
	var ids []string
	var refs []catalog.Ref
	for i, id := range req.GetIds() {
		ref, err := parseID(id)
		if err != nil {
			return nil, nil, invalid("ids[%d]: %v", i, err)
		}
		if !seen[id] {
			seen[id] = true
			ids, refs = append(ids, id), append(refs, ref)
		}
	}
	for id := range req.GetKnownRevisions() {
		if !seen[id] {
			return nil, nil, invalid("known_revisions: %q is none of ids", clip(id))
		}
	}
	return ids, refs, nil
}

func (s *Service) revisions(ctx context.Context, refs []catalog.Ref, places []int) ([]string, error) {
	if len(places) == 0 {
		return nil, nil
	}
	due := make([]catalog.Ref, len(places))
	for n, i := range places {
		due[n] = refs[i]
	}
	return read(ctx, s, func(ctx context.Context) ([]string, error) { return s.catalog.Revisions(ctx, due) })
}
