package project

import (
	"strings"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectVideo(in *catalogv1.Video, c *catalog.Change) (err error) {
	out := &projectionv1.Video{
		Id:            catalog.GlobalID(c.Kind, in.GetId()),
		Slug:          in.GetSlug(),
		Title:         in.GetTitle(),
		Revision:      c.Fence.String(),
		Kind:          in.GetKind(),
		Synopsis:      in.GetSynopsis(),
		ProgrammeId:   catalog.GlobalID("programme", in.GetProgrammeId()),
		SeasonNumber:  in.SeasonNumber,
		EpisodeNumber: in.EpisodeNumber,
		Duration:      in.GetDuration(),
		PublishedAt:   in.GetPublishedAt(),
		AgeRating:     in.GetAgeRating(),
		Badges:        in.GetBadges(),
		Playback:      in.GetPlayback(),
		Tracks:        in.GetTracks(),
		Markers:       in.GetMarkers(),
	}
	c.Blobs, err = blobs(out, plain(in.GetImages(), in.GetRights()), func(f *form) {
		out.Images, out.Rights, out.Seo = f.images(in.GetImages()), f.rights(in.GetRights()), nil
		if f.isWeb() {
			out.Seo = videoSeo(in, out.Images)
		}
	})
	kind := strings.TrimPrefix(in.GetKind().String(), "VIDEO_KIND_")
	var ps catalog.Placements
	ps.Noted(catalog.Note(in.GetRights()), catalog.Videos(in.GetProgrammeId()),
		catalog.VideoPlaces(in.GetProgrammeId(), kind, in.SeasonNumber, in.EpisodeNumber, in.GetPublishedAt())...)
	claim(&ps, in, func(slug string) catalog.Address { return catalog.VideoSlug(in.GetProgrammeId(), slug) })
	c.Placements = ps.List
	return err
}
