package schedule_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/schedule"
	"regie/internal/servertest"
	"regie/internal/stream"
	schedulev1 "regie/proto/schedule/v1"
)

// service is that of another process than the role's.
func (e *env) service(operator error) *schedule.Service {
	e.t.Helper()
	cluster := stream.New(stream.Config{Brokers: e.brokers, Project: e.project, Instance: "other", Log: servertest.Log(e.t)})
	e.t.Cleanup(cluster.Close)
	p, err := cluster.NewProducerWithin(schedule.WriteTime)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(p.Close)
	return schedule.NewService(schedule.Config{
		Index: e.index, Cluster: cluster, Producer: p, Operator: func(context.Context) error { return operator }, Now: e.now, Log: servertest.Log(e.t),
	})
}

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

// TestOperatorsChangeSchedules by records of the topic, in the partition where the request is.
func TestOperatorsChangeSchedules(t *testing.T) {
	e := open(t)
	e.start(nil)
	s := e.service(nil)
	ctx := t.Context()
	applied := func(w interface {
		GetWritten() *schedulev1.Written
	}, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(w, err)
		}
		// It is told whether it counts yet, after a second at the latest.
		servertest.Eventually(t, "applied", func() bool {
			stored, err := e.index.Look(ctx, []int32{w.GetWritten().GetPartition()})
			return err == nil && stored[0].Position != nil && stored[0].Position.Offset > w.GetWritten().GetOffset()
		})
	}
	foreign := e.request("foreign", time.Hour, "foreign")
	foreign.Partition = 11
	foreign.Headers = append(foreign.Headers, stream.Header{Key: "own", Value: "1"})
	large := e.request("large", time.Hour, strings.Repeat("l", 100_000))
	e.produce(foreign, large, e.request("b", time.Hour, "b"))
	servertest.Eventually(e.t, "pending", func() bool { return len(e.pending()) == 3 })

	got, err := s.Get(ctx, &schedulev1.GetRequest{Id: "foreign"})
	if err != nil || string(got.GetValue()) != "foreign" || got.GetPending()[0].GetPartition() != 11 || len(got.GetHistory()) != 0 {
		t.Error(got, err)
	}
	if got, err = s.Get(ctx, &schedulev1.GetRequest{Id: "large"}); err != nil || len(got.GetValue()) != 64<<10 || got.GetPending()[0].GetSize() != 100_000 || len(got.GetHeaders()) != 3 {
		t.Error(len(got.GetValue()), got.GetPending(), err)
	}

	applied(s.Move(ctx, &schedulev1.MoveRequest{Id: "foreign", DueAt: stamp(e.now().Add(30 * time.Minute))}))
	applied(s.Move(ctx, &schedulev1.MoveRequest{Id: "large", DueAt: stamp(e.now().Add(20 * time.Minute))}))
	if diff := cmp.Diff([]string{"large", "foreign", "b"}, e.pending()); diff != "" {
		t.Error(diff)
	}
	applied(s.Cancel(ctx, &schedulev1.CancelRequest{Id: "b"}))
	applied(s.Add(ctx, &schedulev1.AddRequest{Id: "c", DueAt: stamp(e.now().Add(time.Hour)), TargetTopic: e.target, TargetKey: []byte("k"), Value: []byte("c"),
		Headers: []*schedulev1.Header{{Key: "h", Value: []byte("v")}}}))
	applied(s.FireNow(ctx, &schedulev1.FireNowRequest{Id: "foreign"}))
	applied(s.FireNow(ctx, &schedulev1.FireNowRequest{Id: "c"}))
	e.awaitFired("c", "foreign")
	e.awaitPending("large")
	for _, r := range e.read("/" + e.target) {
		if string(r.Value) == "foreign" && (r.Headers.Get("own") != "1" || string(r.Key) != "foreign") || string(r.Value) == "c" && r.Headers.Get("h") != "v" {
			t.Errorf("%q %v", r.Key, r.Headers)
		}
	}
	for _, r := range e.read(stream.ScheduleRequest) {
		if string(r.Key) == "foreign" && r.Partition != 11 {
			t.Errorf("partition %d has a record of it", r.Partition)
		}
	}
	for range 2 { // again, and its history is of both
		applied(s.Add(ctx, &schedulev1.AddRequest{Id: "c", DueAt: stamp(e.now()), TargetTopic: e.target}))
		e.awaitPending("large")
	}
	servertest.Await(t, func() string { // a transaction's records can be read a moment after its commit was answered
		if got, err = s.Get(ctx, &schedulev1.GetRequest{Id: "c"}); err != nil || len(got.GetPending()) != 0 || len(got.GetHistory()) != 3 {
			return fmt.Sprint(got, err)
		}
		return ""
	})
	if f := got.GetHistory()[2]; f.GetTargetTopic() != e.target || string(f.GetTargetKey()) != "k" || f.GetSize() != 1 || f.GetFiredAt().AsTime().Before(f.GetDueAt().AsTime()) {
		t.Error(f)
	}
	// A replacement goes where the one before is.
	applied(s.Cancel(ctx, &schedulev1.CancelRequest{Id: "large"}))
	foreign.Headers[0].Value = fmt.Sprint(e.now().Add(time.Hour).Unix())
	e.produce(foreign)
	e.awaitPending("foreign")
	servertest.Eventually(t, "it is told that it counts", func() bool {
		w, err := s.Add(ctx, &schedulev1.AddRequest{Id: "foreign", DueAt: stamp(e.now().Add(2 * time.Hour)), TargetTopic: e.target})
		return err == nil && w.GetWritten().GetApplied()
	})
	e.awaitPending("foreign")
}

