package demo

import (
	"fmt"
	"strings"
)

// Scenes under a roof: kitchens, shelves and benches.

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
