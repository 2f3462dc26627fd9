package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"regie/internal/cli"
	"regie/internal/servertest"
	userv1 "regie/proto/user/v1"
)

// signedIn asks for __typename with a token, and returns the status, the caching and the error's reason.
func signedIn(t *testing.T, site, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+"/query", strings.NewReader(`{"query": "{ __typename }"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var a struct {
		Errors []struct{ Extensions struct{ Code, Reason string } }
	}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%d %s", res.StatusCode, res.Header.Get("Cache-Control"))
	for _, e := range a.Errors {
		out += " " + e.Extensions.Code + " " + e.Extensions.Reason
	}
	return out
}

const (
	taken  = "200 private, no-store"
	refuse = "401 no-store UNAUTHENTICATED "
)

func TestWhoIsAskingTheEmbeddedDefault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, ".regie")
	args := []string{"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}
	if _, err := command(t, "token", "--user", "alice", "--data", data); err == nil || !strings.Contains(err.Error(), "start one") {
		t.Errorf("before the first start: %v", err)
	}
	p := start(t, dir, nil, args...)
	site, _ := p.ready()
	token := strings.TrimSpace(must(t, "token", "--user", "alice", "--data", data))
	is := func(what, token, want string) {
		t.Helper()
		if got := signedIn(t, site, token); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	is("nobody", "", "200 ")
	is("alice", token, taken)
	is("of another issuer", strings.TrimSpace(must(t, "token", "--user", "alice", "--data", data, "--jwt-issuer", "other")), refuse+"issuer")
	is("of another secret", strings.TrimSpace(must(t, "token", "--user", "alice", "--jwt-secret-file", secretFile(t))), refuse+"signature")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p = start(t, dir, nil, args...)
	site, _ = p.ready()
	is("after another start", token, taken)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	// By an issuer's keys instead, a file: then the folder's secret counts no more.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "one"}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, dir, []string{"REGIE_JWKS=" + file, "REGIE_JWT_AUDIENCE=vod"}, args...)
	site, _ = p.ready()
	signed := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": "regie", "aud": "vod", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	signed.Header["kid"] = "one"
	theirs, err := signed.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	is("by the issuer's key", theirs, taken)
	is("by the folder's secret", token, refuse+"algorithm")
	for _, secret := range []string{token, theirs, "alice"} {
		if strings.Contains(p.stderr.String()+p.stdout.String(), secret) {
			t.Errorf("%.20s is in the log", secret)
		}
	}
}

var grpcAddress = regexp.MustCompile(`([0-9.:]+) +gRPC for other back ends`)

// TestUsersAreTakenOver imports while the embedded default runs, and kills it afterwards.
func TestUsersAreTakenOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "users.csv")
	content := "user;at;favourite;video;position\nalice;2024-05-01T20:00:00Z;programme:p001;;\nalice;" +
		time.Now().Add(-time.Hour).Format(time.RFC3339) + ";;video:p001-s01e01;12\nalice;2024-05-01T20:00:00Z;programme:none;;\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}
	p := start(t, dir, nil, args...)
	_, admin := p.ready()
	out := must(t, "import", "users", file, "--admin", admin)
	if !strings.HasPrefix(out, "3 rows: 2 taken over, 1 left out, in ") {
		t.Errorf("it says %q", out)
	}
	p.kill()
	p = start(t, dir, nil, args...)
	p.ready()
	conn, err := grpc.NewClient(grpcAddress.FindStringSubmatch(p.stdout.String())[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for user, want := range map[string]string{"alice": "true 12", "bob": "false 0"} {
		token := strings.TrimSpace(must(t, "token", "--user", user, "--data", filepath.Join(dir, ".regie")))
		servertest.Await(t, func() string {
			ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
			res, err := userv1.NewUserServiceClient(conn).GetStates(ctx, &userv1.GetStatesRequest{Ids: []string{"programme:p001", "video:p001-s01e01"}})
			if err != nil {
				return err.Error()
			}
			if got := fmt.Sprintf("%t %d", res.GetStates()[0].GetIsFavourite(), res.GetStates()[1].GetProgress().GetProgress().GetPosition()); got != want {
				return fmt.Sprintf("%s has %s, want %s", user, got, want)
			}
			return ""
		})
	}
}

func secretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 40)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheCommandLineSaysWhatIsWrongWithTokens(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(empty, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"a JWKS that is not there", []string{"run", "--jwks", filepath.Join(dir, "none")}, nil, "--jwks: open "},
		{"a JWKS without keys", []string{"run", "--jwks", empty}, nil, "--jwks: it has no key that can verify a token"},
		{"a short secret", []string{"run"}, []string{"REGIE_JWT_SECRET=short"}, "has 5 bytes; HS256 needs 32"},
		{"a secret's file that is not there", []string{"run", "--jwt-secret-file", filepath.Join(dir, "none")}, nil, "--jwt-secret-file: open "},
		{"any issuer", []string{"run", "--jwt-issuer", ""}, nil, "--jwt-issuer and --jwt-audience must not be empty"},
		{"a token of keys", []string{"token", "--user", "alice", "--jwks", "https://id.example.org/jwks"}, nil, "ask their issuer for one"},
		{"a token of nobody", []string{"token"}, nil, "--user"},
		{"a token of an empty user", []string{"token", "--user", "", "--jwt-secret-file", secretFile(t)}, nil, "1 to 200 bytes"},
		{"a token for no time", []string{"token", "--user", "alice", "--ttl=-1h"}, nil, "--ttl -1h0m0s must be positive"},
		{"nobody to import users", []string{"import", "users", empty, "--admin", "127.0.0.1:1"}, nil, "no regie answers at 127.0.0.1:1"},
		{"no file of users", []string{"import", "users", filepath.Join(dir, "none")}, nil, "opening the rows: open "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), tt.args, append(tt.env, "REGIE_DATA="+dir), cli.IO{Out: &out, Err: &out})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %v, want %q", err, tt.want)
			}
		})
	}
}
