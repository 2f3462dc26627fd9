package boltstore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	"regie/internal/users/storetest"
	userv1 "regie/proto/user/v1"
)

func open(t *testing.T, dir string, now func() time.Time) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store { return open(t, t.TempDir(), now) })
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func progress(video string, at time.Time) users.Progress {
	return users.Progress{Version: users.Version{At: at, ID: "e-" + video}, Progress: &userv1.Progress{VideoId: video, ProgrammeId: "p1", Position: 1}}
}

// TestWhatIsStoredIsInTheFile: a copy of the file, taken when Apply has returned, has it all. So has what kill -9 leaves.
func TestWhatIsStoredIsInTheFile(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	s := open(t, dir, clock)
	at := map[string]stream.Position{"user.progress/3": {TopicID: "t", Incarnation: 1, Offset: 7}}
	if err := s.Apply(t.Context(), []users.Changes{{Viewer: "a", Progress: []users.Progress{progress("v1", now)}}}, at); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "users.db"))
	if err == nil {
		err = os.WriteFile(filepath.Join(copied, "users.db"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	after := open(t, copied, clock)
	rows, _, err := after.List(t.Context(), "a", users.LatestProgress, users.Version{}, 10, true)
	if err != nil || len(rows.Progress) != 1 {
		t.Errorf("rows %v, %v", rows, err)
	}
	if got, err := after.Positions(t.Context(), []string{"user.progress/3"}); err != nil || got["user.progress/3"].Offset != 7 {
		t.Errorf("positions %v, %v", got, err)
	}
}

// TestWhatHasExpiredIsDroppedAtTheStart, so that the file does not grow for ever.
func TestWhatHasExpiredIsDroppedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, clock)
	removed := users.Favourite{Target: "video:v1", Version: users.Version{At: now, ID: "e"}, Removed: true}
	kept := users.Favourite{Target: "video:v2", Version: users.Version{At: now, ID: "e2"}}
	err := s.Apply(t.Context(), []users.Changes{
		{Viewer: "a", Favourites: []users.Favourite{removed, kept}, Progress: []users.Progress{progress("v1", now), progress("v2", now.Add(48*time.Hour))}},
		{Viewer: "b", Cleared: users.Version{At: now, ID: "c"}},
		{Viewer: "d", Erased: true},
		{Viewer: "c", Cleared: users.Version{At: now.Add(48 * time.Hour), ID: "c"}},
	}, nil)
	if err == nil {
		_, err = s.Remember(t.Context(), "a", "key", []byte("content"), now)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, func() time.Time { return now.Add(users.KeepProgress + time.Hour) })
	if got := s.Sizes(); got != [7]int{1, 1, 1, 3, 0, 0, 1} {
		t.Errorf("favourites, progress, by programme, lists, keys, erased, clearings: %v", got)
	}
	rows, err := s.Read(t.Context(), "a", []string{"video:v1", "video:v2", "programme:p1"}, true)
	if err != nil || len(rows.Favourites) != 1 || len(rows.Progress) != 2 {
		t.Errorf("%v, %v", rows, err)
	}
}
