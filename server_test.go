package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"regie/internal/cli"
	"regie/internal/servertest"
)

// asProgram makes the test binary the program itself, so that tests can kill it.
const asProgram = "TEST_AS_REGIE"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// child is a running program.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout output
	stderr output
	ended  chan error
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs the program in dir with nothing of the test's environment but what is given.
func start(t *testing.T, dir string, env []string, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe, args...), ended: make(chan error, 1)}
	c.cmd.Dir = dir
	c.cmd.Env = append([]string{asProgram + "=1", "HOME=" + dir, "GORACE=" + os.Getenv("GORACE")}, env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
		if t.Failed() {
			t.Logf("%v\nstdout:\n%s\nstderr:\n%s", args, c.stdout.String(), tail(c.stderr.String(), 60))
		}
	})
	return c
}

func tail(s string, lines int) string {
	all := strings.Split(s, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// kill is kill -9, and returns when the process is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	c.ended <- <-c.ended
}

// stop asks the process to end and returns how it did. One that takes longer than stopLimit says so by its exit code.
func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.ended:
		c.ended <- err
		return err
	case <-time.After(servertest.Patience):
		return fmt.Errorf("still running %s after SIGTERM", servertest.Patience)
	}
}

var addresses = regexp.MustCompile(`(http://[0-9.:]+)/(query|metrics)`)

// ready waits for the announcement of the embedded default and returns its addresses.
func (c *child) ready() (site, admin string) {
	c.t.Helper()
	servertest.Await(c.t, func() string {
		for _, m := range addresses.FindAllStringSubmatch(c.stdout.String(), -1) {
			if m[2] == "query" {
				site = m[1]
			} else {
				admin = m[1]
			}
		}
		if site != "" && admin != "" && strings.Contains(c.stdout.String(), "Ctrl-C") {
			return ""
		}
		select {
		case err := <-c.ended:
			c.ended <- err
			c.t.Fatalf("ended: %v", err)
		default:
		}
		return "no announcement: " + c.stdout.String()
	})
	return site, strings.TrimPrefix(admin, "http://")
}

// command runs a subcommand in this process.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	err := run(ctx, args, nil, cli.IO{In: strings.NewReader(""), Out: &out, Err: io.Discard})
	return out.String(), err
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

type answer struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct{ Code string }
	}
	Extensions map[string]any
}

