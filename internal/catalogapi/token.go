package catalogapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"regie/internal/catalog"
)

// tokens makes and reads places in lists: a cursor, signed together with the list, so that a client can neither forge a
// place nor use one in another list or order. It is the same for every screen, whose lists have the same members.
type tokens struct {
	secret []byte
}

const macSize = 8

func (t tokens) encode(l catalog.List, cursor string) string {
	return base64.RawURLEncoding.EncodeToString(append(t.mac(l, cursor), cursor...))
}

// decode returns the list's cursor in a token, "" for the empty one.
func (t tokens) decode(l catalog.List, token string) (cursor string, err error) {
	if token == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) <= macSize || !hmac.Equal(b[:macSize], t.mac(l, string(b[macSize:]))) {
		return "", invalid("page_token is none of this list and order: give the next_page_token of its page before")
	}
	return string(b[macSize:]), nil
}

// mac begins with a name of its own: GraphQL's cursors are signed with the same secret.
func (t tokens) mac(l catalog.List, cursor string) []byte {
	h := hmac.New(sha256.New, t.secret)
	_, _ = fmt.Fprintf(h, "grpc page token\n%s %q", l.Name(), cursor)
	return h.Sum(nil)[:macSize]
}
