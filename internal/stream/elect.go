package stream

import (
	"context"
	"fmt"
	"sync"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"golang.org/x/sync/errgroup"
)

// Elect shares topic's partitions among the instances of a role, and runs own for each partition that this instance
// holds: its context is done when the partition goes to another, which gets it only after own has returned. A killed
// instance's partitions wait for its return under the same name, or for the session's timeout.
//
// assigned is called at each assignment, also of nothing, before own is for its partitions. It returns nil once ctx is done, or the first error of own.
func (c *Cluster) Elect(ctx context.Context, role, topic string, assigned func(partitions []int32), own func(ctx context.Context, partition int32) error) (err error) {
	c.metrics.begin(role, nil)
	pulse, still := c.beginPulse(role)
	defer still()
	k, err := kafka.NewConsumer(c.groupConfig(role))
	if err != nil {
		return fmt.Errorf("making the consumer of %s: %w", role, err)
	}
	stop := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	e := &election{own: own, fail: cancel, terms: map[int32]*term{}}
	var g errgroup.Group
	g.Go(func() error { c.forwardLogs(k.Logs()); return nil })
	defer func() {
		cancel(nil)
		e.endAll()
		c.metrics.clients.forget(k)
		if cerr := closing(k, &g); err == nil && cerr != nil {
			err = fmt.Errorf("closing the consumer of %s: %w", role, cerr)
		}
	}()
	full := c.Topic(topic)
	err = k.Subscribe(full, func(k *kafka.Consumer, ev kafka.Event) error {
		switch ev := ev.(type) {
		case kafka.AssignedPartitions:
			if err := k.IncrementalAssign(ev.Partitions); err != nil {
				return err
			}
			parts := make([]int32, len(ev.Partitions))
			for i, p := range ev.Partitions {
				parts[i] = p.Partition
			}
			assigned(parts)
			for _, p := range parts {
				e.begin(ctx, p)
			}
			return k.Pause(ev.Partitions) // its records are read by who owns it, when it begins
		case kafka.RevokedPartitions:
			for _, p := range ev.Partitions {
				pulse.beat(fmt.Sprintf("giving partition %d of %s up, whose owner does not end", p.Partition, topic))
				e.end(p.Partition)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", full, err)
	}
	for ctx.Err() == nil {
		pulse.beat("taking part in the election")
		switch ev := k.Poll(int(idlePoll.Milliseconds())).(type) {
		case *kafka.Stats:
			c.metrics.clients.update(k, role, ev.String())
		case kafka.Error:
			if ev.IsFatal() || Fenced(ev) {
				return fmt.Errorf("taking part in the election as %s: %w", c.cfg.Instance, ev)
			}
			c.log.Warn("kafka client", "role", role, "error", ev)
		}
	}
	if stop.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

type election struct {
	own   func(context.Context, int32) error
	fail  context.CancelCauseFunc
	terms map[int32]*term
}

// term is the time for which this instance holds a partition.
type term struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (e *election) begin(ctx context.Context, partition int32) {
	e.end(partition)
	ctx, cancel := context.WithCancel(ctx)
	t := &term{cancel: cancel}
	e.terms[partition] = t
	t.done.Go(func() {
		if err := e.own(ctx, partition); err != nil && ctx.Err() == nil {
			e.fail(err)
		}
	})
}

func (e *election) end(partition int32) {
	if t := e.terms[partition]; t != nil {
		t.cancel()
		t.done.Wait()
		delete(e.terms, partition)
	}
}

func (e *election) endAll() {
	for _, t := range e.terms {
		t.cancel()
	}
	for p := range e.terms {
		e.end(p)
	}
}
