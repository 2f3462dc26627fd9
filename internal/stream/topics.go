package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Collections are the CMS's, which capture carries each to a topic of its own and transform makes entities of. Their order
// is contract: a collection's place is its partition of CapturePosition.
func Collections() []string { return []string{"channel", "programme", "video", "person", "page"} }

// CMS is the topic of a collection's changes: MongoDB Extended JSON, key = _id.
func CMS(collection string) string { return "cms." + collection }

// Catalog is the topic of an entity's events: Protobuf, key = entity id.
func Catalog(entity string) string { return "catalog." + entity }

// CapturePosition holds each collection's resume token; its partitions elect the collections' owners.
const CapturePosition = "capture.position"

// The topics of what viewers do: Protobuf events, key = the viewer's pseudonym.
const (
	UserFavourite = "user.favourite"
	UserProgress  = "user.progress"
)

// ProgrammeTouched has the programmes whose sections may be others now, ProgrammeEnriched the sections: Protobuf events, key
// = programme id.
const (
	ProgrammeTouched  = "catalog.programme-touched"
	ProgrammeEnriched = "catalog.programme-enriched"
)

// ScheduleRequest has what is to happen at a time, of any producer: key = the schedule's id, value = any, headers as
// internal/schedule says. ScheduleHistory has copies of what did, key = the target's.
const (
	ScheduleRequest = "schedule.request"
	ScheduleHistory = "schedule.history"
)

// Dead is the topic of the records that a role set aside.
func Dead(role string) string { return role + ".dead" }

// Topic is the contract of one topic. Its name lacks the project's part.
type Topic struct {
	Name string
	// Key says what a record's key is.
	Key        string
	Partitions int
	// Retention is how long records are kept, or Forever; 0 means compacted: the latest of each key, for ever.
	Retention       time.Duration
	MaxMessageBytes int
}

// Forever is the Retention of topics that are the only place where what they say is kept.
const Forever time.Duration = -1

const (
	// keyedPartitions never grows in place: a key must stay in its partition, where its order and its fence are.
	keyedPartitions = 12
	// DeleteRetention is how long a tombstone stays readable, and thus how long sinks keep a removed thing's fence.
	DeleteRetention = 7 * 24 * time.Hour
	mebi            = 1 << 20
	maxDeadBytes    = 65 * mebi
)

// Topics are all of the project's topics, in the order of the flow.
func Topics() []Topic {
	var ts []Topic
	for _, c := range Collections() {
		// A CMS document has at most 16 MiB, and a change holds up to two of them as Extended JSON.
		ts = append(ts, Topic{Name: CMS(c), Key: "document _id", Partitions: keyedPartitions, MaxMessageBytes: 64 * mebi})
	}
	ts = append(ts, Topic{Name: CapturePosition, Key: "collection", Partitions: 8, MaxMessageBytes: mebi})
	for _, e := range Collections() {
		ts = append(ts, Topic{Name: Catalog(e), Key: "entity id", Partitions: keyedPartitions, MaxMessageBytes: 32 * mebi})
	}
	ts = append(ts,
		Topic{Name: ProgrammeTouched, Key: "programme id", Partitions: keyedPartitions, Retention: 24 * time.Hour, MaxMessageBytes: mebi},
		Topic{Name: ProgrammeEnriched, Key: "programme id", Partitions: keyedPartitions, MaxMessageBytes: 32 * mebi},
		Topic{Name: ScheduleRequest, Key: "schedule id", Partitions: keyedPartitions, MaxMessageBytes: 32 * mebi},
		Topic{Name: ScheduleHistory, Key: "as the target's", Partitions: keyedPartitions, Retention: 30 * 24 * time.Hour, MaxMessageBytes: 32 * mebi},
	)
	for _, u := range []string{UserFavourite, UserProgress} {
		ts = append(ts, Topic{Name: u, Key: "viewer's pseudonym", Partitions: keyedPartitions, Retention: Forever, MaxMessageBytes: mebi})
	}
	for _, r := range []string{"transform", "recommend", "project", "persist", "trend", "schedule"} {
		ts = append(ts, Topic{Name: Dead(r), Key: "as the record's", Partitions: 1, Retention: 30 * 24 * time.Hour, MaxMessageBytes: maxDeadBytes})
	}
	return ts
}

func (t Topic) config() map[string]string {
	m := map[string]string{"max.message.bytes": strconv.Itoa(t.MaxMessageBytes)}
	if t.Retention != 0 {
		m["cleanup.policy"] = "delete"
		m["retention.ms"] = strconv.FormatInt(t.Retention.Milliseconds(), 10)
		if t.Retention == Forever {
			m["retention.ms"] = "-1"
			m["retention.bytes"] = "-1"
		}
	} else {
		m["cleanup.policy"] = "compact"
		m["delete.retention.ms"] = strconv.FormatInt(DeleteRetention.Milliseconds(), 10)
		// A tombstone's entity must be gone from a compacted topic in days, not whenever half of it is dirty.
		m["min.cleanable.dirty.ratio"] = "0.1"
	}
	return m
}

