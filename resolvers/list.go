package resolvers

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	projectionv1 "regie/proto/projection/v1"
)

// page is part of a list with what Relay says of it.
type page struct {
	members, cursors []string
	info             *model.PageInfo
	total            int32
}

// page reads part of a list. The nodes are read along when the query selects them: all of the page in one more read.
func (r *Resolver) page(ctx context.Context, l catalog.List, kind string, first int32, after *string) (*page, error) {
	if l.Order == byWatched {
		return r.mostWatched(ctx, l, first, after)
	}
	var err error
	if l.First, l.After, err = r.place(l.Name(), first, after); err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // nobody waits for it any more
		return nil, ctx.Err()
	}
	got, err := loaders.From(ctx).List(ctx, l, kind, selects(ctx, "edges", "node"))
	if err != nil {
		return nil, err
	}
	p := &page{members: got.Members, total: int32(got.Total)}
	wantStates(ctx, len(got.Members), func(i int) string { return catalog.GlobalID(kind, catalog.ID(got.Members[i])) }, "edges", "node")
	for _, m := range got.Members {
		p.cursors = append(p.cursors, r.Cursors.Encode(l.Name(), catalog.Cursor(m)))
	}
	p.info = &model.PageInfo{HasNextPage: got.More, HasPreviousPage: after != nil}
	if len(p.cursors) > 0 {
		p.info.StartCursor = &p.cursors[0]
	}
	if got.End != "" {
		end := r.Cursors.Encode(l.Name(), got.End)
		p.info.EndCursor = &end
	}
	return p, nil
}

// place checks what a client asks of a list.
func (r *Resolver) place(list string, first int32, after *string) (int, string, error) {
	if first < 1 || first > graph.MaxPage {
		return 0, "", graph.BadInput("first must be between 1 and %d, is %d.", graph.MaxPage, first)
	}
	if after == nil {
		return int(first), "", nil
	}
	place, ok := r.Cursors.Decode(list, *after)
	if !ok {
		return 0, "", graph.BadInput("after: the cursor is none of this list and order: give the endCursor of its page before.")
	}
	return int(first), place, nil
}

// selects tells whether a field selects another through fields in between.
func selects(ctx context.Context, path ...string) bool {
	return leads(graphql.GetOperationContext(ctx), graphql.CollectFieldsCtx(ctx, nil), path)
}

func leads(op *graphql.OperationContext, fields []graphql.CollectedField, path []string) bool {
	return len(path) == 0 || slices.ContainsFunc(fields, func(f graphql.CollectedField) bool {
		return f.Name == path[0] && leads(op, graphql.CollectFields(op, f.Selections, nil), path[1:])
	})
}

func (r *Resolver) programmes(ctx context.Context, l catalog.List, first int32, after *string) (*model.ProgrammeConnection, error) {
	p, err := r.page(ctx, l, "programme", first, after)
	if err != nil {
		return nil, err
	}
	c := &model.ProgrammeConnection{Edges: make([]*model.ProgrammeEdge, len(p.members)), PageInfo: p.info, TotalCount: p.total}
	for i, m := range p.members {
		c.Edges[i] = &model.ProgrammeEdge{Cursor: p.cursors[i], ID: catalog.ID(m)}
	}
	return c, nil
}

func (r *Resolver) videos(ctx context.Context, l catalog.List, first int32, after *string) (*model.VideoConnection, error) {
	p, err := r.page(ctx, l, "video", first, after)
	if err != nil {
		return nil, err
	}
	c := &model.VideoConnection{Edges: make([]*model.VideoEdge, len(p.members)), PageInfo: p.info, TotalCount: p.total}
	for i, m := range p.members {
		c.Edges[i] = &model.VideoEdge{Cursor: p.cursors[i], ID: catalog.ID(m)}
	}
	return c, nil
}

// ordered is a list of programmes in an order, of those that may be watched.
func ordered(l catalog.List, order model.ProgrammeOrder) catalog.List {
	l.Order, l.Open = catalog.ByDate, true
	switch order {
	case model.ProgrammeOrderNewest:
		l.Reverse = true
	case model.ProgrammeOrderTitle:
		l.Order = catalog.ByTitle
	case model.ProgrammeOrderMostWatched:
		l.Order = byWatched
	}
	return l
}

