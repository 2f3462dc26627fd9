package demo

// Scenes of streets, by night for the most part.

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

func drawTram(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.stars(30, c.h*.3)
	base := c.h * .68
	for row, s := range []colour{c.far, c.mid} {
		for px := -2 * u; px < c.w; {
			w := c.between(8, 15) * u
			c.tower(px, base, w, c.between(26, 44-8*float64(row))*u, s, row+1)
			px += w
		}
		c.mist(base-20*u, 20*u, .3)
	}
	// Shop signs, blurred by the night.
	for range 9 {
		s := c.pick(c.accent, c.light, c.glow)
		sx, sy := c.between(0, c.w), base-c.between(4, 12)*u
		c.disc(sx, sy, 9*u, c.halo(s, .6))
		c.round(sx-3*u, sy-.8*u, 6*u, 1.6*u, .8*u, s.pale(.3))
	}
	c.rect(0, base, c.w, c.h-base, c.down(c.mid.dark(.1), c.near.dark(.4)))
	for _, dy := range []float64{6, 10} {
		c.veil(.7, func() { c.rect(0, base+dy*u, c.w, .5*u, c.glow) })
	}
	for range 24 {
		c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.1f" rx="2" fill="%s" opacity="%.2f"/>`, c.between(0, c.w), base+c.between(2, 28)*u,
			c.between(4, 16)*u, .5*u, c.pick(c.accent, c.light, c.glow), c.between(.1, .4))
	}
	// Wires, then the tram in three cars.
	c.veil(.6, func() {
		c.stroke(c.near, .3*u, "M0 %.0fQ%.0f %.0f %.0f %.0f", base-33*u, x, base-30*u, c.w, base-34*u)
		c.stroke(c.near, .3*u, "M0 %.0fQ%.0f %.0f %.0f %.0f", base-36*u, x, base-31*u, c.w, base-31*u)
	})
	y := base + 8*u
	c.stroke(c.near, .7*u, "M%.0f %.0fl%.0f %.0fl%.0f %.0f", x+6*u, y-24*u, -4*u, -6*u, 5*u, -7*u)
	body := c.down(c.light.mix(c.far, .15), c.accent, c.accent.dark(.5))
	c.path(body, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fh%.0fv%.0fz", x-34*u, y-2*u, -.5*u, -12*u, 5*u, -18*u, 1.6*u, -2*u, 6*u, -2.6*u, c.w, 22.6*u)
	c.path(c.down(c.light.pale(.3), c.light.mix(c.accent, .2)), "M%.0f %.0fq%.0f %.0f %.0f %.0fh%.0fv%.0fz", x-32*u, y-9*u, .6*u, -7*u, 4*u, -11*u, 6*u, 11*u)
	for i := range 9 {
		wx := x + (-18+float64(i)*12)*u
		c.round(wx, y-19.6*u, 10*u, 9.6*u, u, c.down(c.light.pale(.3), c.light.mix(c.accent, .25)))
		if c.rnd.IntN(2) == 0 {
			px := wx + c.between(3, 7)*u
			c.disc(px, y-14.4*u, 1.5*u, c.near)
			c.path(c.near, "M%.0f %.0fq%.0f %.0f %.0f 0z", px-2.6*u, y-10*u, 2.6*u, -6*u, 5.2*u)
		}
		if i%3 == 2 {
			c.rect(wx+10.4*u, y-22*u, 1.2*u, 21*u, c.near.mix(c.accent, .2))
		}
	}
	c.rect(x-34*u, y-7*u, c.w, .9*u, c.light)
	c.rect(x-32*u, y-2.4*u, c.w, 2.4*u, c.near)
	c.disc(x-33*u, y-5*u, 15*u, c.halo(c.light, .95))
	c.disc(x-33*u, y-5*u, 1.2*u, white)
	c.poly(c.fade(c.light, .28, 0), x-34*u, y-5.6*u, x-34*u, y-4*u, x-110*u, y+12*u, x-110*u, y-4*u)
}

