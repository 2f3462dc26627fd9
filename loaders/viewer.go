package loaders

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"regie/internal/identity"
	userv1 "regie/proto/user/v1"
)

// errAnonymous says that nobody is signed in: there is nothing to read.
var errAnonymous = status.Error(codes.Unauthenticated, "Nobody is signed in.")

// viewerWait is what the user API may wait, beside a read's patience, until that is as new as was asked.
const viewerWait = 500 * time.Millisecond

// Viewer has one request's batched reads of what the user API has of the one who asks.
type Viewer struct {
	users   userv1.UserServiceClient
	loaders *Loaders
	reads   *dataloader.Loader[viewerKey, any]

	mu sync.Mutex
	// asked is what no read may be before, and wrote what the request itself wrote since, by kind: the latest is enough.
	asked string
	wrote map[string]string
	// seen is the worst that reads said of how they stand to that.
	seen userv1.Consistency
}

// viewerKey names something to read: a stateKey, a favouritesKey or a progressKey. Each has what it may not be before, so
// that what the request writes is read anew.
type viewerKey any

type stateKey struct{ id, notBefore string }

type favouritesKey struct {
	size                    int32
	after, kinds, notBefore string
}

type progressKey struct {
	size             int32
	after, notBefore string
}

const (
	// maxStates is how many ids the user API answers at once.
	maxStates = 500
	// maxID is how long an id can be that it takes, in bytes: of a longer one there is no state.
	maxID = 500
	// maxCalls bounds the calls of one request that are under way.
	maxCalls = 8
)

func newViewer(l *Loaders, gather time.Duration) *Viewer {
	v := &Viewer{loaders: l, wrote: map[string]string{}}
	v.reads = dataloader.NewBatchedLoader(v.batch, dataloader.WithWait[viewerKey, any](gather))
	return v
}

// Ask names the user API, without which nobody may be signed in.
func (l *Loaders) Ask(users userv1.UserServiceClient) *Loaders {
	l.viewer.users = users
	return l
}

// Viewer reads what the user API has of the one who asks.
func (l *Loaders) Viewer() *Viewer { return l.viewer }

// NotBefore is what the request's reads may not be before; call it before the first. "": nothing.
func (v *Viewer) NotBefore(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = token
}

// Wrote says that the request has written something of a kind, which its later reads may not be before.
func (v *Viewer) Wrote(kind string, r *userv1.Receipt) {
	if r.GetToken() == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrote[kind] = r.GetToken()
}

// notBefore joins what was asked for and what was written.
func (v *Viewer) notBefore() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []string
	if v.asked != "" {
		all = append(all, v.asked)
	}
	for _, token := range v.wrote {
		all = append(all, token)
	}
	slices.Sort(all)
	return strings.Join(all, "~")
}

// Consistency is how the reads so far stand to what they may not be before; unspecified without any.
func (v *Viewer) Consistency() userv1.Consistency {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen
}

func (v *Viewer) saw(c userv1.Consistency) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = max(v.seen, c)
}

// Asking returns a context in which the user API is asked on the caller's behalf, or an error when nobody is signed in.
// The user API verifies the token again.
func (v *Viewer) Asking(ctx context.Context) (context.Context, error) {
	caller, ok := identity.From(ctx)
	if !ok {
		return ctx, errAnonymous
	}
	return metadata.AppendToOutgoingContext(ctx, identity.MetadataToken, "Bearer "+caller.Token), nil
}

// State reads what the viewer did with a programme or video, by its global id.
func (v *Viewer) State(ctx context.Context, id string) (*userv1.State, error) {
	return read[*userv1.State](ctx, v, stateKey{id, v.notBefore()})
}

// Check reads nothing, but whether that may be read which the request's reads may not be before.
func (v *Viewer) Check(ctx context.Context) error {
	_, err := read[*userv1.State](ctx, v, stateKey{"", v.notBefore()})
	return err
}

// Want asks for states that are about to be read, so that they leave in one call.
func (v *Viewer) Want(ctx context.Context, ids []string) {
	notBefore := v.notBefore()
	for _, id := range ids {
		v.reads.Load(ctx, stateKey{id, notBefore})
	}
}

// Favourites reads a page of favourites of these kinds, or of all.
func (v *Viewer) Favourites(ctx context.Context, size int, after string, kinds []string) (*userv1.ListFavouritesResponse, error) {
	kinds = slices.Compact(slices.Sorted(slices.Values(kinds)))
	return read[*userv1.ListFavouritesResponse](ctx, v, favouritesKey{int32(size), after, strings.Join(kinds, ","), v.notBefore()})
}

