package project_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/ingest/project"
	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// TestModel sends random events of all five kinds through the sink, with old ones again and the same ones twice, and
// compares all that can be read with a plain model of what the events say. SEED repeats a run, OPS is another number of
// operations than 10,000; beside a real Redis, miniredis has a fifth of them.
func TestModel(t *testing.T) {
	number := func(name string, or uint64) uint64 {
		if v := os.Getenv(name); v != "" {
			n, err := strconv.ParseUint(v, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		return or
	}
	seed, ops := number("SEED", uint64(time.Now().UnixNano())), int(number("OPS", 10000))
	if url := os.Getenv("TEST_REDIS"); url != "" {
		t.Run("TEST_REDIS", func(t *testing.T) { runModel(t, url, seed, ops) })
		ops /= 5
	}
	t.Run("miniredis", func(t *testing.T) { runModel(t, "redis://"+miniredis.RunT(t).Addr(), seed, ops) })
}

func runModel(t *testing.T, url string, seed uint64, ops int) {
	began := time.Now()
	t.Logf("SEED=%d OPS=%d repeats this", seed, ops)
	client, err := catalog.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	e := &env{t: t, prefix: servertest.Name(), redis: client}
	t.Cleanup(func() {
		e.empty("")
		_ = client.Close()
	})
	e.catalog = catalog.New(client, e.prefix)
	e.sink = project.New(e.catalog, func() time.Time { return modelNow }, slog.New(slog.DiscardHandler), project.NewMetrics(prometheus.NewRegistry()))
	var parts []stream.Assigned
	for _, topic := range project.Inputs() {
		parts = append(parts, stream.Assigned{Topic: topic})
	}
	if _, err := e.sink.Start(t.Context(), parts); err != nil {
		t.Fatal(err)
	}
	w := &world{rand: rand.New(rand.NewPCG(seed, 1)), now: map[string]map[string]told{}, offsets: map[string]int64{}, incarnation: 1}
	for kind := range modelIDs {
		w.now[kind] = map[string]told{}
	}
	for done := 0; done < ops; {
		next := min(done+1+w.rand.IntN(300), (done/1000+1)*1000, ops)
		var batch []stream.Record
		for ; done < next; done++ {
			batch = append(batch, w.operation()...)
		}
		w.send(t, e, batch)
		if done%1000 == 0 || done == ops {
			w.compare(t, e, done == ops)
		}
		if t.Failed() {
			t.Fatalf("after %d operations", done)
		}
	}
	t.Logf("%d operations, %d records in %v", ops, len(w.log), time.Since(began).Round(time.Millisecond))
	// When all is deleted, nothing is left but what expires.
	var batch []stream.Record
	for kind, of := range w.now {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			batch = append(batch, w.remove(kind, id)...)
		}
	}
	w.send(t, e, batch)
	w.compare(t, e, true)
	w.nothingLeft(t, e)
}

var modelNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// modelIDs are few, so that much happens to each; the events name ids that never exist, too.
var modelIDs = map[string][]string{
	"channel":   numbered("c", 6),
	"programme": append(numbered("p", 60), "p:}", "p\x00q", `p"é`),
	"video":     append(numbered("v", 250), "v\n", "v{}"),
	"person":    numbered("h", 25),
	"page":      numbered("g", 6),
}

func numbered(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint(prefix, i))
	}
	return out
}

var (
	// sortTitles are titles, and what they are sorted by.
	sortTitles = map[string]string{
		"Le Greffe": "le greffe", "LE GREFFE": "le greffe", "Été": "ete", "« Nimbo »": "nimbo", "Zut !": "zut", "L'Heure": "lheure", "100 %": "100", "?": "",
	}
	modelTitles = slices.Sorted(maps.Keys(sortTitles))
	modelSlugs  = numbered("s", 30)
	modelGenres = []string{"drame", "drame-2", "humour", "info", "sport"}
	programmes  = []catalogv1.ProgrammeKind{catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM, catalogv1.ProgrammeKind_PROGRAMME_KIND_NEWS}
	videos      = []catalogv1.VideoKind{catalogv1.VideoKind_VIDEO_KIND_EPISODE, catalogv1.VideoKind_VIDEO_KIND_FILM, catalogv1.VideoKind_VIDEO_KIND_LIVE}
	programmeKs = []string{"SERIES", "FILM", "NEWS"}
	videoKs     = []string{"EPISODE", "FILM", "LIVE"}
)

