// Package cli has the subcommands that are not a server: they edit the CMS and look after topics.
package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

// IO is where a command reads and writes.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
}

// Get prints a document as relaxed Extended JSON.
func Get(ctx context.Context, std IO, store cms.Store, collection, ref string) error {
	doc, err := store.Get(ctx, collection, ref)
	if err != nil {
		return err
	}
	ext, err := bson.MarshalExtJSONIndent(doc, false, false, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s %q as Extended JSON: %w", collection, ref, err)
	}
	_, err = fmt.Fprintf(std.Out, "%s\n", ext)
	return err
}

// Set changes fields given as name=text or name:=JSON.
func Set(ctx context.Context, std IO, store cms.Store, collection, ref string, assignments []string) error {
	doc, err := store.Get(ctx, collection, ref)
	if err != nil {
		return err
	}
	var fields bson.D
	var errs []error
	for _, a := range assignments {
		f, err := assignment(doc, a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fields = append(fields, f)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := store.Set(ctx, collection, ref, fields); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "%s %s changed\n", collection, ref)
	return err
}

// assignment reads name=text, where the text becomes what the field is now (a number, a date, a truth value; else a
// string), or name:=JSON, where it is Extended JSON whatever was there; null removes the field.
func assignment(doc bson.Raw, a string) (bson.E, error) {
	name, text, ok := strings.Cut(a, "=")
	raw := strings.HasSuffix(name, ":")
	name = strings.TrimSuffix(name, ":")
	if !ok || name == "" {
		return bson.E{}, fmt.Errorf("%.200q is no assignment: write title='New title', or for any type year:=2026", a)
	}
	if raw {
		var d bson.D
		if err := bson.UnmarshalExtJSON([]byte(`{"value":`+text+`}`), false, &d); err != nil || len(d) != 1 {
			return bson.E{}, fmt.Errorf("%s: %.200q is not Extended JSON: %w", name, text, err)
		}
		return bson.E{Key: name, Value: d[0].Value}, nil
	}
	wrong := func(what string) (bson.E, error) {
		return bson.E{}, fmt.Errorf("%s: it is %s now, which %.200q is not; to change its type write %s:=JSON", name, what, text, name)
	}
	switch v := doc.Lookup(strings.Split(name, ".")...); v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong("a whole number")
		}
		if v.Type == bson.TypeInt32 && n == int64(int32(n)) {
			return bson.E{Key: name, Value: int32(n)}, nil
		}
		return bson.E{Key: name, Value: n}, nil
	case bson.TypeDouble:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return wrong("a number")
		}
		return bson.E{Key: name, Value: n}, nil
	case bson.TypeBoolean:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return wrong("true or false")
		}
		return bson.E{Key: name, Value: b}, nil
	case bson.TypeDateTime:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return wrong("a date such as 2026-11-22T20:00:00Z")
		}
		return bson.E{Key: name, Value: bson.NewDateTimeFromTime(t)}, nil
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return wrong("a document or a list")
	}
	return bson.E{Key: name, Value: text}, nil
}

// Put reads Extended JSON documents from a file, or from the input when it is "-" or "", and inserts or replaces them.
func Put(ctx context.Context, std IO, store cms.Store, collection, file string) error {
	in := std.In
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("opening the documents: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	var docs []bson.Raw
	for dec := json.NewDecoder(in); ; {
		var ext json.RawMessage
		err := dec.Decode(&ext)
		if errors.Is(err, io.EOF) {
			break
		}
		var doc bson.Raw
		if err == nil {
			err = bson.UnmarshalExtJSON(ext, false, &doc)
		}
		if err != nil {
			return fmt.Errorf("document %d, near byte %d, is not Extended JSON, and none was written: %w", len(docs)+1, dec.InputOffset(), err)
		}
		if !bytes.HasPrefix(bytes.TrimSpace(ext), []byte("{")) || doc.Lookup("_id").Type == 0 {
			return fmt.Errorf("document %d has no _id, and none was written", len(docs)+1)
		}
		docs = append(docs, doc)
	}
	n := 0
	for some := range slices.Chunk(docs, putAtOnce) {
		written, err := store.Put(ctx, collection, some)
		n += written
		if err != nil && len(docs) > putAtOnce {
			err = fmt.Errorf("after %d documents were written: %w", n, err)
		}
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(std.Out, "%d of %d documents written\n", n, len(docs))
	return err
}

// putAtOnce is how many documents go to the store together: all of them, or none.
const putAtOnce = 1000

// Documents are all of a store's.
type Documents interface {
	// Each calls fn with every document of a collection.
	Each(ctx context.Context, collection string, fn func(doc bson.Raw) error) error
}

// Export prints all documents of a collection as canonical Extended JSON, one a line: what Put reads, type by type.
func Export(ctx context.Context, std IO, from Documents, collection string) error {
	if err := cms.CheckCollection(collection); err != nil {
		return err
	}
	out := bufio.NewWriter(std.Out)
	err := from.Each(ctx, collection, func(doc bson.Raw) error {
		ext, err := bson.MarshalExtJSON(doc, true, false)
		if err != nil {
			return fmt.Errorf("writing a document of %s as Extended JSON: %w", collection, err)
		}
		_, err = out.Write(append(ext, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// Delete removes a document.
func Delete(ctx context.Context, std IO, store cms.Store, collection, ref string) error {
	if err := store.Delete(ctx, collection, ref); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.Out, "%s %s deleted\n", collection, ref)
	return err
}
