package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Change is an entity's new state.
type Change struct {
	// Kind is a collection's name, such as "programme"; ID the CMS's.
	Kind, ID string
	Fence    stream.Fence
	// Blobs are what each screen is answered; none at all deletes the entity.
	Blobs map[Screen][]byte
	// Placements are all the families that it is in, each once.
	Placements []Placement
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

const (
	// fenceKept is how long a removed thing's fence stays: as long as a tombstone can still be read.
	fenceKept = stream.DeleteRetention
	// callSize and callPlaces bound how long one script keeps Redis busy: how many changes it places, and in how many places.
	callSize   = 100
	callPlaces = 5000
	// partSize bounds what goes to Redis at once: it must answer within the client's time, however often that is tried.
	partSize = 32 << 20
)

func (c *Catalog) entity(kind, id string) string { return c.prefix + "{" + kind + ":" + id + "}" }

func (c *Catalog) family(f Family) string { return c.prefix + "{" + string(f) + "}:" }

// Apply writes changes of different entities, thousands in three round trips unless they are large: first the blobs (a new
// entity can be read before it is listed), then the lists and slugs, then what ends them (a deleted one leaves the lists
// before it is gone). After an error all of them are to come again.
func (c *Catalog) Apply(ctx context.Context, changes []Change, now time.Time) ([]Outcome, error) {
	out := make([]Outcome, len(changes))
	for from, to := 0, 0; from < len(changes); from = to {
		for size := 0; to < len(changes) && (to == from || size+changes[to].size() <= partSize); to++ {
			size += changes[to].size()
		}
		if err := c.apply(ctx, changes[from:to], out[from:to], now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// size is about what a change costs Redis, in bytes that it takes in: a place is worth a thousand. How many places a
// deletion leaves is not known.
func (ch Change) size() int {
	const place, deletion = 1000, 50_000
	n := 0
	for _, b := range ch.Blobs {
		n += len(b)
	}
	for _, p := range ch.Placements {
		n += place * len(p.Places)
	}
	if len(ch.Blobs) == 0 {
		n = deletion
	}
	return n
}

func (c *Catalog) apply(ctx context.Context, changes []Change, out []Outcome, now time.Time) error {
	names := make([]string, len(changes))
	for i, ch := range changes {
		names[i] = families(ch.Placements)
	}
	stale, err := c.begin(ctx, changes, names, out)
	if err != nil {
		return err
	}
	if err := c.place(ctx, changes, stale, out, now); err != nil {
		return err
	}
	return c.finish(ctx, changes, names, stale, out)
}

// begin returns the families that each entity leaves.
func (c *Catalog) begin(ctx context.Context, changes []Change, names []string, out []Outcome) ([][]Family, error) {
	cmds, err := c.run(ctx, func(p redis.Pipeliner) {
		for i, ch := range changes {
			args := append(make([]any, 0, 8), ch.Fence.String(), names[i])
			if len(ch.Blobs) > 0 {
				for _, s := range Screens() {
					args = append(args, string(s), ch.Blobs[s])
				}
			}
			entityScript.EvalSha(ctx, p, []string{c.entity(ch.Kind, ch.ID)}, args...)
		}
	})
	if err != nil {
		return nil, err
	}
	stale := make([][]Family, len(changes))
	for i, cmd := range cmds {
		text, err := cmd.(*redis.Cmd).Text()
		if errors.Is(err, redis.Nil) { // the script's false
			out[i].Refused = true
			continue
		}
		if err == nil && text != "[]" {
			err = json.Unmarshal([]byte(text), &stale[i])
		}
		if err != nil {
			return nil, fmt.Errorf("beginning the change of %s %q: %w", changes[i].Kind, changes[i].ID, err)
		}
	}
	return stale, nil
}

// placing is one script's call: a family, and which changes are placed in it.
type placing struct {
	family  Family
	changes []int
	places  int
	args    []any
}

func (c *Catalog) place(ctx context.Context, changes []Change, stale [][]Family, out []Outcome, now time.Time) error {
	var calls []*placing
	open := map[Family]*placing{}
	add := func(i int, f Family, places int, spec string) {
		call := open[f]
		if call == nil || len(call.changes) == callSize || call.places > 0 && call.places+places > callPlaces {
			call = &placing{family: f, args: []any{now.UnixMilli(), fenceKept.Milliseconds()}}
			open[f] = call
			calls = append(calls, call)
		}
		call.changes = append(call.changes, i)
		call.places += places
		call.args = append(call.args, changes[i].Fence.String(), memberID(changes[i].ID), spec)
	}
	for i, ch := range changes {
		if out[i].Refused {
			continue
		}
		for _, p := range ch.Placements {
			add(i, p.Family, len(p.Places), p.spec())
		}
		for _, f := range stale[i] {
			add(i, f, 0, "")
		}
	}
	if len(calls) == 0 {
		return nil
	}
	cmds, err := c.run(ctx, func(p redis.Pipeliner) {
		for _, call := range calls {
			placeScript.EvalSha(ctx, p, []string{c.family(call.family) + "members"}, call.args...)
		}
	})
	if err != nil {
		return err
	}
	for n, cmd := range cmds {
		contested, err := cmd.(*redis.Cmd).Slice()
		if err != nil {
			return fmt.Errorf("placing in %s: %w", calls[n].family, err)
		}
		for ; len(contested) >= 3; contested = contested[3:] {
			which, _ := contested[0].(int64)
			slug, _ := contested[1].(string)
			displaced, _ := contested[2].(string)
			slug = slug[strings.LastIndexByte(slug, '/')+1:] // a video's has its programme before it
			o := &out[calls[n].changes[which]]
			if displaced == "" {
				o.Contested = append(o.Contested, slug)
			} else {
				o.Displaced = append(o.Displaced, Displaced{ID(displaced), slug})
			}
		}
	}
	return nil
}

func (c *Catalog) finish(ctx context.Context, changes []Change, names []string, stale [][]Family, out []Outcome) error {
	_, err := c.run(ctx, func(p redis.Pipeliner) {
		for i, ch := range changes {
			deleted := len(ch.Blobs) == 0
			if out[i].Refused || !deleted && len(stale[i]) == 0 {
				continue
			}
			args := []any{ch.Fence.String(), names[i], ""}
			if deleted {
				args[2] = fenceKept.Milliseconds()
				for _, s := range Screens() {
					args = append(args, string(s))
				}
			}
			finishScript.EvalSha(ctx, p, []string{c.entity(ch.Kind, ch.ID)}, args...)
		}
	})
	return err
}

// spec is the placement as place.lua takes and stores it.
func (p Placement) spec() string {
	pairs := make([]string, 0, 2*len(p.Places))
	for _, pl := range p.Places {
		pairs = append(pairs, pl.Set, pl.Key)
	}
	return encode(struct {
		Note  string   `json:"n"`
		Pairs []string `json:"p"`
	}{p.Note, pairs})
}

// families are the names, in the placements' order: the same for the same entity.
func families(ps []Placement) string {
	names := make([]Family, len(ps))
	for i, p := range ps {
		names[i] = p.Family
	}
	return encode(names)
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}
