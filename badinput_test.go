package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"regie/ingest/transform"
	"regie/internal/embedded"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// newsroom is where editors do to a running process what they should not.
type newsroom struct {
	regie       *child
	site, admin string
	dead        map[string]string // by document, why it was set aside
}

// TestBadInput follows what editors get wrong from the CMS to the screens, and to the dead letters what is set aside.
func TestBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := &newsroom{dead: map[string]string{}, regie: start(t, dir, nil, "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0")}
	n.site, n.admin = n.regie.ready()
	for name, test := range map[string]func(*testing.T){
		"the older of two documents owns their slug":        n.duplicateSlugs,
		"20 MB are refused":                                 n.tooLarge,
		"what is longer than its field may be is set aside": n.tooLong,
		"an id of another kind leads nowhere":               n.idsOfAnotherKind,
		"dates before 1970 are dates":                       n.oldDates,
		"a channel may come and go":                         n.missingChannel,
		"pages may show one another":                        n.cycleOfPages,
		"a person may be credited 5,000 times":              n.manyCredits,
		"two programmes may swap their slugs":               n.slugSwap,
		"a former slug leads to the new one":                n.rename,
		"a video may move to another programme":             n.movedVideo,
		"lists may lose their last programme":               n.lastProgramme,
		"rights open and close without an edit":             n.windows,
		"rights hold where the viewer is":                   n.territories,
	} {
		t.Run(name, test)
	}
	if err := n.regie.stop(); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
	t.Run("the dead letters say why", func(t *testing.T) { n.deadLetters(t, filepath.Join(dir, ".regie")) })
}

// put writes documents, each Extended JSON, in one go.
func (n *newsroom) put(t *testing.T, collection string, docs ...string) {
	t.Helper()
	if out, err := n.tryPut(t, collection, docs...); err != nil || !strings.HasPrefix(out, fmt.Sprintf("%d of %[1]d documents", len(docs))) {
		t.Fatalf("put says %q: %v", out, err)
	}
}

func (n *newsroom) tryPut(t *testing.T, collection string, docs ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(file, []byte(strings.Join(docs, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return command(t, "cms", "put", collection, file, "--admin", n.admin)
}

func (n *newsroom) set(t *testing.T, collection, ref string, assignments ...string) {
	t.Helper()
	must(t, append([]string{"cms", "set", collection, ref, "--admin", n.admin}, assignments...)...)
}

func (n *newsroom) delete(t *testing.T, collection, ref string) {
	t.Helper()
	must(t, "cms", "delete", collection, ref, "--admin", n.admin)
}

// shows waits until every screen answers a query with just this data, and no error.
func (n *newsroom) shows(t *testing.T, query, data string) {
	t.Helper()
	for _, s := range screens {
		n.showsAt(t, "/query/"+s, query, data)
	}
}

func (n *newsroom) showsAt(t *testing.T, path, query, data string) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(data), &want); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	servertest.Await(t, func() string {
		a, err := tryAsk(n.site+path, query, nil)
		if err != nil {
			return err.Error()
		}
		if diff := gocmp.Diff(want, a.Data); diff != "" || len(a.Errors) > 0 {
			return fmt.Sprintf("%s of %s (-want +got):\n%s\nerrors: %v", query, path, diff, a.Errors)
		}
		return ""
	})
}

// refuses asks for what is no answer on any screen.
func (n *newsroom) refuses(t *testing.T, query, reason string) {
	t.Helper()
	for _, s := range screens {
		a := ask(t, n.site+"/query/"+s, query, nil)
		if a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, reason) {
			t.Errorf("%s on %s is answered %+v", query, s, a)
		}
	}
}

// logs waits for a line of the process's log that has all of these.
func (n *newsroom) logs(t *testing.T, parts ...string) {
	t.Helper()
	servertest.Await(t, func() string {
		for line := range strings.Lines(n.regie.stderr.String()) {
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				return ""
			}
		}
		return fmt.Sprintf("no line of the log has all of %q", parts)
	})
}

// setsAside waits until the log says that a programme was set aside, and why.
func (n *newsroom) setsAside(t *testing.T, id, reason string) {
	t.Helper()
	n.logs(t, "record set aside", "topic=cms.programme", "key="+id, reason)
	n.dead[id] = reason
}

