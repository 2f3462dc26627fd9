package project_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// computed is the event of what was computed of a programme: one section, of these videos, on the web and on television.
func computed(programmeID string, videos ...string) stream.Record {
	s := &catalogv1.ComputedSection{Id: "bonus", Title: "Bonus", Limit: 10}
	for _, screen := range []catalogv1.Screen{catalogv1.Screen_SCREEN_WEB, catalogv1.Screen_SCREEN_IPTV} {
		of := &catalogv1.ScreenVideos{Screen: screen}
		for _, v := range videos {
			of.Videos = append(of.Videos, &catalogv1.SectionVideo{Id: v})
		}
		s.Screens = append(s.Screens, of)
	}
	return event(enriched, programmeID, &catalogv1.ProgrammeEnrichedEvent{
		EventType: catalogv1.EventType_EVENT_TYPE_UPDATED,
		Payload:   &catalogv1.ProgrammeSections{ProgrammeId: programmeID, Sections: []*catalogv1.ComputedSection{s}},
	})
}

// sections is what a screen is answered of a programme's: its videos; "gone" when nothing was computed.
func (e *env) sections(screen catalog.Screen, programmeID string) string {
	e.t.Helper()
	bs, err := e.catalog.Blobs(e.t.Context(), screen, []catalog.Ref{{Kind: catalog.Sections, ID: programmeID}})
	if err != nil {
		e.t.Fatal(err)
	}
	if bs[0] == nil {
		return "gone"
	}
	var p projectionv1.ProgrammeSections
	if err := proto.Unmarshal(bs[0], &p); err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, s := range p.GetSections() {
		for _, c := range s.GetCards() {
			out = append(out, c.GetTarget().GetId())
		}
	}
	return strings.Join(out, " ")
}

// TestSectionsAreServedBesideTheirProgramme: what is computed of it and the programme itself have a place, a fence and an
// end each.
func TestSectionsAreServedBesideTheirProgramme(t *testing.T) {
	e := open(t)
	e.start()
	e.produce(programme("p1", "le-greffe", "Le Greffe"), programme("p1", "le-greffe", "Le Greffe, again"), computed("p1", "v1", "v2"))
	servertest.Eventually(e.t, "both are there", func() bool { return e.title("p1") == "Le Greffe, again" && e.sections(catalog.Web, "p1") == "v1 v2" })
	if web, mobile, tv := e.sections(catalog.Web, "p1"), e.sections(catalog.Mobile, "p1"), e.sections(catalog.IPTV, "p1"); web != "v1 v2" || mobile != "" || tv != "v1 v2" {
		t.Errorf("got %q, %q, %q", web, mobile, tv)
	}
	e.produce(computed("p1", "v2", "v3"))
	servertest.Eventually(e.t, "they have changed", func() bool { return e.sections(catalog.Web, "p1") == "v2 v3" })
	e.produce(deleted("programme", "p1")...)
	servertest.Eventually(e.t, "the programme is gone", func() bool { return e.programmeNow("p1") == nil })
	if got := e.sections(catalog.Web, "p1"); got != "v2 v3" {
		t.Errorf("the programme's deletion made %q of what another topic says", got)
	}
	e.produce(deleted(enriched, "p1")...)
	servertest.Eventually(e.t, "they are gone", func() bool {
		return e.sections(catalog.Web, "p1")+e.sections(catalog.Mobile, "p1")+e.sections(catalog.IPTV, "p1") == "gonegonegone"
	})
}

func TestSectionsThatCannotBeProjectedHarmNoNeighbour(t *testing.T) {
	e := open(t)
	another := computed("p1", "v9")
	another.Key = []byte("p2")
	undecodable := computed("p1", "v1")
	undecodable.Value = []byte("\xff\xff")
	unknown := event(enriched, "p3", &catalogv1.ProgrammeEnrichedEvent{Payload: &catalogv1.ProgrammeSections{
		ProgrammeId: "p3", Sections: []*catalogv1.ComputedSection{{Id: "a", Screens: []*catalogv1.ScreenVideos{
			{Screen: 99, Videos: []*catalogv1.SectionVideo{{Id: "v9"}}}, {Screen: catalogv1.Screen_SCREEN_WEB, Videos: []*catalogv1.SectionVideo{{Id: "v3"}}},
		}}},
	}})
	e.produce(computed("p1", "v1"), another, undecodable, unknown, programme("p4", "d", "Neighbour"))
	e.start()
	servertest.Eventually(e.t, "the neighbours are there", func() bool { return e.title("p4") == "Neighbour" && e.sections(catalog.Web, "p3") == "v3" })
	servertest.Eventually(e.t, "it keeps its last good state", func() bool { return e.sections(catalog.Web, "p1") == "v1" })
	if got := e.sections(catalog.Web, "p2"); got != "gone" {
		t.Errorf("another's sections are served: %q", got)
	}
	if got := e.list(all); !slices.Equal(got, []string{"p4"}) { // p1 and p3 have sections, but there are no such programmes
		t.Errorf("programmes %q", got)
	}
	var got []string
	servertest.Eventually(e.t, "both are set aside", func() bool {
		got = e.dead()
		return len(got) == 2
	})
	slices.Sort(got)
	if !strings.HasPrefix(got[0], "p1: decoding regie.catalog.v1.ProgrammeEnrichedEvent: ") || got[1] != `p2: the payload's programme_id "p1" is not the record's key "p2"` {
		t.Errorf("got %q", got)
	}
}

// TestSectionsAreToldOfAsTheirProgramme: those who listen wait for the programme, whose sections these are. How fresh they
// are is measured; to the eye, which is shown the edit itself, they are nothing.
func TestSectionsAreToldOfAsTheirProgramme(t *testing.T) {
	e := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan []string, 10)
	done := make(chan error, 1)
	go func() { done <- e.catalog.Changes(ctx, func(ids []string) { heard <- ids }) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	if ids := <-heard; ids != nil {
		t.Fatalf("got %q before anything changed", ids)
	}
	r := computed("p1", "v1")
	r.Headers = append(r.Headers, stream.Header{Key: stream.HeaderCMSTime, Value: fmt.Sprint(time.Now().UnixMilli())})
	e.apply(r)
	select {
	case ids := <-heard:
		if diff := cmp.Diff([]string{"sections:p1", "programme:p1"}, ids); diff != "" {
			t.Error(diff)
		}
	case <-time.After(servertest.Patience):
		t.Fatal("nobody tells")
	}
	if diff := cmp.Diff(map[string]int{"sections applied": 1}, e.changes()); diff != "" {
		t.Error(diff)
	}
	if n := e.redis.Exists(t.Context(), e.prefix+":last-edit").Val(); n != 0 {
		t.Error("it is shown as an edit")
	}
	fs, err := e.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if f.GetName() == "regie_project_freshness_seconds" && (len(f.GetMetric()) != 1 || f.GetMetric()[0].GetHistogram().GetSampleCount() != 1 || f.GetMetric()[0].GetLabel()[0].GetValue() != catalog.Sections) {
			t.Errorf("freshness %v", f)
		}
	}
}
