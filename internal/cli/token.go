package cli

import (
	"fmt"
	"time"

	"regie/internal/identity"
)

// Token prints a viewer's token that the secret signs.
func Token(std IO, secret, issuer, audience, user string, ttl time.Duration) error {
	token, err := identity.Sign([]byte(secret), issuer, audience, user, ttl)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.Out, token)
	return err
}
