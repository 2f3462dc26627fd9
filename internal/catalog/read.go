package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// ErrUnavailable says that Redis did not answer.
var ErrUnavailable = errors.New("the catalogue is unavailable")

// Key names something to read: a Ref, an Address, a List, a place Beside others, a Grouping or a CategorySlug. It can be a
// map's key.
type Key interface {
	read(v View) reading
}

// reading is a Key being read.
type reading interface {
	// ask adds a round's commands.
	ask(ctx context.Context, c *Catalog, p redis.Pipeliner)
	// hear takes their results, and tells whether it takes another round.
	hear(cmds []redis.Cmder) (again bool)
	answer() any
}

// Patience is what a gateway allows a read, with its rounds and what the client tries again: whoever asked is told within a
// second that Redis does not answer, and can ask again.
const Patience = 800 * time.Millisecond

// Answer is what reading a key came to, or the error why that is not known, an ErrUnavailable. What another node has does
// not share it.
type Answer struct {
	Value any
	Err   error
}

// Read reads keys of any kinds in one pipeline; pages much of which is not open in the view may take up to three more. The
// values are, of a Ref the blob ([]byte, nil where there is none), of an Address the id that it leads to (string, ""), of
// a List a Page, of a Beside its Neighbours, of a Grouping its []Group, of a CategorySlug its title (string, "").
func (c *Catalog) Read(ctx context.Context, v View, keys []Key) []Answer {
	type asked struct {
		reading
		answer   *Answer
		commands int
	}
	out := make([]Answer, len(keys))
	waiting := make([]asked, len(keys))
	for i, k := range keys {
		waiting[i] = asked{reading: k.read(v), answer: &out[i]}
	}
	for len(waiting) > 0 {
		if err := ctx.Err(); err != nil { // the client would send all the same
			for _, r := range waiting {
				r.answer.Err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			break
		}
		cmds, _ := c.run(ctx, func(p redis.Pipeliner) { // each command has its error
			for i := range waiting {
				before := p.Len()
				waiting[i].ask(ctx, c, p)
				waiting[i].commands = p.Len() - before
			}
		})
		var again []asked
		for _, r := range waiting {
			if r.answer.Err = failure(cmds[:r.commands]); r.answer.Err == nil {
				if r.hear(cmds[:r.commands]) {
					again = append(again, r)
				}
				r.answer.Value = r.reading.answer()
			}
			cmds = cmds[r.commands:]
		}
		waiting = again
	}
	return out
}

// failure is the first error of commands. A missing key is none.
func failure(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("%w: asking Redis: %w", ErrUnavailable, err)
		}
	}
	return nil
}

// readAll reads keys of one kind: all, or there is an error.
func readAll[A any, K Key](ctx context.Context, c *Catalog, v View, keys []K) ([]A, error) {
	all := make([]Key, len(keys))
	for i, k := range keys {
		all[i] = k
	}
	out := make([]A, len(keys))
	for i, a := range c.Read(ctx, v, all) {
		if a.Err != nil {
			return nil, a.Err
		}
		out[i] = a.Value.(A)
	}
	return out, nil
}

// once is a reading of one round.
type once struct {
	commands func(ctx context.Context, c *Catalog, p redis.Pipeliner)
	result   func(cmds []redis.Cmder) any
	heard    any
}

func (o *once) ask(ctx context.Context, c *Catalog, p redis.Pipeliner) { o.commands(ctx, c, p) }
func (o *once) hear(cmds []redis.Cmder) bool                           { o.heard = o.result(cmds); return false }
func (o *once) answer() any                                            { return o.heard }

// Ref names an entity. Reading it reads its blob.
type Ref struct {
	Kind, ID string
}

func (r Ref) read(v View) reading { return &blobReading{ref: r, screen: v.Screen} }

type blobReading struct {
	ref    Ref
	screen Screen
	blob   []byte
}

func (r *blobReading) ask(ctx context.Context, c *Catalog, p redis.Pipeliner) {
	p.HGet(ctx, c.base(home(r.ref.Kind, r.ref.ID))+string(r.screen), r.ref.ID)
}

func (r *blobReading) hear(cmds []redis.Cmder) bool {
	if b, err := cmds[0].(*redis.StringCmd).Bytes(); err == nil {
		r.blob = b
	}
	return false
}

func (r *blobReading) answer() any { return r.blob }

// Blobs reads a screen's blobs of entities in one round trip; nil where there is none.
func (c *Catalog) Blobs(ctx context.Context, screen Screen, refs []Ref) ([][]byte, error) {
	return readAll[[]byte](ctx, c, View{Screen: screen}, refs)
}

