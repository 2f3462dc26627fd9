package resolvers

import (
	"fmt"
	"mime"
	"path"
	"strings"

	"regie/graph"
	"regie/graph/model"
	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// parseID splits a global id.
func parseID(id string) (catalog.Ref, error) {
	kind, own, ok := strings.Cut(id, ":")
	if !ok || own == "" || !catalog.IsKind(kind) && kind != "category" && kind != "section" && kind != "programme-section" {
		return catalog.Ref{}, graph.BadInput("%q is no global id: one is a kind and an id, such as programme:p001.", clip(id))
	}
	return catalog.Ref{Kind: kind, ID: own}, nil
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

// local is the CMS id in a global id of our own making.
func local(id string) string { return id[strings.IndexByte(id, ':')+1:] }

func checkSlug(slug string) error {
	if len(slug) > catalog.MaxSlug || !catalog.IsSlug(slug) {
		return graph.BadInput("%q is no slug: one has lower-case letters a-z, digits and single dashes between them.", clip(slug))
	}
	return nil
}

// clip shortens what a client sent for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// image is the one of a role, in the width that the projection chose for the screen or in another.
func image(images []*projectionv1.Image, role catalogv1.ImageRole, width *int32) (*projectionv1.Image, error) {
	if width != nil {
		if err := checkWidth(*width); err != nil {
			return nil, err
		}
	}
	for _, i := range images {
		switch {
		case i.GetRole() != role:
		case width == nil || *width == i.GetWidth():
			return i, nil
		default:
			return &projectionv1.Image{
				Role: role, Url: inWidth(i, *width), Alt: i.GetAlt(), BlurHash: i.BlurHash,
				Width: *width, Height: (i.GetHeight()**width + i.GetWidth()/2) / max(i.GetWidth(), 1),
			}, nil
		}
	}
	return nil, nil
}

func checkWidth(w int32) error {
	if w < 16 || w > 4096 {
		return graph.BadInput("width: must be between 16 and 4096 pixels, is %d.", w)
	}
	return nil
}

// inWidth is the image's address in another width. Those of the projection end with theirs.
func inWidth(i *projectionv1.Image, width int32) string {
	return fmt.Sprintf("%s%d", strings.TrimSuffix(i.GetUrl(), fmt.Sprint(i.GetWidth())), width)
}

func sources(i *projectionv1.Image, widths []int32) ([]*model.ImageSource, error) {
	if len(widths) > 10 {
		return nil, graph.BadInput("widths: at most 10 are answered, not %d.", len(widths))
	}
	var format *string
	address, _, _ := strings.Cut(i.GetUrl(), "?")
	if t := mime.TypeByExtension(path.Ext(address)); strings.HasPrefix(t, "image/") {
		format = &t
	}
	out := make([]*model.ImageSource, len(widths))
	for n, w := range widths {
		if err := checkWidth(w); err != nil {
			return nil, err
		}
		out[n] = &model.ImageSource{URL: inWidth(i, w), Width: w, Format: format}
	}
	return out, nil
}

// synopsis is the text of a length, or the next shorter, or the next longer.
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

// seo completes what the projection has for search engines; nil on screens for which it has nothing.
func seo(s *projectionv1.Seo, canonical string) *model.Seo {
	if s == nil {
		return nil
	}
	return &model.Seo{Title: s.GetTitle(), Description: orNull(s.GetDescription()), Canonical: canonical, JSONLd: orNull(s.GetJsonLd())}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
