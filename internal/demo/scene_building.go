package demo

// Scenes of one building, or of what passes over a valley.

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

func drawSchool(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.sun(x+36*u, c.h*.16, 6*u, hex("#ffd43b"))
	c.clouds(6, c.h*.08, c.h*.3, white, .8)
	base := c.h * .66
	c.hill(c.h*.54, 5*u, c.far)
	for range 8 {
		c.bush(c.between(0, c.w), base-2*u, c.between(5, 8)*u, c.mid)
	}
	wall := hex("#f3d9a4").mix(c.light, .3)
	brick := hex("#c8553d")
	c.rect(x-44*u, base-24*u, 88*u, 26*u, c.down(wall.pale(.2), wall.dark(.06)))
	c.rect(x-44*u, base-3*u, 88*u, 5*u, brick.dark(.15))
	c.poly(c.down(brick, brick.dark(.25)), x-47*u, base-24*u, x-40*u, base-33*u, x+40*u, base-33*u, x+47*u, base-24*u)
	c.rect(x-11*u, base-32*u, 22*u, 34*u, c.down(wall.pale(.35), wall))
	c.poly(c.down(brick, brick.dark(.25)), x-13*u, base-32*u, x, base-43*u, x+13*u, base-32*u)
	c.disc(x, base-30*u, 3.8*u, brick.dark(.2))
	c.disc(x, base-30*u, 3*u, white)
	c.stroke(c.near, .5*u, "M%.0f %.0fv%.0fl%.0f %.0f", x, base-30*u, -2*u, 1.4*u, 2.8*u)
	c.rect(x-1.6*u, base-48*u, 3.2*u, 5*u, brick.dark(.2))
	c.path(hex("#f2b632"), "M%.0f %.0fq%.0f %.0f %.0f 0z", x-1.4*u, base-44*u, 1.4*u, -4*u, 2.8*u)
	c.round(x-5*u, base-14*u, 10*u, 16*u, 5*u, c.accent.dark(.1))
	c.rect(x-.25*u, base-13*u, .5*u, 15*u, c.near)
	for _, dx := range []float64{-40, -30.5, -21, 14, 23.5, 33} {
		c.rect(x+(dx-.6)*u, base-20.6*u, 8.2*u, 12.2*u, white)
		c.rect(x+dx*u, base-20*u, 7*u, 11*u, c.down(c.sky.pale(.3), c.top))
		c.rect(x+(dx+3.2)*u, base-20*u, .6*u, 11*u, white)
		c.rect(x+dx*u, base-15*u, 7*u, .6*u, white)
		if c.rnd.IntN(2) == 0 {
			c.poly(c.pick(c.accent, hex("#ffd43b"), hex("#74c0fc")), x+(dx+1)*u, base-11*u, x+(dx+2.6)*u, base-14*u, x+(dx+4.2)*u, base-11*u)
		}
	}
	yard := c.down(hex("#d8c3a0").mix(c.mid, .2), c.near)
	c.rect(0, base+2*u, c.w, c.h, yard)
	// Hopscotch, a ball, and three detectives with their satchels.
	for i := range 5 {
		c.veil(.7, func() {
			c.stroke(white, .5*u, "M%.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fz", x+(22+float64(i)*6)*u, base+9*u, 5*u, 0., 1.2*u, 4*u, -5.4*u, 0.)
		})
	}
	c.disc(x+18*u, base+6*u, 2*u, c.accent)
	for i, dx := range []float64{-20, -9, 3} {
		px, py, h := x+dx*u, base+(14-float64(i%2)*2)*u, (20+float64(i)*1.6)*u
		coat := []colour{c.accent, hex("#3b82c4"), hex("#f2b632")}[i]
		skin := []colour{hex("#8d5a3b"), hex("#f1c9a5"), hex("#c98e64")}[i]
		c.stroke(c.near, h*.1, "M%.0f %.0fv%.0fM%.0f %.0fv%.0f", px-h*.08, py-h*.3, h*.3, px+h*.08, py-h*.3, h*.3)
		c.round(px-h*.26, py-h*.62, h*.18, h*.3, h*.05, coat.dark(.45))
		c.round(px-h*.17, py-h*.66, h*.34, h*.42, h*.1, coat)
		c.disc(px, py-h*.82, h*.18, skin)
		c.path(c.near.dark(.2), "M%.0f %.0fa%.0f %.0f 0 0 1 %.0f %.0fq%.0f %.0f %.0f %.0fz", px-h*.2, py-h*.82, h*.2, h*.2, h*.4, 0., -h*.2, -h*.14, -h*.4, 0.)
		c.disc(px+h*.03, py-h*.8, h*.025, c.near)
		c.disc(px+h*.12, py-h*.8, h*.025, c.near)
	}
	// The magnifying glass of the boldest.
	gx, gy := x+9*u, base-1*u
	c.stroke(c.near, 1.3*u, "M%.0f %.0fl%.0f %.0f", gx, gy, -3*u, 5*u)
	c.disc(gx+1.6*u, gy-3.2*u, 4*u, c.near)
	c.disc(gx+1.6*u, gy-3.2*u, 3.1*u, c.sky.pale(.5))
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
