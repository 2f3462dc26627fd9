package demo

import (
	"fmt"
	"strings"
)

// channelRoles are the images of a channel.
var channelRoles = []string{"LOGO", "SQUARE", "THUMBNAIL"}

// channelPoster is where an image of a channel is served, below /posters/. No programme's image is so deep.
func channelPoster(ch *channel, role string) string {
	return "channel/" + ch.Slug + "/" + strings.ToLower(role) + ".svg"
}

// drawChannel draws one of a channel's images:
//
//	LOGO       5:2, the sign and the name on nothing
//	SQUARE     1:1, the sign and the name on the channel's colour
//	THUMBNAIL  16:9, the same, with room around
func drawChannel(ch *channel, role string, width int) []byte {
	col := hex(ch.Colour)
	pal := palette{top: col.pale(.22), sky: col, glow: col.dark(.45), near: col.dark(.6), light: white, accent: col}
	l := letterings["wide"]
	var c *canvas
	switch role {
	case "LOGO":
		c = newCanvas(800, 320, pal, ch.Slug)
		c.round(20, 60, 200, 200, 48, c.down(c.top, c.sky))
		marks[ch.Mark](c, 20, 60, 200)
		s := l.fit(ch.Title, 520, 200, 110, 1)
		// As with the programmes' logos, the outline is for light pages.
		c.text(l, s, 256, (c.h-s.height())/2, white,
			fmt.Sprintf(` stroke="%s" stroke-opacity=".6" stroke-width="%.1f" paint-order="stroke"`, c.near, s.size*.06))
	case "SQUARE":
		c = newCanvas(800, 800, pal, ch.Slug)
		c.backdrop(ch, 400, 340)
		marks[ch.Mark](c, 220, 150, 360)
		c.text(l, l.fit(ch.Title, 640, 120, 96, 1), 400, 590, white, ` text-anchor="middle"`)
	default:
		c = newCanvas(1600, 900, pal, ch.Slug)
		c.backdrop(ch, c.focus, 420)
		marks[ch.Mark](c, c.focus-230, 190, 460)
		s := l.fit(ch.Title, 640, 200, 120, 1)
		top := c.h - 110 - s.height()
		c.rect(84, top-40, 96, 10, white)
		c.text(l, s, 84, top, white, "")
	}
	return c.document(ch.Title, width)
}

// backdrop is the channel's colour, with rings around its sign.
func (c *canvas) backdrop(ch *channel, x, y float64) {
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.glow))
	c.disc(x, y, 70*c.unit, c.halo(white, .22))
	turn := float64(hash(ch.Slug) % 90)
	for i := range 5 {
		r := (38 + float64(i)*11) * c.unit
		x1, y1 := polar(x, y, r, turn+float64(i)*47)
		x2, y2 := polar(x, y, r, turn+float64(i)*47+210)
		c.add(`<path d="M%.0f %.0fA%.0f %.0f 0 1 1 %.0f %.0f" fill="none" stroke="%s" stroke-width="%.1f" stroke-linecap="round" opacity="%.2f"/>`,
			x1, y1, r, r, x2, y2, white, 1.2*c.unit, .26-.04*float64(i))
	}
}
