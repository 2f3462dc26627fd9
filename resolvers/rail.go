package resolvers

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"regie/graph/model"
	"regie/internal/catalog"
	"regie/internal/trend"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// sourceOf says where a rail's cards come from.
func sourceOf(s *projectionv1.Section) model.SectionSource {
	switch source := s.GetSource().(type) {
	case *projectionv1.Section_Trend:
		return model.SectionSourceTop
	case *projectionv1.Section_Rule:
		if source.Rule.GetOrder() == catalogv1.CatalogueOrder_CATALOGUE_ORDER_MOST_WATCHED {
			return model.SectionSourceTop
		}
		return model.SectionSourceRecommendation
	case *projectionv1.Section_Personal:
		if source.Personal == catalogv1.PersonalSource_PERSONAL_SOURCE_FAVOURITES {
			return model.SectionSourceFavourites
		}
		return model.SectionSourceContinueWatching
	}
	if s.GetComputed() {
		return model.SectionSourceRecommendation
	}
	return model.SectionSourceEditorial
}

func isPersonal(s *projectionv1.Section) bool {
	_, ok := s.GetSource().(*projectionv1.Section_Personal)
	return ok
}

// most is how many cards a rail shows.
func most(s *projectionv1.Section) int {
	if s.GetLimit() > 0 {
		return int(s.GetLimit())
	}
	return math.MaxInt
}

// sectionsOf are a programme's rails. Without those that cannot be read it is whole.
func (r *Resolver) sectionsOf(ctx context.Context, p *projectionv1.Programme) []*projectionv1.Section {
	out, err := r.openSections(ctx, p)
	if err != nil {
		graphql.AddError(ctx, err)
	}
	return out
}

// openSections are a programme's rails that have something to watch in the view: none while the programme may not be watched.
func (r *Resolver) openSections(ctx context.Context, p *projectionv1.Programme) ([]*projectionv1.Section, error) {
	l := loaders.From(ctx)
	if !l.View().Available(p.GetRights()).State.Open() {
		return nil, nil
	}
	computed, err := l.Sections(ctx, local(p.GetId()))
	if err != nil {
		return nil, err
	}
	var out []*projectionv1.Section
	for _, s := range computed.GetSections() {
		if slices.ContainsFunc(s.GetCards(), func(c *projectionv1.Card) bool { return l.View().Open(c.GetNote()) }) {
			out = append(out, s)
		}
	}
	return out, nil
}

// cards pages through a rail's cards, and asks for what they open at once.
func (r *Resolver) cards(ctx context.Context, s *projectionv1.Section, first int32, after *string) (*model.CardConnection, error) {
	switch source := s.GetSource().(type) {
	case *projectionv1.Section_Trend:
		all, err := r.trendCards(ctx, s, source.Trend)
		if err != nil {
			return nil, err
		}
		return r.known(ctx, s, all, first, after)
	case *projectionv1.Section_Rule:
		return r.limited(s, first, after, func(first int32, after *string) (*model.CardConnection, error) {
			return r.listed(ctx, source.Rule, first, after)
		})
	case *projectionv1.Section_Personal:
		return r.limited(s, first, after, func(first int32, after *string) (*model.CardConnection, error) {
			return r.personal(ctx, source.Personal, first, after)
		})
	}
	if s.GetComputed() {
		return r.known(ctx, s, openCards(loaders.From(ctx).View(), s), first, after)
	}
	return r.known(ctx, s, s.GetCards(), first, after)
}

// openCards are a computed section's first that may be watched in a view.
func openCards(v catalog.View, s *projectionv1.Section) []*projectionv1.Card {
	var out []*projectionv1.Card
	for _, c := range s.GetCards() {
		if len(out) < most(s) && v.Open(c.GetNote()) {
			out = append(out, ranked(s, &projectionv1.Card{Target: c.GetTarget()}, len(out)+1))
		}
	}
	return out
}

// trendCards are the cards of what is watched most.
func (r *Resolver) trendCards(ctx context.Context, s *projectionv1.Section, t *catalogv1.TrendRule) ([]*projectionv1.Card, error) {
	rule := topRule{kind: trend.Videos, window: t.GetWindow(), channel: t.GetChannelId(), videos: t.GetKinds()}
	if t.GetProgrammes() {
		rule.kind, rule.videos = trend.Programmes, nil
	}
	ids, err := r.top(ctx, rule, most(s))
	if err != nil {
		return nil, err
	}
	out := make([]*projectionv1.Card, len(ids))
	for i, id := range ids {
		out[i] = ranked(s, &projectionv1.Card{Target: &catalogv1.Ref{Kind: string(rule.kind), Id: id}}, i+1)
	}
	return out, nil
}

// ranked is a card with its place, where the rail shows it.
func ranked(s *projectionv1.Section, c *projectionv1.Card, place int) *projectionv1.Card {
	if rank := int32(place); s.GetLayout() == catalogv1.SectionLayout_SECTION_LAYOUT_RANKED {
		c.Rank = &rank
	}
	return c
}

func cardsOf(s *projectionv1.Section) string { return "cards of " + s.GetId() }

