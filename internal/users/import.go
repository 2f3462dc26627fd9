package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/identity"
	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// MaxRows is how many rows one Import takes.
const MaxRows = maxItems

// RowProblem is why a row was left out.
type RowProblem struct {
	// Row counts from 0.
	Row    int    `json:"row"`
	Reason string `json:"reason"`
}

const (
	// asking is how many users the store is asked about at once.
	asking = 32
	// importWait is how long an import waits for persist.
	importWait = 30 * time.Second
)

// importRow is what a user did elsewhere: a favourite, or where in a video they were.
type importRow struct {
	User      string `json:"user"`
	Favourite string `json:"favourite"` // global id
	Video     string `json:"video"`     // global id
	// Seconds, as numbers or as text.
	Position json.RawMessage `json:"position"`
	Duration json.RawMessage `json:"duration"`
	At       string          `json:"at"` // RFC 3339
	Session  string          `json:"session"`

	// What it comes to; wrong is why it is left out.
	wrong    error
	at       time.Time
	report   *userv1.Report // of a video
	progress *userv1.Progress
}

// Import writes rows as the events that they were: each a line of JSON such as
//
//	{"user":"alice","favourite":"programme:p001","at":"2024-05-01T20:00:00Z"}
//	{"user":"alice","video":"video:v001","position":120,"duration":1800,"at":"2024-05-01T20:30:00Z","session":"old"}
//
// and returns, when Kafka has those that are good and persist has applied the favourites of them, what is wrong with the
// others. After an error some are written and some are not. A row's event is the same whenever it is imported, so that all
// can be imported again.
func (s *Service) Import(ctx context.Context, lines [][]byte) ([]RowProblem, error) {
	if len(lines) > MaxRows {
		return nil, invalid("%d rows are too many: at most %d", len(lines), MaxRows)
	}
	problems, favourites, err := s.importRows(ctx, lines)
	if err != nil || len(favourites) == 0 {
		return problems, err
	}
	// The room of the next rows is reckoned with these.
	ctx, cancel := within(ctx, importWait)
	defer cancel()
	if !s.applied.await(ctx, favourites) {
		return nil, fmt.Errorf("%w: persist has not applied the rows within %s: does it run?", ErrUnavailable, importWait)
	}
	return problems, nil
}

// importRows returns when Kafka has the good rows, and where persist must be to have applied their favourites.
func (s *Service) importRows(ctx context.Context, lines [][]byte) (problems []RowProblem, favourites map[string]int64, err error) {
	ctx, cancel := within(ctx, s.allowed.write)
	defer cancel()
	rows := make([]importRow, len(lines))
	now := s.Now()
	for i, line := range lines {
		rows[i].wrong = rows[i].parse(line, now)
	}
	if err := s.lookUp(ctx, rows); err != nil {
		return nil, nil, err
	}
	viewers, err := s.pseudonyms(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	if err := s.limit(ctx, rows, viewers); err != nil {
		return nil, nil, err
	}
	var records []stream.Record
	for i := range rows {
		r := &rows[i]
		if r.wrong != nil {
			problems = append(problems, RowProblem{i, r.wrong.Error()})
			continue
		}
		pseudonym := viewers[r.User]
		topic, event := r.event(pseudonym)
		record, err := record(topic, pseudonym, event)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, record)
	}
	deliveries, err := s.deliver(ctx, records)
	if err != nil {
		return nil, nil, err
	}
	favourites = map[string]int64{}
	for i, d := range deliveries {
		if records[i].Topic != stream.UserFavourite {
			continue
		}
		if d, err = s.placed(ctx, stream.UserFavourite, d); err != nil {
			return nil, nil, err
		}
		partition := stream.Assigned{Topic: stream.UserFavourite, Partition: d.Partition}.String()
		favourites[partition] = max(favourites[partition], d.Offset)
	}
	return problems, favourites, nil
}

// parse reads a line, and finds what is wrong with it but for what only the catalogue knows.
func (r *importRow) parse(line []byte, now time.Time) error {
	if !utf8.Valid(line) {
		return errors.New("it is no UTF-8")
	}
	var mistyped *json.UnmarshalTypeError
	switch err := json.Unmarshal(line, r); {
	case errors.As(err, &mistyped) && mistyped.Field != "":
		return fmt.Errorf("%s: it must be text", mistyped.Field)
	case err != nil:
		return errors.New("it is no JSON object")
	case r.User == "":
		return errors.New("user: it is missing")
	case len(r.User) > identity.MaxUser:
		return fmt.Errorf("user: it has %d bytes: at most %d", len(r.User), identity.MaxUser)
	case (r.Favourite == "") == (r.Video == ""):
		return errors.New("it must have either favourite or video")
	}
	at, err := time.Parse(time.RFC3339, r.At)
	switch r.at = at.UTC().Truncate(time.Millisecond); {
	case err != nil:
		return fmt.Errorf("at: %q is no time such as 2024-05-01T20:00:00Z", clip(r.At))
	case r.at.After(now):
		return fmt.Errorf("at: %s is in the future", r.At)
	case r.at.UnixMilli() < 0:
		return fmt.Errorf("at: %s is before 1970", r.At)
	case r.Favourite != "":
		if _, ok := parseID(r.Favourite, "programme", "video"); !ok {
			return fmt.Errorf("favourite: %q is no global id such as programme:p001 or video:v001", clip(r.Favourite))
		}
		return nil
	case r.at.Before(now.Add(-KeepProgress)):
		return fmt.Errorf("at: %s is more than %d days ago: it would count no more", r.At, int(KeepProgress.Hours()/24))
	}
	if _, ok := parseID(r.Video, "video"); !ok {
		return fmt.Errorf("video: %q is no global id such as video:v001", clip(r.Video))
	}
	position, duration, err := wholeSeconds(r.Position), wholeSeconds(r.Duration), error(nil)
	switch {
	case position == nil:
		err = errors.New("position: it is missing, or no number of seconds")
	case duration == nil && strings.Trim(string(r.Duration), `"`) != "" && string(r.Duration) != "null":
		err = errors.New("duration: it is no number of seconds")
	default:
		r.report = &userv1.Report{VideoId: r.Video, Position: *position, OccurredAt: timestamppb.New(r.at), SessionId: r.Session}
		if duration != nil {
			r.report.Duration = *duration
		}
	}
	return err
}

