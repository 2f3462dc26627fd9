package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"

	trendrole "regie/ingest/trend"
	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
	userv1 "regie/proto/user/v1"
)

// watching is the role trend as two processes, on topics and keys of the test's own.
type watching struct {
	t       *testing.T
	prefix  string
	env     []string
	admin   [2]string
	run     [2]*child
	cluster *stream.Cluster
	redis   redis.UniversalClient
	trend   *trend.Trend
}

func startWatching(t *testing.T) *watching {
	t.Helper()
	kafka, url := os.Getenv("TEST_KAFKA"), os.Getenv("TEST_REDIS")
	if kafka == "" || url == "" {
		servertest.Skip(t, "TEST_KAFKA or TEST_REDIS names no server; `make test` starts them")
	}
	w := &watching{t: t, cluster: servertest.Cluster(t)}
	project := strings.TrimSuffix(w.cluster.Topic(""), ".")
	w.prefix = project + ":2"
	w.env = []string{"REGIE_KAFKA=" + kafka, "REGIE_REDIS=" + url, "REGIE_PROJECT=" + project}
	var err error
	if w.redis, err = catalog.Connect(url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.empty(context.Background()); _ = w.redis.Close() })
	w.trend = trend.New(w.redis, w.prefix)
	for i := range w.run {
		w.admin[i] = servertest.FreeAddress(t)
		w.start(i)
	}
	return w
}

func (w *watching) start(i int) {
	env := append(slices.Clone(w.env), fmt.Sprint("REGIE_INSTANCE=", i))
	w.run[i] = start(w.t, w.t.TempDir(), env, "run", "--role", trendrole.Role, "--admin", w.admin[i])
}

// empty does to the test's own keys what FLUSHALL does to all.
func (w *watching) empty(ctx context.Context) {
	scan := func(ctx context.Context, c *redis.Client) error {
		var keys []string
		for it := c.Scan(ctx, 0, w.prefix+":*", 1000).Iterator(); it.Next(ctx); {
			keys = append(keys, it.Val())
		}
		for _, k := range keys {
			if err := c.Unlink(ctx, k).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	switch c := w.redis.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, scan)
	case *redis.Client:
		err = scan(ctx, c)
	}
	if err != nil {
		w.t.Error(err)
	}
}

// produce writes what viewers watch, so many events a second, until ctx is done: most of it reported again and again, some of
// it late, some too late, some from the future.
func (w *watching) produce(ctx context.Context, r *rand.Rand, rate int) (n int) {
	producer, err := w.cluster.NewProducer()
	if err != nil {
		w.t.Error(err)
		return 0
	}
	defer producer.Close()
	tick := time.NewTicker(time.Second / 20)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		rs := make([]stream.Record, rate/20)
		for i := range rs {
			viewer, video := fmt.Sprintf("viewer-%05d", r.IntN(3000)), int(30*r.Float64()*r.Float64())
			at := time.Now().Add(-time.Duration(r.IntN(2000)) * time.Millisecond)
			switch r.IntN(10) {
			case 0:
				at = at.Add(-time.Duration(r.IntN(int(8 * time.Hour))))
			case 1:
				at = at.Add(time.Duration(r.IntN(int(2 * time.Minute))))
			}
			rs[i] = eventRecord(stream.UserProgress, viewer, &userv1.ProgressEvent{
				EventUuid: fmt.Sprintf("%08x-%08d", r.Uint32(), n+i), OccurredAt: timestamppb.New(at), Viewer: viewer,
				EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED,
				Payload:   &userv1.Progress{VideoId: fmt.Sprint("v", video), ProgrammeId: fmt.Sprint("p", video/4), Position: 1, Duration: 5000, SessionId: "one"},
			})
		}
		if _, err := producer.Produce(context.WithoutCancel(ctx), rs); err != nil {
			w.t.Error(err)
			return n
		}
		n += len(rs)
	}
	return n
}

var trendWindows = []catalogv1.TrendWindow{catalogv1.TrendWindow_TREND_WINDOW_HOUR, catalogv1.TrendWindow_TREND_WINDOW_DAY, catalogv1.TrendWindow_TREND_WINDOW_WEEK}

