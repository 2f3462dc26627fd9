package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type titles = map[string]*struct{ Title string }

func TestWhatIsMeasured(t *testing.T) {
	w := newWatch(make([]probe, 1))
	for _, g := range instances {
		w.latest[g] = make([]int, 1)
	}
	title := func(s string) titles { return titles{"p0": {Title: s}} }
	away := errors.New("away")
	w.note("one", at(0), nil, title("0"), 1)
	w.note("two", at(0), nil, title("0"), 1)
	w.edits[0] = append(w.edits[0], probeEdit{acknowledged: at(1)}, probeEdit{acknowledged: at(2)})
	w.writes = []gap{{at(1), at(2)}}
	w.note("one", at(3), away, nil, 1)
	w.note("two", at(4), away, nil, 1)
	w.note("two", at(5), nil, titles{"p0": nil}, 1)
	w.note("two", at(6), nil, title("2"), 1)
	w.note("one", at(9), nil, title("1"), 1)
	w.note("one", at(10), nil, title("2"), 1)
	w.note("one", at(11), nil, title("1"), 1)
	w.down(broker, at(2), at(4))
	w.down("gateway", at(8), at(10))
	w.down(stoodStill, at(8), at(9))

	gaps := map[string][]gap{}
	for _, c := range w.columns() {
		gaps[c.name] = c.gaps
	}
	want := map[string][]gap{
		"gateway one": {{at(0), at(9)}}, "gateway two": {{at(0), at(5)}}, "any gateway": {{at(0), at(5)}},
		"whole answers": {{at(0), at(6)}}, "freshness": {{at(1), at(6)}, {at(2), at(6)}}, "CMS's write": {{at(1), at(2)}},
	}
	if diff := cmp.Diff(want, gaps, cmp.AllowUnexported(gap{})); diff != "" {
		t.Error(diff)
	}
	if w.olderAnswers != 1 {
		t.Errorf("%d answers fell behind, not 1", w.olderAnswers)
	}
	var b strings.Builder
	w.report(&b)
	lines := map[string]string{}
	for line := range strings.Lines(b.String()) {
		for _, label := range []string{broker, "gateway ", nothing, stoodStill, whatever} {
			if strings.HasPrefix(strings.TrimSpace(line), label) {
				lines[strings.TrimSpace(label)] = strings.Join(strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), label)), " ")
			}
		}
	}
	for label, want := range map[string]string{
		broker: "1 2.00 - 5.00 5.00 6.00 5.00 -", "gateway": "1 2.00 - - - - - -",
		stoodStill: "1 1.00 9.00 - - - - -", nothing: "0 - - - - - - 1.00", whatever: "2 2.00 - 5.00 5.00 6.00 5.00 1.00",
	} {
		if lines[label] != want {
			t.Errorf("%s: %q, not %q\n%s", label, lines[label], want, b.String())
		}
	}
}
