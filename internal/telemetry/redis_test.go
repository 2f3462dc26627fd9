package telemetry_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"regie/internal/telemetry"
)

func TestARedisThatIsIll(t *testing.T) {
	server := miniredis.RunT(t)
	reg := prometheus.NewRegistry()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, PoolSize: 1, PoolTimeout: 100 * time.Millisecond, ReadTimeout: time.Minute, DialTimeout: time.Minute, DialerRetries: 1})
	defer func() { _ = client.Close() }()
	telemetry.WatchRedis(client, reg)
	errors := func() map[string]float64 {
		out := map[string]float64{}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "regie_redis_errors_total" {
					out[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
		return out
	}
	expect := func(what, reason string) {
		t.Helper()
		for r, n := range errors() {
			if (n == 1) != (r == reason) || n > 1 {
				t.Errorf("%s: %v", what, errors())
				break
			}
		}
	}
	ctx := t.Context()
	client.Get(ctx, "absent")
	client.EvalSha(ctx, "0000000000000000000000000000000000000000", nil)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	client.Get(gone, "x")
	expect("an absent key, an unknown script, a caller that is gone", "")
	server.SetError("READONLY You can't write against a read only replica.")
	client.Set(ctx, "x", "y", 0)
	expect("a replica", "refused")
	server.SetError("")

	// The only connection is taken.
	conn := client.Conn()
	if err := conn.Ping(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	client.Ping(ctx)
	if n := errors()["pool"]; n != 1 {
		t.Errorf("no connection was free: %v", errors())
	}
	_ = conn.Close()

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	mute := redis.NewClient(&redis.Options{Addr: silent.Addr().String(), MaxRetries: -1, ReadTimeout: 20 * time.Millisecond, DialerRetries: 1})
	defer func() { _ = mute.Close() }()
	muteReg := prometheus.NewRegistry()
	telemetry.WatchRedis(mute, muteReg)
	mute.Ping(ctx)
	server.Close()
	client.Ping(ctx)
	if n := errors()["unreachable"]; n != 1 {
		t.Errorf("a server that is gone: %v", errors())
	}
	if n := testutil.CollectAndCount(muteReg, "regie_redis_errors_total"); n != 4 {
		t.Errorf("%d reasons", n)
	}
	families, _ := muteReg.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "regie_redis_errors_total" && m.GetLabel()[0].GetValue() == "timeout" && m.GetCounter().GetValue() != 1 {
				t.Errorf("a mute server: %v", f)
			}
		}
	}
}

func TestACommandHasASpanWhereItsCallerHas(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test")
	server := miniredis.RunT(t)
	reg := prometheus.NewRegistry()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close() }()
	telemetry.WatchRedis(client, reg)
	client.Ping(t.Context())
	if n := len(recorder.Ended()); n != 0 {
		t.Errorf("%d spans without a caller's", n)
	}
	ctx, parent := tracer.Start(t.Context(), "caller")
	if _, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "1", 0)
		p.Set(ctx, "b", "2", 0)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	client.LPush(ctx, "l", 1)
	server.SetError("OOM")
	client.Get(ctx, "a")
	parent.End()
	var names []string
	for _, s := range recorder.Ended()[:3] {
		names = append(names, s.Name())
		if s.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s is not below its caller", s.Name())
		}
	}
	if len(names) != 3 || names[0] != "redis pipeline" || names[1] != "redis lpush" || names[2] != "redis get" || recorder.Ended()[2].Status().Description != "refused" {
		t.Errorf("%v", names)
	}
	// A command that is none of ours shares a label.
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "regie_redis_command_seconds" && m.GetLabel()[0].GetValue() == "lpush" {
				t.Error("a strange command has a label of its own")
			}
		}
	}
}
