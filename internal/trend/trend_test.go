package trend_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
)

var now = time.Date(2026, 6, 1, 12, 2, 0, 0, time.UTC)

const day = catalogv1.TrendWindow_TREND_WINDOW_DAY

func open(t *testing.T) (*trend.Trend, redis.UniversalClient, string) {
	t.Helper()
	client, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	prefix := servertest.Name()
	return trend.New(client, prefix), client, prefix
}

// ending is the day's window that ends at now.
func ending() trend.Ending {
	return trend.Ending{Window: trend.WindowOf(day), At: trend.WindowOf(day).End(now)}
}

func step(partition int32, was, to int64, counts map[trend.Counted]int64) trend.Step {
	s := trend.Step{Partition: partition, To: stream.Position{TopicID: "id", Incarnation: 5, Offset: to}, Counts: map[trend.Ending]map[trend.Counted]int64{ending(): counts}}
	if was > 0 {
		s.Was = &stream.Position{TopicID: "id", Incarnation: 5, Offset: was}
	}
	return s
}

func text(items []trend.Item) string {
	var out []string
	for _, i := range items {
		out = append(out, fmt.Sprintf("%s:%d", i.ID, i.Count))
	}
	return strings.Join(out, " ")
}

// TestAStepIsMadeOnce: it moves counts and position together, and only from where the partition is.
func TestAStepIsMadeOnce(t *testing.T) {
	tr, _, _ := open(t)
	ctx := t.Context()
	one := step(3, 0, 10, map[trend.Counted]int64{trend.OfVideo("a"): 2, trend.OfVideo("b"): 1, trend.OfProgramme("p"): 2, trend.OfProgrammesVideo("p", "a"): 2})
	one.Seen = map[string]trend.Seen{"viewer": {trend.OfVideo("a"): 7, trend.OfVideo("b"): 8}}
	two := step(3, 10, 20, map[trend.Counted]int64{trend.OfVideo("b"): 3})
	two.Seen = map[string]trend.Seen{"viewer": {trend.OfVideo("a"): -1, trend.OfVideo("c"): 9}}
	for what, s := range map[string]trend.Step{"before the one it follows": two, "of a partition that is elsewhere": step(3, 9, 11, nil)} {
		if err := tr.Commit(ctx, s, now); !errors.Is(err, stream.ErrMoved) {
			t.Errorf("a step %s: %v", what, err)
		}
	}
	for range 3 { // its answer may be lost
		if err := tr.Commit(ctx, one, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Commit(ctx, two, now); err != nil {
		t.Fatal(err)
	}
	if err := tr.Commit(ctx, one, now); !errors.Is(err, stream.ErrMoved) {
		t.Errorf("a step that was made long ago: %v", err)
	}
	if err := tr.Commit(ctx, step(4, 0, 1, map[trend.Counted]int64{trend.OfVideo("a"): 1, trend.OfProgramme("p"): 1}), now); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Rank(ctx, ending(), nil, now); err != nil {
		t.Fatal(err)
	}
	seen, err := tr.Seen(ctx, 3, 5, []string{"viewer", "nobody"})
	if diff := gocmp.Diff([]trend.Seen{{trend.OfVideo("b"): 8, trend.OfVideo("c"): 9}, {}}, seen); diff != "" || err != nil {
		t.Errorf("seen: %v %s", err, diff)
	}
	for list, want := range map[trend.List]string{
		{Kind: trend.Videos, Window: day, First: 10}:                                    "b:4 a:3",
		{Kind: trend.Programmes, Window: day, First: 10}:                                "p:3",
		{Kind: trend.Videos, Programme: "p", Window: day, First: 10}:                    "a:2",
		{Kind: trend.Videos, Window: day, First: 1}:                                     "b:4",
		{Kind: trend.Videos, Window: day}:                                               "",
		{Kind: trend.Videos, Window: day, Of: "a"}:                                      "a:3",
		{Kind: trend.Videos, Window: day, Of: "x"}:                                      "",
		{Kind: trend.Videos, Window: catalogv1.TrendWindow_TREND_WINDOW_HOUR, First: 9}: "",
	} {
		if a := tr.Read(ctx, now, []trend.List{list})[0]; text(a.Items) != want || a.Err != nil {
			t.Errorf("%+v: %v %v, want %s", list, a.Items, a.Err, want)
		}
	}
	if a := tr.Read(ctx, now, []trend.List{{Kind: trend.Videos}, {Kind: trend.Programmes, Window: day, First: 1}}); a[0].Err == nil || text(a[1].Items) != "p:3" {
		t.Errorf("no window, and its neighbour: %v", a)
	}
	if err := tr.Forget(ctx, ending()); err != nil {
		t.Fatal(err)
	}
	for _, list := range []trend.List{{Kind: trend.Videos, Window: day, First: 1}, {Kind: trend.Programmes, Window: day, First: 1}, {Kind: trend.Videos, Programme: "p", Window: day, First: 1}} {
		if a := tr.Read(ctx, now, []trend.List{list})[0]; len(a.Items) > 0 || a.Err != nil {
			t.Errorf("%+v is forgotten, and has %v %v", list, a.Items, a.Err)
		}
	}
}

// TestPartsOfARanking: each part follows its predecessor, also behind an item that has moved or is gone, and where many have
// as many viewers.
func TestPartsOfARanking(t *testing.T) {
	tr, client, prefix := open(t)
	r := rand.New(rand.NewPCG(3, 3))
	key := fmt.Sprintf("%s:trend:day:%d:video", prefix, ending().At.Unix())
	var all []trend.Item
	for i := range 300 {
		all = append(all, trend.Item{ID: fmt.Sprintf("v\xff%03d", i*7%300), Count: int64(1 + r.IntN(4))})
	}
	for _, i := range all {
		client.ZAdd(t.Context(), key, redis.Z{Score: float64(-i.Count), Member: i.ID})
	}
	slices.SortFunc(all, func(a, b trend.Item) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) })
	for _, at := range []int{0, 1, 57, 148, 298, 299} {
		a := tr.Read(t.Context(), now, []trend.List{{Kind: trend.Videos, Window: day, First: 40, After: all[at]}})[0]
		if diff := gocmp.Diff(text(all[at+1:min(at+41, 300)]), text(a.Items)); diff != "" || a.Err != nil {
			t.Errorf("after %d: %v %s", at, a.Err, diff)
		}
	}
	for _, after := range []trend.Item{{ID: "", Count: 3}, {ID: "zzz", Count: 3}, {ID: "v", Count: 99}, {ID: "v\xff1500", Count: 2}, {ID: "v\xff200", Count: -1}} {
		i, _ := slices.BinarySearchFunc(all, after, func(a, b trend.Item) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) })
		a := tr.Read(t.Context(), now, []trend.List{{Kind: trend.Videos, Window: day, First: 1000, After: after}})[0]
		if diff := gocmp.Diff(text(all[i:]), text(a.Items)); diff != "" || a.Err != nil {
			t.Errorf("after %v: %v %s", after, a.Err, diff)
		}
	}
}

