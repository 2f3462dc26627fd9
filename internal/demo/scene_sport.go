package demo

// Scenes of sport.

func drawStadium(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.46
	c.paintSky()
	c.stars(20, c.h*.2)
	// Stands in two tiers, thousands of dots.
	c.path(c.down(c.far, c.mid), "M%.0f %.0fQ%.0f %.0f %.0f %.0fV%.0fH%.0fZ", -c.w*.1, horizon-22*u, x, horizon-10*u, c.w*1.1, horizon-22*u, c.h, -c.w*.1)
	for row := range 11 {
		y := horizon + (-17+float64(row)*2)*u
		c.add(`<g opacity="%.2f">`, .4+.05*float64(row))
		for range 46 {
			px := c.between(0, c.w)
			// The stands sag towards the middle.
			t := (px - x) / c.w
			c.disc(px, y-t*t*14*u+c.between(-.5, .5)*u+2*u, .62*u, c.pick(c.light, c.accent, c.glow, c.sky, c.near))
		}
		c.add(`</g>`)
	}
	c.path(c.near, "M%.0f %.0fQ%.0f %.0f %.0f %.0fv%.0fQ%.0f %.0f %.0f %.0fz", -c.w*.1, horizon+3*u, x, horizon+8*u, c.w*1.1, horizon+3*u, 3*u, x, horizon+11*u, -c.w*.1, horizon+6*u)

	// Grass in stripes towards a vanishing point.
	grass := hex("#2f8f4e").mix(c.mid, .3)
	c.rect(0, horizon+7*u, c.w, c.h, c.down(grass.pale(.1), grass.dark(.45)))
	for i := range 14 {
		a := (float64(i) - 7) * 26 * u
		if i%2 == 0 {
			c.veil(.16, func() {
				c.poly(white, x+a*.4, horizon+7*u, x+(a+26*u)*.4, horizon+7*u, x+(a+26*u)*1.8, c.h, x+a*1.8, c.h)
			})
		}
	}
	c.add(`<g fill="none" stroke="%s" stroke-width="%.1f" opacity=".85"><path d="M0 %.0fH%.0f"/><ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/></g>`,
		white, .7*u, horizon+16*u, c.w, x, horizon+16*u, 24*u, 5*u)

	// Two pylons of lamps.
	for _, dx := range []float64{-50, 44} {
		px, py := x+dx*u, c.h*.1
		c.poly(c.near, px-u, py, px+u, py, px+2*u, horizon, px-2*u, horizon)
		c.disc(px, py, 32*u, c.halo(c.light, .75))
		c.round(px-8*u, py-4.4*u, 16*u, 8*u, u, c.near)
		for i := range 4 {
			for j := range 2 {
				c.disc(px+(-5.6+float64(i)*3.7)*u, py+(-2.2+float64(j)*3.8)*u, 1.4*u, c.light.pale(.6))
			}
		}
		c.add(`<path d="M%.0f %.0fL%.0f %.0fH%.0fz" fill="%s" opacity=".1"/>`, px, py, x-30*u, horizon+22*u, x+34*u, c.light)
	}
	// Players, and the ball in the air.
	for i, dx := range []float64{-24, -9, 6, 17, 30} {
		jersey := c.accent
		if i%2 == 1 {
			jersey = c.light
		}
		c.player(x+dx*u, horizon+(22+float64(i%3)*4)*u, (15+float64(i%3)*2)*u, jersey, float64(1-2*(i%2)))
	}
	c.disc(x+c.between(-4, 8)*u, horizon-5*u, 1.9*u, c.down(white, c.light.mix(c.near, .4)))
}

// player runs towards side (-1 left, 1 right), feet on y.
func (c *canvas) player(x, y, h float64, jersey colour, side float64) {
	skin := c.near.mix(c.glow, .35)
	s := h * side
	c.veil(.3, func() { c.oval(x, y, h*.3, h*.05, c.near) })
	c.stroke(skin, h*.085, "M%.0f %.0fL%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0fL%.0f %.0f", x, y-h*.42, x+s*.16, y-h*.24, x+s*.1, y,
		x, y-h*.42, x-s*.12, y-h*.22, x-s*.3, y-h*.14)
	c.stroke(c.near, h*.13, "M%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0f", x, y-h*.45, x+s*.1, y-h*.33, x, y-h*.45, x-s*.08, y-h*.31)
	c.stroke(jersey, h*.2, "M%.0f %.0fL%.0f %.0f", x, y-h*.5, x+s*.06, y-h*.7)
	c.stroke(jersey, h*.08, "M%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0f", x+s*.06, y-h*.74, x+s*.24, y-h*.62, x+s*.04, y-h*.74, x-s*.14, y-h*.62)
	c.stroke(skin, h*.06, "M%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0f", x+s*.24, y-h*.62, x+s*.32, y-h*.74, x-s*.14, y-h*.62, x-s*.2, y-h*.48)
	c.disc(x+s*.1, y-h*.9, h*.085, skin)
}