// Apply creates what is missing with the given replication factor (0: the broker's default) and checks what exists.
// It returns the names it created. A topic that contradicts its contract is an error that says what to do; all such
// are reported at once. Where names are given, it does so with these topics alone.
func (c *Cluster) Apply(ctx context.Context, replication int, only ...string) (created []string, err error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}

	if replication == 0 {
		replication = -1
	}
	topics := Topics()
	if len(only) > 0 {
		topics = slices.DeleteFunc(topics, func(t Topic) bool { return !slices.Contains(only, t.Name) })
	}
	var specs []kafka.TopicSpecification
	for _, t := range topics {
		specs = append(specs, kafka.TopicSpecification{Topic: c.Topic(t.Name), NumPartitions: t.Partitions, ReplicationFactor: replication, Config: t.config()})
	}
	results, err := admin.CreateTopics(ctx, specs, kafka.SetAdminOperationTimeout(30*time.Second))
	if err != nil {
		return nil, fmt.Errorf("creating topics at %s: %w", c.cfg.Brokers, err)
	}
	for _, r := range results {
		switch r.Error.Code() {
		case kafka.ErrNoError:
			created = append(created, r.Topic)
		case kafka.ErrTopicAlreadyExists:
		default:
			return created, fmt.Errorf("creating topic %s: %w", r.Topic, r.Error)
		}
	}
	// The controller answers before all brokers know of new topics.
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	for {
		if err = c.check(ctx, admin, topics); len(created) == 0 || !errors.Is(err, errMissing) {
			return created, err
		}
		select {
		case <-ctx.Done():
			return created, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var errMissing = errors.New("run `regie topics apply`")

// Drop deletes all of the project's topics, for tests and benchmarks, which leave none behind.
func (c *Cluster) Drop(ctx context.Context) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	var names []string
	for _, t := range Topics() {
		names = append(names, c.Topic(t.Name))
	}
	if _, err := admin.DeleteTopics(ctx, names, kafka.SetAdminOperationTimeout(kafkaTimeout)); err != nil {
		return fmt.Errorf("deleting topics: %w", err)
	}
	return nil
}

// Check is Apply without creating anything.
func (c *Cluster) Check(ctx context.Context) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	return c.check(ctx, admin, Topics())
}

func (c *Cluster) check(ctx context.Context, admin *kafka.AdminClient, topics []Topic) error {
	found, err := c.describeAtLast(ctx, admin, topics)
	if err != nil {
		return err
	}
	var errs []error
	var resources []kafka.ConfigResource
	want := map[string]Topic{}
	for _, t := range topics {
		full := c.Topic(t.Name)
		want[full] = t
		d, ok := found[full]
		if !ok {
			errs = append(errs, fmt.Errorf("topic %s is missing: %w", full, errMissing))
			continue
		}
		if n := len(d.Partitions); n != t.Partitions {
			errs = append(errs, fmt.Errorf("topic %s has %d partitions instead of %d: keys would change places; copy it to a new topic of %d partitions", full, n, t.Partitions, t.Partitions))
		}
		resources = append(resources, kafka.ConfigResource{Type: kafka.ResourceTopic, Name: full})
	}
	if len(resources) == 0 {
		return errors.Join(errs...)
	}
	configs, err := admin.DescribeConfigs(ctx, resources, kafka.SetAdminRequestTimeout(kafkaTimeout))
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("describing topic configurations: %w", err))...)
	}
	for _, r := range configs {
		keys := []string{"cleanup.policy", "max.message.bytes"}
		if want[r.Name].Retention == Forever {
			keys = append(keys, "retention.ms", "retention.bytes")
		}
		for _, key := range keys {
			if w, g := want[r.Name].config()[key], r.Config[key].Value; g != "" && g != w {
				errs = append(errs, fmt.Errorf("topic %s has %s=%s instead of %s: alter it with Kafka's own tools", r.Name, key, g, w))
			}
		}
	}
	return errors.Join(errs...)
}

// describeAtLast is describe, of declared topics and as often as that takes.
func (c *Cluster) describeAtLast(ctx context.Context, admin *kafka.AdminClient, topics []Topic) (map[string]kafka.TopicDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	var names []string
	for _, t := range topics {
		names = append(names, c.Topic(t.Name))
	}
	for {
		found, err := c.describe(ctx, admin, names)
		if err == nil {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// describe returns the topics that exist, by full name.
//
// The client asks the controller that it knows, and as long as that one does not answer it neither looks for another nor
// pauses between its attempts to connect. So it is told first who the controller is now.
func (c *Cluster) describe(ctx context.Context, admin *kafka.AdminClient, names []string) (map[string]kafka.TopicDescription, error) {
	if _, err := admin.GetMetadata(nil, false, int(within(ctx).Milliseconds())); err != nil {
		return nil, fmt.Errorf("asking %s for the brokers: %w", c.cfg.Brokers, err)
	}
	res, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames(names), kafka.SetAdminRequestTimeout(within(ctx)))
	if err != nil {
		return nil, fmt.Errorf("describing topics at %s: %w", c.cfg.Brokers, err)
	}
	found := map[string]kafka.TopicDescription{}
	for _, d := range res.TopicDescriptions {
		switch d.Error.Code() {
		case kafka.ErrNoError:
			found[d.Name] = d
		case kafka.ErrUnknownTopicOrPart:
		default:
			return nil, fmt.Errorf("describing topic %s: %w", d.Name, d.Error)
		}
	}
	return found, nil
}