// told is the last that was told of an entity: of what kind it is decides which of them it is.
type told struct {
	record    stream.Record
	payload   proto.Message
	channel   *catalogv1.Channel
	programme *catalogv1.Programme
	video     *catalogv1.Video
}

// common is what all entities have.
type common interface {
	proto.Message
	GetSlug() string
	GetTitle() string
	GetFormerSlugs() []string
	GetCreatedAt() *timestamppb.Timestamp
}

func (x told) common() common { return x.payload.(common) }

// world makes the events, and knows what they say.
type world struct {
	rand        *rand.Rand
	now         map[string]map[string]told // by kind and id, of those that there are
	log         []stream.Record
	offsets     map[string]int64 // by topic
	incarnation int64
}

func pick[T any](w *world, of []T) T { return of[w.rand.IntN(len(of))] }

// one of n times.
func (w *world) one(n int) bool { return w.rand.IntN(n) == 0 }

func (w *world) time() *timestamppb.Timestamp {
	return timestamppb.New(modelNow.Add(time.Duration(w.rand.IntN(24)-12) * 1001 * time.Millisecond))
}

func (w *world) kind() string {
	return []string{"video", "video", "video", "video", "programme", "programme", "programme", "person", "page", "channel"}[w.rand.IntN(10)]
}

func (w *world) operation() []stream.Record {
	kind := w.kind()
	id := pick(w, modelIDs[kind])
	_, exists := w.now[kind][id]
	switch n := w.rand.IntN(100); {
	case n < 12:
		return w.remove(kind, id) // even what there is not
	case n < 20: // two swap their slugs
		other := pick(w, modelIDs[kind])
		if _, both := w.now[kind][other]; !exists || !both || id == other {
			break
		}
		a, b := w.now[kind][id].common(), w.now[kind][other].common()
		one, two := w.renamed(a, b.GetSlug(), nil), w.renamed(b, a.GetSlug(), nil)
		if x, isVideo := one.(*catalogv1.Video); isVideo { // of one programme
			x.ProgrammeId = two.(*catalogv1.Video).GetProgrammeId()
		}
		return append(w.tell(kind, id, one), w.tell(kind, other, two)...)
	case n < 32 && exists: // one is renamed, with what it had
		in := w.now[kind][id].common()
		former := append(slices.Clone(in.GetFormerSlugs()), in.GetSlug())
		return w.tell(kind, id, w.renamed(in, pick(w, modelSlugs), former[max(0, len(former)-3):]))
	case n < 60 && exists: // a little is edited
		return w.tell(kind, id, w.edited(proto.Clone(w.now[kind][id].payload)))
	}
	return w.tell(kind, id, w.made(kind, id))
}

// tell makes the record of an entity's new state.
func (w *world) tell(kind, id string, payload proto.Message) []stream.Record {
	x := told{payload: payload}
	var m proto.Message
	switch in := payload.(type) {
	case *catalogv1.Channel:
		x.channel, m = in, &catalogv1.ChannelEvent{Payload: in}
	case *catalogv1.Programme:
		x.programme, m = in, &catalogv1.ProgrammeEvent{Payload: in}
	case *catalogv1.Video:
		x.video, m = in, &catalogv1.VideoEvent{Payload: in}
	case *catalogv1.Person:
		m = &catalogv1.PersonEvent{Payload: in}
	case *catalogv1.Page:
		m = &catalogv1.PageEvent{Payload: in}
	}
	x.record = w.placed(event(kind, id, m))
	w.now[kind][id] = x
	return []stream.Record{x.record}
}

func (w *world) remove(kind, id string) []stream.Record {
	delete(w.now[kind], id)
	rs := deleted(kind, id)
	for i := range rs {
		rs[i] = w.placed(rs[i])
	}
	return rs
}

// placed gives a record its place in its topic.
func (w *world) placed(r stream.Record) stream.Record {
	w.offsets[r.Topic]++
	r.Partition, r.Offset, r.TopicID = 0, w.offsets[r.Topic], "t"
	r.Fence = stream.Fence{Incarnation: w.incarnation, Offset: r.Offset}
	w.log = append(w.log, r)
	return r
}

