package users

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

const (
	// maxItems bounds a batch.
	maxItems = 500
	// maxKey bounds what clients name things by: idempotency keys and sessions.
	maxKey = 100
	// maxFavourites bounds a viewer's favourites, as the store knows them when one is added.
	maxFavourites = 1000
)

// RemoveFromHistory takes videos out, or all of them.
func (s *Service) RemoveFromHistory(ctx context.Context, req *userv1.RemoveFromHistoryRequest) (*userv1.RemoveFromHistoryResponse, error) {
	ids := req.GetVideoIds()
	switch {
	case req.GetAll() && len(ids) > 0:
		return nil, invalid("video_ids: there are none when all is set")
	case len(ids) > maxItems:
		return nil, invalid("video_ids: %d are too many: at most %d", len(ids), maxItems)
	}
	user, err := s.user(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(ctx, s.allowed.write)
	defer cancel()
	v, err := s.viewers.of(ctx, user, true)
	if err != nil {
		return nil, err
	}
	res := &userv1.RemoveFromHistoryResponse{}
	var events []proto.Message
	at := v.next(s.Now()) // of all: as many times would lie in the future
	if req.GetAll() {
		events = append(events, progressEvent(v, at, userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED, nil))
	} else {
		programmes, err := s.programmes(ctx, v.pseudonym, ids)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			programme, ok := programmes[id]
			if !ok {
				res.Problems = append(res.Problems, problem(i, "video_ids", notFound, "%q is no video that there is, nor one of the history", clip(id)))
				continue
			}
			events = append(events, progressEvent(v, at, userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED,
				&userv1.Progress{VideoId: local(id), ProgrammeId: programme}))
		}
	}
	s.Metrics.tell(res.GetProblems())
	res.Receipt, err = s.write(ctx, stream.UserProgress, v, events)
	return res, err
}

// programmes are the videos' programmes, by the videos' global ids: from the catalogue, and of what is not there any more
// from the viewer's history.
func (s *Service) programmes(ctx context.Context, viewer string, ids []string) (map[string]string, error) {
	videos, err := s.videos(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var gone []string
	for _, id := range ids {
		if v := videos[id]; v != nil {
			out[id] = local(v.GetProgrammeId())
		} else if _, ok := parseID(id, "video"); ok {
			gone = append(gone, id)
		}
	}
	rows, err := s.stored(ctx, viewer, gone)
	if err != nil {
		return nil, err
	}
	for _, p := range rows.Progress {
		out[catalog.GlobalID("video", p.GetVideoId())] = p.GetProgrammeId()
	}
	return out, nil
}

// stored reads rows that a write depends on.
func (s *Service) stored(ctx context.Context, viewer string, ids []string) (Rows, error) {
	if len(ids) == 0 {
		return Rows{}, nil
	}
	rows, err := s.Store.Read(ctx, viewer, ids, true)
	if err != nil {
		return Rows{}, fmt.Errorf("reading what is to be removed: %w", err)
	}
	return rows, nil
}

func progressEvent(v viewer, at time.Time, what userv1.ProgressEventType, p *userv1.Progress) *userv1.ProgressEvent {
	return &userv1.ProgressEvent{
		EventUuid: uuid.NewString(), OccurredAt: timestamppb.New(at), EventType: what, Viewer: v.pseudonym, Payload: p,
	}
}

// namespace is of the UUIDs of events that are the same whenever they are told again.
var namespace = uuid.MustParse("5f0a1f0e-7a67-5d0c-9f5b-6f1b1d5f3c2a")

func eventID(format string, args ...any) string {
	return uuid.NewSHA1(namespace, fmt.Appendf(nil, format, args...)).String()
}

// write returns when Kafka has the events, which are one viewer's; without a receipt when there are none.
func (s *Service) write(ctx context.Context, topic string, v viewer, events []proto.Message) (*userv1.Receipt, error) {
	if len(events) == 0 {
		return nil, nil
	}
	began := time.Now()
	last, err := s.produce(ctx, topic, v.pseudonym, events)
	if err != nil {
		return nil, err
	}
	s.Metrics.written.WithLabelValues(topic).Observe(time.Since(began).Seconds())
	return &userv1.Receipt{Token: s.receipt(topic, last), AcceptedAt: timestamppb.New(s.Now().Truncate(time.Millisecond))}, nil
}

// produce returns where the last of the events is, or, where Kafka does not tell, a place behind it.
func (s *Service) produce(ctx context.Context, topic, pseudonym string, events []proto.Message) (last stream.Delivery, err error) {
	records := make([]stream.Record, len(events))
	for i, e := range events {
		if records[i], err = record(topic, pseudonym, e); err != nil {
			return last, err
		}
	}
	sent := s.Producer.Sends(ctx, Role, records)
	deliveries, err := s.deliver(ctx, records)
	sent(err)
	if err != nil {
		return last, err
	}
	return s.placed(ctx, topic, deliveries[len(deliveries)-1])
}

// placed is where a record is, or, where Kafka does not tell, a place behind it.
func (s *Service) placed(ctx context.Context, topic string, d stream.Delivery) (stream.Delivery, error) {
	if d.Offset >= 0 {
		return d, nil
	}
	end, err := s.Producer.End(ctx, topic, d.Partition)
	if err != nil {
		return d, fmt.Errorf("%w: %w", ErrUnwritten, err)
	}
	d.Offset = end - 1
	return d, nil
}

func record(topic, pseudonym string, event proto.Message) (stream.Record, error) {
	value, headers, err := stream.Encode(event)
	return stream.Record{Topic: topic, Partition: stream.AnyPartition, Key: []byte(pseudonym), Value: value, Headers: headers}, err
}

// deliver returns when Kafka has all records; after an error it may have some.
func (s *Service) deliver(ctx context.Context, records []stream.Record) ([]stream.Delivery, error) {
	deliveries, err := s.Producer.Produce(ctx, records)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnwritten, err)
	}
	for i, d := range deliveries {
		if d.Err != nil {
			return nil, fmt.Errorf("producing to %s: %w", records[i].Topic, d.Err)
		}
	}
	return deliveries, nil
}
