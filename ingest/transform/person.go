package transform

import (
	"google.golang.org/protobuf/proto"

	catalogv1 "regie/proto/catalog/v1"
)

func personEvent(h header, id string, c change) (proto.Message, error) {
	now, before, err := payloads(id, c, person)
	return &catalogv1.PersonEvent{
		EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source, Payload: now, PrevPayload: before,
	}, err
}

func person(id string, d document) *catalogv1.Person {
	p := &catalogv1.Person{
		Id:        id,
		Slug:      d.slug(),
		Title:     d.required("title", maxTitle),
		Biography: d.text("biography", maxText),
		Images:    d.images(),
		CreatedAt: d.created(),
	}
	p.FormerSlugs = d.formerSlugs(p.Slug)
	return p
}
