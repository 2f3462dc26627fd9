package transform

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	catalogv1 "regie/proto/catalog/v1"
)

func programmeEvent(h header, id string, c change) (*catalogv1.ProgrammeEvent, error) {
	e := &catalogv1.ProgrammeEvent{EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source}
	if c.before != nil {
		e.PrevPayload, _ = programme(id, c.before) // a hint: left out when it broke a rule
	}
	if c.kind == removed {
		return e, nil
	}
	var err error
	e.Payload, err = programme(id, c.document)
	return e, err
}

func programme(id string, raw bson.Raw) (*catalogv1.Programme, error) {
	d := read(raw)
	p := &catalogv1.Programme{
		Id:          id,
		Slug:        d.slug("slug"),
		Title:       d.required("title", maxTitle),
		Kind:        catalogv1.ProgrammeKind(d.enum("kind", "PROGRAMME_KIND_", catalogv1.ProgrammeKind(0).Descriptor())),
		Synopsis:    d.synopsis("synopsis"),
		Year:        d.integer("year", 1880, 2200),
		Countries:   d.countries("countries"),
		Images:      d.images("images"),
		PublishedAt: d.date("publishedAt"),
		CreatedAt:   d.created(),
	}
	if p.PublishedAt == nil {
		p.PublishedAt = p.CreatedAt
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return p, nil
}
