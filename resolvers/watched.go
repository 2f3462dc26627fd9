package resolvers

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"regie/graph/model"
	"regie/internal/catalog"
	"regie/internal/trend"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
)

// trending are the most watched videos that may be watched in the view.
func (r *Resolver) trending(ctx context.Context, window catalogv1.TrendWindow, channelID *string, kinds []catalogv1.VideoKind, first int32) (*model.VideoConnection, error) {
	list := "trending " + window.String()
	n, _, err := r.place(list, first, nil)
	if err != nil {
		return nil, err
	}
	rule := topRule{kind: trend.Videos, window: window, videos: kinds}
	if channelID != nil {
		if rule.channel, err = idOf("channel", *channelID); err != nil {
			return nil, err
		}
	}
	ids, err := r.top(ctx, rule, n)
	if err != nil {
		return nil, err
	}
	ranking, err := loaders.From(ctx).Top(ctx, trend.List{Kind: rule.kind, Window: window, First: maxTop}) // which was read before
	if err != nil {
		return nil, err
	}
	wantStates(ctx, len(ids), func(i int) string { return catalog.GlobalID("video", ids[i]) }, "edges", "node")
	c := &model.VideoConnection{Edges: make([]*model.VideoEdge, len(ids)), PageInfo: &model.PageInfo{}, TotalCount: int32(len(ranking))}
	for i, id := range ids {
		c.Edges[i] = &model.VideoEdge{Cursor: r.Cursors.Encode(list, id), ID: id}
	}
	if len(ids) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(ids)-1].Cursor
	}
	return c, nil
}

// byWatched is an order of programmes that no list of the catalogue has: the ranking, then the others by date.
const byWatched catalog.Order = "watched"

// A place in that order is an item's count and id, a blank between, or behind inRest a place among the others.
const inRest = "d"

func placeOf(i trend.Item) string { return strconv.FormatInt(i.Count, 10) + " " + i.ID }

func itemAt(place string) trend.Item {
	count, id, _ := strings.Cut(place, " ")
	n, _ := strconv.ParseInt(count, 10, 64)
	return trend.Item{ID: id, Count: n}
}

// watchedPage gathers a page of that order.
type watchedPage struct {
	*loaders.Loaders
	rule topRule
	rest catalog.List
	size int
	// beside is what is read along with the first that is read of the catalogue.
	beside []catalog.Key
	// ids are the page's, places where they are, and end is where the next page begins.
	ids, places []string
	end         string
}

// watchedRounds bounds how often a page is read on when what is found is not wanted. It is then shorter than it could be, and
// says that there is more.
const watchedRounds = 4

// mostWatched pages through a list's programmes by how many viewers watched them lately. A page goes on behind the count of
// its predecessor's last one, wherever that is ranked by now.
func (r *Resolver) mostWatched(ctx context.Context, l catalog.List, first int32, after *string) (*page, error) {
	size, place, err := r.place(l.Name(), first, after)
	if err != nil {
		return nil, err
	}
	w := watchedPage{Loaders: loaders.From(ctx), rule: ruleOf(l), rest: l, size: size, end: place}
	w.rest.Order, w.rest.Reverse = catalog.ByDate, true
	whole := w.rest
	if whole.First = 1; selects(ctx, "totalCount") {
		w.beside = []catalog.Key{whole}
	}
	place, others := strings.CutPrefix(place, inRest)
	more := false
	if !others {
		if more, err = w.ranking(ctx, itemAt(place)); err != nil {
			return nil, err
		}
		place = ""
	}
	if !more {
		if more, err = w.others(ctx, place); err != nil {
			return nil, err
		}
	}
	p := &page{info: &model.PageInfo{HasNextPage: more, HasPreviousPage: after != nil}}
	var nodes []catalog.Key
	for i, id := range w.ids {
		p.members = append(p.members, catalog.CursorOf("", id)+"\x00")
		p.cursors = append(p.cursors, r.Cursors.Encode(l.Name(), w.places[i]))
		nodes = append(nodes, catalog.Ref{Kind: "programme", ID: id})
	}
	if selects(ctx, "edges", "node") {
		w.Want(ctx, nodes)
	}
	wantStates(ctx, len(w.ids), func(i int) string { return catalog.GlobalID("programme", w.ids[i]) }, "edges", "node")
	if len(p.cursors) > 0 {
		p.info.StartCursor = &p.cursors[0]
	}
	if w.end != "" {
		end := r.Cursors.Encode(l.Name(), w.end)
		p.info.EndCursor = &end
	}
	if w.beside != nil {
		got, err := w.List(ctx, whole, "programme", false)
		if err != nil {
			return nil, err
		}
		p.total = int32(got.Total)
	}
	return p, nil
}

