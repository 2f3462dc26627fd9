package trend

import (
	"time"

	catalogv1 "regie/proto/catalog/v1"
)

// Window is how what happens is gathered by its time: in windows of a size, of which one begins at each hop, counted from
// 1970. Where the hop is the size they tumble: each time lies in one of them. Else it lies in Size/Hop.
type Window struct {
	// Name is what its keys have.
	Name      string
	Size, Hop time.Duration
}

// The windows that are served, by what they are called.
var windows = map[catalogv1.TrendWindow]*Window{
	catalogv1.TrendWindow_TREND_WINDOW_HOUR: {"hour", time.Hour, 5 * time.Minute},
	catalogv1.TrendWindow_TREND_WINDOW_DAY:  {"day", 24 * time.Hour, time.Hour},
	catalogv1.TrendWindow_TREND_WINDOW_WEEK: {"week", 7 * 24 * time.Hour, 6 * time.Hour},
}

// Windows are those that are served, the shortest first.
func Windows() []*Window {
	return []*Window{
		windows[catalogv1.TrendWindow_TREND_WINDOW_HOUR], windows[catalogv1.TrendWindow_TREND_WINDOW_DAY], windows[catalogv1.TrendWindow_TREND_WINDOW_WEEK],
	}
}

// WindowOf is the window that is called so; nil when none is.
func WindowOf(w catalogv1.TrendWindow) *Window { return windows[w] }

// End is when the window ends that is said to end at now: of those that now lies in, the one that ends next. It has all of
// its size but less than a hop behind it, and what happens now is in it.
func (w *Window) End(now time.Time) time.Time { return w.at(w.hops(now) + 1) }

// Ends are when the windows end that a time lies in, the next one first.
func (w *Window) Ends(t time.Time) []time.Time {
	var out []time.Time
	for end := w.End(t); end.Sub(t) <= w.Size; end = end.Add(w.Hop) {
		out = append(out, end)
	}
	return out
}

// hops are those before a time.
func (w *Window) hops(t time.Time) int64 {
	n, hop := t.UnixNano(), w.Hop.Nanoseconds()
	if n < 0 {
		n -= hop - 1
	}
	return n / hop
}

func (w *Window) at(hops int64) time.Time { return time.Unix(0, hops*w.Hop.Nanoseconds()).UTC() }
