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

// TestOneRecordEvery90ms is kafka-transformer's trap, which re-armed its timer at each record and kept the first for
// 18 s: here no stage waits for a second record, nor for a timer. What a stage adds is read from the records' own times,
// and is compared with a bare producer and consumer that go at the same pace on the same broker.
func TestOneRecordEvery90ms(t *testing.T) {
	n := 300
	if testing.Short() {
		n = 50
	}
	s := realServers(t)
	s.must("import", servertest.Titles(t))
	c := s.read()
	id := c.docs["programme"][0].ID
	eventually(t, func() string { return s.differences(c) })

	ctx, cancel := context.WithCancel(t.Context())
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer cancel()
	control, bare := s.name+".control", make(chan time.Duration, n)
	if _, err := s.kafka.CreateTopics(ctx, []kafka.TopicSpecification{{Topic: control, NumPartitions: 1, ReplicationFactor: 1}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.kafka.DeleteTopics(context.Background(), []string{control}) })
	watchers.Go(func() { follow(ctx, t, control, bare) })
	visible := make(chan catalog.Edit, n+10)
	watchers.Go(func() {
		_ = catalog.New(s.redis, s.name+":2").Edits(ctx, func(edit []byte) error {
			var e catalog.Edit
			err := json.Unmarshal(edit, &e)
			visible <- e
			return err
		})
	})
	p, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": os.Getenv("TEST_KAFKA"), "linger.ms": 0, "acks": "all", "go.delivery.reports": false})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	const every = 90 * time.Millisecond
	pace := time.NewTicker(every)
	defer pace.Stop()
	for i := range n {
		<-pace.C
		now, err := time.Now().MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &control}, Value: now}, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.edit(ctx, id, i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() string { return s.served(map[string]int{id: n - 1}) })

	// When each edit was where, by its time in the CMS, which both topics and Redis tell.
	where := map[string]map[int64]time.Time{"capture": {}, "transform": {}, "project": {}}
	cluster := stream.New(stream.Config{Brokers: os.Getenv("TEST_KAFKA"), Project: s.name, Instance: "test", Log: servertest.Log(t)})
	defer cluster.Close()
	for role, topic := range map[string]string{"capture": stream.CMS("programme"), "transform": stream.Catalog("programme")} {
		err := cluster.ReadAll(ctx, topic, func(r stream.Record) error {
			if string(r.Key) == id && !r.CMSTime().IsZero() {
				where[role][r.CMSTime().UnixMilli()] = r.Time
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for len(visible) > 0 {
		e := <-visible
		where["project"][e.ChangedAt.UnixMilli()] = e.VisibleAt
	}
	added := map[string][]time.Duration{}
	for at, captured := range where["capture"] {
		event, made := where["transform"][at]
		shown, seen := where["project"][at]
		if made && seen {
			added["capture"] = append(added["capture"], captured.Sub(time.UnixMilli(at)))
			added["transform"] = append(added["transform"], event.Sub(captured))
			added["project"] = append(added["project"], shown.Sub(event))
		}
	}
	for len(bare) > 0 {
		added["a bare producer and consumer"] = append(added["a bare producer and consumer"], <-bare)
	}
	for name, ds := range added {
		slices.Sort(ds)
		t.Attr(strings.ReplaceAll(name, " ", "-"), fmt.Sprintf("%d records, one every 90 ms: p50 %s, p99 %s, most %s (race detector: %t)",
			len(ds), share(ds, 50), share(ds, 99), ds[len(ds)-1], raceDetector()))
	}
	for _, role := range []string{"capture", "transform", "project"} {
		ds := added[role]
		if len(ds) < n*9/10 { // those that came in one batch with the next have no time of their own
			t.Errorf("%s: %d of %d edits were seen on their way", role, len(ds), n)
			continue
		}
		// How fast is printed. What waits for another record, or for a timer, is not a matter of speed.
		if p50 := share(ds, 50); p50 >= every/2 {
			t.Errorf("%s adds p50 %s to records that come every %s: it waits for more than its record", role, p50, every)
		}
	}
}

// share is a percentile of sorted durations.
func share(ds []time.Duration, percent int) time.Duration {
	return ds[min(len(ds)-1, len(ds)*percent/100)].Round(100 * time.Microsecond)
}

// follow tells how long ago each record of a topic, which holds when that was, was produced.
func follow(ctx context.Context, t *testing.T, topic string, took chan<- time.Duration) {
	c, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": os.Getenv("TEST_KAFKA"), "group.id": topic, "enable.auto.commit": false})
	if err == nil {
		defer func() { _ = c.Close() }()
		err = c.Assign([]kafka.TopicPartition{{Topic: &topic, Offset: 0}})
	}
	if err != nil {
		t.Error(err)
		return
	}
	for ctx.Err() == nil {
		if m, ok := c.Poll(100).(*kafka.Message); ok && m.TopicPartition.Error == nil {
			var produced time.Time
			if err := produced.UnmarshalText(m.Value); err != nil {
				t.Error(err)
				return
			}
			took <- time.Since(produced)
		}
	}
}
