package stream

import (
	"errors"
	"fmt"
	"time"
)

// ErrMoved says that a sink's stored position is not the one it stored last: it was emptied or restored, or another
// instance is at work. The partitions are then begun again.
var ErrMoved = errors.New("the sink is not where it was left")

// Assigned is a partition that the consumer was given, as Kafka describes it.
type Assigned struct {
	Topic     string // without the project
	Partition int32
	TopicID   string
	// Low and High are the log's first offset and the one its next record will have.
	Low, High int64
	// Committed is the group's offset, or -1.
	Committed int64
}

func (a Assigned) String() string { return partitionName(a.Topic, a.Partition) }

// Position is how far a sink has applied a partition, as it stores it: after the effects, beside them.
type Position struct {
	TopicID     string
	Incarnation int64
	// Offset is the next to apply.
	Offset int64
}

// Start is where to consume a partition from, and the incarnation of what is read.
type Start struct {
	Offset      int64
	Incarnation int64
	// Why is set when the start is anything but where the sink stood.
	Why string
}

// Resume decides where to start from what a sink has stored; nil when it has nothing.
//
// The lower of the sink's position and the group's committed offset is taken, so that an operator who sets the group
// back sees a replay. Where the sink's position means nothing any more, the log is read from its beginning in a new
// incarnation, whose writes replace the old ones. An incarnation is at least the time in seconds: so it rises even if
// the position is lost and the fences are not.
func Resume(a Assigned, stored *Position, now time.Time) Start {
	anew := func(why string, floor int64) Start {
		return Start{Offset: a.Low, Incarnation: max(floor+1, now.Unix()), Why: why}
	}
	switch {
	case stored == nil:
		return anew("the sink has no position", 0)
	case stored.TopicID != a.TopicID:
		return anew("the topic was created again", stored.Incarnation)
	case stored.Offset > a.High:
		return anew(fmt.Sprintf("the sink's position %d lies beyond the log's end %d", stored.Offset, a.High), stored.Incarnation)
	case a.Committed >= 0 && a.Committed < stored.Offset:
		return Start{Offset: max(a.Committed, a.Low), Incarnation: stored.Incarnation}
	default:
		return Start{Offset: max(stored.Offset, a.Low), Incarnation: stored.Incarnation}
	}
}
