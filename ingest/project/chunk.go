package project

import (
	"cmp"
	"context"
	"slices"

	"regie/internal/catalog"
	"regie/internal/stream"
)

// byEntity are the records of each entity, by their places in the batch.
func byEntity(rs []stream.Record) [][]int {
	type entity struct{ topic, key string }
	at := make(map[entity]int, len(rs))
	out := make([][]int, 0, len(rs))
	for i, r := range rs {
		e := entity{r.Topic, string(r.Key)}
		n, seen := at[e]
		if !seen {
			n = len(out)
			at[e] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	return out
}

// split makes chunks, the first ones small: Redis is to have something to do soon.
func split(entities [][]int) (out [][][]int) {
	for size := chunkSize / 8; len(entities) > 0; size = min(2*size, chunkSize) {
		n := min(size, len(entities))
		out = append(out, entities[:n])
		entities = entities[n:]
	}
	return out
}

// chunk is what is made of a part of a batch's entities.
type chunk struct {
	changes  []catalog.Change
	edits    []edit // of each change
	outcomes []catalog.Outcome
	rejected []rejection
}

type rejection struct {
	record int
	reason error
}

// firsts are the first offset of each partition: what came before is done.
func firsts(rs []stream.Record) map[partition]int64 {
	out := map[partition]int64{}
	for i := range rs {
		p := partition{rs[i].Topic, rs[i].Partition}
		if _, seen := out[p]; !seen {
			out[p] = rs[i].Offset
		}
	}
	return out
}

// project takes of each entity the newest record that can be projected, and rejects all that cannot. What came before the
// firsts is done.
func (c *chunk) project(rs []stream.Record, entities [][]int, firsts, replayed map[partition]int64) {
	c.changes, c.edits = make([]catalog.Change, 0, len(entities)), make([]edit, 0, len(entities))
	isReplayed := func(i int) bool {
		return len(replayed) > 0 && rs[i].Offset < replayed[partition{rs[i].Topic, rs[i].Partition}]
	}
	for _, of := range entities {
		slices.SortFunc(of, func(i, j int) int { return cmp.Or(rs[j].Fence.Compare(rs[i].Fence), cmp.Compare(j, i)) })
		var newest *edit
		for _, i := range of {
			en, err := read(rs[i])
			if err == nil && newest == nil {
				var ch catalog.Change
				if ch, err = en.change(rs[i]); err == nil {
					ch.Settled = stream.Fence{Incarnation: ch.Fence.Incarnation, Offset: firsts[partition{rs[i].Topic, rs[i].Partition}]}
					ch.Replayed = slices.ContainsFunc(of, isReplayed)
					c.changes = append(c.changes, ch)
					c.edits = append(c.edits, edit{kind: ch.Kind, id: ch.ID, changedAt: rs[i].CMSTime(), replayed: isReplayed(i)})
					newest = &c.edits[len(c.edits)-1]
				}
			}
			switch {
			case err != nil:
				c.rejected = append(c.rejected, rejection{i, err})
			case newest.title == "": // or it is a tombstone after its DELETED event
				newest.title = en.title
			}
		}
	}
}

func (c *chunk) write(ctx context.Context, s *Sink) (err error) {
	if c.outcomes, err = s.catalog.Apply(ctx, c.changes, s.now()); err != nil {
		return err
	}
	visible := s.now()
	for i := range c.edits {
		c.edits[i].visibleAt = visible
	}
	return nil
}

// lastEdit is the last that an editor waits for; nil when there is none. What follows from an edit is none.
func (c *chunk) lastEdit() *edit {
	var last *edit
	for i, o := range c.outcomes {
		e := &c.edits[i]
		if o.Refused || e.replayed || e.changedAt.IsZero() || e.kind == catalog.Sections {
			continue
		}
		if last == nil || e.changedAt.After(last.changedAt) {
			last = e
		}
	}
	return last
}
