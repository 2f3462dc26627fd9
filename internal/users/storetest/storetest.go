// Package storetest is what every store of what viewers did must do.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"regie/internal/stream"
	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

// Store is what is tested.
type Store interface {
	users.Store
	users.Directory
}

// Open opens an empty store whose clock is now, until the test ends.
type Open func(t *testing.T, now func() time.Time) Store

// Run tests a store.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, *suite){
		"the later counts, whatever the order":        laterCounts,
		"of two at one time the greater id counts":    greaterIDCounts,
		"what is removed does not come back":          removedStays,
		"what was watched last of a programme":        latestOfAProgramme,
		"a video that moves to another programme":     movedVideo,
		"a cleared history":                           clearedHistory,
		"an erased viewer":                            erasedViewer,
		"old progress":                                oldProgress,
		"pages":                                       pages,
		"more than an answer holds":                   largeLists,
		"many ids at once":                            manyIDs,
		"positions":                                   storePositions,
		"pseudonyms":                                  pseudonyms,
		"a user who is forgotten":                     forgottenUser,
		"idempotency keys":                            idempotencyKeys,
		"it agrees with a model, in whatever order":   agreesWithModel,
		"it agrees with a model, in whatever batches": agreesInBatches,
		"viewers that are written beside each other":  beside,
		"a call whose time is over":                   timeIsOver,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // a store that is a server's makes most of them wait
			s := &suite{t: t, now: Start}
			s.Store = open(t, func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now })
			test(t, s)
		})
	}
}

// Start is when every test begins: about now, since a DynamoDB Local deletes by a clock of its own what has expired.
var Start = time.Now().UTC().Truncate(time.Second)

type suite struct {
	Store
	t   *testing.T
	mu  sync.Mutex
	now time.Time
}

