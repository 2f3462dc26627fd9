package identity

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what is refused, and tell how old the keys are.
type Metrics struct {
	refused   *prometheus.CounterVec
	refreshed prometheus.Gauge
	keys      prometheus.Gauge
	failures  prometheus.Counter
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_identity_refused_total",
			Help: "Requests whose credentials were refused, by the reason.",
		}, []string{"reason"}),
		refreshed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "regie_identity_keys_refreshed_timestamp_seconds",
			Help: "When the issuer's keys (--jwks) were last read; 0: never.",
		}),
		keys: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "regie_identity_keys",
			Help: "The issuer's keys that can verify a token.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "regie_identity_keys_failures_total",
			Help: "Times that the issuer's keys could not be read; the last ones hold.",
		}),
	}
	for reason := range says {
		m.refused.WithLabelValues(reason)
	}
	reg.MustRegister(m.refused, m.refreshed, m.keys, m.failures)
	return m
}
