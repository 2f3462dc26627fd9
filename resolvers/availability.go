package resolvers

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/graph/model"
	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

var states = map[catalog.State]model.AvailabilityState{
	catalog.Available:       model.AvailabilityStateAvailable,
	catalog.OfferRequired:   model.AvailabilityStateOfferRequired,
	catalog.Upcoming:        model.AvailabilityStateUpcoming,
	catalog.Expired:         model.AvailabilityStateExpired,
	catalog.GeoBlocked:      model.AvailabilityStateGeoBlocked,
	catalog.NotOnThisScreen: model.AvailabilityStateNotOnThisScreen,
}

// availability says how a decided window is told.
func availability(a catalog.Availability) *model.Availability {
	out := &model.Availability{
		State: states[a.State], From: a.Window.GetFrom(), Until: a.Window.GetUntil(),
		Territories: a.Window.GetTerritories(), Offer: a.Window.GetOffer(),
	}
	if out.Offer == catalogv1.Offer_OFFER_UNSPECIFIED {
		out.Offer = catalogv1.Offer_OFFER_FREE
	}
	return out
}

// both is the availability of a video within its programme: what forbids it for longer, else the narrower window.
func both(programme, video catalog.Availability) catalog.Availability {
	p, v := programme.Window, video.Window
	switch open := programme.State.Open() && video.State.Open(); {
	case open && p == nil || !open && programme.State < video.State:
		return video
	case open && v == nil || !open && programme.State > video.State:
		return programme
	case !open && programme.State == catalog.Upcoming && p.GetFrom().AsTime().Before(v.GetFrom().AsTime()):
		return video
	case !open:
		return programme
	}
	w := &projectionv1.Window{From: v.From, Until: v.Until, Territories: v.Territories, Offer: max(p.Offer, v.Offer)}
	if p.From != nil && (w.From == nil || p.From.AsTime().After(w.From.AsTime())) {
		w.From = p.From
	}
	if p.Until != nil && (w.Until == nil || p.Until.AsTime().Before(w.Until.AsTime())) {
		w.Until = p.Until
	}
	if len(w.Territories) == 0 {
		w.Territories = p.Territories
	} else if len(p.Territories) > 0 {
		w.Territories = slices.DeleteFunc(slices.Clone(v.Territories), func(t string) bool { return !slices.Contains(p.Territories, t) })
	}
	return catalog.Availability{State: max(programme.State, video.State), Window: w}
}

const (
	newFor   = 7 * 24 * time.Hour
	lastDays = 7 * 24 * time.Hour
)

// badges are the editors', and those that follow from the clock and the rights unless the editors gave one of the kind.
func badges(editors []*catalogv1.Badge, v catalog.View, a catalog.Availability, published *timestamppb.Timestamp, live bool) []*catalogv1.Badge {
	out := editors[:len(editors):len(editors)]
	add := func(due bool, kind catalogv1.BadgeKind, label string) {
		for _, b := range editors {
			due = due && b.GetKind() != kind
		}
		if due {
			out = append(out, &catalogv1.Badge{Kind: kind, Label: label})
		}
	}
	age := v.Now.Sub(published.AsTime())
	until := a.Window.GetUntil()
	add(live, catalogv1.BadgeKind_BADGE_KIND_LIVE, "En direct")
	add(a.State == catalog.Upcoming, catalogv1.BadgeKind_BADGE_KIND_COMING_SOON, "Bientôt")
	add(a.State.Open() && until != nil && until.AsTime().Sub(v.Now) <= lastDays, catalogv1.BadgeKind_BADGE_KIND_LAST_DAYS, "Derniers jours")
	add(a.State.Open() && published != nil && age >= 0 && age < newFor, catalogv1.BadgeKind_BADGE_KIND_NEW, "Nouveau")
	add(a.State == catalog.OfferRequired, catalogv1.BadgeKind_BADGE_KIND_MAX, "Max")
	return out
}
