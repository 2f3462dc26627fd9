package resolvers

import (
	"context"

	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// target reads what a card opens; nil when it is gone.
func (r *Resolver) target(ctx context.Context, c *projectionv1.Card) (model.CardTarget, error) {
	if c.GetTarget() == nil {
		return &model.ExternalLink{URL: c.GetUrl()}, nil
	}
	return orNilTarget(r.node(ctx, c.GetTarget().GetKind()+":"+c.GetTarget().GetId()))
}

func orNilTarget(n model.Node, err error) (model.CardTarget, error) {
	if n == nil {
		return nil, err
	}
	return n, err
}

// content is what a card opens on this site; nil when it is gone or elsewhere.
func (r *Resolver) content(ctx context.Context, c *projectionv1.Card) (model.Content, error) {
	t, err := r.target(ctx, c)
	content, _ := t.(model.Content)
	return content, err
}

// imageOf is an entity's image; nil when it has none.
func (r *Resolver) imageOf(ctx context.Context, c model.Content, role catalogv1.ImageRole, width *int32) (*projectionv1.Image, error) {
	if category, ok := c.(*model.Category); ok {
		return r.categoryImage(ctx, category, role, width)
	}
	if has, ok := c.(interface{ GetImages() []*projectionv1.Image }); ok {
		return image(has.GetImages(), role, width)
	}
	return nil, nil
}

// categoryImage is the image of its latest programme.
func (r *Resolver) categoryImage(ctx context.Context, c *model.Category, role catalogv1.ImageRole, width *int32) (*projectionv1.Image, error) {
	l := loaders.From(ctx)
	ids, err := l.Firsts(ctx, []catalog.List{ordered(catalog.List{Family: catalog.OfCategory(c.Slug)}, model.ProgrammeOrderNewest)})
	if err != nil || ids[0] == "" {
		return nil, err
	}
	p, err := l.Programme(ctx, ids[0])
	if err != nil {
		return nil, err
	}
	return image(p.GetImages(), role, width)
}

// badgesOf are the badges of what a card opens.
func (r *Resolver) badgesOf(ctx context.Context, c model.Content) ([]*catalogv1.Badge, error) {
	switch c := c.(type) {
	case *projectionv1.Programme:
		return r.programmeBadges(ctx, c), nil
	case *projectionv1.Video:
		return r.videoBadges(ctx, c)
	}
	return nil, nil
}

func (r *Resolver) programmeBadges(ctx context.Context, p *projectionv1.Programme) []*catalogv1.Badge {
	v := loaders.From(ctx).View()
	return badges(p.GetBadges(), v, v.Available(p.GetRights()), p.GetPublishedAt(), false)
}

func (r *Resolver) videoBadges(ctx context.Context, v *projectionv1.Video) ([]*catalogv1.Badge, error) {
	a, err := r.videoAvailability(ctx, v)
	if err != nil {
		return nil, err
	}
	return badges(v.GetBadges(), loaders.From(ctx).View(), a, v.GetPublishedAt(), v.GetPlayback().GetIsLive()), nil
}

// videoAvailability is that of the video and its programme together.
func (r *Resolver) videoAvailability(ctx context.Context, v *projectionv1.Video) (catalog.Availability, error) {
	p, err := r.programmeOf(ctx, v)
	if err != nil {
		return catalog.Availability{}, err
	}
	view := loaders.From(ctx).View()
	return both(view.Available(p.GetRights()), view.Available(v.GetRights())), nil
}
