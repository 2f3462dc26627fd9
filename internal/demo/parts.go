package demo

import (
	"fmt"
	"slices"
	"time"
)

// What documents of several collections have: rights, badges, a text for search engines.

// right is a window in which something may be watched; an empty list or date is no restriction.
type right struct {
	Screens     []string
	Territories []string
	// From and Until are days, at the hour at which the programme comes out; or From is opening.
	From  string
	Until string
	Offer string

	from, until time.Time
}

type badge struct {
	Kind string
	// Label replaces the kind's own.
	Label string
}

type seo struct {
	Title       string
	Description string
}

// detail is what the line of a video has no room for.
type detail struct {
	Age    string
	Former []string
	Badges []badge
	Rights []right
	// Tags are words by which rules find the video.
	Tags []string
	// Chapters are where they begin, as [h:]m:ss, between spaces.
	Chapters string
	Seo      seo
}

func (p *programme) readRights(rights []right) error {
	for i := range rights {
		r := &rights[i]
		for _, s := range r.Screens {
			if !slices.Contains(screens, s) {
				return fmt.Errorf("unknown screen %q", s)
			}
		}
		if !slices.Contains(offers, r.Offer) && r.Offer != "" {
			return fmt.Errorf("unknown offer %q", r.Offer)
		}
		for _, d := range []struct {
			text string
			into *time.Time
		}{{r.From, &r.from}, {r.Until, &r.until}} {
			if d.text == "" {
				continue
			}
			if d.text == opening && d.into == &r.from {
				r.from = inYears
				continue
			}
			var err error
			if *d.into, err = p.day(d.text); err != nil {
				return err
			}
		}
		if !r.from.IsZero() && !r.until.IsZero() && !r.from.Before(r.until) {
			return fmt.Errorf("a right from %s until %s is empty", r.From, r.Until)
		}
	}
	return nil
}

func checkBadges(badges []badge) error {
	for _, b := range badges {
		if !slices.Contains(badgeKinds, b.Kind) {
			return fmt.Errorf("unknown badge %q", b.Kind)
		}
	}
	return nil
}

// readDetails gives each video what the file says beside its line.
func (p *programme) readDetails() error {
	for slug, d := range p.Details {
		v := p.video(slug)
		if v == nil {
			return fmt.Errorf("details of %q: unknown video", slug)
		}
		if d.Age != "" && !slices.Contains(ageRatings, d.Age) {
			return fmt.Errorf("details of %q: unknown age %q", slug, d.Age)
		}
		if err := checkBadges(d.Badges); err != nil {
			return fmt.Errorf("details of %q: %w", slug, err)
		}
		if err := p.readRights(d.Rights); err != nil {
			return fmt.Errorf("details of %q: %w", slug, err)
		}
		chapters, err := parseChapters(d.Chapters)
		if err != nil {
			return fmt.Errorf("details of %q: %w", slug, err)
		}
		v.detail, v.chapters = d, chapters
	}
	return nil
}

// video is the one of that slug, or nil.
func (p *programme) video(slug string) *video {
	i := slices.IndexFunc(p.videos, func(v *video) bool { return v.slug == slug })
	if i < 0 {
		return nil
	}
	return p.videos[i]
}
