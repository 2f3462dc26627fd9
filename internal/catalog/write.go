package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Change is an entity's new state.
type Change struct {
	// Kind is a collection's name, such as "programme", or Sections; ID the CMS's.
	Kind, ID string
	Fence    stream.Fence
	// Settled: all changes of its incarnation with a smaller fence have been applied to their end. The zero Fence says nothing.
	Settled stream.Fence
	// Blobs are what each screen is answered; none at all deletes the entity.
	Blobs map[Screen][]byte
	// Placements are all the families that it is in, each once.
	Placements []Placement
	// Replayed: Redis may have lost some of what it was told, so its places are written whether or not they seem to be there.
	Replayed bool
}

// Outcome is what became of a change.
type Outcome struct {
	// Refused: something newer had been applied.
	Refused bool
	// Contested are the slugs that it newly claims and an older entity owns.
	Contested []string
	// Displaced are those that it takes a slug from, because it is older.
	Displaced []Displaced
}

// Displaced is an entity of the same kind that has lost a slug.
type Displaced struct{ ID, Slug string }

// fenceKept is how long a removed thing's fence stays: as long as a tombstone can still be read.
const fenceKept = stream.DeleteRetention

// What bounds how long Redis is busy, in bytes that it takes in, where a place in a list counts as placeSize.
const (
	// partSize is of what goes to Redis at once: it must answer within the client's time, however often that is tried.
	partSize = 32 << 20
	// callSize and callChanges are of one script's call.
	callSize    = 5 << 20
	callChanges = 100
	placeSize   = 1000
)

// base is what the keys begin with that lie together.
func (c *Catalog) base(f Family) string { return c.prefix + "{" + string(f) + "}:" }

// Apply writes changes of different entities, thousands in two or three round trips unless they are large: first the blobs (a new
// entity can be read before it is listed), then lists and slugs where they differ, then what ends the change (a deleted
// one leaves the lists before it is gone). After an error all of them are to come again.
func (c *Catalog) Apply(ctx context.Context, changes []Change, now time.Time) ([]Outcome, error) {
	return c.ApplyTelling(ctx, changes, now, nil)
}

// Told is a change that placed its entity elsewhere than it was or may have been, or, of what is replayed, that may have.
type Told struct {
	Change int
	// Was are the placements that it left.
	Was []Placement
}

