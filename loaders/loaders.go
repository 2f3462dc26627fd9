// Package loaders has one request's batched reads of the catalogue: what a level of a query asks for, field by field,
// leaves in one pipeline, and what was read once is not read again.
//
//	resolvers --Programme, Video, Node--> entities --\
//	          --Owner-------------------> owners  ----+--> internal/catalog --> Redis
//	          --Page--------------------> pages   ---/
//	              \-- primes entities with the whole page in one read
package loaders

import (
	"context"
	"fmt"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	projectionv1 "regie/proto/projection/v1"
)

const (
	// gather is how long a lone read waits for its neighbours. The level's fields are resolved at once, so it is short.
	gather = 200 * time.Microsecond
	// patience bounds a batch, whoever asked and went away meanwhile.
	patience = 2 * time.Second
)

// Loaders belong to one request.
type Loaders struct {
	catalog  *catalog.Catalog
	screen   catalog.Screen
	entities *dataloader.Loader[catalog.Ref, entity]
	owners   *dataloader.Loader[catalog.Family, string]
	pages    *dataloader.Loader[catalog.List, catalog.Page]
}

// entity is a decoded blob, nothing, or why there is nothing. Errors are values here, so that one bad blob is its own
// field's error alone.
type entity struct {
	message proto.Message
	err     error
}

// New makes a request's loaders.
func New(c *catalog.Catalog, screen catalog.Screen) *Loaders {
	l := &Loaders{catalog: c, screen: screen}
	l.entities = dataloader.NewBatchedLoader(batch(l.readEntities), dataloader.WithWait[catalog.Ref, entity](gather))
	l.owners = dataloader.NewBatchedLoader(batch(c.Owners), dataloader.WithWait[catalog.Family, string](gather))
	l.pages = dataloader.NewBatchedLoader(batch(c.Pages), dataloader.WithWait[catalog.List, catalog.Page](gather))
	return l
}

type contextKey struct{}

// With attaches l to a request.
func With(ctx context.Context, l *Loaders) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From returns the request's loaders.
func From(ctx context.Context) *Loaders {
	l, ok := ctx.Value(contextKey{}).(*Loaders)
	if !ok {
		panic("loaders: the request has none")
	}
	return l
}

// Screen is what the request is formatted for.
func (l *Loaders) Screen() catalog.Screen { return l.screen }

// batch adapts a read of many to the loader. The batch has a deadline of its own: the first caller's going away must not
// fail the others.
func batch[K comparable, V any](read func(context.Context, []K) ([]V, error)) dataloader.BatchFunc[K, V] {
	return func(ctx context.Context, keys []K) []*dataloader.Result[V] {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		out := make([]*dataloader.Result[V], len(keys))
		values, err := read(ctx, keys)
		for i := range out {
			if err != nil {
				out[i] = &dataloader.Result[V]{Error: err}
			} else {
				out[i] = &dataloader.Result[V]{Data: values[i]}
			}
		}
		return out
	}
}

func (l *Loaders) readEntities(ctx context.Context, refs []catalog.Ref) ([]entity, error) {
	blobs, err := l.catalog.Blobs(ctx, l.screen, refs)
	if err != nil {
		return nil, err
	}
	out := make([]entity, len(refs))
	for i, b := range blobs {
		if b != nil {
			out[i] = decode(refs[i], b)
		}
	}
	return out, nil
}

func decode(ref catalog.Ref, blob []byte) entity {
	var m proto.Message
	switch ref.Kind {
	case "programme":
		m = &projectionv1.Programme{}
	case "video":
		m = &projectionv1.Video{}
	default:
		return entity{err: fmt.Errorf("no kind %q", ref.Kind)}
	}
	if err := proto.Unmarshal(blob, m); err != nil {
		return entity{err: fmt.Errorf("decoding the blob of %s %q: %w", ref.Kind, ref.ID, err)}
	}
	return entity{message: m}
}

// Entity reads one entity; nil when there is none.
func (l *Loaders) Entity(ctx context.Context, ref catalog.Ref) (proto.Message, error) {
	e, err := l.entities.Load(ctx, ref)()
	if err != nil {
		l.entities.Clear(ctx, ref) // a fault is not an answer to remember
		return nil, err
	}
	return e.message, e.err
}

// Programme reads a programme by its CMS id; nil when there is none.
func (l *Loaders) Programme(ctx context.Context, id string) (*projectionv1.Programme, error) {
	m, err := l.Entity(ctx, catalog.Ref{Kind: "programme", ID: id})
	p, _ := m.(*projectionv1.Programme)
	return p, err
}

// Video reads a video by its CMS id; nil when there is none.
func (l *Loaders) Video(ctx context.Context, id string) (*projectionv1.Video, error) {
	m, err := l.Entity(ctx, catalog.Ref{Kind: "video", ID: id})
	v, _ := m.(*projectionv1.Video)
	return v, err
}

// Owner reads which entity owns a slug; "" when none does.
func (l *Loaders) Owner(ctx context.Context, slug catalog.Family) (string, error) {
	id, err := l.owners.Load(ctx, slug)()
	if err != nil {
		l.owners.Clear(ctx, slug)
	}
	return id, err
}

// Page reads part of a list and, when nodes are wanted, the whole page's entities of that kind in one more read.
func (l *Loaders) Page(ctx context.Context, list catalog.List, kind string, nodes bool) (catalog.Page, error) {
	list.Screen = l.screen
	page, err := l.pages.Load(ctx, list)()
	if err != nil {
		l.pages.Clear(ctx, list)
		return page, err
	}
	if nodes {
		l.prime(ctx, kind, page.Members)
	}
	return page, nil
}

// prime starts no timer: all ids of the level are known. When the read fails, each node's own load says so.
func (l *Loaders) prime(ctx context.Context, kind string, members []string) {
	if len(members) == 0 {
		return
	}
	refs := make([]catalog.Ref, len(members))
	for i, m := range members {
		refs[i] = catalog.Ref{Kind: kind, ID: catalog.ID(m)}
	}
	es, err := l.readEntities(ctx, refs)
	if err != nil {
		return
	}
	for i, e := range es {
		l.entities.Prime(ctx, refs[i], e)
	}
}
