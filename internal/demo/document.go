package demo

import (
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func channelDoc(ch *channel) bson.D {
	return bson.D{
		{Key: "_id", Value: "ch-" + ch.Slug},
		{Key: "slug", Value: ch.Slug},
		{Key: "title", Value: ch.Title},
		{Key: "kind", Value: ch.Kind},
		{Key: "colour", Value: ch.Colour},
		{Key: "createdAt", Value: date(epoch)},
		{Key: "updatedAt", Value: date(epoch)},
	}
}

func personDoc(pe *person) bson.D {
	return bson.D{
		{Key: "_id", Value: "pe-" + pe.slug},
		{Key: "slug", Value: pe.slug},
		{Key: "title", Value: pe.name},
		{Key: "biography", Value: pe.biography},
		{Key: "createdAt", Value: date(epoch)},
		{Key: "updatedAt", Value: date(epoch)},
	}
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

	d := bson.D{
		{Key: "_id", Value: p.ID},
		{Key: "slug", Value: p.slug},
		{Key: "title", Value: p.Title},
		{Key: "kind", Value: p.Kind},
		{Key: "channel", Value: "ch-" + p.Channel},
		{Key: "synopsis", Value: synopsis(p.Short, p.Medium, p.Long)},
		{Key: "year", Value: p.Year},
		{Key: "countries", Value: list(p.Countries)},
		{Key: "ageRating", Value: p.Age},
		{Key: "genres", Value: list(p.Genres)},
		{Key: "images", Value: images(p)},
	}
	if len(p.credits) > 0 {
		d = append(d, bson.E{Key: "credits", Value: credits(p)})
	}
	return append(d,
		bson.E{Key: "publishedAt", Value: date(p.published)},
		bson.E{Key: "createdAt", Value: date(created)},
		bson.E{Key: "updatedAt", Value: date(updated)},
	)
}

func videoDoc(p *programme, v *video) bson.D {
	d := bson.D{
		{Key: "_id", Value: v.id},
		{Key: "programme", Value: p.ID},
		{Key: "slug", Value: v.slug},
		{Key: "title", Value: v.title},
		{Key: "kind", Value: v.kind},
	}
	if v.kind == "EPISODE" {
		d = append(d, bson.E{Key: "season", Value: v.season}, bson.E{Key: "episode", Value: v.episode})
	}
	return append(d,
		bson.E{Key: "synopsis", Value: synopsis(v.short, v.medium, "")},
		bson.E{Key: "duration", Value: v.seconds},
		bson.E{Key: "images", Value: bson.A{bson.D{
			{Key: "role", Value: "THUMBNAIL"},
			{Key: "url", Value: "/posters/" + p.slug + "/" + v.slug + ".svg"},
			{Key: "alt", Value: v.title + " (" + p.Title + ")"},
		}}},
		bson.E{Key: "publishedAt", Value: date(v.published)},
		bson.E{Key: "createdAt", Value: date(v.created())},
		bson.E{Key: "updatedAt", Value: date(v.published)},
	)
}

// created is when the video entered the CMS: between two days and three weeks before it came out.
func (v *video) created() time.Time {
	return v.published.Add(-time.Duration(48+hash(v.id)%456) * time.Hour)
}

func images(p *programme) bson.A {
	out := bson.A{}
	for _, role := range programmeRoles {
		alt := p.Title
		if role != "LOGO" {
			alt += " : " + scenes[p.Poster.Motif].caption
		}
		out = append(out, bson.D{
			{Key: "role", Value: role},
			{Key: "url", Value: "/posters/" + p.slug + "/" + strings.ToLower(role) + ".svg"},
			{Key: "alt", Value: alt},
		})
	}
	return out
}

func credits(p *programme) bson.A {
	out := bson.A{}
	for _, c := range p.credits {
		d := bson.D{{Key: "person", Value: "pe-" + c.person.slug}, {Key: "role", Value: c.role}}
		if c.character != "" {
			d = append(d, bson.E{Key: "character", Value: c.character})
		}
		out = append(out, d)
	}
	return out
}

func synopsis(short, medium, long string) bson.D {
	var d bson.D
	for _, e := range []bson.E{{Key: "short", Value: short}, {Key: "medium", Value: medium}, {Key: "long", Value: long}} {
		if e.Value != "" {
			d = append(d, e)
		}
	}
	return d
}

func list(words []string) bson.A {
	out := make(bson.A, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

func date(t time.Time) bson.DateTime { return bson.NewDateTimeFromTime(t) }
