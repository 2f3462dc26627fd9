package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// imports says what the packages of each part of the tree may import of ours. A longer prefix wins.
var imports = map[string][]string{
	"regie/proto":               {"regie/proto"},
	"regie/internal":            {"regie/proto", "regie/internal"},
	"regie/internal/servertest": {"regie/internal/stream", "regie/internal/loopback"},
	"regie/ingest":              {"regie/proto", "regie/internal"}, // and never another stage
	"regie/graph":               {"regie/proto", "regie/graph", "regie/internal/catalog", "regie/internal/identity"},
	"regie/loaders":             {"regie/proto", "regie/internal/catalog", "regie/internal/trend", "regie/internal/identity", "regie/internal/users"},
	"regie/resolvers":           {"regie/proto", "regie/graph", "regie/loaders", "regie/internal/users", "regie/internal/catalog", "regie/internal/trend", "regie/internal/identity"},
	"regie/web":                 {},
	"regie/dev":                 {"regie/proto", "regie/internal", "regie/ingest"},
	"regie":                     {"regie"}, // server.go wires everything
}

// TestImportDirection keeps the tree's direction: what it draws is what compiles.
func TestImportDirection(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		allowed := allowedFor(p.ImportPath)
		for _, i := range p.Imports {
			if within(i, "regie") && !slices.ContainsFunc(allowed, func(a string) bool { return within(i, a) }) {
				t.Errorf("%s must not import %s; it may import %v", p.ImportPath, i, allowed)
			}
		}
	}
}

func allowedFor(path string) []string {
	longest := ""
	for prefix := range imports {
		if within(path, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return imports[longest]
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
