package transform

import (
	"slices"
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

var (
	layouts         = namesOf[catalogv1.SectionLayout]("SECTION_LAYOUT_", catalogv1.SectionLayout_value)
	catalogueOrders = namesOf[catalogv1.CatalogueOrder]("CATALOGUE_ORDER_", catalogv1.CatalogueOrder_value)
	trendWindows    = namesOf[catalogv1.TrendWindow]("TREND_WINDOW_", catalogv1.TrendWindow_value)
	personalSources = namesOf[catalogv1.PersonalSource]("PERSONAL_SOURCE_", catalogv1.PersonalSource_value)
)

// Bounds of docs/cms.md, in characters and elements.
const (
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
	var ids sectionIDs
	return documents(d, "sections", maxSections, func(n document) *catalogv1.Section {
		s := &catalogv1.Section{
			Id:     ids.of(n),
			Title:  n.text("title", maxTitle),
			Layout: enumOr(n, "layout", layouts, catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL),
			More:   n.text("more", maxURL),
			Cards:  documents(n, "cards", maxCards, card),
		}
		n.checkAddress("more", s.More)
		n.source(s)
		return s
	})
}

// source is what fills a rail instead of cards.
func (d document) source(s *catalogv1.Section) {
	one := ""
	for _, field := range []string{"cards", "rule", "trend", "personal"} {
		switch _, ok := d.get(field); {
		case ok && one == "":
			one = field
		case ok:
			d.fail(field, "must not stand beside %s: a rail has one of cards, rule, trend and personal", one)
		}
	}
	if n, ok := d.nested("rule"); ok {
		s.Source = &catalogv1.Section_Rule{Rule: catalogueRule(n)}
	}
	if n, ok := d.nested("trend"); ok {
		s.Source = &catalogv1.Section_Trend{Trend: trendRule(n)}
	}
	if v, ok := d.get("personal"); ok {
		s.Source = &catalogv1.Section_Personal{Personal: enumAt(d, "personal", v, personalSources)}
	}
	if _, limited := d.get("limit"); one != "" && one != "cards" {
		s.Limit = d.limit()
	} else if limited {
		d.fail("limit", "needs a rule, trend or personal beside it: the editors' cards are all shown")
	}
}

func catalogueRule(d document) *catalogv1.CatalogueRule {
	d.only("channel", "category", "kinds", "order")
	r := &catalogv1.CatalogueRule{
		ChannelId: d.ref("channel"),
		Category:  d.text("category", maxSlug),
		Kinds:     enums(d, "kinds", maxKinds, programmeKinds),
		Order:     enumOr(d, "order", catalogueOrders, catalogv1.CatalogueOrder_CATALOGUE_ORDER_NEWEST),
	}
	d.checkSlug("category", r.Category)
	return r
}

// trended is what a trend is of.
type trended int32

var trendOf = names[trended]{"VIDEOS": 1, "PROGRAMMES": 2}

func trendRule(d document) *catalogv1.TrendRule {
	d.only("window", "of", "kinds", "channel")
	r := &catalogv1.TrendRule{
		Window:     enumOr(d, "window", trendWindows, catalogv1.TrendWindow_TREND_WINDOW_DAY),
		Programmes: enumOr(d, "of", trendOf, trendOf["VIDEOS"]) == trendOf["PROGRAMMES"],
		Kinds:      enums(d, "kinds", maxKinds, videoKinds),
		ChannelId:  d.ref("channel"),
	}
	if r.Programmes && len(r.Kinds) > 0 {
		d.fail("kinds", "are of videos: leave them out of a trend of PROGRAMMES")
	}
	return r
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
