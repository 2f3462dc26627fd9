package cms

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/text/unicode/norm"
)

const maxPersonName = 300

// person is somebody whom a title credits. All of it follows from the name, whatever else the file has: two names that
// differ, if only in capitals or accents, are two people.
type person struct{ id, slug, name string }

// digestEnd is what the slug of a name with a digest ends in, and that of a name without never does.
var digestEnd = regexp.MustCompile(`(^|-)[0-9a-f]{16}$`)

// personOf gives the plain slug to the one name that is spelt like it, such as Ada Example to ada-example. The slug of
// any other (ADA EXAMPLE, Ada Examplé, a name in another script or too long for a slug) ends in a digest of the name.
func personOf(name string) person {
	slug := Slug(name, maxSlug)
	if name != spelt(slug) || digestEnd.MatchString(slug) {
		slug = strings.TrimPrefix(slug+"-"+lastingDigest(name), "-")
	}
	return person{id: "pe-" + slug, slug: slug, name: name}
}

// spelt writes a slug as a name: its words with capitals and spaces between them.
func spelt(slug string) string {
	words := strings.Split(slug, "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

func (p person) document() bson.Raw {
	return marshal(bson.D{
		{Key: "_id", Value: p.id},
		{Key: "slug", Value: p.slug},
		{Key: "title", Value: p.name},
		{Key: FieldImportHash, Value: importDigest("person", p.name)},
	})
}

// credit is a person's part in a title.
type credit struct {
	person person
	role   string
}

// credits are the directors and then the cast, in the file's order; nil when it names nobody.
func (t title) credits() []credit {
	var all []credit
	for _, name := range t.directors {
		all = append(all, credit{personOf(name), "DIRECTOR"})
	}
	for _, name := range t.cast {
		all = append(all, credit{personOf(name), "ACTOR"})
	}
	return all
}

// splitNames returns the names between commas and line ends, each once, and how many characters the longest has.
func splitNames(s string) (names []string, longest int) {
	seen := map[string]bool{}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		name := cleanName(part)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		names = append(names, name)
		longest = max(longest, utf8.RuneCountInString(name))
	}
	return names, longest
}

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// cleanName is clean for a name, so that what looks alike is alike: accents are composed, and of what is invisible only
// joiners stay, and those where Persian and Indic scripts need them: after a letter that is not Latin.
func cleanName(s string) string {
	var before rune
	s = strings.Map(func(r rune) rune {
		joins := (r == joiner || r == nonJoiner) && !unicode.Is(unicode.Latin, before) && unicode.In(before, unicode.L, unicode.M)
		if unicode.Is(unicode.Cf, r) && !joins {
			return -1
		}
		before = r
		return r
	}, s)
	return clean(strings.TrimRight(clean(norm.NFC.String(s)), string(joiner)+string(nonJoiner)))
}
