// Package collector is an OTLP receiver that keeps spans in memory, for tests and for dev/trace.
package collector

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Span is one that was received.
type Span struct {
	// Trace, ID and Parent are hexadecimal; a root has no Parent.
	Trace, ID, Parent string
	// Name is the operation's, Scope that of who made it, Kind such as SPAN_KIND_SERVER.
	Name, Scope, Kind string
	Start, End        time.Time
	// Attributes are as text, and Resource those of the process.
	Attributes, Resource map[string]string
	// Links are the ids of the spans linked to.
	Links  []string
	Failed bool
}

// Collector receives by HTTP and by gRPC on loopback addresses.
type Collector struct {
	collectorv1.UnimplementedTraceServiceServer

	// HTTP and GRPC are for OTEL_EXPORTER_OTLP_ENDPOINT.
	HTTP, GRPC string

	mu    sync.Mutex
	spans []Span
	end   func()
}

// Start listens. Close it.
func Start() (*Collector, error) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	rpc, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, web.Close())
	}
	c := &Collector{HTTP: "http://" + web.Addr().String(), GRPC: "http://" + rpc.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.receive)
	hs, gs := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(gs, c)
	var wg sync.WaitGroup
	wg.Go(func() { _ = hs.Serve(web) })
	wg.Go(func() { _ = gs.Serve(rpc) })
	c.end = func() {
		_ = hs.Close()
		gs.Stop()
		wg.Wait()
	}
	return c, nil
}

// Close ends both.
func (c *Collector) Close() { c.end() }

// Spans are those received so far, in the order of their beginning.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.spans)
	slices.SortStableFunc(out, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return out
}

func (c *Collector) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	var req collectorv1.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &req)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = c.Export(r.Context(), &req)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Export implements OTLP's service.
func (c *Collector) Export(_ context.Context, req *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		resource := texts(rs.GetResource().GetAttributes())
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				span := Span{
					Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
					Name: s.GetName(), Scope: ss.GetScope().GetName(), Kind: s.GetKind().String(),
					Start: time.Unix(0, int64(s.GetStartTimeUnixNano())), End: time.Unix(0, int64(s.GetEndTimeUnixNano())),
					Attributes: texts(s.GetAttributes()), Resource: resource,
					Failed: s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
				}
				for _, l := range s.GetLinks() {
					span.Links = append(span.Links, hex.EncodeToString(l.GetSpanId()))
				}
				c.spans = append(c.spans, span)
			}
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

func texts(in []*commonv1.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range in {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonv1.AnyValue_StringValue:
			out[kv.GetKey()] = v.StringValue
		case *commonv1.AnyValue_IntValue:
			out[kv.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		default:
			out[kv.GetKey()] = kv.GetValue().String()
		}
	}
	return out
}
