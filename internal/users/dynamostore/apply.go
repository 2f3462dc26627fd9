package dynamostore

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"regie/internal/stream"
	"regie/internal/users"
)

// Apply implements users.Store: viewers beside each other, each viewer's rows in an order that bears to be cut anywhere and
// begun again.
func (s *Store) Apply(ctx context.Context, changes []users.Changes, positions map[string]stream.Position) error {
	err := s.applyRows(ctx, changes)
	if late := s.eraseLate(ctx, changes); err == nil {
		err = late
	}
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(inFlight)
	for name, p := range positions {
		g.Go(func() error { return s.storePosition(ctx, name, p) })
	}
	return g.Wait()
}

func (s *Store) applyRows(ctx context.Context, changes []users.Changes) error {
	stored, err := s.stored(ctx, changes)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for i := range changes {
		g.Go(func() error { return s.apply(ctx, &changes[i], stored) })
	}
	return g.Wait()
}

// eraseLate erases what was just written of viewers who are erased: by an event that came behind, or by one that was held
// up while another instance applied the erasure. It leaves its mark before it looks for rows, and who writes rows looks for
// the mark behind them, whatever came of them: one of the two sees the other.
func (s *Store) eraseLate(ctx context.Context, changes []users.Changes) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		defer cancel()
	}
	var marks []key
	viewers := map[key]string{}
	for _, c := range changes {
		if !c.Erased {
			marks = append(marks, erasedKey(c.Viewer))
			viewers[erasedKey(c.Viewer)] = c.Viewer
		}
	}
	var found map[key]item
	err := insist(ctx, func() (err error) {
		found, err = s.get(ctx, "reading who is erased", marks, true)
		return err
	})
	for k, mark := range found {
		if mark != nil && err == nil {
			err = insist(ctx, func() error { return s.erase(ctx, viewers[k]) })
		}
	}
	return err
}

// stored are the rows of progress that changes may write.
func (s *Store) stored(ctx context.Context, changes []users.Changes) (found map[key]item, err error) {
	var keys []key
	for _, c := range changes {
		for _, p := range c.Progress {
			keys = append(keys, viewerKey(c.Viewer, videos+p.VideoId))
			if p.ProgrammeId != "" {
				keys = append(keys, viewerKey(c.Viewer, latest+p.ProgrammeId))
			}
		}
	}
	err = insist(ctx, func() (err error) {
		found, err = s.get(ctx, "reading what is stored", keys, true)
		return err
	})
	return found, err
}

func (s *Store) apply(ctx context.Context, c *users.Changes, stored map[key]item) error {
	if c.Erased {
		i := erasedKey(c.Viewer).item()
		i["ttl"] = number(s.now().Add(users.KeepRemoved).Unix())
		err := insist(ctx, func() error {
			_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: i})
			return s.explain("noting that a viewer is erased", err)
		})
		if err != nil {
			return err
		}
		return insist(ctx, func() error { return s.erase(ctx, c.Viewer) })
	}
	err := each(ctx, c.Favourites, func(ctx context.Context, f users.Favourite) error {
		return s.write(ctx, "storing a favourite", s.favouriteItem(c.Viewer, f))
	})
	if err != nil {
		return err
	}
	if !c.Cleared.IsZero() {
		i := viewerKey(c.Viewer, clearRow).item()
		i["v"] = text(c.Cleared.String())
		i["ttl"] = number(c.Cleared.At.Add(users.KeepProgress).Unix()) // by then what it hides is too old anyway
		if err := s.write(ctx, "storing that the history was cleared", i); err != nil {
			return err
		}
	}
	for {
		done, err := s.applyProgress(ctx, c, stored)
		if done || err != nil {
			return err
		}
		// Somebody has written meanwhile: another instance, or this one by a request whose answer was lost.
		if stored, err = s.stored(ctx, []users.Changes{*c}); err != nil {
			return err
		}
	}
}

// each does something of one viewer's rows, a few at a time: most viewers have one, and a device that was offline hundreds.
func each[T any](ctx context.Context, rows []T, do func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(rowsInFlight)
	for _, row := range rows {
		g.Go(func() error { return do(ctx, row) })
	}
	return g.Wait()
}

// write writes an item, unless what is there is as new.
func (s *Store) write(ctx context.Context, what string, i item) error {
	return insist(ctx, func() error {
		_, err := s.put(ctx, what, i, newerThanStored(i.version()))
		return err
	})
}

