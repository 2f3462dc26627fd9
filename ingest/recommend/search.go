package recommend

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

const (
	// maxLimit is of a section's videos.
	maxLimit = 100
	// spare is how many times a section's limit a screen is given at most, where some may not be watched in every territory.
	spare = 4
	// firstRead is how many members of a list are read at first, lastRead at most at once.
	firstRead, lastRead = 32, 1000
)

func limitOf(n int32) int { return min(max(1, int(n)), maxLimit) }

// screens are all, in the order of an answer.
var screens = []catalogv1.Screen{catalogv1.Screen_SCREEN_WEB, catalogv1.Screen_SCREEN_MOBILE, catalogv1.Screen_SCREEN_IPTV}

// shelf is what a screen has of a section.
type shelf struct {
	screen catalogv1.Screen
	videos []*catalogv1.SectionVideo
	// everywhere are those that may be watched wherever the programme may.
	everywhere int
}

func (s *shelf) full(limit int) bool { return s.everywhere >= limit || len(s.videos) >= spare*limit }

// search fills the shelves of a rule: with what is pinned, then from a list in the rule's order, read from its head until
// they are full. Of the lists that have all the rule asks for (of its tags, of its seasons, of its kinds), it reads the
// shortest.
type search struct {
	of      *evaluation
	rule    *catalogv1.SectionRule
	filter  *catalogv1.SectionFilter
	order   catalogv1.SectionOrder
	limit   int
	shelves []*shelf
	// seen are the videos that were looked at, or are never to be.
	seen map[string]bool
	// ahead are videos to look at before the lists; the first so many whatever the filter says.
	ahead  []string
	pinned int
	// published: only after that, if it is not zero.
	published time.Time

	plans  [][]*reading
	coming []catalog.List // of each plan, what will be published next
	begun  bool
	lists  []*reading // what is left of the plan
}

// reading is a list being read.
type reading struct {
	list catalog.List
	page catalog.Page
}

// newSearch begins the search of a rule; watched are the programme's most watched videos, when it orders by that.
func newSearch(of *evaluation, rule *catalogv1.SectionRule, watched []string) *search {
	s := &search{
		of: of, rule: rule, filter: rule.GetFilter(), order: rule.GetOrder(), limit: limitOf(rule.GetLimit()),
		ahead: slices.Clone(rule.GetPinnedIds()), pinned: len(rule.GetPinnedIds()), seen: map[string]bool{},
	}
	for _, screen := range screens {
		if len(rule.GetScreens()) == 0 || slices.Contains(rule.GetScreens(), screen) {
			s.shelves = append(s.shelves, &shelf{screen: screen})
		}
	}
	s.prepare(watched)
	return s
}

// fallback is the search for the screens that have nothing; nil when there is none.
func (s *search) fallback(watched []string) *search {
	f := s.rule.GetFallback()
	out := &search{of: s.of, rule: &catalogv1.SectionRule{ExcludedIds: s.rule.GetExcludedIds()}, filter: f.GetFilter(), order: f.GetOrder(), limit: s.limit, seen: map[string]bool{}}
	for _, on := range s.shelves {
		if len(on.videos) == 0 {
			out.shelves = append(out.shelves, on)
		}
	}
	if f == nil || len(out.shelves) == 0 {
		return nil
	}
	out.prepare(watched)
	return out
}

func (s *search) prepare(watched []string) {
	for _, id := range s.rule.GetExcludedIds() {
		s.seen[id] = true
	}
	if d := s.filter.GetPublishedWithin(); d != nil {
		s.published = s.of.at.Add(-d.AsDuration())
	}
	if s.order == catalogv1.SectionOrder_SECTION_ORDER_MOST_WATCHED {
		s.ahead = append(s.ahead, watched...)
	}
	var facets [][]string
	facet := func(n int, name func(int) string) {
		if n == 0 {
			return
		}
		all := make([]string, n)
		for i := range all {
			all[i] = name(i)
		}
		slices.Sort(all)
		facets = append(facets, slices.Compact(all))
	}
	f := s.filter
	facet(len(f.GetTags()), func(i int) string { return tagFacet(f.GetTags()[i]) })
	facet(len(f.GetKinds()), func(i int) string { return kindFacet(f.GetKinds()[i]) })
	if s.order == catalogv1.SectionOrder_SECTION_ORDER_EPISODE {
		s.byEpisode(facets)
		return
	}
	facet(len(f.GetSeasons()), func(i int) string { return seasonFacet(f.GetSeasons()[i]) })
	s.byDate(facets)
}

