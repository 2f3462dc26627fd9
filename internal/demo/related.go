package demo

import (
	"cmp"
	"slices"
)

// A programme is shown beside at least minRelated others, at most maxRelated.
const (
	minRelated = 4
	maxRelated = 8
)

// relate chooses what is shown beside a programme: those that share genres and its kind, the closest first. Nobody is
// led from a programme for everybody to one of AGE_16, nor a child to anything for older viewers.
func (cat *catalogue) relate(p *programme) []*programme {
	type candidate struct {
		*programme
		score int
		tie   uint64
	}
	var all []candidate
	for _, q := range cat.programmes {
		age := slices.Index(ageRatings, q.Age)
		limit := slices.Index(ageRatings, p.Age)
		if !p.forChildren() {
			limit = max(limit, slices.Index(ageRatings, "AGE_12"))
		}
		if q == p || age > limit {
			continue
		}
		c := candidate{programme: q, tie: hash(p.ID + q.ID)}
		for _, g := range q.Genres {
			if slices.Contains(p.Genres, g) {
				c.score += 4
			}
		}
		if q.Kind == p.Kind {
			c.score += 3
		}
		if q.channel == p.channel {
			c.score++
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.tie, b.tie), cmp.Compare(a.ID, b.ID))
	})

	var out []*programme
	for i, c := range all[:min(maxRelated, len(all))] {
		// The same channel alone is no reason, unless there is nothing better.
		if i >= minRelated && c.score <= 1 {
			break
		}
		out = append(out, c.programme)
	}
	return out
}

func (p *programme) forChildren() bool {
	return p.Kind == "KIDS" || slices.Contains(p.Genres, "animation") || slices.Contains(p.Genres, "jeunesse")
}
