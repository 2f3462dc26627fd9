// Package stream is the one way in which roles consume from and produce to Kafka.
//
//	            poll                        effects, then position
//	Kafka ----> Consumer ----> Batch ----> Sink -------------------> Redis, a topic, ...
//	               |             |           |
//	               |             | Reject    | Start: where to begin (the sink's word, not the group's)
//	               |             v           | Moved: a sink emptied or restored behind our back
//	               |    <role>.dead topic    |
//	               +--- offset stored only once the batch is applied
//
// Every record has a Fence, which a sink keeps with what it writes: a write whose fence is not newer is refused, so
// that repeats, replays and instances that do not know yet that they lost a partition do no harm.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// Config says how to reach Kafka and under which names.
type Config struct {
	// Brokers is host:port[,host:port...].
	Brokers string
	// Project is the first part of every topic's name.
	Project string
	// Instance distinguishes the processes that share a role and must survive a restart: a member that comes back
	// under its name takes its partitions up at once.
	Instance string
	// Leaves: a member that stops leaves its groups, and its partitions go to the others at once; when it is started
	// again it gets its share anew. For instances whose names do not come back.
	Leaves bool
	// Stall is after how long without a step a role counts as stuck; default two minutes.
	Stall time.Duration
	// Boot, when set, is appended to transactional ids (see docs/adr/0002).
	Boot string
	// Properties are passed to librdkafka, for TLS and SASL.
	Properties map[string]string
	// Metrics may be nil, and so may Traces: then no spans are made, nor traces begun in records.
	Metrics *Metrics
	Traces  trace.TracerProvider
	Log     *slog.Logger
}

// Cluster makes clients of one Kafka cluster. Close it after them.
type Cluster struct {
	cfg     Config
	log     *slog.Logger
	metrics *Metrics

	mu     sync.Mutex
	pulses map[*pulse]string  // the role of each
	shared *kafka.AdminClient // made at its first use: a new one takes a third of a second to find its brokers
	asking chan struct{}      // has room for the one who lists offsets
	unsure sync.Map           // groups whose coordinators have not answered
}

// New does no I/O.
func New(cfg Config) *Cluster {
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Stall == 0 {
		cfg.Stall = stall
	}
	return &Cluster{cfg: cfg, log: cfg.Log, metrics: cfg.Metrics, asking: make(chan struct{}, 1)}
}

// Metrics are those of the cluster's clients and stages.
func (c *Cluster) Metrics() *Metrics { return c.metrics }

// Close ends what the cluster holds itself.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared != nil {
		c.shared.Close()
		c.shared = nil
	}
}

func (c *Cluster) admin() (*kafka.AdminClient, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared == nil {
		a, err := kafka.NewAdminClient(c.config(nil))
		if err != nil {
			return nil, fmt.Errorf("making an admin client: %w", err)
		}
		go c.forwardLogs(a.Logs()) // ends with the client
		c.shared = a
	}
	return c.shared, nil
}

// Topic is the whole name of a topic that is named without its project; one that begins with a slash is whole already.
func (c *Cluster) Topic(name string) string {
	if whole, ok := strings.CutPrefix(name, "/"); ok {
		return whole
	}
	return c.cfg.Project + "." + name
}

// Name is the inverse of Topic, for any topic's whole name.
func (c *Cluster) Name(whole string) string {
	if name, ok := strings.CutPrefix(whole, c.cfg.Project+"."); ok {
		return name
	}
	return "/" + whole
}

// short is the inverse of Topic.
func (c *Cluster) short(full string) string { return strings.TrimPrefix(full, c.cfg.Project+".") }

func (c *Cluster) config(extra kafka.ConfigMap) *kafka.ConfigMap {
	m := kafka.ConfigMap{
		"bootstrap.servers":                  c.cfg.Brokers,
		"client.id":                          "regie-" + c.cfg.Instance,
		"socket.nagle.disable":               true,
		"socket.keepalive.enable":            true,
		"reconnect.backoff.ms":               50,
		"reconnect.backoff.max.ms":           1000,
		"topic.metadata.refresh.interval.ms": 3000, // how soon a consumer sees a topic that was not there when it started
		"enable.metrics.push":                false,
		"go.logs.channel.enable":             true,
		"log_level":                          5,
	}
	maps.Copy(m, extra)
	for k, v := range c.cfg.Properties {
		m[k] = v
	}
	return &m
}

// forwardLogs writes librdkafka's own log lines to ours, until the client is closed.
func (c *Cluster) forwardLogs(logs <-chan kafka.LogEvent) {
	log := c.log.With("part", "kafka")
	for e := range logs {
		level := slog.LevelDebug // what librdkafka calls a warning is a retry that succeeds; it says what fails by errors
		if e.Level <= 3 {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "librdkafka", "client", e.Name, "tag", e.Tag, "message", e.Message)
	}
}

// Permanent marks an error that a retry cannot cure: the record is set aside, its neighbours go on.
func Permanent(err error) error { return &permanent{err} }

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// IsPermanent tells whether err, or what it wraps, came from Permanent.
func IsPermanent(err error) bool {
	var p *permanent
	return errors.As(err, &p)
}

const (
	// kafkaTimeout bounds what needs answers from the brokers, such as a start.
	kafkaTimeout = 30 * time.Second
	// askTimeout bounds one question to them: a broker that died with it is asked no longer, but another one.
	askTimeout = 3 * time.Second
)

// within is how long a question may take: askTimeout, or what is left of ctx's time.
func within(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Millisecond, min(askTimeout, time.Until(deadline)))
	}
	return askTimeout
}

// Away tells whether err says that no broker answered, or none that can yet: to be tried again.
func Away(err error) bool {
	var ke kafka.Error
	if !errors.As(err, &ke) {
		return false
	}
	switch ke.Code() {
	case kafka.ErrTimedOut, kafka.ErrTimedOutQueue, kafka.ErrTransport, kafka.ErrAllBrokersDown, kafka.ErrResolve,
		kafka.ErrRequestTimedOut, kafka.ErrNetworkException, kafka.ErrBrokerNotAvailable, kafka.ErrLeaderNotAvailable,
		kafka.ErrNotController, kafka.ErrCoordinatorNotAvailable, kafka.ErrCoordinatorLoadInProgress:
		return true
	}
	return ke.IsRetriable()
}

func partitionName(topic string, p int32) string { return fmt.Sprintf("%s/%d", topic, p) }
