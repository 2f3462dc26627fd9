package demo

// Scenes made for children.

func drawClouds(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	// A rainbow behind, hills below, friends around.
	c.veil(.55, func() {
		for i, s := range []string{"#ff6b6b", "#ffa94d", "#ffe066", "#8ce99a", "#74c0fc", "#b197fc"} {
			c.add(`<circle cx="%.0f" cy="%.0f" r="%.0f" fill="none" stroke="%s" stroke-width="%.1f"/>`, x-10*u, c.h*.78, (58-float64(i)*3.4)*u, s, 3.5*u)
		}
	})
	c.sun(x+34*u, c.h*.16, 7*u, hex("#ffd43b"))
	c.clouds(9, c.h*.14, c.h*.62, white, .6)
	c.hill(c.h*.68, 5*u, c.down(c.mid.pale(.2), c.mid))
	c.hill(c.h*.78, 5*u, c.down(c.mid, c.near))
	for range 14 {
		c.bush(c.between(0, c.w), c.h*c.between(.7, .84), c.between(1.6, 3.4)*u, c.near.mix(c.mid, c.between(.1, .6)))
	}
	// A balloon.
	bx, by := x-44*u, c.h*.26
	c.oval(bx, by, 8*u, 9.4*u, c.across(c.accent, c.accent.pale(.35), c.accent))
	c.oval(bx, by, 3.4*u, 9.4*u, c.light)
	c.stroke(c.near, .3*u, "M%.0f %.0fl%.0f %.0fM%.0f %.0fl%.0f %.0f", bx-5*u, by+7.4*u, 3*u, 7*u, bx+5*u, by+7.4*u, -3*u, 7*u)
	c.round(bx-2.2*u, by+14*u, 4.4*u, 3.6*u, .8*u, c.accent.dark(.45))

	// The hero.
	cx, cy, r := x, c.h*.44, 14*u
	c.veil(.16, func() { c.cloud(cx-r*1.6, cy+r*1.3, r, c.near) })
	c.cloud(cx-r*1.6, cy+r, r, c.down(white, c.glow.mix(white, .35)))
	for _, dx := range []float64{-.55, .35} {
		c.oval(cx+r*dx, cy-r*.05, r*.13, r*.18, c.near)
		c.disc(cx+r*(dx+.04), cy-r*.12, r*.05, white)
		c.veil(.6, func() { c.oval(cx+r*(dx*1.5+.05), cy+r*.28, r*.17, r*.1, c.accent) })
	}
	c.stroke(c.near, r*.07, "M%.0f %.0fq%.0f %.0f %.0f 0", cx-r*.32, cy+r*.25, r*.22, r*.26, r*.44)
	for i, dx := range []float64{-1, 0, .9} {
		c.path(hex("#4dabf7"), "M%.0f %.0fq%.0f %.0f 0 %.0fq%.0f %.0f 0 %.0fz", cx+r*dx, cy+r*(1.2+.2*float64(i%2)), r*.3, r*.36, r*.42, -r*.3, -r*.06, -r*.42)
	}
}