// wholeSeconds reads a number, or text that is one; nil when it is none.
func wholeSeconds(raw json.RawMessage) *int32 {
	f, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || !(math.Abs(f) < math.MaxInt32) { // NaN, too
		return nil
	}
	n := int32(math.Floor(f))
	return &n
}

// columns are a report's fields as rows call them.
var columns = map[string]string{"video_id": "video", "occurred_at": "at", "session_id": "session"}

// lookUp finds what is wrong with rows as the catalogue is, and what the others come to.
func (s *Service) lookUp(ctx context.Context, rows []importRow) error {
	var ids []string
	var refs []catalog.Ref
	for i := range rows {
		switch r := &rows[i]; {
		case r.wrong != nil:
		case r.report != nil:
			ids = append(ids, r.Video)
		default:
			ref, _ := parseID(r.Favourite, "programme", "video")
			refs = append(refs, ref)
		}
	}
	videos, err := s.videos(ctx, ids)
	if err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, s.allowed.catalogue)
	defer cancel()
	revisions, err := s.Catalog.Revisions(patient, refs)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		if r.wrong != nil {
			continue
		}
		if r.report == nil {
			if revisions[0] == "" {
				r.wrong = fmt.Errorf("favourite: %q is no programme or video that there is", clip(r.Favourite))
			}
			revisions = revisions[1:]
			continue
		}
		// As of then: how old a device's reports may be is nothing to these.
		progress, problems := check(i, r.report, videos[r.Video], r.at)
		r.progress = progress
		var texts []string
		for _, p := range problems {
			name := p.GetField()
			if column, ok := columns[name]; ok {
				name = column
			}
			texts = append(texts, name+": "+p.GetMessage())
		}
		if texts != nil {
			r.wrong = errors.New(strings.Join(texts, "; "))
		}
	}
	return nil
}

// pseudonyms are those of the users whose rows are good, by the users' ids.
func (s *Service) pseudonyms(ctx context.Context, rows []importRow) (map[string]string, error) {
	out := map[string]string{}
	for i := range rows {
		if rows[i].wrong == nil {
			out[rows[i].User] = ""
		}
	}
	err := each(ctx, slices.Collect(maps.Keys(out)), func(ctx context.Context, user string) (string, error) {
		v, err := s.viewers.of(ctx, s.name("user", user), true)
		return v.pseudonym, err
	}, func(user, pseudonym string) { out[user] = pseudonym })
	return out, err
}

// limit finds the rows that are favourites for which their users have no room, as the API would.
func (s *Service) limit(ctx context.Context, rows []importRow, viewers map[string]string) error {
	targets := map[string][]string{} // by user
	for i := range rows {
		r := &rows[i]
		if r.wrong == nil && r.report == nil && !slices.Contains(targets[r.User], r.Favourite) {
			targets[r.User] = append(targets[r.User], r.Favourite)
		}
	}
	rooms := map[string]map[string]bool{}
	err := each(ctx, slices.Collect(maps.Keys(targets)), func(ctx context.Context, user string) (map[string]bool, error) {
		return s.room(ctx, viewers[user], targets[user], true)
	}, func(user string, room map[string]bool) { rooms[user] = room })
	if err != nil {
		return fmt.Errorf("counting favourites: %w", err)
	}
	for i := range rows {
		r := &rows[i]
		if r.wrong == nil && r.report == nil && !rooms[r.User][r.Favourite] {
			r.wrong = fmt.Errorf("favourite: the user has %d favourites already", maxFavourites)
		}
	}
	return nil
}

// each asks about users, several at once, and tells the answers one by one.
func each[T any](ctx context.Context, users []string, ask func(context.Context, string) (T, error), tell func(user string, answer T)) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for _, user := range users {
		g.Go(func() error {
			answer, err := ask(ctx, user)
			mu.Lock()
			defer mu.Unlock()
			tell(user, answer)
			return err
		})
	}
	return g.Wait()
}

// event is what the row was. Its UUID is of the pseudonym, never of the user's id, which could be guessed from it.
func (r *importRow) event(pseudonym string) (topic string, event proto.Message) {
	at := timestamppb.New(r.at)
	if p := r.progress; p != nil {
		return stream.UserProgress, &userv1.ProgressEvent{
			EventUuid: eventID("import %s %q %q %d %d %d", pseudonym, p.GetVideoId(), p.GetSessionId(),
				r.at.UnixMilli(), p.GetPosition(), r.report.GetDuration()),
			OccurredAt: at, EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED, Viewer: pseudonym, Payload: p,
		}
	}
	return stream.UserFavourite, &userv1.FavouriteEvent{
		EventUuid:  eventID("import %s %q %d", pseudonym, r.Favourite, r.at.UnixMilli()),
		OccurredAt: at, EventType: userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ADDED, Viewer: pseudonym,
		Payload: &userv1.Favourite{TargetId: r.Favourite},
	}
}
