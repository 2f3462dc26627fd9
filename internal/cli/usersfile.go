package cli

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"regie/internal/users"
)

// place is how far an import is: what the file beside the file has.
type place struct {
	// Head is the SHA-256 of the file's first HeadSize bytes: the place is of no other file.
	Head     string `json:"head"`
	HeadSize int64  `json:"head_size"`
	// Offset and Line are behind what was imported.
	Offset int64 `json:"offset"`
	Line   int64 `json:"line"`
	Rows   int64 `json:"rows"`
	// LeftOut are among the rows; Errors is how much --errors has of them.
	LeftOut int64 `json:"left_out"`
	Errors  int64 `json:"errors"`
}

// interrupted says how to go on.
func (p *place) interrupted(file string, err error) error {
	if file == stdin {
		return fmt.Errorf("after %d rows: %w", p.Rows, err)
	}
	return fmt.Errorf("after %d rows, from where the next import of %s goes on: %w", p.Rows, file, err)
}

const (
	stdin = "-"
	// headSize is how much of a file tells it from others.
	headSize = 64 << 10
)

// usersFile reads rows, a line each, as JSON objects. A line that is none costs itself only.
type usersFile struct {
	name  string // "-" for the standard input
	file  *os.File
	in    *bufio.Reader
	size  int64 // 0: not known
	line  int64 // read
	read  int64 // bytes
	state string

	comma   rune     // of a CSV; 0: JSON lines
	columns []string // of a CSV
}

func openUsers(std io.Reader, name string) (*usersFile, error) {
	if name == stdin {
		return &usersFile{name: name, in: bufio.NewReaderSize(std, users.MaxRow+2)}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the rows: %w", err)
	}
	u := &usersFile{name: name, file: f, in: bufio.NewReaderSize(f, users.MaxRow+2), state: name + ".import"}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		u.size = info.Size()
	}
	return u, nil
}

func (u *usersFile) close() {
	if u.file != nil {
		_ = u.file.Close()
	}
}

// place is where the last import of the file was interrupted, or its beginning.
func (u *usersFile) place(restart bool) (*place, error) {
	if u.size == 0 {
		return &place{}, nil // a pipe is read once
	}
	p := &place{HeadSize: min(u.size, headSize)}
	var err error
	if p.Head, err = u.head(p.HeadSize); err != nil || restart {
		return p, err
	}
	b, err := os.ReadFile(u.state)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	var before place
	if err == nil {
		err = json.Unmarshal(b, &before)
	}
	if err != nil {
		return nil, fmt.Errorf("reading how far the last import was: %w (--restart begins anew)", err)
	}
	if before.Offset <= u.size && before.HeadSize <= u.size {
		head, err := u.head(before.HeadSize)
		if err != nil {
			return nil, err
		}
		if head == before.Head {
			return &before, nil
		}
	}
	return nil, fmt.Errorf("%s is not the file any more whose import was interrupted: --restart begins anew", u.name)
}

