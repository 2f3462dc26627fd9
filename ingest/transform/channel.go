package transform

import (
	"google.golang.org/protobuf/proto"

	catalogv1 "regie/proto/catalog/v1"
)

func channelEvent(h header, id string, c change) (proto.Message, error) {
	now, before, err := payloads(id, c, channel)
	return &catalogv1.ChannelEvent{
		EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source, Payload: now, PrevPayload: before,
	}, err
}

var channelKinds = namesOf[catalogv1.ChannelKind]("CHANNEL_KIND_", catalogv1.ChannelKind_value)

const lastPosition = 9999

func channel(id string, d document) *catalogv1.Channel {
	c := &catalogv1.Channel{
		Id:        id,
		Slug:      d.slug(),
		Title:     d.required("title", maxTitle),
		Kind:      enum(d, "kind", channelKinds),
		Images:    d.images(),
		Position:  or(d.integer("position", 0, lastPosition), lastPosition),
		CreatedAt: d.created(),
	}
	c.FormerSlugs = d.formerSlugs(c.Slug)
	return c
}
