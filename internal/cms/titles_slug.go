package cms

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// latin spells letters that have no decomposition.
var latin = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th",
	"ħ", "h", "ı", "i", "ŋ", "n", "ŧ", "t", "ə", "e", "ĸ", "k", "ƒ", "f", "'", "", "’", "", "ʼ", "")

// Slug writes a text in a-z, 0-9 and single dashes, at most max of them: accents and apostrophes go, anything else
// parts words. It is empty when nothing is left, as of a text in another script.
func Slug(text string, max int) string {
	var b strings.Builder
	dash := false
	for _, r := range latin.Replace(strings.ToLower(norm.NFKD.String(text))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			dash = true
		}
	}
	slug := b.String()
	if len(slug) <= max {
		return slug
	}
	cut := slug[:max]
	if i := strings.LastIndexByte(cut, '-'); i > 0 && slug[max] != '-' {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, "-")
}

// A slug's longest parts, so that together they stay within the 200 characters that are allowed.
const (
	maxSlug       = 120
	maxSlugSuffix = 60
)

// slugs are those taken in a file.
type slugs map[string]bool

// take returns the first slug of a title that is free: of its name, with its year, with its id, with a number.
func (taken slugs) take(t title) string {
	id := Slug(t.id, maxSlugSuffix)
	if id == "" {
		id = lastingDigest(t.id)
	}
	base := Slug(t.name, maxSlug)
	if base == "" {
		base = id
	}
	slug := base
	if taken[slug] && t.year != 0 {
		slug = base + "-" + strconv.Itoa(int(t.year))
	}
	if taken[slug] {
		slug = base + "-" + id
	}
	for n := 2; taken[slug]; n++ {
		slug = base + "-" + id + "-" + strconv.Itoa(n)
	}
	taken[slug] = true
	return slug
}
