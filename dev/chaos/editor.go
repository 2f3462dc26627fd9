package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

// edit is one write to the CMS.
type edit struct {
	collection, id string
	put            *document // the whole document
	set            bson.D    // or some of its fields
	// neither: it is deleted
}

func (e edit) apply(ctx context.Context, store cms.Store) error {
	switch {
	case e.put != nil:
		raw, err := bson.Marshal(e.put)
		if err != nil {
			return fmt.Errorf("encoding %s %q: %w", e.collection, e.id, err)
		}
		_, err = store.Put(ctx, e.collection, []bson.Raw{raw})
		return err
	case e.set != nil:
		return store.Set(ctx, e.collection, e.id, e.set)
	}
	err := store.Delete(ctx, e.collection, e.id)
	if errors.Is(err, cms.ErrNotFound) { // tried before: it had been deleted when the answer was lost
		return nil
	}
	return err
}

// editors think of edits, of documents of their own: the same ones in the same order for the same seed, whatever became of
// those before.
type editors struct {
	random *rand.Rand
	serial int
	// windows open and close while things are killed, for so long after began, and in the calm afterwards.
	began   time.Time
	windows time.Duration
	// alive and gone are the documents that there would be if every edit was made.
	alive, gone map[string][]*document
	// slugs are all that any programme, person, channel or page ever had.
	slugs map[string]map[string]bool
	// addresses are all slugs that a video ever had, with its programme's id.
	addresses map[[2]string]bool
}

func newEditors(p plan) *editors {
	return &editors{
		random: random(p.seed, randomEdits), windows: p.duration + calm, alive: map[string][]*document{}, gone: map[string][]*document{},
		slugs: map[string]map[string]bool{}, addresses: map[[2]string]bool{},
	}
}

// How many there are at the beginning; their number then stays about the same.
const (
	channels   = 4
	people     = 40
	programmes = 80
	videos     = 400
)

var genres = []string{"Drama", "Comedy", "Crime", "Nature", "History", "Music"}

// first are the edits that make the first documents.
func (e *editors) first() []edit {
	var out []edit
	for _, n := range []struct {
		collection string
		of         int
	}{{"channel", channels}, {"person", people}, {"programme", programmes}, {"video", videos}, {"page", 2}} {
		for range n.of {
			out = append(out, e.create(n.collection)...)
		}
	}
	return out
}

// choice is what editors do, and how often in a hundred.
type choice struct {
	share int
	do    func() []edit
}

// next are the next edits, in their order: one, or two that swap a slug.
func (e *editors) next() []edit {
	choices := []choice{
		{27, func() []edit {
			return e.retitle(pick(e, "video", "video", "programme", "programme", "person", "channel"))
		}},
		{10, func() []edit { return e.create("video") }},
		{4, func() []edit { return e.create("programme") }},
		{2, func() []edit { return e.create("person") }},
		{10, func() []edit { return e.remove("video") }},
		{4, func() []edit { return e.remove("programme") }},
		{2, func() []edit { return e.remove("person") }},
		{12, e.move},
		{7, func() []edit {
			return e.window(e.began.Add(time.Duration(e.random.Int64N(int64(e.windows)))))
		}},
		{7, func() []edit { return e.swap(e.any("programme"), e.any("programme"), "programme") }},
		{3, e.swapVideos},
		{3, e.reslug},
		{2, e.claim},
		{5, e.replace},
		{2, e.rearrange},
	}
	n := e.random.IntN(100)
	for _, c := range choices {
		if n -= c.share; n < 0 {
			return c.do()
		}
	}
	panic("the shares are no hundred")
}

// pick chooses one; which ones there are twice, it chooses twice as often.
func pick[T any](e *editors, of ...T) T { return of[e.random.IntN(len(of))] }

func (e *editors) any(collection string) *document { return pick(e, e.alive[collection]...) }

// title is one that no document has or had: it tells what of an edit has arrived.
func (e *editors) title(d *document) string {
	e.serial++
	return fmt.Sprintf("%s, edit %d", d.ID, e.serial)
}

var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// date is later than all before.
func (e *editors) date() time.Time {
	e.serial++
	return epoch.Add(time.Duration(e.serial) * time.Second)
}

// create makes a new document, or one with the id of a deleted one.
func (e *editors) create(collection string) []edit {
	d := &document{}
	if gone := e.gone[collection]; len(gone) > 0 && e.random.IntN(3) == 0 {
		d.ID = gone[0].ID
		e.gone[collection] = gone[1:]
	} else {
		e.serial++
		d.ID = fmt.Sprintf("%s-%d", collection, e.serial)
	}
	d.CreatedAt, d.PublishedAt = e.date(), e.date()
	d.Slug, d.Title = d.ID, e.title(d)
	e.alive[collection] = append(e.alive[collection], d)
	return e.furnish(collection, d)
}

