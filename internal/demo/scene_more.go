package demo

// Scenes asked for by one or two programmes: they are drawn like the others and anybody may use them.

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

func drawAurora(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.top.dark(.5), c.top, c.sky))
	c.stars(120, c.h*.6)
	// Curtains of light: vertical strokes along a wave, brighter at the foot.
	for band, s := range []colour{hex("#59f0a8"), hex("#7fe3ff"), hex("#c58bff")} {
		y0, phase := c.h*(.3+.05*float64(band)), c.between(0, 6)
		f := c.fade(s, 0, .5)
		c.add(`<g fill="%s">`, f)
		n := 46
		for i := range n {
			t := float64(i) / float64(n)
			foot := y0 + wave(t*9+phase)*6*u + wave(t*4-phase)*8*u
			height := (18 + 10*wave(t*23+phase)) * u
			c.add(`<path d="M%.0f %.0fh%.0fv%.0fh-%.0fz"/>`, t*c.w, foot-height, c.w/float64(n)+2, height, c.w/float64(n)+2)
		}
		c.add(`</g>`)
	}
	c.ridge(c.h*.6, 9*u, .55, c.down(c.far.mix(white, .35), c.mid))
	c.ridge(c.h*.66, 4*u, .4, c.down(white.mix(c.far, .3), c.far))
	c.hill(c.h*.73, 3*u, c.down(white.mix(c.far, .2), c.mid))
	// A tent that glows, sledges, and those who walk.
	ty := c.h * .74
	c.disc(x, ty-5*u, 24*u, c.halo(c.accent, .75))
	c.path(c.down(c.accent.pale(.35), c.accent), "M%.0f %.0fq%.0f %.0f %.0f 0z", x-12*u, ty, 12*u, -26*u, 24*u)
	c.path(c.light, "M%.0f %.0fq%.0f %.0f %.0f 0z", x-3*u, ty, 3*u, -15*u, 6*u)
	c.stroke(c.accent.dark(.3), .4*u, "M%.0f %.0fq%.0f %.0f %.0f 0M%.0f %.0fq%.0f %.0f %.0f 0", x-7*u, ty, 7*u, -26*u, 0., x+7*u, ty, -7*u, -26*u, 0.)
	for i := range 6 {
		px := x + (-64+float64(i)*8)*u
		c.walker(px, ty+2*u+wave(float64(i))*u, 8*u, c.near.dark(.3))
		c.stroke(c.near, .25*u, "M%.0f %.0fl%.0f %.0f", px+u, ty-1.4*u, 4*u, 3*u)
	}
	c.hill(c.h*.86, 3*u, c.down(white.mix(c.mid, .5), c.near))
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