func drawAnimals(c *canvas) {
	u, x := c.unit, c.focus
	c.paintSky()
	c.sun(x+30*u, c.h*.18, 7*u, hex("#ffd43b"))
	c.clouds(6, c.h*.1, c.h*.36, white, .8)
	c.hill(c.h*.5, 6*u, c.down(c.far.pale(.2), c.far))
	for range 9 {
		c.bush(c.between(0, c.w), c.h*c.between(.52, .58), c.between(3, 6)*u, c.mid.mix(c.far, c.between(0, .6)))
	}
	c.hill(c.h*.62, 4*u, c.down(c.mid.pale(.15), c.mid))
	// The brook winds to the front.
	water := c.down(c.sky, c.top)
	c.path(water, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fH%.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x+24*u, c.h*.6,
		-10*u, 6*u, 6*u, 13*u, 16*u, 10*u, 20*u, 40*u, x-20*u, -6*u, -26*u, 16*u, -38*u, 8*u, -8*u, 22*u, -15*u)

	y := c.h * .7
	c.fox(x-20*u, y, 26*u)
	c.hedgehog(x+12*u, y+4*u, 13*u)
	c.frog(x+34*u, y+6*u, 11*u)
	// An owl in a tree that frames the side.
	tx := x - 50*u
	c.path(hex("#7a4a2b").mix(c.near, .3), "M%.0f %.0fq%.0f %.0f %.0f %.0fl%.0f 0q%.0f %.0f %.0f %.0fz", tx-4*u, y+14*u, 3*u, -30*u, u, -54*u, 6*u, -u, 30*u, 5*u, 54*u)
	c.stroke(hex("#7a4a2b").mix(c.near, .3), 2.6*u, "M%.0f %.0fq%.0f %.0f %.0f %.0f", tx, y-24*u, 8*u, u, 17*u, -4*u)
	for range 9 {
		c.disc(tx+c.between(-14, 14)*u, y-c.between(38, 58)*u, c.between(6, 10)*u, c.mid.mix(c.near, c.between(0, .5)))
	}
	c.owl(tx+12*u, y-26.6*u, 9*u)
	c.hill(c.h*.84, 3*u, c.down(c.mid.dark(.1), c.near))
	for range 26 {
		fx, fy := c.between(0, c.w), c.h*c.between(.86, .97)
		s := c.pick(c.accent, white, c.light, hex("#ffd43b"))
		for k := range 5 {
			px, py := polar(fx, fy, .8*u, float64(k)*72)
			c.disc(px, py, .6*u, s)
		}
		c.disc(fx, fy, .5*u, hex("#f59f00"))
	}
	c.bird(x+6*u, c.h*.2, 2*u, c.near)
	c.bird(x+12*u, c.h*.23, 1.5*u, c.near)
}

func (c *canvas) eye(x, y, r float64) {
	c.disc(x, y, r, white)
	c.disc(x+r*.15, y+r*.1, r*.6, hex("#22222e"))
	c.disc(x+r*.3, y-r*.15, r*.2, white)
}

