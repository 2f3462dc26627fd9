package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"regie/internal/servertest"
)

func TestAFileIsReadAgain(t *testing.T) {
	one, two := newPair(t, "one", jwt.SigningMethodEdDSA), newPair(t, "two", jwt.SigningMethodES256)
	name := file(t, jwks(t, one))
	synctest.Test(t, func(t *testing.T) {
		v, reg := running(t, name, nil)
		is := func(p pair, want string) {
			t.Helper()
			if _, reason := ask(t, v, "Bearer "+p.sign(t, nil)); reason != want {
				t.Errorf("at %s the key %s is refused as %q, want %q", time.Now(), p.kid, reason, want)
			}
		}
		later := func(d time.Duration) { <-time.After(d); synctest.Wait() }
		is(one, "")
		is(two, UnknownKey)
		write(t, name, jwks(t, one, two))
		later(everyFile)
		is(one, "")
		is(two, "")
		write(t, name, jwks(t, two))
		later(everyFile)
		is(one, UnknownKey)
		is(two, "")
		for _, damaged := range []string{"", "{", `{"keys":[]}`, `[]`, `{"keys":[{"kty":"EC","kid":"x"}]}`, strings.Repeat(" ", maxJWKS) + "{}"} {
			write(t, name, []byte(damaged))
			later(afterFailure)
			is(two, "")
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		later(afterFailure)
		is(two, "")
		if n := value(t, reg, "regie_identity_keys_failures_total"); n < 7 {
			t.Errorf("%v failures are counted", n)
		}
		write(t, name, jwks(t, one))
		later(afterFailure)
		is(one, "")
		is(two, UnknownKey)
		if at := value(t, reg, "regie_identity_keys_refreshed_timestamp_seconds"); at < float64(time.Now().Add(-2*everyFile).Unix()) {
			t.Errorf("the keys were read at %v", at)
		}
		if n := value(t, reg, "regie_identity_keys"); n != 1 {
			t.Errorf("there are %v keys", n)
		}
	})
}

// transport answers without a network, in the bubble's time.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAURLIsReadAgain(t *testing.T) {
	one, two := newPair(t, "one", jwt.SigningMethodEdDSA), newPair(t, "two", jwt.SigningMethodES256)
	first, both, second := jwks(t, one), jwks(t, one, two), jwks(t, two)
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Pointer[[]byte]
		now.Store(&first)
		var asked atomic.Int32
		v, _ := running(t, "https://id.example.org/jwks", func(k *Keys) {
			k.client.Transport = transport(func(*http.Request) (*http.Response, error) {
				asked.Add(1)
				w := httptest.NewRecorder()
				_, _ = w.Write(*now.Load())
				return w.Result(), nil
			})
		})
		is := func(p pair, want string, times int32) {
			t.Helper()
			if _, reason := ask(t, v, "Bearer "+p.sign(t, nil)); reason != want || asked.Load() != times {
				t.Errorf("the key %s is refused as %q after %d readings, want %q after %d", p.kid, reason, asked.Load(), want, times)
			}
		}
		synctest.Wait()
		is(one, "", 1)
		is(two, UnknownKey, 1) // it was read just now
		now.Store(&both)
		is(two, UnknownKey, 1)
		<-time.After(atMost)
		is(two, "", 2) // at once
		// Whatever ids tokens have, the issuer is asked no more often.
		began := time.Now()
		for i := range 1000 {
			<-time.After(100 * time.Millisecond)
			if _, reason := ask(t, v, "Bearer "+pair{"guess" + string(rune('a'+i%26)), one.method, one.signer}.sign(t, nil)); reason != UnknownKey {
				t.Fatalf("a guess is refused as %q", reason)
			}
		}
		if n, most := asked.Load()-2, int32(time.Since(began)/atMost)+1; n > most || n < most-2 {
			t.Errorf("it was asked %d times in %s", n, time.Since(began))
		}
		// What the issuer has withdrawn is forgotten without anybody asking.
		now.Store(&second)
		before := asked.Load()
		<-time.After(everyURL)
		synctest.Wait()
		if asked.Load() == before {
			t.Error("it was not read again")
		}
		is(one, UnknownKey, asked.Load())
		is(two, "", asked.Load())
	})
}

// TestManyWaitForOneReading: after a rotation many come with the new key at once.
func TestManyWaitForOneReading(t *testing.T) {
	one, two := newPair(t, "one", jwt.SigningMethodEdDSA), newPair(t, "two", jwt.SigningMethodES256)
	first, second := jwks(t, one), jwks(t, one, two)
	token := "Bearer " + two.sign(t, nil)
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			_, _ = w.Write(first)
			return
		}
		_, _ = w.Write(second)
	}))
	defer srv.Close()
	var keys *Keys
	v, _ := running(t, srv.URL, func(k *Keys) { keys = k })
	if _, reason := ask(t, v, "Bearer "+one.sign(t, nil)); reason != "" {
		t.Fatal(reason)
	}
	keys.mu.Lock()
	keys.ended = keys.ended.Add(-atMost)
	keys.mu.Unlock()
	reasons := make(chan string, 100)
	for range cap(reasons) {
		go func() {
			_, reason := ask(t, v, token)
			reasons <- reason
		}()
	}
	for range cap(reasons) {
		if reason := <-reasons; reason != "" {
			t.Errorf("one is refused as %q", reason)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("it was read %d times", n)
	}
}

