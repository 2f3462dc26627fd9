package transform

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	catalogv1 "regie/proto/catalog/v1"
)

func videoEvent(h header, id string, c change) (proto.Message, error) {
	now, before, err := payloads(id, c, video)
	return &catalogv1.VideoEvent{
		EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source, Payload: now, PrevPayload: before,
	}, err
}

var (
	videoKinds  = namesOf[catalogv1.VideoKind]("VIDEO_KIND_", catalogv1.VideoKind_value)
	markerKinds = namesOf[catalogv1.MarkerKind]("MARKER_KIND_", catalogv1.MarkerKind_value)
)

// Bounds of docs/cms.md, in characters and elements.
const (
	maxStreamID = 200
	maxLanguage = 35

	maxLanguages = 100
	maxMarkers   = 1000
)

func video(id string, d document) *catalogv1.Video {
	v := &catalogv1.Video{
		Id:            id,
		Slug:          d.slug(),
		Title:         d.required("title", maxTitle),
		Kind:          enum(d, "kind", videoKinds),
		ProgrammeId:   d.requiredRef("programme"),
		SeasonNumber:  d.integer("season", 0, maxSeason),
		EpisodeNumber: d.integer("episode", 0, 99999),
		Synopsis:      d.synopsis(),
		Duration:      or(d.integer("duration", 0, week), 0),
		AgeRating:     d.ageRating(),
		Badges:        d.badges(),
		Images:        d.images(),
		Rights:        d.rights(),
		Tracks:        d.tracks(),
		Markers:       d.markers(),
		Seo:           d.seo(),
		Tags:          d.tags(),
		CreatedAt:     d.created(),
	}
	v.FormerSlugs = d.formerSlugs(v.Slug)
	v.PublishedAt = d.published(v.CreatedAt)
	v.Playback = d.playback(id, v.Kind)
	if _, rated := d.get("ageRating"); !rated && v.AgeRating != nil {
		d.fail("notBeforeHour", "needs an ageRating beside it: without one, both are the programme's")
	}
	return v
}

func (d document) playback(id string, kind catalogv1.VideoKind) *catalogv1.Playback {
	p := &catalogv1.Playback{
		StreamId: d.text("streamId", maxStreamID),
		IsLive:   d.boolean("isLive", kind == catalogv1.VideoKind_VIDEO_KIND_LIVE),
		HasDrm:   d.boolean("hasDrm", false),
	}
	if p.StreamId == "" {
		p.StreamId = id
	}
	return p
}

func (d document) tracks() *catalogv1.Tracks {
	n, ok := d.nested("tracks")
	if !ok {
		return nil
	}
	return &catalogv1.Tracks{
		Audio:            n.texts("audio", maxLanguages, maxLanguage, n.checkLanguage),
		Subtitles:        n.texts("subtitles", maxLanguages, maxLanguage, n.checkLanguage),
		DeafSubtitles:    n.boolean("deafSubtitles", false),
		AudioDescription: n.boolean("audioDescription", false),
	}
}

func (d document) checkLanguage(at, s string) {
	if !isLanguage(s) {
		d.fail(at, "%q must be a language as BCP 47 has it, such as fr or fr-CA", s)
	}
}

// isLanguage tells whether s has the form of a BCP 47 tag: a language of letters, then parts of letters and digits.
func isLanguage(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if len(part) == 0 || len(part) > 8 || i == 0 && len(part) == 1 {
			return false
		}
		for _, c := range []byte(part) {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// markers are in the order of their beginning.
func (d document) markers() []*catalogv1.Marker {
	ms := documents(d, "markers", maxMarkers, func(n document) *catalogv1.Marker {
		m := &catalogv1.Marker{Kind: enum(n, "kind", markerKinds), Start: n.requiredInteger("start", 0, week), End: n.integer("end", 0, week)}
		if m.End != nil && *m.End < m.Start {
			n.fail("end", "must not be before start")
		}
		return m
	})
	slices.SortStableFunc(ms, func(a, b *catalogv1.Marker) int { return cmp.Compare(a.Start, b.Start) })
	return ms
}