// TestARankingIsTheSumOfAllPartitions, not of what each has most of; told in any order, also by those who know less.
func TestARankingIsTheSumOfAllPartitions(t *testing.T) {
	tr, _, _ := open(t)
	r := rand.New(rand.NewPCG(4, 4))
	sums := map[string]int64{}
	next := map[int32]int64{}
	for round := range 6 {
		var changed []trend.Counted
		for _, p := range trend.Partitions() {
			counts := map[trend.Counted]int64{}
			for range 30 {
				id, n := fmt.Sprintf("v%02d", r.IntN(100)), int64(1+r.IntN(5))
				counts[trend.OfVideo(id)] += n
				counts[trend.OfProgrammesVideo("a:1", id)] += n
				sums[id] += n
				changed = append(changed, trend.OfVideo(id), trend.OfProgrammesVideo("a:1", id))
			}
			if err := tr.Commit(t.Context(), step(p, next[p], next[p]+10, counts), now); err != nil {
				t.Fatal(err)
			}
			next[p] += 10
		}
		if round%2 == 0 {
			changed = nil // all
		}
		reordered, err := tr.Rank(t.Context(), ending(), changed, now)
		if err != nil || !slices.Equal(reordered, []string{"a:1"}) {
			t.Errorf("reordered %v, %v", reordered, err)
		}
	}
	var want []trend.Item
	for id, n := range sums {
		want = append(want, trend.Item{ID: id, Count: n})
	}
	slices.SortFunc(want, func(a, b trend.Item) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) })
	if again, err := tr.Rank(t.Context(), ending(), nil, now); err != nil || len(again) > 0 {
		t.Errorf("told again, it is another: %v, %v", again, err)
	}
	for what, read := range map[string]func() ([]trend.Item, error){
		"of all":         func() ([]trend.Item, error) { return tr.Top(t.Context(), trend.Videos, day, now, 1000) },
		"of a programme": func() ([]trend.Item, error) { return tr.TopOf(t.Context(), "a:1", day, now, 1000) },
	} {
		got, err := read()
		if diff := gocmp.Diff(text(want), text(got)); diff != "" || err != nil {
			t.Errorf("%s: %v %s", what, err, diff)
		}
	}
}

func TestWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, w := range append(trend.Windows(), &trend.Window{Size: time.Hour, Hop: time.Hour}) {
		for range 1000 {
			at := time.Unix(r.Int64N(4e9)-1e9, r.Int64N(1e9)).UTC()
			end := w.End(at)
			if at.Before(end.Add(-w.Size)) || !at.Before(end) || end.Sub(at) > w.Hop || end.UnixNano()%w.Hop.Nanoseconds() != 0 {
				t.Fatalf("%s: the window that ends next after %s ends at %s", w.Name, at, end)
			}
			ends := w.Ends(at)
			if len(ends) != int(w.Size/w.Hop) || !ends[0].Equal(end) {
				t.Fatalf("%s: %s lies in windows that end at %v", w.Name, at, ends)
			}
			for _, e := range ends {
				if at.Before(e.Add(-w.Size)) || !at.Before(e) {
					t.Fatalf("%s: %s does not lie in the window that ends at %s", w.Name, at, e)
				}
			}
		}
	}
}

func TestARedisThatIsAway(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: servertest.FreeAddress(t), MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	if _, err := trend.New(client, "x").Top(ctx, trend.Videos, day, now, 5); !errors.Is(err, trend.ErrUnavailable) {
		t.Errorf("it says %v", err)
	}
}
