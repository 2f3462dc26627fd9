package recommend_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/schedule"
	"regie/internal/servertest"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

const web = catalogv1.Screen_SCREEN_WEB

// newest is a programme with a section of its newest videos.
func newest(id string, limit int32) *catalogv1.Programme {
	return &catalogv1.Programme{Id: id, Sections: []*catalogv1.SectionRule{{Id: "s", Order: catalogv1.SectionOrder_SECTION_ORDER_NEWEST, Limit: limit}}}
}

// numbered is a video that is the newer the higher its number.
func numbered(n int, programme string) *catalogv1.Video {
	return &catalogv1.Video{
		Id: fmt.Sprint("v", n), ProgrammeId: programme, Kind: catalogv1.VideoKind_VIDEO_KIND_BONUS,
		PublishedAt: timestamppb.New(epoch.Add(time.Duration(n-100_000) * time.Second)),
	}
}

// TestAVideoMovesWhereverTheRoleDies: it is killed after each of its writes to Redis in turn, and what it does next is what
// another does: the programme that the video left knows it.
func TestAVideoMovesWhereverTheRoleDies(t *testing.T) {
	e := open(t)
	e.produce(programmeEvent(newest("from", 10)), programmeEvent(newest("to", 10)), videoEvent(numbered(1, "from")))
	_, stop := e.start("one")
	e.settle()
	stop()
	from, to := "from", "to"
	for died, n := true, 1; died; n++ {
		e.produce(videoEvent(numbered(1, to)))
		p := e.spawn("one", fmt.Sprint(envDies, "=", n))
		servertest.Await(t, func() string {
			select {
			case <-p.Done:
				return ""
			default:
			}
			if died = e.behind(e.written) != "" || fmt.Sprint(e.caught(to)) == "[]"; died {
				return "neither dead nor done"
			}
			return ""
		})
		p.Kill()
		_, stop := e.start("one")
		e.settle()
		stop()
		if got := fmt.Sprint(e.ids(from, 0, web)); strings.Contains(got, "v1") {
			t.Errorf("killed after write %d: what it left has %s", n, got)
		}
		if got := fmt.Sprint(e.ids(to, 0, web)); !strings.Contains(got, "v1") {
			t.Errorf("killed after write %d: where it came to has %s", n, got)
		}
		from, to = to, from
		if n > 30 {
			t.Fatal("it writes without end")
		}
		t.Attr("writes", fmt.Sprint(n))
	}
}

// caught is what is told of a programme's section by now.
func (e *env) caught(programme string) []string {
	e.catchUp()
	return e.ids(programme, 0, web)
}

// TestAnEmptiedRedis: while it is filled again nothing is told, by whichever instance, for it would be told of a part.
func TestAnEmptiedRedis(t *testing.T) {
	e := open(t)
	e.start("one")
	e.start("two")
	const videos, programmes = 3000, 4
	var rs []stream.Record
	for p := range programmes {
		rs = append(rs, programmeEvent(newest(fmt.Sprint("p", p), 5)))
	}
	// The newest come last in the log: whoever is told of a part lacks them.
	for n := range videos {
		rs = append(rs, videoEvent(numbered(n, fmt.Sprint("p", n%programmes))))
	}
	e.produce(rs...)
	e.settle()
	want := map[string][]string{}
	for p := range programmes {
		id := fmt.Sprint("p", p)
		want[id] = e.ids(id, 0, web)
		if len(want[id]) != 5 {
			t.Fatalf("%s: %v", id, want[id])
		}
	}
	told := len(e.all)
	e.empty()
	deadline := time.Now().Add(servertest.Patience)
	for whole := false; !whole; { // touches all the while
		for p := range programmes {
			e.produce(touch(fmt.Sprint("p", p), catalogv1.TouchReason_TOUCH_REASON_TREND))
		}
		e.poll()
		n, err := e.redis.HLen(t.Context(), e.prefix+":whole:recommend").Result()
		if whole = n == 24; err != nil || time.Now().After(deadline) {
			t.Fatal("it is not filled again: ", n, err)
		}
	}
	e.settle()
	again := 0
	for _, m := range e.all[told:] {
		var ev catalogv1.ProgrammeEnrichedEvent
		if *m.TopicPartition.Topic != e.cluster.Topic(stream.ProgrammeEnriched) {
			continue
		}
		if err := proto.Unmarshal(m.Value, &ev); err != nil {
			t.Fatal(err)
		}
		again++
		var got []string
		for _, v := range ev.GetPayload().GetSections()[0].GetScreens()[0].GetVideos() {
			got = append(got, v.GetId())
		}
		if diff := gocmp.Diff(want[string(m.Key)], got); diff != "" {
			t.Errorf("%s was told of a part (-want +got):\n%s", m.Key, diff)
		}
	}
	if again < programmes {
		t.Errorf("%d programmes were told again", again)
	}
}

