package demo

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed catalogue
var files embed.FS

// epoch is when the people and channels entered the CMS: before anything was published.
var epoch = time.Date(2023, time.December, 1, 9, 0, 0, 0, time.UTC)

// catalogue is everything the YAML says, with references checked and programmes in the order of their ids.
type catalogue struct {
	channels   []*channel
	people     []*person
	programmes []*programme
	pages      []*page
}

type channel struct {
	Slug   string
	Title  string
	Kind   string
	Former []string
	// Position is its place among the channels, from 1.
	Position int32
	Colour   string
	// Mark names the sign drawn in the corner of the posters; see marks.
	Mark string
}

type person struct {
	slug, name, biography string
	former                []string
}

// programme is one file of programmes/. The exported fields are what an editor writes.
type programme struct {
	ID        string
	Title     string
	Kind      string
	Channel   string
	Year      int32
	Countries []string
	Genres    []string
	Age       string
	Published string
	// Hour of the day, UTC, at which its videos come out.
	Hour int
	// Minutes is how long an episode or a replay lasts, give or take; a season may say otherwise.
	Minutes int
	Short   string
	Medium  string
	Long    string
	Poster  poster
	// Credits are [ROLE, name] or, for an actor, [ACTOR, name, character].
	Credits [][]string
	Seasons []season
	Replays string
	Videos  string
	// Former are slugs that the programme had.
	Former []string
	Badges []badge
	Rights []right
	Seo    seo
	// Audio and Subtitles are the languages of its films, episodes and replays: French, and none, when absent.
	Audio     []string
	Subtitles []string
	// Start is the slug of the video for newcomers, where it is not what the kind would have it.
	Start string
	// Sections are what the programme's page has of its videos.
	Sections []rule
	// Details is what there is to say of some videos beside their lines, by slug.
	Details map[string]detail

	slug      string
	channel   *channel
	published time.Time
	credits   []credit
	videos    []*video
	related   []*programme
}

type credit struct {
	person          *person
	role, character string
}

// poster chooses what is drawn. Lettering may be left out: the kind of the programme then decides.
type poster struct {
	Motif     string
	Palette   string
	Lettering string
}

type season struct {
	// Title is that of a season which has one.
	Title string
	// Published is the day of the first episode. By episodes come out together (1 if absent), Every so many days (7).
	Published string
	Every     int
	By        int
	Minutes   int
	Episodes  string
}

type video struct {
	id, slug, title, kind string
	season, episode       int32
	short, medium         string
	seconds               int32
	published             time.Time
	// chapters are where they begin, in seconds.
	chapters []int32
	detail
}

// load reads the whole catalogue. Unknown keys, words and references are errors, so that a slip of the pen is caught
// by the tests and not by a viewer.
func load(fsys fs.FS) (*catalogue, error) {
	cat := &catalogue{}

	var chans struct{ Channels []*channel }
	if err := readYAML(fsys, "catalogue/channels.yaml", &chans); err != nil {
		return nil, err
	}
	cat.channels = chans.Channels
	for _, ch := range cat.channels {
		if !slices.Contains(channelKinds, ch.Kind) {
			return nil, fmt.Errorf("reading channel %s: unknown kind %q", ch.Slug, ch.Kind)
		}
	}

	var folk struct {
		People string
		Former map[string][]string
	}
	if err := readYAML(fsys, "catalogue/people.yaml", &folk); err != nil {
		return nil, err
	}
	for _, text := range nonEmptyLines(folk.People) {
		l, err := parseLine(text)
		if err != nil {
			return nil, fmt.Errorf("reading catalogue/people.yaml: %w", err)
		}
		cat.people = append(cat.people, &person{slug: l.slug, name: l.title, biography: l.short, former: folk.Former[l.slug]})
	}
	for slug := range folk.Former {
		if !slices.ContainsFunc(cat.people, func(pe *person) bool { return pe.slug == slug }) {
			return nil, fmt.Errorf("reading catalogue/people.yaml: former slugs of an unknown person %q", slug)
		}
	}

	names, err := fs.Glob(fsys, "catalogue/programmes/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p := &programme{slug: strings.TrimSuffix(path.Base(name), ".yaml")}
		if err := readYAML(fsys, name, p); err != nil {
			return nil, err
		}
		if err := cat.complete(p); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		cat.programmes = append(cat.programmes, p)
	}
	slices.SortFunc(cat.programmes, func(a, b *programme) int { return strings.Compare(a.ID, b.ID) })
	for _, p := range cat.programmes {
		p.related = cat.relate(p)
	}
	if err := cat.readPages(fsys); err != nil {
		return nil, err
	}
	return cat, nil
}

