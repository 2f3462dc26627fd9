package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"regie/internal/servertest"
)

const sectionsQuery = `query($id: ID!) { programme(by: {id: $id}) { sections { title cards(first: 5) { edges { node { target { ... on Video { slug } } } } } } } }`

// awaitSections waits until a programme's sections are, each with its videos, as text.
func awaitSections(t *testing.T, site, id, want string) {
	t.Helper()
	servertest.Await(t, func() string {
		a, err := tryAsk(site+"/query", sectionsQuery, map[string]any{"id": "programme:" + id})
		if err != nil {
			return err.Error()
		}
		var got []string
		for i := 0; a.at("programme", "sections", i) != nil; i++ {
			words := []string{fmt.Sprint(a.at("programme", "sections", i, "title"))}
			for n := 0; a.at("programme", "sections", i, "cards", "edges", n) != nil; n++ {
				words = append(words, fmt.Sprint(a.at("programme", "sections", i, "cards", "edges", n, "node", "target", "slug")))
			}
			got = append(got, strings.Join(words, " "))
		}
		if text := strings.Join(got, "; "); text != want {
			return fmt.Sprintf("%s has %q instead of %q (%v)", id, text, want, a.Errors)
		}
		return ""
	})
}

// TestAProgrammesSections follows edits in the CMS through every role: what is deleted, unpublished or moved makes room for
// the next.
func TestAProgrammesSections(t *testing.T) {
	regie := start(t, t.TempDir(), nil, "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
	site, admin := regie.ready()
	put := func(collection string, docs ...string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "docs.json")
		if err := os.WriteFile(file, []byte(strings.Join(docs, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, "cms", "put", collection, file, "--admin", admin)
	}
	video := func(n int, programme string, published time.Time) string {
		return fmt.Sprintf(`{"_id": "sv%d", "slug": "v%d", "title": "Bonus %d", "programme": %q, "kind": "BONUS", "duration": 60, "publishedAt": {"$date": %q}}`,
			n, n, n, programme, published.UTC().Format(time.RFC3339))
	}
	programme := func(id, order string) string {
		return fmt.Sprintf(`{"_id": %q, "slug": %q, "title": "T", "kind": "SERIES", "sections": [
			{"id": "bonus", "title": "Bonus", "kinds": ["BONUS"], "limit": 3, "order": %q}, {"id": "episodes", "title": "Episodes", "kinds": ["EPISODE"]}]}`, id, id, order)
	}
	put("programme", programme("sp1", "NEWEST"), programme("sp2", "NEWEST"))
	var docs []string
	began := time.Now().Add(-time.Hour)
	for n := range 6 {
		docs = append(docs, video(n, "sp1", began.Add(time.Duration(n)*time.Minute)))
	}
	put("video", docs...)
	awaitSections(t, site, "sp1", "Bonus v5 v4 v3")
	must(t, "cms", "delete", "video", "sv4", "--admin", admin)
	awaitSections(t, site, "sp1", "Bonus v5 v3 v2")
	put("video", video(5, "sp1", time.Now().Add(time.Hour)))
	awaitSections(t, site, "sp1", "Bonus v3 v2 v1")
	put("video", video(3, "sp2", began))
	awaitSections(t, site, "sp1", "Bonus v2 v1 v0")
	awaitSections(t, site, "sp2", "Bonus v3")
	put("programme", programme("sp1", "OLDEST"))
	awaitSections(t, site, "sp1", "Bonus v0 v1 v2")
}