// ruleOf is what a list of programmes has, as a rule: what is ranked is of the whole catalogue.
func ruleOf(l catalog.List) (rule topRule) {
	if channel, ok := strings.CutPrefix(string(l.Family), string(catalog.OfChannel(""))); ok {
		rule.channel, rule.category = channel, l.Scope
	}
	if category, ok := strings.CutPrefix(string(l.Family), string(catalog.OfCategory(""))); ok {
		rule.category = category
	}
	for name := range strings.SplitSeq(l.Kinds, ",") {
		if kind, ok := catalogv1.ProgrammeKind_value["PROGRAMME_KIND_"+name]; ok {
			rule.programmes = append(rule.programmes, catalogv1.ProgrammeKind(kind))
		}
	}
	return rule
}

// add takes one that is wanted, unless the page is full.
func (w *watchedPage) add(id, place string) bool {
	if len(w.ids) == w.size {
		return false
	}
	w.ids, w.places, w.end = append(w.ids, id), append(w.places, place), place
	return true
}

// ranking takes what is ranked behind an item, and tells whether there is more.
func (w *watchedPage) ranking(ctx context.Context, after trend.Item) (more bool, err error) {
	for round := range watchedRounds {
		l := trend.List{Kind: trend.Programmes, Window: trend.Lately, After: after, First: (w.size + spareTop) << (2 * round)}
		items, err := w.Top(ctx, l)
		if err != nil {
			return false, err
		}
		keys := slices.Clone(w.beside)
		for _, item := range items {
			keys = append(keys, catalog.Ref{Kind: "programme", ID: item.ID})
		}
		w.Want(ctx, keys)
		for _, item := range items {
			p, err := w.Programme(ctx, item.ID)
			if err := leave(ctx, err); err != nil {
				return false, err
			}
			if wanted := p != nil && w.rule.has(p) && (!w.rest.Open || w.View().Available(p.GetRights()).State.Open()); !wanted {
				w.end = placeOf(item)
			} else if !w.add(item.ID, placeOf(item)) {
				return true, nil
			}
			after = item
		}
		if len(items) < l.First {
			return false, nil
		}
	}
	return true, nil
}

// others takes what is not ranked, behind a place by date, and tells whether there is more.
func (w *watchedPage) others(ctx context.Context, after string) (more bool, err error) {
	for round := range watchedRounds {
		l := w.rest
		l.After, l.First = after, (w.size-len(w.ids)+spareTop)<<(2*round)
		w.Want(ctx, w.beside)
		got, err := w.List(ctx, l, "programme", false)
		if err != nil {
			return false, err
		}
		ids := make([]string, len(got.Members))
		for i, m := range got.Members {
			ids[i] = catalog.ID(m)
		}
		counts, err := w.Ranked(ctx, trend.Programmes, trend.Lately, ids)
		if err != nil {
			return false, err
		}
		for i, m := range got.Members {
			if place := inRest + catalog.Cursor(m); counts[i] > 0 {
				w.end = place
			} else if !w.add(ids[i], place) {
				return true, nil
			}
		}
		if after = got.End; after != "" {
			w.end = inRest + after
		}
		if !got.More {
			return false, nil
		}
	}
	return true, nil
}

// maxCredits is more than anybody has.
const maxCredits = 5000

// watchedCredits pages through a person's credits in that order. They are few enough to be sorted here.
func (r *Resolver) watchedCredits(ctx context.Context, l catalog.List, personID string, first int32, after *string) (*model.CreditConnection, error) {
	name := l.Name()
	if _, _, err := r.place(name, first, after); err != nil {
		return nil, err
	}
	l.Order, l.Reverse, l.First = catalog.ByDate, true, maxCredits
	got, err := loaders.From(ctx).List(ctx, l, "programme", false)
	if err != nil {
		return nil, err
	}
	all, ids := slices.Clone(got.Members), make([]string, len(got.Members))
	for i, m := range all {
		ids[i] = catalog.ID(m)
	}
	ranked, err := loaders.From(ctx).Ranked(ctx, trend.Programmes, trend.Lately, ids)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for i, id := range ids {
		counts[id] = ranked[i]
	}
	slices.SortStableFunc(all, func(a, b string) int {
		i, j := trend.Item{ID: catalog.ID(a), Count: counts[catalog.ID(a)]}, trend.Item{ID: catalog.ID(b), Count: counts[catalog.ID(b)]}
		switch {
		case i.Count == 0 && j.Count == 0 || i == j:
			return 0
		case i.Before(j):
			return -1
		}
		return 1
	})
	part, err := r.part(name, len(all), func(i int) string { return catalog.Cursor(all[i]) }, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.CreditConnection{Edges: []*model.CreditEdge{}, PageInfo: part.info, TotalCount: int32(got.Total)}
	var nodes []catalog.Key
	for i := part.from; i < part.to; i++ {
		id := catalog.ID(all[i])
		c.Edges = append(c.Edges, &model.CreditEdge{Cursor: part.cursors[i-part.from], ProgrammeID: id, PersonID: personID, Index: catalog.CreditIndex(all[i])})
		nodes = append(nodes, catalog.Ref{Kind: "programme", ID: id})
	}
	if selects(ctx, "edges", "node") {
		loaders.From(ctx).Want(ctx, nodes)
	}
	return c, nil
}
