package cms

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// titleChannel is what imported programmes are shown under. The file tells of none: they are made up, one for each kind
// of title.
type titleChannel struct {
	id, slug, title, kind string
	position              int32
}

// animation are the genres, as slugs, of what has a channel of its own unless it is for children; entertainment those
// that go with reality.
var (
	animation     = []string{"anime-series", "anime-features", "anime", "animation"}
	entertainment = []string{"stand-up-comedy", "stand-up-comedy-talk-shows", "talk-shows"}
)

func (t title) channel() titleChannel {
	switch kind := t.kind(); {
	case kind == "DOCUMENTARY":
		return titleChannel{"ch-documentaries", "documentaries", "Documentaries", "TV", 3}
	case kind == "KIDS":
		return titleChannel{"ch-children", "children", "Children", "TV", 4}
	case kind == "REALITY", t.isOf(entertainment):
		return titleChannel{"ch-entertainment", "entertainment", "Reality & Entertainment", "TV", 5}
	case t.isOf(animation):
		return titleChannel{"ch-animation", "animation", "Animation", "DIGITAL", 6}
	case t.series:
		return titleChannel{"ch-series", "series", "Series", "TV", 2}
	}
	return titleChannel{"ch-films", "films", "Films", "TV", 1}
}

func (c titleChannel) document() bson.Raw {
	return marshal(bson.D{
		{Key: "_id", Value: c.id},
		{Key: "slug", Value: c.slug},
		{Key: "title", Value: c.title},
		{Key: "kind", Value: c.kind},
		{Key: "position", Value: c.position},
		{Key: FieldImportHash, Value: importDigest("channel", c.id, c.slug, c.title, c.kind, strconv.Itoa(int(c.position)))},
	})
}
