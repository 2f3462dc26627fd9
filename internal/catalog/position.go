package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Positions are how far a role has applied a topic's partitions, beside what it wrote. Each says which nodes Redis
// consisted of: when they are others, what was written last may be gone, though the position is not.
type Positions struct {
	catalog *Catalog
	role    string
	// last is what this instance stored or found last, by partition.
	last  map[string]string
	marks map[string]*marks
	// nodes are Redis's, as they were looked at last, and seen when that was.
	nodes string
	seen  time.Time
}

// marks are how far a partition was a while ago: a replica that takes over has all but the last seconds.
type marks struct {
	next, mark, sure int64
	at               time.Time // of mark
}

// sureAfter is how long ago something was written that a replica has for sure.
const sureAfter = time.Minute

// roll keeps sure between one and two times sureAfter behind.
func (m *marks) roll(now time.Time) {
	if now.Sub(m.at) >= sureAfter {
		m.sure, m.mark, m.at = m.mark, m.next, now
	}
}

// Positions returns a role's.
func (c *Catalog) Positions(role string) *Positions {
	return &Positions{catalog: c, role: role, last: map[string]string{}, marks: map[string]*marks{}}
}

func (p *Positions) key(topic string) string {
	return p.catalog.prefix + "position:" + p.role + ":" + topic
}

// Load returns the stored positions, nil where there is none.
func (p *Positions) Load(ctx context.Context, parts []stream.Assigned) ([]*stream.Position, error) {
	nodes, youngest, err := p.catalog.nodes(ctx)
	if err != nil {
		return nil, err
	}
	values, err := p.read(ctx, parts)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := make([]*stream.Position, len(parts))
	for i, v := range values {
		name := parts[i].String()
		if v == "" {
			p.last[name], p.marks[name] = v, &marks{at: now}
			continue
		}
		s, err := parsePosition(v)
		if err != nil {
			return nil, fmt.Errorf("position of %s: %w", parts[i], err)
		}
		if m := p.marks[name]; m != nil && p.last[name] == v {
			s.Sure = m.sure // it has gone on while there was nothing to store
		}
		seen := s.at
		if s.nodes == p.nodes && p.seen.After(seen) {
			seen = p.seen
		}
		others := s.nodes != nodes && s.nodes != "" && nodes != ""
		switch last, err := parsePosition(p.last[name]); {
		case others && !youngest.Before(seen):
			s.Doubt, s.Sure = "a node of Redis is new or was restarted, and may be empty", 0
		case others:
			s.Doubt = "Redis failed over to another node"
		case err == nil && s.before(last):
			s.Doubt = "Redis was restored from an older copy"
		}
		p.last[name] = v
		p.marks[name] = &marks{next: s.Offset, mark: s.Offset, sure: min(s.Sure, s.Offset), at: now}
		out[i] = &s.Position
	}
	p.nodes, p.seen = nodes, now
	return out, nil
}

// Moved returns the partitions whose stored position is not what this instance stored or loaded last: all of them when
// Redis consists of other nodes.
func (p *Positions) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	nodes, _, err := p.catalog.nodes(ctx)
	if err != nil {
		return nil, err
	}
	if nodes != p.nodes && nodes != "" && p.nodes != "" {
		return slices.Clone(parts), nil
	}
	values, err := p.read(ctx, parts)
	if err != nil {
		return nil, err
	}
	p.seen = time.Now()
	var moved []stream.Assigned
	for i, v := range values {
		name := parts[i].String()
		if v != p.last[name] {
			moved = append(moved, parts[i])
		} else if m := p.marks[name]; m != nil {
			m.roll(p.seen)
		}
	}
	return moved, nil
}

// Store stores the positions after the last record of each partition. stream.ErrMoved when one of them is not what this
// instance stored last: Redis was emptied or restored, or another instance is at work.
func (p *Positions) Store(ctx context.Context, ends []stream.Record) error {
	type entry struct{ name, value string }
	byTopic := map[string][]any{}
	var entries []entry
	now := time.Now()
	for _, r := range ends {
		name := stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()
		m := p.marks[name]
		if m == nil {
			m = &marks{at: now}
			p.marks[name] = m
		}
		m.roll(now)
		value := fmt.Sprintf("%d %d %s %d %d %s", r.Fence.Incarnation, r.Offset+1, r.TopicID, m.sure, now.Unix(), p.nodes)
		byTopic[r.Topic] = append(byTopic[r.Topic], strconv.Itoa(int(r.Partition)), p.last[name], value)
		entries = append(entries, entry{name, value})
	}
	cmds, err := p.catalog.run(ctx, func(pipe redis.Pipeliner) {
		for topic, args := range byTopic {
			positionScript.EvalSha(ctx, pipe, []string{p.key(topic)}, args...)
		}
	})
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		if field, _ := cmd.(*redis.Cmd).Text(); field != "" {
			return fmt.Errorf("storing the position of partition %s: %w", field, stream.ErrMoved)
		}
	}
	for _, e := range entries {
		p.last[e.name] = e.value
	}
	for _, r := range ends {
		p.marks[stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()].next = r.Offset + 1
	}
	return nil
}

func (p *Positions) read(ctx context.Context, parts []stream.Assigned) ([]string, error) {
	cmds, err := p.catalog.redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, a := range parts {
			pipe.HGet(ctx, p.key(a.Topic), strconv.Itoa(int(a.Partition)))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("reading positions from Redis: %w", err)
	}
	out := make([]string, len(parts))
	for i, cmd := range cmds {
		// The pipeline's error is its first, and that one may be nothing but an absent position.
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("reading positions from Redis: %w", err)
		}
		out[i] = cmd.(*redis.StringCmd).Val()
	}
	return out, nil
}

// stored is a position as Redis has it: "incarnation next topic-id", and since when it is told also "sure at nodes".
type stored struct {
	stream.Position
	at    time.Time
	nodes string
}

// before tells whether s stands before other in the same log.
func (s *stored) before(other *stored) bool {
	return s.TopicID == other.TopicID && (s.Incarnation < other.Incarnation || s.Incarnation == other.Incarnation && s.Offset < other.Offset)
}

func parsePosition(v string) (*stored, error) {
	words := append(strings.Split(v, " "), "", "", "")
	if len(words) < 6 {
		return nil, fmt.Errorf("%q is none", v)
	}
	s := stored{Position: stream.Position{TopicID: words[2]}, nodes: words[5]}
	var at int64
	for i, n := range map[int]*int64{0: &s.Incarnation, 1: &s.Offset, 3: &s.Sure, 4: &at} {
		var err error
		if *n, err = strconv.ParseInt(words[i], 10, 64); err != nil && words[i] != "" {
			return nil, fmt.Errorf("%q is none: %w", v, err)
		}
	}
	s.at = time.Unix(at, 0)
	return &s, nil
}
