package demo

// Scenes of studio and theatre.

func drawNewsdesk(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky.mix(c.mid, .4), c.mid))
	// Panels of light behind the globe.
	for i := range 9 {
		px := x + (-90+float64(i)*20+c.between(-3, 3))*u
		c.add(`<path d="M%.0f 0h%.0fL%.0f %.0fh-%.0fz" fill="%s" opacity="%.2f"/>`, px, 12*u, px-16*u, c.h*.72, 12*u,
			c.pick(c.glow, c.far, c.accent.mix(c.glow, .6)), c.between(.1, .34))
	}
	r, gy := 27*u, c.h*.38
	c.disc(x, gy, r*2.1, c.halo(c.glow, .7))
	c.disc(x, gy, r, c.down(c.glow.pale(.3), c.glow.mix(c.sky, .5), c.far.mix(c.mid, .6)))
	c.names++
	c.add(`<clipPath id="k%d"><circle cx="%.0f" cy="%.0f" r="%.0f"/></clipPath><g clip-path="url(#k%d)">`, c.names, x, gy, r, c.names)
	// Invented continents, then meridians.
	for range 7 {
		lx, ly, s := x+c.between(-.9, .7)*r, gy+c.between(-.8, .6)*r, c.between(.25, .5)*r
		c.path(c.light.mix(c.glow, .35), "M%.0f %.0fq%.0f %.0f %.0f %.0ft%.0f %.0fq%.0f %.0f %.0f %.0ft%.0f %.0fz", lx, ly,
			s*.4, -s*.6, s, -s*.1, s*.2, s*.7, -s*.3, s*.6, -s*.8, s*.1, -s*.5, -s*.5)
	}
	c.add(`<g fill="none" stroke="%s" stroke-width="%.1f" opacity=".45">`, c.light, .25*u)
	for _, k := range []float64{.3, .62, .88} {
		c.add(`<ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/><ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/>`,
			x, gy, r*k, r, x, gy, r, r*k)
	}
	c.add(`</g>`)
	c.disc(x+r*.55, gy+r*.5, r*1.15, c.halo(c.near, .55))
	c.add(`</g>`)
	// Two orbits with a satellite each.
	for i, a := range []float64{-16, 22} {
		c.add(`<g transform="rotate(%.0f %.0f %.0f)"><ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f" fill="none" stroke="%s" stroke-width="%.1f" opacity=".7"/>`,
			a, x, gy, x, gy, r*(1.35+.2*float64(i)), r*.34, c.accent.mix(c.light, float64(i)*.6), .4*u)
		c.disc(x+r*(1.35+.2*float64(i)), gy, 1.3*u, c.accent.mix(c.light, float64(i)*.6))
		c.add(`</g>`)
	}

	// The desk, curved, edged with light, and who sits at it.
	desk := c.h * .74
	for _, dx := range []float64{-15, 15} {
		c.disc(x+dx*u, desk-15*u, 4*u, c.near.mix(c.far, .25))
		c.path(c.down(c.near.mix(c.far, .25), c.near), "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f 0 %.0f %.0fz", x+(dx-8)*u, desk+2*u, 0., -12*u, 8*u, -12*u, 8*u, 8*u, 12*u)
	}
	c.path(c.down(c.far.mix(c.light, .12), c.near), "M%.0f %.0fQ%.0f %.0f %.0f %.0fL%.0f %.0fH%.0fZ", x-46*u, desk, x, desk-6*u, x+46*u, desk, x+38*u, c.h, x-38*u)
	c.stroke(c.light, 1.2*u, "M%.0f %.0fQ%.0f %.0f %.0f %.0f", x-46*u, desk, x, desk-6*u, x+46*u, desk)
	c.veil(.8, func() {
		c.stroke(c.accent, .9*u, "M%.0f %.0fQ%.0f %.0f %.0f %.0f", x-42.5*u, desk+9*u, x, desk+3*u, x+42.5*u, desk+9*u)
	})
}