// TestAHaltedOwner computed sections, has noted that it tells them, and halts before it does; meanwhile another has its partitions, and tells newer
// ones. What it tells when it wakes up is never seen.
func TestAHaltedOwner(t *testing.T) {
	e := open(t)
	rule := newest("p", 1)
	rule.Sections[0].Order = catalogv1.SectionOrder_SECTION_ORDER_MOST_WATCHED
	one := e.spawn("one", envHalts+"=1")
	one.Says(t, "ready")
	e.produce(programmeEvent(rule), videoEvent(numbered(1, "p")), videoEvent(numbered(2, "p")))
	one.Says(t, "struck")
	two := e.spawn("two")
	servertest.Await(t, func() string { // when the session of the one has timed out
		if got := fmt.Sprint(e.caught("p")); got != "[v2]" {
			return "the other's: " + got
		}
		return ""
	})
	if err := e.redis.RPush(t.Context(), e.prefix+":watched:p", "v1").Err(); err != nil {
		t.Fatal(err)
	}
	e.produce(touch("p", catalogv1.TouchReason_TOUCH_REASON_TREND))
	servertest.Await(t, func() string {
		if got := fmt.Sprint(e.caught("p")); got != "[v1]" {
			return "the other's newer one: " + got
		}
		return ""
	})
	e.readAll() // all of the transaction in which it was told
	told := len(e.all)
	one.Signal(syscall.SIGCONT)
	servertest.Await(t, func() string { // it is refused, and its instance's name may be by now
		select {
		case <-one.Done:
			return ""
		default:
			return one.Lacks("will retry")
		}
	})
	two.Kill() // what the one has of it now is from where the other stood
	e.readAll()
	for _, m := range e.all[told:] {
		t.Errorf("it told %s of %s afterwards", *m.TopicPartition.Topic, m.Key)
	}
	if got := fmt.Sprint(e.ids("p", 0, web)); got != "[v1]" {
		t.Errorf("at the end: %s", got)
	}
}

// TestAWindow opens and closes to the second, without an edit, and what is asked of the scheduler is what comes next.
func TestAWindow(t *testing.T) {
	e := open(t)
	e.start("one")
	v := numbered(1, "p")
	v.Rights = []*catalogv1.Right{{From: timestamppb.New(epoch.Add(time.Hour)), Until: timestamppb.New(epoch.Add(2 * time.Hour))}}
	e.produce(programmeEvent(newest("p", 3)), videoEvent(v), videoEvent(numbered(2, "p")))
	e.settle()
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "[v2]"}, {time.Hour - time.Second, "[v2]"}, {time.Hour, "[v2 v1]"}, {2*time.Hour - time.Second, "[v2 v1]"}, {2 * time.Hour, "[v2]"},
	} {
		e.advance(epoch.Add(step.after))
		if got := fmt.Sprint(e.ids("p", 0, web)); got != step.want {
			t.Errorf("after %v: %s instead of %s", step.after, got, step.want)
		}
	}
	// The scheduler's clock is a little before ours.
	v.Rights[0] = &catalogv1.Right{From: timestamppb.New(epoch.Add(3 * time.Hour))}
	e.setClock(epoch.Add(3*time.Hour - 20*time.Millisecond))
	e.produce(videoEvent(v))
	e.settle()
	e.produce(e.due(epoch.Add(3 * time.Hour))...)
	e.settle()
	if got := fmt.Sprint(e.ids("p", 0, web)); got != "[v2 v1]" {
		t.Errorf("our clock is late: %s", got)
	}
	if rs := e.due(epoch.AddDate(100, 0, 0)); len(rs) > 0 {
		t.Errorf("asked for though nothing comes: %s", rs[0].Key)
	}
}