func (u *usersFile) head(size int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(u.file, 0, size)); err != nil {
		return "", fmt.Errorf("reading %s: %w", u.name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// reached notes how far the import is, once for all: a kill leaves the place before, or this one.
func (u *usersFile) reached(p *place, t *teller) error {
	p.Offset, p.Line = u.read, u.line
	var err error
	if p.Errors, err = t.size(); err != nil || u.size == 0 {
		return err
	}
	b, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(u.state+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(u.state+".new", u.state)
	}
	if err != nil {
		return fmt.Errorf("noting how far the import is: %w", err)
	}
	return nil
}

// done forgets the place: the file is imported.
func (u *usersFile) done() error {
	if u.size == 0 {
		return nil
	}
	if err := os.Remove(u.state); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forgetting how far the import was: %w", err)
	}
	return nil
}

// begin finds out what the file is, and goes to the place.
func (u *usersFile) begin(p *place) error {
	if bom, _ := u.in.Peek(3); bytes.Equal(bom, []byte("\ufeff")) {
		u.skip(3)
	}
	first, err := u.in.Peek(1)
	for err == nil && (first[0] == '\n' || first[0] == '\r' || first[0] == ' ') {
		if first[0] == '\n' {
			u.line++
		}
		u.skip(1)
		first, err = u.in.Peek(1)
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil // nothing
	case err != nil:
		return fmt.Errorf("reading %s: %w", u.name, err)
	case first[0] == '[':
		return fmt.Errorf("%s is one JSON array: write an object a line (jq -c '.[]')", u.name)
	case first[0] == 0x1f:
		return fmt.Errorf("%s is compressed: unpack it, into a file or by a pipe into `regie import users -`", u.name)
	case first[0] != '{':
		if err := u.header(); err != nil {
			return err
		}
	}
	if p.Offset > u.read {
		if _, err := u.file.Seek(p.Offset, io.SeekStart); err != nil {
			return fmt.Errorf("reading %s: %w", u.name, err)
		}
		u.in.Reset(u.file)
		u.read, u.line = p.Offset, p.Line
	}
	return nil
}

func (u *usersFile) skip(n int) {
	k, _ := u.in.Discard(n)
	u.read += int64(k)
}

// header reads a CSV's.
func (u *usersFile) header() error {
	line, err := u.next()
	if err != nil {
		return fmt.Errorf("reading the header of %s: %w", u.name, err)
	}
	for _, comma := range ",;\t" {
		if u.comma = comma; bytes.ContainsRune(line, comma) {
			break
		}
	}
	fields, err := u.split(string(line))
	if err != nil {
		return fmt.Errorf("reading the header of %s: %w", u.name, err)
	}
	for _, f := range fields {
		u.columns = append(u.columns, strings.ToLower(strings.TrimSpace(f)))
	}
	var lacks []string
	for _, c := range []string{"user", "at"} {
		if !slices.Contains(u.columns, c) {
			lacks = append(lacks, c)
		}
	}
	if !slices.Contains(u.columns, "favourite") && !slices.Contains(u.columns, "video") {
		lacks = append(lacks, "favourite or video")
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%s is neither JSON lines nor a CSV with a header: its first line lacks %s", u.name, strings.Join(lacks, ", "))
	}
	return nil
}

var errLong = fmt.Errorf("it has more than %d bytes", users.MaxRow)

// next returns a line without its end, until the next call; errLong for one that is passed over.
func (u *usersFile) next() ([]byte, error) {
	line, err := u.in.ReadSlice('\n')
	u.read += int64(len(line))
	long := len(line) > users.MaxRow+1
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		line, err = u.in.ReadSlice('\n')
		u.read += int64(len(line))
	}
	if errors.Is(err, io.EOF) && (len(line) > 0 || long) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	u.line++
	if long {
		return nil, errLong
	}
	return bytes.TrimRight(line, "\r\n"), nil // a tab may be an empty column
}

// batch reads as many rows as are imported at once, their lines' numbers, and what is none. Nothing at all is the end.
func (u *usersFile) batch() (lines [][]byte, numbers []int64, problems []leftOut, err error) {
	for len(lines)+len(problems) < users.MaxRows {
		line, err := u.next()
		switch {
		case errors.Is(err, io.EOF):
			return lines, numbers, problems, nil
		case err != nil && !errors.Is(err, errLong):
			return nil, nil, nil, err
		case err == nil && len(bytes.TrimSpace(line)) == 0:
			continue
		}
		if err == nil {
			line, err = u.row(line)
		}
		if err != nil {
			problems = append(problems, leftOut{u.line, err.Error()})
			continue
		}
		lines, numbers = append(lines, line), append(numbers, u.line)
	}
	return lines, numbers, problems, nil
}

// row is a line as a JSON object, in memory of its own.
func (u *usersFile) row(line []byte) ([]byte, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("it is no UTF-8")
	}
	if u.comma == 0 {
		return bytes.Clone(line), tooLong(line)
	}
	fields, err := u.split(string(line))
	if err != nil {
		return nil, err
	}
	if len(fields) != len(u.columns) {
		return nil, fmt.Errorf("it has %d columns, the header has %d", len(fields), len(u.columns))
	}
	row := map[string]string{}
	for i, f := range fields {
		if f = strings.TrimSpace(f); f != "" {
			row[u.columns[i]] = f
		}
	}
	b, err := json.Marshal(row)
	return b, errors.Join(err, tooLong(b))
}

func tooLong(row []byte) error {
	if len(row) > users.MaxRow {
		return errLong
	}
	return nil
}

func (u *usersFile) split(line string) ([]string, error) {
	if !strings.Contains(line, `"`) {
		return strings.Split(line, string(u.comma)), nil
	}
	r := csv.NewReader(strings.NewReader(line))
	r.Comma = u.comma
	fields, err := r.Read()
	if err != nil {
		return nil, errors.New("its quotes are untidy: a row is one line")
	}
	return fields, nil
}
