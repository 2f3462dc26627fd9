package transform

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// document reads a CMS document's fields and gathers every rule that one breaks, so that an editor sees all at once.
// Methods return a zero value for what is absent or wrong.
type document struct {
	raw  bson.Raw
	path string // of a nested document, with its dot
	errs *[]error
}

func read(raw bson.Raw) document { return document{raw: raw, errs: new([]error)} }

// err is nil when every field was as it must be.
func (d document) err() error { return errors.Join(*d.errs...) }

func (d document) fail(field, format string, args ...any) {
	*d.errs = append(*d.errs, fmt.Errorf("%s%s: %s", d.path, field, fmt.Sprintf(format, args...)))
}

// get returns a field that is there and not null.
func (d document) get(field string) (bson.RawValue, bool) {
	v, err := d.raw.LookupErr(field)
	return v, err == nil && v.Type != bson.TypeNull && v.Type != bson.TypeUndefined
}

// text is a string of at most max characters.
func (d document) text(field string, max int) string {
	v, ok := d.get(field)
	if !ok {
		return ""
	}
	s, ok := v.StringValueOK()
	switch {
	case !ok:
		d.fail(field, "must be a string, is %s", v.Type)
	case !utf8.ValidString(s):
		d.fail(field, "is not valid UTF-8")
	case utf8.RuneCountInString(s) > max:
		d.fail(field, "has %d characters, at most %d are allowed", utf8.RuneCountInString(s), max)
	default:
		return strings.TrimSpace(s)
	}
	return ""
}

// required is a text that must not be empty.
func (d document) required(field string, max int) string {
	before := len(*d.errs)
	s := d.text(field, max)
	if s == "" && len(*d.errs) == before {
		d.fail(field, "is missing")
	}
	return s
}

func (d document) slug(field string) string {
	s := d.required(field, 200)
	if s != "" && !catalog.IsSlug(s) {
		d.fail(field, "%q may hold only lower-case letters a-z, digits and single dashes between them", s)
	}
	return s
}

// integer is a whole number between min and max, of any numeric type.
func (d document) integer(field string, min, max int32) *int32 {
	v, ok := d.get(field)
	if !ok {
		return nil
	}
	var n int64
	switch v.Type {
	case bson.TypeInt32:
		n = int64(v.Int32())
	case bson.TypeInt64:
		n = v.Int64()
	case bson.TypeDouble:
		f := v.Double()
		if n = int64(f); float64(n) != f || math.Abs(f) > 1<<53 {
			d.fail(field, "must be a whole number, is %v", f)
			return nil
		}
	default:
		d.fail(field, "must be a number, is %s", v.Type)
		return nil
	}
	if n < int64(min) || n > int64(max) {
		d.fail(field, "must be between %d and %d, is %d", min, max, n)
		return nil
	}
	i := int32(n)
	return &i
}

// date is an instant of the years 1 to 9999.
func (d document) date(field string) *timestamppb.Timestamp {
	v, ok := d.get(field)
	if !ok {
		return nil
	}
	ms, ok := v.DateTimeOK()
	if !ok {
		d.fail(field, "must be a date, is %s", v.Type)
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		d.fail(field, "must be of the years 1 to 9999, is of %d", t.Year())
		return nil
	}
	return timestamppb.New(t)
}

// enum is a value of a Protobuf enum by its name without the prefix, such as SERIES.
func (d document) enum(field, prefix string, values protoreflect.EnumDescriptor) protoreflect.EnumNumber {
	s := d.required(field, 50)
	if s == "" {
		return 0
	}
	v := values.Values().ByName(protoreflect.Name(prefix + s))
	if v == nil || v.Number() == 0 {
		var known []string
		for i := 1; i < values.Values().Len(); i++ {
			known = append(known, strings.TrimPrefix(string(values.Values().Get(i).Name()), prefix))
		}
		d.fail(field, "%q is none of %s", s, strings.Join(known, ", "))
		return 0
	}
	return v.Number()
}

// ref is the _id of another document, as text.
func (d document) ref(field string, key func(bson.RawValue) (string, error)) string {
	v, ok := d.get(field)
	if !ok {
		d.fail(field, "is missing")
		return ""
	}
	k, err := key(v)
	if err != nil {
		d.fail(field, "%v", err)
	}
	return k
}

// list calls each for the elements of an array.
func (d document) list(field string, each func(i int, v bson.RawValue)) {
	v, ok := d.get(field)
	if !ok {
		return
	}
	a, ok := v.ArrayOK()
	if !ok {
		d.fail(field, "must be an array, is %s", v.Type)
		return
	}
	values, err := a.Values()
	if err != nil {
		d.fail(field, "is malformed: %v", err)
	}
	for i, v := range values {
		each(i, v)
	}
}

// nested is a document within this one; ok is false when it is absent or wrong.
func (d document) nested(field string) (document, bool) {
	v, ok := d.get(field)
	if !ok {
		return d, false
	}
	raw, ok := v.DocumentOK()
	if !ok {
		d.fail(field, "must be a document, is %s", v.Type)
	}
	return document{raw: raw, path: d.path + field + ".", errs: d.errs}, ok
}

// documents is an array of documents.
func (d document) documents(field string, each func(document)) {
	d.list(field, func(i int, v bson.RawValue) {
		raw, ok := v.DocumentOK()
		if !ok {
			d.fail(fmt.Sprintf("%s.%d", field, i), "must be a document, is %s", v.Type)
			return
		}
		each(document{raw: raw, path: fmt.Sprintf("%s%s.%d.", d.path, field, i), errs: d.errs})
	})
}

const (
	maxTitle = 300
	maxText  = 20_000
)

func (d document) synopsis(field string) *catalogv1.Synopsis {
	n, ok := d.nested(field)
	if !ok {
		return nil
	}
	return &catalogv1.Synopsis{Short: n.text("short", maxText), Medium: n.text("medium", maxText), Long: n.text("long", maxText)}
}

var country = regexp.MustCompile(`^[A-Z]{2}$`)

func (d document) countries(field string) []string {
	var out []string
	d.list(field, func(i int, v bson.RawValue) {
		s, _ := v.StringValueOK()
		if !country.MatchString(s) {
			d.fail(fmt.Sprintf("%s.%d", field, i), "must be a country as two capital letters (ISO 3166-1)")
			return
		}
		out = append(out, s)
	})
	return out
}

// imageURL tells whether s is an absolute https URL or a path of this site, and for a browser too: it takes // and /\
// for another site, and leaves tabs and line ends out.
func imageURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || strings.Contains(s, `\`) {
		return false
	}
	return u.Scheme == "https" && u.Host != "" || u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//")
}

func (d document) images(field string) []*catalogv1.Image {
	var out []*catalogv1.Image
	d.documents(field, func(n document) {
		address := n.required("url", 2000)
		if address != "" && !imageURL(address) {
			n.fail("url", "must be a URL that begins with https:// or a path that begins with one /")
		}
		out = append(out, &catalogv1.Image{
			Role: catalogv1.ImageRole(n.enum("role", "IMAGE_ROLE_", catalogv1.ImageRole(0).Descriptor())),
			Url:  address, Alt: n.text("alt", maxTitle),
		})
	})
	return out
}

// created is when the document was: its createdAt, else what its ObjectID tells, else the epoch.
func (d document) created() *timestamppb.Timestamp {
	if t := d.date("createdAt"); t != nil {
		return t
	}
	if id, ok := d.raw.Lookup("_id").ObjectIDOK(); ok {
		return timestamppb.New(id.Timestamp())
	}
	return timestamppb.New(time.Unix(0, 0))
}
