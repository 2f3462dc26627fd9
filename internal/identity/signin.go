package identity

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// signedIn is for how long SignIn's tokens are valid.
const signedIn = 8 * time.Hour

// SignIn answers a POST of {"user": "alice"} by {"token": "...", "expiresAt": "..."}, a token as Sign makes them, and what is
// wrong by 400 and an "error". Whoever reaches it can be any viewer: for the embedded default only.
func SignIn(secret []byte, issuer, audience string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ User string }
		var answer struct {
			Error     string `json:"error,omitempty"`
			Token     string `json:"token,omitempty"`
			ExpiresAt string `json:"expiresAt,omitempty"`
		}
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&asked)
		if err != nil {
			err = errors.New(`the body must be {"user": "NAME"}, of at most 4 KiB`)
		} else {
			answer.Token, err = Sign(secret, issuer, audience, asked.User, signedIn)
			answer.ExpiresAt = time.Now().Add(signedIn).UTC().Format(time.RFC3339)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if err != nil {
			answer.Error, answer.ExpiresAt = err.Error(), ""
			w.WriteHeader(http.StatusBadRequest)
		}
		_ = json.NewEncoder(w).Encode(answer) // who is gone needs none
	})
}
