package demo

// Scenes of sea and river. What must be seen stays above two thirds of the height: below, titles are set.

func drawLighthouse(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.62
	c.paintSky()
	c.stars(40, horizon*.6)
	c.clouds(7, c.h*.12, horizon*.9, c.far, .45)
	c.clouds(4, c.h*.3, horizon, c.glow.pale(.2), .22)

	foot, top := horizon+3*u, c.h*.62-46*u
	lamp := top + 3*u
	// Two beams, one towards the title and one away.
	c.veil(.5, func() {
		c.poly(c.across(c.light.mix(c.sky, .75), c.light), x, lamp-u, x, lamp+u, -c.w*.2, lamp+17*u, -c.w*.2, lamp-5*u)
	})
	c.veil(.32, func() {
		c.poly(c.light, x, lamp-u, x, lamp+u, c.w*1.3, lamp-4*u, c.w*1.3, lamp-22*u)
	})
	c.sea(horizon, x)
	// Isles far away.
	c.veil(.7, func() {
		c.oval(c.w*.14, horizon, 22*u, 2.2*u, c.far)
		c.oval(c.w*.95, horizon, 16*u, 3*u, c.far)
	})

	c.path(c.down(c.mid, c.near), "M%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz",
		x-30*u, foot+8*u, 8*u, -5*u, 16*u, -7*u, 5*u, -3*u, 16*u, 0., 7*u, 4*u, 8*u, 2*u, 16*u, 6*u)
	c.path(c.near.dark(.25), "M%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz",
		x-20*u, foot+9*u, 6*u, -5*u, 14*u, -6*u, 12*u, 3*u, 10*u, u, 14*u, 4*u)

	// The keeper's house.
	c.rect(x+6*u, foot-5*u, 9*u, 5*u, c.light.mix(c.mid, .45))
	c.poly(c.accent.dark(.35), x+5*u, foot-5*u, x+10.5*u, foot-8.5*u, x+16*u, foot-5*u)
	c.rect(x+8*u, foot-3.6*u, 1.4*u, 1.6*u, c.light)
	c.rect(x+11.5*u, foot-3.6*u, 1.4*u, 1.6*u, c.light)

	// The tower: a tapered body, three bands that follow its taper, a gallery and the lantern.
	body := c.across(c.light.mix(c.mid, .08), c.light.mix(c.mid, .2), c.light.mix(c.near, .6))
	half := func(y float64) float64 { return (2.6 + 2.1*(y-top-6*u)/(foot-top-6*u)) * u }
	c.poly(body, x-half(top+6*u), top+6*u, x+half(top+6*u), top+6*u, x+half(foot), foot, x-half(foot), foot)
	band := c.across(c.accent, c.accent.dark(.1), c.accent.dark(.5))
	for _, t := range []float64{.12, .42, .72} {
		y := top + 6*u + t*(foot-top-6*u)
		y2 := y + 5*u
		c.poly(band, x-half(y), y, x+half(y), y, x+half(y2), y2, x-half(y2), y2)
	}
	for _, t := range []float64{.33, .63} {
		c.round(x-.6*u, top+6*u+t*(foot-top-6*u), 1.2*u, 1.8*u, .6*u, c.near)
	}
	c.rect(x-4*u, top+5.2*u, 8*u, u, c.near)
	c.disc(x, lamp, 16*u, c.halo(c.light, .95))
	c.rect(x-2*u, top+1.2*u, 4*u, 4*u, c.light.pale(.6))
	c.rect(x-.2*u, top+1.2*u, .4*u, 4*u, c.near)
	c.path(c.accent.dark(.2), "M%.0f %.0fq%.0f %.0f %.0f 0z", x-2.6*u, top+1.2*u, 2.6*u, -5*u, 5.2*u)

	// Surf at the foot of the rock, then the nearest waves.
	for i := range 7 {
		c.add(`<ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.1f" fill="%s" opacity=".5"/>`,
			x+c.between(-28, 30)*u, foot+(7+float64(i)*.5)*u, c.between(3, 8)*u, .5*u, c.light)
	}
	c.hill(c.h*.86, 3*u, c.fade(c.near, .9, 1))
	for range 4 {
		c.bird(c.between(.05, .95)*c.w, c.between(.12, .4)*c.h, c.between(1.2, 2.4)*u, c.near)
	}
}

