package schedule

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// The scripts' comments are their contracts.
var (
	//go:embed apply.lua
	applyLua string
	//go:embed take.lua
	takeLua string
	//go:embed due.lua
	dueLua string
	//go:embed list.lua
	listLua string
)

// Index is what is pending, in Redis, by the partitions of the topic of requests:
//
//	{schedule:4}:position   incarnation, next offset, topic id: up to where the log is in it; when that was stored
//	{schedule:4}:due        sorted set: by epoch, then by offset
//	{schedule:4}:entries    hash: id to entry
//	{schedule:4}:again      set: ids whose requests are to be appended to the log once more
//
// A partition's lie in one slot, and position and entries change in one script: so the index is what the log was up to the
// position, whoever applied it, how often, and whatever node of Redis took over. It has no other fence.
type Index struct {
	redis  redis.UniversalClient
	prefix string
}

// NewIndex does no I/O. The prefix distinguishes what shares a Redis, as catalog.New's.
func NewIndex(client redis.UniversalClient, prefix string) *Index {
	return &Index{client, prefix + ":"}
}

// Partitions are those of the topic of requests.
func Partitions() []int32 {
	topics := stream.Topics()
	i := slices.IndexFunc(topics, func(t stream.Topic) bool { return t.Name == stream.ScheduleRequest })
	out := make([]int32, topics[i].Partitions)
	for p := range out {
		out[p] = int32(p)
	}
	return out
}

func (x *Index) key(partition int32, name string) string {
	return fmt.Sprintf("%s{schedule:%d}:%s", x.prefix, partition, name)
}

// Never is the epoch of nothing: far away, and a time still.
const Never = 1 << 53

// State is a partition's.
type State struct {
	// Due is the earliest epoch, or Never.
	Due int64
	// Pending is how many there are, and Again how many of them are to be appended to the log.
	Pending, Again int64
}

// Stored is a partition's state and position.
type Stored struct {
	State
	// Position is nil when there is none; At is when it was stored.
	Position *stream.Position
	At       time.Time
}

// Look tells where partitions are.
func (x *Index) Look(ctx context.Context, partitions []int32) ([]Stored, error) {
	cmds, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, n := range partitions {
			p.Get(ctx, x.key(n, "position"))
			p.ZRangeWithScores(ctx, x.key(n, "due"), 0, 0)
			p.ZCard(ctx, x.key(n, "due"))
			p.SCard(ctx, x.key(n, "again"))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("reading the schedules' index from Redis: %w", err)
	}
	out := make([]Stored, len(partitions))
	for i := range partitions {
		four := cmds[4*i : 4*i+4]
		for _, cmd := range four {
			if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
				return nil, fmt.Errorf("reading the schedules' index from Redis: %w", err)
			}
		}
		out[i].Due = Never
		if first := four[1].(*redis.ZSliceCmd).Val(); len(first) > 0 {
			out[i].Due = int64(first[0].Score)
		}
		out[i].Pending, out[i].Again = four[2].(*redis.IntCmd).Val(), four[3].(*redis.IntCmd).Val()
		if text := four[0].(*redis.StringCmd).Val(); text != "" {
			var p stream.Position
			var at int64
			if _, err := fmt.Sscanf(text, "%d %d %s %d", &p.Incarnation, &p.Offset, &p.TopicID, &at); err != nil {
				return nil, fmt.Errorf("the position of partition %d of the schedules' index is %q: %w", partitions[i], text, err)
			}
			out[i].Position, out[i].At = &p, time.Unix(at, 0)
		}
	}
	return out, nil
}

// Begin empties a partition and stores a position.
func (x *Index) Begin(ctx context.Context, partition int32, at stream.Position, now time.Time) error {
	_, err := x.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Unlink(ctx, x.key(partition, "due"), x.key(partition, "entries"), x.key(partition, "again"))
		p.Set(ctx, x.key(partition, "position"), fmt.Sprintf("%d %d %s %d", at.Incarnation, at.Offset, at.TopicID, now.Unix()), 0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("emptying partition %d of the schedules' index: %w", partition, err)
	}
	return nil
}

// Changes are what records of one partition, in their order, change. From is the offset before which all is applied, as far
// as the caller knows; To the one after the last record.
type Changes struct {
	Partition   int32
	Incarnation int64
	TopicID     string
	From, To    int64
	args        []any
	size        int
}

// Put adds a request.
func (c *Changes) Put(e *Entry) error {
	b, err := e.encode()
	if err != nil {
		return err
	}
	c.args = append(c.args, "put", place(e.Offset), e.ID, e.Epoch, b)
	c.size += len(b) + len(e.ID)
	return nil
}

// Cancel takes out whatever is there of the id.
func (c *Changes) Cancel(offset int64, id string) {
	c.args = append(c.args, "cancel", place(offset), id)
}

// Fired takes out what is no newer than the offset that was fired. What is newer is noted as to be appended again.
func (c *Changes) Fired(offset int64, id string, fired int64) {
	c.args = append(c.args, "fired", place(offset), id, place(fired))
}

