// Package loaders has one request's batched reads of the catalogue and of the user API: what a level of a query asks for,
// field by field and whatever it is, leaves in one pipeline, or call, and what was read once is not read again.
//
//	resolvers --Programme, Video, Entity...--> keys --> one batch a level --> internal/catalog --> Redis
//	          --Owner, List, Beside, Groups--/ ^                         \--> internal/trend ----/
//	          --Top, Ranked-----------------/  |
//	              \-- wants the whole page ----/
//	          --State, Favourites, Progress--> keys --> one batch a level --> regie.user.v1.UserService
package loaders

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	"regie/internal/trend"
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
	// keys answers a catalog.Key as catalog.Read does, but a Ref with an entity, and a trend.List with its items.
	keys   *dataloader.Loader[key, any]
	viewer *Viewer
	trends *trend.Trend
	// patience is what a read may take.
	patience time.Duration
}

// key names something to read: a catalog.Key or a trend.List.
type key any

// entity is a decoded blob, nothing, or why there is nothing. Errors are values here, so that one bad blob is its own
// field's error alone.
type entity struct {
	message proto.Message
	err     error
}

// New makes a request's loaders. gather is Gather but for tests that must not depend on the machine's speed.
func New(c *catalog.Catalog, view catalog.View, gather time.Duration) *Loaders {
	l := &Loaders{catalog: c, view: view, request: context.Background(), patience: catalog.Patience}
	l.keys = dataloader.NewBatchedLoader(l.batch, dataloader.WithWait[key, any](gather))
	l.viewer = newViewer(l, gather)
	return l
}

// Patient has reads take more than catalog.Patience, likewise.
func (l *Loaders) Patient(d time.Duration) *Loaders {
	l.patience = d
	return l
}

// batch reads a level's keys: those of the catalogue and, beside them, rankings, so that what follows from either is one
// level again. It ends with the request, not with the first caller: whose going away must not fail the others.
func (l *Loaders) batch(_ context.Context, keys []key) []*dataloader.Result[any] {
	ctx, cancel := context.WithTimeout(l.request, l.patience)
	defer cancel()
	var entries []catalog.Key
	var lists []trend.List
	for _, k := range keys {
		if list, ok := k.(trend.List); ok {
			lists = append(lists, list)
		} else {
			entries = append(entries, k.(catalog.Key))
		}
	}
	var rankings []trend.Answer
	var answers []catalog.Answer
	var both sync.WaitGroup
	both.Go(func() { rankings = l.rank(ctx, lists) })
	answers = l.read(ctx, entries)
	both.Wait()
	out := make([]*dataloader.Result[any], len(keys))
	for i, k := range keys {
		switch k := k.(type) {
		case trend.List:
			out[i] = &dataloader.Result[any]{Data: rankings[0].Items, Error: rankings[0].Err}
			rankings = rankings[1:]
			continue
		case catalog.Ref:
			if answers[0].Err == nil {
				answers[0].Value = decode(k, answers[0].Value.([]byte))
			}
		}
		out[i] = &dataloader.Result[any]{Data: answers[0].Value, Error: answers[0].Err}
		answers = answers[1:]
	}
	return out
}

// read reads keys of the catalogue.
func (l *Loaders) read(ctx context.Context, keys []catalog.Key) (answers []catalog.Answer) {
	if len(keys) == 0 {
		return nil
	}
	observe(ctx, l, keys, func(ctx context.Context) error {
		answers = l.catalog.Read(ctx, l.view, keys)
		for _, a := range answers {
			if a.Err != nil {
				return a.Err
			}
		}
		return nil
	})
	return answers
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
func load[V any](ctx context.Context, l *Loaders, key key) (V, error) {
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

// Sections reads what was computed of a programme, by its CMS id; nil when nothing was.
func (l *Loaders) Sections(ctx context.Context, programmeID string) (*projectionv1.ProgrammeSections, error) {
	return as[*projectionv1.ProgrammeSections](ctx, l, catalog.Sections, programmeID)
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
