package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Targets asks a broker of topics, by their whole names, and says of each why nothing can be produced there: it does not
// exist, or this process may not. It creates none. The error is that nobody answers.
func (c *Cluster) Targets(ctx context.Context, names []string) (map[string]error, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}
	if _, err := admin.GetMetadata(nil, false, int(within(ctx).Milliseconds())); err != nil { // as describe does
		return nil, fmt.Errorf("asking %s for the brokers: %w", c.cfg.Brokers, err)
	}
	res, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames(names),
		kafka.SetAdminRequestTimeout(within(ctx)), kafka.SetAdminOptionIncludeAuthorizedOperations(true))
	if err != nil {
		return nil, fmt.Errorf("describing topics at %s: %w", c.cfg.Brokers, err)
	}
	out := map[string]error{}
	for _, d := range res.TopicDescriptions {
		switch d.Error.Code() {
		case kafka.ErrNoError:
			// A broker without access control answers nothing, or everything.
			if ops := d.AuthorizedOperations; len(ops) > 0 && !slices.Contains(ops, kafka.ACLOperationWrite) && !slices.Contains(ops, kafka.ACLOperationAll) {
				out[d.Name] = errors.New("this process may not write to it")
			} else {
				out[d.Name] = nil
			}
		case kafka.ErrUnknownTopicOrPart:
			out[d.Name] = errors.New("it does not exist")
		case kafka.ErrTopicAuthorizationFailed:
			out[d.Name] = errors.New("this process may not know of it")
		case kafka.ErrTopicException, kafka.ErrInvalidArg:
			out[d.Name] = errors.New("it is no topic's name")
		default:
			return nil, fmt.Errorf("describing topic %s: %w", d.Name, d.Error)
		}
	}
	return out, nil
}

// TimedOut tells whether err says that a record could not be written in the time that its producer has.
func TimedOut(err error) bool {
	var ke kafka.Error
	return errors.As(err, &ke) && ke.Code() == kafka.ErrMsgTimedOut
}

// Refused tells whether err says that a topic takes nothing of this process, whatever the record.
func Refused(err error) bool {
	var ke kafka.Error
	if !errors.As(err, &ke) {
		return false
	}
	switch ke.Code() {
	case kafka.ErrTopicAuthorizationFailed, kafka.ErrUnknownTopicOrPart, kafka.ErrUnknownTopic, kafka.ErrTopicException, kafka.ErrPolicyViolation:
		return true
	}
	return false
}
