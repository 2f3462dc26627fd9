package trend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Counted is what viewers are counted of: a video, a programme, or a video of a programme.
type Counted string

// OfVideo is a video of the whole catalogue, by its CMS id.
func OfVideo(id string) Counted { return Counted("v" + id) }

// OfProgramme is a programme.
func OfProgramme(id string) Counted { return Counted("p" + id) }

// OfProgrammesVideo is a video among those of a programme.
func OfProgrammesVideo(programme, video string) Counted {
	return Counted(fmt.Sprintf("o%d:%s%s", len(programme), programme, video))
}

// Erased is no item: Seen has it of a viewer who was erased.
const Erased Counted = "x"

// parts are where it is ranked, and as what.
func (c Counted) parts() (kind Kind, programme, id string) {
	switch rest := string(c[1:]); c[0] {
	case 'p':
		return Programmes, "", rest
	case 'o':
		length, rest, _ := strings.Cut(rest, ":")
		n, _ := strconv.Atoi(length)
		n = min(n, len(rest))
		return Videos, rest[:n], rest[n:]
	default:
		return Videos, "", rest
	}
}

// Ending is a window that ends at a time.
type Ending struct {
	Window *Window
	At     time.Time
}

// gone is when nobody asks for it any more: readers' clocks may be slow.
func (e Ending) gone() time.Time { return e.At.Add(5 * time.Minute) }

// Gone tells whether nobody asks for it any more.
func (e Ending) Gone(now time.Time) bool { return !e.gone().After(now) }

// Horizon is how far back something may lie that still counts.
func Horizon() time.Duration {
	var out time.Duration
	for _, w := range Windows() {
		out = max(out, w.Size+w.Hop)
	}
	return out
}

// Seen is when a viewer watched each thing last, in hops of the shortest window.
type Seen map[Counted]int64

// Step moves a partition on.
type Step struct {
	Partition int32
	// Was is its position as it was loaded or stored last; nil for none.
	Was *stream.Position
	// To is its position after it. A new incarnation has nothing of the old one.
	To stream.Position
	// Counts are how many viewers more.
	Counts map[Ending]map[Counted]int64
	// Seen is what changed of viewers; a negative time removes an entry.
	Seen map[string]Seen
}

func (t *Trend) partition(n int32) string { return fmt.Sprintf("%s{trend:%d}:", t.prefix, n) }

func (t *Trend) positionKey(n int32) string { return t.partition(n) + "position" }

func (t *Trend) seenKey(n int32, incarnation int64, viewer string) string {
	return fmt.Sprintf("%s%d:seen:%s", t.partition(n), incarnation, viewer)
}

func (t *Trend) countsKey(n int32, incarnation int64, e Ending) string {
	return fmt.Sprintf("%s%d:%s:%d", t.partition(n), incarnation, e.Window.Name, e.At.Unix())
}

// Positions reads those of partitions; nil where there is none.
func (t *Trend) Positions(ctx context.Context, parts []int32) ([]*stream.Position, error) {
	cmds, err := t.run(ctx, func(p redis.Pipeliner) {
		for _, n := range parts {
			p.Get(ctx, t.positionKey(n))
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]*stream.Position, len(parts))
	for i, cmd := range cmds {
		text, err := cmd.(*redis.StringCmd).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err == nil {
			out[i], err = parsePosition(text)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the position of partition %d: %w", parts[i], err)
		}
	}
	return out, nil
}

// positionText is a position as Redis has it: "incarnation next topic-id".
func positionText(p *stream.Position) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%d %d %s", p.Incarnation, p.Offset, p.TopicID)
}

func parsePosition(s string) (*stream.Position, error) {
	var p stream.Position
	words := strings.SplitN(s, " ", 3)
	if len(words) < 3 {
		return nil, fmt.Errorf("%q is none", s)
	}
	p.TopicID = words[2]
	for i, n := range []*int64{&p.Incarnation, &p.Offset} {
		var err error
		if *n, err = strconv.ParseInt(words[i], 10, 64); err != nil {
			return nil, fmt.Errorf("%q is none: %w", s, err)
		}
	}
	return &p, nil
}