func (n *newsroom) duplicateSlugs(t *testing.T) {
	const query = `{ by: programme(by: {slug: "twice"}) { id } older: node(id: "programme:twice-a") { ...c } newer: node(id: "programme:twice-b") { ...c } }
		fragment c on Content { id slug }`
	older := `{"_id": "twice-a", "slug": "twice", "title": "A", "kind": "FILM", "createdAt": {"$date": "2020-01-01T00:00:00Z"}}`
	newer := `{"_id": "twice-b", "slug": "twice", "title": "B", "kind": "FILM", "createdAt": {"$date": "2021-01-01T00:00:00Z"}}`
	const both = `{"by": {"id": %q}, "older": {"id": "programme:twice-a", "slug": "twice"}, "newer": {"id": "programme:twice-b", "slug": "twice"}}`

	n.put(t, "programme", older)
	n.shows(t, query, `{"by": {"id": "programme:twice-a"}, "older": {"id": "programme:twice-a", "slug": "twice"}, "newer": null}`)
	n.put(t, "programme", newer)
	n.shows(t, query, fmt.Sprintf(both, "programme:twice-a"))
	n.logs(t, "an older document owns this slug", "kind=programme", "id=twice-b", "slug=twice")

	n.delete(t, "programme", "twice-a")
	n.shows(t, query, `{"by": {"id": "programme:twice-b"}, "older": null, "newer": {"id": "programme:twice-b", "slug": "twice"}}`)
	n.put(t, "programme", older) // it is the older one whenever it comes
	n.shows(t, query, fmt.Sprintf(both, "programme:twice-a"))
	n.logs(t, "an older document owns this slug", "kind=programme", "id=twice-b", "slug=twice", "owner=twice-a")
	n.set(t, "programme", "twice-a", "slug=once")
	n.shows(t, query, `{"by": {"id": "programme:twice-b"}, "older": {"id": "programme:twice-a", "slug": "once"}, "newer": {"id": "programme:twice-b", "slug": "twice"}}`)

	// A video's slug is unique within its programme alone.
	n.put(t, "video",
		`{"_id": "twice-1", "programme": "twice-a", "slug": "part", "title": "1", "kind": "REPLAY", "createdAt": {"$date": "2020-01-01T00:00:00Z"}}`,
		`{"_id": "twice-2", "programme": "twice-a", "slug": "part", "title": "2", "kind": "REPLAY", "createdAt": {"$date": "2021-01-01T00:00:00Z"}}`,
		`{"_id": "twice-3", "programme": "twice-b", "slug": "part", "title": "3", "kind": "REPLAY", "createdAt": {"$date": "2022-01-01T00:00:00Z"}}`)
	n.shows(t, `{ a: video(by: {slug: {programme: "once", video: "part"}}) { id } b: video(by: {slug: {programme: "twice", video: "part"}}) { id } loser: video(by: {id: "video:twice-2"}) { title } }`,
		`{"a": {"id": "video:twice-1"}, "b": {"id": "video:twice-3"}, "loser": {"title": "2"}}`)
	n.logs(t, "an older document owns this slug", "kind=video", "id=twice-2", "slug=part")
}

func (n *newsroom) tooLarge(t *testing.T) {
	neighbour := `{"_id": "large-a", "slug": "large-a", "title": "Neighbour", "kind": "FILM"}`
	large := `{"_id": "large-b", "slug": "large-b", "title": "T", "kind": "FILM", "synopsis": {"long": "` + strings.Repeat("é", 10_000_000) + `"}}`
	want := []string{"document 2 of programme, and none was written", "19.1 MiB as BSON, at most 16 MiB", `"synopsis" alone has 19.1 MiB`}
	refused := func(by, got string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s does not say %q: %.300s", by, w, got)
			}
		}
	}
	out, err := n.tryPut(t, "programme", neighbour, large)
	if err == nil {
		t.Fatalf("put says %s", out)
	}
	refused("put", err.Error())

	res, err := http.Post("http://"+n.admin+"/cms/programme", "application/json", strings.NewReader(neighbour+"\n"+large))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	var problem struct{ Error string }
	if err != nil || json.Unmarshal(body, &problem) != nil || res.StatusCode != http.StatusBadRequest {
		t.Fatalf("answered %s %.300s: %v", res.Status, body, err)
	}
	refused("the CMS's HTTP", problem.Error)

	five := slices.Repeat([]string{strings.Replace(large, strings.Repeat("é", 3_000_000), "", 1)}, 5)
	if _, err := n.tryPut(t, "programme", append(five, neighbour)...); err == nil || !strings.Contains(err.Error(), "more than 64 MiB together") || !strings.Contains(err.Error(), "put fewer at once") {
		t.Errorf("70 MB at once: %v", err)
	}
	if _, err := command(t, "cms", "get", "programme", "large-a", "--admin", n.admin); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("the neighbour was written: %v", err)
	}

	n.put(t, "programme", neighbour)
	const query = `{ programme(by: {slug: "large-a"}) { title synopsis } }`
	n.shows(t, query, `{"programme": {"title": "Neighbour", "synopsis": null}}`)
	_, err = command(t, "cms", "set", "programme", "large-a", "synopsis.short="+strings.Repeat("x", 20_000_000), "--admin", n.admin)
	want = []string{`changing programme "large-a"`, "19.1 MiB as BSON, at most 16 MiB", `"synopsis" alone`}
	if err == nil {
		t.Fatal("20 MB were set")
	}
	refused("set", err.Error())
	n.set(t, "programme", "large-a", "title=Still there")
	n.shows(t, query, `{"programme": {"title": "Still there", "synopsis": null}}`)
}

