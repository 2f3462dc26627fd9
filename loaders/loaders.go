// Package loaders has one request's batched reads of the catalogue and of the user API: what a level of a query asks for,
// field by field and whatever it is, leaves in one pipeline, or call, and what was read once is not read again.
//
//	resolvers --Programme, Video, Entity...--> keys --> one batch a level --> internal/catalog --> Redis
//	          --Owner, List, Beside, Groups--/ ^
//	              \-- wants the whole page ---/
//	          --State, Favourites, Progress--> keys --> one batch a level --> regie.user.v1.UserService
package loaders

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	projectionv1 "regie/proto/projection/v1"
)

// Gather is how long a lone read waits for its neighbours. The level's fields are resolved at once, so it is short.
const Gather = 200 * time.Microsecond

// Loaders belong to one request.
type Loaders struct {
	catalog *catalog.Catalog
	view    catalog.View
	metrics *Metrics
	// request is done when nobody waits any more.
	request context.Context
	// loads are the batched reads so far.
	loads atomic.Int64
	// calls are those of the user API so far.
	calls atomic.Int64
	// keys answers as catalog.Read does, but a Ref with an entity.
	keys   *dataloader.Loader[catalog.Key, any]
	viewer *Viewer
}

// entity is a decoded blob, nothing, or why there is nothing. Errors are values here, so that one bad blob is its own
// field's error alone.
type entity struct {
	message proto.Message
	err     error
}

// New makes a request's loaders. gather is Gather but for tests that must not depend on the machine's speed.
func New(c *catalog.Catalog, view catalog.View, gather time.Duration) *Loaders {
	l := &Loaders{catalog: c, view: view, request: context.Background()}
	l.keys = dataloader.NewBatchedLoader(l.batch, dataloader.WithWait[catalog.Key, any](gather))
	l.viewer = newViewer(l, gather)
	return l
}

// batch reads a level's keys. It ends with the request, not with the first caller: whose going away must not fail the others.
func (l *Loaders) batch(_ context.Context, keys []catalog.Key) []*dataloader.Result[any] {
	ctx, cancel := context.WithTimeout(l.request, catalog.Patience)
	defer cancel()
	var answers []catalog.Answer
	l.observe(ctx, keys, func(ctx context.Context) error {
		answers = l.catalog.Read(ctx, l.view, keys)
		for _, a := range answers {
			if a.Err != nil {
				return a.Err
			}
		}
		return nil
	})
	out := make([]*dataloader.Result[any], len(keys))
	for i, key := range keys {
		a := answers[i]
		if ref, ok := key.(catalog.Ref); ok && a.Err == nil {
			a.Value = decode(ref, a.Value.([]byte))
		}
		out[i] = &dataloader.Result[any]{Data: a.Value, Error: a.Err}
	}
	return out
}

type contextKey struct{}

// With attaches l to a request, whose end is the end of its reads.
func With(ctx context.Context, l *Loaders) context.Context {
	l.request = ctx
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

// View is where and when the request looks.
func (l *Loaders) View() catalog.View { return l.view }

// load reads one; a fault is not an answer to remember.
func load[V any](ctx context.Context, l *Loaders, key catalog.Key) (V, error) {
	v, err := l.keys.Load(ctx, key)()
	if err != nil {
		l.keys.Clear(ctx, key)
		var none V
		return none, err
	}
	return v.(V), nil
}

func decode(ref catalog.Ref, blob []byte) entity {
	if blob == nil {
		return entity{}
	}
	m := catalog.NewBlob(ref.Kind)
	if err := proto.Unmarshal(blob, m); err != nil {
		return entity{err: fmt.Errorf("decoding the blob of %s %q: %w", ref.Kind, ref.ID, err)}
	}
	return entity{message: m}
}

// Entity reads one entity; nil when there is none. The kind must be one.
func (l *Loaders) Entity(ctx context.Context, ref catalog.Ref) (proto.Message, error) {
	e, err := load[entity](ctx, l, ref)
	return e.message, errors.Join(err, e.err)
}

func as[M proto.Message](ctx context.Context, l *Loaders, kind, id string) (M, error) {
	m, err := l.Entity(ctx, catalog.Ref{Kind: kind, ID: id})
	typed, _ := m.(M)
	return typed, err
}

// Programme reads a programme by its CMS id; nil when there is none.
func (l *Loaders) Programme(ctx context.Context, id string) (*projectionv1.Programme, error) {
	return as[*projectionv1.Programme](ctx, l, "programme", id)
}

// Video reads a video by its CMS id; nil when there is none.
func (l *Loaders) Video(ctx context.Context, id string) (*projectionv1.Video, error) {
	return as[*projectionv1.Video](ctx, l, "video", id)
}

// Channel reads a channel by its CMS id; nil when there is none.
func (l *Loaders) Channel(ctx context.Context, id string) (*projectionv1.Channel, error) {
	return as[*projectionv1.Channel](ctx, l, "channel", id)
}

// Person reads a person by the CMS id; nil when there is none.
func (l *Loaders) Person(ctx context.Context, id string) (*projectionv1.Person, error) {
	return as[*projectionv1.Person](ctx, l, "person", id)
}

// Page reads an editors' page by its CMS id; nil when there is none.
func (l *Loaders) Page(ctx context.Context, id string) (*projectionv1.Page, error) {
	return as[*projectionv1.Page](ctx, l, "page", id)
}

// Want asks for what is about to be read, so that it leaves in one batch with what its neighbours read.
func (l *Loaders) Want(ctx context.Context, keys []catalog.Key) {
	for _, k := range keys {
		l.keys.Load(ctx, k)
	}
}

// Owner reads which entity a slug leads to; "" when to none.
func (l *Loaders) Owner(ctx context.Context, slug catalog.Address) (string, error) {
	return load[string](ctx, l, slug)
}

// List reads part of a list of entities of a kind and, when nodes are wanted, asks for all of the page's.
func (l *Loaders) List(ctx context.Context, list catalog.List, kind string, nodes bool) (catalog.Page, error) {
	page, err := load[catalog.Page](ctx, l, list)
	if err != nil || !nodes {
		return page, err
	}
	refs := make([]catalog.Key, len(page.Members))
	for i, m := range page.Members {
		refs[i] = catalog.Ref{Kind: kind, ID: catalog.ID(m)}
	}
	l.Want(ctx, refs)
	return page, nil
}

// Firsts reads the first member's id of each list, all at once; "" where there is none.
func (l *Loaders) Firsts(ctx context.Context, lists []catalog.List) ([]string, error) {
	for i := range lists {
		lists[i].First = 1
		l.keys.Load(ctx, lists[i])
	}
	out := make([]string, len(lists))
	for i, list := range lists {
		page, err := load[catalog.Page](ctx, l, list)
		if err != nil {
			return nil, err
		}
		if len(page.Members) > 0 {
			out[i] = catalog.ID(page.Members[0])
		}
	}
	return out, nil
}

// Beside reads what is next to a place in a list.
func (l *Loaders) Beside(ctx context.Context, place catalog.Beside) (catalog.Neighbours, error) {
	return load[catalog.Neighbours](ctx, l, place)
}

// Groups reads a list's groups.
func (l *Loaders) Groups(ctx context.Context, g catalog.Grouping) ([]catalog.Group, error) {
	return load[[]catalog.Group](ctx, l, g)
}

// CategoryTitle reads a category's title; "" when there is no such category.
func (l *Loaders) CategoryTitle(ctx context.Context, slug string) (string, error) {
	return load[string](ctx, l, catalog.CategorySlug(slug))
}
