package demo

// Scenes of town: streets, façades, and the buildings people work in.

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

func drawSkyline(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.stars(50, c.h*.35)
	c.moon(x+20*u, c.h*.17, 5*u)
	c.clouds(4, c.h*.12, c.h*.35, c.far, .35)
	base := c.h * .72
	for row, s := range []colour{c.far.mix(c.glow, .25), c.far.mix(c.mid, .5), c.mid.mix(c.near, .5)} {
		for px := -3 * u; px < c.w; {
			w := c.between(5, 11) * u
			// Taller near the focus: the eye goes there.
			near := 1 - min(abs(px-x)/(c.w*.6), 1)
			h := (c.between(12, 26) + near*c.between(8, 30)*(1-float64(row)*.25)) * u
			c.tower(px, base, w, h, s, row)
			px += w + c.between(-.5, 2.5)*u
		}
		c.mist(base-18*u, 18*u, .4-.12*float64(row))
	}
	c.sea(base, x+20*u)
	// Lights on the water.
	for range 40 {
		c.add(`<rect x="%.0f" y="%.0f" width="%.1f" height="%.0f" fill="%s" opacity="%.2f"/>`, c.between(0, c.w), base+u,
			c.between(.4, .9)*u, c.between(4, 18)*u, c.pick(c.light, c.accent, c.glow), c.between(.1, .4))
	}
}

func (c *canvas) tower(x, y, w, h float64, s colour, row int) {
	u := c.unit
	c.rect(x, y-h, w, h, c.down(s.pale(.06), s))
	switch c.rnd.IntN(5) {
	case 0:
		c.rect(x+w*.46, y-h-6*u, .5*u, 6*u, s)
		c.disc(x+w*.49, y-h-6*u, .5*u, c.accent)
	case 1:
		c.poly(s, x, y-h+1, x+w, y-h+1, x+w, y-h-4*u)
	case 2:
		c.rect(x+w*.2, y-h-2*u, w*.6, 2*u+1, s)
	}
	if row == 0 {
		return
	}
	warm := c.pick(c.light, c.light, c.accent.pale(.4), c.glow)
	// One path for all the windows of a tower: there are thousands.
	c.add(`<path fill="%s" opacity="%.1f" d="`, warm, c.between(.6, 1))
	for wy := y - h + 2*u; wy < y-3*u; wy += 2.5 * u {
		for wx := x + .9*u; wx < x+w-1.2*u; wx += 1.8 * u {
			if c.rnd.Float64() < .34 {
				c.add("M%.0f %.0fh%.0fv%.0fh-%.0fz", wx, wy, u, 1.3*u, u)
			}
		}
	}
	c.add(`"/>`)
}

func drawFacade(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.far, c.mid, c.near))
	cw, ch := 17*u, 23*u
	var rooms []ref
	for _, s := range []colour{c.light, c.light.mix(c.accent, .3), c.glow, c.light.mix(c.sky, .25)} {
		rooms = append(rooms, c.down(s.pale(.2), s.mix(c.accent, .25)))
	}
	// The grid is aligned on the focus, so that a whole window is always there.
	startX := x - cw/2
	for startX > 0 {
		startX -= cw
	}
	for row, y := 0, -6*u; y < c.h; row, y = row+1, y+ch {
		c.rect(0, y+ch-2.2*u, c.w, 1.1*u, c.near.mix(c.far, .25))
		for wx := startX; wx < c.w; wx += cw {
			c.window(wx+3*u, y+3*u, 11*u, 15*u, rooms)
		}
	}
	// Light of the street.
	c.rect(0, 0, c.w, c.h, c.fade(c.top, .35, 0))
	c.disc(x, c.h*.38, 52*u, c.halo(c.light, .22))
}