// made is an entity of everything.
func (w *world) made(kind, id string) proto.Message {
	title, slug, created := pick(w, modelTitles), pick(w, modelSlugs), w.time()
	var former []string
	for range w.rand.IntN(3) {
		former = append(former, pick(w, modelSlugs))
	}
	switch kind {
	case "channel":
		return &catalogv1.Channel{Id: id, Slug: slug, Title: title, FormerSlugs: former, CreatedAt: created, Position: w.rand.Int32N(12)}
	case "person":
		return &catalogv1.Person{Id: id, Slug: slug, Title: title, FormerSlugs: former, CreatedAt: created}
	case "page":
		return &catalogv1.Page{Id: id, Slug: slug, Title: title, FormerSlugs: former, CreatedAt: created}
	case "video":
		v := &catalogv1.Video{
			Id: id, Slug: slug, Title: title, FormerSlugs: former, CreatedAt: created, PublishedAt: w.time(),
			Kind: pick(w, videos), ProgrammeId: pick(w, modelIDs["programme"][:20]), Rights: w.rights(),
		}
		w.number(v)
		return v
	}
	return &catalogv1.Programme{
		Id: id, Slug: slug, Title: title, FormerSlugs: former, CreatedAt: created, PublishedAt: w.time(),
		Kind: pick(w, programmes), ChannelId: pick(w, append(modelIDs["channel"], "")), Rights: w.rights(), Genres: w.genres(), Credits: w.credits(),
	}
}

func (w *world) number(v *catalogv1.Video) {
	v.SeasonNumber, v.EpisodeNumber = nil, nil
	if !w.one(4) {
		v.SeasonNumber = proto.Int32(w.rand.Int32N(3) * 5)
	}
	if !w.one(4) {
		v.EpisodeNumber = proto.Int32(w.rand.Int32N(12))
	}
}

func (w *world) genres() (out []*catalogv1.Genre) {
	for range w.rand.IntN(4) { // perhaps one twice
		slug := pick(w, modelGenres)
		out = append(out, &catalogv1.Genre{Slug: slug, Title: pick(w, []string{strings.ToUpper(slug), "Genre " + slug})})
	}
	return out
}

func (w *world) credits() (out []*catalogv1.Credit) {
	for range w.rand.IntN(7) {
		out = append(out, &catalogv1.Credit{PersonId: pick(w, modelIDs["person"]), Role: catalogv1.CreditRole_CREDIT_ROLE_ACTOR})
	}
	return out
}

func (w *world) rights() (out []*catalogv1.Right) {
	for range max(0, w.rand.IntN(4)-1) {
		r := &catalogv1.Right{Offer: catalogv1.Offer(1 + w.rand.Int32N(2))}
		for range w.rand.IntN(3) {
			r.Screens = append(r.Screens, catalogv1.Screen(1+w.rand.Int32N(3)))
		}
		for range w.rand.IntN(3) {
			r.Territories = append(r.Territories, pick(w, []string{"FR", "BE", "CH"}))
		}
		if w.one(2) {
			r.From = w.time()
		}
		if w.one(2) {
			r.Until = w.time()
		}
		out = append(out, r)
	}
	return out
}

func (w *world) renamed(in common, slug string, former []string) proto.Message {
	out := proto.Clone(in)
	m := out.ProtoReflect()
	fields := m.Descriptor().Fields()
	set(out, "slug", protoString(slug))
	list := m.NewField(fields.ByName("former_slugs"))
	for _, s := range former {
		list.List().Append(protoString(s))
	}
	m.Set(fields.ByName("former_slugs"), list)
	return out
}

// edited is with one thing another.
func (w *world) edited(m proto.Message) proto.Message {
	switch in := m.(type) {
	case *catalogv1.Channel:
		if in.Position = w.rand.Int32N(12); w.one(2) {
			in.Title = pick(w, modelTitles)
		}
	case *catalogv1.Person:
		in.Biography = pick(w, modelTitles)
	case *catalogv1.Page:
		in.Title = pick(w, modelTitles)
	case *catalogv1.Video:
		switch w.rand.IntN(6) {
		case 0:
			in.ProgrammeId = pick(w, modelIDs["programme"][:20])
		case 1:
			w.number(in)
		case 2:
			in.PublishedAt = w.time()
		case 3:
			in.Rights = w.rights()
		case 4:
			in.Kind = pick(w, videos)
		default:
			in.Synopsis = &catalogv1.Synopsis{Short: pick(w, modelTitles)}
		}
	case *catalogv1.Programme:
		switch w.rand.IntN(8) {
		case 0:
			in.ChannelId = pick(w, append(modelIDs["channel"], ""))
		case 1:
			in.Genres = w.genres()
		case 2:
			in.Credits = w.credits()
		case 3:
			in.PublishedAt = w.time()
		case 4:
			in.Rights = w.rights()
		case 5:
			in.Title = pick(w, modelTitles)
		case 6:
			in.Kind = pick(w, programmes)
		default:
			in.Synopsis = &catalogv1.Synopsis{Short: pick(w, modelTitles)}
		}
	}
	return m
}

