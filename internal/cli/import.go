package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"regie/internal/cms"
)

// shownErrors is how many bad rows are printed.
const shownErrors = 20

// Import fills the CMS from a titles file, telling its progress. Rows that cannot be imported are told and left out;
// they are no error.
func Import(ctx context.Context, std IO, store cms.Store, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("opening the titles: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("opening the titles: %w", err)
	}
	bar := progressBar{out: std.Err, terminal: isTerminal(std.Err), began: time.Now()}
	result, err := cms.Import(ctx, store, f, info.Size(), bar.show)
	bar.end()
	for i, e := range result.Errors {
		if i == shownErrors {
			_, _ = fmt.Fprintf(std.Err, "... and %d more\n", result.Failed-shownErrors)
			break
		}
		_, _ = fmt.Fprintf(std.Err, "left out: %v\n", e)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "%d rows: %d programmes, %d videos; %d documents written, the others were there already; left out: %d; %s\n",
		result.Rows, result.Programmes, result.Videos, result.Written, result.Failed, time.Since(bar.began).Round(100*time.Millisecond))
	return err
}

// progressBar redraws one line of a terminal; elsewhere it writes a line every few seconds.
type progressBar struct {
	out      io.Writer
	terminal bool
	began    time.Time
	last     time.Time
	drawn    bool
}

func (b *progressBar) show(done, total int64, r cms.ImportResult) {
	every := 5 * time.Second
	if b.terminal {
		every = 100 * time.Millisecond
	}
	if time.Since(b.began) < every || time.Since(b.last) < every || total <= 0 {
		return
	}
	b.last, b.drawn = time.Now(), true
	left := time.Duration(float64(time.Since(b.began)) * float64(total-done) / float64(max(done, 1))).Round(time.Second)
	line := fmt.Sprintf("%3d %%  %d programmes, %d videos, %d left out; about %s to go", 100*done/total, r.Programmes, r.Videos, r.Failed, left)
	if b.terminal {
		_, _ = fmt.Fprintf(b.out, "\r\x1b[K%s", line)
	} else {
		_, _ = fmt.Fprintln(b.out, line)
	}
}

func (b *progressBar) end() {
	if b.terminal && b.drawn {
		_, _ = fmt.Fprint(b.out, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
