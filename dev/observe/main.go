// Observe checks the alert rules and the dashboard of docs/observe against the metrics of a running process:
//
//	go run -C dev/observe . -root ROOT -metrics FILE    (what /metrics answered)
//
// Every query must parse, and each metric, label and label value in it exist; each alert must have its page in
// docs/runbook, and each page its alert. It is a module of its own, because Prometheus is large; the program's test runs it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	root := flag.String("root", "../..", "the repository")
	file := flag.String("metrics", "", "what /metrics answered")
	flag.Parse()
	if err := run(*root, *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root, file string) error {
	known, err := read(file)
	if err != nil {
		return err
	}
	c := &checker{known: known, parser: parser.NewParser(parser.Options{})}
	c.alerts(root)
	c.dashboard(filepath.Join(root, "docs", "observe", "dashboard.json"))
	return errors.Join(c.problems...)
}

// series are the values that each label of a metric has.
type series map[string]map[string]bool

// read takes the metrics by the names that queries know them by.
func read(file string) (map[string]series, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	// What Prometheus adds to all that it scrapes; up is its own.
	known := map[string]series{"up": {}}
	for name, f := range families {
		s := series{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if s[l.GetName()] == nil {
					s[l.GetName()] = map[string]bool{}
				}
				s[l.GetName()][l.GetValue()] = true
			}
		}
		if f.GetType() != dto.MetricType_HISTOGRAM {
			known[name] = s
			continue
		}
		known[name+"_count"], known[name+"_sum"] = s, s
		bucket := maps.Clone(s)
		bucket["le"] = map[string]bool{}
		for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
			bucket["le"][fmt.Sprint(b.GetUpperBound())] = true
		}
		known[name+"_bucket"] = bucket
	}
	return known, nil
}

// external are labels that the scraping adds.
var external = []string{"job", "instance", "__name__"}

type checker struct {
	known    map[string]series
	parser   parser.Parser
	problems []error
}

func (c *checker) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

func (c *checker) alerts(root string) {
	file := filepath.Join(root, "docs", "observe", "alerts.yml")
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, c.parser, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		c.fail("%w", err)
	}
	if groups == nil {
		return
	}
	pages := map[string]bool{}
	found, err := filepath.Glob(filepath.Join(root, "docs", "runbook", "*.md"))
	if err != nil {
		panic(err) // a constant pattern
	}
	for _, p := range found {
		pages[strings.TrimSuffix(filepath.Base(p), ".md")] = true
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			where := "alert " + r.Alert
			c.query(where, r.Expr)
			if !pages[r.Alert] {
				c.fail("%s has no docs/runbook/%s.md", where, r.Alert)
			}
			delete(pages, r.Alert)
			c.page(root, r.Alert)
			if r.Labels["severity"] != "page" && r.Labels["severity"] != "ticket" {
				c.fail("%s: severity %q is neither page nor ticket", where, r.Labels["severity"])
			}
			if r.Annotations["summary"] == "" || r.Annotations["runbook"] != "docs/runbook/"+r.Alert+".md" {
				c.fail("%s: the annotations summary and runbook must be there, and runbook name its page", where)
			}
		}
	}
	for page := range pages {
		c.fail("docs/runbook/%s.md is no alert's", page)
	}
}

// page checks that a runbook page answers what somebody woken by it asks.
func (c *checker) page(root, alert string) {
	b, err := os.ReadFile(filepath.Join(root, "docs", "runbook", alert+".md"))
	if err != nil {
		return // told
	}
	for _, part := range []string{"# " + alert + "\n", "\n**It means**", "\n**Who notices**", "\n**Look**", "\n**Do**"} {
		if !strings.Contains(string(b), part) {
			c.fail("docs/runbook/%s.md lacks %q", alert, strings.TrimSpace(part))
		}
	}
}

// panel is what is checked of a panel, or of a row with panels in it.
type panel struct {
	Title   string
	Type    string
	Targets []struct{ Expr string }
	Panels  []panel
}

var (
	variable    = regexp.MustCompile(`\$\w+`)
	labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
)

func (c *checker) dashboard(file string) {
	b, err := os.ReadFile(file)
	var d struct {
		Panels     []panel
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		c.fail("reading the dashboard: %w", err)
		return
	}
	variables := []string{"$__rate_interval"}
	for _, v := range d.Templating.List {
		variables = append(variables, "$"+v.Name)
		if v.Type == "query" && !c.variable(v.Query) {
			c.fail("dashboard: the variable %s asks for %q, which is nothing", v.Name, v.Query)
		}
	}
	queries := 0
	var look func(ps []panel)
	look = func(ps []panel) {
		for _, p := range ps {
			look(p.Panels)
			if p.Type != "row" && len(p.Targets) == 0 {
				c.fail("dashboard: the panel %q asks nothing", p.Title)
			}
			for _, t := range p.Targets {
				queries++
				for _, v := range variable.FindAllString(t.Expr, -1) {
					if !slices.Contains(variables, v) {
						c.fail("dashboard, %s: %s is no variable", p.Title, v)
					}
				}
				c.query("dashboard, "+p.Title, strings.ReplaceAll(t.Expr, "$__rate_interval", "1m"))
			}
		}
	}
	if look(d.Panels); queries == 0 {
		c.fail("the dashboard asks nothing")
	}
}

// variable tells whether a variable's query asks for a label that a metric has.
func (c *checker) variable(query string) bool {
	m := labelValues.FindStringSubmatch(query)
	if len(m) == 0 {
		return false
	}
	known, ok := c.known[m[1]]
	return ok && (known[m[2]] != nil || slices.Contains(external, m[2]))
}

// query checks one query: it parses, and what it names exists.
func (c *checker) query(where, query string) {
	expr, err := c.parser.ParseExpr(query)
	if err != nil {
		c.fail("%s: %w: %s", where, err, query)
		return
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			c.selector(where, n)
		case *parser.AggregateExpr:
			c.grouping(where, n.Grouping, n.Expr)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				c.grouping(where, n.VectorMatching.MatchingLabels, n.LHS)
			}
		}
		return nil
	})
}

func (c *checker) selector(where string, s *parser.VectorSelector) {
	known, ok := c.known[s.Name]
	if !ok {
		c.fail("%s: there is no metric %s", where, s.Name)
		return
	}
	for _, m := range s.LabelMatchers {
		if slices.Contains(external, m.Name) {
			continue
		}
		values, ok := known[m.Name]
		if !ok {
			c.fail("%s: %s has no label %s", where, s.Name, m.Name)
			continue
		}
		if strings.Contains(m.Value, "$") { // a variable of the dashboard
			continue
		}
		positive := labels.MustNewMatcher(positiveOf(m.Type), m.Name, m.Value)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(values)), positive.Matches) {
			c.fail("%s: no %s has %s", where, s.Name, m)
		}
	}
}

// positiveOf is for what a negative matcher leaves out, which must exist as well.
func positiveOf(t labels.MatchType) labels.MatchType {
	switch t {
	case labels.MatchNotEqual:
		return labels.MatchEqual
	case labels.MatchNotRegexp:
		return labels.MatchRegexp
	}
	return t
}

// grouping checks the labels that results are grouped or matched by: each of the metrics below must have them.
func (c *checker) grouping(where string, by []string, below parser.Expr) {
	parser.Inspect(below, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			for _, l := range by {
				if known, ok := c.known[s.Name]; ok && known[l] == nil && !slices.Contains(external, l) {
					c.fail("%s: %s has no label %s", where, s.Name, l)
				}
			}
		}
		return nil
	})
}
