package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Change is an entity's new state.
type Change struct {
	// Kind is "programme" or "video"; ID the CMS's.
	Kind, ID string
	Fence    stream.Fence
	// Blobs are what each screen is answered; a screen that has none does not show the entity. With no blob at all it is
	// deleted.
	Blobs map[Screen][]byte
	// Placements are all the families that it is in.
	Placements []Placement
}

// Outcome is what became of a change.
type Outcome struct {
	// Refused: something newer, or the same, had been applied.
	Refused bool
	// Contested are the slugs that it claims and an older entity owns.
	Contested []Family
}

func (c *Catalog) entity(kind, id string) string { return c.prefix + "{" + kind + ":" + id + "}:" }

func (c *Catalog) family(f Family) string { return c.prefix + "{" + string(f) + "}:" }

// Apply writes changes of different entities, in three round trips however many they are: first the blobs (a new entity
// can be read before it is listed), then the lists and slugs, then what ends them (a deleted one leaves the lists before
// it is gone). After an error all of them are to come again.
func (c *Catalog) Apply(ctx context.Context, changes []Change, now time.Time) ([]Outcome, error) {
	out := make([]Outcome, len(changes))
	if len(changes) == 0 {
		return out, nil
	}
	stale, err := c.begin(ctx, changes, out)
	if err != nil {
		return nil, err
	}
	if err := c.place(ctx, changes, stale, out, now); err != nil {
		return nil, err
	}
	return out, c.finish(ctx, changes, out)
}

func (c *Catalog) begin(ctx context.Context, changes []Change, out []Outcome) (stale [][]Family, err error) {
	cmds, err := c.run(ctx, func(p redis.Pipeliner) {
		for _, ch := range changes {
			args := []any{ch.Fence.String(), families(ch.Placements), flag(len(ch.Blobs) == 0)}
			for _, s := range Screens() {
				args = append(args, ch.Blobs[s])
			}
			beginScript.EvalSha(ctx, p, c.entityKeys(ch), args...)
		}
	})
	if err != nil {
		return nil, err
	}
	stale = make([][]Family, len(changes))
	for i, cmd := range cmds {
		text, err := cmd.(*redis.Cmd).Text()
		if errors.Is(err, redis.Nil) { // the script's false
			out[i].Refused = true
			continue
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), &stale[i])
		}
		if err != nil {
			return nil, fmt.Errorf("beginning the change of %s %q: %w", changes[i].Kind, changes[i].ID, err)
		}
	}
	return stale, nil
}

func (c *Catalog) place(ctx context.Context, changes []Change, stale [][]Family, out []Outcome, now time.Time) error {
	type call struct {
		change int
		family Family
	}
	var calls []call
	cmds, err := c.run(ctx, func(p redis.Pipeliner) {
		calls = calls[:0]
		add := func(i int, pl Placement) {
			ch := changes[i]
			base := c.family(pl.Family)
			keys := []string{base + "members", base + "removed"}
			args := []any{ch.Fence.String(), ch.ID, now.UnixMilli(), fenceKept.Milliseconds()}
			for _, s := range pl.Family.sets() {
				keys = append(keys, base+s.String())
				m := ""
				if k, ok := pl.key(s); ok {
					m = member(k, ch.ID)
				}
				args = append(args, s.String(), m)
			}
			placeScript.EvalSha(ctx, p, keys, args...)
			calls = append(calls, call{i, pl.Family})
		}
		for i, ch := range changes {
			if out[i].Refused {
				continue
			}
			for _, pl := range ch.Placements {
				add(i, pl)
			}
			for _, f := range stale[i] {
				add(i, Placement{Family: f})
			}
		}
	})
	if err != nil {
		return err
	}
	for i, cmd := range cmds {
		if rank, _ := cmd.(*redis.Cmd).Int(); rank > 1 {
			o := &out[calls[i].change]
			o.Contested = append(o.Contested, calls[i].family)
		}
	}
	return nil
}

func (c *Catalog) finish(ctx context.Context, changes []Change, out []Outcome) error {
	_, err := c.run(ctx, func(p redis.Pipeliner) {
		for i, ch := range changes {
			if !out[i].Refused {
				finishScript.EvalSha(ctx, p, c.entityKeys(ch), ch.Fence.String(), families(ch.Placements), flag(len(ch.Blobs) == 0), fenceKept.Milliseconds())
			}
		}
	})
	return err
}

func (c *Catalog) entityKeys(ch Change) []string {
	base := c.entity(ch.Kind, ch.ID)
	keys := []string{base + "state"}
	for _, s := range Screens() {
		keys = append(keys, base+string(s))
	}
	return keys
}

func families(ps []Placement) string {
	names := make([]Family, len(ps))
	for i, p := range ps {
		names[i] = p.Family
	}
	b, err := json.Marshal(names)
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
