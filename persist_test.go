package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/ingest/persist"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/dynamostore"
	userv1 "regie/proto/user/v1"
)

// persisted is the role persist as a process of its own, on topics and a table of the test's own.
type persisted struct {
	t       *testing.T
	name    string
	env     []string
	admin   string
	run     *child
	cluster *stream.Cluster
	store   *dynamostore.Store
	// written is how far the test has written each partition: the offset behind its last record.
	written map[string]int64
}

// startPersisted starts the role with DynamoDB at an address that way leads to, if it is given.
func startPersisted(t *testing.T, way func(hostPort string) string) *persisted {
	t.Helper()
	kafka, url := os.Getenv("TEST_KAFKA"), servertest.DynamoDB(t)
	if kafka == "" {
		servertest.Skip(t, "TEST_KAFKA names no server; `make test` starts one")
	}
	name := servertest.Name()
	must(t, "tables", "apply", "--dynamodb", url, "--dynamodb-table", name)
	t.Cleanup(func() { dropTable(t, name) })
	p := &persisted{t: t, name: name, cluster: servertest.Cluster(t), written: map[string]int64{}}
	p.store = openTable(t, name)
	address := url
	if way != nil {
		address = "http://" + way(strings.TrimPrefix(url, "http://"))
	}
	project := strings.TrimSuffix(p.cluster.Topic(""), ".")
	p.env = []string{"REGIE_KAFKA=" + kafka, "REGIE_DYNAMODB=" + address, "REGIE_DYNAMODB_TABLE=" + name, "REGIE_PROJECT=" + project, "REGIE_INSTANCE=one"}
	p.admin = servertest.FreeAddress(t)
	p.start()
	return p
}

