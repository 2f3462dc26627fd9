package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// oneRecordEvery90ms is kafka-transformer's trap, which re-armed its timer at each record and kept the first of 200 for
// 18 s: here no stage waits for a second record, nor for a timer. A stage is told from the moment its input can be read
// to the record's time in its output. The way between, a transaction's commit and a fetch, is told beside that of a bare
// transactional producer and a bare consumer, which go at the same pace on the same broker.
func (s *system) oneRecordEvery90ms(t *testing.T, id string) {
	const n = 150
	const every = 90 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer cancel()
	control := s.name + ".control"
	captured, transformed := s.name+"."+stream.CMS("programme"), s.name+"."+stream.Catalog("programme")
	if _, err := s.kafka.CreateTopics(ctx, []kafka.TopicSpecification{{Topic: control, NumPartitions: 1, ReplicationFactor: 1}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.kafka.DeleteTopics(context.Background(), []string{control}) })
	read := make(chan hop, 10*n)
	watchers.Go(func() { follow(ctx, t, read, control, captured, transformed) })
	visible := make(chan catalog.Edit, 10*n)
	watchers.Go(func() {
		_ = catalog.New(s.redis, s.name+":2").Edits(ctx, func(edit []byte) error {
			var e catalog.Edit
			err := json.Unmarshal(edit, &e)
			visible <- e
			return err
		})
	})
	bare, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": os.Getenv("TEST_KAFKA"), "linger.ms": 0, "transactional.id": control, "go.delivery.reports": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	if err := bare.InitTransactions(ctx); err != nil {
		t.Fatal(err)
	}

	// What waits does so in each round; a machine that stands still for a second or two spoils one.
	const rounds = 3
	for round := 1; ; round++ {
		pace := time.NewTicker(every)
		for i := range n {
			<-pace.C
			if err := s.edit(ctx, id, round*n+i); err != nil {
				t.Fatal(err)
			}
			<-time.After(every / 2) // not in capture's way
			if err := produceOne(ctx, bare, control); err != nil {
				t.Fatal(err)
			}
		}
		pace.Stop()
		servertest.Await(t, func() string { return s.served(map[string]int{id: round*n + n - 1}) })
		added, wrong := onTheWay(id, read, visible, control, captured, transformed, n, every)
		if len(wrong) > 0 && round < rounds {
			t.Log(wrong)
			continue
		}
		for name, ds := range added {
			t.Attr(strings.ReplaceAll(name, " ", "-"), fmt.Sprintf("%d records, one every 90 ms: p50 %s, p99 %s, most %s (race detector: %t)",
				len(ds), share(ds, 50), share(ds, 99), ds[len(ds)-1].Round(100*time.Microsecond), raceDetector()))
		}
		for _, w := range wrong {
			t.Error(w)
		}
		return
	}
}

// onTheWay is what each stage added to each of n records, sorted, and which of them waited for more than its record.
func onTheWay(id string, read <-chan hop, visible <-chan catalog.Edit, control, captured, transformed string, n int, every time.Duration) (added map[string][]time.Duration, wrong []string) {
	// When each edit was where, by its time in the CMS, which both topics and Redis tell.
	hops := map[string]map[int64]hop{captured: {}, transformed: {}}
	added = map[string][]time.Duration{}
	for len(read) > 0 {
		switch h := <-read; {
		case h.topic == control:
			added["a bare way"] = append(added["a bare way"], h.readable.Sub(h.produced))
		case h.key == id:
			hops[h.topic][h.changed.UnixMilli()] = h
		}
	}
	for len(visible) > 0 {
		e := <-visible
		in, captured := hops[captured][e.ChangedAt.UnixMilli()]
		out, transformed := hops[transformed][e.ChangedAt.UnixMilli()]
		if captured && transformed {
			added["capture"] = append(added["capture"], in.produced.Sub(e.ChangedAt))
			added["from capture to transform"] = append(added["from capture to transform"], in.readable.Sub(in.produced))
			added["transform"] = append(added["transform"], out.produced.Sub(in.readable))
			added["from transform to project"] = append(added["from transform to project"], out.readable.Sub(out.produced))
			added["project"] = append(added["project"], e.VisibleAt.Sub(out.readable))
		}
	}
	for _, ds := range added {
		slices.Sort(ds)
	}
	for _, role := range []string{"capture", "transform", "project"} {
		ds := added[role]
		if len(ds) < n*9/10 { // those that came in one batch with the next have no time of their own
			wrong = append(wrong, fmt.Sprintf("%s: %d of %d edits were seen on their way", role, len(ds), n))
			continue
		}
		// How fast is printed. What waits for another record, or for a timer, is not a matter of speed.
		if p50 := share(ds, 50); p50 >= every/2 {
			wrong = append(wrong, fmt.Sprintf("%s adds p50 %s to records that come every %s: it waits for more than its record", role, p50, every))
		}
	}
	return added, wrong
}

// share is a percentile of sorted durations.
func share(ds []time.Duration, percent int) time.Duration {
	return ds[min(len(ds)-1, len(ds)*percent/100)].Round(100 * time.Microsecond)
}

// hop is a record's way through a topic.
type hop struct {
	topic, key         string
	changed            time.Time // in the CMS
	produced, readable time.Time
}

// produceOne commits a record in a transaction of its own.
func produceOne(ctx context.Context, p *kafka.Producer, topic string) error {
	if err := p.BeginTransaction(); err != nil {
		return err
	}
	if err := p.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic}, Value: []byte("x")}, nil); err != nil {
		return err
	}
	return p.CommitTransaction(ctx)
}

// follow tells of each record that comes to the topics when it was produced, and when a consumer could read it.
func follow(ctx context.Context, t *testing.T, read chan<- hop, topics ...string) {
	c, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": os.Getenv("TEST_KAFKA"), "group.id": topics[0], "enable.auto.commit": false,
		"isolation.level": "read_committed", "auto.offset.reset": "latest",
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close() }()
	var all []kafka.TopicPartition
	for _, topic := range topics {
		m, err := c.GetMetadata(&topic, false, 60_000)
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range m.Topics[topic].Partitions {
			all = append(all, kafka.TopicPartition{Topic: &topic, Partition: p.ID, Offset: kafka.OffsetEnd})
		}
	}
	if err := c.Assign(all); err != nil {
		t.Error(err)
		return
	}
	for ctx.Err() == nil {
		if m, ok := c.Poll(100).(*kafka.Message); ok && m.TopicPartition.Error == nil {
			h := hop{topic: *m.TopicPartition.Topic, key: string(m.Key), produced: m.Timestamp, readable: time.Now()}
			for _, header := range m.Headers {
				if header.Key == stream.HeaderCMSTime {
					h.changed = stream.Record{Headers: stream.Headers{{Key: header.Key, Value: string(header.Value)}}}.CMSTime()
				}
			}
			read <- h
		}
	}
}
