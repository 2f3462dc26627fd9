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
	// Foreign: Committed is not what this role stored. Somebody has set it.
	Foreign bool
}

func (a Assigned) String() string { return partitionName(a.Topic, a.Partition) }

// Numbers are the partitions' numbers, in their order: those of one topic.
func Numbers(parts []Assigned) []int32 {
	out := make([]int32, len(parts))
	for i, a := range parts {
		out[i] = a.Partition
	}
	return out
}

// Position is how far a sink has applied a partition, as it stores it: after the effects, beside them.
type Position struct {
	TopicID     string
	Incarnation int64
	// Offset is the next to apply.
	Offset int64
	// Doubt is why some of what was applied may be gone from the sink, "" when nothing is; Sure is the next offset up to
	// which nothing is.
	Doubt string
	Sure  int64
}

// Start is where to consume a partition from, and the incarnation of what is read.
type Start struct {
	Offset      int64
	Incarnation int64
	// Why is set when the start is anything but where the sink stood: a constant text, of which Detail has the numbers.
	Why, Detail string
}

// Resume decides where to start from what a sink has stored; nil when it has nothing.
//
// The lower of the sink's position and the group's committed offset is taken, so that an operator who sets the group
// back sees a replay. What the sink may have lost is read again, which repeats do no harm. Where the sink's position means
// nothing any more, the log is read from its beginning in a new incarnation, whose writes replace the old ones. An
// incarnation is at least the time in seconds: so it rises even if the position is lost and the fences are not.
func Resume(a Assigned, stored *Position, now time.Time) Start {
	anew := func(why string, floor int64) Start {
		return Start{Offset: a.Low, Incarnation: max(floor+1, now.Unix()), Why: why}
	}
	switch {
	case stored == nil:
		return anew(whyEmpty, 0)
	case stored.TopicID != a.TopicID:
		return anew("the topic was created again", stored.Incarnation)
	case stored.Offset > a.High:
		s := anew("the sink's position lies beyond the log's end", stored.Incarnation)
		s.Detail = fmt.Sprintf("position %d, log %d to %d", stored.Offset, a.Low, a.High)
		return s
	}
	s := Start{Offset: stored.Offset, Incarnation: stored.Incarnation}
	if stored.Doubt != "" {
		s = Start{Offset: min(stored.Sure, stored.Offset), Incarnation: stored.Incarnation, Why: stored.Doubt}
	}
	if a.Committed >= 0 && a.Committed < s.Offset {
		if s.Offset = a.Committed; a.Foreign && s.Why == "" {
			s.Why = "somebody has set the group's offset back"
		}
	}
	if stored.Offset < a.Low {
		s.Why = "records were deleted before the sink had them"
		s.Detail = fmt.Sprintf("position %d, log %d to %d", stored.Offset, a.Low, a.High)
	}
	s.Offset = max(s.Offset, a.Low)
	return s
}

const whyEmpty = "the sink has no position: it is new, or was emptied"
