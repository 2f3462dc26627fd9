package stream

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// A record's trace is in its traceparent header:
//
//	change cms.x  the editor's change to its commit in Kafka (root, by capture)
//	  send cms.x
//	    process cms.x      transform
//	      send catalog.x
//	        process catalog.x   project; Redis' commands below
//
// What a viewer does is sent below the call that it is done by (by users) and processed by persist.
//
// Of a batch with several traced records, what is done for all of them together is below the first, in "process batch",
// which is linked with each of the others.

// traced is how long after a change, or what a viewer did, its trace is followed: what comes later is a replay, whose trace is long closed.
const traced = time.Hour

func (c *Cluster) tracer(role string) trace.Tracer { return c.cfg.Traces.Tracer("regie/" + role) }

// headers carries a trace's context in a record: traceparent alone.
type headers struct{ of *Headers }

var _ propagation.TextMapCarrier = headers{}

func (h headers) Get(key string) string { return h.of.Get(key) }

func (h headers) Keys() []string { return []string{HeaderTraceparent} }

// Set replaces rather than adds: there is one trace.
func (h headers) Set(key, value string) {
	if key != HeaderTraceparent {
		return
	}
	for i := range *h.of {
		if (*h.of)[i].Key == key {
			*h.of = slices.Clone(*h.of) // a transform may have passed its input's on
			(*h.of)[i].Value = value
			return
		}
	}
	*h.of = append(*h.of, Header{key, value})
}

func inject(ctx context.Context, r *Record) {
	propagation.TraceContext{}.Inject(ctx, headers{&r.Headers})
}

func (c *Cluster) describeSpan(operation attribute.KeyValue, r *Record) []attribute.KeyValue {
	attrs := []attribute.KeyValue{semconv.MessagingSystemKafka, operation, semconv.MessagingDestinationName(c.Topic(r.Topic))}
	if !strings.HasPrefix(r.Topic, "user.") { // a viewer's pseudonym, which is to outlive no erasure
		attrs = append(attrs, semconv.MessagingKafkaMessageKey(string(r.Key)))
	}
	return attrs
}

func failed(span trace.Span, err error) {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
}

// send begins the span of a record's production below ctx's, and gives the record its context.
func (c *Cluster) send(ctx context.Context, role string, r *Record) trace.Span {
	ctx, span := c.tracer(role).Start(ctx, "send "+r.Topic, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(c.describeSpan(semconv.MessagingOperationTypeSend, r)...))
	inject(ctx, r)
	return span
}

// Changes is what a role that makes records of editors' changes calls before it writes them: each that has a cms-time
// begins a trace. The function that it returns is to be called once they are committed, or with the error why not.
func (c *Cluster) Changes(ctx context.Context, role string, rs []Record) (written func(error)) {
	var spans []trace.Span
	if c.cfg.Traces != nil {
		for i := range rs {
			changed := rs[i].CMSTime()
			if changed.IsZero() || time.Since(changed) > traced {
				continue
			}
			// Two clocks: nothing is written before it was changed.
			root, span := c.tracer(role).Start(ctx, "change "+rs[i].Topic, trace.WithNewRoot(), trace.WithTimestamp(earlier(changed, time.Now())),
				trace.WithAttributes(attribute.String("regie.role", role), attribute.String("regie.key", string(rs[i].Key))))
			spans = append(spans, c.send(root, role, &rs[i]), span)
		}
	}
	return func(err error) {
		for _, s := range spans {
			failed(s, err)
			s.End()
		}
		if err != nil {
			if Fenced(err) {
				c.metrics.fenced.WithLabelValues(role).Inc()
			}
			return
		}
		for i := range rs {
			c.metrics.records.WithLabelValues(role, collectionOf(rs[i].Topic)).Inc()
			if changed := rs[i].CMSTime(); !changed.IsZero() {
				c.metrics.fresh(role, rs[i].Topic, "", changed)
			}
		}
	}
}