// known pages through cards that are all known.
func (r *Resolver) known(ctx context.Context, s *projectionv1.Section, all []*projectionv1.Card, first int32, after *string) (*model.CardConnection, error) {
	part, err := r.part(cardsOf(s), len(all), func(i int) string {
		return all[i].GetTarget().GetKind() + ":" + all[i].GetTarget().GetId() + all[i].GetUrl() + " " + all[i].GetTitle()
	}, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.CardConnection{PageInfo: part.info, Edges: []*model.CardEdge{}}
	var targets []catalog.Key
	for i := part.from; i < part.to; i++ {
		c.Edges = append(c.Edges, &model.CardEdge{Cursor: part.cursors[i-part.from], Card: all[i]})
		if t := all[i].GetTarget(); t != nil {
			targets = append(targets, keysOf(catalog.Ref{Kind: t.GetKind(), ID: t.GetId()})...)
		}
	}
	if selects(ctx, "edges", "node") {
		loaders.From(ctx).Want(ctx, targets)
		wantTargetStates(ctx, c)
	}
	return c, nil
}

// wantTargetStates asks for what the viewer did with what cards open.
func wantTargetStates(ctx context.Context, c *model.CardConnection) {
	wantStates(ctx, len(c.Edges), func(i int) string {
		t := c.Edges[i].Card.GetTarget()
		return catalog.GlobalID(t.GetKind(), t.GetId())
	}, "edges", "node", "target")
}

// limited pages through a rail that a list fills, to its limit. A cursor has how many cards are before it, and the list's own.
func (r *Resolver) limited(s *projectionv1.Section, first int32, after *string, read func(first int32, after *string) (*model.CardConnection, error)) (*model.CardConnection, error) {
	size, place, err := r.place(cardsOf(s), first, after)
	if err != nil {
		return nil, err
	}
	shown, behind := 0, (*string)(nil)
	if after != nil {
		number, cursor, _ := strings.Cut(place, " ")
		shown, _ = strconv.Atoi(number)
		behind = &cursor
	}
	left := most(s) - shown
	if left <= 0 {
		return noCards(after), nil
	}
	c, err := read(int32(min(size, left)), behind)
	if err != nil {
		return nil, err
	}
	sign := func(shown int, cursor string) string {
		return r.Cursors.Encode(cardsOf(s), strconv.Itoa(shown)+" "+cursor)
	}
	for i, e := range c.Edges {
		e.Cursor = sign(shown+i+1, e.Cursor)
		ranked(s, e.Card, shown+i+1)
	}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor = &c.Edges[0].Cursor
	}
	if c.PageInfo.EndCursor != nil {
		end := sign(shown+len(c.Edges), *c.PageInfo.EndCursor)
		c.PageInfo.EndCursor = &end
	}
	c.PageInfo.HasNextPage = c.PageInfo.HasNextPage && len(c.Edges) < left
	return c, nil
}

func noCards(after *string) *model.CardConnection {
	return &model.CardConnection{Edges: []*model.CardEdge{}, PageInfo: &model.PageInfo{HasPreviousPage: after != nil}}
}

// cardTo is a place in a rail of what has a kind and a CMS id.
func cardTo(cursor, kind, id string) *model.CardEdge {
	return &model.CardEdge{Cursor: cursor, Card: &projectionv1.Card{Target: &catalogv1.Ref{Kind: kind, Id: id}}}
}

// listed reads a rule's programmes of one list, of those that may be watched in the view.
func (r *Resolver) listed(ctx context.Context, rule *catalogv1.CatalogueRule, first int32, after *string) (*model.CardConnection, error) {
	order := model.ProgrammeOrderNewest
	switch rule.GetOrder() {
	case catalogv1.CatalogueOrder_CATALOGUE_ORDER_OLDEST:
		order = model.ProgrammeOrderOldest
	case catalogv1.CatalogueOrder_CATALOGUE_ORDER_TITLE:
		order = model.ProgrammeOrderTitle
	case catalogv1.CatalogueOrder_CATALOGUE_ORDER_MOST_WATCHED:
		order = model.ProgrammeOrderMostWatched
	}
	l := narrowed(ordered(catalog.List{Family: catalog.Programmes}, order), rule.GetChannelId(), rule.GetCategory())
	l.Kinds = kinds(rule.GetKinds(), "PROGRAMME_KIND_")
	got, err := r.programmes(ctx, l, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.CardConnection{Edges: make([]*model.CardEdge, len(got.Edges)), PageInfo: got.PageInfo}
	for i, e := range got.Edges {
		c.Edges[i] = cardTo(e.Cursor, "programme", e.ID)
	}
	wantTargetStates(ctx, c)
	return c, nil
}

// personal reads what the viewer has; nothing when nobody is signed in.
func (r *Resolver) personal(ctx context.Context, source catalogv1.PersonalSource, first int32, after *string) (*model.CardConnection, error) {
	v := r.viewer(ctx)
	if v == nil {
		return noCards(after), nil
	}
	if source == catalogv1.PersonalSource_PERSONAL_SOURCE_FAVOURITES {
		got, err := r.favourites(ctx, v, first, after, nil)
		if err != nil {
			return nil, err
		}
		c := &model.CardConnection{Edges: make([]*model.CardEdge, len(got.Edges)), PageInfo: got.PageInfo}
		for i, e := range got.Edges {
			ref, err := targetOf(e.Favourite.GetTargetId())
			c.Edges[i] = cardTo(e.Cursor, ref.Kind, ref.ID)
			c.Edges[i].Err = err
		}
		return c, nil
	}
	got, err := r.continueWatching(ctx, v, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.CardConnection{Edges: make([]*model.CardEdge, len(got.Edges)), PageInfo: got.PageInfo}
	for i, e := range got.Edges {
		c.Edges[i] = cardTo(e.Cursor, "video", e.Progress.GetProgress().GetVideoId())
		c.Edges[i].Err = e.Err
	}
	wantTargetStates(ctx, c)
	return c, nil
}
