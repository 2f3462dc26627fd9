package demo

import (
	"fmt"
	"strings"
)

// Scenes under a roof: kitchens, shelves and sets.

func drawKitchen(c *canvas) {
	u, x := c.unit, c.focus
	// Tiled wall.
	c.rect(0, 0, c.w, c.h, c.down(c.glow.mix(c.sky, .35), c.sky.mix(c.far, .3), c.far))
	c.add(`<g stroke="%s" stroke-width="%.1f" opacity=".18">`, c.near, .3*u)
	for y := 0.; y < c.h*.7; y += 7 * u {
		c.add(`<path d="M0 %.0fH%.0f"/>`, y, c.w)
	}
	for tx := 0.; tx < c.w; tx += 7 * u {
		c.add(`<path d="M%.0f 0V%.0f"/>`, tx, c.h*.7)
	}
	c.add(`</g>`)
	c.disc(x, c.h*.2, 60*u, c.halo(c.light, .5))

	// The rail and its copper pans, from the largest to the smallest.
	rail := c.h * .15
	c.round(x-58*u, rail, 116*u, 1.1*u, .5*u, c.near)
	for i := range 7 {
		r := (6.6 - float64(i)*.62) * u
		px := x + (-46+float64(i)*14.5)*u
		c.stroke(c.near, .6*u, "M%.0f %.0fv%.0f", px, rail, 3*u)
		c.stroke(c.accent.dark(.45), 1.2*u, "M%.0f %.0fv%.0f", px, rail+3*u, 6*u)
		c.disc(px, rail+9*u+r, r, c.down(c.accent.pale(.45), c.accent, c.accent.dark(.45)))
		c.disc(px, rail+9*u+r, r*.78, c.down(c.accent.dark(.3), c.accent.pale(.2)))
		c.veil(.5, func() {
			c.stroke(c.light, .5*u, "M%.0f %.0fa%.0f %.0f 0 0 1 %.0f %.0f", px-r*.6, rail+9*u+r*.9, r*.6, r*.6, r*.5, -r*.5)
		})
	}
	// A shelf of jars.
	shelf := c.h * .5
	c.rect(x-64*u, shelf, 40*u, 1.4*u, c.near.mix(c.mid, .3))
	for i := range 6 {
		jx, jh := x+(-62+float64(i)*6.3)*u, c.between(6, 9)*u
		c.round(jx, shelf-jh, 5*u, jh, u, c.light.mix(c.sky, .4))
		c.round(jx+.5*u, shelf-jh*.7, 4*u, jh*.66, .8*u, c.pick(c.accent, c.mid, c.glow, c.near.mix(c.accent, .4)))
		c.round(jx, shelf-jh-1.2*u, 5*u, 1.8*u, .5*u, c.near)
	}

	counter := c.h * .68
	c.rect(0, counter, c.w, c.h-counter, c.down(c.mid, c.near))
	c.rect(0, counter, c.w, 2*u, c.light.mix(c.mid, .25))

	// The pot, its lid ajar, and steam.
	py := counter
	for i := range 4 {
		sx := x + (-7+float64(i)*5)*u
		c.veil(.35, func() {
			c.stroke(c.light, 1.6*u, "M%.0f %.0fq%.0f %.0f 0 %.0ft0 %.0ft0 %.0f", sx, py-22*u, 4*u*float64(1-2*(i%2)), -4*u, -8*u, -8*u, -7*u)
		})
	}
	enamel := c.across(c.accent.pale(.12), c.accent, c.accent.dark(.45))
	c.path(enamel, "M%.0f %.0fh%.0fv%.0fq0 %.0f %.0f %.0fh%.0fq%.0f 0 %.0f %.0fz", x-14*u, py-15*u, 28*u, 10*u, 5*u, -5*u, 5*u, -18*u, -5*u, -5*u, -5*u)
	c.round(x-18*u, py-12*u, 5*u, 2.4*u, 1.2*u, c.near)
	c.round(x+13*u, py-12*u, 5*u, 2.4*u, 1.2*u, c.near)
	c.path(c.down(c.accent, c.accent.dark(.3)), "M%.0f %.0fq%.0f %.0f %.0f 0z", x-15*u, py-15*u, 15*u, -10*u, 30*u)
	c.disc(x, py-20.6*u, 1.4*u, c.near)
	c.veil(.4, func() { c.stroke(white, u, "M%.0f %.0fv%.0f", x-10*u, py-12*u, 7*u) })

	// Vegetables on the worktop: round ones, then leeks.
	for i := range 6 {
		vx, r := x+(19+float64(i)*4.6)*u, c.between(2, 3)*u
		tint := c.pick(c.accent, hex("#d94f30"), hex("#e9b44c"), hex("#7fa650"))
		c.disc(vx, py-r, r, c.down(tint.pale(.25), tint.dark(.15)))
		c.stroke(hex("#4f7a35"), .5*u, "M%.0f %.0fq%.0f %.0f %.0f %.0f", vx, py-2*r, .4*u, -1.2*u, 1.4*u, -1.6*u)
	}
	for i := range 4 {
		lx := x + (-50+float64(i)*3)*u
		c.stroke(hex("#eef0d8"), 1.8*u, "M%.0f %.0fl%.0f %.0f", lx, py-1.2*u, 10*u, 0.)
		c.stroke(hex("#8fb35a"), 1.8*u, "M%.0f %.0fl%.0f %.0fl%.0f %.0f", lx+10*u, py-1.2*u, 6*u, -.6*u, 5*u, -2.6*u)
	}
	c.round(x-36*u, py-1.6*u, 15*u, 1.6*u, .6*u, c.near.mix(c.accent, .3))
}

