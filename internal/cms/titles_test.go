package cms

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"
)

var updateTitles = flag.Bool("update-titles", false, "write the golden files of titles anew")

const titlesHeader = "show_id,type,title,director,cast,country,date_added,release_year,rating,duration,listed_in,description\n"

func importTitles(t testing.TB, s Store, file string) ImportResult {
	t.Helper()
	r, err := Import(t.Context(), s, strings.NewReader(file), int64(len(file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != r.Programmes+r.Failed {
		t.Errorf("%d rows are not %d programmes and %d failed", r.Rows, r.Programmes, r.Failed)
	}
	return r
}

func TestTitlesDocuments(t *testing.T) {
	file, err := os.ReadFile("testdata/titles/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t)
	importTitles(t, s, string(file))
	var got bytes.Buffer
	for _, d := range s.inOrder() {
		line, err := bson.MarshalExtJSON(d, true, false)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s\n", line)
	}
	const golden = "testdata/titles/sample.jsonl"
	if *updateTitles {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("documents differ (-want +got); -update-titles writes them:\n%s", diff)
	}
}

func TestTitlesUntidyFiles(t *testing.T) {
	megabyte := strings.Repeat("lorem ipsum ", 1<<20/12)
	tests := []struct {
		name, file string
		want       []string // "id title" of each programme
		errors     []RowError
	}{
		{"columns in any order, some unknown, optional ones missing", "Title,colour,SHOW ID, type\nAda,red,s1,Movie\n", []string{"s1 Ada"}, nil},
		{"a byte order mark", "\xef\xbb\xbfshow_id,type,title\ns1,Movie,Ada\n", []string{"s1 Ada"}, nil},
		{"a byte order mark before quotes", "\xef\xbb\xbf\"show_id\",\"type\",\"title\"\n\"s1\",\"Movie\",\"Ada\"\n", []string{"s1 Ada"}, nil},
		{"Windows line ends", "show_id,type,title\r\n\"s1\",Movie,\"Ada\"\r\ns2,Movie,Bob\r\n", []string{"s1 Ada", "s2 Bob"}, nil},
		{"no line end after the last row", "show_id,type,title\ns1,Movie,Ada", []string{"s1 Ada"}, nil},
		{"a quote closed by the file's end", "show_id,type,title\ns1,Movie,\"Ada\"", []string{"s1 Ada"}, nil},
		{"quotes, separators and line ends in fields", "show_id,type,title\ns1,Movie,\"The \"\"Great\"\", Lost\r\nRoad\"\ns2,Movie,Bob\n",
			[]string{`s1 The "Great", Lost Road`, "s2 Bob"}, nil},
		{"quotes that are not doubled", "show_id,type,title\ns1,Movie,The \"Great\" Road\ns2,Movie,\"The \"Great\" Road, Too\"\n",
			[]string{`s1 The "Great" Road`, `s2 The "Great" Road, Too`}, nil},
		{"spaces around quotes", "show_id, type, title\ns1, \"Movie\" , \"Ada, Bob\" \n", []string{"s1 Ada, Bob"}, nil},
		{"semicolons", "show_id;type;title;country\ns1;Movie;Ada, Bob;\n", []string{"s1 Ada, Bob"}, nil},
		{"tabs", "show_id\ttype\ttitle\ns1\tMovie\tAda, Bob; Eve\n", []string{"s1 Ada, Bob; Eve"}, nil},
		{"empty rows", "\n,,\nshow_id,type,title\n\n  \n,,\ns1,Movie,Ada\n\r\n\n", []string{"s1 Ada"}, nil},
		{"a header alone", "show_id,type,title\n", nil, nil},
		{"too few and too many columns", "show_id,type,title\ns1,Movie\ns2,Movie,Bob,Eve\ns3,Movie,Cid\n", []string{"s3 Cid"},
			[]RowError{{2, "has 2 columns, the header has 3"}, {3, "has 4 columns, the header has 3"}}},
		{"a quote that is never closed", "show_id,type,title\ns1,Movie,\"Ada\ns2,Movie,Bob\ns3,Movie\ns4,Movie,Dora\ns5,Movie\n", []string{"s2 Bob", "s4 Dora"},
			[]RowError{{2, "a quote is opened and never closed"}, {4, "has 2 columns, the header has 3"}, {6, "has 2 columns, the header has 3"}}},
		{"a quote that is closed by a later row's", "show_id,type,title,listed_in\ns1,Movie,\"Ada,x\ns2,Movie,Bob,\"y, z\"\ns3,Movie,Cid,x\n", []string{"s2 Bob", "s3 Cid"},
			[]RowError{{2, "has 3 columns, the header has 4 (it runs on to line 3: a quote may be missing)"}}},
		{"a row of several lines with too many columns is one error", "show_id,type,title\ns1,Movie,\"A\nd\na\",\ns2,Movie,Bob\ns3,Movie\n", []string{"s2 Bob"},
			[]RowError{{2, "has 4 columns, the header has 3 (it runs on to line 4: a quote may be missing)"}, {6, "has 2 columns, the header has 3"}}},
		{"bytes that are not UTF-8", "show_id,type,title,cast\ns1,Movie,Caf\xe9,\ns2,Movie,Bob,\xff\ns3,Movie,Cid,\n", []string{"s3 Cid"},
			[]RowError{{2, "title: is not valid UTF-8"}, {3, "cast: is not valid UTF-8"}}},
		{"an id that is there twice", "show_id,type,title\ns1,Movie,Ada\n\n s1 ,Movie,Bob\ns1,Movie,Cid\n", []string{"s1 Ada"},
			[]RowError{{4, `show_id "s1": is that of line 2 too`}, {5, `show_id "s1": is that of line 2 too`}}},
		{"an id of a row that failed", "show_id,type,title\ns1,Play,Ada\ns1,Movie,Bob\n", []string{"s1 Bob"},
			[]RowError{{2, `type "Play": is neither Movie nor TV Show`}}},
		{"capitals and spaces in the type", "show_id,type,title\ns1,MOVIE,Ada\ns2, tv  show,Bob\n", []string{"s1 Ada", "s2 Bob"}, nil},
		{"everything missing or wrong at once", "show_id,type,title,date_added,release_year,duration\n,, ,yesterday,MCMXC,two hours\n", nil,
			[]RowError{{2, `show_id: is missing; title: is missing; type: is missing; ` +
				`release_year "MCMXC": must be a year between 1880 and 2200; ` +
				`date_added "yesterday": must be a day like 2021-09-25, September 25, 2021 or 25/09/2021, between 1880 and 2200; ` +
				`duration "two hours": a movie's must be in minutes, like 90 min`}}},
		{"durations of the other type, and beyond reason", "show_id,type,title,duration\ns1,Movie,Ada,2 Seasons\ns2,TV Show,Bob,45 min\ns3,TV Show,Cid,0 Seasons\ns4,TV Show,Dora,99999999999999999999 Seasons\ns5,Movie,Eve,99999 min\n", nil,
			[]RowError{{2, `duration "2 Seasons": a movie's must be in minutes, like 90 min`}, {3, `duration "45 min": a TV show's must be in seasons, like 2 Seasons`},
				{4, `duration "0 Seasons": must be between 1 and 100 seasons`}, {5, `duration "99999999999999999999 Seasons": must be between 1 and 100 seasons`},
				{6, `duration "99999 min": must be at most 10080 min`}}},
		{"a field of a megabyte in a column that is ignored", "show_id,type,title,notes\ns1,Movie,Ada,\"" + megabyte + "\"\ns2,Movie,Bob,\n", []string{"s1 Ada", "s2 Bob"}, nil},
		{"fields of a megabyte in columns that are read", "show_id,type,title,description\ns1,Movie,Ada," + megabyte + "\ns2,Movie," + megabyte + ",\n" + megabyte + ",Movie,Cid,\ns4,Movie,Dora,\n", []string{"s4 Dora"},
			[]RowError{{2, "description: has 1048571 characters, at most 20000 are allowed"}, {3, "title: has 1048571 characters, at most 300 are allowed"},
				{4, "show_id: has 1048571 characters, at most 100 are allowed"}}},
		{"a row longer than any may be", "show_id,type,title\ns1,Movie," + strings.Repeat(megabyte, 17) + "\ns2,Movie,Bob\n", []string{"s2 Bob"},
			[]RowError{{2, "the row has more than 4194304 bytes"}}},
		{"a quote that stays open for longer than a row may be", "show_id,type,title\ns1,Movie,\"Ada\n" + strings.Repeat("\n\n\n\n\n\n\n\n\n\n\n\n", 1<<20) + "s2,Movie,Bob\n", []string{"s2 Bob"},
			[]RowError{{2, "the row has more than 4194304 bytes (it runs on to line N: a quote may be missing)"}}},
		{"invisible characters", "show_id,type,title\ns1,Movie,\u200bAda\u00a0\x00 \tBob\ufeff\n", []string{"s1 Ada Bob"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			r := importTitles(t, s, tt.file)
			var got []string
			for _, d := range s.inOrder("programme") {
				got = append(got, lookup(d, "_id")+" "+lookup(d, "title"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("programmes differ (-want +got):\n%s", diff)
			}
			for i, e := range r.Errors {
				r.Errors[i].Reason = regexp.MustCompile(`line \d{6,}`).ReplaceAllString(e.Reason, "line N")
			}
			if diff := cmp.Diff(tt.errors, r.Errors); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
			if r.Failed != len(tt.errors) {
				t.Errorf("%d rows failed, want %d", r.Failed, len(tt.errors))
			}
		})
	}
}

func TestTitlesRefusesFilesThatAreNone(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"an empty file", "", "reading titles: the file is empty: its first line must name the columns show_id, type, title"},
		{"a file of empty lines", "\n\r\n  \n", "reading titles: the file is empty: its first line must name the columns show_id, type, title"},
		{"a byte order mark alone", "\xef\xbb\xbf", "reading titles: the file is empty: its first line must name the columns show_id, type, title"},
		{"no required column", "a,b\n1,2\n", "reading titles: the header lacks show_id, type, title: it names a, b"},
		{"one required column missing", "show_id;title;rating\n1;2;3\n", "reading titles: the header lacks type: it names show_id, title, rating"},
		{"a column that is there twice", "show_id,type,title,Title\n", "reading titles: the header names the column title twice"},
		{"UTF-16", "\xff\xfes\x00h\x00", "reading titles: line 1, the header: the file is in UTF-16: save it as UTF-8"},
		{"a quote in the header that is never closed", "\"show_id,type\ntitle\n", "reading titles: line 1, the header: a quote is opened and never closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Import(t.Context(), newShelf(t), strings.NewReader(tt.file), 0, nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestTitlesFields(t *testing.T) {
	tests := []struct {
		name, row string // after the id
		field     string
		want      string // the field as JSON, "" when absent
	}{
		{"a movie is a film", "Movie,A,,,,,,,,Dramas,", "kind", `"FILM"`},
		{"a TV show is a series", "TV Show,A,,,,,,,,,", "kind", `"SERIES"`},
		{"documentaries", `Movie,A,,,,,,,,"Dramas, Documentaries",`, "kind", `"DOCUMENTARY"`},
		{"docuseries before reality", `TV Show,A,,,,,,,,"Reality TV, Docuseries",`, "kind", `"DOCUMENTARY"`},
		{"films for children", "Movie,A,,,,,,,,Children & Family Movies,", "kind", `"KIDS"`},
		{"series for children", "TV Show,A,,,,,,,,Kids' TV,", "kind", `"KIDS"`},
		{"reality", "TV Show,A,,,,,,,,Reality TV,", "kind", `"REALITY"`},
		{"genres once each", `Movie,A,,,,,,,,"Dramas,  Comedies,,Dramas",`, "genres", `["Dramas","Comedies"]`},
		{"no genres", "Movie,A,,,,,,,,,", "genres", ""},
		{"countries by name", `Movie,A,,,"United States, the Bahamas,, CÔTE D'IVOIRE ,Bosnia & Herzegovina",,,,,,`, "countries", `["US","BS","CI","BA"]`},
		{"countries that are no more", `Movie,A,,,"East Germany, West Germany, Soviet Union",,,,,,`, "countries", `["DE","SU"]`},
		{"unknown countries are left out", `Movie,A,,,"Atlantis, Peru",,,,,,`, "countries", `["PE"]`},
		{"only unknown countries", "Movie,A,,,Atlantis,,,,,,", "countries", ""},
		{"a day as ISO 8601", "Movie,A,,,,2021-09-25,,,,,", "publishedAt", `{"$date":"2021-09-25T00:00:00Z"}`},
		{"a day in words", `Movie,A,,,," September 5, 2021",,,,,`, "publishedAt", `{"$date":"2021-09-05T00:00:00Z"}`},
		{"a day with slashes", "Movie,A,,,,25/09/2021,,,,,", "publishedAt", `{"$date":"2021-09-25T00:00:00Z"}`},
		{"no day but a year", "Movie,A,,,,,1987,,,,", "publishedAt", `{"$date":"1987-01-01T00:00:00Z"}`},
		{"no day and no year", "Movie,A,,,,,,,,,", "publishedAt", ""},
		{"a year", "Movie,A,,,,,1987,,,,", "year", `1987`},
		{"no year", "Movie,A,,,,,,,,,", "year", ""},
		{"a rating", "Movie,A,,,,,,PG-13,90 min,,", "rating", `"PG-13"`},
		{"a duration in the rating's column", "Movie,A,,,,,,74 min,,,", "rating", ""},
		{"duration and rating in each other's", "Movie,A,,,,,,74 min,PG,,", "rating", `"PG"`},
		{"a rating in the duration's column", "Movie,A,,,,,,,TV-MA,,", "rating", `"TV-MA"`},
		{"a short description", "Movie,A,,,,,,,,, Short. ", "synopsis", `{"short":"Short.","medium":"Short.","long":"Short."}`},
		{"a description in paragraphs", "Movie,A,,,,,,,,,\"One.\r\n\r\nTwo.\r\n\"", "synopsis", `{"short":"One. Two.","medium":"One.\n\nTwo.","long":"One.\n\nTwo."}`},
		{"no description", "Movie,A,,,,,,,,,", "synopsis", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			if r := importTitles(t, s, titlesHeader+"s1,"+tt.row+"\n"); r.Failed > 0 {
				t.Fatal(r.Errors)
			}
			var got string
			if v, err := s.docs["programme"]["s1"].LookupErr(tt.field); err == nil {
				j, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, false, false)
				if err != nil {
					t.Fatal(err)
				}
				got = strings.TrimSuffix(strings.TrimPrefix(string(j), `{"v":`), "}")
			}
			if got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.field, got, tt.want)
			}
		})
	}
}

func TestTitlesFilmVideos(t *testing.T) {
	for _, tt := range []struct {
		name, rating, duration string
		want                   int32
	}{
		{"as it stands", "PG", "97 min", 97 * 60},
		{"in the rating's column", "97 min", "", 97 * 60},
		{"in each other's", "97 min", "PG", 97 * 60},
		{"missing", "PG", "", 0},
		{"zero", "PG", "0 min", 0},
		{"with a rating in its place", "", "PG", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			importTitles(t, s, "show_id,type,title,rating,duration\ns1,Movie,Ada,"+tt.rating+","+tt.duration+"\n")
			v := s.docs["video"]["s1-film"]
			if n, _ := v.Lookup("duration").Int32OK(); n != tt.want || lookup(v, "title") != "Ada" || lookup(v, "slug") != "film" {
				t.Errorf("got %s, want a duration of %d", v, tt.want)
			}
		})
	}
}

func TestTitlesEpisodes(t *testing.T) {
	const file = "show_id,type,title,date_added,duration\ns1,TV Show,Ada,2021-09-25,12 Seasons\ns2,TV Show,Bob,,\n"
	s := newShelf(t)
	r := importTitles(t, s, file)
	if r.Videos != len(s.docs["video"]) {
		t.Errorf("%d videos are counted, %d there", r.Videos, len(s.docs["video"]))
	}
	counts, seasons, last := map[int32]int{}, map[int32]bool{}, time.Time{}
	for _, v := range s.inOrder("video") {
		id := lookup(v, "_id")
		if lookup(v, "programme") != "s1" || lookup(v, "kind") != "EPISODE" {
			continue
		}
		season, episode := v.Lookup("season").Int32(), v.Lookup("episode").Int32()
		counts[season]++
		seasons[season] = true
		if want := fmt.Sprintf("s%02de%02d", season, episode); lookup(v, "slug") != want || id != "s1-"+want || lookup(v, "title") != fmt.Sprintf("Episode %d", episode) {
			t.Errorf("video %s: %s", id, v)
		}
		if int(episode) != counts[season] {
			t.Errorf("season %d: episode %d is number %d", season, episode, counts[season])
		}
		at := v.Lookup("publishedAt").Time().UTC()
		if !last.IsZero() && at.Sub(last) != 7*24*time.Hour {
			t.Errorf("video %s comes %s after the one before", id, at.Sub(last))
		}
		last = at
	}
	for season, n := range counts {
		if n < 6 || n > 12 {
			t.Errorf("season %d has %d episodes", season, n)
		}
	}
	if len(seasons) != 12 || !last.Equal(time.Date(2021, 9, 25, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%d seasons, the last episode on %s", len(seasons), last)
	}
	if s.docs["video"]["s2-s01e06"] == nil || s.docs["video"]["s2-s02e01"] != nil {
		t.Error("a series that does not tell its seasons has not one")
	}
}

func TestTitlesSlugs(t *testing.T) {
	const file = `show_id,type,title,release_year
s1,Movie,Ça & Là: L'Été,2001
s2,Movie,Straße der Ærø Łódź Đỗ İş ılık ĳ ﬁn 2²,2001
s3,Movie,海,2001
S 4!,Movie,海,2001
海,Movie,海,2001
s6,Movie,¡Ça  là? l’été!,2002
s7,Movie,Ça là: l'été,2002
s8,Movie,Ca La Lete,
s-8,Movie,Ca La Lete 2003,
s9,Movie,Ca La Lete,2003
s_9,Movie,Ca La Lete S9 2,
s?9,Movie,Ca La Lete,2003
`
	s := newShelf(t)
	importTitles(t, s, file)
	got := map[string]string{}
	for id, d := range s.docs["programme"] {
		got[id] = lookup(d, "slug")
	}
	want := map[string]string{
		"s1": "ca-la-lete", "s2": "strasse-der-aero-lodz-do-is-ilik-ij-fin-22", "s3": "s3", "S 4!": "s-4", "海": lastingDigest("海"),
		"s6": "ca-la-lete-2002", "s7": "ca-la-lete-s7", "s8": "ca-la-lete-s8",
		"s-8": "ca-la-lete-2003", "s9": "ca-la-lete-s9", "s_9": "ca-la-lete-s9-2", "s?9": "ca-la-lete-s-9",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("slugs differ (-want +got):\n%s", diff)
	}
	if got := Slug(strings.Repeat("ab ", 100), 10); got != "ab-ab-ab" {
		t.Errorf("a long slug is cut to %q", got)
	}
}

func TestTitlesShorten(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"fits", "one two", "one two"},
		{"fits to the letter", "one two th", "one two th"},
		{"between words", "one two three", "one two…"},
		{"after the last whole word", "one twos, three", "one twos…"},
		{"a word that ends where the ellipsis goes", "one twoes three", "one twoes…"},
		{"one long word", "abcdefghijklmno", "abcdefghi…"},
		{"a script without spaces", "海海海海海海海海海海海海", "海海海海海海海海海…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := shorten(tt.text, 10); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTitlesAreWrittenOnce(t *testing.T) {
	s := newShelf(t)
	row := func(id, title, more string) string {
		return id + ",TV Show," + title + ",2021-01-01,2 Seasons," + more + "\n"
	}
	const header = "show_id,type,title,date_added,duration,description\n"
	file := header + row("s1", "Ada", "x") + row("s2", "Bob", "y")
	first := importTitles(t, s, file)
	if first.Written != made(first) {
		t.Errorf("the first import wrote %d of %d documents", first.Written, made(first))
	}
	for _, tt := range []struct {
		name, file string
		want       int
	}{
		{"the same file", file, 0},
		{"the same in other words", "description;duration;date_added;title;type;show_id\nx;2 seasons;01/01/2021; Ada;TV SHOW;s1\n", 0},
		{"a description changed", header + row("s1", "Ada", "z"), 1},
		{"a title and so a slug changed", header + row("s1", "Ada", "z") + row("s2", "Rob", "y"), 1},
		{"another day, and so another for each video", strings.ReplaceAll(header+row("s2", "Rob", "y"), "2021-01-01", "2021-01-02"), 1 + first.Videos - len(videosOf(s, "s1"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := importTitles(t, s, tt.file); r.Written != tt.want {
				t.Errorf("wrote %d documents, want %d", r.Written, tt.want)
			}
		})
	}
}

func videosOf(s *shelf, programme string) (ids []string) {
	for id, v := range s.docs["video"] {
		if lookup(v, "programme") == programme {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestTitlesManyRows(t *testing.T) {
	var file strings.Builder
	file.WriteString("show_id,type,title,duration\n")
	for i := range 3000 {
		fmt.Fprintf(&file, "m%d,Movie,Film %d,90 min\nt%d,TV Show,Show %d,1 Season\nx%d,Opera,None,\n", i, i, i, i, i)
	}
	s := newShelf(t)
	var calls []int64
	size := int64(file.Len())
	r, err := Import(t.Context(), s, iotest.HalfReader(strings.NewReader(file.String())), size, func(done, total int64, r ImportResult) {
		calls = append(calls, done)
		if total != size {
			t.Errorf("progress tells of %d bytes, want %d", total, size)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := ImportResult{Rows: 9000, Programmes: 6000, Videos: len(s.docs["video"]), Channels: 2, Written: 6002 + len(s.docs["video"]), Failed: 3000}
	if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(ImportResult{}, "Errors")); diff != "" {
		t.Errorf("the result differs (-want +got):\n%s", diff)
	}
	if len(r.Errors) != maxRowErrors || r.Errors[999].Error() != `line 3001: type "Opera": is neither Movie nor TV Show` {
		t.Errorf("%d errors are kept, the last %v", len(r.Errors), r.Errors[len(r.Errors)-1])
	}
	if len(calls) < 10 || calls[len(calls)-1] != size {
		t.Errorf("progress was told %v of %d bytes", calls, size)
	}
	for i := range calls[1:] {
		if calls[i] > calls[i+1] {
			t.Errorf("progress goes back from %d to %d", calls[i], calls[i+1])
		}
	}
}

func TestTitlesImportEndsEarly(t *testing.T) {
	var file strings.Builder
	file.WriteString("show_id,type,title\n")
	for i := range 2000 {
		fmt.Fprintf(&file, "m%d,Movie,Film %d\n", i, i)
	}
	gone := errors.New("gone")
	t.Run("the store fails", func(t *testing.T) {
		s := newShelf(t)
		s.put = func() error { return gone }
		if r, err := Import(t.Context(), s, strings.NewReader(file.String()), 0, nil); !errors.Is(err, gone) || r.Written != 0 || r.Videos != importBatch {
			t.Errorf("got %v, %+v", err, r)
		}
	})
	t.Run("the reader fails", func(t *testing.T) {
		in := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(file.String())))
		if _, err := Import(t.Context(), newShelf(t), in, 0, nil); !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled, and finished by the next import", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newShelf(t)
		puts := 0
		s.put = func() error {
			if puts++; puts == 3 {
				cancel()
			}
			return nil
		}
		r, err := Import(ctx, s, strings.NewReader(file.String()), 0, nil)
		if !errors.Is(err, context.Canceled) || r.Written == 0 || r.Programmes == 2000 {
			t.Errorf("got %v, %+v", err, r)
		}
		if again := importTitles(t, s, file.String()); again.Written != made(again)-r.Written {
			t.Errorf("%d documents were written and then %d, want %d", r.Written, again.Written, made(again))
		}
	})
}

func FuzzTitles(f *testing.F) {
	for _, s := range []string{
		titlesHeader + "s1,Movie,\"A \"\"b\"\"\",,,Peru,2021-09-25,2020,PG,90 min,Dramas,Text\ns2,TV Show,海,,,,,1999,,2 Seasons,,\n",
		titlesHeader + "s1,Movie,A,\"Zoé, ZOE\",\"海, Zo\u200be, 海\",Japan,2021-09-25,2020,TV-MA,90 min,Dramas,\ns2,TV Show,A,Zoe,\"a,,b\",,,,16+,1 Season,Kids' TV,\n",
		"show_id;type;title\r\ns1;Movie;\"Ada\r\ns2;Movie;Bob\r\n\r\ns3;Movie;\xff\r\n",
		"\xef\xbb\xbftitle\ttype\tshow_id\nA\tMovie\t\"\nB\"\n\"\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s := newShelf(t)
		r, err := Import(t.Context(), s, bytes.NewReader(file), int64(len(file)), nil)
		if err != nil {
			return
		}
		if r.Rows != r.Programmes+r.Failed || r.Programmes != len(s.docs["programme"]) || r.Videos != len(s.docs["video"]) ||
			r.People != len(s.docs["person"]) || r.Channels != len(s.docs["channel"]) || r.Written != made(r) {
			t.Errorf("%d programmes and %d videos there, counted %+v", len(s.docs["programme"]), len(s.docs["video"]), r)
		}
		if again, err := Import(t.Context(), s, iotest.OneByteReader(bytes.NewReader(file)), 0, nil); err != nil || again.Written != 0 {
			t.Errorf("the second import: %v, %+v", err, again)
		}
	})
}
