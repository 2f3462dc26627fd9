package project

import (
	"strconv"
	"strings"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectProgramme(in *catalogv1.Programme, c *catalog.Change) (err error) {
	out := &projectionv1.Programme{
		Id:          globalID(c.Kind, in.GetId()),
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
	c.Placements = append(claims(c.Kind, in), programmeLists(in)...)
	return err
}

// programmeLists are the lists that a programme is in.
func programmeLists(in *catalogv1.Programme) []catalog.Placement {
	kind := strings.TrimPrefix(in.GetKind().String(), "PROGRAMME_KIND_")
	date, title := catalog.DateKey(in.GetPublishedAt()), catalog.TitleKey(in.GetTitle())
	facets := func(scopes ...string) []catalog.Place {
		return append(catalog.Facets(catalog.ByDate, kind, date, scopes...), catalog.Facets(catalog.ByTitle, kind, title, scopes...)...)
	}
	everywhere := facets()
	out := []catalog.Placement{{Family: catalog.Programmes, Places: everywhere}}
	var scopes []string
	var categories []catalog.Place
	for _, g := range in.GetGenres() {
		f := catalog.OfCategory(g.GetSlug())
		if hasFamily(out, f) {
			continue
		}
		out = append(out, catalog.Placement{Family: f, Places: everywhere})
		scopes = append(scopes, catalog.CategoryScope(g.GetSlug()))
		categories = append(categories, catalog.Place{Set: catalog.CategorySet, Key: catalog.CategoryKey(g.GetSlug(), g.GetTitle())})
	}
	if len(categories) > 0 {
		out = append(out, catalog.Placement{Family: catalog.Categories, Places: categories})
	}
	if id := in.GetChannelId(); id != "" {
		out = append(out, catalog.Placement{Family: catalog.OfChannel(id), Places: facets(scopes...)})
	}
	out = append(out, credits(in.GetCredits(), date, title)...)
	note := catalog.Note(in.GetRights())
	for i := range out {
		out[i].Note = note
	}
	return out
}

// credits place the programme once for each credit of a person, in the order of the first ones. The key's end tells
// which credit it is.
func credits(in []*catalogv1.Credit, date, title string) []catalog.Placement {
	at := make(map[string]int, len(in))
	var out []catalog.Placement
	for i, c := range in {
		n, seen := at[c.GetPersonId()]
		if !seen {
			n = len(out)
			at[c.GetPersonId()] = n
			out = append(out, catalog.Placement{Family: catalog.Credits(c.GetPersonId())})
		}
		number := fiveDigits(i)
		out[n].Places = append(out[n].Places,
			catalog.Place{Set: string(catalog.ByDate), Key: date + ":" + number},
			catalog.Place{Set: string(catalog.ByTitle), Key: title + ":" + number})
	}
	return out
}

// fiveDigits is n, so that numbers sort as text.
func fiveDigits(n int) string {
	s := strconv.Itoa(n)
	if len(s) >= 5 {
		return s
	}
	return "00000"[len(s):] + s
}
