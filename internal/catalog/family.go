package catalog

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Order is what a list is sorted by.
type Order string

// The orders.
const (
	ByDate    Order = "date"
	ByTitle   Order = "title"
	ByEpisode Order = "episode" // of videos: by season, episode, date
	ByRank    Order = "rank"    // of channels: the editors' order, then the title
)

// Family names sorted sets that share a slot.
type Family string

// Families without an owner.
const (
	// Programmes are all programmes.
	Programmes Family = "programmes"
	// Channels are all channels.
	Channels Family = "channels"
	// Categories has each programme once for each of its categories.
	Categories Family = "categories"
)

// Videos has a programme's videos, by its CMS id, and the claims on their slugs: many programmes share a family.
func Videos(programmeID string) Family { return Family("videos:" + bucket(programmeID)) }

// OfChannel are a channel's programmes, by its CMS id.
func OfChannel(id string) Family { return Family("channel-programmes:" + id) }

// OfCategory are a category's programmes, by its slug.
func OfCategory(slug string) Family { return Family("category-programmes:" + slug) }

// Credits has the programmes that credit a person, by the CMS id, once for each credit: many people share a family.
func Credits(personID string) Family { return Family("credits:" + bucket(personID)) }

// home is where an entity's blobs lie.
func home(kind, id string) Family { return inBucket(kind, bucket(id)) }

func inBucket(kind, bucket string) Family { return Family(kind + ":" + bucket) }

// The keys of a home and of a family that are no lists. The scripts know them.
const (
	setEntities = "entities" // of a home
	setMembers  = "members"  // of a family
	setClaims   = "claims"
)

// buckets is how many families share what is small and many: one script writes for all of a batch that meet in one, and
// enough of them spread over a cluster's nodes.
const buckets = 64

func bucket(s string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return strconv.Itoa(int(h.Sum32() % buckets))
}

// Placement is what an entity has in a family.
type Placement struct {
	Family Family
	Places []Place
	// Note is what a list's reader is told with each member; see Note. It has no NUL.
	Note string
}

// Placements gathers an entity's placements, each family once.
type Placements struct {
	List []Placement
	at   map[Family]int
}

// Add adds places in a family.
func (ps *Placements) Add(f Family, places ...Place) {
	i, ok := ps.at[f]
	if !ok {
		if ps.at == nil {
			ps.at = map[Family]int{}
		}
		i = len(ps.List)
		ps.at[f] = i
		ps.List = append(ps.List, Placement{Family: f})
	}
	ps.List[i].Places = append(ps.List[i].Places, places...)
}

// Noted adds places in a family, whose list tells the note with them.
func (ps *Placements) Noted(note string, f Family, places ...Place) {
	ps.Add(f, places...)
	ps.List[ps.at[f]].Note = note
}

// Place is a member of a sorted set. A set may have several of one entity.
type Place struct {
	// Set is an order's, a facet of it, an owner's, or a slug; see Facets, VideoPlaces, Address.
	Set string
	// Key sorts it. It has no NUL.
	Key string
}

// A member of a sorted set is its sort key, NUL, the entity's id without NULs, NUL and the note. All have the score 0, so a set is
// ordered by the members' bytes, and the key with the id is a cursor: exact, whatever comes or goes.

// ID is the entity's id in a member.
func ID(member string) string {
	_, id, _ := strings.Cut(member, "\x00")
	if i := strings.LastIndexByte(id, 0); i >= 0 {
		id = id[:i]
	}
	return WithNUL(id)
}

// WithNUL is the inverse of WithoutNUL.
func WithNUL(id string) string {
	if strings.IndexByte(id, 1) >= 0 {
		return withNUL.Replace(id)
	}
	return id
}

// WithoutNUL is an id or a note as members have it: an id with NULs would otherwise begin as others end.
func WithoutNUL(id string) string {
	if strings.ContainsAny(id, "\x00\x01") {
		return withoutNUL.Replace(id)
	}
	return id
}

var (
	withoutNUL = strings.NewReplacer("\x00", "\x01\x01", "\x01", "\x01\x02")
	withNUL    = strings.NewReplacer("\x01\x01", "\x00", "\x01\x02", "\x01")
)

// KeyOf is the sort key in a member.
func KeyOf(member string) string {
	key, _, _ := strings.Cut(member, "\x00")
	return key
}

// NoteOf is what the list's reader is told with a member.
func NoteOf(member string) string { return member[strings.LastIndexByte(member, 0)+1:] }

// Cursor is a member without its note, which may change while a client turns pages.
func Cursor(member string) string { return member[:strings.LastIndexByte(member, 0)] }

// Facets are an entity's places in one order: among all, and among those of its kind. Within each Scope it has both
// again.
func Facets(o Order, kind, key string, scopes ...string) []Place {
	places := []Place{{string(o), key}, {string(o) + ":" + kind, key}}
	for _, s := range scopes {
		places = append(places, Place{string(o) + s, key}, Place{string(o) + ":" + kind + s, key})
	}
	return places
}

// Scope narrows an order to part of a family: a channel's programmes to a category, by its slug.
func Scope(of string) string { return "/" + of }

// A family that many share has one set for each owner, of all orders: their members' keys begin with the order's facet.

const owned = "of/"

func ownSet(owner string) string { return owned + owner }

// Owner is whose set the place is in, by its CMS id; "" when it is in nobody's.
func (p Place) Owner() string {
	owner, isOwned := strings.CutPrefix(p.Set, owned)
	if !isOwned {
		return ""
	}
	return owner
}

