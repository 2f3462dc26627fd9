package identity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"regie/internal/servertest"
)

const secret = "a secret that has 32 bytes or more"

// pair is an issuer's key.
type pair struct {
	kid    string
	method jwt.SigningMethod
	signer crypto.Signer
}

func newPair(t testing.TB, kid string, method jwt.SigningMethod) pair {
	t.Helper()
	var s crypto.Signer
	var err error
	switch method {
	case jwt.SigningMethodRS256:
		s, err = rsa.GenerateKey(rand.Reader, 2048)
	case jwt.SigningMethodES256:
		s, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.SigningMethodEdDSA:
		_, s, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair{kid, method, s}
}

// jwks is the public set of some pairs.
func jwks(t testing.TB, pairs ...pair) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, p := range pairs {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: p.signer.Public(), KeyID: p.kid, Use: "sig", Algorithm: p.method.Alg()})
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// claims are a good token's, changed; nil removes one.
func claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": "https://id.example.org", "aud": "regie", "sub": "alice",
		"exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Unix(), "iat": time.Now().Unix(),
	}
	for name, v := range changes {
		if v == nil {
			delete(c, name)
		} else {
			c[name] = v
		}
	}
	return c
}

// sign makes a token by any means; kid "" leaves it out.
func sign(t testing.TB, method jwt.SigningMethod, key any, header, changes jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims(changes))
	maps.Copy(token.Header, header)
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p pair) sign(t testing.TB, changes jwt.MapClaims) string {
	t.Helper()
	return sign(t, p.method, p.signer, jwt.MapClaims{"kid": p.kid}, changes)
}

// running starts a verifier of what source has, and of the secret, and ends it with the test.
func running(t testing.TB, source string, change func(*Keys)) (*Verifier, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	k := NewKeys(source, m, servertest.Log(t))
	k.patience = time.Minute
	if change != nil {
		change(k)
	}
	v := New(Config{Issuer: "https://id.example.org", Audience: "regie", Keys: k, Secret: []byte(secret), Metrics: m})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := v.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return v, reg
}

// ask returns the user that a token names, or why it is refused.
func ask(t testing.TB, v *Verifier, authorization ...string) (user, reason string) {
	t.Helper()
	ctx, err := v.Authorize(t.Context(), authorization)
	c, ok := From(ctx)
	var r *Refusal
	if errors.As(err, &r) {
		if ok {
			t.Fatal("there is a caller beside the error")
		}
		if says[r.Reason] == "" || err.Error() != says[r.Reason] {
			t.Errorf("%s says %q", r.Reason, err)
		}
		return "", r.Reason
	}
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "", "anonymous"
	}
	return c.User, ""
}

func file(t testing.TB, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "jwks.json")
	write(t, name, content)
	return name
}