func drawWall(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.far))
	// Facets of the wall, as of folded paper.
	cw, ch := 26*u, 24*u
	for row := range int(c.h/ch) + 2 {
		for col := -1; col < int(c.w/cw)+2; col++ {
			ax, ay := float64(col)*cw+c.between(-5, 5)*u, float64(row-1)*ch+c.between(-4, 4)*u
			c.poly(c.far.mix(c.glow, c.between(0, .45)), ax, ay, ax+cw*1.25, ay-4*u, ax+cw*.6, ay+ch*1.3)
			c.poly(c.mid.mix(c.far, c.between(.1, .8)), ax+cw*1.25, ay-4*u, ax+cw*1.5, ay+ch*1.1, ax+cw*.6, ay+ch*1.3)
		}
	}
	holds := []colour{c.accent, c.light, c.accent.turn(120), c.accent.turn(210), c.near}
	for range 44 {
		hx, hy, r := c.between(0, c.w), c.between(0, c.h), c.between(1, 2.8)*u
		s := c.pick(holds...)
		c.veil(.35, func() { c.oval(hx+.6*u, hy+r*.7, r*1.1, r*.7, c.near) })
		c.path(c.down(s.pale(.25), s.dark(.25)), "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", hx-r, hy,
			r*.1, -r*1.1, r*1.1, -r*.9, r*1.1, r*.1, r, r, -r*.4, r*.9, -r*1.2, r*.7)
		c.disc(hx, hy, r*.2, c.near)
	}
	// The climber: one arm high, one leg out.
	cx, cy, s := x, c.h*.4, 34*u
	skin, trouser := c.near.mix(c.glow, .45), c.near
	c.stroke(c.light, .7*u, "M%.0f 0Q%.0f %.0f %.0f %.0f", cx+10*u, cx+7*u, cy-10*u, cx+u, cy+.06*s)
	c.stroke(c.near.dark(.3), .4*u, "M%.0f %.0fq%.0f %.0f %.0f %.0f", cx+u, cy+.1*s, 4*u, 30*u, -4*u, c.h)
	c.stroke(skin, s*.075, "M%.0f %.0fL%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0fL%.0f %.0f", cx+s*.08, cy-s*.24, cx+s*.26, cy-s*.42, cx+s*.22, cy-s*.7,
		cx-s*.1, cy-s*.22, cx-s*.32, cy-s*.2, cx-s*.44, cy-s*.4)
	c.stroke(trouser, s*.11, "M%.0f %.0fL%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0fL%.0f %.0f", cx-s*.05, cy+s*.12, cx-s*.28, cy+s*.2, cx-s*.24, cy+s*.5,
		cx+s*.06, cy+s*.12, cx+s*.3, cy+s*.1, cx+s*.46, cy+s*.32)
	c.path(c.down(c.accent, c.accent.dark(.3)), "M%.0f %.0fq%.0f %.0f %.0f 0l%.0f %.0fh%.0fz", cx-s*.15, cy-s*.24, s*.15, -s*.1, s*.29, -s*.04, s*.4, -s*.22)
	c.stroke(c.light, s*.035, "M%.0f %.0fh%.0f", cx-s*.12, cy+s*.13, s*.22)
	c.disc(cx-s*.02, cy-s*.38, s*.1, skin)
	c.path(c.near.dark(.4), "M%.0f %.0fa%.0f %.0f 0 0 1 %.0f 0l%.0f %.0fz", cx-s*.13, cy-s*.4, s*.11, s*.11, s*.22, -s*.02, s*.06)
	c.disc(cx+s*.02, cy+s*.18, s*.05, c.light)
	for _, p := range [][2]float64{{.22, -.72}, {-.46, -.42}, {-.24, .54}, {.5, .36}} {
		c.oval(cx+s*p[0], cy+s*p[1], 2.4*u, 1.5*u, c.accent.turn(120))
	}
}

