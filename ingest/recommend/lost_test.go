package recommend_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// leaveAWindow has the role compute a programme one of whose videos opens an hour later, and stop.
func (e *env) leaveAWindow() {
	e.t.Helper()
	_, stop := e.start("one")
	v := numbered(1, "p")
	v.Rights = []*catalogv1.Right{{From: timestamppb.New(epoch.Add(time.Hour))}}
	e.produce(programmeEvent(newest("p", 3)), videoEvent(v), videoEvent(numbered(2, "p")))
	e.settle()
	stop()
}

// TestTouchesThatAreGone: the role was down for longer than touches are kept, and a window opened meanwhile.
func TestTouchesThatAreGone(t *testing.T) {
	e := open(t)
	e.leaveAWindow()
	now := epoch.Add(48 * time.Hour)
	e.setClock(now)
	e.produce(e.due(now)...)
	for range 3 {
		e.produce(touch("p", catalogv1.TouchReason_TOUCH_REASON_TREND))
	}
	e.deleteRecords(stream.ProgrammeTouched)
	e.start("one")
	servertest.Await(t, func() string {
		if got := fmt.Sprint(e.caught("p")); got != "[v2 v1]" {
			return "after the window opened: " + got
		}
		return ""
	})
}

// deleteRecords does what a topic's retention does.
func (e *env) deleteRecords(topic string) {
	e.t.Helper()
	var all []kafka.TopicPartition
	for p, high := range e.highs(e.cluster.Topic(topic)) {
		full := e.cluster.Topic(topic)
		all = append(all, kafka.TopicPartition{Topic: &full, Partition: p, Offset: kafka.Offset(high)})
	}
	servertest.Await(e.t, func() string {
		res, err := e.admin.DeleteRecords(e.t.Context(), all)
		for i := 0; err == nil && i < len(res.DeleteRecordsResults); i++ {
			err = res.DeleteRecordsResults[i].TopicPartition.Error
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})
}

// TestATopicThatIsCreatedAgain has what was told, and what was asked of the scheduler, when the role is started.
func TestATopicThatIsCreatedAgain(t *testing.T) {
	e := open(t)
	e.leaveAWindow()
	names := []string{stream.ProgrammeEnriched, stream.ScheduleRequest}
	var full []string
	for _, n := range names {
		full = append(full, e.cluster.Topic(n))
	}
	servertest.Recreate(t, e.admin, e.cluster, names...)
	e.follower = follow(t, e.brokers, full...)
	e.start("one")
	servertest.Await(t, func() string {
		if got := fmt.Sprint(e.caught("p")); got != "[v2]" {
			return "told " + got
		}
		return ""
	})
	e.readAll() // what was asked of the scheduler with it
	e.advance(epoch.Add(time.Hour))
	if got := fmt.Sprint(e.ids("p", 0, web)); got != "[v2 v1]" {
		t.Errorf("after the window opened: %s", got)
	}
}
