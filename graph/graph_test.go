package graph

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"regie/internal/catalog"
	"regie/internal/servertest"
)

// edge serves queries that need no resolver, and notes each request's view.
func edge(t *testing.T, view *catalog.View, origins ...string) http.Handler {
	t.Helper()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return Handler(Options{
		Schema: NewExecutableSchema(Config{}), Origins: origins, Log: servertest.Log(t), Now: func() time.Time { return now },
		Attach: func(ctx context.Context, v catalog.View) context.Context { *view = v; return ctx },
	})
}

// request asks for __typename, by GET or POST.
func request(method, address string, headers ...string) *http.Request {
	const query = "{ __typename }"
	var body io.Reader
	switch method {
	case http.MethodPost:
		body = strings.NewReader(`{"query": "` + query + `"}`)
		headers = append(headers, "Content-Type", "application/json")
	case http.MethodGet:
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		address += separator + "query=" + url.QueryEscape(query)
	}
	r := httptest.NewRequest(method, address, body)
	for h := range slices.Chunk(headers, 2) {
		r.Header.Set(h[0], h[1])
	}
	return r
}

// TestATimeThatIsOverBeforeItBegins: such as that of a body which was long in coming.
func TestATimeThatIsOverBeforeItBegins(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	for code, ctx := range map[string]context.Context{CodeUnavailable: late, CodeCancelled: gone} {
		var view catalog.View
		w := httptest.NewRecorder()
		edge(t, &view).ServeHTTP(w, request(http.MethodPost, "/query").WithContext(ctx))
		if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, `"code":"`+code+`"`) {
			t.Errorf("%s: answered %d %s", code, w.Code, body)
		}
	}
}

func TestTheScreenAndTheTerritory(t *testing.T) {
	for _, tt := range []struct {
		address string
		headers []string
		want    string // or what a refusal says
		refused bool
	}{
		{address: "/query", want: "web FR"},
		{address: "/query/iptv", want: "iptv FR"},
		{address: "/query?screen=mobile", want: "mobile FR"},
		{address: "/query", headers: []string{"X-Screen", "iptv"}, want: "iptv FR"},
		{address: "/query/web?screen=mobile", headers: []string{"X-Screen", "iptv"}, want: "web FR"},
		{address: "/query?screen=mobile", headers: []string{"X-Screen", "iptv"}, want: "mobile FR"},
		{address: "/query?territory=BE", want: "web BE"},
		{address: "/query", headers: []string{"X-Territory", "CH"}, want: "web CH"},
		{address: "/query?territory=BE", headers: []string{"X-Territory", "CH"}, want: "web BE"},
		{address: "/query?territory=", headers: []string{"X-Territory", "CH"}, want: "web CH"},
		{address: "/query?territory=RE", want: "web RE"},
		{address: "/query/fridge", want: `unknown screen`, refused: true},
		{address: "/query?screen=WEB", want: `unknown screen`, refused: true},
		{address: "/query", headers: []string{"X-Screen", "fridge"}, want: `unknown screen`, refused: true},
		{address: "/query?territory=xx", want: `unknown territory \"xx\"`, refused: true},
		{address: "/query?territory=XX", want: `unknown territory \"XX\"`, refused: true},
		{address: "/query?territory=FRA", want: `unknown territory \"FRA\"`, refused: true},
		{address: "/query?territory=fr", want: `unknown territory \"fr\"`, refused: true},
		{address: "/query?territory=ZZ", want: `unknown territory \"ZZ\"`, refused: true},
		{address: "/query?territory=001", want: `unknown territory \"001\"`, refused: true},
		{address: "/query?territory=UK", want: `unknown territory \"UK\"`, refused: true},
		{address: "/query?territory=250", want: `unknown territory \"250\"`, refused: true},
		{address: "/query?territory=F", want: `unknown territory \"F\"`, refused: true},
		{address: "/query?territory=" + strings.Repeat("FR", 1000), want: `FRFR…`, refused: true},
		{address: "/query", headers: []string{"X-Territory", "zz"}, want: `unknown territory \"zz\"`, refused: true},
		{address: "/query?territory=xx", headers: []string{"X-Territory", "FR"}, want: `unknown territory \"xx\"`, refused: true},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			var view catalog.View
			w := httptest.NewRecorder()
			edge(t, &view).ServeHTTP(w, request(method, tt.address, tt.headers...))
			body := w.Body.String()
			switch {
			case tt.refused && (w.Code != http.StatusBadRequest || !strings.Contains(body, tt.want) || !strings.Contains(body, CodeBadInput)),
				!tt.refused && (w.Code != http.StatusOK || string(view.Screen)+" "+view.Territory != tt.want || view.Now.IsZero()):
				t.Errorf("%s %.60s %v: %d %s %+v", method, tt.address, tt.headers, w.Code, body, view)
			}
			for _, header := range []string{"Accept", "X-Screen", "X-Territory"} {
				if !varies(w, header) {
					t.Errorf("%s %.60s: varies by %q, not by %s", method, tt.address, w.Header()["Vary"], header)
				}
			}
		}
	}
}

func varies(w *httptest.ResponseRecorder, by string) bool {
	for _, v := range strings.Split(strings.Join(w.Header()["Vary"], ","), ",") {
		if strings.EqualFold(strings.TrimSpace(v), by) {
			return true
		}
	}
	return false
}

func TestOtherSites(t *testing.T) {
	const ours, theirs = "https://www.example.org", "https://evil.example.com"
	preflight := func(origin, method, headers string) *http.Request {
		return request(http.MethodOptions, "/query/web", "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	}
	for _, tt := range []struct {
		name    string
		origins []string
		request *http.Request
		allowed string
		status  int
	}{
		{"an allowed one asks", []string{ours}, request("POST", "/query", "Origin", ours), ours, 200},
		{"an allowed one asks by GET", []string{ours}, request("GET", "/query", "Origin", ours), ours, 200},
		{"another one asks", []string{ours}, request("POST", "/query", "Origin", theirs), "", 200},
		{"our own page asks", []string{ours}, request("POST", "/query"), "", 200},
		{"an allowed one is refused", []string{ours}, request("GET", "/query?territory=xx", "Origin", ours), ours, 400},
		{"an allowed one prepares", []string{ours}, preflight(ours, "POST", "content-type,x-screen,x-territory"), ours, 204},
		{"an allowed one prepares another header", []string{ours}, preflight(ours, "POST", "x-secret"), "", 204},
		{"an allowed one prepares another method", []string{ours}, preflight(ours, "DELETE", "content-type"), "", 204},
		{"another one prepares", []string{ours}, preflight(theirs, "POST", "x-screen"), "", 204},
		{"one of two", []string{theirs, ours}, request("GET", "/query", "Origin", ours), ours, 200},
		{"all may", []string{"*"}, request("POST", "/query", "Origin", theirs), "*", 200},
		{"none is configured", nil, request("POST", "/query", "Origin", ours), "", 200},
		{"none is configured, one prepares", nil, preflight(ours, "POST", "x-screen"), "", 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var view catalog.View
			w := httptest.NewRecorder()
			edge(t, &view, tt.origins...).ServeHTTP(w, tt.request)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != tt.allowed || w.Code != tt.status {
				t.Errorf("answered %d, allowing %q: %v", w.Code, got, w.Header())
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
			if tt.origins != nil && tt.allowed != "*" && !varies(w, "Origin") {
				t.Errorf("varies by %q, not by Origin", w.Header()["Vary"])
			}
		})
	}
}
