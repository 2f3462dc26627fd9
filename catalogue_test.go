package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// cmsDocument is a document of any collection, as docs/cms.md has it.
type cmsDocument struct {
	ID                    string `bson:"_id"`
	Slug, Title, Kind     string
	Channel, Programme    string
	Synopsis              *struct{ Short, Medium, Long string }
	Year, Season, Episode *int
	Duration              int
	Countries, Genres     []string
	AgeRating             string
	NotBeforeHour         *int
	Badges                []cmsBadge
	Rights                []cmsRight
	Credits               []cmsCredit
	Tracks                cmsTracks
	Markers               []cmsMarker
	StreamID              string
	IsLive, HasDrm        bool
	PublishedAt           *time.Time
	CreatedAt             *time.Time
}

type (
	cmsBadge struct{ Kind, Label string }
	cmsRight struct {
		Screens, Territories []string
		From, Until          *time.Time
		Offer                string
	}
	cmsCredit struct{ Person, Role, Character string }
	cmsTracks struct {
		Audio, Subtitles                []string
		DeafSubtitles, AudioDescription bool
	}
	cmsMarker struct {
		Kind  string
		Start int
		End   *int
	}
)

// published is what lists by date are ordered by.
func (d *cmsDocument) published() time.Time {
	at := time.Unix(0, 0)
	if t := cmp.Or(d.PublishedAt, d.CreatedAt); t != nil {
		at = *t
	}
	return at.UTC()
}

// cmsCatalogue is what the CMS has.
type cmsCatalogue struct {
	docs       map[string][]*cmsDocument // by collection, each in the order of the ids
	programmes map[string]*cmsDocument
	videos     map[string][]*cmsDocument // of a programme, in the order of episodes
}

// read reads all of MongoDB.
func (s *system) read() *cmsCatalogue {
	s.t.Helper()
	c := &cmsCatalogue{docs: map[string][]*cmsDocument{}, programmes: map[string]*cmsDocument{}, videos: map[string][]*cmsDocument{}}
	for _, collection := range stream.Collections() {
		cursor, err := s.mongo.Collection(collection).Find(s.t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
		if err != nil {
			s.t.Fatal(err)
		}
		var docs []*cmsDocument
		if err := cursor.All(s.t.Context(), &docs); err != nil {
			s.t.Fatal(err)
		}
		c.docs[collection] = docs
	}
	for _, d := range c.docs["programme"] {
		c.programmes[d.ID] = d
	}
	for _, d := range c.docs["video"] {
		c.videos[d.Programme] = append(c.videos[d.Programme], d)
	}
	last := func(n *int) int {
		if n == nil {
			return 1 << 30
		}
		return *n
	}
	for _, videos := range c.videos {
		slices.SortFunc(videos, func(a, b *cmsDocument) int {
			return cmp.Or(last(a.Season)-last(b.Season), last(a.Episode)-last(b.Episode), a.published().Compare(b.published()), cmp.Compare(a.ID, b.ID))
		})
	}
	return c
}

// fill imports the titles, waits until every screen has all of them, and tells what that took: capture and transform are
// done when their topics grow no more.
func (s *system) fill(file string) *cmsCatalogue {
	t := s.t
	t.Helper()
	before := s.spending()
	began := time.Now()
	out, importer := s.measured("import", file)
	imported := time.Since(began)
	t.Logf("import: %s", out)
	var rows, programmes, videos, people, channels, written, left int
	var seconds float64
	if _, err := fmt.Sscanf(out, "%d rows: %d programmes, %d videos, %d people, %d channels; %d documents written in %f s, %d rows left out",
		&rows, &programmes, &videos, &people, &channels, &written, &seconds, &left); err != nil || rows != programmes+left || written != programmes+videos+people+channels {
		t.Fatalf("import says %q: %v", out, err)
	}

	took := map[string]time.Duration{"capture": imported, "transform": imported}
	quiet := map[string]int64{}
	pace := time.NewTicker(100 * time.Millisecond) // asking takes time of those that work
	defer pace.Stop()
	servertest.AwaitWithin(t, 5*time.Minute, func() string {
		<-pace.C
		now := map[string]int64{}
		for topic, end := range s.ends() {
			domain, _, _ := strings.Cut(topic, ".")
			now[map[string]string{"cms": "capture", "catalog": "transform"}[domain]] += end
		}
		for role := range took {
			if now[role] != quiet[role] {
				quiet[role], took[role] = now[role], time.Since(began)
			}
		}
		if n := s.projected(); n < written {
			return fmt.Sprintf("%d of %d documents are projected", n, written)
		}
		return ""
	})
	took["project"], took["gateway"] = time.Since(began), time.Since(began)
	after := s.spending()

	c := s.read()
	for collection, n := range map[string]int{"programme": programmes, "video": videos, "person": people, "channel": channels, "page": 0} {
		if len(c.docs[collection]) != n {
			t.Errorf("the CMS has %d of %s, the import says %d", len(c.docs[collection]), collection, n)
		}
	}
	if s.differences(c) != "" { // project counts what it does twice as two
		servertest.Await(t, func() string { return s.differences(c) })
		took["project"], took["gateway"] = time.Since(began), time.Since(began)
		after = s.spending()
	}
	for _, role := range []string{"transform", "project"} {
		if n := s.ends()[stream.Dead(role)]; n != 0 {
			t.Errorf("%s set %d records aside", role, n)
		}
	}

	t.Attr("documents-on-every-screen", fmt.Sprintf("%d, %.1f s after the import began (race detector: %t)", written, took["project"].Seconds(), raceDetector()))
	line := func(name string, done time.Duration, u spent) {
		t.Attr(name, fmt.Sprintf("done after %.1f s, CPU %.1f s, peak memory %d MiB", done.Seconds(), u.cpu.Seconds(), u.peak>>20))
	}
	line("import", imported, importer)
	for _, role := range roles {
		u := after[role]
		u.cpu -= before[role].cpu
		line(role, took[role], u)
	}
	return c
}

// projected is how many changes project says that it applied.
func (s *system) projected() int {
	res, err := http.Get("http://" + s.ports["project"][1] + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	total := 0.0
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), `regie_project_changes_total{`) {
			n, _ := strconv.ParseFloat(lines.Text()[strings.LastIndexByte(lines.Text(), ' ')+1:], 64)
			total += n
		}
	}
	return int(total)
}