// ApplyTelling is Apply that calls tell when entities are where they are to be, and before that is noted: what it was told
// before an error, or a crash, it is told again when the changes come again. It is called for some of the changes at a
// time, never for one that was refused or placed its entity nowhere else.
func (c *Catalog) ApplyTelling(ctx context.Context, changes []Change, now time.Time, tell func([]Told) error) ([]Outcome, error) {
	out := make([]Outcome, len(changes))
	for from, to := 0, 0; from < len(changes); from = to {
		for size := 0; to < len(changes) && (to == from || size+changes[to].size() <= partSize); to++ {
			size += changes[to].size()
		}
		hear := tell
		if tell != nil {
			hear = func(told []Told) error {
				for i := range told {
					told[i].Change += from
				}
				return tell(told)
			}
		}
		if err := c.apply(ctx, changes[from:to], out[from:to], now, hear); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// size is about what a change costs Redis. How many places a deletion leaves is not known.
func (ch Change) size() int {
	const deletion = 50 * placeSize
	if len(ch.Blobs) == 0 {
		return deletion
	}
	n := ch.blobSize()
	for _, p := range ch.Placements {
		n += placeSize * len(p.Places)
	}
	return n
}

func (ch Change) blobSize() (n int) {
	for _, b := range ch.Blobs {
		n += len(b)
	}
	return n
}

func (c *Catalog) apply(ctx context.Context, changes []Change, out []Outcome, now time.Time, tell func([]Told) error) error {
	homes := make([]string, len(changes))
	for i, ch := range changes {
		homes[i] = c.base(home(ch.Kind, ch.ID)) + setEntities
	}
	moves, err := c.begin(ctx, changes, homes, out)
	if err != nil || len(moves) == 0 {
		return err
	}
	if err := c.place(ctx, changes, moves, out, now); err != nil {
		return err
	}
	if tell != nil {
		told := make([]Told, len(moves))
		for i, m := range moves {
			told[i] = Told{m.change, m.was}
		}
		if err := tell(told); err != nil {
			return err
		}
	}
	return c.finish(ctx, changes, homes, moves, now)
}

// move is what is to be done for a change's placements.
type move struct {
	change int
	// all is to be put where it is to be; else what was not there.
	all bool
	// pending: Redis notes that this is not done.
	pending bool
	// was are the placements that are to go, unless they are among the new.
	was []Placement
}

// begin returns the moves that are to be made.
func (c *Catalog) begin(ctx context.Context, changes []Change, homes []string, out []Outcome) ([]move, error) {
	cs := calls{head: screens()}
	for i, ch := range changes {
		where := ""
		if len(ch.Blobs) > 0 {
			where = pack(ch.Placements)
		}
		at := cs.at(homes[i], i, ch.blobSize())
		at.args = append(at.args, ch.Fence.String(), ch.Settled.String(), ch.ID, where)
		for _, s := range Screens() {
			at.args = append(at.args, ch.Blobs[s])
		}
	}
	var moves []move
	told := make([]bool, len(changes))
	err := cs.do(ctx, c, entityScript, func(at *call, reply []any) error {
		for ; len(reply) >= 3; reply = reply[3:] {
			which, _ := reply[0].(int64)
			what, _ := reply[1].(string)
			where, _ := reply[2].(string)
			i := at.changes[which]
			told[i] = true
			if out[i].Refused = what == "refused"; out[i].Refused {
				continue
			}
			moves = append(moves, move{change: i, all: what != "moved", pending: what != "new", was: unpack(where)})
		}
		return nil
	})
	for i, ch := range changes {
		if ch.Replayed && !told[i] {
			moves = append(moves, move{change: i, all: true})
		}
	}
	return moves, err
}

func (c *Catalog) finish(ctx context.Context, changes []Change, homes []string, moves []move, now time.Time) error {
	cs := calls{head: append([]any{now.UnixMilli(), fenceKept.Milliseconds()}, screens()...)}
	for _, m := range moves {
		if !m.pending {
			continue
		}
		ch := changes[m.change]
		at := cs.at(homes[m.change], m.change, 0)
		at.args = append(at.args, ch.ID, ch.Fence.String())
	}
	return cs.do(ctx, c, finishScript, func(*call, []any) error { return nil })
}

// screens are those of a change's blobs, in the scripts' order.
func screens() (out []any) {
	for _, s := range Screens() {
		out = append(out, string(s))
	}
	return out
}

// call is one of a script, for changes of what shares a slot.
type call struct {
	key     string
	changes []int
	size    int
	args    []any
}

// calls gathers a script's calls.
type calls struct {
	head []any // of each call's arguments
	all  []*call
	open map[string]*call
}

// at is the call that takes a change of a size.
func (cs *calls) at(key string, change, size int) *call {
	at := cs.open[key]
	if at == nil || len(at.changes) == callChanges || at.size > 0 && at.size+size > callSize {
		at = &call{key: key, args: slices.Clone(cs.head)}
		if cs.open == nil {
			cs.open = map[string]*call{}
		}
		cs.open[key] = at
		cs.all = append(cs.all, at)
	}
	at.changes = append(at.changes, change)
	at.size += size
	return at
}

// do makes the calls in one pipeline, and hands on what each returns.
func (cs *calls) do(ctx context.Context, c *Catalog, script *redis.Script, hear func(at *call, reply []any) error) error {
	if len(cs.all) == 0 {
		return nil
	}
	cmds, err := c.run(ctx, func(p redis.Pipeliner) {
		for _, at := range cs.all {
			script.EvalSha(ctx, p, []string{at.key}, at.args...)
		}
	})
	if err != nil {
		return err
	}
	for n, cmd := range cmds {
		reply, err := cmd.(*redis.Cmd).Slice()
		if err == nil {
			err = hear(cs.all[n], reply)
		}
		if err != nil {
			return fmt.Errorf("writing %q: %w", cs.all[n].key, err)
		}
	}
	return nil
}
