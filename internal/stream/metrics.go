package stream

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what the stages of a process tell of themselves: regie_stage_* with the role, regie_kafka_* with the client.
type Metrics struct {
	freshness    *prometheus.HistogramVec
	records      *prometheus.CounterVec
	dead         *prometheus.CounterVec
	retries      *prometheus.CounterVec
	fenced       *prometheus.CounterVec
	setBack      *prometheus.CounterVec
	batchRecords *prometheus.HistogramVec
	batchSeconds *prometheus.HistogramVec

	lag     *lagCollector
	clients *clientCollector
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "regie_stage_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "regie_stage_" + name, Help: help, Buckets: buckets}, labels)
	}
	m := &Metrics{
		freshness: histogram("freshness_seconds",
			"Time from an editor's change in the CMS to the stage's effect: in Kafka, or readable on a screen. Replays are left out.",
			[]float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 30, 300}, "role", "collection", "screen"),
		records: counter("records_total", "Records whose effects are done, dead letters among them.", "role", "collection"),
		dead:    counter("dead_total", "Records set aside: their dead-letter topic says why.", "role", "collection"),
		retries: counter("retries_total", "Batches, or captures of a collection, that failed and were begun again.", "role"),
		fenced:  counter("fenced_total", "Writes that Kafka refused because another instance had taken this one's place.", "role"),
		setBack: counter("set_back_total", "Partitions read again because the sink or the topic was not what was left.", "role"),
		batchRecords: histogram("batch_records", "Records applied together.",
			[]float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000}, "role"),
		batchSeconds: histogram("batch_seconds", "Time that a batch's effects took, retries included.",
			[]float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30}, "role"),
		lag:     newLagCollector(),
		clients: newClientCollector(),
	}
	reg.MustRegister(m.freshness, m.records, m.dead, m.retries, m.fenced, m.setBack, m.batchRecords, m.batchSeconds, m.lag, m.clients)
	return m
}

// begin makes a role's series, so that a rate over the first event is seen.
func (m *Metrics) begin(role string, topics []string) {
	m.retries.WithLabelValues(role)
	m.fenced.WithLabelValues(role)
	m.setBack.WithLabelValues(role)
	for _, t := range topics {
		m.records.WithLabelValues(role, collectionOf(t))
		m.dead.WithLabelValues(role, collectionOf(t))
	}
}

// SetAside counts a record of a topic that a role itself has written to its dead letters.
func (m *Metrics) SetAside(role, topic string) {
	m.dead.WithLabelValues(role, collectionOf(topic)).Inc()
}

// Retried counts something of a role that failed and is begun again.
func (m *Metrics) Retried(role string) { m.retries.WithLabelValues(role).Inc() }

// fresh observes how old an editor's change is whose effect is there now, by the two machines' clocks.
func (m *Metrics) fresh(role, topic, screen string, changed time.Time) {
	m.freshness.WithLabelValues(role, collectionOf(topic), screen).Observe(max(0, time.Since(changed).Seconds()))
}

// applied tells of a consumer's batch. Freshness leaves out what replayed says, which nobody waits for.
func (m *Metrics) applied(cfg ConsumerConfig, b *Batch, took time.Duration, replayed func(Record) bool) {
	m.batchRecords.WithLabelValues(cfg.Role).Observe(float64(len(b.Records)))
	m.batchSeconds.WithLabelValues(cfg.Role).Observe(took.Seconds())
	for i, r := range b.Records {
		m.records.WithLabelValues(cfg.Role, collectionOf(r.Topic)).Inc()
		if b.Rejected(i) {
			m.dead.WithLabelValues(cfg.Role, collectionOf(r.Topic)).Inc()
			continue
		}
		changed := r.CMSTime()
		if changed.IsZero() || r.Value == nil || replayed(r) { // a tombstone's event was just before it
			continue
		}
		if len(cfg.Screens) == 0 {
			m.fresh(cfg.Role, r.Topic, "", changed)
		}
		for _, screen := range cfg.Screens {
			m.fresh(cfg.Role, r.Topic, screen, changed)
		}
	}
}

// collectionOf is the last part of a topic's name: programme of cms.programme.
func collectionOf(topic string) string { return topic[strings.LastIndexByte(topic, '.')+1:] }