func (s *suite) at(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

const alice, bob = "viewer-alice", "viewer-bob"

// v is a version, seconds after an hour before the start.
func v(seconds int) users.Version {
	return users.Version{At: Start.Add(-time.Hour + time.Duration(seconds)*time.Second), ID: fmt.Sprintf("event-%06d", seconds)}
}

func favourite(target string, at int) users.Favourite {
	return users.Favourite{Target: target, Version: v(at)}
}

func unfavourite(target string, at int) users.Favourite {
	return users.Favourite{Target: target, Version: v(at), Removed: true}
}

func watched(video, programme string, at int) users.Progress {
	return users.Progress{Version: v(at), Progress: &userv1.Progress{VideoId: video, ProgrammeId: programme, Position: int32(at), Duration: 5000, SessionId: "session"}}
}

func unwatched(video, programme string, at int) users.Progress {
	return users.Progress{Version: v(at), Removed: true, Progress: &userv1.Progress{VideoId: video, ProgrammeId: programme}}
}

func (s *suite) apply(changes ...users.Changes) {
	s.t.Helper()
	if err := s.Apply(s.t.Context(), changes, nil); err != nil {
		s.t.Fatal(err)
	}
}

// favourites applies one after the other.
func (s *suite) favourites(viewer string, fs ...users.Favourite) {
	s.t.Helper()
	for _, f := range fs {
		s.apply(users.Changes{Viewer: viewer, Favourites: []users.Favourite{f}})
	}
}

// progress applies one after the other.
func (s *suite) progress(viewer string, ps ...users.Progress) {
	s.t.Helper()
	for _, p := range ps {
		s.apply(users.Changes{Viewer: viewer, Progress: []users.Progress{p}})
	}
}

// all lists everything, in pages of a length.
func (s *suite) all(viewer string, what users.What, limit int) users.Rows {
	s.t.Helper()
	var out users.Rows
	var after users.Version
	for {
		rows, more, err := s.List(s.t.Context(), viewer, what, after, limit, true)
		if err != nil {
			s.t.Fatal(err)
		}
		n := len(rows.Favourites) + len(rows.Progress)
		if n > limit || more && n < limit {
			s.t.Fatalf("%s: a page of %d has %d, and more: %t", what, limit, n, more)
		}
		out.Favourites = append(out.Favourites, rows.Favourites...)
		out.Progress = append(out.Progress, rows.Progress...)
		out.Total = rows.Total
		if !more {
			return out
		}
		if len(rows.Progress) > 0 {
			after = rows.Progress[n-1].Version
		} else {
			after = rows.Favourites[n-1].Version
		}
	}
}

// listed describes what is listed, such as "video:v1@20" or "v1/p1@20".
func (s *suite) listed(viewer string, what users.What) string {
	s.t.Helper()
	return describe(s.all(viewer, what, 1000))
}

func (s *suite) read(viewer string, ids ...string) string {
	s.t.Helper()
	rows, err := s.Read(s.t.Context(), viewer, ids, true)
	if err != nil {
		s.t.Fatal(err)
	}
	return describe(rows)
}

func describe(rows users.Rows) string {
	var out []string
	at := func(v users.Version) int { return int(v.At.Sub(Start.Add(-time.Hour)).Seconds()) }
	for _, f := range rows.Favourites {
		out = append(out, fmt.Sprintf("%s@%d", f.Target, at(f.Version)))
	}
	for _, p := range rows.Progress {
		out = append(out, fmt.Sprintf("%s/%s@%d", p.VideoId, p.ProgrammeId, at(p.Version)))
	}
	return strings.Join(out, " ")
}

func (s *suite) want(what, got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func laterCounts(_ *testing.T, s *suite) {
	for viewer, order := range map[string][]int{alice: {10, 30, 20}, bob: {30, 20, 10}, "viewer-carol": {30, 30, 10}} {
		for _, at := range order {
			s.favourites(viewer, favourite("programme:p1", at))
			s.progress(viewer, watched("v1", "p1", at))
		}
		s.want("favourites", s.listed(viewer, users.AllFavourites), "programme:p1@30")
		s.want("progress", s.listed(viewer, users.AllProgress), "v1/p1@30")
		s.want("latest", s.listed(viewer, users.LatestProgress), "v1/p1@30")
		s.want("read", s.read(viewer, "programme:p1", "video:v1"), "programme:p1@30 v1/p1@30 v1/p1@30")
	}
	rows := s.all(alice, users.AllProgress, 10)
	if diff := gocmp.Diff([]users.Progress{watched("v1", "p1", 30)}, rows.Progress, protocmp.Transform()); diff != "" {
		s.t.Errorf("a row is not what was stored:\n%s", diff)
	}
}

func greaterIDCounts(t *testing.T, s *suite) {
	a, b := watched("v1", "p1", 10), watched("v1", "p1", 10)
	a.Version.ID, b.Version.ID, b.Position = "event-a", "event-b", 77
	for viewer, order := range map[string][]users.Progress{alice: {a, b}, bob: {b, a}} {
		s.progress(viewer, order...)
		for _, what := range []users.What{users.AllProgress, users.LatestProgress} {
			if rows := s.all(viewer, what, 10); len(rows.Progress) != 1 || rows.Progress[0].Position != 77 {
				t.Errorf("%s: %v", what, rows.Progress)
			}
		}
	}
}

func removedStays(_ *testing.T, s *suite) {
	s.favourites(alice, favourite("video:v1", 10), unfavourite("video:v1", 20), favourite("video:v1", 15))
	s.favourites(alice, unfavourite("video:v2", 20), favourite("video:v2", 15))
	s.progress(alice, watched("v1", "p1", 10), unwatched("v1", "p1", 20), watched("v1", "p1", 15))
	s.progress(alice, unwatched("v2", "p1", 20), watched("v2", "p1", 15))
	for _, what := range []users.What{users.AllFavourites, users.AllProgress, users.LatestProgress} {
		s.want(string(what), s.listed(alice, what), "")
	}
	s.want("read", s.read(alice, "video:v1", "video:v2", "programme:p1"), "")
	s.favourites(alice, favourite("video:v1", 30))
	s.progress(alice, watched("v1", "p1", 30))
	s.want("read", s.read(alice, "video:v1", "video:v2", "programme:p1"), "video:v1@30 v1/p1@30 v1/p1@30")
}

func latestOfAProgramme(_ *testing.T, s *suite) {
	s.progress(alice, watched("v1", "p1", 10), watched("v2", "p1", 20), watched("w1", "p2", 15))
	s.want("two programmes", s.listed(alice, users.LatestProgress), "v2/p1@20 w1/p2@15")
	s.progress(alice, watched("v3", "p1", 5))
	s.want("a late report", s.listed(alice, users.LatestProgress), "v2/p1@20 w1/p2@15")
	s.progress(alice, unwatched("v2", "p1", 30))
	s.want("the last one removed", s.listed(alice, users.LatestProgress), "w1/p2@15 v1/p1@10")
	s.progress(alice, watched("v2", "p1", 25))
	s.want("a report from before the removal", s.listed(alice, users.LatestProgress), "w1/p2@15 v1/p1@10")
	s.progress(alice, watched("v3", "p1", 12))
	s.want("another one", s.listed(alice, users.LatestProgress), "w1/p2@15 v3/p1@12")
	s.progress(alice, unwatched("v3", "p1", 40), unwatched("v1", "p1", 40))
	s.want("nothing left of it", s.listed(alice, users.LatestProgress), "w1/p2@15")
	s.want("by the programme's id", s.read(alice, "programme:p1", "programme:p2"), "w1/p2@15")
	s.apply(users.Changes{Viewer: alice, Progress: []users.Progress{watched("v1", "p1", 51), watched("v2", "p1", 52), unwatched("w1", "p2", 53), watched("w2", "p2", 50)}})
	s.want("several at once", s.listed(alice, users.LatestProgress), "v2/p1@52 w2/p2@50")
	s.want("all of them", s.listed(alice, users.AllProgress), "v2/p1@52 v1/p1@51 w2/p2@50")
}

func movedVideo(_ *testing.T, s *suite) {
	s.progress(alice, watched("v1", "p1", 10), watched("v2", "p1", 20), watched("v2", "p2", 30))
	s.want("moved", s.listed(alice, users.LatestProgress), "v2/p2@30 v1/p1@10")
	s.progress(alice, watched("v1", "p2", 40))
	s.want("both moved", s.listed(alice, users.LatestProgress), "v1/p2@40")
	s.progress(alice, unwatched("v1", "p2", 50))
	s.want("removed there", s.listed(alice, users.LatestProgress), "v2/p2@30")
}

func clearedHistory(_ *testing.T, s *suite) {
	s.progress(alice, watched("v1", "p1", 10), watched("v2", "p2", 20), watched("v3", "p2", 30))
	s.progress(bob, watched("v1", "p1", 10))
	s.favourites(alice, favourite("video:v1", 10))
	clear := func(at int) { s.apply(users.Changes{Viewer: alice, Cleared: v(at)}) }
	clear(20)
	s.want("what was until then", s.listed(alice, users.AllProgress), "v3/p2@30")
	s.want("latest", s.listed(alice, users.LatestProgress), "v3/p2@30")
	s.want("by id", s.read(alice, "video:v1", "video:v2", "video:v3", "programme:p1"), "video:v1@10 v3/p2@30")
	clear(15)
	s.want("an older one comes later", s.listed(alice, users.AllProgress), "v3/p2@30")
	s.progress(alice, watched("v4", "p1", 18))
	s.want("a late report", s.listed(alice, users.AllProgress)+s.listed(alice, users.LatestProgress), "v3/p2@30v3/p2@30")
	s.progress(alice, unwatched("v3", "p2", 40))
	s.want("the last one removed", s.listed(alice, users.LatestProgress)+s.read(alice, "programme:p2"), "")
	s.progress(alice, watched("v2", "p2", 50))
	s.want("watched again", s.listed(alice, users.LatestProgress), "v2/p2@50")
	s.want("his neighbour", s.listed(bob, users.AllProgress), "v1/p1@10")
	s.apply(users.Changes{Viewer: alice, Cleared: v(60), Progress: []users.Progress{watched("v1", "p1", 55), watched("v2", "p1", 65)}})
	s.want("cleared and watched at once", s.listed(alice, users.AllProgress), "v2/p1@65")
}

func erasedViewer(_ *testing.T, s *suite) {
	fill := func(viewer string) {
		s.favourites(viewer, favourite("video:v1", 10), favourite("programme:p1", 11), unfavourite("video:v2", 12))
		s.progress(viewer, watched("v1", "p1", 10), watched("v2", "p2", 20), unwatched("v3", "p2", 30))
		s.apply(users.Changes{Viewer: viewer, Cleared: v(12)})
	}
	fill(alice)
	fill(bob)
	everything := func(viewer string) string {
		return s.listed(viewer, users.AllFavourites) + s.listed(viewer, users.AllProgress) + s.listed(viewer, users.LatestProgress) +
			s.read(viewer, "video:v1", "video:v2", "programme:p1", "programme:p2")
	}
	s.apply(users.Changes{Viewer: alice, Erased: true})
	s.want("everything", everything(alice), "")
	s.want("the neighbour", s.listed(bob, users.AllFavourites)+" "+s.listed(bob, users.LatestProgress), "programme:p1@11 video:v1@10 v2/p2@20")
	for range 2 { // whatever follows, also after it is forgotten whose it was
		fill(alice)
		s.progress(alice, watched("v4", "p4", 100))
		s.want("what follows", everything(alice), "")
		if err := s.Forget(s.t.Context(), "alice", alice); err != nil {
			s.t.Fatal(err)
		}
	}
	s.apply(users.Changes{Viewer: alice, Erased: true}, users.Changes{Viewer: bob, Favourites: []users.Favourite{favourite("video:v3", 50)}})
	s.want("once more", everything(alice), "")
	s.want("the neighbour goes on", s.listed(bob, users.AllFavourites), "video:v3@50 programme:p1@11 video:v1@10")
}

func oldProgress(_ *testing.T, s *suite) {
	s.progress(alice, watched("v1", "p1", 10), watched("v2", "p2", 20))
	s.favourites(alice, favourite("video:v1", 10))
	s.at(v(15).At.Add(users.KeepProgress))
	s.want("it has grown old", s.listed(alice, users.AllProgress)+" "+s.listed(alice, users.LatestProgress), "v2/p2@20 v2/p2@20")
	s.want("by id", s.read(alice, "video:v1", "video:v2", "programme:p1"), "video:v1@10 v2/p2@20")
	s.progress(alice, watched("v3", "p3", 14), watched("v4", "p4", 16))
	s.want("it comes when it is old", s.listed(alice, users.AllProgress), "v2/p2@20 v4/p4@16")
	for _, what := range []users.What{users.AllProgress, users.LatestProgress} {
		if rows, more, err := s.List(s.t.Context(), alice, what, v(10), 2, false); err != nil || more || len(rows.Progress) > 0 {
			s.t.Errorf("%s behind what is old: %s, more: %t, %v", what, describe(rows), more, err)
		}
	}
}

func pages(t *testing.T, s *suite) {
	var fs []users.Favourite
	var ps []users.Progress
	for i := range 25 {
		kind := []string{"programme", "video"}[i%2]
		fs = append(fs, favourite(fmt.Sprintf("%s:%d", kind, i), 100-i))
		ps = append(ps, watched(fmt.Sprint("v", i), fmt.Sprint("p", i%7), 200+(i*11)%25))
	}
	s.apply(users.Changes{Viewer: alice, Favourites: fs, Progress: ps})
	for what, want := range map[users.What]int{
		users.AllFavourites: 25, users.FavouriteProgrammes: 13, users.FavouriteVideos: 12, users.AllProgress: 25, users.LatestProgress: 7,
	} {
		whole := s.all(alice, what, 1000)
		if n := len(whole.Favourites) + len(whole.Progress); n != want {
			t.Errorf("%s has %d rows instead of %d", what, n, want)
		}
		if total := len(whole.Favourites); whole.Total != total {
			t.Errorf("%s: the total of %d is %d", what, total, whole.Total)
		}
		if !slices.IsSortedFunc(whole.Favourites, func(a, b users.Favourite) int { return b.Version.Compare(a.Version) }) ||
			!slices.IsSortedFunc(whole.Progress, func(a, b users.Progress) int { return b.Version.Compare(a.Version) }) {
			t.Errorf("%s is not the newest first: %s", what, describe(whole))
		}
		for limit := 1; limit <= 26; limit++ {
			if got := s.all(alice, what, limit); describe(got) != describe(whole) || got.Total != whole.Total {
				t.Errorf("%s in pages of %d: %s", what, limit, describe(got))
			}
		}
	}
	// Behind a place that nothing has, or has no more.
	rows, more, err := s.List(t.Context(), alice, users.AllFavourites, v(98), 2, false)
	if err != nil || !more || describe(rows) != "video:3@97 programme:4@96" {
		t.Errorf("%s, more: %t, %v", describe(rows), more, err)
	}
	s.favourites(alice, unfavourite("programme:2", 300))
	rows, _, err = s.List(t.Context(), alice, users.AllFavourites, v(98), 2, true)
	if err != nil || describe(rows) != "video:3@97 programme:4@96" || rows.Total != 24 {
		t.Errorf("%s of %d, %v", describe(rows), rows.Total, err)
	}
	if rows := s.all(bob, users.AllFavourites, 10); rows.Total != 0 || len(rows.Favourites) > 0 {
		t.Errorf("of nobody: %v", rows)
	}
}

// largeLists are beyond 1 MB, which is all that one answer of DynamoDB has.
func largeLists(t *testing.T, s *suite) {
	const most = 2000 // favourites, of nearly 600 bytes each; half as many of progress, which are twice as large
	id := func(i int) string { return fmt.Sprintf("%04d-%s", i, strings.Repeat("x", 480)) }
	var fs []users.Favourite
	var ps, gone []users.Progress
	for i := range most {
		fs = append(fs, favourite("video:"+id(i), i))
	}
	for i := range most / 2 {
		ps = append(ps, watched(id(i), "p1", i))
		gone = append(gone, unwatched(id(i), "p1", 5000))
	}
	s.apply(users.Changes{Viewer: alice, Favourites: fs, Progress: ps})
	if rows := s.all(alice, users.AllFavourites, most-10); len(rows.Favourites) != most || rows.Total != most {
		t.Errorf("%d favourites of %d", len(rows.Favourites), rows.Total)
	}
	if rows := s.all(alice, users.AllProgress, most/2-10); len(rows.Progress) != most/2 {
		t.Errorf("%d of progress", len(rows.Progress))
	}
	s.apply(users.Changes{Viewer: alice, Progress: gone[1:]})
	if rows := s.all(alice, users.LatestProgress, 10); len(rows.Progress) != 1 || rows.Progress[0].Position != 0 {
		t.Errorf("the first is what is left, and %d rows are: %.100s", len(rows.Progress), describe(rows))
	}
	s.apply(users.Changes{Viewer: alice, Erased: true})
	for _, what := range []users.What{users.AllFavourites, users.AllProgress, users.LatestProgress} {
		if rows := s.all(alice, what, 10); len(rows.Favourites)+len(rows.Progress)+rows.Total > 0 {
			t.Errorf("%s: %d are left", what, rows.Total)
		}
	}
}

func manyIDs(t *testing.T, s *suite) {
	var ids []string
	var c users.Changes
	c.Viewer = alice
	for i := range 500 {
		id := fmt.Sprint("video:v", i)
		ids = append(ids, id)
		if i%2 == 0 {
			c.Favourites = append(c.Favourites, favourite(id, i))
		}
		if i%3 == 0 {
			c.Progress = append(c.Progress, watched(id[len("video:"):], fmt.Sprint("p", i%5), i))
		}
	}
	s.apply(c)
	rows, err := s.Read(t.Context(), alice, append(ids, ids[0], "programme:p1", "channel:c1", "nothing"), true)
	if err != nil {
		t.Fatal(err)
	}
	favourites, progress := map[string]bool{}, map[string]bool{}
	for _, f := range rows.Favourites {
		favourites[f.Target] = true
	}
	for _, p := range rows.Progress {
		progress[p.VideoId] = true
	}
	if len(favourites) != 250 || len(progress) != 167 {
		t.Errorf("%d favourites, %d of progress", len(favourites), len(progress))
	}
}

func storePositions(t *testing.T, s *suite) {
	get := func(want map[string]stream.Position) {
		t.Helper()
		got, err := s.Positions(t.Context(), []string{"user.favourite/0", "user.progress/11", "user.progress/3"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	get(map[string]stream.Position{})
	want := map[string]stream.Position{
		"user.favourite/0": {TopicID: "id-1", Incarnation: 1_700_000_000, Offset: 42}, "user.progress/3": {TopicID: "id-2", Incarnation: 1, Offset: 1},
	}
	if err := s.Apply(t.Context(), []users.Changes{{Viewer: alice, Favourites: []users.Favourite{favourite("video:v1", 1)}}}, want); err != nil {
		t.Fatal(err)
	}
	get(want)
	want["user.favourite/0"] = stream.Position{TopicID: "id-1", Incarnation: 1_700_000_000, Offset: 7}
	if err := s.Apply(t.Context(), nil, map[string]stream.Position{"user.favourite/0": want["user.favourite/0"]}); err != nil {
		t.Fatal(err)
	}
	get(want)
}

func pseudonyms(t *testing.T, s *suite) {
	ask := func(user, offered string) string {
		t.Helper()
		p, err := s.Pseudonym(t.Context(), user, offered)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	s.want("nobody", ask("alice@example.org", ""), "")
	s.want("offered", ask("alice@example.org", alice), alice)
	s.want("offered again", ask("alice@example.org", "another"), alice)
	s.want("asked", ask("alice@example.org", ""), alice)
	s.want("another user", ask("bob/1", bob), bob)
	// Of many who offer at once one wins.
	var wg sync.WaitGroup
	got := make([]string, 20)
	for i := range got {
		wg.Go(func() { got[i], _ = s.Pseudonym(t.Context(), "carol", fmt.Sprint("offer-", i)) })
	}
	wg.Wait()
	if slices.Sort(got); got[0] != got[len(got)-1] || got[0] == "" {
		t.Errorf("one user has several: %q", got)
	}
}

func forgottenUser(t *testing.T, s *suite) {
	for user, viewer := range map[string]string{"alice": alice, "bob": bob} {
		if _, err := s.Pseudonym(t.Context(), user, viewer); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Remember(t.Context(), viewer, "key", []byte("content"), Start); err != nil {
			t.Fatal(err)
		}
		s.favourites(viewer, favourite("video:v1", 10), unfavourite("video:v1", 20), favourite("video:v2", 20))
		s.progress(viewer, watched("v1", "p1", 10))
		s.apply(users.Changes{Viewer: viewer, Cleared: v(5)})
	}
	for range 2 { // it can be repeated
		if err := s.Forget(t.Context(), "alice", alice); err != nil {
			t.Fatal(err)
		}
	}
	s.want("rows", s.listed(alice, users.AllFavourites)+s.listed(alice, users.AllProgress)+s.read(alice, "video:v1", "video:v2"), "")
	if p, err := s.Pseudonym(t.Context(), "alice", ""); p != "" || err != nil {
		t.Errorf("the pseudonym is %q, %v", p, err)
	}
	if stored, err := s.Remember(t.Context(), alice, "key", []byte("other"), Start); err != nil || string(stored) != "other" {
		t.Errorf("the key is remembered: %q, %v", stored, err)
	}
	s.want("the neighbour", s.listed(bob, users.AllFavourites)+" "+s.listed(bob, users.AllProgress), "video:v2@20 v1/p1@10")
	// A mapping that comes back, as from a backup, leads nowhere once the viewer is erased.
	if _, err := s.Pseudonym(t.Context(), "carol", "viewer-carol"); err != nil {
		t.Fatal(err)
	}
	s.apply(users.Changes{Viewer: "viewer-carol", Erased: true})
	for _, offered := range []string{"", "viewer-new-carol", "viewer-another"} {
		want := offered
		if offered == "viewer-another" {
			want = "viewer-new-carol"
		}
		if p, err := s.Pseudonym(t.Context(), "carol", offered); p != want || err != nil {
			t.Errorf("an erased viewer's user who is offered %q has %q, %v", offered, p, err)
		}
	}
	// One who has come back is not forgotten by the old pseudonym.
	if _, err := s.Pseudonym(t.Context(), "alice", "viewer-new"); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(t.Context(), "alice", alice); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Pseudonym(t.Context(), "alice", ""); p != "viewer-new" || err != nil {
		t.Errorf("the new pseudonym is %q, %v", p, err)
	}
}

func idempotencyKeys(t *testing.T, s *suite) {
	for _, step := range []struct {
		what, viewer, key, content, want string
		after                            time.Duration
		conflict                         bool
	}{
		{"first", alice, "k", "a", "a", 0, false},
		{"again", alice, "k", "a", "a", time.Hour, false},
		{"for something else", alice, "k", "b", "a", time.Hour, true},
		{"another viewer's", bob, "k", "b", "b", time.Hour, false},
		{"another key", alice, "k2", "b", "b", time.Hour, false},
		{"just before it expires", alice, "k", "b", "a", users.KeepKeys - time.Millisecond, true},
		{"expired", alice, "k", "b", "b", users.KeepKeys, false},
		{"remembered anew", alice, "k", "a", "b", users.KeepKeys + time.Hour, true},
	} {
		got, err := s.Remember(t.Context(), step.viewer, step.key, []byte(step.content), Start.Add(step.after))
		if errors.Is(err, users.ErrConflict) != step.conflict || !step.conflict && err != nil || !bytes.Equal(got, []byte(step.want)) {
			t.Errorf("%s: %q, %v", step.what, got, err)
		}
	}
}

// event is one thing that a viewer did.
type event struct {
	favourite *users.Favourite
	progress  *users.Progress
	cleared   users.Version
}

func (e event) changes(viewer string) users.Changes {
	c := users.Changes{Viewer: viewer, Cleared: e.cleared}
	if e.favourite != nil {
		c.Favourites = append(c.Favourites, *e.favourite)
	}
	if e.progress != nil {
		c.Progress = append(c.Progress, *e.progress)
	}
	return c
}

// events are what a viewer did, of few videos so that much of it is about the same.
func events(r *rand.Rand, n int) []event {
	var out []event
	for i := range n {
		at := 10*i + r.IntN(10)
		video := r.IntN(6)
		id, programme := fmt.Sprint("v", video), fmt.Sprint("p", video%2)
		if r.IntN(12) == 0 {
			programme = "p2"
		}
		var e event
		switch k := r.IntN(20); {
		case k < 9:
			p := watched(id, programme, at)
			e.progress = &p
		case k < 12:
			p := unwatched(id, programme, at)
			e.progress = &p
		case k < 13 && r.IntN(3) == 0:
			e.cleared = v(at)
		case k < 17:
			f := favourite([]string{"video:" + id, "programme:" + programme}[r.IntN(2)], at)
			e.favourite = &f
		default:
			f := unfavourite([]string{"video:" + id, "programme:" + programme}[r.IntN(2)], at)
			e.favourite = &f
		}
		out = append(out, e)
	}
	return out
}

// model is what events leave, reckoned in the simplest way.
func model(es []event) map[users.What]string {
	favourites, progress := map[string]users.Favourite{}, map[string]users.Progress{}
	var cleared users.Version
	for _, e := range es {
		if f := e.favourite; f != nil && favourites[f.Target].Version.Compare(f.Version) < 0 {
			favourites[f.Target] = *f
		}
		if p := e.progress; p != nil && progress[p.VideoId].Version.Compare(p.Version) < 0 {
			progress[p.VideoId] = *p
		}
		if cleared.Compare(e.cleared) < 0 {
			cleared = e.cleared
		}
	}
	rows := map[users.What]*users.Rows{}
	for _, what := range whats {
		rows[what] = &users.Rows{}
	}
	for target, f := range favourites {
		if f.Removed {
			continue
		}
		kind := users.FavouriteVideos
		if strings.HasPrefix(target, "programme:") {
			kind = users.FavouriteProgrammes
		}
		for _, what := range []users.What{users.AllFavourites, kind} {
			rows[what].Favourites = append(rows[what].Favourites, f)
		}
	}
	last := map[string]users.Progress{}
	for _, p := range progress {
		if p.Removed || p.Version.Compare(cleared) <= 0 {
			continue
		}
		rows[users.AllProgress].Progress = append(rows[users.AllProgress].Progress, p)
		if last[p.ProgrammeId].Version.Compare(p.Version) < 0 {
			last[p.ProgrammeId] = p
		}
	}
	for _, p := range last {
		rows[users.LatestProgress].Progress = append(rows[users.LatestProgress].Progress, p)
	}
	out := map[users.What]string{}
	for what, r := range rows {
		slices.SortFunc(r.Favourites, func(a, b users.Favourite) int { return b.Version.Compare(a.Version) })
		slices.SortFunc(r.Progress, func(a, b users.Progress) int { return b.Version.Compare(a.Version) })
		out[what] = describe(*r)
	}
	return out
}

var whats = []users.What{users.AllFavourites, users.FavouriteProgrammes, users.FavouriteVideos, users.AllProgress, users.LatestProgress}

func (s *suite) compare(viewer string, es []event) {
	s.t.Helper()
	for what, want := range model(es) {
		s.want(viewer+" "+string(what), s.listed(viewer, what), want)
	}
	if s.t.Failed() {
		var told []string
		for _, e := range es {
			told = append(told, describe(users.Rows{Favourites: e.changes("").Favourites, Progress: e.changes("").Progress})+fmt.Sprint(e.cleared))
		}
		s.t.Fatalf("of %s", strings.Join(told, ", "))
	}
}

func agreesWithModel(_ *testing.T, s *suite) {
	r := rand.New(rand.NewPCG(6, 1))
	for n := range 20 {
		viewer := fmt.Sprint("viewer-", n)
		es := events(r, 40)
		r.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
		for i, e := range es {
			s.apply(e.changes(viewer))
			if r.IntN(4) == 0 { // again, some that were
				s.apply(es[r.IntN(i+1)].changes(viewer))
			}
		}
		s.compare(viewer, es)
	}
}

// agreesInBatches applies batches as persist makes them: of each target the latest.
func agreesInBatches(_ *testing.T, s *suite) {
	r := rand.New(rand.NewPCG(6, 2))
	for n := range 30 {
		viewer := fmt.Sprint("viewer-", n)
		es := events(r, 60)
		r.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
		for rest := es; len(rest) > 0; {
			size := min(1+r.IntN(12), len(rest))
			c := gather(viewer, rest[:size])
			for range 1 + r.IntN(2) {
				s.apply(c)
			}
			rest = rest[size:]
		}
		s.compare(viewer, es)
	}
}

// Cuts tests what crashes leave: calls that are cut after some of their requests, each followed by the same events in another
// batch, as Kafka gives them. The context that cut returns is done after so many requests, and so is what it is given to.
func Cuts(t *testing.T, store Store, cut func(requests int) context.Context) {
	s := &suite{t: t, now: Start, Store: store}
	r := rand.New(rand.NewPCG(6, 4))
	was := 0
	for n := range 60 {
		viewer := fmt.Sprint("viewer-", n)
		es := events(r, 40)
		r.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
		for rest := es; len(rest) > 0; {
			for range r.IntN(3) {
				c := gather(viewer, rest[:min(1+r.IntN(8), len(rest))])
				if s.Apply(cut(1+r.IntN(8)), []users.Changes{c}, nil) != nil {
					was++
				}
			}
			size := min(1+r.IntN(8), len(rest))
			s.apply(gather(viewer, rest[:size]))
			rest = rest[size:]
		}
		s.compare(viewer, es)
	}
	if was < 100 {
		t.Errorf("only %d calls were cut", was)
	}
}

func gather(viewer string, es []event) users.Changes {
	c := users.Changes{Viewer: viewer}
	favourites, progress := map[string]users.Favourite{}, map[string]users.Progress{}
	for _, e := range es {
		if f := e.favourite; f != nil && favourites[f.Target].Version.Compare(f.Version) < 0 {
			favourites[f.Target] = *f
		}
		if p := e.progress; p != nil && progress[p.VideoId].Version.Compare(p.Version) < 0 {
			progress[p.VideoId] = *p
		}
		if c.Cleared.Compare(e.cleared) < 0 {
			c.Cleared = e.cleared
		}
	}
	for _, f := range favourites {
		c.Favourites = append(c.Favourites, f)
	}
	for _, p := range progress {
		c.Progress = append(c.Progress, p)
	}
	return c
}

func beside(t *testing.T, s *suite) {
	r := rand.New(rand.NewPCG(6, 3))
	all := map[string][]event{}
	var changes []users.Changes
	for n := range 150 {
		viewer := fmt.Sprint("viewer-", n)
		all[viewer] = events(r, 10)
		changes = append(changes, gather(viewer, all[viewer]))
	}
	positions := map[string]stream.Position{}
	for n := range 24 {
		positions[fmt.Sprint("user.progress/", n)] = stream.Position{TopicID: "t", Incarnation: 1, Offset: int64(n)}
	}
	if err := s.Apply(t.Context(), changes, positions); err != nil {
		t.Fatal(err)
	}
	for _, viewer := range slices.Sorted(maps.Keys(all)) {
		s.compare(viewer, all[viewer])
	}
	got, err := s.Positions(t.Context(), slices.Collect(maps.Keys(positions)))
	if diff := gocmp.Diff(positions, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// timeIsOver: what was not done in time says so, and stores no position.
func timeIsOver(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	changes := []users.Changes{{Viewer: alice, Progress: []users.Progress{watched("v1", "p1", 1)}}}
	at := map[string]stream.Position{"user.progress/0": {TopicID: "t", Incarnation: 1, Offset: 1}}
	_, errRead := s.Read(ctx, alice, []string{"video:v1"}, true)
	_, _, errList := s.List(ctx, alice, users.AllProgress, users.Version{}, 10, true)
	_, errPositions := s.Positions(ctx, []string{"user.progress/0"})
	_, errPseudonym := s.Pseudonym(ctx, "alice", alice)
	_, errRemember := s.Remember(ctx, alice, "key", []byte("content"), Start)
	for what, err := range map[string]error{
		"Apply": s.Apply(ctx, changes, at), "Read": errRead, "List": errList, "Positions": errPositions, "Pseudonym": errPseudonym,
		"Remember": errRemember, "Forget": s.Forget(ctx, "alice", alice),
	} {
		if !errors.Is(err, users.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := s.Positions(t.Context(), []string{"user.progress/0"}); len(got) > 0 || err != nil {
		t.Errorf("positions %v, %v", got, err)
	}
}