// window is one home: lit or not, with somebody, a plant, a cat or a curtain.
func (c *canvas) window(x, y, w, h float64, rooms []ref) {
	u := c.unit
	c.rect(x-.8*u, y-.8*u, w+1.6*u, h+1.6*u, c.near)
	if c.rnd.Float64() < .3 {
		c.rect(x, y, w, h, c.near.mix(c.sky, .3))
		c.veil(.18, func() { c.poly(white, x+w*.1, y+h, x+w*.5, y, x+w*.75, y, x+w*.35, y+h) })
	} else {
		c.rect(x, y, w, h, rooms[c.rnd.IntN(len(rooms))])
		c.tenant(x, y, w, h)
		if c.rnd.IntN(2) == 0 {
			cloth := c.accent.mix(c.far, c.between(0, .7))
			c.path(cloth, "M%.0f %.0fh%.0fq0 %.0f %.0f %.0fz", x, y, w*.3, h*.7, -w*.3, h)
			c.path(cloth.dark(.1), "M%.0f %.0fh%.0fq0 %.0f %.0f %.0fz", x+w, y, -w*.3, h*.7, w*.3, h)
		}
	}
	c.rect(x+w/2-.25*u, y, .5*u, h, c.near)
	c.rect(x, y+h*.32, w, .5*u, c.near)
	if c.rnd.IntN(3) == 0 {
		// A balcony of iron.
		c.add(`<path stroke="%s" stroke-width="%.1f" d="`, c.near.dark(.4), .4*u)
		for i := range 8 {
			c.add("M%.0f %.0fv%.0f", x-u+float64(i)*(w+2*u)/7.4, y+h*.68, h*.36)
		}
		c.add(`"/>`)
		c.rect(x-1.4*u, y+h*.66, w+2.8*u, .7*u, c.near.dark(.4))
	}
}

func (c *canvas) tenant(x, y, w, h float64) {
	dark := c.near.mix(c.accent, c.between(0, .2))
	switch c.rnd.IntN(6) {
	case 0, 1: // somebody at the window
		cx := x + w*c.between(.35, .65)
		c.disc(cx, y+h*.52, w*.13, dark)
		c.path(dark, "M%.0f %.0fq%.0f %.0f %.0f 0v%.0fh%.0fz", cx-w*.24, y+h*.84, w*.24, -h*.34, w*.48, h*.16, -w*.48)
	case 2: // a cat
		cx := x + w*.6
		c.path(dark, "M%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz", cx-w*.14, y+h,
			-w*.02, -h*.16, w*.06, -h*.24, 0., -h*.1, w*.06, h*.04, w*.06, 0., w*.06, -h*.04, w*.12, h*.2, w*.04, h*.34)
		c.stroke(dark, w*.04, "M%.0f %.0fq%.0f %.0f %.0f %.0f", cx+w*.1, y+h*.98, w*.2, 0., w*.16, -h*.2)
	case 3: // a plant
		cx := x + w*.3
		c.rect(cx-w*.1, y+h*.84, w*.2, h*.16, c.accent.dark(.2))
		for _, a := range []float64{-150, -120, -90, -60, -30} {
			px, py := polar(cx, y+h*.84, h*.26, a)
			c.stroke(c.mid.turn(60), w*.06, "M%.0f %.0fL%.0f %.0f", cx, y+h*.84, px, py)
		}
	case 4: // a lamp
		cx := x + w*.7
		c.rect(cx-w*.02, y, w*.04, h*.3, dark)
		c.poly(c.accent, cx-w*.06, y+h*.28, cx+w*.06, y+h*.28, cx+w*.17, y+h*.42, cx-w*.17, y+h*.42)
	}
}

func abs(x float64) float64 { return max(x, -x) }

