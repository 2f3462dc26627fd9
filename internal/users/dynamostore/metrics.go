package dynamostore

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what DynamoDB does not do. A nil one counts nothing.
type Metrics struct {
	failures *prometheus.CounterVec
}

const (
	throttled   = "throttled"
	unavailable = "unavailable"
)

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{failures: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "regie_dynamodb_failures_total",
		Help: "Requests that DynamoDB did not do, after some tries: throttled, or unavailable. What writes makes them again.",
	}, []string{"reason"})}
	for _, reason := range []string{throttled, unavailable} {
		m.failures.WithLabelValues(reason)
	}
	reg.MustRegister(m.failures)
	return m
}

// failed counts a request that is worth another try.
func (m *Metrics) failed(err error) {
	if m == nil {
		return
	}
	reason := unavailable
	if retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary {
		reason = throttled
	}
	m.failures.WithLabelValues(reason).Inc()
}
