package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"google.golang.org/protobuf/proto"

	"regie/internal/cms"
	catalogv1 "regie/proto/catalog/v1"
)

func programmeEvent(h header, id string, c change) (proto.Message, error) {
	now, before, err := payloads(id, c, programme)
	return &catalogv1.ProgrammeEvent{
		EventUuid: h.uuid, OccurredAt: h.occurredAt, EventType: h.kind, Source: h.source, Payload: now, PrevPayload: before,
	}, err
}

var (
	programmeKinds = namesOf[catalogv1.ProgrammeKind]("PROGRAMME_KIND_", catalogv1.ProgrammeKind_value)
	creditRoles    = namesOf[catalogv1.CreditRole]("CREDIT_ROLE_", catalogv1.CreditRole_value)
)

// Bounds of docs/cms.md, in characters and elements.
const (
	maxGenre = 100

	maxGenres  = 50
	maxSeasons = 10_000
	maxCredits = 10_000
	maxRelated = 100

	maxSeason = 9999 // the highest number of one
)

func programme(id string, d document) *catalogv1.Programme {
	p := &catalogv1.Programme{
		Id:         id,
		Slug:       d.slug(),
		Title:      d.required("title", maxTitle),
		Kind:       enum(d, "kind", programmeKinds),
		ChannelId:  d.ref("channel"),
		Synopsis:   d.synopsis(),
		Year:       d.integer("year", 1880, 2200),
		Countries:  d.countries("countries"),
		AgeRating:  d.ageRating(),
		Genres:     d.genres(),
		Badges:     d.badges(),
		Images:     d.images(),
		Rights:     d.rights(),
		Seasons:    d.seasons(),
		Credits:    d.credits(),
		RelatedIds: d.refs("related", maxRelated),
		StartId:    d.ref("start"),
		Seo:        d.seo(),
		Sections:   d.sectionRules(),
		CreatedAt:  d.created(),
	}
	p.FormerSlugs = d.formerSlugs(p.Slug)
	p.PublishedAt = d.published(p.CreatedAt)
	if p.AgeRating == nil {
		p.AgeRating = &catalogv1.AgeRating{}
	}
	if p.AgeRating.Code == catalogv1.AgeCode_AGE_CODE_UNSPECIFIED {
		p.AgeRating.Code = catalogv1.AgeCode_AGE_CODE_ALL
	}
	return p
}

// genres are one for each category: of two with one slug the first.
func (d document) genres() []*catalogv1.Genre {
	var out []*catalogv1.Genre
	for _, title := range d.texts("genres", maxGenres, maxGenre, nil) {
		g := &catalogv1.Genre{Slug: genreSlug(title), Title: title}
		if !slices.ContainsFunc(out, func(o *catalogv1.Genre) bool { return o.Slug == g.Slug }) {
			out = append(out, g)
		}
	}
	return out
}

// genreSlug is a category's identity. A title that has nothing of a slug, as in another script, has a digest instead.
func genreSlug(title string) string {
	if s := cms.Slug(title, maxSlug); s != "" {
		return s
	}
	sum := sha256.Sum256([]byte(title))
	return "genre-" + hex.EncodeToString(sum[:4])
}

func (d document) seasons() []*catalogv1.Season {
	return documents(d, "seasons", maxSeasons, func(n document) *catalogv1.Season {
		return &catalogv1.Season{Number: n.requiredInteger("number", 0, maxSeason), Title: n.text("title", maxTitle)}
	})
}

func (d document) credits() []*catalogv1.Credit {
	return documents(d, "credits", maxCredits, func(n document) *catalogv1.Credit {
		return &catalogv1.Credit{PersonId: n.requiredRef("person"), Role: enum(n, "role", creditRoles), Character: n.text("character", maxTitle)}
	})
}
