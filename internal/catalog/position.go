package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"regie/internal/stream"
)

// Positions are how far a role has applied a topic's partitions, beside what it wrote.
type Positions struct {
	catalog *Catalog
	role    string
	// last is what this instance stored or found last, by partition.
	last map[string]string
}

// Positions returns a role's.
func (c *Catalog) Positions(role string) *Positions {
	return &Positions{catalog: c, role: role, last: map[string]string{}}
}

func (p *Positions) key(topic string) string {
	return p.catalog.prefix + "position:" + p.role + ":" + topic
}

// Load returns the stored positions, nil where there is none.
func (p *Positions) Load(ctx context.Context, parts []stream.Assigned) ([]*stream.Position, error) {
	values, err := p.read(ctx, parts)
	if err != nil {
		return nil, err
	}
	out := make([]*stream.Position, len(parts))
	for i, v := range values {
		p.last[parts[i].String()] = v
		if v != "" {
			if out[i], err = parsePosition(v); err != nil {
				return nil, fmt.Errorf("position of %s: %w", parts[i], err)
			}
		}
	}
	return out, nil
}

// Moved returns the partitions whose stored position is not what this instance stored or loaded last.
func (p *Positions) Moved(ctx context.Context, parts []stream.Assigned) ([]stream.Assigned, error) {
	values, err := p.read(ctx, parts)
	if err != nil {
		return nil, err
	}
	var moved []stream.Assigned
	for i, v := range values {
		if v != p.last[parts[i].String()] {
			moved = append(moved, parts[i])
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
	for _, r := range ends {
		name := stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()
		value := fmt.Sprintf("%d %d %s", r.Fence.Incarnation, r.Offset+1, r.TopicID)
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

func parsePosition(v string) (*stream.Position, error) {
	var p stream.Position
	if n, err := fmt.Sscanf(v, "%d %d", &p.Incarnation, &p.Offset); n != 2 {
		return nil, fmt.Errorf("%q is none: %w", v, err)
	}
	p.TopicID = v[strings.LastIndexByte(v, ' ')+1:]
	return &p, nil
}