func drawStage(c *canvas) {
	u, x, floor := c.unit, c.focus, c.h*.68
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.mid, c.sky.mix(c.mid, .5)))
	// Light first: the curtains frame it.
	for i, dx := range []float64{-34, -12, 12, 34} {
		beam := c.pick(c.light, c.glow, c.accent.pale(.3))
		c.add(`<path d="M%.0f 0L%.0f %.0fh%.0fz" fill="%s" opacity="%.2f"/>`, x+dx*u, x+dx*u*.3-13*u, floor+2*u, 26*u, c.fade(beam, .75, .06), .5+.1*float64(i%2))
		c.path(c.near.dark(.4), "M%.0f 0h%.0fl%.0f %.0fh%.0fz", x+(dx-2.6)*u, 5.2*u, u, 5*u, -7.2*u)
		c.disc(x+dx*u, 5*u, 7*u, c.halo(beam, .9))
	}
	c.rect(0, floor, c.w, c.h-floor, c.down(c.sky.mix(c.near, .35), c.near))
	for i := range 15 {
		c.add(`<path d="M%.0f %.0fL%.0f %.0f" stroke="%s" stroke-width="%.1f" opacity=".35"/>`,
			x+(float64(i)-7)*9*u, floor, x+(float64(i)-7)*22*u, c.h, c.near, .3*u)
	}
	c.oval(x, floor+6*u, 38*u, 6*u, c.halo(c.light, .9))
	c.veil(.5, func() {
		for range 40 {
			c.disc(x+c.between(-40, 40)*u, c.between(.08, .9)*floor, c.between(.12, .35)*u, c.light)
		}
	})

	// A grand piano, its lid open, and the player.
	px, py := x-4*u, floor+4*u
	dark := c.near.dark(.55)
	c.path(dark, "M%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz", px-10*u, py-13*u, 2*u, -19*u, 26*u, 2*u, 34*u, 17*u)
	c.path(c.accent.mix(dark, .6), "M%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz", px-8*u, py-13*u, 1.6*u, -16*u, 22*u, 3*u, 28*u, 15*u)
	c.path(c.down(c.near.pale(.12), dark), "M%.0f %.0fh%.0fq%.0f 0 %.0f %.0fh%.0fz", px-16*u, py-13*u, 40*u, 3*u, 3*u, 5*u, -43*u)
	c.rect(px-19*u, py-9.4*u, 8*u, 1.6*u, c.light)
	for _, dx := range []float64{-13, 6, 22} {
		c.poly(dark, px+dx*u, py-8*u, px+(dx+2.4)*u, py-8*u, px+(dx+1.6)*u, py, px+(dx+.8)*u, py)
	}
	c.disc(px-26*u, py-23*u, 2.5*u, dark)
	c.path(dark, "M%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz", px-30*u, py-8*u, -u, -12*u, 4*u, -13*u, 4*u, 5*u, 6*u, 3.6*u, -.8*u, 1.6*u, -5*u, -2*u, -6*u, -2.6*u)
	c.rect(px-32*u, py-8*u, 10*u, 1.6*u, dark)
	c.rect(px-31*u, py-7*u, 1.2*u, 7*u, dark)
	c.rect(px-24*u, py-7*u, 1.2*u, 7*u, dark)

	// Curtains in folds, on both sides and above.
	cloth := []colour{c.accent.mix(c.near, .35), c.accent.mix(c.near, .6), c.accent.mix(c.near, .2)}
	folds := max(c.w*.16, 20*u) / 5
	for i := range 5 {
		f := cloth[i%3]
		c.path(c.down(f.dark(.3), f), "M%.0f 0h%.0fq%.0f %.0f %.0f %.0fh-%.0fz", float64(i)*folds, folds+1, -folds*.2, c.h*.5, -folds*.5*float64(i)*.4, c.h, folds*1.3)
		c.path(c.down(f.dark(.3), f), "M%.0f 0h-%.0fq%.0f %.0f %.0f %.0fh%.0fz", c.w-float64(i)*folds, folds+1, folds*.2, c.h*.5, folds*.5*float64(i)*.4, c.h, folds*1.3)
	}
	for i := range 9 {
		w := c.w / 8
		c.path(c.down(cloth[i%3].dark(.4), cloth[i%3]), "M%.0f 0h%.0fv%.0fq%.0f %.0f %.0f 0z", float64(i)*w-w/2, w+1, 3*u, -w/2, 9*u, -w)
	}
	// Heads of the audience.
	for i := range 24 {
		hx := (float64(i) + c.between(.2, .8)) * c.w / 24
		r := c.between(2.4, 3.4) * u
		c.disc(hx, c.h*.97-r, r, c.near.dark(.7))
		c.oval(hx, c.h, r*1.9, r*1.4, c.near.dark(.7))
	}
}

