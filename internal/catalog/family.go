package catalog

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// Order is what a list is sorted by.
type Order string

// The orders.
const (
	ByDate    Order = "date"
	ByEpisode Order = "episode"
	byClaim   Order = "claims"
)

// Family names sorted sets that share a slot: one set of entities, in each order, for each screen.
type Family string

// Programmes are all programmes.
const Programmes Family = "programmes"

// Videos are a programme's, by its CMS id.
func Videos(programmeID string) Family { return Family("videos:" + programmeID) }

var slugPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// IsSlug tells whether s is made as slugs are: lower-case letters a-z, digits, and single dashes between them.
func IsSlug(s string) bool { return slugPattern.MatchString(s) }

// ProgrammeSlug holds the claims on a programme's slug.
func ProgrammeSlug(slug string) Family { return Family("slug:programme:" + slug) }

// VideoSlug holds the claims on a video's slug within its programme.
func VideoSlug(programmeID, slug string) Family {
	return Family(fmt.Sprintf("slug:video:%d:%s:%s", len(programmeID), programmeID, slug))
}

// set is one sorted set of a family.
type set struct {
	screen Screen
	order  Order
}

func (s set) String() string {
	if s.screen == "" {
		return string(s.order)
	}
	return string(s.screen) + ":" + string(s.order)
}

// sets are all sets of a family.
func (f Family) sets() []set {
	kind, _, _ := strings.Cut(string(f), ":")
	orders := map[string][]Order{"programmes": {ByDate}, "videos": {ByDate, ByEpisode}}[kind]
	if kind == "slug" {
		return []set{{order: byClaim}}
	}
	var out []set
	for _, s := range Screens() {
		for _, o := range orders {
			out = append(out, set{s, o})
		}
	}
	return out
}

// Placement is an entity's place in a family: a sort key for each order, the same on every screen of Screens.
type Placement struct {
	Family  Family
	Keys    map[Order]string
	Screens []Screen
}

// key is the entity's sort key in a set, and whether it is in it.
func (p Placement) key(s set) (string, bool) {
	k, ok := p.Keys[s.order]
	if !ok || s.screen == "" {
		return k, ok
	}
	for _, screen := range p.Screens {
		if screen == s.screen {
			return k, true
		}
	}
	return "", false
}

// DateKey sorts by time, of any year from 1 to 9999.
func DateKey(t *timestamppb.Timestamp) string {
	return t.AsTime().UTC().Format("2006-01-02T15:04:05.000")
}

// EpisodeKey sorts by season and episode; what has none comes last, by date.
func EpisodeKey(season, episode *int32, t *timestamppb.Timestamp) string {
	number := func(n *int32) int32 {
		if n == nil {
			return 99999
		}
		return *n
	}
	return fmt.Sprintf("%05d:%05d:%s", number(season), number(episode), DateKey(t))
}

// Claim is a claim on a slug made by an entity created at that time: the oldest owns it.
func Claim(f Family, created *timestamppb.Timestamp) Placement {
	return Placement{Family: f, Keys: map[Order]string{byClaim: DateKey(created)}}
}

// A member of a sorted set is its sort key, a NUL and the entity's id. All have the score 0, so the set is ordered by the
// members' bytes, and a member is a cursor: exact, whatever comes or goes.
func member(key, id string) string { return key + "\x00" + id }

// ID is the entity's id in a member.
func ID(member string) string {
	_, id, _ := strings.Cut(member, "\x00")
	return id
}

// fenceKept is how long a removed thing's fence stays: as long as a tombstone can still be read.
const fenceKept = 7 * 24 * time.Hour
