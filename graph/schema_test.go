package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// TestSchemaIsDescribed wants a description of each type, field, argument, value and directive.
func TestSchemaIsDescribed(t *testing.T) {
	for _, name := range undescribed(NewExecutableSchema(Config{}).Schema()) {
		t.Errorf("%s has no description", name)
	}
}

func undescribed(schema *ast.Schema) []string {
	var bare []string
	look := func(name, description string) {
		if strings.TrimSpace(description) == "" {
			bare = append(bare, name)
		}
	}
	for name, def := range schema.Types {
		if def.BuiltIn {
			continue
		}
		look(name, def.Description)
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			look(name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				look(name+"."+f.Name+"("+a.Name+":)", a.Description)
			}
		}
		for _, v := range def.EnumValues {
			look(name+"."+v.Name, v.Description)
		}
	}
	for name, d := range schema.Directives {
		if !d.Position.Src.BuiltIn {
			look("@"+name, d.Description)
		}
	}
	slices.Sort(bare)
	return bare
}