func drawVillage(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.sun(x-34*u, c.h*.2, 6*u, c.light)
	c.clouds(6, c.h*.08, c.h*.34, white.mix(c.glow, .2), .6)
	c.veil(.7, func() { c.hill(c.h*.44, 8*u, c.far.mix(c.glow, .3)) })
	c.hill(c.h*.52, 6*u, c.down(c.far, c.mid))
	for range 18 {
		c.bush(c.between(0, c.w), c.h*c.between(.52, .6), c.between(1.6, 3.4)*u, c.mid.mix(c.far, c.between(0, .4)))
	}
	c.mist(c.h*.48, c.h*.14, .35)
	// Houses that climb towards the church, the far ones first.
	stone := []colour{c.light.mix(c.mid, .2), c.light.mix(c.glow, .4), c.light.mix(c.far, .35), c.light.mix(c.accent, .2)}
	roof := []colour{c.accent.dark(.25), c.accent.dark(.38), c.near.mix(c.accent, .35)}
	top := c.h * .5
	c.rect(x-3*u, top-27*u, 8*u, 30*u, c.across(stone[0], stone[0].dark(.25)))
	c.poly(c.near.mix(c.accent, .2), x-4*u, top-27*u, x+u, top-40*u, x+6*u, top-27*u)
	c.stroke(c.near, .4*u, "M%.0f %.0fv%.0fM%.0f %.0fh%.0f", x+u, top-40*u, -5*u, x-.6*u, top-43*u, 3.2*u)
	c.disc(x+u, top-21*u, 2*u, c.light)
	c.stroke(c.near, .35*u, "M%.0f %.0fv%.0fl%.0f %.0f", x+u, top-21*u, -1.3*u, .1, 1.3*u)
	c.round(x-.3*u, top-15*u, 2.6*u, 5*u, 1.3*u, c.near)
	for row := range 3 {
		y := top + (2+float64(row)*8)*u
		span := (22 + float64(row)*15) * u
		for hx := x - span; hx < x+span; {
			w, h := c.between(9, 14)*u, c.between(8, 12)*u
			s := stone[c.rnd.IntN(4)]
			yy := y + abs(hx+w/2-x)*.12
			c.rect(hx, yy-h, w, h+8*u, s)
			c.rect(hx+w*.72, yy-h, w*.28, h+8*u, s.dark(.14))
			c.poly(roof[c.rnd.IntN(3)], hx-.8*u, yy-h, hx+w*.2, yy-h-4.4*u, hx+w*.86, yy-h-4.4*u, hx+w+.8*u, yy-h)
			for i := range 2 {
				pane := c.pick(c.near.mix(c.mid, .3), c.light.mix(c.accent, .15), c.near.mix(c.mid, .3))
				c.rect(hx+(1.6+float64(i)*4)*u, yy-h*.66, 1.9*u, 2.6*u, pane)
			}
			if c.rnd.IntN(2) == 0 {
				c.rect(hx+w*.62, yy-h-6*u, 1.5*u, 4*u, s.dark(.2))
			}
			hx += w + c.between(-.6, 2)*u
		}
	}
	c.hill(c.h*.76, 4*u, c.down(c.mid, c.near))
	c.path(c.light.mix(c.mid, .45), "M%.0f %.0fq%.0f %.0f %.0f %.0fh%.0fq%.0f %.0f %.0f %.0fz", x-2*u, c.h*.72, 8*u, 8*u, -22*u, 30*u, 20*u, 14*u, -20*u, 6*u, -30*u)
	for range 12 {
		c.bush(c.between(0, c.w), c.h*c.between(.78, .9), c.between(2, 4)*u, c.near.mix(c.mid, c.between(.1, .6)))
	}
	for range 5 {
		c.bird(x+c.between(-20, 24)*u, c.h*c.between(.1, .24), 1.3*u, c.near)
	}
}
