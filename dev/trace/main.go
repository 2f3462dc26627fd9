// Trace draws one edit's trace, from the CMS to the projection: `make docs-trace`, or
//
//	go run ./dev/trace [-o docs/trace.svg]
//
// With REGIE_KAFKA, REGIE_REDIS and REGIE_MONGODB in the environment (dev/stack/stack run -- ...) each role is a process of
// its own on these servers, else all is one on the embedded ones. It makes a programme, edits its title a number of times,
// collects the spans by OTLP, and draws the trace whose length is the median.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"regie/internal/telemetry/collector"
)

// warm is how many edits go before: the first ones open connections.
const warm = 20

func main() {
	out := flag.String("o", "docs/trace.svg", "where the picture goes")
	edits := flag.Int("edits", 21, "how many edits the drawn one is the median of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *out, *edits)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "trace:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, edits int) (err error) {
	dir, err := os.MkdirTemp("", "trace")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	spans, err := collector.Start()
	if err != nil {
		return err
	}
	defer spans.Close()
	s := &system{dir: dir, exe: filepath.Join(dir, "regie"), spans: spans, real: os.Getenv("REGIE_KAFKA") != ""}
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.command(ctx, `{"_id": "traced", "slug": "traced", "title": "A title", "kind": "FILM"}`, "cms", "put", "programme"); err != nil {
		return err
	}
	var traces [][]collector.Span
	for n := range edits + warm {
		before := s.ids()
		if err := s.command(ctx, "", "cms", "set", "programme", "traced", "title=Title "+strconv.Itoa(n)); err != nil {
			return err
		}
		trace, err := s.await(ctx, before)
		if err != nil {
			return err
		}
		if n >= warm {
			traces = append(traces, trace)
		}
	}
	slices.SortFunc(traces, func(a, b []collector.Span) int { return cmp.Compare(length(a), length(b)) })
	servers := "the embedded servers, all roles in one process"
	if s.real {
		servers = "Kafka, MongoDB and Redis, each role a process"
	}
	picture := draw(traces[len(traces)/2], fmt.Sprintf("the median of %d edits, on %s", edits, servers))
	if err := os.WriteFile(out, picture, 0o644); err != nil { //nolint:gosec // a page's picture
		return err
	}
	fmt.Printf("%s: %s, from %s to %s\n", out, length(traces[len(traces)/2]), length(traces[0]), length(traces[len(traces)-1]))
	return nil
}

// system is the program under trace.
type system struct {
	dir, exe string
	real     bool
	spans    *collector.Collector
	admin    string // of the embedded CMS
	env      []string
	running  []*exec.Cmd
}

func (s *system) start(ctx context.Context) error {
	if b, err := exec.CommandContext(ctx, "go", "build", "-o", s.exe, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w\n%s", err, b)
	}
	s.env = append(os.Environ(), "REGIE_DATA="+filepath.Join(s.dir, "data"),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+s.spans.HTTP, "OTEL_BSP_SCHEDULE_DELAY=50")
	roles := []string{""}
	if s.real {
		name := "trace" + strconv.FormatInt(time.Now().UnixMilli(), 36)
		s.env = append(s.env, "REGIE_PROJECT="+name, "REGIE_MONGODB_DATABASE="+name, "REGIE_INSTANCE=one", "REGIE_SECRET=of a picture")
		if err := s.command(ctx, "", "topics", "apply", "--replication", "1"); err != nil {
			return err
		}
		roles = []string{"capture", "transform", "project"}
	}
	for _, role := range roles {
		var free [3]string
		for i := range free {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			free[i] = l.Addr().String()
			_ = l.Close()
		}
		args := []string{"run", "--http", free[0], "--admin", free[1], "--grpc", free[2]}
		if role != "" {
			args = append(args, "--role", role)
		} else {
			s.admin = free[1]
		}
		cmd := exec.CommandContext(ctx, s.exe, args...)
		cmd.Env, cmd.Stderr = s.env, os.Stderr
		if err := cmd.Start(); err != nil {
			return err
		}
		s.running = append(s.running, cmd)
		if err := poll(ctx, func() bool {
			res, err := http.Get("http://" + free[1] + "/readyz")
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			return res.StatusCode == http.StatusOK
		}); err != nil {
			return fmt.Errorf("%v is not ready: %w", args, err)
		}
	}
	return nil
}

func (s *system) stop() {
	for _, cmd := range slices.Backward(s.running) {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
}

func (s *system) command(ctx context.Context, in string, args ...string) error {
	if s.admin != "" {
		args = append(args, "--admin", s.admin)
	}
	cmd := exec.CommandContext(ctx, s.exe, args...)
	cmd.Env, cmd.Stdin = s.env, strings.NewReader(in)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", args, err, b)
	}
	return nil
}

// ids are the traces that are known.
func (s *system) ids() map[string]bool {
	ids := map[string]bool{}
	for _, span := range s.spans.Spans() {
		ids[span.Trace] = true
	}
	return ids
}

// await returns the trace that is none of those before, when it has reached the projection.
func (s *system) await(ctx context.Context, before map[string]bool) (trace []collector.Span, err error) {
	err = poll(ctx, func() bool {
		trace = nil
		complete := map[string]bool{}
		for _, span := range s.spans.Spans() {
			if !before[span.Trace] {
				trace = append(trace, span)
				complete[span.Name] = true
			}
		}
		return complete["change cms.programme"] && complete["process cms.programme"] && complete["process catalog.programme"]
	})
	if err != nil {
		err = fmt.Errorf("the trace is not complete: %v: %w", trace, err)
	}
	return trace, err
}

func poll(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func length(trace []collector.Span) time.Duration {
	var end time.Time
	for _, s := range trace {
		if s.End.After(end) {
			end = s.End
		}
	}
	return end.Sub(trace[0].Start)
}

// what says what a span is, for who does not know the code. The Redis commands of one edit come in this order.
var what = map[string]string{
	"change cms.programme":      "until Kafka has it",
	"send cms.programme":        "one transaction",
	"process cms.programme":     "document to entity",
	"send catalog.programme":    "acknowledged",
	"process catalog.programme": "for each screen",
}

const (
	width, left, right = 1000, 450, 80
	top, row           = 74, 30
)

// draw makes a waterfall: a bar for each span, below its parent.
func draw(trace []collector.Span, about string) []byte {
	depth := map[string]int{}
	for _, s := range trace { // parents begin first
		depth[s.ID] = 0
		if d, ok := depth[s.Parent]; ok {
			depth[s.ID] = d + 1
		}
	}
	start, total := trace[0].Start, length(trace)
	scale := float64(width-left-right) / float64(total)
	var b bytes.Buffer
	height := top + row*len(trace) + 44
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="14" role="img" aria-labelledby="t">
<title id="t">The trace of one edit, from the CMS to the projection: %s</title>
<style>
  :root { color-scheme: light dark }
  .page { fill: #fff } .ink { fill: #1f2328 } .dim { fill: #59636e } .line { stroke: #d1d9e0 }
  .capture { fill: #0969da } .transform { fill: #8250df } .project { fill: #1a7f37 } .redis { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .ink { fill: #f0f6fc } .dim { fill: #9198a1 } .line { stroke: #3d444d }
    .capture { fill: #4493f8 } .transform { fill: #ab7df8 } .project { fill: #3fb950 } .redis { fill: #f0883e }
  }
</style>
<rect class="page" width="%d" height="%d" rx="8"/>
<text class="ink" x="20" y="30" font-size="17" font-weight="600">One edit, from the CMS to the projection: %s</text>
<text class="dim" x="20" y="52">%s</text>
`, width, height, millis(total), width, height, millis(total), about)
	bottom := top + row*len(trace)
	step := tick(total)
	for at := time.Duration(0); at <= total; at += step {
		x := left + float64(at)*scale
		fmt.Fprintf(&b, `<line class="line" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/><text class="dim" x="%.1f" y="%d" font-size="12" text-anchor="middle">%s</text>`+"\n",
			x, top, x, bottom, x, bottom+18, millis(at))
	}
	for i, s := range trace {
		role, detail := strings.TrimPrefix(s.Scope, "regie/"), what[s.Name]
		if n := s.Attributes["db.operation.batch.size"]; n != "" {
			detail = n + " commands"
		}
		y := top + row*i
		x, w := left+float64(s.Start.Sub(start))*scale, max(2, float64(s.End.Sub(s.Start))*scale)
		fmt.Fprintf(&b, `<text x="%d" y="%d"><tspan class="%s" font-weight="600">%s</tspan><tspan class="ink" dx="8">%s</tspan><tspan class="dim" dx="8" font-size="12">%s</tspan></text>`+"\n",
			20+16*depth[s.ID], y+20, role, role, strings.TrimPrefix(s.Name, "redis "), detail)
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="16" rx="3"/><text class="ink" x="%.1f" y="%d" font-size="12">%s</text>`+"\n",
			role, x, y+7, w, x+w+6, y+20, millis(s.End.Sub(s.Start)))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', decimals(d), 64) + " ms"
}

// decimals are two significant digits' below 10 ms.
func decimals(d time.Duration) int {
	switch {
	case d%time.Millisecond == 0:
		return 0
	case d < time.Millisecond:
		return 2
	case d < 100*time.Millisecond:
		return 1
	}
	return 0
}

// tick is the distance between the scale's lines: at most eight of them.
func tick(total time.Duration) time.Duration {
	for _, step := range []time.Duration{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if total <= 8*step*time.Millisecond {
			return step * time.Millisecond
		}
	}
	return total
}
