package persist

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the role's.
type Metrics struct {
	events *prometheus.CounterVec
}

// NewMetrics registers the role's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{events: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "regie_persist_events_total",
		Help: "Events, by what became of them: applied, coalesced with a later one of the same batch, or rejected.",
	}, []string{"collection", "outcome"})}
	reg.MustRegister(m.events)
	for _, t := range Inputs() {
		for _, outcome := range []string{"applied", "coalesced", "rejected"} {
			m.events.WithLabelValues(collection(t), outcome)
		}
	}
	return m
}

func collection(topic string) string { return topic[strings.LastIndexByte(topic, '.')+1:] }

// count tells of a batch that is stored.
func (m *Metrics) count(c *gathered, rows map[string]int) {
	for topic, n := range c.events {
		add := func(outcome string, n int) { m.events.WithLabelValues(collection(topic), outcome).Add(float64(n)) }
		add("applied", rows[topic])
		add("rejected", c.rejected[topic])
		add("coalesced", n-rows[topic]-c.rejected[topic])
	}
}
