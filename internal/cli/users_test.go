package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"regie/internal/users"
)

// taker notes the rows that it is sent, and does with them as it is told.
type taker struct {
	rows []map[string]any
	then func(lines [][]byte) ([]users.RowProblem, error)
}

func (k *taker) Import(_ context.Context, lines [][]byte) ([]users.RowProblem, error) {
	for _, l := range lines {
		var row map[string]any
		if json.Unmarshal(l, &row) != nil {
			row = map[string]any{"raw": string(l)}
		}
		k.rows = append(k.rows, row)
	}
	if k.then != nil {
		return k.then(lines)
	}
	return nil, nil
}

func rowsFile(t testing.TB, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// importUsers imports a file and returns what is written.
func importUsers(t testing.TB, to Rows, f UsersFile) (out, errs string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = ImportUsers(t.Context(), IO{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, to, f)
	return stdout.String(), stderr.String(), err
}

func TestUsersFiles(t *testing.T) {
	type row = map[string]any
	for _, tt := range []struct {
		name, file string
		rows       []row
		told       string
	}{
		{"JSON lines", "{\"user\":\"a\"}\n{\"user\":\"b\"}\n", []row{{"user": "a"}, {"user": "b"}}, ""},
		{"without a last end", `{"user":"a"}`, []row{{"user": "a"}}, ""},
		{"with a mark, Windows' ends and blank lines", "\ufeff\r\n{\"user\":\"a\"}\r\n\r\n  \r\n{\"user\":\"b\"}\r\n", []row{{"user": "a"}, {"user": "b"}}, ""},
		{"JSON with other lines", "{\"user\":\"a\"}\nuser,at\n{\"user\":\"b\"\n", []row{{"user": "a"}, {"raw": "user,at"}, {"raw": `{"user":"b"`}}, ""},
		{
			"a line that is too long", "{\"user\":\"a\"}\n{\"user\":\"" + strings.Repeat("x", 100_000) + "\"}\n{\"user\":\"b\"}\n",
			[]row{{"user": "a"}, {"user": "b"}}, "left out: line 2: it has more than 16384 bytes\n",
		},
		{"the last line is too long", "{\"user\":\"a\"}\n" + strings.Repeat("x", 100_000), []row{{"user": "a"}}, "left out: line 2: it has more than 16384 bytes\n"},
		{"no UTF-8", "{\"user\":\"\xff\"}\n{\"user\":\"b\"}\n", []row{{"user": "b"}}, "left out: line 1: it is no UTF-8\n"},
		{"nothing", "", nil, ""},
		{"blank lines", "\n\n\n", nil, ""},
		{
			"CSV", "User, favourite ,video,position,at\na,programme:p1,,,2024-05-01T20:00:00Z\nb,,video:v1,12,x\n",
			[]row{{"user": "a", "favourite": "programme:p1", "at": "2024-05-01T20:00:00Z"}, {"user": "b", "video": "video:v1", "position": "12", "at": "x"}}, "",
		},
		{"CSV of semicolons", "user;at;video\r\n\"a;b\";x;video:v1\r\n", []row{{"user": "a;b", "at": "x", "video": "video:v1"}}, ""},
		{"CSV of tabs", "user\tat\tvideo\na,b\tx\tvideo:v1\n", []row{{"user": "a,b", "at": "x", "video": "video:v1"}}, ""},
		{
			"CSV of tabs whose columns are empty", "user\tfavourite\tvideo\tposition\tduration\tat\tsession\n" +
				"a\tprogramme:p1\t\t\t\tx\t\n \t \r\na\t\tvideo:v1\t12\t\tx\t\r\n\t\tvideo:v1\t12\t\tx\told\n",
			[]row{
				{"user": "a", "favourite": "programme:p1", "at": "x"}, {"user": "a", "video": "video:v1", "position": "12", "at": "x"},
				{"video": "video:v1", "position": "12", "at": "x", "session": "old"},
			}, "",
		},
		{
			"untidy CSV", "user,at,video\na,x\n\"b,x,v\n\"c\"d,x,v\ne,x,v,w\n\"f \"\"1\"\"\",x,v\n",
			[]row{{"user": `f "1"`, "at": "x", "video": "v"}},
			"left out: line 2: it has 2 columns, the header has 3\nleft out: line 3: its quotes are untidy: a row is one line\n" +
				"left out: line 4: its quotes are untidy: a row is one line\nleft out: line 5: it has 4 columns, the header has 3\n",
		},
		{"CSV that becomes too long", "user,at,video\n" + strings.Repeat("\u0001", 5000) + ",x,v\na,x,v\n", []row{{"user": "a", "at": "x", "video": "v"}}, "left out: line 2: it has more than 16384 bytes\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var to taker
			name := rowsFile(t, tt.file)
			out, errs, err := importUsers(t, &to, UsersFile{File: name})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.rows, to.rows); diff != "" || errs != tt.told {
				t.Errorf("%s\nit tells %q,\nwant     %q", diff, errs, tt.told)
			}
			bad := strings.Count(tt.told, "\n")
			if want := fmt.Sprintf("%d rows: %d taken over, %d left out, in ", len(tt.rows)+bad, len(tt.rows), bad); !strings.HasPrefix(out, want) {
				t.Errorf("it says %q, want %q", out, want)
			}
			if left, err := filepath.Glob(name + ".*"); err != nil || len(left) > 0 {
				t.Errorf("%v is left behind, %v", left, err)
			}
			var piped taker
			if err := ImportUsers(t.Context(), IO{In: strings.NewReader(tt.file), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}, &piped, UsersFile{File: "-"}); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.rows, piped.rows); diff != "" {
				t.Errorf("by a pipe: %s", diff)
			}
		})
	}
}

