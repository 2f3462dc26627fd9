package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Cursors are places in lists as clients are given them: signed together with the list's name, so that none can be made
// up, or used in another list.
type Cursors struct {
	secret []byte
}

// NewCursors makes cursors that every process with the same secret reads.
func NewCursors(secret []byte) Cursors { return Cursors{secret} }

const macSize = 8

// Encode signs a place in a list, named as no other is.
func (c Cursors) Encode(list, place string) string {
	return base64.RawURLEncoding.EncodeToString(append(c.mac(list, place), place...))
}

// Decode returns the place that a cursor of this list is; not ok is one that is none.
func (c Cursors) Decode(list, cursor string) (place string, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) <= macSize {
		return "", false
	}
	place = string(b[macSize:])
	return place, hmac.Equal(b[:macSize], c.mac(list, place))
}

func (c Cursors) mac(list, place string) []byte {
	h := hmac.New(sha256.New, c.secret)
	_, _ = fmt.Fprintf(h, "%q %q", list, place)
	return h.Sum(nil)[:macSize]
}
