package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
)

// page is a part of a list as a connection wants it.
type page struct {
	members, cursors []string
	info             *model.PageInfo
	total            int32
}

// page reads the part of a list that a connection's arguments name, and its nodes if the query selects them.
func (r *Resolver) page(ctx context.Context, l catalog.List, kind string, first int32, after *string) (*page, error) {
	if first < 1 || first > graph.MaxPage {
		return nil, graph.BadInput("first must be between 1 and %d, is %d.", graph.MaxPage, first)
	}
	l.First = int(first)
	if after != nil {
		var err error
		if l.After, err = r.Cursors.decode(l, *after); err != nil {
			return nil, graph.BadInput("after: %v.", err)
		}
	}
	if ctx.Err() != nil { // nobody waits for it any more
		return nil, ctx.Err()
	}
	got, err := loaders.From(ctx).Page(ctx, l, kind, selectsNodes(ctx))
	if err != nil {
		return nil, err
	}
	p := &page{members: got.Members, total: int32(got.Total)}
	for _, m := range got.Members {
		p.cursors = append(p.cursors, r.Cursors.encode(l, m))
	}
	p.info = &model.PageInfo{HasNextPage: got.More, HasPreviousPage: after != nil}
	if n := len(p.cursors); n > 0 {
		p.info.StartCursor, p.info.EndCursor = &p.cursors[0], &p.cursors[n-1]
	}
	return p, nil
}

// selectsNodes tells whether the connection's edges { node } is asked for.
func selectsNodes(ctx context.Context) bool {
	op := graphql.GetOperationContext(ctx)
	return slices.ContainsFunc(graphql.CollectFieldsCtx(ctx, nil), func(f graphql.CollectedField) bool {
		return f.Name == "edges" && slices.ContainsFunc(graphql.CollectFields(op, f.Selections, nil), func(f graphql.CollectedField) bool {
			return f.Name == "node"
		})
	})
}

func (r *Resolver) programmes(ctx context.Context, l catalog.List, first int32, after *string) (*model.ProgrammeConnection, error) {
	p, err := r.page(ctx, l, "programme", first, after)
	if err != nil {
		return nil, err
	}
	c := &model.ProgrammeConnection{Edges: make([]*model.ProgrammeEdge, len(p.members)), PageInfo: p.info, TotalCount: p.total}
	for i, m := range p.members {
		c.Edges[i] = &model.ProgrammeEdge{Cursor: p.cursors[i], ID: catalog.ID(m)}
	}
	return c, nil
}

func (r *Resolver) videos(ctx context.Context, l catalog.List, first int32, after *string) (*model.VideoConnection, error) {
	p, err := r.page(ctx, l, "video", first, after)
	if err != nil {
		return nil, err
	}
	c := &model.VideoConnection{Edges: make([]*model.VideoEdge, len(p.members)), PageInfo: p.info, TotalCount: p.total}
	for i, m := range p.members {
		c.Edges[i] = &model.VideoEdge{Cursor: p.cursors[i], ID: catalog.ID(m)}
	}
	return c, nil
}
