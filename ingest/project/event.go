package project

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// payload is what all entities have.
type payload interface {
	GetId() string
	GetSlug() string
	GetTitle() string
	GetFormerSlugs() []string
	GetCreatedAt() *timestamppb.Timestamp
}

// event is what all entities' events have.
type event[P payload] interface {
	proto.Message
	GetEventType() catalogv1.EventType
	GetPayload() P
	GetPrevPayload() P
}

// entity is what a record says.
type entity struct {
	kind, title string
	// project makes the blobs and the places; nil for what is deleted, which has none.
	project func(*catalog.Change) error
}

// read is pure.
func read(r stream.Record) (entity, error) {
	if len(r.Key) == 0 {
		return entity{}, stream.Permanent(errors.New("the record has no key"))
	}
	if r.Topic == stream.ProgrammeEnriched {
		return readSections(r)
	}
	kind, _ := strings.CutPrefix(r.Topic, topics)
	switch kind {
	case "channel":
		return decode(r, kind, &catalogv1.ChannelEvent{}, projectChannel)
	case "programme":
		return decode(r, kind, &catalogv1.ProgrammeEvent{}, projectProgramme)
	case "video":
		return decode(r, kind, &catalogv1.VideoEvent{}, projectVideo)
	case "person":
		return decode(r, kind, &catalogv1.PersonEvent{}, projectPerson)
	case "page":
		return decode(r, kind, &catalogv1.PageEvent{}, projectPage)
	}
	return entity{}, fmt.Errorf("topic %s is none that is projected", r.Topic)
}

// topics begin so.
var topics = stream.Catalog("")

// decode reads an event of one kind. It refuses one that is not of the record's key.
func decode[P payload](r stream.Record, kind string, e event[P], project func(P, *catalog.Change) error) (entity, error) {
	out := entity{kind: kind}
	if r.Value == nil {
		return out, nil // a tombstone
	}
	if err := r.Decode(e); err != nil {
		return out, err
	}
	if e.GetEventType() == catalogv1.EventType_EVENT_TYPE_DELETED {
		out.title = e.GetPrevPayload().GetTitle()
		return out, nil
	}
	in := e.GetPayload()
	if in.GetId() != string(r.Key) {
		return out, stream.Permanent(fmt.Errorf("the payload's id %q is not the record's key %q", in.GetId(), r.Key))
	}
	out.title = in.GetTitle()
	out.project = func(c *catalog.Change) error { return project(in, c) }
	return out, nil
}

// change is pure.
func (e entity) change(r stream.Record) (catalog.Change, error) {
	c := catalog.Change{Kind: e.kind, ID: string(r.Key), Fence: r.Fence}
	var err error
	if e.project != nil {
		err = e.project(&c)
	}
	return c, err
}

// claim places an entity on the slugs that it has and had.
func claim(ps *catalog.Placements, in payload, address func(slug string) catalog.Address) {
	now := address(in.GetSlug())
	ps.Add(now.Family, now.Claim(in.GetCreatedAt()))
	for i, slug := range in.GetFormerSlugs() {
		if slug != in.GetSlug() && !slices.Contains(in.GetFormerSlugs()[:i], slug) {
			a := address(slug)
			ps.Add(a.Family, a.Former(in.GetCreatedAt()))
		}
	}
}

// ofKind addresses slugs that are unique within a kind.
func ofKind(kind string) func(slug string) catalog.Address {
	return func(slug string) catalog.Address { return catalog.SlugOf(kind, slug) }
}