// reckoned are all rankings as the topic has them, record by record; late is how many of its events came late, and how many of
// those too late.
func (w *watching) reckoned(now time.Time) (rankings map[string][]trend.Item, late [2]int) {
	w.t.Helper()
	const tick = 5 * time.Minute
	viewers := map[string]map[string]map[string]bool{} // by ranking and item
	err := w.cluster.ReadAll(w.t.Context(), stream.UserProgress, func(r stream.Record) error {
		var e userv1.ProgressEvent
		if err := r.Decode(&e); err != nil {
			return err
		}
		at := e.OccurredAt.AsTime()
		if at.After(r.Time.Add(time.Minute)) {
			return nil
		}
		if at.After(r.Time) {
			at = r.Time
		}
		if after := r.Time.Sub(at.Truncate(tick).Add(tick)); after > 0 {
			if late[0]++; after > trendrole.Grace {
				late[1]++
				return nil
			}
		}
		for _, name := range trendWindows {
			window := trend.WindowOf(name)
			if end := window.End(now); at.Before(end.Add(-window.Size)) || !at.Before(end) {
				continue
			}
			for in, item := range map[string]string{"video": e.Payload.VideoId, "programme": e.Payload.ProgrammeId, e.Payload.ProgrammeId: e.Payload.VideoId} {
				in = window.Name + " " + in
				if viewers[in] == nil {
					viewers[in] = map[string]map[string]bool{}
				}
				if viewers[in][item] == nil {
					viewers[in][item] = map[string]bool{}
				}
				viewers[in][item][e.Viewer] = true
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	rankings = map[string][]trend.Item{}
	for in, items := range viewers {
		for id, who := range items {
			rankings[in] = append(rankings[in], trend.Item{ID: id, Count: int64(len(who))})
		}
		slices.SortFunc(rankings[in], func(a, b trend.Item) int {
			if a.Before(b) {
				return -1
			}
			return 1
		})
	}
	return rankings, late
}

// wrong is where what is served differs from what the topic says; "" where nothing does.
func (w *watching) wrong() string {
	now := time.Now()
	want, _ := w.reckoned(now)
	got := map[string][]trend.Item{}
	for _, name := range trendWindows {
		window := trend.WindowOf(name).Name + " "
		for in := range want {
			rest, ok := strings.CutPrefix(in, window)
			if !ok {
				continue
			}
			list := trend.List{Kind: trend.Kind(rest), Window: name, First: 1000}
			if rest != "video" && rest != "programme" {
				list.Kind, list.Programme = trend.Videos, rest
			}
			a := w.trend.Read(w.t.Context(), now, []trend.List{list})[0]
			if a.Err != nil {
				return a.Err.Error()
			}
			got[in] = a.Items
		}
	}
	return cmp.Diff(want, got)
}

// TestTrendIsKilled kills the role's two processes at random under 1,000 events a second, 6 times or as often as TEST_KILLS
// says, empties Redis in the middle, and compares every ranking with what the topic says.
func TestTrendIsKilled(t *testing.T) {
	t.Parallel()
	kills, seed := 6, uint64(7)
	for name, into := range map[string]func(int){"TEST_KILLS": func(n int) { kills = n }, "TEST_SEED": func(n int) { seed = uint64(n) }} {
		if s := os.Getenv(name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			into(n)
		}
	}
	w := startWatching(t)
	await(t, "http://"+w.admin[0]+"/readyz", 200, "ready")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	n := 0
	var producing sync.WaitGroup
	producing.Go(func() { n = w.produce(ctx, rand.New(rand.NewPCG(7, seed)), 1000) })
	r := rand.New(rand.NewPCG(8, seed))
	for kill := range kills {
		pause(ctx, time.Duration(300+r.IntN(1500))*time.Millisecond)
		i := r.IntN(2)
		w.run[i].kill()
		if kill == kills/2 {
			w.empty(ctx)
		}
		w.start(i)
	}
	stop()
	producing.Wait()
	took := servertest.AwaitWithin(t, 5*time.Minute, w.wrong)
	t.Attr("killed", fmt.Sprintf("%d times under %d events; all rankings right %s after the last", kills, n, took.Round(time.Millisecond)))
	rankings, late := w.reckoned(time.Now())
	t.Attr("rankings-compared", fmt.Sprintf("%d; %d events came late, %d of them too late", len(rankings), late[0], late[1]))
	if late[1] == 0 || late[0] == late[1] {
		t.Errorf("%d events came late, %d of them too late", late[0], late[1])
	}
	for i := range w.run {
		await(t, "http://"+w.admin[i]+"/readyz", 200, "ready") // the one that was killed last may not even have begun
		if err := w.run[i].stop(); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
}
