package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
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
	_, err = fmt.Fprintf(std.Out, "%d rows: %d programmes, %d videos, %d people, %d channels; %d documents written in %.1f s, %d rows left out\n",
		result.Rows, result.Programmes, result.Videos, result.People, result.Channels, result.Written, time.Since(bar.began).Seconds(), result.Failed)
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

const (
	barCells    = 12
	maxBarWidth = 79 // a line that a terminal wraps cannot be drawn over
)

// due tells whether it is time to show something again, and how long the import takes already.
func (b *progressBar) due(every time.Duration) (passed time.Duration, ok bool) {
	if b.terminal {
		every = 100 * time.Millisecond
	}
	now := time.Now()
	passed = now.Sub(b.began)
	if passed < every || now.Sub(b.last) < every {
		return passed, false
	}
	b.last, b.drawn = now, true
	return passed, true
}

// showRows tells how far the rows of a file of that size are, each second; from is where they began this time.
func (b *progressBar) showRows(from, at *place, size int64) {
	passed, ok := b.due(time.Second)
	if !ok {
		return
	}
	line := fmt.Sprintf("%d rows, %d rows/s; %d left out", at.Rows, int64(float64(at.Rows-from.Rows)/passed.Seconds()), at.LeftOut)
	if size > 0 {
		left := float64(passed) * float64(max(size-at.Offset, 0)) / float64(max(at.Offset-from.Offset, 1))
		line = fmt.Sprintf("%3d %%  %s; about %s to go", min(100*at.Offset/size, 100), line, time.Duration(left).Round(time.Second))
	}
	if !b.terminal {
		_, _ = fmt.Fprintln(b.out, line)
		return
	}
	_, _ = fmt.Fprintf(b.out, "\r\x1b[K%.*s", maxBarWidth, line)
}

// clear makes room for other lines.
func (b *progressBar) clear() {
	b.end()
	b.drawn = false
}

// show is a cms.Progress. Of a file without a size, such as a pipe, it tells no share and no end.
func (b *progressBar) show(done, total int64, r cms.ImportResult) {
	passed, ok := b.due(5 * time.Second)
	if !ok {
		return
	}
	rate := int64(float64(r.Rows) / passed.Seconds())
	var percent, left string
	if total > 0 {
		done = min(done, total) // the file may grow meanwhile
		percent = fmt.Sprintf("%3d %%  ", 100*done/total)
		left = time.Duration(float64(passed) * float64(total-done) / float64(max(done, 1))).Round(time.Second).String()
	}
	if !b.terminal {
		line := fmt.Sprintf("%s%d rows, %d rows/s: %d programmes, %d videos, %d people, %d channels; %d rows left out",
			percent, r.Rows, rate, r.Programmes, r.Videos, r.People, r.Channels, r.Failed)
		if left != "" {
			line += "; about " + left + " to go"
		}
		_, _ = fmt.Fprintln(b.out, line)
		return
	}
	line := fmt.Sprintf("%s%d rows, %d/s; %d videos, %d people", percent, r.Rows, rate, r.Videos, r.People)
	if total > 0 {
		full := int(barCells * done / total)
		line = "[" + strings.Repeat("#", full) + strings.Repeat(".", barCells-full) + "] " + line + "; " + left
	}
	if len(line) > maxBarWidth {
		line = line[:maxBarWidth]
	}
	_, _ = fmt.Fprintf(b.out, "\r\x1b[K%s", line)
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
