package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"regie/internal/identity"
	"regie/internal/servertest"
	userv1 "regie/proto/user/v1"
)

// viewer is one that asks, on any gateway.
type viewer struct{ token string }

func (s *system) viewer(user string) viewer {
	s.t.Helper()
	token, err := identity.Sign([]byte(tokenSecret), "regie", "regie", user, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return viewer{token}
}

// ask asks patiently, and takes the answer's errors for its own.
func (v viewer) ask(ctx context.Context, site, query string, variables map[string]any) (answer, error) {
	a, err := patiently(func() (answer, error) { return askAs(ctx, site+"/query", v.token, query, variables) })
	if err == nil && len(a.Errors) > 0 {
		err = fmt.Errorf("%v", a.Errors)
	}
	return a, err
}

// stale tells whether the answer says that it may be older than asked for.
func (a answer) stale() bool {
	c, _ := a.Extensions["consistency"].(map[string]any)
	return c["state"] == "STALE"
}

// TestViewersAsTheReadmeSays runs its lines on the embedded default, which is killed right after the last mutation's answer.
func TestViewersAsTheReadmeSays(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(readme)) {
		if line = strings.TrimSpace(line); len(lines) > 0 || strings.HasPrefix(line, "TOKEN=") {
			if line == "" {
				break
			}
			lines = append(lines, line)
		}
	}
	if len(lines) != 5 || !strings.HasPrefix(lines[1], "gql()") || !strings.Contains(lines[4], "viewer {") {
		t.Fatalf("the README has other lines for viewers: %q", lines)
	}
	dir := t.TempDir()
	flags := []string{"--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}
	regie := start(t, dir, nil, flags...)
	say := func(lines ...string) string {
		site, _ := regie.ready()
		commands := strings.ReplaceAll(strings.Join(lines, "\n"), "go run .", "regie")
		return shell(t, dir, nil, strings.ReplaceAll(commands, "127.0.0.1:8080", strings.TrimPrefix(site, "http://")))
	}
	servertest.Await(t, func() string { // a busy machine's may be told to try again
		if out := say(lines[:4]...); strings.Count(out, `"problems":[],"receipt":{"token":"`) != 2 {
			return "the mutations answer " + out
		}
		return ""
	})
	regie.kill()
	regie = start(t, dir, nil, flags...)
	servertest.Await(t, func() string {
		out := say(lines[0], lines[1], lines[4])
		if !strings.Contains(out, `"totalCount":1`) || !strings.Contains(out, `"position":120`) {
			return "after the kill: " + out
		}
		return ""
	})
}

// TestUsersWithoutRedis has health and readiness say what is so: viewers are answered.
func TestUsersWithoutRedis(t *testing.T) {
	s := newSystem(t)
	s.ports["users"] = freeAddresses(t)
	s.env = append(s.env, "REGIE_REDIS=redis://127.0.0.1:1")
	s.start("users")
	s.awaitReady("users")
	conn, err := grpc.NewClient(s.ports["users"][2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, service := range []string{"", userv1.UserService_ServiceDesc.ServiceName} {
		servertest.Await(t, func() string {
			res, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
			if err != nil || res.GetStatus() != healthv1.HealthCheckResponse_SERVING {
				return fmt.Sprint(service, res, err)
			}
			return ""
		})
	}
	api := userv1.NewUserServiceClient(conn)
	ctx := metadata.AppendToOutgoingContext(t.Context(), identity.MetadataToken, "Bearer "+s.viewer("alice").token)
	servertest.Await(t, func() string { // Kafka and DynamoDB may be slow for a first call
		_, wrote := api.RemoveFromHistory(ctx, &userv1.RemoveFromHistoryRequest{All: true})
		_, read := api.ListFavourites(ctx, &userv1.ListFavouritesRequest{})
		if wrote != nil || read != nil {
			return fmt.Sprint(wrote, read)
		}
		return ""
	})
	if _, err := api.SetFavourite(ctx, &userv1.SetFavouriteRequest{TargetId: "programme:p"}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}

// readYourWrites writes on one gateway and reads at once on the other, each with a users role of its own.
func (p *pair) readYourWrites(t *testing.T) {
	writes, viewers, mayBeStale := 10_000, 200, 0
	if testing.Short() || raceDetector() { // nine in ten, on a machine that is too slow
		writes, mayBeStale = 1000, 900
	}
	sites := []string{"http://" + p.at["gateway"][0][0], "http://" + p.at["gateway"][1][0]}
	const videos = 50
	docs := []any{bson.M{"_id": "p", "slug": "programme", "title": "Programme", "kind": "SERIES"}}
	if _, err := p.mongo.Collection("programme").InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	docs = nil
	for i := range videos {
		id := fmt.Sprint("v", i)
		docs = append(docs, bson.M{"_id": id, "slug": id, "title": id, "kind": "EPISODE", "programme": "p", "duration": 100_000})
	}
	if _, err := p.mongo.Collection("video").InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	for _, site := range sites {
		servertest.Await(t, func() string {
			a := ask(t, site+"/query", `{ programme(by: {slug: "programme"}) { videos(first: 100, filter: {availableOnly: false}) { totalCount } } }`, nil)
			if n := a.at("programme", "videos", "totalCount"); n != float64(videos) {
				return fmt.Sprintf("%d videos are to be served: %v", videos, n)
			}
			return ""
		})
	}

	var mu sync.Mutex
	var wrote, read []time.Duration
	var seen, stale, next atomic.Int64
	g, ctx := errgroup.WithContext(t.Context())
	const atOnce = 8
	for worker := range atOnce {
		mine := make([]viewer, viewers/atOnce)
		for i := range mine {
			mine[i] = p.viewer(fmt.Sprintf("viewer %d of %d", i, worker))
		}
		g.Go(func() error {
			for {
				n := int(next.Add(1))
				if n > writes {
					return nil
				}
				v, video := mine[n%len(mine)], fmt.Sprintf("video:v%d", n%videos)
				began := time.Now()
				a, err := v.ask(ctx, sites[n%2], `mutation($in: ReportProgressInput!) { reportProgress(input: $in) { problems { code path } receipt { token } } }`,
					map[string]any{"in": map[string]any{"videoId": video, "position": n, "occurredAt": began.UTC().Format(time.RFC3339Nano), "sessionId": "test"}})
				if err != nil {
					return fmt.Errorf("mutation %d: %w", n, err)
				}
				token, _ := a.at("reportProgress", "receipt", "token").(string)
				answered := time.Now()
				readIt := func() (answer, error) {
					return v.ask(ctx, sites[1-n%2], `query($after: ConsistencyToken!, $ids: [ID!]!) { viewer(notBefore: $after) { states(ids: $ids) { ... on VideoViewerState { progress { position } } } } }`,
						map[string]any{"after": token, "ids": []string{video}})
				}
				a, err = readIt()
				took := time.Since(answered)
				if err == nil && a.stale() { // it says so: the machine is too slow for a read to wait
					for stale.Add(1); err == nil && a.stale() && time.Since(answered) < servertest.Patience; {
						a, err = readIt()
					}
				}
				if err != nil {
					return fmt.Errorf("read %d: %w", n, err)
				}
				if got := a.at("viewer", "states", 0, "progress", "position"); got == float64(n) {
					seen.Add(1)
				} else {
					t.Errorf("write %d: position %v is read, %v", n, got, a.Extensions)
				}
				mu.Lock()
				wrote, read = append(wrote, answered.Sub(began)), append(read, took)
				mu.Unlock()
			}
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(wrote)
	slices.Sort(read)
	t.Attr("read-your-writes", fmt.Sprintf("%d of %d writes are read at once on the other gateway; mutation p50 %s p99 %s, read p50 %s p99 %s (race detector: %t)",
		seen.Load()-stale.Load(), writes, share(wrote, 50), share(wrote, 99), share(read, 50), share(read, 99), raceDetector()))
	if seen.Load() != int64(writes) {
		t.Errorf("%d of %d writes are read", seen.Load(), writes)
	}
	if n := stale.Load(); n > int64(mayBeStale) {
		t.Errorf("%d of %d reads could not wait", n, writes)
	}
}
