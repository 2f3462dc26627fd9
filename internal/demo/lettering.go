package demo

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lettering is a way of setting titles. Only fonts that systems already have are named: an SVG in an <img> loads none.
type lettering struct {
	family  string
	weight  int
	upper   bool
	spacing float64 // em between letters
	// width corrects the widths of glyphWidth for the widest font of the family, so that no title ever overflows.
	width float64
}

var letterings = map[string]lettering{
	"serif": {family: "'Iowan Old Style','Palatino Linotype',Palatino,'Book Antiqua',Georgia,'DejaVu Serif',serif",
		weight: 700, width: 1.06},
	"sans": {family: "'Avenir Next','Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif", weight: 800, width: 1.09},
	"wide": {family: "Futura,'Century Gothic','Avenir Next','Segoe UI','DejaVu Sans',sans-serif",
		weight: 600, upper: true, spacing: .1, width: 1.02},
	"round": {family: "'Arial Rounded MT Bold','Hiragino Maru Gothic ProN',Quicksand,'Trebuchet MS','DejaVu Sans',sans-serif",
		weight: 800, width: 1.09},
	"narrow": {family: "'Avenir Next Condensed','Arial Narrow','Roboto Condensed','DejaVu Sans Condensed',sans-serif",
		weight: 800, upper: true, spacing: .02, width: .98},
	"typed": {family: "'American Typewriter',Rockwell,'Courier New','DejaVu Sans Mono',monospace", weight: 700, width: 1.1},
}

// letteringOf is what the editor asked for, or what suits the kind.
func letteringOf(p *programme) lettering {
	if p.Poster.Lettering != "" {
		return letterings[p.Poster.Lettering]
	}
	switch p.Kind {
	case "FILM", "DOCUMENTARY":
		return letterings["wide"]
	case "KIDS", "GAME":
		return letterings["round"]
	case "SPORT":
		return letterings["narrow"]
	default:
		return letterings["sans"]
	}
}

// measure estimates how wide a text is, in em.
func (l lettering) measure(text string) float64 {
	var em float64
	for _, r := range text {
		em += glyphWidth(r)*l.width + l.spacing
	}
	return em
}

func glyphWidth(r rune) float64 {
	switch {
	case strings.ContainsRune("iljtfrI.,:;'’!|()-", r):
		return .44
	case r == ' ':
		return .35
	case strings.ContainsRune("mwMWŒœ…—%", r):
		return 1.02
	case unicode.IsUpper(r):
		return .79
	default:
		return .68
	}
}

// setting is a title broken into lines, at a size.
type setting struct {
	lines []string
	size  float64
}

const leading = 1.08

// fit breaks a text into as few lines as let it be largest inside a box, at most maxSize.
func (l lettering) fit(text string, width, height, maxSize float64, maxLines int) setting {
	if l.upper {
		text = strings.ToUpper(text)
	}
	words := strings.Fields(text)
	var best setting
	for n := 1; n <= min(maxLines, len(words)); n++ {
		lines, em := l.balance(words, n)
		size := min(maxSize, width/em, height/(float64(len(lines))*leading))
		// One more line must be worth it.
		if size > best.size*1.06 {
			best = setting{lines, size}
		}
	}
	return best
}

// balance cuts words into at most n lines whose widest is as narrow as can be, and says how wide that is.
func (l lettering) balance(words []string, n int) ([]string, float64) {
	whole := strings.Join(words, " ")
	if n == 1 || len(words) == 1 {
		return []string{whole}, l.measure(whole)
	}
	bestLines, bestEm := []string{whole}, l.measure(whole)
	for i := 1; i < len(words); i++ {
		head := strings.Join(words[:i], " ")
		em := l.measure(head)
		if em > bestEm {
			break
		}
		if badBreak(words[i-1], words[i:]) {
			continue
		}
		lines, tail := l.balance(words[i:], n-1)
		if em = max(em, tail); em < bestEm {
			bestLines, bestEm = append([]string{head}, lines...), em
		}
	}
	return bestLines, bestEm
}

// badBreak says where French does not break a title: after an article or a preposition, before a punctuation mark that
// stands alone, and so as to leave two letters on the last line.
func badBreak(before string, after []string) bool {
	if slices.Contains(littleWords, strings.ToLower(before)) {
		return true
	}
	if utf8.RuneCountInString(after[0]) == 1 && !unicode.IsLetter([]rune(after[0])[0]) {
		return true
	}
	return len(after) == 1 && utf8.RuneCountInString(after[0]) <= 2
}

var littleWords = strings.Fields("le la les l’ un une de du des d’ à au aux et en ou par sur sous pour sans ne se que qui «")

func (s setting) height() float64 { return float64(len(s.lines)) * s.size * leading }

// text draws lines whose first begins at y (the top, not the baseline).
func (c *canvas) text(l lettering, s setting, x, y float64, f fill, more string) {
	c.add(`<text font-family="%s" font-weight="%d" font-size="%.0f" fill="%s"`,
		l.family, l.weight, s.size, f)
	if l.spacing > 0 {
		c.add(` letter-spacing="%.1f"`, l.spacing*s.size)
	}
	c.add(`%s>`, more)
	for i, text := range s.lines {
		c.add(`<tspan x="%.0f" y="%.0f">%s</tspan>`, x, y+s.size*(.86+float64(i)*leading), escape(text))
	}
	c.add(`</text>`)
}

func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		panic(fmt.Sprintf("escaping into memory: %v", err))
	}
	return b.String()
}