func drawLibrary(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.mid.dark(.2), c.near))
	c.disc(x, c.h*.42, 80*u, c.halo(c.light, .5))
	spines := []colour{c.accent, c.far, c.sky, c.glow.mix(c.mid, .3), c.mid.pale(.1), c.accent.dark(.35), c.light.mix(c.mid, .3), c.top.pale(.15)}
	for row := range 6 {
		y := (float64(row)*22 - 4) * u
		c.rect(0, y+19*u, c.w, 1.6*u, c.near.dark(.3))
		// What all the books of a shelf share is drawn at once: there are hundreds.
		var shades, bands strings.Builder
		for bx := -2 * u; bx < c.w; {
			w, h := c.between(2, 4.8)*u, c.between(11, 16.5)*u
			s := c.pick(spines...).dark(min(abs(bx-x)/c.w*1.1, .6))
			if c.rnd.IntN(14) == 0 {
				// A gap, and a book that leans into it.
				c.add(`<g transform="rotate(14 %.0f %.0f)">`, bx+3*u, y+19*u)
				c.rect(bx+2*u, y+19*u-h, w, h, s)
				c.add(`</g>`)
				bx += w + 5*u
				continue
			}
			c.rect(bx, y+19*u-h, w, h, s)
			fmt.Fprintf(&shades, "M%.0f %.0fh%.0fv%.0fh-%.0fz", bx+w*.76, y+19*u-h, w*.24, h, w*.24)
			fmt.Fprintf(&bands, "M%.0f %.0fh%.0fv%.0fh-%.0fz", bx, y+19*u-h*.86, w, .6*u, w)
			if w > 3.2*u {
				fmt.Fprintf(&bands, "M%.0f %.0fh%.0fv%.0fh-%.0fz", bx+w*.3, y+19*u-h*.66, w*.4, h*.3, w*.4)
			}
			bx += w + .2*u
		}
		c.veil(.3, func() { c.path(c.near, "%s", &shades) })
		c.veil(.38, func() { c.path(c.light, "%s", &bands) })
	}
	c.rect(0, 0, c.w, c.h, c.fade(c.near.dark(.4), .1, .5))

	// A table, a lamp, an open book, a cup.
	base := c.h * .72
	c.disc(x+14*u, base-22*u, 34*u, c.halo(c.light, .85))
	c.rect(0, base, c.w, c.h-base, c.down(c.accent.mix(c.near, .72), c.near.dark(.3)))
	c.rect(0, base, c.w, .9*u, c.light.mix(c.near, .55))
	c.rect(x+13.4*u, base-22*u, 1.2*u, 21*u, c.accent.mix(c.light, .3))
	c.oval(x+14*u, base-.4*u, 6*u, 1.4*u, c.accent.mix(c.light, .3))
	c.path(c.down(hex("#2f7d5b"), hex("#174a38")), "M%.0f %.0fq%.0f %.0f %.0f 0z", x+3*u, base-22*u, 11*u, -14*u, 22*u)
	c.poly(c.fade(c.light, .35, 0), x+4*u, base-22*u, x+24*u, base-22*u, x+36*u, base, x-8*u, base)
	c.path(c.down(c.light.pale(.4), c.light.mix(c.mid, .2)), "M%.0f %.0fq%.0f %.0f %.0f 0q%.0f %.0f %.0f 0v%.0fq%.0f %.0f %.0f 0q%.0f %.0f %.0f 0z",
		x-30*u, base-3.6*u, 7*u, -4*u, 14*u, 7*u, -4*u, 14*u, 3.6*u, -7*u, -4*u, -14*u, -7*u, -4*u, -14*u)
	c.stroke(c.near, .4*u, "M%.0f %.0fv%.0f", x-16*u, base-3.4*u, 3.4*u)
	for i := range 3 {
		c.veil(.4, func() {
			c.stroke(c.near, .3*u, "M%.0f %.0fq%.0f %.0f %.0f 0", x-28*u, base-(3-float64(i)*.8)*u, 5*u, -2.6*u, 10*u)
			c.stroke(c.near, .3*u, "M%.0f %.0fq%.0f %.0f %.0f 0", x-14*u, base-(3-float64(i)*.8)*u, 5*u, -2.6*u, 10*u)
		})
	}
	c.round(x+28*u, base-5*u, 6*u, 5*u, 1.2*u, c.light)
	c.stroke(c.light, .9*u, "M%.0f %.0fq%.0f %.0f 0 %.0f", x+34*u, base-4*u, 3*u, 1.2*u, 2.4*u)
}