// Full tells whether one call of the script is for no more.
func (c *Changes) Full() bool { return len(c.args) >= 2000 || c.size >= 1<<20 }

// Apply applies changes, several of a partition in their order, and returns the partitions' states after it. stream.ErrMoved
// when one of them is not where its Changes begin, or of another incarnation.
func (x *Index) Apply(ctx context.Context, changes []*Changes, now time.Time) (map[int32]State, error) {
	cmds, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range changes {
			keys := []string{x.key(c.Partition, "position"), x.key(c.Partition, "due"), x.key(c.Partition, "entries"), x.key(c.Partition, "again")}
			p.Eval(ctx, applyLua, keys, append([]any{c.Incarnation, c.TopicID, c.From, c.To, now.Unix()}, c.args...)...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("applying requests to the schedules' index: %w", err)
	}
	out := map[int32]State{}
	for i, cmd := range cmds {
		res, err := cmd.(*redis.Cmd).Slice()
		if err != nil || len(res) == 0 {
			return nil, fmt.Errorf("applying requests to the schedules' index: %v, %w", res, err)
		}
		if res[0] != "" {
			return nil, fmt.Errorf("partition %d of the schedules' index: %w", changes[i].Partition, stream.ErrMoved)
		}
		if out[changes[i].Partition], err = state(res[1:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func state(res []any) (State, error) {
	s := State{Due: Never}
	if len(res) != 3 {
		return s, fmt.Errorf("the schedules' index answered %v", res)
	}
	if text, _ := res[0].(string); text != "" {
		score, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return s, fmt.Errorf("the schedules' index answered %q: %w", text, err)
		}
		s.Due = int64(score)
	}
	s.Pending, _ = res[1].(int64)
	s.Again, _ = res[2].(int64)
	return s, nil
}

// Due are the first n of each partition that are due at now, in the order of (time, offset), and up to n that are to be
// appended to the log again. Of a partition that is not where the caller left it, as when Redis failed over, there are none.
func (x *Index) Due(ctx context.Context, partitions []int32, left func(int32) stream.Position, now time.Time, n int) (due, again []Entry, err error) {
	cmds, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, part := range partitions {
			at := left(part)
			keys := []string{x.key(part, "position"), x.key(part, "due"), x.key(part, "entries"), x.key(part, "again")}
			p.Eval(ctx, dueLua, keys, at.Incarnation, at.TopicID, at.Offset, now.Unix(), n)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("asking the schedules' index what is due: %w", err)
	}
	for i, cmd := range cmds {
		res, err := cmd.(*redis.Cmd).Slice()
		if err != nil || len(res) == 0 {
			return nil, nil, fmt.Errorf("asking the schedules' index what is due: %v, %w", res, err)
		}
		copies, _ := res[0].(int64)
		for j := 1; j+1 < len(res); j += 2 {
			id, _ := res[j].(string)
			text, _ := res[j+1].(string)
			e, err := decode(id, partitions[i], text)
			if err != nil {
				return nil, nil, err
			}
			if int64(j/2) < copies {
				again = append(again, e)
			} else {
				due = append(due, e)
			}
		}
	}
	return due, again, nil
}

// Take takes out what was fired, and of what was appended again the note, unless something newer is there by now.
func (x *Index) Take(ctx context.Context, fired, again []Entry) (map[int32]State, error) {
	args := map[int32][]any{}
	for _, e := range fired {
		args[e.Partition] = append(args[e.Partition], "fired", place(e.Offset), e.ID)
	}
	for _, e := range again {
		args[e.Partition] = append(args[e.Partition], "again", place(e.Offset), e.ID)
	}
	var parts []int32
	cmds, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for part, a := range args {
			parts = append(parts, part)
			p.Eval(ctx, takeLua, []string{x.key(part, "due"), x.key(part, "entries"), x.key(part, "again")}, a...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("taking what was fired from the schedules' index: %w", err)
	}
	out := map[int32]State{}
	for i, cmd := range cmds {
		res, err := cmd.(*redis.Cmd).Slice()
		if err != nil {
			return nil, fmt.Errorf("taking what was fired from the schedules' index: %w", err)
		}
		if out[parts[i]], err = state(res); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PutOff has entries that are still there come up later than they are due. An index that is filled again knows nothing of it.
func (x *Index) PutOff(ctx context.Context, entries []Entry, until func(Entry) time.Time) error {
	members := map[int32][]redis.Z{}
	for _, e := range entries {
		members[e.Partition] = append(members[e.Partition], redis.Z{Score: float64(until(e).Unix()), Member: place(e.Offset) + e.ID})
	}
	_, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for part, some := range members {
			p.ZAddXX(ctx, x.key(part, "due"), some...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("putting schedules off: %w", err)
	}
	return nil
}

// Get returns what is pending of an id: one, unless producers' partitioners differ.
func (x *Index) Get(ctx context.Context, id string) ([]Entry, error) {
	parts := Partitions()
	cmds, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, part := range parts {
			p.HGet(ctx, x.key(part, "entries"), id)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("reading a schedule from Redis: %w", err)
	}
	var out []Entry
	for i, cmd := range cmds {
		if err := cmd.Err(); errors.Is(err, redis.Nil) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("reading a schedule from Redis: %w", err)
		}
		e, err := decode(id, parts[i], cmd.(*redis.StringCmd).Val())
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Place is one in the order of (epoch, partition, offset).
type Place struct {
	Epoch     int64
	Partition int32
	Offset    int64
}

func (p Place) compare(q Place) int {
	for _, d := range []int64{p.Epoch - q.Epoch, int64(p.Partition) - int64(q.Partition), p.Offset - q.Offset} {
		if d != 0 {
			return int(max(-1, min(1, d)))
		}
	}
	return 0
}

// Filter says which entries to list; zero values are no conditions.
type Filter struct {
	Target, Prefix string
	// Until is an epoch that the entries' are before.
	Until int64
}

const (
	// listed is how many of a partition are looked at together, and looked how many in all for one page.
	listed = 100
	looked = 20_000
)

// List returns up to n entries from a place on, in order, and the place of the next; nil when that is all. It looks at so
// many and no more: there may be fewer than n.
func (x *Index) List(ctx context.Context, from Place, f Filter, n int) (out []Entry, next *Place, err error) {
	if f.Until == 0 {
		f.Until = Never
	}
	for seen := 0; seen < looked; {
		some, more, err := x.page(ctx, from, f.Until)
		if err != nil {
			return nil, nil, err
		}
		found, err := x.match(ctx, some, f)
		if err != nil {
			return nil, nil, err
		}
		for i, e := range found {
			if len(out) == n {
				return out, &some[i].Place, nil
			}
			if e != nil {
				out = append(out, *e)
			}
		}
		if !more {
			return out, nil, nil
		}
		seen += len(some)
		from = some[len(some)-1].Place
		from.Offset++
	}
	return out, &from, nil
}

type member struct {
	Place
	id string
}

// page is what comes from a place on: as many as are known to have nothing between them.
func (x *Index) page(ctx context.Context, from Place, until int64) (out []member, more bool, err error) {
	parts := Partitions()
	cmds, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, part := range parts {
			at := place(from.Offset)
			switch {
			case part < from.Partition:
				at = strings.Repeat("g", placeSize) // behind any offset
			case part > from.Partition:
				at = place(0)
			}
			p.Eval(ctx, listLua, []string{x.key(part, "due")}, from.Epoch, at, until, listed)
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("listing schedules from Redis: %w", err)
	}
	var horizon *Place // what is behind it may lack members of a partition that has more
	for i, cmd := range cmds {
		res, err := cmd.(*redis.Cmd).StringSlice()
		if err != nil {
			return nil, false, fmt.Errorf("listing schedules from Redis: %w", err)
		}
		var last Place
		for j := 0; j+1 < len(res); j += 2 {
			epoch, err := strconv.ParseFloat(res[j+1], 64)
			if err != nil || len(res[j]) < placeSize {
				return nil, false, fmt.Errorf("listing schedules from Redis: %q is no member: %w", res[j], err)
			}
			offset, err := strconv.ParseInt(res[j][:placeSize], 16, 64)
			if err != nil {
				return nil, false, fmt.Errorf("listing schedules from Redis: %q is no member: %w", res[j], err)
			}
			last = Place{int64(epoch), parts[i], offset}
			out = append(out, member{last, res[j][placeSize:]})
		}
		if len(res) == 2*listed && (horizon == nil || last.compare(*horizon) < 0) {
			horizon = &last
		}
	}
	slices.SortFunc(out, func(a, b member) int { return a.compare(b.Place) })
	if horizon == nil {
		return out, false, nil
	}
	end := slices.IndexFunc(out, func(m member) bool { return m.compare(*horizon) > 0 })
	if end >= 0 {
		out = out[:end]
	}
	return out, true, nil
}

// match reads the entries of members; nil for what is filtered out or gone by now.
func (x *Index) match(ctx context.Context, members []member, f Filter) ([]*Entry, error) {
	out := make([]*Entry, len(members))
	type read struct {
		i   int
		cmd *redis.StringCmd
	}
	var reads []read
	_, err := x.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, m := range members {
			if strings.HasPrefix(m.id, f.Prefix) {
				reads = append(reads, read{i, p.HGet(ctx, x.key(m.Partition, "entries"), m.id)})
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("listing schedules from Redis: %w", err)
	}
	for _, r := range reads {
		text, err := r.cmd.Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing schedules from Redis: %w", err)
		}
		m := members[r.i]
		e, err := decode(m.id, m.Partition, text)
		if err != nil {
			return nil, err
		}
		if e.Offset == m.Offset && (f.Target == "" || f.Target == e.Target) {
			out[r.i] = &e
		}
	}
	return out, nil
}
