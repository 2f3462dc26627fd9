package demo

// Scenes of mountain, forest and countryside.

func drawMountains(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.sun(x-30*u, c.h*.2, 4*u, c.light)
	c.clouds(5, c.h*.1, c.h*.35, white.mix(c.sky, .3), .5)
	c.veil(.6, func() { c.ridge(c.h*.46, 12*u, .55, c.far.mix(c.glow, .35)) })
	c.mist(c.h*.4, c.h*.2, .6)

	// The summit: a lit face, a shaded face, and snow that runs down in teeth.
	top, foot := c.h*c.between(.1, .2), c.h*.78
	if c.rnd.IntN(2) == 0 {
		// A lesser neighbour, on one side or the other.
		nx, nt := x+c.pickNumber(-44, 40)*u, top+c.between(9, 16)*u
		c.poly(c.down(c.far.mix(c.glow, .15), c.mid), nx, nt, nx+11*u, nt+13*u, nx+46*u, foot, nx-46*u, foot, nx-13*u, nt+16*u)
		c.poly(c.down(white.mix(c.far, .1), c.far), nx, nt, nx+11*u, nt+13*u, nx+4*u, nt+11*u, nx, nt+18*u, nx-5*u, nt+11*u, nx-13*u, nt+16*u)
	}
	c.poly(c.down(c.far, c.mid), x, top, x+14*u, top+20*u, x+22*u, top+24*u, x+52*u, foot, x-60*u, foot, x-26*u, top+30*u, x-18*u, top+26*u)
	c.poly(c.fade(c.near, .55, .25), x, top, x+14*u, top+20*u, x+22*u, top+24*u, x+52*u, foot, x-2*u, foot, x+5*u, top+40*u, x-3*u, top+22*u)
	c.poly(c.down(white, c.light.mix(c.far, .2)), x, top, x+14*u, top+20*u, x+8*u, top+19*u, x+9*u, top+26*u, x+3*u, top+21*u,
		x-3*u, top+32*u, x-6*u, top+24*u, x-13*u, top+31*u, x-12*u, top+22*u, x-18*u, top+26*u)
	c.poly(c.fade(c.far, .55, .35), x, top, x+14*u, top+20*u, x+8*u, top+19*u, x+9*u, top+26*u, x+3*u, top+21*u, x-1*u, top+28*u, x-3*u, top+16*u)

	c.mist(c.h*.5, c.h*.18, .75)
	c.ridge(c.h*.66, 8*u, .5, c.down(c.mid, c.near))
	line := c.ridge(c.h*.76, 5*u, .35, c.near)
	for i := range 46 {
		t := c.rnd.Float64()
		y := line[int(t*32)]
		c.tree(t*c.w, y+3*u, c.between(5, 11+float64(i%3)*2)*u, c.near.dark(c.between(0, .35)))
	}
	c.bird(x-22*u, c.h*.3, 2*u, c.near)
	c.bird(x-17*u, c.h*.27, 1.4*u, c.near)
}

func drawForest(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.stars(60, c.h*.5)
	c.moon(x, c.h*.24, 8*u)
	for row, s := range []colour{c.far, c.far.mix(c.mid, .5), c.mid, c.near} {
		base := c.h * (.56 + .1*float64(row))
		n := 22 - row*4
		for i := range n {
			h := c.between(16, 28) * u * (1 + float64(row)*.28)
			c.tree((float64(i)+c.between(.1, .9))*c.w/float64(n), base+4*u, h, s.mix(c.glow, .06*float64(3-row)))
		}
		c.hill(base, 2*u, s)
		if row < 3 {
			c.mist(base-12*u, 16*u, .34-.08*float64(row))
		}
	}
	// Eyes, and fireflies.
	for range 3 {
		ex, ey := c.between(.1, .9)*c.w, c.h*c.between(.66, .74)
		c.disc(ex, ey, .55*u, c.accent)
		c.disc(ex+2*u, ey, .55*u, c.accent)
	}
	for range 30 {
		fx, fy := c.between(0, c.w), c.between(.5, .9)*c.h
		c.disc(fx, fy, 1.6*u, c.halo(c.accent.pale(.3), .9))
	}
	// A stag on the rise, against the moonlight.
	c.stag(x+2*u, c.h*.78, 22*u, c.near.dark(.5))
}

