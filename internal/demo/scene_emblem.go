package demo

import (
	"fmt"
	"strings"
)

// Scenes that stand for a subject: health, music, science.

func drawHeartbeat(c *canvas) {
	u, x, cy := c.unit, c.focus, c.h*.4
	c.rect(0, 0, c.w, c.h, c.down(c.top, c.sky.mix(c.mid, .35), c.mid))
	// Squared paper, as in a ward.
	c.add(`<g stroke="%s" stroke-width="%.1f" opacity=".14">`, c.light, .25*u)
	for y := cy - 60*u; y < c.h; y += 6 * u {
		c.add(`<path d="M0 %.0fH%.0f"/>`, y, c.w)
	}
	for gx := 0.; gx < c.w; gx += 6 * u {
		c.add(`<path d="M%.0f 0V%.0f"/>`, gx, c.h)
	}
	c.add(`</g>`)
	c.disc(x, cy, 62*u, c.halo(c.glow, .8))
	for i := range 4 {
		c.add(`<circle cx="%.0f" cy="%.0f" r="%.0f" fill="none" stroke="%s" stroke-width="%.1f" opacity="%.2f"/>`,
			x, cy, (30+float64(i)*9)*u, c.light, .5*u, .4-.09*float64(i))
	}
	s := 24 * u
	heart := func(f fill, k float64) {
		c.path(f, "M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fZ",
			x, cy+s*.95*k, x-s*.9*k, cy+s*.4*k, x-s*1.15*k, cy, x-s*k, cy-s*.45*k,
			x-s*.85*k, cy-s*.95*k, x-s*.2*k, cy-s*.95*k, x, cy-s*.4*k,
			x+s*.2*k, cy-s*.95*k, x+s*.85*k, cy-s*.95*k, x+s*k, cy-s*.45*k,
			x+s*1.15*k, cy, x+s*.9*k, cy+s*.4*k, x, cy+s*.95*k)
	}
	heart(c.down(c.accent.mix(c.sky, .2), c.accent.turn(-30).dark(.25)), 1)
	c.veil(.3, func() { heart(c.down(white, c.sky), .78) })
	heart(c.down(c.accent.pale(.1), c.accent.turn(-25)), .72)
	// The trace crosses everything.
	d := fmt.Sprintf("M0 %.0fH%.0f", cy+2*u, x-40*u)
	for _, step := range [][2]float64{{5, -5}, {5, 5}, {6, 0}, {3, 4}, {5, -34}, {6, 46}, {4, -16}, {6, 0}, {6, -7}, {6, 7}} {
		d += fmt.Sprintf("l%.0f %.0f", step[0]*u, step[1]*u)
	}
	d += fmt.Sprintf("H%.0f", c.w)
	c.veil(.4, func() { c.stroke(c.near, 2.4*u, "%s", d) })
	c.stroke(white, 1.1*u, "%s", d)
	c.disc(c.w*.97, cy+2*u, 6*u, c.halo(white, .9))
	c.hill(c.h*.78, 3*u, c.fade(c.near, .5, .9))
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