func TestWhatOperatorsMayNot(t *testing.T) {
	e := open(t)
	s := e.service(nil)
	ctx, at := t.Context(), stamp(time.Now())
	add := func(id, topic string, at *timestamppb.Timestamp, headers ...*schedulev1.Header) error {
		_, err := s.Add(ctx, &schedulev1.AddRequest{Id: id, TargetTopic: topic, DueAt: at, Headers: headers})
		return err
	}
	list := func(r *schedulev1.ListRequest) error { _, err := s.List(ctx, r); return err }
	for name, c := range map[string]struct {
		err  error
		code codes.Code
		text string
	}{
		"no id":            {add("", e.target, at), codes.InvalidArgument, "id has 0 bytes"},
		"a long id":        {add(strings.Repeat("x", 1001), e.target, at), codes.InvalidArgument, "1001 bytes"},
		"no time":          {add("a", e.target, nil), codes.InvalidArgument, "due_at is missing"},
		"before 1970":      {add("a", e.target, &timestamppb.Timestamp{Seconds: -1}), codes.InvalidArgument, "between 1970 and 9999"},
		"too late":         {add("a", e.target, &timestamppb.Timestamp{Seconds: schedule.LastEpoch, Nanos: 1}), codes.InvalidArgument, "between 1970 and 9999"},
		"no topic":         {add("a", "", at), codes.InvalidArgument, "missing"},
		"another's topic":  {add("a", e.Topic(stream.UserFavourite), at), codes.InvalidArgument, "may not be written"},
		"an unknown topic": {add("a", "nowhere-"+e.project, at), codes.InvalidArgument, "does not exist"},
		"a header of ours": {add("a", e.target, at, &schedulev1.Header{Key: "scheduler-epoch"}), codes.InvalidArgument, "scheduler's own"},
		"a page too large": {list(&schedulev1.ListRequest{PageSize: 501}), codes.InvalidArgument, "at most 500"},
		"a token of none":  {list(&schedulev1.ListRequest{PageToken: "x"}), codes.InvalidArgument, "page_token"},
		"an empty time":    {list(&schedulev1.ListRequest{From: at, Until: at}), codes.InvalidArgument, "until"},
		"nothing there":    {func() error { _, err := s.Cancel(ctx, &schedulev1.CancelRequest{Id: "a"}); return err }(), codes.NotFound, `"a"`},
		"nothing to show":  {func() error { _, err := s.Get(ctx, &schedulev1.GetRequest{Id: "a"}); return err }(), codes.NotFound, `"a"`},
		"nothing to move":  {func() error { _, err := s.Move(ctx, &schedulev1.MoveRequest{Id: "a", DueAt: at}); return err }(), codes.NotFound, `"a"`},
	} {
		if status.Code(c.err) != c.code || !strings.Contains(fmt.Sprint(c.err), c.text) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if rs := e.read(stream.ScheduleRequest); len(rs) != 0 {
		t.Errorf("%d records were written", len(rs))
	}
	// Who is no operator sees nothing and changes nothing.
	s = e.service(status.Error(codes.PermissionDenied, "no"))
	for name, ask := range map[string]func() (proto.Message, error){
		"List": func() (proto.Message, error) { return s.List(ctx, &schedulev1.ListRequest{}) },
		"Get":  func() (proto.Message, error) { return s.Get(ctx, &schedulev1.GetRequest{Id: "a"}) },
		"Add": func() (proto.Message, error) {
			return s.Add(ctx, &schedulev1.AddRequest{Id: "a", TargetTopic: e.target, DueAt: at})
		},
		"Cancel":  func() (proto.Message, error) { return s.Cancel(ctx, &schedulev1.CancelRequest{Id: "a"}) },
		"Move":    func() (proto.Message, error) { return s.Move(ctx, &schedulev1.MoveRequest{Id: "a", DueAt: at}) },
		"FireNow": func() (proto.Message, error) { return s.FireNow(ctx, &schedulev1.FireNowRequest{Id: "a"}) },
	} {
		if _, err := ask(); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestListPages through many of the same instants, with none left out and none twice.
func TestListPages(t *testing.T) {
	e := open(t)
	e.start(nil)
	s := e.service(nil)
	other := e.topic("second", nil)
	base := e.now().Add(time.Hour).Truncate(time.Second)
	var rs []stream.Record
	want := map[string]int64{}
	for i := range 1500 {
		id, epoch, target := fmt.Sprintf("%c%d", 'a'+i%2, i), base.Add(time.Duration(i%3)*time.Second), e.target
		if i%5 == 0 {
			target = other
		}
		rs = append(rs, schedule.Request(id, epoch, target, stream.Record{Value: []byte("v")}))
		want[id] = epoch.Unix()
	}
	e.produce(rs...)
	servertest.Eventually(e.t, "all pending", func() bool {
		stored, err := e.index.Look(t.Context(), schedule.Partitions())
		n := int64(0)
		for _, s := range stored {
			n += s.Pending
		}
		return err == nil && n == int64(len(rs))
	})
	list := func(req *schedulev1.ListRequest) (ids []string) {
		t.Helper()
		last := int64(0)
		for {
			res, err := s.List(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range res.GetSchedules() {
				if e.GetDueAt().GetSeconds() != want[e.GetId()] || e.GetDueAt().GetSeconds() < last {
					t.Errorf("%v after %d", e, last)
				}
				last = e.GetDueAt().GetSeconds()
				ids = append(ids, e.GetId())
			}
			if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
				return ids
			}
		}
	}
	for name, c := range map[string]struct {
		req  *schedulev1.ListRequest
		want int
	}{
		"all, by small pages": {&schedulev1.ListRequest{PageSize: 29}, 1500},
		"all":                 {&schedulev1.ListRequest{PageSize: 500}, 1500},
		"a topic's":           {&schedulev1.ListRequest{TargetTopic: other, PageSize: 100}, 300},
		"a prefix's":          {&schedulev1.ListRequest{IdPrefix: "b", PageSize: 100}, 750},
		"from":                {&schedulev1.ListRequest{From: stamp(base.Add(time.Second))}, 1000},
		"until":               {&schedulev1.ListRequest{Until: stamp(base.Add(time.Second))}, 500},
		"between, of a topic": {&schedulev1.ListRequest{From: stamp(base.Add(time.Second)), Until: stamp(base.Add(2 * time.Second)), TargetTopic: e.target}, 400},
	} {
		ids := list(c.req)
		slices.Sort(ids)
		if n := len(slices.Compact(slices.Clone(ids))); n != c.want || len(ids) != n {
			t.Errorf("%s: %d, of which %d are different, instead of %d", name, len(ids), n, c.want)
		}
	}
}
