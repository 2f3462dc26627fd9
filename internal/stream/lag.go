package stream

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lag is what one consumer has still to do, kept by it and read by whoever scrapes.
type lag struct {
	role string

	mu    sync.Mutex
	parts map[lagOf]*partitionLag
	// high is the log's end as the client knows it.
	high func(topic string, partition int32) int64
}

type lagOf struct {
	topic     string
	partition int32
}

type partitionLag struct {
	// done is the next record to apply; eof the log's end when it was reached last: transaction markers are no records.
	done, eof int64
	// told is the log's end as a broker told it, while nothing is fetched.
	told int64
	// oldest is the time of the oldest record under way, or zero.
	oldest time.Time
	// behind is since when a scrape has seen records waiting.
	behind time.Time
}

func (l *lag) assign(topic string, partition int32, start int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts[lagOf{topic, partition}] = &partitionLag{done: start}
}

func (l *lag) revoke(topic string, partition int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.parts, lagOf{topic, partition})
}

func (l *lag) reachedEnd(topic string, partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.parts[lagOf{topic, partition}]; p != nil {
		p.eof = offset
	}
}

func (l *lag) told(topic string, partition int32, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.parts[lagOf{topic, partition}]; p != nil {
		p.told = end
	}
}

// begin notes a batch's records as under way, end as done.
func (l *lag) begin(rs []Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range rs {
		r := &rs[i]
		if p := l.parts[lagOf{r.Topic, r.Partition}]; p != nil && p.oldest.IsZero() {
			p.oldest = r.Time
		}
	}
}

func (l *lag) end(ends []Record, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range ends {
		if p := l.parts[lagOf{r.Topic, r.Partition}]; p != nil {
			p.oldest = time.Time{}
			if done {
				p.done = r.Offset + 1
			}
		}
	}
}

// of is a partition's lag; the caller holds mu.
func (p *partitionLag) of(high int64, now time.Time) (records int64, age time.Duration) {
	done := p.done
	if p.oldest.IsZero() {
		done = max(done, p.eof)
	}
	records = max(0, max(high, p.told)-done)
	switch {
	case records == 0:
		p.behind = time.Time{}
		return 0, 0
	case !p.oldest.IsZero():
		return records, max(0, now.Sub(p.oldest))
	case p.behind.IsZero():
		p.behind = now
	}
	return records, now.Sub(p.behind)
}

// lagCollector tells the lag of the consumers that run.
type lagCollector struct {
	records, seconds *prometheus.Desc

	mu        sync.Mutex
	consumers map[*lag]bool
}

var _ prometheus.Collector = (*lagCollector)(nil)

func newLagCollector() *lagCollector {
	labels := []string{"role", "topic", "partition"}
	return &lagCollector{
		records: prometheus.NewDesc("regie_stage_lag_records", "Offsets between what is applied and the log's end.", labels, nil),
		seconds: prometheus.NewDesc("regie_stage_lag_seconds",
			"Age in Kafka of the oldest record under way; of those that only wait, since when they have been seen to. 0 without lag.", labels, nil),
		consumers: map[*lag]bool{},
	}
}

func (c *lagCollector) open(role string, high func(topic string, partition int32) int64) *lag {
	l := &lag{role: role, parts: map[lagOf]*partitionLag{}, high: high}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.consumers[l] = true
	return l
}

// close returns when nobody asks the client any more.
func (c *lagCollector) close(l *lag) {
	c.mu.Lock()
	delete(c.consumers, l)
	c.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts = map[lagOf]*partitionLag{}
}

// Describe implements prometheus.Collector.
func (c *lagCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.records
	out <- c.seconds
}

// Collect implements prometheus.Collector. It asks no broker.
func (c *lagCollector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.consumers {
		l.collect(out, c.records, c.seconds)
	}
}

func (l *lag) collect(out chan<- prometheus.Metric, records, seconds *prometheus.Desc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for at, p := range l.parts {
		n, age := p.of(l.high(at.topic, at.partition), now)
		partition := strconv.Itoa(int(at.partition))
		out <- prometheus.MustNewConstMetric(records, prometheus.GaugeValue, float64(n), l.role, at.topic, partition)
		out <- prometheus.MustNewConstMetric(seconds, prometheus.GaugeValue, age.Seconds(), l.role, at.topic, partition)
	}
}
