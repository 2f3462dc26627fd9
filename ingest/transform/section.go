package transform

import (
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/types/known/durationpb"

	catalogv1 "regie/proto/catalog/v1"
)

var sectionOrders = namesOf[catalogv1.SectionOrder]("SECTION_ORDER_", catalogv1.SectionOrder_value)

// Bounds of docs/cms.md, in characters, elements and days.
const (
	maxSectionID = 100

	maxSectionRules = 50
	maxKinds        = 20
	maxRuleSeasons  = 100
	maxPins         = 100
	maxExcludes     = 1000

	maxLimit     = 100
	defaultLimit = 20
	maxDays      = 36_500
)

// The fields of rules.
var (
	filterFields   = []string{"kinds", "seasons", "tags", "minDuration", "maxDuration", "publishedWithinDays", "offer"}
	fallbackFields = append(slices.Clone(filterFields), "order")
	sectionFields  = append([]string{"id", "title", "layout", "screens", "order", "limit", "pins", "excludes", "fallback"}, filterFields...)
)

// sectionIDs gives the sections of a document their ids: what the editors wrote, else their number from 1.
type sectionIDs struct {
	number int
	seen   []string
}

func (s *sectionIDs) of(d document) string {
	s.number++
	id := d.text("id", maxSectionID)
	if id == "" {
		id = strconv.Itoa(s.number)
	}
	if slices.Contains(s.seen, id) {
		d.fail("id", "%q is another section's too", id)
	}
	s.seen = append(s.seen, id)
	return id
}

func (d document) sectionRules() []*catalogv1.SectionRule {
	var ids sectionIDs
	return documents(d, "sections", maxSectionRules, func(n document) *catalogv1.SectionRule {
		n.only(sectionFields...)
		r := &catalogv1.SectionRule{
			Id:          ids.of(n),
			Title:       n.text("title", maxTitle),
			Layout:      enumOr(n, "layout", layouts, catalogv1.SectionLayout_SECTION_LAYOUT_CAROUSEL),
			Screens:     n.screens(),
			Filter:      n.filter(),
			Order:       n.sectionOrder(),
			Limit:       n.limit(),
			PinnedIds:   n.refs("pins", maxPins),
			ExcludedIds: n.refs("excludes", maxExcludes),
		}
		if f, ok := n.nested("fallback"); ok {
			f.only(fallbackFields...)
			r.Fallback = &catalogv1.SectionFallback{Filter: f.filter(), Order: f.sectionOrder()}
		}
		return r
	})
}

func (d document) filter() *catalogv1.SectionFilter {
	f := &catalogv1.SectionFilter{
		Kinds:       enums(d, "kinds", maxKinds, videoKinds),
		Seasons:     d.integers("seasons", maxRuleSeasons, 0, maxSeason),
		Tags:        d.tags(),
		MinDuration: d.integer("minDuration", 0, week),
		MaxDuration: d.integer("maxDuration", 0, week),
		Offer:       enumOr(d, "offer", offers, catalogv1.Offer_OFFER_UNSPECIFIED),
	}
	if f.MinDuration != nil && f.MaxDuration != nil && *f.MaxDuration < *f.MinDuration {
		d.fail("maxDuration", "must not be below minDuration")
	}
	if days := d.integer("publishedWithinDays", 1, maxDays); days != nil {
		f.PublishedWithin = durationpb.New(time.Duration(*days) * 24 * time.Hour)
	}
	return f
}

func (d document) sectionOrder() catalogv1.SectionOrder {
	return enumOr(d, "order", sectionOrders, catalogv1.SectionOrder_SECTION_ORDER_NEWEST)
}

// limit is how many cards a computed rail shows at the most.
func (d document) limit() int32 { return or(d.integer("limit", 1, maxLimit), defaultLimit) }

// integers is an array of whole numbers.
func (d document) integers(field string, max int, least, most int32) []int32 {
	var out []int32
	d.list(field, max, func(at string, v bson.RawValue) {
		if n := d.integerAt(at, v, least, most); n != nil {
			out = append(out, *n)
		}
	})
	return out
}