// send applies a batch, with old records anywhere in it and some twice; now and then all topics are new, and everything
// that there is comes again.
func (w *world) send(t *testing.T, e *env, batch []stream.Record) {
	t.Helper()
	if w.one(12) {
		w.apply(t, e, batch)
		w.incarnation, w.offsets, batch = w.incarnation+1, map[string]int64{}, nil
		for kind := range modelIDs {
			for _, id := range slices.Sorted(maps.Keys(w.now[kind])) {
				x := w.now[kind][id]
				x.record = w.placed(x.record)
				w.now[kind][id] = x
				batch = append(batch, x.record)
			}
		}
	}
	for range len(batch) / 5 {
		again := pick(w, w.log) // it may be of this batch
		batch = slices.Insert(batch, w.rand.IntN(len(batch)+1), again)
	}
	w.apply(t, e, batch)
	if w.one(3) { // the position was not stored: the batch comes again
		w.apply(t, e, batch)
	}
}

func (w *world) apply(t *testing.T, e *env, batch []stream.Record) {
	t.Helper()
	b := e.applied(batch)
	for i, r := range batch {
		if b.Rejected(i) {
			t.Errorf("%s %q is rejected", r.Topic, r.Key)
		}
	}
}

// entry is a place in a list.
type entry struct {
	key, id string
	kind    string
	rights  []*catalogv1.Right
}

func inOrder(a, b entry) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id)) }

func dateOf(t *timestamppb.Timestamp) string { return t.AsTime().Format("2006-01-02T15:04:05.000") }

// episodeOf is the order of episodes: the unnumbered come last.
func episodeOf(v *catalogv1.Video) string {
	season, episode := int32(99999), int32(99999)
	if v.SeasonNumber != nil {
		season = v.GetSeasonNumber()
	}
	if v.EpisodeNumber != nil {
		episode = v.GetEpisodeNumber()
	}
	return fmt.Sprintf("%05d:%05d:%s", season, episode, dateOf(v.GetPublishedAt()))
}

// lists are all that can be asked for, with what is in them, in no order.
func (w *world) lists() map[catalog.List][]entry {
	out := map[catalog.List][]entry{}
	for _, l := range everyList() {
		out[l] = nil
	}
	// add puts an entry into the lists of all kinds and of its own.
	add := func(l catalog.List, e entry) {
		for _, kinds := range kindsAsked(l) {
			if l.Kinds = kinds; kinds == "" || slices.Contains(strings.Split(kinds, ","), e.kind) {
				out[l] = append(out[l], e)
			}
		}
	}
	for id, x := range w.now["channel"] {
		add(catalog.List{Family: catalog.Channels, Order: catalog.ByRank}, entry{key: fmt.Sprintf("%05d:%s", x.channel.GetPosition(), sortTitles[x.channel.GetTitle()]), id: id})
	}
	for id, x := range w.now["programme"] {
		p := x.programme
		for order, key := range map[catalog.Order]string{catalog.ByDate: dateOf(p.GetPublishedAt()), catalog.ByTitle: sortTitles[p.GetTitle()]} {
			e := entry{key: key, id: id, kind: strings.TrimPrefix(p.GetKind().String(), "PROGRAMME_KIND_"), rights: p.GetRights()}
			add(catalog.List{Family: catalog.Programmes, Order: order}, e)
			genres := map[string]bool{}
			for _, g := range p.GetGenres() {
				genres[g.GetSlug()] = true
			}
			for g := range genres {
				add(catalog.List{Family: catalog.OfCategory(g), Order: order}, e)
			}
			if c := p.GetChannelId(); c != "" {
				add(catalog.List{Family: catalog.OfChannel(c), Order: order}, e)
				for g := range genres {
					add(catalog.List{Family: catalog.OfChannel(c), Order: order, Scope: g}, e)
				}
			}
			for i, c := range p.GetCredits() {
				e.key = fmt.Sprintf("%s:%05d", key, i)
				add(catalog.List{Family: catalog.Credits(c.GetPersonId()), Owner: c.GetPersonId(), Order: order}, e)
			}
		}
	}
	for id, x := range w.now["video"] {
		v := x.video
		for order, key := range map[catalog.Order]string{catalog.ByDate: dateOf(v.GetPublishedAt()), catalog.ByEpisode: episodeOf(v)} {
			e := entry{key: key, id: id, kind: strings.TrimPrefix(v.GetKind().String(), "VIDEO_KIND_"), rights: v.GetRights()}
			l := catalog.List{Family: catalog.Videos(v.GetProgrammeId()), Owner: v.GetProgrammeId(), Order: order}
			add(l, e)
			if l.Season, l.BySeason = v.GetSeasonNumber(), true; v.SeasonNumber != nil {
				add(l, e)
			}
		}
	}
	return out
}

