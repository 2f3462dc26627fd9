package users_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	userv1 "regie/proto/user/v1"
)

func TestTheSameKeyIsTheSameEvent(t *testing.T) {
	w := newWorld(t)
	here, there := w.instance(), w.instance()
	first := here.add("alice", "programme:p0", "key-of-alice")
	w.ahead.Store(int64(time.Minute))
	again := there.add("alice", "programme:p0", "key-of-alice")
	if diff := cmp.Diff(first.GetFavourite().GetAddedAt().AsTime(), again.GetFavourite().GetAddedAt().AsTime()); diff != "" {
		t.Error(diff)
	}
	here.add("bob", "programme:p0", "key-of-alice") // another viewer's keys are others
	here.add("alice", "video:p0v0", "another key")
	for name, req := range map[string]*userv1.SetFavouriteRequest{
		"another target": {TargetId: "programme:p1", IdempotencyKey: "key-of-alice"},
		"a removal":      {TargetId: "programme:p0", IdempotencyKey: "key-of-alice", Remove: true},
	} {
		res, err := there.SetFavourite(as(t, "alice"), req)
		if err != nil || len(res.GetProblems()) != 1 || res.GetReceipt() != nil {
			t.Fatal(name, res, err)
		}
		if p := res.GetProblems()[0]; p.GetCode() != userv1.ProblemCode_PROBLEM_CODE_CONFLICT || p.GetField() != "idempotency_key" {
			t.Errorf("%s: %v", name, p)
		}
	}
	ids := map[string]int{}
	for _, e := range w.favourites() {
		ids[e.GetEventUuid()]++
	}
	same(t, "events", slices.Sorted(maps.Values(ids)), []int{1, 1, 2})
	w.ahead.Store(int64(25 * time.Hour))
	if later := there.add("alice", "programme:p0", "key-of-alice"); later.GetFavourite().GetAddedAt().AsTime().Equal(first.GetFavourite().GetAddedAt().AsTime()) {
		t.Error("a day later it is remembered still")
	}

	r := w.report("p0v0", 10, time.Minute)
	one, two := here.reports("alice", r), there.reports("alice", r)
	if one.GetReceipt().GetToken() == two.GetReceipt().GetToken() {
		t.Error("it was not written again")
	}
	es := w.progress()
	if len(es) != 2 || es[0].GetEventUuid() != es[1].GetEventUuid() {
		t.Errorf("%v", es)
	}
}

func TestADevicesClockIsClampedOnce(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	// An hour ahead, and gathered in another order than reported.
	res := a.reports("alice", w.report("p0v0", 10, -59*time.Minute), w.report("p0v0", 20, -time.Hour),
		w.report("p0v0", 30, -58*time.Minute), w.report("p1v0", 1, time.Hour))
	states, err := a.GetStates(as(t, "alice"), &userv1.GetStatesRequest{Ids: []string{"video:p0v0"}, NotBefore: res.GetReceipt().GetToken()})
	if err != nil || states.GetStates()[0].GetProgress().GetProgress().GetPosition() != 20 {
		t.Error(states, err)
	}
	for _, e := range w.progress() {
		if e.GetOccurredAt().AsTime().After(w.now()) {
			t.Errorf("%v is in the future", e)
		}
	}
	// What is done here next is later than all of them.
	removed, err := a.RemoveFromHistory(as(t, "alice"), &userv1.RemoveFromHistoryRequest{VideoIds: []string{"video:p0v0"}})
	if err != nil {
		t.Fatal(err)
	}
	states, err = a.GetStates(as(t, "alice"), &userv1.GetStatesRequest{Ids: []string{"video:p0v0"}, NotBefore: removed.GetReceipt().GetToken()})
	if err != nil || states.GetStates()[0].GetProgress() != nil {
		t.Error(states, err)
	}
}

