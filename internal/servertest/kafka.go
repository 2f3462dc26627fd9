package servertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"regie/internal/stream"
)

// Admin is a client that asks Kafka what a stream.Cluster does not tell.
func Admin(t testing.TB, brokers string) *kafka.AdminClient {
	t.Helper()
	admin, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	return admin
}

// Recreate deletes topics and makes them again, once the broker knows of none: until then it takes what is produced for what it
// is about to delete.
func Recreate(t testing.TB, admin *kafka.AdminClient, c *stream.Cluster, topics ...string) {
	t.Helper()
	var names []string
	for _, topic := range topics {
		names = append(names, c.Topic(topic))
	}
	if _, err := admin.DeleteTopics(t.Context(), names); err != nil {
		t.Fatal(err)
	}
	Await(t, func() string {
		described, err := admin.DescribeTopics(t.Context(), kafka.NewTopicCollectionOfTopicNames(names))
		if err != nil {
			return err.Error()
		}
		for _, d := range described.TopicDescriptions {
			if d.Error.Code() != kafka.ErrUnknownTopicOrPart {
				return fmt.Sprintf("%s is still there: %v", d.Name, d.Error)
			}
		}
		return ""
	})
	apply(t, c, topics)
}

// Committed waits until readers of what is committed reach the end that a topic has now: a broker marks a transaction's end in
// the partitions after it has answered its commit. It waits for transactions that are open, too.
func Committed(t testing.TB, admin *kafka.AdminClient, topic string) {
	t.Helper()
	var written []kafka.Offset
	Await(t, func() string {
		committed, err := ends(t.Context(), admin, topic, kafka.IsolationLevelReadCommitted)
		if err == nil && written == nil {
			written, err = ends(t.Context(), admin, topic, kafka.IsolationLevelReadUncommitted)
		}
		if err != nil { // perhaps a new topic has no leader yet
			return err.Error()
		}
		for i := range written {
			if committed[i] < written[i] {
				return fmt.Sprintf("%s is committed to %v of %v", topic, committed, written)
			}
		}
		return ""
	})
}

// ReadAll is what a topic has. It asks again when a broker does not answer, or has not heard of the topic yet, as roles do.
func ReadAll(t testing.TB, c *stream.Cluster, topic string) (all []stream.Record) {
	t.Helper()
	Await(t, func() string {
		all = nil
		err := c.ReadAll(t.Context(), topic, func(r stream.Record) error { all = append(all, r); return nil })
		if err != nil {
			return fmt.Sprintf("reading %s: %v", topic, err)
		}
		return ""
	})
	return all
}

// ends are the offsets behind a topic's partitions, for readers of a kind.
func ends(ctx context.Context, admin *kafka.AdminClient, topic string, level kafka.IsolationLevel) ([]kafka.Offset, error) {
	described, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{topic}))
	if err != nil {
		return nil, err
	}
	ask := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for _, p := range described.TopicDescriptions[0].Partitions {
		ask[kafka.TopicPartition{Topic: &topic, Partition: int32(p.Partition)}] = kafka.LatestOffsetSpec
	}
	if len(ask) == 0 {
		return nil, errors.New("it has no partitions")
	}
	listed, err := admin.ListOffsets(ctx, ask, kafka.SetAdminIsolationLevel(level))
	if err != nil {
		return nil, err
	}
	out := make([]kafka.Offset, len(ask))
	for p, info := range listed.ResultInfos {
		if info.Error.Code() != kafka.ErrNoError {
			return nil, fmt.Errorf("partition %d: %w", p.Partition, info.Error)
		}
		out[p.Partition] = info.Offset
	}
	return out, nil
}
