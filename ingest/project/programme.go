package project

import (
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectProgramme(r stream.Record, p *projected) (err error) {
	var e catalogv1.ProgrammeEvent
	if r.Value == nil {
		return nil // a tombstone: no blob, no placement
	}
	if err := r.Decode(&e); err != nil {
		return err
	}
	in := e.GetPayload()
	if e.GetEventType() == catalogv1.EventType_EVENT_TYPE_DELETED {
		p.edit.title = e.GetPrevPayload().GetTitle()
		return nil
	}
	if err := checkPayload(r, in.GetId()); err != nil {
		return err
	}
	p.edit.title = in.GetTitle()
	p.change.Blobs, err = blobs(func(s catalog.Screen) proto.Message {
		return &projectionv1.Programme{
			Id:        "programme:" + in.GetId(),
			Slug:      in.GetSlug(),
			Title:     in.GetTitle(),
			Path:      "/" + in.GetSlug(),
			Revision:  r.Fence.String(),
			Images:    images(in.GetImages(), s),
			Kind:      in.GetKind(),
			Synopsis:  in.GetSynopsis(),
			Year:      in.Year,
			Countries: in.GetCountries(),
		}
	})
	p.change.Placements = []catalog.Placement{
		{Family: catalog.Programmes, Keys: map[catalog.Order]string{catalog.ByDate: catalog.DateKey(in.GetPublishedAt())}, Screens: catalog.Screens()},
		catalog.Claim(catalog.ProgrammeSlug(in.GetSlug()), in.GetCreatedAt()),
	}
	return err
}
