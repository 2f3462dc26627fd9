package resolvers

import (
	"context"
	"errors"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"google.golang.org/protobuf/proto"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	projectionv1 "regie/proto/projection/v1"
)

// node reads whatever has a global id; nil when nothing has.
func (r *Resolver) node(ctx context.Context, id string) (model.Node, error) {
	ref, err := parseID(id)
	if err != nil {
		return nil, err
	}
	switch ref.Kind {
	case "category":
		return orNil[model.Node](r.category(ctx, ref.ID))
	case "section", "programme-section":
		return orNil[model.Node](r.section(ctx, ref))
	}
	m, err := loaders.From(ctx).Entity(ctx, ref)
	node, _ := m.(model.Node)
	return node, err
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[I any, T any](p *T, err error) (I, error) {
	var none I
	if p == nil || err != nil {
		return none, err
	}
	return any(p).(I), nil
}

// nodes reads several. One that fails is null, with an error of its own.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	if len(ids) > graph.MaxPage {
		return nil, graph.BadInput("ids: at most %d are answered at once, not %d.", graph.MaxPage, len(ids))
	}
	var keys []catalog.Key
	for _, id := range ids {
		if ref, err := parseID(id); err == nil {
			keys = append(keys, keysOf(ref)...)
		}
	}
	loaders.From(ctx).Want(ctx, keys)
	wantStates(ctx, len(ids), func(i int) string { return ids[i] })
	out := make([]model.Node, len(ids))
	for i, id := range ids {
		var err error
		if out[i], err = r.node(ctx, id); err != nil {
			graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i)), err)
		}
	}
	return out, nil
}

// keysOf are what is read of the catalogue to read a node.
func keysOf(ref catalog.Ref) []catalog.Key {
	var out []catalog.Key
	switch ref.Kind {
	case "category":
		return append(out, catalog.CategorySlug(ref.ID))
	case "section":
		for _, page := range owners(ref.ID) {
			out = append(out, catalog.Ref{Kind: "page", ID: page})
		}
		return out
	case "programme-section":
		for _, programme := range owners(ref.ID) {
			out = append(out, catalog.Ref{Kind: "programme", ID: programme}, catalog.Ref{Kind: catalog.Sections, ID: programme})
		}
		return out
	}
	return append(out, ref)
}

// readBy reads an entity of a kind by its id or its slug; nil when there is none. That exactly one is given is checked here
// too: through a variable, gqlgen lets both pass.
func readBy[M proto.Message](ctx context.Context, kind string, id, slug *string, read func(*loaders.Loaders, context.Context, string) (M, error)) (M, error) {
	var none M
	own, err := ownID(ctx, kind, id, slug)
	if own == "" || err != nil {
		return none, err
	}
	return read(loaders.From(ctx), ctx, own)
}

// ownID is the CMS id that an id or slug leads to; "" when to none.
func ownID(ctx context.Context, kind string, id, slug *string) (string, error) {
	switch {
	case (id == nil) == (slug == nil):
		return "", graph.BadInput("by: give either id or slug.")
	case id != nil:
		return idOf(kind, *id)
	}
	if err := checkSlug(*slug); err != nil {
		return "", err
	}
	return loaders.From(ctx).Owner(ctx, catalog.SlugOf(kind, *slug))
}

// videoBy reads a video by its id, or by its programme's slug and its own.
func (r *Resolver) videoBy(ctx context.Context, by model.VideoBy) (*projectionv1.Video, error) {
	if by.Slug == nil || by.ID != nil {
		var slug *string
		if by.Slug != nil {
			slug = &by.Slug.Video
		}
		id, err := ownID(ctx, "video", by.ID, slug)
		if err != nil {
			return nil, err
		}
		return loaders.From(ctx).Video(ctx, id)
	}
	if err := checkSlug(by.Slug.Video); err != nil {
		return nil, err
	}
	programme, err := ownID(ctx, "programme", nil, &by.Slug.Programme)
	if programme == "" || err != nil {
		return nil, err
	}
	id, err := loaders.From(ctx).Owner(ctx, catalog.VideoSlug(programme, by.Slug.Video))
	if id == "" || err != nil {
		return nil, err
	}
	return loaders.From(ctx).Video(ctx, id)
}

// categoryBy reads a category by its id or its slug, which say the same.
func (r *Resolver) categoryBy(ctx context.Context, by model.SlugOrID) (*model.Category, error) {
	switch {
	case (by.ID == nil) == (by.Slug == nil):
		return nil, graph.BadInput("by: give either id or slug.")
	case by.ID != nil:
		slug, err := idOf("category", *by.ID)
		if err != nil {
			return nil, err
		}
		return r.category(ctx, slug)
	}
	return r.category(ctx, *by.Slug)
}

// category reads a category; nil when no programme is in it.
func (r *Resolver) category(ctx context.Context, slug string) (*model.Category, error) {
	if err := checkSlug(slug); err != nil {
		return nil, err
	}
	title, err := loaders.From(ctx).CategoryTitle(ctx, slug)
	if title == "" || err != nil {
		return nil, err
	}
	return &model.Category{Slug: slug, Title: title}, nil
}

// section reads a rail by its page's or programme's id and its own; nil when there is none.
func (r *Resolver) section(ctx context.Context, ref catalog.Ref) (*projectionv1.Section, error) {
	loaders.From(ctx).Want(ctx, keysOf(ref))
	var failed error
	for _, owner := range owners(ref.ID) {
		rails, err := r.railsOf(ctx, ref.Kind, owner)
		if i := slices.IndexFunc(rails, func(s *projectionv1.Section) bool { return s.GetId() == catalog.GlobalID(ref.Kind, ref.ID) }); i >= 0 {
			return rails[i], nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// railsOf are a page's, or a programme's, by its CMS id.
func (r *Resolver) railsOf(ctx context.Context, kind, owner string) ([]*projectionv1.Section, error) {
	if kind == "section" {
		p, err := loaders.From(ctx).Page(ctx, owner)
		return p.GetSections(), err
	}
	p, err := loaders.From(ctx).Programme(ctx, owner)
	if p == nil || err != nil {
		return nil, err
	}
	return r.openSections(ctx, p)
}

// maxOwners bounds what one id of a rail makes us read.
const maxOwners = 16

// owners are those that a rail's id may be of: both its parts may have slashes.
func owners(section string) (out []string) {
	for i, c := range section {
		if c == '/' && i > 0 && len(out) < maxOwners {
			out = append(out, section[:i])
		}
	}
	return out
}

// programmeOf reads a video's programme; nil when it is gone or not there yet.
func (r *Resolver) programmeOf(ctx context.Context, v *projectionv1.Video) (*projectionv1.Programme, error) {
	return loaders.From(ctx).Programme(ctx, local(v.GetProgrammeId()))
}
