package cms

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// titleColumns are the columns that are read. The first three must be there.
var titleColumns = []string{"show_id", "type", "title",
	"director", "cast", "country", "date_added", "release_year", "rating", "duration", "listed_in", "description"}

const requiredColumns = 3

// What a row's fields may be, so that no document breaks a rule of the transform.
const (
	maxTitleID     = 100
	maxTitleName   = 300
	maxTitleText   = 20_000
	maxTitleList   = 2000
	maxTitleRating = 50
	minTitleYear   = 1880
	maxTitleYear   = 2200
	maxMinutes     = 7 * 24 * 60
	maxSeasons     = 100
	maxCredits     = 10_000
	maxGenre       = 100
	maxGenres      = 50
)

// title is a row of a titles file, normalised: two rows that say the same are equal.
type title struct {
	id, slug, name string
	series         bool
	directors      []string // names, each once
	cast           []string
	countries      []string  // ISO 3166-1 alpha-2
	published      time.Time // zero when the row does not tell
	year           int32     // 0 when absent
	rating         string
	minutes        int32 // of a film, 0 when absent
	seasons        int   // of a series, at least 1
	genres         []string
	description    string
}

// titleRows reads the titles of a file, one row at a time.
type titleRows struct {
	file   *csvFile
	header []string
	column map[string]int // where titleColumns are
	seen   map[string]int // line by id
	slugs  slugs
}

// openTitles reads the header. Its separator is the one with which the header names most of the known columns.
func openTitles(r io.Reader) (*titleRows, error) {
	t := &titleRows{file: &csvFile{in: r, line: 1}, seen: map[string]int{}, slugs: slugs{}}
	for blank(t.header) {
		var comma byte
		var length int
		t.column = nil
		for _, t.file.comma = range []byte(",;\t") {
			fields, n, err := t.file.peek()
			if errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("the file is empty: its first line must name the columns %s", strings.Join(titleColumns[:requiredColumns], ", "))
			}
			if err != nil {
				return nil, fmt.Errorf("line %d, the header: %w", t.file.line, err)
			}
			if column := knownColumns(fields); t.column == nil || len(column) > len(t.column) {
				t.header, t.column, comma, length = fields, column, t.file.comma, n
			}
		}
		t.file.comma = comma
		t.file.skip(length)
	}
	t.file.columns = len(t.header)

	var missing []string
	for _, c := range titleColumns[:requiredColumns] {
		if _, ok := t.column[c]; !ok {
			missing = append(missing, c)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("the header lacks %s: it names %s", strings.Join(missing, ", "), clip(strings.Join(t.header, ", "), 200))
	}
	for i, h := range t.header {
		if first, ok := t.column[columnName(h)]; ok && first != i {
			return nil, fmt.Errorf("the header names the column %s twice", columnName(h))
		}
	}
	return t, nil
}

// knownColumns finds the columns that are read.
func knownColumns(header []string) map[string]int {
	column := map[string]int{}
	for i, h := range header {
		h = columnName(h)
		if _, twice := column[h]; !twice && slices.Contains(titleColumns, h) {
			column[h] = i
		}
	}
	return column
}

// columnName forgives capitals, and spaces for underscores.
func columnName(h string) string { return strings.ReplaceAll(strings.ToLower(clean(h)), " ", "_") }

// next returns the next title, a RowError about a row that is left out, or io.EOF.
func (t *titleRows) next() (title, error) {
	fields, line, err := t.file.next()
	if err != nil {
		return title{}, err
	}
	for i, f := range fields {
		if !utf8.ValidString(f) {
			return title{}, RowError{Line: line, Reason: fmt.Sprintf("%s: is not valid UTF-8", clip(t.header[i], 60))}
		}
	}
	get := func(column string) string {
		if i, ok := t.column[column]; ok {
			return fields[i]
		}
		return ""
	}
	row, broken := parseTitle(get)
	if first, ok := t.seen[row.id]; ok && row.id != "" {
		broken = append(broken, fmt.Sprintf("show_id %q: is that of line %d too", row.id, first))
	}
	if broken != nil {
		return title{}, RowError{Line: line, Reason: strings.Join(broken, "; ")}
	}
	t.seen[row.id] = line
	row.slug = t.slugs.take(row)
	return row, nil
}

var (
	inMinutes = regexp.MustCompile(`(?i)^(\d+) ?(?:min|mins|minute|minutes)\.?$`)
	ageRating = regexp.MustCompile(`(?i)^(?:TV-[A-Z0-9-]+|G|PG|PG-13|R|NC-17|NR|UR|\d{1,2}\+)$`)
	inSeasons = regexp.MustCompile(`(?i)^(\d+) ?(?:season|seasons)$`)
)

