package recommend

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the role's.
type Metrics struct {
	touched, evaluated, changed, unlisted prometheus.Counter
	scanned, seconds                      prometheus.Histogram
}

// NewMetrics registers the role's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "regie_recommend_" + name, Help: help})
	}
	m := &Metrics{
		touched:   counter("touched_total", "Touches written: programmes whose sections may be others because of a batch of changes."),
		evaluated: counter("evaluated_total", "Programmes whose sections were computed."),
		changed:   counter("changed_total", "Programmes whose sections were others than before."),
		unlisted:  counter("unlisted_total", "Videos taken out of the lists because they may never be watched again."),
		scanned: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "regie_recommend_scanned_members", Help: "Videos looked at to compute one programme's sections. Many: a rule that passes over nearly all.",
			Buckets: []float64{0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000},
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "regie_recommend_evaluation_seconds", Help: "Time to compute the sections of a batch of touched programmes, without their production.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5},
		}),
	}
	reg.MustRegister(m.touched, m.evaluated, m.changed, m.unlisted, m.scanned, m.seconds)
	return m
}
