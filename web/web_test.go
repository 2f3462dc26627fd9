package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

var everything = Config{AdminURL: "http://127.0.0.1:8081/", GraphiQL: true}

// get asks as a browser does for a page.
func get(t *testing.T, cfg Config, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Handler(cfg).ServeHTTP(w, r)
	return w
}

// directives splits a policy into its directives' sources.
func directives(policy string) map[string]string {
	found := map[string]string{}
	for _, d := range strings.Split(policy, ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(d), " ")
		found[name] = sources
	}
	return found
}

func TestPages(t *testing.T) {
	for target, style := range map[string]string{
		"/": "'self'", "/a-programme": "'self'", "/developers": "'self'", "/graphiql": "'self' 'unsafe-inline'",
	} {
		w := get(t, everything, target)
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %s", target, w.Code, h.Get("Content-Type"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers are %v", target, h)
		}
		policy := directives(h.Get("Content-Security-Policy"))
		want := map[string]string{
			"default-src": "'none'", "script-src": "'self'", "connect-src": "'self'", "font-src": "'self'", "style-src": style,
			"img-src": "'self' data:", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
		}
		for name, sources := range want {
			if policy[name] != sources {
				t.Errorf("%s: %s is %q, want %q", target, name, policy[name], sources)
			}
		}
		if again := get(t, everything, target, "If-None-Match", h.Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s: %d when asked again with its ETag", target, again.Code)
		}
	}
}

func TestPagesAreToldOfTheProcess(t *testing.T) {
	body := get(t, everything, "/developers").Body.String()
	for _, link := range []string{`href="http://127.0.0.1:8081/metrics"`, `href="http://127.0.0.1:8081/readyz"`, `href="/graphiql"`} {
		if !strings.Contains(body, link) {
			t.Errorf("no %s", link)
		}
	}
	if strings.Contains(body, "{{") {
		t.Error("a template action was served as it is")
	}

	body = get(t, Config{DocsURL: "javascript:alert(1)"}, "/developers").Body.String()
	for _, not := range []string{"/metrics", "/graphiql", "javascript:"} {
		if strings.Contains(body, not) {
			t.Errorf("%s although it is not configured", not)
		}
	}
	if strings.Contains(get(t, Config{}, "/").Body.String(), "/graphiql") {
		t.Error("the catalogue leads to GraphiQL although it is off")
	}
}

