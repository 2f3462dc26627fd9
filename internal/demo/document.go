package demo

import (
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// lateHour is before which nothing of AGE_16 or AGE_18 may start.
const lateHour = 22

func channelID(slug string) string { return "ch-" + slug }

func personID(slug string) string { return "pe-" + slug }

func pageID(slug string) string { return "pg-" + slug }

func channelDoc(ch *channel) bson.D {
	d := bson.D{{Key: "_id", Value: channelID(ch.Slug)}, {Key: "slug", Value: ch.Slug}}
	d = with(d, "formerSlugs", list(ch.Former))
	var imgs []image
	for _, role := range channelRoles {
		alt := "Le logo de " + ch.Title
		if role == "THUMBNAIL" {
			alt = ch.Title + ", sur fond de couleur"
		}
		imgs = append(imgs, image{role, "/posters/" + channelPoster(ch, role), alt})
	}
	return append(d,
		bson.E{Key: "title", Value: ch.Title},
		bson.E{Key: "kind", Value: ch.Kind},
		bson.E{Key: "colour", Value: ch.Colour},
		bson.E{Key: "images", Value: images(imgs)},
		bson.E{Key: "position", Value: ch.Position},
		bson.E{Key: "createdAt", Value: date(epoch)},
		bson.E{Key: "updatedAt", Value: date(epoch)},
	)
}

func personDoc(pe *person) bson.D {
	d := bson.D{{Key: "_id", Value: personID(pe.slug)}, {Key: "slug", Value: pe.slug}}
	d = with(d, "formerSlugs", list(pe.former))
	return append(d,
		bson.E{Key: "title", Value: pe.name},
		bson.E{Key: "biography", Value: pe.biography},
		bson.E{Key: "images", Value: images([]image{{"PORTRAIT", "/posters/" + personPoster(pe), "Portrait dessiné de " + pe.name}})},
		bson.E{Key: "createdAt", Value: date(epoch)},
		bson.E{Key: "updatedAt", Value: date(epoch)},
	)
}

func programmeDoc(p *programme) bson.D {
	// The editors enter a programme some weeks ahead, and touch it last when its last video comes out.
	created, updated := p.published.AddDate(0, 0, -21), p.published
	for _, v := range p.videos {
		if v.published.After(updated) {
			updated = v.published
		}
		if c := v.created(); c.Before(created) {
			created = c
		}
	}

	d := bson.D{{Key: "_id", Value: p.ID}, {Key: "slug", Value: p.slug}}
	d = with(d, "formerSlugs", list(p.Former))
	d = append(d,
		bson.E{Key: "title", Value: p.Title},
		bson.E{Key: "kind", Value: p.Kind},
		bson.E{Key: "channel", Value: channelID(p.Channel)},
		bson.E{Key: "synopsis", Value: synopsis(p.Short, p.Medium, p.Long)},
		bson.E{Key: "year", Value: p.Year},
		bson.E{Key: "countries", Value: list(p.Countries)},
	)
	d = withAge(d, p.Age)
	d = append(d, bson.E{Key: "genres", Value: list(p.Genres)})
	d = with(d, "badges", badges(p.Badges))
	d = append(d, bson.E{Key: "images", Value: images(programmeImages(p))})
	d = with(d, "rights", rights(p.Rights))
	d = with(d, "sections", sectionsDoc(p))
	d = with(d, "seasons", seasons(p.Seasons))
	d = with(d, "credits", credits(p))
	var related bson.A
	for _, q := range p.related {
		related = append(related, q.ID)
	}
	d = with(d, "related", related)
	if p.Start != "" {
		d = append(d, bson.E{Key: "start", Value: p.video(p.Start).id})
	}
	d = with(d, "seo", seoDoc(p.Seo))
	return append(d,
		bson.E{Key: "publishedAt", Value: date(p.published)},
		bson.E{Key: "createdAt", Value: date(created)},
		bson.E{Key: "updatedAt", Value: date(updated)},
	)
}

// videoDoc leaves out what the video has from its programme or by its kind: streamId, isLive, and mostly its rating.
func videoDoc(p *programme, v *video) bson.D {
	d := bson.D{
		{Key: "_id", Value: v.id},
		{Key: "programme", Value: p.ID},
		{Key: "slug", Value: v.slug},
	}
	d = with(d, "formerSlugs", list(v.Former))
	d = append(d, bson.E{Key: "title", Value: v.title}, bson.E{Key: "kind", Value: v.kind})
	if v.kind == "EPISODE" {
		d = append(d, bson.E{Key: "season", Value: v.season}, bson.E{Key: "episode", Value: v.episode})
	}
	d = append(d,
		bson.E{Key: "synopsis", Value: synopsis(v.short, v.medium, "")},
		bson.E{Key: "duration", Value: v.seconds},
	)
	if v.Age != "" {
		d = withAge(d, v.Age)
	}
	d = with(d, "badges", badges(v.Badges))
	d = append(d, bson.E{Key: "images", Value: images([]image{{
		Role: "THUMBNAIL",
		URL:  "/posters/" + p.slug + "/" + v.slug + ".svg",
		Alt:  v.title + " (" + p.Title + ")",
	}})})
	d = with(d, "rights", rights(v.Rights))
	if p.hasDRM(v) {
		d = append(d, bson.E{Key: "hasDrm", Value: true})
	}
	d = append(d, bson.E{Key: "tracks", Value: tracks(p, v)})
	var markers bson.A
	for _, m := range p.markersOf(v) {
		md := bson.D{{Key: "kind", Value: m.kind}, {Key: "start", Value: m.start}}
		if m.end > 0 {
			md = append(md, bson.E{Key: "end", Value: m.end})
		}
		markers = append(markers, md)
	}
	d = with(d, "markers", markers)
	d = with(d, "tags", list(v.Tags))
	d = with(d, "seo", seoDoc(v.Seo))
	return append(d,
		bson.E{Key: "publishedAt", Value: date(v.published)},
		bson.E{Key: "createdAt", Value: date(v.created())},
		bson.E{Key: "updatedAt", Value: date(v.published)},
	)
}

func pageDoc(pg *page) bson.D {
	d := bson.D{{Key: "_id", Value: pageID(pg.Slug)}, {Key: "slug", Value: pg.Slug}}
	d = with(d, "formerSlugs", list(pg.Former))
	d = append(d, bson.E{Key: "title", Value: pg.Title})
	d = with(d, "seo", seoDoc(pg.Seo))
	var sections bson.A
	for _, s := range pg.Sections {
		var cards bson.A
		for _, c := range s.Cards {
			var cd bson.D
			cd = with(cd, "target", c.target)
			cd = with(cd, "url", c.URL)
			cd = with(cd, "title", c.Title)
			cd = with(cd, "subtitle", c.Subtitle)
			cd = with(cd, "images", images(c.Images))
			cards = append(cards, with(cd, "badges", badges(c.Badges)))
		}
		var sd bson.D
		sd = with(sd, "id", s.ID)
		sd = with(sd, "title", s.Title)
		sd = with(sd, "layout", s.Layout)
		sd = with(sd, "more", s.More)
		sections = append(sections, s.doc(with(sd, "cards", cards)))
	}
	return append(d,
		bson.E{Key: "sections", Value: sections},
		bson.E{Key: "createdAt", Value: date(epoch)},
		bson.E{Key: "updatedAt", Value: date(epoch)},
	)
}

// created is when the video entered the CMS: between two days and three weeks before it came out.
func (v *video) created() time.Time {
	return v.published.Add(-time.Duration(48+hash(v.id)%456) * time.Hour)
}

func programmeImages(p *programme) []image {
	var out []image
	for _, role := range programmeRoles {
		alt := p.Title
		if role != "LOGO" {
			alt += " : " + scenes[p.Poster.Motif].caption
		}
		out = append(out, image{role, "/posters/" + p.slug + "/" + strings.ToLower(role) + ".svg", alt})
	}
	return out
}

func images(list []image) bson.A {
	var out bson.A
	for _, img := range list {
		out = append(out, bson.D{{Key: "role", Value: img.Role}, {Key: "url", Value: img.URL}, {Key: "alt", Value: img.Alt}})
	}
	return out
}

func credits(p *programme) bson.A {
	var out bson.A
	for _, c := range p.credits {
		d := bson.D{{Key: "person", Value: personID(c.person.slug)}, {Key: "role", Value: c.role}}
		out = append(out, with(d, "character", c.character))
	}
	return out
}

func seasons(list []season) bson.A {
	var out bson.A
	for i, s := range list {
		out = append(out, with(bson.D{{Key: "number", Value: int32(i + 1)}}, "title", s.Title))
	}
	return out
}

func rights(windows []right) bson.A {
	var out bson.A
	for _, r := range windows {
		var d bson.D
		d = with(d, "screens", list(r.Screens))
		d = with(d, "territories", list(r.Territories))
		if !r.from.IsZero() {
			d = append(d, bson.E{Key: "from", Value: date(r.from)})
		}
		if !r.until.IsZero() {
			d = append(d, bson.E{Key: "until", Value: date(r.until)})
		}
		out = append(out, with(d, "offer", r.Offer))
	}
	return out
}

func badges(list []badge) bson.A {
	var out bson.A
	for _, b := range list {
		out = append(out, with(bson.D{{Key: "kind", Value: b.Kind}}, "label", b.Label))
	}
	return out
}

// tracks are what the programme offers for the thing itself; what is about it is in French.
func tracks(p *programme, v *video) bson.D {
	if !v.isWhole() {
		return bson.D{{Key: "audio", Value: bson.A{"fr"}}}
	}
	d := with(bson.D{{Key: "audio", Value: list(p.Audio)}}, "subtitles", list(p.Subtitles))
	if v.kind != "LIVE" {
		d = append(d, bson.E{Key: "deafSubtitles", Value: true})
	}
	if slices.Contains([]string{"SERIES", "FILM"}, p.Kind) {
		d = append(d, bson.E{Key: "audioDescription", Value: true})
	}
	return d
}

func seoDoc(s seo) bson.D { return with(with(nil, "title", s.Title), "description", s.Description) }

func synopsis(short, medium, long string) bson.D {
	return with(with(with(nil, "short", short), "medium", medium), "long", long)
}

func withAge(d bson.D, age string) bson.D {
	d = append(d, bson.E{Key: "ageRating", Value: age})
	if age == "AGE_16" || age == "AGE_18" {
		d = append(d, bson.E{Key: "notBeforeHour", Value: int32(lateHour)})
	}
	return d
}

// with appends a field, unless it is empty: the CMS leaves out what there is not.
func with(d bson.D, key string, value any) bson.D {
	switch v := value.(type) {
	case int32:
		if v == 0 {
			return d
		}
	case string:
		if v == "" {
			return d
		}
	case bson.A:
		if len(v) == 0 {
			return d
		}
	case bson.D:
		if len(v) == 0 {
			return d
		}
	}
	return append(d, bson.E{Key: key, Value: value})
}

func list(words []string) bson.A {
	out := make(bson.A, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

func date(t time.Time) bson.DateTime { return bson.NewDateTimeFromTime(t) }
