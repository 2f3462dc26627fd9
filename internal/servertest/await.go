package servertest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what must come: longer than a busy machine takes.
const Patience = 90 * time.Second

// Await waits until wrong finds nothing wrong, which is "", and returns how long that took.
func Await(t testing.TB, wrong func() string) time.Duration {
	t.Helper()
	return AwaitWithin(t, Patience, wrong)
}

// AwaitWithin is Await for what may take longer than others, or must not.
func AwaitWithin(t testing.TB, limit time.Duration, wrong func() string) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		late := time.Since(began) > limit // before it looks: a machine that stood still since the last look is to be asked once more
		why := wrong()
		if why == "" {
			return time.Since(began)
		}
		if late {
			t.Fatalf("after %s: %s", time.Since(began).Round(time.Second), why)
		}
		<-tick.C
	}
}

// Eventually waits until ok, or fails for the lack of what.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Await(t, func() string {
		if ok() {
			return ""
		}
		return "still not " + what
	})
}
