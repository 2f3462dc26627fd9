package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// ErrUnavailable says that Redis did not answer.
var ErrUnavailable = errors.New("the catalogue is unavailable")

// Ref names an entity.
type Ref struct {
	Kind, ID string
}

// Blobs reads a screen's blobs of entities in one round trip; nil where there is none.
func (c *Catalog) Blobs(ctx context.Context, screen Screen, refs []Ref) ([][]byte, error) {
	cmds, err := c.read(ctx, func(p redis.Pipeliner) {
		for _, r := range refs {
			p.Get(ctx, c.entity(r.Kind, r.ID)+string(screen))
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(refs))
	for i, cmd := range cmds {
		if b, err := cmd.(*redis.StringCmd).Bytes(); err == nil {
			out[i] = b
		}
	}
	return out, nil
}

// Owners reads which entities own slugs, in one round trip; "" where none does.
func (c *Catalog) Owners(ctx context.Context, slugs []Family) ([]string, error) {
	cmds, err := c.read(ctx, func(p redis.Pipeliner) {
		for _, f := range slugs {
			p.ZRange(ctx, c.family(f)+string(byClaim), 0, 0)
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]string, len(slugs))
	for i, cmd := range cmds {
		if m := cmd.(*redis.StringSliceCmd).Val(); len(m) > 0 {
			out[i] = ID(m[0])
		}
	}
	return out, nil
}

// List names a list and a place in it.
type List struct {
	Family  Family
	Screen  Screen
	Order   Order
	Reverse bool
	// After is the member that the page follows; "" for the first page.
	After string
	First int
}

// Page is part of a list.
type Page struct {
	Members []string
	// More: members follow.
	More  bool
	Total int
}

// Pages reads pages in one round trip.
func (c *Catalog) Pages(ctx context.Context, lists []List) ([]Page, error) {
	cmds, err := c.read(ctx, func(p redis.Pipeliner) {
		for _, l := range lists {
			key := c.family(l.Family) + set{l.Screen, l.Order}.String()
			by := &redis.ZRangeBy{Min: "-", Max: "+", Count: int64(l.First) + 1}
			switch {
			case l.After != "" && l.Reverse:
				by.Max = "(" + l.After
			case l.After != "":
				by.Min = "(" + l.After
			}
			if l.Reverse {
				p.ZRevRangeByLex(ctx, key, by)
			} else {
				p.ZRangeByLex(ctx, key, by)
			}
			p.ZCard(ctx, key)
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]Page, len(lists))
	for i, l := range lists {
		ms := cmds[2*i].(*redis.StringSliceCmd).Val()
		out[i].Total = int(cmds[2*i+1].(*redis.IntCmd).Val())
		if out[i].More = len(ms) > l.First; out[i].More {
			ms = ms[:l.First]
		}
		out[i].Members = ms
	}
	return out, nil
}

// read executes a pipeline of reads; a key that is missing is no error.
func (c *Catalog) read(ctx context.Context, add func(redis.Pipeliner)) ([]redis.Cmder, error) {
	cmds, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error { add(p); return nil })
	if err == nil || errors.Is(err, redis.Nil) {
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
				return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
		}
		return cmds, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
}
