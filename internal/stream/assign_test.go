package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/go-cmp/cmp"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// told is a log that tests read.
type told struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines are those that hold all of the words.
func (l *told) lines(words ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
lines:
	for line := range strings.Lines(l.b.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		out = append(out, line)
	}
	return out
}

// once fails unless one line of the log holds all of the words.
func (l *told) once(t *testing.T, words ...string) {
	t.Helper()
	if n := len(l.lines(words...)); n != 1 {
		l.mu.Lock()
		defer l.mu.Unlock()
		t.Errorf("%d lines of the log say %q:\n%s", n, words, &l.b)
	}
}

// listen returns a cluster with its topics whose log is kept, and an administrator of its broker.
func listen(t *testing.T) (*stream.Cluster, *kafka.AdminClient, *told) {
	t.Helper()
	log := &told{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what was logged:\n%s", strings.Join(log.lines(), ""))
		}
	})
	brokers := servertest.Kafka(t)
	c := stream.New(stream.Config{Brokers: brokers, Project: servertest.Name(), Instance: "test", Log: slog.New(slog.NewTextHandler(log, nil))})
	t.Cleanup(c.Close)
	servertest.Topics(t, c, used...)
	return c, servertest.Admin(t, brokers), log
}

// keeper is a sink that keeps its positions, as Redis does.
type keeper struct {
	probe
	stored map[string]*stream.Position
}

func (k *keeper) Start(_ context.Context, parts []stream.Assigned) ([]stream.Start, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]stream.Start, len(parts))
	for i, a := range parts {
		out[i] = stream.Resume(a, k.stored[a.String()], time.Now())
	}
	return out, nil
}

func (k *keeper) Apply(ctx context.Context, b *stream.Batch) error {
	if err := k.probe.Apply(ctx, b); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stored == nil {
		k.stored = map[string]*stream.Position{}
	}
	for _, r := range b.Ends() {
		k.stored[stream.Assigned{Topic: r.Topic, Partition: r.Partition}.String()] = &stream.Position{TopicID: r.TopicID, Incarnation: r.Fence.Incarnation, Offset: r.Offset + 1}
	}
	return nil
}

