package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"
)

func (c *Catalog) changesKey() string { return c.prefix + "changes" }

// Announce tells every gateway which entities' projections have changed. What nobody hears is lost: see Changes.
func (c *Catalog) Announce(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	message, err := json.Marshal(ids) // an id may have any character
	if err == nil {
		err = c.redis.Publish(ctx, c.changesKey(), message).Err()
	}
	if err != nil {
		return fmt.Errorf("announcing changes: %w", err)
	}
	return nil
}

// Changes calls fn with the global ids of entities whose projections have changed, until ctx is done. It
// calls fn with nil once it listens, and again whenever it does so after a lost connection: what changed meanwhile must
// be looked up.
func (c *Catalog) Changes(ctx context.Context, fn func(ids []string)) error {
	sub := c.redis.Subscribe(ctx, c.changesKey())
	defer func() { _ = sub.Close() }()
	heard := sub.ChannelWithSubscriptions() // it subscribes again when the connection was lost
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-heard:
			switch m := m.(type) {
			case *redis.Subscription:
				fn(nil)
			case *redis.Message:
				var ids []string
				if err := json.Unmarshal([]byte(m.Payload), &ids); err == nil && len(ids) > 0 { // a stranger's is no change
					fn(ids)
				}
			}
			if !ok {
				return ErrUnavailable
			}
		}
	}
}