func openTable(t *testing.T, name string) *dynamostore.Store {
	t.Helper()
	s, err := dynamostore.Open(context.Background(), dynamostore.Config{Address: os.Getenv("TEST_DYNAMODB"), Table: name, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dropTable(t *testing.T, name string) {
	t.Helper()
	if err := openTable(t, name).Drop(context.Background()); err != nil {
		t.Log(err)
	}
}

func (p *persisted) start() {
	p.run = start(p.t, p.t.TempDir(), p.env, "run", "--role", persist.Role, "--admin", p.admin)
}

// audience is viewers who do things, some of which a device tells late.
type audience struct {
	r       *rand.Rand
	viewers int
	erased  map[int]bool
	n       int
}

func newAudience(viewers int, seed uint64) *audience {
	return &audience{r: rand.New(rand.NewPCG(6, seed)), viewers: viewers, erased: map[int]bool{}}
}

// next is what somebody does now.
func (a *audience) next() stream.Record {
	a.n++
	v := a.r.IntN(a.viewers) // one who is erased goes on, as on an instance that does not know
	viewer := fmt.Sprintf("viewer-%05d", v)
	at := time.Now().Add(-time.Duration(a.r.IntN(3000)) * time.Millisecond)
	if a.r.IntN(10) == 0 {
		at = at.Add(-time.Duration(a.r.IntN(1800)) * time.Second)
	}
	id, when := fmt.Sprintf("%08x-%08d", a.r.Uint32(), a.n), timestamppb.New(at)
	video := a.r.IntN(8)
	videoID, programmeID := fmt.Sprint("v", video), fmt.Sprint("p", video/3)
	if a.r.IntN(50) == 0 {
		programmeID = "p9"
	}
	report := &userv1.ProgressEvent{EventUuid: id, OccurredAt: when, Viewer: viewer, EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED,
		Payload: &userv1.Progress{VideoId: videoID, ProgrammeId: programmeID, Position: int32(a.n % 5000), Duration: 5000, SessionId: "one"}}
	favourite := &userv1.FavouriteEvent{EventUuid: id, OccurredAt: when, Viewer: viewer, EventType: userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_ADDED,
		Payload: &userv1.Favourite{TargetId: []string{"video:" + videoID, "programme:" + programmeID}[a.r.IntN(2)]}}
	switch k := a.r.IntN(1000); {
	case k < 800:
		return eventRecord(stream.UserProgress, viewer, report)
	case k < 860:
		report.EventType, report.Payload = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED, &userv1.Progress{VideoId: videoID, ProgrammeId: programmeID}
		return eventRecord(stream.UserProgress, viewer, report)
	case k < 870:
		report.EventType, report.Payload = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED, nil
		return eventRecord(stream.UserProgress, viewer, report)
	case k < 873 && len(a.erased) < a.viewers/10:
		a.erased[v] = true
		report.EventType, report.Payload = userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED, nil
		return eventRecord(stream.UserProgress, viewer, report)
	case k < 950:
		return eventRecord(stream.UserFavourite, viewer, favourite)
	default:
		favourite.EventType = userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED
		return eventRecord(stream.UserFavourite, viewer, favourite)
	}
}

func eventRecord(topic, viewer string, m proto.Message) stream.Record {
	value, headers, err := stream.Encode(m)
	if err != nil {
		panic(err)
	}
	return stream.Record{Topic: topic, Partition: stream.AnyPartition, Key: []byte(viewer), Value: value, Headers: headers}
}

// produce writes n records, so many a second, or at once if that is 0; fewer when ctx is done.
func (p *persisted) produce(ctx context.Context, a *audience, n, rate int) {
	producer, err := p.cluster.NewProducer()
	if err != nil {
		p.t.Error(err)
		return
	}
	defer producer.Close()
	size := 1000
	if rate > 0 {
		size = rate / 20
	}
	tick := time.NewTicker(time.Second / 20)
	defer tick.Stop()
	for ; n > 0 && ctx.Err() == nil; n -= size {
		rs := make([]stream.Record, min(size, n))
		for i := range rs {
			rs[i] = a.next()
		}
		ds, err := producer.Produce(context.WithoutCancel(ctx), rs)
		if err != nil {
			p.t.Error(err)
			return
		}
		for i, d := range ds {
			name := stream.Assigned{Topic: rs[i].Topic, Partition: d.Partition}.String()
			p.written[name] = max(p.written[name], d.Offset+1)
		}
		if rate > 0 {
			<-tick.C
		}
	}
}

// behind is a partition that is not applied to what was written; "" when all are.
func (p *persisted) behind() string {
	stored, err := p.store.Positions(p.t.Context(), slices.Collect(maps.Keys(p.written)))
	if err != nil {
		return err.Error()
	}
	for name, next := range p.written {
		if stored[name].Offset < next {
			return fmt.Sprintf("%s is applied to %d of %d", name, stored[name].Offset, next)
		}
	}
	return ""
}

// modelled is a viewer as the topics have it, reckoned record by record.
type modelled struct {
	favourites map[string]users.Favourite
	progress   map[string]users.Progress
	cleared    users.Version
	erased     bool
}

// model reads both topics.
func (p *persisted) model() map[string]*modelled {
	p.t.Helper()
	all := map[string]*modelled{}
	of := func(r stream.Record) *modelled {
		v := all[string(r.Key)]
		if v == nil {
			v = &modelled{favourites: map[string]users.Favourite{}, progress: map[string]users.Progress{}}
			all[string(r.Key)] = v
		}
		return v
	}
	version := func(at *timestamppb.Timestamp, id string) users.Version {
		return users.Version{At: time.UnixMilli(at.AsTime().UnixMilli()).UTC(), ID: id}
	}
	err := p.cluster.ReadAll(p.t.Context(), stream.UserFavourite, func(r stream.Record) error {
		var e userv1.FavouriteEvent
		if err := r.Decode(&e); err != nil {
			return err
		}
		v, f := of(r), users.Favourite{Target: e.Payload.TargetId, Version: version(e.OccurredAt, e.EventUuid)}
		f.Removed = e.EventType == userv1.FavouriteEventType_FAVOURITE_EVENT_TYPE_REMOVED
		if v.favourites[f.Target].Version.Compare(f.Version) < 0 {
			v.favourites[f.Target] = f
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	err = p.cluster.ReadAll(p.t.Context(), stream.UserProgress, func(r stream.Record) error {
		var e userv1.ProgressEvent
		if err := r.Decode(&e); err != nil {
			return err
		}
		v, at := of(r), version(e.OccurredAt, e.EventUuid)
		switch e.EventType {
		case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_ERASED:
			v.erased = true
		case userv1.ProgressEventType_PROGRESS_EVENT_TYPE_CLEARED:
			if v.cleared.Compare(at) < 0 {
				v.cleared = at
			}
		default:
			row := users.Progress{Progress: e.Payload, Version: at, Removed: e.EventType == userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REMOVED}
			if v.progress[e.Payload.VideoId].Version.Compare(at) < 0 {
				v.progress[e.Payload.VideoId] = row
			}
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	for name, v := range all {
		if v.erased {
			all[name] = &modelled{}
		}
	}
	return all
}

// rows are what is listed of a viewer, as text.
func (m *modelled) rows() string {
	var fs []users.Favourite
	for _, f := range m.favourites {
		if !f.Removed {
			fs = append(fs, f)
		}
	}
	var ps []users.Progress
	last := map[string]users.Progress{}
	for _, p := range m.progress {
		if p.Removed || p.Version.Compare(m.cleared) <= 0 {
			continue
		}
		ps = append(ps, p)
		if last[p.ProgrammeId].Version.Compare(p.Version) < 0 {
			last[p.ProgrammeId] = p
		}
	}
	return rowsText(fs, ps, slices.Collect(maps.Values(last)))
}

func rowsText(fs []users.Favourite, progress ...[]users.Progress) string {
	slices.SortFunc(fs, func(a, b users.Favourite) int { return b.Version.Compare(a.Version) })
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintln(&b, f.Target, f.Version)
	}
	for _, ps := range progress {
		slices.SortFunc(ps, func(a, b users.Progress) int { return b.Version.Compare(a.Version) })
		fmt.Fprintln(&b, "progress:")
		for _, p := range ps {
			fmt.Fprintln(&b, p.VideoId, p.ProgrammeId, p.Position, p.Duration, p.SessionId, p.Version)
		}
	}
	return b.String()
}

func (p *persisted) rows(ctx context.Context, viewer string) (string, error) {
	fs, _, err := p.store.List(ctx, viewer, users.AllFavourites, users.Version{}, 100, true)
	if err != nil {
		return "", err
	}
	ps, _, err := p.store.List(ctx, viewer, users.AllProgress, users.Version{}, 100, true)
	if err != nil {
		return "", err
	}
	last, _, err := p.store.List(ctx, viewer, users.LatestProgress, users.Version{}, 100, true)
	return rowsText(fs.Favourites, ps.Progress, last.Progress), err
}

// compare holds every viewer of the store against the model.
func (p *persisted) compare() {
	p.t.Helper()
	all := p.model()
	var mu sync.Mutex
	wrong := 0
	g, ctx := errgroup.WithContext(p.t.Context())
	g.SetLimit(8)
	for viewer, m := range all {
		g.Go(func() error {
			got, err := p.rows(ctx, viewer)
			if want := m.rows(); err == nil && got != want {
				mu.Lock()
				defer mu.Unlock()
				if wrong++; wrong < 4 {
					p.t.Errorf("%s has\n%s\ninstead of\n%s", viewer, got, want)
				}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Attr("viewers-compared", strconv.Itoa(len(all)))
	if wrong > 0 {
		p.t.Errorf("%d of %d viewers are wrong", wrong, len(all))
	}
}

// TestPersistIsKilled kills the role at random under 2,000 events a second of 5,000 viewers as often as TEST_KILLS says, or 8
// times under a quarter of both, which keeps it busy, too; and compares every viewer with what the topics say.
func TestPersistIsKilled(t *testing.T) {
	t.Parallel()
	kills, rate, viewers := 8, 500, 1250
	if s := os.Getenv("TEST_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
		rate, viewers = 2000, 5000
	}
	p := startPersisted(t, nil)
	await(t, "http://"+p.admin+"/readyz", 200, "ready")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	a := newAudience(viewers, uint64(kills))
	var producing sync.WaitGroup
	producing.Go(func() { p.produce(ctx, a, 1<<30, rate) })
	for range kills {
		pause(ctx, time.Duration(500+rand.IntN(2500))*time.Millisecond)
		p.run.kill()
		p.start()
	}
	stop()
	producing.Wait()
	took := servertest.AwaitWithin(t, 5*time.Minute, p.behind)
	t.Attr("killed", fmt.Sprintf("%d times under %d events; all applied %s after the last", kills, a.n, took.Round(time.Millisecond)))
	p.compare()
	if err := p.run.stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// TestDynamoDBIsAway: at the start, refusing, and silent. The role waits, lives, and applies what has come meanwhile.
func TestDynamoDBIsAway(t *testing.T) {
	t.Parallel()
	var way *line
	p := startPersisted(t, func(to string) string { way = newLine(t, to); way.cut(); return way.address })
	a := newAudience(300, 1)
	live := func(when string) {
		t.Helper()
		if code, body := get("http://" + p.admin + "/livez"); code != 200 {
			t.Errorf("%s: %s", when, body)
		}
	}
	await(t, "http://"+p.admin+"/readyz", 503, `"persist":"is waiting for DynamoDB at http://`+way.address)
	live("at the start")
	p.produce(t.Context(), a, 1000, 0)
	way.mend(t)
	await(t, "http://"+p.admin+"/readyz", 200, "ready")
	servertest.Await(t, p.behind)
	for name, away := range map[string]struct{ leave, back func() }{
		"refuses": {way.cut, func() { way.mend(t) }}, "is silent": {way.hush, way.speak},
	} {
		away.leave()
		p.produce(t.Context(), a, 1000, 1000)
		if p.behind() == "" {
			t.Errorf("DynamoDB %s, and all is applied", name)
		}
		servertest.Await(t, func() string {
			if !strings.Contains(p.run.stderr.String(), "the users' store does not answer") {
				return "nobody says so"
			}
			return ""
		})
		live("DynamoDB " + name)
		away.back()
		t.Attr("applied-after-dynamodb-"+strings.ReplaceAll(name, " ", "-"), servertest.Await(t, p.behind).Round(time.Millisecond).String())
	}
	p.compare()
}

// TestTablesCommands: apply makes what is missing, check says what to do.
func TestTablesCommands(t *testing.T) {
	url, table := servertest.DynamoDB(t), servertest.Name()
	args := func(args ...string) []string { return append(args, "--dynamodb", url, "--dynamodb-table", table) }
	if _, err := command(t, args("tables", "check")...); err == nil || !strings.HasSuffix(err.Error(), "DynamoDB has no table "+table+": run `regie tables apply`") {
		t.Errorf("check of a table that is missing: %v", err)
	}
	if out := must(t, args("tables", "apply", "--dynamodb-capacity", "5/10")...); out != "created the table "+table+"\nturned on expiry by the attribute ttl\n" {
		t.Errorf("apply says %q", out)
	}
	if out := must(t, args("tables", "apply")...); out != "" {
		t.Errorf("apply again says %q", out)
	}
	t.Cleanup(func() { dropTable(t, table) })
	must(t, args("tables", "check")...)
	for _, wrong := range [][]string{
		{"tables", "check"}, {"tables", "apply", "--dynamodb", "ftp://x"}, {"tables", "apply", "--dynamodb", url, "--dynamodb-capacity", "5"},
		{"run", "--role", "persist", "--kafka", "x:1"},
	} {
		if _, err := command(t, wrong...); err == nil || !strings.Contains(err.Error(), "--dynamodb") {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