func drawHouse(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.stars(40, c.h*.4)
	c.moon(x-34*u, c.h*.2, 4*u)
	c.clouds(5, c.h*.1, c.h*.4, c.far, .4)
	c.veil(.7, func() { c.hill(c.h*.58, 6*u, c.far) })
	for range 12 {
		c.bush(c.between(0, c.w), c.h*c.between(.6, .66), c.between(3, 6)*u, c.mid)
	}
	base := c.h * .74
	wall := c.across(c.light.mix(c.mid, .45), c.light.mix(c.mid, .62))
	roof := c.down(c.mid.mix(c.accent, .25), c.near)

	// The body, its mansard roof, then the gable in front.
	c.rect(x-24*u, base-30*u, 48*u, 32*u, wall)
	c.poly(roof, x-26*u, base-30*u, x-20*u, base-42*u, x+20*u, base-42*u, x+26*u, base-30*u)
	for _, dx := range []float64{-16, 14} {
		c.rect(x+dx*u, base-48*u, 3*u, 8*u, c.near)
	}
	c.rect(x-8*u, base-36*u, 16*u, 38*u, c.light.mix(c.mid, .35))
	c.poly(roof, x-10*u, base-36*u, x, base-50*u, x+10*u, base-36*u)
	c.disc(x, base-40*u, 2.2*u, c.light)

	pane := func(px, py, w, h float64) {
		lit := c.rnd.Float64() < .7
		f := c.near.mix(c.sky, .3)
		if lit {
			f = c.light.mix(c.accent, c.between(0, .3))
			c.disc(px+w/2, py+h/2, w*1.6, c.halo(c.light, .35))
		}
		c.rect(px-.5*u, py-.5*u, w+u, h+u, c.near)
		c.rect(px, py, w, h, f)
		c.rect(px+w/2-.2*u, py, .4*u, h, c.near)
		c.rect(px, py+h*.4, w, .4*u, c.near)
	}
	for _, dx := range []float64{-20.5, -13.5, 10, 17} {
		pane(x+dx*u, base-26*u, 3.6*u, 7*u)
		pane(x+dx*u, base-12*u, 3.6*u, 8*u)
	}
	for _, dx := range []float64{-5.4, 1.8} {
		pane(x+dx*u, base-31*u, 3.6*u, 7*u)
		pane(x+dx*u, base-20*u, 3.6*u, 6*u)
	}
	c.round(x-3*u, base-10*u, 6*u, 12*u, 3*u, c.accent.dark(.3))
	c.disc(x+1.8*u, base-4*u, .4*u, c.light)
	c.poly(c.near, x-6*u, base+2*u, x+6*u, base+2*u, x+8*u, base+4*u, x-8*u, base+4*u)

	c.hill(base+3*u, 2*u, c.down(c.mid, c.near))
	c.poly(c.down(c.light.mix(c.mid, .55), c.near.mix(c.mid, .4)), x-4*u, base+3*u, x+4*u, base+3*u, x-2*u, c.h, x-34*u, c.h)
	for i := range 9 {
		c.bush(x+(-46+float64(i)*11.5)*u, base+c.between(4, 7)*u, c.between(2, 4)*u, c.near.mix(c.mid, .3))
	}
	// A lamp at the gate.
	c.rect(x+29*u, base-12*u, .8*u, 18*u, c.near)
	c.disc(x+29.4*u, base-13*u, 8*u, c.halo(c.light, .9))
	c.disc(x+29.4*u, base-13*u, 1.2*u, c.light)
}