// Seen reads what viewers of a partition watched.
func (t *Trend) Seen(ctx context.Context, n int32, incarnation int64, viewers []string) ([]Seen, error) {
	cmds, err := t.run(ctx, func(p redis.Pipeliner) {
		for _, v := range viewers {
			p.HGetAll(ctx, t.seenKey(n, incarnation, v))
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]Seen, len(viewers))
	for i, cmd := range cmds {
		out[i] = Seen{}
		for item, at := range cmd.(*redis.MapStringStringCmd).Val() {
			if out[i][Counted(item)], err = strconv.ParseInt(at, 10, 64); err != nil {
				return nil, fmt.Errorf("reading when a viewer watched %q: %w", item, err)
			}
		}
	}
	return out, nil
}

// Commit makes a step. stream.ErrMoved when the partition's position is not what it was: nothing is changed then.
func (t *Trend) Commit(ctx context.Context, s Step, now time.Time) error {
	keys, args := []string{t.positionKey(s.Partition)}, []any{positionText(s.Was), positionText(&s.To)}
	add := func(key, command string, kept time.Duration, fields int) {
		keys = append(keys, key)
		args = append(args, command, kept.Milliseconds(), fields)
	}
	for e, counts := range s.Counts {
		if e.Gone(now) {
			continue
		}
		add(t.countsKey(s.Partition, s.To.Incarnation, e), "HINCRBY", e.gone().Sub(now), len(counts))
		for item, n := range counts {
			args = append(args, string(item), n)
		}
	}
	for viewer, seen := range s.Seen {
		add(t.seenKey(s.Partition, s.To.Incarnation, viewer), "HSET", Horizon(), len(seen))
		for item, at := range seen {
			if at < 0 {
				args = append(args, string(item), "")
			} else {
				args = append(args, string(item), at)
			}
		}
	}
	cmds, err := t.run(ctx, func(p redis.Pipeliner) { commitScript.EvalSha(ctx, p, keys, args...) })
	if err != nil {
		return fmt.Errorf("counting in partition %d: %w", s.Partition, err)
	}
	if done, _ := cmds[0].(*redis.Cmd).Int(); done == 0 {
		return fmt.Errorf("counting in partition %d: %w", s.Partition, stream.ErrMoved)
	}
	return nil
}

// Partitions are all of the topic's.
func Partitions() []int32 {
	for _, topic := range stream.Topics() {
		if topic.Name == stream.UserProgress {
			out := make([]int32, topic.Partitions)
			for i := range out {
				out[i] = int32(i)
			}
			return out
		}
	}
	panic("trend: the topic of progress is not declared")
}

// Rank tells the rankings of a window the sums of items; of all that were watched in it when items is nil. It returns the
// programmes whose first videos are others now, or in another order.
func (t *Trend) Rank(ctx context.Context, e Ending, items []Counted, now time.Time) (reordered []string, err error) {
	parts := Partitions()
	positions, err := t.Positions(ctx, parts)
	if err != nil {
		return nil, err
	}
	var keys []string
	for i, p := range positions {
		if p != nil {
			keys = append(keys, t.countsKey(parts[i], p.Incarnation, e))
		}
	}
	sums := map[Counted]int64{}
	if items == nil {
		err = t.sumAll(ctx, keys, sums)
	} else {
		err = t.sum(ctx, keys, slices.Compact(slices.Sorted(slices.Values(items))), sums)
	}
	if err != nil {
		return nil, fmt.Errorf("adding up what is watched: %w", err)
	}
	return t.rank(ctx, e, sums, now)
}

// together bounds what is asked of Redis in one command.
const together = 1000

func (t *Trend) sum(ctx context.Context, keys []string, items []Counted, sums map[Counted]int64) error {
	for some := range slices.Chunk(items, together) {
		fields := make([]string, len(some))
		for i, item := range some {
			fields[i] = string(item)
		}
		cmds, err := t.run(ctx, func(p redis.Pipeliner) {
			for _, key := range keys {
				p.HMGet(ctx, key, fields...)
			}
		})
		if err != nil {
			return err
		}
		for _, cmd := range cmds {
			for i, v := range cmd.(*redis.SliceCmd).Val() {
				text, _ := v.(string)
				n, _ := strconv.ParseInt(text, 10, 64)
				sums[some[i]] += n
			}
		}
	}
	return nil
}

// sumAll reads all partitions at once, in small parts: a hash may be large, and Redis has others to serve.
func (t *Trend) sumAll(ctx context.Context, keys []string, sums map[Counted]int64) error {
	type scan struct {
		key    string
		cursor uint64
		counts map[Counted]int64 // a part may come twice
	}
	var left []*scan
	for _, key := range keys {
		left = append(left, &scan{key: key, counts: map[Counted]int64{}})
	}
	for len(left) > 0 {
		cmds, err := t.run(ctx, func(p redis.Pipeliner) {
			for _, s := range left {
				p.HScan(ctx, s.key, s.cursor, "", together)
			}
		})
		if err != nil {
			return err
		}
		var more []*scan
		for i, s := range left {
			var fields []string
			for fields, s.cursor = cmds[i].(*redis.ScanCmd).Val(); len(fields) >= 2; fields = fields[2:] {
				n, _ := strconv.ParseInt(fields[1], 10, 64)
				s.counts[Counted(fields[0])] = max(s.counts[Counted(fields[0])], n)
			}
			if s.cursor != 0 {
				more = append(more, s)
				continue
			}
			for item, n := range s.counts {
				sums[item] += n
			}
		}
		left = more
	}
	return nil
}

// leading is how many of a programme's videos are looked at for whether their order has changed.
const leading = 100

func (t *Trend) rank(ctx context.Context, e Ending, sums map[Counted]int64, now time.Time) (reordered []string, err error) {
	type ranking struct {
		kind      Kind
		programme string
	}
	if e.Gone(now) {
		return nil, nil
	}
	told := map[ranking][]any{}
	for item, n := range sums {
		if n > 0 {
			kind, programme, id := item.parts()
			r := ranking{kind, programme}
			told[r] = append(told[r], id, n)
		}
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(told)), together) {
		var of []ranking
		cmds, err := t.run(ctx, func(p redis.Pipeliner) {
			of = of[:0] // it may be sent twice
			for _, r := range some {
				for counts := range slices.Chunk(told[r], 2*together) {
					args := append([]any{e.gone().Sub(now).Milliseconds(), MaxRanked, leading}, counts...)
					rankScript.EvalSha(ctx, p, []string{t.ranking(e.Window, e.At, r.kind, r.programme)}, args...)
					of = append(of, r)
				}
			}
		})
		if err != nil {
			return reordered, fmt.Errorf("ranking what is watched: %w", err)
		}
		for i, cmd := range cmds {
			if changed, _ := cmd.(*redis.Cmd).Int(); changed == 1 && of[i].programme != "" {
				reordered = append(reordered, of[i].programme)
			}
		}
	}
	slices.Sort(reordered)
	return slices.Compact(reordered), nil
}

