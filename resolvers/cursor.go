package resolvers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// Cursors are places in lists as clients are given them: signed, so that none can be made up, or used in another list.
type Cursors struct {
	secret []byte
}

// NewCursors makes cursors that every gateway with the same secret reads.
func NewCursors(secret []byte) Cursors { return Cursors{secret} }

const macSize = 8

// encode signs a place for a list, named as no other is.
func (c Cursors) encode(list, place string) string {
	return base64.RawURLEncoding.EncodeToString(append(c.mac(list, place), place...))
}

var errCursor = errors.New("the cursor is none of this list and order: give the endCursor of its page before")

func (c Cursors) decode(list, cursor string) (place string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) <= macSize {
		return "", errCursor
	}
	place = string(b[macSize:])
	if !hmac.Equal(b[:macSize], c.mac(list, place)) {
		return "", errCursor
	}
	return place, nil
}

func (c Cursors) mac(list, place string) []byte {
	h := hmac.New(sha256.New, c.secret)
	_, _ = fmt.Fprintf(h, "%q %q", list, place)
	return h.Sum(nil)[:macSize]
}
