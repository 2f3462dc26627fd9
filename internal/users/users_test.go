package users_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"

	projectionv1 "regie/proto/projection/v1"
	userv1 "regie/proto/user/v1"
)

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

func dialer(l *bufconn.Listener) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }
}

// exported are favourites' targets and videos with their positions.
func (a *api) exported(user string) []string {
	a.w.t.Helper()
	st, err := a.Export(as(a.w.t, user), &userv1.ExportRequest{})
	if err != nil {
		a.w.t.Fatal(err)
	}
	out := []string{}
	for {
		res, err := st.Recv()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			a.w.t.Fatal(err)
		}
		if f := res.GetFavourite(); f != nil {
			out = append(out, f.GetTargetId())
		} else {
			out = append(out, fmt.Sprintf("%s %d", res.GetProgress().GetProgress().GetVideoId(), res.GetProgress().GetProgress().GetPosition()))
		}
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func TestAWriteIsReadOnAnotherInstance(t *testing.T) {
	w := newWorld(t)
	here, there := w.instance(), w.instance()
	for i := range 200 {
		id := fmt.Sprintf("programme:p%d", i%3)
		r := here.add("alice", id, "").GetReceipt().GetToken()
		if got := there.listed("alice", r); got[0] != id {
			t.Fatalf("round %d: %v", i, got)
		}
		r = here.set("alice", &userv1.SetFavouriteRequest{TargetId: id, Remove: true}).GetReceipt().GetToken()
		if got := there.listed("alice", r); strings.Contains(fmt.Sprint(got), id) {
			t.Fatalf("round %d: %v", i, got)
		}
	}
}

func TestWhatIsDoneWithinAMillisecondKeepsItsOrder(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	now := w.now()
	w.frozen.Store(&now)
	for range 10 {
		a.reports("alice", w.report("p0v0", 10, 0))
		a.add("alice", "programme:p0", "")
		removed, err := a.RemoveFromHistory(as(t, "alice"), &userv1.RemoveFromHistoryRequest{VideoIds: []string{"video:p0v0"}})
		if err != nil {
			t.Fatal(err)
		}
		r := a.set("alice", &userv1.SetFavouriteRequest{TargetId: "programme:p0", Remove: true}).GetReceipt().GetToken()
		a.listed("alice", r, removed.GetReceipt().GetToken())
		same(t, "left", a.exported("alice"), []string{})
	}
}

// TestManyRemovedAreRemovedNow: what comes right behind them is later.
func TestManyRemovedAreRemovedNow(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	now := w.now()
	w.frozen.Store(&now)
	ids := make([]string, 500)
	for i := range ids {
		ids[i] = "video:p0v0"
	}
	if _, err := a.RemoveFromHistory(as(t, "alice"), &userv1.RemoveFromHistoryRequest{VideoIds: ids}); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.progress() {
		if at := e.GetOccurredAt().AsTime(); at.After(now) {
			t.Fatalf("%s lies in the future", at.Sub(now))
		}
	}
	soon := now.Add(100 * time.Millisecond)
	w.frozen.Store(&soon)
	a.listed("alice", a.reports("alice", w.report("p0v0", 10, 0)).GetReceipt().GetToken())
	same(t, "watched again", a.exported("alice"), []string{"p0v0 10"})
}

func TestFavouritesArePagedByKind(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	var receipts []string
	for _, id := range []string{"programme:p0", "video:p1v1", "programme:p1", "video:p2v0", "programme:p2"} {
		receipts = append(receipts, a.add("alice", id, "").GetReceipt().GetToken())
	}
	a.add("bob", "programme:p0", "")
	notBefore := strings.Join(receipts, "~")
	for kind, want := range map[string][]string{
		"programme": {"programme:p2", "programme:p1", "programme:p0"},
		"video":     {"video:p2v0", "video:p1v1"},
		"":          {"programme:p2", "video:p2v0", "programme:p1", "video:p1v1", "programme:p0"},
	} {
		var got []string
		req := &userv1.ListFavouritesRequest{PageSize: 2, NotBefore: notBefore}
		if kind != "" {
			req.Kinds = []string{kind}
		}
		for more := true; more; more = req.PageToken != "" {
			res, err := a.ListFavourites(as(t, "alice"), req)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range res.GetFavourites() {
				if got = append(got, f.GetTargetId()); f.GetAddedAt().AsTime().After(w.now()) || res.GetTokens()[i] == "" {
					t.Errorf("%v", res)
				}
			}
			if int(res.GetTotal()) != len(want) {
				t.Errorf("%q: total %d", kind, res.GetTotal())
			}
			req.PageToken = res.GetNextPageToken()
		}
		same(t, kind, got, want)
	}
	if diff := cmp.Diff([]string{"programme:p0"}, a.listed("bob")); diff != "" {
		t.Error(diff)
	}
	if got := a.listed("nobody yet"); len(got) != 0 {
		t.Error(got)
	}
}

func TestProgressAndHistory(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	a.reports("alice", w.report("p0v0", 100, time.Hour), w.report("p0v1", 200, 50*time.Minute), w.report("p1v0", 300, 40*time.Minute))
	a.reports("alice", w.report("p0v1", 999, 2*time.Hour)) // late: the newer stays
	r := a.reports("alice", w.report("p2v0", 400, 30*time.Minute))
	watching := func(notBefore string) (out []string) {
		t.Helper()
		req := &userv1.ListProgressRequest{PageSize: 2, NotBefore: notBefore}
		for more := true; more; more = req.PageToken != "" {
			res, err := a.ListProgress(as(t, "alice"), req)
			if err != nil {
				t.Fatal(err)
			}
			if res.GetConsistency() != userv1.Consistency_CONSISTENCY_CONSISTENT {
				t.Fatal(res)
			}
			for _, p := range res.GetProgress() {
				out = append(out, fmt.Sprintf("%s of %s %d/%d", p.GetProgress().GetVideoId(), p.GetProgress().GetProgrammeId(), p.GetProgress().GetPosition(), p.GetProgress().GetDuration()))
			}
			req.PageToken = res.GetNextPageToken()
		}
		return out
	}
	same(t, "watched last", watching(r.GetReceipt().GetToken()), []string{"p2v0 of p2 400/3000", "p1v0 of p1 300/3000", "p0v1 of p0 200/3000"})

	a.add("alice", "programme:p0", "")
	f := a.add("alice", "video:p0v0", "").GetReceipt().GetToken()
	states, err := a.GetStates(as(t, "alice"), &userv1.GetStatesRequest{
		Ids: []string{"video:p0v0", "programme:p0", "programme:p2", "video:p2v2", "programme:p0"}, NotBefore: f,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range states.GetStates() {
		got = append(got, fmt.Sprintf("%s %t %s %d", s.GetId(), s.GetIsFavourite(), s.GetProgress().GetProgress().GetVideoId(), s.GetProgress().GetProgress().GetPosition()))
	}
	same(t, "states", got, []string{"video:p0v0 true p0v0 100", "programme:p0 true p0v1 200", "programme:p2 false p2v0 400", "video:p2v2 false  0", "programme:p0 true p0v1 200"})
	same(t, "export", a.exported("alice"), []string{"video:p0v0", "programme:p0", "p2v0 400", "p1v0 300", "p0v1 200", "p0v0 100"})

	// What is gone from the catalogue can leave the history still.
	w.put("video", "p0v1", nil)
	removed, err := a.RemoveFromHistory(as(t, "alice"), &userv1.RemoveFromHistoryRequest{VideoIds: []string{"video:p0v1", "video:p1v0", "video:never"}})
	if err != nil || len(removed.GetProblems()) != 1 || removed.GetProblems()[0].GetItem() != 2 {
		t.Fatal(removed, err)
	}
	same(t, "after a removal", watching(removed.GetReceipt().GetToken()), []string{"p2v0 of p2 400/3000", "p0v0 of p0 100/3000"})
	cleared, err := a.RemoveFromHistory(as(t, "alice"), &userv1.RemoveFromHistoryRequest{All: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after all", watching(cleared.GetReceipt().GetToken()), []string(nil))
	a.reports("alice", w.report("p1v1", 7, time.Minute)) // older than the clearing
	last := a.reports("alice", w.report("p1v1", 8, 0)).GetReceipt().GetToken()
	same(t, "what came later", watching(last), []string{"p1v1 of p1 8/3000"})
}

func TestBadInputIsRefusedAndNothingWritten(t *testing.T) {
	w := newWorld(t)
	w.put("programme", "gone", &projectionv1.Programme{Id: "programme:gone"})
	w.put("programme", "gone", nil)
	w.put("channel", "c1", nil)
	a := w.instance()
	good := func() *userv1.Report { return w.report("p0v0", 10, time.Minute) }
	problems := func(ps []*userv1.Problem) (out []string) {
		for _, p := range ps {
			if p.GetMessage() == "" {
				t.Errorf("%v says nothing", p)
			}
			out = append(out, fmt.Sprintf("%d %s %s", p.GetItem(), p.GetField(), strings.TrimPrefix(p.GetCode().String(), "PROBLEM_CODE_")))
		}
		return out
	}
	for name, tt := range map[string]struct {
		req  *userv1.SetFavouriteRequest
		want string
	}{
		"nothing":            {&userv1.SetFavouriteRequest{}, "0 target_id NOT_FOUND"},
		"no kind":            {&userv1.SetFavouriteRequest{TargetId: "p0"}, "0 target_id NOT_FOUND"},
		"another kind":       {&userv1.SetFavouriteRequest{TargetId: "channel:c1"}, "0 target_id NOT_FOUND"},
		"unknown":            {&userv1.SetFavouriteRequest{TargetId: "programme:never"}, "0 target_id NOT_FOUND"},
		"deleted":            {&userv1.SetFavouriteRequest{TargetId: "programme:gone"}, "0 target_id NOT_FOUND"},
		"never there, again": {&userv1.SetFavouriteRequest{TargetId: "programme:never", Remove: true}, "0 target_id NOT_FOUND"},
		"a long id":          {&userv1.SetFavouriteRequest{TargetId: "programme:" + strings.Repeat("x", 10_000)}, "0 target_id NOT_FOUND"},
		"a long key":         {&userv1.SetFavouriteRequest{TargetId: "programme:p0", IdempotencyKey: strings.Repeat("k", 101)}, "0 idempotency_key OUT_OF_RANGE"},
	} {
		res, err := a.SetFavourite(as(t, "alice"), tt.req)
		if err != nil || res.GetReceipt() != nil || res.GetFavourite() != nil {
			t.Errorf("%s: %v %v", name, res, err)
		}
		same(t, name, problems(res.GetProblems()), []string{tt.want})
	}
	for name, tt := range map[string]struct {
		change func(*userv1.Report)
		want   []string
	}{
		"a programme":        {func(r *userv1.Report) { r.VideoId = "programme:p0" }, []string{"0 video_id NOT_FOUND"}},
		"unknown":            {func(r *userv1.Report) { r.VideoId = "video:never" }, []string{"0 video_id NOT_FOUND"}},
		"negative":           {func(r *userv1.Report) { r.Position = -1 }, []string{"0 position OUT_OF_RANGE"}},
		"behind the end":     {func(r *userv1.Report) { r.Position = 3061 }, []string{"0 position OUT_OF_RANGE"}},
		"a negative length":  {func(r *userv1.Report) { r.Duration = -1 }, []string{"0 duration OUT_OF_RANGE"}},
		"two days long":      {func(r *userv1.Report) { r.Duration = 2 * 86400 }, []string{"0 duration OUT_OF_RANGE"}},
		"no time":            {func(r *userv1.Report) { r.OccurredAt = nil }, []string{"0 occurred_at OUT_OF_RANGE"}},
		"an impossible time": {func(r *userv1.Report) { r.OccurredAt = &timestamppb.Timestamp{Seconds: 1 << 60} }, []string{"0 occurred_at OUT_OF_RANGE"}},
		"31 days ago":        {func(r *userv1.Report) { r.OccurredAt = stamp(w.now().AddDate(0, 0, -31)) }, []string{"0 occurred_at TOO_OLD"}},
		"a long session":     {func(r *userv1.Report) { r.SessionId = strings.Repeat("s", 101) }, []string{"0 session_id OUT_OF_RANGE"}},
		"several at once": {func(r *userv1.Report) { r.Position, r.OccurredAt = -1, stamp(time.Unix(0, 0)) },
			[]string{"0 position OUT_OF_RANGE", "0 occurred_at TOO_OLD"}},
	} {
		r := good()
		tt.change(r)
		res, err := a.ReportProgress(as(t, "alice"), &userv1.ReportProgressRequest{Reports: []*userv1.Report{r}})
		if err != nil || res.GetReceipt() != nil || len(res.GetProgress()) > 0 {
			t.Errorf("%s: %v %v", name, res, err)
		}
		same(t, name, problems(res.GetProblems()), tt.want)
	}
	many := make([]*userv1.Report, 10_000)
	for i := range many {
		many[i] = good()
	}
	ids := make([]string, 501)
	for i := range ids {
		ids[i] = "video:p0v0"
	}
	receipt := a.service.Receipt("user.favourite", 0, 0)
	call := func(ctx context.Context, do func(context.Context) error) error { return do(ctx) }
	list := func(req *userv1.ListFavouritesRequest) func(context.Context) error {
		return func(ctx context.Context) error { _, err := a.ListFavourites(ctx, req); return err }
	}
	favourite := func(ctx context.Context) error {
		_, err := a.SetFavourite(ctx, &userv1.SetFavouriteRequest{TargetId: "programme:p0"})
		return err
	}
	for name, tt := range map[string]struct {
		user string
		do   func(context.Context) error
		code codes.Code
		says string
	}{
		"a batch of 10,000": {"alice", func(ctx context.Context) error {
			_, err := a.ReportProgress(ctx, &userv1.ReportProgressRequest{Reports: many})
			return err
		}, codes.InvalidArgument, "reports: 10000"},
		"too many removals": {"alice", func(ctx context.Context) error {
			_, err := a.RemoveFromHistory(ctx, &userv1.RemoveFromHistoryRequest{VideoIds: ids})
			return err
		}, codes.InvalidArgument, "video_ids: 501"},
		"all and some": {"alice", func(ctx context.Context) error {
			_, err := a.RemoveFromHistory(ctx, &userv1.RemoveFromHistoryRequest{VideoIds: ids[:1], All: true})
			return err
		}, codes.InvalidArgument, "video_ids"},
		"too many states": {"alice", func(ctx context.Context) error {
			_, err := a.GetStates(ctx, &userv1.GetStatesRequest{Ids: ids})
			return err
		}, codes.InvalidArgument, "ids: 501"},
		"a state of a channel": {"alice", func(ctx context.Context) error {
			_, err := a.GetStates(ctx, &userv1.GetStatesRequest{Ids: []string{"video:p0v0", "channel:c1"}})
			return err
		}, codes.InvalidArgument, "ids[1]"},
		"an empty user":           {"", favourite, codes.Unauthenticated, "no user"},
		"a tampered receipt":      {"alice", list(&userv1.ListFavouritesRequest{NotBefore: "A" + receipt}), codes.InvalidArgument, "not_before"},
		"no receipt":              {"alice", list(&userv1.ListFavouritesRequest{NotBefore: "x"}), codes.InvalidArgument, "not_before"},
		"one good, one tampered":  {"alice", list(&userv1.ListFavouritesRequest{NotBefore: receipt + "~" + receipt[1:]}), codes.InvalidArgument, "not_before"},
		"an empty one behind":     {"alice", list(&userv1.ListFavouritesRequest{NotBefore: receipt + "~"}), codes.InvalidArgument, "not_before"},
		"many receipts":           {"alice", list(&userv1.ListFavouritesRequest{NotBefore: strings.Repeat("~", 1000)}), codes.InvalidArgument, "not_before: 1001"},
		"a receipt as page token": {"alice", list(&userv1.ListFavouritesRequest{PageToken: receipt}), codes.InvalidArgument, "page_token"},
		"a page of 101":           {"alice", list(&userv1.ListFavouritesRequest{PageSize: 101}), codes.InvalidArgument, "page_size"},
		"a page of -1":            {"alice", list(&userv1.ListFavouritesRequest{PageSize: -1}), codes.InvalidArgument, "page_size"},
		"another kind":            {"alice", list(&userv1.ListFavouritesRequest{Kinds: []string{"video", "person"}}), codes.InvalidArgument, "kinds[1]"},
	} {
		err := call(as(t, tt.user), tt.do)
		if s := status.Convert(err); s.Code() != tt.code || !strings.Contains(s.Message(), tt.says) || len(s.Message()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := favourite(t.Context()); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	if n := len(w.favourites()) + len(w.progress()); n != 0 {
		t.Errorf("%d events were written", n)
	}
	// A batch with bad ones: the good ones are written.
	bad := good()
	bad.Position = -7
	res, err := a.ReportProgress(as(t, "alice"), &userv1.ReportProgressRequest{Reports: []*userv1.Report{bad, good(), {VideoId: "video:never"}, w.report("p1v1", 5, 0)}})
	if err != nil || len(res.GetProgress()) != 2 || len(w.progress()) != 2 {
		t.Error(res, err)
	}
	same(t, "batch", problems(res.GetProblems()), []string{"0 position OUT_OF_RANGE", "2 video_id NOT_FOUND", "2 occurred_at OUT_OF_RANGE"})
	if log := w.log.String(); strings.Contains(log, "alice") {
		t.Error("the log has a user's id")
	}
}
