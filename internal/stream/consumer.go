package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"golang.org/x/sync/errgroup"
)

// Sink is where a role's effects go. Its methods are called by one goroutine at a time.
type Sink interface {
	// Start says where each partition is to be read from: at assignment, and again when Moved names it. The order is
	// that of parts. An error is retried.
	Start(ctx context.Context, parts []Assigned) ([]Start, error)
	// Apply does the effects of a batch and then stores its position. Records that can never be applied it gives to
	// Batch.Reject. After an error the whole batch comes again, so every effect must bear repeating.
	Apply(ctx context.Context, b *Batch) error
	// Moved returns those of the partitions whose stored position is not the one this sink stored last: emptied,
	// restored, or written by another.
	Moved(ctx context.Context, parts []Assigned) ([]Assigned, error)
}

// ConsumerConfig says what a Consumer reads and where its effects go.
type ConsumerConfig struct {
	// Role is the group, the log attribute and the dead-letter topic.
	Role string
	// Part tells the consumers of a role apart that has several: the group is then Role.Part.
	Part   string
	Topics []string // without the project
	Sink   Sink
	// Transactional: the sink commits offsets itself, in transactions; see Producer.CommitWith.
	Transactional bool
	// AtEnd, when set, is told of partitions that are applied to their logs' ends, once each time that they are begun. After
	// an error it is told again.
	AtEnd func(ctx context.Context, parts []Assigned) error
	// MaxBatch bounds the records of a batch; default 500.
	MaxBatch int
	// Observe, when set, is told of each applied batch.
	Observe func(b *Batch, rejected int)
	// Work, when set, is done between batches, by the same goroutine: what a clock asks for rather than a record. It says
	// after how long it is to be called again, though no batch comes.
	Work func(ctx context.Context, held Held) time.Duration
	// Screens are what the effects can be seen on, as labels of their freshness; none when nobody sees them.
	Screens []string
}

// Consumer reads topics as a member of a group and hands them to a sink, batch by batch: what one poll finds, so that
// a lone record waits for nothing and a backlog goes in large steps. A batch that fails is retried, with back-off and
// without losing the membership, until it succeeds: order is kept and nothing is skipped.
type Consumer struct {
	cluster *Cluster
	cfg     ConsumerConfig
	log     *slog.Logger

	c     *kafka.Consumer
	admin *kafka.AdminClient
	dead  *Producer
	owned map[string]*ownedPartition
	ready atomic.Bool
	// waits says for what, until ready; see unready.
	waits atomic.Pointer[string]
	lag   *lag
	pulse *pulse
	// assigned is since when the assignment is as it is; zero before the first.
	assigned time.Time
	// astray: the client met a log that does not have the offset it asked for.
	astray bool
	// begun: partitions were assigned before.
	begun bool
	// again is when Work is to be called again.
	again time.Time
	toEnd catchUp
}

type ownedPartition struct {
	Assigned
	incarnation int64
	// replayed is up to where the log is read again: no change that somebody waits for.
	replayed int64
	// next is the offset after the last one applied.
	next int64
	// caughtUp: the log's end was reached once since the assignment; end is where it was the last time.
	caughtUp bool
	end      int64
	// told: AtEnd was told so.
	told bool
}

const (
	defaultBatch  = 500
	maxBatchBytes = 32 * mebi
	idlePoll      = 100 * time.Millisecond
	// checkEvery is how soon a sink that was emptied behind our back is noticed when no record comes, if asking is quick;
	// thirty times that, if it is not.
	checkEvery = time.Second
	// checkTimeout is how long records may wait for a server that does not answer whether it is so.
	checkTimeout = time.Second
	// finish is how long the batch under way may take once the consumer is to end.
	finish = 5 * time.Second
	// closeWithin is how long a member's last words to the brokers may take.
	closeWithin = 5 * time.Second
	// spareAfter is when a member that was given no partition counts as ready: to take over.
	spareAfter = 5 * time.Second
)

