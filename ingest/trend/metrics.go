package trend

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What became of events.
const (
	counted  = "counted"
	repeated = "repeated" // the viewer had watched it in the same tick, or since
	outside  = "late"     // it came after the grace
	ahead    = "future"
	past     = "past"  // it is read so long after it came that no window has it any more
	other    = "other" // it does not say that something is watched, or its viewer is erased
	rejected = "rejected"
)

// Metrics are the role's.
type Metrics struct {
	events  *prometheus.CounterVec
	late    *prometheus.CounterVec
	seconds prometheus.Histogram
	touched prometheus.Counter
}

// NewMetrics registers the role's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_trend_events_total",
			Help: "Events, by what became of them: counted, repeated, late, future, past, other or rejected.",
		}, []string{"outcome"}),
		late: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_trend_late_total",
			Help: "Events that came after their five minutes had ended: counted, because within the grace, or dropped.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "regie_trend_rank_seconds", Help: "Time until what was counted was ranked.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}),
		touched: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "regie_trend_touched_total", Help: "Programmes of which was told that their videos are watched in another order.",
		}),
	}
	reg.MustRegister(m.events, m.late, m.seconds, m.touched)
	for _, outcome := range []string{counted, repeated, outside, ahead, past, other, rejected} {
		m.events.WithLabelValues(outcome)
	}
	for _, outcome := range []string{lateCounted, lateDropped} {
		m.late.WithLabelValues(outcome)
	}
	return m
}

const (
	lateCounted = "counted"
	lateDropped = "dropped"
)

// count tells of a step that is done.
func (m *Metrics) count(st *step) {
	for outcome, n := range st.outcomes {
		m.events.WithLabelValues(outcome).Add(float64(n))
	}
	m.late.WithLabelValues(lateCounted).Add(float64(st.verdicts[late]))
	m.late.WithLabelValues(lateDropped).Add(float64(st.verdicts[tooLate]))
}

func (m *Metrics) ranked(took time.Duration) { m.seconds.Observe(took.Seconds()) }