// furnish gives a document of a collection new contents, but for its title, slug and dates, and puts it.
func (e *editors) furnish(collection string, d *document) []edit {
	d.Images = []picture{{"THUMBNAIL", fmt.Sprintf("/images/%s.jpg", d.ID)}}
	switch collection {
	case "channel":
		d.Kind, d.Images = "TV", nil
	case "person":
		d.Images = nil
	case "programme":
		d.Kind = pick(e, "SERIES", "FILM", "MAGAZINE")
		d.Channel = e.any("channel").ID
		d.Genres = slices.Compact(slices.Sorted(slices.Values([]string{pick(e, genres...), pick(e, genres...)})))
		d.Sections = []section{
			{Title: "Bonus", Kinds: []string{"BONUS"}, Limit: 2 + e.random.IntN(3)},
			{Title: "Episodes", Kinds: []string{"EPISODE"}, Seasons: []int{1, 2 + e.random.IntN(2)}, Order: "EPISODE", Limit: 3},
		}
		d.Credits = nil
		for range 3 {
			c := credit{e.any("person").ID, pick(e, "ACTOR", "DIRECTOR")}
			if !slices.ContainsFunc(d.Credits, func(other credit) bool { return other.Person == c.Person }) {
				d.Credits = append(d.Credits, c)
			}
		}
	case "video":
		d.Kind = pick(e, "BONUS", "EPISODE")
		d.Programme = e.any("programme").ID
		d.Season, d.Episode, d.Duration = 1+e.random.IntN(3), 1+e.random.IntN(20), 60+e.random.IntN(6000)
	case "page":
		d.Images, d.Sections = nil, nil
		for s := range 2 {
			s := section{Title: fmt.Sprint("Section ", s+1)}
			for range 5 {
				s.Cards = append(s.Cards, card{"A card", "programme:" + e.any("programme").ID})
			}
			d.Sections = append(d.Sections, s)
		}
	}
	e.remember(collection, d)
	whole := *d // what is edited later is another edit's
	return []edit{{collection: collection, id: d.ID, put: &whole}}
}

// remember notes what a document is found by.
func (e *editors) remember(collection string, d *document) {
	if collection == "video" {
		e.addresses[[2]string{d.Programme, d.Slug}] = true
		return
	}
	if e.slugs[collection] == nil {
		e.slugs[collection] = map[string]bool{}
	}
	e.slugs[collection][d.Slug] = true
}

// set changes fields of a document, which d has already.
func (e *editors) set(collection string, d *document, fields ...bson.E) edit {
	e.remember(collection, d)
	return edit{collection: collection, id: d.ID, set: fields}
}

func (e *editors) retitle(collection string) []edit {
	d := e.any(collection)
	d.Title = e.title(d)
	return []edit{e.set(collection, d, bson.E{Key: "title", Value: d.Title})}
}

func (e *editors) remove(collection string) []edit {
	if len(e.alive[collection]) < 20 {
		return e.create(collection)
	}
	i := e.random.IntN(len(e.alive[collection]))
	d := e.alive[collection][i]
	e.alive[collection] = slices.Delete(e.alive[collection], i, i+1)
	e.gone[collection] = append(e.gone[collection], d)
	return []edit{{collection: collection, id: d.ID}}
}

// move puts a video into another programme.
func (e *editors) move() []edit {
	v := e.any("video")
	v.Programme, v.Title = e.any("programme").ID, e.title(v)
	return []edit{e.set("video", v, bson.E{Key: "programme", Value: v.Programme}, bson.E{Key: "title", Value: v.Title})}
}

// window has a video open or close at a time.
func (e *editors) window(at time.Time) []edit {
	v := e.any("video")
	v.Rights = []right{pick(e, right{From: at}, right{Until: at})}
	return []edit{e.set("video", v, bson.E{Key: "rights", Value: v.Rights})}
}

// swap gives each of two documents the other's slug; between the two edits both have the same.
func (e *editors) swap(a, b *document, collection string) []edit {
	a.Slug, b.Slug = b.Slug, a.Slug
	return []edit{
		e.set(collection, a, bson.E{Key: "slug", Value: a.Slug}),
		e.set(collection, b, bson.E{Key: "slug", Value: b.Slug}),
	}
}

// swapVideos swaps slugs of two videos of one programme, or moves one there.
func (e *editors) swapVideos() []edit {
	a := e.any("video")
	for _, b := range e.alive["video"] {
		if b != a && b.Programme == a.Programme {
			return e.swap(a, b, "video")
		}
	}
	return e.move()
}

// reslug gives a programme a slug that nobody had; the one before still leads to it.
func (e *editors) reslug() []edit {
	const kept = 5
	p := e.any("programme")
	e.serial++
	if !slices.Contains(p.FormerSlugs, p.Slug) {
		p.FormerSlugs = append(slices.Clone(p.FormerSlugs), p.Slug)
	}
	p.FormerSlugs = p.FormerSlugs[max(0, len(p.FormerSlugs)-kept):]
	p.Slug = fmt.Sprintf("renamed-%d", e.serial)
	return []edit{e.set("programme", p, bson.E{Key: "slug", Value: p.Slug}, bson.E{Key: "formerSlugs", Value: p.FormerSlugs})}
}

// claim gives a programme a slug that another one has or had.
func (e *editors) claim() []edit {
	p, other := e.any("programme"), e.any("programme")
	if gone := e.gone["programme"]; len(gone) > 0 && e.random.IntN(2) == 0 {
		other = pick(e, gone...)
	}
	p.Slug = other.Slug
	return []edit{e.set("programme", p, bson.E{Key: "slug", Value: p.Slug})}
}

// replace gives a programme another channel, genres and credits.
func (e *editors) replace() []edit {
	p := e.any("programme")
	p.Title = e.title(p)
	return e.furnish("programme", p)
}

// rearrange gives a page other cards.
func (e *editors) rearrange() []edit {
	p := e.any("page")
	p.Title = e.title(p)
	return e.furnish("page", p)
}

// retry makes an edit, however often that takes, until ctx is done. It tells how often it failed.
func (e edit) retry(ctx context.Context, store cms.Store) (failures int, err error) {
	for {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		err = e.apply(try, store)
		cancel()
		if err == nil || ctx.Err() != nil {
			return failures, ctx.Err()
		}
		if errors.Is(err, cms.ErrNotFound) {
			return failures, fmt.Errorf("the CMS lost a document: %w", err)
		}
		failures++
		if pause(ctx, 100*time.Millisecond) != nil {
			return failures, ctx.Err()
		}
	}
}

// pause waits, unless ctx is done first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
