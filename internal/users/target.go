package users

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	projectionv1 "regie/proto/projection/v1"
	userv1 "regie/proto/user/v1"
)

// maxID bounds global ids, in bytes: an id is part of a row's key.
const maxID = 500

const (
	conflict     = userv1.ProblemCode_PROBLEM_CODE_CONFLICT
	notFound     = userv1.ProblemCode_PROBLEM_CODE_NOT_FOUND
	outOfRange   = userv1.ProblemCode_PROBLEM_CODE_OUT_OF_RANGE
	limitReached = userv1.ProblemCode_PROBLEM_CODE_LIMIT_REACHED
	tooOld       = userv1.ProblemCode_PROBLEM_CODE_TOO_OLD
)

func problem(item int, field string, code userv1.ProblemCode, format string, args ...any) *userv1.Problem {
	return &userv1.Problem{Code: code, Message: fmt.Sprintf(format, args...), Item: int32(item), Field: field}
}

// parseID parts a global id, which must be of one of the kinds.
func parseID(id string, kinds ...string) (catalog.Ref, bool) {
	kind, rest, _ := strings.Cut(id, ":")
	return catalog.Ref{Kind: kind, ID: rest}, rest != "" && len(id) <= maxID && slices.Contains(kinds, kind)
}

// local is the CMS's id in a global one.
func local(id string) string {
	_, rest, _ := strings.Cut(id, ":")
	return rest
}

// videos reads those videos that the catalogue has, by their global ids, in one round trip.
func (s *Service) videos(ctx context.Context, ids []string) (map[string]*projectionv1.Video, error) {
	out := map[string]*projectionv1.Video{}
	var refs []catalog.Ref
	for _, id := range ids {
		ref, ok := parseID(id, "video")
		if _, seen := out[id]; ok && !seen {
			out[id] = nil
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.allowed.catalogue)
	defer cancel()
	blobs, err := s.Catalog.Blobs(ctx, catalog.Web, refs)
	if err != nil {
		return nil, err
	}
	for i, b := range blobs {
		if b == nil {
			continue
		}
		id, v := catalog.GlobalID("video", refs[i].ID), &projectionv1.Video{}
		if err := proto.Unmarshal(b, v); err != nil {
			s.Log.Error("a blob cannot be read", "id", id, "error", err)
			continue
		}
		out[id] = v
	}
	return out, nil
}