// everyList are those that may have something.
func everyList() (out []catalog.List) {
	add := func(l catalog.List) {
		for _, kinds := range kindsAsked(l) {
			l.Kinds = kinds
			out = append(out, l)
		}
	}
	add(catalog.List{Family: catalog.Channels, Order: catalog.ByRank})
	for _, order := range []catalog.Order{catalog.ByDate, catalog.ByTitle} {
		add(catalog.List{Family: catalog.Programmes, Order: order})
		for _, g := range modelGenres {
			add(catalog.List{Family: catalog.OfCategory(g), Order: order})
		}
		for _, c := range modelIDs["channel"] {
			for _, g := range append([]string{""}, modelGenres...) {
				add(catalog.List{Family: catalog.OfChannel(c), Order: order, Scope: g})
			}
		}
		for _, h := range modelIDs["person"] {
			add(catalog.List{Family: catalog.Credits(h), Owner: h, Order: order})
		}
	}
	for _, p := range modelIDs["programme"][:20] {
		for _, order := range []catalog.Order{catalog.ByDate, catalog.ByEpisode} {
			add(catalog.List{Family: catalog.Videos(p), Owner: p, Order: order})
			for season := range int32(3) {
				add(catalog.List{Family: catalog.Videos(p), Owner: p, Order: order, Season: season * 5, BySeason: true})
			}
		}
	}
	return out
}

// kindsAsked are the selections of a list by kind: all, each, and two at once.
func kindsAsked(l catalog.List) []string {
	of := videoKs
	switch f := string(l.Family); {
	case l.Family == catalog.Channels || strings.HasPrefix(f, "credits:"):
		return []string{""}
	case !strings.HasPrefix(f, "videos:"):
		of = programmeKs
	}
	return []string{"", of[0], of[1], of[2], of[2] + "," + of[0]}
}

// mayBeSeen is a plain reading of rights.
func mayBeSeen(v catalog.View, rights []*catalogv1.Right) bool {
	screen := map[catalog.Screen]catalogv1.Screen{
		catalog.Web: catalogv1.Screen_SCREEN_WEB, catalog.Mobile: catalogv1.Screen_SCREEN_MOBILE, catalog.IPTV: catalogv1.Screen_SCREEN_IPTV,
	}[v.Screen]
	for _, r := range rights {
		if (len(r.GetScreens()) == 0 || slices.Contains(r.GetScreens(), screen)) &&
			(len(r.GetTerritories()) == 0 || slices.Contains(r.GetTerritories(), v.Territory)) &&
			(r.GetFrom() == nil || !r.GetFrom().AsTime().After(v.Now)) && (r.GetUntil() == nil || r.GetUntil().AsTime().After(v.Now)) {
			return true
		}
	}
	return len(rights) == 0
}

// compare reads everything: every list in one of three manners, at the end in all of them.
func (w *world) compare(t *testing.T, e *env, all bool) {
	t.Helper()
	w.compareLists(t, e, all)
	w.compareSlugs(t, e)
	w.compareGroups(t, e)
	w.compareBlobs(t, e)
}

