package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

// slow is a Store that takes a while and forgets.
type slow struct {
	cms.Store
	put func() error
}

func (s slow) Put(_ context.Context, _ string, docs []bson.Raw) (int, error) {
	return len(docs), s.put()
}

// imported runs an import of the file, and returns what it writes.
func imported(t *testing.T, put func() error, file string) (out, errs string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "titles.csv")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	err = Import(t.Context(), IO{Out: &stdout, Err: &stderr}, slow{put: put}, path)
	return stdout.String(), stderr.String(), err
}

func TestImportSaysWhatItDid(t *testing.T) {
	at := func() error { return nil }
	out, errs, err := imported(t, at, "show_id,type,title,director,cast\ns1,Movie,A,Ada,\"Bob, Ada\"\ns2,Opera,B,,\ns3,Movie,C,,"+strings.Repeat("x", 400)+"\n")
	if err != nil {
		t.Fatal(err)
	}
	var rows, programmes, videos, people, channels, written, left int
	var seconds float64
	if _, err := fmt.Sscanf(out, "%d rows: %d programmes, %d videos, %d people, %d channels; %d documents written in %f s, %d rows left out\n",
		&rows, &programmes, &videos, &people, &channels, &written, &seconds, &left); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if rows != 3 || programmes != 1 || videos < 2 || people != 2 || channels != 1 || written != programmes+videos+people+channels || left != 2 {
		t.Errorf("it says %q", out)
	}
	const want = `left out: line 3: type "Opera": is neither Movie nor TV Show
left out: line 4: cast: has a name of 400 characters, at most 300 are allowed
`
	if errs != want {
		t.Errorf("it tells %q, want %q", errs, want)
	}
}

func TestImportTellsTheFirstErrors(t *testing.T) {
	_, errs, err := imported(t, func() error { return nil }, "show_id,type,title\n"+strings.Repeat("s1,Opera,A\n", 50))
	if n := strings.Count(errs, "left out: line "); err != nil || n != shownErrors || !strings.HasSuffix(errs, "\n... and 30 more\n") {
		t.Errorf("%v, %d errors are told: %s", err, n, errs)
	}
}

func TestImportFails(t *testing.T) {
	gone := errors.New("gone")
	if out, _, err := imported(t, func() error { return gone }, "show_id,type,title\ns1,Movie,A\n"); !errors.Is(err, gone) || out != "" {
		t.Errorf("the store fails: %v, %q", err, out)
	}
	if _, _, err := imported(t, func() error { return nil }, "a,b\n"); err == nil || !strings.Contains(err.Error(), "the header lacks show_id, type, title") {
		t.Errorf("no titles file: %v", err)
	}
	if err := Import(t.Context(), IO{}, slow{}, filepath.Join(t.TempDir(), "none.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestImportTellsItsProgressInLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file strings.Builder
		file.WriteString("show_id,type,title,cast\n")
		for i := range 2000 {
			fmt.Fprintf(&file, "s%d,Movie,Film %d,Actor %d\n", i, i, i)
		}
		_, errs, err := imported(t, func() error {
			<-time.After(2 * time.Second) // in the bubble's time
			return nil
		}, file.String())
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
		form := regexp.MustCompile(`^ *\d+ %  \d+ rows, \d+ rows/s: \d+ programmes, \d+ videos, \d+ people, 1 channels; 0 rows left out; about (\d+m)?\d+s to go$`)
		if len(lines) < 3 {
			t.Errorf("there are %d lines", len(lines))
		}
		for _, l := range lines {
			if !form.MatchString(l) {
				t.Errorf("a line is %q", l)
			}
		}
	})
}

func TestProgressBar(t *testing.T) {
	for _, tt := range []struct {
		name        string
		terminal    bool
		done, total int64
		r           cms.ImportResult
		want        string
	}{
		{"on a terminal", true, 50, 100, cms.ImportResult{Rows: 4000, Videos: 31000, People: 17000},
			"\r\x1b[K[######......]  50 %  4000 rows, 400/s; 31000 videos, 17000 people; 10s"},
		{"at the end", true, 100, 100, cms.ImportResult{Rows: 8786}, "\r\x1b[K[############] 100 %  8786 rows, 878/s; 0 videos, 0 people; 0s"},
		{"of a file that has grown", true, 150, 100, cms.ImportResult{}, "\r\x1b[K[############] 100 %  0 rows, 0/s; 0 videos, 0 people; 0s"},
		{"of a pipe", true, 50, 0, cms.ImportResult{Rows: 10}, "\r\x1b[K10 rows, 1/s; 0 videos, 0 people"},
		{"elsewhere", false, 25, 100, cms.ImportResult{Rows: 2000, Programmes: 1990, Videos: 9000, People: 7000, Channels: 6, Failed: 10},
			" 25 %  2000 rows, 200 rows/s: 1990 programmes, 9000 videos, 7000 people, 6 channels; 10 rows left out; about 30s to go\n"},
		{"of a pipe elsewhere", false, 25, 0, cms.ImportResult{Rows: 10}, "10 rows, 1 rows/s: 0 programmes, 0 videos, 0 people, 0 channels; 0 rows left out\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				b := progressBar{out: &out, terminal: tt.terminal, began: time.Now()}
				b.show(tt.done, tt.total, tt.r) // too soon
				<-time.After(10 * time.Second)
				b.show(tt.done, tt.total, tt.r)
				b.show(tt.done, tt.total, tt.r) // too soon again
				if got := out.String(); got != tt.want {
					t.Errorf("it draws %q,\nwant     %q", got, tt.want)
				}
				out.Reset()
				if b.end(); tt.terminal && out.String() != "\r\x1b[K" || !tt.terminal && out.Len() > 0 {
					t.Errorf("at the end it draws %q", out.String())
				}
			})
		})
	}
	t.Run("never wraps", func(t *testing.T) {
		var out bytes.Buffer
		b := progressBar{out: &out, terminal: true, began: time.Now().Add(-time.Hour)}
		b.show(1, 1<<40, cms.ImportResult{Rows: 1 << 40, Videos: 1 << 40, People: 1 << 40})
		if n := utf8.RuneCountInString(strings.TrimPrefix(out.String(), "\r\x1b[K")); n == 0 || n > 79 {
			t.Errorf("the line has %d characters", n)
		}
	})
}
