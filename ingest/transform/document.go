package transform

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/cms"
)

// document reads a CMS document's fields and gathers every rule that one breaks, so that an editor sees all at once.
// Methods return a zero value for what is absent or wrong. Those that end in At read a value that was found already,
// whose place within the document is at.
type document struct {
	fields []bson.RawElement
	path   string // of a nested document, with its dot
	*reading
}

// reading is what a document has in common with those within it.
type reading struct {
	rules    []string // that are broken: the first of them, in words
	broken   int      // how many are
	elements []bson.RawElement
}

const maxBroken = 50

func read(raw bson.Raw) document {
	r := &reading{elements: make([]bson.RawElement, 0, 64)}
	return document{fields: r.split(raw), reading: r}
}

// split takes a document or an array apart, so that nothing is looked for in all its bytes. They are well formed, for
// decode made them.
func (r *reading) split(raw bson.Raw) []bson.RawElement {
	first := len(r.elements)
	_, rest, ok := bsoncore.ReadLength(raw)
	for ok {
		var e bsoncore.Element
		if e, rest, ok = bsoncore.ReadElement(rest); ok {
			r.elements = append(r.elements, bson.RawElement(e))
		}
	}
	return r.elements[first:]
}

// ok is true when every field was as it must be.
func (d document) ok() bool { return d.broken == 0 }

// err names what was not.
func (d document) err() error {
	if d.ok() {
		return nil
	}
	rules := strings.Join(d.rules, "\n")
	if more := d.broken - len(d.rules); more > 0 {
		rules += fmt.Sprintf("\nand %d more broken rules", more)
	}
	return errors.New(rules)
}

func (d document) fail(at, format string, args ...any) {
	if d.broken++; d.broken <= maxBroken {
		d.rules = append(d.rules, d.path+at+": "+fmt.Sprintf(format, args...))
	}
}

// get returns a field that is there and not null.
func (d document) get(field string) (bson.RawValue, bool) {
	for _, e := range d.fields { // a byte of type, the name, a byte zero
		if end := 1 + len(field); len(e) > end && e[end] == 0 && string(e[1:end]) == field {
			v := e.Value()
			return v, v.Type != bson.TypeNull && v.Type != bson.TypeUndefined
		}
	}
	return bson.RawValue{}, false
}

// only refuses the fields that are none of those known: where a misspelt one, ignored, would make something else of the rest.
func (d document) only(known ...string) {
	for _, e := range d.fields {
		if name := e.Key(); !slices.Contains(known, name) {
			d.fail(fmt.Sprintf("%.100s", strings.ToValidUTF8(name, "?")), "is no field of this rule: those are %s", strings.Join(known, ", "))
		}
	}
}

// text is a string of at most max characters, without the spaces around it.
func (d document) text(field string, max int) string {
	v, ok := d.get(field)
	if !ok {
		return ""
	}
	return d.textAt(field, v, max)
}

func (d document) textAt(at string, v bson.RawValue, max int) string {
	s, ok := v.StringValueOK()
	switch {
	case !ok:
		d.fail(at, "must be a string, is %s", v.Type)
	case !utf8.ValidString(s):
		d.fail(at, "is not valid UTF-8")
	case len(s) > max && utf8.RuneCountInString(s) > max:
		d.fail(at, "has %d characters, at most %d are allowed", utf8.RuneCountInString(s), max)
	default:
		return strings.TrimSpace(s)
	}
	return ""
}

// required is a text that must not be empty.
func (d document) required(field string, max int) string {
	v, ok := d.get(field)
	if !ok {
		d.fail(field, "is missing")
		return ""
	}
	before := d.broken
	s := d.textAt(field, v, max)
	if s == "" && d.broken == before {
		d.fail(field, "is missing")
	}
	return s
}

func (d document) slug() string {
	s := d.required("slug", maxSlug)
	d.checkSlug("slug", s)
	return s
}

func (d document) checkSlug(at, s string) {
	if s != "" && !catalog.IsSlug(s) {
		d.fail(at, "%.200q may hold only lower-case letters a-z, digits and single dashes between them", s)
	}
}

// boolean is true or false, or what it is by default.
func (d document) boolean(field string, byDefault bool) bool {
	v, ok := d.get(field)
	if !ok {
		return byDefault
	}
	b, ok := v.BooleanOK()
	if !ok {
		d.fail(field, "must be true or false, is %s", v.Type)
	}
	return b
}

// integer is a whole number between min and max, of any numeric type.
func (d document) integer(field string, min, max int32) *int32 {
	v, ok := d.get(field)
	if !ok {
		return nil
	}
	return d.integerAt(field, v, min, max)
}

func (d document) integerAt(at string, v bson.RawValue, min, max int32) *int32 {
	var n int64
	whole := true
	var is any // as it was written
	switch v.Type {
	case bson.TypeInt32:
		n = int64(v.Int32())
	case bson.TypeInt64:
		n = v.Int64()
	case bson.TypeDouble:
		f := v.Double()
		n, is = int64(f), f
		whole = float64(n) == f && math.Abs(f) <= 1<<53
	case bson.TypeDecimal128:
		text := v.Decimal128().String()
		is = text
		r, ok := new(big.Rat).SetString(text)
		if whole = ok && r.IsInt() && r.Num().IsInt64(); whole {
			n = r.Num().Int64()
		}
	default:
		d.fail(at, "must be a number, is %s", v.Type)
		return nil
	}
	if !whole {
		d.fail(at, "must be a whole number, is %v", is)
		return nil
	}
	if n < int64(min) || n > int64(max) {
		d.fail(at, "must be between %d and %d, is %d", min, max, n)
		return nil
	}
	i := int32(n)
	return &i
}

