// Package web serves the pages of Regie: a small front end of the catalogue, a page for developers, and GraphiQL. All are
// built beforehand (see app/) and embedded in the binary, and ask nothing of any other host.
package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config is what the pages are told of the process that serves them.
type Config struct {
	// AdminURL is where /metrics, /readyz and /livez answer, such as http://127.0.0.1:8081. The page for
	// developers links to them; without it, it says that it does not know.
	AdminURL string
	// DocsURL is where the documentation can be read. Without it, the page for developers names the
	// folder instead.
	DocsURL string
	// ImageOrigins are the other origins that the catalogue's images may come from, such as https://images.example.
	// Images of this host and data: URLs always may.
	ImageOrigins []string
	// GraphiQL switches the page /graphiql on. When off, neither it nor its files are served.
	GraphiQL bool
	// Editor puts a form on programmes' pages that edits the CMS, whose HTTP API (cms.Handler) is then to be mounted at
	// /cms/ beside the pages. Whoever can reach the pages can edit: for the embedded default only.
	Editor bool
	// Pretends: there are viewers who are pretended, and what is counted of viewers is labelled so.
	Pretends bool
	// SignIn puts a form in the header that makes anybody the viewer whom they name: by identity.SignIn, which is then to
	// be mounted at /sign-in. For the embedded default only.
	SignIn bool
}

// Handler serves the catalogue's pages (/ and whatever the API may call a path), /developers, /graphiql and /assets/,
// and a page that says so for everything else. It answers GET and HEAD. Mount it at "/": the pages expect
// /query/{screen} and the event stream /freshness beside it.
func Handler(cfg Config) http.Handler {
	cfg.AdminURL = strings.TrimSuffix(cfg.AdminURL, "/")

	missing := render("site/404.html", cfg)
	catalogue := page(render("site/index.html", cfg), pagePolicy(cfg.ImageOrigins))

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", catalogue)
	mux.Handle("GET /developers", page(render("site/developers.html", cfg), pagePolicy(cfg.ImageOrigins)))
	mux.Handle("GET /developers/{$}", http.RedirectHandler("/developers", http.StatusMovedPermanently))
	mux.Handle("GET /assets/site/", assets("site", missing))
	if cfg.GraphiQL {
		graphiql := render("graphiql/index.html", cfg)
		mux.Handle("GET /graphiql", page(graphiql, graphiqlPolicy(cfg.ImageOrigins)))
		mux.Handle("GET /graphiql/{$}", http.RedirectHandler("/graphiql", http.StatusMovedPermanently))
		mux.Handle("GET /assets/graphiql/", assets("graphiql", missing))
	}
	mux.Handle("/", deep(catalogue, notFound(missing)))
	return secure(mux)
}

// ours are the first segments of addresses that are not the catalogue's, whether something answers there or not.
var ours = []string{"assets", "cms", "developers", "freshness", "graphiql", "posters", "query", "sign-in"}

var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// inCatalogue tells whether a path has the form of a programme's, /{slug}, or of what is below something: a programme's
// video, /channel/{slug} and the like. Whether there is such a thing the page asks the API.
func inCatalogue(path string) bool {
	segments := strings.Split(path, "/")[1:]
	if len(segments) > 2 || slices.Contains(ours, segments[0]) {
		return false
	}
	return !slices.ContainsFunc(segments, func(s string) bool { return len(s) > 200 || !slug.MatchString(s) })
}

// deep serves the catalogue's page at the addresses that it may know, to people.
func deep(catalogue, none http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if reads && inCatalogue(r.URL.Path) && forPeople(r) {
			w.Header().Add("Vary", "Accept")
			catalogue.ServeHTTP(w, r)
			return
		}
		none.ServeHTTP(w, r)
	})
}

// forPeople tells a browser that opens a page from a program that asks for data.
func forPeople(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// page serves an HTML page, to be revalidated each time: it names the assets of this build.
func page(html []byte, policy string) http.Handler {
	sum := sha256.Sum256(html)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(html))
	})
}

// notFound answers 404 with the page to people, and with a line of text to programs.
func notFound(html []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Add("Vary", "Accept")
		if !forPeople(r) {
			http.Error(w, "There is nothing at this address. The API answers at /query.", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		if r.Method != http.MethodHead {
			w.Write(html)
		}
	})
}

// render fills in a built page. It panics when that fails: the pages come with the binary.
func render(name string, cfg Config) []byte {
	page := template.Must(template.ParseFS(dist, "dist/"+name))
	var out bytes.Buffer
	if err := page.Execute(&out, cfg); err != nil {
		panic(err)
	}
	return out.Bytes()
}