func (n *newsroom) tooLong(t *testing.T) {
	n.put(t, "programme",
		`{"_id": "long-a", "slug": "long-a", "title": "A", "kind": "FILM", "synopsis": {"short": "Short."}}`,
		`{"_id": "long-b", "slug": "long-b", "title": "B", "kind": "FILM", "synopsis": {"short": "Short."}}`)
	const query = `{ a: programme(by: {slug: "long-a"}) { title synopsis } b: programme(by: {slug: "long-b"}) { title synopsis } }`
	good := `{"a": {"title": "A", "synopsis": "Short."}, "b": {"title": "B", "synopsis": "Short."}}`
	n.shows(t, query, good)
	n.set(t, "programme", "long-a", "synopsis.short="+strings.Repeat("x", 1_000_000), "title=Never seen")
	n.set(t, "programme", "long-b", "synopsis.long="+strings.Repeat("x", 15_000_000), "title=Never seen")
	n.put(t, "programme", `{"_id": "long-c", "slug": "`+strings.Repeat("x", 1_000_000)+`", "title": "C", "kind": "FILM"}`,
		`{"_id": "long-d", "slug": "long-d", "title": "Neighbour", "kind": "FILM"}`)
	n.shows(t, `{ programme(by: {slug: "long-d"}) { title } }`, `{"programme": {"title": "Neighbour"}}`)
	n.setsAside(t, "long-a", "synopsis.short: has 1000000 characters, at most 20000 are allowed")
	n.setsAside(t, "long-b", "synopsis.long: has 15000000 characters, at most 20000 are allowed")
	n.setsAside(t, "long-c", "slug: has 1000000 characters, at most 200 are allowed")
	n.shows(t, query, good)
	n.set(t, "programme", "long-a", "synopsis.short=Mended.", "title=A2")
	n.set(t, "programme", "long-b", "synopsis.long:=null", "title=B2")
	n.shows(t, query, `{"a": {"title": "A2", "synopsis": "Mended."}, "b": {"title": "B2", "synopsis": "Short."}}`)
}

func (n *newsroom) idsOfAnotherKind(t *testing.T) {
	n.put(t, "person", `{"_id": "kind-pe", "slug": "kind-pe", "title": "P"}`)
	n.put(t, "programme",
		`{"_id": "kind-b", "slug": "kind-b", "title": "B", "kind": "FILM"}`,
		`{"_id": "kind-a", "slug": "kind-a", "title": "A", "kind": "FILM", "channel": "kind-b", "start": "kind-pe", "related": ["kind-pe", "kind-b"],
		  "credits": [{"person": "kind-b", "role": "ACTOR"}, {"person": "kind-pe", "role": "GUEST"}]}`)
	n.put(t, "page", `{"_id": "kind-page", "slug": "kind-page", "title": "K", "sections": [{"cards": [
		{"title": "T", "target": "video:kind-a"}, {"target": "channel:kind-a"}, {"target": "programme:kind-a"}]}]}`)
	n.shows(t, `{ programme(by: {slug: "kind-a"}) { channel { id } start { id } related { id } credits { edges { node { role person { id } } } } } }`,
		`{"programme": {"channel": null, "start": null, "related": [{"id": "programme:kind-b"}], "credits": {"edges": [
			{"node": {"role": "ACTOR", "person": null}}, {"node": {"role": "GUEST", "person": {"id": "person:kind-pe"}}}]}}}`)
	n.shows(t, `{ page(slug: "kind-page") { sections { edges { node { cards { edges { node { title target { __typename } } } } } } } } }`,
		`{"page": {"sections": {"edges": [{"node": {"cards": {"edges": [
			{"node": {"title": "T", "target": null}}, {"node": null}, {"node": {"title": "A", "target": {"__typename": "Programme"}}}]}}}]}}}`)
	n.shows(t, `{ node(id: "video:kind-a") { id } nodes(ids: ["channel:kind-a", "programme:kind-a"]) { id } }`,
		`{"node": null, "nodes": [null, {"id": "programme:kind-a"}]}`)
	for _, field := range []string{"programme", "video", "channel", "category"} {
		n.refuses(t, `{ `+field+`(by: {id: "person:kind-pe"}) { id } }`, "is the id of a person")
	}
	n.refuses(t, `{ person(by: {id: "programme:kind-a"}) { id } }`, "is the id of a programme")
	n.refuses(t, `{ programmes(filter: {channelId: "programme:kind-a"}) { totalCount } }`, "is the id of a programme")
	n.refuses(t, `{ programmes(filter: {categoryId: "channel:kind-a"}) { totalCount } }`, "is the id of a channel")
}