func drawRoad(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.clouds(6, c.h*.06, c.h*.3, white, .6)
	c.veil(.7, func() { c.ridge(c.h*.36, 14*u, .55, c.far.mix(c.glow, .3)) })
	c.mist(c.h*.3, c.h*.2, .6)
	c.ridge(c.h*.48, 10*u, .5, c.down(c.far, c.mid))
	c.mist(c.h*.5, c.h*.14, .4)
	c.hill(c.h*.6, 6*u, c.down(c.mid.mix(c.glow, .2), c.near))

	// The pass, and hairpins that widen as they come down.
	top, foot := c.h*.2, c.h*.78
	c.poly(c.down(c.far.mix(c.mid, .3), c.mid, c.near), x-70*u, foot, x-20*u, top+14*u, x-8*u, top+5*u, x, top, x+9*u, top+3*u, x+24*u, top+16*u, x+74*u, foot)
	c.poly(c.fade(c.near, .4, .1), x, top, x+9*u, top+3*u, x+24*u, top+16*u, x+74*u, foot, x+8*u, foot, x-2*u, top+24*u, x+6*u, top+12*u)
	c.poly(c.down(white, c.light.mix(c.far, .3)), x, top, x+9*u, top+3*u, x+13*u, top+6*u, x+6*u, top+6*u, x+2*u, top+10*u, x-4*u, top+6*u, x-9*u, top+10*u, x-8*u, top+5*u)
	// The verge first and the tarmac over it, so that bends join cleanly.
	for pass, s := range []colour{c.near.mix(c.mid, .3), c.light.mix(c.far, .35)} {
		px, py := x+2*u, top+12*u
		for i, side := 0, -1.; i < 7; i, side = i+1, -side {
			reach, drop, width := (7+float64(i)*4.4)*u, (2+float64(i)*1.05)*u, (.7+float64(i)*.34)*u
			nx, ny := x+side*reach, py+drop
			c.stroke(s, width*(1.5-.5*float64(pass)), "M%.0f %.0fL%.0f %.0fq%.0f %.0f %.0f %.0f", px, py, nx, ny,
				side*width*2.4, drop*.2, side*.1, drop*.5)
			px, py = nx, ny+drop*.5
		}
	}
	for range 16 {
		c.tree(c.between(0, c.w), c.h*c.between(.62, .7), c.between(4, 8)*u, c.near.dark(.2))
	}
	c.hill(c.h*.8, 3*u, c.down(c.near, c.near.dark(.3)))
	// The peloton passes on the nearest bend.
	base := c.h * .77
	c.path(c.near.mix(c.far, .3), "M0 %.0fQ%.0f %.0f %.0f %.0fv%.0fQ%.0f %.0f 0 %.0fZ",
		base+5*u, x, base-5*u, c.w, base+u, 9*u, x, base+7*u, base+17*u)
	for i := range 7 {
		jersey := []colour{c.accent, c.light, c.sky, c.glow, c.far, c.accent.dark(.2), c.light.mix(c.accent, .4)}[i]
		c.cyclist(x+(-24+float64(i)*8.6)*u, base+(2.6-float64(i%2)*1.8)*u, 7.4*u, jersey)
	}
}

// cyclist rides left, wheels on y.
func (c *canvas) cyclist(x, y, s float64, jersey colour) {
	dark := c.near.dark(.6)
	c.add(`<g fill="none" stroke="%s" stroke-width="%.1f"><circle cx="%.0f" cy="%.0f" r="%.0f"/><circle cx="%.0f" cy="%.0f" r="%.0f"/></g>`,
		dark, s*.06, x-s*.42, y-s*.3, s*.28, x+s*.42, y-s*.3, s*.28)
	c.stroke(dark, s*.07, "M%.0f %.0fL%.0f %.0fL%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0f", x-s*.42, y-s*.3, x-s*.3, y-s*.75, x+s*.2, y-s*.72,
		x+s*.42, y-s*.3, x+s*.2, y-s*.72, x+s*.02, y-s*.25)
	c.stroke(jersey.mix(c.near, .35), s*.13, "M%.0f %.0fL%.0f %.0fL%.0f %.0f", x+s*.2, y-s*.85, x-s*.04, y-s*.55, x+s*.03, y-s*.2)
	c.stroke(jersey, s*.25, "M%.0f %.0fL%.0f %.0f", x+s*.2, y-s*.92, x-s*.14, y-s*1.16)
	c.stroke(jersey, s*.09, "M%.0f %.0fL%.0f %.0f", x-s*.14, y-s*1.1, x-s*.3, y-s*.78)
	c.disc(x-s*.28, y-s*1.3, s*.14, jersey.pale(.4))
}
