package graph

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"regie/internal/catalog"
	"regie/internal/identity"
)

const tokenSecret = "a secret that has 32 bytes or more"

// guarded serves queries that need no resolver, to those whom a verifier takes, and notes who asked.
func guarded(t *testing.T, asked *string, reg *prometheus.Registry, origins ...string) http.Handler {
	t.Helper()
	v := identity.New(identity.Config{Issuer: "i", Audience: "a", Secret: []byte(tokenSecret), Metrics: identity.NewMetrics(prometheus.NewRegistry())})
	o := options(NewMetrics(reg), nil, io.Discard)
	o.Authorize, o.Origins = v.Authorize, origins
	o.Attach = func(ctx context.Context, _ catalog.View) context.Context {
		*asked = "nobody"
		if c, ok := identity.From(ctx); ok {
			*asked = c.User
		}
		return ctx
	}
	return Handler(o)
}

func bearer(t *testing.T, user string, ttl time.Duration) string {
	t.Helper()
	token, err := identity.Sign([]byte(tokenSecret), "i", "a", user, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

func TestWhoAsks(t *testing.T) {
	for _, tt := range []struct {
		name, authorization string
		asked               string
		status              int
		caching, body       string
	}{
		{"nobody", "", "nobody", 200, "", `{"data":{"__typename":"Query"}}`},
		{"a viewer", bearer(t, "alice", time.Hour), "alice", 200, "private, no-store", `{"data":{"__typename":"Query"}}`},
		{"an expired token", bearer(t, "alice", -time.Hour), "", 401, "no-store",
			`{"errors":[{"message":"The token has expired: sign in again.","extensions":{"code":"UNAUTHENTICATED","reason":"expired"}}]}`},
		{"no token", "Basic eDp5", "", 401, "no-store",
			`{"errors":[{"message":"The request does not say clearly who asks: send one \"Authorization: Bearer TOKEN\".","extensions":{"code":"UNAUTHENTICATED","reason":"credentials"}}]}`},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			asked, reg := "", prometheus.NewRegistry()
			h := guarded(t, &asked, reg)
			r := request(method, "/query")
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.status || asked != tt.asked || w.Header().Get("Cache-Control") != tt.caching || w.Body.String() != tt.body+"\n" {
				t.Errorf("%s, %s: %d, %q asked, caching %q: %s", tt.name, method, w.Code, asked, w.Header().Get("Cache-Control"), w.Body)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (w.Code == 401) {
				t.Errorf("%s, %s: WWW-Authenticate is %q", tt.name, method, challenge)
			}
			if !varies(w, "Authorization") {
				t.Errorf("%s, %s: varies by %q", tt.name, method, w.Header()["Vary"])
			}
			if n := requests(t, reg, CodeUnauthenticated); (n == 1) != (tt.status == 401) {
				t.Errorf("%s, %s: %v are counted as unauthenticated", tt.name, method, n)
			}
		}
	}
}

func requests(t *testing.T, reg *prometheus.Registry, code string) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "regie_gateway_requests_total" && l.GetName() == "code" && l.GetValue() == code {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// TestTheIssuerIsAway wants what is no fault of the token's to be tried again.
func TestTheIssuerIsAway(t *testing.T) {
	o := options(NewMetrics(prometheus.NewRegistry()), nil, io.Discard)
	o.Authorize = func(ctx context.Context, _ []string) (context.Context, error) {
		return ctx, &identity.Refusal{Reason: identity.Unavailable}
	}
	w := httptest.NewRecorder()
	Handler(o).ServeHTTP(w, request(http.MethodGet, "/query", "Authorization", "Bearer x"))
	const want = `{"errors":[{"message":"The token cannot be verified now; try again.","extensions":{"code":"UNAVAILABLE","reason":"unavailable","retryable":true}}]}` + "\n"
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != want || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v: %s", w.Code, w.Header(), w.Body)
	}
}

func TestOtherSitesSignIn(t *testing.T) {
	const ours = "https://www.example.org"
	asked := ""
	h := guarded(t, &asked, prometheus.NewRegistry(), ours)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(http.MethodOptions, "/query", "Origin", ours, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type"))
	if w.Header().Get("Access-Control-Allow-Origin") != ours {
		t.Errorf("they cannot prepare it: %d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, request(http.MethodPost, "/query", "Origin", ours, "Authorization", "Bearer x"))
	if w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") != ours {
		t.Errorf("they do not see the refusal: %d %v", w.Code, w.Header())
	}
}

func TestAuthenticated(t *testing.T) {
	next := func(context.Context) (any, error) { return "secret", nil }
	v, err := Authenticated(t.Context(), nil, next)
	var e *gqlerror.Error
	if v != nil || !errors.As(err, &e) || e.Extensions["code"] != CodeUnauthenticated {
		t.Errorf("without a caller: %v, %v", v, err)
	}
	v, err = Authenticated(identity.With(t.Context(), identity.Caller{User: "alice"}), nil, next)
	if v != "secret" || err != nil {
		t.Errorf("with one: %v, %v", v, err)
	}
}