func (n *newsroom) oldDates(t *testing.T) {
	n.put(t, "channel", `{"_id": "old", "slug": "old", "title": "Old", "kind": "TV"}`)
	var programmes, videos []string
	for id, date := range map[string]string{
		"old-1": "0001-01-01T00:00:00Z", "old-2": "0001-06-01T00:00:00.5Z", "old-3": "1920-05-01T12:00:00Z", "old-4": "1969-12-31T23:59:59.999Z",
		"old-5": "1970-01-01T00:00:00Z", "old-6": "2020-01-01T00:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339, date)
		if err != nil {
			t.Fatal(err)
		}
		when := fmt.Sprintf(`"title": "T", "publishedAt": {"$date": {"$numberLong": "%d"}}`, at.UnixMilli())
		programmes = append(programmes, fmt.Sprintf(`{"_id": %q, "slug": %[1]q, "kind": "FILM", "channel": "old", %s}`, id, when))
		videos = append(videos, fmt.Sprintf(`{"_id": %q, "slug": %[1]q, "kind": "REPLAY", "programme": "old-1", "createdAt": {"$date": "2026-01-01T00:00:00Z"}, %s}`, id, when))
	}
	n.put(t, "programme", programmes...)
	n.put(t, "video", videos...)
	edges := func(items ...string) string {
		return `{"edges": [{"node": ` + strings.Join(items, `}, {"node": `) + `}]}`
	}
	var ids, dated []string
	for i, date := range []string{"0001-01-01T00:00:00Z", "0001-06-01T00:00:00.5Z", "1920-05-01T12:00:00Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", "2020-01-01T00:00:00Z"} {
		ids = append(ids, fmt.Sprintf(`{"id": "programme:old-%d"}`, i+1))
		dated = append(dated, fmt.Sprintf(`{"id": "video:old-%d", "publishedAt": %q}`, i+1, date))
	}
	oldest, oldestVideos := edges(ids...), edges(dated...)
	slices.Reverse(ids)
	slices.Reverse(dated)
	n.shows(t, `{ channel(by: {slug: "old"}) { newest: programmes { edges { node { id } } } oldest: programmes(orderBy: OLDEST) { edges { node { id } } } } }`,
		fmt.Sprintf(`{"channel": {"newest": %s, "oldest": %s}}`, edges(ids...), oldest))
	n.shows(t, `{ programme(by: {slug: "old-1"}) { newest: videos { edges { node { id publishedAt } } } oldest: videos(orderBy: OLDEST) { edges { node { id publishedAt } } } } }`,
		fmt.Sprintf(`{"programme": {"newest": %s, "oldest": %s}}`, edges(dated...), oldestVideos))

	n.put(t, "programme",
		`{"_id": "old-0", "slug": "old-0", "title": "T", "kind": "FILM", "year": 1}`,
		`{"_id": "old-9", "slug": "old-9", "title": "T", "kind": "FILM", "publishedAt": {"$date": {"$numberLong": "-62135596800001"}}}`)
	n.setsAside(t, "old-0", "year: must be between 1880 and 2200, is 1")
	n.setsAside(t, "old-9", "publishedAt: must be of the years 1 to 9999, is of 0")
}

