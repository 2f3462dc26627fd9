package resolvers

import (
	"context"
	"strings"

	"regie/internal/catalog"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// videoPath holds another entity's slug; a video whose programme is gone is reached by its id.
func (r *Resolver) videoPath(ctx context.Context, v *projectionv1.Video) (string, error) {
	p, err := r.programmeOf(ctx, v)
	if err != nil {
		return "", err
	}
	if p == nil {
		return "/" + v.GetId(), nil
	}
	return p.GetPath() + "/" + v.GetSlug(), nil
}

// videoAge is the video's own age rating, else its programme's.
func (r *Resolver) videoAge(ctx context.Context, v *projectionv1.Video) (*catalogv1.AgeRating, error) {
	if v.GetAgeRating() != nil {
		return v.GetAgeRating(), nil
	}
	p, err := r.programmeOf(ctx, v)
	if err != nil {
		return nil, err
	}
	return ageRating(p), nil
}

// ageRating is a programme's; for everybody when it is gone.
func ageRating(p *projectionv1.Programme) *catalogv1.AgeRating {
	if p.GetAgeRating() != nil {
		return p.GetAgeRating()
	}
	return &catalogv1.AgeRating{Code: catalogv1.AgeCode_AGE_CODE_ALL}
}

// neighbour is the episode, or replay, beside another; nil when there is none.
func (r *Resolver) neighbour(ctx context.Context, v *projectionv1.Video, which func(catalog.Neighbours) string) (*projectionv1.Video, error) {
	kind := v.GetKind()
	if kind != catalogv1.VideoKind_VIDEO_KIND_EPISODE && kind != catalogv1.VideoKind_VIDEO_KIND_REPLAY {
		return nil, nil
	}
	l := catalog.VideosOf(local(v.GetProgrammeId()))
	l.Order, l.Kinds = catalog.ByEpisode, strings.TrimPrefix(kind.String(), "VIDEO_KIND_")
	l.After = catalog.CursorOf(catalog.EpisodeKey(v.SeasonNumber, v.EpisodeNumber, v.GetPublishedAt()), local(v.GetId()))
	around, err := loaders.From(ctx).Beside(ctx, catalog.Beside(l))
	if m := which(around); m != "" && err == nil {
		return loaders.From(ctx).Video(ctx, catalog.ID(m))
	}
	return nil, err
}
