package users

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// ErrUnavailable says that a store does not answer, or not in time: it may later.
var ErrUnavailable = errors.New("the users' store does not answer")

// ErrConflict says that something else is stored under a name that was to be taken.
var ErrConflict = errors.New("something else is stored under this name")

// Version orders the states of one row: of two, the later counts, and of two at one time the one whose UUID is greater.
type Version struct {
	At time.Time // in ms
	ID string    // the event's UUID
}

// IsZero tells whether it is no version.
func (v Version) IsZero() bool { return v.ID == "" }

// Compare orders versions.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.At.UnixMilli(), w.At.UnixMilli()), cmp.Compare(v.ID, w.ID))
}

// String is the same order as text, of times from 1970 on: 15 digits of ms, a dot, the id.
func (v Version) String() string { return fmt.Sprintf("%015d.%s", v.At.UnixMilli(), v.ID) }

// ParseVersion is the inverse of String.
func ParseVersion(s string) (Version, error) {
	at, id, ok := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return Version{}, fmt.Errorf("%q is no version", s)
	}
	return Version{time.UnixMilli(ms).UTC(), id}, nil
}

// KeepProgress is for how long progress counts since it was reported. What is older is not there.
const KeepProgress = 400 * 24 * time.Hour

// KeepRemoved is for how long a removed row is kept: no event that is older than the removal comes later than that.
const KeepRemoved = 400 * 24 * time.Hour

// KeepKeys is for how long a viewer's idempotency keys are remembered.
const KeepKeys = 24 * time.Hour

// Favourite is a row of one target.
type Favourite struct {
	Target  string // global id
	Version Version
	Removed bool
}

// Progress is a row of one video.
type Progress struct {
	*userv1.Progress
	Version Version
	Removed bool
}

// Changes are what a batch of records leaves of one viewer, in this order. Rows come once each, with their latest.
type Changes struct {
	Viewer string // the pseudonym
	// Erased: all rows go, and none comes any more, for KeepRemoved, whoever writes it. Then there is nothing below.
	Erased     bool
	Favourites []Favourite
	// Cleared: progress of this or an earlier version counts no more. Zero: nothing was cleared.
	Cleared  Version
	Progress []Progress
}

// Store has what viewers did, by pseudonym. A removed row stays as long as an older event could still come, so that it
// does not come back, and is never read. Every method returns ErrUnavailable, wrapped, when the store does not answer.
type Store interface {
	// Apply stores what is newer than what is stored, row by row, and then the partitions' positions. It can be repeated.
	// After an error some may be stored and no position is. Throttling is retried within, until ctx is done.
	Apply(ctx context.Context, changes []Changes, positions map[string]stream.Position) error
	// Read returns a viewer's rows of those ids that have any: favourites by global id, progress by "video:ID", and by
	// "programme:ID" what was watched last of it. With consistent it sees all that Apply has stored.
	Read(ctx context.Context, viewer string, ids []string, consistent bool) (Rows, error)
	// List pages through rows that are there, by version, the newest first. After is the version that the page begins
	// behind, zero for the first. It returns at most limit rows, and whether there are more.
	List(ctx context.Context, viewer string, what What, after Version, limit int, consistent bool) (rows Rows, more bool, err error)
	// Positions returns the stored position of each partition (stream.Assigned.String), without those that have none;
	// always consistent.
	Positions(ctx context.Context, partitions []string) (map[string]stream.Position, error)
}

// What is listed.
type What string

// What there is to list.
const (
	FavouriteProgrammes What = "favourite programmes"
	FavouriteVideos     What = "favourite videos"
	AllFavourites       What = "favourites"
	AllProgress         What = "progress"
	// LatestProgress has of each programme what was watched last.
	LatestProgress What = "latest progress"
)

// Rows are favourites or progress.
type Rows struct {
	Favourites []Favourite
	Progress   []Progress
	// Total is how many favourites there are of what was listed, on whatever page. Only List of favourites tells it.
	Total int
}

// Directory knows whose a pseudonym is, and what a viewer's idempotency keys were used for. It shares its storage with the
// Store. ErrUnavailable as there.
type Directory interface {
	// Pseudonym returns the user's, and if there is none, stores and returns the one that is offered, unless that is "". It
	// is always consistent. One that is erased is none: a store that was restored may lead to it still.
	Pseudonym(ctx context.Context, user, offered string) (string, error)
	// Forget drops the user's mapping, if it leads to the pseudonym, and all rows of the pseudonym.
	Forget(ctx context.Context, user, pseudonym string) error
	// Remember stores content under a viewer's key for KeepKeys. When other content is there it returns that, with ErrConflict.
	Remember(ctx context.Context, viewer, key string, content []byte, now time.Time) (stored []byte, err error)
}
