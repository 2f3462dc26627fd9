package cms

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/text/language"

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
	t.Logf("%d rows, %d programmes, %d videos, %d written, %d failed in %s", r.Rows, r.Programmes, r.Videos, r.Written, r.Failed, time.Since(began).Round(time.Millisecond))
	return r
}

// countRows is another reader's count.
func countRows(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return len(rows) - 1
}

func TestTitlesOfARealFile(t *testing.T) {
	path := servertest.Titles(t)
	s := newShelf(t) // which checks each document
	r := importFile(t, s, path)
	if want := countRows(t, path); r.Rows != want || r.Failed != 0 {
		t.Errorf("%d rows, %d failed, want %d and none: %v", r.Rows, r.Failed, want, r.Errors)
	}
	if r.Programmes != len(s.docs["programme"]) || r.Videos != len(s.docs["video"]) {
		t.Errorf("ids are not distinct: %d programmes and %d videos are there of %+v", len(s.docs["programme"]), len(s.docs["video"]), r)
	}
}

func TestTitlesOfARealFileInTheEmbeddedStore(t *testing.T) {
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
	if r := importFile(t, b, path); r.Written != r.Programmes+r.Videos {
		t.Errorf("wrote %d documents, want %d", r.Written, r.Programmes+r.Videos)
	}
	stored := map[string]int{}
	for _, c := range []string{"programme", "video"} {
		if err := b.Snapshot(t.Context(), c, func(bson.Raw) error { stored[c]++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if r := importFile(t, b, path); r.Written != 0 || stored["programme"] != r.Programmes || stored["video"] != r.Videos {
		t.Errorf("the second import wrote %d documents to the %v that were there: %+v", r.Written, stored, r)
	}
}

func TestTitlesCountriesOfARealFile(t *testing.T) {
	f, err := os.Open(servertest.Titles(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	unknown := map[string]int{}
	for _, row := range rows[1:] {
		for name := range strings.SplitSeq(row[5], ",") {
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

func TestTitlesTakeLittleMemory(t *testing.T) {
	const rows = 5000
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	r, err := Import(t.Context(), forget{}, &endless{n: rows}, 0, func(int64, int64, ImportResult) {
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	})
	if err != nil || r.Programmes != rows {
		t.Fatal(r, err)
	}
	if most > before.HeapAlloc+10<<20 {
		t.Errorf("importing 48 MiB holds %d kiB", (most-before.HeapAlloc)>>10)
	}
}