func (w *world) compareLists(t *testing.T, e *env, all bool) {
	t.Helper()
	v := catalog.View{Screen: pick(w, catalog.Screens()), Territory: pick(w, []string{"FR", "BE", "US"}), Now: modelNow.Add(time.Duration(w.rand.IntN(9)-4) * 1001 * time.Millisecond)}
	var asked []catalog.List
	var wants [][]string
	var totals []int
	found := w.lists()
	for _, l := range everyList() {
		entries := found[l]
		delete(found, l)
		slices.SortFunc(entries, inOrder)
		for manner := range 3 { // forwards, backwards, what is open
			if !all && manner != w.rand.IntN(3) {
				continue
			}
			l := l
			l.First, l.Reverse, l.Open = 10000, manner == 1, manner == 2
			want := []string{}
			for _, x := range entries {
				// What somebody did does not depend on rights.
				if !l.Open || strings.HasPrefix(string(l.Family), "credits:") || mayBeSeen(v, x.rights) {
					want = append(want, x.key+" "+x.id)
				}
			}
			if l.Reverse {
				slices.Reverse(want)
			}
			asked, wants, totals = append(asked, l), append(wants, want), append(totals, len(entries))
		}
	}
	w.livingStays(t, e, asked, totals)
	for l := range found {
		t.Fatalf("%s is not asked for", l.Name())
	}
	for n := 0; n < len(asked); n += 500 {
		end := min(n+500, len(asked))
		pages, err := e.catalog.Pages(t.Context(), v, asked[n:end])
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range pages {
			got := []string{}
			for _, m := range p.Members {
				got = append(got, catalog.KeyOf(m)+" "+catalog.ID(m))
			}
			if diff := gocmp.Diff(wants[n+i], got); diff != "" || p.Total != totals[n+i] || p.More {
				t.Errorf("%s in %+v, total %d of %d: %s", asked[n+i].Name(), v, p.Total, totals[n+i], diff)
			}
		}
	}
}

