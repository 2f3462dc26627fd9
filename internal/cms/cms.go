// Package cms is the editors' side: the documents of the content management system, in MongoDB or in the embedded
// store, and what reads and edits them.
//
//	editors, import, CLI --> Store --> documents
//	                                      |
//	                         Source <-----+   snapshot and change stream, read by capture
//
// Documents are BSON and of any shape: what they must be like is the transform's to say, so that one bad document never
// stops an editor or a neighbour.
package cms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/stream"
)

// Store reads and edits documents. A write is durable once it returns, and then appears in the Source.
type Store interface {
	// Get returns the document whose _id is ref, as text, or else the one whose slug it is; of several, the oldest by
	// createdAt. A global id (programme:p001) is understood too, and programme/video for a video, whose slug is unique
	// within its programme. ErrNotFound when there is none.
	Get(ctx context.Context, collection, ref string) (bson.Raw, error)
	// Put inserts documents or replaces those of the same _id, and returns how many it wrote: one that is there already
	// with the same bytes is left alone, and so is one whose importHash is the same, whatever was edited since. It refuses
	// all of them when one has no _id or more than MaxDocument bytes.
	Put(ctx context.Context, collection string, docs []bson.Raw) (int, error)
	// Set changes single fields (dotted paths reach into documents) of the document that Get finds. A null removes one.
	// It sets updatedAt, too.
	Set(ctx context.Context, collection, ref string, fields bson.D) error
	// Delete removes the document that Get finds.
	Delete(ctx context.Context, collection, ref string) error
}

// ErrNotFound says that no document has the id or slug.
var ErrNotFound = errors.New("not found")

// FieldImportHash holds a digest of the row that a document was imported from.
const FieldImportHash = "importHash"

const fieldUpdatedAt = "updatedAt"

// CheckCollection refuses what is not a collection.
func CheckCollection(name string) error {
	if slices.Contains(stream.Collections(), name) {
		return nil
	}
	return fmt.Errorf("unknown collection %q: known are %s", name, strings.Join(stream.Collections(), ", "))
}

// MaxDocument is how many bytes of BSON a document may have. It is MongoDB's bound, and the embedded store's too: what is
// edited in one can move to the other.
const MaxDocument = 16 << 20

// checkSize refuses what no store holds, and names the field that is to blame.
func checkSize(doc bson.Raw) error {
	if len(doc) <= MaxDocument {
		return nil
	}
	elements, err := doc.Elements()
	if err != nil {
		return badRequest{fmt.Errorf("reading the document: %w", err)}
	}
	largest := slices.MaxFunc(elements, func(a, b bson.RawElement) int { return len(a) - len(b) })
	const mebi = 1 << 20
	return badRequest{fmt.Errorf("it has %.1f MiB as BSON, at most %d MiB are allowed: %.200q alone has %.1f MiB",
		float64(len(doc))/mebi, MaxDocument/mebi, largest.Key(), float64(len(largest))/mebi)}
}

// check returns the keys of documents that are to be put. One that no store holds refuses all of them.
func check(collection string, docs []bson.Raw) ([]string, error) {
	keys := make([]string, len(docs))
	for i, d := range docs {
		key, err := Key(d.Lookup("_id"))
		if err == nil {
			err = checkSize(d)
		}
		if err != nil {
			return nil, refuse(collection, i, err)
		}
		keys[i] = key
	}
	return keys, nil
}

// refuse says of a Put which document, from 0, it refused.
func refuse(collection string, i int, err error) error {
	return badRequest{fmt.Errorf("document %d of %s, and none was written: %w", i+1, collection, err)}
}

// Key is an _id as text: an ObjectID's 24 hexadecimal digits, a string's own, and canonical Extended JSON for any other
// type and for a string that could be taken for one of those. Two different ids never have the same key, but for
// documents with strings that are not UTF-8.
func Key(id bson.RawValue) (string, error) {
	switch id.Type {
	case bson.TypeObjectID:
		return id.ObjectID().Hex(), nil
	case bson.TypeString:
		if s := id.StringValue(); !ambiguous(s) {
			return s, nil
		}
	case 0:
		return "", errors.New("the document has no _id")
	}
	b, err := bson.MarshalExtJSON(bson.D{{Key: "_", Value: id}}, true, false)
	if err != nil {
		return "", fmt.Errorf("writing an _id of type %s as text: %w", id.Type, err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), `{"_":`), "}"), nil
}

