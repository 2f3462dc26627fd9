package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// howTo are the commands of a section of docs/backup.md, block by block.
func howTo(t *testing.T, section string, blocks int) []string {
	t.Helper()
	page, err := os.ReadFile("docs/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var out []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	if !found || len(out) != blocks {
		t.Fatalf("the section %q has %d blocks of commands, not %d", section, len(out), blocks)
	}
	return out
}

// shell runs commands in dir, where regie is this program, and returns what they say.
func shell(t *testing.T, dir string, env []string, commands string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "regie"), fmt.Appendf(nil, "#!/bin/sh\n%s=1 exec %s \"$@\"\n", asProgram, exe), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + bin + ":" + os.Getenv("PATH"), "GORACE=" + os.Getenv("GORACE")}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", commands, err, out)
	}
	return string(out)
}

const aPage = `query($first: Int!, $after: String) { programmes(first: $first, after: $after, orderBy: TITLE) {
	totalCount pageInfo { hasNextPage endCursor }
	edges { cursor node { id slug title path kind year synopsis image { url width } badges { label } availability { state }
		videos(first: 3, orderBy: EPISODE) { totalCount edges { node { id slug title path duration } } } } } } }`

// catalogue is everything that is answered of it, screen by screen, but for revisions.
func catalogue(t *testing.T, site string) map[string][]any {
	t.Helper()
	out := map[string][]any{}
	for _, screen := range screens {
		for after := any(nil); ; {
			a := ask(t, site+"/query/"+screen, aPage, map[string]any{"first": 50, "after": after})
			if len(a.Errors) > 0 {
				t.Fatalf("%+v", a.Errors)
			}
			out[screen] = append(out[screen], a.at("programmes"))
			if a.at("programmes", "pageInfo", "hasNextPage") != true {
				break
			}
			after = a.at("programmes", "pageInfo", "endCursor")
		}
	}
	return out
}

// TestBackupOnRealServers follows docs/backup.md: what is restored is answered as it was, to the last cursor.
func TestBackupOnRealServers(t *testing.T) {
	t.Parallel()
	commands := howTo(t, "On real servers", 2)
	s := realServers(t)
	c := s.fill(servertest.FewTitles(t))
	edited := c.docs["programme"][0].ID
	s.must("cms", "set", "programme", edited, "title=Edited after the import", "year:={\"$numberLong\": \"1999\"}")
	s.must("cms", "delete", "programme", c.docs["programme"][1].ID)
	awaitTitle(t, s.site, c.docs["programme"][0].Slug, "Edited after the import")
	servertest.Await(t, func() string { return s.differences(s.read()) })
	servertest.Await(t, func() string { // lists are behind blobs
		for _, screen := range screens {
			if diff := cmp.Diff(s.read().byTitle(), s.listed(screen, "TITLE", false)); diff != "" {
				return screen + " lists: " + diff
			}
		}
		return ""
	})
	before := catalogue(t, s.site)
	shell(t, s.dir, s.env, commands[0])

	// After the backup: this is lost.
	s.must("cms", "set", "programme", edited, "title=Edited after the backup")
	s.stopAll()
	s.destroy()
	shell(t, s.dir, s.env, commands[1])
	for _, role := range roles {
		s.start(role)
	}
	for _, role := range roles {
		s.awaitReady(role)
	}
	c = s.read()
	if len(c.docs["programme"]) == 0 {
		t.Fatal("the CMS is empty")
	}
	servertest.Await(t, func() string { return s.differences(c) })
	servertest.Await(t, func() string {
		if diff := cmp.Diff(before, catalogue(t, s.site)); diff != "" {
			return "before the backup and after the restore: " + diff
		}
		return ""
	})
}

// destroy deletes all that the system has on its servers.
func (s *system) destroy() {
	s.t.Helper()
	ctx := s.t.Context()
	if err := s.mongo.Drop(ctx); err != nil {
		s.t.Fatal(err)
	}
	var topics []string
	for _, topic := range stream.Topics() {
		topics = append(topics, s.name+"."+topic.Name)
	}
	if _, err := s.kafka.DeleteTopics(ctx, topics); err != nil {
		s.t.Fatal(err)
	}
	servertest.Await(s.t, func() string { // the broker does it by and by
		md, err := s.kafka.GetMetadata(nil, true, 5000)
		if err != nil {
			return err.Error()
		}
		for _, topic := range topics {
			if _, there := md.Topics[topic]; there {
				return topic + " is still there"
			}
		}
		return ""
	})
	if err := s.scan(ctx, s.name+":*", func(p redis.Pipeliner, key string) { p.Unlink(ctx, key) }, nil); err != nil {
		s.t.Fatal(err)
	}
}

// TestBackupOfTheEmbeddedDefault follows docs/backup.md.
func TestBackupOfTheEmbeddedDefault(t *testing.T) {
	t.Parallel()
	commands := howTo(t, "The embedded default", 2)
	dir := t.TempDir()
	flags := []string{"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--demo-opens", "0"}
	regie := start(t, dir, nil, flags...)
	site, admin := regie.ready()
	slug, _ := ask(t, site+"/query", `{ programmes(first: 1) { edges { node { slug } } } }`, nil).at("programmes", "edges", 0, "node", "slug").(string)
	must(t, "cms", "set", "programme", slug, "title=Before the backup", "--admin", admin)
	awaitTitle(t, site, slug, "Before the backup")
	servertest.Await(t, func() string { // lists are behind blobs
		const query = `{ programmes(first: 100, orderBy: TITLE, filter: {availableOnly: false}) { edges { node { title } } } }`
		for _, screen := range screens {
			a := ask(t, site+"/query/"+screen, query, nil)
			edges, _ := a.at("programmes", "edges").([]any)
			at := func(i int) string {
				return catalog.TitleKey(fmt.Sprint(a.at("programmes", "edges", i, "node", "title")))
			}
			for i := range edges[1:] {
				if at(i) > at(i+1) {
					return fmt.Sprintf("%s lists %q before %q", screen, at(i), at(i+1))
				}
			}
		}
		return ""
	})
	before := catalogue(t, site)
	exported := must(t, "cms", "export", "programme", "--admin", admin)
	if n := strings.Count(exported, "\n"); n < 60 || !strings.Contains(exported, `"title":"Before the backup"`) || !strings.Contains(exported, `{"$numberInt":`) {
		t.Errorf("%d documents are exported: %.500s", n, exported)
	}
	if _, err := command(t, "cms", "export", "opera", "--admin", admin); err == nil || !strings.Contains(err.Error(), `unknown collection "opera"`) {
		t.Errorf("an unknown collection: %v", err)
	}
	if err := regie.stop(); err != nil {
		t.Fatal(err)
	}
	shell(t, dir, nil, commands[0])

	regie = start(t, dir, nil, flags...)
	site, admin = regie.ready()
	must(t, "cms", "set", "programme", slug, "title=After the backup", "--admin", admin)
	awaitTitle(t, site, slug, "After the backup")
	regie.kill()
	shell(t, dir, nil, commands[1])
	regie = start(t, dir, nil, flags...)
	site, _ = regie.ready()
	servertest.Await(t, func() string {
		if diff := cmp.Diff(before, catalogue(t, site)); diff != "" {
			return "before the backup and after the restore: " + diff
		}
		return ""
	})
}
