package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// traced is a cluster, never connected, and what it records.
func tracedCluster(sampler sdktrace.Sampler) (*Cluster, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler), sdktrace.WithSpanProcessor(recorder))
	return New(Config{Project: "regie", Traces: provider, Log: slog.New(slog.DiscardHandler)}), recorder
}

func change(n int, at time.Time) Record {
	return Record{
		Topic: "cms.programme", Partition: 3, Offset: int64(n), Key: []byte(fmt.Sprint("p", n)), Value: []byte("{}"),
		Headers: Headers{{HeaderCMSTime, fmt.Sprint(at.UnixMilli())}},
	}
}

// names are the ended spans', by name the first of each.
func byName(t *testing.T, recorder *tracetest.SpanRecorder) map[string][]sdktrace.ReadOnlySpan {
	t.Helper()
	out := map[string][]sdktrace.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		out[s.Name()] = append(out[s.Name()], s)
	}
	return out
}

func TestABatchFollowsTheTracesOfItsRecords(t *testing.T) {
	c, recorder := tracedCluster(sdktrace.AlwaysSample())
	now := time.Now()
	rs := []Record{change(0, now), change(1, now), change(2, now), change(3, now.Add(-2*time.Hour)), change(4, now)}
	rs[4].Headers = nil // a snapshot's
	c.Changes(t.Context(), "capture", rs)(nil)
	for i, r := range rs {
		if got := r.Headers.Get(HeaderTraceparent); (got != "") != (i < 3) {
			t.Errorf("record %d has the traceparent %q", i, got)
		}
	}
	b := &Batch{Records: rs}
	ctx := c.follow(t.Context(), "transform", b)
	_, effect := trace.SpanFromContext(ctx).TracerProvider().Tracer("").Start(ctx, "effect")
	effect.End()
	b.spans.retried(errors.New("once"))
	b.Reject(2, errors.New("bad"))
	b.spans.end(b, nil)

	spans := byName(t, recorder)
	processed, roots := spans["process cms.programme"], map[trace.TraceID]bool{}
	if len(processed) != 3 || len(spans["process batch"]) != 1 || len(spans["effect"]) != 1 {
		t.Fatalf("%v", spans)
	}
	batch := spans["process batch"][0]
	for _, s := range spans["change cms.programme"] {
		roots[s.SpanContext().TraceID()] = true
		if s.Parent().IsValid() || s.StartTime().After(now) {
			t.Errorf("%v began at %v below %v", s, s.StartTime(), s.Parent())
		}
	}
	failures := 0
	for _, s := range processed {
		if !roots[s.SpanContext().TraceID()] || !s.Parent().IsRemote() || len(s.Events()) == 0 {
			t.Errorf("%v is in no change's trace, or its retry is missing", s)
		}
		if s.SpanContext().SpanID() != batch.Parent().SpanID() && (len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID() != batch.SpanContext().SpanID()) {
			t.Errorf("%v is not linked with its batch", s)
		}
		if s.Status().Code.String() == "Error" {
			failures++
		}
	}
	if len(roots) != 3 || len(batch.Links()) != 2 || spans["effect"][0].Parent().SpanID() != batch.SpanContext().SpanID() || failures != 1 {
		t.Errorf("%d traces, %d links, %d failed, the effect below %v", len(roots), len(batch.Links()), failures, spans["effect"][0].Parent())
	}
}

func TestASpanIsAboveWhatItsRecordBecame(t *testing.T) {
	c, recorder := tracedCluster(sdktrace.AlwaysSample())
	rs := []Record{change(0, time.Now())}
	c.Changes(t.Context(), "capture", rs)(nil)
	given := rs[0].Headers.Get(HeaderTraceparent)
	b := &Batch{Records: rs}
	c.follow(t.Context(), "transform", b)
	ctx, ok := b.below(t.Context(), 0)
	out := Record{Topic: "catalog.programme", Headers: rs[0].Headers} // as a transform may pass them
	c.send(ctx, b.spans.role, &out).End()
	b.spans.end(b, errors.New("given up"))
	if rs[0].Headers.Get(HeaderTraceparent) != given {
		t.Error("the input's header was changed")
	}
	spans := byName(t, recorder)
	sent, processed := spans["send catalog.programme"][0], spans["process cms.programme"][0]
	want := fmt.Sprintf("00-%s-%s-01", sent.SpanContext().TraceID(), sent.SpanContext().SpanID())
	if got := out.Headers.Get(HeaderTraceparent); !ok || got != want || len(out.Headers) != len(rs[0].Headers) {
		t.Errorf("%q, not %q, in %v", got, want, out.Headers)
	}
	if sent.Parent().SpanID() != processed.SpanContext().SpanID() || processed.Status().Code.String() != "Error" {
		t.Errorf("%v", spans)
	}
}

