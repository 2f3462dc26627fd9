package transform

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// decode reads a document of MongoDB Extended JSON.
func decode(value []byte) (bson.Raw, error) {
	if raw, ok := decodeCanonical(value); ok {
		return raw, nil
	}
	// The driver's parser trusts its input: half an object can send it round for ever, and arrays nested without end
	// overflow its stack. So JSON's own, which also bounds the depth, looks first.
	if !json.Valid(value) {
		var why json.RawMessage
		return nil, fmt.Errorf("the value is not JSON: %w", json.Unmarshal(value, &why))
	}
	var raw bson.Raw
	if err := bson.UnmarshalExtJSON(value, false, &raw); err != nil {
		why := fmt.Sprintf("%.500s", err.Error()) // it may quote a text of any size
		return nil, errors.New("the value is not a change as MongoDB Extended JSON: " + why)
	}
	return raw, nil
}

// decodeCanonical reads what capture writes most: canonical Extended JSON without spaces, of documents, arrays, texts,
// numbers, dates, ObjectIDs, true, false and null. Anything else, and all that is wrong, is not ok and for the driver,
// whose bytes these are, at several times the price.
func decodeCanonical(value []byte) (raw bson.Raw, ok bool) {
	c := canonical{in: value, out: make([]byte, 0, len(value)+len(value)/4)}
	ok = len(value) > 0 && value[0] == '{' && c.elements('}') && len(c.in) == 0
	return c.out, ok
}

// canonical is a reader of in that writes BSON. Its methods take from in what they read, and are false where it is
// something else.
type canonical struct {
	in, out []byte
	depth   int
}

const maxDepth = 100

// elements are those of a document or an array, from its bracket to end.
func (c *canonical) elements(end byte) bool {
	if c.depth++; c.depth > maxDepth {
		return false
	}
	start := len(c.out)
	c.out = append(c.out, 0, 0, 0, 0)
	c.in = c.in[1:]
	for i := 0; !c.next(end); i++ {
		if i > 0 && !c.next(',') {
			return false
		}
		kind := len(c.out)
		c.out = append(c.out, 0)
		if end == ']' {
			c.out = strconv.AppendInt(c.out, int64(i), 10)
		} else if !c.name() {
			return false
		}
		c.out = append(c.out, 0)
		t, ok := c.value()
		if !ok {
			return false
		}
		c.out[kind] = byte(t)
	}
	c.out = append(c.out, 0)
	binary.LittleEndian.PutUint32(c.out[start:], uint32(len(c.out)-start))
	c.depth--
	return true
}

// next takes a byte.
func (c *canonical) next(b byte) bool {
	if len(c.in) == 0 || c.in[0] != b {
		return false
	}
	c.in = c.in[1:]
	return true
}

// take takes a text.
func (c *canonical) take(s string) bool {
	if len(c.in) < len(s) || string(c.in[:len(s)]) != s {
		return false
	}
	c.in = c.in[len(s):]
	return true
}

// name is a field's, with its colon. One that begins with a dollar may not be a field's.
func (c *canonical) name() bool {
	if !c.next('"') {
		return false
	}
	n := bytes.IndexByte(c.in, '"')
	if n < 0 || n > 0 && c.in[0] == '$' {
		return false
	}
	for _, b := range c.in[:n] {
		if b == '\\' || b < ' ' {
			return false
		}
	}
	c.out = append(c.out, c.in[:n]...)
	c.in = c.in[n+1:]
	return c.next(':')
}

func (c *canonical) value() (bson.Type, bool) {
	if len(c.in) == 0 {
		return 0, false
	}
	switch c.in[0] {
	case '"':
		return bson.TypeString, c.text()
	case '[':
		return bson.TypeArray, c.elements(']')
	case '{':
		if len(c.in) > 2 && c.in[1] == '"' && c.in[2] == '$' {
			return c.wrapped()
		}
		return bson.TypeEmbeddedDocument, c.elements('}')
	case 'n':
		return bson.TypeNull, c.take("null")
	case 't':
		c.out = append(c.out, 1)
		return bson.TypeBoolean, c.take("true")
	case 'f':
		c.out = append(c.out, 0)
		return bson.TypeBoolean, c.take("false")
	}
	return 0, false
}

// wrapped is a value of a type that JSON has not.
func (c *canonical) wrapped() (bson.Type, bool) {
	switch {
	case c.take(`{"$oid":"`):
		var id bson.ObjectID
		digits, ok := c.until(`"}`)
		if !ok || len(digits) != 2*len(id) {
			return 0, false
		}
		_, err := hex.Decode(id[:], digits)
		c.out = append(c.out, id[:]...)
		return bson.TypeObjectID, err == nil
	case c.take(`{"$date":{"$numberLong":"`):
		return bson.TypeDateTime, c.int64(`"}}`)
	case c.take(`{"$numberLong":"`):
		return bson.TypeInt64, c.int64(`"}`)
	case c.take(`{"$numberInt":"`):
		digits, ok := c.until(`"}`)
		n, err := strconv.ParseInt(string(digits), 10, 32)
		c.out = binary.LittleEndian.AppendUint32(c.out, uint32(n))
		return bson.TypeInt32, ok && err == nil
	case c.take(`{"$numberDouble":"`):
		digits, ok := c.until(`"}`)
		f, err := strconv.ParseFloat(string(digits), 64)
		c.out = binary.LittleEndian.AppendUint64(c.out, math.Float64bits(f))
		return bson.TypeDouble, ok && err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

func (c *canonical) int64(end string) bool {
	digits, ok := c.until(end)
	n, err := strconv.ParseInt(string(digits), 10, 64)
	c.out = binary.LittleEndian.AppendUint64(c.out, uint64(n))
	return ok && err == nil
}

// until takes the digits of a short text, and its end.
func (c *canonical) until(end string) ([]byte, bool) {
	n := bytes.IndexByte(c.in[:min(len(c.in), 50)], '"')
	if n < 0 {
		return nil, false
	}
	digits := c.in[:n]
	c.in = c.in[n:]
	return digits, c.take(end)
}

func (c *canonical) text() bool {
	start := len(c.out)
	c.out = append(c.out, 0, 0, 0, 0)
	c.in = c.in[1:]
	for {
		n := 0
		for n < len(c.in) && c.in[n] != '"' && c.in[n] != '\\' && c.in[n] >= ' ' {
			n++
		}
		c.out = append(c.out, c.in[:n]...)
		c.in = c.in[n:]
		if c.next('"') {
			break
		}
		if !c.escape() {
			return false
		}
	}
	c.out = append(c.out, 0)
	binary.LittleEndian.PutUint32(c.out[start:], uint32(len(c.out)-start-4))
	return true
}

// escape is a character that is written as \n or \u003c. Half a surrogate pair is for the driver.
func (c *canonical) escape() bool {
	if len(c.in) < 2 || c.in[0] != '\\' {
		return false
	}
	b := c.in[1]
	c.in = c.in[2:]
	switch b {
	case '"', '\\', '/':
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	case 'u':
		if len(c.in) < 4 {
			return false
		}
		r, err := strconv.ParseUint(string(c.in[:4]), 16, 16)
		if err != nil || utf16.IsSurrogate(rune(r)) {
			return false
		}
		c.in = c.in[4:]
		c.out = utf8.AppendRune(c.out, rune(r))
		return true
	default:
		return false
	}
	c.out = append(c.out, b)
	return true
}
