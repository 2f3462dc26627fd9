package project

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the role's.
type Metrics struct {
	changes   *prometheus.CounterVec
	freshness *prometheus.HistogramVec
}

// NewMetrics registers the role's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_project_changes_total",
			Help: "Changes of entities, by what became of them: applied, or refused because something newer was there.",
		}, []string{"kind", "outcome"}),
		freshness: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "regie_project_freshness_seconds",
			Help:    "Time from an editor's change in the CMS to its being readable on every screen.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30, 300},
		}, []string{"kind"}),
	}
	reg.MustRegister(m.changes, m.freshness)
	return m
}

func (m *Metrics) applied(kind string, refused bool) {
	outcome := "applied"
	if refused {
		outcome = "refused"
	}
	m.changes.WithLabelValues(kind, outcome).Inc()
}

func (m *Metrics) fresh(kind string, d time.Duration) {
	m.freshness.WithLabelValues(kind).Observe(d.Seconds())
}