// stag looks left, its hooves on y.
func (c *canvas) stag(x, y, h float64, s colour) {
	c.path(s, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fz",
		x-h*.22, y-h*.42, h*.05, -h*.2, h*.02, -h*.24, h*.2, h*.12, h*.42, h*.06, h*.12, h*.05, h*.08, h*.28, -h*.14, h*.04, -h*.2, h*.03, -h*.38, -h*.02)
	for _, dx := range []float64{-.19, -.1, .18, .26} {
		c.poly(s, x+h*dx-h*.035, y-h*.45, x+h*dx+h*.035, y-h*.45, x+h*dx+h*.015, y, x+h*dx-h*.018, y)
	}
	c.path(s, "M%.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f %.0fz",
		x-h*.14, y-h*.5, -h*.1, -h*.26, -h*.14, h*.05, -h*.01, -h*.05, h*.08, -h*.1, h*.18, -h*.09, h*.14, h*.28)
	c.stroke(s, h*.025, "M%.0f %.0fq%.0f %.0f %.0f %.0fm%.0f %.0fl%.0f %.0fm%.0f %.0fl%.0f %.0fM%.0f %.0fq%.0f %.0f %.0f %.0fm%.0f %.0fl%.0f %.0f",
		x-h*.25, y-h*.82, -h*.2, -h*.06, -h*.16, -h*.34, h*.0, h*.14, -h*.12, -h*.06, h*.12, h*.0, h*.06, -h*.1,
		x-h*.22, y-h*.82, h*.16, -h*.1, h*.1, -h*.34, h*.03, h*.16, h*.13, -h*.08)
}

func drawFields(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.5
	c.paintSky()
	c.sun(x+16*u, horizon-15*u, 6.5*u, c.light)
	c.clouds(6, c.h*.08, c.h*.34, white, .55)
	c.hill(horizon, 4*u, c.down(c.far.pale(.12), c.far))
	c.mist(horizon-3*u, 14*u, .4)
	c.hill(horizon+8*u, 4*u, c.down(c.far, c.mid))

	// A farm, its silo, its poplars.
	fx, fy := x-12*u, horizon+9*u
	c.rect(fx, fy-8*u, 18*u, 9*u, c.light.mix(c.mid, .2))
	c.poly(c.accent.dark(.15), fx-1.5*u, fy-8*u, fx+3*u, fy-13*u, fx+16*u, fy-13*u, fx+19.5*u, fy-8*u)
	c.rect(fx+3*u, fy-5*u, 4*u, 6*u, c.near)
	c.rect(fx+10*u, fy-5.6*u, 2*u, 2*u, c.near)
	c.rect(fx+14*u, fy-5.6*u, 2*u, 2*u, c.near)
	c.round(fx+21*u, fy-15*u, 5*u, 16*u, 2.5*u, c.across(c.light, c.light.mix(c.near, .5)))
	for i := range 5 {
		c.oval(fx-(6+float64(i)*3.6)*u, fy-(7-float64(i%2))*u, 1.4*u, 8*u, c.near.mix(c.mid, .4))
	}
	c.hill(horizon+15*u, 3*u, c.down(c.mid.pale(.1), c.mid))

	// Furrows that run to a point.
	vx, vy := x+6*u, horizon+13*u
	c.add(`<g>`)
	for i := range 22 {
		a, b := (float64(i)-8)*c.w*.085, (float64(i)-7.5)*c.w*.085
		c.poly(c.pick(c.near, c.mid.dark(.25), c.near.mix(c.accent, .12)), vx, vy, a, c.h, b, c.h)
	}
	c.add(`</g>`)
	for range 12 {
		bx := c.between(0, c.w)
		c.bush(bx, horizon+c.between(9, 13)*u, c.between(1, 2.2)*u, c.mid.mix(c.near, .4))
	}
	c.tractor(x+18*u, c.h*.76, 13*u)
	for range 4 {
		c.bird(c.between(.05, .6)*c.w, c.between(.12, .35)*c.h, 1.5*u, c.near)
	}
}

