package users

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/stream"
	projectionv1 "regie/proto/projection/v1"
	userv1 "regie/proto/user/v1"
)

const (
	// maxPosition bounds positions and lengths, in seconds: a day.
	maxPosition = 24 * 60 * 60
	// beyond is how far behind the catalogue's end a player may say it is, in seconds.
	beyond = 60
	// maxAge is how long a device may keep a report.
	maxAge = 30 * 24 * time.Hour
	// slack is how far a device's clock may be ahead before its reports cost a write more.
	slack = time.Second
)

// ReportProgress writes the reports that are good and tells what is wrong with the others.
func (s *Service) ReportProgress(ctx context.Context, req *userv1.ReportProgressRequest) (*userv1.ReportProgressResponse, error) {
	reports := req.GetReports()
	if n := len(reports); n > maxItems {
		return nil, invalid("reports: %d are too many: at most %d", n, maxItems)
	}
	user, err := s.user(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(ctx, s.allowed.write)
	defer cancel()
	ids := make([]string, len(reports))
	for i, r := range reports {
		ids[i] = r.GetVideoId()
	}
	videos, err := s.videos(ctx, ids)
	if err != nil {
		return nil, err
	}
	res := &userv1.ReportProgressResponse{}
	now := s.Now().UTC().Truncate(time.Millisecond)
	at := clamp(reports, now)
	good := make([]*userv1.Progress, len(reports))
	for i, r := range reports {
		var ps []*userv1.Problem
		if good[i], ps = check(i, r, videos[ids[i]], now); len(ps) > 0 {
			good[i] = nil
			res.Problems = append(res.Problems, ps...)
		}
	}
	s.Metrics.tell(res.GetProblems())
	if !slices.ContainsFunc(good, func(p *userv1.Progress) bool { return p != nil }) {
		return res, nil
	}
	v, err := s.viewers.of(ctx, user, true)
	if err != nil {
		return nil, err
	}
	uuids := make([]string, len(reports))
	var ahead []int
	for i, p := range good {
		if p == nil {
			continue
		}
		told := reports[i].GetOccurredAt().AsTime()
		// As the device says it: told again it is the same.
		uuids[i] = eventID("report %s %q %q %d %d %d", v.pseudonym, p.GetVideoId(), p.GetSessionId(), told.UnixMilli(), p.GetPosition(), reports[i].GetDuration())
		if told.After(now.Add(slack)) {
			ahead = append(ahead, i)
		}
	}
	if err := s.firsts(ctx, v.pseudonym, uuids, at, ahead); err != nil {
		return nil, err
	}
	var events []proto.Message
	for i, p := range good {
		if p == nil {
			continue
		}
		v.saw(at[i])
		occurred := timestamppb.New(at[i])
		events = append(events, &userv1.ProgressEvent{
			EventUuid: uuids[i], OccurredAt: occurred, EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED, Viewer: v.pseudonym, Payload: p,
		})
		res.Progress = append(res.Progress, &userv1.ProgressState{Progress: p, UpdatedAt: occurred})
	}
	if res.Receipt, err = s.write(ctx, stream.UserProgress, v, events); err != nil {
		return nil, err
	}
	return res, nil
}

// clamp returns when reports were made, none later than now. Those of a device whose clock is ahead keep their order.
func clamp(reports []*userv1.Report, now time.Time) []time.Time {
	at := make([]time.Time, len(reports))
	var ahead []int
	for i, r := range reports {
		if at[i] = r.GetOccurredAt().AsTime().Truncate(time.Millisecond); at[i].After(now) {
			ahead = append(ahead, i)
		}
	}
	slices.SortStableFunc(ahead, func(i, j int) int { return at[j].Compare(at[i]) }) // the latest first
	for n, i := range ahead {
		at[i] = now.Add(-time.Duration(n) * time.Millisecond)
	}
	return at
}

// firsts has those of the reports that are ahead keep the time that they were given when they were first told: else the
// last to be told again would count, whatever came between.
func (s *Service) firsts(ctx context.Context, viewer string, uuids []string, at []time.Time, ahead []int) error {
	ctx, cancel := context.WithTimeout(ctx, s.allowed.patience)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for _, i := range ahead {
		g.Go(func() (err error) { at[i], err = s.first(ctx, viewer, uuids[i], "report", at[i]); return err })
	}
	return g.Wait()
}

// check returns what a report comes to, and all that is wrong with it. The video is nil when there is none.
func check(item int, r *userv1.Report, v *projectionv1.Video, now time.Time) (*userv1.Progress, []*userv1.Problem) {
	var ps []*userv1.Problem
	wrong := func(field string, code userv1.ProblemCode, format string, args ...any) {
		ps = append(ps, problem(item, field, code, format, args...))
	}
	if v == nil {
		wrong("video_id", notFound, "%q is no video that there is", clip(r.GetVideoId()))
	}
	if d := r.GetDuration(); d < 0 || d > maxPosition {
		wrong("duration", outOfRange, "%d is not between 0 and %d seconds", d, maxPosition)
	}
	duration := v.GetDuration()
	limit := int32(maxPosition)
	if duration > 0 {
		limit = min(limit, duration+beyond)
	} else {
		duration = r.GetDuration()
	}
	if p := r.GetPosition(); p < 0 || p > limit {
		wrong("position", outOfRange, "%d is not between 0 and %d seconds", p, limit)
	}
	switch at := r.GetOccurredAt(); {
	case !at.IsValid():
		wrong("occurred_at", outOfRange, "it is missing, or no time")
	case at.AsTime().Before(now.Add(-maxAge)):
		wrong("occurred_at", tooOld, "%s is more than %d days ago", at.AsTime().Format(time.RFC3339), int(maxAge.Hours()/24))
	}
	if n := len(r.GetSessionId()); n > maxKey {
		wrong("session_id", outOfRange, "it has %d bytes: at most %d", n, maxKey)
	}
	return &userv1.Progress{
		VideoId: local(r.GetVideoId()), ProgrammeId: local(v.GetProgrammeId()),
		Position: r.GetPosition(), Duration: duration, SessionId: r.GetSessionId(),
	}, ps
}