func drawHarbour(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.6
	c.paintSky()
	c.sun(x-26*u, horizon-14*u, 6*u, c.light.mix(c.accent, .3))
	c.clouds(6, c.h*.1, horizon*.8, c.glow.pale(.15), .35)
	c.veil(.55, func() { c.ridge(horizon-3*u, 4*u, .4, c.far) })
	c.mist(horizon-8*u, 8*u, .5)
	c.sea(horizon, x-26*u)

	// Gantry cranes in two rows.
	for i, t := range []float64{-46, -24, 40} {
		c.crane(x+t*u+c.between(-3, 3)*u, horizon+u, (30+6*float64(i%2))*u, c.far.mix(c.mid, .5))
	}
	c.crane(x+22*u, horizon+3*u, 48*u, c.near)

	// The ship, its containers, its bridge.
	deck := horizon - 4*u
	paint := []colour{c.accent, c.far, c.light.mix(c.mid, .35), c.glow.mix(c.mid, .3), c.accent.dark(.35), c.sky}
	for col := range 9 {
		for row := range 2 + c.rnd.IntN(3) {
			bx, by := x+(-24+float64(col)*4.3)*u, deck-(float64(row)+1)*2.6*u
			c.rect(bx, by, 4.1*u, 2.4*u, c.pick(paint...))
			c.rect(bx, by+1.9*u, 4.1*u, .5*u, c.fade(c.near, .35, .35))
		}
	}
	c.rect(x+16*u, deck-15*u, 7*u, 15*u, c.across(c.light, c.light.mix(c.mid, .4)))
	c.rect(x+15*u, deck-16.5*u, 9*u, 2*u, c.near)
	for i := range 4 {
		c.rect(x+17*u, deck-(12.6-float64(i)*3)*u, 5*u, .9*u, c.near.mix(c.light, .15))
	}
	c.rect(x+19*u, deck-22*u, 2.4*u, 6*u, c.accent)
	c.path(c.down(c.mid, c.near), "M%.0f %.0fh%.0fq%.0f %.0f %.0f %.0fh%.0fq%.0f %.0f %.0f %.0fz",
		x-32*u, deck-u, 62*u, -u, 7*u, -5*u, 10*u, -48*u, -5*u, -2*u, -9*u, -10*u)
	c.rect(x-23*u, deck+7.4*u, 48*u, 1.6*u, c.accent.dark(.15))

	c.rect(0, c.h*.8, c.w, c.h*.2, c.down(c.near, c.near.dark(.4)))
	for i := range 7 {
		bx := (float64(i) + .5) * c.w / 7
		c.round(bx, c.h*.8-4*u, 3*u, 6*u, u, c.near.dark(.3))
	}
	for range 6 {
		c.bird(c.between(.05, .95)*c.w, c.between(.1, .4)*c.h, c.between(1, 2)*u, c.near)
	}
}

// crane stands on y with its jib to the left.
func (c *canvas) crane(x, y, h float64, s colour) {
	t := h * .035
	c.rect(x, y-h*.75, t, h*.75, s)
	c.rect(x+h*.22, y-h*.75, t, h*.75, s)
	c.stroke(s, t*.6, "M%.0f %.0fl%.0f %.0fl%.0f %.0f", x, y-h*.1, h*.22, -h*.25, -h*.22, -h*.3)
	c.rect(x-h*.55, y-h*.78, h*.95, t*1.3, s)
	c.rect(x+h*.05, y-h*.9, h*.14, h*.14, s)
	c.stroke(s, t*.5, "M%.0f %.0fL%.0f %.0fL%.0f %.0fM%.0f %.0fv%.0f", x-h*.55, y-h*.78, x+h*.12, y-h, x+h*.4, y-h*.78,
		x-h*.38, y-h*.76, h*.3)
	c.rect(x-h*.43, y-h*.46, h*.1, h*.05, s)
}

func drawSails(c *canvas) {
	u, horizon := c.unit, c.h*.56
	c.paintSky()
	c.sun(c.focus+20*u, c.h*.22, 5*u, c.light)
	c.clouds(8, c.h*.08, horizon, white.mix(c.glow, .3), .55)
	c.veil(.5, func() { c.ridge(horizon-2*u, 3*u, .4, c.far) })
	c.sea(horizon, c.focus+20*u)

	for i := range 6 {
		c.sail(c.between(.04, .96)*c.w, horizon+c.between(.5, 3)*u, c.between(5, 9)*u, i%3 == 0)
	}
	c.hill(c.h*.67, 2*u, c.fade(c.mid, .55, 1))
	c.sail(c.focus-28*u, c.h*.72, 30*u, false)
	c.hill(c.h*.74, 2.5*u, c.fade(c.near, .5, 1))
	c.sail(c.focus+8*u, c.h*.8, 58*u, true)
	// The spray of the leader.
	for range 14 {
		c.add(`<circle cx="%.0f" cy="%.0f" r="%.1f" fill="%s" opacity=".7"/>`,
			c.focus+c.between(-22, -6)*u, c.h*.8+c.between(-2, 3)*u, c.between(.3, 1.1)*u, white)
	}
	c.hill(c.h*.84, 3*u, c.fade(c.near, .8, 1))
}