func drawVinyl(c *canvas) {
	u, x, cy := c.unit, c.focus, c.h*.42
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.mid))
	for i := range 7 {
		c.veil(.16, func() { c.disc(x, cy, (92-float64(i)*9)*u, c.pick(c.glow, c.accent, c.far, c.light)) })
	}
	// The sleeve, half under the record.
	c.add(`<g transform="rotate(-9 %.0f %.0f)">`, x, cy)
	c.round(x-58*u, cy-30*u, 60*u, 60*u, u, c.down(c.accent, c.accent.turn(-40).dark(.2)))
	c.disc(x-28*u, cy, 20*u, c.light)
	c.path(c.near, "M%.0f %.0fa%.0f %.0f 0 0 1 %.0f 0z", x-48*u, cy, 20*u, 20*u, 40*u)
	for i := range 4 {
		c.rect(x-48*u, cy+(3+float64(i)*4)*u, 40*u, 1.6*u, c.accent)
	}
	c.add(`</g>`)
	r := 33 * u
	c.veil(.4, func() { c.disc(x+2*u, cy+3*u, r, c.near.dark(.6)) })
	c.disc(x, cy, r, c.near.dark(.6))
	for i := range 13 {
		c.add(`<circle cx="%.0f" cy="%.0f" r="%.1f" fill="none" stroke="%s" stroke-width="%.1f" opacity="%.2f"/>`,
			x, cy, r*(.42+.045*float64(i)), c.light, .18*u, c.between(.08, .3))
	}
	c.veil(.16, func() {
		for _, a := range []float64{-52, 128} {
			x1, y1 := polar(x, cy, r, a)
			x2, y2 := polar(x, cy, r, a+26)
			c.path(c.light, "M%.0f %.0fL%.0f %.0fA%.0f %.0f 0 0 1 %.0f %.0fZ", x, cy, x1, y1, r, r, x2, y2)
		}
	})
	c.disc(x, cy, r*.36, c.down(c.accent.pale(.2), c.accent))
	c.stroke(c.light, .5*u, "M%.0f %.0fh%.0fM%.0f %.0fh%.0f", x-r*.2, cy-r*.16, r*.4, x-r*.14, cy-r*.23, r*.28)
	c.disc(x, cy, r*.05, c.near)
	// The arm.
	c.disc(x+38*u, cy-26*u, 5*u, c.down(c.light, c.light.mix(c.near, .5)))
	c.stroke(c.light.mix(c.near, .15), 1.3*u, "M%.0f %.0fL%.0f %.0fL%.0f %.0f", x+38*u, cy-26*u, x+34*u, cy+8*u, x+20*u, cy+20*u)
	c.add(`<g transform="rotate(45 %.0f %.0f)">`, x+19*u, cy+21*u)
	c.round(x+16*u, cy+19*u, 6.4*u, 4*u, .6*u, c.accent.pale(.2))
	c.add(`</g>`)
	// What it plays.
	for i := range 60 {
		h := (3 + 9*abs(wave(float64(i)*.7))*c.between(.4, 1)) * u
		c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="%.0f" fill="%s" opacity=".35"/>`,
			float64(i)*c.w/60+.3*u, c.h*.84-h, c.w/60-.6*u, h*2, .4*u, c.light)
	}
}

func drawCliffs(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.sun(x-40*u, c.h*.24, 6*u, c.light)
	c.clouds(5, c.h*.08, c.h*.3, white, .5)
	c.veil(.6, func() { c.ridge(c.h*.42, 10*u, .5, c.far.mix(c.glow, .4)) })
	c.mist(c.h*.36, c.h*.2, .6)
	// Three walls of pale limestone, each with its bands, its cracks and its forest.
	for i, k := range []struct{ l, r, top float64 }{{-30, 60, .3}, {-62, 8, .42}, {10, 90, .5}} {
		l, r, top, foot := x+k.l*u, x+k.r*u, c.h*k.top, c.h*.86
		rock := c.light.mix(c.far, .2+.12*float64(i))
		n := 9
		xy := []float64{l - 6*u, foot}
		for j := range n + 1 {
			xy = append(xy, l+(r-l)*float64(j)/float64(n), top+c.between(-2.4, 2.4)*u+abs(float64(j)-4)*.8*u)
		}
		c.poly(c.down(rock.pale(.2), rock.mix(c.mid, .5)), append(xy, r+6*u, foot)...)
		c.add(`<g opacity=".28" stroke="%s" stroke-width="%.1f" fill="none">`, c.near, .35*u)
		for j := range 7 {
			y := top + (5+float64(j)*4.6)*u
			c.add(`<path d="M%.0f %.0fq%.0f %.0f %.0f %.0f"/>`, l+c.between(0, 5)*u, y, (r-l)*.4, c.between(-2, 2)*u, (r-l)*.9, c.between(-1, 2)*u)
		}
		for range 12 {
			cx := c.between(l, r)
			c.add(`<path d="M%.0f %.0fl%.0f %.0fl%.0f %.0f"/>`, cx, top+c.between(3, 12)*u, c.between(-1, 1)*u, 7*u, c.between(-2, 2)*u, 6*u)
		}
		c.add(`</g>`)
		for j := range 20 {
			c.tree(l+(r-l)*float64(j)/20+c.between(-1, 1)*u, top+c.between(1, 4)*u, c.between(3, 6)*u, c.mid.mix(c.near, c.between(.2, .7)))
		}
		c.mist(foot-30*u, 26*u, .3)
	}
	// A resurgence, and vultures.
	c.path(c.down(white, c.sky.pale(.3)), "M%.0f %.0fq%.0f %.0f %.0f %.0fh%.0fq%.0f %.0f %.0f %.0fz", x-20*u, c.h*.58, 2*u, 12*u, -u, 24*u, 7*u, -2*u, -14*u, -3*u, -24*u)
	line := c.ridge(c.h*.8, 4*u, .4, c.down(c.mid.mix(c.near, .4), c.near))
	for range 44 {
		t := c.rnd.Float64()
		c.tree(t*c.w, line[int(t*32)]+3*u, c.between(5, 10)*u, c.near.dark(c.between(0, .3)))
	}
	for range 4 {
		c.bird(x+c.between(-34, 30)*u, c.h*c.between(.12, .3), c.between(1.6, 3.2)*u, c.near)
	}
}

func drawTrunk(c *canvas) {
	u, x, floor := c.unit, c.focus, c.h*.7
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.mid))
	for i := range 20 {
		if i%2 == 0 {
			x1, y1 := polar(x, floor-20*u, c.w*1.3, float64(i)*18)
			x2, y2 := polar(x, floor-20*u, c.w*1.3, float64(i+1)*18)
			c.veil(.16, func() { c.poly(c.glow, x, floor-20*u, x1, y1, x2, y2) })
		}
	}
	c.rect(0, floor, c.w, c.h-floor, c.down(c.far, c.near))
	c.oval(x, floor+5*u, 52*u, 8*u, c.halo(c.light, .8))
	// The light comes out of it, with what it hides.
	c.poly(c.fade(c.light, 0, .75), x-44*u, 0, x+52*u, 0, x+30*u, floor-22*u, x-26*u, floor-22*u)
	c.disc(x+2*u, floor-26*u, 40*u, c.halo(c.light, .9))
	for i, dx := range []float64{-24, -8, 12, 28} {
		py := c.h*.2 + float64(i%2)*10*u
		c.add(`<g transform="rotate(%.0f %.0f %.0f)">`, c.between(-24, 24), x+dx*u, py)
		switch i {
		case 0: // a letter
			c.rect(x+(dx-6)*u, py-4*u, 12*u, 8*u, white)
			c.stroke(c.accent, .5*u, "M%.0f %.0fl%.0f %.0fl%.0f %.0f", x+(dx-6)*u, py-4*u, 6*u, 4.6*u, 6*u, -4.6*u)
		case 1: // a key
			c.add(`<circle cx="%.0f" cy="%.0f" r="%.0f" fill="none" stroke="%s" stroke-width="%.0f"/>`, x+dx*u, py-3*u, 3*u, c.accent, 1.4*u)
			c.stroke(c.accent, 1.4*u, "M%.0f %.0fv%.0fM%.0f %.0fh%.0fM%.0f %.0fh%.0f", x+dx*u, py, 10*u, x+dx*u, py+9.6*u, 3*u, x+dx*u, py+6*u, 2.4*u)
		case 2: // a photograph
			c.rect(x+(dx-5)*u, py-6*u, 10*u, 12*u, white)
			c.rect(x+(dx-4)*u, py-5*u, 8*u, 8*u, c.far)
			c.walker(x+dx*u, py+3*u, 7*u, c.near)
		default: // a mask
			c.path(c.near, "M%.0f %.0fq%.0f %.0f %.0f 0q%.0f %.0f %.0f %.0fq%.0f %.0f %.0f 0q%.0f %.0f %.0f %.0fz", x+(dx-8)*u, py, 8*u, -5*u, 16*u, 0., 8*u, -6*u, 7*u, -2*u, -3*u, -4*u, -6*u, 0., -6*u, -7*u)
			c.oval(x+(dx-3.6)*u, py+2*u, 1.8*u, 1.2*u, c.light)
			c.oval(x+(dx+3.6)*u, py+2*u, 1.8*u, 1.2*u, c.light)
		}
		c.add(`</g>`)
	}
	leather := c.down(c.accent.dark(.3), c.accent.dark(.6))
	c.path(leather, "M%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fz", x-31*u, floor-22*u, -6*u, -13*u, 34*u, -15*u, 74*u, 0., -5*u, 13*u)
	c.path(c.near, "M%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fz", x-28*u, floor-22*u, -4*u, -10*u, 32*u, -11*u, 66*u, 0., -4*u, 10*u)
	c.rect(x-32*u, floor-22*u, 64*u, 26*u, leather)
	c.rect(x-32*u, floor-22*u, 64*u, 2.6*u, c.light.mix(c.accent, .45))
	for _, dx := range []float64{-22, 16} {
		c.rect(x+dx*u, floor-22*u, 6*u, 26*u, c.near.mix(c.accent, .35))
		c.round(x+(dx+1)*u, floor-17*u, 4*u, 5*u, .8*u, c.light.mix(c.accent, .35))
	}
	for _, dx := range []float64{-32, 27} {
		for _, dy := range []float64{-19.4, 0} {
			c.rect(x+dx*u, floor+dy*u, 5*u, 4*u, c.light.mix(c.accent, .45))
		}
	}
	c.round(x-4.5*u, floor-19*u, 9*u, 10*u, u, c.light.mix(c.accent, .3))
	c.disc(x, floor-15*u, 1.4*u, c.near)
	c.rect(x-.6*u, floor-15*u, 1.2*u, 4*u, c.near)
}

func drawSewing(c *canvas) {
	u, x, table := c.unit, c.focus, c.h*.68
	c.rect(0, 0, c.w, c.h, c.down(c.glow.pale(.2), c.sky.mix(c.glow, .5), c.far))
	// A wall of thread.
	for row := range 4 {
		y := c.h*.06 + float64(row)*12*u
		c.round(x-66*u, y+9*u, 132*u, 1*u, .4*u, c.near.mix(c.far, .3))
		for i := range 17 {
			s := c.accent.turn(float64((i*23+row*71)%360)).mix(c.glow, .2)
			c.veil(.75, func() {
				c.round(x+(-64+float64(i)*7.6)*u, y+2*u, 5*u, 7*u, .8*u, s)
				c.rect(x+(-64.4+float64(i)*7.6)*u, y+1.4*u, 5.8*u, u, c.light)
			})
		}
	}
	c.disc(x, table-20*u, 56*u, c.halo(c.light, .6))
	// The dressmaker's figure, in a coat half made.
	mx, my := x-34*u, table+8*u
	c.rect(mx-.7*u, my-14*u, 1.4*u, 18*u, c.near)
	c.path(c.across(c.accent, c.accent.dark(.35)), "M%.0f %.0fq%.0f %.0f %.0f %.0fh%.0fq%.0f %.0f %.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz",
		mx-10*u, my-40*u, u, -5*u, 7*u, -6*u, 6*u, 6*u, u, 7*u, 6*u, -3*u, 15*u, 6*u, 10*u, 7*u, 22*u, -14*u, 5*u, -28*u, 0., u, -12*u, 7*u, -22*u)
	c.oval(mx, my-47*u, 3.4*u, 2*u, c.light.mix(c.near, .2))
	c.stroke(c.light, .5*u, "M%.0f %.0fv%.0f", mx, my-46*u, 38*u)
	for i := range 4 {
		c.disc(mx+2*u, my-(38-float64(i)*8)*u, .9*u, c.light)
	}
	c.veil(.8, func() {
		c.stroke(c.light, .35*u, "M%.0f %.0fl%.0f %.0fM%.0f %.0fl%.0f %.0f", mx-7*u, my-40*u, 5*u, 14*u, mx+7*u, my-40*u, -4*u, 14*u)
	})

	c.rect(0, table, c.w, c.h-table, c.down(c.mid.mix(c.accent, .2), c.near))
	c.rect(0, table, c.w, 2*u, c.light.mix(c.mid, .35))
	// The machine.
	body := c.down(c.near.mix(c.mid, .25), c.near.dark(.3))
	c.round(x-16*u, table-4*u, 46*u, 4*u, u, body)
	c.path(body, "M%.0f %.0fv%.0fh%.0fv%.0fq0 %.0f %.0f %.0fh%.0fq%.0f 0 %.0f %.0fv%.0fz", x+29*u, table-4*u, -20*u, 0., -4*u, -4*u, -4*u, -4*u, -34*u, -5*u, -5*u, 5*u, 7*u)
	c.rect(x-14*u, table-25*u, 32*u, 8*u, body)
	c.rect(x+17*u, table-25*u, 12*u, 22*u, body)
	c.disc(x+31*u, table-21*u, 5*u, c.down(c.light, c.light.mix(c.near, .6)))
	c.disc(x+31*u, table-21*u, 2*u, c.near)
	c.rect(x-12*u, table-18*u, 2.4*u, 9*u, c.light.mix(c.near, .3))
	c.rect(x-11*u, table-9*u, .5*u, 6*u, c.light)
	c.stroke(c.accent, .5*u, "M%.0f %.0fq%.0f %.0f %.0f %.0fT%.0f %.0f", x+8*u, table-31*u, -8*u, -4*u, -14*u, 4*u, x-10.8*u, table-8*u)
	c.round(x+6*u, table-32*u, 4*u, 6.4*u, .6*u, c.accent)
	c.veil(.9, func() { c.stroke(c.light.mix(c.accent, .3), .6*u, "M%.0f %.0fh%.0f", x-8*u, table-21*u, 22*u) })
	// Cloth that runs off the table, and the scissors.
	c.path(c.across(c.accent.pale(.2), c.accent.dark(.15)), "M%.0f %.0fh%.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x-40*u, table-1.6*u, 40*u, 2*u, 12*u, -6*u, 26*u, -10*u, -6*u, -16*u, u, -10*u, -4*u, -18*u, -3*u)
	sx, sy := x+38*u, table-u
	c.stroke(c.light, 1*u, "M%.0f %.0fl%.0f %.0fM%.0f %.0fl%.0f %.0f", sx, sy, -14*u, -3.4*u, sx, sy-3.4*u, -14*u, 3.4*u)
	for _, dy := range []float64{-4.6, 1} {
		c.add(`<ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f" fill="none" stroke="%s" stroke-width="%.0f"/>`, sx+3*u, sy+dy*u, 3*u, 2*u, c.near, 1.2*u)
	}
}