func (n *newsroom) missingChannel(t *testing.T) {
	n.put(t, "programme", `{"_id": "gone-a", "slug": "gone-a", "title": "A", "kind": "FILM", "channel": "gone"}`)
	const query = `{ programme(by: {slug: "gone-a"}) { title channel { title programmes { totalCount } } } channel(by: {slug: "gone"}) { id } }`
	without := `{"programme": {"title": "A", "channel": null}, "channel": null}`
	with := `{"programme": {"title": "A", "channel": {"title": "C", "programmes": {"totalCount": 1}}}, "channel": {"id": "channel:gone"}}`
	n.shows(t, query, without)
	for range 2 {
		n.put(t, "channel", `{"_id": "gone", "slug": "gone", "title": "C", "kind": "TV"}`)
		n.shows(t, query, with)
		n.delete(t, "channel", "gone")
		n.shows(t, query, without)
	}
}

func (n *newsroom) cycleOfPages(t *testing.T) {
	n.put(t, "page",
		`{"_id": "cycle-a", "slug": "cycle-a", "title": "A", "sections": [{"cards": [{"target": "page:cycle-b"}, {"target": "page:cycle-a"}]}]}`,
		`{"_id": "cycle-b", "slug": "cycle-b", "title": "B", "sections": [{"cards": [{"target": "page:cycle-a"}]}]}`)
	const cards = `sections(first: 1) { edges { node { cards(first: 2) { edges { node { title target { ... on Page { slug`
	const end = ` } } } } } } } }`
	n.shows(t, `{ page(slug: "cycle-a") { `+cards+` `+cards+end+end+` } }`, `{"page": {"sections": {"edges": [{"node": {"cards": {"edges": [
		{"node": {"title": "B", "target": {"slug": "cycle-b", "sections": {"edges": [{"node": {"cards": {"edges": [
			{"node": {"title": "A", "target": {"slug": "cycle-a"}}}]}}}]}}}},
		{"node": {"title": "A", "target": {"slug": "cycle-a", "sections": {"edges": [{"node": {"cards": {"edges": [
			{"node": {"title": "B", "target": {"slug": "cycle-b"}}}, {"node": {"title": "A", "target": {"slug": "cycle-a"}}}]}}}]}}}}]}}}]}}}`)
}

func (n *newsroom) manyCredits(t *testing.T) {
	const many = 5000
	var credits []string
	for i := range many {
		credits = append(credits, fmt.Sprintf(`{"person": "many", "role": "ACTOR", "character": "C%d"}`, i))
	}
	n.put(t, "person", `{"_id": "many", "slug": "many", "title": "M"}`)
	n.put(t, "programme", `{"_id": "many-a", "slug": "many-a", "title": "A", "kind": "FILM", "credits": [`+strings.Join(credits, ",")+`]}`)
	const count = `{ node(id: "person:many") { ... on Person { credits(first: 1) { totalCount } } } programme(by: {slug: "many-a"}) { credits(first: 1) { totalCount } } }`
	n.shows(t, count, `{"node": {"credits": {"totalCount": 5000}}, "programme": {"credits": {"totalCount": 5000}}}`)

	for _, screen := range screens[:2] {
		for _, of := range []string{"programme:many-a", "person:many"} {
			seen := map[any]bool{}
			read, pages := 0, 0
			for after := any(nil); ; pages++ {
				a := ask(t, n.site+"/query/"+screen, `query($id: ID!, $after: String) { node(id: $id) { ... on Person { credits(first: 100, after: $after) { ...c } } ... on Programme { credits(first: 100, after: $after) { ...c } } } }
					fragment c on CreditConnection { edges { node { character person { id } programme { id } } } pageInfo { hasNextPage endCursor } }`, map[string]any{"id": of, "after": after})
				edges, _ := a.at("node", "credits", "edges").([]any)
				for i := range edges {
					node := func(path ...any) any { return a.at(append([]any{"node", "credits", "edges", i, "node"}, path...)...) }
					if node("person", "id") != "person:many" || node("programme", "id") != "programme:many-a" {
						t.Fatalf("credit %d of %s is %v", read, of, node())
					}
					seen[node("character")] = true
					read++
				}
				if len(a.Errors) > 0 || pages > many {
					t.Fatalf("page %d of %s: %v", pages, of, a.Errors)
				}
				if a.at("node", "credits", "pageInfo", "hasNextPage") != true {
					break
				}
				after = a.at("node", "credits", "pageInfo", "endCursor")
			}
			if read != many || len(seen) != many {
				t.Errorf("%s has %d credits on %s, %d different ones", of, read, screen, len(seen))
			}
		}
	}

	n.set(t, "programme", "many-a", "credits:=[]")
	n.shows(t, count, `{"node": {"credits": {"totalCount": 0}}, "programme": {"credits": {"totalCount": 0}}}`)
}

