package demo

import "math"

// What several scenes share: skies, ground, and small things that stand on it.

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

// houses is a row of roofs from side to side whose walls end on y; lit is the share of windows with a light.
func (c *canvas) houses(y, low, high float64, s, light colour, lit float64) {
	u := c.unit
	for x := -4 * u; x < c.w; {
		w, h := c.between(6, 12)*u, c.between(low, high)
		wall := s.mix(c.glow, c.between(0, .12))
		c.rect(x, y-h, w, h+4*u, wall)
		if c.rnd.IntN(3) > 0 {
			c.poly(wall.dark(.25), x-.4*u, y-h, x+w/2, y-h-c.between(2, 5)*u, x+w+.4*u, y-h)
		} else {
			c.rect(x+w*.6, y-h-2*u, 1.2*u, 2*u, wall.dark(.3))
		}
		for wy := y - h + 2*u; wy < y-1.5*u; wy += 3.6 * u {
			for wx := x + 1.2*u; wx < x+w-1.4*u; wx += 2.6 * u {
				if c.rnd.Float64() < lit {
					c.rect(wx, wy, 1.1*u, 1.7*u, light)
				}
			}
		}
		x += w
	}
}

func (c *canvas) spire(x, y, h float64, s colour) {
	c.rect(x-h*.12, y-h*.6, h*.24, h*.6, s)
	c.poly(s.dark(.15), x-h*.14, y-h*.6, x, y-h, x+h*.14, y-h*.6)
	c.round(x-h*.04, y-h*.52, h*.08, h*.14, h*.04, c.light)
}

// walker is a person seen from afar, feet on y.
func (c *canvas) walker(x, y, h float64, s colour) {
	c.disc(x, y-h*.88, h*.11, s)
	c.path(s, "M%.0f %.0fq%.0f %.0f %.0f 0l%.0f %.0fh%.0fl%.0f %.0fl%.0f %.0fh%.0fz", x-h*.13, y-h*.68, h*.13, -h*.14, h*.26,
		h*.03, h*.36, -h*.06, h*.05, h*.32, -h*.36, 0., -h*.04)
	c.poly(s, x-h*.13, y-h*.68, x+h*.13, y-h*.68, x+h*.15, y-h*.3, x+h*.2, y, x+h*.1, y, x, y-h*.28, x-h*.1, y, x-h*.2, y, x-h*.14, y-h*.3)
}

func abs(x float64) float64 { return max(x, -x) }
