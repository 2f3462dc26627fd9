package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"regie/internal/catalog"
	"regie/internal/identity"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/telemetry/collector"
	catalogv1 "regie/proto/catalog/v1"
)

// watched is the embedded default, used a little, and looked at from outside.
type watched struct {
	*child
	site, admin, slug string
	spans             *collector.Collector
}

func watch(t *testing.T) *watched {
	t.Helper()
	spans, err := collector.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(spans.Close)
	rpc := servertest.FreeAddress(t)
	w := &watched{spans: spans, slug: "le-dernier-tram"}
	w.child = start(t, t.TempDir(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + spans.HTTP, "OTEL_BSP_SCHEDULE_DELAY=50"},
		"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", rpc, "--log-format", "json", "--log-level", "debug")
	w.site, w.admin = w.ready()
	must(t, "cms", "set", "programme", w.slug, "title=Seen from outside", "--admin", w.admin)
	awaitTitle(t, w.site, w.slug, "Seen from outside")
	must(t, "cms", "set", "programme", w.slug, "kind=NONE", "--admin", w.admin) // set aside
	conn, err := grpc.NewClient(rpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := catalogv1.NewCatalogServiceClient(conn).BatchGet(t.Context(), &catalogv1.BatchGetRequest{}); err != nil {
		t.Error(err)
	}
	return w
}

// metrics are what /metrics answers, once librdkafka has told of itself.
func (w *watched) metrics(t *testing.T) []byte {
	t.Helper()
	var body []byte
	eventually(t, func() string {
		body = w.get(t, "/metrics")
		for _, client := range []string{"capture", "transform", "through", "project", "dead.project", "capture.page"} {
			if !bytes.Contains(body, []byte(`regie_kafka_brokers_up{client="`+client+`"}`)) {
				return "nothing of the client " + client
			}
		}
		return ""
	})
	return body
}

func (w *watched) get(t *testing.T, path string) []byte {
	t.Helper()
	res, err := http.Get("http://" + w.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", path, res.Status, err)
	}
	return body
}

func TestSeenFromOutside(t *testing.T) {
	w := watch(t)
	t.Run("an edit is one trace, from the CMS to Redis", func(t *testing.T) { w.editTrace(t) })
	t.Run("an operation is one trace, with its loads", func(t *testing.T) { w.queryTrace(t) })
	t.Run("a call of another back end has a span, a health check has none", func(t *testing.T) {
		w.trace(t, "regie.catalog.v1.CatalogService/BatchGet")
		for _, s := range w.spans.Spans() {
			if strings.HasPrefix(s.Name, "grpc.health") {
				t.Errorf("%+v", s)
			}
		}
	})
	t.Run("no client chooses a label", func(t *testing.T) { w.labels(t) })
	exposition := w.metrics(t)
	t.Run("docs/metrics.md has every metric", func(t *testing.T) { metricsPage(t, exposition) })
	t.Run("alerts and dashboard ask for what there is", func(t *testing.T) { alertsAndDashboard(t, exposition) })
	t.Run("each log line says whose it is", func(t *testing.T) { w.lines(t) })
	t.Run("profiles", func(t *testing.T) {
		for _, p := range []string{"goroutine?debug=1", "heap", "profile?seconds=1"} {
			if len(w.get(t, "/debug/pprof/"+p)) == 0 {
				t.Errorf("%s is empty", p)
			}
		}
	})
}

// trace waits for the trace that has a span of each name, and returns it by the spans' names.
func (w *watched) trace(t *testing.T, names ...string) map[string]collector.Span {
	t.Helper()
	var found map[string]collector.Span
	eventually(t, func() string {
		traces := map[string]map[string]collector.Span{}
		for _, s := range w.spans.Spans() {
			if traces[s.Trace] == nil {
				traces[s.Trace] = map[string]collector.Span{}
			}
			if _, ok := traces[s.Trace][s.Name]; !ok {
				traces[s.Trace][s.Name] = s
			}
		}
		for _, found = range traces {
			if !slices.ContainsFunc(names, func(n string) bool { _, ok := found[n]; return !ok }) {
				return ""
			}
		}
		return fmt.Sprintf("no trace has %v: %v", names, traces)
	})
	return found
}

// nested tells of the spans that are not each below the one before.
func nested(t *testing.T, spans map[string]collector.Span, names ...string) {
	t.Helper()
	for i, name := range names[1:] {
		if spans[name].Parent != spans[names[i]].ID {
			t.Errorf("%q is not below %q: %+v", name, names[i], spans)
		}
	}
	if spans[names[0]].Parent != "" {
		t.Errorf("%q is not the root: %+v", names[0], spans)
	}
}

func (w *watched) editTrace(t *testing.T) {
	names := []string{
		"change cms.programme", "send cms.programme", "process cms.programme",
		"send catalog.programme", "process catalog.programme", "redis pipeline",
	}
	spans := w.trace(t, names...)
	nested(t, spans, names...)
	p := spans["process catalog.programme"]
	want := map[string]string{
		"messaging.system": "kafka", "messaging.operation.type": "process", "messaging.destination.name": "regie.catalog.programme",
		"messaging.consumer.group.name": "regie.project",
	}
	for k, v := range want {
		if p.Attributes[k] != v {
			t.Errorf("%s is %q, not %q", k, p.Attributes[k], v)
		}
	}
	if p.Scope != "regie/project" || p.Kind != "SPAN_KIND_CONSUMER" || p.Resource["service.name"] != "regie" {
		t.Errorf("%+v", p)
	}
	eventually(t, func() string { // the one that was set aside
		for _, s := range w.spans.Spans() {
			if s.Name == "process cms.programme" && s.Failed {
				return ""
			}
		}
		return "no span of the record that was set aside has failed"
	})
}

func (w *watched) queryTrace(t *testing.T) {
	ask(t, w.site+"/query/iptv", `query Front { programmes(first: 3) { edges { node { title videos(first: 2) { edges { node { title } } } } } } }`, nil)
	spans := w.trace(t, "graphql query", "load", "redis pipeline")
	nested(t, spans, "graphql query", "load", "redis pipeline")
	loads := 0
	eventually(t, func() string {
		loads = 0
		for _, s := range w.spans.Spans() {
			if s.Name == "graphql query" && s.Attributes["graphql.operation.name"] == "Front" {
				for _, l := range w.spans.Spans() {
					if l.Name == "load" && l.Parent == s.ID {
						loads++
					}
				}
				if s.Attributes["regie.screen"] != "iptv" || s.Attributes["regie.code"] != "OK" {
					t.Fatalf("%+v", s)
				}
			}
		}
		if loads < 3 {
			return fmt.Sprint(loads, " loads")
		}
		return ""
	})
}

// values are the closed sets of each label's values.
func values() map[string]*regexp.Regexp {
	one := func(of ...string) *regexp.Regexp {
		for i := range of {
			of[i] = regexp.QuoteMeta(of[i])
		}
		return regexp.MustCompile("^(" + strings.Join(of, "|") + ")$")
	}
	var topics, names []string
	for _, topic := range stream.Topics() {
		topics = append(topics, topic.Name)
	}
	for _, s := range catalog.Screens() {
		names = append(names, string(s))
	}
	collections := one(append(stream.Collections(), "position", "favourite", "progress")...)
	return map[string]*regexp.Regexp{
		"role": one(roles...), "topic": one(topics...), "partition": regexp.MustCompile(`^([0-9]|1[01])$`),
		"collection": collections, "kind": collections, "screen": one(append(names, "", "none")...),
		"operation": one("query", "mutation", "subscription", "none"),
		"code":      regexp.MustCompile(`^(OK|BAD_USER_INPUT|GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|QUERY_TOO_COMPLEX|UNAVAILABLE|INTERNAL|UNAUTHENTICATED|OTHER|CONFLICT|NOT_FOUND|OUT_OF_RANGE|LIMIT_REACHED|TOO_OLD|[A-Z][A-Za-z]+)$`),
		"method":    regexp.MustCompile(`^/(regie\.catalog\.v1\.CatalogService|regie\.user\.v1\.UserService|grpc\.[a-zA-Z0-9.]+)/[A-Za-z]+$`),
		"outcome":   one("applied", "refused", "coalesced", "rejected", "hit", "miss", "timeout", "consistent", "stale"), "state": one("idle", "used"),
		"command": one("pipeline", "ping", "subscribe", "publish", "get", "script", "evalsha", "other"),
		"reason": one("timeout", "unreachable", "pool", "refused", identity.Malformed, identity.Algorithm, identity.UnknownKey, identity.Signature,
			identity.Issuer, identity.Audience, identity.Expired, identity.NotYet, identity.User, identity.Incomplete, identity.Credentials,
			identity.Nobody, identity.Service, identity.Unavailable),
		"quantile": one("0.5", "0.99"),
		"client":   regexp.MustCompile(`^(capture|transform|project|persist|producer|through|dead\.(transform|project|persist)|capture\.(` + strings.Join(stream.Collections(), "|") + `))$`),
	}
}

func (w *watched) labels(t *testing.T) {
	for i := range 30 { // each is a new name, slug, field, screen, territory
		for _, query := range []string{
			fmt.Sprintf(`query Name%d { programme(by: {slug: "slug-%d"}) { id } }`, i, i), fmt.Sprintf(`{ field%d }`, i), fmt.Sprintf(`mutation M%d { x }`, i), `{`,
		} {
			_, _ = tryAsk(w.site+"/query", query, nil)
		}
		_, _ = tryAsk(fmt.Sprintf("%s/query/screen%d", w.site, i), `{ __typename }`, nil)
		if err := func() error {
			res, err := http.Get(fmt.Sprintf("%s/query?territory=X%d&query=%%7B__typename%%7D", w.site, i))
			if err != nil {
				return err
			}
			return res.Body.Close()
		}(); err != nil {
			t.Fatal(err)
		}
	}
	sets := values()
	for name, f := range families(t, w.metrics(t)) {
		if len(f.GetMetric()) > 250 {
			t.Errorf("%s has %d series", name, len(f.GetMetric()))
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if set := sets[l.GetName()]; set == nil || !set.MatchString(l.GetValue()) {
					t.Errorf("%s: the label %s has the value %q, which is in no closed set", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
}

// families are our own metrics.
func families(t *testing.T, exposition []byte) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	all, err := p.TextToMetricFamilies(bytes.NewReader(exposition))
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(name string, _ *dto.MetricFamily) bool { return !strings.HasPrefix(name, "regie_") })
	return all
}

func metricsPage(t *testing.T, exposition []byte) {
	page, err := os.ReadFile("docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	there := families(t, exposition)
	told := map[string]bool{}
	for _, name := range regexp.MustCompile("`(regie_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		told[name[1]] = true
		if there[name[1]] == nil {
			t.Errorf("docs/metrics.md has %s, which is not there", name[1])
		}
	}
	for name := range there {
		if !told[name] {
			t.Errorf("docs/metrics.md lacks %s", name)
		}
		if !regexp.MustCompile(`^regie_[a-z]+_[a-z_]+$`).MatchString(name) {
			t.Errorf("%s is no regie_<subsystem>_<what>_<unit>", name)
		}
	}
}

// alertsAndDashboard runs dev/observe, which has Prometheus' own parser, and sees that it finds what is wrong.
func alertsAndDashboard(t *testing.T, exposition []byte) {
	dir := t.TempDir()
	file := filepath.Join(dir, "metrics")
	if err := os.WriteFile(file, exposition, 0o600); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "observe")
	if out, err := exec.Command("go", "build", "-C", "dev/observe", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("building dev/observe: %v\n%s", err, out)
	}
	check := func(root string) string {
		out, err := exec.Command(exe, "-root", root, "-metrics", file).CombinedOutput()
		if (err != nil) != (len(out) > 0) {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if out := check("."); out != "" {
		t.Error(out)
	}
	const alerts, board, page = "docs/observe/alerts.yml", "docs/observe/dashboard.json", "docs/runbook/RegieDown.md"
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"an unknown metric", alerts, "regie_stage_dead_total", "regie_stage_buried_total", "there is no metric regie_stage_buried_total"},
		{"an unknown grouping", alerts, "(instance, reason)", "(instance, cause)", "regie_redis_errors_total has no label cause"},
		{"an unknown value", alerts, `command="pipeline"`, `command="pipe"`, "no regie_redis_command_seconds_bucket has command=\"pipe\""},
		{"no PromQL", alerts, "changes(", "changes((", "RegieRestarting"},
		{"an alert without a page", alerts, "alert: RegieDown", "alert: RegieGone", "alert RegieGone has no docs/runbook/RegieGone.md"},
		{"a page that lacks its answer", page, "**Do**", "Do", `docs/runbook/RegieDown.md lacks "**Do**"`},
		{"a panel of an unknown metric", board, "process_resident_memory_bytes", "process_memory", "there is no metric process_memory"},
		{"a panel of an unknown label", board, `role=\"project\"`, `rolle=\"project\"`, "has no label rolle"},
		{"a panel of an unknown variable", board, `$job`, `$jobs`, "$jobs is no variable"},
	} {
		root := t.TempDir()
		if err := os.CopyFS(filepath.Join(root, "docs"), os.DirFS("docs")); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(root, tt.file))
		if err != nil || !bytes.Contains(b, []byte(tt.old)) {
			t.Fatalf("%s: %v", tt.name, err)
		}
		changed := strings.Replace(string(b), tt.old, tt.new, 1)
		if err := os.WriteFile(filepath.Join(root, tt.file), []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := check(root); !strings.Contains(out, tt.want) {
			t.Errorf("%s: %q lacks %q", tt.name, out, tt.want)
		}
	}
}

// lines checks that each log line has a time, a level and a constant message, and a role or a part.
func (w *watched) lines(t *testing.T) {
	parts := map[any]bool{}
	traced := false
	for line := range strings.Lines(w.stderr.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		role, _ := l["role"].(string)
		part, _ := l["part"].(string)
		if l["time"] == nil || l["level"] == nil || l["msg"] == "" || role == "" && part == "" || role != "" && !slices.Contains(roles, role) {
			t.Errorf("no time, level, msg, or whose it is: %s", line)
		}
		if strings.Count(line, `"role":`) > 1 || strings.Count(line, `"part":`) > 1 {
			t.Errorf("said twice: %s", line)
		}
		parts[role] = true
		traced = traced || l["trace"] != nil
	}
	for _, role := range []string{"capture", "transform", "project"} {
		if !parts[role] {
			t.Errorf("%s has logged nothing", role)
		}
	}
	if !traced {
		t.Error("no line names a trace")
	}
}
