package catalogapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// maxLookups bounds a BatchGet.
const maxLookups = 500

// BatchGet reads blobs in one round trip; slugs take one more before it, and videos' slugs two.
func (s *Service) BatchGet(ctx context.Context, req *catalogv1.BatchGetRequest) (*catalogv1.BatchGetResponse, error) {
	screen, err := parseScreen(req.GetScreen())
	if err != nil {
		return nil, err
	}
	if n := len(req.GetLookups()); n > maxLookups {
		return nil, invalid("%d lookups are too many: at most %d", n, maxLookups)
	}
	refs := make([]catalog.Ref, len(req.GetLookups()))
	var entries, videos []slugged
	for i, l := range req.GetLookups() {
		switch by := l.GetBy().(type) {
		case *catalogv1.Lookup_Id:
			refs[i], err = parseID(by.Id)
		case *catalogv1.Lookup_Slug:
			var l slugged
			if l, err = parseSlug(i, by.Slug); l.video != "" {
				videos = append(videos, l)
			} else {
				entries = append(entries, l)
			}
		default:
			err = errors.New("it has neither an id nor a slug")
		}
		if err != nil {
			return nil, invalid("lookups[%d]: %v", i, err)
		}
	}
	if err := s.resolve(ctx, entries, videos, refs); err != nil {
		return nil, err
	}
	wanted := make([]catalog.Ref, 0, len(refs))
	for _, r := range refs {
		if r.ID != "" {
			wanted = append(wanted, r)
		}
	}
	found, err := s.entities(ctx, screen, wanted)
	if err != nil {
		return nil, err
	}
	res := &catalogv1.BatchGetResponse{Results: make([]*catalogv1.Result, len(refs))}
	for i, r := range refs {
		if res.Results[i] = found[r]; res.Results[i] == nil {
			res.Results[i] = &catalogv1.Result{}
		}
	}
	return res, nil
}

// slugged is a lookup by slug.
type slugged struct {
	lookup int
	kind   string // of what address leads to
	// address is the entity's; of a video its programme's.
	address catalog.Address
	video   string // its slug; else ""
}

func parseSlug(i int, s *catalogv1.Slug) (slugged, error) {
	kind, slug := s.GetKind(), s.GetSlug()
	if err := checkKind(kind); err != nil {
		return slugged{}, err
	}
	if err := checkSlug(slug); err != nil {
		return slugged{}, err
	}
	if kind != "video" {
		if s.GetProgramme() != "" {
			return slugged{}, fmt.Errorf("a %s's slug has no programme", kind)
		}
		return slugged{lookup: i, kind: kind, address: catalog.SlugOf(kind, slug)}, nil
	}
	if err := checkSlug(s.GetProgramme()); err != nil {
		return slugged{}, fmt.Errorf("the video's programme: %w", err)
	}
	return slugged{lookup: i, kind: "programme", address: catalog.SlugOf("programme", s.GetProgramme()), video: slug}, nil
}

// resolve completes refs by slug. Those that lead nowhere stay empty.
func (s *Service) resolve(ctx context.Context, entries, videos []slugged, refs []catalog.Ref) error {
	owners, err := s.owners(ctx, slices.Concat(entries, videos))
	if err != nil {
		return err
	}
	var inside []slugged
	for _, e := range entries {
		refs[e.lookup] = catalog.Ref{Kind: e.kind, ID: owners[e.address]}
	}
	for _, v := range videos {
		if programme := owners[v.address]; programme != "" {
			inside = append(inside, slugged{lookup: v.lookup, kind: "video", address: catalog.VideoSlug(programme, v.video)})
		}
	}
	if owners, err = s.owners(ctx, inside); err != nil {
		return err
	}
	for _, v := range inside {
		refs[v.lookup] = catalog.Ref{Kind: v.kind, ID: owners[v.address]}
	}
	return nil
}

// owners reads whose slugs are, each once, in one round trip; in none when there are none.
func (s *Service) owners(ctx context.Context, slugs []slugged) (map[catalog.Address]string, error) {
	out := make(map[catalog.Address]string, len(slugs))
	var once []catalog.Address
	for _, l := range slugs {
		if _, seen := out[l.address]; !seen {
			out[l.address] = ""
			once = append(once, l.address)
		}
	}
	if len(once) == 0 {
		return out, nil
	}
	ids, err := read(ctx, s, func(ctx context.Context) ([]string, error) { return s.catalog.Owners(ctx, once) })
	if err != nil {
		return nil, err
	}
	for i, a := range once {
		out[a] = ids[i]
	}
	return out, nil
}
