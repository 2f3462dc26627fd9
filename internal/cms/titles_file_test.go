package cms

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"regie/internal/servertest"
)

func importFile(t *testing.T, s Store, path string) ImportResult {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r, err := Import(t.Context(), s, f, info.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows, %d programmes, %d videos, %d people, %d channels, %d written, %d failed in %s",
		r.Rows, r.Programmes, r.Videos, r.People, r.Channels, r.Written, r.Failed, time.Since(began).Round(time.Millisecond))
	return r
}

// readRows is another reader: rows by column.
func readRows(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, column := range all[0] {
			row[strings.TrimPrefix(column, "\ufeff")] = fields[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// readNames is another reader of names.
func readNames(field string) (names []string) {
	for name := range strings.SplitSeq(field, ",") {
		name = norm.NFC.String(strings.Join(strings.Fields(strings.ReplaceAll(name, "\u200b", "")), " "))
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// TestTitlesOfARealFile imports one into the embedded store, from behind a shelf, which checks each document.
func TestTitlesOfARealFile(t *testing.T) {
	path := servertest.Titles(t)
	b, err := OpenBolt(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := newShelf(t)
	s.Store = b
	r := importFile(t, s, path)
	rows := readRows(t, path)
	if r.Rows != len(rows) || r.Programmes != len(rows) || r.Failed != 0 {
		t.Errorf("%d rows, %d programmes, %d failed, want %d and none: %v", r.Rows, r.Programmes, r.Failed, len(rows), r.Errors)
	}
	for collection, n := range map[string]int{"programme": r.Programmes, "video": r.Videos, "person": r.People, "channel": r.Channels} {
		if n != len(s.docs[collection]) {
			t.Errorf("of %d %ss only %d ids are distinct", n, collection, len(s.docs[collection]))
		}
	}
	if r.Written != made(r) {
		t.Errorf("wrote %d documents of %d", r.Written, made(r))
	}

	people := map[string]bool{}
	for _, row := range rows {
		var want []string
		for _, name := range readNames(row["director"]) {
			people[name] = true
			want = append(want, "D "+name)
		}
		for _, name := range readNames(row["cast"]) {
			people[name] = true
			want = append(want, "A "+name)
		}
		if diff := cmp.Diff(want, creditsOf(t, s, row["show_id"])); diff != "" {
			t.Errorf("%s: credits differ (-want +got):\n%s", row["show_id"], diff)
		}
	}
	if len(people) != r.People {
		t.Errorf("%d people, want %d", r.People, len(people))
	}
	plain := 0
	for _, d := range s.docs["person"] {
		if !people[lookup(d, "title")] {
			t.Errorf("nobody is named %q", lookup(d, "title"))
		}
		if !digestEnd.MatchString(lookup(d, "slug")) {
			plain++
		}
	}
	t.Logf("%d of %d people have a slug without a digest", plain, r.People)

	kinds, main := map[string]int{}, map[string]int{}
	for _, v := range s.docs["video"] {
		kind := lookup(v, "kind")
		kinds[kind]++
		if kind == "FILM" || kind == "EPISODE" || kind == "TRAILER" {
			main[lookup(v, "programme")+" "+kind]++
		}
	}
	var series, restricted int
	channels := map[string]int{}
	for _, row := range rows {
		id := row["show_id"]
		seasons := len(checkDocument(t, "programme", s.docs["programme"][id]).Seasons)
		films, episodes, trailers := main[id+" FILM"], main[id+" EPISODE"], main[id+" TRAILER"]
		if row["type"] == "Movie" && (films != 1 || episodes != 0 || seasons != 0) || row["type"] != "Movie" && (films != 0 || episodes < 6*seasons || episodes > 12*seasons) || trailers != 1 {
			t.Errorf("%s %s has %d films, %d episodes of %d seasons, %d trailers", row["type"], id, films, episodes, seasons, trailers)
		}
		if seasons > 0 {
			series++
		}
		if s.docs["programme"][id].Lookup("rights").Type != 0 {
			restricted++
		}
		channels[lookup(s.docs["programme"][id], "channel")]++
	}
	t.Logf("videos %v; %d series; %d programmes with rights; channels' programmes %v", kinds, series, restricted, channels)

	if again := importFile(t, s, path); again.Written != 0 {
		t.Errorf("the second import wrote %d documents", again.Written)
	}
	for _, c := range importCollections {
		stored := 0
		if err := b.Snapshot(t.Context(), c, bson.RawValue{}, func(bson.Raw) error { stored++; return nil }); err != nil {
			t.Fatal(err)
		}
		if stored != len(s.docs[c]) {
			t.Errorf("the embedded store has %d of %d %ss", stored, len(s.docs[c]), c)
		}
	}
}

func TestTitlesCountriesOfARealFile(t *testing.T) {
	unknown := map[string]int{}
	for _, row := range readRows(t, servertest.Titles(t)) {
		for name := range strings.SplitSeq(row["country"], ",") {
			if name = strings.TrimSpace(name); name != "" && countryCodes(name) == nil {
				unknown[name]++
			}
		}
	}
	if len(unknown) > 0 {
		t.Errorf("countries without a code: %v", unknown)
	}
}

func TestTitlesCountryTable(t *testing.T) {
	names := map[string]string{}
	for line := range strings.Lines(countryNames) {
		code, list, _ := strings.Cut(strings.TrimSpace(line), " ")
		if r, err := language.ParseRegion(code); err != nil || !r.IsCountry() {
			t.Errorf("%s is no country: %v", code, err)
		}
		for name := range strings.SplitSeq(list, "|") {
			key := countryKey(name)
			if names[key] != "" && names[key] != code {
				t.Errorf("%q is both %s and %s", name, names[key], code)
			}
			names[key] = code
		}
	}
}

// endless is a titles file of n rows of 10 kB that is made as it is read.
type endless struct {
	row, n int
	rest   []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.row > e.n {
			return 0, io.EOF
		}
		e.rest = fmt.Appendf(nil, "s%d,Movie,Film %d,%10000d\n", e.row, e.row, 0)
		if e.row == 0 {
			e.rest = []byte("show_id,type,title,description\n")
		}
		e.row++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// forget is a Store that keeps nothing.
type forget struct{ Store }

func (forget) Put(_ context.Context, _ string, docs []bson.Raw) (int, error) { return len(docs), nil }

// mostMemory imports, and returns by how much the heap, after each batch and without its garbage, grew at most.
func mostMemory(t *testing.T, r io.Reader) (most uint64, result ImportResult) {
	t.Helper()
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	result, err := Import(t.Context(), forget{}, r, 0, func(int64, int64, ImportResult) {
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc-min(m.HeapAlloc, before.HeapAlloc))
	})
	if err != nil {
		t.Fatal(err)
	}
	return most, result
}

func TestTitlesTakeLittleMemory(t *testing.T) {
	const rows = 5000
	most, r := mostMemory(t, &endless{n: rows})
	if r.Programmes != rows {
		t.Fatal(r)
	}
	if most > 10<<20 {
		t.Errorf("importing 48 MiB holds %d kiB", most>>10)
	}
}

func TestTitlesOfARealFileTakeLittleMemory(t *testing.T) {
	f, err := os.Open(servertest.Titles(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	most, r := mostMemory(t, f)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d documents: the import holds at most %d kiB; the process has had %d kiB of the system", made(r), most>>10, m.Sys>>10)
	if most > 24<<20 {
		t.Errorf("the import holds %d kiB", most>>10)
	}
}
