package demo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	userv1 "regie/proto/user/v1"
)

// hour is what the pretend viewers watch in an hour: viewers of each video.
func (a *audience) hour(t *testing.T, from time.Time) (viewers map[string]map[string]bool) {
	t.Helper()
	viewers = map[string]map[string]bool{}
	last := map[string]*userv1.Report{}
	for at := from; at.Before(from.Add(time.Hour)); at = at.Add(reportEvery) {
		user, r := a.next(at)
		if !strings.HasPrefix(user, "demo-viewer-") || !strings.HasPrefix(r.GetSessionId(), "pretend-") {
			t.Fatalf("not labelled: %s %v", user, r)
		}
		if l := last[user]; l != nil && l.GetSessionId() == r.GetSessionId() && (l.GetVideoId() != r.GetVideoId() || l.GetPosition() >= r.GetPosition()) {
			t.Fatalf("%s: after %v comes %v", user, l, r)
		}
		last[user] = r
		if viewers[r.GetVideoId()] == nil {
			viewers[r.GetVideoId()] = map[string]bool{}
		}
		viewers[r.GetVideoId()][user] = true
	}
	return viewers
}

func favourite(viewers map[string]map[string]bool) (id string, n int) {
	for v, by := range viewers {
		if len(by) > n || len(by) == n && v < id {
			id, n = v, len(by)
		}
	}
	return id, n
}

func TestSomeVideosArePopularAndThenOthers(t *testing.T) {
	cat := mustLoad(t)
	lengths := map[string]int32{}
	for _, p := range cat.programmes {
		for _, v := range p.videos {
			lengths["video:"+v.id] = v.seconds
		}
	}
	a := newAudience(cat, rand.New(rand.NewPCG(7, 7)))
	noon := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	first, later := a.hour(t, noon), a.hour(t, noon.Add(3*time.Hour))
	one, most := favourite(first)
	other, _ := favourite(later)
	if one == other {
		t.Errorf("%s is the most popular one for ever", one)
	}
	sum := 0
	for id, by := range first {
		if sum += len(by); lengths[id] == 0 {
			t.Errorf("%s is no video", id)
		}
	}
	if mean := float64(sum) / float64(len(first)); len(first) < 50 || float64(most) < 2*mean {
		t.Errorf("of %d videos the most popular one has %d viewers, in the mean %.1f", len(first), most, mean)
	}
}

// heard is a user API that hears one report.
type heard struct {
	userv1.UserServiceClient
	reports chan *userv1.Report
}

func (h heard) ReportProgress(_ context.Context, r *userv1.ReportProgressRequest, _ ...grpc.CallOption) (*userv1.ReportProgressResponse, error) {
	h.reports <- r.GetReports()[0]
	return &userv1.ReportProgressResponse{}, nil
}

func TestTrafficBecomesLessAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := heard{reports: make(chan *userv1.Report, 1000)}
		users := map[string]bool{}
		traffic := Traffic{Users: h, Log: slog.New(slog.DiscardHandler), As: func(ctx context.Context, user string) (context.Context, error) {
			users[user] = true
			return ctx, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), eagerFor+time.Minute)
		defer cancel()
		if err := traffic.Run(ctx); err != nil {
			t.Error(err)
		}
		if n := len(h.reports); n < 600+10 || n > 600+12 || len(users) != PretendViewers {
			t.Errorf("in ten minutes and one %d reports of %d viewers", n, len(users))
		}
	})
}
