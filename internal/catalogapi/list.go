package catalogapi

import (
	"context"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

const (
	defaultPage = 100
	maxPage     = 500
)

// List reads a page in two round trips: its members, then their blobs.
func (s *Service) List(ctx context.Context, req *catalogv1.ListRequest) (*catalogv1.ListResponse, error) {
	screen, err := parseScreen(req.GetScreen())
	if err != nil {
		return nil, err
	}
	l, kind, err := parseList(req)
	if err != nil {
		return nil, err
	}
	if token := req.GetPageToken(); token != "" {
		var ok bool
		if l.After, ok = s.tokens.Decode(tokensOf(l), token); !ok {
			return nil, invalid("page_token is none of this list and order: give the next_page_token of its page before")
		}
	}
	pages, err := read(ctx, s, func(ctx context.Context) ([]catalog.Page, error) {
		return s.catalog.Pages(ctx, catalog.View{Screen: screen}, []catalog.List{l})
	})
	if err != nil {
		return nil, err
	}
	page := pages[0]
	var refs []catalog.Ref
	seen := map[string]bool{catalog.ID(l.After): true} // a person may have several credits in one programme
	for _, m := range page.Members {
		if id := catalog.ID(m); !seen[id] {
			seen[id] = true
			refs = append(refs, catalog.Ref{Kind: kind, ID: id})
		}
	}
	found, err := s.entities(ctx, screen, refs)
	if err != nil {
		return nil, err
	}
	res := &catalogv1.ListResponse{TotalSize: int32(page.Total)}
	for _, r := range refs {
		if found[r] != nil { // else it was deleted between the two reads
			res.Results = append(res.Results, found[r])
		}
	}
	if page.More {
		res.NextPageToken = s.tokens.Encode(tokensOf(l), page.End)
	}
	return res, nil
}

// tokensOf names a list's tokens, which are no GraphQL cursors though they are signed with the same secret. They are the
// same for every screen, whose lists have the same members.
func tokensOf(l catalog.List) string { return "grpc page token\n" + l.Name() }

// parseList returns a list, and the kind of its members.
func parseList(req *catalogv1.ListRequest) (l catalog.List, kind string, err error) {
	l = catalog.List{Family: catalog.Programmes, Order: catalog.ByDate, Reverse: true, First: int(req.GetPageSize())}
	kind = "programme"
	title, episode := true, false // whether it has these orders
	if of := req.GetOf(); of != nil {
		if of.GetId() == "" {
			return l, "", invalid("of: the id is missing")
		}
		switch of.GetKind() {
		case "channel":
			l.Family = catalog.OfChannel(of.GetId())
		case "category":
			if err := checkSlug(of.GetId()); err != nil {
				return l, "", invalid("of: %v", err)
			}
			l.Family = catalog.OfCategory(of.GetId())
		case "programme":
			l.Family, l.Owner, kind = catalog.Videos(of.GetId()), of.GetId(), "video"
			title, episode = false, true
		case "person":
			l.Family, l.Owner = catalog.Credits(of.GetId()), of.GetId()
		default:
			return l, "", invalid("of: a %q has no list: one of a channel, category, programme or person has, and no owner for all programmes", clip(of.GetKind()))
		}
	}
	switch order := req.GetOrder(); {
	case order == catalogv1.ListOrder_LIST_ORDER_UNSPECIFIED || order == catalogv1.ListOrder_LIST_ORDER_NEWEST:
	case order == catalogv1.ListOrder_LIST_ORDER_OLDEST:
		l.Reverse = false
	case order == catalogv1.ListOrder_LIST_ORDER_TITLE && title:
		l.Order, l.Reverse = catalog.ByTitle, false
	case order == catalogv1.ListOrder_LIST_ORDER_EPISODE && episode:
		l.Order, l.Reverse = catalog.ByEpisode, false
	default:
		return l, "", invalid("order: this list has none by %s", order)
	}
	switch {
	case l.First < 0 || l.First > maxPage:
		return l, "", invalid("page_size: %d is not between 1 and %d", l.First, maxPage)
	case l.First == 0:
		l.First = defaultPage
	}
	return l, kind, nil
}