func drawFactory(c *canvas) {
	u, x, base := c.unit, c.focus, c.h*.68
	c.paintSky()
	c.sun(x-22*u, c.h*.34, 7*u, c.light.mix(c.accent, .3))
	c.veil(.55, func() { c.houses(base-6*u, 6*u, 14*u, c.far, c.light, .1) })
	c.mist(base-26*u, 20*u, .5)
	for i, ch := range []struct{ dx, h float64 }{{-24, 44}, {20, 52}, {34, 36}} {
		cx, top := x+ch.dx*u, base-ch.h*u
		c.poly(c.across(c.mid.mix(c.accent, .3), c.near), cx-2.4*u, base, cx-1.5*u, top, cx+1.5*u, top, cx+2.4*u, base)
		c.rect(cx-2*u, top, 4*u, 1.4*u, c.near)
		// Smoke leans with the wind and grows.
		for j := range 7 {
			t := float64(j)
			c.add(`<circle cx="%.0f" cy="%.0f" r="%.0f" fill="%s" opacity="%.2f"/>`, cx+t*t*.9*u+float64(i)*u,
				top-(2+t*2.6)*u, (1.8+t*1.1)*u, c.far.mix(c.glow, .5), .5-.06*t)
		}
	}
	// Saw-tooth roofs with their north light.
	brick := c.down(c.mid.mix(c.accent, .28), c.near.mix(c.accent, .1))
	for i := range 6 {
		rx := x + (-52+float64(i)*18)*u
		c.poly(c.near.mix(c.mid, .5), rx, base-18*u, rx+4*u, base-28*u, rx+18*u, base-18*u)
		c.poly(c.light, rx+1.4*u, base-19*u, rx+4*u, base-25.6*u, rx+6.4*u, base-24.2*u, rx+6.4*u, base-19*u)
	}
	c.rect(x-54*u, base-18*u, 112*u, 20*u, brick)
	for i := range 12 {
		wx := x + (-51+float64(i)*9)*u
		c.path(c.near, "M%.0f %.0fv%.0fq%.0f %.0f %.0f 0v%.0fz", wx-.6*u, base-2*u, -11*u, 3.1*u, -4*u, 6.2*u, 11*u)
		c.path(c.down(c.light, c.accent.mix(c.light, .5)), "M%.0f %.0fv%.0fq%.0f %.0f %.0f 0v%.0fz", wx, base-2.6*u, -10*u, 2.5*u, -3.4*u, 5*u, 10*u)
		c.rect(wx+2.2*u, base-14*u, .5*u, 12*u, c.near)
		c.rect(wx, base-8*u, 5*u, .5*u, c.near)
	}
	c.rect(0, base+u, c.w, c.h-base, c.down(c.mid, c.near))
	// The shift walks in.
	for range 16 {
		c.walker(c.between(.02, .98)*c.w, base+c.between(5, 9)*u, c.between(6, 7.5)*u, c.near.dark(c.between(.3, .6)))
	}
}

// walker is a person seen from afar, feet on y.
func (c *canvas) walker(x, y, h float64, s colour) {
	c.disc(x, y-h*.88, h*.11, s)
	c.path(s, "M%.0f %.0fq%.0f %.0f %.0f 0l%.0f %.0fh%.0fl%.0f %.0fl%.0f %.0fh%.0fz", x-h*.13, y-h*.68, h*.13, -h*.14, h*.26,
		h*.03, h*.36, -h*.06, h*.05, h*.32, -h*.36, 0., -h*.04)
	c.poly(s, x-h*.13, y-h*.68, x+h*.13, y-h*.68, x+h*.15, y-h*.3, x+h*.2, y, x+h*.1, y, x, y-h*.28, x-h*.1, y, x-h*.2, y, x-h*.14, y-h*.3)
}

func drawCourthouse(c *canvas) {
	u, x, base := c.unit, c.focus, c.h*.7
	c.paintSky()
	c.clouds(7, c.h*.06, c.h*.4, c.far.mix(c.glow, .3), .5)
	c.disc(x, base-26*u, 60*u, c.halo(c.light, .4))
	stone, shade := c.light.mix(c.far, .35), c.far.mix(c.mid, .6)
	c.rect(x-46*u, base-30*u, 92*u, 32*u, c.down(shade, c.near))
	c.poly(c.down(stone, stone.mix(c.mid, .3)), x-36*u, base-36*u, x, base-53*u, x+36*u, base-36*u)
	c.poly(c.down(shade, c.mid), x-26*u, base-37.5*u, x, base-50*u, x+26*u, base-37.5*u)
	// The scales in the pediment.
	c.stroke(c.accent, .7*u, "M%.0f %.0fv%.0fM%.0f %.0fh%.0f", x, base-38.6*u, -8*u, x-8*u, base-45*u, 16*u)
	for _, dx := range []float64{-8, 8} {
		c.stroke(c.accent, .35*u, "M%.0f %.0fl%.0f %.0fM%.0f %.0fl%.0f %.0f", x+dx*u, base-45*u, -2.4*u, 4*u, x+dx*u, base-45*u, 2.4*u, 4*u)
		c.path(c.accent, "M%.0f %.0fh%.0fq%.0f %.0f %.0f 0z", x+(dx-3)*u, base-41*u, 6*u, -3*u, 3.2*u, -6*u)
	}
	c.rect(x-37*u, base-36*u, 74*u, 4*u, c.down(stone.pale(.15), stone))
	for i := range 8 {
		cx := x + (-33.5+float64(i)*9.57)*u
		c.rect(cx-2.8*u, base-32*u, 5.6*u, 1.6*u, stone)
		c.rect(cx-2*u, base-30.4*u, 4*u, 30*u, c.across(stone.pale(.25), stone, shade))
		c.rect(cx-2.8*u, base-1.4*u, 5.6*u, 1.8*u, stone)
	}
	c.rect(x-4*u, base-20*u, 8*u, 20*u, c.light)
	c.disc(x, base-10*u, 18*u, c.halo(c.light, .8))
	for i := range 9 {
		t := float64(i)
		s := stone.mix(c.near, .1+t*.085)
		c.rect(x-(38+t*3.4)*u, base+t*3*u, (76+t*6.8)*u, 3.2*u, c.down(s, s.dark(.25)))
	}
	for i := range 5 {
		c.walker(x+(-26+float64(i)*12+c.between(-3, 3))*u, base+c.between(4, 12)*u, c.between(9, 11)*u, c.near.dark(.5))
	}
}

