package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/stream"
	schedulev1 "regie/proto/schedule/v1"
)

// WriteTime is how long Kafka may take to say that it has a change.
const WriteTime = 3 * time.Second

// Config is what a service works with.
type Config struct {
	Index   *Index
	Cluster *stream.Cluster
	// Producer is one that gives a record up after WriteTime.
	Producer *stream.Producer
	// Operator returns an error, a status's, unless a call may look at schedules and change them.
	Operator func(ctx context.Context) error
	Now      func() time.Time
	Log      *slog.Logger
}

// Service implements schedulev1.ScheduleServiceServer. What it changes it writes to the topic of requests.
type Service struct {
	schedulev1.UnimplementedScheduleServiceServer
	Config
}

var _ schedulev1.ScheduleServiceServer = (*Service)(nil)

// NewService does no I/O.
func NewService(cfg Config) *Service { return &Service{Config: cfg} }

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { schedulev1.RegisterScheduleServiceServer(r, s) }

const (
	defaultPage = 50
	maxPage     = 500
	maxID       = 1000 // bytes
	// shownValue is how much of a value Get shows.
	shownValue = 64 << 10
	// lookBack is how many of the history's last records in each partition Get looks at, lookFor how long, and shownHistory
	// how many it shows.
	lookBack     = 5000
	lookFor      = 3 * time.Second
	shownHistory = 20
)

// List implements schedulev1.ScheduleServiceServer.
func (s *Service) List(ctx context.Context, req *schedulev1.ListRequest) (*schedulev1.ListResponse, error) {
	if err := s.Operator(ctx); err != nil {
		return nil, err
	}
	n := int(req.GetPageSize())
	if n == 0 {
		n = defaultPage
	}
	if n < 0 || n > maxPage {
		return nil, invalid("page_size %d: at most %d", n, maxPage)
	}
	var from Place
	f := Filter{Target: req.GetTargetTopic(), Prefix: req.GetIdPrefix()}
	var err error
	if req.From != nil {
		if from.Epoch, err = second(req.GetFrom(), "from"); err != nil {
			return nil, err
		}
	}
	if req.Until != nil {
		if f.Until, err = second(req.GetUntil(), "until"); err != nil {
			return nil, err
		}
		if f.Until <= from.Epoch {
			return nil, invalid("until is not after from")
		}
	}
	if token := req.GetPageToken(); token != "" {
		if _, err := fmt.Sscanf(token, "%d.%d.%d", &from.Epoch, &from.Partition, &from.Offset); err != nil || from.Epoch < 0 || from.Offset < 0 {
			return nil, invalid("page_token %q is none of this list's", token)
		}
	}
	entries, next, err := s.Index.List(ctx, from, f, n)
	if err != nil {
		return nil, s.unavailable(ctx, "the schedules' index does not answer now; try again", err)
	}
	res := &schedulev1.ListResponse{}
	for i := range entries {
		res.Schedules = append(res.Schedules, message(&entries[i]))
	}
	if next != nil {
		res.NextPageToken = fmt.Sprintf("%d.%d.%d", next.Epoch, next.Partition, next.Offset)
	}
	return res, nil
}

// Get implements schedulev1.ScheduleServiceServer.
func (s *Service) Get(ctx context.Context, req *schedulev1.GetRequest) (*schedulev1.GetResponse, error) {
	entries, err := s.pending(ctx, req.GetId())
	if err != nil && status.Code(err) != codes.NotFound {
		return nil, err
	}
	res := &schedulev1.GetResponse{}
	for i := range entries {
		res.Pending = append(res.Pending, message(&entries[i]))
	}
	if len(entries) > 0 {
		e := &entries[0]
		if err := s.load(ctx, e); err != nil {
			return nil, err
		}
		for _, h := range e.Headers {
			res.Headers = append(res.Headers, &schedulev1.Header{Key: valid(h.Key), Value: []byte(h.Value)})
		}
		res.Value = e.Value[:min(len(e.Value), shownValue)]
	}
	if err := s.history(ctx, req.GetId(), res); err != nil {
		return nil, s.unavailable(ctx, "the schedules' history cannot be read now; try again", err)
	}
	if len(res.GetPending())+len(res.GetHistory()) == 0 {
		return nil, err
	}
	return res, nil
}

