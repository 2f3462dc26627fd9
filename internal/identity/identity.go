// Package identity says who is asking: it verifies the tokens that viewers come with.
//
//	HTTP  authorization --> Verifier --> Caller in the context --> fields, loaders, the user API
//	gRPC  authorization,       |
//	      or a service's word  +-- Keys <-- JWKS: a file or a URL, read again in the background
package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Caller is the user on whose behalf a request is answered.
type Caller struct {
	// User is the user's id, 1 to MaxUser bytes of UTF-8. It is personal: neither logged nor an event's.
	User string `json:"-"`
	// Token is what said so, for the services that are asked next; "" when another service has said it.
	Token string `json:"-"`
}

// String tells nothing: what is logged by mistake is no secret.
func (Caller) String() string { return "a caller" }

// MaxUser bounds a user's id, in bytes.
const MaxUser = 200

type callerKey struct{}

// With returns a context in which From finds the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller; there is none in an anonymous request.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Why a token is refused; also a metric's label.
const (
	Malformed   = "malformed"
	Algorithm   = "algorithm"
	UnknownKey  = "unknown-key"
	Signature   = "signature"
	Issuer      = "issuer"
	Audience    = "audience"
	Expired     = "expired"
	NotYet      = "not-yet-valid"
	User        = "user"
	Incomplete  = "incomplete"
	Credentials = "credentials"
	// Nobody and Service are gRPC's: nothing says who asks, or somebody says it who may not.
	Nobody  = "nobody"
	Service = "service"
	// Unavailable is no fault of the token's: the issuer's keys were never reached, and may be later.
	Unavailable = "unavailable"
)

// says is what the client is told: what is wrong, and what to do.
var says = map[string]string{
	Malformed:   `The token is damaged: send "Authorization: Bearer" and the token as it was issued, or sign in again.`,
	Algorithm:   "The token is signed by an algorithm that is not taken here: sign in again.",
	UnknownKey:  "The token is signed by a key that is none of the issuer's: sign in again.",
	Signature:   "The token's signature is wrong: sign in again.",
	Incomplete:  "The token lacks iss, aud or exp: sign in again.",
	Issuer:      "The token is from an issuer who is not trusted here: sign in again.",
	Audience:    "The token is not for this service: sign in again, for this one.",
	Expired:     "The token has expired: sign in again.",
	NotYet:      "The token is not valid yet: try later, or set the issuer's clock.",
	User:        "The token names no user: its sub must have 1 to 200 bytes.",
	Credentials: `The request does not say clearly who asks: send one "Authorization: Bearer TOKEN".`,
	Nobody:      `The call does not say who asks: it needs the metadata "authorization" with "Bearer TOKEN".`,
	Service:     `Only a service may name the user by "regie-user": its certificate's name is none of --grpc-services.`,
	Unavailable: "The token cannot be verified now; try again.",
}

// Refusal is the error of a token that is not taken. Its text is for the client, and has nothing of the token.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return says[r.Reason] }

func refuse(reason string) error { return &Refusal{reason} }

// Config is whose tokens are taken. Without Keys and Secret none are.
type Config struct {
	// Issuer and Audience are what a token's iss must be, and its aud contain.
	Issuer, Audience string
	// Keys verify RS256, ES256 and EdDSA. They may be nil.
	Keys *Keys
	// Secret verifies HS256, for development. It may be nil; else it has at least MinSecret bytes.
	Secret  []byte
	Metrics *Metrics
}

// MinSecret is how many bytes a secret must have (RFC 7518, 3.2).
const MinSecret = 32

const (
	// leeway is how far the clocks of issuers may be from ours.
	leeway = 60 * time.Second
	// maxToken bounds what is decoded before its signature is known to be right.
	maxToken = 16 << 10
)

// Verifier verifies tokens. It can be used concurrently.
type Verifier struct {
	cfg        Config
	algorithms []string
	parser     *jwt.Parser
}