// TestTheURLIsAway has a server that ends its connections, and comes back with another key.
func TestTheURLIsAway(t *testing.T) {
	one, two := newPair(t, "one", jwt.SigningMethodEdDSA), newPair(t, "two", jwt.SigningMethodES256)
	var set atomic.Pointer[[]byte] // nil: it is away
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if set.Load() == nil {
			panic(http.ErrAbortHandler) // not another's address: somebody might take it
		}
		_, _ = w.Write(*set.Load())
	}))
	defer srv.Close()
	first, second := jwks(t, one), jwks(t, two)
	var keys *Keys
	v, reg := running(t, srv.URL, func(k *Keys) { keys = k })
	look := func() {
		keys.mu.Lock()
		keys.ended = keys.ended.Add(-atMost)
		keys.mu.Unlock()
	}
	is := func(p pair, want string) {
		t.Helper()
		look()
		if _, reason := ask(t, v, "Bearer "+p.sign(t, nil)); reason != want {
			t.Errorf("the key %s is refused as %q, want %q", p.kid, reason, want)
		}
	}
	is(one, Unavailable) // never reached: no fault of the token's
	if n := value(t, reg, "regie_identity_keys_refreshed_timestamp_seconds"); n != 0 {
		t.Errorf("the keys were read at %v", n)
	}
	set.Store(&first)
	is(one, "")
	set.Store(nil)
	is(two, UnknownKey)
	is(one, "")
	servertest.Eventually(t, "two failures are counted", func() bool { return value(t, reg, "regie_identity_keys_failures_total") >= 2 })
	set.Store(&second)
	is(two, "")
	is(one, UnknownKey)
}

func TestAnAnswerThatIsNoJWKS(t *testing.T) {
	one := newPair(t, "one", jwt.SigningMethodEdDSA)
	good := jwks(t, one)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good) }))
	defer plain.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write(good)
		},
		"a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"without end": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), maxJWKS+1))
			_, _ = w.Write(good)
		},
		"a redirect to itself":      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"a redirect that is public": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewTLSServer(answer)
			defer srv.Close()
			v, _ := running(t, srv.URL, func(k *Keys) { k.client.Transport = srv.Client().Transport })
			if _, reason := ask(t, v, "Bearer "+one.sign(t, nil)); reason != Unavailable {
				t.Errorf("refused as %q", reason)
			}
		})
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good) }))
	defer srv.Close()
	v, _ := running(t, srv.URL, func(k *Keys) { k.client.Transport = srv.Client().Transport })
	if _, reason := ask(t, v, "Bearer "+one.sign(t, nil)); reason != "" {
		t.Errorf("a good answer: refused as %q", reason)
	}
}

func TestKeysThatAreLeftOut(t *testing.T) {
	good := newPair(t, "good", jwt.SigningMethodES256)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(k jose.JSONWebKey) json.RawMessage {
		b, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	public := good.signer.Public()
	for _, tt := range []struct {
		key  json.RawMessage
		says string
	}{
		{raw(jose.JSONWebKey{Key: &short.PublicKey, KeyID: "a"}), "1024 bits"},
		{raw(jose.JSONWebKey{Key: &curve.PublicKey, KeyID: "a"}), "P-384"},
		{raw(jose.JSONWebKey{Key: []byte(secret), KeyID: "a"}), "no RSA, P-256 or Ed25519"},
		{raw(jose.JSONWebKey{Key: public}), "no kid"},
		{raw(jose.JSONWebKey{Key: public, KeyID: "a", Use: "enc"}), `use is "enc"`},
		{raw(jose.JSONWebKey{Key: public, KeyID: "a", Algorithm: "ECDH-ES"}), "ECDH-ES"},
		{raw(jose.JSONWebKey{Key: public, KeyID: "good"}), "same kid"},
		{json.RawMessage(`{"kty":"EC","crv":"P-256","kid":"a","x":"AAAA","y":"AAAA"}`), "key 2"},
		{json.RawMessage(`{"kty":"OKP","crv":"X25519","kid":"a","x":"AAAA"}`), "key 2"},
		{json.RawMessage(`7`), "key 2"},
	} {
		b, err := json.Marshal(map[string]any{"keys": []any{raw(jose.JSONWebKey{Key: public, KeyID: "good"}), tt.key}})
		if err != nil {
			t.Fatal(err)
		}
		keys, skipped, err := parse(b)
		if err != nil || len(keys) != 1 || len(skipped) != 1 || !strings.Contains(skipped[0].Error(), tt.says) {
			t.Errorf("%s: %d keys, %v, %v; want %q", tt.key, len(keys), skipped, err, tt.says)
		}
	}
	// A private key that somebody published verifies no less.
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: good.signer, KeyID: "good"}}})
	if err != nil {
		t.Fatal(err)
	}
	if keys, _, err := parse(b); err != nil || keys["good"].public == nil {
		t.Errorf("%v, %v", keys, err)
	}
	if err := CheckJWKS(file(t, []byte(`{"keys":[]}`))); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Error(err)
	}
	if err := CheckJWKS(file(t, jwks(t, good))); err != nil {
		t.Error(err)
	}
}

func FuzzJWKS(f *testing.F) {
	f.Add(jwks(f, newPair(f, "one", jwt.SigningMethodES256), newPair(f, "two", jwt.SigningMethodEdDSA)))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"","e":"AQAB"},{"kty":"EC","crv":"P-256"},null,7]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, _, err := parse(b)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for kid, k := range keys {
			if kid == "" || k.algorithm == "" || k.public == nil {
				t.Errorf("key %q is %+v", kid, k)
			}
		}
	})
}
