package project

import (
	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectPerson(in *catalogv1.Person, c *catalog.Change) (err error) {
	out := &projectionv1.Person{
		Id:        catalog.GlobalID(c.Kind, in.GetId()),
		Slug:      in.GetSlug(),
		Title:     in.GetTitle(),
		Path:      "/person/" + in.GetSlug(),
		Revision:  c.Fence.String(),
		Biography: optional(in.GetBiography()),
	}
	c.Blobs, err = blobs(out, plain(in.GetImages(), nil), func(f *form) { out.Images = f.images(in.GetImages()) })
	var ps catalog.Placements
	claim(&ps, in, ofKind(c.Kind))
	c.Placements = ps.List
	return err
}
