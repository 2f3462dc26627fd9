// Schedule measures the role schedule on the Kafka and Redis that REGIE_KAFKA and REGIE_REDIS name (`make bench-schedule`
// starts them): how a restart goes with many requests pending, how late records are at a rate, and a burst in one second.
//
// Beside the lateness stands that of a bare transactional producer, which at each second writes as many records to the same
// topics in one transaction: it knows them beforehand, and keeps no index.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	role "regie/ingest/schedule"
	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/stream"
)

func main() {
	var b bench
	flag.IntVar(&b.pending, "pending", 1_000_000, "how many requests are pending, for another year")
	flag.IntVar(&b.rate, "rate", 1000, "how many are due in each second")
	flag.IntVar(&b.seconds, "seconds", 20, "for how many seconds")
	flag.IntVar(&b.burst, "burst", 20_000, "how many are due in one second more")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type bench struct {
	pending, rate, seconds, burst int

	name, kafka, target string
	cluster             *stream.Cluster
	redis               redis.UniversalClient
	index               *schedule.Index
	p                   *stream.Producer
}

func (b *bench) run(ctx context.Context) (err error) {
	address := os.Getenv("REGIE_REDIS")
	if b.kafka = os.Getenv("REGIE_KAFKA"); b.kafka == "" || address == "" {
		return errors.New("REGIE_KAFKA and REGIE_REDIS name no servers: run `make bench-schedule`")
	}
	b.name = fmt.Sprintf("bench%x", time.Now().Unix())
	b.target = b.name + "-target"
	b.cluster = stream.New(stream.Config{Brokers: b.kafka, Project: b.name, Instance: "bench", Log: quiet()})
	defer b.cluster.Close()
	defer func() { err = errors.Join(err, b.cluster.Drop(context.WithoutCancel(ctx))) }()
	if _, err := b.cluster.Apply(ctx, 1); err != nil {
		return err
	}
	drop, err := b.makeTarget(ctx)
	if err != nil {
		return err
	}
	defer drop()
	if b.redis, err = catalog.Connect(address); err != nil {
		return err
	}
	b.index = schedule.NewIndex(b.redis, b.name)
	defer func() { err = errors.Join(err, b.empty(context.WithoutCancel(ctx)), b.redis.Close()) }()
	if b.p, err = b.cluster.NewProducer(); err != nil {
		return err
	}
	defer b.p.Close()
	for _, part := range []func(context.Context) error{b.restart, b.bare, b.lateness, b.oneSecond} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (b *bench) makeTarget(ctx context.Context) (drop func(), err error) {
	admin, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": b.kafka})
	if err != nil {
		return nil, err
	}
	_, err = admin.CreateTopics(ctx, []kafka.TopicSpecification{{Topic: b.target, NumPartitions: 12, ReplicationFactor: 1}})
	return func() {
		_, _ = admin.DeleteTopics(context.WithoutCancel(ctx), []string{b.target})
		admin.Close()
	}, err
}

func (b *bench) empty(ctx context.Context) error {
	for _, p := range schedule.Partitions() {
		for _, name := range []string{"position", "due", "entries", "again"} {
			if err := b.redis.Unlink(ctx, fmt.Sprintf("%s:{schedule:%d}:%s", b.name, p, name)).Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// produce requests n records, the i-th at a time.
func (b *bench) produce(ctx context.Context, prefix string, n int, at func(i int) time.Time) error {
	value := []byte(strings.Repeat("x", 100))
	for done := 0; done < n; {
		rs := make([]stream.Record, min(10_000, n-done))
		for i := range rs {
			id := fmt.Sprintf("%s%07d", prefix, done+i)
			rs[i] = schedule.Request(id, at(done+i), b.target, stream.Record{Key: []byte(id), Value: value})
		}
		if _, err := b.p.Produce(ctx, rs); err != nil {
			return err
		}
		done += len(rs)
	}
	return nil
}

// start runs the role until it is stopped.
func (b *bench) start(ctx context.Context) (stop func() error, err error) {
	s := role.New(b.cluster, b.index, time.Now, quiet(), role.NewMetrics(prometheus.NewRegistry()))
	if err := s.Open(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- b.cluster.NewConsumer(s.Consumer()).Run(ctx) }()
	return func() error {
		cancel()
		err := <-done
		s.Close()
		return err
	}, nil
}

// arrivals are read from the target until there are n, each with when it could be read.
func (b *bench) arrivals(ctx context.Context, n int, then func(r *kafka.Message, at time.Time)) (func() error, error) {
	c, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": b.kafka, "group.id": b.name + ".bench", "enable.auto.commit": false,
		"isolation.level": "read_committed", "auto.offset.reset": "latest",
	})
	if err != nil {
		return nil, err
	}
	var parts []kafka.TopicPartition
	for p := range int32(12) {
		_, high, err := c.QueryWatermarkOffsets(b.target, p, 10_000)
		for deadline := time.Now().Add(10 * time.Second); err != nil && ctx.Err() == nil && time.Now().Before(deadline); { // of a new topic
			time.Sleep(100 * time.Millisecond)
			_, high, err = c.QueryWatermarkOffsets(b.target, p, 10_000)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, kafka.TopicPartition{Topic: &b.target, Partition: p, Offset: kafka.Offset(high)})
	}
	if err := c.Assign(parts); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		for n > 0 && ctx.Err() == nil {
			if m, ok := c.Poll(100).(*kafka.Message); ok {
				then(m, time.Now())
				n--
			}
		}
		done <- errors.Join(ctx.Err(), c.Close())
	}()
	return func() error { return <-done }, nil
}

func (b *bench) stored(ctx context.Context) (n int64, err error) {
	states, err := b.index.Look(ctx, schedule.Partitions())
	for _, s := range states {
		n += s.Pending
	}
	return n, err
}

// restart fills the index, then starts the role once more with all of it pending.
func (b *bench) restart(ctx context.Context) error {
	far := time.Now().AddDate(1, 0, 0)
	if err := b.produce(ctx, "pending", b.pending, func(i int) time.Time { return far.Add(time.Duration(i%100_000) * time.Second) }); err != nil {
		return err
	}
	before, err := b.redisMemory(ctx)
	if err != nil {
		return err
	}
	if err := clearPeak(); err != nil {
		return err
	}
	began := time.Now()
	stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	for n := int64(0); n < int64(b.pending); {
		if n, err = b.stored(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), stop())
		case <-time.After(50 * time.Millisecond):
		}
	}
	took := time.Since(began)
	if err := stop(); err != nil {
		return err
	}
	after, err := b.redisMemory(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("index empty   %d requests read in %v (%.0f/s), peak memory %d MiB, of Redis %d MiB (%d bytes each)\n",
		b.pending, took.Round(10*time.Millisecond), float64(b.pending)/took.Seconds(), peakMemory(), (after-before)>>20, (after-before)/int64(max(b.pending, 1)))

	var fired time.Time
	wait, err := b.arrivals(ctx, 1, func(_ *kafka.Message, at time.Time) { fired = at })
	if err != nil {
		return err
	}
	if err := b.produce(ctx, "first", 1, func(int) time.Time { return time.Now().Add(-time.Second) }); err != nil {
		return err
	}
	if err := clearPeak(); err != nil {
		return err
	}
	began = time.Now()
	if stop, err = b.start(ctx); err != nil {
		return err
	}
	if err := errors.Join(wait(), stop()); err != nil {
		return err
	}
	fmt.Printf("restart       %d pending: first fired after %v, peak memory %d MiB\n", b.pending, fired.Sub(began).Round(time.Millisecond), peakMemory())
	return nil
}

// late measures how long after the second in its header each of n records could be read, while make has them made.
func (b *bench) late(ctx context.Context, what string, n int, make func() error) error {
	late := []time.Duration{}
	wait, err := b.arrivals(ctx, n, func(m *kafka.Message, at time.Time) {
		for _, h := range m.Headers {
			if h.Key == schedule.HeaderEpoch {
				epoch, _ := strconv.ParseInt(string(h.Value), 10, 64)
				late = append(late, at.Sub(time.Unix(epoch, 0)))
			}
		}
	})
	if err != nil {
		return err
	}
	if err := errors.Join(make(), wait()); err != nil {
		return err
	}
	slices.Sort(late)
	at := func(q float64) time.Duration { return late[int(q*float64(len(late)-1))].Round(100 * time.Microsecond) }
	fmt.Printf("%-13s %d/s for %d s, until a consumer has them: p50 %v, p99 %v, max %v\n", what, b.rate, b.seconds, at(.5), at(.99), at(1))
	return nil
}

// bare has a producer that knows what it writes each second.
func (b *bench) bare(ctx context.Context) error {
	p, err := b.cluster.NewTxProducer(ctx, "bare")
	if err != nil {
		return err
	}
	defer p.Close()
	return b.late(ctx, "bare", b.rate*b.seconds, func() error {
		value := []byte(strings.Repeat("x", 100))
		for range b.seconds {
			due := time.Now().Truncate(time.Second).Add(time.Second)
			rs := make([]stream.Record, 0, 3*b.rate)
			for _, topic := range []string{"/" + b.target, stream.ScheduleHistory, stream.ScheduleRequest} {
				for i := range b.rate {
					r := schedule.Request(fmt.Sprintf("bare%07d", i), due, b.target, stream.Record{Value: value})
					r.Topic = topic
					if topic == stream.ScheduleRequest {
						r.Value = nil
					}
					rs = append(rs, r)
				}
			}
			<-time.After(time.Until(due))
			if _, err := p.Produce(ctx, rs); err != nil {
				return err
			}
			if err := p.Commit(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// lateness asks for rate records a second, each some seconds ahead, and tells how late they could be read.
func (b *bench) lateness(ctx context.Context) error {
	stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	n := b.rate * b.seconds
	err = b.late(ctx, "lateness", n, func() error {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; i < n; <-tick.C {
			some := min(b.rate/20, n-i)
			due := time.Now().Truncate(time.Second).Add(4 * time.Second)
			if err := b.produce(ctx, fmt.Sprintf("late%d-", i), some, func(int) time.Time { return due }); err != nil {
				return err
			}
			i += some
		}
		return nil
	})
	return errors.Join(err, stop())
}

// oneSecond has many due in one second.
func (b *bench) oneSecond(ctx context.Context) error {
	stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	due := time.Now().Truncate(time.Second).Add(2*time.Second + time.Duration(b.burst/20_000)*time.Second)
	var last time.Time
	wait, err := b.arrivals(ctx, b.burst, func(_ *kafka.Message, at time.Time) { last = at })
	if err != nil {
		return err
	}
	if err := clearPeak(); err != nil {
		return err
	}
	if err := b.produce(ctx, "burst", b.burst, func(int) time.Time { return due }); err != nil {
		return err
	}
	if err := errors.Join(wait(), stop()); err != nil {
		return err
	}
	took := last.Sub(due)
	fmt.Printf("one second    %d due together: all fired after %v (%.0f/s), peak memory %d MiB\n", b.burst, took.Round(time.Millisecond), float64(b.burst)/took.Seconds(), peakMemory())
	return nil
}

// redisMemory is what Redis uses.
func (b *bench) redisMemory(ctx context.Context) (int64, error) {
	info, err := b.redis.Info(ctx, "memory").Result()
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			return strconv.ParseInt(text, 10, 64)
		}
	}
	return 0, err
}

// clearPeak begins the measure of peakMemory anew.
func clearPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMemory is the process's, in MiB.
func peakMemory() int {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib >> 10
		}
	}
	return 0
}
