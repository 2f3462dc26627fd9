package users

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	userv1 "regie/proto/user/v1"
)

const (
	defaultPage = 20
	maxPage     = 100
	// listPage is how much of a list is read at once where all of it is.
	listPage = 500
)

// reading is whose rows are read, and how.
type reading struct {
	viewer      string // "": a user of whom there is nothing
	consistent  bool
	consistency userv1.Consistency
}

// reading waits until the rows are no older than notBefore says, but not long.
func (s *Service) reading(ctx context.Context, notBefore string) (reading, error) {
	user, err := s.user(ctx)
	if err != nil {
		return reading{}, err
	}
	marks, err := s.marks(notBefore)
	if err != nil {
		return reading{}, err
	}
	v, err := s.viewers.of(ctx, user, false)
	if err != nil {
		return reading{}, err
	}
	r := reading{viewer: v.pseudonym}
	if len(marks) == 0 {
		return r, nil
	}
	began, outcome := time.Now(), "stale"
	wait := s.Wait
	if deadline, ok := ctx.Deadline(); ok { // half of it is for the reading itself
		wait = min(wait, time.Until(deadline)/2)
	}
	waits, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r.consistency = userv1.Consistency_CONSISTENCY_STALE
	if s.applied.await(waits, marks) {
		outcome, r.consistent, r.consistency = "consistent", true, userv1.Consistency_CONSISTENCY_CONSISTENT
	}
	s.Metrics.waited.WithLabelValues(outcome).Observe(time.Since(began).Seconds())
	return r, nil
}

// ListFavourites pages through favourites and counts them all.
func (s *Service) ListFavourites(ctx context.Context, req *userv1.ListFavouritesRequest) (*userv1.ListFavouritesResponse, error) {
	what, err := listed(req.GetKinds())
	if err != nil {
		return nil, err
	}
	p, err := s.page(ctx, what, req)
	if err != nil {
		return nil, err
	}
	res := &userv1.ListFavouritesResponse{Consistency: p.consistency, Total: int32(p.Total), Tokens: p.tokens, NextPageToken: p.next}
	for _, f := range p.Favourites {
		res.Favourites = append(res.Favourites, favouriteState(f))
	}
	return res, nil
}

// ListProgress pages through what was watched last of each programme.
func (s *Service) ListProgress(ctx context.Context, req *userv1.ListProgressRequest) (*userv1.ListProgressResponse, error) {
	p, err := s.page(ctx, LatestProgress, req)
	if err != nil {
		return nil, err
	}
	res := &userv1.ListProgressResponse{Consistency: p.consistency, Tokens: p.tokens, NextPageToken: p.next}
	for _, row := range p.Progress {
		res.Progress = append(res.Progress, progressState(row))
	}
	return res, nil
}

// pageRequest is what the requests of lists have in common.
type pageRequest interface {
	GetPageSize() int32
	GetPageToken() string
	GetNotBefore() string
}

// page is part of a list.
type page struct {
	Rows
	// tokens are where a page begins behind each row, next behind the last; "" when there is nothing more.
	tokens      []string
	next        string
	consistency userv1.Consistency
}

func (s *Service) page(ctx context.Context, what What, req pageRequest) (page, error) {
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return page{}, err
	}
	ctx, cancel := within(ctx, s.allowed.read)
	defer cancel()
	r, err := s.reading(ctx, req.GetNotBefore())
	if err != nil {
		return page{}, err
	}
	after, err := s.place(r.viewer, what, req.GetPageToken())
	if err != nil {
		return page{}, err
	}
	out := page{consistency: r.consistency}
	if r.viewer == "" {
		return out, nil
	}
	rows, more, err := s.Store.List(ctx, r.viewer, what, after, size, r.consistent)
	if err != nil {
		return page{}, fmt.Errorf("listing %s: %w", what, err)
	}
	out.Rows = rows
	for _, f := range rows.Favourites {
		out.tokens = append(out.tokens, s.token(r.viewer, what, f.Version))
	}
	for _, p := range rows.Progress {
		out.tokens = append(out.tokens, s.token(r.viewer, what, p.Version))
	}
	if n := len(out.tokens); more && n > 0 {
		out.next = out.tokens[n-1]
	}
	return out, nil
}

