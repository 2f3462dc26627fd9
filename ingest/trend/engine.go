package trend

import (
	"time"

	"regie/internal/trend"
)

// engine decides what an event counts for. It is pure: of an event it knows its time and when it came, and of its viewer
// what that one watched last.
//
// Time goes in ticks, the hops of the shortest window, of which every other hop is a multiple. An event counts in each window
// that its time lies in and that has none of the same viewer and item; so an event of a tick that the viewer watched the item
// in, or before it, says nothing new of any window that has not ended.
type engine struct {
	windows []*trend.Window
	// grace is how long after its end a tick's events may come.
	grace time.Duration
	// skew is how far ahead of the broker's a clock may be.
	skew time.Duration
}

// Grace is long enough for a device that was offline for a flight. It goes by when the broker got the event: an event that is
// read again, or by a role that was down, has the same fate.
const Grace = 6 * time.Hour

const skew = time.Minute

func newEngine() engine { return engine{windows: trend.Windows(), grace: Grace, skew: skew} }

// verdict is how an event's time stands to when it came.
type verdict string

const (
	onTime verdict = "on time"
	// late: after its tick had ended, within the grace.
	late verdict = "late"
	// tooLate: it does not count.
	tooLate verdict = "too late"
	// future: neither does it; not even a clock that is ahead explains it.
	future verdict = "future"
)

func (e engine) tick(t time.Time) int64 { return t.UnixNano() / e.windows[0].Hop.Nanoseconds() }

func (e engine) start(tick int64) time.Time {
	return time.Unix(0, tick*e.windows[0].Hop.Nanoseconds())
}

// judge tells the tick of an event, and whether it counts. What is a little ahead happened when it came.
func (e engine) judge(at, came time.Time) (tick int64, v verdict) {
	if at.Sub(came) > e.skew {
		return 0, future
	}
	if at.After(came) {
		at = came
	}
	tick = e.tick(at)
	switch after := came.Sub(e.start(tick + 1)); {
	case after > e.grace:
		return tick, tooLate
	case after > 0:
		return tick, late
	}
	return tick, onTime
}

// ends are the windows that an item is new in by an event of a tick, whose viewer watched it last at another; seen is false
// where none is known.
func (e engine) ends(tick, last int64, seen bool) []trend.Ending {
	if seen && tick <= last {
		return nil
	}
	var out []trend.Ending
	for _, w := range e.windows {
		for _, end := range w.Ends(e.start(tick)) {
			// It is old in windows that began at the last one's tick or before.
			if !seen || end.Add(-w.Size).After(e.start(last)) {
				out = append(out, trend.Ending{Window: w, At: end})
			}
		}
	}
	return out
}
