package users

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// Metrics are the service's own; calls are counted by the server.
type Metrics struct {
	written  *prometheus.HistogramVec // by topic
	problems *prometheus.CounterVec   // by code
	waited   *prometheus.HistogramVec // by outcome
	stale    prometheus.Counter
	erased   prometheus.Counter
}

// NewMetrics registers the service's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		written: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "regie_users_write_seconds",
			Help:    "Time until Kafka had a call's events.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 4},
		}, []string{"topic"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regie_users_problems_total",
			Help: "What was refused, by the code that the user was told.",
		}, []string{"code"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "regie_users_wait_seconds",
			Help:    "Time that reads waited for persist to apply what they were not to be before, by what it came to: consistent or stale.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .3, 1},
		}, []string{"outcome"}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "regie_users_stale_pseudonyms_total",
			Help: "Calls that used a pseudonym known from before, since the store did not answer.",
		}),
		erased: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "regie_users_erasures_total",
			Help: "Users who were forgotten.",
		}),
	}
	reg.MustRegister(m.written, m.problems, m.waited, m.stale, m.erased)
	// What has not happened yet is 0, and not absent.
	for _, topic := range []string{stream.UserFavourite, stream.UserProgress} {
		m.written.WithLabelValues(topic)
	}
	for n := range userv1.ProblemCode_name {
		if n != 0 {
			m.problems.WithLabelValues(code(userv1.ProblemCode(n)))
		}
	}
	for _, outcome := range []string{"consistent", "stale"} {
		m.waited.WithLabelValues(outcome)
	}
	return m
}

func (m *Metrics) tell(ps []*userv1.Problem) {
	for _, p := range ps {
		m.problems.WithLabelValues(code(p.GetCode())).Inc()
	}
}

// code is a problem's as clients know it.
func code(c userv1.ProblemCode) string { return strings.TrimPrefix(c.String(), "PROBLEM_CODE_") }