func drawEasel(c *canvas) {
	u, x, floor := c.unit, c.focus, c.h*.74
	c.rect(0, 0, c.w, c.h, c.down(c.glow.mix(c.sky, .5), c.sky.mix(c.far, .3), c.far.mix(c.mid, .4)))
	// The tall north window.
	wx := x - 62*u
	c.rect(wx-1.4*u, c.h*.04, 32.8*u, 50*u, c.near.mix(c.mid, .4))
	for i := range 3 {
		for j := range 4 {
			c.rect(wx+float64(i)*10.2*u, c.h*.04+(1+float64(j)*12.2)*u, 9.6*u, 11.6*u, c.down(white, c.light.mix(c.sky, .3)))
		}
	}
	c.veil(.4, func() { c.poly(c.fade(white, .8, 0), wx, c.h*.05, wx+31*u, c.h*.05, x+60*u, c.h, x-30*u, c.h) })
	// Canvases that lean on the wall, their backs turned.
	for i := range 4 {
		px := x + (24+float64(i)*9)*u
		h := c.between(22, 34) * u
		c.add(`<g transform="rotate(%.0f %.0f %.0f)">`, 4+c.between(0, 4), px, floor)
		c.rect(px, floor-h, 16*u, h, c.light.mix(c.mid, .35+.08*float64(i)))
		c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" fill="none" stroke="%s" stroke-width="%.0f"/>`, px+u, floor-h+u, 14*u, h-2*u, c.mid.mix(c.near, .4), 1.6*u)
		c.add(`</g>`)
	}
	c.rect(0, floor, c.w, c.h-floor, c.down(c.mid, c.near))
	for i := range 9 {
		c.veil(.3, func() {
			c.stroke(c.near, .4*u, "M%.0f %.0fL%.0f %.0f", x+(float64(i)-4)*18*u, floor, x+(float64(i)-4)*40*u, c.h)
		})
	}
	// The easel and the painting: a Madonna whose blue is still wet.
	wood := c.mid.mix(c.near, .35)
	c.stroke(wood, 1.6*u, "M%.0f %.0fL%.0f %.0fL%.0f %.0fM%.0f %.0fL%.0f %.0f", x-20*u, floor+9*u, x-1*u, c.h*.05, x+18*u, floor+9*u, x, c.h*.06, x+4*u, floor+4*u)
	py, pw, ph := c.h*.1, 34*u, 46*u
	c.rect(x-pw/2-1.6*u, py-1.6*u, pw+3.2*u, ph+3.2*u, c.accent.mix(hex("#c9a14a"), .8).dark(.2))
	c.rect(x-pw/2, py, pw, ph, c.down(hex("#d8b46a"), hex("#8f6a34")))
	c.names++
	c.add(`<clipPath id="k%d"><rect x="%.0f" y="%.0f" width="%.0f" height="%.0f"/></clipPath><g clip-path="url(#k%d)">`, c.names, x-pw/2, py, pw, ph, c.names)
	c.disc(x, py+15*u, 10*u, hex("#f3dc96"))
	blue := c.down(hex("#3563b5"), hex("#14285e"))
	c.path(blue, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x-17*u, py+ph, 2*u, -24*u, 9*u, -27*u, 8*u, -20*u, 16*u, 0., 8*u, 4*u, 9*u, 27*u)
	c.oval(x, py+16*u, 5*u, 6.4*u, hex("#eac6a0"))
	c.stroke(hex("#7a4a33"), .4*u, "M%.0f %.0fq%.0f %.0f %.0f 0M%.0f %.0fq%.0f %.0f %.0f 0M%.0f %.0fq%.0f %.0f %.0f 0", x-3*u, py+15.6*u, u, .8*u, 2*u, x+1*u, py+15.6*u, u, .8*u, 2*u, x-1.2*u, py+19.4*u, 1.2*u, .9*u, 2.4*u)
	c.path(hex("#b5443a"), "M%.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fz", x-6*u, py+ph, 3*u, -20*u, 6*u, 0., 3*u, 20*u)
	c.stroke(hex("#e9d59c"), .35*u, "M%.0f %.0fq%.0f %.0f %.0f %.0f", x-8*u, py+24*u, 8*u, -24*u, 16*u, 0.)
	// Craquelure.
	c.veil(.3, func() {
		for range 16 {
			cx, cy := x+c.between(-17, 17)*u, py+c.between(0, 46)*u
			c.stroke(hex("#3a2a18"), .15*u, "M%.0f %.0fl%.0f %.0fl%.0f %.0f", cx, cy, c.between(-3, 3)*u, 2*u, c.between(-3, 3)*u, 3*u)
		}
	})
	c.add(`</g>`)
	c.rect(x-21*u, py+ph+1.6*u, 42*u, 2*u, wood)
	// Brushes, a palette.
	tx, ty := x+30*u, floor+4*u
	c.round(tx-4*u, ty-9*u, 9*u, 10*u, u, c.accent.dark(.15))
	for i := range 5 {
		c.stroke(c.near, .7*u, "M%.0f %.0fl%.0f %.0f", tx+(-2.4+float64(i)*1.4)*u, ty-9*u, (-3+float64(i)*1.4)*u, -10*u)
		c.disc(tx+(-5.4+float64(i)*2.8)*u, ty-20*u, .9*u, c.pick(hex("#3563b5"), hex("#b5443a"), hex("#f3dc96"), white))
	}
	c.oval(x-36*u, floor+6*u, 13*u, 5*u, c.accent.mix(hex("#a9713c"), .7))
	for i, s := range []string{"#3563b5", "#b5443a", "#f3dc96", "#4f7a4a", "#ffffff"} {
		c.oval(x+(-44+float64(i)*4)*u, floor+(5-float64(i%2)*1.6)*u, 1.7*u, u, hex(s))
	}
}
