package transform

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	catalogv1 "regie/proto/catalog/v1"
)

func pageEvent(h header, id string, c change) (proto.Message, error) {
	now, before, err := payloads(id, c, page)
	return &catalogv1.PageEvent{
		EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source, Payload: now, PrevPayload: before,
	}, err
}

var layouts = namesOf[catalogv1.SectionLayout]("SECTION_LAYOUT_", catalogv1.SectionLayout_value)

// Bounds of docs/cms.md, in characters and elements.
const (
	maxSectionID = 100

	maxSections = 100
	maxCards    = 200
)

func page(id string, d document) *catalogv1.Page {
	p := &catalogv1.Page{
		Id:        id,
		Slug:      d.slug(),
		Title:     d.required("title", maxTitle),
		Seo:       d.seo(),
		Sections:  d.sections(),
		CreatedAt: d.created(),
	}
	p.FormerSlugs = d.formerSlugs(p.Slug)
	return p
}

func (d document) sections() []*catalogv1.Section {
	number, seen := 0, map[string]bool{}
	return documents(d, "sections", maxSections, func(n document) *catalogv1.Section {
		number++
		s := &catalogv1.Section{
			Id:     n.text("id", maxSectionID),
			Title:  n.text("title", maxTitle),
			Layout: enumOr(n, "layout", layouts, catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL),
			More:   n.text("more", maxURL),
			Cards:  documents(n, "cards", maxCards, card),
		}
		n.checkAddress("more", s.More)
		if s.Id == "" {
			s.Id = strconv.Itoa(number)
		}
		if seen[s.Id] {
			n.fail("id", "%q is another section's too", s.Id)
		}
		seen[s.Id] = true
		return s
	})
}

func card(d document) *catalogv1.Card {
	_, hasTarget := d.get("target")
	_, hasURL := d.get("url")
	before := d.broken
	c := &catalogv1.Card{Title: d.text("title", maxTitle)}
	if hasURL && c.Title == "" && d.broken == before {
		d.fail("title", "is missing: a card with a url needs one")
	}
	c.Subtitle = d.text("subtitle", maxTitle)
	c.Images = d.images()
	c.Badges = d.badges()
	switch {
	case hasTarget && hasURL:
		d.fail("url", "must not stand beside target: a card has one of them")
	case hasTarget:
		c.Target = &catalogv1.Card_Ref{Ref: d.target()}
	case hasURL:
		address := d.required("url", maxURL)
		if address != "" && !isHTTPS(address) {
			d.fail("url", "must be a URL that begins with https://")
		}
		c.Target = &catalogv1.Card_Url{Url: address}
	default:
		d.fail("target", "is missing: a card needs a target or a url")
	}
	return c
}

// targets are the kinds of what a card can open.
var targets = []string{"programme", "video", "channel", "person", "page", "category"}

// target names an entity, such as programme:p001.
func (d document) target() *catalogv1.Ref {
	before := d.broken
	s := d.required("target", maxRef)
	if d.broken > before {
		return nil
	}
	kind, id, ok := strings.Cut(s, ":")
	switch {
	case !ok || id == "":
		d.fail("target", "must be a kind, a colon and an id, such as programme:p001")
	case !slices.Contains(targets, kind):
		d.fail("target", "%.50q is none of %s", kind, strings.Join(targets, ", "))
	case kind == "category":
		d.checkSlug("target", id)
	}
	return &catalogv1.Ref{Kind: kind, Id: id}
}
