package resolvers

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
	userv1 "regie/proto/user/v1"
)

// watched reads the video that somebody is in; nil when there is none, or it is gone.
func watched(ctx context.Context, p *userv1.ProgressState) (*projectionv1.Video, error) {
	if p == nil {
		return nil, nil
	}
	return loaders.From(ctx).Video(ctx, p.GetProgress().GetVideoId())
}

// lengthOf is how long a video is: as the catalogue says now, else as it was reported.
func lengthOf(v *projectionv1.Video, p *userv1.ProgressState) int32 {
	if d := v.GetDuration(); d > 0 {
		return d
	}
	return p.GetProgress().GetDuration()
}

// isFinished: 95 % of the video was watched, or its closing titles, the last ones when it has several, have begun.
func isFinished(v *projectionv1.Video, p *userv1.ProgressState) bool {
	position := p.GetProgress().GetPosition()
	if d := int64(lengthOf(v, p)); d > 0 && int64(position)*100 >= d*95 {
		return true
	}
	credits := int32(0)
	for _, m := range v.GetMarkers() {
		if m.GetKind() == catalogv1.MarkerKind_MARKER_KIND_CREDITS {
			credits = max(credits, m.GetStart())
		}
	}
	return credits > 0 && position >= credits
}

// ratio is how much of a video was watched; 0 when nobody knows its length.
func ratio(v *projectionv1.Video, p *userv1.ProgressState) float64 {
	d := lengthOf(v, p)
	if d <= 0 {
		return 0
	}
	return min(float64(p.GetProgress().GetPosition())/float64(d), 1)
}

// toPlay is what to play of a programme of which a video was watched last: that video until it is finished, then the next
// one; nil when there is none, or it may not be watched here and now.
func (r *Resolver) toPlay(ctx context.Context, last *userv1.ProgressState) (*projectionv1.Video, error) {
	v, err := watched(ctx, last)
	if v == nil || err != nil {
		return nil, err
	}
	// Its neighbours leave in the same batch.
	loaders.From(ctx).Want(ctx, []catalog.Key{catalog.Ref{Kind: "programme", ID: local(v.GetProgrammeId())}})
	if isFinished(v, last) {
		if v, err = r.neighbour(ctx, v, func(n catalog.Neighbours) string { return n.Next }); v == nil || err != nil {
			return nil, err
		}
	}
	a, err := r.videoAvailability(ctx, v)
	if err != nil || !a.State.Open() {
		return nil, err
	}
	return v, nil
}

// next is what to play of a programme; nil when what was watched last is another one's by now.
func (r *Resolver) next(ctx context.Context, s *model.ProgrammeViewerState) (*projectionv1.Video, error) {
	v, err := r.toPlay(ctx, s.Last)
	if v.GetProgrammeId() != s.ID {
		return nil, err
	}
	return v, err
}

// goOn is where to go on in a programme; nil when there is nothing to go on with, or another entry has it. In the next video that is where the
// viewer was, or its beginning when that is not known or it was finished.
func (r *Resolver) goOn(ctx context.Context, last *userv1.ProgressState) (*userv1.ProgressState, error) {
	v, err := r.toPlay(ctx, last)
	if v == nil || err != nil {
		return nil, err
	}
	if now := v.GetProgrammeId(); local(now) != last.GetProgress().GetProgrammeId() { // which has an entry of its own, if it was watched
		if s, err := loaders.From(ctx).Viewer().State(ctx, now); err != nil || s.GetProgress() != nil {
			return nil, err
		}
	}
	in := last
	if local(v.GetId()) != last.GetProgress().GetVideoId() {
		s, err := loaders.From(ctx).Viewer().State(ctx, v.GetId())
		if err != nil {
			return nil, err
		}
		if in = s.GetProgress(); isFinished(v, in) {
			in = nil
		}
	}
	return &userv1.ProgressState{UpdatedAt: last.GetUpdatedAt(), Progress: &userv1.Progress{
		VideoId: local(v.GetId()), ProgrammeId: local(v.GetProgrammeId()), Position: in.GetProgress().GetPosition(), Duration: lengthOf(v, in),
	}}, nil
}

const (
	// progressRounds bounds how often a page is read on when there is nothing to go on with in what is found. It is then
	// shorter than it could be, and says that there is more.
	progressRounds = 5
	// spareProgress is how many more are read than a page wants, since some will be left out.
	spareProgress = 10
)

// continueWatching pages through what there is to go on with.
func (r *Resolver) continueWatching(ctx context.Context, viewer *model.Viewer, first int32, after *string) (*model.ProgressConnection, error) {
	list := "continue watching of " + viewer.ID
	size, place, err := r.place(list, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.ProgressConnection{Edges: []*model.ProgressEdge{}, PageInfo: &model.PageInfo{HasPreviousPage: after != nil}}
	for range progressRounds {
		got, err := loaders.From(ctx).Viewer().Progress(ctx, min(size-len(c.Edges)+spareProgress, graph.MaxPage), place)
		if err != nil {
			return nil, err
		}
		full := false
		for i, e := range r.allToGoOn(ctx, got.GetProgress()) {
			if leftOut(c.Edges, e) {
				place = got.GetTokens()[i]
				continue
			}
			if full = len(c.Edges) == size; full { // this one is the next page's
				break
			}
			place = got.GetTokens()[i]
			e.Cursor = r.Cursors.Encode(list, place)
			c.Edges = append(c.Edges, e)
		}
		c.PageInfo.HasNextPage = full || got.GetNextPageToken() != ""
		if full || got.GetNextPageToken() == "" || len(c.Edges) == size {
			break
		}
		place = got.GetNextPageToken()
	}
	wantStates(ctx, len(c.Edges), func(i int) string {
		return catalog.GlobalID("video", c.Edges[i].Progress.GetProgress().GetVideoId())
	}, "edges", "node", "video")
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor = &c.Edges[0].Cursor
	}
	if place != "" {
		end := r.Cursors.Encode(list, place)
		c.PageInfo.EndCursor = &end
	}
	return c, nil
}

// leftOut tells whether there is nothing to go on with at an edge, or its programme is in the page already: a video may have
// changed its programme since it was watched.
func leftOut(page []*model.ProgressEdge, e *model.ProgressEdge) bool {
	if e.Progress == nil {
		return e.Err == nil
	}
	return slices.ContainsFunc(page, func(o *model.ProgressEdge) bool {
		return o.Progress.GetProgress().GetProgrammeId() == e.Progress.GetProgress().GetProgrammeId()
	})
}

// allToGoOn looks at all at once, so that they are read level by level.
func (r *Resolver) allToGoOn(ctx context.Context, all []*userv1.ProgressState) []*model.ProgressEdge {
	out := make([]*model.ProgressEdge, len(all))
	var wg sync.WaitGroup
	for i, last := range all {
		wg.Go(func() {
			out[i] = &model.ProgressEdge{}
			defer func() { // gqlgen does so for the goroutines of its own
				if p := recover(); p != nil {
					out[i].Err = graphql.GetOperationContext(ctx).Recover(ctx, p)
				}
			}()
			out[i].Progress, out[i].Err = r.goOn(ctx, last)
		})
	}
	wg.Wait()
	return out
}