// history adds what was fired of an id, the latest first.
func (s *Service) history(ctx context.Context, id string, res *schedulev1.GetResponse) error {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	begun := map[int32]bool{}
	err := s.Cluster.ReadTail(ctx, stream.ScheduleHistory, lookBack, func(r stream.Record) error {
		if !begun[r.Partition] && r.Offset > 0 && (res.LookedBackTo == nil || res.GetLookedBackTo().AsTime().Before(r.Time)) {
			res.LookedBackTo = timestamppb.New(r.Time)
		}
		begun[r.Partition] = true
		if r.Headers.Get(HeaderKey) != id {
			return nil
		}
		fired := &schedulev1.Fired{FiredAt: timestamppb.New(r.Time), TargetTopic: r.Headers.Get(HeaderTargetTopic), TargetKey: r.Key, Size: int64(len(r.Value))}
		if epoch, err := readEpoch(r.Headers.Get(HeaderEpoch)); err == nil {
			fired.DueAt = timestamppb.New(time.Unix(epoch, 0))
		}
		res.History = append(res.History, fired)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(res.History, func(a, b *schedulev1.Fired) int { return b.GetFiredAt().AsTime().Compare(a.GetFiredAt().AsTime()) })
	res.History = res.History[:min(len(res.History), shownHistory)]
	return nil
}

// Add implements schedulev1.ScheduleServiceServer.
func (s *Service) Add(ctx context.Context, req *schedulev1.AddRequest) (*schedulev1.AddResponse, error) {
	if err := s.Operator(ctx); err != nil {
		return nil, err
	}
	if err := checkID(req.GetId()); err != nil {
		return nil, err
	}
	if _, err := second(req.GetDueAt(), "due_at"); err != nil {
		return nil, err
	}
	target := req.GetTargetTopic()
	if err := CheckTarget(target, s.Cluster.Name); err != nil {
		return nil, invalid("target_topic: %v", err)
	}
	problems, err := s.Cluster.Targets(ctx, []string{target})
	if err != nil {
		return nil, s.unavailable(ctx, "Kafka does not answer now; try again", err)
	}
	if err := problems[target]; err != nil {
		return nil, invalid("target_topic %s: %v", target, err)
	}
	r := stream.Record{Key: req.TargetKey, Value: req.Value}
	for _, h := range req.GetHeaders() {
		if strings.HasPrefix(h.GetKey(), "scheduler-") {
			return nil, invalid("headers: %q is the scheduler's own", h.GetKey())
		}
		r.Headers = append(r.Headers, stream.Header{Key: h.GetKey(), Value: string(h.GetValue())})
	}
	asked := Request(req.GetId(), req.GetDueAt().AsTime(), target, r)
	there, err := s.Index.Get(ctx, req.GetId())
	if err != nil {
		return nil, s.unavailable(ctx, "the schedules' index does not answer now; try again", err)
	}
	if len(there) > 0 { // it replaces that one, wherever its producer has put it
		asked.Partition = there[0].Partition
	}
	written, err := s.write(ctx, asked)
	return &schedulev1.AddResponse{Written: written}, err
}

// Cancel implements schedulev1.ScheduleServiceServer.
func (s *Service) Cancel(ctx context.Context, req *schedulev1.CancelRequest) (*schedulev1.CancelResponse, error) {
	entries, err := s.pending(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	var rs []stream.Record
	for _, e := range entries {
		r := Cancel(e.ID)
		r.Partition = e.Partition
		rs = append(rs, r)
	}
	written, err := s.write(ctx, rs...)
	return &schedulev1.CancelResponse{Written: written}, err
}

// Move implements schedulev1.ScheduleServiceServer.
func (s *Service) Move(ctx context.Context, req *schedulev1.MoveRequest) (*schedulev1.MoveResponse, error) {
	epoch, err := second(req.GetDueAt(), "due_at")
	if err != nil {
		return nil, err
	}
	written, err := s.move(ctx, req.GetId(), epoch)
	return &schedulev1.MoveResponse{Written: written}, err
}

// FireNow implements schedulev1.ScheduleServiceServer.
func (s *Service) FireNow(ctx context.Context, req *schedulev1.FireNowRequest) (*schedulev1.FireNowResponse, error) {
	written, err := s.move(ctx, req.GetId(), s.Now().Unix())
	return &schedulev1.FireNowResponse{Written: written}, err
}

func (s *Service) move(ctx context.Context, id string, epoch int64) (*schedulev1.Written, error) {
	entries, err := s.pending(ctx, id)
	if err != nil {
		return nil, err
	}
	var rs []stream.Record
	for i := range entries {
		e := &entries[i]
		if err := s.load(ctx, e); err != nil {
			return nil, err
		}
		rs = append(rs, e.At(epoch))
	}
	return s.write(ctx, rs...)
}

// pending are the entries of an id: NOT_FOUND when there is none.
func (s *Service) pending(ctx context.Context, id string) ([]Entry, error) {
	if err := s.Operator(ctx); err != nil {
		return nil, err
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	entries, err := s.Index.Get(ctx, id)
	if err != nil {
		return nil, s.unavailable(ctx, "the schedules' index does not answer now; try again", err)
	}
	if len(entries) == 0 {
		return nil, status.Errorf(codes.NotFound, "no schedule %q is pending", id)
	}
	return entries, nil
}

// load reads what the index does not have of a request.
func (s *Service) load(ctx context.Context, e *Entry) error {
	if !e.Elsewhere {
		return nil
	}
	reader, err := s.Cluster.NewReader()
	if err != nil {
		return err
	}
	defer reader.Close()
	r, found, err := reader.At(ctx, stream.ScheduleRequest, e.Partition, e.Offset)
	if err != nil {
		return s.unavailable(ctx, "the topic of requests cannot be read now; try again", err)
	}
	if !found {
		return status.Errorf(codes.Aborted, "the request of schedule %q is not in the log any more: a newer one is about to count; try again", e.ID)
	}
	*e = Read(r, s.Cluster.Name)
	return nil
}

// write writes records to the topic of requests, and waits a little until the last counts.
func (s *Service) write(ctx context.Context, rs ...stream.Record) (*schedulev1.Written, error) {
	ds, err := s.Producer.Produce(ctx, rs)
	for _, d := range ds {
		if d.Err != nil {
			err = d.Err
		}
	}
	if stream.IsPermanent(err) {
		return nil, invalid("Kafka does not take it: %v", err)
	}
	if err != nil {
		return nil, s.unavailable(ctx, "it is not known to be written; try again", err)
	}
	last := ds[len(ds)-1]
	return &schedulev1.Written{Partition: last.Partition, Offset: last.Offset, Applied: s.applied(ctx, last)}, nil
}

const (
	// appliedWithin is how long a change is waited for until it counts, and appliedLook how often is looked.
	appliedWithin = time.Second
	appliedLook   = 10 * time.Millisecond
)

func (s *Service) applied(ctx context.Context, d stream.Delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, appliedWithin)
	defer cancel()
	tick := time.NewTicker(appliedLook)
	defer tick.Stop()
	for d.Offset >= 0 {
		stored, err := s.Index.Look(ctx, []int32{d.Partition})
		if err == nil && stored[0].Position != nil && stored[0].Position.Offset > d.Offset {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return false
}

func (s *Service) unavailable(ctx context.Context, text string, err error) error {
	if status.Code(err) != codes.Unknown { // it says itself
		return err
	}
	s.Log.WarnContext(ctx, "answering unavailable", "error", err)
	return status.Error(codes.Unavailable, text)
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return invalid("id has %d bytes: 1 to %d", len(id), maxID)
	}
	return nil
}

// second is the first whole second that is not before t.
func second(t *timestamppb.Timestamp, field string) (int64, error) {
	if t == nil {
		return 0, invalid("%s is missing", field)
	}
	epoch := t.GetSeconds()
	if t.GetNanos() > 0 {
		epoch++
	}
	if t.CheckValid() != nil || epoch < 0 || epoch > LastEpoch {
		return 0, invalid("%s is not between 1970 and 9999", field)
	}
	return epoch, nil
}

func message(e *Entry) *schedulev1.Schedule {
	return &schedulev1.Schedule{
		Id: valid(e.ID), DueAt: timestamppb.New(time.Unix(e.Epoch, 0)), TargetTopic: valid(e.Target), TargetKey: e.Key, Size: e.Size,
		RequestedAt: timestamppb.New(e.Requested), Partition: e.Partition, Offset: e.Offset, Problem: valid(e.Problem),
	}
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// invalid is the client's error, told as it is.
func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
