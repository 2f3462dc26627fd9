package catalog_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"regie/internal/catalog"
	"regie/internal/servertest"
)

// BenchmarkApply tells what changes cost, in batches of 256; with TEST_REDIS also what CPU the server takes for each.
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
		{"new", func(it *item, _ int) { it.ID = fmt.Sprint(it.ID, it.fence.Offset) }},
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
				prefix := servertest.Name()
				defer func() {
					for it := client.Scan(context.Background(), 0, prefix+":*", 1000).Iterator(); it.Next(context.Background()); {
						client.Unlink(context.Background(), it.Val())
					}
				}()
				c := catalog.New(client, prefix)
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
				// Of the server's main thread: a busy machine disturbs it less than the time on the wall.
				info := func(section, field string) (n float64) {
					text, _ := client.Info(b.Context(), section).Result()
					for line := range strings.SplitSeq(text, "\r\n") {
						if v, ok := strings.CutPrefix(line, field); ok {
							x, _ := strconv.ParseFloat(v, 64)
							n += x
						}
					}
					return n
				}
				micros := func() float64 {
					return 1e6 * (info("cpu", "used_cpu_user_main_thread:") + info("cpu", "used_cpu_sys_main_thread:"))
				}
				commands := func() float64 { return info("stats", "total_commands_processed:") }
				apply(0)
				us, calls, n := micros(), commands(), 0
				for b.Loop() {
					n++
					apply(n)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*size), "µs/change")
				b.ReportMetric((micros()-us)/float64(n*size), "redis-µs/change")
				b.ReportMetric((commands()-calls)/float64(n*size), "commands/change")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