func ambiguous(s string) bool {
	if s == "" || extJSON(s) {
		return true
	}
	_, err := bson.ObjectIDFromHex(s)
	return err == nil && strings.ToLower(s) == s
}

// extJSON tells whether a key is to be read as Extended JSON. Its numbers are documents.
func extJSON(key string) bool {
	switch key {
	case "":
		return false
	case "true", "false", "null":
		return true
	}
	return strings.ContainsAny(key[:1], `"{[`) && utf8.ValidString(key)
}

// ID is the inverse of Key.
func ID(key string) any {
	if oid, err := bson.ObjectIDFromHex(key); err == nil && strings.ToLower(key) == key {
		return oid
	}
	if extJSON(key) {
		var d bson.D
		if err := bson.UnmarshalExtJSON([]byte(`{"_":`+key+`}`), true, &d); err == nil {
			return d[0].Value
		}
	}
	return key
}

// reference is what a ref of Get says: an id or slug and, for programme/video, the ref of the programme.
func reference(collection, ref string) (parent, self string) {
	ref = strings.TrimPrefix(ref, collection+":")
	if collection == "video" {
		if p, v, ok := strings.Cut(ref, "/"); ok {
			return p, v
		}
	}
	return "", ref
}

// lookup returns a string field of a document, or "".
func lookup(doc bson.Raw, field string) string {
	s, _ := doc.Lookup(field).StringValueOK()
	return s
}

// age orders documents: by createdAt, then by key. The oldest of one slug owns it.
func age(doc bson.Raw) (int64, string) {
	at, _ := doc.Lookup("createdAt").DateTimeOK()
	k, _ := Key(doc.Lookup("_id"))
	return at, k
}

// SetFields returns the document with fields changed; a null removes one.
func SetFields(doc bson.Raw, fields bson.D) (bson.Raw, error) {
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("decoding the document: %w", err)
	}
	for _, f := range fields {
		path := strings.Split(f.Key, ".")
		if path[0] == "_id" {
			return nil, badRequest{fmt.Errorf("%s: an _id never changes; put a new document and delete this one", f.Key)}
		}
		if slices.Contains(path, "") {
			return nil, badRequest{fmt.Errorf("%q: a field's name is empty", f.Key)}
		}
		var err error
		if d, err = setPath(d, path, f.Value); err != nil {
			return nil, badRequest{fmt.Errorf("%s: %w", f.Key, err)}
		}
	}
	changed, err := bson.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encoding the document: %w", err)
	}
	return changed, checkSize(changed)
}

// checkUpdatedAt refuses an updatedAt of the caller's own in Set.
func checkUpdatedAt(fields bson.D) error {
	if slices.ContainsFunc(fields, func(f bson.E) bool { return strings.SplitN(f.Key, ".", 2)[0] == fieldUpdatedAt }) {
		return badRequest{fmt.Errorf("%s: every change sets it", fieldUpdatedAt)}
	}
	return nil
}

func setPath(d bson.D, path []string, value any) (bson.D, error) {
	i := slices.IndexFunc(d, func(e bson.E) bool { return e.Key == path[0] })
	if len(path) == 1 {
		switch {
		case value == nil && i >= 0:
			return slices.Delete(d, i, i+1), nil
		case value == nil:
			return d, nil
		case i >= 0:
			d[i].Value = value
			return d, nil
		}
		return append(d, bson.E{Key: path[0], Value: value}), nil
	}
	if i < 0 {
		if value == nil {
			return d, nil
		}
		d = append(d, bson.E{Key: path[0], Value: bson.D{}})
		i = len(d) - 1
	}
	child, ok := d[i].Value.(bson.D)
	if !ok {
		return d, fmt.Errorf("%s is not a document", path[0])
	}
	child, err := setPath(child, path[1:], value)
	d[i].Value = child
	return d, err
}
