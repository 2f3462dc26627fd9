package recommend

import (
	"slices"
	"time"

	catalogv1 "regie/proto/catalog/v1"
)

// territories are where something may be watched.
type territories struct {
	all   bool
	named []string
}

// open tells where a screen may show something at a time.
func open(rights []*catalogv1.Right, screen catalogv1.Screen, at time.Time) territories {
	t := territories{all: len(rights) == 0}
	for _, r := range rights {
		switch {
		case len(r.GetScreens()) > 0 && !slices.Contains(r.GetScreens(), screen):
		case r.GetFrom() != nil && at.Before(r.GetFrom().AsTime()):
		case r.GetUntil() != nil && !at.Before(r.GetUntil().AsTime()):
		case len(r.GetTerritories()) == 0:
			t.all = true
		default:
			t.named = append(t.named, r.GetTerritories()...)
		}
	}
	return t
}

// covers tells whether t has all of u.
func (t territories) covers(u territories) bool {
	return t.all || !u.all && !slices.ContainsFunc(u.named, func(n string) bool { return !slices.Contains(t.named, n) })
}

// meet tells whether t and u have something in common.
func (t territories) meet(u territories) bool {
	switch {
	case t.all:
		return u.all || len(u.named) > 0
	case u.all:
		return len(t.named) > 0
	}
	return slices.ContainsFunc(t.named, func(n string) bool { return slices.Contains(u.named, n) })
}

// free are the windows that need no offer. Of rights that have none, nothing may be watched: not ok.
func free(rights []*catalogv1.Right) (out []*catalogv1.Right, ok bool) {
	for _, r := range rights {
		if r.GetOffer() != catalogv1.Offer_OFFER_MAX {
			out = append(out, r)
		}
	}
	return out, len(out) > 0 || len(rights) == 0
}

// skew is how far apart the clocks of two instances may be.
const skew = time.Hour

// over tells whether nothing may be watched any more by these rights, whatever happens but an edit.
func over(rights []*catalogv1.Right, at time.Time) bool {
	return len(rights) > 0 && !slices.ContainsFunc(rights, func(r *catalogv1.Right) bool {
		return r.GetUntil() == nil || at.Before(r.GetUntil().AsTime().Add(skew))
	})
}