// TestClocks: one that is set forward and back leaves nothing as it was then; a scheduler whose clock is far before ours is not
// asked for what it would fire at once, over and over.
func TestClocks(t *testing.T) {
	e := open(t)
	e.start("one")
	opens, closes := numbered(1, "p"), numbered(2, "p")
	opens.Rights = []*catalogv1.Right{{From: timestamppb.New(epoch.Add(time.Hour))}}
	closes.Rights = []*catalogv1.Right{{Until: timestamppb.New(epoch.Add(time.Hour))}}
	e.produce(programmeEvent(newest("p", 3)), videoEvent(opens), videoEvent(closes))
	e.settle()
	for _, step := range []struct {
		now  time.Time
		want string
	}{{epoch.Add(time.Hour + 30*time.Minute), "[v1]"}, {epoch, "[v2]"}} {
		e.setClock(step.now)
		e.produce(touch("p", catalogv1.TouchReason_TOUCH_REASON_TREND))
		e.settle()
		if got := fmt.Sprint(e.ids("p", 0, web)); got != step.want {
			t.Errorf("at %v: %s instead of %s", step.now, got, step.want)
		}
	}
	at := epoch.Add(time.Hour)
	rs := e.due(at)
	if len(rs) != 1 {
		t.Fatalf("%d are due", len(rs))
	}
	rs[0].Headers = append(rs[0].Headers, stream.Header{Key: schedule.HeaderEpoch, Value: fmt.Sprint(at.Unix())})
	e.produce(rs...)
	e.settle()
	if got := fmt.Sprint(e.ids("p", 0, web)); got != "[v2]" {
		t.Errorf("an hour early: %s", got)
	}
	if again := e.due(at.Add(9 * time.Second)); len(again) > 0 {
		t.Error("it is asked for what would be fired at once")
	}
	rs = e.due(time.Now().Add(time.Minute)) // by which the touch was produced
	if len(rs) != 1 {
		t.Fatalf("%d are asked for", len(rs))
	}
	e.setClock(at)
	e.produce(rs...)
	e.settle()
	if got := fmt.Sprint(e.ids("p", 0, web)); got != "[v1]" {
		t.Errorf("at its time: %s", got)
	}
}

// TestOnlyWhatChanged: an edit that no rule asks for tells nothing, nor does a programme that is not there; deleting one
// tells that, and forgets what was asked of the scheduler.
func TestOnlyWhatChanged(t *testing.T) {
	e := open(t)
	e.start("one")
	v := numbered(1, "p")
	v.Rights = []*catalogv1.Right{{Until: timestamppb.New(epoch.Add(time.Hour))}}
	e.produce(programmeEvent(newest("p", 3)), videoEvent(v), videoEvent(numbered(2, "nowhere")))
	e.settle()
	told := len(e.all)
	touches := e.total(stream.ProgrammeTouched)
	v.Title, v.Slug = "Another title", "another"
	e.produce(videoEvent(v))
	e.settle()
	if n := e.total(stream.ProgrammeTouched); n != touches {
		t.Errorf("%d touches for a title", n-touches)
	}
	e.produce(touch("p", catalogv1.TouchReason_TOUCH_REASON_TREND), touch("nowhere", catalogv1.TouchReason_TOUCH_REASON_TREND))
	e.settle()
	for _, m := range e.all[told:] {
		t.Errorf("told %s of %s", *m.TopicPartition.Topic, m.Key)
	}
	if got := len(e.latest[e.cluster.Topic(stream.ScheduleRequest)]); got != 1 {
		t.Errorf("%d requests", got)
	}
	e.produce(deleted("programme", "p")...)
	e.settle()
	if m := e.latest[e.cluster.Topic(stream.ProgrammeEnriched)]["p"]; m == nil || m.Value != nil {
		t.Errorf("no tombstone of what is deleted: %v", m)
	}
	if rs := e.due(epoch.AddDate(1, 0, 0)); len(rs) > 0 {
		t.Error("the scheduler still has what was asked for it")
	}
	var kinds []string
	for _, m := range e.all[told:] {
		var ev catalogv1.ProgrammeEnrichedEvent
		if *m.TopicPartition.Topic == e.cluster.Topic(stream.ProgrammeEnriched) && m.Value != nil {
			if err := proto.Unmarshal(m.Value, &ev); err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, ev.GetEventType().String())
		}
	}
	if fmt.Sprint(kinds) != "[EVENT_TYPE_DELETED]" {
		t.Errorf("told %v", kinds)
	}
}

