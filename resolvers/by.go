package resolvers

import (
	"context"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	projectionv1 "regie/proto/projection/v1"
)

// programmeBy reads a programme by its id or its slug. That exactly one is given is checked here too: through a
// variable, gqlgen lets both pass.
func (r *Resolver) programmeBy(ctx context.Context, by model.ProgrammeBy) (*projectionv1.Programme, error) {
	switch {
	case (by.ID == nil) == (by.Slug == nil):
		return nil, graph.BadInput("by: give either id or slug.")
	case by.ID != nil:
		id, err := idOf("programme", *by.ID)
		if err != nil {
			return nil, err
		}
		return loaders.From(ctx).Programme(ctx, id)
	}
	id, err := r.programmeID(ctx, *by.Slug)
	if id == "" || err != nil {
		return nil, err
	}
	return loaders.From(ctx).Programme(ctx, id)
}

func (r *Resolver) programmeID(ctx context.Context, slug string) (string, error) {
	if err := checkSlug(slug); err != nil {
		return "", err
	}
	return loaders.From(ctx).Owner(ctx, catalog.ProgrammeSlug(slug))
}

// videoBy reads a video by its id, or by its programme's slug and its own.
func (r *Resolver) videoBy(ctx context.Context, by model.VideoBy) (*projectionv1.Video, error) {
	switch {
	case (by.ID == nil) == (by.Slug == nil):
		return nil, graph.BadInput("by: give either id or slug.")
	case by.ID != nil:
		id, err := idOf("video", *by.ID)
		if err != nil {
			return nil, err
		}
		return loaders.From(ctx).Video(ctx, id)
	}
	if err := checkSlug(by.Slug.Video); err != nil {
		return nil, err
	}
	programme, err := r.programmeID(ctx, by.Slug.Programme)
	if programme == "" || err != nil {
		return nil, err
	}
	id, err := loaders.From(ctx).Owner(ctx, catalog.VideoSlug(programme, by.Slug.Video))
	if id == "" || err != nil {
		return nil, err
	}
	return loaders.From(ctx).Video(ctx, id)
}

// programmeOf reads a video's programme; nil when it is gone or not there yet.
func (r *Resolver) programmeOf(ctx context.Context, v *projectionv1.Video) (*projectionv1.Programme, error) {
	id, err := idOf("programme", v.GetProgrammeId())
	if err != nil {
		return nil, err
	}
	return loaders.From(ctx).Programme(ctx, id)
}
