package web

import (
	"embed"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"time"
)

//go:embed dist
var dist embed.FS

// types are the content types of the built files, whatever the machine's own table of types says of them.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".md":    "text/plain; charset=utf-8",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// hashed is the name of a file whose content never changes: the bundler puts a hash of it into the name.
var hashed = regexp.MustCompile(`-[\w-]{8}\.\w+$`)

// assets serves the built files of one page under /assets/{name}/, except for its HTML.
func assets(name string, missing []byte) http.Handler {
	files, err := fs.Sub(dist, "dist/"+name)
	if err != nil {
		panic(err)
	}
	none := notFound(missing)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file := path.Base(r.URL.Path)
		kind, known := types[path.Ext(file)]
		if !known || r.URL.Path != "/assets/"+name+"/"+file {
			none.ServeHTTP(w, r)
			return
		}
		body, err := files.Open(file)
		if err != nil {
			none.ServeHTTP(w, r)
			return
		}
		defer body.Close()
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Security-Policy", assetPolicy)
		if hashed.MatchString(file) {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		http.ServeContent(w, r, "", time.Time{}, body.(io.ReadSeeker))
	})
}