func TestFilesThatHaveNoRows(t *testing.T) {
	for _, tt := range []struct{ name, file, says string }{
		{"an array", "[{\"user\":\"a\"}]", "one JSON array: write an object a line"},
		{"packed", "\x1f\x8b\x08", "is compressed"},
		{"no header", "a,programme:p1,x\nb,programme:p1,x\n", "its first line lacks user, at, favourite or video"},
		{"half a header", "user,position\n", "its first line lacks at, favourite or video"},
		{"bytes", "\x00\x01", "is neither JSON lines nor a CSV"},
	} {
		var to taker
		if _, _, err := importUsers(t, &to, UsersFile{File: rowsFile(t, tt.file)}); err == nil || !strings.Contains(err.Error(), tt.says) || to.rows != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, _, err := importUsers(t, &taker{}, UsersFile{File: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, _, err := importUsers(t, &taker{}, UsersFile{File: t.TempDir()}); err == nil {
		t.Error("a folder is imported")
	}
}

// numbered are rows of users u0 and so on, from one number to before another.
func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "{\"user\":\"u%d\"}\n", i)
	}
	return b.String()
}

func TestAnInterruptedImportGoesOn(t *testing.T) {
	for _, csv := range []bool{false, true} {
		t.Run(fmt.Sprintf("csv=%t", csv), func(t *testing.T) {
			const n = 5*users.MaxRows + 7
			content := numbered(0, n)
			if csv {
				content = "user,at,video\n" + regexp.MustCompile(`\{"user":"(u\d+)"\}`).ReplaceAllString(content, "$1,x,v")
			}
			f := UsersFile{File: rowsFile(t, content), Errors: filepath.Join(t.TempDir(), "errors")}
			gone := errors.New("gone")
			batches := 0
			// The second row of each batch is no good.
			some := func(most int) func([][]byte) ([]users.RowProblem, error) {
				return func([][]byte) ([]users.RowProblem, error) {
					if batches++; batches > most {
						return nil, gone
					}
					return []users.RowProblem{{Row: 1, Reason: "bad"}}, nil
				}
			}
			first := taker{then: some(3)}
			if out, _, err := importUsers(t, &first, f); !errors.Is(err, gone) || !strings.Contains(err.Error(), "after 1500 rows, from where the next import") || out != "" {
				t.Fatalf("%q, %v", out, err)
			}
			// What was told of the batch that was not noted is told once.
			if err := os.WriteFile(f.Errors, append(read(t, f.Errors), "line 1502: bad\n"...), 0o600); err != nil {
				t.Fatal(err)
			}
			second := taker{then: some(100)}
			out, errs, err := importUsers(t, &second, f)
			if err != nil || !strings.HasPrefix(out, "2507 rows: 2501 taken over, 6 left out, in ") || !strings.HasPrefix(errs, "going on after 1500 rows") {
				t.Errorf("%q, %q, %v", out, errs, err)
			}
			seen := map[string]int{}
			for i, row := range append(first.rows[:1500], second.rows...) {
				if want := fmt.Sprintf("u%d", i); row["user"] != want {
					t.Fatalf("row %d is %v", i, row)
				}
				seen[row["user"].(string)]++
			}
			if len(seen) != n {
				t.Errorf("%d rows were sent", len(seen))
			}
			var want strings.Builder
			header := 0
			if csv {
				header = 1
			}
			for i := range 6 {
				fmt.Fprintf(&want, "line %d: bad\n", 500*i+2+header)
			}
			if got := string(read(t, f.Errors)); got != want.String() {
				t.Errorf("--errors has %q", got)
			}
			// Done is done: the next one begins anew.
			third := taker{}
			if out, _, err := importUsers(t, &third, f); err != nil || len(third.rows) != n {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnotherFileIsNotGoneOnWith(t *testing.T) {
	const n = 2 * users.MaxRows
	name := rowsFile(t, numbered(0, n))
	stop := func() *taker {
		batches := 0
		return &taker{then: func([][]byte) ([]users.RowProblem, error) {
			if batches++; batches > 1 {
				return nil, errors.New("gone")
			}
			return nil, nil
		}}
	}
	if _, _, err := importUsers(t, stop(), UsersFile{File: name}); err == nil {
		t.Fatal("it was not interrupted")
	}
	state := read(t, name+".import")
	for what, content := range map[string]string{"other rows": numbered(5, n+5), "fewer rows": numbered(0, 100)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := importUsers(t, &taker{}, UsersFile{File: name}); err == nil || !strings.Contains(err.Error(), "--restart begins anew") {
			t.Errorf("%s: %v", what, err)
		}
	}
	// It may have grown.
	if err := os.WriteFile(name, []byte(numbered(0, n+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	var grown taker
	if _, _, err := importUsers(t, &grown, UsersFile{File: name}); err != nil || len(grown.rows) != n+1-users.MaxRows {
		t.Errorf("grown: %v, %d rows", err, len(grown.rows))
	}
	if err := os.WriteFile(name+".import", state, 0o600); err != nil {
		t.Fatal(err)
	}
	var anew taker
	if _, _, err := importUsers(t, &anew, UsersFile{File: name, Restart: true}); err != nil || len(anew.rows) != n+1 {
		t.Errorf("--restart: %v, %d rows", err, len(anew.rows))
	}
	if err := os.WriteFile(name+".import", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := importUsers(t, &taker{}, UsersFile{File: name}); err == nil || !strings.Contains(err.Error(), "--restart") {
		t.Errorf("a damaged place: %v", err)
	}
}

func TestRowsThatAreLeftOutAreTold(t *testing.T) {
	bad := func(lines [][]byte) (problems []users.RowProblem, _ error) {
		for i := range lines {
			problems = append(problems, users.RowProblem{Row: i, Reason: "bad"})
		}
		return problems, nil
	}
	f := UsersFile{File: rowsFile(t, numbered(0, 700)), Errors: filepath.Join(t.TempDir(), "errors")}
	if err := os.WriteFile(f.Errors, bytes.Repeat([]byte("of the last import\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, err := importUsers(t, &taker{then: bad}, f)
	if err != nil || !strings.HasPrefix(out, "700 rows: 0 taken over, 700 left out") {
		t.Errorf("%q, %v", out, err)
	}
	if strings.Count(errs, "left out: line ") != shownErrors || !strings.HasSuffix(errs, "\n... and more: "+f.Errors+" has them all\n") {
		t.Errorf("it tells %s", errs)
	}
	if all := read(t, f.Errors); bytes.Count(all, []byte("\n")) != 700 || !bytes.HasSuffix(all, []byte("\nline 700: bad\n")) {
		t.Errorf("--errors has %s", all)
	}
}

func TestWhoImportsIsAwayForAWhile(t *testing.T) {
	name := rowsFile(t, numbered(0, 3*users.MaxRows))
	away := fmt.Errorf("%w: kafka", users.ErrUnavailable)
	synctest.Test(t, func(t *testing.T) {
		// From the second batch on it is away for so long.
		for _, tt := range []struct {
			gone time.Duration
			ok   bool
		}{{30 * time.Second, true}, {time.Hour, false}} {
			var back time.Time
			taken := map[string]bool{}
			to := taker{then: func(lines [][]byte) ([]users.RowProblem, error) {
				if len(taken) > 0 && back.IsZero() {
					back = time.Now().Add(tt.gone)
				}
				if time.Now().Before(back) {
					return nil, away
				}
				for _, l := range lines {
					taken[string(l)] = true
				}
				return nil, nil
			}}
			began := time.Now()
			_, _, err := importUsers(t, &to, UsersFile{File: name, Restart: true})
			if tt.ok && (err != nil || len(taken) != 3*users.MaxRows) || !tt.ok && (!errors.Is(err, away) || time.Since(began) > 2*patience) {
				t.Errorf("away for %s: %v after %s, %d rows taken", tt.gone, err, time.Since(began), len(taken))
			}
		}
		// Who is away at the beginning is told at once.
		began := time.Now()
		if _, _, err := importUsers(t, &taker{then: func([][]byte) ([]users.RowProblem, error) { return nil, away }}, UsersFile{File: name, Restart: true}); !errors.Is(err, away) || time.Since(began) > 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := &taker{then: func([][]byte) ([]users.RowProblem, error) { cancel(); return nil, nil }}
		if err := ImportUsers(ctx, IO{Err: &bytes.Buffer{}}, contextual{stopped}, UsersFile{File: name, Restart: true}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "after 500 rows") {
			t.Errorf("stopped: %v", err)
		}
	})
}

// contextual is a taker that heeds its context.
type contextual struct{ *taker }

func (c contextual) Import(ctx context.Context, lines [][]byte) ([]users.RowProblem, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return c.taker.Import(ctx, lines)
}

func TestImportUsersTellsItsProgress(t *testing.T) {
	name := rowsFile(t, numbered(0, 10*users.MaxRows))
	synctest.Test(t, func(t *testing.T) {
		slow := taker{then: func([][]byte) ([]users.RowProblem, error) { <-time.After(1500 * time.Millisecond); return nil, nil }}
		_, errs, err := importUsers(t, &slow, UsersFile{File: name})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
		form := regexp.MustCompile(`^ *\d+ %  \d+ rows, 333 rows/s; 0 left out; about \d+s to go$`)
		if len(lines) != 10 {
			t.Errorf("%d lines: %s", len(lines), errs)
		}
		for _, l := range lines {
			if !form.MatchString(l) {
				t.Errorf("a line is %q", l)
			}
		}
	})
}

func TestToken(t *testing.T) {
	var out bytes.Buffer
	if err := Token(IO{Out: &out}, strings.Repeat("s", 32), "i", "a", "alice", time.Hour); err != nil || strings.Count(out.String(), ".") != 2 || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := Token(IO{Out: &out}, strings.Repeat("s", 32), "i", "a", "", time.Hour); err == nil {
		t.Error("nobody has a token")
	}
}

// FuzzUsersFile wants of any file that each row is counted once, and is taken or told.
func FuzzUsersFile(f *testing.F) {
	f.Add([]byte("{\"user\":\"a\"}\n\n{"), uint8(0))
	f.Add([]byte("\ufeffuser;at;video\r\na;b;c\n\"a;b\n;;;;\n"), uint8(3))
	f.Fuzz(func(t *testing.T, content []byte, bad uint8) {
		told := 0
		to := taker{then: func(lines [][]byte) ([]users.RowProblem, error) {
			for i, l := range lines {
				if len(l) > users.MaxRow || bytes.ContainsRune(l, '\n') {
					t.Errorf("a row is %q", l)
				}
				if i == int(bad) {
					told++
					return []users.RowProblem{{Row: i, Reason: "bad"}}, nil
				}
			}
			return nil, nil
		}}
		all := UsersFile{File: rowsFile(t, string(content)), Errors: filepath.Join(t.TempDir(), "errors")}
		out, _, err := importUsers(t, &to, all)
		if err != nil {
			return // it is no such file
		}
		var rows, taken, left int
		if _, err := fmt.Sscanf(out, "%d rows: %d taken over, %d left out", &rows, &taken, &left); err != nil {
			t.Fatal(err)
		}
		if rows != taken+left || taken+told != len(to.rows) || bytes.Count(read(t, all.Errors), []byte("\n")) != left {
			t.Errorf("%d sent, %d told: %s", len(to.rows), told, out)
		}
	})
}
