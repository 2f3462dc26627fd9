package users_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

// remote serves the instance's import and returns a client of it.
func (a *api) remote() *users.RemoteImport {
	a.w.t.Helper()
	srv := httptest.NewServer(users.ImportHandler(a.service, ready(nil), servertest.Log(a.w.t)))
	a.w.t.Cleanup(srv.Close)
	return users.NewRemoteImport(strings.TrimPrefix(srv.URL, "http://"))
}

type importer interface {
	Import(ctx context.Context, lines [][]byte) ([]users.RowProblem, error)
}

func ready(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func lines(text ...string) [][]byte {
	var out [][]byte
	for _, l := range text {
		out = append(out, []byte(l))
	}
	return out
}

func TestImportedRows(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	ago := func(d time.Duration) string { return w.now().Add(-d).Format(time.RFC3339) }
	hour := ago(time.Hour)
	long := strings.Repeat("x", 10<<10)
	for _, tt := range []struct{ row, wrong string }{
		{`{"user":"alice","favourite":"programme:p0","at":"` + hour + `"}`, ""},
		{`{"user":"alice","favourite":"video:p0v0","at":"2012-05-01T20:00:00.5+02:00","more":[1]}`, ""},
		{`{"user":"alice","video":"video:p1v0","position":120,"duration":1800,"at":"` + hour + `","session":"old"}`, ""},
		{`{"user":"alice","video":"video:p1v1","position":"130.9","duration":"","at":"` + ago(300*24*time.Hour) + `"}`, ""},
		{`{"user":"zoe","video":"video:p1v1","position":0,"duration":null,"at":"` + hour + `","favourite":""}`, ""},

		{``, "it is no JSON object"},
		{`null`, "user: it is missing"},
		{`[]`, "it is no JSON object"},
		{`{"user":"alice"`, "it is no JSON object"},
		{"{\"user\":\"\xff\"}", "it is no UTF-8"},
		{`{"favourite":"programme:p0","at":"` + hour + `"}`, "user: it is missing"},
		{`{"user":"","favourite":"programme:p0","at":"` + hour + `"}`, "user: it is missing"},
		{`{"user":12,"favourite":"programme:p0","at":"` + hour + `"}`, "user: it must be text"},
		{`{"user":"` + long + `","favourite":"programme:p0","at":"` + hour + `"}`, "user: it has 10240 bytes: at most 200"},
		{`{"user":"bob","at":"` + hour + `"}`, "it must have either favourite or video"},
		{`{"user":"bob","favourite":"programme:p0","video":"video:p0v0","at":"` + hour + `"}`, "it must have either favourite or video"},
		{`{"user":"bob","favourite":"programme:p0"}`, `at: "" is no time such as 2024-05-01T20:00:00Z`},
		{`{"user":"bob","favourite":"programme:p0","at":"01/05/2024"}`, `at: "01/05/2024" is no time such as`},
		{`{"user":"bob","favourite":"programme:p0","at":"` + ago(-time.Hour) + `"}`, "is in the future"},
		{`{"user":"bob","favourite":"programme:p0","at":"1969-12-31T23:59:59Z"}`, "is before 1970"},
		{`{"user":"bob","favourite":"p0","at":"` + hour + `"}`, `favourite: "p0" is no global id`},
		{`{"user":"bob","favourite":"page:home","at":"` + hour + `"}`, `favourite: "page:home" is no global id`},
		{`{"user":"bob","favourite":"programme:none","at":"` + hour + `"}`, `favourite: "programme:none" is no programme or video that there is`},
		{`{"user":"bob","video":"programme:p0","position":1,"at":"` + hour + `"}`, `video: "programme:p0" is no global id`},
		{`{"user":"bob","video":"video:none","position":1,"at":"` + hour + `"}`, `video: "video:none" is no video that there is`},
		{`{"user":"bob","video":"video:p0v0","at":"` + hour + `"}`, "position: it is missing"},
		{`{"user":"bob","video":"video:p0v0","position":null,"at":"` + hour + `"}`, "position: it is missing"},
		{`{"user":"bob","video":"video:p0v0","position":"a minute","at":"` + hour + `"}`, "position: it is missing, or no number of seconds"},
		{`{"user":"bob","video":"video:p0v0","position":"NaN","at":"` + hour + `"}`, "position: it is missing, or no number of seconds"},
		{`{"user":"bob","video":"video:p0v0","position":1e300,"at":"` + hour + `"}`, "position: it is missing, or no number of seconds"},
		{`{"user":"bob","video":"video:p0v0","position":-0.5,"at":"` + hour + `"}`, "position: -1 is not between 0 and"},
		{`{"user":"bob","video":"video:p0v0","position":4000,"at":"` + hour + `"}`, "position: 4000 is not between 0 and"},
		{`{"user":"bob","video":"video:p0v0","position":1,"duration":[],"at":"` + hour + `"}`, "duration: it is no number of seconds"},
		{`{"user":"bob","video":"video:p0v0","position":1,"duration":-1,"at":"` + hour + `"}`, "duration: -1 is not between 0 and"},
		{`{"user":"bob","video":"video:none","position":-1,"at":"` + hour + `","session":"` + long + `"}`, "; session: it has 10240 bytes"},
		{`{"user":"bob","video":"video:p0v0","position":1,"at":"` + ago(500*24*time.Hour) + `"}`, "is more than 400 days ago: it would count no more"},
	} {
		problems, err := a.service.Import(t.Context(), lines(tt.row))
		switch {
		case err != nil:
			t.Errorf("%.200s: %v", tt.row, err)
		case tt.wrong == "" && len(problems) > 0, tt.wrong != "" && (len(problems) != 1 || !strings.Contains(problems[0].Reason, tt.wrong)):
			t.Errorf("%.200s: %v, want %q", tt.row, problems, tt.wrong)
		}
	}
	if n := len(w.records(stream.UserFavourite)) + len(w.records(stream.UserProgress)); n != 5 {
		t.Errorf("%d events were written", n)
	}
	servertest.Eventually(t, "it is applied", func() bool { return len(a.exported("alice")) == 4 && len(a.exported("zoe")) == 1 })
	got := a.exported("alice")
	slices.Sort(got)
	same(t, "alice's", got, []string{"p1v0 120", "p1v1 130", "programme:p0", "video:p0v0"})
	same(t, "bob's", a.exported("bob"), []string{})
}

func TestABadRowHarmsNoOther(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	good := func(target string) string {
		return `{"user":"alice","favourite":"` + target + `","at":"2024-05-01T20:00:00Z"}`
	}
	rows := lines("{", good("programme:none"), good("programme:p0"), good("video:none"), good("programme:p1"), "x", good("video:p0v0"))
	want := []int{0, 1, 3, 5}
	for name, to := range map[string]importer{"here": a.service, "of another process": a.remote()} {
		problems, err := to.Import(t.Context(), rows)
		var got []int
		for _, p := range problems {
			got = append(got, p.Row)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
	}
	servertest.Eventually(t, "the others are applied", func() bool { return len(a.exported("alice")) == 3 })
}

// TestImportedFavouritesAreLimited, as favourites are that are added by the API: with all rows of the batches before.
func TestImportedFavouritesAreLimited(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	a.listed("alice", a.add("alice", "programme:p0", "").GetReceipt().GetToken())
	c := users.Changes{Viewer: w.favourites()[0].GetViewer()}
	for i := range 995 {
		c.Favourites = append(c.Favourites, users.Favourite{
			Target: fmt.Sprintf("video:x%d", i), Version: users.Version{At: w.now(), ID: fmt.Sprint(i)},
		})
	}
	if err := w.store.Apply(t.Context(), []users.Changes{c}, nil); err != nil {
		t.Fatal(err)
	}
	row := func(user, target string) string {
		return fmt.Sprintf(`{"user":"%s","favourite":"%s","at":"2024-05-01T20:00:00Z"}`, user, target)
	}
	watched := `{"user":"alice","video":"video:p0v0","position":1,"at":"` + w.now().Add(-time.Hour).Format(time.RFC3339) + `"}`
	for i, batch := range []struct {
		rows []string
		full []int // rows
	}{
		{[]string{row("alice", "programme:p1"), row("alice", "programme:p1"), row("alice", "programme:p0")}, nil},
		{[]string{row("alice", "programme:p2"), row("alice", "video:p0v0")}, nil},
		{[]string{row("alice", "video:p0v1"), row("alice", "video:p1v0"), watched, row("bob", "video:p1v0"), row("alice", "video:p1v1"), row("alice", "programme:p1")}, []int{1, 4}},
		{[]string{row("alice", "video:p1v2"), row("alice", "video:p0v1")}, []int{0}},
	} {
		problems, err := a.service.Import(t.Context(), lines(batch.rows...))
		if err != nil {
			t.Fatal(err)
		}
		var full []int
		for _, p := range problems {
			if p.Reason != "favourite: the user has 1000 favourites already" {
				t.Errorf("batch %d: %v", i, p)
			}
			full = append(full, p.Row)
		}
		if diff := cmp.Diff(batch.full, full); diff != "" {
			t.Errorf("batch %d: %s", i, diff)
		}
	}
	for user, want := range map[string]int32{"alice": 1000, "bob": 1} {
		if res, err := a.ListFavourites(as(t, user), &userv1.ListFavouritesRequest{}); err != nil || res.GetTotal() != want {
			t.Errorf("%s has %d favourites, %v", user, res.GetTotal(), err)
		}
	}
}

// TestAnImportWaitsForPersist, which alone knows how much room there is; progress has no limit.
func TestAnImportWaitsForPersist(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	w.stopPersist()
	favourite := lines(`{"user":"alice","favourite":"programme:p0","at":"2024-05-01T20:00:00Z"}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := a.service.Import(ctx, favourite); done <- err }()
	servertest.Eventually(t, "Kafka has it, and it waits", func() bool { return a.service.Waiting() == 1 })
	cancel()
	if err := <-done; !errors.Is(err, users.ErrUnavailable) || !strings.Contains(err.Error(), "persist has not applied the rows") {
		t.Errorf("a favourite: %v", err)
	}
	progress := lines(`{"user":"alice","video":"video:p0v0","position":1,"at":"` + w.now().Add(-time.Hour).Format(time.RFC3339) + `"}`)
	if problems, err := a.service.Import(t.Context(), progress); err != nil || len(problems) > 0 {
		t.Errorf("progress: %v, %v", problems, err)
	}
	w.startPersist(t.Context())
	if problems, err := a.service.Import(t.Context(), favourite); err != nil || len(problems) > 0 {
		t.Errorf("once it runs: %v, %v", problems, err)
	}
	same(t, "alice's", a.exported("alice"), []string{"programme:p0", "p0v0 1"})
}

// TestImportingAgainChangesNothing also wants what is newer to win, and no event to tell whose it is.
func TestImportingAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	const mark = "programme:p2"
	var rows [][]byte
	for i := range 200 {
		at := w.now().Add(-time.Duration(i) * time.Minute).Format(time.RFC3339)
		rows = append(rows, fmt.Appendf(nil, `{"user":"viewer-%d","video":"video:p%dv%d","position":%d,"at":"%s","session":"s"}`, i%20, i%3, i/3%3, i, at),
			fmt.Appendf(nil, `{"user":"viewer-%d","favourite":"video:p%dv%d","at":"%s"}`, i%20, i%3, i/3%3, at))
	}
	a.reports("viewer-0", w.report("p0v0", 2999, 0)) // newer than any row
	state := func() string {
		var b strings.Builder
		for i := range 20 {
			all := a.exported(fmt.Sprintf("viewer-%d", i))
			slices.Sort(all)
			fmt.Fprintln(&b, i, all)
		}
		return b.String()
	}
	// ids counts the rows' events.
	ids := func() map[string]int {
		n := map[string]int{}
		for _, e := range w.favourites() {
			if e.GetPayload().GetTargetId() != mark {
				n[e.GetEventUuid()]++
			}
		}
		for _, e := range w.progress() {
			if e.GetPayload().GetSessionId() == "s" {
				n[e.GetEventUuid()]++
			}
		}
		return n
	}
	imported := func(to importer) string {
		t.Helper()
		if problems, err := to.Import(t.Context(), rows); err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		for i := range 20 { // what comes behind the rows in their partitions is applied after them
			user := fmt.Sprintf("viewer-%d", i)
			f, p := a.add(user, mark, ""), a.reports(user, w.report("p2v2", 2998, 0))
			servertest.Eventually(t, "the rows are applied", func() bool {
				res, err := a.ListFavourites(as(t, user), &userv1.ListFavouritesRequest{NotBefore: f.GetReceipt().GetToken() + "~" + p.GetReceipt().GetToken()})
				return err == nil && res.GetConsistency() == userv1.Consistency_CONSISTENCY_CONSISTENT
			})
		}
		return state()
	}
	once := imported(a.service)
	first := ids()
	twice := imported(w.instance().remote())
	same(t, "the state", twice, once)
	if len(first) != len(rows) {
		t.Errorf("%d rows are %d events", len(rows), len(first))
	}
	for id := range first {
		first[id] *= 2
	}
	same(t, "the events", ids(), first)
	if !strings.Contains(once, "p0v0 2999") {
		t.Errorf("what is newer is lost: %s", once)
	}
	for _, topic := range []string{stream.UserFavourite, stream.UserProgress} {
		for _, r := range w.records(topic) {
			if bytes.Contains(slices.Concat(r.Key, r.Value, fmt.Append(nil, r.Headers)), []byte("viewer-")) {
				t.Fatalf("an event says whose it is: %q", r.Value)
			}
		}
	}
}

func TestAnImportThatCannotBe(t *testing.T) {
	row := func(user string) [][]byte {
		return lines(`{"user":"` + user + `","favourite":"programme:p0","at":"2024-05-01T20:00:00Z"}`)
	}
	k, c := faulty(t)
	w := newWorldOn(t, c, 5*time.Second)
	a := w.instance()
	remote := a.remote()
	w.store.away.Store(true)
	if _, err := remote.Import(t.Context(), row("alice")); !errors.Is(err, users.ErrUnavailable) {
		t.Errorf("the store is away: %v", err)
	}
	w.store.mend()
	fault := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	if _, err := remote.Import(t.Context(), row("alice")); !errors.Is(err, users.ErrUnavailable) {
		t.Errorf("Kafka does not take it: %v", err)
	}
	fault.Remove()
	servertest.Eventually(t, "Kafka takes it again", func() bool { _, err := remote.Import(t.Context(), row("alice")); return err == nil })
	starting := httptest.NewServer(users.ImportHandler(a.service, ready(errors.New("project is starting")), servertest.Log(t)))
	defer starting.Close()
	if _, err := users.NewRemoteImport(strings.TrimPrefix(starting.URL, "http://")).Import(t.Context(), row("alice")); !errors.Is(err, users.ErrUnavailable) || !strings.Contains(err.Error(), "project is starting") {
		t.Errorf("it is not ready: %v", err)
	}
	many := make([][]byte, users.MaxRows+1)
	if _, err := remote.Import(t.Context(), many); err == nil || errors.Is(err, users.ErrUnavailable) || !strings.Contains(err.Error(), "at most 500") {
		t.Errorf("too many rows: %v", err)
	}
	if _, err := remote.Import(t.Context(), [][]byte{bytes.Repeat([]byte("x"), 2*users.MaxRow)}); err == nil || errors.Is(err, users.ErrUnavailable) {
		t.Errorf("too long a row: %v", err)
	}
	for status, says := range map[int]string{http.StatusNotFound: "has not the role users", http.StatusBadGateway: "is this a regie?"} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if _, err := users.NewRemoteImport(strings.TrimPrefix(other.URL, "http://")).Import(t.Context(), row("alice")); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d: %v", status, err)
		}
		other.Close()
	}
	if _, err := users.NewRemoteImport("127.0.0.1:1").Import(t.Context(), row("alice")); !errors.Is(err, users.ErrUnavailable) || !strings.Contains(err.Error(), "no regie answers at 127.0.0.1:1") {
		t.Errorf("nobody: %v", err)
	}
}
