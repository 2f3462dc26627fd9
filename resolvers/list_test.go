package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// TestPagesOfWhatIsMostlyNotOpen reads lists of which few may be watched: nothing is lost or repeated, not even where a
// page comes out empty.
func TestPagesOfWhatIsMostlyNotOpen(t *testing.T) {
	a := emptyAPI(t)
	var open, all []string
	var ps []proto.Message
	for n := range 2600 {
		p := programme(fmt.Sprintf("p%04d", n))
		p.PublishedAt = timestamppb.New(today.Add(-time.Duration(n) * time.Minute))
		p.Rights = []*catalogv1.Right{right(0, 0, free, "BE")}
		if n == 7 || n == 30 || n == 2599 {
			p.Rights[0].Territories = []string{"FR"}
			open = append(open, p.Id)
		}
		all = append(all, p.Id)
		ps = append(ps, p)
	}
	a.put(t, ps...)
	const query = `{ programmes(ARGS) { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
	for _, first := range []int{1, 2, 7} {
		w := a.walk(t, "", query, first, nil, "programmes")
		if diff := cmp.Diff(slugs(open), w.nodes); diff != "" || w.total != 2600 {
			t.Errorf("first %d, of %v: %s", first, w.total, diff)
		}
		if first == 1 && w.emptyPages == 0 {
			t.Error("no page was empty: the test does not try what it says")
		}
	}
	w := a.walk(t, "", strings.Replace(query, "ARGS", "filter: {availableOnly: false}, ARGS", 1), 100, nil, "programmes")
	if diff := cmp.Diff(slugs(all), w.nodes); diff != "" {
		t.Error(diff)
	}
}

func slugs(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = fmt.Sprintf(`{"slug":%q}`, s)
	}
	return out
}

// TestPagesStayExactWhileMembersAndRightsChange turns pages while rights open and close, and programmes come and go:
// whatever was open throughout is seen once.
func TestPagesStayExactWhileMembersAndRightsChange(t *testing.T) {
	for _, order := range []string{"NEWEST", "OLDEST", "TITLE"} {
		a := emptyAPI(t)
		make := func(n int, rights ...*catalogv1.Right) *catalogv1.Programme {
			p := programme(fmt.Sprintf("p%03d", n))
			p.PublishedAt, p.Rights = timestamppb.New(today.Add(-time.Duration(n)*time.Minute)), rights
			return p
		}
		for n := range 40 {
			a.put(t, make(n*10))
		}
		turn := 0
		between := func() { // all about the place where the reader is
			for _, n := range []int{turn * 20, turn*20 + 10, 390 - turn*20} {
				if n < 0 || n > 390 {
					continue
				}
				switch turn % 3 {
				case 0: // other rights, still open
					a.put(t, make(n, right(2020, 2040+turn, free, "FR")))
				case 1: // somebody comes beside
					a.put(t, make(n+3))
				case 2: // and goes
					a.remove(t, "programme", fmt.Sprintf("p%03d", n+3))
					a.put(t, make(n, right(2020, 2040, most)))
				}
			}
			turn++
		}
		w := a.walk(t, "", `{ programmes(orderBy: `+order+`, ARGS) { edges { cursor node { slug } } pageInfo { hasNextPage endCursor } } }`, 2, between, "programmes")
		seen := map[string]int{}
		for _, n := range w.nodes {
			seen[n]++
		}
		for n := range 40 {
			if s := fmt.Sprintf(`{"slug":"p%03d"}`, n*10); seen[s] != 1 {
				t.Errorf("%s: %s was seen %d times", order, s, seen[s])
			}
		}
	}
}

// TestFilters compares lists under every filter and order with what one computes by hand.
func TestFilters(t *testing.T) {
	a := emptyAPI(t)
	kinds := []catalogv1.ProgrammeKind{catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM, catalogv1.ProgrammeKind_PROGRAMME_KIND_NEWS}
	categories := []string{"drame", "nature", "sport"}
	var all []*catalogv1.Programme
	var ps []proto.Message
	for n := range 90 {
		p := programme(fmt.Sprintf("p%02d", n))
		p.Kind = kinds[n*7%3]
		p.Title = fmt.Sprintf("%s titre %d", []string{"É", "e", "Z", "à", "A", "b"}[n%6], n*37%90)
		if n%5 != 0 {
			p.ChannelId = fmt.Sprintf("ch%d", n%2)
		}
		for i := range n % 3 {
			slug := categories[(n/3+i)%3]
			p.Genres = append(p.Genres, &catalogv1.Genre{Slug: slug, Title: strings.ToUpper(slug)})
		}
		if n%4 == 0 {
			p.Rights = []*catalogv1.Right{right(2030, 0, free)}
		}
		p.PublishedAt = day(1 + n*13%28)
		all, ps = append(all, p), append(ps, p)
	}
	a.put(t, ps...)
	var cases int
	for _, channel := range []string{"", "ch0", "ch1", "ch-none"} {
		for _, category := range []string{"", "drame", "sport", "none"} {
			for _, ks := range [][]catalogv1.ProgrammeKind{nil, kinds[:1], {kinds[1], kinds[0], kinds[1]}} {
				for _, availableOnly := range []bool{true, false} {
					for _, order := range []string{"NEWEST", "OLDEST", "TITLE"} {
						var filter, want []string
						if channel != "" {
							filter = append(filter, fmt.Sprintf("channelId: %q", "channel:"+channel))
						}
						if category != "" {
							filter = append(filter, fmt.Sprintf("categoryId: %q", "category:"+category))
						}
						if ks != nil {
							var names []string
							for _, k := range ks {
								names = append(names, strings.TrimPrefix(k.String(), "PROGRAMME_KIND_"))
							}
							filter = append(filter, fmt.Sprintf("kinds: [%s]", strings.Join(names, ", ")))
						}
						if !availableOnly {
							filter = append(filter, "availableOnly: false")
						}
						var in []*catalogv1.Programme
						total := 0.0
						for _, p := range all {
							if channel != "" && p.ChannelId != channel || ks != nil && !slices.Contains(ks, p.Kind) ||
								category != "" && !slices.ContainsFunc(p.Genres, func(g *catalogv1.Genre) bool { return g.Slug == category }) {
								continue
							}
							total++
							if !availableOnly || p.Rights == nil {
								in = append(in, p)
							}
						}
						slices.SortFunc(in, func(p, q *catalogv1.Programme) int {
							switch order {
							case "NEWEST":
								return strings.Compare(dateThenID(q), dateThenID(p))
							case "OLDEST":
								return strings.Compare(dateThenID(p), dateThenID(q))
							}
							return strings.Compare(catalog.TitleKey(p.Title)+"\x00"+p.Id, catalog.TitleKey(q.Title)+"\x00"+q.Id)
						})
						for _, p := range in {
							want = append(want, p.Id)
						}
						query := fmt.Sprintf(`{ programmes(orderBy: %s, filter: {%s}, ARGS) { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, order, strings.Join(filter, ", "))
						first := []int{1, 2, 7}[cases%3]
						if len(in) > 40 {
							first = 7
						}
						cases++
						w := a.walk(t, "", query, first, nil, "programmes")
						if diff := cmp.Diff(slugs(want), append([]string{}, w.nodes...)); diff != "" || w.total != total {
							t.Errorf("%s: total %v, want %v: %s", query, w.total, total, diff)
						}
					}
				}
			}
		}
	}
}

