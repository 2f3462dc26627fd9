package resolvers

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// seasons are those that have episodes, with the editors' titles.
func (r *Resolver) seasons(ctx context.Context, p *projectionv1.Programme) ([]*model.Season, error) {
	groups, err := loaders.From(ctx).Groups(ctx, catalog.Seasons(local(p.GetId())))
	if err != nil {
		return nil, err
	}
	out := make([]*model.Season, 0, len(groups))
	for _, g := range groups {
		number, _, _ := strings.Cut(g.Key, ":")
		n, err := strconv.Atoi(number)
		if err != nil || n == catalog.NoSeason {
			continue
		}
		s := &model.Season{ProgrammeID: local(p.GetId()), Number: int32(n), EpisodeCount: int32(g.Count)}
		if i := slices.IndexFunc(p.GetSeasons(), func(s *catalogv1.Season) bool { return int(s.GetNumber()) == n }); i >= 0 {
			s.Title = orNull(p.GetSeasons()[i].GetTitle())
		}
		out = append(out, s)
	}
	return out, nil
}

// start is, of the videos that may be watched, the editors' choice while it belongs to the programme, else the first of
// its film, its first episode, its latest replay and what is live.
func (r *Resolver) start(ctx context.Context, p *projectionv1.Programme) (*projectionv1.Video, error) {
	l := loaders.From(ctx)
	if !l.View().Available(p.GetRights()).State.Open() {
		return nil, nil
	}
	if p.GetStartId() != "" {
		v, err := l.Video(ctx, p.GetStartId())
		if err != nil || v.GetProgrammeId() == p.GetId() && l.View().Available(v.GetRights()).State.Open() {
			return v, err
		}
	}
	of := func(kind string, order catalog.Order, latest bool) catalog.List {
		l := catalog.VideosOf(local(p.GetId()))
		l.Order, l.Reverse, l.Kinds, l.Open = order, latest, kind, true
		return l
	}
	ids, err := l.Firsts(ctx, []catalog.List{
		of("FILM", catalog.ByDate, false), of("EPISODE", catalog.ByEpisode, false), of("REPLAY", catalog.ByDate, true), of("LIVE", catalog.ByDate, true),
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if id != "" {
			return l.Video(ctx, id)
		}
	}
	return nil, nil
}

// spare is how many of the editors' choice may be gone without a shorter answer.
const spare = 10

// related are the editors' choice, else the latest of the first category.
func (r *Resolver) related(ctx context.Context, p *projectionv1.Programme, first int32) ([]*projectionv1.Programme, error) {
	if first < 1 || first > 50 {
		return nil, graph.BadInput("first must be between 1 and 50, is %d.", first)
	}
	l := loaders.From(ctx)
	ids := p.GetRelatedIds()
	if len(ids) == 0 && len(p.GetGenres()) > 0 {
		list := ordered(catalog.List{Family: catalog.OfCategory(p.GetGenres()[0].GetSlug())}, model.ProgrammeOrderNewest)
		list.First = int(first) + 1
		page, err := l.List(ctx, list, "programme", false)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Members {
			ids = append(ids, catalog.ID(m))
		}
	}
	ids = ids[:min(len(ids), int(first)+spare)] // the cost of a query counts what it asks for
	refs := make([]catalog.Key, len(ids))
	for i, id := range ids {
		refs[i] = catalog.Ref{Kind: "programme", ID: id}
	}
	l.Want(ctx, refs)
	wantStates(ctx, len(ids), func(i int) string { return catalog.GlobalID("programme", ids[i]) })
	out := make([]*projectionv1.Programme, 0, first)
	for _, id := range ids {
		other, err := l.Programme(ctx, id)
		if err != nil { // the others are whole
			graphql.AddError(ctx, err)
			continue
		}
		if other != nil && other.GetId() != p.GetId() && len(out) < int(first) {
			out = append(out, other)
		}
	}
	return out, nil
}

const maxChannels = 500

func (r *Resolver) channels(ctx context.Context) ([]*projectionv1.Channel, error) {
	l := loaders.From(ctx)
	page, err := l.List(ctx, catalog.List{Family: catalog.Channels, Order: catalog.ByRank, First: maxChannels}, "channel", true)
	if err != nil {
		return nil, err
	}
	out := make([]*projectionv1.Channel, 0, len(page.Members))
	for _, m := range page.Members {
		c, err := l.Channel(ctx, catalog.ID(m))
		if err != nil { // the others are whole
			graphql.AddError(ctx, err)
			continue
		}
		if c != nil {
			out = append(out, c)
		}
	}
	return out, nil
}

func (r *Resolver) categories(ctx context.Context) ([]*model.Category, error) {
	groups, err := loaders.From(ctx).Groups(ctx, catalog.AllCategories())
	if err != nil {
		return nil, err
	}
	out := make([]*model.Category, len(groups))
	for i, g := range groups {
		slug, title := catalog.CategoryOf(g.Key)
		out[i] = &model.Category{Slug: slug, Title: title}
	}
	return out, nil
}
