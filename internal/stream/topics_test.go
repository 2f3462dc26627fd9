package stream_test

import (
	"context"
	"fmt"
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

func TestApplyCreatesEachTopicWithItsPolicy(t *testing.T) {
	brokers := servertest.Kafka(t)
	c := cluster(t, brokers, "test", nil)
	servertest.DropTopics(t, c)
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
	// Any broker may be asked, and hears of new topics in its own time.
	servertest.Await(t, func() string {
		if err := c.Check(t.Context()); err != nil {
			return err.Error()
		}
		created, err := c.Apply(t.Context(), 1)
		if len(created) > 0 {
			t.Errorf("a second time: %q", created)
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})

	a := servertest.Admin(t, brokers)
	for _, topic := range stream.Topics() {
		t.Run(topic.Name, func(t *testing.T) {
			full := c.Topic(topic.Name)
			want := map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "604800000"}
			if strings.HasSuffix(topic.Name, ".dead") {
				want = map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000"}
			}
			if retention := map[string]string{stream.ProgrammeTouched: "86400000", stream.ScheduleHistory: "2592000000"}[topic.Name]; retention != "" {
				want = map[string]string{"cleanup.policy": "delete", "retention.ms": retention}
			}
			if strings.HasPrefix(topic.Name, "user.") {
				want = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
			}
			servertest.Await(t, func() string {
				meta, err := a.GetMetadata(&full, false, 10000)
				if err != nil {
					return err.Error()
				}
				if n := len(meta.Topics[full].Partitions); n != topic.Partitions {
					return fmt.Sprint(n, " partitions")
				}
				rs, err := a.DescribeConfigs(t.Context(), []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: full}})
				if err != nil {
					return err.Error()
				}
				got := map[string]string{}
				for k := range want {
					got[k] = rs[0].Config[k].Value
				}
				return cmp.Diff(want, got)
			})
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
	servertest.DropTopics(t, c)
	err := c.Check(t.Context())
	if err == nil {
		t.Fatal("nothing is there, and Check has nothing to say")
	}
	for _, topic := range stream.Topics() {
		if want := "topic " + c.Topic(topic.Name) + " is missing: run `regie topics apply`"; !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}

	create(t, servertest.Admin(t, brokers), kafka.TopicSpecification{Topic: c.Topic("catalog.video"), NumPartitions: 3, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "compact", "max.message.bytes": "33554432"}})
	create(t, servertest.Admin(t, brokers), kafka.TopicSpecification{Topic: c.Topic("cms.page"), NumPartitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "delete", "max.message.bytes": "1000"}})
	lines := []string{
		"topic " + c.Topic("cms.page") + " has 1 partitions instead of 12: keys would change places; copy it to a new topic of 12 partitions",
		"topic " + c.Topic("catalog.video") + " has 3 partitions instead of 12: keys would change places; copy it to a new topic of 12 partitions",
		"topic " + c.Topic("cms.page") + " has cleanup.policy=delete instead of compact: alter it with Kafka's own tools",
		"topic " + c.Topic("cms.page") + " has max.message.bytes=1000 instead of 67108864: alter it with Kafka's own tools",
	}
	servertest.Await(t, func() string { // when all brokers know of both
		err := fmt.Sprint(c.Check(t.Context()))
		for _, l := range append(lines, "topic "+c.Topic("cms.video")+" is missing") {
			if !strings.Contains(err, l) {
				return fmt.Sprintf("Check: %v\nlacks %q", err, l)
			}
		}
		return ""
	})
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
