package demo

import (
	"slices"
	"strings"
)

// What a player needs to know of a video. Editors write the languages and a film's chapters; the rest follows from the
// kind and the length, as it would from the tool that cuts the episodes.

type marker struct {
	kind string
	// end is 0 for a mere point.
	start, end int32
}

func parseChapters(text string) ([]int32, error) {
	var out []int32
	for _, word := range strings.Fields(text) {
		at, err := parseDuration(word)
		if err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, nil
}

// isWhole says that a video is the thing itself and not something about it.
func (v *video) isWhole() bool {
	return slices.Contains([]string{"FILM", "EPISODE", "REPLAY", "LIVE"}, v.kind)
}

// hasDRM says whose streams are protected: series and films, but not their trailers.
func (p *programme) hasDRM(v *video) bool {
	return v.kind == "FILM" || v.kind == "EPISODE" && p.Kind == "SERIES"
}

// markersOf are a video's, from the beginning.
func (p *programme) markersOf(v *video) []marker {
	var out []marker
	for _, at := range v.chapters {
		out = append(out, marker{kind: "CHAPTER", start: at})
	}
	n := int32(hash(v.id) % 1000)
	switch {
	case v.kind == "EPISODE":
		var begin int32
		switch {
		case p.hasRecap(v):
			begin = 20 + n%25
			out = append(out, marker{"RECAP", 0, begin})
		case p.Kind == "SERIES":
			// A scene before the titles.
			begin = n % (v.seconds / 20)
		}
		// One title sequence for all episodes.
		length := min(max(int32(p.Minutes)*60/100, 6), 40) + int32(hash(p.ID)%5)
		out = append(out, marker{"INTRO", begin, begin + length})
		out = append(out, marker{"CREDITS", v.seconds - min(max(v.seconds/50, 8), 60), v.seconds})
	case v.kind == "FILM":
		out = append(out, marker{"CREDITS", v.seconds - 180 - n%150, v.seconds})
	case v.kind == "REPLAY" && p.Kind == "REALITY":
		out = append(out, marker{kind: "AD_BREAK", start: v.seconds/2 + n%120})
	}
	slices.SortStableFunc(out, func(a, b marker) int { return int(a.start - b.start) })
	return out
}

// hasRecap says which episodes begin with what happened before: those of a story that goes on.
func (p *programme) hasRecap(v *video) bool {
	return p.Kind == "SERIES" && (v.season > 1 || v.episode > 1) &&
		!slices.Contains(p.Genres, "anthologie") && !slices.Contains(p.Genres, "format court")
}
