package catalog

import (
	"google.golang.org/protobuf/proto"

	projectionv1 "regie/proto/projection/v1"
)

// Blob is what the messages of all kinds have.
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

// IsKind tells whether there are entities of a kind.
func IsKind(kind string) bool { return blobs[kind] != nil }

// NewBlob makes an empty message of a kind, which must be one.
func NewBlob(kind string) Blob { return blobs[kind]() }

// GlobalID names an entity of any kind.
func GlobalID(kind, id string) string { return kind + ":" + id }
