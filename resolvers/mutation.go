package resolvers

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	"regie/graph"
	"regie/graph/model"
	"regie/loaders"
	userv1 "regie/proto/user/v1"
)

// Kinds of what is written: the user API has an order within each.
const (
	wroteFavourite = "favourite"
	wroteProgress  = "progress"
)

// maxBatch is how much one mutation may bring.
const maxBatch = 500

// call is a method of the user API.
type call[Q, A any] func(userv1.UserServiceClient, context.Context, Q, ...grpc.CallOption) (A, error)

// write calls the user API on the caller's behalf, within what the operation has left of its time. What the request reads
// later sees what was written.
func write[Q any, A interface{ GetReceipt() *userv1.Receipt }](ctx context.Context, r *Resolver, kind string, call call[Q, A], req Q) (A, error) {
	var none A
	viewer := loaders.From(ctx).Viewer()
	asking, err := viewer.Asking(ctx)
	if err != nil {
		return none, err
	}
	a, err := call(r.Users, asking, req)
	if err != nil {
		return none, err
	}
	viewer.Wrote(kind, a.GetReceipt())
	return a, nil
}

var problemCodes = map[userv1.ProblemCode]model.ProblemCode{
	userv1.ProblemCode_PROBLEM_CODE_CONFLICT:      model.ProblemCodeConflict,
	userv1.ProblemCode_PROBLEM_CODE_NOT_FOUND:     model.ProblemCodeNotFound,
	userv1.ProblemCode_PROBLEM_CODE_OUT_OF_RANGE:  model.ProblemCodeOutOfRange,
	userv1.ProblemCode_PROBLEM_CODE_LIMIT_REACHED: model.ProblemCodeLimitReached,
	userv1.ProblemCode_PROBLEM_CODE_TOO_OLD:       model.ProblemCodeTooOld,
}

// problems says what the user can mend, each with its place in the mutation's arguments: at gives an item's.
func problems(all []*userv1.Problem, at func(item int32, field string) []string) ([]*model.Problem, error) {
	out := make([]*model.Problem, len(all))
	for i, p := range all {
		code, ok := problemCodes[p.GetCode()]
		if !ok {
			return nil, fmt.Errorf("the user API has a problem of code %s, which the schema has not: %s", p.GetCode(), p.GetMessage())
		}
		out[i] = &model.Problem{Code: code, Message: p.GetMessage(), Path: at(p.GetItem(), argument(p.GetField()))}
	}
	return out, nil
}

// argument is a field's name as the schema has it: videoId of video_id.
func argument(field string) string {
	first, rest, _ := strings.Cut(field, "_")
	for part := range strings.SplitSeq(rest, "_") {
		if part != "" {
			first += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return first
}

// inInput is the place of a problem in an argument that is one input.
func inInput(_ int32, field string) []string { return within("input", field) }

// inInputs is that in a list of inputs.
func inInputs(item int32, field string) []string {
	return within("inputs", strconv.Itoa(int(item)), field)
}

// within is a path without a last part that is empty.
func within(parts ...string) []string {
	if parts[len(parts)-1] == "" {
		return parts[:len(parts)-1]
	}
	return parts
}

func (r *Resolver) setFavourite(ctx context.Context, input model.FavouriteInput, remove bool) (*model.FavouritePayload, error) {
	req := &userv1.SetFavouriteRequest{TargetId: input.TargetID, Remove: remove}
	if input.IdempotencyKey != nil {
		req.IdempotencyKey = *input.IdempotencyKey
	}
	got, err := write(ctx, r, wroteFavourite, userv1.UserServiceClient.SetFavourite, req)
	if err != nil {
		return nil, err
	}
	p, err := problems(got.GetProblems(), inInput)
	if err != nil {
		return nil, err
	}
	return &model.FavouritePayload{Problems: p, Receipt: got.GetReceipt(), Favourite: got.GetFavourite(), Viewer: r.viewer(ctx)}, nil
}

func (r *Resolver) report(ctx context.Context, inputs []*model.ReportProgressInput, at func(int32, string) []string) (*userv1.ReportProgressResponse, []*model.Problem, error) {
	if len(inputs) > maxBatch {
		return nil, nil, graph.BadInput("inputs: at most %d are taken at once, not %d.", maxBatch, len(inputs))
	}
	req := &userv1.ReportProgressRequest{}
	for _, in := range inputs {
		one := &userv1.Report{VideoId: in.VideoID, Position: in.Position, OccurredAt: in.OccurredAt, SessionId: in.SessionID}
		if in.Duration != nil {
			one.Duration = *in.Duration
		}
		req.Reports = append(req.Reports, one)
	}
	got, err := write(ctx, r, wroteProgress, userv1.UserServiceClient.ReportProgress, req)
	if err != nil {
		return nil, nil, err
	}
	p, err := problems(got.GetProblems(), at)
	return got, p, err
}

func (r *Resolver) reportProgress(ctx context.Context, input model.ReportProgressInput) (*model.ReportProgressPayload, error) {
	got, p, err := r.report(ctx, []*model.ReportProgressInput{&input}, inInput)
	if err != nil {
		return nil, err
	}
	out := &model.ReportProgressPayload{Problems: p, Receipt: got.GetReceipt()}
	if len(got.GetProgress()) > 0 {
		out.Progress = got.GetProgress()[0]
	}
	return out, nil
}

func (r *Resolver) reportProgressBatch(ctx context.Context, inputs []*model.ReportProgressInput) (*model.ReportProgressBatchPayload, error) {
	got, p, err := r.report(ctx, inputs, inInputs)
	if err != nil {
		return nil, err
	}
	out := &model.ReportProgressBatchPayload{Problems: p, Receipt: got.GetReceipt(), Progress: got.GetProgress()}
	if out.Progress == nil {
		out.Progress = []*userv1.ProgressState{}
	}
	return out, nil
}

func (r *Resolver) removeFromHistory(ctx context.Context, ids []string) (*model.HistoryPayload, error) {
	if len(ids) > maxBatch {
		return nil, graph.BadInput("videoIds: at most %d are taken at once, not %d.", maxBatch, len(ids))
	}
	return r.changeHistory(ctx, &userv1.RemoveFromHistoryRequest{VideoIds: ids})
}

func (r *Resolver) clearHistory(ctx context.Context) (*model.HistoryPayload, error) {
	return r.changeHistory(ctx, &userv1.RemoveFromHistoryRequest{All: true})
}

func (r *Resolver) changeHistory(ctx context.Context, req *userv1.RemoveFromHistoryRequest) (*model.HistoryPayload, error) {
	got, err := write(ctx, r, wroteProgress, userv1.UserServiceClient.RemoveFromHistory, req)
	if err != nil {
		return nil, err
	}
	p, err := problems(got.GetProblems(), func(item int32, _ string) []string { return []string{"videoIds", strconv.Itoa(int(item))} })
	if err != nil {
		return nil, err
	}
	return &model.HistoryPayload{Problems: p, Receipt: got.GetReceipt(), Viewer: r.viewer(ctx)}, nil
}
