package demo

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	minWidth     = 16
	maxWidth     = 3840
	defaultWidth = 1280
)

// Posters serves the drawn posters: GET /posters/{programme-slug}/{role or video slug}.svg, where the role is thumbnail,
// portrait, cover or logo; /posters/channel/{slug}/{logo, square or thumbnail}.svg; /posters/person/{slug}/portrait.svg.
// `?w=640` asks for a width in pixels, brought within 16 and 3840; the height follows.
// The catalogue is read at the first request.
func Posters() http.Handler {
	open := sync.OnceValues(func() (map[string]func(width int) []byte, error) {
		cat, err := load(files)
		if err != nil {
			return nil, err
		}
		return cat.drawings(), nil
	})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /posters/{name...}", func(w http.ResponseWriter, r *http.Request) {
		drawings, err := open()
		if err != nil {
			http.Error(w, "The posters cannot be drawn: "+err.Error(), http.StatusInternalServerError)
			return
		}
		draw, ok := drawings[r.PathValue("name")]
		if !ok {
			http.Error(w, "There is no such poster.", http.StatusNotFound)
			return
		}
		width, err := widthOf(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		serve(w, r, draw(width))
	})
	return mux
}

// drawings maps what follows /posters/ to what draws it.
func (cat *catalogue) drawings() map[string]func(width int) []byte {
	out := make(map[string]func(width int) []byte)
	for _, p := range cat.programmes {
		for _, v := range p.videos {
			out[p.slug+"/"+v.slug+".svg"] = func(width int) []byte { return drawVideo(p, v, width) }
		}
		for _, role := range programmeRoles {
			out[p.slug+"/"+strings.ToLower(role)+".svg"] = func(width int) []byte { return drawProgramme(p, role, width) }
		}
	}
	for _, ch := range cat.channels {
		for _, role := range channelRoles {
			out[channelPoster(ch, role)] = func(width int) []byte { return drawChannel(ch, role, width) }
		}
	}
	for _, pe := range cat.people {
		out[personPoster(pe)] = func(width int) []byte { return drawPerson(pe, width) }
	}
	return out
}

func widthOf(r *http.Request) (int, error) {
	asked := r.URL.Query()["w"]
	if len(asked) == 0 {
		return defaultWidth, nil
	}
	n, err := strconv.Atoi(asked[0])
	if err != nil || len(asked) > 1 || n <= 0 {
		return 0, fmt.Errorf("w must be one whole number of pixels, for example w=640")
	}
	return min(max(n, minWidth), maxWidth), nil
}

func serve(w http.ResponseWriter, r *http.Request, svg []byte) {
	sum := fnv.New64a()
	sum.Write(svg)
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", fmt.Sprintf(`"%x"`, sum.Sum64()))
	// An SVG opened on its own is a document: it may run and load nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(svg))
}

// isRole says whether a name in a poster's address is taken by a programme's own images.
func isRole(slug string) bool { return slices.Contains(programmeRoles, strings.ToUpper(slug)) }