func (n *newsroom) slugSwap(t *testing.T) {
	doc := func(id, slug string) string {
		return fmt.Sprintf(`{"_id": %q, "slug": %q, "title": %[1]q, "kind": "FILM", "createdAt": {"$date": "2020-01-01T00:00:00Z"}}`, id, slug)
	}
	const query = `{ left: programme(by: {slug: "swap-left"}) { id slug path } right: programme(by: {slug: "swap-right"}) { id slug path } }`
	leads := func(left, right string) string {
		return fmt.Sprintf(`{"left": {"id": "programme:%s", "slug": "swap-left", "path": "/swap-left"}, "right": {"id": "programme:%s", "slug": "swap-right", "path": "/swap-right"}}`, left, right)
	}
	n.put(t, "programme", doc("swap-1", "swap-left"), doc("swap-2", "swap-right"))
	n.shows(t, query, leads("swap-1", "swap-2"))
	n.put(t, "programme", doc("swap-1", "swap-right"))
	n.put(t, "programme", doc("swap-2", "swap-left"))
	n.shows(t, query, leads("swap-2", "swap-1"))
	n.put(t, "programme", doc("swap-1", "swap-left"), doc("swap-2", "swap-right")) // both at once
	n.shows(t, query, leads("swap-1", "swap-2"))
}

func (n *newsroom) rename(t *testing.T) {
	n.put(t, "programme", `{"_id": "renamed", "slug": "renamed-old", "title": "R", "kind": "SERIES"}`)
	n.put(t, "video", `{"_id": "renamed-v", "programme": "renamed", "slug": "one", "title": "V", "kind": "EPISODE"}`)
	const query = `{ old: programme(by: {slug: "renamed-old"}) { id slug path } new: programme(by: {slug: "renamed-new"}) { id slug }
		video(by: {slug: {programme: "renamed-old", video: "one"}}) { id path } }`
	n.shows(t, query, `{"old": {"id": "programme:renamed", "slug": "renamed-old", "path": "/renamed-old"}, "new": null, "video": {"id": "video:renamed-v", "path": "/renamed-old/one"}}`)
	n.set(t, "programme", "renamed", "slug=renamed-new", `formerSlugs:=["renamed-old"]`)
	n.shows(t, query, `{"old": {"id": "programme:renamed", "slug": "renamed-new", "path": "/renamed-new"}, "new": {"id": "programme:renamed", "slug": "renamed-new"},
		"video": {"id": "video:renamed-v", "path": "/renamed-new/one"}}`)
	// Whoever takes the slug now has it, and gives it back.
	n.put(t, "programme", `{"_id": "renamed-2", "slug": "renamed-old", "title": "S", "kind": "FILM"}`)
	n.shows(t, `{ programme(by: {slug: "renamed-old"}) { id } }`, `{"programme": {"id": "programme:renamed-2"}}`)
	n.delete(t, "programme", "renamed-2")
	n.shows(t, `{ programme(by: {slug: "renamed-old"}) { id } }`, `{"programme": {"id": "programme:renamed"}}`)
	n.set(t, "programme", "renamed", "formerSlugs:=[]")
	n.shows(t, `{ programme(by: {slug: "renamed-old"}) { id } }`, `{"programme": null}`)
}

func (n *newsroom) movedVideo(t *testing.T) {
	n.put(t, "programme",
		`{"_id": "move-a", "slug": "move-a", "title": "A", "kind": "SERIES"}`,
		`{"_id": "move-b", "slug": "move-b", "title": "B", "kind": "SERIES"}`)
	n.put(t, "video", `{"_id": "move-v", "programme": "move-a", "slug": "one", "title": "V", "kind": "EPISODE", "season": 1, "episode": 1}`)
	const query = `{ a: programme(by: {slug: "move-a"}) { ...p } b: programme(by: {slug: "move-b"}) { ...p }
		inA: video(by: {slug: {programme: "move-a", video: "one"}}) { ...v } inB: video(by: {slug: {programme: "move-b", video: "one"}}) { ...v } }
		fragment p on Programme { seasons { number episodeCount } videos { totalCount edges { node { id } } } start { id } }
		fragment v on Video { path programme { id } }`
	const has = `{"seasons": [{"number": 1, "episodeCount": 1}], "videos": {"totalCount": 1, "edges": [{"node": {"id": "video:move-v"}}]}, "start": {"id": "video:move-v"}}`
	const empty = `{"seasons": [], "videos": {"totalCount": 0, "edges": []}, "start": null}`
	const isIn = `{"path": "/move-%[1]s/one", "programme": {"id": "programme:move-%[1]s"}}`
	n.shows(t, query, fmt.Sprintf(`{"a": %s, "b": %s, "inA": %s, "inB": null}`, has, empty, fmt.Sprintf(isIn, "a")))
	n.set(t, "video", "move-v", "programme=move-b")
	n.shows(t, query, fmt.Sprintf(`{"a": %s, "b": %s, "inA": null, "inB": %s}`, empty, has, fmt.Sprintf(isIn, "b")))
	n.set(t, "video", "move-v", "programme=move-a")
	n.shows(t, query, fmt.Sprintf(`{"a": %s, "b": %s, "inA": %s, "inB": null}`, has, empty, fmt.Sprintf(isIn, "a")))
}