func (c *canvas) fox(x, y, h float64) {
	coat, pale := hex("#e8722c"), hex("#fff1dc")
	c.path(c.down(coat, coat.dark(.15)), "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x+h*.2, y-h*.06, h*.5, -h*.02, h*.42, -h*.5, -h*.02, h*.3, -h*.42, h*.3)
	c.path(pale, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x+h*.62, y-h*.56, h*.1, h*.12, h*.04, h*.26, -h*.1, -h*.06, -h*.04, -h*.26)
	c.path(c.down(coat, coat.dark(.12)), "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x-h*.24, y, -h*.06, -h*.5, h*.24, -h*.5, h*.3, 0., h*.24, h*.5)
	c.oval(x, y-h*.14, h*.12, h*.16, pale)
	for side := -1.; side <= 1; side += 2 {
		c.poly(coat.dark(.1), x+side*h*.08, y-h*.82, x+side*h*.27, y-h*1.02, x+side*h*.27, y-h*.7)
		c.poly(hex("#4a2a22"), x+side*h*.16, y-h*.84, x+side*h*.25, y-h*.95, x+side*h*.25, y-h*.76)
	}
	c.path(c.down(coat.pale(.08), coat), "M%.0f %.0fq%.0f %.0f %.0f 0q%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x-h*.3, y-h*.72, h*.3, -h*.3, h*.6, -h*.02, h*.2, -h*.3, h*.34, -h*.28, -h*.14, -h*.3, -h*.34)
	c.path(pale, "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x-h*.29, y-h*.66, h*.16, 0., h*.29, h*.22, h*.13, -h*.22, h*.29, -h*.22, -h*.04, h*.16, -h*.29, h*.3)
	c.eye(x-h*.12, y-h*.66, h*.055)
	c.eye(x+h*.12, y-h*.66, h*.055)
	c.disc(x, y-h*.44, h*.045, hex("#22222e"))
}

func (c *canvas) hedgehog(x, y, h float64) {
	spine := hex("#6b4a35")
	for i := range 15 {
		a := -185 + float64(i)*13
		x1, y1 := polar(x, y-h*.3, h*.5, a-7)
		x2, y2 := polar(x, y-h*.3, h*.78, a)
		x3, y3 := polar(x, y-h*.3, h*.5, a+7)
		c.poly(spine.dark(.2), x1, y1, x2, y2, x3, y3)
	}
	c.path(spine, "M%.0f %.0fa%.0f %.0f 0 0 1 %.0f 0z", x-h*.58, y-h*.05, h*.58, h*.56, h*1.16)
	c.path(hex("#e9c9a2"), "M%.0f %.0fq%.0f %.0f %.0f %.0fq%.0f %.0f %.0f %.0fz", x-h*.3, y, -h*.02, -h*.44, -h*.34, -h*.42, -h*.16, h*.3, -h*.4, h*.36)
	c.disc(x-h*1.02, y-h*.08, h*.08, hex("#22222e"))
	c.eye(x-h*.62, y-h*.24, h*.075)
	c.oval(x-h*.3, y, h*.12, h*.06, hex("#e9c9a2").dark(.2))
	c.oval(x+h*.3, y, h*.12, h*.06, hex("#e9c9a2").dark(.2))
}

func (c *canvas) frog(x, y, h float64) {
	skin := hex("#5fb84f")
	c.oval(x, y, h*.95, h*.26, c.mid.mix(hex("#3c9a5f"), .6))
	c.oval(x-h*.4, y-h*.14, h*.26, h*.2, skin.dark(.15))
	c.oval(x+h*.4, y-h*.14, h*.26, h*.2, skin.dark(.15))
	c.oval(x, y-h*.3, h*.44, h*.36, c.down(skin.pale(.15), skin))
	c.oval(x, y-h*.2, h*.28, h*.22, skin.pale(.5))
	for side := -1.; side <= 1; side += 2 {
		c.disc(x+side*h*.24, y-h*.62, h*.17, skin)
		c.eye(x+side*h*.24, y-h*.64, h*.12)
	}
	c.stroke(hex("#2a6b2f"), h*.05, "M%.0f %.0fq%.0f %.0f %.0f 0", x-h*.24, y-h*.4, h*.24, h*.18, h*.48)
}

func (c *canvas) owl(x, y, h float64) {
	body := hex("#a9795a")
	c.oval(x, y-h*.5, h*.4, h*.54, c.down(body.pale(.1), body.dark(.2)))
	c.oval(x, y-h*.36, h*.24, h*.34, hex("#f0dcc0"))
	for side := -1.; side <= 1; side += 2 {
		c.poly(body.dark(.2), x+side*h*.1, y-h*.92, x+side*h*.36, y-h*1.16, x+side*h*.36, y-h*.74)
		c.oval(x+side*h*.36, y-h*.44, h*.12, h*.34, body.dark(.25))
		c.disc(x+side*h*.17, y-h*.72, h*.2, hex("#f0dcc0"))
		c.eye(x+side*h*.17, y-h*.72, h*.14)
	}
	c.poly(hex("#f59f00"), x-h*.06, y-h*.64, x+h*.06, y-h*.64, x, y-h*.5)
}

func drawLaboratory(c *canvas) {
	u, x, bench := c.unit, c.focus, c.h*.66
	c.rect(0, 0, c.w, c.h, c.down(c.sky, c.glow))
	for range 26 {
		c.veil(c.between(.08, .25), func() {
			c.disc(c.between(0, c.w), c.between(0, .65)*c.h, c.between(1, 6)*u, c.pick(white, c.far, c.accent))
		})
	}
	// A blackboard of drawings.
	c.round(x-58*u, c.h*.08, 62*u, 34*u, 1.5*u, c.accent.dark(.35))
	c.round(x-56*u, c.h*.08+2*u, 58*u, 30*u, u, c.near.mix(c.mid, .35))
	c.veil(.85, func() {
		bx, by := x-50*u, c.h*.08+8*u
		c.stroke(white, .5*u, "M%.0f %.0fa%.0f %.0f 0 1 0 .1 0M%.0f %.0fl%.0f %.0fm%.0f 0l%.0f %.0f", bx+8*u, by, 7*u, 7*u, bx+20*u, by, 8*u, 8*u, 0., -8*u, 8*u)
		c.stroke(c.accent.pale(.3), .6*u, "M%.0f %.0fq%.0f %.0f %.0f 0t%.0f 0t%.0f 0t%.0f 0", bx, by+18*u, 3*u, -6*u, 6*u, 6*u, 6*u, 6*u)
		c.stroke(white, .5*u, "M%.0f %.0fh%.0fm%.0f %.0fv%.0fM%.0f %.0fl%.0f %.0fl%.0f %.0fz", bx+32*u, by+6*u, 12*u, -6*u, -6*u, 12*u, bx+30*u, by+20*u, 7*u, -8*u, 7*u, 8*u)
	})
	c.rect(0, bench, c.w, c.h-bench, c.down(c.mid, c.near))
	c.rect(0, bench, c.w, 2.4*u, c.light)

	// Flasks: each has its liquid, its bubbles and a stubborn expression.
	for i, f := range []struct{ dx, r float64 }{{-40, 8}, {-18, 11}, {10, 15}, {38, 10}} {
		px, r := x+f.dx*u, f.r*u
		liquid := []colour{c.accent, hex("#3fb8af"), hex("#ffcf3f"), hex("#9b6bd3")}[i]
		cy := bench - r
		c.veil(.55, func() {
			c.round(px-r*.26, cy-r*1.9, r*.52, r*1.3, r*.1, white)
			c.disc(px, cy, r, white)
		})
		c.path(c.down(liquid.pale(.25), liquid.dark(.1)), "M%.0f %.0fA%.0f %.0f 0 0 0 %.0f %.0fQ%.0f %.0f %.0f %.0fZ", px-r*.93, cy-r*.1, r*.94, r*.94, px+r*.93, cy-r*.1, px, cy+r*.14, px-r*.93, cy-r*.1)
		c.round(px-r*.36, cy-r*2, r*.72, r*.18, r*.09, c.near)
		for j := range 7 {
			t := float64(j)
			c.veil(.9-.11*t, func() {
				c.disc(px+c.between(-.5, .5)*r, cy-r*(1.9+t*.28), c.between(.06, .18)*r, liquid.pale(.3))
			})
		}
		c.disc(px-r*.32, cy+r*.24, r*.13, white)
		c.disc(px+r*.32, cy+r*.24, r*.13, white)
		c.disc(px-r*.29, cy+r*.27, r*.07, c.near)
		c.disc(px+r*.35, cy+r*.27, r*.07, c.near)
		c.stroke(c.near, r*.06, "M%.0f %.0fq%.0f %.0f %.0f 0", px-r*.16, cy+r*.5, r*.16, r*.18, r*.32)
	}
	// The coil and its sparks.
	tx := x + 26*u
	c.stroke(c.near, .9*u, "M%.0f %.0fq%.0f %.0f 0 %.0ft0 %.0ft0 %.0ft0 %.0f", tx, bench, 5*u, -2*u, -5*u, -5*u, -5*u, -5*u)
	c.disc(tx, bench-23*u, 3.4*u, c.down(c.accent.pale(.4), c.accent))
	for range 6 {
		a := c.between(-160, -20)
		x1, y1 := polar(tx, bench-23*u, 5*u, a)
		x2, y2 := polar(tx, bench-23*u, 8*u, a+9)
		x3, y3 := polar(tx, bench-23*u, 12*u, a-5)
		c.stroke(white, .7*u, "M%.0f %.0fL%.0f %.0fL%.0f %.0f", x1, y1, x2, y2, x3, y3)
	}
}
