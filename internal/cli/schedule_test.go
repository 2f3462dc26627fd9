package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	schedulev1 "regie/proto/schedule/v1"
)

var someday = time.Date(2031, 1, 1, 12, 0, 0, 0, time.UTC)

// answering is a service of which only what a test asks is there.
type answering struct {
	schedulev1.ScheduleServiceClient
	list func(*schedulev1.ListRequest) (*schedulev1.ListResponse, error)
	get  *schedulev1.GetResponse
	add  *schedulev1.AddRequest
	err  error
}

func (a *answering) List(_ context.Context, r *schedulev1.ListRequest, _ ...grpc.CallOption) (*schedulev1.ListResponse, error) {
	return a.list(r)
}

func (a *answering) Get(context.Context, *schedulev1.GetRequest, ...grpc.CallOption) (*schedulev1.GetResponse, error) {
	return a.get, a.err
}

func (a *answering) Add(_ context.Context, r *schedulev1.AddRequest, _ ...grpc.CallOption) (*schedulev1.AddResponse, error) {
	a.add = r
	return &schedulev1.AddResponse{Written: &schedulev1.Written{Applied: true}}, a.err
}

func (a *answering) Cancel(context.Context, *schedulev1.CancelRequest, ...grpc.CallOption) (*schedulev1.CancelResponse, error) {
	return &schedulev1.CancelResponse{Written: &schedulev1.Written{}}, a.err
}

func schedules(a *answering) (s Schedules, out, errs *bytes.Buffer) {
	out, errs = new(bytes.Buffer), new(bytes.Buffer)
	return Schedules{IO: IO{In: strings.NewReader("from stdin"), Out: out, Err: errs}, Service: a, Address: "here:1", Now: func() time.Time { return someday }}, out, errs
}

func pendingAt(id string, d time.Duration, key []byte) *schedulev1.Schedule {
	return &schedulev1.Schedule{Id: id, DueAt: timestamppb.New(someday.Add(d)), TargetTopic: "videos", TargetKey: key, Size: 7}
}

func TestSchedulesAreListed(t *testing.T) {
	a := &answering{list: func(r *schedulev1.ListRequest) (*schedulev1.ListResponse, error) {
		if r.GetTargetTopic() != "videos" || r.GetIdPrefix() != "a" || !r.GetFrom().AsTime().Equal(someday.Add(time.Hour)) || r.Until != nil {
			return nil, fmt.Errorf("asked %v", r)
		}
		if r.GetPageToken() == "" {
			return &schedulev1.ListResponse{Schedules: []*schedulev1.Schedule{pendingAt("a1", -time.Second, nil)}, NextPageToken: "2"}, nil
		}
		bad := pendingAt("a\n3", 0, []byte{})
		bad.Problem = "scheduler-epoch is missing"
		return &schedulev1.ListResponse{Schedules: []*schedulev1.Schedule{pendingAt("a2", 100*time.Hour, []byte("k")), bad}, NextPageToken: "3"}, nil
	}}
	s, out, errs := schedules(a)
	if err := s.List(t.Context(), ScheduleFilter{Topic: "videos", Prefix: "a", From: "+1h", Limit: 3}, false); err != nil {
		t.Fatal(err)
	}
	want := `DUE                   IN   ID      TOPIC   KEY  BYTES
2031-01-01T11:59:59Z  now  a1      videos  -    7
2031-01-05T16:00:00Z  4d   a2      videos  k    7
never                      "a\n3"  videos  ""   7  scheduler-epoch is missing
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff, out)
	}
	if !strings.Contains(errs.String(), "--limit 0") {
		t.Error(errs)
	}
	s, out, _ = schedules(a)
	if err := s.List(t.Context(), ScheduleFilter{Topic: "videos", Prefix: "a", From: "2031-01-01T13:00:00Z", Limit: 1}, true); err != nil || strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"due_at":`) {
		t.Error(out, err)
	}
}

func TestAScheduleIsShown(t *testing.T) {
	s, out, _ := schedules(&answering{get: &schedulev1.GetResponse{
		Pending: []*schedulev1.Schedule{pendingAt("a", time.Hour, []byte("k"))}, Value: []byte("bytes \x00"),
		Headers:      []*schedulev1.Header{{Key: "h", Value: []byte("v")}},
		History:      []*schedulev1.Fired{{FiredAt: timestamppb.New(someday.Add(3 * time.Millisecond)), DueAt: timestamppb.New(someday), TargetTopic: "videos", Size: 3}},
		LookedBackTo: timestamppb.New(someday.Add(-time.Hour)),
	}})
	if err := s.Show(t.Context(), "a", false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"(1h0m0s)", "h=v", `"bytes \x00"`, "3ms after it was due", "before 2031-01-01T11:00:00Z"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestASchedulesChangeIsTold(t *testing.T) {
	a := &answering{}
	s, out, _ := schedules(a)
	stdin, key := "-", "k"
	if err := s.Add(t.Context(), "a", Scheduled{Topic: "videos", At: "+90s", Key: &key, Value: &stdin, Headers: []string{"h=a=b"}}); err != nil {
		t.Fatal(err)
	}
	if string(a.add.GetValue()) != "from stdin" || string(a.add.GetHeaders()[0].GetValue()) != "a=b" || !a.add.GetDueAt().AsTime().Equal(someday.Add(90*time.Second)) {
		t.Error(a.add)
	}
	if out.String() != "a is due 2031-01-01T12:01:30Z\n" {
		t.Error(out)
	}
	out.Reset()
	if err := s.Cancel(t.Context(), "a"); err != nil || out.String() != "a is cancelled, once the role schedule has read it: Kafka has it\n" {
		t.Error(out, err)
	}
	for code, want := range map[codes.Code]string{codes.Unavailable: "here:1", codes.Unimplemented: "--grpc", codes.NotFound: "nothing"} {
		a.err = status.Error(code, "nothing")
		if err := s.Cancel(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", code, err)
		}
	}
	a.err = nil
	for _, at := range []string{"", "tomorrow", "+", "+x", "2031-01-01"} {
		if err := s.Add(t.Context(), "a", Scheduled{Topic: "videos", At: at}); err == nil {
			t.Errorf("%q was taken for a time", at)
		}
	}
}