func drawQuiz(c *canvas) {
	u, x, floor := c.unit, c.focus, c.h*.66
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.mid))
	// Rays that turn around the wheel.
	cy := c.h * .36
	for i := range 24 {
		if i%2 == 0 {
			x1, y1 := polar(x, cy, c.w*1.2, float64(i)*15)
			x2, y2 := polar(x, cy, c.w*1.2, float64(i+1)*15)
			c.veil(.22, func() { c.poly(c.glow, x, cy, x1, y1, x2, y2) })
		}
	}
	c.rect(0, floor, c.w, c.h-floor, c.down(c.far, c.near))
	for i := range 4 {
		c.add(`<ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f" fill="none" stroke="%s" stroke-width="%.1f" opacity="%.2f"/>`,
			x, floor+9*u, (26+float64(i)*14)*u, (5+float64(i)*3.2)*u, c.light, .6*u, .6-.13*float64(i))
	}

	r := 25 * u
	c.disc(x, cy, r*1.9, c.halo(c.glow, .8))
	slices := []colour{c.accent, c.glow, c.light, c.sky.pale(.2), c.accent.turn(140), c.far}
	turn := c.between(0, 30)
	for i := range 12 {
		x1, y1 := polar(x, cy, r, float64(i)*30+turn)
		x2, y2 := polar(x, cy, r, float64(i+1)*30+turn)
		c.path(slices[i%6], "M%.0f %.0fL%.0f %.0fA%.0f %.0f 0 0 1 %.0f %.0fZ", x, cy, x1, y1, r, r, x2, y2)
	}
	c.add(`<circle cx="%.0f" cy="%.0f" r="%.0f" fill="none" stroke="%s" stroke-width="%.0f"/>`, x, cy, r, c.near, 3*u)
	for i := range 24 {
		bx, by := polar(x, cy, r, float64(i)*15)
		bulb := c.light.pale(.5)
		if i%2 == 1 {
			bulb = c.accent
		}
		c.disc(bx, by, .95*u, bulb)
	}
	c.disc(x, cy, r*.26, c.down(c.light, c.accent))
	c.disc(x, cy, r*.13, c.near)
	c.poly(c.light.pale(.4), x-3*u, cy-r-5*u, x+3*u, cy-r-5*u, x, cy-r+2*u)

	// Two desks with their buzzers.
	for i, dx := range []float64{-40, 40} {
		px, side := x+dx*u, []colour{c.accent, c.accent.turn(180)}[i]
		c.path(c.down(side, side.dark(.55)), "M%.0f %.0fh%.0fl%.0f %.0fh%.0fz", px-11*u, floor-8*u, 22*u, -3*u, 22*u, -16*u)
		c.round(px-12*u, floor-10*u, 24*u, 2.6*u, u, c.light)
		c.path(c.accent.turn(float64(i)*180).pale(.15), "M%.0f %.0fq%.0f %.0f %.0f 0z", px-3*u, floor-10*u, 3*u, -6*u, 6*u)
		for j := range 3 {
			c.disc(px+(-5+float64(j)*5)*u, floor-2*u, 1.2*u, c.light)
		}
	}
	for range 60 {
		c.add(`<rect x="%.0f" y="%.0f" width="%.1f" height="%.1f" fill="%s" transform="rotate(%.0f %.0f %.0f)"/>`, c.between(0, c.w),
			c.between(0, .6)*c.h, c.between(.6, 1.3)*u, c.between(.6, 2)*u, c.pick(slices...), c.between(-20, 20), x, cy)
	}
}

