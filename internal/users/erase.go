package users

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/stream"
	userv1 "regie/proto/user/v1"
)

// eraseTime is what an erasure may take whose client does not say.
const eraseTime = 30 * time.Second

// Erase forgets the user as it is known when the call comes. What the user does later has a pseudonym of its own.
//
// Until all is done, one of two names leads to the pseudonym in the Directory, so that a call that was cut short can be
// made again:
//
//	name of the user      --> pseudonym              2 dropped, with the rows
//	name of who leaves    --> pseudonym   1 stored   |  3 no instance writes under it any more      6 dropped, with the rows
//	                                                 |     4 ERASED is in Kafka    5 persist has applied it
//
// Cut short after 1, the call begins anew; after 2, 3, 4 or 5 the second name leads the next call to 3. Whatever is done
// twice does nothing more.
func (s *Service) Erase(ctx context.Context, _ *userv1.EraseRequest) (*userv1.EraseResponse, error) {
	user, err := s.user(ctx)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < s.lasting+time.Second {
		return nil, invalid("an erasure takes %s and more: give the call %s", s.lasting, eraseTime)
	}
	ctx, cancel := within(ctx, eraseTime)
	defer cancel()
	leaving := s.name("leaving", user)
	current, err := s.Directory.Pseudonym(ctx, user, "")
	if err != nil {
		return nil, fmt.Errorf("asking for the pseudonym to erase: %w", err)
	}
	begun, err := s.Directory.Pseudonym(ctx, leaving, "")
	if err != nil {
		return nil, fmt.Errorf("asking for an erasure that has begun: %w", err)
	}
	if begun != "" && begun != current {
		if err := s.erase(ctx, user, leaving, begun); err != nil {
			return nil, err
		}
	}
	if current != "" {
		if err := s.erase(ctx, user, leaving, current); err != nil {
			return nil, err
		}
	}
	return &userv1.EraseResponse{}, nil
}

func (s *Service) erase(ctx context.Context, user, leaving, pseudonym string) error {
	noted, err := s.Directory.Pseudonym(ctx, leaving, pseudonym)
	if err != nil {
		return fmt.Errorf("noting what is to be erased: %w", err)
	}
	if noted != pseudonym {
		return fmt.Errorf("%w: another call erases what the user did before", ErrUnavailable)
	}
	if err := s.Directory.Forget(ctx, user, pseudonym); err != nil {
		return fmt.Errorf("dropping whose the pseudonym is: %w", err)
	}
	s.viewers.forget(user)
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: the call's time is over before an erasure is done", ErrUnavailable)
	case <-time.After(s.lasting):
	}
	at := timestamppb.New(s.Now().Truncate(time.Millisecond))
	marks := map[string]int64{}
	for topic, event := range map[string]proto.Message{
		stream.UserFavourite: &userv1.FavouriteEvent{
			EventUuid: uuid.NewString(), OccurredAt: at, Viewer: pseudonym, EventType: userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ERASED,
		},
		stream.UserProgress: &userv1.ProgressEvent{
			EventUuid: uuid.NewString(), OccurredAt: at, Viewer: pseudonym, EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED,
		},
	} {
		last, err := s.produce(ctx, topic, pseudonym, []proto.Message{event})
		if err != nil {
			return err
		}
		marks[stream.Assigned{Topic: topic, Partition: last.Partition}.String()] = last.Offset
	}
	if !s.applied.await(ctx, marks) {
		return fmt.Errorf("%w: persist has not applied an erasure in time", ErrUnavailable)
	}
	if err := s.Directory.Forget(ctx, leaving, pseudonym); err != nil {
		return fmt.Errorf("dropping the last that leads to what was erased: %w", err)
	}
	s.Metrics.erased.Inc()
	return nil
}
