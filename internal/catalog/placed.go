package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Placed names an entity. Reading it reads where the entity is to be ([]Placement, nil when there is no such one), which is
// known before any list has it, and of a deleted one as soon as that has begun.
type Placed Ref

func (r Placed) read(View) reading {
	return &once{
		commands: func(ctx context.Context, c *Catalog, p redis.Pipeliner) {
			p.HGet(ctx, c.base(home(r.Kind, r.ID))+setEntities, r.ID)
		},
		result: func(cmds []redis.Cmder) any {
			var out []Placement
			if s := cmds[0].(*redis.StringCmd).Val(); len(s) > stream.FenceSize {
				where := s[stream.FenceSize:]
				out = unpack(strconv.Itoa(len(where)) + ":" + where)
			}
			return out
		},
	}
}

// Member is an entity's membership in a family's sets.
type Member struct {
	ID string
	Placement
}

// Unlist takes members out of lists for good: of entities that stay where they are to be, but that nobody will ask a list
// for any more. Only the very same members are taken out, so a change that comes meanwhile is not undone.
func (c *Catalog) Unlist(ctx context.Context, members []Member) error {
	if len(members) == 0 {
		return nil
	}
	_, err := c.run(ctx, func(p redis.Pipeliner) {
		for _, m := range members {
			for _, s := range m.spots(WithoutNUL(m.ID)) {
				if !s.claim {
					p.ZRem(ctx, c.base(m.Family)+s.set, s.member)
				}
			}
		}
	})
	return err
}

// IDs are the entities of a kind, in no order.
func (c *Catalog) IDs(ctx context.Context, kind string) ([]string, error) {
	type scan struct {
		key    string
		cursor uint64
	}
	var left []*scan
	for n := range buckets {
		left = append(left, &scan{key: c.base(inBucket(kind, strconv.Itoa(n))) + setEntities})
	}
	seen := map[string]bool{} // a part may come twice
	for len(left) > 0 {
		cmds, err := c.run(ctx, func(p redis.Pipeliner) {
			for _, s := range left {
				p.HScan(ctx, s.key, s.cursor, "", scanned)
			}
		})
		if err != nil {
			return nil, err
		}
		var more []*scan
		for i, s := range left {
			var fields []string
			for fields, s.cursor = cmds[i].(*redis.ScanCmd).Val(); len(fields) >= 2; fields = fields[2:] {
				if len(fields[1]) > stream.FenceSize { // a deleted one is nowhere
					seen[fields[0]] = true
				}
			}
			if s.cursor != 0 {
				more = append(more, s)
			}
		}
		left = more
	}
	return slices.Collect(maps.Keys(seen)), nil
}

// scanned is how many entities one command reads about.
const scanned = 1000

// Whole are the partitions all of whose records are in the catalogue, as a role's instances tell one another: by name, with
// a word that is another when it was filled anew. It is empty when the catalogue was emptied.
type Whole struct {
	catalog *Catalog
	key     string
}

// Whole returns a role's.
func (c *Catalog) Whole(role string) *Whole { return &Whole{c, c.prefix + "whole:" + role} }

// Read returns the partitions, each with its word.
func (w *Whole) Read(ctx context.Context) (map[string]string, error) {
	m, err := w.catalog.redis.HGetAll(ctx, w.key).Result()
	if err != nil {
		return nil, fmt.Errorf("asking Redis which partitions it has all of: %w", err)
	}
	return m, nil
}

// Set says that Redis has all of partitions, each with its word.
func (w *Whole) Set(ctx context.Context, words map[string]string) error {
	if len(words) == 0 {
		return nil
	}
	if err := w.catalog.redis.HSet(ctx, w.key, words).Err(); err != nil {
		return fmt.Errorf("telling Redis which partitions it has all of: %w", err)
	}
	return nil
}

// Unset says that Redis may lack some of partitions.
func (w *Whole) Unset(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := w.catalog.redis.HDel(ctx, w.key, names...).Err(); err != nil {
		return fmt.Errorf("telling Redis which partitions it lacks some of: %w", err)
	}
	return nil
}
