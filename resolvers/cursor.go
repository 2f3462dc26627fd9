package resolvers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"regie/internal/catalog"
)

// Cursors makes and reads the places in lists: a list's member, signed together with the list, so that a client can
// neither forge a place nor use one in another list or order.
type Cursors struct {
	secret []byte
}

// NewCursors signs with a secret that all gateways share.
func NewCursors(secret []byte) Cursors { return Cursors{secret} }

const macSize = 8

func (c Cursors) encode(l catalog.List, member string) string {
	return base64.RawURLEncoding.EncodeToString(append(c.mac(l, member), member...))
}

var errCursor = errors.New("the cursor is none of this list and order: give the endCursor of its page before")

func (c Cursors) decode(l catalog.List, cursor string) (member string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) <= macSize {
		return "", errCursor
	}
	member = string(b[macSize:])
	if !hmac.Equal(b[:macSize], c.mac(l, member)) {
		return "", errCursor
	}
	return member, nil
}

// mac is the same for every screen, whose lists have the same members.
func (c Cursors) mac(l catalog.List, member string) []byte {
	h := hmac.New(sha256.New, c.secret)
	_, _ = fmt.Fprintf(h, "%q %q %t %q", l.Family, l.Order, l.Reverse, member)
	return h.Sum(nil)[:macSize]
}
