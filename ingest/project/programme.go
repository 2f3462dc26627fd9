package project

import (
	"slices"
	"strings"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectProgramme(in *catalogv1.Programme, c *catalog.Change) (err error) {
	out := &projectionv1.Programme{
		Id:          catalog.GlobalID(c.Kind, in.GetId()),
		Slug:        in.GetSlug(),
		Title:       in.GetTitle(),
		Path:        "/" + in.GetSlug(),
		Revision:    c.Fence.String(),
		Kind:        in.GetKind(),
		Synopsis:    in.GetSynopsis(),
		Year:        in.Year,
		Countries:   in.GetCountries(),
		AgeRating:   in.GetAgeRating(),
		ChannelId:   in.GetChannelId(),
		Genres:      in.GetGenres(),
		Badges:      in.GetBadges(),
		Seasons:     in.GetSeasons(),
		StartId:     in.GetStartId(),
		Credits:     in.GetCredits(),
		RelatedIds:  in.GetRelatedIds(),
		PublishedAt: in.GetPublishedAt(),
	}
	c.Blobs, err = blobs(out, plain(in.GetImages(), in.GetRights()), func(f *form) {
		out.Images, out.Rights, out.Seo = f.images(in.GetImages()), f.rights(in.GetRights()), nil
		if f.isWeb() {
			out.Seo = programmeSeo(in, out.Images)
		}
	})
	var ps catalog.Placements
	claim(&ps, in, ofKind(c.Kind))
	listProgramme(&ps, in)
	c.Placements = ps.List
	return err
}

// listProgramme places a programme in all its lists. What depends on its rights has a note of them.
func listProgramme(ps *catalog.Placements, in *catalogv1.Programme) {
	kind := strings.TrimPrefix(in.GetKind().String(), "PROGRAMME_KIND_")
	date, title := catalog.DateKey(in.GetPublishedAt()), catalog.TitleKey(in.GetTitle())
	note := catalog.Note(in.GetRights())
	facets := func(scopes ...string) []catalog.Place {
		return append(catalog.Facets(catalog.ByDate, kind, date, scopes...), catalog.Facets(catalog.ByTitle, kind, title, scopes...)...)
	}
	everywhere := facets()
	ps.Noted(note, catalog.Programmes, everywhere...)
	var scopes []string
	for _, g := range in.GetGenres() {
		scope := catalog.Scope(g.GetSlug())
		if slices.Contains(scopes, scope) {
			continue
		}
		scopes = append(scopes, scope)
		ps.Noted(note, catalog.OfCategory(g.GetSlug()), everywhere...)
		ps.Add(catalog.Categories, catalog.Place{Set: catalog.CategorySet, Key: catalog.CategoryKey(g.GetSlug(), g.GetTitle())})
	}
	if id := in.GetChannelId(); id != "" {
		ps.Noted(note, catalog.OfChannel(id), facets(scopes...)...)
	}
	for i, c := range in.GetCredits() {
		ps.Add(catalog.Credits(c.GetPersonId()), catalog.CreditPlaces(c.GetPersonId(), date, title, i)...)
	}
}
