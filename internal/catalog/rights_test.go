package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

var rightScreens = map[catalog.Screen]catalogv1.Screen{
	catalog.Web: catalogv1.Screen_SCREEN_WEB, catalog.Mobile: catalogv1.Screen_SCREEN_MOBILE, catalog.IPTV: catalogv1.Screen_SCREEN_IPTV,
}

// on are the rights of a screen's blob.
func on(s catalog.Screen, rights []*catalogv1.Right) *projectionv1.Rights {
	if len(rights) == 0 {
		return nil
	}
	out := &projectionv1.Rights{Restricted: true}
	for _, r := range rights {
		if len(r.GetScreens()) == 0 || slices.Contains(r.GetScreens(), rightScreens[s]) {
			out.Windows = append(out.Windows, &projectionv1.Window{From: r.GetFrom(), Until: r.GetUntil(), Territories: r.GetTerritories(), Offer: r.GetOffer()})
		}
	}
	return out
}

// plainly is the state of rights, by the words of the contract: the best of all windows.
func plainly(v catalog.View, rights []*catalogv1.Right) catalog.State {
	if len(rights) == 0 {
		return catalog.Available
	}
	states := map[catalog.State]bool{}
	for _, r := range rights {
		here, abroad := false, len(r.GetTerritories()) > 0
		for _, s := range r.GetScreens() {
			here = here || s == rightScreens[v.Screen]
		}
		for _, t := range r.GetTerritories() {
			if t == v.Territory {
				abroad = false
			}
		}
		ns := v.Now.UnixNano()
		switch {
		case !here && len(r.GetScreens()) > 0:
			states[catalog.NotOnThisScreen] = true
		case abroad:
			states[catalog.GeoBlocked] = true
		case r.From != nil && ns < r.From.AsTime().UnixNano():
			states[catalog.Upcoming] = true
		case r.Until != nil && ns >= r.Until.AsTime().UnixNano():
			states[catalog.Expired] = true
		case r.Offer == catalogv1.Offer_OFFER_MAX:
			states[catalog.OfferRequired] = true
		default:
			states[catalog.Available] = true
		}
	}
	for _, s := range []catalog.State{catalog.Available, catalog.OfferRequired, catalog.Upcoming, catalog.Expired, catalog.GeoBlocked} {
		if states[s] {
			return s
		}
	}
	return catalog.NotOnThisScreen
}

// TestAvailableAndOpenAgree: on every combination of up to two windows, and all around their boundaries.
func TestAvailableAndOpenAgree(t *testing.T) {
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(d)) }
	times := []*timestamppb.Timestamp{nil, at(-time.Hour), at(0), at(time.Hour), {Seconds: -1 << 33}}
	var all []*catalogv1.Right
	for _, screens := range [][]catalogv1.Screen{nil, {catalogv1.Screen_SCREEN_WEB}, {catalogv1.Screen_SCREEN_IPTV, catalogv1.Screen_SCREEN_MOBILE}, {99}} {
		for _, territories := range [][]string{nil, {"FR"}, {"BE", "RF"}} {
			for _, from := range times {
				for _, until := range times[:4] {
					offer := catalogv1.Offer_OFFER_FREE
					if len(all)%3 == 0 {
						offer = catalogv1.Offer_OFFER_MAX
					}
					all = append(all, &catalogv1.Right{Screens: screens, Territories: territories, From: from, Until: until, Offer: offer})
				}
			}
		}
	}
	var views []catalog.View
	for _, s := range catalog.Screens() {
		for _, territory := range []string{"FR", "BE", "EB", "CH"} {
			for _, d := range []time.Duration{-time.Hour - time.Millisecond, -time.Hour, -time.Nanosecond, 0, time.Microsecond, time.Millisecond, time.Hour - time.Nanosecond, time.Hour} {
				views = append(views, catalog.View{Screen: s, Territory: territory, Now: now.Add(d)})
			}
		}
	}
	check := func(v catalog.View, rights ...*catalogv1.Right) {
		note := catalog.Note(rights)
		want := plainly(v, rights)
		a := v.Available(on(v.Screen, rights))
		if a.State != want || v.Open(note) != want.Open() {
			t.Fatalf("%+v of %v (%q): %d, open %v; want %d", v, rights, note, a.State, v.Open(note), want)
		}
		if a.Window != nil && v.Available(&projectionv1.Rights{Restricted: true, Windows: []*projectionv1.Window{a.Window}}).State != want {
			t.Fatalf("%+v of %v: the window %v is not what decides", v, rights, a.Window)
		}
		if (a.Window == nil) != (len(rights) == 0 || want == catalog.NotOnThisScreen) {
			t.Fatalf("%+v of %v: the window is %v", v, rights, a.Window)
		}
	}
	for _, v := range views {
		check(v)
	}
	for i, a := range all {
		if strings.ContainsRune(catalog.Note([]*catalogv1.Right{a}), 0) {
			t.Fatalf("the note of %v has a NUL", a)
		}
		for _, v := range views {
			check(v, a)
		}
		for j, b := range all {
			check(views[(i*31+j*17)%len(views)], a, b)
			check(views[(i*7+j*13+5)%len(views)], b, a, all[(i+j)%len(all)])
		}
	}
}