// GetStates reads the rows of all ids at once.
func (s *Service) GetStates(ctx context.Context, req *userv1.GetStatesRequest) (*userv1.GetStatesResponse, error) {
	ids := req.GetIds()
	if n := len(ids); n > maxItems {
		return nil, invalid("ids: %d are too many: at most %d", n, maxItems)
	}
	var once []string
	states := map[string]*userv1.State{}
	for i, id := range ids {
		if _, ok := parseID(id, "programme", "video"); !ok {
			return nil, invalid("ids[%d]: %q is no global id of a programme or video", i, clip(id))
		}
		if states[id] == nil {
			states[id] = &userv1.State{Id: id}
			once = append(once, id)
		}
	}
	ctx, cancel := within(ctx, s.allowed.read)
	defer cancel()
	r, err := s.reading(ctx, req.GetNotBefore())
	if err != nil {
		return nil, err
	}
	if r.viewer != "" && len(once) > 0 {
		rows, err := s.Store.Read(ctx, r.viewer, once, r.consistent)
		if err != nil {
			return nil, fmt.Errorf("reading states: %w", err)
		}
		fill(states, rows)
	}
	res := &userv1.GetStatesResponse{Consistency: r.consistency}
	for _, id := range ids {
		res.States = append(res.States, states[id])
	}
	return res, nil
}

// fill gives each row to the states that it is of.
func fill(states map[string]*userv1.State, rows Rows) {
	for _, f := range rows.Favourites {
		if st := states[f.Target]; st != nil {
			st.IsFavourite = true
		}
	}
	latest := map[string]Version{}
	for _, p := range rows.Progress {
		if st := states[catalog.GlobalID("video", p.GetVideoId())]; st != nil {
			st.Progress = progressState(p)
		}
		programme := catalog.GlobalID("programme", p.GetProgrammeId())
		if st := states[programme]; st != nil && p.Version.Compare(latest[programme]) > 0 {
			st.Progress, latest[programme] = progressState(p), p.Version
		}
	}
}

// Export reads consistently: it has all that persist has applied.
func (s *Service) Export(_ *userv1.ExportRequest, stream grpc.ServerStreamingServer[userv1.ExportResponse]) error {
	ctx := stream.Context()
	r, err := s.reading(ctx, "")
	if err != nil {
		return err
	}
	r.consistent = true
	for _, what := range []What{AllFavourites, AllProgress} {
		err := s.all(ctx, r, what, func(rows Rows) error {
			for _, f := range rows.Favourites {
				if err := stream.Send(&userv1.ExportResponse{Item: &userv1.ExportResponse_Favourite{Favourite: favouriteState(f)}}); err != nil {
					return err
				}
			}
			for _, p := range rows.Progress {
				if err := stream.Send(&userv1.ExportResponse{Item: &userv1.ExportResponse_Progress{Progress: progressState(p)}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// all calls each with the pages of a list, until it returns an error.
func (s *Service) all(ctx context.Context, r reading, what What, each func(Rows) error) error {
	if r.viewer == "" {
		return nil
	}
	for after, more := (Version{}), true; more; {
		asked, cancel := context.WithTimeout(ctx, s.allowed.read)
		rows, goesOn, err := s.Store.List(asked, r.viewer, what, after, listPage, r.consistent)
		cancel()
		if err != nil {
			return fmt.Errorf("listing %s: %w", what, err)
		}
		if err := each(rows); err != nil {
			return err
		}
		if n := len(rows.Favourites); n > 0 {
			after = rows.Favourites[n-1].Version
		}
		if n := len(rows.Progress); n > 0 {
			after = rows.Progress[n-1].Version
		}
		more = goesOn
	}
	return nil
}

// listed is the list of favourites of these kinds.
func listed(kinds []string) (What, error) {
	programmes, videos := false, false
	for i, k := range kinds {
		switch k {
		case "programme":
			programmes = true
		case "video":
			videos = true
		default:
			return "", invalid("kinds[%d]: %q is neither programme nor video", i, clip(k))
		}
	}
	switch {
	case programmes == videos:
		return AllFavourites, nil
	case programmes:
		return FavouriteProgrammes, nil
	}
	return FavouriteVideos, nil
}

func pageSize(n int32) (int, error) {
	switch {
	case n < 0 || n > maxPage:
		return 0, invalid("page_size: %d is not between 1 and %d", n, maxPage)
	case n == 0:
		return defaultPage, nil
	}
	return int(n), nil
}

// token is the page_token that begins behind a row of a viewer's list.
func (s *Service) token(viewer string, what What, v Version) string {
	return s.tokens.Encode(tokensOf(viewer, what), v.String())
}

func (s *Service) place(viewer string, what What, token string) (Version, error) {
	if token == "" {
		return Version{}, nil
	}
	place, ok := s.tokens.Decode(tokensOf(viewer, what), token)
	if !ok {
		return Version{}, invalid("page_token is none of this list: give one of its page before")
	}
	return ParseVersion(place)
}

func tokensOf(viewer string, what What) string {
	return "users' page token\n" + string(what) + "\n" + viewer
}

func favouriteState(f Favourite) *userv1.FavouriteState {
	return &userv1.FavouriteState{TargetId: f.Target, AddedAt: timestamppb.New(f.Version.At)}
}

func progressState(p Progress) *userv1.ProgressState {
	return &userv1.ProgressState{Progress: p.Progress, UpdatedAt: timestamppb.New(p.Version.At)}
}
