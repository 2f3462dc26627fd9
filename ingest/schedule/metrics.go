package schedule

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the role's.
type Metrics struct {
	lateness prometheus.Histogram
	fired    prometheus.Counter
	pending  prometheus.Gauge
	overdue  prometheus.Gauge
}

// NewMetrics registers the role's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "regie_schedule_lateness_seconds",
			Help:    "Time from when a record was due, or was asked for if that was later, to its being readable on its topic.",
			Buckets: []float64{.002, .005, .01, .02, .03, .05, .1, .2, .5, 1, 5, 30, 300, 3600},
		}),
		fired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "regie_schedule_fired_total",
			Help: "Records that were produced at their time.",
		}),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "regie_schedule_pending",
			Help: "Requests that are pending in the partitions that this instance holds.",
		}),
		overdue: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "regie_schedule_overdue_seconds",
			Help: "For how long the earliest of them has been due, or waits for a target that does not answer; 0 when none is.",
		}),
	}
	reg.MustRegister(m.lateness, m.fired, m.pending, m.overdue)
	return m
}
