package resolvers_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"google.golang.org/protobuf/proto"

	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	catalogv1 "regie/proto/catalog/v1"
)

// series puts programmes of three episodes of 1000 seconds each, of which the first has closing titles from 900 on.
func (v *viewers) series(t *testing.T, ids ...string) {
	t.Helper()
	var all []proto.Message
	for _, id := range ids {
		all = append(all, programme(id))
		for n := 1; n <= 3; n++ {
			e := episode(id, fmt.Sprintf("e%d", n), 1, n, day(n))
			e.Duration = 1000
			if n == 1 {
				e.Markers = []*catalogv1.Marker{{Kind: catalogv1.MarkerKind_MARKER_KIND_INTRO, Start: 10}, {Kind: catalogv1.MarkerKind_MARKER_KIND_CREDITS, Start: 900}}
			}
			all = append(all, e)
		}
	}
	v.put(t, all...)
}

func TestFavourites(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa", "pb")
	v.add(t, "alice", "programme:pa")
	v.add(t, "alice", "video:pae2")
	v.add(t, "bob", "programme:pb")
	after := v.add(t, "alice", "programme:pb")
	list := func(user, args string) string {
		t.Helper()
		got := v.as(t, user, `query($after: ConsistencyToken) { viewer(notBefore: $after) { favourites`+args+` { totalCount edges { node { target { ... on Node { id } } } } } } }`, map[string]any{"after": after})
		if len(got.Errors) > 0 || got.Extensions.Consistency.State != "CONSISTENT" {
			t.Fatalf("%s: %v %+v", args, got.Errors, got.Extensions)
		}
		s := strings.NewReplacer(`{"node":{"target":{"id":`, "", `}}}`, "").Replace(got.json("viewer", "favourites"))
		return s
	}
	for args, want := range map[string]string{
		"":                             `{"edges":["programme:pb","video:pae2","programme:pa"],"totalCount":3}`,
		"(kinds: [VIDEO])":             `{"edges":["video:pae2"],"totalCount":1}`,
		"(kinds: [PROGRAMME])":         `{"edges":["programme:pb","programme:pa"],"totalCount":2}`,
		"(kinds: [VIDEO, PROGRAMME])":  `{"edges":["programme:pb","video:pae2","programme:pa"],"totalCount":3}`,
		"(first: 1, kinds: PROGRAMME)": `{"edges":["programme:pb"],"totalCount":2}`,
	} {
		if got := list("alice", args); got != want {
			t.Errorf("favourites%s: %s, want %s", args, got, want)
		}
	}
	after += "~" + v.do(t, "alice", `mutation { removeFavourite(input: {targetId: "programme:pb"}) { problems { message } receipt { token } favourite { addedAt } } }`)
	v.remove(t, "video", "pae2")
	if got, want := list("alice", ""), `{"edges":[{"node":null},"programme:pa"],"totalCount":2}`; got != want {
		t.Errorf("with one that is gone: %s, want %s", got, want)
	}
	if got, want := list("bob", ""), `{"edges":["programme:pb"],"totalCount":1}`; got != want {
		t.Errorf("bob's: %s, want %s", got, want)
	}
	if got, want := list("carol", ""), `{"edges":[],"totalCount":0}`; got != want {
		t.Errorf("carol's: %s, want %s", got, want)
	}
	// What was not read is not said to be consistent.
	none := v.as(t, "alice", fmt.Sprintf(`{ viewer(notBefore: %q) { favourites(after: "none") { totalCount } } }`, after), nil)
	if none.Extensions.Consistency.State != "" || none.codes() != "BAD_USER_INPUT viewer favourites" {
		t.Errorf("without a read: %s %+v", none.codes(), none.Extensions)
	}
	if got := v.query(t, fmt.Sprintf(`{ viewer(notBefore: %q) { id } }`, after)); got.Extensions.Consistency.State != "" || got.json() != `{"viewer":null}` {
		t.Errorf("of nobody: %s %+v", got.json(), got.Extensions)
	}
}