// closing commits what is stored and closes a member, with those who read its log. Where brokers are away that takes as
// long as its session: then it is left to end by itself, which is soon when the process does.
func closing(k *kafka.Consumer, logs *errgroup.Group) error {
	done := make(chan error, 1)
	go func() {
		err := k.Close()
		_ = logs.Wait()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(closeWithin):
		return nil
	}
}

// lasting is done d after ctx is, or when it is cancelled.
func lasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		select {
		case <-out.Done():
		case <-time.After(d):
		}
	})
	return out, func() { stop(); cancel() }
}

// NewConsumer does no I/O; Run does.
func (c *Cluster) NewConsumer(cfg ConsumerConfig) *Consumer {
	if cfg.MaxBatch == 0 {
		cfg.MaxBatch = defaultBatch
	}
	out := &Consumer{cluster: c, cfg: cfg, log: c.log.With("role", cfg.Role), owned: map[string]*ownedPartition{}}
	out.unready("is waiting for its partitions")
	return out
}

// Ready tells whether every assigned partition has been applied up to where its log ended at assignment.
func (c *Consumer) Ready() bool { return c.ready.Load() }

// Waiting is what the consumer waits for, with how far it is; nil when it is ready.
func (c *Consumer) Waiting() error {
	if c.Ready() {
		return nil
	}
	if waits := *c.waits.Load(); waits != "" {
		return errors.New(waits)
	}
	return errors.New(c.toEnd.progress().String())
}

// unready says what for; "" for what is left of its logs.
func (c *Consumer) unready(waits string) {
	c.waits.Store(&waits)
	c.ready.Store(false)
}

func (c *Cluster) groupConfig(group string) *kafka.ConfigMap {
	m := kafka.ConfigMap{
		"statistics.interval.ms":          int(statsEvery.Milliseconds()),
		"group.id":                        c.cfg.Project + "." + group,
		"group.protocol":                  "classic",
		"partition.assignment.strategy":   "cooperative-sticky",
		"isolation.level":                 "read_committed",
		"auto.offset.reset":               "earliest",
		"enable.auto.commit":              true, // of what StoreOffsets was given, that is of what is applied
		"enable.auto.offset.store":        false,
		"enable.partition.eof":            true,
		"auto.commit.interval.ms":         1000,
		"session.timeout.ms":              15000,
		"heartbeat.interval.ms":           1000,
		"max.poll.interval.ms":            600000,
		"fetch.error.backoff.ms":          50,
		"fetch.wait.max.ms":               100, // an end is only told when a fetch comes back empty
		"fetch.queue.backoff.ms":          20,
		"queued.max.messages.kbytes":      65536,
		"fetch.message.max.bytes":         4 * mebi,
		"receive.message.max.bytes":       128 * mebi,
		"fetch.max.bytes":                 64 * mebi,
		"go.application.rebalance.enable": true,
	}
	if !c.cfg.Leaves {
		m["group.instance.id"] = c.cfg.Project + "." + group + "." + c.cfg.Instance
	}
	return c.config(m)
}

// Run consumes until ctx is done, then finishes the batch under way, commits, and returns nil. An error means that the consumer
// cannot go on: a fatal client error, or another process that runs under the same instance name.
func (c *Consumer) Run(ctx context.Context) (err error) {
	cfg := c.cluster.groupConfig(c.group())
	(*cfg)["auto.offset.reset"] = "error" // the sink says where to begin, also when the log was cut
	c.c, err = kafka.NewConsumer(cfg)
	if err != nil {
		return fmt.Errorf("making the consumer of %s: %w", c.cfg.Role, err)
	}
	var g errgroup.Group
	g.Go(func() error { c.cluster.forwardLogs(c.c.Logs()); return nil })
	m := c.cluster.metrics
	m.begin(c.cfg.Role, c.cfg.Topics)
	c.lag = m.lag.open(c.cfg.Role, c.high)
	var still func()
	c.pulse, still = c.cluster.beginPulse(c.cfg.Role)
	work, finished := lasting(ctx, finish)
	defer func() {
		finished()
		still()
		m.lag.close(c.lag)
		m.clients.forget(c.c)
		if cerr := closing(c.c, &g); err == nil && cerr != nil {
			err = fmt.Errorf("closing the consumer of %s: %w", c.cfg.Role, cerr)
		}
	}()
	if c.admin, err = c.cluster.admin(); err != nil {
		return err
	}
	// A copy is larger than its original, by its headers.
	if c.dead, err = c.cluster.producer("dead."+c.cfg.Role, kafka.ConfigMap{"message.max.bytes": maxDeadBytes}); err != nil {
		return err
	}
	defer c.dead.Close()

	full := make([]string, len(c.cfg.Topics))
	for i, t := range c.cfg.Topics {
		full[i] = c.cluster.Topic(t)
	}
	err = c.c.SubscribeTopics(full, func(_ *kafka.Consumer, ev kafka.Event) error { return c.rebalance(ctx, ev) })
	if err != nil {
		return fmt.Errorf("subscribing to %v: %w", full, err)
	}
	return c.loop(ctx, work)
}