// Sends is what a role calls before it produces records of one topic by a call that may be traced: the records bear the
// call's trace. The function that it returns is to be called with what came of them.
func (p *Producer) Sends(ctx context.Context, role string, rs []Record) (sent func(error)) {
	if p.cluster.cfg.Traces == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return func(error) {}
	}
	span := p.cluster.send(ctx, role, &rs[0])
	if len(rs) > 1 {
		span.SetAttributes(semconv.MessagingBatchMessageCount(len(rs)))
	}
	for i := range rs {
		inject(trace.ContextWithSpan(ctx, span), &rs[i])
	}
	return func(err error) {
		failed(span, err)
		span.End()
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// recordID is a record's place.
type recordID struct {
	topic     string
	partition int32
	offset    int64
}

// happened is when there was a change, or, of what viewers did, when it was sent.
func (r *Record) happened() time.Time {
	if at := r.CMSTime(); !at.IsZero() {
		return at
	}
	return r.Time
}

func (r *Record) id() recordID { return recordID{r.Topic, r.Partition, r.Offset} }

// spans are of a batch's records, those that bear a trace that is recorded.
type spans struct {
	cluster *Cluster
	role    string
	records map[recordID]trace.Span
	batch   trace.Span // of what is done for several together, or nil
}

// follow begins the spans of a batch and returns the context of what is done for it. Without a trace it costs nothing.
func (c *Cluster) follow(ctx context.Context, role string, b *Batch) context.Context {
	b.spans = spans{cluster: c, role: role}
	if c.cfg.Traces == nil {
		return ctx
	}
	var links []trace.Link
	first := ctx
	for i := range b.Records {
		r := &b.Records[i]
		if r.Headers.Get(HeaderTraceparent) == "" || time.Since(r.happened()) > traced {
			continue
		}
		parent := propagation.TraceContext{}.Extract(ctx, headers{&r.Headers})
		child, span := c.tracer(role).Start(parent, "process "+r.Topic, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			append(c.describeSpan(semconv.MessagingOperationTypeProcess, r),
				semconv.MessagingConsumerGroupName(c.cfg.Project+"."+role),
				semconv.MessagingDestinationPartitionID(strconv.Itoa(int(r.Partition))), semconv.MessagingKafkaOffset(int(r.Offset)))...))
		if !span.IsRecording() {
			continue
		}
		if b.spans.records == nil {
			b.spans.records = map[recordID]trace.Span{}
		}
		b.spans.records[r.id()] = span
		if len(b.spans.records) == 1 {
			first = child
		} else {
			links = append(links, trace.Link{SpanContext: span.SpanContext()})
		}
	}
	if len(links) == 0 {
		return first
	}
	batch, span := c.tracer(role).Start(first, "process batch", trace.WithLinks(links...), trace.WithAttributes(
		semconv.MessagingSystemKafka, semconv.MessagingBatchMessageCount(len(b.Records)), semconv.MessagingConsumerGroupName(c.cfg.Project+"."+role)))
	for _, s := range b.spans.records {
		if s != trace.SpanFromContext(first) {
			s.AddLink(trace.Link{SpanContext: span.SpanContext()})
		}
	}
	b.spans.batch = span
	return batch
}

// retried notes an attempt that failed.
func (s *spans) retried(err error) {
	for _, span := range s.records {
		span.RecordError(err)
	}
	if s.batch != nil {
		s.batch.RecordError(err)
	}
}

// end ends them; err is why the batch was given up.
func (s *spans) end(b *Batch, err error) {
	if s.records == nil {
		return
	}
	for i := range b.Records {
		if span := s.records[b.Records[i].id()]; span != nil {
			failed(span, b.rejected[i])
		}
	}
	for _, span := range s.records {
		failed(span, err)
		span.End()
	}
	if s.batch != nil {
		failed(s.batch, err)
		s.batch.End()
	}
}

// Send begins the span of r's production below that of record i, if that one is traced, and gives r its context. The
// function that it returns is to be called once r is written, or with the error why not.
func (b *Batch) Send(ctx context.Context, i int, r *Record) (sent func(error)) {
	ctx, ok := b.below(ctx, i)
	if !ok {
		return func(error) {}
	}
	span := b.spans.cluster.send(ctx, b.spans.role, r)
	return func(err error) {
		failed(span, err)
		span.End()
	}
}

// below is a context whose span is that of record i; false when it has none.
func (b *Batch) below(ctx context.Context, i int) (context.Context, bool) {
	span := b.spans.records[b.Records[i].id()]
	if span == nil {
		return ctx, false
	}
	return trace.ContextWithSpan(ctx, span), true
}
