package cms

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ImportResult counts what an import did. Rows is the sum of Programmes and Failed.
type ImportResult struct {
	Rows       int // without the header and empty rows
	Programmes int // documents made, whether written or there already
	Videos     int
	Written    int // documents of both collections that were new or had changed
	Failed     int
	Errors     []RowError // of the first maxRowErrors failed rows, in the file's order
}

// RowError says why a row was left out.
type RowError struct {
	Line   int // where the row begins, counted from 1
	Reason string
}

// Error implements error.
func (e RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Progress hears of an import about once per batch, and when it ends: the bytes read, the bytes that the file has as
// Import was told, and what was done so far. It must not change or keep the result's Errors.
type Progress func(done, total int64, r ImportResult)

const (
	importBatch  = 500
	maxRowErrors = 1000
)

// Import reads a titles file, and writes a programme and its videos for each row.
//
// The file is CSV with a header that names, in any order, the columns show_id, type and title and perhaps country,
// date_added, release_year, rating, duration, listed_in and description; others are ignored. Comma, semicolon and tab
// separate. A row that breaks a rule is left out and reported in the result; only a file that is no titles file, a
// reader's or store's error and the end of ctx end the import early, with the result so far.
//
// Importing again writes only what differs, so that an import which was cut off is repeated to finish it. What left
// the file stays in the store, and so does what editors changed, until the row itself changes. The file is read once
// and never held: only its ids and slugs are.
func Import(ctx context.Context, store Store, r io.Reader, size int64, progress Progress) (ImportResult, error) {
	if progress == nil {
		progress = func(int64, int64, ImportResult) {}
	}
	im := importer{store: store}
	rows, err := openTitles(r)
	if err != nil {
		return im.result, fmt.Errorf("reading titles: %w", err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return im.result, fmt.Errorf("importing titles, at line %d: %w", rows.file.line, err)
		}
		t, err := rows.next()
		var bad RowError
		switch {
		case err == nil:
			im.result.Rows++
			err = im.add(ctx, t)
		case errors.As(err, &bad):
			im.result.Rows++
			im.fail(bad)
			err = nil
		case errors.Is(err, io.EOF):
			err = im.flush(ctx)
			progress(rows.file.done, size, im.result)
			return im.result, err
		default:
			err = fmt.Errorf("reading titles: %w", err)
		}
		if err != nil {
			return im.result, err
		}
		if im.flushed || im.result.Rows%1000 == 0 {
			im.flushed = false
			progress(rows.file.done, size, im.result)
		}
	}
}

// importer gathers documents and writes them in batches, a programme never after its videos.
type importer struct {
	store              Store
	programmes, videos []bson.Raw
	result             ImportResult
	flushed            bool
}

func (im *importer) fail(e RowError) {
	im.result.Failed++
	if len(im.result.Errors) < maxRowErrors {
		im.result.Errors = append(im.result.Errors, e)
	}
}

func (im *importer) add(ctx context.Context, t title) error {
	im.programmes = append(im.programmes, t.programme())
	im.result.Programmes++
	if len(im.programmes) == importBatch {
		if err := im.flush(ctx); err != nil {
			return err
		}
	}
	for v := range t.videos() {
		im.videos = append(im.videos, v)
		im.result.Videos++
		if len(im.videos) == importBatch {
			if err := im.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *importer) flush(ctx context.Context) error {
	for _, batch := range []struct {
		collection string
		docs       *[]bson.Raw
	}{{"programme", &im.programmes}, {"video", &im.videos}} {
		if len(*batch.docs) == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("importing titles: %w", err)
		}
		n, err := im.store.Put(ctx, batch.collection, *batch.docs)
		im.result.Written += n
		if err != nil {
			return fmt.Errorf("importing titles: %w", err)
		}
		clear(*batch.docs)
		*batch.docs = (*batch.docs)[:0]
	}
	im.flushed = true
	return nil
}