// differences says how the entities in Redis that have a blob of each screen differ from the CMS's documents.
func (s *system) differences(c *cmsCatalogue) string {
	has := map[string]bool{}
	prefix := s.name + ":2:{"
	for _, screen := range screens {
		err := s.scan(s.t.Context(), prefix+"*}:"+screen, func(p redis.Pipeliner, key string) { p.HKeys(s.t.Context(), key) }, func(key string, answer redis.Cmder) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), ":")
			for _, id := range answer.(*redis.StringSliceCmd).Val() {
				has[screen+" "+kind+":"+id] = true
			}
		})
		if err != nil {
			return err.Error()
		}
	}
	want := 0
	for collection, docs := range c.docs {
		for _, d := range docs {
			for _, screen := range screens {
				if want++; !has[screen+" "+collection+":"+d.ID] {
					return fmt.Sprintf("%s has no %s %s", screen, collection, d.ID)
				}
			}
		}
	}
	if len(has) != want {
		return fmt.Sprintf("Redis has %d blobs of %d", len(has), want)
	}
	return ""
}

// spent is what a process took until now.
type spent struct {
	cpu  time.Duration
	peak int // memory, in bytes
}

func (s *system) spending() map[string]spent {
	out := map[string]spent{}
	for role, c := range s.roles {
		u, err := c.spent()
		if err != nil {
			s.t.Logf("what %s takes is not known: %v", role, err)
		}
		out[role] = u
	}
	return out
}