// Revisions reads the revisions of entities in one round trip; "" where there is none.
func (c *Catalog) Revisions(ctx context.Context, refs []Ref) ([]string, error) {
	keys := make([]revision, len(refs))
	for i, r := range refs {
		keys[i] = revision(r)
	}
	return readAll[string](ctx, c, View{}, keys)
}

type revision Ref

func (r revision) read(View) reading {
	return &once{
		commands: func(ctx context.Context, c *Catalog, p redis.Pipeliner) {
			// A deleted one keeps its fence, not its blobs.
			base := c.base(home(r.Kind, r.ID))
			p.HGet(ctx, base+setEntities, r.ID)
			p.HExists(ctx, base+string(Web), r.ID)
		},
		result: func(cmds []redis.Cmder) any {
			if fence := cmds[0].(*redis.StringCmd).Val(); len(fence) >= stream.FenceSize && cmds[1].(*redis.BoolCmd).Val() {
				return fence[:stream.FenceSize]
			}
			return ""
		},
	}
}

func (a Address) read(View) reading {
	return &once{
		commands: func(ctx context.Context, c *Catalog, p redis.Pipeliner) {
			p.HMGet(ctx, c.base(a.Family)+setClaims, a.now(), a.former())
		},
		result: func(cmds []redis.Cmder) any {
			for _, claims := range cmds[0].(*redis.SliceCmd).Val() {
				if s, ok := claims.(string); ok {
					return claimant(s)
				}
			}
			return ""
		},
	}
}

// Owners reads which entities slugs lead to, in one round trip; "" where to none.
func (c *Catalog) Owners(ctx context.Context, slugs []Address) ([]string, error) {
	return readAll[string](ctx, c, View{}, slugs)
}

// Group is a part of a list whose members' keys begin alike.
type Group struct {
	// Key is that of its first member.
	Key   string
	Count int
}

// maxGroups is more than a catalogue has categories, or a programme seasons.
const maxGroups = 1000

// Grouping is a set, and what ends the part of its keys that makes a group.
type Grouping struct {
	Family         Family
	Set, Separator string
	// Part is what the keys begin with that are meant; "" for all.
	Part string
}

func (g Grouping) read(View) reading {
	return &once{
		commands: func(ctx context.Context, c *Catalog, p redis.Pipeliner) {
			groupsScript.EvalSha(ctx, p, []string{c.base(g.Family) + g.Set}, g.Separator, maxGroups, g.Part)
		},
		result: func(cmds []redis.Cmder) any {
			var out []Group
			for v, _ := cmds[0].(*redis.Cmd).Slice(); len(v) >= 2; v = v[2:] {
				member, _ := v[0].(string)
				n, _ := v[1].(int64)
				out = append(out, Group{Key: KeyOf(member), Count: int(n)})
			}
			return out
		},
	}
}

// Groups reads the groups of lists in one round trip.
func (c *Catalog) Groups(ctx context.Context, of []Grouping) ([][]Group, error) {
	return readAll[[]Group](ctx, c, View{}, of)
}

// Seasons groups a programme's episodes by season: a group's key begins with the season's number. Those of no season
// are a group of their own, the last, with NoSeason for a number.
func Seasons(programmeID string) Grouping {
	return Grouping{Videos(programmeID), ownSet(programmeID), ":", facet(ByEpisode, "EPISODE")}
}

// NoSeason is the number of the group of episodes without a season.
const NoSeason = unnumbered

// AllCategories groups all programmes by category. A group's key is a CategoryKey.
func AllCategories() Grouping { return Grouping{Categories, CategorySet, CategorySeparator, ""} }

// The one set of Categories, and what parts slug and title in its keys.
const (
	CategorySet       = "category"
	CategorySeparator = "\x01"
)

// CategorySlug names a category. Reading it reads its title.
type CategorySlug string

func (s CategorySlug) read(View) reading {
	return &once{
		commands: func(ctx context.Context, c *Catalog, p redis.Pipeliner) {
			group := set{key: c.base(Categories) + CategorySet, prefix: CategoryKey(string(s), "")}
			low, high := group.between("", false)
			p.ZRangeByLex(ctx, group.key, &redis.ZRangeBy{Min: low, Max: high, Count: 1})
		},
		result: func(cmds []redis.Cmder) any {
			title := ""
			if m := cmds[0].(*redis.StringSliceCmd).Val(); len(m) > 0 {
				_, title = CategoryOf(KeyOf(m[0]))
			}
			return title
		},
	}
}

// CategoryOf parts a CategoryKey.
func CategoryOf(key string) (slug, title string) {
	slug, title, _ = strings.Cut(key, CategorySeparator)
	return slug, title
}
