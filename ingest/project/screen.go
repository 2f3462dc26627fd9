package project

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// size is what an image is shown at, in pixels.
type size struct{ width, height int32 }

// sizes are the images' by role: a phone's rail, a browser's, and a television set's, which is seen from three metres.
var sizes = map[catalogv1.ImageRole]map[catalog.Screen]size{
	catalogv1.ImageRole_IMAGE_ROLE_THUMBNAIL: {catalog.Web: {640, 360}, catalog.Mobile: {480, 270}, catalog.IPTV: {960, 540}},
	catalogv1.ImageRole_IMAGE_ROLE_PORTRAIT:  {catalog.Web: {400, 600}, catalog.Mobile: {320, 480}, catalog.IPTV: {600, 900}},
	catalogv1.ImageRole_IMAGE_ROLE_COVER:     {catalog.Web: {1600, 900}, catalog.Mobile: {960, 540}, catalog.IPTV: {1920, 1080}},
	catalogv1.ImageRole_IMAGE_ROLE_SQUARE:    {catalog.Web: {400, 400}, catalog.Mobile: {320, 320}, catalog.IPTV: {600, 600}},
	catalogv1.ImageRole_IMAGE_ROLE_LOGO:      {catalog.Web: {480, 270}, catalog.Mobile: {320, 180}, catalog.IPTV: {960, 540}},
}

// images are drawn for a screen.
func images(in []*catalogv1.Image, screen catalog.Screen) []*projectionv1.Image {
	var out []*projectionv1.Image
	for _, i := range in {
		s := sizes[i.Role][screen]
		separator := "?"
		if strings.Contains(i.Url, "?") {
			separator = "&"
		}
		out = append(out, &projectionv1.Image{
			Role: i.Role, Url: fmt.Sprintf("%s%sw=%d", i.Url, separator, s.width), Width: s.width, Height: s.height, Alt: i.Alt,
		})
	}
	return out
}

// blobs marshals each screen's message, the same bytes for the same entity.
func blobs(make func(catalog.Screen) proto.Message) (map[catalog.Screen][]byte, error) {
	out := map[catalog.Screen][]byte{}
	for _, s := range catalog.Screens() {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(make(s))
		if err != nil {
			return nil, fmt.Errorf("encoding the blob of %s: %w", s, err)
		}
		out[s] = b
	}
	return out, nil
}
