package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"regie/internal/users"
)

// Rows are imported by whoever has the role users: users.Service, or one of another process.
type Rows interface {
	// Import takes at most users.MaxRows lines and returns what is wrong with some. After a users.ErrUnavailable it may be
	// repeated.
	Import(ctx context.Context, lines [][]byte) ([]users.RowProblem, error)
}

var (
	_ Rows = (*users.Service)(nil)
	_ Rows = (*users.RemoteImport)(nil)
)

// UsersFile is what ImportUsers reads.
type UsersFile struct {
	// File is JSON lines or CSV; "-" is the standard input, which cannot be resumed.
	File string
	// Errors is where all rows that are left out are told; "": only the first are, on IO.Err.
	Errors string
	// Restart begins anew where an import was interrupted.
	Restart bool
}

const (
	// again is how soon rows are sent again, and patience how long, when who imports them is away for a while.
	again    = time.Second
	patience = time.Minute
)

// ImportUsers takes over viewers' favourites and progress, telling how far it is. Rows that cannot be imported are told
// and left out; they are no error. What is interrupted goes on where it was: how far that is, a small file beside the
// file has. At most one batch is sent twice, which changes nothing.
func ImportUsers(ctx context.Context, std IO, to Rows, f UsersFile) (err error) {
	in, err := openUsers(std.In, f.File)
	if err != nil {
		return err
	}
	defer in.close()
	place, err := in.place(f.Restart)
	if err != nil {
		return err
	}
	if err := in.begin(place); err != nil {
		return err
	}
	told, err := openLeftOut(std.Err, f.Errors, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, told.close()) }()
	if place.Rows > 0 {
		_, _ = fmt.Fprintf(std.Err, "going on after %d rows (--restart begins anew)\n", place.Rows)
	}
	bar := progressBar{out: std.Err, terminal: isTerminal(std.Err), began: time.Now()}
	defer bar.end()
	before, reached := *place, false
	for {
		lines, numbers, problems, err := in.batch()
		if err != nil {
			return fmt.Errorf("reading %s: %w", f.File, err)
		}
		if len(lines)+len(problems) == 0 {
			break
		}
		refused, err := send(ctx, to, lines, reached)
		if err != nil {
			return place.interrupted(f.File, err)
		}
		reached = true
		for _, p := range refused {
			problems = append(problems, leftOut{numbers[p.Row], p.Reason})
		}
		slices.SortStableFunc(problems, func(a, b leftOut) int { return cmp.Compare(a.line, b.line) })
		place.Rows += int64(len(lines) + len(problems) - len(refused))
		place.LeftOut += int64(len(problems))
		if len(problems) > 0 {
			bar.clear()
		}
		if err := told.tell(problems); err != nil {
			return err
		}
		if err := in.reached(place, told); err != nil {
			return err
		}
		bar.showRows(&before, place, in.size)
	}
	bar.clear()
	if err := in.done(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "%d rows: %d taken over, %d left out, in %.1f s\n", place.Rows, place.Rows-place.LeftOut, place.LeftOut, time.Since(bar.began).Seconds())
	return err
}

// send sends lines until they are taken. Who has taken some before may be away for a while.
func send(ctx context.Context, to Rows, lines [][]byte, reached bool) ([]users.RowProblem, error) {
	if len(lines) == 0 {
		return nil, ctx.Err()
	}
	for began := time.Now(); ; {
		problems, err := to.Import(ctx, lines)
		if err == nil || ctx.Err() != nil || !errors.Is(err, users.ErrUnavailable) || !reached || time.Since(began) > patience {
			return problems, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(again):
		}
	}
}

// leftOut is a row that was.
type leftOut struct {
	line   int64
	reason string
}

// teller tells what is left out: the first on the terminal, all in a file if there is one.
type teller struct {
	out   io.Writer
	told  int
	file  *os.File
	lines *bufio.Writer
}

// openLeftOut opens the file, if one is named, behind what it had at the place.
func openLeftOut(out io.Writer, file string, place *place) (*teller, error) {
	t := &teller{out: out}
	if file == "" {
		return t, nil
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Truncate(place.Errors)
	}
	if err == nil {
		_, err = f.Seek(place.Errors, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("opening --errors: %w", err)
	}
	t.file, t.lines = f, bufio.NewWriter(f)
	return t, nil
}

func (t *teller) tell(rows []leftOut) error {
	for _, r := range rows {
		line := fmt.Sprintf("line %d: %s\n", r.line, r.reason)
		if t.told < shownErrors {
			_, _ = fmt.Fprint(t.out, "left out: "+line)
		}
		if t.told++; t.told == shownErrors+1 {
			where := "--errors FILE has them all"
			if t.file != nil {
				where = t.file.Name() + " has them all"
			}
			_, _ = fmt.Fprintf(t.out, "... and more: %s\n", where)
		}
		if t.file == nil {
			continue
		}
		if _, err := t.lines.WriteString(line); err != nil {
			return fmt.Errorf("writing --errors: %w", err)
		}
	}
	return nil
}

// size is how much the file has, all of it written.
func (t *teller) size() (int64, error) {
	if t.file == nil {
		return 0, nil
	}
	if err := t.lines.Flush(); err != nil {
		return 0, fmt.Errorf("writing --errors: %w", err)
	}
	return t.file.Seek(0, io.SeekCurrent)
}

func (t *teller) close() error {
	if t.file == nil {
		return nil
	}
	return errors.Join(t.lines.Flush(), t.file.Close())
}
