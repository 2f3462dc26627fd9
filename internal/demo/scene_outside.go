package demo

import (
	"fmt"
	"strings"
)

// Scenes of sport and sky, and those made for children.

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

func drawSpace(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky, c.mid))
	for range 5 {
		c.disc(c.between(0, c.w), c.between(0, c.h*.7), c.between(24, 50)*u, c.halo(c.pick(c.glow, c.far, c.accent.mix(c.glow, .5)), .3))
	}
	c.stars(150, c.h)
	// The planet, its lit rim and its clouds.
	r := max(c.w, c.h) * .72
	px, py := c.w*.42, c.h*.66+r
	c.disc(px, py, r*1.12, c.halo(c.accent, .8))
	c.disc(px, py, r+.9*u, c.accent.pale(.35))
	c.disc(px, py, r, c.down(c.sky.mix(c.accent, .45), c.far, c.near))
	c.names++
	c.add(`<clipPath id="k%d"><circle cx="%.0f" cy="%.0f" r="%.0f"/></clipPath><g clip-path="url(#k%d)" opacity=".4">`, c.names, px, py, r, c.names)
	for range 16 {
		c.oval(c.between(-.1, 1.1)*c.w, py-r+c.between(2, 30)*u, c.between(8, 26)*u, c.between(.5, 1.6)*u, c.light)
	}
	c.add(`</g>`)
	// A small moon.
	c.disc(c.w*.14, c.h*.2, 6*u, c.down(c.light, c.far))
	c.veil(.2, func() { c.disc(c.w*.14+2*u, c.h*.2+2*u, 1.4*u, c.near); c.disc(c.w*.14-2*u, c.h*.2-u, u, c.near) })

	// The station: modules, a ring, six panels.
	cy := c.h * .36
	c.add(`<g transform="rotate(-14 %.0f %.0f)">`, x, cy)
	metal := c.down(c.light, c.light.mix(c.mid, .35), c.near.mix(c.far, .4))
	for _, dx := range []float64{-40, -29, 24, 35} {
		for _, dy := range []float64{-17, 3} {
			c.round(x+dx*u, cy+dy*u, 9*u, 14*u, .6*u, c.across(c.glow.mix(c.far, .4), c.far))
			for k := range 4 {
				c.rect(x+dx*u, cy+(dy+2.6+float64(k)*3)*u, 9*u, .35*u, c.light.mix(c.far, .5))
			}
			c.rect(x+(dx+4.3)*u, cy+dy*u, .4*u, 14*u, c.light.mix(c.far, .5))
		}
	}
	c.rect(x-41*u, cy-.8*u, 86*u, 1.6*u, metal)
	c.add(`<ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f" fill="none" stroke="%s" stroke-width="%.1f"/>`, x+1*u, cy, 9*u, 19*u, c.light.mix(c.mid, .3), 2.2*u)
	c.round(x-16*u, cy-4.4*u, 34*u, 8.8*u, 4.4*u, metal)
	c.round(x-5*u, cy-7*u, 12*u, 14*u, 2*u, metal)
	for i := range 5 {
		c.disc(x+(-12+float64(i)*6)*u, cy-.4*u, 1.1*u, c.accent.pale(.4))
	}
	c.rect(x+18*u, cy-.5*u, 6*u, u, metal)
	c.path(c.light, "M%.0f %.0fq%.0f %.0f 0 %.0fz", x+3*u, cy-13*u, -6*u, 3*u, 6*u)
	c.add(`</g>`)
	c.disc(x+30*u, c.h*.16, 9*u, c.halo(white, .9))
	c.disc(x+30*u, c.h*.16, .9*u, white)
}

func drawFireworks(c *canvas) {
	u, x, horizon := c.unit, c.focus, c.h*.66
	c.paintSky()
	c.stars(60, horizon*.7)
	bursts := []colour{c.accent, c.light, c.glow.pale(.3), c.accent.turn(130), c.accent.turn(220)}
	for i := range 8 {
		bx, by := x+c.between(-60, 36)*u, c.between(.1, .42)*c.h
		r := c.between(9, 17) * u
		if i == 0 {
			bx, by, r = x, c.h*.28, 23*u
		}
		s := bursts[i%5]
		c.disc(bx, by, r*1.5, c.halo(s, .5))
		var trails, sparks strings.Builder
		for k := range 20 {
			x1, y1 := polar(bx, by, r*.25, float64(k)*18)
			x2, y2 := polar(bx, by, r*c.between(.8, 1), float64(k)*18)
			// Gravity bends the trails.
			fmt.Fprintf(&trails, "M%.0f %.0fQ%.0f %.0f %.0f %.0f", x1, y1, x2, y2-r*.06, x2, y2+r*.1)
			fmt.Fprintf(&sparks, "M%.0f %.0fh0", x2, y2+r*.1)
		}
		c.stroke(s, .45*u, "%s", &trails)
		c.stroke(s.pale(.5), 1.2*u, "%s", &sparks)
		c.veil(.35, func() {
			c.stroke(s, .4*u, "M%.0f %.0fQ%.0f %.0f %.0f %.0f", bx, by+r*.3, bx+u, (by+horizon)/2, bx+c.between(-4, 4)*u, horizon)
		})
	}
	c.houses(horizon, 4*u, 12*u, c.mid, c.light, .4)
	c.spire(x-40*u, horizon, 28*u, c.mid)
	c.rect(0, horizon, c.w, c.h-horizon, c.down(c.mid, c.near))
	for range 60 {
		c.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.1f" rx="2" fill="%s" opacity="%.2f"/>`, c.between(0, c.w), c.between(horizon+u, c.h),
			c.between(2, 9)*u, .4*u, c.pick(bursts...), c.between(.15, .5))
	}
	// Boats with lanterns, and the crowd on the quay.
	for range 7 {
		bx, by := c.between(.05, .95)*c.w, c.between(.69, .77)*c.h
		c.path(c.near.dark(.4), "M%.0f %.0fh%.0fl%.0f %.0fh%.0fz", bx-4*u, by, 8*u, -1.4*u, 1.8*u, -5.2*u)
		c.rect(bx-.1*u, by-5*u, .3*u, 5*u, c.near.dark(.4))
		c.disc(bx, by-5*u, 3*u, c.halo(c.light, .9))
		c.disc(bx, by-5*u, .6*u, c.light)
	}
	for i := range 34 {
		c.walker((float64(i)+c.between(.1, .9))*c.w/34, c.h*1.02, c.between(11, 15)*u, c.near.dark(.65))
	}
}

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
