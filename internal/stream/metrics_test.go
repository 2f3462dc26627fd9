package stream_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// measured is a cluster whose metrics can be read.
func measured(t *testing.T) (*stream.Cluster, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	c := stream.New(stream.Config{
		Brokers: servertest.Kafka(t), Project: servertest.Name(), Instance: "test", Metrics: stream.NewMetrics(reg), Log: servertest.Log(t),
	})
	t.Cleanup(c.Close)
	servertest.Topics(t, c, used...)
	return c, reg
}

// sum adds up a metric's series that have the labels ("name=value"); a histogram counts its observations.
func sum(t *testing.T, reg *prometheus.Registry, metric string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			has := " "
			for _, l := range m.GetLabel() {
				has += l.GetName() + "=" + l.GetValue() + " "
			}
			match := f.GetName() == metric
			for _, l := range labels {
				match = match && strings.Contains(has, " "+l+" ")
			}
			if match {
				total += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return total
}

func TestLagIsWhatIsNotApplied(t *testing.T) {
	t.Parallel()
	c, reg := measured(t)
	p, err := c.NewTxProducer(t.Context(), "transform.test") // its markers are offsets, and no records
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	commit := func(n int) {
		t.Helper()
		for range n { // a transaction each
			if _, err := p.Produce(t.Context(), []stream.Record{at(3, "v")}); err != nil {
				t.Fatal(err)
			}
			if err := p.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit(5)
	var down atomic.Bool
	down.Store(true)
	sink := &probe{before: func(*stream.Batch) error {
		if down.Load() {
			return errors.New("the sink is down")
		}
		return nil
	}}
	r := consume(t, c, stream.ConsumerConfig{Role: "transform", Sink: sink})
	lag := func(metric string) float64 {
		return sum(t, reg, "regie_stage_lag_"+metric, "role=transform", "topic="+in, "partition=3")
	}
	servertest.Eventually(t, "a lag of five records and their markers, over a second old", func() bool { return lag("records") >= 9 && lag("seconds") > 1 })
	before := lag("records")
	commit(5) // while it fails and fetches nothing
	servertest.Eventually(t, "the lag grows", func() bool { return lag("records") >= before+9 })
	servertest.Eventually(t, "a retry is counted", func() bool { return sum(t, reg, "regie_stage_retries_total", "role=transform") > 0 })
	down.Store(false)
	sink.awaitApplied(t, 10)
	servertest.Eventually(t, "no lag", func() bool { return lag("records") == 0 && lag("seconds") == 0 })
	if n := sum(t, reg, "regie_stage_records_total", "role=transform"); n != 10 {
		t.Errorf("%g records", n)
	}
	servertest.Eventually(t, "the client tells of itself", func() bool { return sum(t, reg, "regie_kafka_brokers_up", "client=transform") >= 1 })
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	for _, metric := range []string{"regie_stage_lag_records", "regie_kafka_brokers_up"} {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == metric && strings.Contains(m.String(), `value:"transform"}`) {
					t.Errorf("%s of a consumer that has ended: %v", metric, m)
				}
			}
		}
	}
}

func TestFreshnessIsOfChangesThatSomebodyWaitsFor(t *testing.T) {
	c, reg := measured(t)
	edited := func(value string) stream.Record {
		r := at(1, value)
		r.Headers = stream.Headers{{Key: stream.HeaderCMSTime, Value: strconv.FormatInt(time.Now().UnixMilli(), 10)}}
		return r
	}
	put(t, c, edited("old"), edited("older"))
	sink := &probe{
		from: func(a stream.Assigned) stream.Start {
			return stream.Start{Offset: a.Low, Incarnation: 1, Why: "the test reads all again"}
		},
		before: func(b *stream.Batch) error {
			for i, r := range b.Records {
				if string(r.Value) == "bad" {
					b.Reject(i, errors.New("bad"))
				}
			}
			return nil
		},
	}
	r := consume(t, c, stream.ConsumerConfig{Role: "transform", Sink: sink, Screens: []string{"web", "iptv"}})
	sink.awaitApplied(t, 2)
	put(t, c, edited("new"), edited("bad"), at(1, "a snapshot's"))
	sink.awaitApplied(t, 4)
	servertest.Eventually(t, "the last batch is counted", func() bool { return sum(t, reg, "regie_stage_records_total") == 5 })
	if err := r.stop(t); err != nil {
		t.Error(err)
	}
	for _, screen := range []string{"web", "iptv"} {
		if n := sum(t, reg, "regie_stage_freshness_seconds", "role=transform", "screen="+screen, "collection=programme"); n != 1 {
			t.Errorf("%g changes were fresh on %s, not 1: replays, dead letters and snapshots are not", n, screen)
		}
	}
	if n := sum(t, reg, "regie_stage_dead_total", "role=transform", "collection=programme"); n != 1 {
		t.Errorf("%g dead letters", n)
	}
	if n, batches := sum(t, reg, "regie_stage_batch_records"), sum(t, reg, "regie_stage_batch_seconds"); n < 2 || n != batches {
		t.Errorf("%g and %g batches", n, batches)
	}
}

func TestWhatIsWrittenOfChangesIsCounted(t *testing.T) {
	c, reg := measured(t)
	rs := []stream.Record{at(1, "snapshot"), at(1, "change")}
	rs[1].Headers = stream.Headers{{Key: stream.HeaderCMSTime, Value: fmt.Sprint(time.Now().UnixMilli())}}
	c.Changes(t.Context(), "capture", rs)(errors.New("away"))
	if n := sum(t, reg, "regie_stage_records_total"); n != 0 {
		t.Errorf("%g records of a write that failed", n)
	}
	c.Changes(t.Context(), "capture", rs)(nil)
	if n, fresh := sum(t, reg, "regie_stage_records_total", "role=capture"), sum(t, reg, "regie_stage_freshness_seconds", "role=capture"); n != 2 || fresh != 1 {
		t.Errorf("%g records, %g fresh", n, fresh)
	}
	if len(rs[1].Headers) != 1 {
		t.Errorf("a trace without a provider: %v", rs[1].Headers)
	}
	one, err := c.NewTxProducer(t.Context(), "capture.test")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if _, err := one.Produce(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	other, err := c.NewTxProducer(t.Context(), "capture.test")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = one.Commit(t.Context())
	c.Changes(t.Context(), "capture", rs)(err)
	if n := sum(t, reg, "regie_stage_fenced_total", "role=capture"); err == nil || n != 1 {
		t.Errorf("%g fenced, by %v", n, err)
	}
}
