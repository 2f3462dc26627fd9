package cms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// maxRecord bounds a row's bytes, and with them the memory that a quote which is never closed takes.
	maxRecord = 4 << 20
	readStep  = 64 << 10
	// rescanSlack is how many bytes beyond the file's own may be read a second time to recover from stray quotes. It
	// keeps the time linear for a file of nothing but stray quotes.
	rescanSlack = 256 << 20
)

var (
	errUnclosed = errors.New("a quote is opened and never closed")
	errTooLong  = fmt.Errorf("the row has more than %d bytes", maxRecord)
)

// csvFile reads the records of an untidy CSV file. Unlike encoding/csv it bounds a record, and a stray quote costs the
// row that it is in, not those that it runs on into: after a bad record of several lines it goes on at the second one.
type csvFile struct {
	in      io.Reader
	comma   byte
	columns int // that a record must have

	buf       []byte // read and not yet consumed
	began     bool
	eof       bool
	line      int   // of buf's beginning
	done      int64 // bytes consumed
	rescanned int64
	until     int // the last line of a bad record that was reported, while its lines are read again
}

// next returns a record that is not blank and the line it begins at. A RowError is about that record alone.
func (c *csvFile) next() (fields []string, line int, err error) {
	for {
		line = c.line
		fields, n, err := c.peek()
		switch {
		case err == nil && blank(fields):
			c.skip(n)
			continue
		case err == nil && len(fields) == c.columns:
			c.skip(n)
			c.until = 0
			return fields, line, nil
		case err == nil:
			err = fmt.Errorf("has %s, the header has %d", plural(len(fields), "column"), c.columns)
		case errors.Is(err, errUnclosed), errors.Is(err, errTooLong):
		default:
			return nil, line, err
		}

		bad := RowError{Line: line, Reason: err.Error()}
		last := line + bytes.Count(c.buf[:n-1], []byte{'\n'})
		if last > line && !errors.Is(err, errUnclosed) {
			bad.Reason += fmt.Sprintf(" (it runs on to line %d: a quote may be missing)", last)
		}
		reported := line <= c.until
		c.until = max(c.until, last)
		if err := c.skipBad(n); err != nil {
			return nil, line, err
		}
		if !reported {
			return nil, line, bad
		}
	}
}

// skipBad passes a bad record's first line, or all its n bytes once enough was read twice.
func (c *csvFile) skipBad(n int) error {
	first := bytes.IndexByte(c.buf, '\n') + 1
	if again := int64(n - first); first > 0 && c.rescanned+again <= rescanSlack+c.done {
		c.rescanned += again
		c.skip(first)
		return nil
	}
	ended := n == len(c.buf) && c.eof || c.buf[n-1] == '\n'
	c.skip(n)
	for !ended { // in the middle of a line
		if n = bytes.IndexByte(c.buf, '\n') + 1; n > 0 {
			c.skip(n)
			return nil
		}
		c.skip(len(c.buf))
		if ended = c.eof; !ended {
			if err := c.fill(); err != nil {
				return err
			}
		}
	}
	return nil
}

// peek returns the record at the beginning of buf and its length, io.EOF when there is none, errUnclosed and
// errTooLong with the bytes looked at.
func (c *csvFile) peek() ([]string, int, error) {
	for {
		if c.eof && len(c.buf) == 0 {
			return nil, 0, io.EOF
		}
		if fields, n, ok := splitRecord(c.buf, c.comma, c.eof); ok {
			return fields, n, nil
		}
		if c.eof {
			return nil, len(c.buf), errUnclosed
		}
		if len(c.buf) >= maxRecord {
			return nil, len(c.buf), errTooLong
		}
		if err := c.fill(); err != nil {
			return nil, 0, err
		}
	}
}

// fill reads on, at least doubling buf so that splitting it anew costs little.
func (c *csvFile) fill() error {
	had := len(c.buf)
	buf := slices.Grow(c.buf, max(readStep, had))
	n, err := io.ReadFull(c.in, buf[had:cap(buf)])
	c.buf = buf[:had+n]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.eof, err = true, nil
	}
	if !c.began {
		c.began = true
		switch {
		case bytes.HasPrefix(c.buf, []byte("\xff\xfe")), bytes.HasPrefix(c.buf, []byte("\xfe\xff")):
			return errors.New("the file is in UTF-16: save it as UTF-8")
		case bytes.HasPrefix(c.buf, []byte("\xef\xbb\xbf")):
			c.skip(3)
		}
	}
	return err
}

func (c *csvFile) skip(n int) {
	c.line += bytes.Count(c.buf[:n], []byte{'\n'})
	c.done += int64(n)
	c.buf = c.buf[n:]
}

// splitRecord returns the fields of data's first record and its length with the line's end. It is not ok when the record
// goes on beyond data; last says that nothing comes after data.
//
// A field in quotes ends at a quote before a separator or the line's end; any other quote that is not doubled is taken
// as it stands, and so are those in fields without.
func splitRecord(data []byte, comma byte, last bool) (fields []string, n int, ok bool) {
	for i := 0; ; i++ {
		begin := i
		i = skipSpaces(data, i)
		if i < len(data) && data[i] == '"' {
			var text []byte
			for i++; ; {
				k := bytes.IndexByte(data[i:], '"')
				if k < 0 {
					return nil, 0, false
				}
				text = append(text, data[i:i+k]...)
				i += k + 1
				if i < len(data) && data[i] == '"' {
					text = append(text, '"')
					i++
					continue
				}
				end := skipSpaces(data, i)
				if bytes.HasPrefix(data[end:], []byte("\r\n")) || last && end == len(data)-1 && data[end] == '\r' {
					end++
				}
				if end == len(data) || end == len(data)-1 && data[end] == '\r' {
					if !last {
						return nil, 0, false
					}
					i = end
					break
				}
				if data[end] == comma || data[end] == '\n' {
					i = end
					break
				}
				text = append(text, '"')
			}
			fields = append(fields, string(text))
		} else {
			for i < len(data) && data[i] != comma && data[i] != '\n' {
				i++
			}
			if i == len(data) && !last {
				return nil, 0, false
			}
			text := data[begin:i]
			if i == len(data) || data[i] == '\n' {
				text = bytes.TrimSuffix(text, []byte{'\r'})
			}
			fields = append(fields, string(text))
		}
		if i == len(data) {
			return fields, i, true
		}
		if data[i] == '\n' {
			return fields, i + 1, true
		}
	}
}

func skipSpaces(data []byte, i int) int {
	for i < len(data) && data[i] == ' ' {
		i++
	}
	return i
}

func blank(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return strings.TrimSpace(f) != "" })
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
