package demo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

// drawn are the elements of the posters: nothing that runs, loads or links.
var drawn = strings.Fields("svg title g path rect circle ellipse text tspan defs linearGradient radialGradient stop clipPath")

func TestEveryPosterIsWellFormed(t *testing.T) {
	cat := mustLoad(t)
	drawings := cat.drawings()
	want := 0
	for _, p := range cat.programmes {
		want += len(programmeRoles) + len(p.videos)
	}
	want += len(cat.channels)*len(channelRoles) + len(cat.people)
	if len(drawings) != want {
		t.Errorf("%d posters, want %d: two share an address", len(drawings), want)
	}
	for name, draw := range drawings {
		svg := draw(640)
		dec := xml.NewDecoder(bytes.NewReader(svg))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			el, ok := tok.(xml.StartElement)
			if !ok {
				continue
			}
			if !slices.Contains(drawn, el.Name.Local) {
				t.Fatalf("%s: a %s", name, el.Name.Local)
			}
			for _, a := range el.Attr {
				ours := a.Name.Local == "xmlns" || !strings.Contains(a.Value, "//") && strings.Count(a.Value, "url(") == strings.Count(a.Value, "url(#")
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || !ours {
					t.Fatalf("%s: %s=%q runs or loads something", name, a.Name.Local, a.Value)
				}
			}
		}
		// What fmt and floating-point numbers leave behind when a scene is wrong.
		for _, bad := range []string{"%!", "NaN", "Inf"} {
			if bytes.Contains(svg, []byte(bad)) {
				t.Errorf("%s: %s in the drawing", name, bad)
			}
		}
		if len(svg) > 48<<10 {
			t.Errorf("%s: %d bytes", name, len(svg))
		}
	}
}

func TestEveryMotifAndPaletteIsUsed(t *testing.T) {
	motifs, pals := map[string]bool{}, map[string]bool{}
	for _, p := range mustLoad(t).programmes {
		motifs[p.Poster.Motif], pals[p.Poster.Palette] = true, true
	}
	for m := range scenes {
		if !motifs[m] {
			t.Errorf("no programme uses the motif %s", m)
		}
	}
	for p := range palettes {
		if !pals[p] {
			t.Errorf("no programme uses the palette %s", p)
		}
	}
}