func TestEditor(t *testing.T) {
	for _, on := range []bool{true, false} {
		if want := fmt.Sprintf(`<meta name="editor" content="%t">`, on); !strings.Contains(get(t, Config{Editor: on}, "/").Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestPretendViewersAreLabelled(t *testing.T) {
	for _, on := range []bool{true, false} {
		body := get(t, Config{Pretends: on}, "/").Body.String()
		if !strings.Contains(body, fmt.Sprintf(`<meta name="pretends" content="%t">`, on)) || strings.Contains(body, "demo-viewer-1") != on {
			t.Errorf("with Pretends %t the page is %s", on, body)
		}
	}
}

func TestSignIn(t *testing.T) {
	for _, on := range []bool{true, false} {
		if strings.Contains(get(t, Config{SignIn: on}, "/").Body.String(), `id="who"`) != on {
			t.Errorf("the form is there, or not, although SignIn is %t", on)
		}
	}
}

func TestAddressesOfTheCatalogue(t *testing.T) {
	home := get(t, everything, "/").Body.String()
	for _, target := range []string{
		"/le-dernier-tram", "/le-dernier-tram/gare-centrale", "/channel/rivage", "/person/somebody", "/category/drame", "/page/cinema",
		"/le-dernier-tram?screen=iptv&territory=BE", "/1984",
	} {
		w := get(t, everything, target)
		if w.Code != http.StatusOK || w.Body.String() != home || w.Header().Get("Vary") != "Accept" {
			t.Errorf("%s: %d, Vary %q", target, w.Code, w.Header().Get("Vary"))
		}
		if w := get(t, everything, target, "Accept", "application/json"); w.Code != http.StatusNotFound {
			t.Errorf("%s for a program: %d", target, w.Code)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/le-dernier-tram", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	Handler(everything).ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestImageOrigins(t *testing.T) {
	cfg := Config{GraphiQL: true, ImageOrigins: []string{"https://images.example"}}
	for _, target := range []string{"/", "/a-programme", "/developers", "/graphiql"} {
		policy := directives(get(t, cfg, target).Header().Get("Content-Security-Policy"))
		if policy["img-src"] != "'self' data: https://images.example" {
			t.Errorf("%s: img-src is %q", target, policy["img-src"])
		}
	}
}

func TestNotFound(t *testing.T) {
	for _, target := range []string{
		"/index.html", "/Nowhere", "/a/b/c", "/a--b", "/a/", "/favicon.ico", "/.well-known/x", "/" + strings.Repeat("a", 201),
		"/assets", "/assets/", "/assets/site/", "/assets/site/index.html", "/assets/site/x/fonts.txt",
		"/assets/site/missing-12345678.js", "/assets/..%2fweb.go",
		"/query", "/query/web", "/freshness", "/posters/a", "/cms/programme", "/sign-in", // not mounted here
	} {
		w := get(t, everything, target)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "There is nothing at this address.") {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	w := get(t, everything, "/nowhere.txt", "Accept", "application/json")
	if kind := w.Header().Get("Content-Type"); w.Code != http.StatusNotFound || kind != "text/plain; charset=utf-8" {
		t.Errorf("for a program: %d %s", w.Code, kind)
	}
}

func TestGraphiQLSwitchedOff(t *testing.T) {
	for _, target := range []string{"/graphiql", "/graphiql/", "/assets/graphiql/licenses.md"} {
		if w := get(t, everything, target); w.Code == http.StatusNotFound {
			t.Errorf("%s is missing when on", target)
		}
		w := get(t, Config{}, target)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "GraphiQL is switched off") {
			t.Errorf("%s: %d when off", target, w.Code)
		}
	}
}

// built calls do for each embedded file, with its content and the path it is served at.
func built(t *testing.T, do func(name, target, content string)) {
	t.Helper()
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(dist, name)
		do(name, "/assets/"+strings.TrimPrefix(name, "dist/"), string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAssets(t *testing.T) {
	size := 0
	built(t, func(name, target, content string) {
		size += len(content)
		switch path.Ext(name) {
		case ".html":
			return
		case ".map":
			t.Errorf("%s is a source map", name)
		}
		w := get(t, everything, target)
		if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || kind == "" || kind != types[path.Ext(name)] {
			t.Errorf("%s: %d %q", target, w.Code, kind)
		}
		if w.Body.String() != content {
			t.Errorf("%s was served otherwise than built", target)
		}
		caching := "public, max-age=31536000, immutable"
		if base := path.Base(name); base == "fonts.txt" || base == "licenses.md" {
			caching = "no-cache"
		}
		if got := w.Header().Get("Cache-Control"); got != caching {
			t.Errorf("%s: Cache-Control is %q, want %q", target, got, caching)
		}
	})
	if size > 7<<20 {
		t.Errorf("the pages weigh %d bytes: what came in?", size)
	}
}

func TestPagesAskForWhatIsThere(t *testing.T) {
	asset := regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)
	for _, target := range []string{"/", "/developers", "/graphiql", "/nowhere.txt"} {
		found := asset.FindAllStringSubmatch(get(t, everything, target).Body.String(), -1)
		if len(found) == 0 {
			t.Errorf("%s has no assets", target)
		}
		for _, match := range found {
			if w := get(t, everything, match[1]); w.Code != http.StatusOK {
				t.Errorf("%s asks for %s: %d", target, match[1], w.Code)
			}
		}
	}
}

// Links to other hosts, which a person follows, are fine; so are names in the form of a URL, as XML's namespaces are.
// These are the ways to write a request.
var elsewhere = map[string]*regexp.Regexp{
	"an element":  regexp.MustCompile(`(?i)(?:\bsrc|\bsrcset|\bposter|\baction|<link[^>]+href)\s*=\s*["']?(?:https?:)?//[^/"'\s]`),
	"an import":   regexp.MustCompile("(?:\\bimport|\\bfrom)\\s*\\(?\\s*[\"'`](?:https?:)?//"),
	"a request":   regexp.MustCompile("(?:\\bfetch|Worker|EventSource|WebSocket|importScripts|sendBeacon)\\(\\s*[\"'`](?:https?:|wss?:)?//"),
	"a property":  regexp.MustCompile("\\b(?:src|srcset|poster)\\s*[:=]\\s*[\"'`](?:https?:)?//"),
	"a style":     regexp.MustCompile(`(?i)(?:url\(|@import)\s*["']?(?:https?:)?//`),
	"a style URL": regexp.MustCompile(`(?i)@import\s+url`),
}

func TestNothingIsAskedOfAnotherHost(t *testing.T) {
	check := func(name, content string) {
		for what, pattern := range elsewhere {
			if at := pattern.FindStringIndex(content); at != nil {
				t.Errorf("%s: %s asks another host: %s", name, what, content[max(0, at[0]-40):min(len(content), at[1]+60)])
			}
		}
	}
	built(t, func(name, _, content string) {
		switch path.Ext(name) {
		case ".html", ".css", ".js", ".svg":
			check(name, content)
		}
	})
	for _, target := range []string{"/", "/developers", "/graphiql", "/nowhere.txt"} {
		check(target, get(t, everything, target).Body.String())
	}
	// The patterns themselves: a test that finds nothing must be able to.
	for what, example := range map[string]string{
		"an element": `<link rel="stylesheet" href="https://a.example/x.css">`, "an import": `import("https://a.example/x.js")`,
		"a request": `new Worker("https://a.example/x.js")`, "a property": `{src:"//a.example/x.png"}`,
		"a style": `url(https://a.example/x.woff2)`, "a style URL": `@import url("https://a.example/x.css")`,
	} {
		if !elsewhere[what].MatchString(example) {
			t.Errorf("%s is not recognised in %s", what, example)
		}
	}
}