func (e *env) total(topic string) (n int64) {
	for _, high := range e.highs(e.cluster.Topic(topic)) {
		n += high
	}
	return n
}

// TestWhatCannotBeEvaluated is set aside, and its neighbours are told.
func TestWhatCannotBeEvaluated(t *testing.T) {
	e := open(t)
	e.start("one")
	rs := []stream.Record{}
	for p := range 20 {
		id := fmt.Sprint("p", p)
		rs = append(rs, programmeEvent(newest(id, 3)), videoEvent(numbered(p, id)))
	}
	e.produce(rs...)
	e.settle()
	// Somebody writes into Redis what is no programme.
	ctx, broken := t.Context(), 0
	for bucket := range 64 {
		key := fmt.Sprintf("%s:{programme:%d}:web", e.prefix, bucket)
		if n, err := e.redis.HExists(ctx, key, "p7").Result(); err != nil {
			t.Fatal(err)
		} else if n {
			broken++
			if err := e.redis.HSet(ctx, key, "p7", "no programme").Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if broken != 1 {
		t.Fatal("p7 is not where it was looked for")
	}
	rs = rs[:0]
	for p := range 20 {
		rs = append(rs, videoEvent(numbered(100+p, fmt.Sprint("p", p))))
	}
	noKey, noValue, unknown := touch("", 0), touch("p1", 0), touch("p1", 0)
	noKey.Key, noValue.Value, unknown.Value = nil, nil, []byte("no event")
	e.produce(append(rs, noKey, noValue, unknown)...)
	e.settle()
	for p := range 20 {
		want := fmt.Sprintf("[v%d v%d]", 100+p, p)
		if p == 7 {
			want = "[v7]"
		}
		if got := fmt.Sprint(e.ids(fmt.Sprint("p", p), 0, web)); got != want {
			t.Errorf("p%d: %s instead of %s", p, got, want)
		}
	}
	reasons := map[string]bool{}
	for _, r := range servertest.ReadAll(t, e.cluster, stream.Dead("recommend")) {
		reasons[r.Headers.Get(stream.HeaderReason)] = true
	}
	if len(reasons) != 4 {
		t.Errorf("set aside: %v", reasons)
	}
	for _, want := range []string{"has no key", "has no value", "decoding", `computing the sections of programme "p7": reading its rules in Redis: `} {
		found := false
		for reason := range reasons {
			found = found || strings.Contains(reason, want)
		}
		if !found {
			t.Errorf("nothing is set aside because %q: %v", want, reasons)
		}
	}
}

// TestWhatIsWatchedIsAskedAtOnce: trend touches all that is ranked when another window begins, and edits are behind that.
func TestWhatIsWatchedIsAskedAtOnce(t *testing.T) {
	e := open(t)
	_, stop := e.start("one")
	const programmes = 300
	var rs, touches []stream.Record
	for n := range programmes {
		p := newest(fmt.Sprint("p", n), 1)
		p.Sections[0].Order = catalogv1.SectionOrder_SECTION_ORDER_MOST_WATCHED
		rs = append(rs, programmeEvent(p), videoEvent(numbered(2*n, p.GetId())), videoEvent(numbered(2*n+1, p.GetId())))
		touches = append(touches, touch(p.GetId(), catalogv1.TouchReason_TOUCH_REASON_TREND))
		// Those that are leading are gone: the limit is 1, but it is not of these.
		if err := e.redis.RPush(t.Context(), e.prefix+":watched:"+p.GetId(), "g1", "g2", "g3", "g4", "g5", fmt.Sprint("v", 2*n)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	e.produce(rs...)
	e.settle()
	stop()
	e.asked.Store(0)
	e.produce(touches...)
	e.start("one")
	e.settle()
	if n := e.asked.Load(); n == 0 || n > programmes/3 {
		t.Errorf("asked %d times for %d programmes", n, programmes)
	}
	if got := fmt.Sprint(e.ids("p7", 0, web)); got != "[v14]" {
		t.Errorf("told %s", got)
	}
}

// TestATimeAndATraceGoAlong from the video's edit to the sections; not from what is only read again.
func TestATimeAndATraceGoAlong(t *testing.T) {
	e := open(t)
	e.start("one")
	e.produce(programmeEvent(newest("p", 3)))
	e.settle()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r := videoEvent(numbered(1, "p"))
	r.Headers = append(r.Headers, stream.Header{Key: stream.HeaderCMSTime, Value: "1772366400123"}, stream.Header{Key: stream.HeaderTraceparent, Value: parent})
	e.produce(r)
	e.settle()
	m := e.latest[e.cluster.Topic(stream.ProgrammeEnriched)]["p"]
	if at, trace := header(m, stream.HeaderCMSTime), header(m, stream.HeaderTraceparent); at != "1772366400123" || trace != parent {
		t.Errorf("cms-time %q, traceparent %q", at, trace)
	}
	if header(m, stream.HeaderSchema) != "regie.catalog.v1.ProgrammeEnrichedEvent" {
		t.Errorf("headers %v", m.Headers)
	}
	e.empty()
	told := len(e.all)
	servertest.Await(t, func() string {
		if e.caught("p"); len(e.all) == told {
			return "it is not told again"
		}
		return ""
	})
	if m := e.latest[e.cluster.Topic(stream.ProgrammeEnriched)]["p"]; header(m, stream.HeaderCMSTime) != "" {
		t.Error("what is read again has the time of an edit")
	}
}

// TestWhatIsOverIsNotReadAgain: videos whose windows have all closed are looked at once.
func TestWhatIsOverIsNotReadAgain(t *testing.T) {
	e := open(t)
	e.start("one")
	const videos = 500
	rs := []stream.Record{programmeEvent(newest("p", 3))}
	for n := range videos {
		v := numbered(n, "p")
		if n > 0 {
			v.Rights = []*catalogv1.Right{{Until: timestamppb.New(epoch.Add(-2 * time.Hour))}}
		}
		rs = append(rs, videoEvent(v))
	}
	e.produce(rs...)
	e.settle()
	var members int64
	it := e.redis.Scan(t.Context(), 0, e.prefix+":*:of/p", 1000).Iterator()
	for it.Next(t.Context()) {
		n, err := e.redis.ZCard(t.Context(), it.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		members += n
	}
	if err := it.Err(); err != nil || members != 3 {
		t.Errorf("%d members are left in the lists (%v)", members, err)
	}
	again := numbered(9, "p")
	e.produce(videoEvent(again)) // the editors give it back
	e.settle()
	if got := fmt.Sprint(e.ids("p", 0, web)); got != "[v9 v0]" {
		t.Errorf("told %s", got)
	}
}

// TestATransactionThatFails is tried again by another producer, and the role goes on, be it fatal to the first.
func TestATransactionThatFails(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	e := openOn(t, strings.Join(k.ListenAddrs(), ","))
	e.start("one")
	for i, fault := range []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidProducerEpoch},
		{Keys: []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.Produce}, Topic: e.cluster.Topic(stream.ProgrammeEnriched), Err: kerr.InvalidProducerEpoch},
		{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration},
	} {
		h := k.Fault(fault)
		p := fmt.Sprint("p", i)
		e.produce(programmeEvent(newest(p, 1)), videoEvent(numbered(i, p)))
		e.settle()
		if got := fmt.Sprint(e.ids(p, 0, web)); got != fmt.Sprintf("[v%d]", i) || h.Hits() == 0 {
			t.Errorf("%v: told %s, failed %d times", fault.Err, got, h.Hits())
		}
	}
}
