package demo

import (
	"fmt"
	"strings"
)

// line is one line of a list: "title | short synopsis | medium synopsis", the last being rare. Lists are lines and not
// YAML mappings because a French text is full of " : " and would otherwise need quotes everywhere.
type line struct {
	title, slug, short, medium string
}

// parseLine reads a line. The slug is made from the title, unless the title ends with one of its own: "Titre {#slug}".
func parseLine(text string) (line, error) {
	parts := strings.Split(text, " | ")
	if len(parts) < 2 || len(parts) > 3 {
		return line{}, fmt.Errorf("line %q: want title | synopsis", text)
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}

	l := line{title: parts[0], short: parts[1]}
	if len(parts) == 3 {
		l.medium = parts[2]
	}
	if title, slug, ok := strings.Cut(l.title, "{#"); ok {
		l.title, l.slug = strings.TrimSpace(title), strings.TrimSuffix(slug, "}")
	} else {
		l.slug = slugOf(l.title)
	}
	if l.title == "" || l.short == "" {
		return line{}, fmt.Errorf("line %q: empty title or synopsis", text)
	}
	return l, nil
}

func nonEmptyLines(block string) []string {
	var out []string
	for text := range strings.Lines(block) {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// plain folds the letters French texts and names use; anything else that is not a-z or 0-9 separates words.
var plain = strings.NewReplacer(
	"à", "a", "â", "a", "ä", "a", "á", "a", "ã", "a", "å", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e",
	"î", "i", "ï", "i", "í", "i", "ñ", "n", "ô", "o", "ö", "o", "ó", "o", "ø", "o", "ù", "u", "û", "u", "ü", "u", "ú", "u",
	"ÿ", "y", "œ", "oe", "æ", "ae", "š", "s", "ž", "z", "č", "c", "ć", "c", "ł", "l", "ń", "n", "ź", "z", "ż", "z", "ș", "s", "ț", "t", "ă", "a",
)

func slugOf(title string) string {
	words := strings.FieldsFunc(plain.Replace(strings.ToLower(title)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}