// requiredInteger is an integer that must be there.
func (d document) requiredInteger(field string, min, max int32) int32 {
	if _, ok := d.get(field); !ok {
		d.fail(field, "is missing")
	}
	return or(d.integer(field, min, max), 0)
}

// or is a number, or what it is by default.
func or(n *int32, byDefault int32) int32 {
	if n == nil {
		return byDefault
	}
	return *n
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

// names are the values of a Protobuf enum by the names that documents have for them.
type names[E ~int32] map[string]E

// namesOf are an enum's own names without the prefix, such as SERIES. The value zero has none.
func namesOf[E ~int32](prefix string, values map[string]int32) names[E] {
	out := names[E]{}
	for name, v := range values {
		if v != 0 {
			out[strings.TrimPrefix(name, prefix)] = E(v)
		}
	}
	return out
}

// list has the names in the order of the values.
func (ns names[E]) list() string {
	var known []string
	for name := range ns {
		known = append(known, name)
	}
	slices.SortFunc(known, func(a, b string) int { return int(ns[a]) - int(ns[b]) })
	return strings.Join(known, ", ")
}

// enum is a value by its name, which must be there.
func enum[E ~int32](d document, field string, ns names[E]) E {
	v, ok := d.get(field)
	if !ok {
		d.fail(field, "is missing")
		return 0
	}
	return enumAt(d, field, v, ns)
}

// enumOr is a value by its name, or what it is by default.
func enumOr[E ~int32](d document, field string, ns names[E], byDefault E) E {
	v, ok := d.get(field)
	if !ok {
		return byDefault
	}
	return enumAt(d, field, v, ns)
}

func enumAt[E ~int32](d document, at string, v bson.RawValue, ns names[E]) E {
	before := d.broken
	s := d.textAt(at, v, 50)
	e, ok := ns[s]
	switch {
	case d.broken > before:
	case s == "":
		d.fail(at, "is missing")
	case !ok:
		d.fail(at, "%q is none of %s", s, ns.list())
	}
	return e
}

// enums are values by their names, in the document's order.
func enums[E ~int32](d document, field string, max int, ns names[E]) []E {
	var out []E
	d.list(field, max, func(at string, v bson.RawValue) {
		out = append(out, enumAt(d, at, v, ns))
	})
	return out
}

// ref is the _id of another document, as text.
func (d document) ref(field string) string {
	v, ok := d.get(field)
	if !ok {
		return ""
	}
	return d.refAt(field, v)
}

func (d document) requiredRef(field string) string {
	v, ok := d.get(field)
	if !ok {
		d.fail(field, "is missing")
		return ""
	}
	return d.refAt(field, v)
}

func (d document) refAt(at string, v bson.RawValue) string {
	if v.Type == bson.TypeNull || v.Type == bson.TypeUndefined {
		d.fail(at, "must be an _id, is %s", v.Type)
		return ""
	}
	k, err := cms.Key(v)
	switch {
	case err != nil:
		d.fail(at, "%v", err)
	case !utf8.ValidString(k):
		d.fail(at, "is not valid UTF-8")
	case len(k) > maxRef:
		d.fail(at, "has %d bytes as text, at most %d are allowed", len(k), maxRef)
	default:
		return k
	}
	return ""
}

// refs are _ids of other documents.
func (d document) refs(field string, max int) []string {
	var out []string
	d.list(field, max, func(at string, v bson.RawValue) {
		out = append(out, d.refAt(at, v))
	})
	return out
}

// list calls each for the elements of an array of at most max.
func (d document) list(field string, max int, each func(at string, v bson.RawValue)) {
	v, ok := d.get(field)
	if !ok {
		return
	}
	a, ok := v.ArrayOK()
	if !ok {
		d.fail(field, "must be an array, is %s", v.Type)
		return
	}
	elements := d.split(bson.Raw(a))
	if len(elements) > max {
		d.fail(field, "has %d elements, at most %d are allowed", len(elements), max)
		return
	}
	for i, e := range elements {
		each(field+"."+strconv.Itoa(i), e.Value())
	}
}

// texts is an array of texts that check, if there is one, finds nothing wrong with.
func (d document) texts(field string, max, maxText int, check func(at, s string)) []string {
	var out []string
	d.list(field, max, func(at string, v bson.RawValue) {
		before := d.broken
		s := d.textAt(at, v, maxText)
		switch {
		case d.broken > before:
			return
		case s == "":
			d.fail(at, "is empty")
		case check != nil:
			check(at, s)
		}
		out = append(out, s)
	})
	return out
}

// nested is a document within this one; ok is false when it is absent or wrong.
func (d document) nested(field string) (document, bool) {
	v, ok := d.get(field)
	if !ok {
		return d, false
	}
	return d.nestedAt(field, v)
}

func (d document) nestedAt(at string, v bson.RawValue) (document, bool) {
	raw, ok := d.rawAt(at, v)
	return document{fields: d.split(raw), path: d.path + at + ".", reading: d.reading}, ok
}

func (d document) rawAt(at string, v bson.RawValue) (bson.Raw, bool) {
	raw, ok := v.DocumentOK()
	if !ok {
		d.fail(at, "must be a document, is %s", v.Type)
	}
	return raw, ok
}

// documents makes something of each document of an array.
func documents[T any](d document, field string, max int, of func(document) T) []T {
	var out []T
	d.list(field, max, func(at string, v bson.RawValue) {
		if n, ok := d.nestedAt(at, v); ok {
			out = append(out, of(n))
		}
	})
	return out
}