func TestACallsRecordsBearItsTrace(t *testing.T) {
	c, recorder := tracedCluster(sdktrace.AlwaysSample())
	p := &Producer{cluster: c}
	now := time.Now()
	event := func(at time.Time) Record { return Record{Topic: UserProgress, Key: []byte("pseudonym"), Time: at} }
	untraced := []Record{event(now)}
	p.Sends(t.Context(), "users", untraced)(nil)
	ctx, call := c.tracer("").Start(t.Context(), "call")
	rs := []Record{event(now), event(now), event(now.Add(-2 * time.Hour))}
	p.Sends(ctx, "users", rs)(errors.New("lost"))
	call.End()
	b := &Batch{Records: append(rs, untraced...)}
	for i := range b.Records {
		b.Records[i].Offset = int64(i)
	}
	c.follow(t.Context(), "persist", b)
	b.spans.end(b, nil)

	spans := byName(t, recorder)
	sent, processed := spans["send user.progress"], spans["process user.progress"]
	if len(sent) != 1 || len(processed) != 2 {
		t.Fatalf("%v", spans)
	}
	if sent[0].Parent().SpanID() != call.SpanContext().SpanID() || sent[0].Status().Code.String() != "Error" {
		t.Errorf("%v", sent[0])
	}
	for _, s := range processed {
		if s.Parent().SpanID() != sent[0].SpanContext().SpanID() {
			t.Errorf("%v is not below what was sent", s)
		}
	}
	for _, s := range append(sent, processed...) {
		if strings.Contains(fmt.Sprint(s.Attributes()), "pseudonym") {
			t.Errorf("it tells whose it is: %v", s.Attributes())
		}
	}
}

func TestWhatIsNotSampledIsPassedOnAndNotRecorded(t *testing.T) {
	c, recorder := tracedCluster(sdktrace.ParentBased(sdktrace.NeverSample()))
	rs := []Record{change(0, time.Now())}
	c.Changes(t.Context(), "capture", rs)(nil)
	b := &Batch{Records: rs}
	ctx := c.follow(t.Context(), "transform", b)
	b.spans.end(b, nil)
	if len(recorder.Ended()) != 0 || trace.SpanFromContext(ctx).IsRecording() {
		t.Errorf("%v", recorder.Ended())
	}
	if h := rs[0].Headers.Get(HeaderTraceparent); len(h) != 55 || h[53:] != "00" {
		t.Errorf("traceparent %q", h)
	}
}

func TestAStrangeTraceparentHarmsNobody(t *testing.T) {
	c, recorder := tracedCluster(sdktrace.AlwaysSample())
	r := change(0, time.Now())
	r.Headers = append(r.Headers, Header{HeaderTraceparent, "00-zz"})
	b := &Batch{Records: []Record{r}}
	c.follow(t.Context(), "transform", b)
	b.spans.end(b, nil)
	if ended := recorder.Ended(); len(ended) != 1 || ended[0].Parent().IsValid() {
		t.Errorf("%v", ended)
	}
}

// BenchmarkTraces compares what a batch of 500 records costs: without traces, with none sampled, with all.
func BenchmarkTraces(b *testing.B) {
	ctx := context.Background()
	with, _ := tracedCluster(sdktrace.AlwaysSample())
	rs := make([]Record, 500)
	for i := range rs {
		rs[i] = change(i, time.Now().Add(30*time.Minute))
	}
	with.Changes(ctx, "capture", rs)(nil)
	off := New(Config{Project: "regie", Log: slog.New(slog.DiscardHandler)})
	none := New(Config{Project: "regie", Log: off.log, Traces: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))})
	all := New(Config{Project: "regie", Log: off.log, Traces: sdktrace.NewTracerProvider()})
	for name, c := range map[string]*Cluster{"off": off, "none sampled": none, "all sampled": all} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := &Batch{Records: rs}
				c.follow(ctx, "transform", batch)
				batch.spans.end(batch, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rs)), "ns/record")
		})
	}
}
