package demo

import (
	"fmt"
	"strings"
)

// programmeRoles are the images of a programme, in the order the CMS lists them.
var programmeRoles = []string{"THUMBNAIL", "PORTRAIT", "COVER", "LOGO"}

// drawProgramme draws one of a programme's images:
//
//	THUMBNAIL  16:9, the scene and the title
//	PORTRAIT   2:3, the scene and the title
//	COVER      16:9, the scene alone: pages set their own text or the LOGO over it
//	LOGO       the title's lettering on nothing
func drawProgramme(p *programme, role string, width int) []byte {
	pal := palettes[p.Poster.Palette]
	l := letteringOf(p)
	var c *canvas
	switch role {
	case "LOGO":
		c = newCanvas(800, 320, pal, p.ID)
		s := l.fit(p.Title, c.w-40, c.h-40, 150, 3)
		// The outline keeps the letters legible on a light page as on a dark one.
		c.text(l, s, 20, (c.h-s.height())/2, c.light,
			fmt.Sprintf(` stroke="%s" stroke-opacity=".45" stroke-width="%.1f" paint-order="stroke"`, pal.near, s.size*.05))
	case "PORTRAIT":
		c = newCanvas(800, 1200, pal, p.ID)
		scenes[p.Poster.Motif].draw(c)
		c.scrim(.45)
		s := l.fit(p.Title, c.w-128, 330, 128, 4)
		top := c.h - 84 - s.height()
		c.rect(64, top-34, 72, 8, pal.accent)
		c.text(l, s, 64, top, c.light, "")
		c.mark(p.channel, 64, 60)
	case "COVER":
		c = newCanvas(1600, 900, pal, p.ID)
		scenes[p.Poster.Motif].draw(c)
		c.vignette()
	default:
		c = newCanvas(1600, 900, pal, p.ID)
		scenes[p.Poster.Motif].draw(c)
		c.scrim(.5)
		s := l.fit(p.Title, c.w*.54, 390, 124, 3)
		top := c.h - 84 - s.height()
		c.rect(84, top-40, 96, 10, pal.accent)
		c.text(l, s, 84, top, c.light, "")
		c.mark(p.channel, 84, 74)
	}
	return c.document(p.Title, width)
}

// drawVideo draws a video's thumbnail: the scene of its programme seen closer, in another light, with the video's title.
func drawVideo(p *programme, v *video, width int) []byte {
	n := hash(v.id)
	turn := float64(int(n%53) - 26)
	c := newCanvas(1600, 900, palettes[p.Poster.Palette].turn(turn), v.id)

	// Closer, a little aside, and sometimes the other way round; never so far that an edge of the scene shows.
	zoom := 1.06 + float64(n>>8%30)/100
	dx := (float64(n>>16%200)/100 - 1) * c.w * (zoom - 1) / 4
	dy := (float64(n>>24%200)/100 - 1) * c.h * (zoom - 1) / 2
	flip := zoom
	c.focus = c.w * (.62 + float64(n>>40%14)/100)
	if n>>32&1 == 1 {
		// The other way round, but the subject stays clear of the title.
		flip, c.focus = -zoom, c.w-c.focus
	}
	c.add(`<g transform="translate(%.0f %.0f) scale(%.2f %.2f) translate(-800 -450)">`, c.w/2+dx, c.h/2+dy, flip, zoom)
	scenes[p.Poster.Motif].draw(c)
	c.add(`</g>`)
	c.scrim(.6)

	l := letteringOf(p)
	s := l.fit(v.title, c.w*.72, 220, 84, 2)
	top := c.h - 80 - s.height()
	label := letterings["wide"]
	c.text(label, label.fit(overline(v), c.w*.7, 40, 32, 1), 84, top-58, c.light.mix(c.accent, .2), "")
	c.text(l, s, 84, top, c.light, "")
	c.mark(p.channel, 84, 74)
	return c.document(v.title, width)
}