// cut deletes a partition's records before an offset. Kafka refuses that of a topic that is only compacted.
func cut(t *testing.T, c *stream.Cluster, admin *kafka.AdminClient, topic string, partition int32, before int64) {
	t.Helper()
	full := c.Topic(topic)
	policy := func(p string) {
		t.Helper()
		_, err := admin.IncrementalAlterConfigs(t.Context(), []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: full, Config: []kafka.ConfigEntry{
			{Name: "cleanup.policy", Value: p, IncrementalOperation: kafka.AlterConfigOpTypeSet},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	policy("compact,delete")
	defer policy("compact")
	servertest.Eventually(t, "the broker knows the policy", func() bool {
		res, err := admin.DeleteRecords(t.Context(), []kafka.TopicPartition{{Topic: &full, Partition: partition, Offset: kafka.Offset(before)}})
		return err == nil && res.DeleteRecordsResults[0].TopicPartition.Error == nil
	})
}

// TestRecordsThatWereDeletedUnreadAreSaid: the role goes on with what the log still has.
func TestRecordsThatWereDeletedUnreadAreSaid(t *testing.T) {
	for name, running := range map[string]bool{"while the role is down": false, "while it runs": true} {
		t.Run(name, func(t *testing.T) {
			c, admin, log := listen(t)
			hold, held := make(chan struct{}), make(chan struct{}, 100)
			sink, paused := &keeper{}, false
			sink.before = func(b *stream.Batch) error {
				if string(b.Records[len(b.Records)-1].Value) != "held" {
					return nil
				}
				select {
				case <-hold:
					if paused { // since: what was fetched between two attempts, before the cut, is forgotten
						return nil
					}
					paused = true
				default:
					held <- struct{}{}
				}
				return errors.New("the sink is down")
			}
			r := consume(t, c, stream.ConsumerConfig{Sink: sink})
			put(t, c, at(3, "a"))
			sink.awaitApplied(t, 1)
			next := int64(1)
			if running { // it asks for nothing while it tries again
				put(t, c, at(3, "held"))
				<-held
				next = 2
			} else if err := r.stop(t); err != nil {
				t.Fatal(err)
			}
			put(t, c, at(3, "gone"), at(3, "gone too"), at(3, "there"))
			cut(t, c, admin, in, 3, next+2)
			close(hold)
			if !running {
				r = consume(t, c, stream.ConsumerConfig{Sink: sink})
			}
			sink.await(t, "what is left", func() bool {
				return len(sink.applied) > 0 && string(sink.applied[len(sink.applied)-1].Value) == "there"
			})
			servertest.Eventually(t, "ready", r.Ready)
			sink.read(func() {
				want := []string{"a", "held", "there"}
				if !running {
					want = []string{"a", "there"}
				}
				if diff := cmp.Diff(want, values(sink.applied)); diff != "" {
					t.Error(diff)
				}
			})
			log.once(t, `msg="reading again"`, `why="records were deleted before the sink had them"`, "partitions=1",
				fmt.Sprintf(`first="%s/3 position %d, log %d to %d"`, in, next, next+2, next+3), "records=1", "level=WARN")
		})
	}
}

func TestOutputThatWasDeletedIsComputedAgain(t *testing.T) {
	for name, all := range map[string]bool{"all of it": true, "some of it": false} {
		t.Run(name, func(t *testing.T) {
			c, admin, log := listen(t)
			defer start(t, c)()
			put(t, c, at(0, "a"), at(0, "b"), at(0, "c"))
			before := await(t, c, out, 3)
			words := []string{`msg="reading again"`, `why="`, "output", in + "/0", "records=3"}
			said := len(log.lines(words...)) // its start, if that was after the records
			to := int64(2)
			if all {
				to = 3
			}
			cut(t, c, admin, out, 0, to)
			servertest.Eventually(t, "it is said", func() bool { return len(log.lines(words...)) > said })
			got := await(t, c, out, 6-int(to)) // with what was left
			if diff := cmp.Diff(before, got[len(got)-3:]); diff != "" {
				t.Error(diff)
			}
			if n := len(log.lines(words...)); n != said+1 {
				t.Errorf("it is said %d times", n-said)
			}
			put(t, c, at(0, "d"))
			if got := await(t, c, out, len(got)+1); len(got) != len(before)+4-int(to) {
				t.Errorf("it is computed again and again: %q", got)
			}
		})
	}
}

// TestWhoSetsTheGroupMakesNobodyLoseAnything: offsets that an operator stores beyond what was done, or deletes.
func TestWhoSetsTheGroupMakesNobodyLoseAnything(t *testing.T) {
	tests := map[string]struct {
		set  func(t *testing.T, c *stream.Cluster, admin *kafka.AdminClient)
		want string
	}{
		"to the end":     {setGroup(2), "its committed offsets are not this role's"},
		"beyond the end": {setGroup(1000), "its committed offsets are not this role's"},
		"deleted": {func(t *testing.T, c *stream.Cluster, admin *kafka.AdminClient) {
			servertest.Eventually(t, "the group is deleted", func() bool {
				res, err := admin.DeleteConsumerGroups(t.Context(), []string{c.Topic("transform")})
				return err == nil && res.ConsumerGroupResults[0].Error.Code() == kafka.ErrNoError
			})
		}, ""},
	}
	for name, tt := range tests {
		t.Run("transform, "+name, func(t *testing.T) {
			t.Parallel() // a static member is waited for
			c, admin, log := listen(t)
			stop := start(t, c)
			put(t, c, at(0, "a"))
			await(t, c, out, 1)
			stop()
			put(t, c, at(0, "b"))
			leave(t, c, admin)
			tt.set(t, c, admin)
			defer start(t, c)()
			if diff := cmp.Diff([]string{"k=A", "k=B"}, await(t, c, out, 2)); diff != "" {
				t.Error(diff)
			}
			if tt.want != "" {
				log.once(t, tt.want, "first=")
			}
		})
		t.Run("a sink with positions, "+name, func(t *testing.T) {
			t.Parallel()
			c, admin, log := listen(t)
			sink := &keeper{}
			r := consume(t, c, stream.ConsumerConfig{Sink: sink})
			put(t, c, at(0, "a"))
			sink.awaitApplied(t, 1)
			if err := r.stop(t); err != nil {
				t.Fatal(err)
			}
			put(t, c, at(0, "b"))
			leave(t, c, admin)
			tt.set(t, c, admin)
			consume(t, c, stream.ConsumerConfig{Sink: sink})
			sink.awaitApplied(t, 2)
			if tt.want != "" {
				log.once(t, tt.want, "first=")
			}
		})
	}
}

// leave makes the broker forget the group's static member, which has ended without leaving.
func leave(t *testing.T, c *stream.Cluster, admin *kafka.AdminClient) {
	t.Helper()
	group := c.Topic("transform")
	servertest.Eventually(t, "the group is empty", func() bool {
		res, err := admin.DescribeConsumerGroups(t.Context(), []string{group})
		return err == nil && (res.ConsumerGroupDescriptions[0].State == kafka.ConsumerGroupStateEmpty || res.ConsumerGroupDescriptions[0].State == kafka.ConsumerGroupStateDead)
	})
}

func setGroup(to int64) func(*testing.T, *stream.Cluster, *kafka.AdminClient) {
	return func(t *testing.T, c *stream.Cluster, admin *kafka.AdminClient) {
		t.Helper()
		topic := c.Topic(in)
		res, err := admin.AlterConsumerGroupOffsets(t.Context(), []kafka.ConsumerGroupTopicPartitions{{
			Group: c.Topic("transform"), Partitions: []kafka.TopicPartition{{Topic: &topic, Offset: kafka.Offset(to)}},
		}})
		if err == nil {
			err = res.ConsumerGroupsTopicPartitions[0].Partitions[0].Error
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestARoleThatCatchesUpSaysHowFarItIs in what it answers to readiness.
func TestARoleThatCatchesUpSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	c, _, log := listen(t)
	var rs []stream.Record
	for i := range 40 {
		rs = append(rs, at(0, fmt.Sprint(i)))
	}
	put(t, c, rs...)
	goOn := make(chan struct{})
	sink := &keeper{}
	sink.before = func(b *stream.Batch) error {
		switch b.Records[0].Offset {
		case 10:
			<-goOn
		case 19: // the machine is slow
			<-time.After(stream.TellEvery)
		}
		return nil
	}
	r := consume(t, c, stream.ConsumerConfig{Sink: sink, MaxBatch: 1})
	sink.awaitApplied(t, 10)
	servertest.Eventually(t, "it says so", func() bool {
		err := r.Waiting()
		return err != nil && strings.HasPrefix(err.Error(), "is catching up with its topics: 10 of 40 records, 25 %") &&
			strings.HasSuffix(err.Error(), " (the sink has no position: it is new, or was emptied)")
	})
	close(goOn)
	servertest.Eventually(t, "ready", func() bool { return r.Waiting() == nil })
	servertest.Eventually(t, "it is said", func() bool { return len(log.lines(`msg="read to the end"`)) > 0 })
	log.once(t, `msg="catching up"`, "records=20 of=40 percent=50 to_go=")
	log.once(t, `msg="reading again"`, "level=INFO", "topics="+in, "partitions=1", "records=40")
	log.once(t, `msg="read to the end"`, `why="the sink has no position`, "records=40", "took=")
}
