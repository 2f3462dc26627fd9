package dynamostore

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"regie/internal/users"
)

// Read implements users.Store: one request for up to 49 ids.
func (s *Store) Read(ctx context.Context, viewer string, ids []string, consistent bool) (rows users.Rows, err error) {
	keys := []key{viewerKey(viewer, clearRow)}
	for _, id := range ids {
		keys = append(keys, viewerKey(viewer, favourites+id))
		switch kind, bare, _ := strings.Cut(id, ":"); kind {
		case "programme":
			keys = append(keys, viewerKey(viewer, latest+bare))
		case "video":
			keys = append(keys, viewerKey(viewer, videos+bare))
		}
	}
	found, err := s.get(ctx, "reading rows", keys, consistent)
	if err != nil {
		return users.Rows{}, err
	}
	floor := max(s.oldest(), found[keys[0]].version())
	for _, k := range keys[1:] { // in the order of the ids
		if err := add(&rows, found[k], floor); err != nil {
			return users.Rows{}, err
		}
	}
	return rows, nil
}

// List implements users.Store.
func (s *Store) List(ctx context.Context, viewer string, what users.What, after users.Version, limit int, consistent bool) (rows users.Rows, more bool, err error) {
	lists, isProgress := lists(what)
	p := page{viewer: viewer, consistent: consistent}
	if isProgress {
		p.from = s.oldest()
	}
	if !after.IsZero() {
		if p.to = after.String(); p.to < p.from { // all that follows has grown old: DynamoDB refuses such a stretch
			return users.Rows{}, false, nil
		}
	}
	doing := "listing " + string(what)
	parts, totals := make([][]item, len(lists)), make([]int, len(lists))
	var cleared item
	g, gctx := errgroup.WithContext(ctx)
	for n, list := range lists {
		p := p
		p.list = list
		g.Go(func() (err error) {
			// The one that the page begins behind comes along, and one more tells whether there are more.
			err = s.find(gctx, doing, p, int32(limit+2), func(i item) bool {
				if i.version() != p.to {
					parts[n] = append(parts[n], i)
				}
				return len(parts[n]) <= limit
			})
			return err
		})
		if !isProgress {
			g.Go(func() (err error) {
				totals[n], err = s.count(gctx, doing, page{viewer: viewer, list: list, consistent: consistent})
				return err
			})
		}
	}
	if isProgress {
		g.Go(func() error {
			k := viewerKey(viewer, clearRow)
			found, err := s.get(gctx, doing, []key{k}, consistent)
			cleared = found[k]
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return users.Rows{}, false, err
	}
	all := slices.Concat(parts...)
	slices.SortFunc(all, newestFirst)
	// What was cleared is all behind what was not.
	if n := slices.IndexFunc(all, func(i item) bool { return isProgress && i.version() <= cleared.version() }); n >= 0 {
		all = all[:n]
	}
	if more = len(all) > limit; more {
		all = all[:limit]
	}
	for _, i := range all {
		if err := add(&rows, i, ""); err != nil {
			return users.Rows{}, false, err
		}
	}
	for _, n := range totals {
		rows.Total += n
	}
	return rows, more, nil
}

// lists are those that are merged to what is listed.
func lists(what users.What) (names []string, isProgress bool) {
	switch what {
	case users.FavouriteProgrammes:
		return []string{"programme"}, false
	case users.FavouriteVideos:
		return []string{"video"}, false
	case users.AllFavourites:
		return []string{"programme", "video"}, false
	case users.AllProgress:
		return []string{allProgress}, true
	case users.LatestProgress:
		return []string{latestProgress}, true
	}
	panic("nothing is listed as " + string(what))
}

// add appends what is there of an item to rows; of progress, what is behind the floor.
func add(rows *users.Rows, i item, floor string) error {
	switch {
	case i == nil || i.removed():
		return nil
	case strings.HasPrefix(i.text("sk"), favourites):
		f, err := i.favourite()
		rows.Favourites = append(rows.Favourites, f)
		return err
	case i.version() <= floor:
		return nil
	}
	p, err := i.progress()
	rows.Progress = append(rows.Progress, p)
	return err
}
