package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// canvas is what a scene draws on. Scenes speak of its width and height, of the unit (a hundredth of the smaller side)
// and of the focus, the x at which the eye should rest: right of the title in a wide image, the middle of a tall one.
type canvas struct {
	w, h, unit, focus float64
	palette
	rnd   *rand.Rand
	out   strings.Builder
	names int
}

func newCanvas(w, h float64, p palette, seed string) *canvas {
	c := &canvas{w: w, h: h, unit: min(w, h) / 100, focus: w / 2, palette: p}
	if w > h {
		c.focus = w * .69
	}
	n := hash(seed)
	c.rnd = rand.New(rand.NewPCG(n, n>>7))
	return c
}

// between is chance, the same for the same seed.
func (c *canvas) between(lo, hi float64) float64 { return lo + c.rnd.Float64()*(hi-lo) }

func (c *canvas) pick(list ...colour) colour { return list[c.rnd.IntN(len(list))] }

func (c *canvas) pickNumber(list ...float64) float64 { return list[c.rnd.IntN(len(list))] }

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(&c.out, format, args...) }

// fill is a colour, or the reference of a gradient.
type fill interface{ String() string }

type ref string

func (r ref) String() string { return string(r) }

func (c *canvas) rect(x, y, w, h float64, f fill) {
	c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" fill="%s"/>`, x, y, w, h, f)
}

func (c *canvas) round(x, y, w, h, r float64, f fill) {
	c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="%.0f" fill="%s"/>`, x, y, w, h, r, f)
}

func (c *canvas) disc(x, y, r float64, f fill) {
	c.add(`<circle cx="%.0f" cy="%.0f" r="%.1f" fill="%s"/>`, x, y, r, f)
}

func (c *canvas) oval(x, y, rx, ry float64, f fill) {
	c.add(`<ellipse cx="%.0f" cy="%.0f" rx="%.1f" ry="%.1f" fill="%s"/>`, x, y, rx, ry, f)
}

func (c *canvas) veil(opacity float64, draw func()) {
	c.add(`<g opacity="%.2f">`, opacity)
	draw()
	c.add(`</g>`)
}

// poly takes x, y, x, y...
func (c *canvas) poly(f fill, xy ...float64) {
	c.add(`<path d="M`)
	for i := 0; i+1 < len(xy); i += 2 {
		c.add("%.0f %.0f ", xy[i], xy[i+1])
	}
	c.add(`Z" fill="%s"/>`, f)
}

func (c *canvas) path(f fill, format string, args ...any) {
	c.add(`<path d="%s" fill="%s"/>`, fmt.Sprintf(format, args...), f)
}

func (c *canvas) stroke(f fill, width float64, format string, args ...any) {
	c.add(`<path d="%s" fill="none" stroke="%s" stroke-width="%.1f" stroke-linecap="round" stroke-linejoin="round"/>`,
		fmt.Sprintf(format, args...), f, width)
}

// down is a gradient from top to bottom.
func (c *canvas) down(stops ...colour) ref { return c.linear("0", "1", stops...) }

// across is a gradient from left to right.
func (c *canvas) across(stops ...colour) ref { return c.linear("1", "0", stops...) }

func (c *canvas) linear(x2, y2 string, stops ...colour) ref {
	c.names++
	c.add(`<linearGradient id="g%d" x1="0" y1="0" x2="%s" y2="%s">`, c.names, x2, y2)
	for i, s := range stops {
		c.add(`<stop offset="%.2f" stop-color="%s"/>`, float64(i)/float64(max(len(stops)-1, 1)), s)
	}
	c.add(`</linearGradient>`)
	return ref(fmt.Sprintf("url(#g%d)", c.names))
}

// fade is one colour that vanishes, downwards from opacity a to b.
func (c *canvas) fade(s colour, a, b float64) ref {
	c.names++
	c.add(`<linearGradient id="g%d" x1="0" y1="0" x2="0" y2="1"><stop stop-color="%s" stop-opacity="%.2f"/>`+
		`<stop offset="1" stop-color="%s" stop-opacity="%.2f"/></linearGradient>`, c.names, s, a, s, b)
	return ref(fmt.Sprintf("url(#g%d)", c.names))
}

// halo is one colour that vanishes from the centre outwards.
func (c *canvas) halo(s colour, opacity float64) ref {
	c.names++
	c.add(`<radialGradient id="g%d"><stop stop-color="%s" stop-opacity="%.2f"/><stop offset=".4" stop-color="%s" `+
		`stop-opacity="%.2f"/><stop offset="1" stop-color="%s" stop-opacity="0"/></radialGradient>`,
		c.names, s, opacity, s, opacity*.4, s)
	return ref(fmt.Sprintf("url(#g%d)", c.names))
}
