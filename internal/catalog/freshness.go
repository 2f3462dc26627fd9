package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Edit is an editor's change that has become visible.
type Edit struct {
	Kind      string    `json:"kind"`
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	ChangedAt time.Time `json:"changedAt"`
	VisibleAt time.Time `json:"visibleAt"`
	// Millis is the time between the two.
	Millis int64 `json:"millis"`
}

func (c *Catalog) editsKey() string { return c.prefix + "last-edit" }

// PublishEdit tells every gateway of the edit that became visible last.
func (c *Catalog) PublishEdit(ctx context.Context, e Edit) error {
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding an edit: %w", err)
	}
	if err := c.redis.Set(ctx, c.editsKey(), b, 0).Err(); err != nil {
		return fmt.Errorf("publishing an edit: %w", err)
	}
	if err := c.redis.Publish(ctx, c.editsKey(), b).Err(); err != nil {
		return fmt.Errorf("publishing an edit: %w", err)
	}
	return nil
}

// Edits calls fn with the last edit as JSON, if there is one, and with each that follows, until ctx is done or fn fails.
func (c *Catalog) Edits(ctx context.Context, fn func(edit []byte) error) error {
	sub := c.redis.Subscribe(ctx, c.editsKey())
	defer func() { _ = sub.Close() }()
	if _, err := sub.ReceiveTimeout(ctx, Patience); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	last, err := c.redis.Get(ctx, c.editsKey()).Bytes()
	if err == nil {
		err = fn(last)
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-sub.Channel():
			if !ok {
				return ErrUnavailable
			}
			if err := fn([]byte(m.Payload)); err != nil {
				return err
			}
		}
	}
}
