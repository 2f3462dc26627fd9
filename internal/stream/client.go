package stream

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statsEvery is how often librdkafka tells how it is.
const statsEvery = 5 * time.Second

// clientStats are the few of librdkafka's statistics that an operator needs.
type clientStats struct {
	Messages int64 `json:"msg_cnt"`
	Bytes    int64 `json:"msg_size"`
	Brokers  map[string]struct {
		NodeID      int    `json:"nodeid"`
		State       string `json:"state"`
		SendErrors  int64  `json:"txerrs"`
		ReadErrors  int64  `json:"rxerrs"`
		Timeouts    int64  `json:"req_timeouts"`
		Disconnects int64  `json:"disconnects"`
		RoundTrip   struct {
			P50 int64 `json:"p50"`
			P99 int64 `json:"p99"`
		} `json:"rtt"` // microseconds
	} `json:"brokers"`
	Topics map[string]struct {
		Partitions map[string]struct {
			Fetched      int64 `json:"fetchq_cnt"`
			FetchedBytes int64 `json:"fetchq_size"`
		} `json:"partitions"`
	} `json:"topics"`
}

// clientHealth is what is told of the clients of one name.
type clientHealth struct {
	brokers, errors, disconnects, messages, bytes, p50, p99 float64
}

func (h *clientHealth) add(s *clientStats) {
	for _, b := range s.Brokers {
		if b.NodeID >= 0 && b.State == "UP" { // below 0: not a broker but a way to one
			h.brokers++
		}
		h.errors += float64(b.SendErrors + b.ReadErrors + b.Timeouts)
		h.disconnects += float64(b.Disconnects)
		h.p50 = max(h.p50, float64(b.RoundTrip.P50)/1e6)
		h.p99 = max(h.p99, float64(b.RoundTrip.P99)/1e6)
	}
	h.messages += float64(s.Messages)
	h.bytes += float64(s.Bytes)
	for _, t := range s.Topics {
		for _, p := range t.Partitions {
			h.messages += float64(p.Fetched)
			h.bytes += float64(p.FetchedBytes)
		}
	}
}

// clientCollector tells how the Kafka clients are that are open, by their names: a role's consumer bears the role's.
type clientCollector struct {
	brokers, errors, disconnects, messages, bytes, roundTrip *prometheus.Desc

	mu      sync.Mutex
	clients map[any]namedStats // by the client itself
}

type namedStats struct {
	name  string
	stats *clientStats
}

var _ prometheus.Collector = (*clientCollector)(nil)

func newClientCollector() *clientCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("regie_kafka_"+name, help, append([]string{"client"}, labels...), nil)
	}
	return &clientCollector{
		brokers:     desc("brokers_up", "Brokers that the client is connected to; it connects to those it needs."),
		errors:      desc("request_errors_total", "Requests that failed or were not answered in time."),
		disconnects: desc("disconnects_total", "Connections that ended."),
		messages:    desc("queue_messages", "Messages in the client: not acknowledged yet, or fetched and not taken yet."),
		bytes:       desc("queue_bytes", "Their size."),
		roundTrip:   desc("round_trip_seconds", "Time to a broker's answer, of the slowest broker; a consumer's waits for records are in it.", "quantile"),
		clients:     map[any]namedStats{},
	}
}

// update takes a client's statistics.
func (c *clientCollector) update(client any, name, statistics string) {
	var s clientStats
	if json.Unmarshal([]byte(statistics), &s) != nil {
		return // the last ones hold
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients[client] = namedStats{name, &s}
}

func (c *clientCollector) forget(client any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.clients, client)
}

// Describe implements prometheus.Collector.
func (c *clientCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.brokers, c.errors, c.disconnects, c.messages, c.bytes, c.roundTrip} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *clientCollector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byName := map[string]*clientHealth{}
	for _, s := range c.clients {
		if byName[s.name] == nil {
			byName[s.name] = &clientHealth{}
		}
		byName[s.name].add(s.stats)
	}
	for name, h := range byName {
		emit := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, kind, v, append([]string{name}, labels...)...)
		}
		emit(c.brokers, prometheus.GaugeValue, h.brokers)
		emit(c.errors, prometheus.CounterValue, h.errors)
		emit(c.disconnects, prometheus.CounterValue, h.disconnects)
		emit(c.messages, prometheus.GaugeValue, h.messages)
		emit(c.bytes, prometheus.GaugeValue, h.bytes)
		emit(c.roundTrip, prometheus.GaugeValue, h.p50, "0.5")
		emit(c.roundTrip, prometheus.GaugeValue, h.p99, "0.99")
	}
}