func facet(o Order, kind string) string {
	if kind == "" {
		return string(o) + "/"
	}
	return string(o) + ":" + kind + "/"
}

// VideoPlaces are a video's places among those of its programme: by episode only among those of its kind, which readers
// merge, for that order is asked of one kind as a rule. A season is a range of it.
func VideoPlaces(programmeID, kind string, season, episode *int32, published *timestamppb.Timestamp) []Place {
	date, set := DateKey(published), ownSet(programmeID)
	return []Place{
		{set, facet(ByDate, "") + date},
		{set, facet(ByDate, kind) + date},
		{set, facet(ByEpisode, kind) + episodeKey(season, episode, date)},
	}
}

// CreditPlaces are a programme's places among those that credit a person, by the keys of its date and title and the
// credit's index in it.
func CreditPlaces(personID, date, title string, index int) []Place {
	set, number := ownSet(personID), ":"+fiveDigits(index)
	return []Place{{set, facet(ByDate, "") + date + number}, {set, facet(ByTitle, "") + title + number}}
}

// CreditIndex is the credit's index in the programme, of a member of CreditsOf.
func CreditIndex(member string) int {
	key := KeyOf(member)
	index, _ := strconv.Atoi(key[strings.LastIndexByte(key, ':')+1:])
	return index
}

// fiveDigits is n, so that numbers sort as text.
func fiveDigits(n int) string {
	s := strconv.Itoa(n)
	return "00000"[min(len(s), 5):] + s
}

// dateLayout is as long as what it makes.
const dateLayout = "2006-01-02T15:04:05.000"

// DateKey sorts by time, of any year from 1 to 9999.
func DateKey(t *timestamppb.Timestamp) string { return t.AsTime().UTC().Format(dateLayout) }

const unnumbered = 99999

// episodeKey sorts by season and episode; what has none comes last, by date.
func episodeKey(season, episode *int32, date string) string {
	number := func(n *int32) string {
		if n == nil {
			return fiveDigits(unnumbered)
		}
		return fiveDigits(int(*n))
	}
	return number(season) + ":" + number(episode) + ":" + date
}

// EpisodeKey is the key of a video in the order ByEpisode.
func EpisodeKey(season, episode *int32, published *timestamppb.Timestamp) string {
	return episodeKey(season, episode, DateKey(published))
}

// RankKey sorts by position, then by title.
func RankKey(position int32, title string) string {
	return fmt.Sprintf("%05d:%s", position, TitleKey(title))
}

// maxTitleKey is enough to tell titles apart.
const maxTitleKey = 60

// TitleKey sorts titles as people do: without regard to case, accents and signs.
func TitleKey(title string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(ligatures.Replace(title)) {
		switch {
		case b.Len() >= maxTitleKey:
			return strings.TrimSpace(b.String())
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		case unicode.Is(unicode.Mn, r) || b.Len() == 0:
		case unicode.IsSpace(r) && b.String()[b.Len()-1] != ' ':
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String())
}

// ligatures have no decomposition in Unicode.
var ligatures = strings.NewReplacer("œ", "oe", "Œ", "oe", "æ", "ae", "Æ", "ae", "ß", "ss")

// CategoryKey sorts the members of Categories: by the category's slug, then the title that a programme gives it.
func CategoryKey(slug, title string) string {
	return slug + "\x01" + strings.ReplaceAll(title, "\x00", "")
}

var slugPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// MaxSlug is the longest slug that an entity may have.
const MaxSlug = 200

// IsSlug tells whether s is made as slugs are: lower-case letters a-z, digits, and single dashes between them.
func IsSlug(s string) bool { return slugPattern.MatchString(s) }

// Address is where a slug leads. Its family has the claims on it, and those of entities that had it, among those on other
// slugs: the oldest claim owns it and, when there is none, the oldest former one.
type Address struct {
	Family Family
	// Programme is the CMS id of a video's; "" for other kinds.
	Programme string
	Slug      string
}

// SlugOf is the address of a slug that is unique within its kind.
func SlugOf(kind, slug string) Address {
	return Address{Family: Family("slug:" + kind + ":" + bucket(slug)), Slug: slug}
}

// VideoSlug is the address of a slug that is unique within a programme.
func VideoSlug(programmeID, slug string) Address {
	return Address{Videos(programmeID), programmeID, slug}
}

// What the places of claims are called before the slug. place.lua knows slugNow.
const (
	slugNow    = "slug/"
	slugFormer = "former/"
)

// Claim is the place of an entity that has the slug, by when it was created.
func (a Address) Claim(created *timestamppb.Timestamp) Place {
	return Place{a.now(), DateKey(created)}
}

// Former is the place of an entity that had the slug.
func (a Address) Former(created *timestamppb.Timestamp) Place {
	return Place{a.former(), DateKey(created)}
}

func (p Place) isClaim() bool {
	return strings.HasPrefix(p.Set, slugNow) || strings.HasPrefix(p.Set, slugFormer)
}

func (a Address) now() string    { return slugNow + a.name() }
func (a Address) former() string { return slugFormer + a.name() }

func (a Address) name() string {
	if a.Programme != "" {
		return a.Programme + "/" + a.Slug
	}
	return a.Slug
}

// claimant is the id in the first of claims.
func claimant(claims string) string {
	first, _, _ := strings.Cut(claims, "\x00")
	return WithNUL(first[min(len(first), len(dateLayout)):])
}