// sail is a boat of height h that heels to the left, its hull on y.
func (c *canvas) sail(x, y, h float64, bright bool) {
	cloth := c.light
	if bright {
		cloth = c.accent
	}
	c.add(`<g transform="rotate(9 %.0f %.0f)">`, x, y)
	c.path(c.across(cloth.pale(.25), cloth.dark(.12)), "M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fH%.0fZ",
		x, y-h, x+h*.2, y-h*.75, x+h*.34, y-h*.35, x+h*.36, y-h*.14, x)
	c.path(c.across(c.light.mix(c.mid, .25), c.light), "M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fQ%.0f %.0f %.0f %.0fZ",
		x-h*.02, y-h*.92, x-h*.08, y-h*.6, x-h*.2, y-h*.3, x-h*.32, y-h*.12, x-h*.15, y-h*.16, x-h*.02, y-h*.13)
	c.rect(x-h*.012, y-h*1.02, h*.02, h*.96, c.near)
	c.path(c.down(c.near.mix(c.accent, .15), c.near.dark(.3)), "M%.0f %.0fH%.0fQ%.0f %.0f %.0f %.0fH%.0fQ%.0f %.0f %.0f %.0fZ",
		x-h*.36, y-h*.09, x+h*.36, x+h*.34, y, x+h*.24, y+h*.02, x-h*.16, x-h*.3, y, x-h*.36, y-h*.09)
	c.add(`</g>`)
}

func drawRiver(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.5
	c.paintSky()
	c.moon(x+22*u, c.h*.18, 4.5*u)
	c.clouds(5, c.h*.1, c.h*.36, c.far, .4)
	// The old town in two rows, then the water that mirrors it.
	c.houses(horizon, 9*u, 20*u, c.far, c.light, .25)
	c.mist(horizon-16*u, 16*u, .35)
	c.houses(horizon+4*u, 5*u, 12*u, c.mid, c.light, .5)
	c.spire(x-34*u, horizon+2*u, 34*u, c.mid)
	c.sea(horizon+4*u, x+22*u)
	for range 26 {
		c.add(`<rect x="%.0f" y="%.0f" width="%.1f" height="%.0f" fill="%s" opacity="%.2f"/>`, c.between(0, c.w),
			horizon+c.between(5, 9)*u, .5*u, c.between(3, 12)*u, c.light, c.between(.08, .28))
	}
	c.bridge(c.h*.68, 15*u)
	// A barge passes under.
	bx, by := x-12*u, c.h*.78
	c.path(c.near.dark(.3), "M%.0f %.0fh%.0fl%.0f %.0fh%.0fz", bx, by, 44*u, -4*u, 5*u, -37*u)
	c.round(bx+28*u, by-6*u, 11*u, 6*u, u, c.accent.dark(.25))
	c.rect(bx+30*u, by-4.4*u, 2.4*u, 2*u, c.light)
	c.rect(bx+34.5*u, by-4.4*u, 2.4*u, 2*u, c.light)
	c.disc(bx+2*u, by-2*u, 6*u, c.halo(c.light, .6))
	c.hill(c.h*.9, 2*u, c.fade(c.near, .8, 1))
}

// bridge crosses the whole image with arches, its road at y.
func (c *canvas) bridge(y, rise float64) {
	const arches = 5
	u, step := c.unit, c.w/arches
	stone := c.down(c.far.mix(c.glow, .45), c.mid.mix(c.far, .3))
	c.add(`<path fill-rule="evenodd" fill="%s" d="M0 %.0fQ%.0f %.0f %.0f %.0fV%.0fH0Z`, stone,
		y-rise*.8, c.w/2, y-rise*1.3, c.w, y-rise*.8, y+rise*.5)
	for i := range arches {
		l := float64(i)*step + step*.1
		c.add("M%.0f %.0fa%.0f %.0f 0 0 1 %.0f 0Z", l, y+rise*.5, step*.4, rise*1.05, step*.8)
	}
	c.add(`"/>`)
	c.stroke(c.near, u*.9, "M0 %.0fQ%.0f %.0f %.0f %.0f", y-rise*.8, c.w/2, y-rise*1.3, c.w, y-rise*.8)
	for i := range arches + 1 {
		t := float64(i) / arches
		px, py := t*c.w, y-rise*.8-t*(1-t)*rise
		c.rect(px-.3*u, py-7*u, .6*u, 7*u, c.near)
		c.disc(px, py-7.5*u, 6*u, c.halo(c.light, .8))
		c.disc(px, py-7.5*u, .9*u, c.light)
	}
}