// loop goes round until ctx is done; its effects may take until work is.
func (c *Consumer) loop(ctx, work context.Context) error {
	check := time.Now().Add(checkEvery)
	for ctx.Err() == nil {
		c.pulse.beat("waiting for records")
		b, err := c.poll(ctx)
		if err != nil {
			return err
		}
		if len(b.Records) > 0 {
			if err := c.apply(ctx, work, b); err != nil {
				return err
			}
		}
		c.tellEnds(work)
		if c.cfg.Work != nil && ctx.Err() == nil {
			c.pulse.beat("working between batches")
			c.again = time.Now().Add(c.cfg.Work(work, c.held()))
		}
		c.markReady()
		c.tell()
		if c.astray {
			c.astray = false
			if err := c.checkEnds(ctx); err != nil {
				return err
			}
		}
		if time.Now().After(check) {
			c.pulse.beat("checking the sink's positions")
			began := time.Now()
			if err := c.check(ctx); err != nil {
				return err
			}
			// A record that comes meanwhile waits: that is to happen to one in 1,000 at the most.
			check = time.Now().Add(min(max(checkEvery, 1000*time.Since(began)), 30*checkEvery))
		}
	}
	return nil
}

// poll waits for a record, then takes what else is there already.
func (c *Consumer) poll(ctx context.Context) (*Batch, error) {
	b := &Batch{bury: c.bury}
	size := 0
	for len(b.Records) < c.cfg.MaxBatch && size < maxBatchBytes {
		wait := 0
		if len(b.Records) == 0 {
			wait = int(c.idleFor().Milliseconds())
		}
		ev := c.c.Poll(wait)
		if ev == nil {
			break
		}
		switch e := ev.(type) {
		case *kafka.Message:
			if err := e.TopicPartition.Error; err != nil {
				c.complain("reading a record", err)
				continue
			}
			r := c.cluster.fromMessage(e)
			o := c.owned[partitionName(r.Topic, r.Partition)]
			if o == nil {
				continue // revoked meanwhile
			}
			r.TopicID = o.TopicID
			r.Fence = r.fence(o.incarnation)
			b.Records = append(b.Records, r)
			size += len(r.Key) + len(r.Value)
		case kafka.PartitionEOF:
			// What came before it is in this batch or applied; transaction markers count, so an offset would not tell.
			if o := c.owned[partitionName(c.cluster.short(*e.Topic), e.Partition)]; o != nil {
				o.caughtUp, o.end = true, int64(e.Offset)
				c.toEnd.reached(o.String())
				c.lag.reachedEnd(o.Topic, o.Partition, int64(e.Offset))
			}
		case *kafka.Stats:
			c.statistics(e)
		case kafka.Error:
			if e.IsFatal() || Fenced(e) {
				return nil, fmt.Errorf("consuming as %s: %w", c.cluster.cfg.Instance, e)
			}
			c.complain("kafka client", e)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return b, nil
}

// complain logs an error of the client that is no reason to end, and notes the one that asks for a new beginning.
func (c *Consumer) complain(what string, err error) {
	var ke kafka.Error
	if errors.As(err, &ke) && (ke.Code() == kafka.ErrAutoOffsetReset || ke.Code() == kafka.ErrOffsetOutOfRange) {
		c.astray = true
		return
	}
	c.log.Warn(what, "error", err)
}

// apply brings a batch to its end: effects, dead letters, then its offsets.
func (c *Consumer) apply(ctx, work context.Context, b *Batch) error {
	began, m := time.Now(), c.cluster.metrics
	work = c.cluster.follow(work, c.cfg.Role, b)
	c.lag.begin(b.Records)
	done, err := c.effects(ctx, work, b)
	if done {
		c.store(b.Ends())
		m.applied(c.cfg, b, time.Since(began), c.replayed)
		if c.cfg.Observe != nil {
			c.cfg.Observe(b, len(b.rejected))
		}
	}
	c.lag.end(b.Ends(), done)
	b.spans.end(b, err)
	return err
}

// effects tries until they are done, or until they are not this consumer's to do any more.
func (c *Consumer) effects(ctx, work context.Context, b *Batch) (done bool, err error) {
	backoff := 50 * time.Millisecond
	for attempt := 1; ; attempt++ {
		b.rejected, b.buried = nil, nil
		c.pulse.beat("applying a batch")
		err := c.member(b)
		if err == nil {
			err = c.cfg.Sink.Apply(work, b)
		}
		if err == nil {
			err = b.Bury(work)
		}
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, nil // not stored: it comes again
		}
		if Fenced(err) || isFatal(err) {
			return false, err
		}
		if errors.Is(err, ErrMoved) {
			return false, c.setBack(ctx, c.movedToo(ctx, b.Ends()))
		}
		c.cluster.metrics.Retried(c.cfg.Role)
		b.spans.retried(err)
		c.log.WarnContext(work, "applying a batch, will retry", "attempt", attempt, "records", len(b.Records), "first", b.Records[0].Source(), "retry_in", backoff.String(), "error", err)
		c.pulse.beat("waiting to retry a batch")
		if backoff > time.Second {
			c.lookAhead(ctx)
		}
		before := maps.Clone(c.owned)
		if err := c.idle(ctx, backoff); err != nil {
			return false, err
		}
		if ctx.Err() != nil {
			return false, nil
		}
		backoff = min(2*backoff, 5*time.Second)
		if b.Records = c.stillOwned(b.Records, before); len(b.Records) == 0 {
			return false, nil
		}
	}
}

// store stores the offsets after records whose effects are done.
func (c *Consumer) store(ends []Record) {
	mark := storedMark
	var offsets []kafka.TopicPartition
	for _, r := range ends {
		o := c.owned[partitionName(r.Topic, r.Partition)]
		if o == nil {
			continue
		}
		o.next = r.Offset + 1
		c.toEnd.applied(o.String(), o.next)
		topic := c.cluster.Topic(r.Topic)
		offsets = append(offsets, kafka.TopicPartition{Topic: &topic, Partition: r.Partition, Offset: kafka.Offset(o.next), Metadata: &mark})
	}
	// It fails for partitions lost since: their new owner goes by the sink's position.
	if _, err := c.c.StoreOffsets(offsets); err != nil {
		c.log.Debug("storing offsets", "error", err)
	}
}

// high is a log's end as the client knows it.
func (c *Consumer) high(topic string, partition int32) int64 {
	_, high, err := c.c.GetWatermarkOffsets(c.cluster.Topic(topic), partition)
	if err != nil {
		return 0
	}
	return high
}

// replayed tells whether a record is read again from the log.
func (c *Consumer) replayed(r Record) bool {
	o := c.owned[partitionName(r.Topic, r.Partition)]
	return o != nil && r.Offset < o.replayed
}

// lookAhead asks for the logs' ends while the client, which is paused, does not see them grow: the lag goes by them.
func (c *Consumer) lookAhead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // as long as a back-off
	defer cancel()
	var parts []kafka.TopicPartition
	for _, o := range c.owned {
		topic := c.cluster.Topic(o.Topic)
		parts = append(parts, kafka.TopicPartition{Topic: &topic, Partition: o.Partition})
	}
	ends, err := c.cluster.offsets(ctx, c.admin, parts, kafka.LatestOffsetSpec, kafka.IsolationLevelReadCommitted)
	if err != nil {
		return // Kafka is away: what is known holds
	}
	for i, p := range parts {
		c.lag.told(c.cluster.short(*p.Topic), p.Partition, ends[i])
	}
}