// at follows a path of keys and indexes through the data; nil when it leads nowhere.
func (a answer) at(path ...any) any {
	var v any = a.Data
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// unavailable tells whether the one who asked is told to try again.
func (a answer) unavailable() bool {
	for _, e := range a.Errors {
		if e.Extensions.Code == "UNAVAILABLE" {
			return true
		}
	}
	return false
}

// patiently asks again while it is told to: a gateway waits less than a second for its servers, and a busy machine's take longer.
func patiently(ask func() (answer, error)) (answer, error) {
	for began := time.Now(); ; <-time.After(20 * time.Millisecond) {
		a, err := ask()
		if err != nil || !a.unavailable() || time.Since(began) > servertest.Patience {
			return a, err
		}
	}
}

// ask queries an endpoint, such as http://127.0.0.1:8080/query/web, patiently.
func ask(t *testing.T, endpoint, query string, variables map[string]any) answer {
	t.Helper()
	a, err := patiently(func() (answer, error) { return tryAsk(endpoint, query, variables) })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tryAsk(endpoint, query string, variables map[string]any) (answer, error) {
	return askAs(context.Background(), endpoint, "", query, variables)
}

// askAs asks with a viewer's token; "" is nobody's.
func askAs(ctx context.Context, endpoint, token, query string, variables map[string]any) (answer, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	var a answer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("%s answers %s: %w", endpoint, res.Status, err)
	}
	return a, nil
}

var screens = []string{"web", "mobile", "iptv"}

const bySlug = `query($slug: String!) { programme(by: {slug: $slug}) { id title revision image { width } } }`

// awaitTitle waits until every screen answers a programme's title.
func awaitTitle(t *testing.T, site, slug, want string) time.Duration {
	t.Helper()
	return servertest.Await(t, func() string {
		for _, s := range screens {
			a, err := tryAsk(site+"/query/"+s, bySlug, map[string]any{"slug": slug})
			if err != nil {
				return err.Error()
			}
			if got := a.at("programme", "title"); got != want {
				return fmt.Sprintf("%s answers the title %q, not %q", s, got, want)
			}
		}
		return ""
	})
}

// TestTheEmbeddedDefault is what a newcomer does first.
func TestTheEmbeddedDefault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}
	began := time.Now()
	regie := start(t, dir, nil, flags...)
	site, admin := regie.ready()
	if !strings.Contains(regie.stdout.String(), "First start: ") {
		t.Error("the first start says nothing of its import")
	}

	// Not the newest, nor of those that are available: on a slow machine one more opens meanwhile.
	first := ask(t, site+"/query", `{ programmes(first: 1, orderBy: OLDEST, filter: {availableOnly: false}) { totalCount edges { node { slug title videos(first: 1) { totalCount } } } } }`, nil)
	slug, _ := first.at("programmes", "edges", 0, "node", "slug").(string)
	total := first.at("programmes", "totalCount")
	if n, _ := total.(float64); n < 60 || slug == "" {
		t.Fatalf("the demonstration catalogue is answered as %v", first)
	}

	opens := opening(t, site, began)

	t.Run("three screens are served what is drawn for them", func(t *testing.T) {
		widths := map[any]bool{}
		for _, s := range screens {
			a := ask(t, site+"/query/"+s, bySlug, map[string]any{"slug": slug})
			widths[a.at("programme", "image", "width")] = true
		}
		if len(widths) != 3 {
			t.Errorf("image widths %v", widths)
		}
	})

	t.Run("bad input is answered with a code and in clear words", func(t *testing.T) { badInput(t, site) })

	t.Run("a malformed document is set aside and its neighbours go on", func(t *testing.T) {
		for name, doc := range map[string]string{
			"wrong type":   `{"_id": "bad1", "slug": "bad-one", "title": "T", "kind": "SERIES", "year": "soon"}`,
			"unknown kind": `{"_id": "bad2", "slug": "bad-two", "title": "T", "kind": "OPERA"}`,
			"no title":     `{"_id": "bad3", "slug": "bad-three", "kind": "SERIES"}`,
			"emoji":        `{"_id": "bad4", "slug": "🎬", "title": "T", "kind": "SERIES"}`,
			"good":         `{"_id": "good", "slug": "a-good-one", "title": "Good", "kind": "SERIES"}`,
		} {
			file := filepath.Join(t.TempDir(), "doc.json")
			if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
			if out := must(t, "cms", "put", "programme", file, "--admin", admin); !strings.Contains(out, "1 of 1 documents written") {
				t.Errorf("%s: %s", name, out)
			}
		}
		awaitTitle(t, site, "a-good-one", "Good")
		servertest.Await(t, func() string {
			for _, reason := range []string{`year: must be a number, is string`, `kind: \"OPERA\" is none of SERIES`, `title: is missing`, `slug: \"🎬\" may hold only`} {
				if !strings.Contains(regie.stderr.String(), reason) {
					return "the log does not say " + reason
				}
			}
			return ""
		})
		must(t, "cms", "delete", "programme", "good", "--admin", admin)
	})

	t.Run("a command names what it cannot do", func(t *testing.T) {
		for _, tt := range []struct {
			args []string
			want string
		}{
			{[]string{"cms", "get", "programme", "no-such-slug"}, `programme "no-such-slug": not found`},
			{[]string{"cms", "get", "opera", "x"}, `unknown collection "opera"`},
			{[]string{"cms", "set", "programme", slug, "year=soon"}, "year: it is a whole number now"},
			{[]string{"cms", "set", "programme", slug, "title"}, `"title" is no assignment`},
			{[]string{"cms", "set", "programme", slug, "_id=other"}, "_id never changes"},
		} {
			if _, err := command(t, append(tt.args, "--admin", admin)...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: %v", tt.args, err)
			}
		}
		bad := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(bad, []byte(`{"_id": "x"} {"_id": `), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := command(t, "cms", "put", "programme", bad, "--admin", admin); err == nil || !strings.Contains(err.Error(), "document 2") {
			t.Errorf("put of bytes that are no Extended JSON: %v", err)
		}
	})

	must(t, "cms", "set", "programme", slug, "title=Changed", "--admin", admin)
	t.Logf("edit to three screens: %s", awaitTitle(t, site, slug, "Changed"))

	t.Run("a second process beside it is refused", func(t *testing.T) {
		_, err := command(t, append(flags, "--data", filepath.Join(dir, ".regie"))...)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("is in use by process %d", regie.cmd.Process.Pid)) {
			t.Errorf("the second process: %v", err)
		}
	})

	must(t, "cms", "set", "programme", slug, "title=Last words", "--admin", admin)
	regie.kill()

	again := start(t, dir, nil, flags...)
	site, _ = again.ready()
	if strings.Contains(again.stdout.String(), "First start") {
		t.Error("the second start imported again")
	}
	awaitTitle(t, site, slug, "Last words")
	opening(t, site, opens)
	servertest.Await(t, func() string { // what was deleted may be behind what was edited last
		got := ask(t, site+"/query", `{ programmes(first: 1, filter: {availableOnly: false}) { totalCount } }`, nil).at("programmes", "totalCount")
		if got != total {
			return fmt.Sprintf("%v programmes after the restart, %v before", got, total)
		}
		return ""
	})
	if err := again.stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// opening returns when the demonstration opens something: within a minute, and after what was said before.
