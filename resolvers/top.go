package resolvers

import (
	"context"
	"errors"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph"
	"regie/internal/catalog"
	"regie/internal/trend"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// topRule narrows what is watched most, of what may be watched in the view.
type topRule struct {
	kind   trend.Kind
	window catalogv1.TrendWindow
	// channel, by its CMS id, and category, by its slug, are the programmes'; "" for any.
	channel, category string
	// Of what kinds programmes and videos may be; none: all.
	programmes []catalogv1.ProgrammeKind
	videos     []catalogv1.VideoKind
}

// has tells whether a programme, nil when it is gone, is of the rule's channel, category and kinds.
func (t topRule) has(p *projectionv1.Programme) bool {
	return (t.channel == "" || t.channel == p.GetChannelId()) &&
		(len(t.programmes) == 0 || slices.Contains(t.programmes, p.GetKind())) &&
		(t.category == "" || slices.ContainsFunc(p.GetGenres(), func(g *catalogv1.Genre) bool { return g.GetSlug() == t.category }))
}

const (
	// maxTop is how far a ranking is looked at for what a rule wants.
	maxTop = 500
	// spareTop is how many more are read than are shown, since some will be left out.
	spareTop = 24
)

// top are the first n of a ranking that a rule wants: fewer when there are no more among its first maxTop. What cannot be
// read is left out, with an error.
func (r *Resolver) top(ctx context.Context, rule topRule, n int) ([]string, error) {
	items, err := loaders.From(ctx).Top(ctx, trend.List{Kind: rule.kind, Window: rule.window, First: maxTop})
	if err != nil {
		return nil, err
	}
	n = min(n, graph.MaxPage)
	var out []string
	for size := n + spareTop; len(items) > 0 && len(out) < n; size *= 4 {
		some := items[:min(size, len(items))]
		items = items[len(some):]
		wanted, err := r.wanted(ctx, rule, some)
		if err != nil {
			return nil, err
		}
		out = append(out, wanted...)
	}
	return out[:min(n, len(out))], nil
}

// wanted are the ids of the items that a rule wants: videos are read at once, then their programmes.
func (r *Resolver) wanted(ctx context.Context, rule topRule, items []trend.Item) ([]string, error) {
	l := loaders.From(ctx)
	type one struct {
		id, programme string
		video         *projectionv1.Video // nil of a programme
	}
	var all []one
	var keys []catalog.Key
	for _, item := range items {
		all = append(all, one{id: item.ID, programme: item.ID})
		keys = append(keys, catalog.Ref{Kind: string(rule.kind), ID: item.ID})
	}
	l.Want(ctx, keys)
	if rule.kind == trend.Videos {
		all, keys = all[:0], keys[:0]
		for _, item := range items {
			v, err := l.Video(ctx, item.ID)
			if err := leave(ctx, err); err != nil {
				return nil, err
			}
			if v != nil && (len(rule.videos) == 0 || slices.Contains(rule.videos, v.GetKind())) {
				all = append(all, one{item.ID, local(v.GetProgrammeId()), v})
				keys = append(keys, catalog.Ref{Kind: "programme", ID: local(v.GetProgrammeId())})
			}
		}
		l.Want(ctx, keys)
	}
	var out []string
	for _, o := range all {
		p, err := l.Programme(ctx, o.programme)
		if err := leave(ctx, err); err != nil {
			return nil, err
		}
		open := l.View().Available(p.GetRights()).State.Open() && l.View().Available(o.video.GetRights()).State.Open()
		if err == nil && (p != nil || o.video != nil) && open && rule.has(p) {
			out = append(out, o.id)
		}
	}
	return out, nil
}

// leave tells of an error of one thing, whose neighbours are whole; that the catalogue does not answer is everybody's.
func leave(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, catalog.ErrUnavailable) {
		graphql.AddError(ctx, err)
		return nil
	}
	return err
}