// complete checks what the editor wrote and works out what they did not have to write.
func (cat *catalogue) complete(p *programme) error {
	i := slices.IndexFunc(cat.channels, func(ch *channel) bool { return ch.Slug == p.Channel })
	if i < 0 {
		return fmt.Errorf("unknown channel %q", p.Channel)
	}
	p.channel = cat.channels[i]

	if !slices.Contains(programmeKinds, p.Kind) {
		return fmt.Errorf("unknown kind %q", p.Kind)
	}
	if !slices.Contains(ageRatings, p.Age) {
		return fmt.Errorf("unknown age %q", p.Age)
	}
	if _, ok := scenes[p.Poster.Motif]; !ok {
		return fmt.Errorf("unknown motif %q", p.Poster.Motif)
	}
	if _, ok := palettes[p.Poster.Palette]; !ok {
		return fmt.Errorf("unknown palette %q", p.Poster.Palette)
	}
	if _, ok := letterings[p.Poster.Lettering]; !ok && p.Poster.Lettering != "" {
		return fmt.Errorf("unknown lettering %q", p.Poster.Lettering)
	}
	for _, c := range p.Credits {
		if err := cat.readCredit(p, c); err != nil {
			return err
		}
	}
	if err := checkBadges(p.Badges); err != nil {
		return err
	}
	if p.Hour == 0 {
		p.Hour = 18
	}
	if len(p.Audio) == 0 {
		p.Audio = []string{"fr"}
	}
	if err := p.readRights(p.Rights); err != nil {
		return err
	}

	var err error
	if p.published, err = p.day(p.Published); err != nil {
		return err
	}
	if err := p.listVideos(); err != nil {
		return err
	}
	if err := p.readDetails(); err != nil {
		return err
	}
	if err := p.readSections(); err != nil {
		return err
	}
	if p.Start != "" && p.video(p.Start) == nil {
		return fmt.Errorf("start: unknown video %q", p.Start)
	}
	// A trailer comes out ahead of its programme, and has to have a page to be on.
	for _, v := range p.videos {
		if v.published.Before(p.published) {
			p.published = v.published
		}
	}
	return nil
}

func (cat *catalogue) readCredit(p *programme, c []string) error {
	if len(c) < 2 || len(c) > 3 {
		return fmt.Errorf("credit %v: want [ROLE, person] or [ACTOR, person, character]", c)
	}
	if !slices.Contains(creditRoles, c[0]) {
		return fmt.Errorf("unknown credit role %q", c[0])
	}
	if (len(c) == 3) != (c[0] == "ACTOR") {
		return fmt.Errorf("credit %v: a character goes with ACTOR", c)
	}
	i := slices.IndexFunc(cat.people, func(pe *person) bool { return pe.name == c[1] })
	if i < 0 {
		return fmt.Errorf("unknown person %q", c[1])
	}
	cr := credit{person: cat.people[i], role: c[0]}
	if len(c) == 3 {
		cr.character = c[2]
	}
	p.credits = append(p.credits, cr)
	return nil
}

// day reads a date and sets it to the hour at which the programme comes out.
func (p *programme) day(s string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	return d.Add(time.Duration(p.Hour) * time.Hour), nil
}

func readYAML(fsys fs.FS, name string, into any) error {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// The words of the CMS.
var (
	channelKinds   = []string{"TV", "DIGITAL", "PARTNER", "EVENT", "CORNER"}
	programmeKinds = []string{
		"SERIES", "FILM", "MAGAZINE", "NEWS", "SPORT", "DOCUMENTARY", "GAME", "REALITY", "KIDS", "EVENT",
	}
	videoKinds  = []string{"FILM", "EPISODE", "REPLAY", "EXTRACT", "BONUS", "TRAILER", "LIVE"}
	ageRatings  = []string{"ALL", "AGE_10", "AGE_12", "AGE_16", "AGE_18"}
	creditRoles = []string{"ACTOR", "DIRECTOR", "PRESENTER", "WRITER", "PRODUCER", "GUEST"}
	imageRoles  = []string{"THUMBNAIL", "PORTRAIT", "COVER", "SQUARE", "LOGO"}
	screens     = []string{"web", "mobile", "iptv"}
	offers      = []string{"FREE", "MAX"}
	badgeKinds  = []string{"NEW", "LIVE", "LAST_DAYS", "MAX", "EXCLUSIVE", "COMING_SOON"}
	layouts     = []string{"HERO", "CAROUSEL", "GRID", "RANKED", "BANNER"}
)