// livingStays: a family that has something does not expire.
func (w *world) livingStays(t *testing.T, e *env, lists []catalog.List, totals []int) {
	t.Helper()
	ttls := map[catalog.Family]*redis.DurationCmd{}
	pipe := e.redis.Pipeline()
	for i, l := range lists {
		if totals[i] > 0 && ttls[l.Family] == nil {
			ttls[l.Family] = pipe.PTTL(t.Context(), fmt.Sprintf("%s:{%s}:members", e.prefix, l.Family))
		}
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	for f, ttl := range ttls {
		if ttl.Val() != -1 { // which go-redis says of what has none
			t.Errorf("the members of %q are kept for %v", f, ttl.Val())
		}
	}
}

// compareSlugs asks where each slug leads: to the oldest that has it, else to the oldest that had it.
func (w *world) compareSlugs(t *testing.T, e *env) {
	t.Helper()
	// scope is what a slug is unique in.
	type scope struct{ kind, programme string }
	type owner struct{ created, id string }
	has, had := map[scope]map[string]owner{}, map[scope]map[string]owner{}
	claim := func(m map[scope]map[string]owner, s scope, slug string, o owner) {
		if m[s] == nil {
			m[s] = map[string]owner{}
		}
		if old, taken := m[s][slug]; !taken || o.created < old.created || o.created == old.created && o.id < old.id {
			m[s][slug] = o
		}
	}
	for kind, of := range w.now {
		for id, x := range of {
			s, c := scope{kind: kind}, x.common()
			if kind == "video" {
				s.programme = x.video.GetProgrammeId()
			}
			o := owner{dateOf(c.GetCreatedAt()), id}
			claim(has, s, c.GetSlug(), o)
			for _, slug := range c.GetFormerSlugs() {
				claim(had, s, slug, o)
			}
		}
	}
	var asked []catalog.Address
	var want []string
	for kind := range modelIDs {
		in := []string{""}
		if kind == "video" {
			in = modelIDs["programme"][:20]
		}
		for _, programme := range in {
			for _, slug := range modelSlugs {
				a := catalog.SlugOf(kind, slug)
				if kind == "video" {
					a = catalog.VideoSlug(programme, slug)
				}
				s := scope{kind, programme}
				asked, want = append(asked, a), append(want, cmp.Or(has[s][slug].id, had[s][slug].id))
			}
		}
	}
	got, err := e.catalog.Owners(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range asked {
		if got[i] != want[i] {
			t.Errorf("slug %q leads to %q, want %q", a, got[i], want[i])
		}
	}
}

func (w *world) compareGroups(t *testing.T, e *env) {
	t.Helper()
	// first counts what begins alike, and finds the first of them.
	first := func(groups map[string]catalog.Group, name, key string) {
		g, seen := groups[name]
		if g.Count++; !seen || key < g.Key {
			g.Key = key
		}
		groups[name] = g
	}
	all := map[string]catalog.Group{}
	for _, x := range w.now["programme"] {
		named := map[string]bool{}
		for _, g := range x.programme.GetGenres() {
			if !named[g.GetSlug()] { // the first title counts
				named[g.GetSlug()] = true
				first(all, g.GetSlug(), g.GetSlug()+"\x01"+g.GetTitle())
			}
		}
	}
	asked, want := []catalog.Grouping{catalog.AllCategories()}, []map[string]catalog.Group{all}
	for _, p := range modelIDs["programme"][:20] {
		seasons := map[string]catalog.Group{}
		for _, x := range w.now["video"] {
			if v := x.video; v.GetProgrammeId() == p && v.GetKind() == catalogv1.VideoKind_VIDEO_KIND_EPISODE {
				first(seasons, episodeOf(v)[:5], episodeOf(v))
			}
		}
		asked, want = append(asked, catalog.Seasons(p)), append(want, seasons)
	}
	got, err := e.catalog.Groups(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	for i := range asked {
		groups := slices.SortedFunc(maps.Values(want[i]), func(a, b catalog.Group) int { return cmp.Compare(a.Key, b.Key) })
		if diff := gocmp.Diff(groups, got[i]); diff != "" {
			t.Errorf("%q: %s", asked[i], diff)
		}
	}
}

// compareBlobs: a blob is that of the last event, at that event's place.
func (w *world) compareBlobs(t *testing.T, e *env) {
	t.Helper()
	var refs []catalog.Ref
	var revisions []string
	want := map[catalog.Screen][][]byte{}
	for kind, ids := range modelIDs {
		for _, id := range ids {
			refs = append(refs, catalog.Ref{Kind: kind, ID: id})
			x, alive := w.now[kind][id]
			var ch catalog.Change
			if alive {
				var err error
				if ch, err = project.Projection(x.record); err != nil {
					t.Fatal(err)
				}
				revisions = append(revisions, x.record.Fence.String())
			} else {
				revisions = append(revisions, "")
			}
			for _, s := range catalog.Screens() {
				want[s] = append(want[s], ch.Blobs[s])
			}
		}
	}
	for _, s := range catalog.Screens() {
		got, err := e.catalog.Blobs(t.Context(), s, refs)
		if err != nil {
			t.Fatal(err)
		}
		for i, ref := range refs {
			if string(got[i]) != string(want[s][i]) || (got[i] == nil) != (want[s][i] == nil) {
				t.Errorf("%q on %s: %q, want %q", ref, s, got[i], want[s][i])
			}
		}
	}
	got, err := e.catalog.Revisions(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(revisions, got); diff != "" {
		t.Errorf("revisions: %s", diff)
	}
}

// nothingLeft looks at every key that there is: fences, which expire, and positions.
func (w *world) nothingLeft(t *testing.T, e *env) {
	t.Helper()
	ctx := context.Background()
	it := e.redis.Scan(ctx, 0, e.prefix+":*", 1000).Iterator()
	ttls := map[string]*redis.DurationCmd{}
	pipe := e.redis.Pipeline()
	for it.Next(ctx) {
		name := strings.TrimPrefix(it.Val(), e.prefix+":")
		if strings.HasPrefix(name, "position:") {
			continue
		}
		if !strings.HasSuffix(name, "}:entities") && !strings.HasSuffix(name, "}:members") && !strings.HasSuffix(name, "}:removed") {
			t.Errorf("%q is left", name)
		}
		ttls[name] = pipe.PTTL(ctx, it.Val())
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	if len(ttls) == 0 {
		t.Fatal("there are no fences")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	for name, ttl := range ttls {
		if ttl.Val() <= 0 {
			t.Errorf("%q is kept for ever", name)
		}
	}
}

func protoString(s string) protoreflect.Value { return protoreflect.ValueOfString(s) }
