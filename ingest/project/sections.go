package project

import (
	"fmt"

	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// readSections reads what was computed of a programme. That there is such a programme does not matter: without it nobody
// asks for its sections.
func readSections(r stream.Record) (entity, error) {
	out := entity{kind: catalog.Sections}
	if r.Value == nil {
		return out, nil // a tombstone
	}
	var e catalogv1.ProgrammeEnrichedEvent
	if err := r.Decode(&e); err != nil {
		return out, err
	}
	if e.GetEventType() == catalogv1.EventType_EVENT_TYPE_DELETED {
		return out, nil
	}
	in := e.GetPayload()
	if in.GetProgrammeId() != string(r.Key) {
		return out, stream.Permanent(fmt.Errorf("the payload's programme_id %q is not the record's key %q", in.GetProgrammeId(), r.Key))
	}
	if len(in.GetSections()) == 0 {
		return out, nil // as most programmes: no blob says the same
	}
	out.project = func(c *catalog.Change) error { return projectSections(in, c) }
	return out, nil
}

func projectSections(in *catalogv1.ProgrammeSections, c *catalog.Change) (err error) {
	out := &projectionv1.ProgrammeSections{
		ProgrammeId: catalog.GlobalID("programme", in.GetProgrammeId()),
		Revision:    c.Fence.String(),
	}
	c.Blobs, err = blobs(out, false, func(f *form) {
		out.Sections = nil
		for _, s := range in.GetSections() {
			cards := f.cards(s)
			if len(cards) == 0 {
				continue
			}
			out.Sections = append(out.Sections, &projectionv1.Section{
				Id:       catalog.GlobalID("programme-section", in.GetProgrammeId()+"/"+s.GetId()),
				Title:    optional(s.GetTitle()),
				Layout:   s.GetLayout(),
				Cards:    cards,
				Limit:    s.GetLimit(),
				Computed: true,
			})
		}
	})
	return err
}

// cards are a computed section's on the screen. How they rank depends on which of them may be watched.
func (f *form) cards(s *catalogv1.ComputedSection) []*projectionv1.Card {
	var out []*projectionv1.Card
	for _, of := range s.GetScreens() {
		if of.GetScreen() != f.right {
			continue // or it is one that this version does not know
		}
		for _, v := range of.GetVideos() {
			out = append(out, &projectionv1.Card{Target: &catalogv1.Ref{Kind: "video", Id: v.GetId()}, Note: v.GetNote()})
		}
	}
	return out
}