// write replaces a file at once, as who writes keys does.
func write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func TestTokens(t *testing.T) {
	rs, es, ed := newPair(t, "rs", jwt.SigningMethodRS256), newPair(t, "es", jwt.SigningMethodES256), newPair(t, "ed", jwt.SigningMethodEdDSA)
	other := newPair(t, "rs", jwt.SigningMethodRS256) // another issuer's, under the same id
	v, reg := running(t, file(t, jwks(t, rs, es, ed)), nil)
	spki, err := x509.MarshalPKIXPublicKey(rs.signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	hs := func(key []byte, header, changes jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodHS256, key, header, changes)
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	good := rs.sign(t, nil)
	parts := strings.Split(good, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://id.example.org","aud":"regie","sub":"bob","exp":99999999999}`))
	loose := good[:len(good)-1] + string(good[len(good)-1]+1) // the same signature to a decoder that is not strict

	for _, tt := range []struct{ name, token, user, reason string }{
		{"RS256", good, "alice", ""},
		{"ES256", es.sign(t, nil), "alice", ""},
		{"EdDSA", ed.sign(t, nil), "alice", ""},
		{"HS256", hs([]byte(secret), nil, nil), "alice", ""},
		{"one of several audiences", rs.sign(t, jwt.MapClaims{"aud": []string{"other", "regie"}}), "alice", ""},
		{"expired within the leeway", rs.sign(t, jwt.MapClaims{"exp": in(-30 * time.Second)}), "alice", ""},
		{"not yet valid within the leeway", rs.sign(t, jwt.MapClaims{"nbf": in(30 * time.Second), "iat": in(30 * time.Second)}), "alice", ""},
		{"without nbf and iat", rs.sign(t, jwt.MapClaims{"nbf": nil, "iat": nil}), "alice", ""},
		{"the longest user", rs.sign(t, jwt.MapClaims{"sub": strings.Repeat("u", 200)}), strings.Repeat("u", 200), ""},
		{"a user of other letters", rs.sign(t, jwt.MapClaims{"sub": "Zoë 李"}), "Zoë 李", ""},

		{"alg none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"kid": "rs"}, nil), "", Algorithm},
		{"alg None", strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None","kid":"rs"}`)), parts[1], ""}, "."), "", Algorithm},
		{"no alg", strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"rs"}`)), parts[1], parts[2]}, "."), "", Algorithm},
		{"alg HS256 by the public key", hs(public, jwt.MapClaims{"kid": "rs"}, nil), "", Signature},
		{"alg HS256 by its DER", hs(spki, jwt.MapClaims{"kid": "rs"}, nil), "", Signature},
		{"alg HS256 by nothing", hs([]byte{}, nil, nil), "", Signature},
		{"alg HS512", sign(t, jwt.SigningMethodHS512, []byte(secret), nil, nil), "", Algorithm},
		{"alg RS512", sign(t, jwt.SigningMethodRS512, rs.signer, jwt.MapClaims{"kid": "rs"}, nil), "", Algorithm},
		{"alg PS256", sign(t, jwt.SigningMethodPS256, rs.signer, jwt.MapClaims{"kid": "rs"}, nil), "", Algorithm},
		{"the id of another kind of key", sign(t, rs.method, rs.signer, jwt.MapClaims{"kid": "es"}, nil), "", Algorithm},
		{"another issuer's key", other.sign(t, nil), "", Signature},
		{"another issuer's key of its own id", pair{"other", other.method, other.signer}.sign(t, nil), "", UnknownKey},
		{"another issuer", rs.sign(t, jwt.MapClaims{"iss": "https://evil.example.com"}), "", Issuer},
		{"an issuer that begins alike", rs.sign(t, jwt.MapClaims{"iss": "https://id.example.org.evil"}), "", Issuer},
		{"no issuer", rs.sign(t, jwt.MapClaims{"iss": nil}), "", Incomplete},
		{"another audience", rs.sign(t, jwt.MapClaims{"aud": "other"}), "", Audience},
		{"no audience", rs.sign(t, jwt.MapClaims{"aud": nil}), "", Incomplete},
		{"expired", rs.sign(t, jwt.MapClaims{"exp": in(-61 * time.Second)}), "", Expired},
		{"expired, of the secret", hs([]byte(secret), nil, jwt.MapClaims{"exp": in(-time.Hour)}), "", Expired},
		{"no expiry", rs.sign(t, jwt.MapClaims{"exp": nil}), "", Incomplete},
		{"an expiry of text", rs.sign(t, jwt.MapClaims{"exp": "tomorrow"}), "", Malformed},
		{"not yet valid", rs.sign(t, jwt.MapClaims{"nbf": in(90 * time.Second)}), "", NotYet},
		{"from the future", rs.sign(t, jwt.MapClaims{"iat": in(90 * time.Second)}), "", NotYet},
		{"no kid", sign(t, rs.method, rs.signer, nil, nil), "", UnknownKey},
		{"an empty kid", sign(t, rs.method, rs.signer, jwt.MapClaims{"kid": ""}, nil), "", UnknownKey},
		{"a kid that is a number", sign(t, rs.method, rs.signer, jwt.MapClaims{"kid": 1}, nil), "", UnknownKey},
		{"an unknown kid", sign(t, rs.method, rs.signer, jwt.MapClaims{"kid": "../../etc/passwd"}, nil), "", UnknownKey},
		{"something critical", sign(t, rs.method, rs.signer, jwt.MapClaims{"kid": "rs", "crit": []string{"b64"}}, nil), "", Malformed},
		{"an empty user", rs.sign(t, jwt.MapClaims{"sub": ""}), "", User},
		{"no user", rs.sign(t, jwt.MapClaims{"sub": nil}), "", User},
		{"a user that is a number", rs.sign(t, jwt.MapClaims{"sub": 12}), "", Malformed},
		{"a user of 201 bytes", rs.sign(t, jwt.MapClaims{"sub": strings.Repeat("u", 201)}), "", User},
		{"a user of 10 KB", rs.sign(t, jwt.MapClaims{"sub": strings.Repeat("u", 10<<10)}), "", User},
		{"a token of 60 KB", rs.sign(t, jwt.MapClaims{"sub": strings.Repeat("u", 45<<10)}), "", Malformed},
		{"other claims under the signature", parts[0] + "." + forged + "." + parts[2], "", Signature},
		{"a signature of other bits", loose, "", Malformed},
		{"no signature", parts[0] + "." + parts[1] + ".", "", Signature},
		{"two parts", parts[0] + "." + parts[1], "", Malformed},
		{"four parts", good + ".x", "", Malformed},
		{"many parts", strings.Repeat(".", 5000), "", Malformed},
		{"garbage", "garbage", "", Malformed},
		{"bytes", "\x00\xff.\x00.\x00", "", Malformed},
		{"nothing", "", "", Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if user, reason := ask(t, v, "Bearer "+tt.token); user != tt.user || reason != tt.reason {
				t.Errorf("it is %.20q's, refused as %q; want %.20q, %q", user, reason, tt.user, tt.reason)
			}
		})
	}
	if n := value(t, reg, "regie_identity_refused_total", Expired); n != 2 {
		t.Errorf("%v refusals are counted as expired", n)
	}
}

func TestAuthorization(t *testing.T) {
	v := New(Config{Issuer: "https://id.example.org", Audience: "regie", Secret: []byte(secret), Metrics: NewMetrics(prometheus.NewRegistry())})
	good := sign(t, jwt.SigningMethodHS256, []byte(secret), nil, nil)
	for _, tt := range []struct {
		name         string
		values       []string
		user, reason string
	}{
		{"none", nil, "", "anonymous"},
		{"a token", []string{"Bearer " + good}, "alice", ""},
		{"in small letters", []string{"bearer " + good}, "alice", ""},
		{"with spaces", []string{"Bearer   " + good + " "}, "alice", ""},
		{"empty", []string{""}, "", Credentials},
		{"a token alone", []string{good}, "", Credentials},
		{"another scheme", []string{"Basic YWxpY2U6c2VjcmV0"}, "", Credentials},
		{"two tokens", []string{"Bearer " + good, "Bearer " + good}, "", Credentials},
		{"two tokens in one", []string{"Bearer " + good + ", Bearer " + good}, "", Credentials},
		{"two words", []string{"Bearer " + good + " " + good}, "", Credentials},
		{"of keys, where there are none", []string{"Bearer " + newPair(t, "ed", jwt.SigningMethodEdDSA).sign(t, nil)}, "", Algorithm},
	} {
		if user, reason := ask(t, v, tt.values...); user != tt.user || reason != tt.reason {
			t.Errorf("%s: it is %q's, refused as %q; want %q, %q", tt.name, user, reason, tt.user, tt.reason)
		}
	}
	none := New(Config{Issuer: "https://id.example.org", Audience: "regie", Metrics: NewMetrics(prometheus.NewRegistry())})
	if _, reason := ask(t, none, "Bearer "+sign(t, jwt.SigningMethodHS256, []byte{}, nil, nil)); reason != Algorithm {
		t.Errorf("without a secret, one of an empty secret is refused as %q", reason)
	}
}

// expiry is when a token says that it ends.
func expiry(t *testing.T, token string) time.Time {
	t.Helper()
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.ExpiresAt.Time
}

func TestSign(t *testing.T) {
	v := New(Config{Issuer: "i", Audience: "a", Secret: []byte(secret), Metrics: NewMetrics(prometheus.NewRegistry())})
	token, err := Sign([]byte(secret), "i", "a", "bob", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := v.Authorize(t.Context(), []string{"Bearer " + token})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := From(ctx)
	if left := time.Until(expiry(t, token)); c.User != "bob" || c.Token != token || left < 59*time.Minute || left > time.Hour {
		t.Errorf("the caller is %q for %s", c.User, left)
	}
	for _, user := range []string{"", strings.Repeat("u", 201), "\xff"} {
		if _, err := Sign([]byte(secret), "i", "a", user, time.Hour); err == nil {
			t.Errorf("user %.20q is signed in", user)
		}
	}
}

// TestACallerIsNotLogged wants neither the token nor the user in what somebody prints by mistake.
func TestACallerIsNotLogged(t *testing.T) {
	c := Caller{User: "alice", Token: "eyJ"}
	var b strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("m", "caller", c)
	}
	fmt.Fprintf(&b, "%v %+v %s", c, c, c)
	if strings.Contains(b.String(), "alice") || strings.Contains(b.String(), "eyJ") {
		t.Error(b.String())
	}
}

// value is a metric's, of a label's value when one is given.
func value(t testing.TB, reg *prometheus.Registry, name string, label ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name || len(label) > 0 && m.GetLabel()[0].GetValue() != label[0] {
				continue
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s %v", name, label)
	return 0
}