// byDate plans lists by date, none of which begins with what is not published yet.
func (s *search) byDate(facets [][]string) {
	if len(facets) == 0 {
		facets = [][]string{nil}
	}
	now := catalog.DateKey(timestamppb.New(s.of.at)) + "\x01" // behind all of that moment
	for _, names := range facets {
		l := s.list(catalog.ByDate, names)
		if s.order == catalogv1.SectionOrder_SECTION_ORDER_OLDEST {
			if !s.published.IsZero() { // the key has milliseconds
				l.After = catalog.DateKey(timestamppb.New(s.published.Add(-time.Millisecond)))
			}
		} else {
			next := l
			next.After, next.First = now, 1
			s.coming = append(s.coming, next)
			l.After, l.Reverse = now, true
		}
		s.plans = append(s.plans, []*reading{{list: l}})
	}
}

// byEpisode plans lists by episode, season by season if only some are wanted.
func (s *search) byEpisode(facets [][]string) {
	if len(facets) == 0 {
		facets = [][]string{nil} // all kinds
	}
	seasons := slices.Compact(slices.Sorted(slices.Values(s.filter.GetSeasons())))
	for _, names := range facets {
		l := s.list(catalog.ByEpisode, names)
		if len(seasons) == 0 {
			s.plans = append(s.plans, []*reading{{list: l}})
			continue
		}
		var plan []*reading
		for _, n := range seasons {
			l.BySeason, l.Season = true, n
			plan = append(plan, &reading{list: l})
		}
		s.plans = append(s.plans, plan)
	}
}

func (s *search) list(order catalog.Order, facets []string) catalog.List {
	l := catalog.VideosOf(s.of.id)
	l.Order, l.Kinds, l.First = order, strings.Join(facets, ","), max(firstRead, s.limit+s.limit/2)
	return l
}

// ask is what to read next.
func (s *search) ask() (keys []catalog.Key) {
	if s.begun {
		return []catalog.Key{s.lists[0].list}
	}
	for _, id := range s.ahead {
		keys = append(keys, catalog.Placed{Kind: video, ID: id})
	}
	for _, plan := range s.plans {
		for _, r := range plan {
			keys = append(keys, r.list)
		}
	}
	for _, l := range s.coming {
		keys = append(keys, l)
	}
	return keys
}

// hear takes what was read, and tells whether there is more to read.
func (s *search) hear(answers []catalog.Answer) (again bool, err error) {
	if s.begun {
		s.lists[0].page = answers[0].Value.(catalog.Page)
		return s.take()
	}
	s.begun = true
	for i, id := range s.ahead {
		if err := s.lookUp(id, answers[i].Value.([]catalog.Placement), i < s.pinned); err != nil {
			return false, err
		}
	}
	answers = answers[len(s.ahead):]
	chosen, fewest := 0, 0
	for n, plan := range s.plans {
		total := 0
		for _, r := range plan {
			r.page = answers[0].Value.(catalog.Page)
			total += r.page.Total
			answers = answers[1:]
		}
		if n == 0 || total < fewest {
			chosen, fewest = n, total
		}
	}
	s.lists = s.plans[chosen]
	if len(s.coming) > 0 {
		for _, m := range answers[chosen].Value.(catalog.Page).Members {
			v, err := noted(catalog.NoteOf(m))
			if err != nil {
				return false, err
			}
			s.of.mind(v.GetPublishedAt().AsTime())
		}
	}
	return s.take()
}

// lookUp looks at a video of the programme that was asked for by its id.
func (s *search) lookUp(id string, where []catalog.Placement, pinned bool) error {
	for _, p := range where {
		if owner(p) != s.of.id || s.seen[id] {
			continue
		}
		v, err := noted(p.Note)
		if err != nil {
			return err
		}
		s.look(id, v, pinned)
	}
	return nil
}

