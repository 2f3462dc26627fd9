package catalog

import (
	"google.golang.org/protobuf/proto"

	projectionv1 "regie/proto/projection/v1"
)

// Blob is what the messages of all kinds of entities have.
type Blob interface {
	proto.Message
	GetId() string
	GetRevision() string
}

var blobs = map[string]func() Blob{
	"programme": func() Blob { return new(projectionv1.Programme) },
	"video":     func() Blob { return new(projectionv1.Video) },
	"channel":   func() Blob { return new(projectionv1.Channel) },
	"person":    func() Blob { return new(projectionv1.Person) },
	"page":      func() Blob { return new(projectionv1.Page) },
}

// Sections is the kind of what was computed of a programme, under its CMS id. It is written and read as an entity is, but
// it is none: it is announced as the programme, too, and only other back ends name it, sections:p001.
const Sections = "sections"

// IsKind tells whether there are entities of a kind.
func IsKind(kind string) bool { return blobs[kind] != nil }

// NewBlob makes an empty message of a kind, which must be one, a Blob, or Sections.
func NewBlob(kind string) proto.Message {
	if kind == Sections {
		return new(projectionv1.ProgrammeSections)
	}
	return blobs[kind]()
}

// GlobalID names an entity of any kind.
func GlobalID(kind, id string) string { return kind + ":" + id }
