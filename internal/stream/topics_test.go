package stream_test

import (
	"context"
	"strings"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/go-cmp/cmp"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// cluster is like servertest.Cluster, without the topics and with librdkafka properties.
func cluster(t *testing.T, brokers, instance string, properties map[string]string) *stream.Cluster {
	t.Helper()
	return sibling(t, brokers, servertest.Name(), instance, properties)
}

// sibling is a cluster of a given project.
func sibling(t *testing.T, brokers, project, instance string, properties map[string]string) *stream.Cluster {
	t.Helper()
	c := stream.New(stream.Config{Brokers: brokers, Project: project, Instance: instance, Properties: properties, Log: servertest.Log(t)})
	t.Cleanup(c.Close)
	return c
}

func adminOf(t *testing.T, brokers string) *kafka.AdminClient {
	t.Helper()
	a, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestApplyCreatesEachTopicWithItsPolicy(t *testing.T) {
	brokers := servertest.Kafka(t)
	c := cluster(t, brokers, "test", nil)
	var names []string
	for _, topic := range stream.Topics() {
		names = append(names, c.Topic(topic.Name))
	}
	created, err := c.Apply(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names, created); diff != "" {
		t.Error(diff)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if created, err = c.Apply(t.Context(), 1); err != nil || len(created) > 0 {
		t.Errorf("a second time: %q, %v", created, err)
	}

	a := adminOf(t, brokers)
	meta, err := a.GetMetadata(nil, true, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range stream.Topics() {
		t.Run(topic.Name, func(t *testing.T) {
			full := c.Topic(topic.Name)
			if n := len(meta.Topics[full].Partitions); n != topic.Partitions {
				t.Errorf("%d partitions", n)
			}
			rs, err := a.DescribeConfigs(t.Context(), []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: full}})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "604800000"}
			if strings.HasSuffix(topic.Name, ".dead") {
				want = map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000"}
			}
			if strings.HasPrefix(topic.Name, "user.") {
				want = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
			}
			got := map[string]string{}
			for k := range want {
				got[k] = rs[0].Config[k].Value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTopicsThatAreJoinedHaveAsManyPartitions(t *testing.T) {
	partitions := map[string]int{}
	for _, topic := range stream.Topics() {
		partitions[topic.Name] = topic.Partitions
	}
	for _, e := range stream.Collections() {
		if in, out := partitions[stream.CMS(e)], partitions[stream.Catalog(e)]; in != out || in == 0 {
			t.Errorf("%s has %d partitions, %s has %d", stream.CMS(e), in, stream.Catalog(e), out)
		}
	}
}

func TestAllContradictionsAreReportedAtOnce(t *testing.T) {
	brokers := servertest.Kafka(t)
	c := cluster(t, brokers, "test", nil)
	err := c.Check(t.Context())
	if err == nil {
		t.Fatal("nothing is there, and Check has nothing to say")
	}
	for _, topic := range stream.Topics() {
		if want := "topic " + c.Topic(topic.Name) + " is missing: run `regie topics apply`"; !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}

	create(t, adminOf(t, brokers), kafka.TopicSpecification{Topic: c.Topic("catalog.video"), NumPartitions: 3, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "compact", "max.message.bytes": "33554432"}})
	create(t, adminOf(t, brokers), kafka.TopicSpecification{Topic: c.Topic("cms.page"), NumPartitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "delete", "max.message.bytes": "1000"}})
	lines := []string{
		"topic " + c.Topic("cms.page") + " has 1 partitions instead of 12: keys would change places; copy it to a new topic of 12 partitions",
		"topic " + c.Topic("catalog.video") + " has 3 partitions instead of 12: keys would change places; copy it to a new topic of 12 partitions",
		"topic " + c.Topic("cms.page") + " has cleanup.policy=delete instead of compact: alter it with Kafka's own tools",
		"topic " + c.Topic("cms.page") + " has max.message.bytes=1000 instead of 67108864: alter it with Kafka's own tools",
	}
	eventually(t, "the broker knows of both", func() bool {
		err = c.Check(t.Context())
		return err == nil || !strings.Contains(err.Error(), "cms.page is missing") && !strings.Contains(err.Error(), "catalog.video is missing")
	})
	if err == nil || !strings.Contains(err.Error(), "topic "+c.Topic("cms.video")+" is missing") {
		t.Errorf("Check: %v", err)
	}
	for _, l := range lines {
		if err == nil || !strings.Contains(err.Error(), l) {
			t.Errorf("Check: %v\nlacks %q", err, l)
		}
	}
	created, err := c.Apply(t.Context(), 1)
	if n := len(stream.Topics()) - 2; len(created) != n {
		t.Errorf("Apply created %d topics instead of %d", len(created), n)
	}
	if err == nil {
		t.Fatal("Apply has nothing to say")
	}
	if diff := cmp.Diff(lines, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func create(t *testing.T, a *kafka.AdminClient, spec kafka.TopicSpecification) {
	t.Helper()
	rs, err := a.CreateTopics(context.Background(), []kafka.TopicSpecification{spec})
	if err != nil {
		t.Fatal(err)
	}
	if code := rs[0].Error.Code(); code != kafka.ErrNoError {
		t.Fatal(rs[0].Error)
	}
}