// take looks at the members that were read, and tells whether there is more to read.
func (s *search) take() (again bool, err error) {
	for len(s.lists) > 0 {
		r := s.lists[0]
		for _, m := range r.page.Members {
			if s.full() {
				return false, nil
			}
			s.of.scanned++
			id := catalog.ID(m)
			if s.seen[id] {
				continue // of another facet, or looked up
			}
			v, err := noted(catalog.NoteOf(m))
			if err != nil {
				return false, err
			}
			if s.beyond(v) {
				return false, nil
			}
			if over(v.GetRights(), s.of.at) {
				if err := s.of.unlist(id, v); err != nil {
					return false, err
				}
				continue
			}
			s.look(id, v, false)
		}
		if r.page.More && !s.full() {
			r.list.After, r.list.First = r.page.End, min(4*r.list.First, lastRead)
			return true, nil
		}
		s.lists = s.lists[1:]
	}
	return false, nil
}

// beyond tells of the member of a list by date whether neither it nor any that follows is wanted.
func (s *search) beyond(v *catalogv1.Video) bool {
	published := v.GetPublishedAt().AsTime()
	switch s.order {
	case catalogv1.SectionOrder_SECTION_ORDER_EPISODE:
		return false
	case catalogv1.SectionOrder_SECTION_ORDER_OLDEST:
		s.of.mind(published)
		return published.After(s.of.at)
	}
	return !s.published.IsZero() && !published.After(s.published)
}

// look puts a video on the shelves of those screens that may show it.
func (s *search) look(id string, v *catalogv1.Video, pinned bool) {
	s.seen[id] = true
	rights, published := v.GetRights(), v.GetPublishedAt().AsTime()
	if !pinned {
		if !s.wants(v) {
			return
		}
		if s.filter.GetOffer() == catalogv1.Offer_OFFER_FREE {
			var any bool
			if rights, any = free(rights); !any {
				return
			}
		}
		if d := s.filter.GetPublishedWithin(); d != nil {
			if !published.After(s.published) {
				return
			}
			s.of.mind(published.Add(d.AsDuration()))
		}
	}
	s.of.mind(published)
	s.of.mindWindows(rights)
	if published.After(s.of.at) {
		return
	}
	for _, on := range s.shelves {
		programme, where := s.of.open[on.screen], open(rights, on.screen, s.of.at)
		if on.full(s.limit) || !where.meet(programme) {
			continue
		}
		on.videos = append(on.videos, &catalogv1.SectionVideo{Id: id, Note: catalog.Note(rights)})
		if where.covers(programme) {
			on.everywhere++
		}
	}
}

// wants tells what the filter says of a video, whatever its rights and the clock.
func (s *search) wants(v *catalogv1.Video) bool {
	f := s.filter
	has := func(tag string) bool { return slices.Contains(f.GetTags(), tag) }
	switch {
	case len(f.GetKinds()) > 0 && !slices.Contains(f.GetKinds(), v.GetKind()):
	case len(f.GetSeasons()) > 0 && (v.SeasonNumber == nil || !slices.Contains(f.GetSeasons(), v.GetSeasonNumber())):
	case len(f.GetTags()) > 0 && !slices.ContainsFunc(v.GetTags(), has):
	case f != nil && f.MinDuration != nil && v.GetDuration() < f.GetMinDuration():
	case f != nil && f.MaxDuration != nil && v.GetDuration() > f.GetMaxDuration():
	default:
		return true
	}
	return false
}

func (s *search) full() bool {
	return !slices.ContainsFunc(s.shelves, func(on *shelf) bool { return !on.full(s.limit) })
}

// section is what was found; nil when that is nothing.
func (s *search) section() *catalogv1.ComputedSection {
	out := &catalogv1.ComputedSection{Id: s.rule.GetId(), Title: s.rule.GetTitle(), Layout: s.rule.GetLayout(), Limit: int32(s.limit)}
	for _, on := range s.shelves {
		if len(on.videos) > 0 {
			out.Screens = append(out.Screens, &catalogv1.ScreenVideos{Screen: on.screen, Videos: on.videos})
		}
	}
	if len(out.Screens) == 0 {
		return nil
	}
	return out
}
