package catalog_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"regie/internal/catalog"
	"regie/internal/servertest"
)

// BenchmarkApply tells what changes cost, in batches of 256; with TEST_REDIS also what the server itself takes for each.
func BenchmarkApply(b *testing.B) {
	season, episode := int32(1), int32(1)
	video := func(i int) item {
		return item{
			Ref: catalog.Ref{Kind: "video", ID: fmt.Sprintf("65f1a0b2c3d4e5f60718%04x", i)}, kind: "EPISODE", day: 1 + i%20,
			programme: fmt.Sprintf("65f1a0b2c3d4e5f60719%04x", i%20), slug: fmt.Sprint("episode-", i), season: &season, episode: &episode,
		}
	}
	programme := func(i int) item {
		it := item{
			Ref: catalog.Ref{Kind: "programme", ID: fmt.Sprintf("65f1a0b2c3d4e5f60719%04x", i)}, kind: "SERIES", day: 1 + i%20,
			title: fmt.Sprint("Le titre ", i), slug: fmt.Sprint("le-titre-", i), channel: fmt.Sprint("ch", i%5), genres: []string{"drame", fmt.Sprint("genre-", i%9)},
		}
		for p := range 6 {
			it.people = append(it.people, fmt.Sprintf("65f1a0b2c3d4e5f6071a%04x", (i+p*p)%300))
		}
		return it
	}
	edits := []struct {
		name string
		edit func(it *item, n int)
	}{
		{"synopsis", func(*item, int) {}}, // the blobs alone
		{"title", func(it *item, n int) { it.title = fmt.Sprint("Un titre ", n) }},
		{"date", func(it *item, n int) { it.day = 1 + n%25 }},
		{"rights", func(it *item, n int) { it.note = fmt.Sprintf("wmi,%d,,FRBE", 1700000000000+n) }},
	}
	for kind, make := range map[string]func(int) item{"video": video, "programme": programme} {
		for _, e := range edits {
			b.Run(kind+"/"+e.name, func(b *testing.B) {
				client, err := catalog.Connect(servertest.Redis(b))
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = client.Close() }()
				c := catalog.New(client, servertest.Name())
				const size = 256
				apply := func(n int) {
					changes := []catalog.Change{}
					for i := range size {
						it := make(i)
						it.fence = fence(int64(n + 1))
						if n > 0 {
							e.edit(&it, n+i)
						}
						changes = append(changes, it.change())
					}
					if _, err := c.Apply(b.Context(), changes, now); err != nil {
						b.Fatal(err)
					}
				}
				micros := func() (us float64) {
					info, _ := client.Info(b.Context(), "commandstats").Result()
					for line := range strings.SplitSeq(info, "\r\n") {
						if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:"); ok {
							_, rest, _ = strings.Cut(rest, "usec=")
							rest, _, _ = strings.Cut(rest, ",")
							us, _ = strconv.ParseFloat(rest, 64)
						}
					}
					return us
				}
				apply(0)
				before, n := micros(), 0
				for b.Loop() {
					n++
					apply(n)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*size), "µs/change")
				b.ReportMetric((micros()-before)/float64(n*size), "redis-µs/change")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