// Forget removes the rankings of kinds in a window, and those of the programmes in it: their counts began anew.
func (t *Trend) Forget(ctx context.Context, e Ending) error {
	programmes, err := t.redis.ZRange(ctx, t.ranking(e.Window, e.At, Programmes, ""), 0, -1).Result()
	if err != nil {
		return asking(err)
	}
	_, err = t.run(ctx, func(p redis.Pipeliner) {
		for _, id := range programmes {
			p.Unlink(ctx, t.ranking(e.Window, e.At, Videos, id))
		}
		for _, kind := range []Kind{Videos, Programmes} {
			p.Unlink(ctx, t.ranking(e.Window, e.At, kind, ""))
		}
	})
	return err
}

// Once tells, of ids, which are the first of a name to be told so within a time.
func (t *Trend) Once(ctx context.Context, name string, ids []string, within time.Duration) (first []string, err error) {
	cmds, err := t.run(ctx, func(p redis.Pipeliner) {
		for _, id := range ids {
			p.SetNX(ctx, t.prefix+"trend:"+name+":"+id, "", within)
		}
	})
	if err != nil {
		return nil, err
	}
	for i, cmd := range cmds {
		if cmd.(*redis.BoolCmd).Val() {
			first = append(first, ids[i])
		}
	}
	return first, nil
}