// TestFavouritesPageByPage reads them in pages, and hands the pages' cursors to others.
func TestFavouritesPageByPage(t *testing.T) {
	v := newViewers(t)
	var all []proto.Message
	var want []string
	after := ""
	for n := range 7 {
		all = append(all, programme(fmt.Sprintf("p%d", n)))
	}
	v.put(t, all...)
	for n := range 7 {
		after = v.add(t, "alice", fmt.Sprintf("programme:p%d", n))
		want = append(want, fmt.Sprintf(`{"target":{"id":"programme:p%d"}}`, n))
	}
	slices.Reverse(want)
	const query = `{ viewer(notBefore: "TOKEN") { favourites(ARGS) { totalCount edges { cursor node { target { ... on Node { id } } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
	w := v.walk(t, "alice", strings.Replace(query, "TOKEN", after, 1), 3, "viewer", "favourites")
	if diff := cmp.Diff(want, w.nodes); diff != "" || w.total != 7 || w.pages != 3 {
		t.Errorf("%d pages of %v: %s", w.pages, w.total, diff)
	}
	got := v.as(t, "alice", `{ viewer { favourites(first: 2) { pageInfo { endCursor } } } }`, nil)
	cursor := fmt.Sprint(got.at("viewer", "favourites", "pageInfo", "endCursor"))
	for _, tt := range []struct{ user, field string }{
		{"bob", "favourites(after: %q) { totalCount }"},
		{"alice", "favourites(after: %q, kinds: [VIDEO]) { totalCount }"},
		{"alice", "continueWatching(after: %q) { edges { cursor } }"},
	} {
		if got := v.as(t, tt.user, `{ viewer { `+fmt.Sprintf(tt.field, cursor)+` } }`, nil); !strings.HasPrefix(got.codes(), "BAD_USER_INPUT viewer ") {
			t.Errorf("%s, %s: %s", tt.user, tt.field, got.codes())
		}
	}
}

const goOn = `{ viewer(notBefore: "TOKEN") { continueWatching { edges { node { video { id } position duration ratio isFinished updatedAt } } pageInfo { hasNextPage } } } }`

// going is what a user may go on with, such as "pae2 0".
func (v *viewers) going(t *testing.T, user, after, address string) []string {
	t.Helper()
	got := v.on(t, v.URL+"/query"+address, user, strings.Replace(goOn, "TOKEN", after, 1), nil)
	if len(got.Errors) > 0 {
		t.Fatal(got.Errors)
	}
	edges, _ := got.at("viewer", "continueWatching", "edges").([]any)
	out := []string{}
	for i := range edges {
		node := func(path ...any) any {
			return got.at(append([]any{"viewer", "continueWatching", "edges", i, "node"}, path...)...)
		}
		out = append(out, fmt.Sprint(strings.TrimPrefix(fmt.Sprint(node("video", "id")), "video:"), " ", node("position")))
	}
	return out
}

func TestContinueWatching(t *testing.T) {
	v := newViewers(t)
	v.series(t, "begun", "finished", "credits", "almost", "over", "again", "halfway", "elsewhere", "later", "gone", "to", "found")
	moved := video("from", "m", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(1))
	alone := video("left", "l", catalogv1.VideoKind_VIDEO_KIND_BONUS, day(1))
	film := video("film", "f", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
	film.Duration = 1000
	endless := video("endless", "f", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
	endless.Duration = 0
	swiss := programme("swiss")
	swiss.Rights = []*catalogv1.Right{right(0, 0, free, "CH")}
	far := episode("elsewhere", "e2", 1, 2, day(2))
	far.Rights = []*catalogv1.Right{right(0, 0, free, "CH")}
	soon := episode("later", "e1", 1, 1, day(1))
	soon.Rights = []*catalogv1.Right{right(2030, 0, free)}
	v.put(t, programme("from"), moved, programme("left"), alone, programme("film"), film, programme("endless"), endless, far, swiss, episode("swiss", "e1", 1, 1, day(1)))
	watched := []struct {
		video    string
		position int
		want     string // "" when it is left out
	}{
		{"fromm", 10, ""},         // it becomes one of a programme that was watched: see below
		{"leftl", 30, "leftl 30"}, // and this of one that was not
		{"begune1", 100, "begune1 100"},
		{"finishede2", 950, "finishede3 0"},
		{"creditse1", 900, "creditse2 0"},
		{"almoste2", 949, "almoste2 949"},
		{"overe3", 1000, ""},
		{"againe2", 1000, ""}, // and then the next one too: see below
		{"againe1", 1000, "againe2 0"},
		{"halfwaye2", 300, ""},
		{"halfwaye1", 1000, "halfwaye2 300"},
		{"elsewheree1", 1000, ""},
		{"latere1", 10, ""},
		{"gonee1", 10, ""},
		{"filmf", 999, ""},
		{"endlessf", 100, "endlessf 100"},
		{"swisse1", 10, ""},
		{"toe1", 20, "toe1 20"},
	}
	var want []string
	after := ""
	for i, w := range watched {
		after = v.watch(t, "alice", w.video, w.position, i)
		if w.want != "" {
			want = append(want, w.want)
		}
	}
	moved.ProgrammeId = "to"
	alone.ProgrammeId = "found"
	v.put(t, soon, moved, alone)
	v.remove(t, "video", "gonee1")
	slices.Reverse(want)
	if diff := cmp.Diff(want, v.going(t, "alice", after, "")); diff != "" {
		t.Error(diff)
	}
	pages := v.walk(t, "alice", fmt.Sprintf(`{ viewer(notBefore: %q) { continueWatching(ARGS) { edges { cursor node { video { id } position } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`, after), 1, "viewer", "continueWatching")
	var nodes []string
	for _, w := range want {
		id, position, _ := strings.Cut(w, " ")
		nodes = append(nodes, fmt.Sprintf(`{"position":%s,"video":{"id":"video:%s"}}`, position, id))
	}
	if diff := cmp.Diff(nodes, pages.nodes); diff != "" {
		t.Errorf("one at a time: %s", diff)
	}
	if got := v.going(t, "alice", after, "?territory=CH"); !slices.Contains(got, "swisse1 10") || !slices.Contains(got, "elsewheree2 0") {
		t.Errorf("in Switzerland: %v", got)
	}
	// Of programmes, the same.
	got := v.as(t, "alice", fmt.Sprintf(`{ viewer(notBefore: %q) { id }
		begun: programme(by: {slug: "begun"}) { viewerState { programmeId isFavourite next { id } lastWatchedAt } }
		over: programme(by: {slug: "over"}) { viewerState { next { id } lastWatchedAt } }
		elsewhere: programme(by: {slug: "elsewhere"}) { viewerState { next { id } } }
		from: programme(by: {slug: "from"}) { viewerState { next { id } } }
		halfway: programme(by: {slug: "halfway"}) { viewerState { next { id } } } }`, after), nil)
	if diff := cmp.Diff(`{"begun":{"viewerState":{"isFavourite":false,"lastWatchedAt":"2026-11-21T12:02:00Z","next":{"id":"video:begune1"},"programmeId":"programme:begun"}},`+
		`"elsewhere":{"viewerState":{"next":null}},"from":{"viewerState":{"next":null}},"halfway":{"viewerState":{"next":{"id":"video:halfwaye2"}}},`+
		`"over":{"viewerState":{"lastWatchedAt":"2026-11-21T12:06:00Z","next":null}},"viewer":`+got.json("viewer")+`}`, got.json()); diff != "" || len(got.Errors) > 0 {
		t.Errorf("%v %s", got.Errors, diff)
	}
	// What a video says.
	got = v.as(t, "alice", `{ viewer { states(ids: ["video:almoste2", "video:creditse1", "video:endlessf", "video:begune2", "video:gonee1"]) {
		... on VideoViewerState { videoId progress { position duration ratio isFinished } } } } }`, nil)
	if diff := cmp.Diff(`[{"progress":{"duration":1000,"isFinished":false,"position":949,"ratio":0.949},"videoId":"video:almoste2"},`+
		`{"progress":{"duration":1000,"isFinished":true,"position":900,"ratio":0.9},"videoId":"video:creditse1"},`+
		`{"progress":{"duration":0,"isFinished":false,"position":100,"ratio":0},"videoId":"video:endlessf"},`+
		`{"progress":null,"videoId":"video:begune2"},{"progress":null,"videoId":"video:gonee1"}]`, got.json("viewer", "states")); diff != "" || len(got.Errors) > 0 {
		t.Errorf("%v %s", got.Errors, diff)
	}
}

// TestAHalfBlobAmongWhatToGoOnWith cuts what was watched in two: its neighbours are whole.
func TestAHalfBlobAmongWhatToGoOnWith(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa", "pb", "pc")
	v.watch(t, "alice", "pae1", 10, 1)
	v.watch(t, "alice", "pbe1", 10, 2)
	v.add(t, "alice", "video:pbe1")
	after := v.watch(t, "alice", "pce1", 950, 3) + "~" + v.add(t, "alice", "programme:pc")
	v.halve(t, "video", "pbe1")
	got := v.as(t, "alice", fmt.Sprintf(`{ viewer(notBefore: %q) {
		continueWatching { edges { node { video { id } } } }
		favourites { edges { node { target { ... on Node { id } } } } }
		states(ids: ["video:pbe1", "video:none", "channel:x", "video:pae1", "", "programme:pb"]) {
			... on VideoViewerState { videoId isFavourite progress { position } } ... on ProgrammeViewerState { programmeId next { id } } } } }`, after), nil)
	if diff := cmp.Diff(`{"continueWatching":{"edges":[{"node":{"video":{"id":"video:pce2"}}},{"node":null},{"node":{"video":{"id":"video:pae1"}}}]},`+
		`"favourites":{"edges":[{"node":{"target":{"id":"programme:pc"}}},{"node":null}]},`+
		`"states":[{"isFavourite":true,"progress":null,"videoId":"video:pbe1"},{"isFavourite":false,"progress":null,"videoId":"video:none"},null,`+
		`{"isFavourite":false,"progress":{"position":10},"videoId":"video:pae1"},null,{"next":null,"programmeId":"programme:pb"}]}`, got.json("viewer")); diff != "" {
		t.Error(diff)
	}
	codes := strings.Split(got.codes(), ", ")
	slices.Sort(codes)
	if diff := cmp.Diff([]string{"BAD_USER_INPUT viewer states 2", "BAD_USER_INPUT viewer states 4", "INTERNAL viewer continueWatching edges 1 node",
		"INTERNAL viewer favourites edges 1 node", "INTERNAL viewer states 0 progress", "INTERNAL viewer states 5 next"}, codes); diff != "" {
		t.Error(diff)
	}
}

// TestContinueWatchingReadsOn has a history most of which is over: pages are filled all the same, each programme comes
// once, and no page reads without end.
func TestContinueWatchingReadsOn(t *testing.T) {
	v := newViewers(t)
	var all []proto.Message
	var want []string
	var inputs []any
	const n = 250
	for i := range n {
		id := fmt.Sprintf("p%03d", i)
		f := video(id, "f", catalogv1.VideoKind_VIDEO_KIND_FILM, day(1))
		f.Duration = 1000
		all = append(all, programme(id), f)
		position := 1000
		if i%60 == 7 || i == 0 {
			position = 5
			want = append(want, fmt.Sprintf(`{"video":{"id":"video:%sf"}}`, id))
		}
		inputs = append(inputs, map[string]any{"videoId": "video:" + id + "f", "position": position, "sessionId": "s",
			"occurredAt": today.Add(time.Duration(i-n) * time.Minute).Format(time.RFC3339)})
	}
	v.put(t, all...)
	got := v.as(t, "alice", `mutation($inputs: [ReportProgressInput!]!) { reportProgressBatch(inputs: $inputs) { problems { message } progress { position } receipt { token } } }`, map[string]any{"inputs": inputs})
	token, _ := got.at("reportProgressBatch", "receipt", "token").(string)
	if progress, _ := got.at("reportProgressBatch", "progress").([]any); len(progress) != n || len(got.Errors) > 0 {
		t.Fatalf("%d of %d were written: %v", len(progress), n, got.Errors)
	}
	slices.Reverse(want)
	query := fmt.Sprintf(`{ viewer(notBefore: %q) { continueWatching(ARGS) { edges { cursor node { video { id } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`, token)
	for _, first := range []int{1, 2, 3, 100} {
		v.calls.Store(0)
		w := v.walk(t, "alice", query, first, "viewer", "continueWatching")
		if diff := cmp.Diff(want, w.nodes); diff != "" {
			t.Errorf("%d at a time: %s", first, diff)
		}
		if calls := v.calls.Load(); calls > int64(w.pages)*6 {
			t.Errorf("%d at a time: %d calls for %d pages", first, calls, w.pages)
		}
		if first == 1 && w.emptyPages == 0 {
			t.Error("no page was empty: the test does not try what it says")
		}
		if first == 100 && w.pages != 1 {
			t.Errorf("what one page has room for came in %d", w.pages)
		}
	}
}

// TestViewerStateCostsNoMoreForMany counts round trips for few and for many, at the user API and at Redis.
func TestViewerStateCostsNoMoreForMany(t *testing.T) {
	v := newViewers(t)
	const n = 40
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("p%02d", i))
	}
	v.series(t, ids...)
	rails := section("s")
	after := ""
	for i, id := range ids {
		rails.Cards = append(rails.Cards, toCard("programme", id), toCard("video", id+"e1"))
		after = v.watch(t, "alice", id+"e1", 100+850*(i%2), i)
	}
	v.put(t, page("home", rails))
	v.as(t, "alice", `query($t: ConsistencyToken) { viewer(notBefore: $t) { id } }`, map[string]any{"t": after})
	const next = `viewerState { isFavourite lastWatchedAt next { title path } }`
	for name, tt := range map[string]struct {
		query   func(n int) string
		without string // what is not asked of Redis
		calls   int64
		more    int64 // of Redis, against the same query without it
	}{
		"programmes": {func(n int) string {
			return fmt.Sprintf(`{ programmes(first: %d) { edges { node { title `+next+` } } } }`, n)
		}, next, 1, 3},
		"cards": {func(n int) string {
			return fmt.Sprintf(`{ page { sections { edges { node { cards(first: %d) { edges { node { title target { ... on Programme { id viewerState { isFavourite } } ... on Video { id viewerState { isFavourite progress { position isFinished } } } } } } } } } } } }`, n)
		}, "", 1, 0},
		"favourites": {func(n int) string {
			return fmt.Sprintf(`{ viewer { favourites(first: %d) { edges { node { addedAt } } } } }`, n)
		}, "", 1, 0},
		"going on": {func(n int) string {
			return fmt.Sprintf(`{ viewer { continueWatching(first: %d) { edges { node { video { title } position isFinished } } } } }`, n)
		}, "", 2, 0},
		"states": {func(n int) string {
			return `{ viewer { states(ids: ["programme:` + strings.Join(ids[:n], `", "programme:`) + `"]) { ... on ProgrammeViewerState { isFavourite next { title } } } } }`
		}, "", 1, 0},
		"aliases": {func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, `p%d: programme(by: {id: "programme:p%02d"}) { title viewerState { isFavourite } } `, i, i)
			}
			return "{ " + b.String() + " }"
		}, "", 1, 0},
	} {
		few, fewCalls, many, manyCalls := int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64)
		v.gathering(func() bool {
			reads, calls := v.cost(t, "alice", tt.query(2))
			few, fewCalls = min(few, reads), min(fewCalls, calls)
			reads, calls = v.cost(t, "alice", tt.query(n))
			many, manyCalls = min(many, reads), min(manyCalls, calls)
			return few == many && fewCalls <= tt.calls && manyCalls <= tt.calls
		})
		if few != many || fewCalls != manyCalls || manyCalls != tt.calls {
			t.Errorf("%s: for few %d reads and %d calls, for many %d and %d; %d calls are due", name, few, fewCalls, many, manyCalls, tt.calls)
		}
		if tt.without != "" {
			bare, calls := int64(math.MaxInt64), int64(0)
			v.gathering(func() bool {
				reads, asked := v.cost(t, "alice", strings.Replace(tt.query(n), tt.without, "", 1))
				bare, calls = min(bare, reads), asked
				return bare <= many-tt.more
			})
			if many > bare+tt.more || calls != 0 {
				t.Errorf("%s: %d reads, without %d and %d calls", name, many, bare, calls)
			}
		}
	}
}

// cost is how often a query asked Redis and the user API, once. See gathering.
func (v *viewers) cost(t *testing.T, user, query string) (reads, calls int64) {
	t.Helper()
	v.trips.Store(0)
	v.calls.Store(0)
	if got := v.as(t, user, query, nil); len(got.Errors) > 0 {
		t.Fatalf("%s: %v", query, got.Errors)
	}
	return v.trips.Load(), v.calls.Load()
}

func TestMutationsTellWhatTheUserCanMend(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	at := func(d time.Duration) string { return today.Add(d).Format(time.RFC3339) }
	report := func(fields string) string {
		return `mutation { m: reportProgress(input: {` + fields + `}) { problems { code path } receipt { token } progress { position } } }`
	}
	favourite := func(fields string) string {
		return `mutation { m: addFavourite(input: {` + fields + `}) { problems { code path } receipt { token } favourite { addedAt } } }`
	}
	v.do(t, "alice", `mutation { addFavourite(input: {targetId: "programme:pa", idempotencyKey: "k"}) { receipt { token } } }`)
	for _, tt := range []struct{ query, want string }{
		{favourite(`targetId: "programme:none"`), "NOT_FOUND input targetId"},
		{favourite(`targetId: "channel:one"`), "NOT_FOUND input targetId"},
		{favourite(`targetId: "` + strings.Repeat("p", 10<<10) + `"`), "NOT_FOUND input targetId"},
		{favourite(`targetId: ""`), "NOT_FOUND input targetId"},
		{favourite(`targetId: "video:pae1", idempotencyKey: "k"`), "CONFLICT input idempotencyKey"},
		{favourite(`targetId: "video:pae1", idempotencyKey: "` + strings.Repeat("k", 101) + `"`), "OUT_OF_RANGE input idempotencyKey"},
		{report(`videoId: "video:pae1", position: -1, occurredAt: "` + at(0) + `", sessionId: "s"`), "OUT_OF_RANGE input position"},
		{report(`videoId: "video:pae1", position: 100000, occurredAt: "` + at(0) + `", sessionId: "s"`), "OUT_OF_RANGE input position"},
		{report(`videoId: "video:none", position: 1, occurredAt: "` + at(0) + `", sessionId: "s"`), "NOT_FOUND input videoId"},
		{report(`videoId: "programme:pa", position: 1, occurredAt: "` + at(0) + `", sessionId: "s"`), "NOT_FOUND input videoId"},
		{report(`videoId: "video:pae1", position: 1, occurredAt: "` + at(-1000*24*time.Hour) + `", sessionId: "s"`), "TOO_OLD input occurredAt"},
		{report(`videoId: "video:pae1", position: 1, occurredAt: "` + at(0) + `", sessionId: "` + strings.Repeat("s", 101) + `"`), "OUT_OF_RANGE input sessionId"},
	} {
		got := v.as(t, "alice", tt.query, nil)
		if problem := problemsOf(got, "m"); problem != tt.want || len(got.Errors) > 0 || got.at("m", "receipt") != nil {
			t.Errorf("%.150s: %s %s %v", tt.query, problem, got.json(), got.Errors)
		}
	}
	got := v.as(t, "alice", fmt.Sprintf(`mutation { m: reportProgressBatch(inputs: [
		{videoId: "video:pae1", position: 1, occurredAt: %[1]q, sessionId: "s"}, {videoId: "video:none", position: 1, occurredAt: %[1]q, sessionId: "s"},
		{videoId: "video:pae2", position: 2, occurredAt: %[1]q, sessionId: "s"}, {videoId: "video:pae3", position: -3, occurredAt: %[1]q, sessionId: "s"},
	]) { problems { code path } receipt { token } progress { position video { id } } } }`, at(0)), nil)
	if problems, want := problemsOf(got, "m"), "NOT_FOUND inputs 1 videoId, OUT_OF_RANGE inputs 3 position"; problems != want || len(got.Errors) > 0 {
		t.Errorf("%s, want %s: %v", problems, want, got.Errors)
	}
	if diff := cmp.Diff(`[{"position":1,"video":{"id":"video:pae1"}},{"position":2,"video":{"id":"video:pae2"}}]`, got.json("m", "progress")); diff != "" {
		t.Error(diff)
	}
	got = v.as(t, "alice", `mutation { m: removeFromHistory(videoIds: ["video:pae1", "video:none"]) { problems { code path } receipt { token } } }`, nil)
	if problems, want := problemsOf(got, "m"), "NOT_FOUND videoIds 1"; problems != want || got.at("m", "receipt", "token") == nil {
		t.Errorf("%s, want %s: %v %s", problems, want, got.Errors, got.json())
	}
}

// problemsOf are a payload's problems, with their paths.
func problemsOf(a answer, field string) string {
	var out []string
	problems, _ := a.at(field, "problems").([]any)
	for i := range problems {
		path, _ := a.at(field, "problems", i, "path").([]any)
		one := fmt.Sprint(a.at(field, "problems", i, "code"))
		for _, p := range path {
			one += fmt.Sprint(" ", p)
		}
		out = append(out, one)
	}
	return strings.Join(out, ", ")
}

func TestMutationsThatAreRefused(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	many := func(n int, one string) string { return "[" + strings.Repeat(one+",", n) + "]" }
	const report = `{videoId: "video:pae1", position: 1, occurredAt: "2026-11-22T10:00:00Z", sessionId: "s"}`
	input := map[string]any{"videoId": "video:pae1", "position": 1, "occurredAt": "2026-11-22T10:00:00Z", "sessionId": "s"}
	for _, tt := range []struct {
		query     string
		variables map[string]any
		want      string
	}{
		{`mutation($i: [ReportProgressInput!]!) { reportProgressBatch(inputs: $i) { receipt { token } } }`, map[string]any{"i": slices.Repeat([]any{input}, 501)}, "BAD_USER_INPUT reportProgressBatch"},
		{`mutation($i: [ReportProgressInput!]!) { reportProgressBatch(inputs: $i) { receipt { token } } }`, map[string]any{"i": slices.Repeat([]any{input}, 10_000)}, "BAD_USER_INPUT"},
		{`mutation { reportProgressBatch(inputs: ` + many(600, report) + `) { receipt { token } } }`, nil, "QUERY_TOO_COMPLEX"},
		{`mutation { removeFromHistory(videoIds: ` + many(501, `"video:pae1"`) + `) { receipt { token } } }`, nil, "BAD_USER_INPUT removeFromHistory"},
		{`mutation { reportProgress(input: {videoId: "video:pae1", position: 99999999999, occurredAt: "2026-11-22T10:00:00Z", sessionId: "s"}) { receipt { token } } }`, nil, "BAD_USER_INPUT reportProgress input position"},
		{`mutation($i: ReportProgressInput!) { reportProgress(input: $i) { receipt { token } } }`, map[string]any{"i": map[string]any{"videoId": "video:pae1", "position": "far", "occurredAt": "2026-11-22T10:00:00Z", "sessionId": "s"}}, "BAD_USER_INPUT reportProgress input position"},
		{`mutation { reportProgress(input: {videoId: "video:pae1", position: 1, occurredAt: "` + strings.Repeat("9", 10_000) + `", sessionId: "s"}) { receipt { token } } }`, nil, "BAD_USER_INPUT reportProgress input occurredAt"},
		{`mutation { reportProgress(input: {videoId: "video:pae1", position: 1, occurredAt: "yesterday", sessionId: "s"}) { receipt { token } } }`, nil, "BAD_USER_INPUT reportProgress input occurredAt"},
	} {
		got := v.as(t, "alice", tt.query, tt.variables)
		if got.codes() != tt.want {
			t.Errorf("%.100s: %s, want %s: %v", tt.query, got.codes(), tt.want, got.Errors)
		}
		for _, e := range got.Errors {
			if len(e.Message) > 300 {
				t.Errorf("%.100s: the message has %d bytes", tt.query, len(e.Message))
			}
		}
	}
	if got := v.as(t, "alice", `{ viewer { continueWatching { edges { cursor } } } }`, nil); got.json("viewer", "continueWatching", "edges") != "[]" {
		t.Errorf("something was written: %s", got.json())
	}
}

// TestWhoAsks is the token's alone to say.
func TestWhoAsks(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	after := v.add(t, "alice", "programme:pa")
	const query = `{ viewer { id favourites { totalCount } } programme(by: {id: "programme:pa"}) { title viewerState { isFavourite } start { viewerState { isFavourite } } }
		node(id: "programme:pa") { id ... on Programme { viewerState { isFavourite } } } nodes(ids: ["video:pae1"]) { ... on Video { viewerState { isFavourite } } } }`
	anonymous := v.query(t, query)
	if diff := cmp.Diff(`{"node":{"id":"programme:pa","viewerState":null},"nodes":[{"viewerState":null}],"programme":{"start":{"viewerState":null},"title":"Programme pa","viewerState":null},"viewer":null}`, anonymous.json()); diff != "" || len(anonymous.Errors) > 0 {
		t.Errorf("anonymously: %v %s", anonymous.Errors, diff)
	}
	for _, mutation := range []string{
		`addFavourite(input: {targetId: "programme:pa"}) { receipt { token } }`, `removeFavourite(input: {targetId: "programme:pa"}) { receipt { token } }`,
		`reportProgress(input: {videoId: "video:pae1", position: 1, occurredAt: "2026-11-22T10:00:00Z", sessionId: "s"}) { receipt { token } }`,
		`reportProgressBatch(inputs: []) { receipt { token } }`, `removeFromHistory(videoIds: []) { receipt { token } }`, `clearHistory { receipt { token } }`,
	} {
		name, _, _ := strings.Cut(strings.ReplaceAll(mutation, " ", "("), "(")
		if got := v.query(t, "mutation { "+mutation+" }"); got.codes() != "UNAUTHENTICATED "+name {
			t.Errorf("%s: %s", mutation, got.codes())
		}
	}
	if v.calls.Load() != 1 { // alice's addition
		t.Errorf("the user API was asked %d times", v.calls.Load())
	}
	ids := map[any]bool{}
	for _, user := range []string{"alice", "bob", "alice"} {
		got := v.as(t, user, fmt.Sprintf(`{ viewer(notBefore: %q) { id favourites { totalCount } } programme(by: {id: "programme:pa"}) { viewerState { isFavourite } } }`, after), nil)
		if diff := cmp.Diff(user == "alice", got.at("programme", "viewerState", "isFavourite")); diff != "" || len(got.Errors) > 0 {
			t.Errorf("%s: %s %v", user, diff, got.Errors)
		}
		id := fmt.Sprint(got.at("viewer", "id"))
		if ids[id] = true; strings.Contains(id, user) || !strings.HasPrefix(id, "viewer:") {
			t.Errorf("%s is %s", user, id)
		}
	}
	if len(ids) != 2 {
		t.Errorf("two users are %v", ids)
	}
}

// TestMutationsComeByPost: neither another method nor another type of body makes one, and nothing is written.
func TestMutationsComeByPost(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	mutation := `mutation { addFavourite(input: {targetId: "programme:pa"}) { receipt { token } } }`
	for _, tt := range []struct {
		method, target, contentType, body string
		status                            int
	}{
		{"GET", "?query=" + url.QueryEscape(mutation), "", "", 405},
		{"GET", "?query=" + url.QueryEscape(`query Q { __typename } `+strings.Replace(mutation, "mutation", "mutation M", 1)) + "&operationName=M", "application/json", "", 405},
		{"POST", "?query=" + url.QueryEscape(mutation), "", "", 415},
		{"POST", "", "application/x-www-form-urlencoded", "query=" + url.QueryEscape(mutation), 415},
		{"POST", "", "text/plain", `{"query": "mutation { clearHistory { receipt { token } } }"}`, 415},
		{"POST", "", "application/graphql", mutation, 415},
		{"POST", "", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{}\r\n--b--", 415},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, v.URL+"/query"+tt.target, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token(t, "alice"))
		if tt.contentType != "" {
			req.Header.Set("Content-Type", tt.contentType)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.status {
			t.Errorf("%s %s: %s", tt.method, tt.contentType, res.Status)
		}
	}
	if v.calls.Load() != 0 {
		t.Errorf("the user API was asked %d times", v.calls.Load())
	}
}

// TestADocumentThatIsNoUTF8IsTheClients: what has come by GET could not be passed on to the user API.
func TestADocumentThatIsNoUTF8IsTheClients(t *testing.T) {
	v := newViewers(t)
	for _, document := range []string{
		"{ viewer { states(ids: [\"video:\xff\"]) { __typename } } }", "{ viewer(notBefore: \"\xc3\x28\") { favourites { totalCount } } }",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.URL+"/query?query="+url.QueryEscape(document), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token(t, "alice"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"BAD_USER_INPUT"`) {
			t.Errorf("%q: %s %s %v", document, res.Status, body, err)
		}
	}
}

// TestReadYourWrite reads each write at once, in the mutation's payload and on another instance.
func TestReadYourWrite(t *testing.T) {
	v := newViewers(t)
	var ids []string
	for n := range 20 {
		ids = append(ids, fmt.Sprintf("p%02d", n))
	}
	v.series(t, ids...)
	other := v.gateway(t)
	stale := 0
	for n, id := range ids {
		got := v.as(t, "alice", fmt.Sprintf(`mutation {
			a: addFavourite(input: {targetId: "programme:%[1]s"}) { receipt { token } viewer { favourites { totalCount } states(ids: ["programme:%[1]s"]) { ... on ProgrammeViewerState { isFavourite } } } }
			r: removeFavourite(input: {targetId: "programme:%[1]s"}) { receipt { token } viewer { favourites { totalCount } states(ids: ["programme:%[1]s"]) { ... on ProgrammeViewerState { isFavourite } } } }
			b: addFavourite(input: {targetId: "video:%[1]se1"}) { receipt { token } favourite { target { ... on Video { viewerState { isFavourite } } } } } }`, id), nil)
		want := fmt.Sprintf(`{"a":{"receipt":%s,"viewer":{"favourites":{"totalCount":%d},"states":[{"isFavourite":true}]}},`+
			`"b":{"favourite":{"target":{"viewerState":{"isFavourite":true}}},"receipt":%s},`+
			`"r":{"receipt":%s,"viewer":{"favourites":{"totalCount":%d},"states":[{"isFavourite":false}]}}}`,
			got.json("a", "receipt"), n+1, got.json("b", "receipt"), got.json("r", "receipt"), n)
		if got.Extensions.Consistency.State == "STALE" { // on a machine so slow
			stale++
		} else if diff := cmp.Diff(want, got.json()); diff != "" || len(got.Errors) > 0 || got.Extensions.Consistency.State != "CONSISTENT" {
			t.Fatalf("%v %+v %s", got.Errors, got.Extensions, diff)
		}
		written := v.watch(t, "alice", id+"e1", 10, n)
		read := v.on(t, other.URL+"/query", "alice", fmt.Sprintf(`{ viewer(notBefore: "%s~%s") { id } video(by: {id: "video:%se1"}) { viewerState { isFavourite progress { position } } } }`,
			written, got.at("b", "receipt", "token"), id), nil)
		if got := read.json("video"); got != `{"viewerState":{"isFavourite":true,"progress":{"position":10}}}` || len(read.Errors) > 0 || read.Extensions.Consistency.State != "CONSISTENT" {
			t.Fatalf("%s %v %+v", got, read.Errors, read.Extensions)
		}
	}
	if stale > len(ids)/2 {
		t.Errorf("%d of %d reads could not wait", stale, len(ids))
	}
	if got := v.as(t, "alice", `{ viewer { id favourites { totalCount } } }`, nil); got.Extensions.Consistency.State != "" {
		t.Errorf("without notBefore it is %s", got.Extensions.Consistency.State)
	}
}

// TestAReadThatCannotWait has persist stand still: the read is answered in time, and says that it is old.
func TestAReadThatCannotWait(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	v.stopPersist()
	after := v.add(t, "alice", "programme:pa")
	query := fmt.Sprintf(`{ a: viewer(notBefore: %q) { favourites { totalCount } } programme(by: {id: "programme:pa"}) { viewerState { isFavourite } } }`, after)
	began := time.Now()
	got := v.once(t, v.URL+"/query", "alice", query, nil)
	if took := time.Since(began); len(got.Errors) > 0 || got.Extensions.Consistency.State != "STALE" || took > 30*time.Second {
		t.Errorf("after %s: %s %v %+v", took, got.json(), got.Errors, got.Extensions)
	}
	v.persist(t)
	servertest.Await(t, func() string {
		got := v.as(t, "alice", query, nil)
		if got.Extensions.Consistency.State == "CONSISTENT" && got.json("programme") == `{"viewerState":{"isFavourite":true}}` {
			return ""
		}
		return fmt.Sprintf("with persist again: %s %+v", got.json(), got.Extensions)
	})
}

// TestATokenThatIsNone reads nothing of the viewer, and the page is whole.
func TestATokenThatIsNone(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	good := v.add(t, "alice", "programme:pa")
	for _, token := range []string{"x", good[:len(good)-2] + "xx", good + "~x", "~", strings.Repeat("x", 10_000), good + "~" + good[1:]} {
		got := v.as(t, "alice", fmt.Sprintf(`{ programme(by: {id: "programme:pa"}) { title viewerState { isFavourite } } ... on Query { v: viewer(notBefore: %q) { id } } }`, token), nil)
		codes := strings.Split(got.codes(), ", ")
		slices.Sort(codes)
		if diff := cmp.Diff([]string{"BAD_USER_INPUT programme viewerState", "BAD_USER_INPUT v"}, codes); diff != "" {
			t.Errorf("%.20s: %s", token, diff)
		}
		for _, e := range got.Errors {
			if !strings.HasPrefix(e.Message, "not_before: ") {
				t.Errorf("%.20s is told of as %q", token, e.Message)
			}
		}
		if got.json() != `{"programme":{"title":"Programme pa","viewerState":null},"v":null}` {
			t.Errorf("%.20s: %s", token, got.json())
		}
	}
}

// TestWhileTheStoreIsAway the viewer is null, pages are whole, and known viewers' writes go on.
func TestWhileTheStoreIsAway(t *testing.T) {
	v := newViewers(t)
	v.series(t, "pa")
	v.add(t, "alice", "programme:pa")
	v.store.away.Store(true)
	got := v.as(t, "alice", `{ viewer { id favourites { totalCount } } programme(by: {id: "programme:pa"}) { title viewerState { isFavourite } start { title viewerState { isFavourite } } } }`, nil)
	if got.json() != `{"programme":{"start":{"title":"Video pae1","viewerState":null},"title":"Programme pa","viewerState":null},"viewer":null}` {
		t.Error(got.json())
	}
	codes := strings.Split(got.codes(), ", ")
	slices.Sort(codes)
	if diff := cmp.Diff([]string{"UNAVAILABLE programme start viewerState", "UNAVAILABLE programme viewerState", "UNAVAILABLE viewer favourites"}, codes); diff != "" {
		t.Error(diff)
	}
	for _, e := range got.Errors {
		if !e.Extensions.Retryable || strings.Contains(e.Message, "store") {
			t.Errorf("%+v", e)
		}
	}
	after := v.add(t, "alice", "video:pae1")
	v.store.away.Store(false)
	servertest.Await(t, func() string {
		got := v.as(t, "alice", fmt.Sprintf(`{ viewer(notBefore: %q) { favourites { totalCount } } }`, after), nil)
		if got.json("viewer", "favourites", "totalCount") == "2" {
			return ""
		}
		return fmt.Sprintf("what was written meanwhile is not there: %s %v", got.json(), got.Errors)
	})
}

// TestWhileKafkaIsAway a write fails within its time, says that it may be tried again, and tells no cause.
func TestWhileKafkaIsAway(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1)) // a real one is not ours to stop
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	cluster := stream.New(stream.Config{Brokers: strings.Join(kafka.ListenAddrs(), ","), Project: servertest.Name(), Instance: "test", Log: servertest.Log(t)})
	t.Cleanup(cluster.Close)
	if _, err := cluster.Apply(t.Context(), 1, topics...); err != nil {
		t.Fatal(err)
	}
	v := viewersOn(t, cluster, users.WriteTime)
	v.series(t, "pa")
	v.add(t, "alice", "programme:pa")
	kafka.Close()
	began := time.Now()
	got := v.as(t, "alice", `mutation { addFavourite(input: {targetId: "video:pae1", idempotencyKey: "k"}) { receipt { token } } }`, nil)
	if took := time.Since(began); took > 30*time.Second || got.codes() != "UNAVAILABLE addFavourite" || !got.Errors[0].Extensions.Retryable || strings.Contains(got.Errors[0].Message, "127.0.0.1") {
		t.Errorf("after %s: %s %+v", took, got.json(), got.Errors)
	}
	if got := v.as(t, "alice", `{ programme(by: {id: "programme:pa"}) { title } }`, nil); got.json() != `{"programme":{"title":"Programme pa"}}` {
		t.Errorf("the page: %s", got.json())
	}
}