// filtered is the list of programmes that a filter leaves.
func filtered(f *model.ProgrammeFilter, order model.ProgrammeOrder) (catalog.List, error) {
	l := ordered(catalog.List{Family: catalog.Programmes}, order)
	if f == nil {
		return l, nil
	}
	l.Open = f.AvailableOnly
	l.Kinds = kinds(f.Kinds, "PROGRAMME_KIND_")
	var channel, category string
	var err error
	if f.CategoryID != nil {
		if category, err = idOf("category", *f.CategoryID); err == nil {
			err = checkSlug(category)
		}
		if err != nil {
			return l, err
		}
	}
	if f.ChannelID != nil {
		if channel, err = idOf("channel", *f.ChannelID); err != nil {
			return l, err
		}
	}
	return narrowed(l, channel, category), nil
}

// narrowed is the list of all programmes narrowed to a channel, by its CMS id, and a category, by its slug; "" for any.
func narrowed(l catalog.List, channel, category string) catalog.List {
	switch {
	case channel != "":
		l.Family, l.Scope = catalog.OfChannel(channel), category
	case category != "":
		l.Family = catalog.OfCategory(category)
	}
	return l
}

// videoList is the list of a programme's videos that a filter leaves. Of a programme that may not be watched none may.
func videoList(programmeID string, f *model.VideoFilter, order model.VideoOrder) catalog.List {
	l := catalog.VideosOf(programmeID)
	l.Order, l.Open = catalog.ByDate, true
	switch order {
	case model.VideoOrderNewest:
		l.Reverse = true
	case model.VideoOrderEpisode:
		l.Order = catalog.ByEpisode
	}
	if f == nil {
		return l
	}
	l.Open = f.AvailableOnly
	l.Kinds = kinds(f.Kinds, "VIDEO_KIND_")
	if f.Season != nil {
		l.Season, l.BySeason = *f.Season, true
	}
	return l
}

// kinds are the enum's names as lists know them, each once.
func kinds[K interface {
	comparable
	String() string
}](ks []K, prefix string) string {
	var names []string
	for _, k := range ks {
		if name := strings.TrimPrefix(k.String(), prefix); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// videosOf reads a programme's videos. While the programme may not be watched, none of them may.
func (r *Resolver) videosOf(ctx context.Context, p *projectionv1.Programme, l catalog.List, first int32, after *string) (*model.VideoConnection, error) {
	c, err := r.videos(ctx, l, first, after)
	if err == nil && l.Open && !loaders.From(ctx).View().Available(p.GetRights()).State.Open() {
		c.Edges = nil
		c.PageInfo = &model.PageInfo{HasPreviousPage: c.PageInfo.HasPreviousPage}
	}
	return c, err
}

// part is what a page of things that lie in a blob has: from which to which, and their cursors.
type part struct {
	from, to int
	cursors  []string
	info     *model.PageInfo
}

// behind is the index that follows a thing that was at another, wherever it is now. Where it is gone, what took its place
// follows.
func behind(at, n int, is func(i int) bool) int {
	for d := range max(n, at) + 1 {
		for _, i := range []int{at - d, at + d} {
			if i >= 0 && i < n && is(i) {
				return i + 1
			}
		}
	}
	return min(at, n)
}

// part pages through n things of a list. A cursor holds a thing's index and its name, so that a page follows its
// predecessor when the list was edited meanwhile.
func (r *Resolver) part(list string, n int, name func(i int) string, first int32, after *string) (*part, error) {
	size, place, err := r.place(list, first, after)
	if err != nil {
		return nil, err
	}
	p := &part{info: &model.PageInfo{HasPreviousPage: after != nil}}
	if after != nil {
		number, was, _ := strings.Cut(place, " ")
		at, _ := strconv.Atoi(number)
		p.from = behind(at, n, func(i int) bool { return name(i) == was })
	}
	p.to = min(p.from+size, n)
	for i := p.from; i < p.to; i++ {
		p.cursors = append(p.cursors, r.Cursors.Encode(list, strconv.Itoa(i)+" "+name(i)))
	}
	p.info.HasNextPage = p.to < n
	if len(p.cursors) > 0 {
		p.info.StartCursor, p.info.EndCursor = &p.cursors[0], &p.cursors[len(p.cursors)-1]
	}
	return p, nil
}
