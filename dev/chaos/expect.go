package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"regie/internal/catalog"
)

// widths are what the screens draw a thumbnail in.
var widths = map[catalog.Screen]string{catalog.Web: "640", catalog.Mobile: "480", catalog.IPTV: "960"}

// fields are what is asked of an entity, by its collection.
var fields = map[string]string{
	"channel": `... on Channel { slug title path programmes(first: 100) { edges { node { id } } } }`,
	"programme": `... on Programme { slug title path kind image { url } channel { id } categories { slug }
		newest: videos(first: 100, filter: {availableOnly: false}) { edges { node { id } } }
		episodes: videos(first: 100, orderBy: EPISODE, filter: {availableOnly: false}) { edges { node { id } } }
		sections { title cards(first: 5) { edges { node { target { ... on Video { id } } } } } }
		credits(first: 10) { edges { node { person { id } } } } }`,
	"video":  `... on Video { slug title path image { url } programme { id } seasonNumber episodeNumber duration }`,
	"person": `... on Person { slug title path credits(first: 100) { edges { node { programme { id } } } } }`,
	"page":   `... on Page { slug title path sections { edges { node { title cards { edges { node { title target { ... on Programme { id } } } } } } } } }`,
}

// object is an answer, made plain: see plain.
type object = map[string]any

// expect is what a screen is to answer of a document, in plain's form.
func (ds documents) expect(collection string, d *document, screen catalog.Screen) object {
	o := object{"slug": d.Slug, "title": d.Title}
	url := func() any {
		if len(d.Images) == 0 {
			return nil
		}
		return d.Images[0].URL + "?w=" + widths[screen]
	}
	switch collection {
	case "channel":
		o["path"] = "/channel/" + d.Slug
		o["programmes"] = ids("programme", ds.where("programme", func(p *document) bool { return p.Channel == d.ID }))
	case "programme":
		o["path"], o["kind"], o["image"] = "/"+d.Slug, d.Kind, url()
		o["channel"] = ds.id("channel", d.Channel)
		o["categories"] = list(d.Genres, func(g string) any { return strings.ToLower(g) })
		videos := ds.where("video", func(v *document) bool { return v.Programme == d.ID })
		o["newest"] = ids("video", videos)
		slices.SortFunc(videos, func(a, b *document) int {
			return cmp.Or(cmp.Compare(episode(a.Season), episode(b.Season)), cmp.Compare(episode(a.Episode), episode(b.Episode)), newestFirst(b, a))
		})
		o["episodes"] = ids("video", videos)
		o["sections"] = d.found(videos, time.Now())
		o["credits"] = list(d.Credits, func(c credit) any { return ds.id("person", c.Person) })
	case "video":
		o["path"], o["image"], o["programme"] = "/video:"+d.ID, url(), ds.id("programme", d.Programme)
		if p := ds["programme"][d.Programme]; p != nil {
			o["path"] = "/" + p.Slug + "/" + d.Slug
		}
		o["seasonNumber"], o["episodeNumber"], o["duration"] = number(d.Season), number(d.Episode), float64(d.Duration)
	case "person":
		o["path"] = "/person/" + d.Slug
		o["credits"] = ids("programme", ds.where("programme", func(p *document) bool {
			return slices.ContainsFunc(p.Credits, func(c credit) bool { return c.Person == d.ID })
		}))
	case "page":
		o["path"] = "/page/" + d.Slug
		o["sections"] = list(d.Sections, func(s section) any {
			return object{"title": s.Title, "cards": list(s.Cards, func(c card) any {
				_, id, _ := strings.Cut(c.Target, ":")
				return object{"title": c.Title, "target": ds.id("programme", id)}
			})}
		})
	}
	return o
}

// found are a programme's sections, of its videos in the order of episodes.
func (d *document) found(episodes []*document, now time.Time) []any {
	out := []any{}
	for _, s := range d.Sections {
		var has []*document
		for _, v := range episodes {
			if slices.Contains(s.Kinds, v.Kind) && (len(s.Seasons) == 0 || slices.Contains(s.Seasons, v.Season)) && v.open(now) {
				has = append(has, v)
			}
		}
		if s.Order != "EPISODE" {
			slices.SortFunc(has, newestFirst)
		}
		if len(has) > 0 {
			out = append(out, object{"title": s.Title, "cards": ids("video", has[:min(s.Limit, len(has))])})
		}
	}
	return out
}

// number is a season's or an episode's, null when the document has none.
func number(n int) any {
	if n == 0 {
		return nil
	}
	return float64(n)
}

// episode sorts what has no number last.
func episode(n int) int {
	if n == 0 {
		return 99999
	}
	return n
}

// id is a global id, nil when there is no such document.
func (ds documents) id(collection, id string) any {
	if ds[collection][id] == nil {
		return nil
	}
	return catalog.GlobalID(collection, id)
}

func ids(collection string, docs []*document) []any {
	return list(docs, func(d *document) any { return catalog.GlobalID(collection, d.ID) })
}

func list[T any](of []T, fn func(T) any) []any {
	out := make([]any, len(of))
	for i, v := range of {
		out[i] = fn(v)
	}
	return out
}

// plain takes from an answer what is form alone: a connection becomes the list of its nodes, and an object with one field
// that field.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		return list(v, plain)
	case object:
		if edges, ok := v["edges"].([]any); ok {
			return list(edges, func(e any) any {
				edge, _ := e.(object)
				return plain(edge["node"])
			})
		}
		if len(v) == 1 {
			for _, only := range v {
				return plain(only)
			}
		}
		out := object{}
		for k, field := range v {
			out[k] = plain(field)
		}
		return out
	}
	return v
}
