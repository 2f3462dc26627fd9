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
	People     int
	Channels   int
	Written    int // documents of all collections that were new or had changed
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
	importBytes  = 4 << 20 // ends a batch early, so that long casts and texts stay within a store's and the memory's limits
	maxRowErrors = 1000
)

// Import reads a titles file, and writes for each row a programme and its videos, for each name that it credits a person,
// and the channels that its programmes are of.
//
// The file is CSV with a header that names, in any order, the columns show_id, type and title and perhaps director, cast,
// country, date_added, release_year, rating, duration, listed_in and description; others are ignored. Comma, semicolon
// and tab separate. A row that breaks a rule is left out and reported in the result, and nobody of it is made; only a file
// that is no titles file, a reader's or store's error and the end of ctx end the import early, with the result so far.
//
// What the file does not tell and a catalogue has (channels, episodes, trailers, tracks, markers, rights) is made up, always
// the same for the same row. The order of rows decides only who of two has the plain slug, and who of two has an id.
//
// Importing again writes only what differs, so that an import which was cut off is repeated to finish it. What left
// the file stays in the store, and so does what editors changed, until the row itself changes. The file is read once
// and never held: only its ids and slugs are, and the people's ids.
func Import(ctx context.Context, store Store, r io.Reader, size int64, progress Progress) (ImportResult, error) {
	if progress == nil {
		progress = func(int64, int64, ImportResult) {}
	}
	im := importer{store: store, seen: map[string]bool{}}
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
			err = im.flush(ctx, videos)
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

// The collections in the order in which they are written: what a document names comes before it.
const (
	channels = iota
	people
	programmes
	videos
	collections
)

var importCollections = [collections]string{"channel", "person", "programme", "video"}

// importer gathers documents and writes them in batches, each never before those that it names.
type importer struct {
	store   Store
	batches [collections]batch
	seen    map[string]bool // ids of the people and channels that were made
	result  ImportResult
	flushed bool
}

type batch struct {
	docs  []bson.Raw
	bytes int
}

func (im *importer) fail(e RowError) {
	im.result.Failed++
	if len(im.result.Errors) < maxRowErrors {
		im.result.Errors = append(im.result.Errors, e)
	}
}

func (im *importer) add(ctx context.Context, t title) error {
	if c := t.channel(); !im.seen[c.id] {
		im.seen[c.id] = true
		im.result.Channels++
		if err := im.put(ctx, channels, c.document()); err != nil {
			return err
		}
	}
	credits := t.credits()
	for _, c := range credits {
		if im.seen[c.person.id] {
			continue
		}
		im.seen[c.person.id] = true
		im.result.People++
		if err := im.put(ctx, people, c.person.document()); err != nil {
			return err
		}
	}
	im.result.Programmes++
	if err := im.put(ctx, programmes, t.programme(credits)); err != nil {
		return err
	}
	for v := range t.videos() {
		im.result.Videos++
		if err := im.put(ctx, videos, t.video(v)); err != nil {
			return err
		}
	}
	return nil
}

// put adds a document to a collection's batch, which it writes when it is full.
func (im *importer) put(ctx context.Context, collection int, doc bson.Raw) error {
	b := &im.batches[collection]
	b.docs = append(b.docs, doc)
	b.bytes += len(doc)
	if len(b.docs) < importBatch && b.bytes < importBytes {
		return nil
	}
	return im.flush(ctx, collection)
}

// flush writes the batches up to a collection's.
func (im *importer) flush(ctx context.Context, last int) error {
	for i := range im.batches[:last+1] {
		b := &im.batches[i]
		if len(b.docs) == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("importing titles: %w", err)
		}
		n, err := im.store.Put(ctx, importCollections[i], b.docs)
		im.result.Written += n
		if err != nil {
			return fmt.Errorf("importing titles: %w", err)
		}
		clear(b.docs)
		b.docs, b.bytes = b.docs[:0], 0
	}
	im.flushed = true
	return nil
}
