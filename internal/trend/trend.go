// Package trend has what viewers watch most, in Redis, as the role trend counts it and others read it.
//
//	{trend:7}:position, :INC:seen:VIEWER, :INC:week:END     a partition's: its position, when each of its viewers   \  change
//	                                                        watched what last, and how many did in a window         /  together
//
//	trend:week:END:video, :programme, :of:PROGRAMME         rankings: the sums of all partitions, the most first
//
// A viewer lies in one partition, so that whether a view is a viewer's first in a window is decided there. What a window has
// only grows until it ends: so a ranking may be told the sums by whomever and in any order, the highest counts.
package trend

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	catalogv1 "regie/proto/catalog/v1"
)

// Kind is what is watched.
type Kind string

// The kinds.
const (
	Videos     Kind = "video"
	Programmes Kind = "programme"
)

// Item is something that was watched.
type Item struct {
	// ID is the CMS's.
	ID string
	// Count is how many viewers watched it, each once.
	Count int64
}

// Before tells whether an item is ranked before another: of equals the smaller id first.
func (i Item) Before(j Item) bool {
	return i.Count > j.Count || i.Count == j.Count && i.ID < j.ID
}

// MaxRanked is how many items a ranking has at the most.
const MaxRanked = 10_000

// Lately is the window by which sections and lists are sorted whose order is the most watched.
const Lately = catalogv1.TrendWindow_TREND_WINDOW_WEEK

// ErrUnavailable says that Redis did not answer.
var ErrUnavailable = errors.New("what is watched is not known now")

// Trend is one generation of what is watched.
type Trend struct {
	redis  redis.UniversalClient
	prefix string
}

// New does no I/O. The prefix distinguishes projects and generations that share a Redis.
func New(client redis.UniversalClient, prefix string) *Trend {
	return &Trend{redis: client, prefix: prefix + ":"}
}

// Top are the most watched of a kind in the window that ends at now, most first; of equals the smaller id first. At most n,
// and MaxRanked.
func (t *Trend) Top(ctx context.Context, kind Kind, w catalogv1.TrendWindow, now time.Time, n int) ([]Item, error) {
	a := t.Read(ctx, now, []List{{Kind: kind, Window: w, First: n}})[0]
	return a.Items, a.Err
}

// TopOf are a programme's videos likewise.
func (t *Trend) TopOf(ctx context.Context, programmeID string, w catalogv1.TrendWindow, now time.Time, n int) ([]Item, error) {
	a := t.Read(ctx, now, []List{{Kind: Videos, Programme: programmeID, Window: w, First: n}})[0]
	return a.Items, a.Err
}

// List names a ranking and a part of it. It can be a map's key.
type List struct {
	Kind Kind
	// Programme, when set, is whose videos are meant, by its CMS id.
	Programme string
	Window    catalogv1.TrendWindow
	// After is the item that the part follows, wherever it is now; the zero Item: from the first on.
	After Item
	First int
	// Of, when set, is an item's id, of which alone is asked whether it is ranked. After and First have no part in it.
	Of string
}

// Answer is part of a ranking, or why it is not known: an ErrUnavailable.
type Answer struct {
	Items []Item
	Err   error
}

// Read reads lists in one round trip, in the windows that end at now.
func (t *Trend) Read(ctx context.Context, now time.Time, lists []List) []Answer {
	out := make([]Answer, len(lists))
	cmds, _ := t.run(ctx, func(p redis.Pipeliner) { // each command has its error
		for i, l := range lists {
			w := windows[l.Window]
			if w == nil {
				out[i].Err = fmt.Errorf("there is no window %v", l.Window)
				continue
			}
			key := t.ranking(w, w.End(now), l.Kind, l.Programme)
			switch {
			case l.Of != "":
				p.ZScore(ctx, key, l.Of)
			case l.After == Item{}:
				p.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{Key: key, Start: 0, Stop: max(l.First, 1) - 1})
			default:
				afterScript.EvalSha(ctx, p, []string{key}, -l.After.Count, l.After.ID, l.First)
			}
		}
	})
	for i, l := range lists {
		if out[i].Err == nil {
			out[i], cmds = heard(l, cmds[0]), cmds[1:]
		}
	}
	return out
}

func heard(l List, cmd redis.Cmder) (a Answer) {
	switch err := cmd.Err(); {
	case errors.Is(err, redis.Nil):
		return Answer{}
	case err != nil:
		return Answer{Err: fmt.Errorf("%w: %w", ErrUnavailable, err)}
	}
	switch cmd := cmd.(type) {
	case *redis.FloatCmd:
		a.Items = []Item{{l.Of, -int64(cmd.Val())}}
	case *redis.ZSliceCmd:
		for _, z := range cmd.Val() {
			id, _ := z.Member.(string)
			a.Items = append(a.Items, Item{id, -int64(z.Score)})
		}
	case *redis.Cmd:
		for v, _ := cmd.StringSlice(); len(v) >= 2; v = v[2:] {
			score, _ := strconv.ParseFloat(v[1], 64)
			a.Items = append(a.Items, Item{v[0], -int64(score)})
		}
	}
	if l.First < len(a.Items) && l.Of == "" {
		a.Items = a.Items[:max(l.First, 0)]
	}
	return a
}

// ranking is a key. Members have their count, negative, for a score: so of equals the smaller id is first.
func (t *Trend) ranking(w *Window, end time.Time, kind Kind, programme string) string {
	key := fmt.Sprintf("%strend:%s:%d:", t.prefix, w.Name, end.Unix())
	if programme != "" {
		return key + "of:" + programme
	}
	return key + string(kind)
}

// The scripts' comments are their contracts.
var (
	//go:embed after.lua
	afterLua string
	//go:embed commit.lua
	commitLua string
	//go:embed rank.lua
	rankLua string

	afterScript  = redis.NewScript(afterLua)
	commitScript = redis.NewScript(commitLua)
	rankScript   = redis.NewScript(rankLua)

	scripts = []*redis.Script{afterScript, commitScript, rankScript}
)

// run executes a pipeline, which may have scripts; Redis forgets them when it restarts, then they are loaded and sent once
// more. Also with an error, which is the first command's that has one, there are all commands.
func (t *Trend) run(ctx context.Context, add func(redis.Pipeliner)) ([]redis.Cmder, error) {
	send := func() ([]redis.Cmder, error) {
		return t.redis.Pipelined(ctx, func(p redis.Pipeliner) error { add(p); return nil })
	}
	cmds, err := send()
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			for _, s := range scripts {
				if err := s.Load(ctx, t.redis).Err(); err != nil {
					return cmds, fmt.Errorf("loading a script into Redis: %w", err)
				}
			}
			cmds, err = send()
			return cmds, asking(err)
		}
	}
	return cmds, asking(err)
}

func asking(err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	return fmt.Errorf("asking Redis: %w", err)
}
