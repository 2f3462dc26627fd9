package demo

import (
	"fmt"
	"math"
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

// ---- what several scenes share

func (c *canvas) paintSky() { c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.glow)) }

func (c *canvas) sun(x, y, r float64, s colour) {
	c.disc(x, y, r*4.5, c.halo(s, .55))
	c.disc(x, y, r, c.down(s.pale(.5), s))
}

func (c *canvas) moon(x, y, r float64) {
	c.disc(x, y, r*5, c.halo(c.light, .4))
	c.disc(x, y, r, c.light)
	c.veil(.12, func() {
		c.disc(x-r*.3, y-r*.2, r*.22, c.near)
		c.disc(x+r*.35, y+r*.3, r*.3, c.near)
		c.disc(x+r*.2, y-r*.45, r*.14, c.near)
	})
}

func (c *canvas) stars(n int, bottom float64) {
	for range n {
		// Squared: fewer stars near the horizon.
		y := c.rnd.Float64()
		c.add(`<circle cx="%.0f" cy="%.0f" r="%.1f" fill="%s" opacity="%.1f"/>`,
			c.between(0, c.w), y*y*bottom, c.between(.12, .42)*c.unit, c.light, c.between(.3, 1))
	}
}

// clouds are rows of flat-bottomed puffs.
func (c *canvas) clouds(n int, top, bottom float64, s colour, opacity float64) {
	c.veil(opacity, func() {
		for range n {
			c.cloud(c.between(-.05, 1)*c.w, c.between(top, bottom), c.between(5, 13)*c.unit, s)
		}
	})
}

func (c *canvas) cloud(x, y, r float64, s fill) {
	c.path(s, "M%.0f %.0fh%.0fa%.0f %.0f 0 0 0 %.0f %.0fa%.0f %.0f 0 0 0 %.0f %.0fa%.0f %.0f 0 0 0 %.0f %.0fa%.0f %.0f 0 0 0 %.0f %.0fz",
		x, y, r*3.2,
		r*.5, r*.5, -r*.2, -r*.95,
		r*.8, r*.8, -r*1.2, -r*.55,
		r*.7, r*.7, -r*1.15, r*.5,
		r*.52, r*.52, -r*.65, r)
}

// ridge is a jagged line of hills from side to side, filled to the bottom: around height y, up to amp above and below.
// Roughness is near .35 for hills and .6 for mountains.
func (c *canvas) ridge(y, amp, roughness float64, f fill) []float64 {
	const steps = 32
	line := make([]float64, steps+1)
	line[0], line[steps] = c.between(-1, 1), c.between(-1, 1)
	scale := 1.0
	for span := steps; span > 1; span /= 2 {
		for i := span / 2; i < steps; i += span {
			line[i] = (line[i-span/2]+line[i+span/2])/2 + c.between(-1, 1)*scale
		}
		scale *= roughness
	}
	c.add(`<path d="M0 %.0f`, c.h)
	for i, v := range line {
		line[i] = y + v*amp*.6
		c.add("L%.0f %.0f", float64(i)*c.w/steps, line[i])
	}
	c.add(`L%.0f %.0fZ" fill="%s"/>`, c.w, c.h, f)
	return line
}

// hill is one soft wave from side to side, filled to the bottom.
func (c *canvas) hill(y, amp float64, f fill) {
	a, b := c.between(-amp, amp), c.between(-amp, amp)
	c.path(f, "M0 %.0fC%.0f %.0f %.0f %.0f %.0f %.0fS%.0f %.0f %.0f %.0fV%.0fH0Z",
		y, c.w*.2, y-amp+a, c.w*.3, y-amp, c.w*.5, y+b*.3, c.w*.85, y+amp, c.w, y-a*.5, c.h)
}

// mist hangs over the foot of what was drawn last.
func (c *canvas) mist(y, h, opacity float64) {
	c.rect(0, y, c.w, h, c.fade(c.glow, 0, opacity))
}

// sea fills from y to the bottom, with glitter under x.
func (c *canvas) sea(y, x float64) {
	c.rect(0, y, c.w, c.h-y, c.down(c.glow.mix(c.mid, .45), c.mid, c.near))
	for i := range 26 {
		t := float64(i) / 26
		yy := y + t*t*(c.h-y)*.9 + c.unit*.6
		half := c.between(1, 5+18*t) * c.unit
		xx := x + c.between(-6-22*t, 6+22*t)*c.unit
		c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.1f" rx="2" fill="%s" opacity="%.2f"/>`,
			xx-half, yy, half*2, (.25+.5*t)*c.unit, c.light, .5-.38*t)
	}
}

// tree is a fir of three tiers standing on y.
func (c *canvas) tree(x, y, h float64, s colour) {
	w := h * .24
	c.path(s, "M%.0f %.0fl%.0f %.0fh%.0fl%.0f %.0fh%.0fl%.0f %.0fh%.0fv%.0fh%.0fv%.0fH%.0fl%.0f %.0fh%.0fl%.0f %.0fh%.0fZ",
		x, y-h, w*.55, h*.34, -w*.2, w*.5, h*.3, -w*.25, w*.5, h*.28, -w*.85, h*.08, -w*.5, -h*.08, x-w*1.1,
		w*.5, -h*.28, -w*.25, w*.5, -h*.3, -w*.2)
}

// bush is a round tree.
func (c *canvas) bush(x, y, r float64, s colour) {
	c.rect(x-r*.1, y-r*.6, r*.2, r*.7, s.dark(.4))
	c.disc(x, y-r*1.3, r, s)
	c.disc(x-r*.6, y-r*.9, r*.6, s.dark(.08))
	c.disc(x+r*.55, y-r, r*.65, s.dark(.05))
	c.disc(x-r*.25, y-r*1.6, r*.45, s.pale(.12))
}

func (c *canvas) bird(x, y, s float64, f fill) {
	c.stroke(f, s*.14, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0f",
		x-s, y-s*.2, s*.6, -s*.4, s, s*.3, s*.4, -s*.7, s, -s*.3)
}

func polar(x, y, r, degrees float64) (float64, float64) {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return x + r*cos, y + r*sin
}

func wave(x float64) float64 { return math.Sin(x) }
