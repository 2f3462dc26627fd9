package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"golang.org/x/sync/errgroup"
)

// AnyPartition lets the partitioner choose by the key.
const AnyPartition = kafka.PartitionAny

// Producer writes records with acks=all and idempotence, in the order given, to the partition that Java's murmur2
// chooses. One of transactions belongs to one goroutine; another may be shared by many, and the order is that within each
// call.
type Producer struct {
	cluster *Cluster
	name    string
	config  *kafka.ConfigMap
	mu      sync.RWMutex // of one that is shared: who writes reads, who puts another client in its place writes
	p       *kafka.Producer
	// next, of transactions, is what the next one is written with; see turn.
	next *kafka.Producer
	tx   bool
	open bool
	// deaf, when set, has the answer of a call that was given up, should it return.
	deaf <-chan error
}

func (c *Cluster) producer(name string, extra kafka.ConfigMap) (*Producer, error) {
	m := kafka.ConfigMap{
		"statistics.interval.ms": int(statsEvery.Milliseconds()),
		"acks":                   "all",
		"enable.idempotence":     true,
		// A broker that knows nothing of a producer, as of a new partition, takes what it hears first: if it refused a request
		// because it was not the leader yet and took the next one, the client takes the first for written as well (librdkafka
		// 2.15). Brokers work on one request of a connection at a time anyway.
		"max.in.flight.requests.per.connection": 1,
		"partitioner":                           "murmur2_random",
		// A broker unpacks what it is sent for a compacted topic: for batches of one record, packing costs more than it saves.
		"compression.type": "none",
		// Latency first: what waits while a request is under way leaves together in the next one.
		"linger.ms":            0,
		"retry.backoff.ms":     5,
		"retry.backoff.max.ms": 500,
		"message.max.bytes":    64 * mebi,
		// Ours answers after its caller has long given up; the caller retries the whole batch.
		"delivery.timeout.ms": 30000,
	}
	for k, v := range extra {
		m[k] = v
	}
	p := &Producer{cluster: c, name: name, config: c.config(m)}
	var err error
	if p.p, err = p.connect(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Producer) connect() (*kafka.Producer, error) {
	client, err := kafka.NewProducer(p.config)
	if err != nil {
		return nil, fmt.Errorf("making a producer: %w", err)
	}
	c := p.cluster
	go c.forwardLogs(client.Logs())
	go func() {
		defer c.metrics.clients.forget(client)
		for e := range client.Events() { // errors that matter come back with a delivery
			if s, ok := e.(*kafka.Stats); ok {
				c.metrics.clients.update(client, p.name, s.String())
			}
		}
	}()
	return client, nil
}

// replace takes another client for one that failed for ever, which it does when a partition has lost what it acknowledged: the
// sequence has a gap then.
func (p *Producer) replace(failed *kafka.Producer, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p != failed {
		return
	}
	client, err := p.connect()
	if err != nil {
		p.cluster.log.Error("a producer that failed is not made anew", "error", err)
		return
	}
	p.p = client
	p.cluster.log.Warn("a producer that failed is made anew", "error", why)
	failed.Close()
}

// NewProducer makes a producer. It does no I/O yet. Close it.
func (c *Cluster) NewProducer() (*Producer, error) { return c.producer("producer", nil) }

// NewProducerWithin makes a producer that gives a record up after d: what it has not written by then it never writes.
// Close it.
func (c *Cluster) NewProducerWithin(d time.Duration) (*Producer, error) {
	return c.producer("producer", kafka.ConfigMap{"delivery.timeout.ms": int(d.Milliseconds())})
}

// NewTxProducer makes a producer whose Produce calls are parts of transactions. Only the newest producer of an id can
// commit: InitTransactions fences the older ones.
func (c *Cluster) NewTxProducer(ctx context.Context, id string) (*Producer, error) {
	return c.txProducer(ctx, id, id, 30*time.Second)
}

// NewOwnTxProducer is NewTxProducer for what instances do side by side: each has an id of its own. A transaction that
// takes longer than d is aborted by the broker.
func (c *Cluster) NewOwnTxProducer(ctx context.Context, name string, d time.Duration) (*Producer, error) {
	return c.txProducer(ctx, name, name+"."+c.cfg.Instance, d)
}

func (c *Cluster) txProducer(ctx context.Context, name, id string, d time.Duration) (*Producer, error) {
	if c.cfg.Boot != "" {
		id += "." + c.cfg.Boot
	}
	p, err := c.producer(name, kafka.ConfigMap{
		"transactional.id": c.cfg.Project + "." + id,
		// A commit asks again while the broker still completes the one before; its default of 100 ms would be felt.
		"retry.backoff.ms":       1,
		"transaction.timeout.ms": int(d.Milliseconds()),
		"delivery.timeout.ms":    int((d * 5 / 6).Milliseconds()),
	})
	if err != nil {
		return nil, err
	}
	p.tx = true
	(*p.config)["transactional.id"] = c.cfg.Project + "." + id + ".2"
	if p.next, err = p.connect(); err != nil {
		p.Close()
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, client := range []*kafka.Producer{p.p, p.next} {
		g.Go(func() error { return client.InitTransactions(ctx) })
	}
	if err := g.Wait(); err != nil {
		p.Close()
		return nil, fmt.Errorf("opening transactions of %s: %w", id, err)
	}
	return p, nil
}

// turn has the next transaction written with the other id of two. The brokers answer a commit before its markers are written,
// and until then refuse another transaction of the same id, which the client (librdkafka 2.15) tries again no sooner than after
// 20 ms: on a busy broker each change would wait for that.
func (p *Producer) turn() {
	p.open = false
	p.p, p.next = p.next, p.p
}

// leaving is how long Close tries to end a transaction that is open.
const leaving = 2 * time.Second

// Close gives up what is under way. A transaction that is left open, until the broker gives it up, would hold up whoever reads
// what is committed.
func (p *Producer) Close() {
	if p.next != nil {
		defer p.next.Close()
	}
	if p.deaf != nil {
		go func() {
			<-p.deaf
			p.p.Close()
		}()
		return
	}
	if p.open {
		ctx, cancel := context.WithTimeout(context.Background(), leaving)
		_ = p.p.AbortTransaction(ctx) // what is being committed, it refuses
		cancel()
	}
	_ = p.p.Purge(kafka.PurgeInFlight | kafka.PurgeQueue | kafka.PurgeNonBlocking)
	p.p.Close()
}

// Delivery is what became of one record.
type Delivery struct {
	Partition int32
	// Offset is negative when the record was there already: a request whose answer was lost was sent once more.
	Offset int64
	// Err is Permanent when this record can never be written, such as one that is too large.
	Err error
}

// Produce writes records and waits until each is acknowledged or refused. Deliveries are in the order of records.
// Its error is the first that isn't permanent: some records may then be written and some not.
func (p *Producer) Produce(ctx context.Context, records []Record) ([]Delivery, error) {
	if p.tx { // what is fatal to a transaction is its owner's to see to
		return p.produce(ctx, records)
	}
	p.mu.RLock()
	client := p.p
	out, err := p.produce(ctx, records)
	var fatal error
	if err != nil {
		fatal = client.GetFatalError()
	}
	p.mu.RUnlock()
	if fatal != nil {
		p.replace(client, fatal)
	}
	return out, err
}

func (p *Producer) produce(ctx context.Context, records []Record) ([]Delivery, error) {
	w, err := p.write(ctx, records)
	if err != nil {
		return nil, err
	}
	return w.wait(ctx)
}

// writing is records under way.
type writing struct {
	p       *Producer
	records []Record
	out     []Delivery
	reports chan kafka.Event
	sent    int
}

// write hands records to the client, and begins a transaction when there is none.
func (p *Producer) write(ctx context.Context, records []Record) (*writing, error) {
	if p.tx && !p.open {
		if err := p.p.BeginTransaction(); err != nil {
			return nil, fmt.Errorf("beginning a transaction: %w", err)
		}
		p.open = true
	}
	w := &writing{p: p, records: records, out: make([]Delivery, len(records)), reports: make(chan kafka.Event, len(records))}
	for i := range records {
		m := p.cluster.toMessage(records[i])
		m.Opaque = i
		err := p.p.Produce(m, w.reports)
		for isQueueFull(err) {
			p.p.Flush(10)
			if ctx.Err() != nil {
				break
			}
			err = p.p.Produce(m, w.reports)
		}
		if err != nil {
			w.out[i].Err = deliveryError(err)
			continue
		}
		w.sent++
	}
	return w, nil
}

// wait returns when each record is acknowledged or refused.
func (w *writing) wait(ctx context.Context) ([]Delivery, error) {
	for ; w.sent > 0; w.sent-- {
		select {
		case <-ctx.Done():
			return w.out, ctx.Err()
		case e := <-w.reports:
			m, ok := e.(*kafka.Message)
			if !ok {
				continue
			}
			i, _ := m.Opaque.(int)
			w.out[i] = Delivery{Partition: m.TopicPartition.Partition, Offset: int64(m.TopicPartition.Offset), Err: deliveryError(m.TopicPartition.Error)}
		}
	}
	for i, d := range w.out {
		if d.Err != nil && !IsPermanent(d.Err) {
			return w.out, fmt.Errorf("producing to %s: %w", w.p.cluster.Topic(w.records[i].Topic), d.Err)
		}
	}
	return w.out, nil
}

// End returns the offset that a partition's next record will have.
func (p *Producer) End(ctx context.Context, topic string, partition int32) (int64, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, high, err := p.p.QueryWatermarkOffsets(p.cluster.Topic(topic), partition, int(within(ctx).Milliseconds()))
	if err != nil {
		return 0, fmt.Errorf("asking for the end of %s: %w", partitionName(topic, partition), err)
	}
	return high, nil
}

// again makes a call until its error is none that the client would have tried again.
func again(ctx context.Context, call func(context.Context) error) error {
	for {
		err := call(ctx)
		var ke kafka.Error
		if !errors.As(err, &ke) || !ke.IsRetriable() || ctx.Err() != nil {
			return err
		}
	}
}

// Commit ends the transaction: read-committed consumers see all of its records, or after an error none. An error that
// is Fenced means that a newer owner is at work; after any error the producer is to be closed and made anew.
func (p *Producer) Commit(ctx context.Context) error {
	if !p.open {
		return nil
	}
	if err := again(ctx, p.p.CommitTransaction); err != nil {
		return fmt.Errorf("committing a transaction: %w", err)
	}
	p.turn()
	return nil
}

// Abort ends the transaction: no consumer that reads committed sees any of its records. After an error the producer is to
// be closed and made anew, which aborts it too.
func (p *Producer) Abort(ctx context.Context) error {
	if !p.open {
		return nil
	}
	if err := again(ctx, p.p.AbortTransaction); err != nil {
		return fmt.Errorf("aborting a transaction: %w", err)
	}
	p.turn()
	return nil
}

// CommitWith writes records and ends the transaction as Commit does, with the offsets behind a transactional consumer's batch
// in it. It fails, and nobody sees any of it, when a record is refused, or when the batch's partitions may be another member's by
// now.
func (p *Producer) CommitWith(ctx context.Context, b *Batch, records []Record) error {
	mark := storedMark
	var offsets []kafka.TopicPartition
	for _, r := range b.Ends() {
		topic := p.cluster.Topic(r.Topic)
		offsets = append(offsets, kafka.TopicPartition{Topic: &topic, Partition: r.Partition, Offset: kafka.Offset(r.Offset + 1), Metadata: &mark})
	}
	w, err := p.write(ctx, records)
	if err != nil {
		return err
	}
	// While the records are under way.
	err = again(ctx, func(ctx context.Context) error { return p.sendOffsets(ctx, offsets, b.member) })
	if err != nil {
		return fmt.Errorf("committing offsets in a transaction: %w", err)
	}
	ds, err := w.wait(ctx)
	for i, d := range ds {
		if err == nil && d.Err != nil {
			err = fmt.Errorf("producing to %s: %w", records[i].Topic, d.Err)
		}
	}
	if err != nil {
		return err
	}
	return p.Commit(ctx)
}

// Fenced tells whether err says that another instance has taken this producer's or consumer's place.
func Fenced(err error) bool {
	var ke kafka.Error
	if !errors.As(err, &ke) {
		return false
	}
	switch ke.Code() {
	case kafka.ErrFenced, kafka.ErrProducerFenced, kafka.ErrInvalidProducerEpoch, kafka.ErrFencedInstanceID:
		return true
	}
	return false
}

func isQueueFull(err error) bool {
	var ke kafka.Error
	return errors.As(err, &ke) && ke.Code() == kafka.ErrQueueFull
}

// deliveryError marks what is the record's own fault.
func deliveryError(err error) error {
	var ke kafka.Error
	if !errors.As(err, &ke) {
		return err
	}
	switch ke.Code() {
	case kafka.ErrMsgSizeTooLarge, kafka.ErrInvalidMsg, kafka.ErrInvalidRecord, kafka.ErrRecordListTooLarge:
		return Permanent(err)
	}
	return err
}