func (n *newsroom) lastProgramme(t *testing.T) {
	n.put(t, "channel", `{"_id": "last", "slug": "last", "title": "Last", "kind": "TV"}`)
	n.put(t, "programme",
		`{"_id": "last-a", "slug": "last-a", "title": "A", "kind": "FILM", "channel": "last", "genres": ["Last of all"]}`,
		`{"_id": "last-b", "slug": "last-b", "title": "B", "kind": "FILM", "channel": "last", "genres": ["Last of all"]}`)
	const query = `{ channel(by: {slug: "last"}) { programmes { totalCount edges { node { id } } } } category(by: {slug: "last-of-all"}) { title programmes { totalCount } }
		programmes(filter: {channelId: "channel:last", categoryId: "category:last-of-all"}) { totalCount } }`
	n.shows(t, query, `{"channel": {"programmes": {"totalCount": 2, "edges": [{"node": {"id": "programme:last-b"}}, {"node": {"id": "programme:last-a"}}]}},
		"category": {"title": "Last of all", "programmes": {"totalCount": 2}}, "programmes": {"totalCount": 2}}`)
	n.delete(t, "programme", "last-b")
	n.shows(t, query, `{"channel": {"programmes": {"totalCount": 1, "edges": [{"node": {"id": "programme:last-a"}}]}},
		"category": {"title": "Last of all", "programmes": {"totalCount": 1}}, "programmes": {"totalCount": 1}}`)
	n.set(t, "programme", "last-a", "genres:=null", "channel:=null")
	n.shows(t, query, `{"channel": {"programmes": {"totalCount": 0, "edges": []}}, "category": null, "programmes": {"totalCount": 0}}`)
	for _, s := range screens {
		servertest.Await(t, func() string {
			a := ask(t, n.site+"/query/"+s, `{ categories { slug } channels { slug } }`, nil)
			categories, _ := a.at("categories").([]any)
			channels, _ := a.at("channels").([]any)
			is := func(slug string) func(any) bool {
				return func(v any) bool { return v.(map[string]any)["slug"] == slug }
			}
			if slices.ContainsFunc(categories, is("last-of-all")) || !slices.ContainsFunc(channels, is("last")) {
				return fmt.Sprintf("%s lists the categories %v and the channels %v", s, categories, channels)
			}
			return ""
		})
	}
}

func (n *newsroom) windows(t *testing.T) {
	n.put(t, "channel", `{"_id": "window", "slug": "window", "title": "W", "kind": "TV"}`)
	put := func(from, until string) {
		n.put(t, "programme", fmt.Sprintf(`{"_id": "window-a", "slug": "window-a", "title": "A", "kind": "FILM", "channel": "window", "rights": [{%s, %s}]}`,
			fmt.Sprintf(`"from": {"$date": %q}`, from), fmt.Sprintf(`"until": {"$date": %q}`, until)))
	}
	const query = `{ programme(by: {slug: "window-a"}) { availability { state from until } } channel(by: {slug: "window"}) { programmes { edges { node { id } } } } }`
	is := func(state, from, until string) string {
		listed := ""
		if state == "AVAILABLE" {
			listed = `{"node": {"id": "programme:window-a"}}`
		}
		return fmt.Sprintf(`{"programme": {"availability": {"state": %q, "from": %q, "until": %q}}, "channel": {"programmes": {"edges": [%s]}}}`, state, from, until, listed)
	}
	at := func(in time.Duration) (time.Time, string) {
		when := time.Now().UTC().Add(in).Truncate(time.Second)
		return when, when.Format(time.RFC3339)
	}
	// Far first: no slow machine can miss it.
	_, far := at(time.Hour)
	_, farther := at(2 * time.Hour)
	put(far, farther)
	n.shows(t, query, is("UPCOMING", far, farther))

	opens, from := at(3 * time.Second)
	put(from, farther)
	n.shows(t, query, is("AVAILABLE", from, farther))
	if time.Now().Before(opens) {
		t.Errorf("it is available before %s", from)
	}

	closes, until := at(3 * time.Second)
	put(from, until)
	n.shows(t, query, is("EXPIRED", from, until))
	if time.Now().Before(closes) {
		t.Errorf("it has expired before %s", until)
	}
}