// overline says what a video is, above its title.
func overline(v *video) string {
	switch v.kind {
	case "EPISODE":
		return fmt.Sprintf("Saison %d · Épisode %d", v.season, v.episode)
	case "REPLAY":
		months := strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")
		y, m, d := v.published.Date()
		return fmt.Sprintf("%d %s %d", d, months[m-1], y)
	case "EXTRACT":
		return "Extrait"
	case "TRAILER":
		return "Bande-annonce"
	case "BONUS":
		return "Bonus"
	case "LIVE":
		return "En direct"
	default:
		return "Le film"
	}
}

// scrim darkens the foot, and the corner of the channel's mark, so that letters stand out from any scene.
func (c *canvas) scrim(from float64) {
	dark := c.near.dark(.55)
	c.disc(0, 0, c.h*.5, c.halo(dark, .6))
	c.rect(0, c.h*from, c.w, c.h*(1-from), c.fade(dark, 0, .92))
	if c.w > c.h {
		c.disc(0, c.h, c.w*.7, c.halo(dark, .8))
	}
}

func (c *canvas) vignette() {
	dark := c.near.dark(.5)
	c.rect(0, c.h*.6, c.w, c.h*.4, c.fade(dark, 0, .6))
}

// mark is the channel's sign and name.
func (c *canvas) mark(ch *channel, x, y float64) {
	const s = 56.
	col := hex(ch.Colour)
	c.round(x, y, s, s, 14, c.down(col.pale(.18), col))
	marks[ch.Mark](c, x, y, s)
	l := letterings["wide"]
	c.text(l, setting{[]string{strings.ToUpper(ch.Title)}, 28}, x+s+18, y+14, colour{255, 255, 255}, ` fill-opacity=".92"`)
}

// marks are the channels' signs, white in a square of side s at x, y.
var marks = map[string]func(c *canvas, x, y, s float64){
	"wave": func(c *canvas, x, y, s float64) {
		for i := range 3 {
			yy := y + s*(.32+float64(i)*.18)
			c.stroke(white, s*.09, "M%.1f %.1fq%.1f %.1f %.1f 0t%.1f 0", x+s*.18, yy, s*.16, -s*.2, s*.32, s*.32)
		}
	},
	"eye": func(c *canvas, x, y, s float64) {
		c.stroke(white, s*.08, "M%.1f %.1fq%.1f %.1f %.1f 0q%.1f %.1f %.1f 0", x+s*.14, y+s*.5, s*.36, -s*.5, s*.72, -s*.36, s*.5, -s*.72)
		c.disc(x+s*.5, y+s*.5, s*.13, white)
	},
	"moon": func(c *canvas, x, y, s float64) {
		c.path(white, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f %.1fa%.1f %.1f 0 0 1 %.1f %.1fz",
			x+s*.56, y+s*.18, s*.33, s*.33, s*.26, s*.46, s*.27, s*.27, -s*.26, -s*.46)
	},
	"star": func(c *canvas, x, y, s float64) {
		xy := make([]float64, 0, 20)
		for i := range 10 {
			r := s * .38
			if i%2 == 1 {
				r = s * .17
			}
			px, py := polar(x+s/2, y+s*.53, r, float64(i)*36-90)
			xy = append(xy, px, py)
		}
		c.poly(white, xy...)
	},
	"peak": func(c *canvas, x, y, s float64) {
		c.poly(white, x+s*.12, y+s*.78, x+s*.44, y+s*.2, x+s*.6, y+s*.48, x+s*.68, y+s*.36, x+s*.9, y+s*.78)
	},
}

var white = colour{255, 255, 255}

// document wraps what was drawn. Only the outer size depends on width: the drawing is the same at every size.
func (c *canvas) document(title string, width int) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%d" height="%.0f" role="img">`+
		`<title>%s</title>%s</svg>`, c.w, c.h, width, float64(width)*c.h/c.w, escape(title), c.out.String())
}
