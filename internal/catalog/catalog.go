// Package catalog is the projection in Redis: blobs, lists and slugs, as project writes them and the gateway reads them.
//
//	{programme:17}:web ...            a home: hashes of blobs by id, one for each screen   \  an entity's lie
//	{programme:17}:entities           each entity's fence and where it is to be            /  in one slot
//
//	{programmes}:date ...             a family: sorted sets of members                     \  a member's places
//	{programmes}:members              each member's fence                                  /  change together
//	{videos:17}, {credits:4}, {slug:programme:42} ...    more families; these are shared by hash
//
// An entity and its families lie in different slots, so no transaction spans them. The entity notes where it is to be and
// may be before any family changes: a crash between two steps is repaired by the same change coming again, or by the
// next. Every step refuses a fence that is older than what it finds.
//
// Lists have every entity, whatever its rights: who may see it depends on the screen, the territory and the clock, which
// the members' notes answer at read.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Screen is what an answer is formatted for.
type Screen string

// The screens.
const (
	Web    Screen = "web"
	Mobile Screen = "mobile"
	IPTV   Screen = "iptv"
)

// Screens are all of them.
func Screens() []Screen { return []Screen{Web, Mobile, IPTV} }

// ParseScreen refuses an unknown screen.
func ParseScreen(s string) (Screen, error) {
	for _, known := range Screens() {
		if s == string(known) {
			return known, nil
		}
	}
	return "", fmt.Errorf("unknown screen %q: known are web, mobile and iptv", s)
}

// Catalog is one generation of the projection.
type Catalog struct {
	redis  redis.UniversalClient
	prefix string
}

// New does no I/O. The prefix distinguishes projects and generations that share a Redis.
func New(client redis.UniversalClient, prefix string) *Catalog {
	return &Catalog{redis: client, prefix: prefix + ":"}
}

// Connect makes a client of a redis://, rediss:// or redis+cluster:// URL. It does no I/O yet. Close it.
func Connect(url string) (redis.UniversalClient, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return nil, fmt.Errorf("redis address %q is no URL such as redis://127.0.0.1:6379 or redis+cluster://127.0.0.1:6379", url)
	}
	const (
		// dial is short: in a data centre who does not accept within a second does not.
		dial = time.Second
		// io is for writes, whose pipelines are long. A read has its own Patience.
		io = 5 * time.Second
	)
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if plain, isCluster := strings.CutSuffix(scheme, "+cluster"); isCluster {
		o, err := redis.ParseClusterURL(plain + "://" + rest)
		if err != nil {
			return nil, fmt.Errorf("redis address: %w", err)
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dial, io, io
		o.DialerRetries = 1 // commands are retried, and dial again
		o.ContextTimeoutEnabled = true
		o.DisableIdentity = true                       // a round trip less for a new connection
		o.ClusterStateReloadInterval = 2 * time.Second // nothing else tells of a replica that took over
		o.MaintNotificationsConfig = quiet
		client := redis.NewClusterClient(o)
		client.OnNewNode(func(node *redis.Client) { node.AddHook(&guard{}) })
		return client, nil
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis address: %w", err)
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dial, io, io
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = quiet
	client := redis.NewClient(o)
	client.AddHook(&guard{})
	return client, nil
}

// LogTo sends the Redis client's own lines, of which a Redis that is away makes many, to a log's debug level. It holds
// for the process.
func LogTo(log *slog.Logger) { redis.SetLogger(clientLog{log}) }

type clientLog struct{ log *slog.Logger }

func (l clientLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, v...))
}

// Ping tells whether Redis answers; of a cluster, whether any node does.
func (c *Catalog) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	ping := func(ctx context.Context) error { return c.redis.Ping(ctx).Err() }
	if cluster, ok := c.redis.(*redis.ClusterClient); ok {
		ping = func(ctx context.Context) error { return pingAny(ctx, cluster) }
	}
	if err := ping(ctx); err != nil {
		return fmt.Errorf("asking Redis: %w", err)
	}
	return nil
}

// pingAny asks the masters at once; without an error when one of them answers. (To the client a PING is for all.)
func pingAny(ctx context.Context, cluster *redis.ClusterClient) error {
	masters := map[*redis.Client]bool{}
	for i := range 100 { // keys enough to meet every master
		m, err := cluster.MasterForKey(ctx, strconv.Itoa(i))
		if err != nil {
			return err
		}
		masters[m] = true
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(masters))
	for m := range masters {
		wg.Go(func() { errs <- m.Ping(ctx).Err() })
	}
	wg.Wait()
	close(errs)
	var last error
	for err := range errs {
		if err == nil {
			return nil
		}
		last = err
	}
	return last
}

// run executes a pipeline, which may have scripts; Redis forgets them when it restarts, then they are loaded and sent once
// more. Also with an error, which is the first command's that has one, there are all commands.
func (c *Catalog) run(ctx context.Context, add func(redis.Pipeliner)) ([]redis.Cmder, error) {
	send := func() ([]redis.Cmder, error) {
		return c.redis.Pipelined(ctx, func(p redis.Pipeliner) error { add(p); return nil })
	}
	cmds, err := send()
	if err != nil && isNoScript(cmds) {
		lacking := c.loadScripts(ctx)
		if cmds, err = send(); err != nil && isNoScript(cmds) {
			return cmds, lacking
		}
	}
	if err == nil || errors.Is(err, redis.Nil) {
		return cmds, nil
	}
	return cmds, fmt.Errorf("asking Redis: %w", err)
}

func isNoScript(cmds []redis.Cmder) bool {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			return true
		}
	}
	return false
}

func (c *Catalog) loadScripts(ctx context.Context) error {
	var errs []error
	for _, s := range []*redis.Script{entityScript, placeScript, finishScript, positionScript, groupsScript} {
		if err := s.Load(ctx, c.redis).Err(); err != nil { // the cluster's other nodes have it
			errs = append(errs, fmt.Errorf("loading a script into Redis: %w", err))
		}
	}
	return errors.Join(errs...)
}
