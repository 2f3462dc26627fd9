package resolvers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/internal/identity"
	"regie/loaders"
	userv1 "regie/proto/user/v1"
)

// viewer is whoever is signed in; nil when nobody is.
func (r *Resolver) viewer(ctx context.Context) *model.Viewer {
	caller, ok := identity.From(ctx)
	if !ok {
		return nil
	}
	h := hmac.New(sha256.New, r.Secret)
	_, _ = h.Write([]byte("viewer " + caller.User))
	return &model.Viewer{ID: "viewer:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])}
}

// viewerSince is the viewer. What the operation's reads may not be before is waited for here unless a list will wait, which
// is null only with the viewer.
func (r *Resolver) viewerSince(ctx context.Context, notBefore *string) (*model.Viewer, error) {
	v := r.viewer(ctx)
	if v == nil || notBefore == nil || *notBefore == "" || selects(ctx, "favourites") || selects(ctx, "continueWatching") {
		return v, nil
	}
	if err := loaders.From(ctx).Viewer().Check(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// wantStates asks for what the viewer did with n programmes and videos, by their global ids, where the field selects it at a
// path: in one call, beside the read of the things themselves.
func wantStates(ctx context.Context, n int, id func(i int) string, path ...string) {
	if _, ok := identity.From(ctx); !ok || !selects(ctx, append(path, "viewerState")...) {
		return
	}
	var ids []string
	for i := range n {
		if _, err := targetOf(id(i)); err == nil {
			ids = append(ids, id(i))
		}
	}
	loaders.From(ctx).Viewer().Want(ctx, ids)
}

// programmeState is what the viewer did with a programme, by its global id.
func programmeState(ctx context.Context, id string) (*model.ProgrammeViewerState, error) {
	s, err := loaders.From(ctx).Viewer().State(ctx, id)
	if err != nil {
		return nil, err
	}
	return &model.ProgrammeViewerState{ID: id, IsFavourite: s.GetIsFavourite(), Last: s.GetProgress()}, nil
}

// videoState is what the viewer did with a video, by its global id.
func videoState(ctx context.Context, id string) (*model.VideoViewerState, error) {
	s, err := loaders.From(ctx).Viewer().State(ctx, id)
	if err != nil {
		return nil, err
	}
	return &model.VideoViewerState{ID: id, IsFavourite: s.GetIsFavourite(), Progress: s.GetProgress()}, nil
}

// states reads several. One that fails is null, with an error of its own.
func (r *Resolver) states(ctx context.Context, ids []string) ([]model.ViewerState, error) {
	if len(ids) > graph.MaxPage {
		return nil, graph.BadInput("ids: at most %d are answered at once, not %d.", graph.MaxPage, len(ids))
	}
	refs, errs := make([]catalog.Ref, len(ids)), make([]error, len(ids))
	var known []string
	for i, id := range ids {
		if refs[i], errs[i] = targetOf(id); errs[i] == nil {
			known = append(known, id)
		}
	}
	loaders.From(ctx).Viewer().Want(ctx, known)
	out := make([]model.ViewerState, len(ids))
	for i, id := range ids {
		err := errs[i]
		switch {
		case err != nil:
		case refs[i].Kind == "programme":
			out[i], err = orNil[model.ViewerState](programmeState(ctx, id))
		default:
			out[i], err = orNil[model.ViewerState](videoState(ctx, id))
		}
		if err != nil {
			graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i)), err)
		}
	}
	return out, nil
}

// targetOf splits the global id of something that can be a favourite.
func targetOf(id string) (catalog.Ref, error) {
	ref, err := parseID(id)
	if err == nil && ref.Kind != "programme" && ref.Kind != "video" {
		err = graph.BadInput("%q is the id of a %s, not of a programme or a video.", clip(id), ref.Kind)
	}
	return ref, err
}

// favourites pages through the viewer's, and asks for what they are at once.
func (r *Resolver) favourites(ctx context.Context, v *model.Viewer, first int32, after *string, of []model.FavouriteKind) (*model.FavouriteConnection, error) {
	list := "favourites of " + v.ID
	var kinds []string
	for _, k := range of {
		kinds = append(kinds, strings.ToLower(k.String()))
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	if of != nil {
		list += " " + strings.Join(kinds, ",")
	}
	size, place, err := r.place(list, first, after)
	if err != nil {
		return nil, err
	}
	if of != nil && len(of) == 0 {
		return nil, graph.BadInput("kinds: name one, or leave kinds out.")
	}
	l := loaders.From(ctx)
	got, err := l.Viewer().Favourites(ctx, size, place, kinds)
	if err != nil {
		return nil, err
	}
	c := &model.FavouriteConnection{TotalCount: got.GetTotal(), Edges: make([]*model.FavouriteEdge, len(got.GetFavourites()))}
	c.PageInfo = &model.PageInfo{HasNextPage: got.GetNextPageToken() != "", HasPreviousPage: after != nil}
	var targets []catalog.Key
	for i, f := range got.GetFavourites() {
		c.Edges[i] = &model.FavouriteEdge{Cursor: r.Cursors.Encode(list, got.GetTokens()[i]), Favourite: f}
		if ref, err := targetOf(f.GetTargetId()); err == nil {
			targets = append(targets, ref)
		}
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	if selects(ctx, "edges", "node") {
		l.Want(ctx, targets)
		wantStates(ctx, len(c.Edges), func(i int) string { return c.Edges[i].Favourite.GetTargetId() }, "edges", "node", "target")
	}
	return c, nil
}

// favouriteTarget reads what a favourite is; nil when it is gone.
func (r *Resolver) favouriteTarget(ctx context.Context, f *userv1.FavouriteState) (model.FavouriteTarget, error) {
	n, err := r.node(ctx, f.GetTargetId())
	if n == nil {
		return nil, err
	}
	return n, err
}
