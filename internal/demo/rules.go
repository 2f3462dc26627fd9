package demo

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// What fills itself: sections of programmes and rails of pages. docs/cms.md has the words, and what is left out means.

// rule is a section of a programme, which says which of its videos it has.
type rule struct {
	ID      string
	Title   string
	Layout  string
	Screens []string
	filter  `yaml:",inline"`
	Limit   int32
	// Pins and Excludes are slugs of the programme's videos.
	Pins     []string
	Excludes []string
	Fallback *filter
}

// filter says which videos, and in which order.
type filter struct {
	Kinds   []string
	Seasons []int32
	// Tags are those of the videos' details.
	Tags []string
	// MinDuration and MaxDuration are in seconds.
	MinDuration         int32 `yaml:"minDuration"`
	MaxDuration         int32 `yaml:"maxDuration"`
	PublishedWithinDays int32 `yaml:"publishedWithinDays"`
	Offer               string
	Order               string
}

// listing is a rail's rule over the whole catalogue. Its channel and category are slugs, as a trend's channel is.
type listing struct {
	Channel  string
	Category string
	Kinds    []string
	Order    string
}

// trend is what is watched most.
type trend struct {
	Window  string
	Of      string
	Kinds   []string
	Channel string
}

// source is what a rail has instead of cards: one of them, or none.
type source struct {
	Rule     *listing
	Trend    *trend
	Personal string
	Limit    int32
}

// The words of rules.
var (
	videoOrders     = []string{"NEWEST", "OLDEST", "EPISODE", "MOST_WATCHED"}
	programmeOrders = []string{"NEWEST", "OLDEST", "TITLE", "MOST_WATCHED"}
	trendWindows    = []string{"HOUR", "DAY", "WEEK"}
	trendsOf        = []string{"VIDEOS", "PROGRAMMES"}
	personalSources = []string{"CONTINUE_WATCHING", "FAVOURITES"}
)

// known refuses a word that is none of some; "" is what was left out.
func known(what string, among []string, words ...string) error {
	for _, w := range words {
		if w != "" && !slices.Contains(among, w) {
			return fmt.Errorf("unknown %s %q", what, w)
		}
	}
	return nil
}

func checkLimit(n int32) error {
	if n < 0 || n > 100 {
		return fmt.Errorf("limit %d: want 1 to 100", n)
	}
	return nil
}

// readSections checks the programme's rules.
func (p *programme) readSections() error {
	for i := range p.Sections {
		r := &p.Sections[i]
		err := p.checkFilter(&r.filter)
		if err == nil && r.Fallback != nil {
			err = p.checkFilter(r.Fallback)
		}
		if err == nil {
			err = firstOf(known("layout", layouts, r.Layout), known("screen", screens, r.Screens...), checkLimit(r.Limit))
		}
		for _, slug := range slices.Concat(r.Pins, r.Excludes) {
			if err == nil && p.video(slug) == nil {
				err = fmt.Errorf("unknown video %q", slug)
			}
		}
		if err != nil {
			return fmt.Errorf("section %q: %w", r.ID, err)
		}
	}
	return nil
}

func (p *programme) checkFilter(f *filter) error {
	for _, n := range f.Seasons {
		if n < 1 || int(n) > len(p.Seasons) {
			return fmt.Errorf("unknown season %d", n)
		}
	}
	for _, tag := range f.Tags {
		if !slices.ContainsFunc(p.videos, func(v *video) bool { return slices.Contains(v.Tags, tag) }) {
			return fmt.Errorf("no video has the tag %q", tag)
		}
	}
	return firstOf(known("kind", videoKinds, f.Kinds...), known("offer", offers, f.Offer), known("order", videoOrders, f.Order))
}

// readSource checks what fills a rail.
func (cat *catalogue) readSource(s *section) error {
	sources := 0
	for _, there := range []bool{len(s.Cards) > 0, s.Rule != nil, s.Trend != nil, s.Personal != ""} {
		if there {
			sources++
		}
	}
	if sources > 1 {
		return fmt.Errorf("want one of cards, rule, trend and personal")
	}
	if s.Limit != 0 && (sources == 0 || len(s.Cards) > 0) {
		return fmt.Errorf("limit: want a rule, trend or personal beside it")
	}
	err := firstOf(checkLimit(s.Limit), known("personal source", personalSources, s.Personal))
	if r := s.Rule; err == nil && r != nil {
		err = firstOf(known("kind", programmeKinds, r.Kinds...), known("order", programmeOrders, r.Order), cat.checkTarget("channel", r.Channel), cat.checkTarget("category", r.Category))
	}
	if r := s.Trend; err == nil && r != nil {
		err = firstOf(known("window", trendWindows, r.Window), known("subject", trendsOf, r.Of), known("kind", videoKinds, r.Kinds...), cat.checkTarget("channel", r.Channel))
	}
	return err
}

// checkTarget refuses a slug that leads nowhere; "" was left out.
func (cat *catalogue) checkTarget(kind, slug string) error {
	if _, ok := cat.resolve(kind + ":" + slug); slug != "" && !ok {
		return fmt.Errorf("unknown %s %q", kind, slug)
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func sectionsDoc(p *programme) bson.A {
	var out bson.A
	ids := func(slugs []string) (a bson.A) {
		for _, slug := range slugs {
			a = append(a, p.video(slug).id)
		}
		return a
	}
	for _, r := range p.Sections {
		d := with(nil, "id", r.ID)
		d = with(d, "title", r.Title)
		d = with(d, "layout", r.Layout)
		d = with(d, "screens", list(r.Screens))
		d = r.doc(d)
		d = with(d, "limit", r.Limit)
		d = with(d, "pins", ids(r.Pins))
		d = with(d, "excludes", ids(r.Excludes))
		if r.Fallback != nil {
			d = append(d, bson.E{Key: "fallback", Value: r.Fallback.doc(bson.D{})})
		}
		out = append(out, d)
	}
	return out
}

// doc appends the filter's fields.
func (f *filter) doc(d bson.D) bson.D {
	d = with(d, "kinds", list(f.Kinds))
	var seasons bson.A
	for _, n := range f.Seasons {
		seasons = append(seasons, n)
	}
	d = with(d, "seasons", seasons)
	d = with(d, "tags", list(f.Tags))
	d = with(d, "minDuration", f.MinDuration)
	d = with(d, "maxDuration", f.MaxDuration)
	d = with(d, "publishedWithinDays", f.PublishedWithinDays)
	d = with(d, "offer", f.Offer)
	return with(d, "order", f.Order)
}

// doc appends the source's fields.
func (s *source) doc(d bson.D) bson.D {
	channel := func(slug string) string {
		if slug == "" {
			return ""
		}
		return channelID(slug)
	}
	if r := s.Rule; r != nil {
		rd := with(bson.D{}, "channel", channel(r.Channel))
		rd = with(rd, "category", r.Category)
		rd = with(rd, "kinds", list(r.Kinds))
		d = append(d, bson.E{Key: "rule", Value: with(rd, "order", r.Order)})
	}
	if r := s.Trend; r != nil {
		td := with(bson.D{}, "window", r.Window)
		td = with(td, "of", r.Of)
		td = with(td, "kinds", list(r.Kinds))
		d = append(d, bson.E{Key: "trend", Value: with(td, "channel", channel(r.Channel))})
	}
	return with(with(d, "personal", s.Personal), "limit", s.Limit)
}
