package project

import (
	"slices"
	"strings"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectVideo(in *catalogv1.Video, c *catalog.Change) (err error) {
	out := &projectionv1.Video{
		Id:            globalID(c.Kind, in.GetId()),
		Slug:          in.GetSlug(),
		Title:         in.GetTitle(),
		Revision:      c.Fence.String(),
		Kind:          in.GetKind(),
		Synopsis:      in.GetSynopsis(),
		ProgrammeId:   globalID("programme", in.GetProgrammeId()),
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
	c.Placements = []catalog.Placement{{
		Family: catalog.Videos(in.GetProgrammeId()),
		Places: videoPlaces(in),
		Note:   catalog.Note(in.GetRights()),
	}}
	return err
}

// videoPlaces are a video's in its programme's family: in the lists and on its slugs.
func videoPlaces(in *catalogv1.Video) []catalog.Place {
	kind := strings.TrimPrefix(in.GetKind().String(), "VIDEO_KIND_")
	places := catalog.VideoPlaces(kind, in.SeasonNumber, in.EpisodeNumber, in.GetPublishedAt())
	places = append(places, catalog.VideoSlug(in.GetProgrammeId(), in.GetSlug()).Claim(in.GetCreatedAt()))
	for i, slug := range in.GetFormerSlugs() {
		if slug != in.GetSlug() && !slices.Contains(in.GetFormerSlugs()[:i], slug) {
			places = append(places, catalog.VideoSlug(in.GetProgrammeId(), slug).Former(in.GetCreatedAt()))
		}
	}
	return places
}