func drawStairs(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.mid))
	for i := range 9 {
		c.veil(.14, func() {
			c.poly(c.fade(c.glow, .9, 0), x+(float64(i)-4)*26*u-5*u, 0, x+(float64(i)-4)*26*u+5*u, 0, x+(float64(i)-4)*12*u+10*u, c.h*.8, x+(float64(i)-4)*12*u-10*u, c.h*.8)
		})
	}
	c.disc(x, c.h*.16, 54*u, c.halo(c.light, .7))
	// A door at the top, twelve steps that widen.
	c.round(x-7*u, c.h*.05, 14*u, 22*u, 7*u, c.light)
	c.round(x-5.4*u, c.h*.05+1.6*u, 10.8*u, 20*u, 5.4*u, c.down(white, c.accent.pale(.5)))
	y := c.h*.05 + 20*u
	for i := range 12 {
		t := float64(i)
		half, rise := (12+t*3.6)*u, (2.1+t*.36)*u
		lit := c.glow.mix(c.accent, t/11)
		c.poly(c.down(lit.pale(.55), lit.pale(.15)), x-half+1.6*u, y, x+half-1.6*u, y, x+half, y+rise*.42, x-half, y+rise*.42)
		c.rect(x-half, y+rise*.42, half*2, rise*.6, c.down(lit, lit.dark(.55)))
		c.veil(.6, func() { c.rect(x-half, y+rise*.42, half*2, .3*u, white) })
		y += rise
	}
	c.rect(0, y, c.w, c.h, c.down(c.far, c.near))
	c.oval(x, y+4*u, 70*u, 6*u, c.halo(c.light, .5))
	// The candidate, a third of the way up, and who whispers below.
	c.walker(x+6*u, c.h*.05+33*u, 13*u, c.near.dark(.5))
	c.walker(x-40*u, y+7*u, 15*u, c.near.dark(.4))
	for range 30 {
		c.disc(c.between(0, c.w), c.between(0, .7)*c.h, c.between(.15, .5)*u, c.light)
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

func drawCinema(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.near))
	sw := min(c.w*.86, 104*u)
	sh := sw * .46
	sy := c.h * .12
	c.disc(x, sy+sh/2, sw*.95, c.halo(c.light, .5))
	c.round(x-sw/2, sy, sw, sh, u, c.down(c.sky, c.glow))
	// On the screen: a road, a sun and somebody who leaves.
	c.disc(x+sw*.1, sy+sh*.55, sh*.2, c.light)
	c.names++
	c.add(`<clipPath id="k%d"><rect x="%.0f" y="%.0f" width="%.0f" height="%.0f"/></clipPath><g clip-path="url(#k%d)">`, c.names, x-sw/2, sy, sw, sh, c.names)
	c.path(c.far, "M%.0f %.0fq%.0f %.0f %.0f 0t%.0f 0v%.0fh%.0fz", x-sw/2, sy+sh*.72, sw*.25, -sh*.3, sw*.5, sw*.5, sh, -sw)
	c.poly(c.mid, x+sw*.09, sy+sh*.66, x+sw*.12, sy+sh*.66, x+sw*.22, sy+sh, x-sw*.3, sy+sh)
	c.walker(x-sw*.02, sy+sh*.93, sh*.34, c.near)
	c.add(`</g>`)
	// The beam from the booth, dust in it.
	c.add(`<path d="M%.0f %.0fL%.0f %.0fH%.0fz" fill="%s" opacity=".14"/>`, x, c.h*1.15, x-sw/2, sy+sh, x+sw/2, c.light)
	for range 40 {
		c.add(`<circle cx="%.0f" cy="%.0f" r="%.1f" fill="%s" opacity=".5"/>`, x+c.between(-.4, .4)*sw, c.between(.3, .95)*c.h, c.between(.1, .3)*u, c.light)
	}
	// Drapes from the screen to both walls.
	for i := 0; float64(i)*8*u < c.w; i++ {
		f := c.accent.mix(c.near, .5+.14*float64(i%2))
		for _, px := range []float64{x - sw/2 - float64(i+1)*8*u - u, x + sw/2 + float64(i)*8*u + u} {
			if px > -8*u && px < c.w {
				c.rect(px, 0, 8*u+1, c.h*.72, c.across(f.dark(.45), f, f.dark(.45)))
			}
		}
	}
	// Rows of seats, and a few heads.
	for row := range 4 {
		y := c.h*.66 + float64(row)*c.h*.1
		w := (8 + float64(row)*2.2) * u
		s := c.accent.mix(c.near, .35+.14*float64(row))
		for px := -w * float64(row%2) / 2; px < c.w; px += w * 1.08 {
			if c.rnd.IntN(3) == 0 {
				c.disc(px+w/2, y-w*.06, w*.22, c.near.dark(.6))
			}
			c.round(px, y, w, c.h*.3, w*.26, c.down(s, s.dark(.45)))
		}
	}
}