func drawWorkshop(c *canvas) {
	u, x := c.unit, c.focus
	c.rect(0, 0, c.w, c.h, c.down(c.glow.mix(c.sky, .4), c.far, c.mid))
	// The board and its holes.
	c.round(x-64*u, c.h*.07, 128*u, 52*u, 2*u, c.down(c.sky.mix(c.light, .3), c.far))
	c.add(`<g fill="%s" opacity=".35">`, c.near)
	for i := range 31 {
		for j := range 12 {
			c.add(`<circle cx="%.0f" cy="%.0f" r="%.1f"/>`, x+(-60+float64(i)*4)*u, c.h*.07+(4+float64(j)*4)*u, .35*u)
		}
	}
	c.add(`</g>`)
	y, steel, wood := c.h*.07, c.down(c.light, c.light.mix(c.near, .55)), c.down(c.accent, c.accent.dark(.4))
	// A saw, a hammer, spanners, a square, screwdrivers.
	c.path(steel, "M%.0f %.0fl%.0f %.0fv%.0fl%.0f %.0fz", x-58*u, y+10*u, 34*u, 0., 9*u, -34*u, -5*u)
	c.path(wood, "M%.0f %.0fh%.0fq%.0f %.0f %.0f %.0fh%.0fz", x-24*u, y+8.4*u, 9*u, 4*u, 6*u, -u, 13*u, -8*u)
	c.round(x-10*u, y+9*u, 2.4*u, 30*u, u, wood)
	c.path(steel, "M%.0f %.0fh%.0fq%.0f %.0f %.0f %.0fh%.0fz", x-15*u, y+7*u, 12*u, 4*u, .5*u, 5*u, 5.4*u, -17*u)
	for i := range 5 {
		h := (26 - float64(i)*3.4) * u
		px := x + (6+float64(i)*5.4)*u
		c.round(px-.8*u, y+8*u, 1.6*u, h, .5*u, steel)
		c.disc(px, y+8*u, 2.2*u, steel)
		c.disc(px, y+8*u, u, c.far)
		c.disc(px, y+8*u+h, 1.9*u, steel)
		c.rect(px-.6*u, y+8*u+h, 1.2*u, 2.2*u, c.far)
	}
	for i := range 4 {
		px := x + (38+float64(i)*6)*u
		c.round(px-1.3*u, y+7*u, 2.6*u, 10*u, 1.2*u, c.pick(c.accent, c.accent.turn(120), c.accent.turn(220)))
		c.rect(px-.4*u, y+17*u, .8*u, 14*u, steel)
	}
	c.path(wood, "M%.0f %.0fh%.0fv%.0fh%.0fv%.0fh%.0fz", x-54*u, y+26*u, 2.6*u, 17*u, 19*u, 2.6*u, -21.6*u)

	base := c.h * .68
	c.disc(x, base-14*u, 46*u, c.halo(c.light, .45))
	c.rect(0, base, c.w, c.h-base, c.down(c.accent.mix(c.near, .6), c.near))
	c.rect(0, base, c.w, 3*u, c.down(c.accent.mix(c.light, .35), c.accent.mix(c.near, .4)))
	// A chair under repair, a plane, its shavings, a pot of brushes.
	c.stroke(c.accent.dark(.25), 1.8*u, "M%.0f %.0fv%.0fM%.0f %.0fv%.0fM%.0f %.0fh%.0fM%.0f %.0fv%.0fM%.0f %.0fh%.0fM%.0f %.0fh%.0f",
		x-8*u, base, -31*u, x+10*u, base, -14*u, x-9*u, base-14*u, 20*u, x-2*u, base, -13*u, x-8*u, base-24*u, .1, x-8*u, base-6*u, 18*u)
	c.round(x-10*u, base-16*u, 22*u, 2.4*u, u, wood)
	c.round(x-9.4*u, base-31*u, 2.8*u, 9*u, u, wood)
	c.path(wood, "M%.0f %.0fh%.0fv%.0fq%.0f %.0f %.0f %.0fl%.0f %.0fh%.0fz", x+20*u, base, 20*u, -4*u, -3*u, -3*u, -6*u, 0., -3*u, -3*u, -11*u)
	for range 9 {
		sx := x + c.between(12, 44)*u
		c.stroke(c.light.mix(c.accent, .25), .6*u, "M%.0f %.0fq%.0f %.0f %.0f 0t%.0f %.0f", sx, base-.6*u, u, -3*u, 2*u, 1.4*u, -u)
	}
	c.round(x-34*u, base-9*u, 8*u, 9*u, u, c.sky.mix(c.light, .3))
	for i := range 4 {
		c.stroke(c.near, .8*u, "M%.0f %.0fl%.0f %.0f", x+(-32.6+float64(i)*1.8)*u, base-9*u, (-1.5+float64(i))*u, -8*u)
	}
}

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
	for side := -1.; side <= 1; side += 2 {
		for i := range 5 {
			f := c.accent.mix(c.near, .45+.12*float64(i%2))
			fw := (c.w - sw) / 2 / 4
			px := x + side*(sw/2+fw*float64(i)+fw*.3)
			c.rect(min(px, px+side*fw), 0, fw+1, c.h*.7, c.down(f.dark(.3), f))
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
