package identity

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestSignIn(t *testing.T) {
	handler := SignIn([]byte(secret), "here", "regie")
	v := New(Config{Issuer: "here", Audience: "regie", Secret: []byte(secret), Metrics: NewMetrics(prometheus.NewRegistry())})
	for _, tt := range []struct {
		name, body, user string
	}{
		{"a name", `{"user": "alice"}`, "alice"},
		{"a long name", `{"user": "` + strings.Repeat("a", MaxUser) + `"}`, strings.Repeat("a", MaxUser)},
		{"nobody", `{"user": ""}`, ""},
		{"no user", `{}`, ""},
		{"a name that is too long", `{"user": "` + strings.Repeat("a", MaxUser+1) + `"}`, ""},
		{"a body that is too long", `{"user": "alice", "why": "` + strings.Repeat("a", 5<<10) + `"}`, ""},
		{"a number", `{"user": 1}`, ""},
		{"no JSON", `user=alice`, ""},
		{"nothing", ``, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(tt.body)))
			if h := w.Header(); h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("headers are %v", h)
			}
			var got struct {
				Error, Token string
				ExpiresAt    time.Time
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
			if tt.user == "" {
				if w.Code != http.StatusBadRequest || got.Error == "" || got.Token != "" {
					t.Errorf("%d %+v", w.Code, got)
				}
				return
			}
			ctx, err := v.Authorize(t.Context(), []string{"Bearer " + got.Token})
			if err != nil {
				t.Fatal(err)
			}
			caller, _ := From(ctx)
			if d := expiry(t, got.Token).Sub(got.ExpiresAt).Abs(); caller.User != tt.user || d > time.Minute || w.Code != http.StatusOK {
				t.Errorf("%d: a token of %q that ends %s from what is said", w.Code, caller.User, d)
			}
		})
	}
}
