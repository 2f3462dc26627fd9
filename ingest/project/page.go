package project

import (
	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// home is the slug of the page that the site opens with.
const home = "home"

func projectPage(in *catalogv1.Page, c *catalog.Change) (err error) {
	out := &projectionv1.Page{
		Id:       catalog.GlobalID(c.Kind, in.GetId()),
		Slug:     in.GetSlug(),
		Title:    in.GetTitle(),
		Path:     "/page/" + in.GetSlug(),
		Revision: c.Fence.String(),
	}
	if in.GetSlug() == home {
		out.Path = "/"
	}
	// drawn are the cards that have images.
	type card struct {
		in  *catalogv1.Card
		out *projectionv1.Card
	}
	var drawn []card
	for _, s := range in.GetSections() {
		section := &projectionv1.Section{
			Id:     catalog.GlobalID("section", in.GetId()+"/"+s.GetId()),
			Title:  optional(s.GetTitle()),
			Layout: s.GetLayout(),
			More:   optional(s.GetMore()),
			Cards:  make([]*projectionv1.Card, len(s.GetCards())),
			Limit:  s.GetLimit(),
		}
		switch source := s.GetSource().(type) {
		case *catalogv1.Section_Rule:
			section.Source = &projectionv1.Section_Rule{Rule: source.Rule}
		case *catalogv1.Section_Trend:
			section.Source = &projectionv1.Section_Trend{Trend: source.Trend}
		case *catalogv1.Section_Personal:
			section.Source = &projectionv1.Section_Personal{Personal: source.Personal}
		}
		for i, k := range s.GetCards() {
			to := &projectionv1.Card{
				Title: optional(k.GetTitle()), Subtitle: optional(k.GetSubtitle()), Badges: k.GetBadges(),
				Target: k.GetRef(), Url: k.GetUrl(),
			}
			if s.GetLayout() == catalogv1.SectionLayout_SECTION_LAYOUT_RANKED {
				rank := int32(i + 1)
				to.Rank = &rank
			}
			if len(k.GetImages()) > 0 {
				drawn = append(drawn, card{k, to})
			}
			section.Cards[i] = to
		}
		out.Sections = append(out.Sections, section)
	}
	c.Blobs, err = blobs(out, len(drawn) == 0, func(f *form) {
		for _, k := range drawn {
			k.out.Images = f.images(k.in.GetImages())
		}
		out.Seo = nil
		if f.isWeb() {
			out.Seo = pageSeo(in)
		}
	})
	var ps catalog.Placements
	claim(&ps, in, ofKind(c.Kind))
	c.Placements = ps.List
	return err
}