func TestTheWindowThatDecides(t *testing.T) {
	at := func(hours int) *timestamppb.Timestamp {
		return timestamppb.New(now.Add(time.Duration(hours) * time.Hour))
	}
	window := func(from, until *timestamppb.Timestamp) *projectionv1.Window {
		return &projectionv1.Window{From: from, Until: until}
	}
	abroad := window(nil, nil)
	abroad.Territories = []string{"BE"}
	offer := window(nil, nil)
	offer.Offer = catalogv1.Offer_OFFER_MAX
	tests := map[string]struct {
		windows []*projectionv1.Window
		state   catalog.State
		at      int // which of them; -1 for none
	}{
		"free before an offer":       {[]*projectionv1.Window{offer, window(at(-1), at(1))}, catalog.Available, 1},
		"an offer before what comes": {[]*projectionv1.Window{window(at(1), nil), offer}, catalog.OfferRequired, 1},
		"what comes before the past": {[]*projectionv1.Window{window(nil, at(-1)), window(at(1), nil)}, catalog.Upcoming, 1},
		"the past before elsewhere":  {[]*projectionv1.Window{abroad, window(nil, at(-1))}, catalog.Expired, 1},
		"elsewhere":                  {[]*projectionv1.Window{abroad}, catalog.GeoBlocked, 0},
		"the next to open":           {[]*projectionv1.Window{window(at(9), nil), window(at(2), at(3)), window(at(5), nil)}, catalog.Upcoming, 1},
		"the last that closed":       {[]*projectionv1.Window{window(nil, at(-9)), window(nil, at(-2)), window(nil, at(-5))}, catalog.Expired, 1},
		"the last to close":          {[]*projectionv1.Window{window(nil, at(1)), window(nil, at(5)), window(nil, at(2))}, catalog.Available, 1},
		"one that never closes":      {[]*projectionv1.Window{window(nil, at(1)), window(at(-5), nil), window(nil, at(2))}, catalog.Available, 1},
		"not on this screen":         {nil, catalog.NotOnThisScreen, -1},
		"it opens now":               {[]*projectionv1.Window{window(at(0), nil)}, catalog.Available, 0},
		"it closes now":              {[]*projectionv1.Window{window(nil, at(0))}, catalog.Expired, 0},
		"never open":                 {[]*projectionv1.Window{window(at(0), at(0))}, catalog.Expired, 0},
	}
	for name, tt := range tests {
		got := view.Available(&projectionv1.Rights{Restricted: true, Windows: tt.windows})
		if got.State != tt.state || tt.at < 0 && got.Window != nil || tt.at >= 0 && got.Window != tt.windows[tt.at] {
			t.Errorf("%s: %d by %v", name, got.State, got.Window)
		}
	}
	for _, r := range []*projectionv1.Rights{nil, {}, {Windows: []*projectionv1.Window{abroad}}} {
		if got := view.Available(r); got.State != catalog.Available || got.Window != nil {
			t.Errorf("not restricted: %+v", got)
		}
	}
	if !view.Open("") {
		t.Error("what has no rights is not open")
	}
}

// TestARightOfAnUnknownScreen: a newer transform may know more screens.
func TestARightOfAnUnknownScreen(t *testing.T) {
	s := open(t)
	note := catalog.Note([]*catalogv1.Right{{Screens: []catalogv1.Screen{99, catalogv1.Screen_SCREEN_UNSPECIFIED}}})
	s.apply(item{Ref: catalog.Ref{Kind: "programme", ID: "p"}, fence: fence(1), kind: "FILM", day: 1, note: note}.change())
	if got := fmt.Sprint(s.list(of(catalog.Programmes), catalog.ByDate)); got != "[p]" {
		t.Errorf("the list is %q", got)
	}
	for _, screen := range catalog.Screens() {
		if v := (catalog.View{Screen: screen, Territory: "FR", Now: now}); v.Open(note) {
			t.Errorf("it is open on %s", screen)
		}
	}
}