func drawPirates(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.6
	c.paintSky()
	c.sun(x-30*u, c.h*.2, 8*u, c.light)
	c.clouds(8, c.h*.1, horizon*.9, white, .75)
	// A palm island.
	c.oval(c.w*.06, horizon+u, 22*u, 5*u, c.light.mix(c.accent, .3))
	c.stroke(c.near, 1.4*u, "M%.0f %.0fq%.0f %.0f %.0f %.0f", c.w*.07, horizon-2*u, u, -10*u, 5*u, -16*u)
	for _, a := range []float64{-170, -130, -60, -15, 20} {
		px, py := polar(c.w*.07+5*u, horizon-18*u, 9*u, a)
		c.stroke(c.mid, 2.2*u, "M%.0f %.0fQ%.0f %.0f %.0f %.0f", c.w*.07+5*u, horizon-18*u, px, py-6*u, px, py+3*u)
	}
	c.sea(horizon, x-30*u)

	deck := c.h * .66
	for i, m := range []struct{ dx, h float64 }{{-15, 42}, {1, 52}, {16, 38}} {
		mx := x + m.dx*u
		c.rect(mx-.6*u, deck-m.h*u, 1.2*u, m.h*u, c.near)
		for row := range 2 {
			w, y := (11-float64(row)*2.4)*u, deck-(m.h*.28+float64(row)*m.h*.33)*u
			cloth := c.light
			if (i+row)%2 == 1 {
				cloth = c.accent
			}
			c.path(c.across(cloth.dark(.12), cloth.pale(.3)), "M%.0f %.0fh%.0fq%.0f %.0f 0 %.0fq%.0f %.0f %.0f 0q%.0f %.0f 0 %.0fz",
				mx-w/2, y-m.h*.28*u, w, 3*u, m.h*.12*u, m.h*.26*u, -w/2, 2*u, -w, 2.5*u, -m.h*.12*u, -m.h*.26*u)
		}
	}
	// The flag: a smiling skull, for this is a children's ship.
	fy := deck - 52*u
	c.path(c.near.dark(.3), "M%.0f %.0fq%.0f %.0f %.0f 0t%.0f 0v%.0fq%.0f %.0f %.0f 0t%.0f 0z",
		x+1.4*u, fy, 3*u, -2*u, 6*u, 6*u, 8*u, -3*u, 2*u, -6*u, -6*u)
	c.disc(x+7*u, fy+3.6*u, 2*u, white)
	c.disc(x+6.2*u, fy+3.3*u, .45*u, c.near)
	c.disc(x+7.8*u, fy+3.3*u, .45*u, c.near)
	c.stroke(c.near, .4*u, "M%.0f %.0fq%.0f %.0f %.0f 0", x+6*u, fy+4.4*u, u, 1*u, 2*u)

	c.path(c.down(c.accent.mix(c.near, .55), c.near), "M%.0f %.0fl%.0f %.0fh%.0fl%.0f %.0fh%.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz",
		x-30*u, deck-3*u, 4*u, 4*u, 40*u, 2*u, -8*u, 10*u, -2*u, 14*u, -30*u, 3*u, -48*u, -u)
	c.rect(x-23*u, deck+3.2*u, 46*u, 1.2*u, c.accent)
	for i := range 5 {
		c.disc(x+(-18+float64(i)*9)*u, deck+7.2*u, 1.5*u, c.light)
		c.disc(x+(-18+float64(i)*9)*u, deck+7.2*u, u, c.near.dark(.4))
	}
	c.hill(c.h*.77, 2.4*u, c.down(c.mid.pale(.1), c.near))
	c.hill(c.h*.86, 3*u, c.down(c.mid, c.near))
	for range 3 {
		c.bird(c.between(.3, .95)*c.w, c.between(.12, .3)*c.h, 2*u, white)
	}
}
