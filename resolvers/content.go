package resolvers

import (
	"strings"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// parseID splits a global id.
func parseID(id string) (catalog.Ref, error) {
	kind, local, ok := strings.Cut(id, ":")
	if !ok || local == "" || kind != "programme" && kind != "video" {
		return catalog.Ref{}, graph.BadInput("%q is no global id: one is a kind and an id, such as programme:p001.", clip(id))
	}
	return catalog.Ref{Kind: kind, ID: local}, nil
}

// idOf is the CMS id in a global id of a kind.
func idOf(kind, id string) (string, error) {
	ref, err := parseID(id)
	if err != nil {
		return "", err
	}
	if ref.Kind != kind {
		return "", graph.BadInput("%q is the id of a %s, not of a %s.", clip(id), ref.Kind, kind)
	}
	return ref.ID, nil
}

func checkSlug(slug string) error {
	if len(slug) > 200 || !catalog.IsSlug(slug) {
		return graph.BadInput("%q is no slug: one has lower-case letters a-z, digits and single dashes between them.", clip(slug))
	}
	return nil
}

// clip keeps an answer from echoing much of its request.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func image(images []*projectionv1.Image, role catalogv1.ImageRole) *projectionv1.Image {
	for _, i := range images {
		if i.GetRole() == role {
			return i
		}
	}
	return nil
}

// synopsis is the text of that length, or the nearest: the next shorter, else the next longer.
func synopsis(s *catalogv1.Synopsis, length model.TextLength) *string {
	texts := []string{s.GetShort(), s.GetMedium(), s.GetLong()}
	wanted := map[model.TextLength]int{model.TextLengthShort: 0, model.TextLengthMedium: 1, model.TextLengthLong: 2}[length]
	for i := wanted; i >= 0; i-- {
		if texts[i] != "" {
			return &texts[i]
		}
	}
	for i := wanted + 1; i < len(texts); i++ {
		if texts[i] != "" {
			return &texts[i]
		}
	}
	return nil
}

func videoList(programmeID string, order model.VideoOrder) catalog.List {
	l := catalog.List{Family: catalog.Videos(programmeID), Order: catalog.ByDate}
	switch order {
	case model.VideoOrderNewest:
		l.Reverse = true
	case model.VideoOrderEpisode:
		l.Order = catalog.ByEpisode
	}
	return l
}