// applyProgress writes the rows that are newer than what is stored, then what was watched last of each programme that they
// touch. Whoever is cut between the two finds, when the same comes again, alone or behind more of it, which programmes
// those are: each row names those that it has left.
func (s *Store) applyProgress(ctx context.Context, c *users.Changes, stored map[key]item) (done bool, err error) {
	rows := map[string]item{} // by video: what is there of it when the newer rows are written
	var newer []item
	touched := map[string]bool{}
	oldest := s.oldest()
	for _, p := range c.Progress {
		version, old := p.Version.String(), stored[viewerKey(c.Viewer, videos+p.VideoId)]
		if version < oldest || version < old.version() {
			continue
		}
		row := old
		if version > old.version() {
			row = s.progressItem(c.Viewer, p)
			row.leave(old)
			newer = append(newer, row)
		}
		rows[p.VideoId] = row
		for _, programme := range append(row.left(), row.text("programme")) {
			touched[programme] = true
		}
	}
	delete(touched, "") // a removed row's
	var overtaken atomic.Bool
	err = each(ctx, newer, func(ctx context.Context, row item) error {
		return insist(ctx, func() error {
			done, err := s.put(ctx, "storing progress", row, newerThanStored(row.version()))
			if err == nil && !done {
				overtaken.Store(true)
			}
			return err
		})
	})
	if err != nil || overtaken.Load() {
		return false, err
	}
	err = each(ctx, slices.Collect(maps.Keys(touched)), func(ctx context.Context, programme string) error {
		done, err := s.keepLatest(ctx, c.Viewer, programme, rows, stored)
		if err == nil && !done {
			overtaken.Store(true)
		}
		return err
	})
	return !overtaken.Load(), err
}

// keepLatest writes what was watched last of a programme, once rows are written. It is not done when somebody else has
// written it meanwhile.
func (s *Store) keepLatest(ctx context.Context, viewer, programme string, rows map[string]item, stored map[key]item) (done bool, err error) {
	const what = "storing what was watched last"
	k := viewerKey(viewer, latest+programme)
	seen, known := stored[k]
	if !known {
		err := insist(ctx, func() error {
			found, err := s.get(ctx, "reading what was watched last", []key{k}, true)
			seen = found[k]
			return err
		})
		if err != nil {
			return false, err
		}
	}
	last := seen
	if row, ok := rows[seen.text("video")]; ok && seen != nil && (row.version() != seen.version() || row.text("programme") != programme) {
		last = nil // it is so no more
	}
	for _, row := range rows {
		if row.text("programme") == programme && row.version() > last.version() {
			last = row
		}
	}
	if seen != nil && last.version() < seen.version() {
		// What is behind it was not read, and may be newer than what comes.
		if last, err = s.newest(ctx, viewer, programme); err != nil {
			return false, err
		}
	}
	if last.version() == seen.version() {
		return true, nil
	}
	err = insist(ctx, func() (err error) {
		if last == nil {
			done, err = s.remove(ctx, what, k, still(seen))
			return err
		}
		done, err = s.put(ctx, what, last.asLatest(k), still(seen))
		return err
	})
	return done, err
}

// newest is the newest row of a programme, or nil.
func (s *Store) newest(ctx context.Context, viewer, programme string) (found item, err error) {
	p := page{viewer: viewer, list: allProgress, from: s.oldest(), programme: programme, consistent: true}
	err = insist(ctx, func() error {
		found = nil
		return s.find(ctx, "reading what was watched before", p, 0, func(i item) bool { found = i; return false })
	})
	return found, err
}

const positions = "positions"

func (s *Store) storePosition(ctx context.Context, partition string, p stream.Position) error {
	i := key{positions, partition}.item()
	i["topic"], i["incarnation"], i["offset"] = text(p.TopicID), number(p.Incarnation), number(p.Offset)
	return insist(ctx, func() error {
		_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: i})
		return s.explain("storing a position", err)
	})
}

// Positions implements users.Store.
func (s *Store) Positions(ctx context.Context, partitions []string) (map[string]stream.Position, error) {
	keys := make([]key, len(partitions))
	for i, name := range partitions {
		keys[i] = key{positions, name}
	}
	found, err := s.get(ctx, "reading positions", keys, true)
	if err != nil {
		return nil, err
	}
	out := map[string]stream.Position{}
	for k, i := range found {
		if i != nil {
			out[k.sk] = stream.Position{TopicID: i.text("topic"), Incarnation: i.number("incarnation"), Offset: i.number("offset")}
		}
	}
	return out, nil
}