func drawTrain(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.stars(40, c.h*.3)
	c.sun(x+8*u, c.h*.28, 8*u, c.light)
	c.clouds(4, c.h*.1, c.h*.35, c.glow.pale(.2), .4)
	c.veil(.7, func() { c.ridge(c.h*.46, 9*u, .5, c.far) })
	c.mist(c.h*.42, c.h*.16, .6)
	c.ridge(c.h*.62, 6*u, .4, c.mid)
	for range 26 {
		c.tree(c.between(0, c.w), c.h*c.between(.64, .7), c.between(4, 8)*u, c.mid.dark(.3))
	}
	c.mist(c.h*.58, c.h*.16, .4)

	deck := c.h * .52
	step := 20 * u
	stone := c.down(c.mid.mix(c.glow, .22), c.near)
	c.add(`<path fill="%s" fill-rule="evenodd" d="M0 %.0fH%.0fV%.0fH0Z`, stone, deck, c.w, c.h)
	for l := x - 8*step - step*.4; l < c.w; l += step {
		c.add("M%.0f %.0fv-%.0fa%.0f %.0f 0 0 1 %.0f 0v%.0fZ", l, c.h+2, c.h-deck-11*u, step*.4, 9*u, step*.8, c.h-deck-11*u)
	}
	c.add(`"/>`)
	c.rect(0, deck-.8*u, c.w, 1.8*u, c.near)

	// An engine and its coaches, windows lit.
	y := deck - u
	paint := c.down(c.accent, c.accent.dark(.4))
	c.path(paint, "M%.0f %.0fh%.0fv%.0fh%.0fq%.0f 0 %.0f %.0fq%.0f %.0f %.0f %.0fz", x-20*u, y, 26*u, -8.6*u, -16*u, -7*u, -9*u, 4*u, -2*u, 1.6*u, -3*u, 4.6*u)
	c.path(c.light, "M%.0f %.0fh%.0fv%.0fh%.0fz", x-17.4*u, y-4.6*u, 5*u, -2.6*u, -3*u)
	c.disc(x-20*u, y-2.6*u, 12*u, c.halo(c.light, .9))
	c.disc(x-20*u, y-2.6*u, .9*u, c.light.pale(.7))
	for i := range 7 {
		cx := x + (7+float64(i)*22)*u
		c.round(cx, y-8.4*u, 21*u, 8.4*u, u, c.down(c.far.mix(c.light, .15), c.mid))
		c.rect(cx, y-3*u, 21*u, .9*u, c.accent)
		for j := range 6 {
			c.round(cx+(1.4+float64(j)*3.2)*u, y-6.9*u, 2.4*u, 2.7*u, .4*u, c.pick(c.light, c.light, c.light.mix(c.near, .6)))
		}
	}
	c.hill(c.h*.9, 3*u, c.fade(c.near, .9, 1))
}
