package demo

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// page is one of pages.yaml: rails of cards, or of what a rule finds.
type page struct {
	Slug     string
	Title    string
	Former   []string
	Seo      seo
	Sections []section
}

type section struct {
	// ID is unique within the page; the section's number when absent.
	ID    string
	Title string
	// Layout is CAROUSEL when absent.
	Layout string
	// More is where "see all" leads: a path of this site or an https URL.
	More   string
	Cards  []card
	source `yaml:",inline"`
}

// card leads To something of the catalogue, such as programme:le-dernier-tram, video:le-dernier-tram/gare-centrale or
// category:comedie; or, with a title, to an address elsewhere. What it leaves out is its target's.
type card struct {
	To       string
	URL      string
	Title    string
	Subtitle string
	Images   []image
	Badges   []badge

	// target is what the CMS calls To.
	target string
}

type image struct {
	Role string
	URL  string
	Alt  string
}

func (cat *catalogue) readPages(fsys fs.FS) error {
	const name = "catalogue/pages.yaml"
	var file struct{ Pages []*page }
	if err := readYAML(fsys, name, &file); err != nil {
		return err
	}
	// All of them first: pages lead to one another.
	cat.pages = file.Pages
	drawings := cat.drawings()
	for _, pg := range cat.pages {
		for i, s := range pg.Sections {
			if !slices.Contains(layouts, s.Layout) && s.Layout != "" {
				return fmt.Errorf("reading %s: page %s: unknown layout %q", name, pg.Slug, s.Layout)
			}
			if s.More != "" && !isAddress(s.More) {
				return fmt.Errorf("reading %s: page %s: more %q: want a path or https", name, pg.Slug, s.More)
			}
			if err := cat.readSource(&pg.Sections[i]); err != nil {
				return fmt.Errorf("reading %s: page %s: section %d: %w", name, pg.Slug, i+1, err)
			}
			for j := range s.Cards {
				if err := cat.completeCard(&s.Cards[j], drawings); err != nil {
					return fmt.Errorf("reading %s: page %s: section %d: card %d: %w", name, pg.Slug, i+1, j+1, err)
				}
			}
		}
	}
	return nil
}

func (cat *catalogue) completeCard(c *card, drawings map[string]func(width int) []byte) error {
	if (c.To == "") == (c.URL == "") {
		return fmt.Errorf("want either to or url")
	}
	if c.URL != "" && (c.Title == "" || !strings.HasPrefix(c.URL, "https://")) {
		return fmt.Errorf("url %q: want https, and a title", c.URL)
	}
	if err := checkBadges(c.Badges); err != nil {
		return err
	}
	for _, img := range c.Images {
		if !slices.Contains(imageRoles, img.Role) {
			return fmt.Errorf("unknown image role %q", img.Role)
		}
		if _, ok := drawings[strings.TrimPrefix(img.URL, "/posters/")]; !ok {
			return fmt.Errorf("unknown poster %q", img.URL)
		}
	}
	if c.To != "" {
		var ok bool
		if c.target, ok = cat.resolve(c.To); !ok {
			return fmt.Errorf("unknown target %q", c.To)
		}
	}
	return nil
}

// resolve turns what editors write, kinds and slugs, into what the CMS stores, kinds and ids.
func (cat *catalogue) resolve(to string) (target string, ok bool) {
	kind, slug, _ := strings.Cut(to, ":")
	switch kind {
	case "programme":
		if p := cat.programme(slug); p != nil {
			return "programme:" + p.ID, true
		}
	case "video":
		of, slug, _ := strings.Cut(slug, "/")
		if p := cat.programme(of); p != nil {
			if v := p.video(slug); v != nil {
				return "video:" + v.id, true
			}
		}
	case "channel":
		if slices.ContainsFunc(cat.channels, func(ch *channel) bool { return ch.Slug == slug }) {
			return "channel:" + channelID(slug), true
		}
	case "person":
		if slices.ContainsFunc(cat.people, func(pe *person) bool { return pe.slug == slug }) {
			return "person:" + personID(slug), true
		}
	case "page":
		if slices.ContainsFunc(cat.pages, func(pg *page) bool { return pg.Slug == slug }) {
			return "page:" + pageID(slug), true
		}
	case "category":
		for _, p := range cat.programmes {
			if slices.ContainsFunc(p.Genres, func(g string) bool { return slugOf(g) == slug }) {
				return "category:" + slug, true
			}
		}
	}
	return "", false
}

// isAddress says that a text is a path of this site or an https URL.
func isAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//")
}

func (cat *catalogue) programme(slug string) *programme {
	i := slices.IndexFunc(cat.programmes, func(p *programme) bool { return p.slug == slug })
	if i < 0 {
		return nil
	}
	return cat.programmes[i]
}