// parseTitle reads all of a row but its slug, and gathers every rule that it breaks.
func parseTitle(get func(column string) string) (t title, broken []string) {
	fail := func(column, value, format string, args ...any) {
		if value != "" {
			column += fmt.Sprintf(" %q", clip(value, 60))
		}
		broken = append(broken, column+": "+fmt.Sprintf(format, args...))
	}
	text := func(column string, max int) string {
		s := clean(get(column))
		if n := utf8.RuneCountInString(s); n > max {
			fail(column, "", "has %d characters, at most %d are allowed", n, max)
			return ""
		}
		return s
	}

	t.id = text("show_id", maxTitleID)
	t.name = text("title", maxTitleName)
	for _, column := range []string{"show_id", "title"} {
		if clean(get(column)) == "" {
			fail(column, "", "is missing")
		}
	}
	kind := text("type", maxTitleList)
	switch strings.ToLower(kind) {
	case "movie":
	case "tv show":
		t.series = true
	case "":
		fail("type", "", "is missing")
	default:
		fail("type", kind, "is neither Movie nor TV Show")
	}
	names := func(column string) []string {
		all, longest := splitNames(get(column))
		if longest > maxPersonName {
			fail(column, "", "has a name of %d characters, at most %d are allowed", longest, maxPersonName)
		}
		return all
	}
	t.directors, t.cast = names("director"), names("cast")
	if n := len(t.directors) + len(t.cast); n > maxCredits {
		fail("cast", "", "makes %d credits with those of director, at most %d are allowed", n, maxCredits)
	}
	t.countries = countryCodes(text("country", maxTitleList))
	for g := range strings.SplitSeq(text("listed_in", maxTitleList), ",") {
		if g = strings.TrimSpace(g); g != "" && !slices.Contains(t.genres, g) {
			t.genres = append(t.genres, g)
			if n := utf8.RuneCountInString(g); n > maxGenre {
				fail("listed_in", g, "has %d characters, at most %d are allowed", n, maxGenre)
			}
		}
	}
	if n := len(t.genres); n > maxGenres {
		fail("listed_in", "", "has %d genres, at most %d are allowed", n, maxGenres)
	}
	t.description = cleanLines(get("description"))
	if n := utf8.RuneCountInString(t.description); n > maxTitleText {
		fail("description", "", "has %d characters, at most %d are allowed", n, maxTitleText)
	}

	if s := text("release_year", maxTitleList); s != "" {
		y, err := strconv.Atoi(s)
		if err != nil || y < minTitleYear || y > maxTitleYear {
			fail("release_year", s, "must be a year between %d and %d", minTitleYear, maxTitleYear)
		} else {
			t.year = int32(y)
		}
	}
	if s := text("date_added", maxTitleList); s != "" {
		var ok bool
		if t.published, ok = parseDay(s); !ok {
			fail("date_added", s, "must be a day like 2021-09-25, September 25, 2021 or 25/09/2021, between %d and %d", minTitleYear, maxTitleYear)
		}
	} else if t.year != 0 {
		t.published = time.Date(int(t.year), time.January, 1, 0, 0, 0, 0, time.UTC)
	}

	duration, rating := text("duration", maxTitleList), text("rating", maxTitleList)
	if isDuration(rating) && !isDuration(duration) || rating == "" && ageRating.MatchString(duration) {
		duration, rating = rating, duration // entered in the wrong column
	}
	if t.rating = rating; utf8.RuneCountInString(rating) > maxTitleRating {
		fail("rating", rating, "at most %d characters are allowed", maxTitleRating)
	}
	switch m, s := inMinutes.FindStringSubmatch(duration), inSeasons.FindStringSubmatch(duration); {
	case t.series && duration == "":
		t.seasons = 1
	case t.series && s != nil:
		var err error
		if t.seasons, err = strconv.Atoi(s[1]); err != nil || t.seasons < 1 || t.seasons > maxSeasons {
			fail("duration", duration, "must be between 1 and %d seasons", maxSeasons)
		}
	case t.series:
		fail("duration", duration, "a TV show's must be in seasons, like 2 Seasons")
	case duration == "":
	case m != nil:
		n, err := strconv.Atoi(m[1])
		if err != nil || n > maxMinutes {
			fail("duration", duration, "must be at most %d min", maxMinutes)
		}
		t.minutes = int32(n)
	default:
		fail("duration", duration, "a movie's must be in minutes, like 90 min")
	}
	return t, broken
}

func isDuration(s string) bool { return inMinutes.MatchString(s) || inSeasons.MatchString(s) }

func parseDay(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02", "January 2, 2006", "Jan 2, 2006", "2/1/2006"} {
		if d, err := time.Parse(layout, s); err == nil {
			return d, d.Year() >= minTitleYear && d.Year() <= maxTitleYear
		}
	}
	return time.Time{}, false
}

// clean makes a text one line: white space and control characters become single spaces, what has no width goes.
func clean(s string) string {
	return strings.Join(strings.FieldsFunc(strings.Map(visible, s), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// cleanLines is clean for each line.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// visible drops what editors cannot see and paste by accident: zero-width space and byte order mark.
func visible(r rune) rune {
	if r == '\u200b' || r == '\ufeff' {
		return -1
	}
	return r
}

// clip shortens a value for a message.
func clip(s string, max int) string {
	if r := []rune(s); len(r) > max {
		return string(r[:max-1]) + "…"
	}
	return s
}
