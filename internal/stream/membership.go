package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// membership is a generation of a group, by its whole name, that a consumer is in.
type membership struct {
	group string
	meta  *kafka.ConsumerGroupMetadata
}

func (c *Consumer) membership() (membership, error) {
	meta, err := c.c.GetConsumerGroupMetadata()
	if err != nil {
		return membership{}, fmt.Errorf("asking for the group's generation: %w", err)
	}
	return membership{c.cluster.cfg.Project + "." + c.group(), meta}, nil
}

// group is its group's name, without the project.
func (c *Consumer) group() string {
	if c.cfg.Part != "" {
		return c.cfg.Role + "." + c.cfg.Part
	}
	return c.cfg.Role
}

// coordinated is how long sendOffsets waits.
const coordinated = 5 * time.Second

// sendOffsets is SendOffsetsToTransaction, which may never return, whatever its context says: told three times that the group
// has no coordinator, as when a broker is gone, the client waits until any of its connections comes or goes (librdkafka 2.15).
// So the call is given up, and the client left to it: for minutes, for brokers close idle connections. A producer that is
// made anew asks for the coordinator first, so that few are left so.
func (p *Producer) sendOffsets(ctx context.Context, offsets []kafka.TopicPartition, m membership) error {
	if _, unsure := p.cluster.unsure.Load(m.group); unsure {
		if err := p.cluster.findCoordinator(ctx, m.group); err != nil {
			return err
		}
		p.cluster.unsure.Delete(m.group)
	}
	answer := make(chan error, 1)
	go func() { answer <- p.p.SendOffsetsToTransaction(ctx, offsets, m.meta) }()
	select {
	case err := <-answer:
		return err
	case <-time.After(coordinated):
		p.deaf = answer
		p.cluster.unsure.Store(m.group, true)
		return fmt.Errorf("the coordinator of group %s has not answered for %s", m.group, coordinated)
	}
}

// findCoordinator asks a group's coordinator something.
func (c *Cluster) findCoordinator(ctx context.Context, group string) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	res, err := admin.DescribeConsumerGroups(ctx, []string{group}, kafka.SetAdminRequestTimeout(within(ctx)))
	for _, d := range res.ConsumerGroupDescriptions {
		if err == nil && d.Error.Code() != kafka.ErrNoError {
			err = d.Error
		}
	}
	if err != nil {
		return fmt.Errorf("looking for the coordinator of group %s: %w", group, err)
	}
	return nil
}
