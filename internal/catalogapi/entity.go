package catalogapi

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// entities reads entities in one round trip, each once; nil where there is none.
func (s *Service) entities(ctx context.Context, screen catalog.Screen, refs []catalog.Ref) (map[catalog.Ref]*catalogv1.Result, error) {
	out := make(map[catalog.Ref]*catalogv1.Result, len(refs))
	once := make([]catalog.Ref, 0, len(refs))
	for _, r := range refs {
		if _, seen := out[r]; !seen {
			out[r] = nil
			once = append(once, r)
		}
	}
	if len(once) == 0 {
		return out, nil
	}
	blobs, err := read(ctx, s, func(ctx context.Context) ([][]byte, error) { return s.catalog.Blobs(ctx, screen, once) })
	if err != nil {
		return nil, err
	}
	for i, r := range once {
		if blobs[i] == nil {
			continue
		}
		e, err := entity(r, blobs[i])
		if err != nil {
			s.log.Error("a blob cannot be read", "id", catalog.GlobalID(r.Kind, r.ID), "screen", string(screen), "error", err)
			out[r] = &catalogv1.Result{Result: &catalogv1.Result_Error{Error: catalog.GlobalID(r.Kind, r.ID) + " cannot be read"}}
			continue
		}
		out[r] = &catalogv1.Result{Result: &catalogv1.Result_Entity{Entity: e}}
	}
	return out, nil
}

// entity passes the blob on as it is. It is parsed all the same: one that is damaged is found here rather than by each
// client, and the revision is in it.
func entity(r catalog.Ref, b []byte) (*catalogv1.Entity, error) {
	m := catalog.NewBlob(r.Kind)
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("parsing a blob of %d bytes: %w", len(b), err)
	}
	id := catalog.GlobalID(r.Kind, r.ID)
	is, revision := "", ""
	switch m := m.(type) {
	case catalog.Blob:
		is, revision = m.GetId(), m.GetRevision()
	case *projectionv1.ProgrammeSections:
		_, of, _ := strings.Cut(m.GetProgrammeId(), ":")
		is, revision = catalog.GlobalID(catalog.Sections, of), m.GetRevision()
	}
	if is != id || revision == "" {
		return nil, fmt.Errorf("the blob of %d bytes is that of %q in revision %q", len(b), is, revision)
	}
	return &catalogv1.Entity{
		Id: id, Revision: revision,
		Blob: &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: b},
	}, nil
}