func TestPosters(t *testing.T) {
	const lighthouse = "/posters/les-veilleurs-de-kerouan/"
	tests := map[string]struct {
		method, path string
		status       int
		body         string
	}{
		"thumbnail":        {"GET", lighthouse + "thumbnail.svg", 200, `viewBox="0 0 1600 900" width="1280" height="720"`},
		"portrait":         {"GET", lighthouse + "portrait.svg?w=400", 200, `viewBox="0 0 800 1200" width="400" height="600"`},
		"cover":            {"GET", lighthouse + "cover.svg?w=1920", 200, `width="1920" height="1080"`},
		"logo":             {"GET", lighthouse + "logo.svg", 200, `viewBox="0 0 800 320"`},
		"video":            {"GET", lighthouse + "trois-coups-brefs.svg?w=640", 200, `width="640" height="360"`},
		"escaped title":    {"GET", "/posters/nimbo-petit-nuage/dessine-nimbo-avec-perrine.svg", 200, "<title>Dessine Nimbo avec Perrine</title>"},
		"too small":        {"GET", lighthouse + "cover.svg?w=1", 200, `width="16" height="9"`},
		"too large":        {"GET", lighthouse + "cover.svg?w=99999", 200, `width="3840" height="2160"`},
		"zero":             {"GET", lighthouse + "cover.svg?w=0", 400, "w must be"},
		"not a number":     {"GET", lighthouse + "cover.svg?w=wide", 400, "w must be"},
		"a huge number":    {"GET", lighthouse + "cover.svg?w=99999999999999999999", 400, "w must be"},
		"empty":            {"GET", lighthouse + "cover.svg?w=", 400, "w must be"},
		"twice":            {"GET", lighthouse + "cover.svg?w=1&w=2", 400, "w must be"},
		"unknown video":    {"GET", lighthouse + "nowhere.svg", 404, "There is no such poster."},
		"unknown role":     {"GET", lighthouse + "square.svg", 404, "There is no such poster."},
		"without .svg":     {"GET", lighthouse + "cover", 404, "There is no such poster."},
		"nothing":          {"GET", "/posters/", 404, "There is no such poster."},
		"channel logo":     {"GET", "/posters/channel/rivage/logo.svg", 200, `viewBox="0 0 800 320"`},
		"channel square":   {"GET", "/posters/channel/vigie/square.svg?w=400", 200, `width="400" height="400"`},
		"channel thumb":    {"GET", "/posters/channel/penombre/thumbnail.svg", 200, `viewBox="0 0 1600 900" width="1280" height="720"`},
		"person":           {"GET", "/posters/person/anais-tchoumi/portrait.svg?w=400", 200, `viewBox="0 0 800 1200" width="400" height="600"`},
		"unknown channel":  {"GET", "/posters/channel/cascade/logo.svg", 404, "There is no such poster."},
		"unknown person":   {"GET", "/posters/person/nobody/portrait.svg", 404, "There is no such poster."},
		"head":             {"HEAD", lighthouse + "cover.svg", 200, ""},
		"another method":   {"POST", lighthouse + "cover.svg", 405, ""},
		"outside the tree": {"GET", "/elsewhere", 404, ""},
	}
	h := Posters()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
				t.Fatalf("got %d %.200s, want %d with %s", w.Code, w.Body, tt.status, tt.body)
			}
			if tt.status != http.StatusOK {
				if w.Header().Get("Cache-Control") != "" {
					t.Error("an error may be cached")
				}
				return
			}
			for key, want := range map[string]string{
				"Content-Type":            "image/svg+xml",
				"Cache-Control":           "public, max-age=3600",
				"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
			} {
				if got := w.Header().Get(key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestAPosterIsNotSentTwice(t *testing.T) {
	const path = "/posters/nimbo-petit-nuage/portrait.svg"
	h := Posters()
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest("GET", path, nil))

	again := httptest.NewRequest("GET", path, nil)
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	second := httptest.NewRecorder()
	h.ServeHTTP(second, again)
	if second.Code != http.StatusNotModified || second.Body.Len() > 0 {
		t.Errorf("got %d and %d bytes, want 304 and none", second.Code, second.Body.Len())
	}
}

func TestTheREADMEListsEveryMotifAndPalette(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := append(slices.Collect(maps.Keys(scenes)), slices.Collect(maps.Keys(palettes))...)
	for _, name := range append(names, slices.Collect(maps.Keys(letterings))...) {
		if !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("README.md does not mention %s", name)
		}
	}
}

func TestTitlesFit(t *testing.T) {
	for _, p := range mustLoad(t).programmes {
		l := letteringOf(p)
		for _, text := range append([]string{p.Title}, titlesOf(p)...) {
			s := l.fit(text, 900, 220, 84, 2)
			if s.size < 24 {
				t.Errorf("%s: %q is set at %.0f", p.slug, text, s.size)
			}
			for _, ln := range s.lines {
				if em := l.measure(ln); em*s.size > 901 {
					t.Errorf("%s: %q overflows", p.slug, ln)
				}
			}
			if got := strings.Join(s.lines, " "); !strings.EqualFold(got, text) {
				t.Errorf("%s: %q became %q", p.slug, text, got)
			}
		}
	}
}

func TestAPortraitIsSomebodysOwn(t *testing.T) {
	drawings := map[string]string{}
	for _, pe := range mustLoad(t).people {
		svg := drawPerson(pe, 400)
		if !bytes.Equal(svg, drawPerson(pe, 400)) {
			t.Errorf("%s: two calls drew two portraits", pe.slug)
		}
		if other, ok := drawings[string(svg)]; ok {
			t.Errorf("%s has the portrait of %s", pe.slug, other)
		}
		drawings[string(svg)] = pe.slug
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Éloi Guérandel":             "ÉG",
		"Nour El Khadiri-Blanc":      "NEK",
		"Jeanne de la Tour":          "JT",
		"Olivier-Samba Mendy-Carrel": "OSM",
	} {
		if got := initials(name); got != want {
			t.Errorf("initials(%q) = %q, want %q", name, got, want)
		}
	}
}

func titlesOf(p *programme) []string {
	var out []string
	for _, v := range p.videos {
		out = append(out, v.title)
	}
	return out
}
