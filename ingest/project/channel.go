package project

import (
	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func projectChannel(in *catalogv1.Channel, c *catalog.Change) (err error) {
	out := &projectionv1.Channel{
		Id:       catalog.GlobalID(c.Kind, in.GetId()),
		Slug:     in.GetSlug(),
		Title:    in.GetTitle(),
		Path:     "/channel/" + in.GetSlug(),
		Revision: c.Fence.String(),
		Kind:     in.GetKind(),
	}
	c.Blobs, err = blobs(out, plain(in.GetImages(), nil), func(f *form) { out.Images = f.images(in.GetImages()) })
	var ps catalog.Placements
	claim(&ps, in, ofKind(c.Kind))
	ps.Add(catalog.Channels, catalog.Place{Set: string(catalog.ByRank), Key: catalog.RankKey(in.GetPosition(), in.GetTitle())})
	c.Placements = ps.List
	return err
}