func (n *newsroom) territories(t *testing.T) {
	n.put(t, "channel", `{"_id": "place", "slug": "place", "title": "P", "kind": "TV"}`)
	n.put(t, "programme",
		`{"_id": "place-a", "slug": "place-a", "title": "A", "kind": "FILM", "channel": "place", "rights": [{"territories": ["FR", "BE"]}]}`,
		`{"_id": "place-b", "slug": "place-b", "title": "B", "kind": "FILM", "channel": "place", "rights": [{"territories": ["CH"], "offer": "MAX"}, {"territories": ["BE"], "screens": ["iptv"]}]}`)
	const query = `{ a: programme(by: {slug: "place-a"}) { availability { state territories } } b: programme(by: {slug: "place-b"}) { availability { state } }
		channel(by: {slug: "place"}) { programmes { edges { node { id } } } } }`
	const listed = `{"node": {"id": "programme:place-%s"}}`
	for _, tt := range []struct{ path, a, b, list string }{
		{"web", "AVAILABLE", "GEO_BLOCKED", fmt.Sprintf(listed, "a")},
		{"web?territory=FR", "AVAILABLE", "GEO_BLOCKED", fmt.Sprintf(listed, "a")},
		{"web?territory=BE", "AVAILABLE", "GEO_BLOCKED", fmt.Sprintf(listed, "a")},
		{"iptv?territory=BE", "AVAILABLE", "AVAILABLE", fmt.Sprintf(listed, "b") + "," + fmt.Sprintf(listed, "a")},
		{"iptv?territory=CH", "GEO_BLOCKED", "OFFER_REQUIRED", fmt.Sprintf(listed, "b")},
		{"mobile?territory=CH", "GEO_BLOCKED", "OFFER_REQUIRED", fmt.Sprintf(listed, "b")},
		{"mobile?territory=US", "GEO_BLOCKED", "GEO_BLOCKED", ""},
	} {
		n.showsAt(t, "/query/"+tt.path, query, fmt.Sprintf(
			`{"a": {"availability": {"state": %q, "territories": ["FR", "BE"]}}, "b": {"availability": {"state": %q}}, "channel": {"programmes": {"edges": [%s]}}}`, tt.a, tt.b, tt.list))
	}
	for _, bad := range []string{"France", "f", "fr-FR", "1A"} {
		if a := ask(t, n.site+"/query/iptv?territory="+bad, query, nil); a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, bad) {
			t.Errorf("the territory %s is answered %+v", bad, a)
		}
	}
}

// deadLetters reads what the process that used the folder has set aside.
func (n *newsroom) deadLetters(t *testing.T, folder string) {
	servers, err := embedded.Open(folder, servertest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	cluster := stream.New(stream.Config{Brokers: servers.Kafka, Project: "regie", Instance: "test", Log: servertest.Log(t)})
	defer cluster.Close()
	got := map[string]string{}
	if err := cluster.ReadAll(t.Context(), stream.Dead(transform.Role), func(r stream.Record) error {
		got[string(r.Key)] = r.Headers.Get(stream.HeaderReason)
		if origin := r.Headers.Get(stream.HeaderOrigin); !strings.HasPrefix(origin, stream.CMS("programme")+"/") {
			t.Errorf("the dead letter of %s is of %q", r.Key, origin)
		}
		if !bytes.Contains(r.Value, []byte(`"fullDocument"`)) {
			t.Errorf("the dead letter of %s lacks its document", r.Key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(n.dead, got); diff != "" {
		t.Errorf("dead letters of transform (-want +got):\n%s", diff)
	}
	if err := cluster.ReadAll(t.Context(), stream.Dead("project"), func(r stream.Record) error {
		t.Errorf("project set %s aside: %s", r.Key, r.Headers.Get(stream.HeaderReason))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
