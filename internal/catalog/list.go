package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// List names a list, what of it is wanted, and a place in it. It can be a map's key.
type List struct {
	Family  Family
	Order   Order
	Reverse bool
	// Kinds, joined by commas, are those wanted; "" for all.
	Kinds string
	// Owner is whose list it is in a family that many share, by its CMS id: a programme's videos, a person's credits.
	Owner string
	// Scope narrows it; see the function of that name. "" for all.
	Scope string
	// Season narrows a programme's videos when BySeason.
	Season   int32
	BySeason bool
	// Open leaves out what may not be watched in the view.
	Open bool
	// After is the cursor that the page follows; "" for the first page.
	After string
	First int
}

// VideosOf is the list of a programme's videos, by its CMS id.
func VideosOf(programmeID string) List { return List{Family: Videos(programmeID), Owner: programmeID} }

// CreditsOf is the list of the programmes that credit a person, by the CMS id.
func CreditsOf(personID string) List { return List{Family: Credits(personID), Owner: personID} }

// Name tells the list from any other, whatever the page.
func (l List) Name() string {
	return fmt.Sprintf("%q %q %q %t %q %q %d %t %t", l.Family, l.Owner, l.Order, l.Reverse, l.Kinds, l.Scope, l.Season, l.BySeason, l.Open)
}

// Page is part of a list.
type Page struct {
	Members []string
	// End is the cursor of what follows. It is not always the last member's: what is not open is passed over.
	End string
	// More: End has something behind it.
	More bool
	// Total is how many the list has, open or not.
	Total int
}

// CursorOf is the place of an entity by its sort key.
func CursorOf(key, id string) string { return key + "\x00" + WithoutNUL(id) }

// set is a sorted set, or a part of it: its members begin with the facet, which the reader is not told, then with the
// prefix.
type set struct{ key, facet, prefix string }

// videoKinds are all, for by episode each has its own set alone.
var videoKinds = []string{"FILM", "EPISODE", "REPLAY", "EXTRACT", "BONUS", "TRAILER", "LIVE"}

// sets are where a list's members are: each is in one of them.
func (l List) sets(c *Catalog) []set {
	scope, prefix := "", ""
	var kinds []string
	if l.Kinds != "" {
		kinds = strings.Split(l.Kinds, ",")
	}
	if l.Scope != "" {
		scope = Scope(l.Scope)
	}
	if l.Order == ByEpisode && kinds == nil {
		kinds = videoKinds
	}
	if l.BySeason && l.Order == ByEpisode {
		prefix = fmt.Sprintf("%05d:", l.Season)
	}
	base := c.base(l.Family)
	of := func(kind string) set {
		if l.Owner != "" {
			return set{base + ownSet(l.Owner), facet(l.Order, kind), prefix}
		}
		if kind != "" {
			kind = ":" + kind
		}
		return set{base + string(l.Order) + kind + scope, "", prefix}
	}
	if kinds == nil {
		return []set{of("")}
	}
	out := make([]set, len(kinds))
	for i, k := range kinds {
		out[i] = of(k)
	}
	return out
}

// between are the set's members behind a cursor.
func (s set) between(after string, reverse bool) (min, max string) {
	min, max = "-", "+"
	if begin := s.facet + s.prefix; begin != "" {
		min, max = "["+begin, "("+begin+"\xff"
	}
	if after != "" && reverse {
		max = "(" + s.facet + after + "\x00"
	} else if after != "" {
		min = "(" + s.facet + after + "\x00\xff" // behind the member, whatever its note
	}
	return min, max
}

// heard are the members that a command found, without the facet.
func (s set) heard(cmd redis.Cmder) []string {
	members := cmd.(*redis.StringSliceCmd).Val()
	for i, m := range members {
		members[i] = m[len(s.facet):]
	}
	return members
}

// rounds bounds how often a page is read on when what is found is not open. It is then shorter than it could be, and says
// that there is more.
const rounds = 4

// slack is how many more members are read than a page wants when some may not be open: they are short, a round trip is not.
const slack = 24

// maxStride bounds what a client can make a page read where nearly all is closed to it.
const maxStride = 2000

// length is how many members a round reads: one more than the page wants tells whether there are more.
func (l List) length(round int) int {
	n := l.First + 1
	if l.Open {
		n += slack
	}
	return min(n<<(2*round), maxStride)
}

// pageReading gathers a page, in one round unless much is not open in the view.
type pageReading struct {
	list  List
	view  View
	round int
	page  Page
	sets  []set
}

func (l List) read(v View) reading {
	r := pageReading{list: l, view: v, page: Page{End: l.After}}
	if l.BySeason && l.Order != ByEpisode {
		return &seasonReading{r}
	}
	return &r
}