// Progress reads a page of what was watched last of each programme.
func (v *Viewer) Progress(ctx context.Context, size int, after string) (*userv1.ListProgressResponse, error) {
	return read[*userv1.ListProgressResponse](ctx, v, progressKey{int32(size), after, v.notBefore()})
}

// read reads one; a fault is not an answer to remember.
func read[A any](ctx context.Context, v *Viewer, key viewerKey) (A, error) {
	a, err := v.reads.Load(ctx, key)()
	if err != nil {
		v.reads.Clear(ctx, key)
		var none A
		return none, err
	}
	return a.(A), nil
}

// batch reads a level's keys: its states in one call, beside them its lists. As Loaders.batch it ends with the request.
func (v *Viewer) batch(_ context.Context, keys []viewerKey) []*dataloader.Result[any] {
	out := make([]*dataloader.Result[any], len(keys))
	ctx, err := v.Asking(v.loaders.request)
	if err != nil {
		for i := range out {
			out[i] = &dataloader.Result[any]{Error: err}
		}
		return out
	}
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	states := map[string][]int{} // indexes of keys, by what they may not be before
	for i, key := range keys {
		switch key := key.(type) {
		case stateKey:
			states[key.notBefore] = append(states[key.notBefore], i)
		case favouritesKey:
			calls.Go(func() error { out[i] = v.favourites(ctx, key); return nil })
		case progressKey:
			calls.Go(func() error { out[i] = v.progress(ctx, key); return nil })
		}
	}
	for notBefore, all := range states {
		for some := range slices.Chunk(all, maxStates) {
			calls.Go(func() error { v.states(ctx, keys, some, notBefore, out); return nil })
		}
	}
	_ = calls.Wait() // each key has its own error
	return out
}

// states reads those of some keys.
func (v *Viewer) states(ctx context.Context, keys []viewerKey, some []int, notBefore string, out []*dataloader.Result[any]) {
	req := &userv1.GetStatesRequest{NotBefore: notBefore}
	for _, i := range some {
		if id := keys[i].(stateKey).id; id != "" && len(id) <= maxID {
			req.Ids = append(req.Ids, id)
		}
	}
	got, err := observed(ctx, v, len(req.Ids), notBefore, func(ctx context.Context) (*userv1.GetStatesResponse, error) { return v.users.GetStates(ctx, req) })
	byID := map[string]*userv1.State{}
	for _, s := range got.GetStates() {
		byID[s.GetId()] = s
	}
	for _, i := range some {
		out[i] = &dataloader.Result[any]{Data: byID[keys[i].(stateKey).id], Error: err}
	}
}

func (v *Viewer) favourites(ctx context.Context, key favouritesKey) *dataloader.Result[any] {
	req := &userv1.ListFavouritesRequest{PageSize: key.size, PageToken: key.after, NotBefore: key.notBefore}
	if key.kinds != "" {
		req.Kinds = strings.Split(key.kinds, ",")
	}
	got, err := observed(ctx, v, 1, key.notBefore, func(ctx context.Context) (*userv1.ListFavouritesResponse, error) {
		return v.users.ListFavourites(ctx, req)
	})
	return &dataloader.Result[any]{Data: got, Error: err}
}

func (v *Viewer) progress(ctx context.Context, key progressKey) *dataloader.Result[any] {
	req := &userv1.ListProgressRequest{PageSize: key.size, PageToken: key.after, NotBefore: key.notBefore}
	got, err := observed(ctx, v, 1, key.notBefore, func(ctx context.Context) (*userv1.ListProgressResponse, error) { return v.users.ListProgress(ctx, req) })
	return &dataloader.Result[any]{Data: got, Error: err}
}

// observed is a call within its patience, counted, and what it says of its consistency.
func observed[A interface{ GetConsistency() userv1.Consistency }](ctx context.Context, v *Viewer, keys int, notBefore string, call func(context.Context) (A, error)) (A, error) {
	patience := v.loaders.patience
	if notBefore != "" {
		patience += viewerWait
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	a, err := call(ctx)
	v.loaders.called(keys, time.Since(began))
	switch {
	case err == nil:
		v.saw(a.GetConsistency())
	case notBefore != "":
		v.saw(userv1.Consistency_CONSISTENCY_STALE)
	}
	return a, err
}
