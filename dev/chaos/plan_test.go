package main

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestASeedRepeatsThePlan(t *testing.T) {
	edits := func(seed uint64) (out []edit) {
		e := newEditors(newPlan(seed, time.Minute, 0))
		out = e.first()
		for range 2000 {
			out = append(out, e.next()...)
		}
		return out
	}
	unexported := cmp.AllowUnexported(edit{}, plan{}, kill{})
	if diff := cmp.Diff(newPlan(7, 10*time.Minute, 50), newPlan(7, 10*time.Minute, 50), unexported); diff != "" {
		t.Error("other kills:", diff)
	}
	if diff := cmp.Diff(edits(7), edits(7), unexported); diff != "" {
		t.Error("other edits:", diff)
	}
	if newPlan(7, 10*time.Minute, 50).String() == newPlan(8, 10*time.Minute, 50).String() {
		t.Error("another seed gives the same kills")
	}
	if cmp.Equal(edits(7), edits(8), unexported) {
		t.Error("another seed gives the same edits")
	}
}

func TestThePlanKillsWhatWasPromised(t *testing.T) {
	const duration = 10 * time.Minute
	for seed := range uint64(100) {
		p := newPlan(seed, duration, 50)
		if len(p.roles) != 50 {
			t.Fatalf("seed %d: %d instances are killed", seed, len(p.roles))
		}
		killed := map[string]int{}
		for _, k := range p.servers {
			killed[k.victim]++
		}
		if diff := cmp.Diff(map[string]int{broker: 2, redisEmptied: 1, redisPromoted: 1, mongoPrimary: 1}, killed); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		for _, ks := range [][]kill{p.roles, p.servers} {
			inOrder := func(a, b kill) int { return int(a.at - b.at) }
			if !slices.IsSortedFunc(ks, inOrder) || ks[len(ks)-1].at > duration {
				t.Fatalf("seed %d: kills are not in order, or too late:\n%s", seed, p)
			}
		}
	}
}

// TestEditsAreOfDocumentsThatAreThere: no edit meets a document that another one has deleted.
func TestEditsAreOfDocumentsThatAreThere(t *testing.T) {
	e := newEditors(newPlan(7, time.Minute, 0))
	there := map[string]map[string]bool{}
	edits := e.first()
	done := map[string]int{}
	for range 20_000 {
		edits = append(edits, e.next()...)
	}
	for i, ed := range edits {
		if there[ed.collection] == nil {
			there[ed.collection] = map[string]bool{}
		}
		switch {
		case ed.put != nil:
			there[ed.collection][ed.id] = true
			done["put"]++
		case !there[ed.collection][ed.id]:
			t.Fatalf("edit %d is of %s %q, which is not there", i, ed.collection, ed.id)
		case ed.set != nil:
			done["set"]++
		default:
			delete(there[ed.collection], ed.id)
			done["delete"]++
		}
	}
	for _, what := range []string{"put", "set", "delete"} {
		if done[what] < 1000 {
			t.Errorf("%s is done %d times", what, done[what])
		}
	}
	for collection, docs := range e.alive {
		for _, d := range docs {
			if !there[collection][d.ID] {
				t.Errorf("the editors believe in %s %q", collection, d.ID)
			}
		}
	}
	// What the comparison asks for must fit one page.
	if n := len(e.alive["programme"]); n < 20 || n > 300 {
		t.Errorf("after 20,000 edits there are %d programmes", n)
	}
}
