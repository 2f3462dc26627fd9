// Package web serves the pages of Regie: the start page and GraphiQL. Both are built beforehand (see app/) and embedded
// in the binary, and ask nothing of any other host.
package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// Config is what the pages are told of the process that serves them.
type Config struct {
	// AdminURL is where /metrics, /readyz and /livez answer, such as http://127.0.0.1:8081. The start page links to
	// them; without it, it says that it does not know.
	AdminURL string
	// DocsURL is where the documentation can be read. Without it, the start page names the folder instead.
	DocsURL string
	// ImageOrigins are the other origins that the catalogue's images may come from, such as https://images.example.
	// Images of this host and data: URLs always may.
	ImageOrigins []string
	// GraphiQL switches the page /graphiql on. When off, neither it nor its files are served.
	GraphiQL bool
}

// Handler serves /, /graphiql and /assets/, and a page that says so for everything else. It answers GET and HEAD.
// Mount it at "/": the pages expect /query, /query/{screen} and the event stream /freshness beside it.
func Handler(cfg Config) http.Handler {
	cfg.AdminURL = strings.TrimSuffix(cfg.AdminURL, "/")

	missing := render("start/404.html", cfg)
	start := render("start/index.html", cfg)

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(start, pagePolicy(cfg.ImageOrigins)))
	mux.Handle("GET /assets/start/", assets("start", missing))
	if cfg.GraphiQL {
		graphiql := render("graphiql/index.html", cfg)
		mux.Handle("GET /graphiql", page(graphiql, graphiqlPolicy(cfg.ImageOrigins)))
		mux.Handle("GET /graphiql/{$}", http.RedirectHandler("/graphiql", http.StatusMovedPermanently))
		mux.Handle("GET /assets/graphiql/", assets("graphiql", missing))
	}
	mux.Handle("/", notFound(missing))
	return secure(mux)
}

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
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
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
