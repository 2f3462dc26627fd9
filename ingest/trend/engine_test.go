package trend

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"regie/internal/trend"
)

// what happened, as a plain model has it.
type happened struct {
	viewer, item string
	at, came     time.Time
}

// plain counts viewers in a window record by record, all that were accepted.
func plain(all []happened, from, until time.Time, tick, grace, skew time.Duration) map[string]int64 {
	seen, out := map[string]bool{}, map[string]int64{}
	for _, h := range all {
		at := h.at
		if at.Sub(h.came) > skew {
			continue
		}
		if at.After(h.came) {
			at = h.came
		}
		if end := at.Truncate(tick).Add(tick); h.came.Sub(end) > grace {
			continue
		}
		if who := h.viewer + " " + h.item; !at.Before(from) && at.Before(until) && !seen[who] {
			seen[who] = true
			out[h.item]++
		}
	}
	return out
}

// TestTheEngineCountsAsAPlainModelDoes: tumbling and hopping windows, in which events come late, too late, from the future and
// again, while the clock goes on in small and large steps.
func TestTheEngineCountsAsAPlainModelDoes(t *testing.T) {
	windows := map[string][]*trend.Window{
		"served":   trend.Windows(),
		"tumbling": {{Name: "a", Size: 10 * time.Minute, Hop: 10 * time.Minute}, {Name: "b", Size: time.Hour, Hop: time.Hour}},
		"both":     {{Name: "a", Size: 20 * time.Minute, Hop: 5 * time.Minute}, {Name: "b", Size: time.Hour, Hop: 10 * time.Minute}, {Name: "c", Size: 30 * time.Minute, Hop: 30 * time.Minute}},
	}
	for name, ws := range windows {
		for seed := range uint64(5) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(7, seed))
				e := engine{windows: ws, grace: time.Duration(r.IntN(180)) * time.Minute, skew: time.Minute}
				now := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).Add(time.Duration(r.IntN(100000)) * time.Second)
				var all []happened
				counts, seen := map[trend.Ending]map[string]int64{}, map[string]int64{}
				outcomes := map[verdict]int{}
				for range 4000 {
					if now = now.Add(time.Duration(r.IntN(20)) * time.Second); r.IntN(200) == 0 {
						now = now.Add(time.Duration(r.IntN(10)) * time.Hour)
					}
					h := happened{fmt.Sprint(r.IntN(10)), fmt.Sprint(r.IntN(6)), now.Add(-time.Duration(r.IntN(600)) * time.Second), now}
					switch r.IntN(8) {
					case 0:
						h.at = now.Add(-time.Duration(r.IntN(5*3600)) * time.Second)
					case 1:
						h.at = now.Add(time.Duration(r.IntN(150)) * time.Second)
					}
					all = append(all, h)
					tick, v := e.judge(h.at, h.came)
					outcomes[v]++
					if who := h.viewer + " " + h.item; v == onTime || v == late {
						last, ok := seen[who]
						for _, end := range e.ends(tick, last, ok) {
							if counts[end] == nil {
								counts[end] = map[string]int64{}
							}
							counts[end][h.item]++
						}
						if !ok || tick > last {
							seen[who] = tick
						}
					}
					if r.IntN(100) > 0 {
						continue
					}
					for _, w := range ws {
						end := w.End(now)
						got := counts[trend.Ending{Window: w, At: end}]
						if got == nil {
							got = map[string]int64{}
						}
						if diff := cmp.Diff(plain(all, end.Add(-w.Size), end, ws[0].Hop, e.grace, e.skew), got); diff != "" {
							t.Fatalf("in the window %s that ends at %s, after %d events:\n%s", w.Name, end, len(all), diff)
						}
					}
				}
				for _, v := range []verdict{onTime, late, tooLate, future} {
					if outcomes[v] == 0 {
						t.Errorf("no event was %s", v)
					}
				}
			})
		}
	}
}

// TestWhenAnEventCounts: at the edges of tick, grace and skew.
func TestWhenAnEventCounts(t *testing.T) {
	e := newEngine()
	came := time.Date(2026, 3, 1, 12, 4, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		at   time.Time
		want verdict
		tick time.Time
	}{
		"now":                     {came, onTime, came.Add(-4 * time.Minute)},
		"four minutes ago":        {came.Add(-4 * time.Minute), onTime, came.Add(-4 * time.Minute)},
		"in the tick before":      {came.Add(-4*time.Minute - 1), late, came.Add(-9 * time.Minute)},
		"at the end of the grace": {came.Add(-Grace - 4*time.Minute), late, came.Add(-Grace - 4*time.Minute)},
		"in the tick before that": {came.Add(-Grace - 4*time.Minute - 1), tooLate, came.Add(-Grace - 9*time.Minute)},
		"of last year":            {came.AddDate(-1, 0, 0), tooLate, came.AddDate(-1, 0, 0).Add(-4 * time.Minute)},
		"of 1970":                 {time.Unix(0, 0), tooLate, time.Unix(0, 0)},
		"a little ahead":          {came.Add(time.Minute), onTime, came.Add(-4 * time.Minute)},
		"from the future":         {came.Add(time.Minute + 1), future, time.Time{}},
		"of the year 9999":        {time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), future, time.Time{}},
	} {
		tick, got := e.judge(c.at, came)
		if got != c.want || c.want != future && !e.start(tick).Equal(c.tick) {
			t.Errorf("%s: %s, of the tick at %s; want %s, %s", what, got, e.start(tick).UTC(), c.want, c.tick)
		}
	}
}
