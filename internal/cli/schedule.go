package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	schedulev1 "regie/proto/schedule/v1"
)

// Schedules are the commands on what is pending.
type Schedules struct {
	IO
	Service schedulev1.ScheduleServiceClient
	// Address is where the service is asked, for errors.
	Address string
	Now     func() time.Time
}

// ScheduleFilter says what List prints. Limit 0 is all.
type ScheduleFilter struct {
	Topic, Prefix, From, Until string
	Limit                      int
}

// Scheduled is what Add asks for. Without a Value it is a tombstone.
type Scheduled struct {
	Topic, At  string
	Key, Value *string
	Headers    []string // NAME=VALUE
}

// asking is how long one call may take.
const asking = 10 * time.Second

// List prints what is pending, as a table or as JSON lines.
func (s Schedules) List(ctx context.Context, f ScheduleFilter, asJSON bool) error {
	req := &schedulev1.ListRequest{TargetTopic: f.Topic, IdPrefix: f.Prefix}
	var err error
	for text, to := range map[string]**timestamppb.Timestamp{f.From: &req.From, f.Until: &req.Until} {
		if text == "" {
			continue
		}
		if *to, err = s.time(text); err != nil {
			return err
		}
	}
	if f.From == f.Until && f.From != "" {
		return errors.New("--until is not after --from")
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	printed, first := 0, true
	for first || req.GetPageToken() != "" {
		req.PageSize = 500
		if f.Limit > 0 {
			req.PageSize = int32(min(500, f.Limit-printed))
		}
		asked, cancel := context.WithTimeout(ctx, asking)
		res, err := s.Service.List(asked, req)
		cancel()
		if err != nil {
			return s.failed(err)
		}
		if first && !asJSON {
			_, _ = fmt.Fprintln(table, "DUE\tIN\tID\tTOPIC\tKEY\tBYTES")
		}
		for _, e := range res.GetSchedules() {
			if asJSON {
				if err := s.json(e); err != nil {
					return err
				}
				continue
			}
			_, _ = fmt.Fprintln(table, s.row(e))
		}
		printed, first = printed+len(res.GetSchedules()), false
		req.PageToken = res.GetNextPageToken()
		if f.Limit > 0 && printed >= f.Limit {
			break
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if req.GetPageToken() != "" {
		_, _ = fmt.Fprintf(s.Err, "There is more: --limit 0 lists all.\n")
	}
	return nil
}

func (s Schedules) row(e *schedulev1.Schedule) string {
	if p := e.GetProblem(); p != "" {
		return fmt.Sprintf("never\t\t%s\t%s\t%s\t%d\t%s", text(e.GetId()), text(e.GetTargetTopic()), key(e.TargetKey), e.GetSize(), p)
	}
	due := e.GetDueAt().AsTime()
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d", due.Format(time.RFC3339), in(due.Sub(s.Now())), text(e.GetId()), text(e.GetTargetTopic()), key(e.TargetKey), e.GetSize())
}

// Show prints one with its past.
func (s Schedules) Show(ctx context.Context, id string, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	res, err := s.Service.Get(ctx, &schedulev1.GetRequest{Id: id})
	if err != nil {
		return s.failed(err)
	}
	if asJSON {
		return s.json(res)
	}
	out := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	line := func(name string, value any) { _, _ = fmt.Fprintf(out, "%s\t%v\n", name, value) }
	for _, e := range res.GetPending() {
		due := e.GetDueAt().AsTime()
		line("due", due.Format(time.RFC3339)+" ("+in(due.Sub(s.Now()))+")")
		if e.GetProblem() != "" {
			line("problem", e.GetProblem())
		}
		line("topic", text(e.GetTargetTopic()))
		line("key", key(e.TargetKey))
		line("bytes", e.GetSize())
		line("requested", e.GetRequestedAt().AsTime().Format(time.RFC3339))
		line("request", fmt.Sprintf("partition %d, offset %d", e.GetPartition(), e.GetOffset()))
	}
	for _, h := range res.GetHeaders() {
		line("header", text(h.GetKey())+"="+text(string(h.GetValue())))
	}
	switch {
	case len(res.GetPending()) == 0:
		line("pending", "no")
	case res.Value == nil:
		line("value", "none: a tombstone")
	default:
		line("value", text(string(res.GetValue())))
	}
	for _, f := range res.GetHistory() {
		late := f.GetFiredAt().AsTime().Sub(f.GetDueAt().AsTime()).Round(time.Millisecond)
		line("fired", fmt.Sprintf("%s to %s, key %s, %d bytes, %s after it was due",
			f.GetFiredAt().AsTime().Format(time.RFC3339Nano), text(f.GetTargetTopic()), key(f.TargetKey), f.GetSize(), late))
	}
	if res.LookedBackTo != nil {
		line("history", "before "+res.GetLookedBackTo().AsTime().Format(time.RFC3339)+" was not looked at")
	}
	return out.Flush()
}

// Add requests one.
func (s Schedules) Add(ctx context.Context, id string, r Scheduled) error {
	req := &schedulev1.AddRequest{Id: id, TargetTopic: r.Topic}
	var err error
	if req.DueAt, err = s.time(r.At); err != nil {
		return err
	}
	if r.Key != nil {
		req.TargetKey = []byte(*r.Key)
	}
	if r.Value != nil {
		req.Value = []byte(*r.Value)
		if *r.Value == "-" {
			if req.Value, err = io.ReadAll(s.In); err != nil {
				return fmt.Errorf("reading the value: %w", err)
			}
		}
	}
	for _, h := range r.Headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok {
			return fmt.Errorf("--header %q is no NAME=VALUE", h)
		}
		req.Headers = append(req.Headers, &schedulev1.Header{Key: name, Value: []byte(value)})
	}
	return s.change(ctx, id, "is due "+req.GetDueAt().AsTime().Format(time.RFC3339), func(ctx context.Context) (written, error) {
		return s.Service.Add(ctx, req)
	})
}

// Move gives one another time.
func (s Schedules) Move(ctx context.Context, id, at string) error {
	due, err := s.time(at)
	if err != nil {
		return err
	}
	return s.change(ctx, id, "is due "+due.AsTime().Format(time.RFC3339), func(ctx context.Context) (written, error) {
		return s.Service.Move(ctx, &schedulev1.MoveRequest{Id: id, DueAt: due})
	})
}

// Fire has one produced now.
func (s Schedules) Fire(ctx context.Context, id string) error {
	return s.change(ctx, id, "is due now", func(ctx context.Context) (written, error) {
		return s.Service.FireNow(ctx, &schedulev1.FireNowRequest{Id: id})
	})
}

// Cancel takes one back.
func (s Schedules) Cancel(ctx context.Context, id string) error {
	return s.change(ctx, id, "is cancelled", func(ctx context.Context) (written, error) {
		return s.Service.Cancel(ctx, &schedulev1.CancelRequest{Id: id})
	})
}

type written interface{ GetWritten() *schedulev1.Written }

func (s Schedules) change(ctx context.Context, id, outcome string, ask func(context.Context) (written, error)) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	res, err := ask(ctx)
	if err != nil {
		return s.failed(err)
	}
	if !res.GetWritten().GetApplied() {
		outcome += ", once the role schedule has read it: Kafka has it"
	}
	_, err = fmt.Fprintf(s.Out, "%s %s\n", text(id), outcome)
	return err
}

// time reads a time, or one from now on.
func (s Schedules) time(t string) (*timestamppb.Timestamp, error) {
	if d, ok := strings.CutPrefix(t, "+"); ok {
		d, err := time.ParseDuration(d)
		if err != nil {
			return nil, fmt.Errorf("%q is no time from now, such as +1h30m", t)
		}
		return timestamppb.New(s.Now().Add(d)), nil
	}
	at, err := time.Parse(time.RFC3339, t)
	if err != nil {
		return nil, fmt.Errorf("%q is no time such as 2026-11-22T20:00:00Z or +1h30m", t)
	}
	return timestamppb.New(at), nil
}

func (s Schedules) json(m proto.Message) error {
	b, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err = fmt.Fprintf(s.Out, "%s\n", b)
	return err
}

// failed says what a call's error means for who made it.
func (s Schedules) failed(err error) error {
	st := status.Convert(err)
	switch st.Code() {
	case codes.Unavailable:
		return fmt.Errorf("asking %s: %s (is a process with the role schedule there? --grpc names it)", s.Address, st.Message())
	case codes.Unimplemented:
		return fmt.Errorf("%s has not the role schedule: name one that has with --grpc", s.Address)
	}
	return errors.New(st.Message())
}

// text is what can be printed in one line.
func text(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

func key(k []byte) string {
	if k == nil {
		return "-"
	}
	return cmp.Or(text(string(k)), `""`)
}

// in is how far away something is, in words that are short.
func in(d time.Duration) string {
	switch {
	case d < 0:
		return "now"
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.Round(time.Second).String()
}
