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
	site, admin, dir, slug string
	spans                  *collector.Collector
}

func watch(t *testing.T) *watched {
	t.Helper()
	spans, err := collector.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(spans.Close)
	rpc := servertest.FreeAddress(t)
	w := &watched{spans: spans, dir: t.TempDir(), slug: "le-dernier-tram"}
	w.child = start(t, w.dir, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + spans.HTTP, "OTEL_BSP_SCHEDULE_DELAY=50"},
		"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", rpc, "--log-format", "json", "--log-level", "debug", "--no-demo-traffic")
	w.site, w.admin = w.ready()
	must(t, "cms", "set", "programme", w.slug, "title=Seen from outside", "--admin", w.admin)
	awaitTitle(t, w.site, w.slug, "Seen from outside")
	must(t, "cms", "set", "programme", w.slug, "kind=NONE", "--admin", w.admin) // set aside
	conn, err := grpc.NewClient(rpc, grpc.WithTransportCredentials(insecure.NewCredentials()), triesAgain)
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
	servertest.Await(t, func() string {
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
	t.Parallel()
	w := watch(t)
	t.Run("an edit is one trace, from the CMS to Redis", func(t *testing.T) { w.editTrace(t) })
	t.Run("an operation is one trace, with its loads", func(t *testing.T) { w.queryTrace(t) })
	t.Run("what a viewer does is one trace, from the gateway to the store", func(t *testing.T) { w.viewerTrace(t) })
	t.Run("a call of another back end has a span, a health check has none", func(t *testing.T) {
		w.trace(t, "regie.catalog.v1.CatalogService/BatchGet")
		for _, s := range w.spans.Spans() {
			if strings.HasPrefix(s.Name, "grpc.health") {
				t.Errorf("%+v", s)
			}
		}
	})
	t.Run("no client chooses a label", func(t *testing.T) { w.labels(t) })
	t.Run("docs/metrics.md has every metric", func(t *testing.T) { w.metricsPage(t) })
	t.Run("alerts and dashboard ask for what there is", func(t *testing.T) { w.alertsAndDashboard(t) })
	t.Run("each log line says whose it is", func(t *testing.T) { w.lines(t) })
	t.Run("profiles", func(t *testing.T) {
		for _, p := range []string{"goroutine?debug=1", "heap", "profile?seconds=1"} {
			if len(w.get(t, "/debug/pprof/"+p)) == 0 {
				t.Errorf("%s is empty", p)
			}
		}
	})
}

// trace waits for spans each of which is below the one before, the first of them a root. A name may say whose span it is:
// "process x of regie/project".
func (w *watched) trace(t *testing.T, names ...string) []collector.Span {
	t.Helper()
	var chain []collector.Span
	servertest.Await(t, func() string {
		all := w.spans.Spans()
		if chain = below("", all, names); chain == nil {
			return fmt.Sprintf("no trace is %v: %v", names, all)
		}
		return ""
	})
	return chain
}

// below are spans of these names, the first of them below a parent and each other below the one before; nil when there are none.
func below(parent string, all []collector.Span, names []string) []collector.Span {
	name, scope, scoped := strings.Cut(names[0], " of ")
	for _, s := range all {
		if s.Name != name || s.Parent != parent || scoped && s.Scope != scope {
			continue
		}
		if len(names) == 1 {
			return []collector.Span{s}
		}
		if rest := below(s.ID, all, names[1:]); rest != nil {
			return append([]collector.Span{s}, rest...)
		}
	}
	return nil
}

func (w *watched) editTrace(t *testing.T) {
	names := []string{
		"change cms.programme", "send cms.programme", "process cms.programme",
		"send catalog.programme", "process catalog.programme of regie/project", "redis pipeline",
	}
	p := w.trace(t, names...)[4]
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
	servertest.Await(t, func() string { // the one that was set aside
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
	w.trace(t, "graphql query", "load", "redis pipeline")
	loads := 0
	servertest.Await(t, func() string {
		loads = 0
		for _, s := range w.spans.Spans() {
			if s.Name == "graphql query" && s.Attributes["graphql.operation.name"] == "Front" {
				for _, l := range w.spans.Spans() {
					if l.Name == "load" && l.Parent == s.ID {
						loads++
					}
				}
				if s.Attributes["regie.screen"] != "iptv" || s.Attributes["regie.code"] != "OK" && s.Attributes["regie.code"] != "UNAVAILABLE" { // then it was asked again
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

// viewerTrace looks at what is above the record that persist has applied, and for the viewer in all that was told.
func (w *watched) viewerTrace(t *testing.T) {
	const user = "user-0815-of-the-test"
	token := strings.TrimSpace(must(t, "token", "--user", user, "--data", filepath.Join(w.dir, ".regie")))
	id := ask(t, w.site+"/query", `query ($slug: String!) { programme(by: {slug: $slug}) { id } }`, map[string]any{"slug": w.slug}).at("programme", "id")
	a, err := patiently(func() (answer, error) {
		return askAs(t.Context(), w.site+"/query", token, `mutation ($id: ID!) { addFavourite(input: {targetId: $id}) { problems { message } } }`, map[string]any{"id": id})
	})
	if err != nil || len(a.Errors) > 0 {
		t.Fatal(a.Errors, err)
	}
	const call = "regie.user.v1.UserService/SetFavourite"
	want := []string{"process user.favourite", "send user.favourite", call, call, "graphql mutation"}
	servertest.Await(t, func() string {
		byID := map[string]collector.Span{}
		var last collector.Span
		for _, s := range w.spans.Spans() {
			if byID[s.ID] = s; s.Name == want[0] {
				last = s
			}
		}
		var names []string
		for s := last; s.ID != ""; s = byID[s.Parent] {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, want) {
			return fmt.Sprintf("from the store up it is %q", names)
		}
		return ""
	})
	for _, s := range w.spans.Spans() {
		if strings.Contains(fmt.Sprint(s.Attributes), user) || strings.HasPrefix(s.Attributes["messaging.destination.name"], "regie.user.") && s.Attributes["messaging.kafka.message.key"] != "" {
			t.Errorf("it tells whose it is: %+v", s)
		}
	}
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
	collections := one(append(stream.Collections(), "position", "favourite", "progress", "programme-touched", "programme-enriched", "request", catalog.Sections)...)
	return map[string]*regexp.Regexp{
		"role": one(roles...), "topic": one(topics...), "partition": regexp.MustCompile(`^([0-9]|1[01])$`),
		"collection": collections, "kind": collections, "screen": one(append(names, "", "none")...),
		"operation": one("query", "mutation", "subscription", "none"),
		"code":      regexp.MustCompile(`^(OK|BAD_USER_INPUT|GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|QUERY_TOO_COMPLEX|UNAVAILABLE|INTERNAL|UNAUTHENTICATED|OTHER|CONFLICT|NOT_FOUND|OUT_OF_RANGE|LIMIT_REACHED|TOO_OLD|[A-Z][A-Za-z]+)$`),
		"method":    regexp.MustCompile(`^/(regie\.catalog\.v1\.CatalogService|regie\.user\.v1\.UserService|regie\.schedule\.v1\.ScheduleService|grpc\.[a-zA-Z0-9.]+)/[A-Za-z]+$`),
		"outcome": one("applied", "refused", "coalesced", "rejected", "hit", "miss", "timeout", "consistent", "stale",
			"counted", "repeated", "late", "dropped", "future", "past", "other"), "state": one("idle", "used"),
		"command": one("pipeline", "ping", "subscribe", "publish", "get", "script", "evalsha", "other"),
		"reason": one("timeout", "unreachable", "pool", "refused", "throttled", identity.Malformed, identity.Algorithm, identity.UnknownKey, identity.Signature,
			identity.Issuer, identity.Audience, identity.Expired, identity.NotYet, identity.User, identity.Incomplete, identity.Credentials,
			identity.Nobody, identity.Service, identity.Unavailable),
		"quantile": one("0.5", "0.99"),
		"client":   regexp.MustCompile(`^(capture|transform|recommend|project|persist|trend|schedule|schedule\.fire|producer|through|dead\.(transform|recommend|project|persist|trend|schedule)|capture\.(` + strings.Join(stream.Collections(), "|") + `))$`),
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

func (w *watched) metricsPage(t *testing.T) {
	page, err := os.ReadFile("docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, name := range regexp.MustCompile("`(regie_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		told[name[1]] = true
	}
	var there map[string]*dto.MetricFamily
	servertest.Await(t, func() string { // some come with what happens
		there = families(t, w.metrics(t))
		for name := range told {
			if there[name] == nil {
				return "docs/metrics.md has " + name + ", which is not there"
			}
		}
		return ""
	})
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
func (w *watched) alertsAndDashboard(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "metrics")
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
	servertest.Await(t, func() string { // some labels come with what happens
		if err := os.WriteFile(file, w.metrics(t), 0o600); err != nil {
			t.Fatal(err)
		}
		return check(".")
	})
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
		if !strings.HasSuffix(line, "\n") {
			break // it is still being written
		}
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