// New makes a verifier. Its keys are there, and stay current, while Run runs.
func New(cfg Config) *Verifier {
	v := &Verifier{cfg: cfg, algorithms: []string{}}
	if cfg.Keys != nil {
		v.algorithms = append(v.algorithms, asymmetric...)
	}
	if len(cfg.Secret) > 0 {
		v.algorithms = append(v.algorithms, jwt.SigningMethodHS256.Alg())
	}
	v.parser = jwt.NewParser(jwt.WithValidMethods(v.algorithms), jwt.WithIssuer(cfg.Issuer), jwt.WithAudience(cfg.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding())
	return v
}

// Run keeps the keys current until ctx is done.
func (v *Verifier) Run(ctx context.Context) error {
	if v.cfg.Keys == nil {
		<-ctx.Done()
		return nil
	}
	return v.cfg.Keys.Run(ctx)
}

// Authorize returns a context with the caller that the values of a request's authorization header name, and ctx itself
// when there are none: the request is anonymous. Its error is a *Refusal.
func (v *Verifier) Authorize(ctx context.Context, authorization []string) (context.Context, error) {
	if len(authorization) == 0 {
		return ctx, nil
	}
	caller, err := v.caller(ctx, authorization)
	if err != nil {
		v.count(err)
		return ctx, err
	}
	return With(ctx, caller), nil
}

func (v *Verifier) count(err error) {
	var r *Refusal
	if errors.As(err, &r) {
		v.cfg.Metrics.refused.WithLabelValues(r.Reason).Inc()
	}
}

func (v *Verifier) caller(ctx context.Context, authorization []string) (Caller, error) {
	scheme, token, _ := strings.Cut(authorization[0], " ")
	if token = strings.Trim(token, " "); len(authorization) > 1 || !strings.EqualFold(scheme, "Bearer") || strings.ContainsAny(token, " ,") {
		return Caller{}, refuse(Credentials)
	}
	return v.verify(ctx, token)
}

func (v *Verifier) verify(ctx context.Context, token string) (Caller, error) {
	if len(token) > maxToken {
		return Caller{}, refuse(Malformed)
	}
	var claims jwt.RegisteredClaims
	t, err := v.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return Caller{}, v.refusal(t, err)
	}
	if !ValidUser(claims.Subject) {
		return Caller{}, refuse(User)
	}
	return Caller{User: claims.Subject, Token: token}, nil
}

// ValidUser tells whether a user can have this id.
func ValidUser(id string) bool {
	return id != "" && len(id) <= MaxUser && utf8.ValidString(id)
}

// key is what must have signed a token. Its algorithm, one of ours by now, says where to look: what is public is never a
// secret.
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical { // RFC 7515, 4.1.11: we understand none
		return nil, refuse(Malformed)
	}
	if t.Method == jwt.SigningMethodHS256 {
		return v.cfg.Secret, nil
	}
	kid, ok := t.Header["kid"].(string)
	if !ok || kid == "" {
		return nil, refuse(UnknownKey)
	}
	k, err := v.cfg.Keys.find(ctx, kid)
	if err != nil {
		return nil, err
	}
	if k.algorithm != t.Method.Alg() {
		return nil, refuse(Algorithm)
	}
	return k.public, nil
}

// refusal makes of the parser's error what the client is told.
func (v *Verifier) refusal(t *jwt.Token, err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	if t != nil && t.Method != nil && !slices.Contains(v.algorithms, t.Method.Alg()) {
		return refuse(Algorithm)
	}
	for _, known := range []struct {
		err    error
		reason string
	}{
		{jwt.ErrTokenUnverifiable, Algorithm}, // it names none that the library knows
		{jwt.ErrTokenSignatureInvalid, Signature},
		{jwt.ErrTokenRequiredClaimMissing, Incomplete},
		{jwt.ErrTokenInvalidIssuer, Issuer},
		{jwt.ErrTokenInvalidAudience, Audience},
		{jwt.ErrTokenExpired, Expired},
		{jwt.ErrTokenNotValidYet, NotYet},
		{jwt.ErrTokenUsedBeforeIssued, NotYet},
	} {
		if errors.Is(err, known.err) {
			return refuse(known.reason)
		}
	}
	return refuse(Malformed)
}

// Sign makes a development token, by HS256. It is valid from now on for ttl.
func Sign(secret []byte, issuer, audience, user string, ttl time.Duration) (string, error) {
	if !ValidUser(user) {
		return "", fmt.Errorf("a user's id has 1 to %d bytes of UTF-8", MaxUser)
	}
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: user,
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
	}).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return token, nil
}
