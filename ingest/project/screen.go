package project

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// size is what an image is shown at, in pixels.
type size struct{ width, height int32 }

// form is what a screen makes of an entity.
type form struct {
	screen catalog.Screen
	// right is the screen's name in rights.
	right catalogv1.Screen
	sizes map[catalogv1.ImageRole]size
}

// forms are the screens': a browser's, a phone's rail, and a television set's, which is seen from three metres.
var forms = []form{
	{catalog.Web, catalogv1.Screen_SCREEN_WEB, map[catalogv1.ImageRole]size{
		catalogv1.ImageRole_IMAGE_ROLE_THUMBNAIL: {640, 360},
		catalogv1.ImageRole_IMAGE_ROLE_PORTRAIT:  {400, 600},
		catalogv1.ImageRole_IMAGE_ROLE_COVER:     {1600, 900},
		catalogv1.ImageRole_IMAGE_ROLE_SQUARE:    {400, 400},
		catalogv1.ImageRole_IMAGE_ROLE_LOGO:      {480, 270},
	}},
	{catalog.Mobile, catalogv1.Screen_SCREEN_MOBILE, map[catalogv1.ImageRole]size{
		catalogv1.ImageRole_IMAGE_ROLE_THUMBNAIL: {480, 270},
		catalogv1.ImageRole_IMAGE_ROLE_PORTRAIT:  {320, 480},
		catalogv1.ImageRole_IMAGE_ROLE_COVER:     {960, 540},
		catalogv1.ImageRole_IMAGE_ROLE_SQUARE:    {320, 320},
		catalogv1.ImageRole_IMAGE_ROLE_LOGO:      {320, 180},
	}},
	{catalog.IPTV, catalogv1.Screen_SCREEN_IPTV, map[catalogv1.ImageRole]size{
		catalogv1.ImageRole_IMAGE_ROLE_THUMBNAIL: {960, 540},
		catalogv1.ImageRole_IMAGE_ROLE_PORTRAIT:  {600, 900},
		catalogv1.ImageRole_IMAGE_ROLE_COVER:     {1920, 1080},
		catalogv1.ImageRole_IMAGE_ROLE_SQUARE:    {600, 600},
		catalogv1.ImageRole_IMAGE_ROLE_LOGO:      {960, 540},
	}},
}

// isWeb: it alone has what search engines are told.
func (f *form) isWeb() bool { return f.screen == catalog.Web }

// images are drawn for the screen.
func (f *form) images(in []*catalogv1.Image) []*projectionv1.Image {
	if len(in) == 0 {
		return nil
	}
	out := make([]*projectionv1.Image, len(in))
	for n, i := range in {
		s := f.sizes[i.GetRole()]
		separator := "?w="
		if strings.Contains(i.GetUrl(), "?") {
			separator = "&w="
		}
		out[n] = &projectionv1.Image{
			Role: i.GetRole(), Url: i.GetUrl() + separator + strconv.Itoa(int(s.width)), Width: s.width, Height: s.height,
			Alt: i.GetAlt(), BlurHash: optional(i.GetBlurHash()),
		}
	}
	return out
}

// rights are those of the screen.
func (f *form) rights(in []*catalogv1.Right) *projectionv1.Rights {
	if len(in) == 0 {
		return nil
	}
	out := &projectionv1.Rights{Restricted: true}
	for _, r := range in {
		if len(r.GetScreens()) == 0 || slices.Contains(r.GetScreens(), f.right) {
			out.Windows = append(out.Windows, &projectionv1.Window{
				From: r.GetFrom(), Until: r.GetUntil(), Territories: r.GetTerritories(), Offer: r.GetOffer(),
			})
		}
	}
	return out
}

// plain tells whether images and rights are the same on every screen.
func plain(images []*catalogv1.Image, rights []*catalogv1.Right) bool {
	return len(images) == 0 && !slices.ContainsFunc(rights, func(r *catalogv1.Right) bool { return len(r.GetScreens()) > 0 })
}

// blobs marshals m for each screen, after fit has set what differs there: the same bytes for the same entity. What is
// plain differs on the web alone.
func blobs(m proto.Message, plain bool, fit func(*form)) (map[catalog.Screen][]byte, error) {
	out := make(map[catalog.Screen][]byte, len(forms))
	for i := range forms {
		f := &forms[i]
		if plain && f.screen == catalog.IPTV {
			out[f.screen] = out[catalog.Mobile]
			continue
		}
		fit(f)
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("encoding the blob of %s: %w", f.screen, err)
		}
		out[f.screen] = b
	}
	return out, nil
}

// optional is s, absent when empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