// TestAReportOfAClockThatIsAheadHappenedOnce: told again, as after an answer that was lost, it changes nothing that came
// between, on whatever instance.
func TestAReportOfAClockThatIsAheadHappenedOnce(t *testing.T) {
	w := newWorld(t)
	here, there := w.instance(), w.instance()
	pass := func() { w.ahead.Add(int64(2 * time.Second)) }
	position := func(receipt *userv1.Receipt) int32 {
		t.Helper()
		res, err := there.GetStates(as(t, "alice"), &userv1.GetStatesRequest{Ids: []string{"video:p0v0"}, NotBefore: receipt.GetToken()})
		if err != nil || res.GetConsistency() != userv1.Consistency_CONSISTENCY_CONSISTENT {
			t.Fatal(res, err)
		}
		return res.GetStates()[0].GetProgress().GetProgress().GetPosition()
	}
	first := w.report("p0v0", 10, -time.Hour)
	was := here.reports("alice", first).GetProgress()[0].GetUpdatedAt()
	pass()
	here.reports("alice", w.report("p0v0", 20, -time.Hour))
	pass()
	again := there.reports("alice", first)
	same(t, "when it was", again.GetProgress()[0].GetUpdatedAt().AsTime(), was.AsTime())
	if got := position(again.GetReceipt()); got != 20 {
		t.Errorf("the first of two counts: %d", got)
	}
	pass()
	if _, err := here.RemoveFromHistory(as(t, "alice"), &userv1.RemoveFromHistoryRequest{All: true}); err != nil {
		t.Fatal(err)
	}
	pass()
	if got := position(there.reports("alice", first).GetReceipt()); got != 0 {
		t.Errorf("what was cleared is there again: %d", got)
	}
}

func TestFavouritesAreLimited(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	a.add("alice", "programme:p0", "")
	pseudonym := w.favourites()[0].GetViewer()
	c := users.Changes{Viewer: pseudonym}
	for i := range 999 {
		c.Favourites = append(c.Favourites, users.Favourite{
			Target: fmt.Sprintf("video:x%d", i), Version: users.Version{At: w.now(), ID: fmt.Sprint(i)},
		})
	}
	a.listed("alice", a.add("alice", "programme:p0", "").GetReceipt().GetToken())
	if err := w.store.Apply(t.Context(), []users.Changes{c}, nil); err != nil {
		t.Fatal(err)
	}
	res, err := a.SetFavourite(as(t, "alice"), &userv1.SetFavouriteRequest{TargetId: "programme:p1"})
	if err != nil || len(res.GetProblems()) != 1 || res.GetProblems()[0].GetCode() != userv1.ProblemCode_PROBLEM_CODE_LIMIT_REACHED || res.GetReceipt() != nil {
		t.Error(res, err)
	}
	a.add("alice", "programme:p0", "") // it is one of them
	r := a.set("alice", &userv1.SetFavouriteRequest{TargetId: "programme:p0", Remove: true}).GetReceipt().GetToken()
	a.listed("alice", r)
	a.add("alice", "programme:p1", "")
}

// write reports progress, as a player does.
func (a *api) write(ctx context.Context) error {
	_, err := a.ReportProgress(ctx, &userv1.ReportProgressRequest{Reports: []*userv1.Report{a.w.report("p0v0", 10, time.Minute)}})
	return err
}

// unavailable makes a call whose time ends until the answer comes in the little that is left for it, which a busy machine may
// take: the answer is to be that it is unavailable.
func unavailable(t *testing.T, user string, limit time.Duration, call func(context.Context) error) {
	t.Helper()
	servertest.Await(t, func() string {
		ctx, cancel := context.WithTimeout(as(t, user), limit)
		defer cancel()
		err := call(ctx)
		switch s := status.Convert(err); {
		case s.Code() == codes.Unavailable && strings.Contains(s.Message(), "try again"):
			return ""
		case s.Code() != codes.DeadlineExceeded && ctx.Err() == nil:
			t.Fatalf("its answer: %v", err)
		}
		return fmt.Sprint(err)
	})
}

func TestKafkaThatDoesNotTakeAnEventFailsTheWrite(t *testing.T) {
	for name, breaks := range map[string]func(*testing.T, *kfake.Cluster) (mend func()){
		"it refuses": func(_ *testing.T, k *kfake.Cluster) func() {
			return k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1}).Remove
		},
		"it is silent": func(_ *testing.T, k *kfake.Cluster) func() {
			spoke := make(chan struct{})
			k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				k.SleepControl(func() { <-spoke })
				return nil, nil, false
			})
			return func() { close(spoke) }
		},
		"it is gone": func(_ *testing.T, k *kfake.Cluster) func() { k.Close(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			k, c := faulty(t)
			w := newWorldOn(t, c, 5*time.Second)
			a := w.instance()
			a.reports("alice", w.report("p0v0", 10, time.Minute))
			mend := breaks(t, k)
			for range 3 {
				unavailable(t, "alice", time.Second, a.write)
			}
			if got := a.listed("alice"); len(got) != 0 { // reads go on
				t.Error(got)
			}
			if mend == nil {
				return
			}
			mend()
			servertest.Eventually(t, "Kafka takes it again", func() bool { return a.write(as(t, "alice")) == nil })
		})
	}
}

