package demo

import (
	"fmt"
	"math"
)

// colour is red, green and blue from 0 to 255. It is a number and not text so that scenes can mix it.
type colour [3]float64

// hex is for the palettes below, which are written by us: what it cannot read comes out black, and is seen.
func hex(s string) colour {
	var r, g, b int
	_, _ = fmt.Sscanf(s, "#%02x%02x%02x", &r, &g, &b)
	return colour{float64(r), float64(g), float64(b)}
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", byte(c[0]+.5), byte(c[1]+.5), byte(c[2]+.5))
}

// mix goes from c (t = 0) to d (t = 1).
func (c colour) mix(d colour, t float64) colour {
	for i := range c {
		c[i] += (d[i] - c[i]) * t
	}
	return c
}

func (c colour) dark(t float64) colour { return c.mix(colour{8, 8, 18}, t) }

func (c colour) pale(t float64) colour { return c.mix(colour{255, 250, 240}, t) }

// turn rotates the hue by some degrees and keeps the luminance, so that a dark sky stays dark.
func (c colour) turn(degrees float64) colour {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	// The usual hue-rotation matrix of SVG and CSS filters.
	m := [3][3]float64{
		{.213 + cos*.787 - sin*.213, .715 - cos*.715 - sin*.715, .072 - cos*.072 + sin*.928},
		{.213 - cos*.213 + sin*.143, .715 + cos*.285 + sin*.140, .072 - cos*.072 - sin*.283},
		{.213 - cos*.213 - sin*.787, .715 - cos*.715 + sin*.715, .072 + cos*.928 + sin*.072},
	}
	var out colour
	for i, row := range m {
		out[i] = min(max(row[0]*c[0]+row[1]*c[1]+row[2]*c[2], 0), 255)
	}
	return out
}

// palette is what a scene may paint with: three of the sky from top to horizon, three of the land from far to near,
// what shines, and the one colour that stands out.
type palette struct {
	top, sky, glow colour
	far, mid, near colour
	light, accent  colour
}

func (p palette) turn(degrees float64) palette {
	for _, c := range []*colour{&p.top, &p.sky, &p.glow, &p.far, &p.mid, &p.near, &p.accent} {
		*c = c.turn(degrees)
	}
	return p
}

func colours(top, sky, glow, far, mid, near, light, accent string) palette {
	return palette{hex(top), hex(sky), hex(glow), hex(far), hex(mid), hex(near), hex(light), hex(accent)}
}

// palettes are named after what they look like; README.md lists them.
var palettes = map[string]palette{
	"dusk":     colours("#2b2152", "#8a3f78", "#f6a56f", "#6d4a7c", "#452c5c", "#21173a", "#ffe3b0", "#ff7a59"),
	"night":    colours("#060b1f", "#10234d", "#2d5290", "#1b3261", "#101f42", "#070d20", "#ffe9a8", "#f2b544"),
	"storm":    colours("#16232f", "#345263", "#a9bfba", "#4d6a75", "#2b424f", "#101c25", "#fff1c4", "#e8663d"),
	"dawn":     colours("#4a6fa5", "#f2a6a0", "#ffe1b3", "#b08aa8", "#75648f", "#38355c", "#fff6da", "#f26b5e"),
	"noon":     colours("#2f8fd0", "#86c9ec", "#e6f6f2", "#7fb7a6", "#3f8f7b", "#1d5a55", "#fffbe6", "#ff8a3d"),
	"alpine":   colours("#1f6fb5", "#7cc0e8", "#eef8fb", "#8fb0cf", "#4b7ba5", "#1d4465", "#ffffff", "#ffd23f"),
	"ember":    colours("#1d0d12", "#5a1a1d", "#c8502c", "#6f2722", "#3f1518", "#18080c", "#ffd89b", "#ffb347"),
	"moonlit":  colours("#081820", "#123b42", "#4d8a7c", "#1f4f4d", "#103335", "#06191c", "#eafff0", "#c7e66b"),
	"honey":    colours("#7a3b12", "#d9822b", "#ffdf9a", "#c9782f", "#8f4a1e", "#4a210f", "#fff3d6", "#e2492f"),
	"signal":   colours("#0a1230", "#14307a", "#3c7be0", "#1c4aa3", "#102a6b", "#070f2b", "#e8f1ff", "#ff3b4e"),
	"confetti": colours("#3a1078", "#7a2bd0", "#ff5fa2", "#5a1fb0", "#3d1585", "#1f0a4d", "#fff6c9", "#ffd02e"),
	"candy":    colours("#58b4f0", "#a6dcff", "#ffd9ea", "#c5b3ff", "#8fd6b5", "#4aa98f", "#fffdf5", "#ff6f91"),
	"meadow":   colours("#59b6e8", "#b9e6f2", "#fff3c2", "#9bcf7a", "#5faa4f", "#2f6f3a", "#fffdf0", "#ff7043"),
	"ochre":    colours("#c96a2b", "#eea65a", "#ffe2a8", "#c4652f", "#93401f", "#4d1f14", "#fff4d8", "#2f7f8a"),
	"ice":      colours("#0f3a5c", "#4f93b5", "#d9f1f2", "#8fbfd0", "#4d88a5", "#143a52", "#ffffff", "#ff9a5a"),
	"neon":     colours("#0b0420", "#2a0f5c", "#d1307f", "#3a1670", "#220b4a", "#0a0320", "#7df9ff", "#ff2e88"),
	"cosmos":   colours("#04040f", "#120f35", "#4b2a7a", "#2a1f5f", "#171038", "#070514", "#f3e9ff", "#5ee0d0"),
	"paper":    colours("#d8c9a6", "#ecdfc2", "#fbf4e0", "#b79f77", "#80694c", "#3d2f25", "#fffaf0", "#b5322a"),
	"moss":     colours("#24391f", "#5d7a3a", "#d7d891", "#66803f", "#3c5529", "#182813", "#fdf9d8", "#e8a33d"),
	"plum":     colours("#1c1030", "#4a2258", "#b05c8f", "#5a2f66", "#371a47", "#160a22", "#ffe6f0", "#f0a35e"),
	"lagoon":   colours("#04445c", "#0f8a94", "#8fe3cf", "#1a8f94", "#0d5f6d", "#05303d", "#f4fff6", "#ffb03a"),
	"slate":    colours("#1d2430", "#455263", "#a4adb5", "#566171", "#353f4d", "#151b24", "#f4efe2", "#d9a441"),
	"rust":     colours("#2b1a17", "#7a3b2a", "#e0925a", "#7f4632", "#4f2a22", "#20110f", "#ffe9cc", "#49a6a6"),
	"rose":     colours("#7a2e4f", "#e07a8f", "#ffe0d2", "#c76a86", "#8f3f63", "#451a35", "#fff5ee", "#ffc04d"),
}