func (r *pageReading) ask(ctx context.Context, c *Catalog, p redis.Pipeliner) {
	if r.round == 0 {
		r.sets = r.list.sets(c)
	}
	for _, s := range r.sets {
		low, high := s.between(r.page.End, r.list.Reverse)
		by := &redis.ZRangeBy{Min: low, Max: high, Count: int64(r.list.length(r.round))}
		if r.list.Reverse {
			p.ZRevRangeByLex(ctx, s.key, by)
		} else {
			p.ZRangeByLex(ctx, s.key, by)
		}
		switch low, high := s.between("", false); {
		case r.round > 0:
		case s.facet+s.prefix == "":
			p.ZCard(ctx, s.key)
		default:
			p.ZLexCount(ctx, s.key, low, high)
		}
	}
}

func (r *pageReading) hear(cmds []redis.Cmder) (again bool) {
	var members []string
	for _, s := range r.sets {
		members = append(members, s.heard(cmds[0])...)
		cmds = cmds[1:]
		if r.round == 0 {
			r.page.Total += int(cmds[0].(*redis.IntCmd).Val())
			cmds = cmds[1:]
		}
	}
	if len(r.sets) > 1 {
		// Each set gave its first ones, so the first ones of all are among them.
		slices.Sort(members)
		if r.list.Reverse {
			slices.Reverse(members)
		}
	}
	most := r.list.length(r.round) - 1
	more := len(members) > most
	r.round++
	return r.page.take(members[:min(most, len(members))], more, r.view, r.list) && r.round < rounds
}

func (r *pageReading) answer() any { return r.page }

// seasonReading gathers a page of a season by date: the season, which is a range of the order by episode, is read whole
// and sorted here.
type seasonReading struct{ pageReading }

// maxSeason is more than a season has videos of a kind.
const maxSeason = 10_000

func (r *seasonReading) ask(ctx context.Context, c *Catalog, p redis.Pipeliner) {
	l := r.list
	l.Order = ByEpisode
	r.sets = l.sets(c)
	for _, s := range r.sets {
		low, high := s.between("", false)
		p.ZRangeByLex(ctx, s.key, &redis.ZRangeBy{Min: low, Max: high, Count: maxSeason})
	}
}

func (r *seasonReading) hear(cmds []redis.Cmder) (again bool) {
	const numbers = len("00000:00000:") // before the date in the order by episode
	var members []string
	for i, s := range r.sets {
		for _, m := range s.heard(cmds[i]) {
			members = append(members, m[numbers:])
		}
	}
	r.page.Total = len(members)
	slices.Sort(members)
	if r.list.Reverse {
		slices.Reverse(members)
	}
	if after := r.list.After; after != "" {
		members = slices.DeleteFunc(members, func(m string) bool {
			return r.list.Reverse && Cursor(m) >= after || !r.list.Reverse && Cursor(m) <= after
		})
	}
	r.page.take(members, false, r.view, r.list)
	return false
}

// take adds to the page what is open of the members that follow it, and tells whether it wants more.
func (p *Page) take(members []string, more bool, v View, l List) bool {
	p.More = more
	for _, m := range members {
		if l.Open && !v.Open(NoteOf(m)) {
			p.End = Cursor(m)
			continue
		}
		if len(p.Members) == l.First {
			p.More = true
			return false
		}
		p.Members = append(p.Members, m)
		p.End = Cursor(m)
	}
	return p.More && len(p.Members) < l.First
}

// Pages reads pages.
func (c *Catalog) Pages(ctx context.Context, v View, lists []List) ([]Page, error) {
	return readAll[Page](ctx, c, v, lists)
}

// Beside asks for the neighbours of a list's place After. First and Open have no part in it, nor has Reverse; the
// neighbours are of any season.
type Beside List

// Neighbours are the members next to a place in a list; "" where there is none.
type Neighbours struct{ Previous, Next string }

type besideReading struct {
	list List
	sets []set
	near Neighbours
}

func (b Beside) read(View) reading { return &besideReading{list: List(b)} }

func (r *besideReading) ask(ctx context.Context, c *Catalog, p redis.Pipeliner) {
	r.sets = r.list.sets(c)
	for _, s := range r.sets {
		s.prefix = ""
		low, high := s.between(r.list.After, true)
		p.ZRevRangeByLex(ctx, s.key, &redis.ZRangeBy{Min: low, Max: high, Count: 1})
		low, high = s.between(r.list.After, false)
		p.ZRangeByLex(ctx, s.key, &redis.ZRangeBy{Min: low, Max: high, Count: 1})
	}
}

func (r *besideReading) hear(cmds []redis.Cmder) (again bool) {
	for _, s := range r.sets { // the nearest of all
		if m := s.heard(cmds[0]); len(m) > 0 {
			r.near.Previous = max(r.near.Previous, m[0])
		}
		if m := s.heard(cmds[1]); len(m) > 0 && (r.near.Next == "" || m[0] < r.near.Next) {
			r.near.Next = m[0]
		}
		cmds = cmds[2:]
	}
	return false
}

func (r *besideReading) answer() any { return r.near }

// Around reads the members next to places in lists.
func (c *Catalog) Around(ctx context.Context, places []Beside) ([]Neighbours, error) {
	return readAll[Neighbours](ctx, c, View{}, places)
}
