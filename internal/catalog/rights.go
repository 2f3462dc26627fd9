package catalog

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// View is where and when something is looked at.
type View struct {
	Screen Screen
	// Territory is ISO 3166-1 alpha-2.
	Territory string
	Now       time.Time
}

// State says whether something may be watched in a view, and if not, why.
type State int

// The states.
const (
	Available State = iota
	// OfferRequired: available to those who have the offer.
	OfferRequired
	Upcoming
	Expired
	GeoBlocked
	NotOnThisScreen
)

// Open tells whether it may be watched now, if need be with an offer.
func (s State) Open() bool { return s == Available || s == OfferRequired }

// Availability is the state with the window that decides it; nil when none does.
type Availability struct {
	State  State
	Window *projectionv1.Window
}

// Available looks at rights, which are those of the view's screen. An open window counts before one to come, that before
// a past one, and free before an offer.
func (v View) Available(r *projectionv1.Rights) Availability {
	if !r.GetRestricted() {
		return Availability{State: Available}
	}
	best := Availability{State: NotOnThisScreen}
	for _, w := range r.GetWindows() {
		if a := v.in(w); a.State < best.State || a.State == best.State && sooner(a, best) {
			best = a
		}
	}
	return best
}

func (v View) in(w *projectionv1.Window) Availability {
	a := Availability{Window: w}
	switch {
	case len(w.GetTerritories()) > 0 && !slices.Contains(w.GetTerritories(), v.Territory):
		a.State = GeoBlocked
	case w.From != nil && v.Now.Before(w.From.AsTime()):
		a.State = Upcoming
	case w.Until != nil && !v.Now.Before(w.Until.AsTime()):
		a.State = Expired
	case w.GetOffer() == catalogv1.Offer_OFFER_MAX:
		a.State = OfferRequired
	}
	return a
}

// sooner prefers, of windows in the same state, the next to open, and else the last to close.
func sooner(a, b Availability) bool {
	if a.State == Upcoming {
		return a.Window.GetFrom().AsTime().Before(b.Window.GetFrom().AsTime())
	}
	return after(a.Window.GetUntil(), b.Window.GetUntil())
}

// after compares ends of windows; an absent one is never.
func after(a, b *timestamppb.Timestamp) bool {
	return b != nil && (a == nil || a.AsTime().After(b.AsTime()))
}

// Note is what lists tell of rights with each member: enough to know whether it is open in a view. It is empty without
// rights, else windows as screens,from,until,territories with times in ms, joined by semicolons.
func Note(rights []*catalogv1.Right) string {
	var b strings.Builder
	for i, r := range rights {
		if i > 0 {
			b.WriteByte(';')
		}
		for _, s := range r.GetScreens() {
			b.WriteByte(screenLetter(s))
		}
		b.WriteByte(',')
		writeMillis(&b, r.GetFrom())
		b.WriteByte(',')
		writeMillis(&b, r.GetUntil())
		b.WriteByte(',')
		for _, t := range r.GetTerritories() {
			b.WriteString(t)
		}
	}
	return b.String()
}

func screenLetter(s catalogv1.Screen) byte {
	switch s {
	case catalogv1.Screen_SCREEN_WEB:
		return 'w'
	case catalogv1.Screen_SCREEN_MOBILE:
		return 'm'
	case catalogv1.Screen_SCREEN_IPTV:
		return 'i'
	}
	return '?' // one that this version does not know: still a restriction, and no NUL
}

func writeMillis(b *strings.Builder, t *timestamppb.Timestamp) {
	if t != nil {
		b.WriteString(strconv.FormatInt(t.AsTime().UnixMilli(), 10))
	}
}

// Open tells of a member's note what State.Open tells of its rights.
func (v View) Open(note string) bool {
	if note == "" {
		return true
	}
	for window := range strings.SplitSeq(note, ";") {
		screens, rest, _ := strings.Cut(window, ",")
		from, rest, _ := strings.Cut(rest, ",")
		until, territories, _ := strings.Cut(rest, ",")
		if (screens == "" || strings.IndexByte(screens, v.Screen[0]) >= 0) &&
			(from == "" || v.Now.UnixMilli() >= millis(from)) &&
			(until == "" || v.Now.UnixMilli() < millis(until)) &&
			(territories == "" || hasTerritory(territories, v.Territory)) {
			return true
		}
	}
	return false
}

func hasTerritory(all, one string) bool {
	for i := 0; i+2 <= len(all); i += 2 {
		if all[i:i+2] == one {
			return true
		}
	}
	return false
}

func millis(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