func opening(t *testing.T, site string, before time.Time) (at time.Time) {
	t.Helper()
	const query = `{ programme(by: {slug: "une-minute-de-patience"}) { availability { from } } }`
	servertest.Await(t, func() string {
		said, _ := ask(t, site+"/query", query, nil).at("programme", "availability", "from").(string)
		var err error
		if at, err = time.Parse(time.RFC3339, said); err != nil || !at.After(before) || time.Until(at) > time.Minute {
			return fmt.Sprintf("it opens at %q", said)
		}
		return ""
	})
	return at
}

func badInput(t *testing.T, site string) {
	page := `query($first: Int!, $after: String) { programmes(first: $first, after: $after) { edges { cursor } } }`
	cursor, _ := ask(t, site+"/query", page, map[string]any{"first": 1}).at("programmes", "edges", 0, "cursor").(string)
	for _, tt := range []struct {
		name, path, query string
		variables         map[string]any
		code, want        string
	}{
		{"a page of none", "", page, map[string]any{"first": 0}, "BAD_USER_INPUT", "first must be between 1 and 100"},
		{"a page of -1", "", page, map[string]any{"first": -1}, "BAD_USER_INPUT", "first must be between 1 and 100"},
		{"a page of a thousand million", "", page, map[string]any{"first": 1000000000}, "BAD_USER_INPUT", "first must be between 1 and 100"},
		{"a forged cursor", "", page, map[string]any{"first": 1, "after": "AAAA" + cursor[4:]}, "BAD_USER_INPUT", "after: the cursor is none of this list"},
		{"a cursor of another order", "", strings.Replace(page, "after: $after", "after: $after, orderBy: OLDEST", 1), map[string]any{"first": 1, "after": cursor}, "BAD_USER_INPUT", "after: the cursor is none of this list"},
		{"an unknown screen", "/fridge", page, map[string]any{"first": 1}, "BAD_USER_INPUT", `unknown screen "fridge"`},
		{"a slug with emoji", "", bySlug, map[string]any{"slug": "🎬"}, "BAD_USER_INPUT", "is no slug"},
		{"an id of another kind", "", `{ programme(by: {id: "video:x"}) { id } }`, nil, "BAD_USER_INPUT", "is the id of a video"},
		{"an id of no kind", "", `{ node(id: "opera:x") { id } }`, nil, "BAD_USER_INPUT", "is no global id"},
		{"two keys of a oneOf through a variable", "", `query($by: ProgrammeBy!) { programme(by: $by) { id } }`, map[string]any{"by": map[string]any{"id": "programme:x", "slug": "x"}}, "BAD_USER_INPUT", "either id or slug"},
		{"no GraphQL", "", `{ programmes(`, nil, "GRAPHQL_PARSE_FAILED", ""},
		{"an unknown field", "", `{ operas { id } }`, nil, "GRAPHQL_VALIDATION_FAILED", "operas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := ask(t, site+"/query"+tt.path, tt.query, tt.variables)
			if len(a.Errors) == 0 || tt.code != "" && a.code() != tt.code || !strings.Contains(a.Errors[0].Message, tt.want) {
				t.Errorf("answered %+v", a)
			}
		})
	}
}

func TestTheCommandLineSaysAllThatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		env  []string
		want []string
	}{
		{"an unknown flag", []string{"--colour", "red"}, nil, []string{"unknown flag --colour"}},
		{"an unknown command", []string{"dance"}, nil, []string{"dance"}},
		{"an unknown value", []string{"--log-level", "loud"}, nil, []string{"--log-level", "debug"}},
		{"unknown variables, all at once", nil, []string{"REGIE_COLOUR=red", "REGIE_SHAPE=round"}, []string{"REGIE_COLOUR", "REGIE_SHAPE"}},
		{"a role without its servers, all at once", []string{"run", "--role", "capture,project,dance"}, nil,
			[]string{"the role capture needs --kafka", "the role capture needs --mongodb", "the role project needs --redis", `--role "dance" is none of`}},
		{"a gateway without a secret", []string{"run", "--role", "gateway", "--redis", "redis://127.0.0.1:1"}, nil, []string{"--secret-file"}},
		{"what is the demonstration's, on real servers", []string{"run", "--role", "gateway", "--redis", "redis://127.0.0.1:1", "--demo-traffic", "--demo-opens", "1m"}, nil,
			[]string{"--demo-traffic is for the embedded default alone", "--demo-opens is for the embedded default alone"}},
		{"an address that is none", []string{"--http", "8080"}, nil, []string{`--http "8080" is no HOST:PORT`}},
		{"nobody at the admin address", []string{"cms", "get", "programme", "x", "--admin", "127.0.0.1:1"}, nil, []string{"no regie answers at 127.0.0.1:1", "go run ."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), tt.args, tt.env, cli.IO{Out: &out, Err: &out})
			for _, w := range tt.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("%q is missing from: %v", w, err)
				}
			}
		})
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, nil, cli.IO{Out: &out, Err: &out}); err != nil {
		t.Errorf("--help: %v", err)
	}
	for _, w := range []string{"--http", "--kafka", "--redis", "--mongodb", "cms set", "import", "topics apply", "REGIE_"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("--help says nothing of %s:\n%s", w, out.String())
		}
	}
}
