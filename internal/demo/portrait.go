package demo

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// personPoster is where the portrait of a person is served, below /posters/. No programme's image is so deep.
func personPoster(pe *person) string { return "person/" + pe.slug + "/portrait.svg" }

// drawPerson draws a portrait that resembles nobody: initials, a bust without a face, and the name. All is chosen by the
// slug, so that a person keeps theirs.
func drawPerson(pe *person, width int) []byte {
	n := hash(pe.slug)
	names := slices.Sorted(maps.Keys(palettes))
	c := newCanvas(800, 1200, palettes[names[n%uint64(len(names))]], pe.slug)
	x := c.w / 2

	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.glow))
	c.disc(x, 470, 620, c.halo(c.light, .4))
	for i := range 4 {
		r := 300 + float64(i)*74
		from := c.between(0, 360)
		x1, y1 := polar(x, 470, r, from)
		x2, y2 := polar(x, 470, r, from+c.between(190, 300))
		c.add(`<path d="M%.0f %.0fA%.0f %.0f 0 1 1 %.0f %.0f" fill="none" stroke="%s" stroke-width="10" stroke-linecap="round" opacity="%.2f"/>`,
			x1, y1, r, r, x2, y2, c.pick(c.light, c.accent, c.far), .5-.09*float64(i))
	}
	serif := letterings["serif"]
	c.text(serif, setting{[]string{initials(pe.name)}, 190}, x, 60, c.light, ` text-anchor="middle" fill-opacity=".55"`)

	c.bust(x, 500, int(n>>8%6))

	c.rect(0, c.h*.66, c.w, c.h*.34, c.fade(c.near.dark(.55), 0, .95))
	s := serif.fit(pe.name, c.w-128, 190, 82, 2)
	top := c.h - 76 - s.height()
	c.rect(64, top-32, 72, 8, c.accent)
	c.text(serif, s, 64, top, c.light, "")
	return c.document(pe.name, width)
}

// bust is a head at x, y and shoulders below it, lit from one side, with one of six heads of hair.
func (c *canvas) bust(x, y float64, hair int) {
	const w, h = 118., 152. // of half a head
	skin, shade := c.glow.mix(c.light, .35).mix(c.mid, .12), c.glow.mix(c.mid, .55)
	dark := c.near.mix(c.mid, .2)
	cloth := c.accent.mix(c.mid, .25)
	side := 1.
	if c.rnd.IntN(2) == 0 {
		side = -1
	}

	// Hair that falls behind.
	switch hair {
	case 1:
		c.path(dark, "M%.0f %.0fq-40 -260 176 -262q216 2 176 262q12 130 30 190h-412q18 -60 30 -190z", x-176, y+20)
	case 3:
		c.path(dark, "M%.0f %.0fq-30 -226 152 -228q182 2 152 228l-8 90h-288z", x-152, y+40)
	case 5:
		c.disc(x, y-h-44, 76, dark)
	}
	// Shoulders and neck.
	c.path(c.down(cloth.pale(.12), cloth.dark(.3)), "M%.0f %.0fq14 -250 210 -290q130 60 260 0q196 40 210 290v400h-680z", x-340, y+500)
	c.path(shade, "M%.0f %.0fh112l14 140q-70 60 -140 0z", x-56, y+90)
	c.path(cloth.dark(.2), "M%.0f %.0fq130 110 260 0l-22 -14q-108 92 -216 0z", x-130, y+212)
	// The head, one half in the light.
	c.oval(x, y, w, h, skin)
	c.veil(.6, func() {
		sweep := 1
		if side < 0 {
			sweep = 0
		}
		c.path(shade, "M%.0f %.0fA%.0f %.0f 0 0 %d %.0f %.0fQ%.0f %.0f %.0f %.0fZ", x, y-h, w, h, sweep, x, y+h, x+side*44, y, x, y-h)
	})
	// Hair.
	switch hair {
	case 0: // short, to one side
		c.path(dark, "M%.0f %.0fq-14 -176 122 -182q150 0 128 186q-16 -88 -%.0f -104q-110 40 -%.0f 100z", x-w-6, y-10, 118., 132.)
	case 2: // curls
		for i := range 11 {
			px, py := polar(x, y-30, 118, float64(i)*21-195)
			c.disc(px, py, c.between(40, 54), dark)
		}
	case 4: // cropped
		c.path(dark, "M%.0f %.0fq6 -146 117 -150q111 4 117 150q-30 -78 -117 -80q-87 2 -117 80z", x-w+1, y-14)
	default: // parted, before what falls or is tied behind
		c.path(dark, "M%.0f %.0fq-8 -168 126 -174q134 6 126 174q-20 -90 -%.0f -126q-40 80 -%.0f 126z", x-w-8, y+8, 126-30*side, 126+30*side)
	}
	// A thin outline of light.
	c.stroke(c.light, 5, "M%.0f %.0fA%.0f %.0f 0 0 %s %.0f %.0f", x-side*w*.97, y-30, w, h, map[bool]string{true: "0", false: "1"}[side > 0], x-side*w*.55, y+h*.83)
}

// initials are those of the parts of a name that have a capital, three at most.
func initials(name string) string {
	var out []rune
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' }) {
		if first := []rune(part)[0]; unicode.IsUpper(first) && len(out) < 3 {
			out = append(out, first)
		}
	}
	return string(out)
}
