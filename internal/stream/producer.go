package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// AnyPartition lets the partitioner choose by the key.
const AnyPartition = kafka.PartitionAny

// Producer writes records with acks=all and idempotence, in the order given, to the partition that Java's murmur2
// chooses. One of transactions belongs to one goroutine; another may be shared by many, and the order is that within each
// call.
type Producer struct {
	cluster *Cluster
	p       *kafka.Producer
	tx      bool
	open    bool
}

func (c *Cluster) producer(name string, extra kafka.ConfigMap) (*Producer, error) {
	m := kafka.ConfigMap{
		"statistics.interval.ms": int(statsEvery.Milliseconds()),
		"acks":                   "all",
		"enable.idempotence":     true,
		"partitioner":            "murmur2_random",
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
	p, err := kafka.NewProducer(c.config(m))
	if err != nil {
		return nil, fmt.Errorf("making a producer: %w", err)
	}
	go c.forwardLogs(p.Logs())
	go func() {
		defer c.metrics.clients.forget(p)
		for e := range p.Events() { // errors that matter come back with a delivery
			if s, ok := e.(*kafka.Stats); ok {
				c.metrics.clients.update(p, name, s.String())
			}
		}
	}()
	return &Producer{cluster: c, p: p}, nil
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
	name := id
	if c.cfg.Boot != "" {
		id += "." + c.cfg.Boot
	}
	p, err := c.producer(name, kafka.ConfigMap{
		"transactional.id": c.cfg.Project + "." + id,
		// A commit asks again while the broker still completes the one before; its default of 100 ms would be felt.
		"retry.backoff.ms":       1,
		"transaction.timeout.ms": 30000,
		"delivery.timeout.ms":    25000,
	})
	if err != nil {
		return nil, err
	}
	p.tx = true
	if err := p.p.InitTransactions(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("opening transactions of %s: %w", id, err)
	}
	return p, nil
}

// Close gives up what is under way.
func (p *Producer) Close() {
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
	if p.tx && !p.open {
		if err := p.p.BeginTransaction(); err != nil {
			return nil, fmt.Errorf("beginning a transaction: %w", err)
		}
		p.open = true
	}
	out := make([]Delivery, len(records))
	reports := make(chan kafka.Event, len(records))
	sent := 0
	for i := range records {
		m := p.cluster.toMessage(records[i])
		m.Opaque = i
		err := p.p.Produce(m, reports)
		for isQueueFull(err) {
			p.p.Flush(10)
			if ctx.Err() != nil {
				break
			}
			err = p.p.Produce(m, reports)
		}
		if err != nil {
			out[i].Err = deliveryError(err)
			continue
		}
		sent++
	}
	for ; sent > 0; sent-- {
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case e := <-reports:
			m, ok := e.(*kafka.Message)
			if !ok {
				continue
			}
			i, _ := m.Opaque.(int)
			out[i] = Delivery{Partition: m.TopicPartition.Partition, Offset: int64(m.TopicPartition.Offset), Err: deliveryError(m.TopicPartition.Error)}
		}
	}
	for i := range out {
		if out[i].Err != nil && !IsPermanent(out[i].Err) {
			return out, fmt.Errorf("producing to %s: %w", p.cluster.Topic(records[i].Topic), out[i].Err)
		}
	}
	return out, nil
}

// End returns the offset that a partition's next record will have.
func (p *Producer) End(ctx context.Context, topic string, partition int32) (int64, error) {
	_, high, err := p.p.QueryWatermarkOffsets(p.cluster.Topic(topic), partition, int(within(ctx).Milliseconds()))
	if err != nil {
		return 0, fmt.Errorf("asking for the end of %s: %w", partitionName(topic, partition), err)
	}
	return high, nil
}

// Commit ends the transaction: read-committed consumers see all of its records, or after an error none. An error that
// is Fenced means that a newer owner is at work; after any error the producer is to be closed and made anew.
func (p *Producer) Commit(ctx context.Context) error {
	if !p.open {
		return nil
	}
	for {
		err := p.p.CommitTransaction(ctx)
		var ke kafka.Error
		if errors.As(err, &ke) && ke.IsRetriable() && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("committing a transaction: %w", err)
		}
		p.open = false
		return nil
	}
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
