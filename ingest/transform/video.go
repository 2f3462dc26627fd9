package transform

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
	catalogv1 "regie/proto/catalog/v1"
)

func videoEvent(h header, id string, c change) (*catalogv1.VideoEvent, error) {
	e := &catalogv1.VideoEvent{EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source}
	if c.before != nil {
		e.PrevPayload, _ = video(id, c.before) // a hint: left out when it broke a rule
	}
	if c.kind == removed {
		return e, nil
	}
	var err error
	e.Payload, err = video(id, c.document)
	return e, err
}

func video(id string, raw bson.Raw) (*catalogv1.Video, error) {
	d := read(raw)
	v := &catalogv1.Video{
		Id:            id,
		Slug:          d.slug("slug"),
		Title:         d.required("title", maxTitle),
		Kind:          catalogv1.VideoKind(d.enum("kind", "VIDEO_KIND_", catalogv1.VideoKind(0).Descriptor())),
		Synopsis:      d.synopsis("synopsis"),
		ProgrammeId:   d.ref("programme", cms.Key),
		SeasonNumber:  d.integer("season", 0, 9999),
		EpisodeNumber: d.integer("episode", 0, 99999),
		Images:        d.images("images"),
		PublishedAt:   d.date("publishedAt"),
		CreatedAt:     d.created(),
	}
	if s := d.integer("duration", 0, 7*24*3600); s != nil {
		v.Duration = *s
	}
	if v.PublishedAt == nil {
		v.PublishedAt = v.CreatedAt
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return v, nil
}
