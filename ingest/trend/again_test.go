package trend_test

import (
	"fmt"
	"testing"
	"time"

	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/trend"
)

// TestATopicThatIsCreatedAgain: counts begin anew, and so do the rankings that had the old ones.
func TestATopicThatIsCreatedAgain(t *testing.T) {
	t.Parallel()
	e := open(t)
	now := time.Now()
	var events []event
	for i := range 60 {
		events = append(events, event{fmt.Sprint("viewer-", i), "old", "p1", now, now, nil})
	}
	e.produce(events...)
	_, stop := e.start("one")
	e.compare("all is ranked")
	stop()
	servertest.Recreate(t, servertest.Admin(t, e.brokers), e.cluster, stream.UserProgress)
	e.start("one")
	e.connect() // the old one counts on from the old topic
	e.produce(event{"viewer-1", "new", "p1", now, now, nil})
	e.eventually("the rankings begin anew", func() string {
		items, err := e.trend.TopOf(t.Context(), "p1", trend.Lately, time.Now(), 10)
		if got := ranking(items); err != nil || got != "new:1" {
			return fmt.Sprint(got, err)
		}
		return ""
	})
}