func (c *Consumer) statistics(e *kafka.Stats) {
	c.cluster.metrics.clients.update(c.c, c.cfg.Role, e.String())
}

// idle waits without being taken for dead: it polls, with every partition paused.
func (c *Consumer) idle(ctx context.Context, d time.Duration) error {
	parts, err := c.c.Assignment()
	if err != nil {
		return fmt.Errorf("asking for the assignment: %w", err)
	}
	if err := c.c.Pause(parts); err != nil {
		return fmt.Errorf("pausing: %w", err)
	}
	for end := time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); {
		ev := c.c.Poll(int(max(1, min(time.Until(end), idlePoll).Milliseconds())))
		switch e := ev.(type) {
		case kafka.Error:
			if e.IsFatal() || Fenced(e) {
				return fmt.Errorf("consuming as %s: %w", c.cluster.cfg.Instance, e)
			}
			c.complain("kafka client", e)
		case *kafka.Stats:
			c.statistics(e)
		case *kafka.Message: // of a partition assigned meanwhile: read it again
			_ = c.c.Seek(e.TopicPartition, 0)
		}
	}
	if parts, err = c.c.Assignment(); err != nil {
		return fmt.Errorf("asking for the assignment: %w", err)
	}
	if err := c.c.Resume(parts); err != nil {
		return fmt.Errorf("resuming: %w", err)
	}
	return nil
}

