package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// column is a part of the system whose absence is told.
type column struct {
	name string
	gaps []gap
}

// columns of the report.
func (w *watch) columns() []column {
	of := func(gateway string) func(answer) bool {
		return func(a answer) bool { return a.gateway == gateway }
	}
	ok, whole, any := func(a answer) bool { return a.ok }, func(a answer) bool { return a.whole }, func(answer) bool { return true }
	return []column{
		{"gateway one", w.gaps(of("one"), ok)},
		{"gateway two", w.gaps(of("two"), ok)},
		{"any gateway", w.gaps(any, ok)},
		{"whole answers", w.gaps(any, whole)},
		{"freshness", w.unseen()},
		{"CMS's write", w.writes},
	}
}

// Lines of the report that are no victim's.
const (
	whatever   = "whatever it was"
	nothing    = "(while nothing was away)"
	stoodStill = "(this program stood still)"
)

// report prints the longest times of each column, by what was away meanwhile.
func (w *watch) report(out io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	columns := w.columns()
	kills := map[string]int{}
	back := map[string]time.Duration{}
	for _, o := range w.outages {
		kills[o.label]++
		back[o.label] = max(back[o.label], o.until.Sub(o.from))
		if o.label != stoodStill {
			kills[whatever]++
			back[whatever] = max(back[whatever], o.until.Sub(o.from))
		}
	}
	var labels []string
	for l := range kills {
		if l != whatever {
			labels = append(labels, l)
		}
	}
	slices.Sort(labels)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(t, "killed\tkills\tready after\t")
	for _, c := range columns {
		_, _ = fmt.Fprint(t, c.name, "\t")
	}
	_, _ = fmt.Fprintln(t)
	for _, label := range append(labels, nothing, whatever) {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t", label, kills[label], seconds(back[label]))
		for _, c := range columns {
			var longest time.Duration
			for _, g := range c.gaps {
				if w.during(g, label) {
					longest = max(longest, g.length())
				}
			}
			_, _ = fmt.Fprint(t, seconds(longest), "\t")
		}
		_, _ = fmt.Fprintln(t)
	}
	_ = t.Flush()
	_, _ = fmt.Fprint(out, `Longest times in seconds. A gateway's from its last good answer to the next one (each is asked every 50 ms); of any: of the
two together; whole answers have every document that was asked for. Freshness is from MongoDB's acknowledgement of an edit
to its being read. A time counts for everything that was away during it, but for nothing else when this program itself
stood still. All servers and roles share this machine's processors with what measures: read the figures as upper bounds.
`)
	var all []time.Duration
	for _, g := range w.unseen() {
		all = append(all, g.length())
	}
	slices.Sort(all)
	if n := len(all); n > 0 {
		_, _ = fmt.Fprintf(out, "Freshness of %d edits: p50 %s, p99 %s, longest %s. Answers that fell behind earlier ones: %d (an emptied Redis is refilled from the log's beginning).\n",
			n, all[n/2].Round(time.Millisecond), all[n*99/100].Round(time.Millisecond), all[n-1].Round(time.Millisecond), w.olderAnswers)
	}
}

// during tells whether a gap is to be counted on a line of the report.
func (w *watch) during(g gap, label string) bool {
	away := map[string]bool{}
	for _, o := range w.outages {
		if o.from.Before(g.until) && o.until.After(g.from) {
			away[o.label] = true
		}
	}
	switch {
	case away[stoodStill] || label == stoodStill:
		return away[stoodStill] && label == stoodStill
	case label == nothing:
		return len(away) == 0
	}
	return label == whatever || away[label]
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", d.Seconds())
}

// count counts differences.
func count(ds []difference) (lost, stale int) {
	for _, d := range ds {
		if d.lost {
			lost++
		} else {
			stale++
		}
	}
	return lost, stale
}

// oneLine shortens what is told.
func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