func (c *canvas) tractor(x, y, s float64) {
	body := c.down(c.accent, c.accent.dark(.3))
	c.round(x-s*.7, y-s*.62, s*.75, s*.36, s*.08, body)
	c.path(c.near, "M%.0f %.0fh%.0fl%.0f %.0fh%.0fz", x, y-s*1.05, s*.52, s*.06, s*.6, -s*.64)
	c.path(c.light.mix(c.sky, .4), "M%.0f %.0fh%.0fl%.0f %.0fh%.0fz", x+s*.08, y-s*.95, s*.36, s*.03, s*.34, -s*.45)
	c.rect(x-s*.45, y-s*.9, s*.06, s*.3, c.near)
	for _, wl := range []struct{ dx, r float64 }{{.36, .38}, {-.5, .24}} {
		c.disc(x+s*wl.dx, y-s*wl.r, s*wl.r, c.near.dark(.5))
		c.disc(x+s*wl.dx, y-s*wl.r, s*wl.r*.5, c.light.mix(c.accent, .4))
	}
}

func drawDesert(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.sun(x+10*u, c.h*.26, 9*u, c.light)
	c.clouds(3, c.h*.12, c.h*.3, c.glow.pale(.3), .5)
	c.veil(.6, func() { c.mesa(c.h*.5, 14*u, c.far.mix(c.glow, .35)) })
	c.mist(c.h*.44, c.h*.16, .5)
	c.mesa(c.h*.58, 20*u, c.far)
	c.mist(c.h*.52, c.h*.16, .4)
	c.hill(c.h*.66, 5*u, c.down(c.far.mix(c.glow, .25), c.mid))
	// Strata on the nearest cliff.
	cx := x + 22*u
	c.poly(c.down(c.far, c.mid, c.near), cx-10*u, c.h*.7, cx-7*u, c.h*.36, cx-3*u, c.h*.34, cx+4*u, c.h*.32, cx+11*u, c.h*.36, cx+30*u, c.h*.35, cx+60*u, c.h*.7)
	for i := range 5 {
		y := c.h*.4 + float64(i)*5*u
		c.veil(.35, func() {
			c.stroke(c.pick(c.near, c.light), .7*u, "M%.0f %.0fq%.0f %.0f %.0f %.0f", cx-7*u, y, 14*u, -2*u, 60*u, u)
		})
	}
	c.hill(c.h*.72, 4*u, c.down(c.mid.mix(c.glow, .25), c.near))
	// A rider and a horse, small under all that.
	rx, ry := x-16*u, c.h*.71
	c.stag(rx, ry, 7*u, c.near.dark(.4))
	c.disc(rx+.4*u, ry-6.6*u, .8*u, c.near.dark(.4))
	c.round(rx-.4*u, ry-6*u, 1.7*u, 3*u, .8*u, c.accent)
	c.hill(c.h*.82, 4*u, c.down(c.mid, c.near))
}

// mesa is a skyline of flat-topped rocks.
func (c *canvas) mesa(y, height float64, s colour) {
	c.add(`<path fill="%s" d="M0 %.0f`, c.down(s.pale(.1), s), c.h)
	for x := -c.unit * 4; x < c.w; {
		w, gap, h := c.between(8, 26)*c.unit, c.between(3, 16)*c.unit, c.between(.25, 1)*height
		c.add("L%.0f %.0fL%.0f %.0fH%.0fL%.0f %.0f", x, y, x+h*.25, y-h, x+w, x+w+h*.25, y)
		x += w + h*.25 + gap
	}
	c.add(`L%.0f %.0fV%.0fH0Z"/>`, c.w, y, c.h)
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