// stillOwned are the records whose partitions were not taken away since, nor taken away and given back: those are read
// again from where the sink is by then.
func (c *Consumer) stillOwned(rs []Record, before map[string]*ownedPartition) []Record {
	var out []Record
	for _, r := range rs {
		name := partitionName(r.Topic, r.Partition)
		if o := c.owned[name]; o != nil && o == before[name] {
			out = append(out, r)
		}
	}
	return out
}

// member notes in which generation of the group the batch is applied. What is asked later may be of one in which its
// partitions are another's.
func (c *Consumer) member(b *Batch) (err error) {
	if c.cfg.Transactional {
		b.member, err = c.membership()
	}
	return err
}

// tellEnds calls AtEnd for the partitions that have been read to their ends.
func (c *Consumer) tellEnds(ctx context.Context) {
	if c.cfg.AtEnd == nil {
		return
	}
	var parts []Assigned
	for _, o := range c.owned {
		if o.caughtUp && !o.told {
			parts = append(parts, o.Assigned)
		}
	}
	if len(parts) == 0 {
		return
	}
	if err := c.cfg.AtEnd(ctx, parts); err != nil {
		if ctx.Err() == nil {
			c.log.Warn("telling the sink of the logs' ends", "error", err)
		}
		return
	}
	for _, a := range parts {
		c.owned[a.String()].told = true
	}
}

func (c *Consumer) markReady() {
	if c.ready.Load() || c.assigned.IsZero() {
		return
	}
	// A new member is given nothing at first, until the others have let go. One too many is never given any.
	if len(c.owned) == 0 && time.Since(c.assigned) < spareAfter {
		return
	}
	for _, o := range c.owned {
		if !o.caughtUp || c.cfg.AtEnd != nil && !o.told {
			return
		}
	}
	c.ready.Store(true)
	if n, took, why := c.toEnd.end(); why != "" {
		c.log.Info("read to the end", "why", why, "records", n, "took", took.Round(time.Millisecond).String())
	}
}

// tell says every few seconds how far a role is that is not ready.
func (c *Consumer) tell() {
	if !c.ready.Load() && c.toEnd.due() {
		p := c.toEnd.progress()
		c.log.Info("catching up", "why", p.why, "records", p.done, "of", p.total, "percent", p.percent(), "to_go", p.left.String())
	}
}

func isFatal(err error) bool {
	var ke kafka.Error
	return errors.As(err, &ke) && ke.IsFatal()
}