func TestAReceiptOfARecordWhoseOffsetIsNotToldIsBehindIt(t *testing.T) {
	k, c := faulty(t)
	w := newWorldOn(t, c, time.Minute)
	a := w.instance()
	a.add("alice", "programme:p0", "")
	a.add("alice", "programme:p1", "")
	// What a broker says to a client that asks once more, having lost the answer to what was written.
	k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		req := r.(*kmsg.ProduceRequest)
		res := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.Topics {
			t := kmsg.ProduceResponseTopic{Topic: topic.Topic, TopicID: topic.TopicID}
			for _, p := range topic.Partitions {
				t.Partitions = append(t.Partitions, kmsg.ProduceResponseTopicPartition{
					Partition: p.Partition, ErrorCode: kerr.DuplicateSequenceNumber.Code, BaseOffset: -1, LogAppendTime: -1,
				})
			}
			res.Topics = append(res.Topics, t)
		}
		return res, nil, true
	})
	r := a.add("alice", "programme:p0", "").GetReceipt().GetToken()
	last := w.records(stream.UserFavourite)[1]
	if want := a.service.Receipt(stream.UserFavourite, last.Partition, last.Offset); r != want {
		t.Errorf("%s, not %s", r, want)
	}
	a.listed("alice", r)
}

func TestAKnownViewerWritesOnWhileTheStoreIsAway(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	r := a.add("alice", "programme:p0", "")
	a.listed("alice", r.GetReceipt().GetToken())
	w.store.cut()
	w.ahead.Store(int64(30 * time.Minute)) // what the Directory said is long not fresh
	late := []string{a.add("alice", "programme:p1", "key").GetReceipt().GetToken(), a.add("alice", "programme:p1", "key").GetReceipt().GetToken()}
	a.reports("alice", w.report("p0v0", 10, 0))
	for what, err := range map[string]error{
		"an unknown viewer's write": a.write(as(t, "bob")),
		"a read": func() error {
			_, err := a.ListFavourites(as(t, "alice"), &userv1.ListFavouritesRequest{})
			return err
		}(),
		"an export": func() error {
			st, err := a.Export(as(t, "alice"), &userv1.ExportRequest{})
			if err == nil {
				_, err = st.Recv()
			}
			return err
		}(),
	} {
		if status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	es := w.favourites()
	if es[len(es)-1].GetEventUuid() != es[len(es)-2].GetEventUuid() {
		t.Error("the same key is two events")
	}
	w.ahead.Store(int64(2 * time.Hour))
	if err := a.write(as(t, "alice")); status.Code(err) != codes.Unavailable {
		t.Errorf("two hours later: %v", err)
	}
	w.store.mend()
	servertest.Eventually(t, "the backlog is applied", func() bool {
		res, err := a.ListFavourites(as(t, "alice"), &userv1.ListFavouritesRequest{NotBefore: strings.Join(late, "~")})
		return err == nil && res.GetConsistency() == userv1.Consistency_CONSISTENCY_CONSISTENT && len(res.GetFavourites()) == 2
	})
}

func TestAReadThatCannotWaitSaysSo(t *testing.T) {
	w := newWorld(t)
	a, hasty := w.instance(), w.instance(func(c *users.Config) { c.Wait = 0 })
	old := a.add("alice", "programme:p0", "").GetReceipt().GetToken()
	a.listed("alice", old)
	w.stopPersist()
	r := a.add("alice", "programme:p1", "").GetReceipt().GetToken()
	read := func(a *api, limit time.Duration) *userv1.ListFavouritesResponse {
		t.Helper()
		ctx, cancel := context.WithTimeout(as(t, "alice"), limit)
		defer cancel()
		res, err := a.ListFavourites(ctx, &userv1.ListFavouritesRequest{NotBefore: old + "~" + r})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	// One that has much time waits 300 ms, not half of it; one that would wait for long leaves half of its time for the reading.
	began := time.Now()
	for what, res := range map[string]*userv1.ListFavouritesResponse{"much time": read(hasty, time.Minute), "little time": read(a, 6*time.Second)} {
		if res.GetConsistency() != userv1.Consistency_CONSISTENCY_STALE || len(res.GetFavourites()) != 1 {
			t.Errorf("%s: %v", what, res)
		}
	}
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("they took %s", took)
	}
	w.startPersist(t.Context())
	servertest.Eventually(t, "it is applied", func() bool {
		res := read(a, time.Minute)
		return res.GetConsistency() == userv1.Consistency_CONSISTENCY_CONSISTENT && len(res.GetFavourites()) == 2
	})
}

// TestEraseLeavesNothing cuts an erasure short behind each of its steps, and makes the call again.
func TestEraseLeavesNothing(t *testing.T) {
	const user = "user-0815-of-the-test"
	for calls := range 5 { // of the Directory, that are answered
		t.Run(fmt.Sprintf("cut short after %d", calls), func(t *testing.T) {
			w := newWorld(t)
			here, there := w.instance(), w.instance()
			here.add(user, "programme:p0", "a key of "+user)
			here.reports(user, w.report("p0v0", 10, time.Minute), w.report("p1v0", 20, 0))
			last := there.add(user, "video:p1v1", "").GetReceipt().GetToken()
			neighbour := here.add("bob", "programme:p2", "").GetReceipt().GetToken()
			here.listed(user, last)
			w.store.after(calls)
			if _, err := here.Erase(as(t, user), &userv1.EraseRequest{}); status.Code(err) != codes.Unavailable {
				t.Fatalf("it was not cut short: %v", err)
			}
			w.store.mend()
			if calls == 4 { // the mapping is gone: what comes now is of somebody new
				r := here.add(user, "programme:p1", "").GetReceipt().GetToken()
				same(t, "what came between", here.listed(user, r), []string{"programme:p1"})
				viewers := map[string]string{}
				for _, e := range w.favourites() {
					viewers[e.GetPayload().GetTargetId()] = e.GetViewer()
				}
				if viewers["programme:p1"] == viewers["programme:p0"] {
					t.Error("the pseudonym is in use still")
				}
			}
			if _, err := there.Erase(as(t, user), &userv1.EraseRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, err := there.Erase(as(t, user), &userv1.EraseRequest{}); err != nil {
				t.Fatal(err)
			}
			w.ahead.Add(int64(10 * time.Second))
			for _, a := range []*api{here, there} {
				same(t, "export", a.exported(user), []string{})
				same(t, "the neighbour", a.listed("bob", neighbour), []string{"programme:p2"})
			}
			w.replayed(t, user)
			same(t, "a new life", there.listed(user, there.add(user, "programme:p0", "").GetReceipt().GetToken()), []string{"programme:p0"})
		})
	}
}

// replayed reads the topics from their beginning into an empty store, in which only bob is to be left, and looks for the
// user's id in every byte that there is.
func (w *world) replayed(t *testing.T, user string) {
	t.Helper()
	empty, err := boltstore.Open(t.TempDir(), w.now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = empty.Close() }()
	viewers := map[string]bool{}
	for _, topic := range topics {
		for _, r := range w.records(topic) {
			if bytes.Contains(r.Key, []byte(user)) || bytes.Contains(r.Value, []byte(user)) || strings.Contains(fmt.Sprint(r.Headers), user) {
				t.Errorf("%s has the user's id", topic)
			}
			if topic != stream.UserFavourite && topic != stream.UserProgress {
				continue
			}
			viewers[string(r.Key)] = true
		}
	}
	w.persist(t.Context(), "replay", empty)()
	left := 0
	for v := range viewers {
		for _, what := range []users.What{users.AllFavourites, users.AllProgress, users.LatestProgress} {
			rows, _, err := empty.List(t.Context(), v, what, users.Version{}, 100, true)
			if err != nil {
				t.Fatal(err)
			}
			left += len(rows.Favourites) + len(rows.Progress)
		}
	}
	if left != 1 {
		t.Errorf("of %d viewers %d rows are left", len(viewers), left)
	}
}

func TestAnErasureOutlivesWhatOtherInstancesKnow(t *testing.T) {
	w := newWorld(t)
	now := w.now()
	w.frozen.Store(&now) // what the Directory said stays fresh
	here, there := w.instance(), w.instance()
	here.service.SetLasting(2 * time.Second)
	here.add("bob", "programme:p2", "")
	here.listed("alice", there.add("alice", "programme:p0", "").GetReceipt().GetToken())
	ctx, erased := as(t, "alice"), make(chan error, 1)
	go func() {
		_, err := here.Erase(ctx, &userv1.EraseRequest{})
		erased <- err
	}()
	servertest.Eventually(t, "the user's name leads nowhere", func() bool { return len(here.exported("alice")) == 0 })
	there.add("alice", "programme:p1", "") // as it was known there
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
	if es := w.favourites(); len(es) != 4 {
		t.Errorf("%v", es)
	}
	w.replayed(t, "alice")
}

// TestWhatFollowsAnErasureIsNotKept: an instance goes on under the old pseudonym, as one may that has not reached the
// Directory for a while.
func TestWhatFollowsAnErasureIsNotKept(t *testing.T) {
	w := newWorld(t)
	now := w.now()
	w.frozen.Store(&now) // what the Directory said stays fresh
	here, there := w.instance(), w.instance()
	here.add("bob", "programme:p2", "")
	there.add("alice", "programme:p0", "")
	if _, err := here.Erase(as(t, "alice"), &userv1.EraseRequest{}); err != nil {
		t.Fatal(err)
	}
	late := there.reports("alice", w.report("p0v0", 10, 0)).GetReceipt().GetToken()
	same(t, "what is kept of it", there.listed("alice", there.add("alice", "programme:p1", "").GetReceipt().GetToken(), late), []string{})
	same(t, "all of it", there.exported("alice"), []string{})
	viewers := map[string]string{}
	for _, e := range w.favourites() {
		viewers[e.GetPayload().GetTargetId()] = e.GetViewer()
	}
	if viewers["programme:p0"] != viewers["programme:p1"] {
		t.Fatal("it did not go on under the old pseudonym")
	}
	w.replayed(t, "alice")
}

// TestARestoredStoreIsCaughtUp, as docs/backup.md says: what came after the backup is in the topics.
func TestARestoredStoreIsCaughtUp(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	a.add("alice", "programme:p0", "")
	a.listed("alice", a.add("alice", "programme:p1", "").GetReceipt().GetToken())
	a.listed("bob", a.add("bob", "programme:p2", "").GetReceipt().GetToken())
	w.stopPersist()
	backup := w.copyStore()
	w.startPersist(t.Context())
	a.set("alice", &userv1.SetFavouriteRequest{TargetId: "programme:p0", Remove: true})
	a.reports("alice", w.report("p0v0", 10, 0))
	a.add("carol", "programme:p2", "")
	if _, err := a.Erase(as(t, "bob"), &userv1.EraseRequest{}); err != nil {
		t.Fatal(err)
	}
	a.stop()
	w.stopPersist()
	w.store.both = backup
	w.startPersist(t.Context())
	a = w.instance()
	same(t, "alice's", a.exported("alice"), []string{"programme:p1", "p0v0 10"})
	same(t, "of bob, who was erased", a.exported("bob"), []string{})
	same(t, "of carol, who came later", a.exported("carol"), []string{})
	for _, user := range []string{"alice", "bob", "carol"} {
		r := a.add(user, "programme:p1", "").GetReceipt().GetToken()
		if got := a.listed(user, r); !slices.Contains(got, "programme:p1") {
			t.Errorf("what %s does is lost: %v", user, got)
		}
	}
}

func TestAnErasureWaitsForPersist(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	a.listed("alice", a.add("alice", "programme:p0", "").GetReceipt().GetToken())
	w.stopPersist()
	a.add("alice", "programme:p1", "") // what persist has not applied yet
	unavailable(t, "alice", 3*time.Second, func(ctx context.Context) error {
		_, err := a.Erase(ctx, &userv1.EraseRequest{})
		if status.Code(err) == codes.InvalidArgument { // it came when little was left of its time
			<-ctx.Done()
		}
		return err
	})
	w.startPersist(t.Context())
	if _, err := a.Erase(as(t, "alice"), &userv1.EraseRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, viewer := range []string{w.favourites()[0].GetViewer()} {
		rows, _, err := w.store.List(t.Context(), viewer, users.AllFavourites, users.Version{}, 10, true)
		if err != nil || len(rows.Favourites) > 0 {
			t.Error(rows, err)
		}
	}
}

func TestAnErasureNeedsItsTime(t *testing.T) {
	w := newWorld(t)
	a := w.instance()
	a.service.SetLasting(13 * time.Second)
	ctx, cancel := context.WithTimeout(as(t, "alice"), 12*time.Second)
	defer cancel()
	if _, err := a.Erase(ctx, &userv1.EraseRequest{}); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "13s") {
		t.Error(err)
	}
}

func TestEraseOfNobodyIsDoneAtOnce(t *testing.T) {
	w := newWorld(t)
	if _, err := w.instance().Erase(as(t, "nobody"), &userv1.EraseRequest{}); err != nil {
		t.Error(err)
	}
	if n := len(w.favourites()) + len(w.progress()); n != 0 {
		t.Errorf("%d events", n)
	}
}