// spent reads what Linux tells of a running process.
func (c *child) spent() (u spent, err error) {
	dir := fmt.Sprintf("/proc/%d/", c.cmd.Process.Pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return u, err
	}
	// Behind the name, which may have anything in it: state, 10 more fields, utime and stime in 1/100 s.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	_, peak, found := strings.Cut(string(status), "VmHWM:")
	if len(fields) < 13 || !found {
		return u, errors.New("the process has ended")
	}
	for _, f := range fields[11:13] {
		ticks, err := strconv.Atoi(f)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	_, err = fmt.Sscanf(peak, "%d kB", &u.peak)
	u.peak *= 1 << 10
	return u, err
}

// raceDetector tells whether this binary, which is the roles', has it.
func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// view is where somebody looks.
type view struct{ screen, territory string }

func (v view) String() string { return "/query/" + v.screen + "?territory=" + v.territory }

// object is one of GraphQL's.
type object = map[string]any

// availability is a plain reading of rights. The import gives a document one right at most.
func (v view) availability(rights []cmsRight) object {
	out := object{"state": "AVAILABLE", "from": nil, "until": nil, "territories": []string{}, "offer": "FREE"}
	if len(rights) == 0 {
		return out
	}
	r, now := rights[0], time.Now()
	if len(r.Screens) > 0 && !slices.Contains(r.Screens, v.screen) {
		out["state"] = "NOT_ON_THIS_SCREEN"
		return out
	}
	out["from"], out["until"], out["territories"], out["offer"] = r.From, r.Until, list(r.Territories), cmp.Or(r.Offer, "FREE")
	switch {
	case len(r.Territories) > 0 && !slices.Contains(r.Territories, v.territory):
		out["state"] = "GEO_BLOCKED"
	case r.From != nil && now.Before(*r.From):
		out["state"] = "UPCOMING"
	case r.Until != nil && !now.Before(*r.Until):
		out["state"] = "EXPIRED"
	case r.Offer == "MAX":
		out["state"] = "OFFER_REQUIRED"
	}
	return out
}

// open tells whether something can be watched, if need be with an offer.
func (v view) open(d *cmsDocument) bool {
	state := v.availability(d.Rights)["state"]
	return state == "AVAILABLE" || state == "OFFER_REQUIRED"
}

// list is never null.
func list[T any](l []T) []T { return append([]T{}, l...) }

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// refTo is a reference to something; null to nothing.
func refTo(collection string, d *cmsDocument) any {
	if d == nil {
		return nil
	}
	return object{"id": collection + ":" + d.ID}
}

// kindOf is what is asked of a collection's documents, and what is expected.
type kindOf struct {
	count  int // how many are compared
	fields string
	bySlug func(c *cmsCatalogue, d *cmsDocument) string
	expect func(c *cmsCatalogue, d *cmsDocument, v view) object
}

const creditsPage = `credits(first: 20, after: $after) { totalCount edges { node { role character person { id } } } pageInfo { hasNextPage endCursor } }`

var videoKinds = []string{"FILM", "EPISODE", "REPLAY", "EXTRACT", "BONUS", "TRAILER", "LIVE"}

var comparedKinds = map[string]kindOf{
	"programme": {250, `id slug title path kind year countries ageRating { code notBeforeHour }
		short: synopsis medium: synopsis(length: MEDIUM) long: synopsis(length: LONG)
		channel { id } categories { title } badges { kind label } availability { state from until territories offer }
		seasons { number episodeCount } videos(first: 1) { totalCount } ` +
		strings.Replace(creditsPage, ", after: $after", "", 1) + ofEachKind(), slugOf, (*cmsCatalogue).programme},
	"video": {150, `id slug title path kind short: synopsis medium: synopsis(length: MEDIUM) long: synopsis(length: LONG)
		programme { id } seasonNumber episodeNumber duration publishedAt ageRating { code notBeforeHour } badges { kind label }
		availability { state from until territories offer } playback { streamId isLive hasDrm }
		tracks { audio subtitles deafSubtitles audioDescription } markers { kind start end } next { id } previous { id }`,
		videoSlug, (*cmsCatalogue).video},
	"person":  {94, `id slug title path biography credits(first: 1) { totalCount }`, slugOf, (*cmsCatalogue).person},
	"channel": {6, `id slug title path kind programmes(first: 1) { totalCount }`, slugOf, (*cmsCatalogue).channel},
}

func ofEachKind() (fields string) {
	for _, k := range videoKinds {
		fields += fmt.Sprintf(" %s: videos(first: 1, filter: {kinds: [%s], availableOnly: false}) { totalCount }", k, k)
	}
	return fields
}

func slugOf(_ *cmsCatalogue, d *cmsDocument) string { return strconv.Quote(d.Slug) }

func videoSlug(c *cmsCatalogue, d *cmsDocument) string {
	return fmt.Sprintf("{programme: %q, video: %q}", c.programmes[d.Programme].Slug, d.Slug)
}

func (c *cmsCatalogue) programme(d *cmsDocument, v view) object {
	out := object{
		"id": "programme:" + d.ID, "slug": d.Slug, "title": d.Title, "path": "/" + d.Slug, "kind": d.Kind, "year": d.Year,
		"countries": list(d.Countries), "ageRating": object{"code": cmp.Or(d.AgeRating, "ALL"), "notBeforeHour": d.NotBeforeHour},
		"channel": object{"id": "channel:" + d.Channel}, "badges": badgesOf(d), "availability": v.availability(d.Rights),
		"videos": object{"totalCount": len(c.videos[d.ID])},
	}
	addSynopsis(out, d)
	categories, credits, seasons := []object{}, []object{}, []object{}
	for _, g := range d.Genres {
		categories = append(categories, object{"title": g})
	}
	for _, k := range d.Credits {
		credits = append(credits, object{"node": object{"role": k.Role, "character": orNull(k.Character), "person": object{"id": "person:" + k.Person}}})
	}
	kinds := map[string]int{}
	for _, video := range c.videos[d.ID] {
		kinds[video.Kind]++
		if video.Kind != "EPISODE" || video.Season == nil {
			continue
		}
		if n := len(seasons); n == 0 || seasons[n-1]["number"] != *video.Season {
			seasons = append(seasons, object{"number": *video.Season, "episodeCount": 0})
		}
		last := seasons[len(seasons)-1]
		last["episodeCount"] = last["episodeCount"].(int) + 1
	}
	for _, k := range videoKinds {
		out[k] = object{"totalCount": kinds[k]}
	}
	out["categories"], out["credits"], out["seasons"] = categories, object{"totalCount": len(credits), "edges": credits}, seasons
	return out
}

func (c *cmsCatalogue) video(d *cmsDocument, v view) object {
	p := c.programmes[d.Programme]
	age := d
	if d.AgeRating == "" {
		age = p
	}
	out := object{
		"id": "video:" + d.ID, "slug": d.Slug, "title": d.Title, "path": "/" + p.Slug + "/" + d.Slug, "kind": d.Kind,
		"programme": refTo("programme", p), "seasonNumber": d.Season, "episodeNumber": d.Episode, "duration": d.Duration,
		"publishedAt": d.published(), "ageRating": object{"code": cmp.Or(age.AgeRating, "ALL"), "notBeforeHour": age.NotBeforeHour},
		"badges": badgesOf(d), "availability": v.availability(p.Rights),
		"playback": object{"streamId": cmp.Or(d.StreamID, d.ID), "isLive": d.IsLive || d.Kind == "LIVE", "hasDrm": d.HasDrm},
		"tracks": object{"audio": list(d.Tracks.Audio), "subtitles": list(d.Tracks.Subtitles),
			"deafSubtitles": d.Tracks.DeafSubtitles, "audioDescription": d.Tracks.AudioDescription},
		"next": nil, "previous": nil,
	}
	if v.open(p) && len(d.Rights) > 0 { // else the programme's decide
		out["availability"] = "of two rights together, which this test does not know: the import gives videos none"
	}
	addSynopsis(out, d)
	markers := []object{}
	for _, m := range d.Markers {
		markers = append(markers, object{"kind": m.Kind, "start": m.Start, "end": m.End})
	}
	slices.SortStableFunc(markers, func(a, b object) int { return a["start"].(int) - b["start"].(int) })
	out["markers"] = markers
	if d.Kind == "EPISODE" || d.Kind == "REPLAY" {
		alike := slices.DeleteFunc(slices.Clone(c.videos[d.Programme]), func(o *cmsDocument) bool { return o.Kind != d.Kind })
		i := slices.Index(alike, d)
		if i > 0 {
			out["previous"] = refTo("video", alike[i-1])
		}
		if i+1 < len(alike) {
			out["next"] = refTo("video", alike[i+1])
		}
	}
	return out
}

func (c *cmsCatalogue) person(d *cmsDocument, _ view) object {
	credits := 0
	for _, p := range c.docs["programme"] {
		for _, k := range p.Credits {
			if k.Person == d.ID {
				credits++
			}
		}
	}
	return object{"id": "person:" + d.ID, "slug": d.Slug, "title": d.Title, "path": "/person/" + d.Slug, "biography": nil,
		"credits": object{"totalCount": credits}}
}

func (c *cmsCatalogue) channel(d *cmsDocument, _ view) object {
	return object{"id": "channel:" + d.ID, "slug": d.Slug, "title": d.Title, "path": "/channel/" + d.Slug, "kind": d.Kind,
		"programmes": object{"totalCount": c.programmesOf(d)}}
}

func (c *cmsCatalogue) programmesOf(channel *cmsDocument) (n int) {
	for _, p := range c.docs["programme"] {
		if p.Channel == channel.ID {
			n++
		}
	}
	return n
}

func addSynopsis(out object, d *cmsDocument) {
	out["short"], out["medium"], out["long"] = nil, nil, nil
	if s := d.Synopsis; s != nil {
		out["short"], out["medium"], out["long"] = s.Short, s.Medium, s.Long
	}
}

// badgesOf are the editors'; those that the clock and the rights add come behind them.
func badgesOf(d *cmsDocument) []object {
	labels := map[string]string{"NEW": "Nouveau", "LIVE": "En direct", "LAST_DAYS": "Derniers jours", "MAX": "Max", "EXCLUSIVE": "Exclusif", "COMING_SOON": "Bientôt"}
	out := []object{}
	for _, b := range d.Badges {
		out = append(out, object{"kind": b.Kind, "label": cmp.Or(b.Label, labels[b.Kind])})
	}
	return out
}

// compareDocuments asks for 500 documents, in France by their ids and in another country by their slugs.
func (c *cmsCatalogue) compareDocuments(t *testing.T, s *system) {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d repeats this", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	began, before := time.Now(), s.spending()["gateway"]
	var (
		g         errgroup.Group
		mu        sync.Mutex
		different []string
	)
	g.SetLimit(4)
	asked := 0
	for _, collection := range stream.Collections() {
		kind, all := comparedKinds[collection], c.docs[collection]
		of := random.Perm(len(all))
		for chunk := range slices.Chunk(of[:min(kind.count, len(of))], 25) {
			docs := make([]*cmsDocument, len(chunk))
			for i, n := range chunk {
				docs[i] = all[n]
			}
			asked += len(docs)
			screen := screens[random.IntN(len(screens))]
			for bySlug, v := range map[bool]view{false: {screen, "FR"}, true: {screen, []string{"US", "IN", "GB", "BE"}[random.IntN(4)]}} {
				g.Go(func() error {
					found, err := c.compareChunk(s.site, v, bySlug, collection, docs)
					mu.Lock()
					defer mu.Unlock()
					different = append(different, found...)
					return err
				})
			}
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	after := s.spending()["gateway"]
	t.Logf("%d documents compared twice in %.1f s; the gateway took %.1f s of CPU, and %d MiB at most until now",
		asked, time.Since(began).Seconds(), (after.cpu - before.cpu).Seconds(), after.peak>>20)
	for _, d := range different[:min(20, len(different))] {
		t.Error(d)
	}
	if n := len(different) - 20; n > 0 {
		t.Errorf("and %d more", n)
	}
}

// compareChunk asks for documents of one collection, and returns how what is answered differs from what is expected.
func (c *cmsCatalogue) compareChunk(site string, v view, bySlug bool, collection string, docs []*cmsDocument) (different []string, err error) {
	kind := comparedKinds[collection]
	var query strings.Builder
	query.WriteString("{")
	for i, d := range docs {
		by := "id: " + strconv.Quote(collection+":"+d.ID)
		if bySlug {
			by = "slug: " + kind.bySlug(c, d)
		}
		fmt.Fprintf(&query, " d%d: %s(by: {%s}) { ...Fields }", i, collection, by)
	}
	fmt.Fprintf(&query, " } fragment Fields on %s { %s }", strings.ToUpper(collection[:1])+collection[1:], kind.fields)
	a, err := patiently(func() (answer, error) { return tryAsk(site+v.String(), query.String(), nil) })
	if err != nil || len(a.Errors) > 0 {
		return nil, fmt.Errorf("asking %s for %s: %v %w", v, collection, a.Errors, err)
	}
	for i, d := range docs {
		got, _ := a.at(fmt.Sprint("d", i)).(object)
		if got == nil {
			different = append(different, fmt.Sprintf("%s has no %s %s (by its slug: %t)", v, collection, d.ID, bySlug))
			continue
		}
		if err := allCredits(site+v.String(), got); err != nil {
			return different, err
		}
		if badges, ok := got["badges"].([]any); ok {
			got["badges"] = badges[:min(len(badges), len(d.Badges))]
		}
		if diff := gocmp.Diff(asAnswered(kind.expect(c, d, v)), any(got)); diff != "" {
			different = append(different, fmt.Sprintf("%s %s in %s, by its slug: %t (-CMS +GraphQL):\n%s", collection, d.ID, v, bySlug, diff))
		}
	}
	return different, nil
}

// allCredits adds the pages of a programme's credits that follow the first.
func allCredits(endpoint string, programme object) error {
	credits, _ := programme["credits"].(object)
	for {
		info, _ := credits["pageInfo"].(object)
		delete(credits, "pageInfo")
		if info["hasNextPage"] != true {
			return nil
		}
		a, err := patiently(func() (answer, error) {
			return tryAsk(endpoint, `query($id: ID!, $after: String!) { programme(by: {id: $id}) { `+creditsPage+` } }`,
				map[string]any{"id": programme["id"], "after": info["endCursor"]})
		})
		if err != nil || len(a.Errors) > 0 {
			return fmt.Errorf("turning the page of the credits of %v: %v %w", programme["id"], a.Errors, err)
		}
		next, _ := a.at("programme", "credits").(object)
		more, _ := next["edges"].([]any)
		before, _ := credits["edges"].([]any)
		credits["edges"], credits["pageInfo"] = append(before, more...), next["pageInfo"]
	}
}

// asAnswered is o as it is read of JSON.
func asAnswered(o object) any {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // texts, numbers and dates
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err) // what was just written
	}
	return out
}

func byTitle(a, b *cmsDocument) int {
	return cmp.Or(cmp.Compare(catalog.TitleKey(a.Title), catalog.TitleKey(b.Title)), cmp.Compare(a.ID, b.ID))
}

// byTitle are the ids of all programmes, in the order of their titles.
func (c *cmsCatalogue) byTitle() (ids []string) {
	for _, d := range slices.SortedFunc(slices.Values(c.docs["programme"]), byTitle) {
		ids = append(ids, "programme:"+d.ID)
	}
	return ids
}

// compareLists turns all pages of the lists of all programmes.
func (c *cmsCatalogue) compareLists(t *testing.T, s *system) {
	screen := screens[rand.IntN(len(screens))]
	byDate := func(a, b *cmsDocument) int {
		return cmp.Or(a.published().Compare(b.published()), cmp.Compare(a.ID, b.ID))
	}
	for _, tt := range []struct {
		order     string
		available bool
		compare   func(a, b *cmsDocument) int
	}{
		{"TITLE", false, byTitle},
		{"OLDEST", false, byDate},
		{"NEWEST", true, func(a, b *cmsDocument) int { return byDate(b, a) }},
	} {
		docs := slices.Clone(c.docs["programme"])
		if tt.available {
			docs = slices.DeleteFunc(docs, func(d *cmsDocument) bool { return !view{screen, "FR"}.open(d) })
		}
		slices.SortFunc(docs, tt.compare)
		var want []string
		for _, d := range docs {
			want = append(want, "programme:"+d.ID)
		}
		got := s.listed(screen, tt.order, tt.available)
		t.Logf("%s: %d programmes by %s, available only: %t", screen, len(got), tt.order, tt.available)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s by %s, available only: %t (-CMS +GraphQL):\n%s", screen, tt.order, tt.available, diff)
		}
	}

	want, got := map[string]int{}, map[string]int{}
	for _, d := range c.docs["programme"] {
		for _, g := range d.Genres {
			want[g]++
		}
	}
	a := ask(t, s.site+"/query/"+screen, `{ categories { title programmes(first: 1) { totalCount } } }`, nil)
	categories, _ := a.at("categories").([]any)
	for i := range categories {
		title, _ := a.at("categories", i, "title").(string)
		n, _ := a.at("categories", i, "programmes", "totalCount").(float64)
		got[title] = int(n)
	}
	t.Logf("%d categories", len(got))
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("programmes of each category (-CMS +GraphQL):\n%s", diff)
	}
}