func dateThenID(p *catalogv1.Programme) string { return catalog.DateKey(p.PublishedAt) + p.Id }

func TestVideoFilters(t *testing.T) {
	a := emptyAPI(t)
	kinds := []catalogv1.VideoKind{catalogv1.VideoKind_VIDEO_KIND_EPISODE, catalogv1.VideoKind_VIDEO_KIND_REPLAY, catalogv1.VideoKind_VIDEO_KIND_BONUS}
	var all []*catalogv1.Video
	a.put(t, programme("p"), programme("other"), episode("other", "x", 1, 1, day(1)))
	for n := range 60 {
		v := video("p", fmt.Sprintf("v%02d", n), kinds[n%3], day(1+n*11%28))
		if n%4 > 0 {
			v.SeasonNumber = ptr(int32(n % 4))
			if n%5 > 0 {
				v.EpisodeNumber = ptr(int32(n / 4))
			}
		}
		if n%7 == 0 {
			v.Rights = []*catalogv1.Right{right(0, 2025, free)}
		}
		all = append(all, v)
		a.put(t, v)
	}
	cases := 0
	for _, season := range []int32{-1, 0, 1, 3, 9} { // -1: all
		for _, ks := range [][]catalogv1.VideoKind{nil, kinds[:1], kinds[1:]} {
			for _, availableOnly := range []bool{true, false} {
				for _, order := range []string{"NEWEST", "OLDEST", "EPISODE"} {
					filter := fmt.Sprintf("availableOnly: %t", availableOnly)
					if season >= 0 {
						filter += fmt.Sprintf(", season: %d", season)
					}
					if ks != nil {
						var names []string
						for _, k := range ks {
							names = append(names, strings.TrimPrefix(k.String(), "VIDEO_KIND_"))
						}
						filter += fmt.Sprintf(", kinds: [%s]", strings.Join(names, ", "))
					}
					var in []*catalogv1.Video
					total := 0.0
					for _, v := range all {
						if season >= 0 && (v.SeasonNumber == nil || *v.SeasonNumber != season) || ks != nil && !slices.Contains(ks, v.Kind) {
							continue
						}
						total++
						if !availableOnly || v.Rights == nil {
							in = append(in, v)
						}
					}
					key := func(v *catalogv1.Video) string {
						if order == "EPISODE" {
							return catalog.EpisodeKey(v.SeasonNumber, v.EpisodeNumber, v.PublishedAt) + v.Id
						}
						return catalog.DateKey(v.PublishedAt) + v.Id
					}
					slices.SortFunc(in, func(v, w *catalogv1.Video) int { return strings.Compare(key(v), key(w)) })
					if order == "NEWEST" {
						slices.Reverse(in)
					}
					want := []string{}
					for _, v := range in {
						want = append(want, v.Slug)
					}
					query := fmt.Sprintf(`{ programme(by: {id: "programme:p"}) { videos(orderBy: %s, filter: {%s}, ARGS) { totalCount edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`, order, filter)
					w := a.walk(t, "", query, []int{1, 2, 7}[cases%3], nil, "programme", "videos")
					cases++
					if diff := cmp.Diff(slugs(want), append([]string{}, w.nodes...)); diff != "" || w.total != total {
						t.Errorf("%s: total %v, want %v: %s", query, w.total, total, diff)
					}
				}
			}
		}
	}
}
