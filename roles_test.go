package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"regie/internal/servertest"
)

// system is the roles as processes of their own on real servers, under names of the test's own.
type system struct {
	t     *testing.T
	env   []string
	dir   string
	site  string
	ports map[string][2]string // by role: --http, --admin
	roles map[string]*child
}

func realServers(t *testing.T) *system {
	t.Helper()
	for _, name := range []string{"TEST_KAFKA", "TEST_REDIS", "TEST_MONGO"} {
		if os.Getenv(name) == "" {
			servertest.Skip(t, name+" names no server; `make test` starts one")
		}
	}
	name := servertest.Name()
	s := &system{
		t: t, dir: t.TempDir(), ports: map[string][2]string{}, roles: map[string]*child{},
		env: []string{
			"REGIE_KAFKA=" + os.Getenv("TEST_KAFKA"), "REGIE_REDIS=" + os.Getenv("TEST_REDIS"), "REGIE_MONGODB=" + os.Getenv("TEST_MONGO"),
			"REGIE_MONGODB_DATABASE=" + name, "REGIE_PROJECT=" + name, "REGIE_SECRET=secret of the test", "REGIE_INSTANCE=one",
		},
	}
	s.must("topics", "apply", "--replication", "1")
	for _, role := range roles {
		s.ports[role] = [2]string{freePort(t), freePort(t)}
		s.start(role)
	}
	s.site = "http://" + s.ports["gateway"][0]
	for _, role := range roles {
		s.awaitReady(role)
	}
	return s
}

// freePort is an address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (s *system) start(role string) {
	s.t.Helper()
	p := s.ports[role]
	s.roles[role] = start(s.t, s.dir, s.env, "run", "--role", role, "--http", p[0], "--admin", p[1], "--grpc", "127.0.0.1:0")
}

// must runs a subcommand as a process of its own.
func (s *system) must(args ...string) string {
	s.t.Helper()
	c := start(s.t, s.dir, s.env, args...)
	if err := <-c.ended; err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, c.stderr.String())
	}
	c.ended <- nil
	return c.stdout.String()
}

func (s *system) awaitReady(role string) time.Duration {
	s.t.Helper()
	return eventually(s.t, func() string {
		select {
		case err := <-s.roles[role].ended:
			s.roles[role].ended <- err
			s.t.Fatalf("%s ended: %v", role, err)
		default:
		}
		res, err := http.Get("http://" + s.ports[role][1] + "/readyz")
		if err != nil {
			return err.Error()
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return role + " is not ready: " + res.Status
		}
		return ""
	})
}

// listed are the ids of every programme that a screen lists, page by page.
func (s *system) listed(screen, order string) []string {
	s.t.Helper()
	var ids []string
	var after any
	for {
		a := ask(s.t, s.site+"/query/"+screen, `query($after: String, $order: ProgrammeOrder!) {
			programmes(first: 100, after: $after, orderBy: $order) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"after": after, "order": order})
		edges, _ := a.at("programmes", "edges").([]any)
		for i := range edges {
			id, _ := a.at("programmes", "edges", i, "node", "id").(string)
			ids = append(ids, id)
		}
		if a.at("programmes", "pageInfo", "hasNextPage") != true {
			return ids
		}
		after = a.at("programmes", "pageInfo", "endCursor")
	}
}

// TestRolesApartOnRealServers is the deployment: each role its own process, MongoDB, Kafka and a Redis cluster.
func TestRolesApartOnRealServers(t *testing.T) {
	s := realServers(t)
	file := servertest.Titles(t)
	began := time.Now()
	out := s.must("import", file)
	t.Logf("import: %s", out)
	var rows, programmes, videos, written int
	if _, err := fmt.Sscanf(out, "%d rows: %d programmes, %d videos; %d documents written", &rows, &programmes, &videos, &written); err != nil || rows != programmes || written != programmes+videos {
		t.Fatalf("import says %q: %v", out, err)
	}
	eventuallyWithin(t, 5*time.Minute, func() string {
		a, err := tryAsk(s.site+"/query", `{ programmes(first: 1) { totalCount } }`, nil)
		if err != nil {
			return err.Error()
		}
		if n, _ := a.at("programmes", "totalCount").(float64); int(n) != programmes {
			return fmt.Sprintf("%v of %d programmes are served", n, programmes)
		}
		return ""
	})
	t.Logf("%d programmes listed %s after the import began", programmes, time.Since(began).Round(time.Millisecond))

	if out := s.must("import", file); !strings.Contains(out, "; 0 documents written") {
		t.Errorf("a second import: %s", out)
	}

	newest := ask(t, s.site+"/query", `{ programmes(first: 2) { edges { node { slug id videos(first: 1, orderBy: EPISODE) { edges { node { slug } } } } } } }`, nil)
	slug, _ := newest.at("programmes", "edges", 0, "node", "slug").(string)
	video, _ := newest.at("programmes", "edges", 0, "node", "videos", "edges", 0, "node", "slug").(string)

	t.Run("an edit is read on three screens", func(t *testing.T) {
		s.must("cms", "set", "programme", slug, "title=Edited")
		t.Logf("after the command: %s", awaitTitle(t, s.site, slug, "Edited"))
		s.must("cms", "set", "video", slug+"/"+video, "title=A video, edited")
		eventually(t, func() string {
			a := ask(t, s.site+"/query/iptv", `query($by: VideoSlug!) { video(by: {slug: $by}) { title path } }`, map[string]any{"by": map[string]any{"programme": slug, "video": video}})
			if a.at("video", "title") != "A video, edited" || a.at("video", "path") != "/"+slug+"/"+video {
				return fmt.Sprint(a)
			}
			return ""
		})
	})

	for _, role := range roles {
		t.Run(role+" is killed and comes back", func(t *testing.T) {
			s.roles[role].kill()
			title := "While " + role + " was away"
			s.must("cms", "set", "programme", slug, "title="+title)
			s.start(role)
			ready := s.awaitReady(role)
			t.Logf("ready after %s, edit visible %s later", ready, awaitTitle(t, s.site, slug, title))
		})
	}

	t.Run("a deleted programme is gone from every list", func(t *testing.T) {
		id, _ := newest.at("programmes", "edges", 0, "node", "id").(string)
		s.must("cms", "delete", "programme", slug)
		eventually(t, func() string {
			for _, screen := range screens {
				a := ask(t, s.site+"/query/"+screen, `query($id: ID!, $slug: String!) { node(id: $id) { id } programme(by: {slug: $slug}) { id } programmes(first: 1) { totalCount } }`,
					map[string]any{"id": id, "slug": slug})
				if a.at("node") != nil || a.at("programme") != nil || a.at("programmes", "totalCount") != float64(programmes-1) {
					return fmt.Sprint(screen, " still answers ", a)
				}
			}
			return ""
		})
		for _, screen := range screens {
			for _, order := range []string{"NEWEST", "OLDEST"} {
				ids := s.listed(screen, order)
				if len(ids) != programmes-1 {
					t.Errorf("%s lists %d programmes by %s, not %d", screen, len(ids), order, programmes-1)
				}
				for _, listed := range ids {
					if listed == id || listed == "" {
						t.Errorf("%s lists %q by %s", screen, listed, order)
					}
				}
			}
		}
	})

	for _, role := range roles {
		if err := s.roles[role].stop(); err != nil {
			t.Errorf("SIGTERM to %s: %v", role, err)
		}
	}
}