// firstRows is a copy of a titles file's beginning.
func firstRows(t *testing.T, file string, n int) string {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var out bytes.Buffer
	r, w := csv.NewReader(in), csv.NewWriter(&out)
	for range n + 1 {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.Write(row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	file = filepath.Join(t.TempDir(), "titles.csv")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// importAgain follows one edit of each collection through all roles behind a second import, of enough rows to fill batches.
// What the import had produced would be before them.
func (c *cmsCatalogue) importAgain(t *testing.T, s *system, file string) {
	before := s.ends()
	if out := s.must("import", firstRows(t, file, 1000)); !strings.Contains(out, "; 0 documents written") {
		t.Errorf("it says %s", out)
	}
	want := map[string]int64{}
	for _, collection := range stream.Collections() {
		docs := c.docs[collection]
		if len(docs) == 0 {
			continue
		}
		s.must("cms", "set", collection, docs[0].ID, "title=Edited after the import")
		servertest.Await(t, func() string {
			a := ask(t, s.site+"/query", `query($id: ID!) { node(id: $id) { ... on Content { title } } }`, map[string]any{"id": collection + ":" + docs[0].ID})
			if a.at("node", "title") != "Edited after the import" {
				return fmt.Sprint(collection, " ", docs[0].ID, " is ", a)
			}
			return ""
		})
		want[stream.CMS(collection)] = 2 // the edit, and the end of its transaction
		want[stream.Catalog(collection)] = 1
		if collection == "programme" {
			want[stream.ProgrammeTouched] = 1 // its rules may have been edited
		}
	}
	servertest.Await(t, func() string { // what a record is followed by comes after it
		got := map[string]int64{}
		for topic, end := range s.ends() {
			if n := end - before[topic]; n != 0 && topic != stream.CapturePosition {
				got[topic] = n
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			return fmt.Sprintf("how far the topics grew (-the edits' +all):\n%s", diff)
		}
		return ""
	})
}

// triesAgain has a client of gRPC be patient, too.
var triesAgain = grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 5, "initialBackoff": "0.5s", "maxBackoff": "5s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`)

// compareGRPC asks the gateway what another back end would.
func (c *cmsCatalogue) compareGRPC(t *testing.T, s *system) {
	conn, err := grpc.NewClient(s.ports["gateway"][2], grpc.WithTransportCredentials(insecure.NewCredentials()), triesAgain)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()

	servertest.Await(t, func() string {
		health, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: catalogv1.CatalogService_ServiceDesc.ServiceName})
		if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
			return fmt.Sprintf("health is %v: %v", health, err)
		}
		return ""
	})

	client := catalogv1.NewCatalogServiceClient(conn)
	p := c.docs["programme"][len(c.docs["programme"])-1]
	batch, err := client.BatchGet(ctx, &catalogv1.BatchGetRequest{Lookups: []*catalogv1.Lookup{
		{By: &catalogv1.Lookup_Slug{Slug: &catalogv1.Slug{Kind: "programme", Slug: p.Slug}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	entity := batch.GetResults()[0].GetEntity()
	var blob projectionv1.Programme
	if err := entity.GetBlob().UnmarshalTo(&blob); err != nil || blob.GetId() != "programme:"+p.ID || blob.GetTitle() != p.Title {
		t.Errorf("the programme %s %q is %v: %v", p.ID, p.Title, entity, err)
	}

	channel := c.docs["channel"][0]
	page, err := client.List(ctx, &catalogv1.ListRequest{Of: &catalogv1.Ref{Kind: "channel", Id: channel.ID}, PageSize: 2, Order: catalogv1.ListOrder_LIST_ORDER_TITLE})
	if err != nil {
		t.Fatal(err)
	}
	if n := c.programmesOf(channel); int(page.GetTotalSize()) != n || len(page.GetResults()) != min(2, n) {
		t.Errorf("channel %s lists %d of %d programmes, and has %d", channel.ID, len(page.GetResults()), page.GetTotalSize(), n)
	}

	watch, err := client.Watch(ctx, &catalogv1.WatchRequest{Ids: []string{entity.GetId()}})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetId() != entity.GetId() || first.GetRevision() != entity.GetRevision() {
		t.Fatalf("at first the watch tells %v, not the revision %s: %v", first, entity.GetRevision(), err)
	}
	s.must("cms", "set", "programme", p.ID, "title=Watched")
	if next, err := watch.Recv(); err != nil || next.GetId() != entity.GetId() || next.GetRevision() <= entity.GetRevision() {
		t.Errorf("after a change of revision %s the watch tells %v: %v", entity.GetRevision(), next, err)
	}
}
