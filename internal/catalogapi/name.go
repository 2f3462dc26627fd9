package catalogapi

import (
	"fmt"
	"strings"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// parseID splits a global id. Its error is a text for the client.
func parseID(id string) (catalog.Ref, error) {
	kind, local, ok := strings.Cut(id, ":")
	if !ok || local == "" {
		return catalog.Ref{}, fmt.Errorf("%q is no global id: one is a kind and an id, such as programme:p001", clip(id))
	}
	if kind == catalog.Sections { // what was computed of the programme
		return catalog.Ref{Kind: kind, ID: local}, nil
	}
	if err := checkKind(kind); err != nil {
		return catalog.Ref{}, err
	}
	return catalog.Ref{Kind: kind, ID: local}, nil
}

func checkKind(kind string) error {
	if !catalog.IsKind(kind) {
		return fmt.Errorf("%q is no kind: known are programme, video, channel, person and page", clip(kind))
	}
	return nil
}

func checkSlug(slug string) error {
	if len(slug) > catalog.MaxSlug || !catalog.IsSlug(slug) {
		return fmt.Errorf("%q is no slug: one has lower-case letters a-z, digits and single dashes between them", clip(slug))
	}
	return nil
}

func parseScreen(s catalogv1.Screen) (catalog.Screen, error) {
	switch s {
	case catalogv1.Screen_SCREEN_UNSPECIFIED, catalogv1.Screen_SCREEN_WEB:
		return catalog.Web, nil
	case catalogv1.Screen_SCREEN_MOBILE:
		return catalog.Mobile, nil
	case catalogv1.Screen_SCREEN_IPTV:
		return catalog.IPTV, nil
	}
	return "", invalid("screen: %d is none: known are WEB, MOBILE and IPTV", s)
}

// clip keeps an answer from echoing much of its request.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
