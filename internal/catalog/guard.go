package catalog

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// again is how often a node that does not answer is asked whether it does.
const again = 100 * time.Millisecond

// errSilent is what a read gets that was not sent.
var errSilent = errors.New("the node has not answered of late")

// guard keeps reads from waiting, one after the other, for a Redis node that does not answer: when one has waited in vain
// those that follow fail at once, but for one every so often, until there is an answer. So what waits is bounded, however
// many ask, and a request that reads level by level waits once. It is for what has a deadline; writes have none.
type guard struct {
	mu     sync.Mutex
	silent bool
	next   time.Time // when one may ask a silent node
}

var _ redis.Hook = (*guard)(nil)

// admitted marks what a guard let pass: a new connection's handshake goes through it once more.
type admitted struct{}

func (g *guard) DialHook(next redis.DialHook) redis.DialHook { return next }

func (g *guard) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (g *guard) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		deadline, ok := ctx.Deadline()
		if !ok || ctx.Value(admitted{}) != nil {
			return next(ctx, cmds)
		}
		if !g.admits(time.Now()) {
			for _, cmd := range cmds {
				cmd.SetErr(errSilent)
			}
			return errSilent
		}
		began := time.Now()
		allowed := deadline.Sub(began)
		if allowed > Patience/2 { // A cluster's client has something left, else it would take the other nodes' answers back.
			allowed = allowed * 7 / 8
		}
		ctx, cancel := context.WithTimeout(context.WithValue(ctx, admitted{}, true), allowed)
		defer cancel()
		err := next(ctx, cmds)
		g.hear(ctx, err, time.Since(began))
		return err
	}
}

func (g *guard) admits(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.silent && now.Before(g.next) {
		return false
	}
	g.next = now.Add(again)
	return true
}

// hear notes what became of a read. Who was in a hurry, or left, has not learned anything.
func (g *guard) hear(ctx context.Context, err error, waited time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var network net.Error
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
	case err == nil || !errors.As(err, &network) || !network.Timeout(): // an error is an answer, too
		g.silent = false
	case waited > Patience/2:
		g.silent, g.next = true, time.Now().Add(again)
	}
}
